/* SPDX-License-Identifier: MIT
 * Ranking: what the graph finds is scored by the rows themselves, so that scores
 * and ties are those of a scan over all. */
#include "engine/rank.h"

#include <math.h>

#include "base/memory.h"
#include "engine/cache.h"

#define RANK_DEFAULT_RECALL 0.99
#define RANK_GRAPH_MAX_K ((size_t)1 << 16) /* for more, scan */

/* ---- by the graph ------------------------------------------------------- */

/* The mean of the queries, each of length 1: ordered by the cosine with it,
 * rows are ordered by the mean of their cosines. */
static akin_status rank_direction(const rank_query *query, float **out,
                                  akin_error *err)
{
    void *p;
    size_t dim = query->dim;
    AKIN_TRY(mem_new_array(dim, sizeof(float), "a query", &p, err));
    *out = p;
    for (size_t i = 0; i < query->n; i++) {
        const float *vector = query->vectors + i * dim;
        double normsq = 0;
        for (size_t k = 0; k < dim; k++) normsq += (double)vector[k] * vector[k];
        double by = normsq > 0 ? 1 / sqrt(normsq) : 0;
        for (size_t k = 0; k < dim; k++) (*out)[k] += (float)(vector[k] * by);
    }
    return AKIN_OK;
}

/* The rows of the file that the graph finds, as a bitmap over rows. */
static akin_status rank_by_graph(const rank_rows *of, const rank_query *query,
                                 akin_index *mesh, size_t k, uint64_t *found,
                                 akin_error *err)
{
    akin_status status = AKIN_OK;
    float *direction = NULL;
    void *p = NULL;
    size_t n = 0;
    AKIN_TRYG(rank_direction(query, &direction, err));
    AKIN_TRYG(mem_new_array(k, sizeof(akin_index_hit), "answers", &p, err));
    akin_index_query asked = {
        .vector = direction,
        .k = k,
        .recall = query->recall > 0 ? query->recall : RANK_DEFAULT_RECALL,
        .ef = query->ef,
        .allow = of->allow_file,
        .n_allow = of->snapshot->n_file,
    };
    akin_index_hit *hits = p;
    AKIN_TRYG(akin_index_search(mesh, &asked, hits, &n, err));
    for (size_t i = 0; i < n; i++)
        found[hits[i].id / 64] |= (uint64_t)1 << (hits[i].id % 64);
done:
    mem_free(direction);
    mem_free(p);
    return status;
}

static akin_index *rank_find_graph(const rank_rows *of,
                                   const rank_query *query, size_t k)
{
    const snapshot *snap = of->snapshot;
    if (query->exact || query->score != FLAT_COSINE || k > RANK_GRAPH_MAX_K)
        return NULL;
    return cache_graph(snap->db, snap->index);
}

/* ---- all of it ---------------------------------------------------------- */

static uint64_t rank_pending_key(const void *user, size_t row)
{
    const rank_rows *of = user;
    return of->key(of->user, of->snapshot->n_file + row);
}

/* Scores the rows of the file: those that the graph finds, or all. */
static akin_status rank_file(const rank_rows *of, const rank_query *query,
                             const flat_query *asked, topk *top, bool *by_graph,
                             akin_error *err)
{
    const snapshot *snap = of->snapshot;
    void *found = NULL;
    akin_status status = AKIN_OK;
    flat_rows file = {
        .vectors = usearch_vectors(snap->index->file),
        .n = snap->n_file,
        .dim = query->dim,
        .allow = of->allow_file,
        .key = of->key,
        .user = of->user,
    };
    akin_index *mesh = rank_find_graph(of, query, top->k);
    if (mesh) {
        AKIN_TRY(mem_new_array(snap->n_file / 64 + 1, sizeof(uint64_t),
                               "answers", &found, err));
        AKIN_TRYG(rank_by_graph(of, query, mesh, top->k, found, err));
        file.allow = found;
        *by_graph = true;
    }
    AKIN_TRYG(flat_scan(&file, asked, top, err));
done:
    mem_free(found);
    return status;
}

akin_status rank_scan(const rank_rows *of, const rank_query *query,
                      topk *top, bool *by_graph, akin_error *err)
{
    const snapshot *snap = of->snapshot;
    flat_query asked = {
        .vectors = query->vectors,
        .n = query->n,
        .dim = query->dim,
        .score = query->score,
        .threads = query->threads,
    };
    if (snap->n_file > 0)
        AKIN_TRY(rank_file(of, query, &asked, top, by_graph, err));
    if (snap->pending.n == 0) return AKIN_OK;
    flat_rows pending = {
        .vectors = snap->pending.vectors,
        .n = snap->pending.n,
        .dim = query->dim,
        .allow = of->allow_pending,
        .key = rank_pending_key,
        .user = of,
    };
    return flat_scan(&pending, &asked, top, err);
}
