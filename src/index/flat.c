/* SPDX-License-Identifier: MIT
 * Exact search: threads take blocks of rows from a counter, each keeps its own
 * best, and the bests are merged.
 *
 * The order of (score, key) is total and a row's score is the same bits in any
 * block, so neither the blocks nor the threads show in the answer.
 *
 * Several query vectors cost no more than one for dot and cosine: the mean of
 * q_i.d is (mean of q_i).d, and for cosine q_i is normalised first. */
#include "index/flat.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/thread.h"
#include "index/distance.h"

enum {
    CHUNK_ROWS = 64,                /* scored at once; one word of the bitmap */
    BLOCK_BYTES = 1 << 20,          /* taken by a thread at once, at most */
    BLOCKS_A_THREAD = 8,            /* at least, so that threads end together */
    THREAD_BYTES = 512 << 10,       /* less is done before a thread starts */
};

typedef struct scan {
    const flat_rows *rows;
    const flat_query *query;
    const distance_table *kernels;
    float *folded; /* [dim] for dot and cosine */
    topk *tops;    /* one a thread */
    size_t n_threads, block_rows;
    atomic_size_t next_block;
} scan;

static double norm_of(const float *v, size_t dim)
{
    double sum = 0;
    for (size_t i = 0; i < dim; i++) sum += (double)v[i] * v[i];
    return sqrt(sum);
}

static akin_status fold_queries(scan *s, akin_error *err)
{
    const flat_query *q = s->query;
    akin_status status = AKIN_OK;
    void *sum = NULL, *folded = NULL;
    AKIN_TRYG(mem_new_array(q->dim, sizeof(double), "the query", &sum, err));
    AKIN_TRYG(mem_new_array(q->dim, sizeof(float), "the query", &folded, err));
    double *mean = sum;
    s->folded = folded;
    for (size_t i = 0; i < q->n; i++) {
        const float *v = q->vectors + i * q->dim;
        double scale = 1.0 / (double)q->n;
        if (q->score == FLAT_COSINE) {
            double norm = norm_of(v, q->dim);
            if (norm == 0) continue;
            scale /= norm;
        }
        for (size_t d = 0; d < q->dim; d++) mean[d] += v[d] * scale;
    }
    for (size_t d = 0; d < q->dim; d++) s->folded[d] = (float)mean[d];
done:
    mem_free(sum);
    return status;
}

static void score_cosine(const scan *s, const unsigned char *rows, size_t n,
                         float *scores)
{
    distance_query q = {.vector = s->folded, .dim = s->query->dim};
    float normsq[CHUNK_ROWS];
    s->kernels->dot_norm_rows(&q, rows, n, scores, normsq);
    for (size_t i = 0; i < n; i++) { /* the dot of a zero vector is 0, too */
        float divisor = normsq[i] == 0 ? 1 : normsq[i];
        scores[i] /= sqrtf(divisor);
    }
}

static void score_dot(const scan *s, const unsigned char *rows, size_t n,
                      float *scores)
{
    distance_query q = {.vector = s->folded, .dim = s->query->dim};
    s->kernels->dot_rows(&q, rows, n, scores);
}

static void score_euclidean(const scan *s, const unsigned char *rows, size_t n,
                            float *scores)
{
    double sum[CHUNK_ROWS] = {0};
    for (size_t k = 0; k < s->query->n; k++) {
        distance_query q = {.vector = s->query->vectors + k * s->query->dim,
                            .dim = s->query->dim};
        s->kernels->l2sq_rows(&q, rows, n, scores);
        for (size_t i = 0; i < n; i++) sum[i] += sqrt((double)scores[i]);
    }
    for (size_t i = 0; i < n; i++)
        scores[i] = (float)(sum[i] / (double)s->query->n);
}

/* topk_admits for the inner loop, turned round; NaN is not hopeless here and
 * is dropped by topk_push. */
static inline bool is_hopeless(const topk *top, float score)
{
    if (top->n < top->k) return false;
    float worst = top->hits[0].score;
    return top->smaller_is_better ? score > worst : score < worst;
}

static void scan_chunk(const scan *s, topk *top, size_t first, size_t n)
{
    float scores[CHUNK_ROWS];
    const flat_rows *rows = s->rows;
    const unsigned char *at = rows->vectors + first * 2 * rows->dim;
    switch (s->query->score) {
    case FLAT_COSINE: score_cosine(s, at, n, scores); break;
    case FLAT_DOT: score_dot(s, at, n, scores); break;
    case FLAT_EUCLIDEAN: score_euclidean(s, at, n, scores); break;
    }
    for (size_t i = 0; i < n; i++) {
        if (is_hopeless(top, scores[i])) continue;
        topk_push(top, rows->key(rows->user, first + i), scores[i]);
    }
}

/* Moves *at to the next allowed row before end and returns how many allowed
 * rows stand there one behind the other, at most CHUNK_ROWS; 0 at the end. */
static size_t next_run(const flat_rows *rows, size_t *at, size_t end)
{
    size_t n = CHUNK_ROWS;
    if (rows->allow) {
        uint64_t word = 0;
        while (*at < end) {
            word = rows->allow[*at / 64] >> *at % 64;
            if (word) break;
            *at += 64 - *at % 64;
        }
        if (*at >= end) return 0;
        *at += (size_t)__builtin_ctzll(word);
        word = ~(rows->allow[*at / 64] >> *at % 64);
        if (word) n = (size_t)__builtin_ctzll(word);
        if (n > 64 - *at % 64) n = 64 - *at % 64;
    }
    if (*at >= end) return 0;
    return n < end - *at ? n : end - *at;
}

static void scan_blocks(void *user, size_t thread)
{
    scan *s = user;
    for (;;) {
        size_t block = atomic_fetch_add(&s->next_block, 1);
        if (block > s->rows->n / s->block_rows) return;
        size_t at = block * s->block_rows, end = at + s->block_rows;
        if (end > s->rows->n) end = s->rows->n;
        for (size_t n; (n = next_run(s->rows, &at, end)) > 0; at += n)
            scan_chunk(s, &s->tops[thread], at, n);
    }
}

static size_t at_least(size_t a, size_t b) { return a > b ? a : b; }
static size_t at_most(size_t a, size_t b) { return a < b ? a : b; }

static void plan_threads(scan *s)
{
    size_t n = s->rows->n, row_bytes = 2 * s->rows->dim;
    size_t useful = at_least(1, n / at_least(1, THREAD_BYTES / row_bytes));
    size_t wanted = s->query->threads ? s->query->threads : thread_count();
    s->n_threads = at_most(wanted, useful);
    size_t rows = at_most(BLOCK_BYTES / row_bytes,
                          n / (s->n_threads * BLOCKS_A_THREAD));
    s->block_rows = at_least(rows - rows % CHUNK_ROWS, CHUNK_ROWS);
}

akin_status flat_scan(const flat_rows *rows, const flat_query *query,
                      topk *top, akin_error *err)
{
    assert(rows->dim == query->dim && query->n > 0 && query->dim > 0);
    assert(top->smaller_is_better == (query->score == FLAT_EUCLIDEAN));
    if (rows->n == 0) return AKIN_OK;
    akin_status status = AKIN_OK;
    scan s = {.rows = rows, .query = query, .kernels = distance_get()};
    void *tops = NULL;
    plan_threads(&s);
    AKIN_TRYG(mem_new_array(s.n_threads, sizeof *s.tops, "threads", &tops,
                            err));
    s.tops = tops;
    for (size_t i = 0; i < s.n_threads; i++)
        AKIN_TRYG(topk_init(&s.tops[i], at_most(top->k, rows->n),
                            top->smaller_is_better, err));
    if (query->score != FLAT_EUCLIDEAN) AKIN_TRYG(fold_queries(&s, err));
    thread_each(s.n_threads, scan_blocks, &s);
    for (size_t i = 0; i < s.n_threads; i++)
        for (size_t h = 0; h < s.tops[i].n; h++)
            topk_push(top, s.tops[i].hits[h].key, s.tops[i].hits[h].score);
done:
    for (size_t i = 0; s.tops && i < s.n_threads; i++) topk_clear(&s.tops[i]);
    mem_free(s.tops);
    mem_free(s.folded);
    return status;
}
