/* SPDX-License-Identifier: MIT
 * Looking through the server's folder. */
#define _GNU_SOURCE
#include "server/finder.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define DEPTH 2
#define MAX_PATHS 10000

void finder_clear(finder_paths *paths)
{
    for (size_t i = 0; i < paths->n; i++) mem_free(paths->items[i]);
    mem_free(paths->items);
    *paths = (finder_paths){0};
}

static bool has_file(const char *path, const char *name)
{
    char *file = file_join(path, name);
    bool has = file && file_exists(file);
    mem_free(file);
    return has;
}

bool finder_is_dataset(const char *path)
{
    return has_file(path, "info.json") && !has_file(path, "hoplite.sqlite");
}

bool finder_is_database(const char *path)
{
    return has_file(path, "hoplite.sqlite");
}

/* Takes path; MAX_PATHS bounds what a huge folder costs. */
static void add_path(finder_paths *paths, char *path)
{
    if (mem_grow((void **)&paths->items, &paths->cap, paths->n + 1,
                 sizeof *paths->items, MAX_PATHS, NULL) == AKIN_OK)
        paths->items[paths->n++] = path;
    else
        mem_free(path);
}

/* Links are not followed: they could lead out of the folder, or around. */
static void look_in(const char *folder, bool (*is)(const char *path), int depth,
                    finder_paths *paths)
{
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        if (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) continue;
        char *path = file_join(folder, e->d_name);
        if (path && is(path)) {
            add_path(paths, path);
            continue;
        }
        if (path && depth > 1 && file_is_dir(path) &&
            !finder_is_dataset(path) && !finder_is_database(path))
            look_in(path, is, depth - 1, paths);
        mem_free(path);
    }
    if (dir) closedir(dir);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void finder_list(const char *root, bool (*is)(const char *path),
                 finder_paths *out)
{
    *out = (finder_paths){0};
    if (is(root)) {
        char *copy = mem_strdup(root);
        if (copy) add_path(out, copy);
        return;
    }
    if (finder_is_dataset(root) || finder_is_database(root)) return;
    look_in(root, is, DEPTH, out);
    if (out->n > 0)
        qsort(out->items, out->n, sizeof *out->items, compare_paths);
}
