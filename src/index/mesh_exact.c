/* SPDX-License-Identifier: MIT
 * Exact search: of one query, over codes that prove most vectors too far; of
 * many, as a matrix product.
 *
 * The proof is of angles. Of a vector x it is known how long it is in the
 * direction of its code and how long at right angles to it, but not where to
 * there: x is somewhere on a cone. Of the query's bytes r both are known, too,
 * for their product with a code is exact. So r.x is at most the product of
 * what is along and that of what is across. (That the error of a code is short
 * proves less: close by, it is longer than the way to the query, but at right
 * angles to it.) The query itself is no farther from r than what its bytes
 * miss. */
#include <float.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "index/mesh_int.h"
#include "index/panels.h"

enum { BLOCK = 128, PACKED = 480, AHEAD = 4, GROUP = 16, LEAST = 512, FEW = 4 };

/* Room for what float32 rounds off on the way to a bound, of |q|^2 + |x|^2. */
static const float rounding = 2e-5f;

/* ---- one query ----------------------------------------------------------------- */

typedef struct scan {
    mesh *m;
    mesh_scratch *s;
    const akin_index_query *query;
    topk *top;
    float known;   /* a score that the k-th is likely to have; or infinite */
    bool coded;    /* when it began */
    bool longer;   /* some vectors may be longer than the longest */
    float normsq;  /* |r|^2 */
    float missing; /* |q - r| */
} scan;

static void begin(scan *c)
{
    mesh_probe *p = &c->s->probe;
    double normsq = 0, missing = 0;
    c->coded = atomic_load(&c->m->coded);
    mesh_probe_plain(c->m, p, c->query->vector);
    if (!c->coded) return;
    mesh_probe_prepare(c->m, p);
    for (size_t i = 0; i < c->m->shape.padded; i++) {
        double r = (double)p->byte_scale * p->bytes[i];
        double d = (double)p->rotated[i] - r;
        normsq += r * r;
        missing += d * d;
    }
    c->normsq = (float)normsq;
    c->missing = (float)sqrt(missing) * 1.0001f;
    c->longer = atomic_load(&c->m->longer) != NULL;
}

static bool is_worse(const scan *c, float a, float b)
{
    return c->top->smaller_is_better ? a > b : a < b;
}

/* The score that who enters must have. */
static float worst_known(const scan *c)
{
    const topk *top = c->top;
    bool better = top->n == top->k && is_worse(c, c->known, top->hits[0].score);
    return better ? top->hits[0].score : c->known;
}

/* The squared distance beyond which nothing can enter; with room for what a
 * kernel rounds off, in 8 sums of dim / 8 products at least. */
static float limit_of(const scan *c, float normsq)
{
    float worst = worst_known(c);
    if (isinf(worst)) return INFINITY;
    float room = 4 * (float)(c->m->opt.dim / 8 + 16) * 0x1p-24f;
    switch (c->m->opt.metric) {
    case AKIN_METRIC_L2SQ: return worst + room * worst;
    case AKIN_METRIC_COSINE: return 2 * worst + room;
    case AKIN_METRIC_DOT: break;
    }
    float longest = c->s->probe.longest;
    float both = c->s->probe.vector_norm + fmaxf(normsq, longest);
    return both + room * both - 2 * worst;
}

/* The same from r, which is not quite the query. It is never infinite, for the
 * bound of a vector that is done with is. */
static float reach_of(const scan *c, uint32_t slot)
{
    bool longer = c->longer && slot != MESH_NONE;
    float limit = limit_of(
        c, longer ? mesh_chunk_of(c->m, slot)->norms[mesh_place(slot)] : 0);
    float reach = sqrtf(limit < 0 ? 0 : limit) + c->missing;
    return fminf(reach * reach, FLT_MAX);
}

static void take(scan *c, uint32_t slot)
{
    topk_push(c->top, mesh_id(c->m, slot),
              mesh_public_distance(c->m, &c->s->probe, slot));
}

/* Of vectors side by side. */
typedef struct kept {
    const float *inverses, *alongs, *acrosses;
} kept;

/* Squared distances from r that the true ones do not fall below. What float32
 * rounds off would turn a vector in the direction of its code by more than all
 * else: so there is always something of r across. */
static void bound(const scan *c, kept k, size_t n, const int32_t *sums,
                  float *bounds)
{
    const mesh_probe *p = &c->s->probe;
    float offset = 7.5f * (float)p->byte_sum, scale = p->byte_scale;
    float normsq = c->normsq, most = normsq + 1e-6f * normsq;
    for (size_t i = 0; i < n; i++) {
        float in = k.inverses[i] * (scale * ((float)sums[i] - offset));
        float along = k.alongs[i], across = k.acrosses[i];
        float rest = most - in * in, at_right = sqrtf(rest > 0 ? rest : 0);
        float both = normsq + (along * along + across * across);
        float dot = in * along + at_right * across;
        bounds[i] = both - 2 * dot - rounding * both;
    }
}

/* Vectors with bounds: slots[i], or first + i where that is NULL. */
typedef struct bounded {
    const uint32_t *slots;
    uint32_t first;
    size_t n;
    float *bounds;
} bounded;

static uint32_t slot_of(const bounded *b, size_t i)
{
    return b->slots ? b->slots[i] : b->first + (uint32_t)i;
}

static void measure(scan *c, const bounded *b, size_t i)
{
    if (mesh_allows(c->m, c->query, slot_of(b, i))) take(c, slot_of(b, i));
    b->bounds[i] = INFINITY;
}

/* The first to be measured are those of the smallest bounds. Any others would
 * let in hundreds of times as many until the k-th is near. */
static void take_first(scan *c, const bounded *b)
{
    topk_hit hits[LEAST];
    topk least = {.hits = hits, .smaller_is_better = true};
    least.k = c->top->k < LEAST ? c->top->k : LEAST;
    for (size_t i = 0; i < b->n; i++)
        if (b->bounds[i] < INFINITY && topk_admits(&least, b->bounds[i]) &&
            mesh_allows(c->m, c->query, slot_of(b, i)))
            topk_push(&least, i, b->bounds[i]);
    for (size_t i = 0; i < least.n; i++)
        measure(c, b, (size_t)least.hits[i].key);
}

/* Whether none of GROUP is as near as that; NaN: it is not known. */
static bool all_far(const float *bounds, float reach)
{
    int near = 0;
    for (size_t i = 0; i < GROUP; i++) near |= !(bounds[i] > reach);
    return !near;
}

/* Which are so near by their bounds, into near; returns how many. */
static size_t find_near(const scan *c, const bounded *b, uint32_t *near)
{
    float reach = c->longer ? NAN : reach_of(c, MESH_NONE);
    size_t n = 0;
    for (size_t i = 0; i < b->n; i += GROUP) {
        size_t end = b->n - i < GROUP ? b->n : i + GROUP;
        if (end == i + GROUP && all_far(b->bounds + i, reach)) continue;
        for (size_t j = i; j < end; j++) {
            near[n] = (uint32_t)j;
            n += !(b->bounds[j] > reach);
        }
    }
    return n;
}

static void take_near(scan *c, const bounded *b)
{
    if (isinf(worst_known(c))) take_first(c, b);
    size_t n = find_near(c, b, c->s->near);
    for (size_t i = 0; i < n; i++) {
        size_t at = c->s->near[i];
        if (i + AHEAD < n) {
            uint32_t next = slot_of(b, c->s->near[i + AHEAD]);
            mesh_prefetch_rows(c->m, &next, 1);
        }
        bool is_far = b->bounds[at] > reach_of(c, slot_of(b, at));
        if (!is_far) measure(c, b, at); /* NaN: not known */
    }
}

/* n scattered slots. */
static void bound_slots(const scan *c, const uint32_t *slots, size_t n,
                        float *bounds)
{
    const mesh *m = c->m;
    mesh_scratch *s = c->s;
    float inverses[BLOCK], alongs[BLOCK], acrosses[BLOCK];
    for (size_t i = 0; i < n; i++) {
        const mesh_chunk *chunk = mesh_chunk_of(m, slots[i]);
        size_t at = mesh_place(slots[i]);
        s->rows[i] = chunk->codes + at * m->shape.code_bytes;
        inverses[i] = chunk->inverses[at];
        alongs[i] = chunk->alongs[at];
        acrosses[i] = chunk->acrosses[at];
    }
    m->codes->code(s->probe.bytes, s->rows, n, m->shape.code_bytes, s->sums);
    bound(c, (kept){inverses, alongs, acrosses}, n, s->sums, bounds);
}

/* n slots of one chunk, one behind the other. */
static void bound_run(const scan *c, uint32_t first, size_t n, float *bounds)
{
    const mesh *m = c->m;
    const mesh_chunk *k = mesh_chunk_of(m, first);
    size_t at = mesh_place(first), bytes = m->shape.code_bytes;
    m->codes->code_scan(c->s->probe.bytes, k->codes + at * bytes, n, bytes,
                        c->s->sums);
    bound(c, (kept){k->inverses + at, k->alongs + at, k->acrosses + at}, n,
          c->s->sums, bounds);
}

static void scan_slots(scan *c, const uint32_t *slots, size_t n)
{
    bounded b = {.slots = slots, .n = n, .bounds = c->s->bounds};
    for (size_t i = 0; i < n && !c->coded; i++) take(c, slots[i]);
    if (!c->coded) return;
    bound_slots(c, slots, n, b.bounds);
    take_near(c, &b);
}

/* Of n slots from first on, in one chunk, those that may be found. */
static size_t find_allowed(const scan *c, uint32_t first, size_t n,
                           uint32_t *slots)
{
    const mesh_chunk *chunk = mesh_chunk_of(c->m, first);
    const _Atomic uint8_t *states = chunk->states + mesh_place(first);
    size_t some = 0;
    for (uint32_t i = 0; i < n; i++) {
        slots[some] = first + i;
        some += atomic_load_explicit(&states[i], memory_order_acquire) ==
                MESH_LIVE;
    }
    if (!c->query->allow) return some;
    size_t left = 0;
    for (size_t i = 0; i < some; i++) {
        slots[left] = slots[i];
        left += mesh_allows(c->m, c->query, slots[i]);
    }
    return left;
}

/* Whether n slots from first on hold vectors, removed ones or not. */
static bool all_written(const mesh *m, uint32_t first, size_t n)
{
    const _Atomic uint8_t *states =
        mesh_chunk_of(m, first)->states + mesh_place(first);
    bool written = true;
    for (size_t i = 0; i < n; i++)
        written &= atomic_load_explicit(&states[i], memory_order_acquire) !=
                   MESH_UNUSED;
    return written;
}

/* Bounds of n slots, at least of those that may be found; infinite where there
 * is none. All are looked at, unless they are few or some are being written. */
static void bound_allowed(const scan *c, uint32_t first, size_t n,
                          float *bounds)
{
    uint32_t slots[BLOCK];
    float found[BLOCK];
    bool written = all_written(c->m, first, n);
    if (written && !c->query->allow) {
        bound_run(c, first, n, bounds);
        return;
    }
    size_t some = find_allowed(c, first, n, slots);
    if (written && some >= n / FEW) {
        bound_run(c, first, n, bounds);
        return;
    }
    bound_slots(c, slots, some, found);
    for (size_t i = 0; i < n; i++) bounds[i] = INFINITY;
    for (size_t i = 0; i < some; i++) bounds[slots[i] - first] = found[i];
}

static void scan_chunk(scan *c, uint32_t first, size_t n)
{
    bounded b = {.first = first, .n = n, .bounds = c->s->bounds};
    for (size_t i = 0; i < n; i += BLOCK) {
        size_t block = n - i < BLOCK ? n - i : BLOCK;
        bound_allowed(c, first + (uint32_t)i, block, b.bounds + i);
    }
    take_near(c, &b);
}

static void take_all(scan *c, uint32_t first, size_t n)
{
    for (uint32_t slot = first; slot < first + n; slot++)
        if (mesh_allows(c->m, c->query, slot)) take(c, slot);
}

static void scan_all(scan *c)
{
    size_t n = c->s->limit;
    for (size_t first = 0; first < n; first += MESH_CHUNK) {
        size_t some = n - first < MESH_CHUNK ? n - first : MESH_CHUNK;
        (c->coded ? scan_chunk : take_all)(c, (uint32_t)first, some);
    }
}

/* The slots of a word's ids. */
static size_t look_up(const scan *c, size_t i, uint32_t *slots)
{
    const akin_index_query *q = c->query;
    size_t n = 0;
    for (uint64_t word = q->allow[i]; word; word &= word - 1) {
        uint64_t id = i * 64 + (uint64_t)__builtin_ctzll(word);
        if (id >= q->n_allow || !mesh_table_find(c->m->table, id, &slots[n]) ||
            slots[n] >= c->s->limit || !mesh_allows(c->m, q, slots[n]))
            continue;
        mesh_prefetch_code(c->m, slots[n++]);
    }
    return n;
}

/* Block by block, so that who changes the table need not wait for all. */
static akin_status scan_allowed(scan *c, akin_error *err)
{
    const akin_index_query *q = c->query;
    uint32_t slots[BLOCK];
    for (size_t i = 0, n_words = (q->n_allow + 63) / 64; i < n_words;) {
        size_t some = 0, last = i + PACKED;
        AKIN_TRY(mesh_table_share(c->m, err));
        for (; i < n_words && i < last && some <= BLOCK - 64; i++)
            if (q->allow[i]) some += look_up(c, i, slots + some);
        mesh_table_unshare(c->m);
        scan_slots(c, slots, some);
    }
    return AKIN_OK;
}

static float no_score(const mesh *m)
{
    return mesh_larger_is_closer(m) ? -INFINITY : INFINITY;
}

/* The k-th of a walk, which takes some microseconds. With it the scan measures
 * 42 vectors of 200,000 (mix-1024) instead of 5,900, most of which were the
 * nearest of the first few thousand. */
static akin_status walk_first(mesh *m, const akin_index_query *query,
                              akin_index_hit *hits, float *known,
                              akin_error *err)
{
    enum { COSTS = 256 }; /* a step of a walk, in vectors that are scanned */
    size_t ef = mesh_ef(m, query), n = 0;
    if (ef < query->k) ef = query->k;
    if (query->allow || mesh_wanted(m, query->k) != query->k ||
        !atomic_load(&m->coded) || ef > atomic_load(&m->n_slots) / COSTS)
        return AKIN_OK;
    AKIN_TRY(mesh_find(m, query, ef, 1, hits, &n, err));
    if (n == query->k) *known = hits[n - 1].distance;
    return AKIN_OK;
}

/* Nothing is proved by what was known before: vectors may have been removed
 * since. It was right if k are as near. */
static void scan_all_with(scan *c, float known)
{
    const topk *top = c->top;
    c->known = known;
    scan_all(c);
    if (isinf(known) || (top->n == top->k &&
                         !is_worse(c, top->hits[0].score, known)))
        return;
    c->top->n = 0;
    c->known = no_score(c->m);
    scan_all(c);
}

akin_status mesh_scan(mesh *m, const akin_index_query *query, bool by_id,
                      akin_index_hit *hits, size_t *n, akin_error *err)
{
    mesh_scratch *s = NULL;
    size_t k = mesh_wanted(m, query->k);
    float known = no_score(m);
    AKIN_TRY(walk_first(m, query, hits, &known, err));
    AKIN_TRY(mesh_take_scratch(m, k, &s, err));
    topk top = {.hits = s->best,
                .k = k,
                .smaller_is_better = !mesh_larger_is_closer(m)};
    scan c = {.m = m, .s = s, .query = query, .top = &top,
              .known = no_score(m)};
    begin(&c);
    akin_status status = AKIN_OK;
    if (by_id)
        status = scan_allowed(&c, err);
    else
        scan_all_with(&c, known);
    mesh_write_hits(&top, query->k, hits, n);
    mesh_give_scratch(m, s);
    return status;
}

akin_status mesh_scan_longer(mesh *m, const akin_index_query *query,
                             akin_index_hit *hits, size_t *n, akin_error *err)
{
    const mesh_longer *list = atomic_load(&m->longer);
    mesh_scratch *s = NULL;
    size_t k = mesh_wanted(m, query->k), n_slots = 0;
    uint32_t slots[BLOCK];
    if (!list) return AKIN_OK;
    AKIN_TRY(mesh_take_scratch(m, 3 * k, &s, err));
    topk top = {.hits = s->best, .k = k};
    scan c = {.m = m, .s = s, .query = query, .top = &top,
              .known = no_score(m)};
    begin(&c);
    for (size_t i = 0, end = atomic_load(&list->n); i < end; i++) {
        if (list->slots[i] < s->limit && mesh_allows(m, query, list->slots[i]))
            slots[n_slots++] = list->slots[i];
        if (n_slots == BLOCK || i + 1 == end) {
            scan_slots(&c, slots, n_slots);
            n_slots = 0;
        }
    }
    top.k = 3 * k; /* what was found by both is there twice */
    for (size_t i = 0; i < *n; i++)
        topk_push(&top, hits[i].id, hits[i].distance);
    mesh_write_hits(&top, query->k, hits, n);
    mesh_give_scratch(m, s);
    return AKIN_OK;
}

/* ---- many queries -------------------------------------------------------------- */

typedef struct batch {
    mesh *m;
    const akin_index_query *query;
    mesh_probe *probes; /* [n] */
    const float **vectors;
    float *factors;
    size_t n, k, limit;
    panels_metric metric;
    bool one_by_one;    /* a query's norm overflows */
    atomic_size_t next; /* block */
    struct batch_part *parts;
} batch;

/* One thread's. */
typedef struct batch_part {
    batch *b;
    topk *tops; /* [n] */
    float *bounds;
    float *rows; /* [PACKED][dim] */
    uint32_t slots[PACKED];
    panels packed;
} batch_part;

static float worst_of(const batch *b, const topk *top)
{
    float worst = top->hits[0].score;
    return b->m->opt.metric == AKIN_METRIC_COSINE ? 1 - worst : worst;
}

static float normsq_of(const batch *b, size_t q)
{
    bool unit = b->m->opt.metric == AKIN_METRIC_COSINE;
    return unit ? 1 : b->probes[q].vector_norm;
}

static float bound_of(const batch *b, const batch_part *part, size_t q)
{
    const topk *top = &part->tops[q];
    if (top->n < top->k) return -INFINITY;
    return panels_bound(b->metric, b->m->opt.dim, normsq_of(b, q),
                        worst_of(b, top));
}

static void batch_hit(void *user, size_t q, size_t first, uint64_t rows,
                      const float *sums)
{
    batch_part *part = user;
    batch *b = part->b;
    (void)sums;
    for (; rows; rows &= rows - 1) {
        uint32_t slot = part->slots[first + (size_t)__builtin_ctzll(rows)];
        topk_push(&part->tops[q], mesh_id(b->m, slot),
                  mesh_public_distance(b->m, &b->probes[q], slot));
    }
    part->bounds[q] = bound_of(b, part, q);
}

static void decode_unit(const mesh *m, uint32_t slot, float *out)
{
    mesh_decode(m, slot, out);
    if (m->opt.metric != AKIN_METRIC_COSINE) return;
    float norm = mesh_chunk_of(m, slot)->norms[mesh_place(slot)];
    for (size_t i = 0; i < m->opt.dim; i++) out[i] *= norm;
}

static void batch_block(batch_part *part, uint32_t first)
{
    batch *b = part->b;
    size_t n = 0;
    for (uint32_t slot = first; slot < b->limit && slot < first + PACKED;
         slot++) {
        if (!mesh_allows(b->m, b->query, slot)) continue;
        decode_unit(b->m, slot, part->rows + n * b->m->opt.dim);
        part->slots[n++] = slot;
    }
    if (n == 0) return;
    panels_pack(&part->packed, part->rows, n);
    if (!part->packed.finite || b->one_by_one) { /* norms overflow */
        for (size_t q = 0; q < b->n; q++)
            for (size_t i = 0; i < n; i++)
                topk_push(&part->tops[q], mesh_id(b->m, part->slots[i]),
                          mesh_public_distance(b->m, &b->probes[q],
                                               part->slots[i]));
        return;
    }
    for (size_t q = 0; q < b->n; q++) part->bounds[q] = bound_of(b, part, q);
    panels_scan over = {.panels = &part->packed,
                        .queries = b->vectors,
                        .n = b->n,
                        .factors = b->factors,
                        .bounds = part->bounds,
                        .hit = batch_hit,
                        .user = part};
    panels_run(&over);
}

static void batch_work(void *user, size_t thread)
{
    batch *b = user;
    for (;;) {
        size_t first = atomic_fetch_add(&b->next, PACKED);
        if (first >= b->limit) return;
        batch_block(&b->parts[thread], (uint32_t)first);
    }
}

static void part_clear(batch_part *part, size_t n)
{
    for (size_t i = 0; part->tops && i < n; i++) topk_clear(&part->tops[i]);
    mem_free(part->tops);
    mem_free(part->bounds);
    mem_free_aligned(part->rows);
    panels_clear(&part->packed);
}

static akin_status part_init(batch *b, batch_part *part, akin_error *err)
{
    void *p;
    part->b = b;
    AKIN_TRY(mem_new_array(b->n, sizeof *part->tops, "a search", &p, err));
    part->tops = p;
    AKIN_TRY(mem_new_array(b->n, sizeof *part->bounds, "a search", &p, err));
    part->bounds = p;
    part->rows = mem_aligned(PACKED * b->m->opt.dim * sizeof *part->rows);
    if (!part->rows)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a search");
    for (size_t i = 0; i < b->n; i++)
        AKIN_TRY(topk_init(&part->tops[i], b->k,
                           !mesh_larger_is_closer(b->m), err));
    return panels_init(&part->packed, PACKED, b->m->opt.dim, b->metric, err);
}

static akin_status batch_init(batch *b, const float *vectors, size_t threads,
                              akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(b->n, sizeof *b->probes, "a search", &p, err));
    b->probes = p;
    AKIN_TRY(mem_new_array(b->n, sizeof *b->vectors, "a search", &p, err));
    b->vectors = p;
    AKIN_TRY(mem_new_array(b->n, sizeof *b->factors, "a search", &p, err));
    b->factors = p;
    for (size_t i = 0; i < b->n; i++) {
        AKIN_TRY(mesh_probe_init(b->m, &b->probes[i], err));
        mesh_probe_plain(b->m, &b->probes[i], vectors + i * b->m->opt.dim);
        b->vectors[i] = b->probes[i].vector;
        if (!panels_can_take(normsq_of(b, i))) b->one_by_one = true;
        b->factors[i] =
            panels_factor(b->metric, b->m->opt.dim, normsq_of(b, i));
    }
    AKIN_TRY(mem_new_array(threads, sizeof *b->parts, "a search", &p, err));
    b->parts = p;
    for (size_t i = 0; i < threads; i++)
        AKIN_TRY(part_init(b, &b->parts[i], err));
    return AKIN_OK;
}

static void batch_clear(batch *b, size_t threads)
{
    for (size_t i = 0; b->probes && i < b->n; i++)
        mesh_probe_clear(&b->probes[i]);
    for (size_t i = 0; b->parts && i < threads; i++)
        part_clear(&b->parts[i], b->n);
    mem_free(b->probes);
    mem_free(b->vectors);
    mem_free(b->factors);
    mem_free(b->parts);
}

akin_status mesh_scan_batch(mesh *m, const akin_index_query *query,
                            const float *vectors, size_t n, size_t threads,
                            akin_index_hit *hits, size_t *counts,
                            akin_error *err)
{
    bool l2sq = m->opt.metric == AKIN_METRIC_L2SQ;
    batch b = {.m = m, .query = query, .n = n,
               .limit = atomic_load(&m->n_slots),
               .metric = l2sq ? METRIC_L2SQ : METRIC_DOT};
    /* No more than there are, so that a wish does not size memory. */
    size_t k = query->k < b.limit ? query->k : b.limit;
    b.k = mesh_wanted(m, k);
    akin_status status = batch_init(&b, vectors, threads, err);
    if (status == AKIN_OK) {
        thread_each(threads, batch_work, &b);
        for (size_t q = 0; q < n; q++) {
            topk *top = &b.parts[0].tops[q];
            for (size_t t = 1; t < threads; t++)
                for (size_t i = 0; i < b.parts[t].tops[q].n; i++)
                    topk_push(top, b.parts[t].tops[q].hits[i].key,
                              b.parts[t].tops[q].hits[i].score);
            mesh_write_hits(top, k, hits + q * query->k, &counts[q]);
        }
    }
    batch_clear(&b, threads);
    return status;
}
