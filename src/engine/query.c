/* SPDX-License-Identifier: MIT
 * Queries: media cut and filtered as the database's own, a .npy file, given
 * vectors, or a window that is there. */
#include "engine/query.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "engine/snapshot.h"
#include "index/distance.h"
#include "interop/npy.h"

/* A query of more windows than this is somebody's whole archive. */
#define QUERY_MAX_WINDOWS 100000
#define QUERY_MAX_VALUES ((size_t)1 << 28)

void query_clear(query_vectors *q)
{
    mem_free(q->spans);
    mem_free(q->vectors);
    *q = (query_vectors){0};
}

static akin_status query_new(query_vectors *q, size_t n, size_t dim,
                             akin_error *err)
{
    size_t values;
    void *p;
    if (!mem_mul(n, dim, &values) || values > QUERY_MAX_VALUES)
        return AKIN_FAIL(err, AKIN_ELIMIT, "a query of %zu vectors is too long",
                         n);
    AKIN_TRY(mem_new_array(values, sizeof(float), "the query", &p, err));
    *q = (query_vectors){.vectors = p, .n = n, .dim = dim};
    return AKIN_OK;
}

static akin_status query_keep_spans(query_vectors *q, const items_set *set,
                                    akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(set->n, sizeof *q->spans, "the query", &p, err));
    q->spans = p;
    for (size_t i = 0; i < set->n; i++)
        q->spans[i] = (akin_span){set->spans[i].start_s, set->spans[i].end_s};
    return AKIN_OK;
}

static akin_status query_from_file(akin_db *db, const char *path,
                                   const akin_search_options *opt,
                                   query_vectors *q, akin_error *err)
{
    static const window_crop crops[] = {WINDOW_CENTER, WINDOW_FIRST,
                                        WINDOW_SEGMENTS};
    model *m;
    AKIN_TRY(database_load_model(db, MODEL_MEDIA, &m, err));
    items_plan plan = settings_plan(&db->settings, model_get_input(m));
    plan.window.overlap_s = opt->crop == AKIN_SEGMENTS ? opt->overlap_s : 0;
    items_set set = {0};
    model_session *session = NULL;
    akin_status status = items_of_query(path, &plan, crops[opt->crop],
                                        QUERY_MAX_WINDOWS, &set, err);
    if (status == AKIN_OK) status = query_new(q, set.n, db->settings.dim, err);
    if (status == AKIN_OK) status = query_keep_spans(q, &set, err);
    if (status == AKIN_OK) status = model_session_open(m, &session, err);
    if (status == AKIN_OK)
        status = model_embed(session, set.items, set.n, q->vectors, NULL, err);
    model_session_close(session);
    items_set_clear(&set);
    return status;
}

static akin_status query_from_text(akin_db *db, const char *text,
                                   query_vectors *q, akin_error *err)
{
    model *m;
    AKIN_TRY(database_model(db, &m, err));
    if (!model_get_info(m)->text)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "model %s, whose vectors '%s' holds, knows no texts; "
                         "search by a file or a window",
                         db->settings.model, db->path);
    AKIN_TRY(database_load_model(db, MODEL_TEXT, &m, err));
    AKIN_TRY(query_new(q, 1, db->settings.dim, err));
    return model_embed_text(m, text, q->vectors, err);
}

static akin_status query_check_dim(const akin_db *db, size_t dim,
                                   akin_error *err)
{
    if (dim == db->settings.dim) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE,
                     "the query has dimension %zu, the vectors of '%s' have %u",
                     dim, db->path, db->settings.dim);
}

static akin_status query_check_finite(const query_vectors *q, akin_error *err)
{
    for (size_t i = 0; i < q->n * q->dim; i++)
        if (!isfinite(q->vectors[i]))
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "value %zu of query vector %zu is not finite",
                             i % q->dim, i / q->dim);
    return AKIN_OK;
}

static akin_status query_from_vectors(akin_db *db, const akin_query *query,
                                      query_vectors *q, akin_error *err)
{
    AKIN_TRY(query_check_dim(db, query->dim, err));
    if (query->n_vectors == 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "the query has no vectors");
    AKIN_TRY(query_new(q, query->n_vectors, query->dim, err));
    memcpy(q->vectors, query->vectors,
           query->n_vectors * query->dim * sizeof(float));
    return query_check_finite(q, err);
}

static akin_status query_from_npy(akin_db *db, const char *path,
                                  query_vectors *q, akin_error *err)
{
    npy_vectors npy = {0};
    AKIN_TRY(npy_read_vectors(path, QUERY_MAX_VALUES, &npy, err));
    *q = (query_vectors){.vectors = npy.data, .n = npy.n, .dim = npy.dim};
    if (npy.n == 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' holds no vectors", path);
    AKIN_TRY(query_check_dim(db, npy.dim, err));
    return query_check_finite(q, err);
}

static akin_status query_from_window(akin_db *db, int64_t id, query_vectors *q,
                                     akin_error *err)
{
    snapshot s;
    const unsigned char *half = NULL;
    akin_status status = snapshot_open(&s, db, NULL, err);
    if (status == AKIN_OK)
        status = snapshot_vector(&s, (uint64_t)id, &half, err);
    if (status == AKIN_OK && !half)
        status = AKIN_FAIL(err, AKIN_ENOTFOUND,
                           "there is no vector of window %lld in '%s'",
                           (long long)id, db->path);
    if (status == AKIN_OK) status = query_new(q, 1, db->settings.dim, err);
    if (status == AKIN_OK) {
        distance_from_half(half, q->dim, q->vectors);
        q->self = (uint64_t)id;
    }
    snapshot_close(&s);
    return status;
}

akin_status query_make(akin_db *db, const akin_query *query,
                       const akin_search_options *opt, query_vectors *out,
                       akin_error *err)
{
    akin_status status;
    *out = (query_vectors){0};
    if (query->file)
        status = query_from_file(db, query->file, opt, out, err);
    else if (query->text)
        status = query_from_text(db, query->text, out, err);
    else if (query->vector_file)
        status = query_from_npy(db, query->vector_file, out, err);
    else if (query->vectors)
        status = query_from_vectors(db, query, out, err);
    else if (query->window_id > 0)
        status = query_from_window(db, query->window_id, out, err);
    else
        status = AKIN_FAIL(err, AKIN_EUSAGE,
                           "nothing to search for: give a file, a text, a "
                           "vector or a window");
    if (status != AKIN_OK) query_clear(out);
    return status;
}
