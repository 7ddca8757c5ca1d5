/* SPDX-License-Identifier: MIT
 * What the verbs take from an open dataset: stores, columns, media, schema. */
#define _GNU_SOURCE
#include "engine/dataset_int.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

void dataset_warn(akin_dataset *ds, const char *fmt, ...)
{
    if (!ds->warn) return;
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    ds->warn(ds->user, text);
}

akin_status dataset_need_writer(akin_dataset *ds, akin_error *err)
{
    if (ds->writable) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' was opened for reading only",
                     ds->path);
}

static akin_status dataset_no_memory(const char *what, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", what);
}

/* ---- stores ---------------------------------------------------------------- */

akin_status dataset_take_store(akin_dataset *ds, item_store **out,
                               akin_error *err)
{
    pthread_mutex_lock(&ds->mutex);
    *out = ds->n_pool ? ds->pool[--ds->n_pool] : NULL;
    pthread_mutex_unlock(&ds->mutex);
    if (*out) return AKIN_OK;
    char *path = file_join(ds->path, DATASET_ITEMS);
    if (!path) return dataset_no_memory(ds->path, err);
    akin_status status = items_open(path, ITEMS_READ, ds->busy_s, out, err);
    mem_free(path);
    return status;
}

void dataset_give_store(akin_dataset *ds, item_store *s)
{
    if (!s) return;
    pthread_mutex_lock(&ds->mutex);
    bool kept = ds->n_pool < DATASET_POOL_SIZE;
    if (kept) ds->pool[ds->n_pool++] = s;
    pthread_mutex_unlock(&ds->mutex);
    if (!kept) items_close(s);
}

/* ---- columns ------------------------------------------------------------------
 * What loads columns holds columns_lock alone, so that those that only read them
 * need no lock of their own while they do. */

/* With columns_lock held alone. */
static akin_status columns_refresh(akin_dataset *ds, item_store *s,
                                   int64_t version, akin_error *err)
{
    if (ds->columns && ds->columns_version == version) return AKIN_OK;
    if (!ds->columns) AKIN_TRY(item_columns_new(&ds->columns, err));
    ds->columns_version = -1; /* half refreshed, if that fails */
    AKIN_TRY(item_columns_refresh(ds->columns, s, err));
    ds->columns_version = version;
    return AKIN_OK;
}

static akin_status columns_lock_alone(akin_dataset *ds, item_store *s,
                                      akin_error *err)
{
    int64_t version;
    AKIN_TRY(items_version(s, &version, err));
    pthread_rwlock_wrlock(&ds->columns_lock);
    akin_status status = columns_refresh(ds, s, version, err);
    if (status != AKIN_OK) pthread_rwlock_unlock(&ds->columns_lock);
    return status;
}

/* Others may refresh them between the two locks, to a newer version: that is as
 * good. */
static akin_status columns_lock_shared(akin_dataset *ds, item_store *s,
                                       akin_error *err)
{
    int64_t version;
    AKIN_TRY(items_version(s, &version, err));
    pthread_rwlock_rdlock(&ds->columns_lock);
    if (ds->columns && ds->columns_version >= version) return AKIN_OK;
    pthread_rwlock_unlock(&ds->columns_lock);
    AKIN_TRY(columns_lock_alone(ds, s, err));
    pthread_rwlock_unlock(&ds->columns_lock);
    pthread_rwlock_rdlock(&ds->columns_lock);
    if (ds->columns_version >= 0) return AKIN_OK;
    pthread_rwlock_unlock(&ds->columns_lock);
    return AKIN_FAIL(err, AKIN_EDB, "the columns of '%s' could not be read",
                     ds->path);
}

akin_status dataset_take_columns(akin_dataset *ds, item_columns **out,
                                 akin_error *err)
{
    item_store *s = NULL;
    AKIN_TRY(dataset_take_store(ds, &s, err));
    akin_status status = columns_lock_shared(ds, s, err);
    dataset_give_store(ds, s);
    if (status == AKIN_OK) *out = ds->columns;
    return status;
}

void dataset_give_columns(akin_dataset *ds)
{
    pthread_rwlock_unlock(&ds->columns_lock);
}

static akin_status columns_copy_present(const item_columns *c, uint64_t **out,
                                        akin_error *err)
{
    size_t n = item_columns_rows(c) / 64 + 1;
    void *copy = NULL;
    AKIN_TRY(mem_new_array(n, sizeof **out, "a set of items", &copy, err));
    memcpy(copy, item_columns_present(c), n * sizeof **out);
    *out = copy;
    return AKIN_OK;
}

akin_status dataset_where(akin_dataset *ds, const char *expression,
                          uint64_t **out, akin_error *err)
{
    item_columns *c = NULL;
    item_store *s = NULL;
    if (!expression) {
        AKIN_TRY(dataset_take_columns(ds, &c, err));
        akin_status status = columns_copy_present(c, out, err);
        dataset_give_columns(ds);
        return status;
    }
    AKIN_TRY(dataset_take_store(ds, &s, err));
    akin_status status = columns_lock_alone(ds, s, err);
    if (status == AKIN_OK) {
        status = item_columns_where(ds->columns, s, expression, out, err);
        pthread_rwlock_unlock(&ds->columns_lock);
    }
    dataset_give_store(ds, s);
    return status;
}

/* The rows of a bitmap over n rows. */
static akin_status columns_list(const uint64_t *bits, size_t n_rows,
                                int64_t **out, size_t *n, akin_error *err)
{
    void *list = NULL;
    size_t n_set = 0;
    for (size_t i = 0; i < n_rows; i++) n_set += bits[i / 64] >> (i % 64) & 1;
    AKIN_TRY(mem_new_array(n_set, sizeof **out, "rows", &list, err));
    *out = list;
    *n = 0;
    for (size_t i = 0; i < n_rows; i++)
        if (bits[i / 64] >> (i % 64) & 1) (*out)[(*n)++] = (int64_t)i + 1;
    return AKIN_OK;
}

/* With columns_lock held alone. */
static akin_status columns_select(akin_dataset *ds, item_store *s,
                                  const dataset_selection *selection,
                                  int64_t **out, size_t *n, akin_error *err)
{
    item_columns *c = ds->columns;
    uint64_t *bits = NULL;
    const uint64_t *of = item_columns_present(c);
    akin_status status = AKIN_OK;
    if (selection->where) {
        AKIN_TRY(item_columns_where(c, s, selection->where, &bits, err));
        of = bits;
    }
    if (selection->sort)
        status = item_columns_sort(c, s, of, selection->sort,
                                   selection->descending, out, n, err);
    else
        status = columns_list(of, item_columns_rows(c), out, n, err);
    mem_free(bits);
    return status;
}

akin_status dataset_select(akin_dataset *ds, const dataset_selection *selection,
                           int64_t **out, size_t *n, akin_error *err)
{
    item_store *s = NULL;
    AKIN_TRY(dataset_take_store(ds, &s, err));
    akin_status status = columns_lock_alone(ds, s, err);
    if (status == AKIN_OK) {
        status = columns_select(ds, s, selection, out, n, err);
        pthread_rwlock_unlock(&ds->columns_lock);
    }
    dataset_give_store(ds, s);
    return status;
}

/* ---- media -------------------------------------------------------------------
 * An url may come from anybody's metadata and its file is shown to whoever asks,
 * so that both its text and the links on its way must stay in the folder. */

char *dataset_media(akin_dataset *ds)
{
    pthread_mutex_lock(&ds->mutex);
    char *media = mem_strdup(ds->media);
    pthread_mutex_unlock(&ds->mutex);
    return media;
}

static bool url_has_scheme(const char *url)
{
    const char *p = url;
    while (isalnum((unsigned char)*p) || *p == '+' || *p == '.' || *p == '-')
        p++;
    return p > url && text_starts_with(p, "://");
}

/* What is behind the folder in a path that is in it, else NULL. */
static const char *path_below(const char *folder, const char *path)
{
    size_t n = strlen(folder);
    if (strncmp(folder, path, n) != 0) return NULL;
    if (n > 0 && folder[n - 1] == '/') return path + n;
    return path[n] == '/' ? path + n + 1 : NULL;
}

static akin_status url_leads_out(const char *media, const char *url,
                                 akin_error *err)
{
    return AKIN_FAIL(err, AKIN_EUSAGE,
                     "url '%s' leads out of the media folder '%s'", url, media);
}

/* More ".." than there are folders in front of them. */
static bool url_climbs(const char *url)
{
    long depth = 0;
    for (const char *p = url; *p; p += strspn(p, "/")) {
        size_t n = strcspn(p, "/");
        if (n == 2 && memcmp(p, "..", 2) == 0)
            depth--;
        else if (n > 0 && !(n == 1 && *p == '.'))
            depth++;
        if (depth < 0) return true;
        p += n;
    }
    return false;
}

akin_status dataset_url(const char *media, const char *file, char **out,
                        akin_error *err)
{
    const char *rest = file, *below;
    bool is_file = text_starts_with(file, "file://");
    if (is_file) rest += strlen("file://");
    if (!is_file && url_has_scheme(file))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "url '%s' is not of a file in the media folder", file);
    below = path_below(media, rest);
    if (is_file && !below) return url_leads_out(media, file, err);
    if (below) rest = below;
    if (url_climbs(rest)) return url_leads_out(media, file, err);
    char *cleaned = file_cleaned(rest); /* with one '/' in front */
    if (!cleaned) return dataset_no_memory(file, err);
    *out = mem_strdup(cleaned + 1);
    mem_free(cleaned);
    if (!*out) return dataset_no_memory(file, err);
    if (**out) return AKIN_OK;
    mem_free(*out);
    *out = NULL;
    return AKIN_FAIL(err, AKIN_EUSAGE, "url '%s' names no file", file);
}

akin_status dataset_url_path(const char *media, const char *url, char **out,
                             akin_error *err)
{
    char *clean = NULL, *full = NULL, *real = NULL;
    AKIN_TRY(dataset_url(media, url, &clean, err));
    full = file_join(media, clean);
    mem_free(clean);
    real = full ? file_absolute(full) : NULL;
    mem_free(full);
    if (!real) return dataset_no_memory(url, err);
    akin_status status = AKIN_OK;
    if (!path_below(media, real))
        status = url_leads_out(media, url, err);
    else if (!file_exists(real))
        status = AKIN_FAIL(err, AKIN_ENOTFOUND,
                           "there is no file '%s' in the media folder '%s'",
                           url, media);
    if (status == AKIN_OK)
        *out = real;
    else
        mem_free(real);
    return status;
}

akin_status dataset_media_path(akin_dataset *ds, const char *url, char **out,
                               akin_error *err)
{
    char *media = dataset_media(ds);
    if (!media) return dataset_no_memory(url, err);
    akin_status status = dataset_url_path(media, url, out, err);
    mem_free(media);
    return status;
}

/* ---- files ---------------------------------------------------------------------- */

char *dataset_table_path(const akin_dataset *ds, const char *table)
{
    return text_format("%s/" DATASET_TABLES "/%s", ds->path, table);
}

akin_status dataset_read_schema(akin_dataset *ds, dataset_schema *out,
                                akin_error *err)
{
    char *path = file_join(ds->path, "schema.json");
    if (!path) return dataset_no_memory(ds->path, err);
    akin_status status = dataset_schema_read(out, path, err);
    mem_free(path);
    return status;
}

akin_status dataset_write_schema(akin_dataset *ds, const dataset_schema *schema,
                                 akin_error *err)
{
    char *path = file_join(ds->path, "schema.json");
    if (!path) return dataset_no_memory(ds->path, err);
    akin_status status = dataset_schema_write(schema, path, err);
    mem_free(path);
    return status;
}

/* ---- info ----------------------------------------------------------------------- */

static akin_status info_count(akin_dataset *ds, akin_dataset_info *out,
                              akin_error *err)
{
    item_store *s = NULL;
    AKIN_TRY(dataset_take_store(ds, &s, err));
    akin_status status = items_count(s, &out->n_items, &out->n_views, err);
    dataset_give_store(ds, s);
    return status;
}

akin_status akin_dataset_get_info(akin_dataset *ds, akin_dataset_info *out,
                                  akin_error *err)
{
    akin_dataset_info info = {0};
    AKIN_TRY(info_count(ds, &info, err));
    pthread_mutex_lock(&ds->mutex);
    mem_free(ds->info_media);
    info.media = ds->info_media = mem_strdup(ds->media);
    pthread_mutex_unlock(&ds->mutex);
    if (!info.media) return dataset_no_memory(ds->path, err);
    info.path = ds->path;
    info.id = ds->info.id;
    info.name = ds->info.name;
    info.description = ds->info.description;
    info.size = ds->info.size;
    info.preview = ds->info.preview;
    info.workspace = ds->info.workspace;
    *out = info;
    return AKIN_OK;
}
