/* SPDX-License-Identifier: MIT
 * Searching a graph: down the levels greedily, then best first at the base.
 *
 * The candidates of a level are one sorted array rather than two heaps: the
 * next to expand is the first that is not, and the search ends where there is
 * none, which is where algorithm 2 ends. */
#include <math.h>
#include <string.h>

#include "index/graph_int.h"

/* Removed slots take up places; then a wider search is tried, up to this. */
enum { WIDER_MAX = 16, PREFETCH_LINES = 4, LINE_BYTES = 64 };

void graph_measure(const graph *g, graph_scratch *s, const float *from,
                   size_t n)
{
    distance_query q = {.vector = from, .dim = g->opt.dim};
    g->kernels->dot_gather(&q, s->rows, n, s->dots);
    for (size_t i = 0; i < n; i++) s->dots[i] = graph_distance(s->dots[i]);
}

/* The links of a slot; a copy if others may be writing. */
static const uint32_t *read_list(const graph *g, graph_scratch *s,
                                 uint32_t slot, int level, size_t *n)
{
    const uint32_t *list = graph_list(g, slot, level);
    if (!g->shared) {
        *n = list[0];
        return list + 1;
    }
    graph_lock(g, slot);
    *n = list[0];
    memcpy(s->links, list + 1, *n * sizeof *list);
    graph_unlock(g, slot);
    return s->links;
}

uint32_t graph_descend(const graph *g, graph_scratch *s, uint32_t start,
                       int level)
{
    uint32_t best = start, last;
    s->rows[0] = g->rows[start];
    graph_measure(g, s, s->query, 1);
    float best_distance = s->dots[0];
    do {
        last = best;
        size_t n;
        const uint32_t *links = read_list(g, s, best, level, &n);
        for (size_t i = 0; i < n; i++) s->rows[i] = g->rows[links[i]];
        graph_measure(g, s, s->query, n);
        for (size_t i = 0; i < n; i++) {
            if (!(s->dots[i] < best_distance)) continue;
            best_distance = s->dots[i];
            best = links[i];
        }
    } while (best != last);
    return best;
}

static void start_visits(graph_scratch *s)
{
    if (++s->epoch) return;
    memset(s->visited, 0, s->n_slots);
    s->epoch = 1;
}

static inline void prefetch_row(const graph *g, const unsigned char *row)
{
    size_t bytes = 2 * g->opt.dim;
    if (bytes > PREFETCH_LINES * LINE_BYTES)
        bytes = PREFETCH_LINES * LINE_BYTES;
    for (size_t b = 0; b < bytes; b += LINE_BYTES) __builtin_prefetch(row + b);
}

/* Collects the links that were not visited into s->fresh and s->rows. */
static size_t gather_fresh(const graph *g, graph_scratch *s,
                           const uint32_t *links, size_t n)
{
    size_t n_fresh = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = links[i];
        if (s->visited[slot] == s->epoch) continue;
        s->visited[slot] = s->epoch;
        s->fresh[n_fresh] = slot;
        s->rows[n_fresh] = g->rows[slot];
        prefetch_row(g, s->rows[n_fresh]);
        n_fresh++;
    }
    return n_fresh;
}

/* Whether the two candidates before a place are this very vector. */
static bool has_twins(const graph *g, const graph_scratch *s, size_t at,
                      uint32_t slot, float distance)
{
    for (size_t i = 1; i <= 2; i++) {
        if (at < i || s->pool[at - i].distance != distance) return false;
        const unsigned char *row = g->rows[s->pool[at - i].slot];
        if (memcmp(row, g->rows[slot], 2 * g->opt.dim) != 0) return false;
    }
    return true;
}

/* Puts a candidate into its place and returns that; n_pool if it has none. */
static size_t pool_insert(const graph *g, graph_scratch *s, size_t ef,
                          uint32_t slot, float distance)
{
    if (s->n_pool == ef && !(distance < s->pool[ef - 1].distance))
        return s->n_pool;
    size_t low = 0, high = s->n_pool;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->pool[middle].distance <= distance)
            low = middle + 1;
        else
            high = middle;
    }
    if (s->few_twins && has_twins(g, s, low, slot, distance)) return s->n_pool;
    if (s->n_pool < ef) s->n_pool++;
    memmove(s->pool + low + 1, s->pool + low,
            (s->n_pool - 1 - low) * sizeof *s->pool);
    s->pool[low] = (graph_candidate){.distance = distance, .slot = slot};
    return low;
}

/* Looks at all links of one candidate; returns the best place that was
 * filled. */
static size_t expand(const graph *g, graph_scratch *s, uint32_t slot, int level,
                     size_t ef)
{
    size_t n, best = SIZE_MAX;
    const uint32_t *links = read_list(g, s, slot, level, &n);
    n = gather_fresh(g, s, links, n);
    graph_measure(g, s, s->query, n);
    for (size_t i = 0; i < n; i++) {
        size_t at = pool_insert(g, s, ef, s->fresh[i], s->dots[i]);
        if (at < best) best = at;
    }
    return best;
}

void graph_search_level(const graph *g, graph_scratch *s, uint32_t start,
                        int level, size_t ef)
{
    start_visits(s);
    s->visited[start] = s->epoch;
    s->rows[0] = g->rows[start];
    graph_measure(g, s, s->query, 1);
    s->pool[0] = (graph_candidate){.distance = s->dots[0], .slot = start};
    s->n_pool = 1;
    for (size_t at = 0; at < s->n_pool;) {
        if (s->pool[at].expanded) {
            at++;
            continue;
        }
        s->pool[at].expanded = 1;
        if (at + 1 < s->n_pool)
            __builtin_prefetch(graph_list(g, s->pool[at + 1].slot, level));
        size_t best = expand(g, s, s->pool[at].slot, level, ef);
        at = best <= at ? best : at + 1;
    }
}

static size_t push_live(const graph *g, const graph_scratch *s, topk *top)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_pool && n < top->k; i++) {
        uint64_t key = g->keys[s->pool[i].slot];
        if (key == GRAPH_FREE_KEY) continue;
        topk_push(top, key, -s->pool[i].distance);
        n++;
    }
    return n;
}

static size_t count_live(const graph *g, const graph_scratch *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_pool; i++)
        n += g->keys[s->pool[i].slot] != GRAPH_FREE_KEY;
    return n;
}

akin_status graph_search(const graph *g, const float *query, size_t ef,
                         topk *top, akin_error *err)
{
    size_t n_live = g->n - g->n_removed;
    if (n_live == 0) return AKIN_OK;
    size_t wanted = top->k < n_live ? top->k : n_live;
    if (ef < wanted) ef = wanted;
    ef += (size_t)((double)ef * (double)g->n_removed / (double)n_live);
    if (ef > g->n) ef = g->n;
    size_t widest = ef > g->n / WIDER_MAX ? g->n : ef * WIDER_MAX;
    for (;; ef = ef > widest / 2 ? widest : ef * 2) {
        graph_scratch *s = NULL;
        AKIN_TRY(graph_take_scratch(g, ef, &s, err));
        memcpy(s->query, query, g->opt.dim * sizeof *query);
        uint32_t start = graph_entry(g);
        for (int l = graph_max_level(g); l > 0; l--)
            start = graph_descend(g, s, start, l);
        graph_search_level(g, s, start, 0, ef);
        bool enough = g->n_removed == 0 || ef >= widest ||
                      count_live(g, s) >= wanted;
        if (enough) push_live(g, s, top);
        graph_give_scratch(g, s);
        if (enough) return AKIN_OK;
    }
}
