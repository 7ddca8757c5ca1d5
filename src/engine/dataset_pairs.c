/* SPDX-License-Identifier: MIT
 * Linking: small tables exactly, each pair once, as products of matrices; large
 * ones that have a graph by the nearest of each vector in it.
 *
 * By the graph a link may be missed, where a vector has more equals than are
 * looked for (LINK_NEIGHBOURS) or the graph does not find one. As groups are
 * linked through any of their members, that costs a group rarely; a million
 * vectors take minutes this way, and a day by all pairs.
 *
 * Threads link in forests of their own, which are joined in the end: which rows
 * hang together does not depend on the order of the links. */
#include "engine/dataset_pairs.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "engine/cache.h"
#include "engine/dataset_query.h"
#include "engine/rank.h"
#include "index/distance.h"
#include "index/panels.h"

enum { LINK_NEIGHBOURS = 33, BLOCK_ROWS = 1024, QUERIES = 64, STRETCH = 256 };

/* Multiplications for which all pairs are looked at although there is a graph:
 * some ten seconds. */
#define PAIRS_EXACT_MAX 3e11

/* Of dots of vectors that were scaled to length 1. */
#define PAIRS_ROUNDING 1e-6f

static _Atomic double pairs_exact_max;

void dataset_pairs_set_exact_max(double n) { pairs_exact_max = n; }

typedef struct linking {
    const dataset_pairs *pairs;
    size_t dim, n; /* rows that are compared */
    uint32_t *rows; /* [n] of the map, ascending */
    float *vectors; /* [n, dim] of length 1; exact only */
    uint32_t **forests; /* [n_threads][n] */
    size_t n_threads, n_steps;
    atomic_size_t next;
    atomic_bool stopped;
    akin_status *statuses; /* [n_threads] */
} linking;

/* ---- forests ---------------------------------------------------------------- */

static uint32_t forest_root(uint32_t *forest, uint32_t i)
{
    while (forest[i] != i) {
        forest[i] = forest[forest[i]];
        i = forest[i];
    }
    return i;
}

/* The smaller root stays, so that roots are the first rows of their trees. */
static void forest_join(uint32_t *forest, uint32_t i, uint32_t j)
{
    uint32_t a = forest_root(forest, i), b = forest_root(forest, j);
    if (a < b)
        forest[b] = a;
    else
        forest[a] = b;
}

/* ---- pairs ------------------------------------------------------------------ */

/* Whether the rows have views of different items. */
static bool linking_differ(const linking *l, uint32_t i, uint32_t j)
{
    const dataset_map *map = l->pairs->map;
    uint32_t a = l->rows[i], b = l->rows[j];
    for (uint32_t p = map->first[a]; p < map->first[a + 1]; p++) {
        if (!dataset_filter_has(l->pairs->filter, &map->entries[p])) continue;
        for (uint32_t q = map->first[b]; q < map->first[b + 1]; q++)
            if (map->entries[q].item != map->entries[p].item &&
                dataset_filter_has(l->pairs->filter, &map->entries[q]))
                return true;
    }
    return false;
}

static float linking_dot(const linking *l, uint32_t i, uint32_t j)
{
    const distance_query q = {l->vectors + i * l->dim, l->dim};
    float dot;
    distance_f32_get()->dot_rows(&q, l->vectors + j * l->dim, 1, &dot);
    return dot;
}

/* true if the caller goes on. Only thread 0, which is the caller, tells. */
static bool linking_tell(linking *l, size_t thread, size_t step)
{
    const dataset_pairs *p = l->pairs;
    if (thread == 0 && p->progress &&
        !p->progress(p->user, (double)step / (double)l->n_steps))
        atomic_store(&l->stopped, true);
    return !atomic_load(&l->stopped);
}

/* ---- all pairs -------------------------------------------------------------- */

typedef struct linking_block {
    const linking *l;
    uint32_t *forest;
    size_t first, first_query;
} linking_block;

static void block_hit(void *user, size_t query, size_t first, uint64_t rows_,
                      const float *sums)
{
    const linking_block *b = user;
    uint32_t i = (uint32_t)(b->first_query + query);
    (void)sums;
    for (; rows_; rows_ &= rows_ - 1) {
        uint32_t j = (uint32_t)(b->first + first +
                                (size_t)__builtin_ctzll(rows_));
        if (i >= j || forest_root(b->forest, i) == forest_root(b->forest, j) ||
            !linking_differ(b->l, i, j))
            continue;
        if (linking_dot(b->l, i, j) + PAIRS_ROUNDING >=
            b->l->pairs->min_similarity)
            forest_join(b->forest, i, j);
    }
}

/* The rows of a block against those before its end. */
static void block_run(const linking *l, const panels *p, size_t first,
                      size_t end, uint32_t *forest)
{
    float bound = panels_bound(METRIC_DOT, l->dim, 1,
                               l->pairs->min_similarity - PAIRS_ROUNDING);
    float factor = panels_factor(METRIC_DOT, l->dim, 1);
    for (size_t q = 0; q < end; q += QUERIES) {
        const float *queries[QUERIES];
        float factors[QUERIES], bounds[QUERIES];
        linking_block b = {l, forest, first, q};
        size_t n = end - q < QUERIES ? end - q : QUERIES;
        for (size_t i = 0; i < n; i++) {
            queries[i] = l->vectors + (q + i) * l->dim;
            factors[i] = factor;
            bounds[i] = bound;
        }
        const panels_scan scan = {.panels = p, .queries = queries, .n = n,
                                  .factors = factors, .bounds = bounds,
                                  .hit = block_hit, .user = &b};
        panels_run(&scan);
    }
}

/* The last blocks have the most before them: they come first. */
static void exact_work(void *user, size_t thread)
{
    linking *l = user;
    panels p = {0};
    l->statuses[thread] = panels_init(&p, BLOCK_ROWS, l->dim, METRIC_DOT, NULL);
    while (l->statuses[thread] == AKIN_OK) {
        size_t step = atomic_fetch_add(&l->next, 1);
        if (step >= l->n_steps || !linking_tell(l, thread, step)) break;
        size_t first = (l->n_steps - 1 - step) * BLOCK_ROWS;
        size_t n = l->n - first < BLOCK_ROWS ? l->n - first : BLOCK_ROWS;
        panels_pack(&p, l->vectors + first * l->dim, n);
        block_run(l, &p, first, first + n, l->forests[thread]);
    }
    panels_clear(&p);
}

/* A vector without a direction is like nothing: its row is left out. */
static akin_status exact_vectors(linking *l, akin_error *err)
{
    size_t n = 0, values;
    void *p;
    if (!mem_mul(l->n, l->dim, &values)) values = SIZE_MAX;
    AKIN_TRY(mem_new_array(values, sizeof(float), "the vectors", &p, err));
    l->vectors = p;
    for (size_t i = 0; i < l->n; i++) {
        float *to = l->vectors + n * l->dim;
        distance_from_half(dataset_map_vector(l->pairs->map, l->rows[i]),
                           l->dim, to);
        if (!dataset_unit(to, l->dim)) continue;
        l->rows[n++] = l->rows[i];
    }
    l->n = n;
    return AKIN_OK;
}

/* ---- by the graph ----------------------------------------------------------- */

static uint64_t linking_key(const void *user, size_t row)
{
    (void)user;
    return row;
}

/* The place of a row of the map among those that are compared. */
static uint32_t linking_find(const linking *l, uint32_t row)
{
    size_t low = 0, high = l->n;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (l->rows[middle] <= row)
            low = middle;
        else
            high = middle;
    }
    return (uint32_t)low;
}

static akin_status graph_row(const linking *l, uint32_t i, float *vector,
                             uint32_t *forest)
{
    const dataset_pairs *pairs = l->pairs;
    topk top = {0};
    bool by_graph = false;
    distance_from_half(dataset_map_vector(pairs->map, l->rows[i]), l->dim,
                       vector);
    if (!dataset_unit(vector, l->dim)) return AKIN_OK;
    const rank_query query = {.vectors = vector, .n = 1, .dim = l->dim,
                              .score = FLAT_COSINE, .threads = 1};
    const rank_rows of = {.snapshot = &pairs->map->snapshot,
                          .allow_file = pairs->allowed->file,
                          .allow_pending = pairs->allowed->pending,
                          .key = linking_key};
    akin_status status = topk_init(&top, LINK_NEIGHBOURS, false, NULL);
    if (status == AKIN_OK) status = rank_scan(&of, &query, &top, &by_graph,
                                              NULL);
    for (size_t k = 0; status == AKIN_OK && k < top.n; k++) {
        uint32_t j = linking_find(l, (uint32_t)top.hits[k].key);
        if (top.hits[k].score + PAIRS_ROUNDING >= pairs->min_similarity &&
            linking_differ(l, i, j))
            forest_join(forest, i, j);
    }
    topk_clear(&top);
    return status;
}

static void graph_work(void *user, size_t thread)
{
    linking *l = user;
    float *vector = mem_array(l->dim, sizeof *vector);
    l->statuses[thread] = vector ? AKIN_OK : AKIN_ENOMEM;
    while (l->statuses[thread] == AKIN_OK) {
        size_t step = atomic_fetch_add(&l->next, 1);
        if (step >= l->n_steps || !linking_tell(l, thread, step)) break;
        for (size_t i = step * STRETCH;
             i < (step + 1) * STRETCH && i < l->n &&
             l->statuses[thread] == AKIN_OK;
             i++)
            l->statuses[thread] = graph_row(l, (uint32_t)i, vector,
                                            l->forests[thread]);
    }
    mem_free(vector);
}

/* ---- the whole -------------------------------------------------------------- */

static akin_status linking_rows(linking *l, akin_error *err)
{
    const dataset_map *map = l->pairs->map;
    const dataset_allowed *allowed = l->pairs->allowed;
    size_t n_file = map->snapshot.n_file;
    void *p;
    AKIN_TRY(mem_new_array(allowed->n_rows, sizeof *l->rows, "rows", &p, err));
    l->rows = p;
    for (size_t i = 0; i < map->n_rows; i++) {
        size_t at = i < n_file ? i : i - n_file;
        const uint64_t *bits = i < n_file ? allowed->file : allowed->pending;
        if (bits[at / 64] >> (at % 64) & 1) l->rows[l->n++] = (uint32_t)i;
    }
    return AKIN_OK;
}

static bool linking_is_exact(const linking *l)
{
    const snapshot *s = &l->pairs->map->snapshot;
    double work = (double)l->n * (double)l->n / 2 * (double)l->dim;
    double most = pairs_exact_max > 0 ? pairs_exact_max : PAIRS_EXACT_MAX;
    return work <= most || !s->index || !cache_graph(s->db, s->index);
}

static akin_status linking_forests(linking *l, akin_error *err)
{
    void *p;
    size_t threads = l->pairs->threads ? l->pairs->threads : thread_count();
    AKIN_TRY(mem_new_array(threads, sizeof *l->statuses, "threads", &p, err));
    l->statuses = p;
    AKIN_TRY(mem_new_array(threads, sizeof *l->forests, "threads", &p, err));
    l->forests = p;
    l->n_threads = threads;
    for (size_t t = 0; t < threads; t++) {
        AKIN_TRY(mem_new_array(l->n, sizeof **l->forests, "groups", &p, err));
        l->forests[t] = p;
        for (size_t i = 0; i < l->n; i++) l->forests[t][i] = (uint32_t)i;
    }
    return AKIN_OK;
}

static akin_status linking_check(const linking *l, akin_error *err)
{
    for (size_t t = 0; t < l->n_threads; t++)
        if (l->statuses[t] != AKIN_OK)
            return AKIN_FAIL(err, l->statuses[t],
                             "similar views could not be looked for: %s",
                             akin_status_name(l->statuses[t]));
    if (atomic_load(&l->stopped))
        return AKIN_FAIL(err, AKIN_ECANCELLED, "stopped");
    return AKIN_OK;
}

static akin_status linking_run(linking *l, uint32_t *out, akin_error *err)
{
    AKIN_TRY(linking_rows(l, err));
    bool exact = linking_is_exact(l);
    size_t step = exact ? BLOCK_ROWS : STRETCH;
    if (exact) AKIN_TRY(exact_vectors(l, err));
    AKIN_TRY(linking_forests(l, err));
    l->n_steps = (l->n + step - 1) / step;
    thread_each(l->n_threads, exact ? exact_work : graph_work, l);
    AKIN_TRY(linking_check(l, err));
    for (size_t t = 1; t < l->n_threads; t++)
        for (size_t i = 0; i < l->n; i++)
            forest_join(l->forests[0], (uint32_t)i, l->forests[t][i]);
    for (size_t i = 0; i < l->n; i++)
        out[l->rows[i]] = l->rows[forest_root(l->forests[0], (uint32_t)i)];
    return AKIN_OK;
}

akin_status dataset_pairs_link(const dataset_pairs *pairs, uint32_t **out,
                               akin_error *err)
{
    size_t n = pairs->map->n_rows;
    void *p;
    linking l = {.pairs = pairs, .dim = pairs->map->snapshot.db->settings.dim};
    AKIN_TRY(mem_new_array(n, sizeof **out, "groups", &p, err));
    *out = p;
    for (size_t i = 0; i < n; i++) (*out)[i] = (uint32_t)i;
    akin_status status = linking_run(&l, *out, err);
    for (size_t t = 0; l.forests && t < l.n_threads; t++)
        mem_free(l.forests[t]);
    mem_free(l.forests);
    mem_free(l.statuses);
    mem_free(l.vectors);
    mem_free(l.rows);
    if (status == AKIN_OK) return AKIN_OK;
    mem_free(*out);
    *out = NULL;
    return status;
}
