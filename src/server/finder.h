/* SPDX-License-Identifier: MIT
 * The datasets and databases in the server's folder: where they are. */
#ifndef SERVER_FINDER_H
#define SERVER_FINDER_H

#include <stdbool.h>
#include <stddef.h>

/* Owned paths, in byte order. */
typedef struct finder_paths {
    char **items;
    size_t n, cap;
} finder_paths;

bool finder_is_dataset(const char *path);
bool finder_is_database(const char *path);

/* Those below root (or root itself) that `is` holds for, two levels deep; what
 * is inside a dataset or a database is its own affair. */
void finder_list(const char *root, bool (*is)(const char *path),
                 finder_paths *out);
void finder_clear(finder_paths *paths);

#endif
