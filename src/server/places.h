/* SPDX-License-Identifier: MIT
 * Whether a path stays where it must. */
#ifndef SERVER_PLACES_H
#define SERVER_PLACES_H

#include <stdbool.h>

#include "base/error.h"

/* Whether path is root or lies below it; both absolute, without links. */
bool places_is_below(const char *path, const char *root);

/* The regular file of this name in the folder root, links followed, if it is
 * below root then: owned. AKIN_ENOTFOUND otherwise, whatever there is. */
akin_status places_find(const char *root, const char *name, char **out,
                        akin_error *err) AKIN_NODISCARD;

#endif
