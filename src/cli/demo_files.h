/* SPDX-License-Identifier: MIT
 * The files that the demo works on, and what their captions say. */
#ifndef CLI_DEMO_FILES_H
#define CLI_DEMO_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct demo_files {
    char **paths; /* owned, sorted */
    size_t n, cap;
} demo_files;

/* Adds a copy of path. */
akin_status demo_files_add(demo_files *files, const char *path,
                           akin_error *err) AKIN_NODISCARD;

/* Adds the files below dir that are wanted. None (AKIN_OK) where there is no
 * such folder. */
akin_status demo_files_find(demo_files *files, const char *dir,
                            bool (*wanted)(const char *path),
                            akin_error *err) AKIN_NODISCARD;

void demo_files_clear(demo_files *files);

/* What a file is: the first line of the caption beside it (NAME.txt), else its
 * name without folders and extension. Owned; NULL when memory is out. */
char *demo_files_caption(const char *path);

#endif
