/* SPDX-License-Identifier: MIT
 * Exact search: of one query, over codes that prove most vectors too far; of
 * many, as a matrix product.
 *
 * The proof is Cauchy and Schwarz's: with x = y + e, where y is what the code
 * says and |e| is kept beside it, and the query q = r + d of what is left of
 * it in bytes, q.x is r.y but for |q| |e| + |d| |y| at most. */
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "index/mesh_int.h"
#include "index/panels.h"

enum { BLOCK = 128, PACKED = 480 };

/* Room for what float32 rounds off on the way to a bound, of |q|^2 + |x|^2. */
static const float rounding = 2e-5f;

/* ---- one query ----------------------------------------------------------------- */

typedef struct scan {
    mesh *m;
    mesh_scratch *s;
    const akin_index_query *query;
    topk *top;
    bool coded;    /* when it began */
    float missing; /* |d| */
} scan;

static float byte_error(const mesh *m, const mesh_probe *p)
{
    double sum = 0;
    for (size_t i = 0; i < m->shape.padded; i++) {
        double d = (double)p->rotated[i] - (double)p->byte_scale * p->bytes[i];
        sum += d * d;
    }
    return (float)sqrt(sum) * 1.0001f;
}

/* The squared distance beyond which nothing can enter; with room for what a
 * kernel rounds off, in 8 sums of dim / 8 products at least. */
static float limit_of(const scan *c, float normsq)
{
    const topk *top = c->top;
    if (top->n < top->k) return INFINITY;
    float worst = top->hits[0].score;
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

static void take(scan *c, uint32_t slot)
{
    topk_push(c->top, mesh_id(c->m, slot),
              mesh_public_distance(c->m, &c->s->probe, slot));
}

/* What is kept of the vectors of a block, side by side. */
typedef struct kept {
    float codes[BLOCK], normsqs[BLOCK], errors[BLOCK];
} kept;

static void keep(const mesh *m, kept *k, size_t i, const mesh_chunk *chunk,
                 size_t at)
{
    const mesh_factors *f = mesh_factors_of(m, chunk, at);
    k->codes[i] = f->code;
    k->normsqs[i] = f->normsq;
    k->errors[i] = chunk->errors[at];
}

/* Squared distances that the true ones do not fall below. */
static void bound(const scan *c, const kept *k, size_t n, const int32_t *sums,
                  float *bounds)
{
    const mesh_probe *p = &c->s->probe;
    float offset = 7.5f * (float)p->byte_sum, scale = 2 * p->byte_scale;
    float norm = p->norm, normsq = p->normsq, missing = c->missing;
    for (size_t i = 0; i < n; i++) {
        float error = k->errors[i], both = normsq + k->normsqs[i];
        float d = both - k->codes[i] * scale * ((float)sums[i] - offset);
        float coded = sqrtf(k->normsqs[i] + error * error);
        bounds[i] = d - 2 * (norm * error + missing * coded) - rounding * both;
    }
}

/* Measures those whose bound lets them in. */
static void take_near(scan *c, const kept *k, const uint32_t *slots, size_t n,
                      const int32_t *sums)
{
    const mesh *m = c->m;
    float bounds[BLOCK];
    bool cosine = m->opt.metric == AKIN_METRIC_COSINE;
    bool one_limit = m->opt.metric == AKIN_METRIC_L2SQ;
    bound(c, k, n, sums, bounds);
    float limit = limit_of(c, 0);
    for (size_t i = 0; i < n; i++) {
        if (one_limit && bounds[i] > limit) continue;
        float norm = mesh_chunk_of(m, slots[i])->norms[mesh_place(slots[i])];
        bool is_far = bounds[i] > limit_of(c, norm);
        if (is_far && !(cosine && norm == 0)) continue;
        take(c, slots[i]);
        limit = limit_of(c, 0);
    }
}

static void scan_slots(scan *c, const uint32_t *slots, size_t n)
{
    const mesh *m = c->m;
    mesh_scratch *s = c->s;
    kept k;
    if (!c->coded) {
        for (size_t i = 0; i < n; i++) take(c, slots[i]);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const mesh_chunk *chunk = mesh_chunk_of(m, slots[i]);
        size_t at = mesh_place(slots[i]);
        s->rows[i] = chunk->codes + at * m->shape.code_bytes;
        keep(m, &k, i, chunk, at);
    }
    m->codes->code(s->probe.bytes, s->rows, n, m->shape.code_bytes, s->sums);
    take_near(c, &k, slots, n, s->sums);
}

/* n slots of one chunk, all of which may be found. */
static void scan_run(scan *c, const uint32_t *slots, size_t n)
{
    const mesh *m = c->m;
    const mesh_chunk *chunk = mesh_chunk_of(m, slots[0]);
    size_t at = mesh_place(slots[0]), bytes = m->shape.code_bytes;
    kept k;
    m->codes->code_scan(c->s->probe.bytes, chunk->codes + at * bytes, n, bytes,
                        c->s->sums);
    for (size_t i = 0; i < n; i++) keep(m, &k, i, chunk, at + i);
    take_near(c, &k, slots, n, c->s->sums);
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

static void scan_all(scan *c)
{
    size_t n = c->s->limit;
    uint32_t slots[BLOCK];
    for (uint32_t first = 0; first < n; first += BLOCK) {
        size_t block = n - first < BLOCK ? n - first : BLOCK;
        size_t some = find_allowed(c, first, block, slots);
        if (some == BLOCK && c->coded)
            scan_run(c, slots, some);
        else
            scan_slots(c, slots, some);
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

akin_status mesh_scan(mesh *m, const akin_index_query *query, bool by_id,
                      akin_index_hit *hits, size_t *n, akin_error *err)
{
    mesh_scratch *s = NULL;
    size_t k = mesh_wanted(m, query->k);
    AKIN_TRY(mesh_take_scratch(m, k, &s, err));
    topk top = {.hits = s->best,
                .k = k,
                .smaller_is_better = !mesh_larger_is_closer(m)};
    scan c = {.m = m, .s = s, .query = query, .top = &top};
    c.coded = atomic_load(&m->coded);
    mesh_probe_plain(m, &s->probe, query->vector);
    if (c.coded) {
        mesh_probe_prepare(m, &s->probe);
        c.missing = byte_error(m, &s->probe);
    }
    akin_status status = AKIN_OK;
    if (by_id)
        status = scan_allowed(&c, err);
    else
        scan_all(&c);
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
    scan c = {.m = m, .s = s, .query = query, .top = &top, .coded = true};
    mesh_probe_plain(m, &s->probe, query->vector);
    mesh_probe_prepare(m, &s->probe);
    c.missing = byte_error(m, &s->probe);
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
