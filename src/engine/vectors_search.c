/* SPDX-License-Identifier: MIT
 * Searching an index, and what the tables say of the answers. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "engine/vectors_int.h"
#include "interop/npy.h"

#define SEARCH_DEFAULT_K 10
#define SEARCH_MAX_VALUES ((size_t)1 << 32)
#define SEARCH_MAX_HITS ((size_t)1 << 32)

/* Vectors that the effort for a recall is found with. */
#define RECALL_SAMPLE 64
#define RECALL_SEED 20240229u

struct akin_vectors_results {
    akin_vectors_hit *hits;
    size_t n;
    tracks_list tracks;
    tracks_columns columns;
    char (*numbers)[24]; /* [n]: the texts of track ids that are numbers */
    akin_vectors_results_info info;
};

typedef struct vectors_query {
    float *vectors; /* [n, dim], owned */
    size_t n;
    int64_t self; /* no answer to itself; -1: none */
} vectors_query;

/* ---- the query ------------------------------------------------------------------- */

static akin_status query_copy(vectors_query *q, const float *from, size_t n,
                              size_t dim, akin_error *err)
{
    void *p;
    size_t values;
    if (!mem_mul(n, dim, &values) || values > SEARCH_MAX_VALUES)
        return AKIN_FAIL(err, AKIN_ELIMIT, "%zu queries are too many", n);
    AKIN_TRY(mem_new_array(values, sizeof(float), "the query", &p, err));
    q->vectors = p;
    q->n = n;
    if (from) memcpy(q->vectors, from, values * sizeof(float));
    return AKIN_OK;
}

static akin_status query_from_track(akin_vectors *v, const char *name,
                                    vectors_query *q, akin_error *err)
{
    tracks_list list = {0};
    AKIN_TRY(tracks_find(v->tracks, tracks_id_of(name), &list, err));
    akin_status status =
        list.n == 0 ? AKIN_FAIL(err, AKIN_ENOTFOUND,
                                "there is no track '%s' in %s", name, v->place)
                    : query_copy(q, NULL, 1, vecs_dim(v->index), err);
    if (status == AKIN_OK) {
        q->self = list.rows[0].vector_id;
        status = vecs_get(v->index, q->self, q->vectors, err);
    }
    tracks_list_clear(&list);
    return status;
}

static akin_status query_check(const akin_vectors *v, const vectors_query *q,
                               size_t dim, akin_error *err)
{
    if (dim != vecs_dim(v->index))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the query has dimension %zu, the index %zu", dim,
                         vecs_dim(v->index));
    for (size_t i = 0; i < q->n * dim; i++)
        if (!isfinite(q->vectors[i]))
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "number %zu of query %zu is not finite", i % dim,
                             i / dim);
    return AKIN_OK;
}

static akin_status query_make(akin_vectors *v, const akin_vectors_query *query,
                              vectors_query *q, akin_error *err)
{
    size_t dim = vecs_dim(v->index);
    *q = (vectors_query){.self = -1};
    if (query->file) {
        npy_vectors npy = {0};
        AKIN_TRY(npy_read_vectors(query->file, SEARCH_MAX_VALUES, &npy, err));
        q->vectors = npy.data;
        q->n = npy.n;
        dim = npy.dim;
    } else if (query->vectors) {
        AKIN_TRY(query_copy(q, query->vectors, query->n, query->dim, err));
        dim = query->dim;
    } else if (query->track) {
        AKIN_TRY(query_from_track(v, query->track, q, err));
    } else {
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "nothing to search for: give vectors or a track");
    }
    return query_check(v, q, dim, err);
}

/* ---- the effort for a recall ------------------------------------------------------- */

/* Vectors of the index that ask for their neighbours. */
typedef struct recall_probe {
    const akin_vectors *v;
    vecs_query query;
    int64_t self[RECALL_SAMPLE]; /* which vectors they are */
    int64_t *truth, *got;        /* [n, k] */
    float *distances;
} recall_probe;

/* What share of truth is in got, row by row. That a vector finds itself tells
 * nothing. */
static double recall_of(const recall_probe *p)
{
    size_t n_wanted = 0, n_got = 0, k = p->query.k;
    for (size_t i = 0; i < p->query.n * k; i++) {
        const int64_t *wanted = p->truth;
        if (wanted[i] < 0 || wanted[i] == p->self[i / k]) continue;
        n_wanted++;
        const int64_t *row = p->got + i / k * k;
        for (size_t j = 0; j < k; j++)
            if (row[j] == wanted[i]) {
                n_got++;
                break;
            }
    }
    return n_wanted ? (double)n_got / (double)n_wanted : 1;
}

/* The least of the doubled efforts that is good enough on the sample. */
static akin_status recall_find(recall_probe *p, double wanted, size_t *effort,
                               akin_error *err)
{
    vecs_effort bounds = vecs_get_effort(p->v->index);
    p->query.effort = bounds.most;
    AKIN_TRY(vecs_search(p->v->index, &p->query, p->truth, p->distances, err));
    for (size_t e = bounds.least;; e = e < bounds.most / 2 ? e * 2 : bounds.most) {
        p->query.effort = e;
        AKIN_TRY(
            vecs_search(p->v->index, &p->query, p->got, p->distances, err));
        *effort = e;
        if (e == bounds.most ||
            recall_of(p) >= wanted)
            return AKIN_OK;
    }
}

static akin_status recall_sample(recall_probe *probe, float **out,
                                 akin_error *err)
{
    const akin_vectors *v = probe->v;
    size_t dim = vecs_dim(v->index), n_rows = vecs_size(v->index), n = 0;
    void *p;
    random_state r = {RECALL_SEED};
    AKIN_TRY(mem_new_array(RECALL_SAMPLE * dim, sizeof(float), "a sample", &p,
                           err));
    *out = p;
    for (size_t i = 0; i < RECALL_SAMPLE && n_rows > 0; i++) {
        int64_t id = (int64_t)(random_u64(&r) % n_rows);
        if (vecs_get(v->index, id, *out + n * dim, NULL) == AKIN_OK)
            probe->self[n++] = id;
    }
    probe->query.vectors = *out;
    probe->query.n = n;
    return AKIN_OK;
}

static akin_status search_effort(const akin_vectors *v,
                                 const akin_vectors_search_options *opt,
                                 size_t k, size_t *effort, akin_error *err)
{
    vecs_effort bounds = vecs_get_effort(v->index);
    *effort = opt->effort;
    if (!bounds.name || opt->recall <= 0) return AKIN_OK;
    if (opt->recall > 1)
        return AKIN_FAIL(err, AKIN_EUSAGE, "a recall is 0 to 1, not %g",
                         opt->recall);
    float *sample = NULL;
    void *truth = NULL, *got = NULL, *distances = NULL;
    size_t values = RECALL_SAMPLE * (k + 1);
    recall_probe probe = {
        .v = v, .query = {.k = k + 1, .threads = opt->threads}};
    akin_status status = AKIN_OK;
    AKIN_TRYG(recall_sample(&probe, &sample, err));
    AKIN_TRYG(mem_new_array(values, sizeof(int64_t), "a sample", &truth, err));
    AKIN_TRYG(mem_new_array(values, sizeof(int64_t), "a sample", &got, err));
    AKIN_TRYG(mem_new_array(values, sizeof(float), "a sample", &distances,
                            err));
    probe.truth = truth;
    probe.got = got;
    probe.distances = distances;
    status = recall_find(&probe, opt->recall, effort, err);
done:
    mem_free(sample);
    mem_free(truth);
    mem_free(got);
    mem_free(distances);
    return status;
}

/* ---- results -------------------------------------------------------------------------- */

void akin_vectors_results_free(akin_vectors_results *r)
{
    if (!r) return;
    tracks_list_clear(&r->tracks);
    tracks_columns_clear(&r->columns);
    mem_free(r->numbers);
    mem_free(r->hits);
    mem_free(r);
}

size_t akin_vectors_results_count(const akin_vectors_results *r)
{
    return r ? r->n : 0;
}

const akin_vectors_hit *akin_vectors_results_at(const akin_vectors_results *r,
                                                size_t i)
{
    assert(i < r->n);
    return &r->hits[i];
}

void akin_vectors_results_get_info(const akin_vectors_results *r,
                                   akin_vectors_results_info *out)
{
    *out = r->info;
}

/* What is asked of the index: one more where the query itself is to be left
 * out. */
typedef struct raw_hits {
    int64_t *ids;     /* [n, k] */
    float *distances; /* [n, k] */
    size_t k;
} raw_hits;

static akin_status results_take(akin_vectors_results *r, const raw_hits *raw,
                                const vectors_query *q, size_t k,
                                akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(q->n * raw->k, sizeof *r->hits, "the results", &p,
                           err));
    r->hits = p;
    for (size_t i = 0; i < q->n; i++) {
        size_t rank = 0;
        for (size_t j = 0; j < raw->k && rank < k; j++) {
            int64_t id = raw->ids[i * raw->k + j];
            if (id < 0 || id == q->self) continue;
            r->hits[r->n++] = (akin_vectors_hit){
                .query = i, .rank = ++rank, .vector_id = id,
                .distance = raw->distances[i * raw->k + j]};
        }
    }
    return AKIN_OK;
}

/* Track ids as text, and the user's columns, of all hits in one look-up. */
static akin_status results_look_up(akin_vectors_results *r, akin_vectors *v,
                                   akin_error *err)
{
    void *p = NULL, *q = NULL, *n = NULL;
    akin_status status = AKIN_OK;
    AKIN_TRYG(mem_new_array(r->n, sizeof(int64_t), "the results", &p, err));
    AKIN_TRYG(mem_new_array(r->n, sizeof(tracks_id), "the results", &q, err));
    AKIN_TRYG(mem_new_array(r->n, sizeof *r->numbers, "the results", &n, err));
    r->numbers = n;
    int64_t *ids = p;
    tracks_id *of = q;
    for (size_t i = 0; i < r->n; i++) ids[i] = r->hits[i].vector_id;
    AKIN_TRYG(tracks_get(v->tracks, ids, r->n, &r->tracks, err));
    for (size_t i = 0; i < r->n; i++) {
        of[i] = r->tracks.rows[i].track;
        if (!r->tracks.found[i]) continue;
        snprintf(r->numbers[i], sizeof r->numbers[i], "%lld",
                 (long long)of[i].number);
        r->hits[i].track = of[i].text ? of[i].text : r->numbers[i];
    }
    AKIN_TRYG(tracks_get_columns(v->tracks, of, r->n, &r->columns, err));
    for (size_t i = 0; i < r->n && r->columns.n_columns > 0; i++)
        r->hits[i].columns = (const char *const *)r->columns.values +
                             i * r->columns.n_columns;
    r->info.columns = (const char *const *)r->columns.names;
    r->info.n_columns = r->columns.n_columns;
done:
    mem_free(p);
    mem_free(q);
    return status;
}

/* ---- the search ------------------------------------------------------------------------- */

static akin_status search_run(akin_vectors *v, const vectors_query *q,
                              const akin_vectors_search_options *opt,
                              akin_vectors_results *r, akin_error *err)
{
    size_t n_rows = vecs_size(v->index), k = opt->k ? opt->k : SEARCH_DEFAULT_K;
    if (k > n_rows) k = n_rows;
    raw_hits raw = {.k = k + (q->self >= 0 && k < n_rows)};
    vecs_query query = {.vectors = q->vectors, .n = q->n, .k = raw.k,
                        .threads = opt->threads};
    size_t values;
    void *p = NULL, *d = NULL;
    akin_status status = AKIN_OK;
    if (!mem_mul(q->n, raw.k, &values) || values > SEARCH_MAX_HITS)
        return AKIN_FAIL(err, AKIN_ELIMIT, "%zu answers to each of %zu queries "
                         "are too many", k, q->n);
    AKIN_TRYG(search_effort(v, opt, raw.k ? raw.k : 1, &query.effort, err));
    AKIN_TRYG(mem_new_array(values, sizeof *raw.ids, "the results", &p, err));
    AKIN_TRYG(mem_new_array(values, sizeof *raw.distances, "the results", &d,
                            err));
    raw.ids = p;
    raw.distances = d;
    AKIN_TRYG(vecs_search(v->index, &query, raw.ids, raw.distances, err));
    AKIN_TRYG(results_take(r, &raw, q, k, err));
    vecs_effort bounds = vecs_get_effort(v->index);
    r->info.effort = !bounds.name    ? 0
                     : query.effort ? query.effort
                                    : bounds.now;
done:
    mem_free(p);
    mem_free(d);
    return status;
}

akin_status akin_vectors_search(akin_vectors *v,
                                const akin_vectors_query *query,
                                const akin_vectors_search_options *opt,
                                akin_vectors_results **out, akin_error *err)
{
    static const akin_vectors_search_options defaults;
    double start_s = clock_now_s();
    vectors_query q = {0};
    akin_vectors_results *r = mem_array(1, sizeof *r);
    if (!r) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the results");
    akin_status status = vectors_begin_read(v, err);
    if (status == AKIN_OK) {
        status = query_make(v, query, &q, err);
        if (status == AKIN_OK)
            status = search_run(v, &q, opt ? opt : &defaults, r, err);
        if (status == AKIN_OK) status = results_look_up(r, v, err);
        tracks_rollback(v->tracks);
    }
    mem_free(q.vectors);
    if (status != AKIN_OK) {
        akin_vectors_results_free(r);
        return status;
    }
    r->info.took_ms = (clock_now_s() - start_s) * 1e3;
    *out = r;
    return AKIN_OK;
}
