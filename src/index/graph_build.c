/* SPDX-License-Identifier: MIT
 * Adding slots to a graph: their levels, their links and the links back, and
 * a last look that every slot can be reached. */
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "index/graph_int.h"

/* So many slots are linked by one thread first: in a smaller graph threads
 * would mostly miss each other's new slots. */
enum { SERIAL_SLOTS = 512 };

/* All slots are looked at when one in so many is new: linking a slot takes
 * 1000 times as long as looking at one. */
enum { CHECK_SHARE = 256 };

typedef struct build {
    graph *g;
    graph_scratch **scratches; /* one a thread */
    size_t n_threads;
    atomic_size_t next;
    size_t end;
    uint8_t *reached; /* [n] and [n] for graph_connect, if it is due */
    uint32_t *queue;
} build;

/* Exponential with mean 1 / ln(m); depends on seed and slot only, so that the
 * batches in which slots come don't matter. */
static int draw_level(const graph *g, size_t slot)
{
    random_state r = {g->opt.seed ^ (slot + 1) * 0xd1342543de82ef95u};
    double u = 1 - random_unit(&r);
    int level = (int)(-log(u) / log((double)g->opt.m));
    return level < GRAPH_LEVELS ? level : GRAPH_LEVELS - 1;
}

/* ---- choosing links ---- */

static int compare_candidates(const void *a, const void *b)
{
    const graph_candidate *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return (x->slot > y->slot) - (x->slot < y->slot);
}

static bool is_same(const graph *g, const unsigned char *a,
                    const unsigned char *b)
{
    return memcmp(a, b, 2 * g->opt.dim) == 0;
}

/* Whether one of the kept slots is nearer to a candidate than the target is,
 * and if so, whether it is even the same vector. */
typedef enum cover { COVER_NONE, COVER_NEAR, COVER_SAME } cover;

static cover cover_of(const graph *g, graph_scratch *s, size_t n_kept,
                      const graph_candidate *c)
{
    distance_query q = {.vector = s->other, .dim = g->opt.dim};
    g->kernels->from_half(g->rows[c->slot], g->opt.dim, s->other);
    for (size_t i = 0; i < n_kept; i += 4) {
        size_t n = n_kept - i < 4 ? n_kept - i : 4;
        float dots[4];
        g->kernels->dot_gather(&q, s->kept_rows + i, n, dots);
        for (size_t k = 0; k < n; k++) {
            if (!(graph_distance(dots[k]) < c->distance)) continue;
            bool same = is_same(g, g->rows[c->slot], s->kept_rows[i + k]);
            return same ? COVER_SAME : COVER_NEAR;
        }
    }
    return COVER_NONE;
}

/* The longest a list may become, and how far it is filled up with links that
 * were passed over. Inner product keeps 4 to 7 links of vectors that are not of
 * one length; filling the base lists brings recall on such data from 0.93 to
 * 0.96 and more. Some room is left for links back. */
typedef struct list_size {
    size_t limit, fill;
} list_size;

typedef struct graph_candidates {
    const graph_candidate *all;
    size_t n;
} graph_candidates;

static list_size size_of_new(const graph *g, int level)
{
    if (level > 0) return (list_size){.limit = g->opt.m};
    return (list_size){.limit = g->opt.m0, .fill = g->opt.m0 * 3 / 4};
}

static list_size size_of_cut(const graph *g, int level)
{
    if (level > 0) return (list_size){.limit = g->opt.m};
    return (list_size){.limit = g->opt.m0, .fill = g->opt.m0 / 2};
}

/* Algorithm 4: from n ascending candidates keeps one if the target is nearer to
 * it than any kept one, up to `limit`; then, up to `fill`, the nearest that
 * were passed over. Both go into s->kept; returns how many, and in *n_kept how
 * many of the first sort.
 *
 * Of vectors that equal the target one is kept, and it keeps out no other: a
 * vector that is there a thousand times (silence) would else fill its lists
 * with itself, and what lies behind it is cut off. Where half of the vectors
 * were equal, recall was 0.32 without this. */
static size_t refine(const graph *g, graph_scratch *s, uint32_t target,
                     graph_candidates from, list_size max, size_t *n_kept)
{
    size_t n_all = 0, n_spare = 0;
    const graph_candidate *twin = NULL;
    for (size_t i = 0; i < from.n && n_all < max.limit; i++) {
        const graph_candidate *c = &from.all[i];
        if (is_same(g, g->rows[c->slot], g->rows[target])) {
            if (!twin) twin = c;
            continue;
        }
        cover covered =
            from.n > max.limit ? cover_of(g, s, n_all, c) : COVER_NONE;
        if (covered == COVER_NONE) {
            s->kept[n_all] = c->slot;
            s->kept_rows[n_all++] = g->rows[c->slot];
        } else if (covered == COVER_NEAR && n_spare < max.fill) {
            s->spare[n_spare++] = c->slot;
        }
    }
    if (twin && n_all < max.limit) s->kept[n_all++] = twin->slot;
    *n_kept = n_all;
    for (size_t i = 0; i < n_spare && n_all < max.fill; i++)
        s->kept[n_all++] = s->spare[i];
    return n_all;
}

/* ---- one slot ---- */

/* Cuts the full list of `from` with `to` added. s->query is not touched. */
static void cut_list(const graph *g, graph_scratch *s, uint32_t from,
                     uint32_t to, int level)
{
    uint32_t *list = graph_list(g, from, level);
    size_t n = list[0];
    for (size_t i = 0; i < n; i++) s->rows[i] = g->rows[list[1 + i]];
    s->rows[n] = g->rows[to];
    g->kernels->from_half(g->rows[from], g->opt.dim, s->other);
    graph_measure(g, s, s->other, n + 1);
    for (size_t i = 0; i <= n; i++)
        s->near[i] = (graph_candidate){
            .distance = s->dots[i], .slot = i < n ? list[1 + i] : to};
    qsort(s->near, n + 1, sizeof *s->near, compare_candidates);
    size_t n_kept;
    n = refine(g, s, from, (graph_candidates){s->near, n + 1},
               size_of_cut(g, level), &n_kept);
    memcpy(list + 1, s->kept, n * sizeof *list);
    list[0] = (uint32_t)n;
}

static void link_back(const graph *g, graph_scratch *s, uint32_t from,
                      uint32_t to, int level)
{
    graph_lock(g, from);
    uint32_t *list = graph_list(g, from, level);
    if (list[0] < graph_list_cap(g, level))
        list[1 + list[0]++] = to;
    else
        cut_list(g, s, from, to, level);
    graph_unlock(g, from);
}

/* Algorithm 1, but for the links back. Returns the level they begin at. */
static int find_links(const graph *g, graph_scratch *s, uint32_t slot,
                      uint64_t top)
{
    uint32_t at = (uint32_t)(top >> 32);
    int l = (int)(uint32_t)top - 1, level = g->levels[slot];
    g->kernels->from_half(g->rows[slot], g->opt.dim, s->query);
    for (; l > level; l--) at = graph_descend(g, s, at, l);
    for (int i = l; i >= 0; i--) {
        graph_search_level(g, s, at, i, g->opt.expansion_add);
        size_t n = refine(g, s, slot, (graph_candidates){s->pool, s->n_pool},
                          size_of_new(g, i), &s->n_back[i]);
        uint32_t *list = graph_list(g, slot, i);
        memcpy(list + 1, s->kept, n * sizeof *list);
        list[0] = (uint32_t)n;
        at = s->kept[0];
    }
    return l;
}

/* Links back are written last and from the base up: whoever comes to the slot
 * finds its lists. */
static void link_slot(graph *g, graph_scratch *s, uint32_t slot)
{
    uint64_t top = atomic_load(&g->top);
    bool rises = g->levels[slot] >= (int)(uint32_t)top;
    if (rises) {
        pthread_mutex_lock(g->top_lock);
        top = atomic_load(&g->top);
        rises = g->levels[slot] >= (int)(uint32_t)top;
        if (!rises) pthread_mutex_unlock(g->top_lock);
    }
    int n_levels = (uint32_t)top ? find_links(g, s, slot, top) : -1;
    for (int l = 0; l <= n_levels; l++) {
        const uint32_t *list = graph_list(g, slot, l);
        for (size_t i = 0; i < s->n_back[l]; i++)
            link_back(g, s, list[1 + i], slot, l);
    }
    if (!rises) return;
    atomic_store(&g->top, (uint64_t)slot << 32 |
                              (uint32_t)(g->levels[slot] + 1));
    pthread_mutex_unlock(g->top_lock);
}

/* ---- all slots ---- */

static void link_some(void *user, size_t thread)
{
    build *b = user;
    for (;;) {
        size_t slot = atomic_fetch_add(&b->next, 1);
        if (slot >= b->end) return;
        link_slot(b->g, b->scratches[thread], (uint32_t)slot);
    }
}

static void link_all(build *b)
{
    size_t serial = b->end < SERIAL_SLOTS ? b->end : SERIAL_SLOTS;
    size_t at = atomic_load(&b->next);
    for (; at < serial; at++)
        link_slot(b->g, b->scratches[0], (uint32_t)at);
    atomic_store(&b->next, at);
    b->g->shared = b->n_threads > 1;
    thread_each(b->n_threads, link_some, b);
    b->g->shared = false;
}

/* Everything that can fail comes before the first link is written. */
static akin_status prepare(build *b, akin_error *err)
{
    graph *g = b->g;
    void *p;
    for (size_t i = 0; i < b->n_threads; i++) {
        AKIN_TRY(graph_take_scratch(g, g->opt.expansion_add, &b->scratches[i],
                                    err));
        b->scratches[i]->few_twins = true;
    }
    size_t n_new = b->end - atomic_load(&b->next);
    if (g->n_unchecked + n_new < g->n / CHECK_SHARE) return AKIN_OK;
    AKIN_TRY(mem_new_array(g->n, sizeof *b->reached, "a walk", &p, err));
    b->reached = p;
    AKIN_TRY(mem_new_array(g->n, sizeof *b->queue, "a walk", &p, err));
    b->queue = p;
    return AKIN_OK;
}

static void connect_all(build *b, size_t first)
{
    if (b->queue) {
        graph_connect(b->g, b->scratches[0], b->reached, b->queue);
        b->g->n_unchecked = 0;
    } else {
        graph_connect_new(b->g, b->scratches[0], (uint32_t)first);
        b->g->n_unchecked += b->end - first;
    }
}

/* Gives the new slots their keys, rows and levels, and empty lists. */
static akin_status append_slots(graph *g, const uint64_t *keys,
                                const unsigned char *vectors, size_t n,
                                akin_error *err)
{
    size_t n_upper = 0;
    for (size_t i = 0; i < n; i++) n_upper += (size_t)draw_level(g, g->n + i);
    AKIN_TRY(graph_reserve(g, n, n_upper, err));
    for (size_t i = 0; i < n; i++) {
        uint32_t slot = (uint32_t)(g->n + i);
        assert(keys[i] != GRAPH_FREE_KEY);
        g->keys[slot] = keys[i];
        g->rows[slot] = vectors + i * 2 * g->opt.dim;
        g->levels[slot] = (int16_t)draw_level(g, slot);
        g->upper_at[slot] = (uint32_t)g->n_upper;
        g->n_upper += (size_t)g->levels[slot];
        for (int l = 0; l <= g->levels[slot]; l++)
            graph_list(g, slot, l)[0] = 0;
    }
    g->n += n;
    return AKIN_OK;
}

akin_status graph_add(graph *g, const uint64_t *keys,
                      const unsigned char *vectors, size_t n, size_t threads,
                      akin_error *err)
{
    if (n == 0) return AKIN_OK;
    akin_status status = AKIN_OK;
    size_t first = g->n, first_upper = g->n_upper;
    build b = {.g = g, .n_threads = threads ? threads : thread_count()};
    void *p = NULL;
    AKIN_TRYG(mem_new_array(b.n_threads, sizeof *b.scratches, "threads", &p,
                            err));
    b.scratches = p;
    AKIN_TRYG(append_slots(g, keys, vectors, n, err));
    atomic_store(&b.next, first);
    b.end = g->n;
    AKIN_TRYG(prepare(&b, err));
    link_all(&b);
    connect_all(&b, first);
done:
    for (size_t i = 0; b.scratches && i < b.n_threads; i++)
        graph_give_scratch(g, b.scratches[i]);
    mem_free(b.scratches);
    mem_free(b.reached);
    mem_free(b.queue);
    if (status != AKIN_OK) {
        g->n = first;
        g->n_upper = first_upper;
    }
    return status;
}
