/* SPDX-License-Identifier: MIT
 * The media files that a list of files and folders stands for, and their names
 * in a database. */
#ifndef ENGINE_INPUTS_H
#define ENGINE_INPUTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/model.h"

typedef struct input_file {
    char *path;    /* absolute */
    char *name;    /* in the database; NULL: the path below its audio root */
    char *problem; /* why it cannot be read; NULL if nothing is known against it */
    int64_t size_bytes, mtime_ns;
} input_file;

typedef struct inputs {
    input_file *files; /* by path, each once */
    size_t n, cap;
    int64_t n_bytes; /* of all */
    bool (*wanted)(const char *path); /* while collecting */
} inputs;

/* Folders are searched through for the names of what a model of this kind takes;
 * files given by name are taken whatever they are called. AKIN_ENOTFOUND for a
 * path that is not there, or when there is no such file at all. Unreadable
 * folders are entries with a problem. */
akin_status inputs_collect(inputs *in, const char *const *paths, size_t n,
                           model_kind kind, akin_error *err) AKIN_NODISCARD;
void inputs_clear(inputs *in);

/* One file by path and name, both taken as they are: no link is resolved. With a
 * problem it will be told as failed. Sort the inputs (each path and name once)
 * when all are there. */
akin_status inputs_add_named(inputs *in, const char *path, const char *name,
                             const char *problem, akin_error *err)
    AKIN_NODISCARD;
void inputs_sort(inputs *in);

/* The deepest folder that holds the parents of all paths, as BirdNET-Analyzer's
 * audio root holds the input folder (owned). */
akin_status inputs_root(const char *const *paths, size_t n, char **out,
                        akin_error *err) AKIN_NODISCARD;

/* path below root as it is stored, NULL if it is not below. Borrowed from
 * path. */
const char *inputs_name(const char *root, const char *path);

#endif
