/* SPDX-License-Identifier: MIT
 * Walking the links: best first, with one sorted pool of candidates, as in
 * Malkov, Yashunin: Efficient and robust approximate nearest neighbor search
 * using hierarchical navigable small world graphs, 2016, algorithm 2.
 *
 * A hop asks memory for the codes of all neighbours at once before it looks at
 * the first; from 256 dimensions on their sketches come first, an eighth as
 * large as codes, and only what they do not rule out is measured by its code. */
#include <string.h>

#include "index/mesh_int.h"

/* A walk ends when what is left is so much farther than the k-th, in squared
 * distances: wider finds nothing more on any bench set, 1.1 misses 2 to 5 %. */
static const float slack = 1.3f;

enum { LISTS_AHEAD = 2, LINE = 64, RERANK_ERRORS = 2 };

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
    if (s->n_pool == walk->room) {
        if (key >= s->pool[s->n_pool - 1]) return SIZE_MAX;
        s->n_pool--;
    }
    size_t at = m->codes->rank(s->pool, s->n_pool, key);
    if (walk->few_twins && has_twins(s, at, key)) return SIZE_MAX;
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
    if (m->sketched && mesh_uses_codes(m) && limit < INFINITY) {
        mesh_prefetch_sketches(m, s->fresh, n);
        if (at + 1 < s->n_pool)
            prefetch_list(m, mesh_key_slot(s->pool[at + 1]), walk->level);
        n = mesh_sieve(m, s, p, s->fresh, n, limit);
        mesh_prefetch(m, s->fresh, n);
    } else {
        mesh_prefetch(m, s->fresh, n);
        if (at + 1 < s->n_pool)
            prefetch_list(m, mesh_key_slot(s->pool[at + 1]), walk->level);
    }
    mesh_measure(m, s, p, s->fresh, n, s->distances);
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

/* Those in [from, to) that are allowed and expanded. */
static size_t count_done(const mesh_scratch *s, size_t from, size_t to)
{
    mesh_key both = MESH_ALLOWED | MESH_EXPANDED;
    size_t n = 0;
    for (size_t i = from; i < to && i < s->n_pool; i++)
        n += (s->pool[i] & both) == both;
    return n;
}

static float noise(const mesh *m, const mesh_probe *p)
{
    if (!mesh_uses_codes(m)) return 0;
    return 2 * p->norm * m->mean_error / sqrtf((float)m->shape.padded);
}

/* Whether what is left from `at` on need not be looked at. */
static bool ends(const mesh_scratch *s, const mesh_walk *walk, size_t at,
                 size_t n_allowed, float error)
{
    if (walk->filter && n_allowed >= walk->ef) return true;
    if (!walk->k || walk->filter || s->n_pool <= walk->k) return false;
    return mesh_key_distance(s->pool[at]) >
           slack * mesh_key_distance(s->pool[walk->k - 1]) + error;
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
        if (walk->filter) {
            size_t to = at + 1 + m->opt.links;
            n_allowed += (key & MESH_ALLOWED) != 0;
            n_allowed -= count_done(s, best, to);
        }
        at = best;
    }
    forget_visits(s);
}

uint32_t mesh_descend(mesh *m, mesh_scratch *s, mesh_probe *p, uint64_t top,
                      int level)
{
    uint32_t at = (uint32_t)(top >> 32);
    float nearest;
    mesh_measure(m, s, p, &at, 1, &nearest);
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
            mesh_prefetch(m, s->fresh, n);
            mesh_measure(m, s, p, s->fresh, n, s->distances);
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

/* Measures the best of the pool by their vectors, as long as an error of their
 * codes could make one of them better than the k-th. */
static void rerank(mesh *m, mesh_scratch *s, const mesh_probe *p,
                   const akin_index_query *query, topk *top)
{
    bool exact = !mesh_uses_codes(m);
    float margin = RERANK_ERRORS * noise(m, p);
    float kth = -1; /* the code's distance of the k-th */
    size_t first = query->k + query->k / 2, n = 0;
    for (size_t i = 0; i < s->n_pool && n < first; i++, n++) {
        uint32_t slot = mesh_key_slot(s->pool[i]);
        mesh_prefetch_rows(m, &slot, 1);
    }
    for (size_t i = 0; i < s->n_pool; i++) {
        mesh_key key = s->pool[i];
        uint32_t slot = mesh_key_slot(key);
        float d = mesh_key_distance(key);
        if (top->n == query->k && (exact || d > kth + margin)) break;
        if (!mesh_allows(m, query, slot)) continue;
        topk_push(top, mesh_id(m, slot), mesh_public_distance(m, p, slot));
        if (top->n == query->k && kth < 0) kth = d;
    }
}

void mesh_write_hits(topk *top, akin_index_hit *hits, size_t *n)
{
    topk_sort(top);
    for (size_t i = 0; i < top->n; i++)
        hits[i] = (akin_index_hit){top->hits[i].key, top->hits[i].score};
    *n = top->n;
}

static size_t with_dead(const mesh *m, size_t ef)
{
    size_t dead = atomic_load(&m->n_dead), live = atomic_load(&m->n_live);
    return live ? ef + (size_t)((double)ef * (double)dead / (double)live) : ef;
}

static akin_status find_here(mesh *m, const akin_index_query *query, size_t ef,
                             size_t room, akin_index_hit *hits, size_t *n,
                             akin_error *err)
{
    mesh_scratch *s = NULL;
    uint64_t top_slot = atomic_load(&m->top);
    *n = 0;
    if (top_slot == 0) return AKIN_OK;
    AKIN_TRY(mesh_take_scratch(m, room, &s, err));
    mesh_walk walk = {.ef = ef, .room = room, .k = query->k};
    if (query->allow) walk.filter = query;
    mesh_probe_vector(m, &s->probe, query->vector);
    uint32_t start = mesh_descend(m, s, &s->probe, top_slot, 0);
    mesh_search_level(m, s, &s->probe, &walk, start);
    topk top = {.hits = s->best,
                .k = query->k,
                .smaller_is_better = !mesh_larger_is_closer(m)};
    rerank(m, s, &s->probe, query, &top);
    mesh_write_hits(&top, hits, n);
    mesh_give_scratch(m, s);
    return AKIN_OK;
}

akin_status mesh_find(mesh *m, const akin_index_query *query, size_t ef,
                      akin_index_hit *hits, size_t *n, akin_error *err)
{
    size_t n_slots = atomic_load(&m->n_slots);
    ef = with_dead(m, ef > query->k ? ef : query->k);
    if (ef > n_slots + 1) ef = n_slots + 1;
    return find_here(m, query, ef, ef, hits, n, err);
}
