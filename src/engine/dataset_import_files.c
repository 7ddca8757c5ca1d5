/* SPDX-License-Identifier: MIT
 * What an import is of: the metadata in a folder and in its splits, and the
 * image files that no metadata speak of. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/dataset_import_int.h"

#define IMPORT_MAX_FILES ((size_t)1 << 28)
#define IMPORT_MAX_SPLITS 65536

static akin_status files_no_memory(akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the list of files");
}

/* ---- splits ------------------------------------------------------------------ */

/* path below the folder; the folder is one of path's parents. */
static const char *files_below(const dataset_import *x, const char *path)
{
    size_t n = strlen(x->folder);
    if (strncmp(path, x->folder, n) != 0) return path;
    return path + n + (path[n] == '/');
}

char *import_split(const dataset_import *x, const char *url)
{
    char *path = file_join(x->media, url);
    if (!path) return NULL;
    const char *below = files_below(x, path), *slash = strchr(below, '/');
    char *split = !slash || below == path
                      ? mem_strdup("default")
                      : text_format("%.*s", (int)(slash - below), below);
    mem_free(path);
    return split;
}

/* ---- metadata ---------------------------------------------------------------- */

/* Takes path over. Files that do not lie beside it are looked for in the whole
 * folder; beside metadata from elsewhere they are not looked for at all. */
static akin_status files_add_metadata(dataset_import *x, char *path,
                                      const char *split, akin_error *err)
{
    void *p = x->metadata;
    akin_status status = mem_grow(&p, &x->cap_metadata, x->n_metadata + 1,
                                  sizeof *x->metadata, IMPORT_MAX_SPLITS, err);
    x->metadata = p;
    if (status != AKIN_OK) {
        mem_free(path);
        return status;
    }
    import_metadata *its = &x->metadata[x->n_metadata++];
    char *folder = file_parent(path);
    *its = (import_metadata){.m = {.path = path, .view = x->view}};
    its->m.csv = text_ends_with(path, ".csv", true);
    its->split = mem_strdup(split);
    if (!folder || (split && !its->split)) {
        mem_free(folder);
        return files_no_memory(err);
    }
    size_t n = strlen(x->folder);
    bool inside = strncmp(folder, x->folder, n) == 0 &&
                  (folder[n] == '/' || !folder[n]);
    its->m.beside = mem_strdup(x->folder);
    its->m.folder = inside ? folder : mem_strdup(x->folder);
    if (!inside) mem_free(folder);
    return its->m.folder && its->m.beside ? AKIN_OK : files_no_memory(err);
}

/* metadata.jsonl or metadata.csv of a folder, if it is there. */
static akin_status files_look_for_metadata(dataset_import *x,
                                           const char *folder,
                                           const char *split, bool *found,
                                           akin_error *err)
{
    static const char *const names[] = {"metadata.jsonl", "metadata.csv"};
    *found = false;
    for (size_t i = 0; i < 2 && !*found; i++) {
        char *path = file_join(folder, names[i]);
        if (!path) return files_no_memory(err);
        *found = file_exists(path) && !file_is_dir(path);
        if (!*found)
            mem_free(path);
        else
            AKIN_TRY(files_add_metadata(x, path, split, err));
    }
    return AKIN_OK;
}

static akin_status files_of_splits(dataset_import *x, akin_error *err)
{
    char **names = NULL;
    size_t n = 0;
    bool found;
    AKIN_TRY(file_list_new(x->folder, &names, &n, err));
    akin_status status = AKIN_OK;
    for (size_t i = 0; i < n && status == AKIN_OK; i++) {
        char *path = file_join(x->folder, names[i]);
        status = path ? AKIN_OK : files_no_memory(err);
        if (path && file_is_dir(path))
            status = files_look_for_metadata(x, path, names[i], &found, err);
        mem_free(path);
    }
    file_list_free(names, n);
    return status;
}

/* ---- files ------------------------------------------------------------------- */

/* In a split that has metadata these are all that is wanted of it. */
static bool files_in_metadata(const dataset_import *x, const char *path)
{
    const char *below = files_below(x, path);
    for (size_t i = 0; i < x->n_metadata; i++) {
        const char *split = x->metadata[i].split;
        size_t n = split ? strlen(split) : 0;
        if (n && strncmp(below, split, n) == 0 && below[n] == '/') return true;
    }
    return false;
}

static bool files_holds(const char *folder, const char *path)
{
    size_t n = strlen(folder);
    return strncmp(folder, path, n) == 0 && path[n] == '/';
}

static akin_status files_visit(void *user, const char *path, akin_error *err)
{
    dataset_import *x = user;
    if (!image_is_image_name(path) || files_in_metadata(x, path)) return AKIN_OK;
    if (files_holds(x->folder, x->own) && files_holds(x->own, path))
        return AKIN_OK; /* the dataset's own, such as a preview */
    void *p = x->files;
    akin_status status = mem_grow(&p, &x->cap_files, x->n_files + 1,
                                  sizeof *x->files, IMPORT_MAX_FILES, err);
    x->files = p;
    AKIN_TRY(status);
    x->files[x->n_files] = mem_strdup(path);
    if (!x->files[x->n_files]) return files_no_memory(err);
    x->n_files++;
    if (import_tell(x)) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECANCELLED, "stopped; nothing was written");
}

static void files_unreadable(void *user, const char *path, const char *reason)
{
    char text[512];
    int n = snprintf(text, sizeof text, "cannot read it: %s", reason);
    if (n > 0) import_problem(user, path, 0, text);
}

/* ---- all of it ------------------------------------------------------------------ */

static akin_status files_given_metadata(dataset_import *x, akin_error *err)
{
    const char *given = x->opt->metadata;
    bool known = text_ends_with(given, ".jsonl", true) ||
                 text_ends_with(given, ".csv", true);
    if (!known)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "metadata are a .jsonl or a .csv, which '%s' is not",
                         given);
    if (!file_exists(given))
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no '%s'", given);
    char *path = file_absolute(given);
    return path ? files_add_metadata(x, path, NULL, err) : files_no_memory(err);
}

static akin_status files_find_all(dataset_import *x, akin_error *err)
{
    bool found;
    if (x->opt->metadata) return files_given_metadata(x, err);
    AKIN_TRY(files_look_for_metadata(x, x->folder, NULL, &found, err));
    if (found) return AKIN_OK;
    AKIN_TRY(files_of_splits(x, err));
    file_visitor visitor = {files_visit, files_unreadable, x};
    return file_walk(x->folder, &visitor, err);
}

akin_status import_find(dataset_import *x, akin_error *err)
{
    AKIN_TRY(files_find_all(x, err));
    x->n_total = x->n_files;
    for (size_t i = 0; i < x->n_metadata; i++) {
        metadata *m = &x->metadata[i].m;
        AKIN_TRY(metadata_learn(m, import_tell, x, err));
        x->n_total += m->n_rows;
    }
    return AKIN_OK;
}
