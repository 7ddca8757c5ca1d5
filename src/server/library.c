/* SPDX-License-Identifier: MIT
 * The library.
 *
 * Its folder is looked through each time the datasets are listed or an id is
 * not known, two levels deep: names come and go while the server runs, and
 * reading some folders is quick. An open dataset is shared by all readers and
 * counted; it is closed by whoever comes by after it was left alone for long.
 * An entry whose info.json is no longer the same file, or that somebody wrote
 * to, is out of date: it is taken off the list at once and closed by its last
 * user. */
#define _GNU_SOURCE
#include "server/library.h"

#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/finder.h"

typedef struct open_dataset {
    library_entry entry; /* first: an entry is its open_dataset */
    file_stamp stamp;    /* of its info.json */
    size_t n_users;
    double used_s;
    bool stale;
    struct open_dataset *next;
} open_dataset;

struct library {
    char *root;
    double close_s;
    const akin_model_options *models;
    pthread_mutex_t lock;
    open_dataset *list;
};

/* ---- opening and closing ------------------------------------------------ */

static void close_dataset(open_dataset *d)
{
    akin_dataset_close(d->entry.dataset);
    mem_free(d->entry.path);
    mem_free(d->entry.id);
    mem_free(d);
}

static bool stamp_of(const char *path, file_stamp *out)
{
    char *info = file_join(path, "info.json");
    bool ok = info && file_stat(info, out, NULL) == AKIN_OK;
    mem_free(info);
    return ok;
}

static bool is_current(const open_dataset *d)
{
    file_stamp now;
    return !d->stale && stamp_of(d->entry.path, &now) &&
           now.inode == d->stamp.inode && now.mtime_ns == d->stamp.mtime_ns &&
           now.size_bytes == d->stamp.size_bytes;
}

/* With the lock held: closes what is out of date or was left alone, and is in
 * nobody's use. */
static void sweep(library *lib)
{
    double now = clock_now_s();
    for (open_dataset **at = &lib->list; *at;) {
        open_dataset *d = *at;
        bool idle = now - d->used_s > lib->close_s;
        if (d->n_users == 0 && (idle || d->stale)) {
            *at = d->next;
            close_dataset(d);
        } else {
            at = &d->next;
        }
    }
}

/* With the lock held: the current entry of this folder (path) or id. */
static open_dataset *find_open(library *lib, const char *path, const char *id)
{
    for (open_dataset *d = lib->list; d; d = d->next) {
        if (d->stale) continue;
        bool same = path ? text_equal(d->entry.path, path)
                         : text_equal(d->entry.id, id);
        if (!same) continue;
        if (is_current(d)) return d;
        d->stale = true;
    }
    return NULL;
}

static akin_status open_path(library *lib, const char *path,
                             open_dataset **out, akin_error *err)
{
    akin_dataset_options opt = {.models = lib->models};
    akin_dataset_info info = {0};
    open_dataset *d;
    AKIN_TRY(mem_new_array(1, sizeof *d, "a dataset", (void **)&d, err));
    d->entry.path = mem_strdup(path);
    stamp_of(path, &d->stamp);
    akin_status status = akin_dataset_open(path, &opt, &d->entry.dataset, err);
    if (status == AKIN_OK)
        status = akin_dataset_get_info(d->entry.dataset, &info, err);
    if (status == AKIN_OK) d->entry.id = mem_strdup(info.id);
    if (status == AKIN_OK && (!d->entry.path || !d->entry.id))
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a dataset");
    if (status != AKIN_OK) {
        close_dataset(d);
        return status;
    }
    *out = d;
    return AKIN_OK;
}

/* With the lock held, so that a dataset is opened once: that takes
 * milliseconds. */
static akin_status use_path(library *lib, const char *path, library_entry **out,
                            akin_error *err)
{
    open_dataset *d = find_open(lib, path, NULL);
    if (!d) {
        AKIN_TRY(open_path(lib, path, &d, err));
        d->next = lib->list;
        lib->list = d;
    }
    d->n_users++;
    d->used_s = clock_now_s();
    *out = &d->entry;
    return AKIN_OK;
}

void library_put(library *lib, library_entry *entry)
{
    open_dataset *d = (open_dataset *)entry;
    if (!entry) return;
    pthread_mutex_lock(&lib->lock);
    d->n_users--;
    d->used_s = clock_now_s();
    sweep(lib);
    pthread_mutex_unlock(&lib->lock);
}

static json_t *info_json(const akin_dataset_info *info)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "path",
        json_text(info->path), "media", json_text(info->media), "id",
        json_text(info->id), "name", json_text(info->name), "description",
        json_text(info->description), "size", json_text(info->size), "preview",
        json_text(info->preview), "workspace", json_text(info->workspace),
        "num_items", (json_int_t)info->n_items, "num_views",
        (json_int_t)info->n_views);
}

akin_status library_info(library *lib, library_entry *entry, json_t **out,
                         akin_error *err)
{
    akin_dataset_info info = {0};
    *out = NULL;
    pthread_mutex_lock(&lib->lock);
    akin_status status = akin_dataset_get_info(entry->dataset, &info, err);
    if (status == AKIN_OK) *out = info_json(&info);
    pthread_mutex_unlock(&lib->lock);
    if (status != AKIN_OK || *out) return status;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a dataset");
}

void library_changed(library *lib, const char *path)
{
    pthread_mutex_lock(&lib->lock);
    for (open_dataset *d = lib->list; d; d = d->next)
        if (strcmp(d->entry.path, path) == 0) d->stale = true;
    sweep(lib);
    pthread_mutex_unlock(&lib->lock);
}

/* ---- finding ------------------------------------------------------------ */

/* With the lock held: opens one after the other until the id is met. Where two
 * have the same, the first path has it. */
static akin_status search_id(library *lib, const char *id, library_entry **out,
                             akin_error *err)
{
    finder_paths paths;
    akin_status status = AKIN_ENOTFOUND;
    finder_list(lib->root, finder_is_dataset, &paths);
    for (int by_name = 0; by_name < 2 && status != AKIN_OK; by_name++)
        for (size_t i = 0; i < paths.n && status != AKIN_OK; i++) {
            library_entry *entry = NULL;
            if (by_name && strcmp(file_name(paths.items[i]), id) != 0) continue;
            if (use_path(lib, paths.items[i], &entry, NULL) != AKIN_OK) continue;
            if (by_name || strcmp(entry->id, id) == 0) {
                *out = entry;
                status = AKIN_OK;
            } else {
                ((open_dataset *)entry)->n_users--;
            }
        }
    finder_clear(&paths);
    if (status == AKIN_OK) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOTFOUND, "dataset '%s' not found", id);
}

akin_status library_get(library *lib, const char *id, library_entry **out,
                        akin_error *err)
{
    akin_status status = AKIN_OK;
    pthread_mutex_lock(&lib->lock);
    open_dataset *d = find_open(lib, NULL, id);
    if (d) {
        d->n_users++;
        d->used_s = clock_now_s();
        *out = &d->entry;
    } else {
        status = search_id(lib, id, out, err);
    }
    pthread_mutex_unlock(&lib->lock);
    return status;
}

akin_status library_each(library *lib,
                         bool (*visit)(void *user, const char *path,
                                       library_entry *entry,
                                       const char *problem),
                         void *user, akin_error *err)
{
    finder_paths paths;
    bool go_on = true;
    (void)err;
    finder_list(lib->root, finder_is_dataset, &paths);
    for (size_t i = 0; i < paths.n && go_on; i++) {
        library_entry *entry = NULL;
        akin_error problem = {0};
        pthread_mutex_lock(&lib->lock);
        akin_status status = use_path(lib, paths.items[i], &entry, &problem);
        pthread_mutex_unlock(&lib->lock);
        go_on = visit(user, paths.items[i], entry,
                      status == AKIN_OK ? NULL : problem.text);
        library_put(lib, entry);
    }
    finder_clear(&paths);
    return AKIN_OK;
}

/* ---- the library -------------------------------------------------------- */

akin_status library_new(const char *root, double close_s,
                        const akin_model_options *models, library **out,
                        akin_error *err)
{
    library *lib;
    if (!file_is_dir(root))
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no folder '%s'", root);
    AKIN_TRY(mem_new_array(1, sizeof *lib, "a library", (void **)&lib, err));
    pthread_mutex_init(&lib->lock, NULL);
    lib->close_s = close_s;
    lib->models = models;
    lib->root = file_absolute(root);
    if (!lib->root) {
        library_free(lib);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a library");
    }
    *out = lib;
    return AKIN_OK;
}

void library_free(library *lib)
{
    if (!lib) return;
    for (open_dataset *d = lib->list, *next; d; d = next) {
        next = d->next;
        close_dataset(d);
    }
    pthread_mutex_destroy(&lib->lock);
    mem_free(lib->root);
    mem_free(lib);
}

const char *library_root(const library *lib)
{
    return lib->root;
}

akin_status library_new_path(const library *lib, const char *name, char **out,
                             akin_error *err)
{
    if (!*name || name[0] == '.' || strchr(name, '/') || strlen(name) > 200)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s' cannot be the name of a dataset's folder", name);
    if (finder_is_dataset(lib->root))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the server's folder is a dataset itself");
    char *path = file_join(lib->root, name);
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    if (file_exists(path) || file_is_dir(path)) {
        mem_free(path);
        return AKIN_FAIL(err, AKIN_EEXISTS, "'%s' is there already", name);
    }
    *out = path;
    return AKIN_OK;
}
