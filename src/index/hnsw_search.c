/* SPDX-License-Identifier: MIT
 * Search in a hierarchical graph: greedily through the upper levels, then with
 * a pool of the ef nearest met so far, of which the nearest not yet expanded
 * goes next. */
#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "index/hnsw_int.h"

akin_status hnsw_scratch_init(hnsw_scratch *s, const hnsw *h, size_t n,
                              size_t ef, akin_error *err)
{
    void *p;
    *s = (hnsw_scratch){.ef = ef, .n_words = (n + 63) / 64};
    AKIN_TRY(mem_new_array(s->n_words, sizeof *s->visited, "a search", &p,
                           err));
    s->visited = p;
    AKIN_TRY(mem_new_array(ef + 1, sizeof *s->pool, "a search", &p, err));
    s->pool = p;
    AKIN_TRY(mem_new_array(2 * h->m, sizeof *s->fresh, "a search", &p, err));
    s->fresh = p;
    AKIN_TRY(mem_new_array(2 * h->m, sizeof *s->rows, "a search", &p, err));
    s->rows = p;
    AKIN_TRY(mem_new_array(2 * h->m, sizeof(float), "a search", &p, err));
    s->distances = p;
    return AKIN_OK;
}

void hnsw_scratch_clear(hnsw_scratch *s)
{
    mem_free(s->visited);
    mem_free(s->pool);
    mem_free(s->fresh);
    mem_free(s->rows);
    mem_free(s->distances);
    *s = (hnsw_scratch){0};
}

void hnsw_measure(const nearest_rows *rows, const float *query,
                  hnsw_scratch *s, size_t n)
{
    const distance_f32_table *kernels = distance_f32_get();
    distance_query q = {.vector = query, .dim = rows->dim};
    for (size_t i = 0; i < n; i++)
        s->rows[i] = rows->vectors + (size_t)s->fresh[i] * rows->dim;
    if (rows->metric == METRIC_L2SQ) {
        kernels->l2sq_gather(&q, s->rows, n, s->distances);
    } else {
        kernels->dot_gather(&q, s->rows, n, s->distances);
        for (size_t i = 0; i < n; i++) s->distances[i] = -s->distances[i];
    }
}

void hnsw_descend(const hnsw *h, const nearest_rows *rows, const float *query,
                  hnsw_scratch *s, int level, hnsw_near *at)
{
    for (bool moved = true; moved;) {
        size_t cap, n = 0;
        const int32_t *list = hnsw_list(h, at->node, level, &cap);
        for (; n < cap && list[n] >= 0; n++) s->fresh[n] = list[n];
        hnsw_measure(rows, query, s, n);
        moved = false;
        for (size_t i = 0; i < n; i++) {
            if (!(s->distances[i] < at->distance)) continue;
            *at = (hnsw_near){s->distances[i], s->fresh[i], false};
            moved = true;
        }
    }
}

static bool visit(hnsw_scratch *s, int32_t node)
{
    uint64_t bit = (uint64_t)1 << (node & 63);
    uint64_t *word = &s->visited[(size_t)node / 64];
    if (*word & bit) return false;
    *word |= bit;
    return true;
}

/* Returns where it went, n_pool if it is too far. */
static size_t push(hnsw_scratch *s, float distance, int32_t node)
{
    size_t low = 0, high = s->n_pool;
    if (isnan(distance) ||
        (s->n_pool == s->ef && !(distance < s->pool[s->ef - 1].distance)))
        return s->ef;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->pool[middle].distance <= distance)
            low = middle + 1;
        else
            high = middle;
    }
    memmove(s->pool + low + 1, s->pool + low,
            (s->n_pool - low) * sizeof *s->pool);
    s->pool[low] = (hnsw_near){distance, node, false};
    if (s->n_pool < s->ef) s->n_pool++;
    return low;
}

static size_t expand(const hnsw *h, const nearest_rows *rows,
                     const float *query, hnsw_scratch *s, int level,
                     int32_t node)
{
    size_t cap, n = 0, first = s->ef;
    const int32_t *list = hnsw_list(h, node, level, &cap);
    for (size_t i = 0; i < cap && list[i] >= 0; i++)
        if (visit(s, list[i])) {
            __builtin_prefetch(rows->vectors + (size_t)list[i] * rows->dim);
            s->fresh[n++] = list[i];
        }
    hnsw_measure(rows, query, s, n);
    for (size_t i = 0; i < n; i++) {
        size_t at = push(s, s->distances[i], s->fresh[i]);
        if (at < first) first = at;
    }
    return first;
}

void hnsw_search_level(const hnsw *h, const nearest_rows *rows,
                       const float *query, hnsw_scratch *s, int level,
                       size_t ef, hnsw_near start)
{
    memset(s->visited, 0, s->n_words * sizeof *s->visited);
    s->n_pool = 0;
    visit(s, start.node);
    push(s, start.distance, start.node);
    for (size_t at = 0; at < s->n_pool;) {
        if (s->pool[at].expanded) {
            at++;
            continue;
        }
        /* As many are nearer already as were asked for: matters if k > ef. */
        if (at >= ef && s->pool[at - 1].distance < s->pool[at].distance) break;
        s->pool[at].expanded = true;
        size_t first = expand(h, rows, query, s, level, s->pool[at].node);
        if (first < at) at = first;
    }
}

/* ---- queries ---- */

typedef struct job {
    const hnsw *h;
    const nearest_rows *rows;
    const nearest_query *query;
    size_t ef;
    int64_t *ids;
    float *distances;
    hnsw_scratch *scratches;
    atomic_size_t next;
} job;

static void write_pool(const job *j, const hnsw_scratch *s, size_t q)
{
    size_t k = j->query->k;
    bool smaller = j->rows->metric == METRIC_L2SQ;
    for (size_t i = 0; i < k; i++) {
        bool there = i < s->n_pool && fabsf(s->pool[i].distance) < FLT_MAX;
        float d = there ? s->pool[i].distance : FLT_MAX;
        j->ids[q * k + i] = there ? s->pool[i].node : -1;
        j->distances[q * k + i] = smaller ? d : -d;
    }
}

static void search_some(void *user, size_t thread)
{
    job *j = user;
    const hnsw *h = j->h;
    hnsw_scratch *s = &j->scratches[thread];
    for (;;) {
        size_t q = atomic_fetch_add(&j->next, 1);
        if (q >= j->query->n) return;
        const float *query = j->query->vectors + q * j->rows->dim;
        s->n_pool = 0;
        if (h->entry >= 0) {
            hnsw_near at = {.node = h->entry};
            s->fresh[0] = h->entry;
            hnsw_measure(j->rows, query, s, 1);
            at.distance = s->distances[0];
            for (int level = h->max_level; level > 0; level--)
                hnsw_descend(h, j->rows, query, s, level, &at);
            hnsw_search_level(h, j->rows, query, s, 0, j->ef, at);
        }
        write_pool(j, s, q);
    }
}

akin_status hnsw_search(const hnsw *h, const nearest_rows *rows,
                        const nearest_query *query, size_t ef, int64_t *ids,
                        float *distances, akin_error *err)
{
    assert(query->k >= 1 && ef >= 1);
    akin_status status = AKIN_OK;
    job j = {.h = h, .rows = rows, .query = query, .ef = ef, .ids = ids,
             .distances = distances};
    size_t wanted = query->threads ? query->threads : thread_count();
    size_t n_threads = wanted < query->n / 8 + 1 ? wanted : query->n / 8 + 1;
    void *p = NULL;
    AKIN_TRYG(mem_new_array(n_threads, sizeof *j.scratches, "threads", &p,
                            err));
    j.scratches = p;
    for (size_t i = 0; i < n_threads; i++)
        AKIN_TRYG(hnsw_scratch_init(&j.scratches[i], h, h->n,
                                    ef > query->k ? ef : query->k, err));
    thread_each(n_threads, search_some, &j);
done:
    for (size_t i = 0; j.scratches && i < n_threads; i++)
        hnsw_scratch_clear(&j.scratches[i]);
    mem_free(j.scratches);
    return status;
}
