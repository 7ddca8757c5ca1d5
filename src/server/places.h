/* SPDX-License-Identifier: MIT
 * Whether a path stays where it must. */
#ifndef SERVER_PLACES_H
#define SERVER_PLACES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* Whether path is root or lies below it; both absolute, without links. */
bool places_is_below(const char *path, const char *root);

/* The regular file of this name in the folder root, links followed, if it is
 * below root then: owned. AKIN_ENOTFOUND otherwise, whatever there is. */
akin_status places_find(const char *root, const char *name, char **out,
                        akin_error *err) AKIN_NODISCARD;

/* A path as a client says it, links followed, if it is one of the roots or lies
 * below one and there is something: owned. AKIN_ENOTFOUND otherwise. */
akin_status places_allowed(const char *const *roots, size_t n_roots,
                           const char *path, char **out, akin_error *err)
    AKIN_NODISCARD;

/* The path of something new of this name in the folder root, which is made:
 * owned. AKIN_EUSAGE: a name that is a path or hidden, or too long;
 * AKIN_EEXISTS: there is something (unless `again`, and it lies in root
 * itself). */
akin_status places_new(const char *root, const char *name, bool again,
                       char **out, akin_error *err) AKIN_NODISCARD;

#endif
