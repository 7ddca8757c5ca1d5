/* SPDX-License-Identifier: MIT
 * Walking the links: best first, with one sorted pool of candidates, as in
 * Malkov, Yashunin: Efficient and robust approximate nearest neighbor search
 * using hierarchical navigable small world graphs, 2016, algorithm 2.
 *
 * A hop asks memory for the codes of all neighbours at once before it looks at
 * the first; from 256 dimensions on their sketches come first, an eighth as
 * large as codes, and only what they do not rule out is measured by its code. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index/mesh_int.h"

/* A walk ends when what is left is so much farther than the k-th, in squared
 * distances: 1.1 misses 2 to 5 % on the bench sets. Who asks for many
 * candidates wants the last of the true ones; so it grows with ef. */
static float slack_of(size_t ef) { return 1.25f + (float)ef / 400; }

/* So many errors of a code are looked behind the k-th, for the same reason. */
static float errors_of(size_t ef) { return 2 + (float)ef / 100; }

enum { LISTS_AHEAD = 2, LINE = 64 };

/* ---- the pool ------------------------------------------------------------------ */

static bool visit(mesh_scratch *s, uint32_t slot)
{
    uint64_t bit = (uint64_t)1 << (slot % 64), *word = &s->visited[slot / 64];
    if (*word & bit) return false;
    *word |= bit;
    if (s->n_touched < s->cap_touched) s->touched[s->n_touched] = slot;
    s->n_touched++;
    return true;
}

static bool is_visited(const mesh_scratch *s, uint32_t slot)
{
    return s->visited[slot / 64] >> (slot % 64) & 1;
}

static void forget_visits(mesh_scratch *s)
{
    if (s->n_touched > s->cap_touched)
        memset(s->visited, 0, (s->n_slots / 64 + 1) * sizeof *s->visited);
    else
        for (size_t i = 0; i < s->n_touched; i++)
            s->visited[s->touched[i] / 64] = 0;
    s->n_touched = 0;
}

static bool has_twins(const mesh_scratch *s, size_t at, mesh_key key)
{
    return at >= 2 && s->pool[at - 1] >> 32 == key >> 32 &&
           s->pool[at - 2] >> 32 == key >> 32;
}

/* Puts a key into its place and returns that; SIZE_MAX if it has none. */
static size_t push(const mesh *m, mesh_scratch *s, const mesh_walk *walk,
                   mesh_key key)
{
    if (s->n_pool == walk->room && key >= s->pool[s->n_pool - 1])
        return SIZE_MAX;
    size_t at = m->codes->rank(s->pool, s->n_pool, key);
    if (walk->few_twins && has_twins(s, at, key)) return SIZE_MAX;
    if (s->n_pool == walk->room) s->n_pool--;
    memmove(s->pool + at + 1, s->pool + at, (s->n_pool - at) * sizeof key);
    s->pool[at] = key;
    s->n_pool++;
    return at;
}

bool mesh_allows(const mesh *m, const akin_index_query *q, uint32_t slot)
{
    if (mesh_state_of(m, slot) != MESH_LIVE) return false;
    if (!q->allow) return true;
    uint64_t id = mesh_id(m, slot);
    return id < q->n_allow && q->allow[id / 64] >> (id % 64) & 1;
}

/* ---- one hop ------------------------------------------------------------------- */

static size_t gather(mesh_scratch *s, _Atomic uint32_t *list, size_t size)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        uint32_t slot = atomic_load_explicit(&list[i], memory_order_acquire);
        if (slot >= s->limit) {
            if (slot == MESH_NONE) break;
            continue;
        }
        s->fresh[n] = slot;
        n += visit(s, slot);
    }
    return n;
}

static void prefetch_list(const mesh *m, uint32_t slot, int level)
{
    const char *list = (const char *)(uintptr_t)mesh_list(m, slot, level);
    size_t bytes = mesh_list_size(m, level) * sizeof(uint32_t);
    for (size_t i = 0; i < bytes; i += LINE) __builtin_prefetch(list + i);
}

/* Sketches that the next hop will look at unless this one finds better; 5 to 10
 * % faster on 1024 dimensions. */
static void prefetch_next(const mesh *m, const mesh_scratch *s, size_t at)
{
    while (at < s->n_pool && s->pool[at] & MESH_EXPANDED) at++;
    if (at == s->n_pool) return;
    const _Atomic uint32_t *list = mesh_links(m, mesh_key_slot(s->pool[at]));
    for (size_t i = 0; i < m->opt.links; i++) {
        uint32_t slot = atomic_load_explicit(&list[i], memory_order_acquire);
        if (slot == MESH_NONE) return;
        if (slot < s->limit && !is_visited(s, slot))
            mesh_prefetch_sketch(m, slot);
    }
}

static float farthest(const mesh_scratch *s, const mesh_walk *walk)
{
    if (s->n_pool < walk->room) return INFINITY;
    return mesh_key_distance(s->pool[s->n_pool - 1]);
}

/* Looks at all links of one slot; returns the best place that was filled. */
static size_t hop(mesh *m, mesh_scratch *s, mesh_probe *p,
                  const mesh_walk *walk, uint32_t slot, size_t at)
{
    size_t best = SIZE_MAX;
    size_t n = gather(s, mesh_list(m, slot, walk->level),
                      mesh_list_size(m, walk->level));
    float limit = farthest(s, walk);
    if (m->sketched && p->by_code && limit < INFINITY) {
        mesh_fetch_sketches(m, s, s->fresh, n);
        if (at + 1 < s->n_pool)
            prefetch_list(m, mesh_key_slot(s->pool[at + 1]), walk->level);
        n = mesh_sieve(m, s, p, s->fresh, n, limit);
        mesh_fetch(m, s, p, s->fresh, n);
        if (walk->level == 0) prefetch_next(m, s, at);
    } else {
        mesh_fetch(m, s, p, s->fresh, n);
        if (at + 1 < s->n_pool)
            prefetch_list(m, mesh_key_slot(s->pool[at + 1]), walk->level);
    }
    mesh_measure_fetched(m, s, p, s->fresh, n, s->distances);
    for (size_t i = 0; i < n; i++) {
        if (s->distances[i] > farthest(s, walk)) continue;
        mesh_key key = mesh_key_make(s->distances[i], s->fresh[i]);
        if (walk->filter && mesh_allows(m, walk->filter, s->fresh[i]))
            key |= MESH_ALLOWED;
        size_t place = push(m, s, walk, key);
        if (place < best) best = place;
        if (place <= at + LISTS_AHEAD)
            prefetch_list(m, s->fresh[i], walk->level);
    }
    return best;
}

/* ---- a walk -------------------------------------------------------------------- */

static size_t count_allowed(const mesh_scratch *s, size_t n)
{
    size_t n_allowed = 0;
    for (size_t i = 0; i < n; i++)
        n_allowed += (s->pool[i] & MESH_ALLOWED) != 0;
    return n_allowed;
}

static float noise(const mesh *m, const mesh_probe *p)
{
    return p->by_code ? mesh_noise(m, p) : 0;
}

/* Whether what is left from `at` on need not be looked at. */
static bool ends(const mesh_scratch *s, const mesh_walk *walk, size_t at,
                 size_t n_allowed, float error)
{
    if (walk->filter) return n_allowed >= walk->ef;
    if (!walk->k || s->n_pool < walk->k) return false;
    if (at >= walk->ef) return true;
    if (s->n_pool == walk->k) return false;
    return mesh_key_distance(s->pool[at]) >
           slack_of(walk->ef) * mesh_key_distance(s->pool[walk->k - 1]) + error;
}

void mesh_search_level(mesh *m, mesh_scratch *s, mesh_probe *p,
                       const mesh_walk *walk, uint32_t start)
{
    float d, error = 2 * noise(m, p);
    s->n_pool = 0;
    visit(s, start);
    mesh_measure(m, s, p, &start, 1, &d);
    s->pool[s->n_pool++] = mesh_key_make(d, start);
    if (walk->filter && mesh_allows(m, walk->filter, start))
        s->pool[0] |= MESH_ALLOWED;
    size_t n_allowed = 0; /* before `at` */
    for (size_t at = 0; at < s->n_pool;) {
        mesh_key key = s->pool[at];
        if (key & MESH_EXPANDED) {
            n_allowed += (key & MESH_ALLOWED) != 0;
            at++;
            continue;
        }
        if (ends(s, walk, at, n_allowed, error)) break;
        s->pool[at] |= MESH_EXPANDED;
        size_t best = hop(m, s, p, walk, mesh_key_slot(key), at);
        if (best > at) continue;
        at = best;
        if (walk->filter) n_allowed = count_allowed(s, at);
    }
    forget_visits(s);
}

/* On the way down, sketches are enough. */
static void roughly(mesh *m, mesh_scratch *s, mesh_probe *p,
                    const uint32_t *slots, size_t n)
{
    if (m->sketched && p->by_code) {
        mesh_fetch_sketches(m, s, slots, n);
        mesh_guess_fetched(m, s, p, n, s->distances);
    } else {
        mesh_measure(m, s, p, slots, n, s->distances);
    }
}

uint32_t mesh_descend(mesh *m, mesh_scratch *s, mesh_probe *p, uint64_t top,
                      int level)
{
    uint32_t at = (uint32_t)(top >> 32);
    float nearest;
    roughly(m, s, p, &at, 1);
    nearest = s->distances[0];
    for (int l = (int)(uint32_t)top - 1; l > level; l--) {
        for (uint32_t from = MESH_NONE; from != at;) {
            from = at;
            _Atomic uint32_t *list = mesh_list(m, from, l);
            size_t n = 0;
            for (; n < MESH_UPPER_LINKS; n++) {
                uint32_t slot =
                    atomic_load_explicit(&list[n], memory_order_acquire);
                if (slot >= s->limit) break;
                s->fresh[n] = slot;
            }
            roughly(m, s, p, s->fresh, n);
            for (size_t i = 0; i < n; i++) {
                if (!(s->distances[i] < nearest)) continue;
                nearest = s->distances[i];
                at = s->fresh[i];
            }
        }
    }
    return at;
}

/* ---- a search ------------------------------------------------------------------ */

/* Whether the distances of a walk are those a caller gets. */
static bool is_measured(const mesh *m, const mesh_probe *p)
{
    return !p->by_code && m->opt.metric == AKIN_METRIC_L2SQ;
}

/* Mostly those that are looked at, and measured. */
static void prefetch_best(const mesh *m, const mesh_scratch *s,
                          const mesh_probe *p, size_t k, float margin)
{
    float farthest = INFINITY;
    for (size_t i = 0; i < s->n_pool; i++) {
        uint32_t slot = mesh_key_slot(s->pool[i]);
        float d = mesh_key_distance(s->pool[i]);
        if (i + 1 == k) farthest = d + margin;
        if (d > farthest) return;
        mesh_prefetch_hit(m, slot);
        if (!is_measured(m, p)) mesh_prefetch_rows(m, &slot, 1);
    }
}

/* Measures the best of the pool by their vectors, as long as an error of their
 * codes could make one of them better than the k-th. */
static void rerank(mesh *m, mesh_scratch *s, const mesh_probe *p,
                   const akin_index_query *query, size_t ef, topk *top)
{
    float margin = errors_of(ef) * noise(m, p);
    float kth = -1; /* the code's distance of the k-th */
    prefetch_best(m, s, p, top->k, margin);
    for (size_t i = 0; i < s->n_pool; i++) {
        mesh_key key = s->pool[i];
        uint32_t slot = mesh_key_slot(key);
        float d = mesh_key_distance(key);
        if (top->n == top->k && d > kth + margin) break;
        if (!mesh_allows(m, query, slot)) continue;
        topk_push(top, mesh_id(m, slot),
                  is_measured(m, p) ? d : mesh_public_distance(m, p, slot));
        if (top->n == top->k && kth < 0) kth = d;
    }
}

static int compare_ids(const void *a, const void *b)
{
    const topk_hit *x = a, *y = b;
    if (x->key != y->key) return x->key > y->key ? 1 : -1;
    return (x->score > y->score) - (x->score < y->score);
}

/* While an id gets another vector both are there. */
static void drop_twice(topk *top)
{
    size_t n = top->n ? 1 : 0;
    qsort(top->hits, top->n, sizeof *top->hits, compare_ids);
    for (size_t i = 1; i < top->n; i++) {
        if (top->hits[i].key == top->hits[n - 1].key) continue;
        top->hits[n++] = top->hits[i];
    }
    for (top->n = 0; top->n < n;) {
        topk_hit hit = top->hits[top->n];
        topk_push(top, hit.key, hit.score);
    }
}

void mesh_write_hits(topk *top, size_t k, akin_index_hit *hits, size_t *n)
{
    if (top->k > k) drop_twice(top);
    topk_sort(top);
    *n = top->n < k ? top->n : k;
    for (size_t i = 0; i < *n; i++)
        hits[i] = (akin_index_hit){top->hits[i].key, top->hits[i].score};
}

/* Removed ones take places among the best: so many more are kept that k of
 * nearly all queries are left, for else all would be looked at. */
static size_t with_dead(const mesh *m, size_t ef, size_t k)
{
    size_t dead = atomic_load(&m->n_dead), live = atomic_load(&m->n_live);
    if (dead == 0 || live == 0) return ef;
    double share = (double)dead / (double)live, all = (double)k;
    double least = all + all * share + 4 * sqrt(all * share) + 1;
    double more = (double)ef * (1 + share);
    return (size_t)ceil(more > least ? more : least);
}

static akin_status find_here(mesh *m, const akin_index_query *query, size_t ef,
                             size_t room, akin_index_hit *hits, size_t *n,
                             akin_error *err)
{
    mesh_scratch *s = NULL;
    uint64_t top_slot = atomic_load(&m->top);
    size_t k = mesh_wanted(m, query->k);
    *n = 0;
    if (top_slot == 0) return AKIN_OK;
    if (room < k) room = k;
    AKIN_TRY(mesh_take_scratch(m, room, &s, err));
    mesh_walk walk = {.ef = ef, .room = room, .k = k};
    if (query->allow) walk.filter = query;
    mesh_probe_vector(m, &s->probe, query->vector);
    uint32_t start = mesh_descend(m, s, &s->probe, top_slot, 0);
    mesh_search_level(m, s, &s->probe, &walk, start);
    topk top = {.hits = s->best,
                .k = k,
                .smaller_is_better = !mesh_larger_is_closer(m)};
    rerank(m, s, &s->probe, query, ef, &top);
    mesh_write_hits(&top, query->k, hits, n);
    mesh_give_scratch(m, s);
    return AKIN_OK;
}

/* Of those with room ef are allowed on average, but k of nearly all queries: an
 * exact search would have to follow. */
static size_t room_for(size_t ef, size_t k, double share)
{
    double least = (double)k + 4 * sqrt((double)k) + 4;
    return (size_t)(fmax((double)ef, least) / share);
}

akin_status mesh_find(mesh *m, const akin_index_query *query, size_t ef,
                      double share, akin_index_hit *hits, size_t *n,
                      akin_error *err)
{
    size_t most = atomic_load(&m->n_slots) + 1;
    size_t wide = with_dead(m, ef > query->k ? ef : query->k, query->k);
    size_t room = share < 1 ? room_for(wide, query->k, share) : wide;
    ef = query->allow ? wide : with_dead(m, ef, ef);
    if (ef > most) ef = most;
    if (room > most) room = most;
    AKIN_TRY(find_here(m, query, ef, room, hits, n, err));
    return mesh_scan_longer(m, query, hits, n, err);
}
