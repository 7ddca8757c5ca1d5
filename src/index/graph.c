/* SPDX-License-Identifier: MIT
 * The graph's life-cycle, its raw form, and the threads' working memory. */
#include "index/graph.h"

#include <assert.h>
#include <math.h>
#include <sched.h>
#include <string.h>

#include "base/memory.h"
#include "index/graph_int.h"

#define MAX_SLOTS ((size_t)UINT32_MAX - 1)

enum { SPINS = 64 };

akin_status graph_new(const graph_options *opt, graph **out, akin_error *err)
{
    assert(opt->dim > 0 && opt->m != 1);
    akin_status status = AKIN_OK;
    graph *g = NULL;
    void *p;
    AKIN_TRYG(mem_new_array(1, sizeof *g, "a graph", &p, err));
    g = p;
    g->opt = *opt;
    if (!g->opt.m) g->opt.m = 16;
    if (!g->opt.m0) g->opt.m0 = 2 * g->opt.m;
    if (!g->opt.expansion_add) g->opt.expansion_add = 200;
    assert(g->opt.m0 >= g->opt.m);
    g->kernels = distance_get();
    AKIN_TRYG(mem_new_array(1, sizeof *g->pool, "a graph", &p, err));
    g->pool = p;
    pthread_mutex_init(&g->pool->lock, NULL);
    AKIN_TRYG(mem_new_array(1, sizeof *g->top_lock, "a graph", &p, err));
    g->top_lock = p;
    pthread_mutex_init(g->top_lock, NULL);
    AKIN_TRYG(mem_new_array(GRAPH_LOCKS, sizeof *g->locks, "locks", &p, err));
    g->locks = p;
    *out = g;
    g = NULL;
done:
    graph_free(g);
    return status;
}

void graph_free(graph *g)
{
    if (!g) return;
    if (g->pool) {
        while (g->pool->first) {
            graph_scratch *s = g->pool->first;
            g->pool->first = s->next;
            graph_free_scratch(s);
        }
        pthread_mutex_destroy(&g->pool->lock);
        mem_free(g->pool);
    }
    if (g->top_lock) {
        pthread_mutex_destroy(g->top_lock);
        mem_free(g->top_lock);
    }
    mem_free(g->locks);
    mem_free(g->keys);
    mem_free(g->levels);
    mem_free(g->rows);
    mem_free(g->upper_at);
    mem_free(g->upper);
    mem_free_aligned(g->base);
    mem_free(g);
}

/* ---- room ---- */

static akin_status grow_array(void **data, size_t n, size_t size,
                              akin_error *err)
{
    void *p = mem_realloc_array(*data, n, size);
    if (!p)
        return AKIN_FAIL(err, AKIN_ENOMEM,
                         "out of memory for a graph of %zu vectors", n);
    *data = p;
    return AKIN_OK;
}

/* The base lists are where a search lives: huge pages make it 1.2 to 1.6 times
 * as fast, so they are not realloc'ed. */
static akin_status grow_base(graph *g, size_t cap, akin_error *err)
{
    size_t stride = (1 + g->opt.m0) * sizeof *g->base, bytes;
    uint32_t *base = NULL;
    if (mem_mul(cap, stride, &bytes)) base = mem_aligned(bytes);
    if (!base)
        return AKIN_FAIL(err, AKIN_ENOMEM,
                         "out of memory for a graph of %zu vectors", cap);
    if (g->n) memcpy(base, g->base, g->n * stride);
    mem_free_aligned(g->base);
    g->base = base;
    return AKIN_OK;
}

static akin_status reserve_slots(graph *g, size_t need, akin_error *err)
{
    if (need <= g->cap) return AKIN_OK;
    size_t cap = need; /* exactly, the first time: most graphs are loaded */
    if (g->cap && cap < g->cap + g->cap / 2) cap = g->cap + g->cap / 2;
    void *keys = g->keys, *levels = g->levels, *upper_at = g->upper_at;
    const void *rows = g->rows;
    void *rows_out = (void *)(uintptr_t)rows;
    akin_status status;
    status = grow_array(&keys, cap, sizeof *g->keys, err);
    g->keys = keys;
    if (status == AKIN_OK)
        status = grow_array(&levels, cap, sizeof *g->levels, err);
    g->levels = levels;
    if (status == AKIN_OK)
        status = grow_array(&upper_at, cap, sizeof *g->upper_at, err);
    g->upper_at = upper_at;
    if (status == AKIN_OK)
        status = grow_array(&rows_out, cap, sizeof *g->rows, err);
    g->rows = rows_out;
    if (status == AKIN_OK) status = grow_base(g, cap, err);
    if (status == AKIN_OK) g->cap = cap;
    return status;
}

akin_status graph_reserve(graph *g, size_t n, size_t n_upper, akin_error *err)
{
    if (n > MAX_SLOTS - g->n || n_upper > UINT32_MAX - g->n_upper)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "more than %zu vectors in one graph", MAX_SLOTS);
    AKIN_TRY(reserve_slots(g, g->n + n, err));
    if (g->n_upper + n_upper <= g->cap_upper) return AKIN_OK;
    size_t cap = g->n_upper + n_upper + g->cap_upper / 2;
    void *upper = g->upper;
    AKIN_TRY(grow_array(&upper, cap, (1 + g->opt.m) * sizeof *g->upper, err));
    g->upper = upper;
    g->cap_upper = cap;
    return AKIN_OK;
}

/* ---- the raw form ---- */

void graph_remove(graph *g, uint32_t slot)
{
    assert(slot < g->n);
    if (g->keys[slot] == GRAPH_FREE_KEY) return;
    g->keys[slot] = GRAPH_FREE_KEY;
    g->n_removed++;
}

size_t graph_n_removed(const graph *g) { return g->n_removed; }
size_t graph_size(const graph *g) { return g->n; }
size_t graph_dim(const graph *g) { return g->opt.dim; }
size_t graph_m(const graph *g) { return g->opt.m; }
size_t graph_m0(const graph *g) { return g->opt.m0; }

int graph_max_level(const graph *g)
{
    return (int)(uint32_t)atomic_load(&g->top) - 1;
}

uint32_t graph_entry(const graph *g)
{
    return (uint32_t)(atomic_load(&g->top) >> 32);
}

uint64_t graph_key(const graph *g, uint32_t slot)
{
    assert(slot < g->n);
    return g->keys[slot];
}

int graph_level(const graph *g, uint32_t slot)
{
    assert(slot < g->n);
    return g->levels[slot];
}

const unsigned char *graph_vector(const graph *g, uint32_t slot)
{
    assert(slot < g->n);
    return g->rows[slot];
}

const uint32_t *graph_links(const graph *g, uint32_t slot, int level,
                            size_t *n)
{
    assert(slot < g->n && level >= 0 && level <= g->levels[slot]);
    const uint32_t *list = graph_list(g, slot, level);
    *n = list[0];
    return list + 1;
}

akin_status graph_restore(graph *g, const uint64_t *keys, const int16_t *levels,
                          const unsigned char *vectors, size_t n,
                          uint32_t entry, akin_error *err)
{
    assert(g->n == 0);
    if (n == 0) return AKIN_OK;
    assert(entry < n);
    size_t n_upper = 0;
    for (size_t i = 0; i < n; i++) n_upper += (size_t)levels[i];
    AKIN_TRY(graph_reserve(g, n, n_upper, err));
    memcpy(g->keys, keys, n * sizeof *keys);
    memcpy(g->levels, levels, n * sizeof *levels);
    for (size_t i = 0; i < n; i++) {
        g->rows[i] = vectors + i * 2 * g->opt.dim;
        g->upper_at[i] = (uint32_t)g->n_upper;
        g->n_upper += (size_t)levels[i];
        if (keys[i] == GRAPH_FREE_KEY) g->n_removed++;
        for (int l = 0; l <= levels[i]; l++)
            graph_list(g, (uint32_t)i, l)[0] = 0;
    }
    g->n = g->n_unchecked = n;
    atomic_store(&g->top,
                 (uint64_t)entry << 32 | (uint32_t)(levels[entry] + 1));
    return AKIN_OK;
}

void graph_set_links(graph *g, uint32_t slot, int level, const uint32_t *links,
                     size_t n)
{
    assert(slot < g->n && level >= 0 && level <= g->levels[slot]);
    assert(n <= graph_list_cap(g, level));
    uint32_t *list = graph_list(g, slot, level);
    list[0] = (uint32_t)n;
    if (n) memcpy(list + 1, links, n * sizeof *links);
}

/* ---- locks and working memory ---- */

/* A holder may measure a few hundred distances: after a while, let it run. */
void graph_lock(const graph *g, uint32_t slot)
{
    if (!g->shared) return;
    atomic_flag *lock = &g->locks[slot % GRAPH_LOCKS];
    for (unsigned spins = 0;
         atomic_flag_test_and_set_explicit(lock, memory_order_acquire); spins++)
        if (spins > SPINS) sched_yield();
}

void graph_unlock(const graph *g, uint32_t slot)
{
    if (!g->shared) return;
    atomic_flag_clear_explicit(&g->locks[slot % GRAPH_LOCKS],
                               memory_order_release);
}

void graph_free_scratch(graph_scratch *s)
{
    if (!s) return;
    mem_free_aligned(s->visited);
    mem_free(s->pool);
    mem_free(s->near);
    mem_free(s->links);
    mem_free(s->fresh);
    mem_free(s->kept);
    mem_free(s->spare);
    mem_free(s->rows);
    mem_free(s->kept_rows);
    mem_free(s->dots);
    mem_free_aligned(s->query);
    mem_free_aligned(s->other);
    mem_free(s);
}

static graph_scratch *new_scratch(const graph *g)
{
    size_t n = g->opt.m0 + 1, dim_bytes = g->opt.dim * sizeof(float);
    graph_scratch *s = mem_array(1, sizeof *s);
    if (!s) return NULL;
    s->near = mem_array(n, sizeof *s->near);
    s->links = mem_array(n, sizeof *s->links);
    s->fresh = mem_array(n, sizeof *s->fresh);
    s->kept = mem_array(n, sizeof *s->kept);
    s->spare = mem_array(n, sizeof *s->spare);
    s->rows = mem_array(n, sizeof *s->rows);
    s->kept_rows = mem_array(n, sizeof *s->kept_rows);
    s->dots = mem_array(n, sizeof *s->dots);
    s->query = mem_aligned(dim_bytes);
    s->other = mem_aligned(dim_bytes);
    if (s->near && s->links && s->fresh && s->kept && s->spare && s->rows &&
        s->kept_rows && s->dots && s->query && s->other)
        return s;
    graph_free_scratch(s);
    return NULL;
}

static bool fit_scratch(const graph *g, graph_scratch *s, size_t ef)
{
    if (s->n_slots < g->n) {
        mem_free_aligned(s->visited);
        s->visited = mem_aligned(g->cap);
        s->n_slots = s->visited ? g->cap : 0;
        s->epoch = 0;
        if (!s->visited) return false;
    }
    if (s->ef >= ef) return true;
    void *pool = mem_realloc_array(s->pool, ef + 1, sizeof *s->pool);
    if (!pool) return false;
    s->pool = pool;
    s->ef = ef;
    return true;
}

akin_status graph_take_scratch(const graph *g, size_t ef, graph_scratch **out,
                               akin_error *err)
{
    pthread_mutex_lock(&g->pool->lock);
    graph_scratch *s = g->pool->first;
    if (s) g->pool->first = s->next;
    pthread_mutex_unlock(&g->pool->lock);
    if (!s) s = new_scratch(g);
    if (s && fit_scratch(g, s, ef)) {
        s->few_twins = false;
        *out = s;
        return AKIN_OK;
    }
    graph_free_scratch(s);
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a graph search");
}

void graph_give_scratch(const graph *g, graph_scratch *s)
{
    if (!s) return;
    pthread_mutex_lock(&g->pool->lock);
    s->next = g->pool->first;
    g->pool->first = s;
    pthread_mutex_unlock(&g->pool->lock);
}
