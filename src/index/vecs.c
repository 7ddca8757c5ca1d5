/* SPDX-License-Identifier: MIT
 * An index: made, trained, filled and asked. */
#include "index/vecs.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "index/vecs_int.h"

enum { FIRST_ROOM = 64, DEFAULT_M = 32, MOST_EFFORT = 1 << 20 };

akin_status vecs_make_lists(vecs *v, akin_error *err)
{
    if (v->opt.n_lists > VECS_MOST_LISTS)
        return AKIN_FAIL(err, AKIN_ELIMIT, "%zu lists, more than %d",
                         v->opt.n_lists, VECS_MOST_LISTS);
    v->lists = (ivf){.dim = v->dim, .n_lists = v->opt.n_lists,
                     .metric = v->opt.metric, .coded = vecs_is_sq8(v),
                     .by_residual = vecs_is_sq8(v)};
    AKIN_TRY(ivf_init(&v->lists, err));
    v->n_probes = vecs_default_probes(v->opt.n_lists);
    return AKIN_OK;
}

akin_status vecs_new(const vecs_options *opt, size_t dim, vecs **out,
                     akin_error *err)
{
    akin_status status = AKIN_OK;
    void *p;
    if (dim < 1 || dim > VECS_MOST_DIM)
        return AKIN_FAIL(err, AKIN_ELIMIT, "vectors of %zu dimensions", dim);
    AKIN_TRY(mem_new_array(1, sizeof(vecs), "an index", &p, err));
    vecs *v = p;
    v->opt = *opt;
    v->dim = dim;
    v->trained = opt->kind == VECS_FLAT || opt->kind == VECS_HNSW_FLAT;
    if (opt->kind == VECS_HNSW_FLAT) {
        if (!v->opt.m) v->opt.m = DEFAULT_M;
        AKIN_TRYG(hnsw_init(&v->graph, v->opt.m, err));
    }
    if (opt->kind == VECS_SQ8) AKIN_TRYG(sq8_init(&v->sq, dim, err));
    *out = v;
    v = NULL;
done:
    vecs_free(v);
    return status;
}

void vecs_free(vecs *v)
{
    if (!v) return;
    mem_free_aligned(v->rows);
    mem_free_aligned(v->codes);
    mem_free(v->map);
    sq8_clear(&v->sq);
    ivf_clear(&v->lists);
    hnsw_clear(&v->graph);
    mem_free(v);
}

size_t vecs_size(const vecs *v) { return v->n; }
size_t vecs_dim(const vecs *v) { return v->dim; }
bool vecs_is_trained(const vecs *v) { return v->trained; }
const vecs_options *vecs_get_options(const vecs *v) { return &v->opt; }

/* ---- normalisation ---- */

/* In float, as FAISS does it; a zero vector stays one. */
static void normalise(float *row, size_t dim)
{
    distance_query q = {.vector = row, .dim = dim};
    float normsq;
    distance_f32_get()->dot_rows(&q, row, 1, &normsq);
    if (!(normsq > 0)) return;
    float scale = 1 / sqrtf(normsq);
    for (size_t d = 0; d < dim; d++) row[d] *= scale;
}

akin_status vecs_normalised(const vecs *v, const float *vectors, size_t n,
                            const float **out, float **owned, akin_error *err)
{
    void *p;
    *owned = NULL;
    *out = vectors;
    if (!v->opt.normalise) return AKIN_OK;
    size_t n_values;
    if (!mem_mul(n, v->dim, &n_values)) n_values = SIZE_MAX;
    AKIN_TRY(mem_new_array(n_values, sizeof(float), "vectors", &p, err));
    *out = *owned = p;
    memcpy(p, vectors, n_values * sizeof(float));
    for (size_t i = 0; i < n; i++) normalise(*owned + i * v->dim, v->dim);
    return AKIN_OK;
}

/* ---- training and adding ---- */

static akin_status train_lists(vecs *v, const float *rows, size_t n,
                               const vecs_train_options *opt, akin_error *err)
{
    kmeans_options how = {.seed = v->opt.seed};
    if (opt) {
        how.threads = opt->threads;
        how.progress = opt->progress;
        how.user = opt->user;
    }
    return ivf_train(&v->lists, rows, n, &how, err);
}

akin_status vecs_train(vecs *v, const float *vectors, size_t n,
                       const vecs_train_options *opt, akin_error *err)
{
    akin_status status = AKIN_OK;
    const float *rows;
    float *owned;
    if (v->n) return AKIN_FAIL(err, AKIN_EUSAGE, "the index is not empty");
    if (v->opt.kind == VECS_FLAT || v->opt.kind == VECS_HNSW_FLAT)
        return AKIN_OK;
    if (n == 0) return AKIN_FAIL(err, AKIN_EUSAGE, "no vectors to train on");
    if (n > UINT32_MAX)
        return AKIN_FAIL(err, AKIN_ELIMIT, "%zu vectors to train on", n);
    if (vecs_is_ivf(v)) {
        if (!v->opt.n_lists) v->opt.n_lists = vecs_default_lists(n);
        if (n < v->opt.n_lists)
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "%zu vectors are too few to train %zu lists", n,
                             v->opt.n_lists);
        ivf_clear(&v->lists);
        AKIN_TRY(vecs_make_lists(v, err));
    }
    AKIN_TRY(vecs_normalised(v, vectors, n, &rows, &owned, err));
    if (vecs_is_ivf(v))
        AKIN_TRYG(train_lists(v, rows, n, opt, err));
    else
        sq8_train(&v->sq, rows, n, true);
    v->trained = true;
done:
    mem_free(owned);
    return status;
}

static akin_status reserve_map(vecs *v, size_t n, akin_error *err)
{
    if (v->opt.map == VECS_NO_MAP) return AKIN_OK;
    void *map = v->map;
    AKIN_TRY(mem_grow(&map, &v->map_cap, n, sizeof *v->map, SIZE_MAX / 16,
                      err));
    v->map = map;
    return AKIN_OK;
}

akin_status vecs_reserve(vecs *v, size_t n, akin_error *err)
{
    size_t cap = v->cap, bytes = 0;
    size_t row_bytes = vecs_is_sq8(v) ? v->dim : v->dim * sizeof(float);
    AKIN_TRY(reserve_map(v, n, err));
    if (vecs_is_ivf(v) || n <= cap) return AKIN_OK;
    if (cap == 0) cap = n; /* filled at once, as a rule */
    while (cap < n) cap = cap < FIRST_ROOM ? FIRST_ROOM : cap + cap / 2;
    void *p = mem_mul(cap, row_bytes, &bytes) ? mem_aligned_raw(bytes) : NULL;
    if (!p)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for %zu vectors",
                         cap);
    void *old = vecs_is_sq8(v) ? (void *)v->codes : (void *)v->rows;
    if (v->n) memcpy(p, old, v->n * row_bytes);
    mem_free_aligned(old);
    if (vecs_is_sq8(v))
        v->codes = p;
    else
        v->rows = p;
    v->cap = cap;
    return AKIN_OK;
}

/* Ids that go on behind the highest. */
static int64_t next_id(const vecs *v)
{
    int64_t next = (int64_t)v->n;
    const int64_t *ids = v->map;
    for (size_t i = 0; v->opt.map && i < v->n; i++)
        if (ids[i] >= next) next = ids[i] + (ids[i] < INT64_MAX);
    if (v->opt.map || !vecs_is_ivf(v)) return next;
    for (size_t l = 0; l < v->lists.n_lists; l++)
        for (size_t i = 0; i < v->lists.lists[l].n; i++) {
            int64_t id = v->lists.lists[l].ids[i];
            if (id >= next) next = id + (id < INT64_MAX);
        }
    return next;
}

static akin_status add_rows(vecs *v, const float *rows, const int64_t *ids,
                            size_t n, size_t threads, akin_error *err)
{
    if (vecs_is_ivf(v))
        return ivf_add(&v->lists, rows, ids, n, threads, err);
    if (v->opt.kind == VECS_SQ8) {
        for (size_t i = 0; i < n; i++)
            sq8_encode(&v->sq, rows + i * v->dim,
                       v->codes + (v->n + i) * v->dim);
        return AKIN_OK;
    }
    memcpy(v->rows + v->n * v->dim, rows, n * v->dim * sizeof *rows);
    if (v->opt.kind == VECS_FLAT) return AKIN_OK;
    nearest_rows all = vecs_rows(v);
    all.n += n;
    return hnsw_add(&v->graph, &all, threads, v->opt.seed, err);
}

akin_status vecs_add(vecs *v, const float *vectors, const int64_t *ids,
                     size_t n, size_t threads, akin_error *err)
{
    akin_status status = AKIN_OK;
    const float *rows;
    float *owned = NULL;
    void *own_ids = NULL;
    size_t total;
    if (!v->trained)
        return AKIN_FAIL(err, AKIN_EUSAGE, "the index is not trained");
    if (ids && !v->opt.map && !vecs_is_ivf(v))
        return AKIN_FAIL(err, AKIN_EUSAGE, "the index keeps no ids");
    if (n == 0) return AKIN_OK;
    if (!mem_add(v->n, n, &total) || total > INT64_MAX / 2)
        return AKIN_FAIL(err, AKIN_ELIMIT, "%zu vectors", n);
    AKIN_TRYG(mem_new_array(n, sizeof(int64_t), "ids", &own_ids, err));
    int64_t *inner = own_ids, next = next_id(v);
    for (size_t i = 0; i < n; i++)
        inner[i] = v->opt.map ? (int64_t)(v->n + i)
                   : ids      ? ids[i]
                              : next + (int64_t)i;
    AKIN_TRYG(vecs_reserve(v, total, err));
    AKIN_TRYG(vecs_normalised(v, vectors, n, &rows, &owned, err));
    AKIN_TRYG(add_rows(v, rows, inner, n, threads, err));
    for (size_t i = 0; v->opt.map && i < n; i++)
        v->map[v->n + i] = ids ? ids[i] : next + (int64_t)i;
    v->n = total;
done:
    mem_free(owned);
    mem_free(own_ids);
    return status;
}

/* ---- search ---- */

vecs_effort vecs_get_effort(const vecs *v)
{
    if (vecs_is_ivf(v))
        return (vecs_effort){.name = "nprobe", .least = 1,
                             .most = v->opt.n_lists, .now = v->n_probes};
    if (v->opt.kind == VECS_HNSW_FLAT)
        return (vecs_effort){.name = "ef", .least = 1, .most = MOST_EFFORT,
                             .now = v->graph.ef_search};
    return (vecs_effort){0};
}

akin_status vecs_set_effort(vecs *v, size_t effort, akin_error *err)
{
    vecs_effort e = vecs_get_effort(v);
    if (!e.name || effort < e.least || effort > e.most)
        return AKIN_FAIL(err, AKIN_EUSAGE, "%s %zu is not within %zu to %zu",
                         e.name ? e.name : "effort", effort, e.least, e.most);
    if (vecs_is_ivf(v))
        v->n_probes = effort;
    else
        v->graph.ef_search = effort;
    return AKIN_OK;
}

static void fill(int64_t *ids, float *distances, size_t n, panels_metric metric)
{
    for (size_t i = 0; i < n; i++) {
        ids[i] = -1;
        distances[i] = metric == METRIC_L2SQ ? FLT_MAX : -FLT_MAX;
    }
}

/* Codes, query by query. */
static akin_status search_codes(const vecs *v, const nearest_query *q,
                                int64_t *ids, float *distances,
                                akin_error *err)
{
    akin_status status = AKIN_OK;
    topk top = {0};
    void *values = NULL;
    AKIN_TRYG(mem_new_array(v->dim, 2 * sizeof(float), "a query", &values,
                            err));
    AKIN_TRYG(topk_init(&top, q->k, v->opt.metric == METRIC_L2SQ, err));
    sq8_query ready = {.metric = v->opt.metric, .values = values,
                       .scales = (float *)values + v->dim};
    for (size_t i = 0; i < q->n; i++) {
        top.n = 0;
        sq8_prepare(&v->sq, q->vectors + i * v->dim, NULL, &ready);
        sq8_scan(&v->sq, &ready, v->codes, v->n, NULL, 0, &top);
        nearest_write(&top, ids + i * q->k, distances + i * q->k);
    }
done:
    topk_clear(&top);
    mem_free(values);
    return status;
}

static akin_status search_rows(const vecs *v, const nearest_query *q,
                               size_t effort, int64_t *ids, float *distances,
                               akin_error *err)
{
    nearest_rows rows = vecs_rows(v);
    switch (v->opt.kind) {
    case VECS_FLAT: return nearest_search(&rows, q, ids, distances, err);
    case VECS_SQ8: return search_codes(v, q, ids, distances, err);
    case VECS_HNSW_FLAT:
        return hnsw_search(&v->graph, &rows, q, effort, ids, distances, err);
    default: return ivf_search(&v->lists, q, effort, ids, distances, err);
    }
}

akin_status vecs_search(const vecs *v, const vecs_query *query, int64_t *ids,
                        float *distances, akin_error *err)
{
    akin_status status = AKIN_OK;
    vecs_effort e = vecs_get_effort(v);
    size_t effort = query->effort ? query->effort : e.now, total;
    const float *vectors;
    float *owned;
    if (!mem_mul(query->n, query->k, &total))
        return AKIN_FAIL(err, AKIN_ELIMIT, "%zu hits each", query->k);
    if (e.name && effort > e.most) effort = e.most;
    if (total == 0) return AKIN_OK;
    size_t k = query->k < v->n ? query->k : v->n; /* what there can be */
    fill(ids, distances, total, v->opt.metric);
    if (v->n == 0 || !v->trained) return AKIN_OK;
    AKIN_TRY(vecs_normalised(v, query->vectors, query->n, &vectors, &owned,
                             err));
    nearest_query q = {.vectors = vectors, .n = query->n, .k = k,
                       .threads = query->threads};
    AKIN_TRYG(search_rows(v, &q, effort, ids, distances, err));
    if (k < query->k) /* from dense to wide, the last first */
        for (size_t i = query->n; i-- > 0;) {
            memmove(ids + i * query->k, ids + i * k, k * sizeof *ids);
            memmove(distances + i * query->k, distances + i * k,
                    k * sizeof *distances);
            fill(ids + i * query->k + k, distances + i * query->k + k,
                 query->k - k, v->opt.metric);
        }
    for (size_t i = 0; v->opt.map && i < total; i++)
        if (ids[i] >= 0) ids[i] = v->map[ids[i]];
done:
    mem_free(owned);
    return status;
}
