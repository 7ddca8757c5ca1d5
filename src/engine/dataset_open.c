/* SPDX-License-Identifier: MIT
 * Opening, making and closing a dataset. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/dataset_int.h"
#include "engine/dataset_table_rows.h"

#define DATASET_BUSY_S 5.0
#define DATASET_MEDIA_KEY "media"

static akin_status open_no_memory(const char *path, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
}

/* ---- the media folder ------------------------------------------------------
 * Stored relative to the dataset where it lies in it, so that both can be moved
 * together. */

static akin_status media_take(akin_dataset *ds, const char *folder,
                              akin_error *err)
{
    char *media = file_absolute(folder);
    if (!media) return open_no_memory(folder, err);
    pthread_mutex_lock(&ds->mutex);
    mem_free(ds->media);
    ds->media = media;
    pthread_mutex_unlock(&ds->mutex);
    return AKIN_OK;
}

static akin_status media_take_stored(akin_dataset *ds, const char *stored,
                                     akin_error *err)
{
    char *full = file_join(ds->path, stored ? stored : "media");
    if (!full) return open_no_memory(ds->path, err);
    akin_status status = media_take(ds, full, err);
    mem_free(full);
    return status;
}

static akin_status media_store(akin_dataset *ds, akin_error *err)
{
    char *path = file_absolute(ds->path);
    if (!path) return open_no_memory(ds->path, err);
    size_t n = strlen(path);
    bool inside = text_starts_with(ds->media, path) && ds->media[n] == '/';
    const char *text = inside ? ds->media + n + 1 : ds->media;
    if (strcmp(ds->media, path) == 0) text = ".";
    akin_status status = items_set_text(ds->writer, DATASET_MEDIA_KEY, text,
                                        err);
    mem_free(path);
    return status;
}

static akin_status media_open(akin_dataset *ds, const char *given,
                              akin_error *err)
{
    item_store *s = ds->writer;
    char *stored = NULL;
    if (!s) AKIN_TRY(dataset_take_store(ds, &s, err));
    akin_status status = items_get_text(s, DATASET_MEDIA_KEY, &stored, err);
    if (s != ds->writer) dataset_give_store(ds, s);
    if (status == AKIN_OK && given)
        status = media_take(ds, given, err);
    else if (status == AKIN_OK)
        status = media_take_stored(ds, stored, err);
    mem_free(stored);
    if (status != AKIN_OK || !given || !ds->writer) return status;
    return media_store(ds, err);
}

static bool media_holds(const char *media, const char *folder)
{
    size_t n = strlen(media);
    if (strcmp(media, "/") == 0) return true;
    return text_starts_with(folder, media) &&
           (folder[n] == '/' || folder[n] == 0);
}

/* Urls are relative to one folder, so that what is added later must lie in it;
 * but media that are not where they were may have been moved. */
static akin_status media_make(akin_dataset *ds, const char *folder,
                              akin_error *err)
{
    char *stored = NULL;
    AKIN_TRY(items_get_text(ds->writer, DATASET_MEDIA_KEY, &stored, err));
    akin_status status = media_take_stored(ds, stored, err);
    bool had = stored != NULL && file_is_dir(ds->media);
    mem_free(stored);
    AKIN_TRY(status);
    if (had && media_holds(ds->media, folder)) return AKIN_OK;
    if (had)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s' is not in '%s', which holds the media of this "
                         "dataset; import what is in there, or make another "
                         "dataset",
                         folder, ds->media);
    AKIN_TRY(media_take(ds, folder, err));
    return media_store(ds, err);
}

/* ---- making ---------------------------------------------------------------------- */

static akin_status make_remove(const akin_dataset *ds, akin_error *err)
{
    static const char *const names[] = {
        DATASET_ITEMS, DATASET_ITEMS "-wal", DATASET_ITEMS "-shm",
        DATASET_ITEMS "-journal", "schema.json", "features_values.json",
        DATASET_TABLES};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = file_join(ds->path, names[i]);
        if (!path) return open_no_memory(ds->path, err);
        akin_status status = file_remove_tree(path, err);
        mem_free(path);
        AKIN_TRY(status);
    }
    return AKIN_OK;
}

static akin_status make_text(char **text, const char *value, akin_error *err)
{
    char *copy = mem_strdup(value);
    if (!copy) return open_no_memory("info.json", err);
    mem_free(*text);
    *text = copy;
    return AKIN_OK;
}

static akin_status make_check_id(const akin_dataset *ds, const char *id,
                                 akin_error *err)
{
    const char *there = ds->info.id;
    if (!id) return AKIN_OK;
    if (!*id || strpbrk(id, " \t\r\n/"))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "id '%s' of a dataset is empty or has a blank or a "
                         "'/' in it",
                         id);
    if (there && *there && strcmp(there, id) != 0)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the dataset in '%s' has the id '%s', not '%s'",
                         ds->path, there, id);
    return AKIN_OK;
}

/* A dataset's name is that of its folder. */
static akin_status make_default_name(akin_dataset *ds, akin_error *err)
{
    char *path = file_absolute(ds->path);
    if (!path) return open_no_memory(ds->path, err);
    akin_status status = make_text(&ds->info.name, file_name(path), err);
    mem_free(path);
    return status;
}

/* Fills in what info.json does not say; *changed tells whether it must be
 * written. */
static akin_status make_info(akin_dataset *ds, const dataset_making *making,
                             bool *changed, akin_error *err)
{
    dataset_info_file *info = &ds->info;
    akin_error why = {0};
    akin_status status = dataset_info_read(info, ds->path, &why);
    bool fresh = status == AKIN_ENOTFOUND;
    if (status != AKIN_OK && !fresh)
        return AKIN_FAIL(err, status, "%s", why.text);
    AKIN_TRY(make_check_id(ds, making->id, err));
    *changed = fresh || making->name || making->description || !*info->id;
    if (making->id) {
        AKIN_TRY(make_text(&info->id, making->id, err));
    } else if (!info->id || !*info->id) {
        char id[ITEMS_ID_CHARS + 1];
        AKIN_TRY(items_new_id(id, err));
        AKIN_TRY(make_text(&info->id, id, err));
    }
    if (making->name)
        AKIN_TRY(make_text(&info->name, making->name, err));
    else if (!info->name)
        AKIN_TRY(make_default_name(ds, err));
    if (making->description)
        AKIN_TRY(make_text(&info->description, making->description, err));
    if (!fresh) return AKIN_OK;
    if (!info->description)
        AKIN_TRY(make_text(&info->description, "", err));
    AKIN_TRY(make_text(&info->size, "Unknown", err));
    AKIN_TRY(make_text(&info->preview, "", err));
    return make_text(&info->workspace, "image", err);
}

static akin_status make_schema(akin_dataset *ds, akin_error *err)
{
    dataset_schema schema = {0};
    char *path = file_join(ds->path, "features_values.json");
    if (!path) return open_no_memory(ds->path, err);
    akin_status status = file_exists(path) ? AKIN_OK
                                           : dataset_features_write(path, err);
    mem_free(path);
    AKIN_TRY(status);
    AKIN_TRY(dataset_read_schema(ds, &schema, err));
    status = dataset_write_schema(ds, &schema, err);
    dataset_schema_clear(&schema);
    return status;
}

/* ---- opening ---------------------------------------------------------------------- */

static akin_status open_init(akin_dataset *ds, const char *path,
                             const akin_dataset_options *opt, akin_error *err)
{
    pthread_mutex_init(&ds->mutex, NULL);
    pthread_mutex_init(&ds->write_mutex, NULL);
    pthread_rwlock_init(&ds->columns_lock, NULL);
    ds->columns_version = -1;
    ds->path = mem_strdup(path);
    if (!ds->path) return open_no_memory(path, err);
    ds->busy_s = opt->busy_s > 0 ? opt->busy_s : DATASET_BUSY_S;
    ds->warn = opt->warn;
    ds->user = opt->user;
    return model_options_new(opt->models, &ds->models, err);
}

static akin_status open_lock(akin_dataset *ds, akin_error *err)
{
    char *path = file_join(ds->path, "akin.lock");
    if (!path) return open_no_memory(ds->path, err);
    akin_status status = file_lock_open(path, ds->busy_s, &ds->lock, err);
    mem_free(path);
    return status;
}

static akin_status open_writer(akin_dataset *ds, items_mode mode,
                               akin_error *err)
{
    char *path = file_join(ds->path, DATASET_ITEMS);
    if (!path) return open_no_memory(ds->path, err);
    akin_status status = items_open(path, mode, ds->busy_s, &ds->writer, err);
    mem_free(path);
    ds->writable = status == AKIN_OK;
    return status;
}

/* Before the lock file is made: nothing is left in a folder that holds no
 * dataset of akin's. */
static akin_status open_check_items(const akin_dataset *ds, akin_error *err)
{
    char *path = file_join(ds->path, DATASET_ITEMS);
    if (!path) return open_no_memory(ds->path, err);
    bool there = file_exists(path);
    mem_free(path);
    if (there) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOTFOUND,
                     "the dataset in '%s' has no " DATASET_ITEMS
                     ": its rows are not akin's; import its media into it",
                     ds->path);
}

static akin_status open_there(akin_dataset *ds, const akin_dataset_options *opt,
                              akin_error *err)
{
    AKIN_TRY(dataset_info_read(&ds->info, ds->path, err));
    AKIN_TRY(open_check_items(ds, err));
    if (opt->write) {
        AKIN_TRY(open_lock(ds, err));
        AKIN_TRY(open_writer(ds, ITEMS_WRITE, err));
    }
    return media_open(ds, opt->media, err);
}

/* info.json, by which others know a dataset, is its last file. */
static akin_status open_made(akin_dataset *ds, const dataset_making *making,
                             akin_error *err)
{
    bool changed = false;
    AKIN_TRY(file_make_dirs(ds->path, err));
    AKIN_TRY(open_lock(ds, err));
    AKIN_TRY(make_info(ds, making, &changed, err));
    if (making->overwrite) AKIN_TRY(make_remove(ds, err));
    AKIN_TRY(open_writer(ds, ITEMS_CREATE, err));
    AKIN_TRY(media_make(ds, making->media, err));
    AKIN_TRY(make_schema(ds, err));
    return changed ? dataset_info_write(&ds->info, ds->path, err) : AKIN_OK;
}

static akin_status open_for(const char *path, const dataset_making *making,
                            const akin_dataset_options *opt,
                            akin_dataset **out, akin_error *err)
{
    static const akin_dataset_options defaults;
    akin_dataset *ds = mem_array(1, sizeof *ds);
    if (!ds) return open_no_memory(path, err);
    if (!opt) opt = &defaults;
    akin_status status = open_init(ds, path, opt, err);
    if (status == AKIN_OK)
        status = making ? open_made(ds, making, err)
                        : open_there(ds, opt, err);
    if (status == AKIN_OK)
        *out = ds;
    else
        akin_dataset_close(ds);
    return status;
}

akin_status dataset_open_making(const char *path, const dataset_making *making,
                                const akin_dataset_options *opt,
                                akin_dataset **out, akin_error *err)
{
    return open_for(path, making, opt, out, err);
}

akin_status akin_dataset_open(const char *path, const akin_dataset_options *opt,
                              akin_dataset **out, akin_error *err)
{
    return open_for(path, NULL, opt, out, err);
}

void akin_dataset_close(akin_dataset *ds)
{
    if (!ds) return;
    dataset_table_close_all(ds);
    for (size_t i = 0; i < ds->n_pool; i++) items_close(ds->pool[i]);
    items_close(ds->writer);
    file_lock_close(ds->lock);
    item_columns_free(ds->columns);
    model_options_free(ds->models);
    dataset_info_clear(&ds->info);
    mem_free(ds->info_media);
    mem_free(ds->media);
    mem_free(ds->path);
    pthread_rwlock_destroy(&ds->columns_lock);
    pthread_mutex_destroy(&ds->write_mutex);
    pthread_mutex_destroy(&ds->mutex);
    mem_free(ds);
}
