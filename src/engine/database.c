/* SPDX-License-Identifier: MIT
 * What the verbs take from an open database: stores, index file, model. */
#include "engine/database.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/text.h"

void database_warn(akin_db *db, const char *fmt, ...)
{
    if (!db->warn) return;
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    db->warn(db->user, text);
}

/* ---- stores ---------------------------------------------------------------- */

akin_status database_take_store(akin_db *db, store **out, akin_error *err)
{
    pthread_mutex_lock(&db->mutex);
    *out = db->n_pool ? db->pool[--db->n_pool] : NULL;
    pthread_mutex_unlock(&db->mutex);
    if (*out) return AKIN_OK;
    return store_open(db->sqlite_path, STORE_READ, db->busy_s, out, err);
}

void database_give_store(akin_db *db, store *s)
{
    if (!s) return;
    store_end_read(s);
    pthread_mutex_lock(&db->mutex);
    bool kept = db->n_pool < DATABASE_POOL_SIZE;
    if (kept) db->pool[db->n_pool++] = s;
    pthread_mutex_unlock(&db->mutex);
    if (!kept) store_close(s);
}

/* ---- the index file ------------------------------------------------------------ */

static void index_release(index_file *index)
{
    if (!index || --index->n_users > 0) return;
    akin_index_close(index->graph);
    usearch_close(index->file);
    mem_free(index);
}

static bool index_is_current(const akin_db *db, const file_stamp *stamp)
{
    if (!db->index) return false;
    const file_stamp *had = &usearch_get_info(db->index->file)->stamp;
    return had->inode == stamp->inode && had->mtime_ns == stamp->mtime_ns &&
           had->size_bytes == stamp->size_bytes;
}

/* Under mutex. */
static akin_status index_reopen(akin_db *db, akin_error *err)
{
    index_file *fresh = mem_array(1, sizeof *fresh);
    if (!fresh) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for an index");
    akin_status status =
        usearch_open(db->index_path, USEARCH_HEADER, &fresh->file, err);
    size_t dim = status == AKIN_OK ? usearch_get_info(fresh->file)->dim : 0;
    if (status == AKIN_OK && db->settings.dim && dim != db->settings.dim) {
        status = AKIN_FAIL(err, AKIN_ECORRUPT,
                           "'%s' holds vectors of dimension %zu, the "
                           "database's metadata says %u",
                           db->index_path, dim, db->settings.dim);
        usearch_close(fresh->file);
    }
    if (status != AKIN_OK) {
        mem_free(fresh);
        return status;
    }
    fresh->n_users = 1; /* the database itself */
    index_release(db->index);
    db->index = fresh;
    if (!db->settings.dim) db->settings.dim = (uint32_t)dim;
    return AKIN_OK;
}

akin_status database_take_index(akin_db *db, index_file **out, akin_error *err)
{
    akin_status status = AKIN_OK;
    file_stamp stamp;
    *out = NULL;
    pthread_mutex_lock(&db->mutex);
    if (file_stat(db->index_path, &stamp, NULL) == AKIN_OK) {
        if (!index_is_current(db, &stamp)) status = index_reopen(db, err);
        if (status == AKIN_OK) {
            db->index->n_users++;
            *out = db->index;
        }
    }
    pthread_mutex_unlock(&db->mutex);
    return status;
}

void database_give_index(akin_db *db, index_file *index)
{
    if (!index) return;
    pthread_mutex_lock(&db->mutex);
    index_release(index);
    pthread_mutex_unlock(&db->mutex);
}

/* ---- the model ------------------------------------------------------------------- */

akin_status database_check_model(const akin_db *db, const model *m,
                                 akin_error *err)
{
    const akin_model_info *info = model_get_info(m);
    const settings *s = &db->settings;
    if (*s->identity && !text_equal(s->identity, info->identity))
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s' was made with model %s %s, here is %s: their "
                         "vectors cannot be compared; extract into a new "
                         "database",
                         db->path, s->model, s->identity, info->identity);
    if (s->dim != info->dim)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "the database has vectors of dimension %u, model %s "
                         "makes %u",
                         s->dim, s->model, info->dim);
    return AKIN_OK;
}

/* By its name or, if that is not known here, in the folder that it came from. */
static akin_status database_find_model(akin_db *db, model **out,
                                       akin_error *err)
{
    const settings *s = &db->settings;
    const akin_model_options *places = model_options_get(db->models);
    akin_error why = {0};
    akin_status status = model_open(s->model, places, out, &why);
    if (status == AKIN_EMODEL && *s->folder && file_is_dir(s->folder) &&
        model_open(s->folder, places, out, NULL) == AKIN_OK)
        return AKIN_OK;
    return status == AKIN_OK ? AKIN_OK
                             : AKIN_FAIL(err, status, "%s", why.text);
}

akin_status database_model(akin_db *db, model **out, akin_error *err)
{
    akin_status status = AKIN_OK;
    pthread_mutex_lock(&db->mutex);
    if (!db->model) {
        model *m = NULL;
        if (!*db->settings.model)
            status = AKIN_FAIL(err, AKIN_EMODEL,
                               "'%s' does not say which model made its "
                               "vectors; search by a window or a vector",
                               db->path);
        else
            status = database_find_model(db, &m, err);
        if (status == AKIN_OK) status = database_check_model(db, m, err);
        if (status == AKIN_OK)
            db->model = m;
        else
            model_close(m);
    }
    *out = db->model;
    pthread_mutex_unlock(&db->mutex);
    return status;
}

akin_status database_load_model(akin_db *db, model_part part, model **out,
                                akin_error *err)
{
    AKIN_TRY(database_model(db, out, err));
    AKIN_TRY(model_load(*out, part, err));
    pthread_mutex_lock(&db->mutex);
    bool told = db->model_told;
    db->model_told = true;
    pthread_mutex_unlock(&db->mutex);
    const char *notice = model_notice(*out);
    if (!told && *notice) database_warn(db, "%s", notice);
    return AKIN_OK;
}

akin_status database_complete_settings(akin_db *db, akin_error *err)
{
    model *m;
    bool changed;
    AKIN_TRY(database_model(db, &m, err));
    pthread_mutex_lock(&db->mutex);
    akin_status status = settings_complete(&db->settings, &db->asked,
                                           model_get_info(m), &changed, err);
    pthread_mutex_unlock(&db->mutex);
    if (status != AKIN_OK || !changed) return status;
    AKIN_TRY(store_begin(db->writer, err));
    status = settings_save(&db->settings, db->writer, err);
    if (status == AKIN_OK) status = store_commit(db->writer, err);
    if (status != AKIN_OK) store_rollback(db->writer);
    return status;
}

char *database_media_path(akin_db *db, const char *recording)
{
    pthread_mutex_lock(&db->mutex);
    char *path = file_join(db->settings.audio_root, recording);
    pthread_mutex_unlock(&db->mutex);
    return path;
}

akin_status database_need_writer(akin_db *db, akin_error *err)
{
    if (db->writable) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' was opened for reading only",
                     db->path);
}
