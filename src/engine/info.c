/* SPDX-License-Identifier: MIT
 * What a database holds, and walking through it. */
#include "akin/akin.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/cache.h"
#include "engine/snapshot.h"
#include "index/distance.h"

static int64_t info_file_bytes(const char *path)
{
    file_stamp stamp;
    return file_stat(path, &stamp, NULL) == AKIN_OK ? stamp.size_bytes : 0;
}

static const char *info_graph(akin_db *db, index_file *index)
{
    if (!index) return "none is needed";
    const usearch_info *info = usearch_get_info(index->file);
    if (!cache_is_worth(info->n_rows, info->dim)) return "none is needed";
    return cache_graph(db, index) ? "ok" : "missing";
}

/* Vectors that a scan would look at, and what state the index file is in. */
static akin_status info_vectors(akin_db *db, akin_info *out, akin_error *err)
{
    snapshot s;
    akin_error why = {0};
    akin_status status = snapshot_open(&s, db, NULL, &why);
    char *state = NULL;
    if (status == AKIN_OK) {
        out->n_vectors = (int64_t)s.n_allowed;
        out->n_pending = (int64_t)s.pending.n;
        state = mem_strdup(s.index ? "ok" : "missing");
        out->graph_state = info_graph(db, s.index);
    } else if (status == AKIN_ECORRUPT || status == AKIN_EUNSUPPORTED ||
               status == AKIN_EVERSION) {
        state = text_format("damaged: %s", why.text);
    } else {
        snapshot_close(&s);
        return AKIN_FAIL(err, status, "%s", why.text);
    }
    snapshot_close(&s);
    if (!state) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    mem_free(db->info_text);
    db->info_text = state;
    out->index_state = state;
    return AKIN_OK;
}

akin_status akin_get_info(akin_db *db, akin_info *out, akin_error *err)
{
    const settings *s = &db->settings;
    model *m;
    store *reader = NULL;
    store_counts counts;
    *out = (akin_info){0};
    AKIN_TRY(database_take_store(db, &reader, err));
    akin_status status = store_count(reader, &counts, err);
    database_give_store(db, reader);
    AKIN_TRY(status);
    out->graph_state = "missing";
    AKIN_TRY(info_vectors(db, out, err));
    out->path = db->path;
    out->format = db->schema == STORE_HOPLITE_1 ? "hoplite 1.x"
                                                : "hoplite pre-1.0";
    out->model = s->model;
    out->model_identity = s->identity;
    out->modality = s->image ? "image" : s->rate_hz > 0 ? "sound" : "";
    out->model_available = database_model(db, &m, NULL) == AKIN_OK;
    out->text = out->model_available && model_get_info(m)->text;
    out->dim = s->dim;
    out->rate_hz = s->rate_hz;
    out->window_s = s->window_s;
    out->settings = s->values;
    out->n_deployments = counts.deployments;
    out->n_recordings = counts.recordings;
    out->n_windows = counts.windows;
    out->n_annotations = counts.annotations;
    out->n_scores = counts.scores;
    out->sqlite_bytes = info_file_bytes(db->sqlite_path);
    out->index_bytes = info_file_bytes(db->index_path);
    return AKIN_OK;
}

akin_status akin_get_vector(akin_db *db, int64_t window_id, float *out,
                            akin_error *err)
{
    snapshot s;
    const unsigned char *half = NULL;
    akin_status status = snapshot_open(&s, db, NULL, err);
    if (status == AKIN_OK)
        status = snapshot_vector(&s, (uint64_t)window_id, &half, err);
    if (status == AKIN_OK && !half)
        status = AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no vector of window "
                           "%lld in '%s'", (long long)window_id, db->path);
    if (status == AKIN_OK) distance_from_half(half, db->settings.dim, out);
    snapshot_close(&s);
    return status;
}

typedef struct each {
    snapshot snapshot;
    float *vector;
    bool (*visit)(void *user, const akin_window *window, const float *vector);
    void *user;
    bool stopped;
} each;

static akin_status each_window(void *user, const store_window *window,
                               akin_error *err)
{
    each *e = user;
    const unsigned char *half;
    store_row row = {0};
    bool found;
    AKIN_TRY(snapshot_vector(&e->snapshot, (uint64_t)window->id, &half, err));
    AKIN_TRY(store_get_row(e->snapshot.store, window->id, &found, &row, err));
    if (half) distance_from_half(half, e->snapshot.db->settings.dim, e->vector);
    akin_window face = {
        .id = window->id,
        .start_s = window->start_s,
        .end_s = window->end_s,
        .recording = found && row.recording ? row.recording : "",
    };
    e->stopped = !e->visit(e->user, &face, half ? e->vector : NULL);
    store_row_clear(&row);
    return e->stopped ? AKIN_ECANCELLED : AKIN_OK;
}

akin_status akin_each(akin_db *db, const char *filter,
                      bool (*visit)(void *user, const akin_window *window,
                                    const float *vector),
                      void *user, akin_error *err)
{
    each e = {.visit = visit, .user = user};
    store_filter *parsed = NULL;
    void *p = NULL;
    akin_status status = snapshot_open(&e.snapshot, db, NULL, err);
    if (status == AKIN_OK && filter && *filter)
        status = store_filter_parse(filter, &parsed, err);
    if (status == AKIN_OK)
        status = mem_new_array(db->settings.dim, sizeof(float), "a vector", &p,
                               err);
    e.vector = p;
    if (status == AKIN_OK)
        status = store_each_window(e.snapshot.store, parsed, each_window, &e,
                                   err);
    mem_free(e.vector);
    store_filter_free(parsed);
    snapshot_close(&e.snapshot);
    return e.stopped ? AKIN_OK : status;
}
