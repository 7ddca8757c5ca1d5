/* SPDX-License-Identifier: MIT
 * Vectors from elsewhere: a recording by the view's url and a window for each, in
 * the table's journal, and its file is taken for the one that was embedded. */
#include "engine/dataset_put.h"

#include <math.h>
#include <string.h>

#include "base/half.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/cache.h"
#include "engine/database_open.h"
#include "index/distance.h"

#define PUT_MODEL "imported"
#define PUT_RELATION "one_to_one"
#define PUT_MAX_MODEL_BYTES 200
#define PUT_MAX_DIM 65535

/* ---- the table -------------------------------------------------------------- */

static akin_status put_make_db(akin_dataset *ds, const char *table,
                               const char *made_by, size_t dim, akin_error *err)
{
    akin_db *db = NULL;
    char *path = dataset_table_path(ds, table);
    const akin_db_options opt = {
        .mode = AKIN_CREATE,
        .settings = {.set = AKIN_SET_MODEL, .model = made_by},
        .models = model_options_get(ds->models),
        .busy_s = ds->busy_s,
        .warn = ds->warn,
        .user = ds->user,
    };
    if (!path)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", table);
    akin_status status = database_open_vectors(path, &opt, dim, &db, err);
    akin_close(db);
    mem_free(path);
    return status;
}

/* The database before the schema: a table that is said to be there is. */
static akin_status put_make_table(akin_dataset *ds, const char *table,
                                  const char *made_by, size_t dim,
                                  akin_error *err)
{
    dataset_schema schema = {0};
    dataset_group group;
    AKIN_TRY(dataset_read_schema(ds, &schema, err));
    akin_status status = AKIN_OK;
    if (dataset_schema_group(&schema, table, &group)) goto done;
    if (!dataset_name_is_legal(table))
        AKIN_TRYG(AKIN_FAIL(err, AKIN_EUSAGE, "'%s' cannot be a table's name",
                            table));
    AKIN_TRYG(put_make_db(ds, table, made_by ? made_by : PUT_MODEL, dim, err));
    AKIN_TRYG(dataset_schema_put_embedding(&schema, table, (uint32_t)dim,
                                           PUT_RELATION, err));
    AKIN_TRYG(dataset_write_schema(ds, &schema, err));
done:
    dataset_schema_clear(&schema);
    return status;
}

static akin_status put_check(const char *made_by, size_t dim, akin_error *err)
{
    size_t n = made_by ? strlen(made_by) : 0;
    bool good = n > 0 && n <= PUT_MAX_MODEL_BYTES && text_is_utf8(made_by, n);
    if (made_by && !good)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "what made the vectors is said in 1 to %d bytes of "
                         "UTF-8",
                         PUT_MAX_MODEL_BYTES);
    if (dim == 0 || dim > PUT_MAX_DIM)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "vectors have 1 to %d dimensions, not %zu",
                         PUT_MAX_DIM, dim);
    return AKIN_OK;
}

static akin_status put_match(const akin_db *db, const char *made_by, size_t dim,
                             akin_error *err)
{
    return settings_match_vectors(&db->settings, db->path,
                                  made_by ? made_by : db->settings.model, dim, err);
}

akin_status dataset_put_open(dataset_put *put, akin_dataset *ds,
                             const char *table, const char *made_by, size_t dim,
                             akin_error *err)
{
    void *p;
    *put = (dataset_put){.ds = ds, .dim = dim};
    AKIN_TRY(put_check(made_by, dim, err));
    AKIN_TRY(mem_new_array(dim, sizeof *put->values, "a vector", &p, err));
    put->values = p;
    AKIN_TRY(mem_new_array(dim, 2, "a vector", &p, err));
    put->half = p;
    put->media = dataset_media(ds);
    if (!put->media) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    AKIN_TRY(put_make_table(ds, table, made_by, dim, err));
    AKIN_TRY(dataset_table_open_writer(ds, table, &put->db, err));
    put->journal.db = put->db;
    return put_match(put->db, made_by, dim, err);
}

/* ---- one vector ------------------------------------------------------------- */

/* What the file is like now, so that it counts as embedded until it changes; one
 * that is not here will be looked at when it comes. */
static akin_status put_file(dataset_put *put, int64_t recording,
                            const char *url, akin_error *err)
{
    file_stamp stamp;
    char *path = NULL;
    akin_status status = dataset_url_path(put->media, url, &path, NULL);
    if (status == AKIN_OK) status = file_stat(path, &stamp, NULL);
    mem_free(path);
    if (status != AKIN_OK) return AKIN_OK;
    const store_file now = {.size_bytes = stamp.size_bytes,
                            .mtime_ns = stamp.mtime_ns,
                            .n_windows = 1,
                            .complete = true};
    return store_set_file(put->db->writer, recording, &now, err);
}

/* The window 0 to 0 of a recording; 0 if it is not there. */
static akin_status put_find_window(dataset_put *put, int64_t recording,
                                   int64_t *out, akin_error *err)
{
    store_window *windows = NULL;
    size_t n = 0;
    *out = 0;
    AKIN_TRY(store_recording_windows(put->db->writer, recording, &windows, &n,
                                     err));
    for (size_t i = 0; i < n && *out == 0; i++)
        if (windows[i].end_s <= STORE_SAME_OFFSET_S) *out = windows[i].id;
    mem_free(windows);
    return AKIN_OK;
}

static akin_status put_window(dataset_put *put, int64_t recording,
                              int64_t window, akin_error *err)
{
    const store_window fresh = {.recording_id = recording};
    if (!window)
        return journal_add(&put->journal, &fresh, put->half, &window, err);
    put->journal.n_rows++;
    put->journal.n_pending++;
    return store_put_pending(put->db->writer, window, put->half, put->dim * 2,
                             err);
}

static akin_status put_url(dataset_put *put, const char *url, akin_error *err)
{
    int64_t recording = 0, window = 0;
    store *s = put->db->writer;
    AKIN_TRY(journal_begin(&put->journal, err));
    if (!put->deployment)
        AKIN_TRY(journal_deployment(&put->journal, NULL, url, &put->deployment,
                                    err));
    AKIN_TRY(store_find_recording(s, url, put->deployment, &recording, err));
    if (recording) AKIN_TRY(put_find_window(put, recording, &window, err));
    if (window && !put->force) return AKIN_OK;
    if (!recording)
        AKIN_TRY(journal_recording(&put->journal, url, put->deployment,
                                   &recording, err));
    AKIN_TRY(put_window(put, recording, window, err));
    AKIN_TRY(put_file(put, recording, url, err));
    put->n_added++;
    return journal_maybe_commit(&put->journal, err);
}

akin_status dataset_put_vector(dataset_put *put, const char *view_id,
                               const float *vector, akin_error *err)
{
    int64_t row;
    view_row view;
    AKIN_TRY(items_find_view(put->ds->writer, view_id, &row, err));
    if (row == 0) {
        put->n_unknown++;
        return AKIN_OK;
    }
    AKIN_TRY(items_get_view(put->ds->writer, row, &view, err));
    memcpy(put->values, vector, put->dim * sizeof *vector);
    put->n_clamped += (int64_t)half_clamp(put->values, put->dim);
    distance_to_half(put->values, put->dim, put->half);
    return put_url(put, view.url, err);
}

/* ---- the end ---------------------------------------------------------------- */

akin_status dataset_put_finish(dataset_put *put, akin_error *err)
{
    AKIN_TRY(journal_checkpoint(&put->journal, err));
    cache_keep_up(put->db, &(akin_index_work){0});
    journal_tell_clamped(&put->journal, put->n_clamped);
    return AKIN_OK;
}

void dataset_put_close(dataset_put *put)
{
    if (put->db) {
        put->n_added -= put->journal.in_transaction ? put->journal.n_rows : 0;
        store_rollback(put->db->writer);
    }
    akin_close(put->db);
    mem_free(put->media);
    mem_free(put->values);
    mem_free(put->half);
    put->db = NULL;
    put->media = NULL;
    put->values = NULL;
    put->half = NULL;
}

static akin_status put_check_vectors(const akin_dataset_vector *vectors,
                                     size_t n, size_t dim, akin_error *err)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < dim; k++)
            if (!isfinite(vectors[i].vector[k]))
                return AKIN_FAIL(err, AKIN_EUSAGE,
                                 "value %zu of the vector of view '%s' is not "
                                 "finite",
                                 k, vectors[i].view_id);
    return AKIN_OK;
}

akin_status akin_dataset_put_vectors(akin_dataset *ds, const char *table,
                                     const char *made_by, size_t dim,
                                     const akin_dataset_vector *vectors,
                                     size_t n, bool force, size_t *n_added,
                                     size_t *n_unknown, akin_error *err)
{
    dataset_put put = {0};
    if (n_added) *n_added = 0;
    if (n_unknown) *n_unknown = 0;
    AKIN_TRY(dataset_need_writer(ds, err));
    AKIN_TRY(put_check_vectors(vectors, n, dim, err));
    pthread_mutex_lock(&ds->write_mutex);
    akin_status status = dataset_put_open(&put, ds, table, made_by, dim, err);
    put.force = force;
    for (size_t i = 0; i < n && status == AKIN_OK; i++)
        status = dataset_put_vector(&put, vectors[i].view_id,
                                    vectors[i].vector, err);
    if (status == AKIN_OK) status = dataset_put_finish(&put, err);
    dataset_put_close(&put);
    pthread_mutex_unlock(&ds->write_mutex);
    if (n_added) *n_added = put.n_added;
    if (n_unknown) *n_unknown = put.n_unknown;
    return status;
}
