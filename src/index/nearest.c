/* SPDX-License-Identifier: MIT
 * Exact search over float32 rows, in three ways that give the same bits:
 *
 *   few queries    every row is measured directly, at the speed of memory;
 *   many           blocks of rows are packed once and every query runs over
 *                  them as a matrix product, whose only task is to say which
 *                  rows may enter; those are measured directly;
 *   a large k      all distances are kept and the best are selected, where a
 *                  heap would let most rows in.
 *
 * Threads take blocks of rows (in the last way: queries) from a counter and
 * keep their own best, which are merged; the order of (distance, row) is
 * total, so nothing of that shows. */
#include "index/nearest.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"

enum {
    CHUNK_ROWS = 64,            /* measured at once; the bits of one word */
    FEW_QUERIES = 3,            /* are measured directly */
    MOST_QUERIES = 1024,        /* at once, and so in second-level cache */
    MOST_HITS = 1 << 20,        /* of all queries at once, for one thread */
    BLOCK_BYTES = 256 << 10,    /* of packed rows, half a second-level cache */
    CACHE_BYTES = 24 << 20,     /* more comes from memory each time */
    THREAD_BYTES = 2 << 20,     /* less is read before a thread has started */
    LARGE_K = 16,               /* k is, above one row of that many */
    BINS = 1024,
};

static size_t at_least(size_t a, size_t b) { return a > b ? a : b; }
static size_t at_most(size_t a, size_t b) { return a < b ? a : b; }

/* ---- parts ---- */

float nearest_worst(const topk *top)
{
    const float open = FLT_MAX * (1 - FLT_EPSILON); /* below FLT_MAX */
    if (top->n == top->k) return top->hits[0].score;
    return top->smaller_is_better ? open : -open;
}

static uint64_t key_of(const int64_t *ids, size_t first, size_t i)
{
    return ids ? nearest_key(ids[i]) : nearest_key((int64_t)(first + i));
}

void nearest_push(topk *top, const float *distances, size_t n,
                  const int64_t *ids, size_t first)
{
    assert(n <= CHUNK_ROWS);
    uint64_t bits = distance_f32_get()->reaching(
        distances, n, nearest_worst(top), top->smaller_is_better);
    for (; bits; bits &= bits - 1) {
        size_t i = (size_t)__builtin_ctzll(bits);
        topk_push(top, key_of(ids, first, i), distances[i]);
    }
}

typedef void (*row_kernel)(const distance_query *q, const float *rows, size_t n,
                           float *distances);

static row_kernel measure(panels_metric metric, bool stream)
{
    const distance_f32_table *t = distance_f32_get();
    if (metric == METRIC_L2SQ) return stream ? t->l2sq_stream : t->l2sq_rows;
    return stream ? t->dot_stream : t->dot_rows;
}

void nearest_scan(const nearest_part *part, const float *query, topk *top)
{
    distance_query q = {.vector = query, .dim = part->dim};
    float distances[CHUNK_ROWS];
    for (size_t i = 0; i < part->n; i += CHUNK_ROWS) {
        size_t n = at_most(CHUNK_ROWS, part->n - i);
        const float *rows = part->vectors + i * part->dim;
        measure(part->metric, part->stream)(&q, rows, n, distances);
        nearest_push(top, distances, n, part->ids ? part->ids + i : NULL,
                     part->first + i);
    }
}

void nearest_push_hits(const nearest_part *part, const float *query,
                       size_t first, uint64_t hits, topk *top)
{
    const distance_f32_table *kernels = distance_f32_get();
    distance_query q = {.vector = query, .dim = part->dim};
    const float *rows[CHUNK_ROWS];
    float distances[CHUNK_ROWS];
    size_t at[CHUNK_ROWS], n = 0;
    for (; hits; hits &= hits - 1) {
        at[n] = first + (size_t)__builtin_ctzll(hits);
        rows[n] = part->vectors + at[n] * part->dim;
        n++;
    }
    if (part->metric == METRIC_L2SQ)
        kernels->l2sq_gather(&q, rows, n, distances);
    else
        kernels->dot_gather(&q, rows, n, distances);
    uint64_t bits = kernels->reaching(distances, n, nearest_worst(top),
                                      top->smaller_is_better);
    for (; bits; bits &= bits - 1) {
        size_t i = (size_t)__builtin_ctzll(bits);
        topk_push(top, key_of(part->ids ? part->ids + at[i] : NULL,
                              part->first + at[i], 0), distances[i]);
    }
}

void nearest_write(topk *top, int64_t *ids, float *distances)
{
    topk_sort(top);
    for (size_t i = 0; i < top->k; i++) {
        bool there = i < top->n;
        ids[i] = there ? (int64_t)nearest_key((int64_t)top->hits[i].key) : -1;
        distances[i] = there                    ? top->hits[i].score
                       : top->smaller_is_better ? FLT_MAX
                                                : -FLT_MAX;
    }
}

/* ---- the whole ---- */

typedef struct job {
    const nearest_rows *rows;
    nearest_query query; /* those at work now */
    int64_t *ids;
    float *distances;
    size_t n_threads, block_rows;
    bool streams;         /* more than caches hold */
    topk *tops;           /* [n_threads][query.n] */
    const float **places; /* [query.n] the queries */
    float *normsq, *factors;
    panels *packed; /* [n_threads] */
    float *bounds;  /* [n_threads][query.n] */
    atomic_size_t next;
} job;

static nearest_part part_of(const job *j, size_t first, size_t n)
{
    return (nearest_part){.vectors = j->rows->vectors + first * j->rows->dim,
                          .first = first, .n = n, .dim = j->rows->dim,
                          .metric = j->rows->metric,
                          .stream = j->query.n == 1 && j->streams};
}

/* The next block of rows; false at the end. */
static bool take_block(job *j, nearest_part *part)
{
    size_t block = atomic_fetch_add(&j->next, 1);
    if (block > j->rows->n / j->block_rows) return false;
    size_t first = block * j->block_rows;
    *part = part_of(j, first, at_most(j->block_rows, j->rows->n - first));
    return true;
}

static void scan_directly(void *user, size_t thread)
{
    job *j = user;
    nearest_part block;
    topk *tops = j->tops + thread * j->query.n;
    while (take_block(j, &block)) {
        for (size_t i = 0; i < block.n; i += CHUNK_ROWS) {
            nearest_part chunk = part_of(j, block.first + i,
                                         at_most(CHUNK_ROWS, block.n - i));
            for (size_t q = 0; q < j->query.n; q++)
                nearest_scan(&chunk, j->places[q], &tops[q]);
        }
    }
}

typedef struct hit_context {
    job *job;
    nearest_part part;
    topk *tops;
    float *bounds;
} hit_context;

static void raise_bound(const job *j, const topk *top, size_t q, float *bounds)
{
    bounds[q] = panels_bound(j->rows->metric, j->rows->dim, j->normsq[q],
                             nearest_worst(top));
}

static void hit(void *user, size_t q, size_t first, uint64_t rows,
                const float *sums)
{
    hit_context *c = user;
    (void)sums;
    nearest_push_hits(&c->part, c->job->places[q], first, rows, &c->tops[q]);
    raise_bound(c->job, &c->tops[q], q, c->bounds);
}

static void scan_packed(void *user, size_t thread)
{
    job *j = user;
    panels *packed = &j->packed[thread];
    hit_context c = {.job = j, .tops = j->tops + thread * j->query.n,
                     .bounds = j->bounds + thread * j->query.n};
    panels_scan scan = {.panels = packed, .queries = j->places,
                        .n = j->query.n, .factors = j->factors,
                        .bounds = c.bounds, .hit = hit, .user = &c};
    for (size_t q = 0; q < j->query.n; q++)
        raise_bound(j, &c.tops[q], q, c.bounds);
    while (take_block(j, &c.part)) {
        panels_pack(packed, c.part.vectors, c.part.n);
        if (packed->finite) {
            panels_run(&scan);
            continue;
        }
        for (size_t q = 0; q < j->query.n; q++) {
            nearest_scan(&c.part, j->places[q], &c.tops[q]);
            raise_bound(j, &c.tops[q], q, c.bounds);
        }
    }
}

/* true if every query may be measured by norms. */
static bool measure_queries(job *j)
{
    bool fit = true;
    for (size_t q = 0; q < j->query.n; q++) {
        distance_query v = {.vector = j->places[q], .dim = j->rows->dim};
        distance_f32_get()->dot_rows(&v, v.vector, 1, &j->normsq[q]);
        j->factors[q] =
            panels_factor(j->rows->metric, v.dim, j->normsq[q]);
        fit = fit && panels_can_take(j->normsq[q]);
    }
    return fit;
}

static void plan_blocks(job *j, bool pack)
{
    size_t row_bytes = j->rows->dim * sizeof(float);
    j->streams = j->rows->n > CACHE_BYTES / row_bytes;
    size_t work = j->rows->n * at_least(1, j->query.n / 8);
    size_t useful = work / at_least(1, THREAD_BYTES / row_bytes);
    size_t wanted = j->query.threads ? j->query.threads : thread_count();
    j->n_threads = at_most(wanted, at_least(1, useful));
    size_t rows = at_most(BLOCK_BYTES / row_bytes,
                          j->rows->n / (4 * j->n_threads));
    size_t step = pack ? DISTANCE_TILE_ROWS : CHUNK_ROWS;
    j->block_rows = at_least(rows - rows % step, step);
}

static akin_status new_tops(job *j, akin_error *err)
{
    void *p;
    size_t n = j->n_threads * j->query.n;
    AKIN_TRY(mem_new_array(n, sizeof *j->tops, "hits", &p, err));
    j->tops = p;
    for (size_t i = 0; i < n; i++)
        AKIN_TRY(topk_init(&j->tops[i], j->query.k,
                           j->rows->metric == METRIC_L2SQ, err));
    return AKIN_OK;
}

static void clear_job(job *j)
{
    for (size_t i = 0; j->tops && i < j->n_threads * j->query.n; i++)
        topk_clear(&j->tops[i]);
    for (size_t i = 0; j->packed && i < j->n_threads; i++)
        panels_clear(&j->packed[i]);
    mem_free(j->tops);
    mem_free(j->places);
    mem_free(j->normsq);
    mem_free(j->factors);
    mem_free(j->packed);
    mem_free(j->bounds);
}

static akin_status new_arrays(job *j, akin_error *err)
{
    void *p;
    size_t n = j->query.n;
    AKIN_TRY(mem_new_array(n, sizeof *j->places, "queries", &p, err));
    j->places = p;
    AKIN_TRY(mem_new_array(n, sizeof(float), "queries", &p, err));
    j->normsq = p;
    AKIN_TRY(mem_new_array(n, sizeof(float), "queries", &p, err));
    j->factors = p;
    for (size_t i = 0; i < n; i++)
        j->places[i] = j->query.vectors + i * j->rows->dim;
    return AKIN_OK;
}

static akin_status new_panels(job *j, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(j->n_threads, sizeof *j->packed, "threads", &p,
                           err));
    j->packed = p;
    AKIN_TRY(mem_new_array(j->n_threads * j->query.n, sizeof(float), "queries",
                           &p, err));
    j->bounds = p;
    for (size_t i = 0; i < j->n_threads; i++)
        AKIN_TRY(panels_init(&j->packed[i], j->block_rows, j->rows->dim,
                             j->rows->metric, err));
    return AKIN_OK;
}

static void merge_and_write(job *j)
{
    for (size_t q = 0; q < j->query.n; q++) {
        topk *top = &j->tops[q];
        for (size_t t = 1; t < j->n_threads; t++) {
            const topk *other = &j->tops[t * j->query.n + q];
            for (size_t i = 0; i < other->n; i++)
                topk_push(top, other->hits[i].key, other->hits[i].score);
        }
        nearest_write(top, j->ids + q * j->query.k,
                      j->distances + q * j->query.k);
    }
}

static akin_status run(job *j, akin_error *err)
{
    akin_status status = AKIN_OK;
    AKIN_TRYG(new_arrays(j, err));
    bool pack = measure_queries(j) && j->query.n > FEW_QUERIES;
    plan_blocks(j, pack);
    AKIN_TRYG(new_tops(j, err));
    if (pack) AKIN_TRYG(new_panels(j, err));
    thread_each(j->n_threads, pack ? scan_packed : scan_directly, j);
    merge_and_write(j);
done:
    clear_job(j);
    return status;
}

/* ---- a large k ---- */

/* What a thread selects in. */
typedef struct select_room {
    float *distances; /* [n] */
    uint16_t *bins;   /* [n] */
    topk_hit *hits;   /* [k + CHUNK_ROWS] */
    topk top;         /* if bins do not part the distances well */
} select_room;

typedef struct select_job {
    const nearest_rows *rows;
    const nearest_query *query;
    int64_t *ids;
    float *distances;
    select_room *rooms;
    atomic_size_t next;
} select_job;

static void measure_all(const nearest_rows *rows, const float *query,
                        float *out)
{
    distance_query q = {.vector = query, .dim = rows->dim};
    measure(rows->metric, false)(&q, rows->vectors, rows->n, out);
}

static bool goes_before(topk_hit a, topk_hit b, bool smaller)
{
    if (a.score != b.score)
        return smaller ? a.score < b.score : a.score > b.score;
    return a.key < b.key;
}

/* Nearly sorted by bins, so that few steps are left. */
static void insertion_sort(topk_hit *hits, size_t n, bool smaller)
{
    for (size_t i = 1; i < n; i++) {
        topk_hit hit = hits[i];
        size_t at = i;
        for (; at > 0 && goes_before(hit, hits[at - 1], smaller); at--)
            hits[at] = hits[at - 1];
        hits[at] = hit;
    }
}

/* Spreads the distances over bins, the best in the first. false if they are
 * not all finite or all the same. */
static bool fill_bins(const float *d, size_t n, bool smaller, uint16_t *bins,
                      uint32_t *counts)
{
    float low = d[0], high = d[0];
    bool finite = true;
    for (size_t i = 0; i < n; i++) {
        low = d[i] < low ? d[i] : low;
        high = d[i] > high ? d[i] : high;
        finite = finite && d[i] == d[i];
    }
    float scale = (float)(BINS - 1) / (high - low);
    if (!finite || !(high - low > 0) || !(scale < FLT_MAX) ||
        !(high - low < FLT_MAX) || !(scale > 0))
        return false;
    for (size_t i = 0; i < n; i++) {
        float at = smaller ? d[i] - low : high - d[i];
        bins[i] = (uint16_t)(at * scale);
        counts[bins[i]]++;
    }
    return true;
}

/* The k best of n distances into room->hits; false if bins part them badly. */
static bool select_by_bins(select_room *room, size_t n, size_t k, bool smaller)
{
    uint32_t counts[BINS + 1] = {0};
    if (n <= k || !fill_bins(room->distances, n, smaller, room->bins, counts))
        return false;
    size_t last = 0, total = 0;
    for (; total < k; last++) {
        uint32_t count = counts[last];
        if (count > CHUNK_ROWS) return false; /* to be sorted */
        counts[last] = (uint32_t)total;
        total += count;
    }
    for (size_t i = 0; i < n; i++)
        if (room->bins[i] < last)
            room->hits[counts[room->bins[i]]++] =
                (topk_hit){.key = nearest_key((int64_t)i),
                           .score = room->distances[i]};
    insertion_sort(room->hits, total, smaller);
    return true;
}

static void select_one(select_job *j, select_room *room, size_t q)
{
    const nearest_rows *rows = j->rows;
    size_t k = j->query->k;
    bool smaller = rows->metric == METRIC_L2SQ;
    measure_all(rows, j->query->vectors + q * rows->dim, room->distances);
    if (!select_by_bins(room, rows->n, k, smaller)) {
        room->top.n = 0;
        for (size_t i = 0; i < rows->n; i += CHUNK_ROWS)
            nearest_push(&room->top, room->distances + i,
                         at_most(CHUNK_ROWS, rows->n - i), NULL, i);
        nearest_write(&room->top, j->ids + q * k, j->distances + q * k);
        return;
    }
    for (size_t i = 0; i < k; i++) {
        j->ids[q * k + i] =
            (int64_t)nearest_key((int64_t)room->hits[i].key);
        j->distances[q * k + i] = room->hits[i].score;
    }
}

static void select_some(void *user, size_t thread)
{
    select_job *j = user;
    for (;;) {
        size_t q = atomic_fetch_add(&j->next, 1);
        if (q >= j->query->n) return;
        select_one(j, &j->rooms[thread], q);
    }
}

static akin_status init_room(select_room *room, const select_job *j,
                             akin_error *err)
{
    void *p;
    size_t n = j->rows->n, k = j->query->k;
    AKIN_TRY(mem_new_array(n, sizeof(float), "distances", &p, err));
    room->distances = p;
    AKIN_TRY(mem_new_array(n, sizeof(uint16_t), "distances", &p, err));
    room->bins = p;
    AKIN_TRY(mem_new_array(k + CHUNK_ROWS, sizeof(topk_hit), "hits", &p, err));
    room->hits = p;
    return topk_init(&room->top, k, j->rows->metric == METRIC_L2SQ, err);
}

static akin_status select_all(select_job *j, akin_error *err)
{
    akin_status status = AKIN_OK;
    size_t wanted = j->query->threads ? j->query->threads : thread_count();
    size_t work = j->rows->n * j->query->n * j->rows->dim * sizeof(float);
    size_t n_threads = at_most(at_most(wanted, j->query->n),
                               at_least(1, work / THREAD_BYTES));
    void *p = NULL;
    AKIN_TRYG(mem_new_array(n_threads, sizeof *j->rooms, "threads", &p, err));
    j->rooms = p;
    for (size_t i = 0; i < n_threads; i++)
        AKIN_TRYG(init_room(&j->rooms[i], j, err));
    thread_each(n_threads, select_some, j);
done:
    for (size_t i = 0; j->rooms && i < n_threads; i++) {
        mem_free(j->rooms[i].distances);
        mem_free(j->rooms[i].bins);
        mem_free(j->rooms[i].hits);
        topk_clear(&j->rooms[i].top);
    }
    mem_free(j->rooms);
    return status;
}

akin_status nearest_search(const nearest_rows *rows, const nearest_query *query,
                           int64_t *ids, float *distances, akin_error *err)
{
    assert(query->k >= 1 && rows->dim >= 1);
    if (query->n == 0) return AKIN_OK;
    if (query->k > rows->n / LARGE_K && rows->n > 0) {
        select_job j = {.rows = rows, .query = query, .ids = ids,
                        .distances = distances};
        return select_all(&j, err);
    }
    size_t step = at_most(MOST_QUERIES, at_least(1, MOST_HITS / query->k));
    for (size_t i = 0; i < query->n; i += step) {
        job j = {.rows = rows, .query = *query,
                 .ids = ids + i * query->k,
                 .distances = distances + i * query->k};
        j.query.vectors += i * rows->dim;
        j.query.n = at_most(step, query->n - i);
        AKIN_TRY(run(&j, err));
    }
    return AKIN_OK;
}
