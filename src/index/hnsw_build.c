/* SPDX-License-Identifier: MIT
 * Linking new nodes, in rounds.
 *
 * In a round all threads search the graph as the round before has left it and
 * choose the links of their new nodes; then all write: first the lists of the
 * new nodes, then the links back, where a thread owns the nodes it writes to.
 * So no list needs a lock, and the graph is the same for any number of
 * threads. New nodes come in an order by chance, for those of one round do not
 * see each other, and rows that are alike often lie together. */
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "index/hnsw_int.h"

enum { ROUND_SHARE = 16, MOST_IN_ROUND = 256 };

static int compare_near(const void *a, const void *b)
{
    const hnsw_near *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    return (x->node > y->node) - (x->node < y->node);
}

void hnsw_sort(hnsw_near *near, size_t n)
{
    if (n) qsort(near, n, sizeof *near, compare_near);
}

static float distance_of(const nearest_rows *rows, int32_t a, int32_t b)
{
    const distance_f32_table *kernels = distance_f32_get();
    distance_query q = {.vector = rows->vectors + (size_t)a * rows->dim,
                        .dim = rows->dim};
    const float *row = rows->vectors + (size_t)b * rows->dim;
    float d;
    if (rows->metric == METRIC_L2SQ) {
        kernels->l2sq_gather(&q, &row, 1, &d);
        return d;
    }
    kernels->dot_gather(&q, &row, 1, &d);
    return -d;
}

void hnsw_measure_from(const nearest_rows *rows, int32_t node,
                       const int32_t *others, size_t n, hnsw_near *near)
{
    for (size_t i = 0; i < n; i++)
        near[i] = (hnsw_near){distance_of(rows, node, others[i]), others[i],
                              false};
    hnsw_sort(near, n);
}

size_t hnsw_choose(const nearest_rows *rows, const hnsw_near *near, size_t n,
                   size_t cap, int32_t *kept)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < n && n_kept < cap; i++) {
        bool good = true;
        for (size_t k = 0; k < n_kept && good; k++)
            good = !(distance_of(rows, near[i].node, kept[k]) <
                     near[i].distance);
        if (good) kept[n_kept++] = near[i].node;
    }
    return n_kept;
}

/* ---- rounds ---- */

typedef struct build {
    hnsw *h;
    const nearest_rows *rows;
    const int32_t *order; /* new nodes */
    size_t from, to;      /* of the order, in the round */
    size_t n_threads;
    hnsw_scratch *scratches;
    hnsw_near *near;      /* [n_threads][2 m + 1] */
    int32_t *kept;        /* [n_threads][2 m + 1] */
    atomic_size_t next;
} build;

static void write_list(const hnsw *h, int32_t node, int level,
                       const int32_t *kept, size_t n)
{
    size_t cap;
    int32_t *list = hnsw_list(h, node, level, &cap);
    for (size_t i = 0; i < cap; i++) list[i] = i < n ? kept[i] : -1;
}

/* Nobody reads the list of a new node before the second half of the round. */
static void choose_links(build *b, hnsw_scratch *s, int32_t node)
{
    const hnsw *h = b->h;
    const float *query = b->rows->vectors + (size_t)node * b->rows->dim;
    int top = h->levels[node] - 1;
    hnsw_near at = {distance_of(b->rows, node, h->entry), h->entry, false};
    for (int level = h->max_level; level > top; level--)
        hnsw_descend(h, b->rows, query, s, level, &at);
    for (int level = top < h->max_level ? top : h->max_level; level >= 0;
         level--) {
        size_t cap;
        hnsw_search_level(h, b->rows, query, s, level, s->ef, at);
        at = s->pool[0];
        int32_t *list = hnsw_list(h, node, level, &cap);
        size_t n = hnsw_choose(b->rows, s->pool, s->n_pool,
                               level == 0 ? cap : h->m, list);
        for (; n < cap; n++) list[n] = -1;
    }
}

static void choose_some(void *user, size_t thread)
{
    build *b = user;
    for (;;) {
        size_t i = b->from + atomic_fetch_add(&b->next, 1);
        if (i >= b->to) return;
        choose_links(b, &b->scratches[thread], b->order[i]);
    }
}

static void link_back(build *b, size_t thread, int32_t to, int32_t node,
                      int level)
{
    size_t cap, n = 0;
    int32_t *list = hnsw_list(b->h, to, level, &cap);
    int32_t *kept = b->kept + thread * (2 * b->h->m + 1);
    hnsw_near *near = b->near + thread * (2 * b->h->m + 1);
    while (n < cap && list[n] >= 0) n++;
    if (n < cap) {
        list[n] = node;
        return;
    }
    memcpy(kept, list, n * sizeof *kept);
    kept[n++] = node;
    hnsw_measure_from(b->rows, to, kept, n, near);
    n = hnsw_choose(b->rows, near, n, cap, kept);
    write_list(b->h, to, level, kept, n);
}

static void link_own(void *user, size_t thread)
{
    build *b = user;
    for (size_t i = b->from; i < b->to; i++) {
        int32_t node = b->order[i];
        for (int level = 0; level < b->h->levels[node]; level++) {
            size_t cap;
            const int32_t *list = hnsw_list(b->h, node, level, &cap);
            for (size_t k = 0; k < cap && list[k] >= 0; k++)
                if ((size_t)list[k] % b->n_threads == thread)
                    link_back(b, thread, list[k], node, level);
        }
    }
}

/* The node becomes the entry if it is higher than all before. */
static void raise_entry(hnsw *h, int32_t node)
{
    if (h->levels[node] - 1 <= h->max_level) return;
    h->entry = node;
    h->max_level = h->levels[node] - 1;
}

static void run_rounds(build *b, size_t n_linked, size_t n)
{
    size_t at = 0;
    if (b->h->entry < 0) raise_entry(b->h, b->order[at++]);
    while (at < n) {
        size_t size = (n_linked + at) / ROUND_SHARE;
        size = size < 1 ? 1 : size > MOST_IN_ROUND ? MOST_IN_ROUND : size;
        b->from = at;
        b->to = at + size < n ? at + size : n;
        atomic_store(&b->next, 0);
        size_t threads = b->to - at < b->n_threads ? 1 : b->n_threads;
        thread_each(threads, choose_some, b);
        thread_each(b->n_threads, link_own, b);
        for (; at < b->to; at++) raise_entry(b->h, b->order[at]);
    }
}

/* ---- new nodes ---- */

static int draw_level(const hnsw *h, random_state *r)
{
    double x = random_unit(r);
    for (size_t l = 0; l < h->n_levels; l++) {
        if (x < h->chances[l]) return (int)l;
        x -= h->chances[l];
    }
    return (int)h->n_levels - 1;
}

static akin_status draw_nodes(hnsw *h, size_t n, random_state *random,
                              akin_error *err)
{
    AKIN_TRY(hnsw_reserve(h, n, h->cap_links, err));
    uint64_t end = h->offsets[h->n];
    for (size_t i = h->n; i < n; i++) {
        h->levels[i] = draw_level(h, random) + 1;
        end += (uint64_t)h->room[h->levels[i]];
        h->offsets[i + 1] = end;
    }
    AKIN_TRY(hnsw_reserve(h, n, end, err));
    for (uint64_t i = h->offsets[h->n]; i < end; i++) h->links[i] = -1;
    return AKIN_OK;
}

/* New nodes, the highest first, else by chance. */
static void order_nodes(const hnsw *h, int32_t *order, size_t n,
                        random_state *random)
{
    size_t ends[HNSW_LEVELS + 1] = {0}, total = 0;
    for (size_t i = 0; i < n; i++) ends[h->levels[h->n + i]]++;
    for (size_t l = HNSW_LEVELS + 1; l-- > 0;) {
        size_t count = ends[l];
        ends[l] = total;
        total += count;
    }
    for (size_t i = 0; i < n; i++)
        order[ends[h->levels[h->n + i]]++] = (int32_t)(h->n + i);
    size_t first = 0;
    for (size_t l = HNSW_LEVELS + 1; l-- > 0; first = ends[l])
        for (size_t i = first; i + 1 < ends[l]; i++) {
            size_t other = i + random_below(random, (uint32_t)(ends[l] - i));
            int32_t kept = order[i];
            order[i] = order[other];
            order[other] = kept;
        }
}

static akin_status new_build(build *b, size_t n, size_t threads,
                             akin_error *err)
{
    void *p;
    size_t most = 2 * b->h->m + 1;
    b->n_threads = threads ? threads : thread_count();
    AKIN_TRY(mem_new_array(b->n_threads, sizeof *b->scratches, "threads", &p,
                           err));
    b->scratches = p;
    AKIN_TRY(mem_new_array(b->n_threads * most, sizeof *b->near, "threads", &p,
                           err));
    b->near = p;
    AKIN_TRY(mem_new_array(b->n_threads * most, sizeof *b->kept, "threads", &p,
                           err));
    b->kept = p;
    for (size_t i = 0; i < b->n_threads; i++)
        AKIN_TRY(hnsw_scratch_init(&b->scratches[i], b->h, n,
                                   b->h->ef_construction, err));
    return AKIN_OK;
}

akin_status hnsw_add(hnsw *h, const nearest_rows *rows, size_t threads,
                     uint64_t seed, akin_error *err)
{
    akin_status status = AKIN_OK;
    build b = {.h = h, .rows = rows};
    size_t n = rows->n - h->n;
    random_state random = {seed + h->n};
    void *order = NULL;
    if (n == 0) return AKIN_OK;
    AKIN_TRYG(new_build(&b, rows->n, threads, err));
    AKIN_TRYG(mem_new_array(n, sizeof(int32_t), "nodes", &order, err));
    AKIN_TRYG(draw_nodes(h, rows->n, &random, err));
    order_nodes(h, order, n, &random);
    b.order = order;
    run_rounds(&b, h->n, n);
    h->n = rows->n;
done:
    for (size_t i = 0; b.scratches && i < b.n_threads; i++)
        hnsw_scratch_clear(&b.scratches[i]);
    mem_free(b.scratches);
    mem_free(b.near);
    mem_free(b.kept);
    mem_free(order);
    return status;
}

/* ---- removal ---- */

/* A list that has dead links: the living ones and the living neighbours of the
 * dead become candidates. near and ids have room for 4 m^2 + 2 m. */
static void repair(hnsw *h, const nearest_rows *rows, const uint8_t *dead,
                   int32_t node, int level, int32_t *ids, hnsw_near *near)
{
    size_t cap, other_cap, n = 0, n_dead = 0;
    int32_t *list = hnsw_list(h, node, level, &cap);
    for (size_t i = 0; i < cap && list[i] >= 0; i++) {
        if (!dead[list[i]]) {
            ids[n++] = list[i];
            continue;
        }
        n_dead++;
        const int32_t *other = hnsw_list(h, list[i], level, &other_cap);
        for (size_t k = 0; k < other_cap && other[k] >= 0; k++)
            if (!dead[other[k]] && other[k] != node) ids[n++] = other[k];
    }
    if (!n_dead) return;
    hnsw_measure_from(rows, node, ids, n, near);
    size_t n_unique = 0;
    for (size_t i = 0; i < n; i++)
        if (i == 0 || near[i].node != near[n_unique - 1].node)
            near[n_unique++] = near[i];
    n = hnsw_choose(rows, near, n_unique, cap, ids);
    write_list(h, node, level, ids, n);
}

/* Moves the living together and renames their links. */
static void compact(hnsw *h, const uint8_t *dead, int32_t *names)
{
    int32_t n = 0;
    uint64_t end = 0;
    for (size_t i = 0; i < h->n; i++) names[i] = dead[i] ? -1 : n++;
    n = 0;
    h->entry = h->max_level = -1;
    for (size_t i = 0; i < h->n; i++) {
        if (dead[i]) continue;
        uint64_t size = (uint64_t)h->room[h->levels[i]], from = h->offsets[i];
        for (uint64_t k = 0; k < size; k++) {
            int32_t link = h->links[from + k];
            h->links[end + k] = link < 0 ? -1 : names[link];
        }
        h->levels[n] = h->levels[i];
        h->offsets[n] = end;
        end += size;
        raise_entry(h, n++);
    }
    h->offsets[n] = end;
    h->n = (size_t)n;
}

akin_status hnsw_remove(hnsw *h, const nearest_rows *rows, const uint8_t *dead,
                        akin_error *err)
{
    akin_status status = AKIN_OK;
    void *ids = NULL, *near = NULL, *names = NULL;
    size_t most = 4 * h->m * h->m + 2 * h->m;
    AKIN_TRYG(mem_new_array(most, sizeof(int32_t), "a list", &ids, err));
    AKIN_TRYG(mem_new_array(most, sizeof(hnsw_near), "a list", &near, err));
    AKIN_TRYG(mem_new_array(h->n, sizeof(int32_t), "nodes", &names, err));
    for (size_t i = 0; i < h->n; i++)
        for (int level = 0; !dead[i] && level < h->levels[i]; level++)
            repair(h, rows, dead, (int32_t)i, level, ids, near);
    compact(h, dead, names);
done:
    mem_free(ids);
    mem_free(near);
    mem_free(names);
    return status;
}
