/* SPDX-License-Identifier: MIT
 * Times the vector index. What is asked, what is timed and what is not are the
 * same as in bench/peers, so that the figures can stand side by side: a clock
 * is read once a query, and nothing but searches is between two readings. */
#include "akin/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include "interop/npy.h"

#define BENCH_MAX_VALUES ((size_t)1 << 38) /* a terabyte of float32 */

enum {
    PASSES = 5,
    BATCH = 1000,
    PIECE = 256, /* queries between two looks at whether to stop */
    PARAMS_SIZE = 96,
    DEFAULT_EFFORT = 200, /* akin/index.h's */
};
static const size_t efforts[] = {6,   8,   10,  12,  14,  16, 20, 24,
                                 28,  32,  40,  48,  64,  80, 96, 128,
                                 160, 200, 256, 320, 400, 512};
static const double ENOUGH = 0.9999;
static const double LONG_PASS_S = 2; /* one of these is measured once */

typedef void (*bench_on_line)(void *user, const akin_bench_line *line);

typedef struct bench {
    const akin_bench_index_options *opt;
    bench_on_line on_line;
    void *user;
    akin_index *index;
    npy_vectors queries;
    size_t n_base, k, threads;
    uint64_t *truth;     /* [queries.n, k] */
    float *farthest;     /* [queries.n] distance of the k-th true one */
    akin_index_hit *hits; /* [queries.n, k] of the latest pass */
    size_t *counts;      /* [queries.n] */
    double *took[1 + PASSES]; /* [queries.n] seconds of each query */
    double build_s;
    size_t bytes;
    char shape[PARAMS_SIZE]; /* "links=32,effort=200,route=codes" */
} bench;

/* How queries are asked: with an ef, or exactly if it is 0; `batch` at once if
 * it is not 0. */
typedef struct bench_way {
    size_t ef, batch;
    const char *params;
} bench_way;

static akin_status tell(const bench *b, const char *phase, double fraction,
                        akin_error *err)
{
    const akin_bench_index_options *o = b->opt;
    if (!o->progress || o->progress(o->user, phase, fraction)) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECANCELLED, "stopped");
}

/* ---- the index ----------------------------------------------------------- */

static akin_status check_sizes(const bench *b, const npy_vectors *base,
                               akin_error *err)
{
    const npy_vectors *queries = &b->queries;
    if (queries->n == 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "there are no queries in '%s'",
                         b->opt->queries);
    if (queries->dim != base->dim)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the vectors of '%s' have %zu values, those of '%s' "
                         "%zu", b->opt->queries, queries->dim, b->opt->base,
                         base->dim);
    if (b->k > base->n)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "%zu vectors are wanted, and '%s' has %zu", b->k,
                         b->opt->base, base->n);
    return AKIN_OK;
}

static akin_status build(bench *b, const npy_vectors *base, akin_error *err)
{
    akin_index_options opt = b->opt->index;
    if (opt.effort == 0) opt.effort = DEFAULT_EFFORT;
    akin_index_work work = {.threads = b->threads,
                            .progress = b->opt->progress,
                            .user = b->opt->user};
    opt.dim = base->dim;
    double begin_s = clock_now_s();
    AKIN_TRY(akin_index_new(&opt, &b->index, err));
    AKIN_TRY(akin_index_add(b->index, NULL, base->data, base->n, &work, err));
    b->build_s = clock_now_s() - begin_s;
    b->n_base = base->n;
    return AKIN_OK;
}

static void describe(bench *b)
{
    static const char *const routes[] = {"auto", "codes", "vectors"};
    akin_index_stats stats;
    akin_index_get_stats(b->index, &stats);
    b->bytes = stats.bytes_memory + stats.bytes_vectors;
    size_t effort = b->opt->index.effort;
    snprintf(b->shape, sizeof b->shape, "links=%zu,effort=%zu,route=%s",
             stats.links, effort ? effort : DEFAULT_EFFORT,
             routes[stats.route]);
}

/* The base is not kept: the index has its own copy. */
static akin_status open_index(bench *b, akin_error *err)
{
    npy_vectors base = {0};
    akin_status status;
    AKIN_TRYG(tell(b, "read", 0, err));
    AKIN_TRYG(npy_read_vectors(b->opt->queries, BENCH_MAX_VALUES, &b->queries,
                               err));
    AKIN_TRYG(npy_read_vectors(b->opt->base, BENCH_MAX_VALUES, &base, err));
    AKIN_TRYG(check_sizes(b, &base, err));
    AKIN_TRYG(build(b, &base, err));
    describe(b);
done:
    mem_free(base.data);
    return status;
}

/* ---- the truth ----------------------------------------------------------- */

/* The distance of one id as the index itself would tell it. */
static akin_status measure_one(bench *b, size_t query, uint64_t id,
                               uint64_t *allow, float *out, akin_error *err)
{
    akin_index_hit hit;
    size_t n = 0;
    akin_index_query q = {.vector = b->queries.data + query * b->queries.dim,
                          .k = 1,
                          .allow = allow,
                          .n_allow = id + 1};
    allow[id / 64] = (uint64_t)1 << id % 64;
    akin_status status =
        akin_index_search_exact(b->index, &q, &hit, &n, err);
    allow[id / 64] = 0;
    if (status == AKIN_OK && n == 1) *out = hit.distance;
    return status;
}

static akin_status check_truth(const bench *b, const npy_ids *ids,
                               akin_error *err)
{
    const char *path = b->opt->truth;
    if (ids->n != b->queries.n || ids->dim < b->k)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s' has the shape (%zu, %zu), not (%zu, %zu or "
                         "more)", path, ids->n, ids->dim, b->queries.n, b->k);
    for (size_t i = 0; i < ids->n; i++)
        for (size_t j = 0; j < b->k; j++)
            if (ids->data[i * ids->dim + j] >= b->n_base)
                return AKIN_FAIL(err, AKIN_EUSAGE,
                                 "'%s' names vector %llu, but there are %zu",
                                 path,
                                 (unsigned long long)ids->data[i * ids->dim + j],
                                 b->n_base);
    return AKIN_OK;
}

static akin_status take_truth(bench *b, const npy_ids *ids, akin_error *err)
{
    void *allow = NULL;
    akin_status status = AKIN_OK;
    AKIN_TRY(check_truth(b, ids, err));
    AKIN_TRY(mem_new_array(b->n_base / 64 + 1, sizeof(uint64_t), "a truth",
                           &allow, err));
    for (size_t i = 0; i < ids->n; i++) {
        const uint64_t *row = ids->data + i * ids->dim;
        if (i % PIECE == 0)
            AKIN_TRYG(tell(b, "truth", (double)i / (double)ids->n, err));
        for (size_t j = 0; j < b->k; j++) b->truth[i * b->k + j] = row[j];
        AKIN_TRYG(measure_one(b, i, row[b->k - 1], allow, &b->farthest[i],
                              err));
    }
done:
    mem_free(allow);
    return status;
}

static akin_status read_truth(bench *b, akin_error *err)
{
    npy_ids ids;
    AKIN_TRY(npy_read_ids(b->opt->truth, BENCH_MAX_VALUES, &ids, err));
    akin_status status = take_truth(b, &ids, err);
    mem_free(ids.data);
    return status;
}

static akin_status ask_batch(bench *b, size_t first, size_t n, akin_error *err)
{
    akin_index_query q = {.k = b->k};
    return akin_index_search_batch(
        b->index, &q, b->queries.data + first * b->queries.dim, n, b->threads,
        b->hits + first * b->k, b->counts + first, err);
}

static akin_status find_truth(bench *b, akin_error *err)
{
    size_t n = b->queries.n, k = b->k;
    for (size_t i = 0; i < n; i += BATCH) {
        AKIN_TRY(tell(b, "truth", (double)i / (double)n, err));
        AKIN_TRY(ask_batch(b, i, n - i < BATCH ? n - i : BATCH, err));
    }
    for (size_t i = 0; i < n * k; i++) b->truth[i] = b->hits[i].id;
    for (size_t i = 0; i < n; i++)
        b->farthest[i] = b->hits[i * k + k - 1].distance;
    return AKIN_OK;
}

/* ---- passes -------------------------------------------------------------- */

static bool is_true(const bench *b, size_t query, const akin_index_hit *hit)
{
    const uint64_t *truth = b->truth + query * b->k;
    if (hit->distance == b->farthest[query]) return true;
    for (size_t i = 0; i < b->k; i++)
        if (truth[i] == hit->id) return true;
    return false;
}

static double recall(const bench *b)
{
    size_t found = 0, n = b->queries.n;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < b->counts[i]; j++)
            found += is_true(b, i, &b->hits[i * b->k + j]);
    return (double)found / (double)(n * b->k);
}

static akin_status ask_one(bench *b, const bench_way *way, size_t i,
                           akin_error *err)
{
    akin_index_query q = {.vector = b->queries.data + i * b->queries.dim,
                          .k = b->k,
                          .ef = way->ef};
    return (way->ef ? akin_index_search : akin_index_search_exact)(
        b->index, &q, b->hits + i * b->k, &b->counts[i], err);
}

/* Queries from first to end, timed. */
static akin_status ask_some(bench *b, const bench_way *way, size_t first,
                            size_t end, double *took, double *seconds,
                            akin_error *err)
{
    double begin = clock_now_s(), last = begin;
    if (way->batch) {
        AKIN_TRY(ask_batch(b, first, end - first, err));
        last = clock_now_s();
    }
    for (size_t i = first; i < end && !way->batch; i++) {
        AKIN_TRY(ask_one(b, way, i, err));
        double now = clock_now_s();
        took[i] = now - last;
        last = now;
    }
    *seconds += last - begin;
    return AKIN_OK;
}

static akin_status run_pass(bench *b, const bench_way *way, double *took,
                            double *seconds, akin_error *err)
{
    size_t n = b->queries.n, step = way->batch ? way->batch : PIECE;
    *seconds = 0;
    for (size_t i = 0; i < n; i += step) {
        AKIN_TRY(tell(b, way->params, (double)i / (double)n, err));
        AKIN_TRY(ask_some(b, way, i, n - i < step ? n : i + step, took,
                          seconds, err));
    }
    return AKIN_OK;
}

static int compare_seconds(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Which of an odd number of passes is the middle one. */
static size_t median_pass(const double *seconds, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t less = 0, same = 0;
        for (size_t k = 0; k < n; k++) {
            less += seconds[k] < seconds[i];
            same += seconds[k] == seconds[i];
        }
        if (less <= n / 2 && less + same > n / 2) return i;
    }
    return 0;
}

static double percentile_us(const double *sorted, size_t n, double share)
{
    return sorted[(size_t)(share * (double)(n - 1) + 0.5)] * 1e6;
}

/* All passes of one way; *found gets its recall. */
static akin_status measure(bench *b, const bench_way *way, double *found,
                           akin_error *err)
{
    double seconds[1 + PASSES];
    size_t n = b->queries.n, n_passes = 0, first = 0;
    while (n_passes < 1 + PASSES) {
        AKIN_TRY(run_pass(b, way, b->took[n_passes], &seconds[n_passes], err));
        n_passes++;
        if (way->ef == 0 && seconds[0] > LONG_PASS_S) break;
    }
    if (n_passes > 1) first = 1; /* without the one that warmed up */
    size_t at = first + median_pass(seconds + first, n_passes - first);
    akin_bench_line line = {
        .engine = "akin",
        .params = way->params,
        .build_s = b->build_s,
        .threads = b->threads,
        .bytes = b->bytes,
        .recall = recall(b),
        .qps = (double)n / seconds[at],
        .p50_us = -1,
        .p99_us = -1,
    };
    if (!way->batch) {
        double *took = b->took[at];
        qsort(took, n, sizeof *took, compare_seconds);
        line.p50_us = percentile_us(took, n, 0.5);
        line.p99_us = percentile_us(took, n, 0.99);
    }
    b->on_line(b->user, &line);
    *found = line.recall;
    return AKIN_OK;
}

/* From half of k on, as less finds little of it, to k at least. */
static akin_status sweep(bench *b, akin_error *err)
{
    enum { N = sizeof efforts / sizeof *efforts };
    size_t last = 0;
    double found = 0;
    for (size_t i = 0; i < N; i++) {
        char params[PARAMS_SIZE + 32];
        size_t least = i + 1 < N ? b->k / 2 : b->k;
        size_t ef = efforts[i] < least ? least : efforts[i];
        if (ef == last) continue;
        last = ef;
        snprintf(params, sizeof params, "%s,ef=%zu", b->shape, ef);
        bench_way way = {.ef = ef, .params = params};
        AKIN_TRY(measure(b, &way, &found, err));
        if (found >= ENOUGH) break;
    }
    return AKIN_OK;
}

static akin_status measure_exact(bench *b, akin_error *err)
{
    char params[PARAMS_SIZE];
    double found;
    size_t batch = b->queries.n < BATCH ? b->queries.n : BATCH;
    bench_way single = {.params = "exact"};
    snprintf(params, sizeof params, "exact,batch=%zu,threads=%zu", batch,
             b->threads);
    bench_way many = {.batch = batch, .params = params};
    AKIN_TRY(measure(b, &single, &found, err));
    return measure(b, &many, &found, err);
}

/* ---- all of it ----------------------------------------------------------- */

static akin_status make_room(bench *b, akin_error *err)
{
    size_t n = b->queries.n, n_hits;
    void *p;
    if (!mem_mul(n, b->k, &n_hits))
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for results");
    AKIN_TRY(mem_new_array(n_hits, sizeof *b->truth, "results", &p, err));
    b->truth = p;
    AKIN_TRY(mem_new_array(n_hits, sizeof *b->hits, "results", &p, err));
    b->hits = p;
    AKIN_TRY(mem_new_array(n, sizeof *b->farthest, "results", &p, err));
    b->farthest = p;
    AKIN_TRY(mem_new_array(n, sizeof *b->counts, "results", &p, err));
    b->counts = p;
    for (size_t i = 0; i < 1 + PASSES; i++) {
        AKIN_TRY(mem_new_array(n, sizeof *b->took[i], "results", &p, err));
        b->took[i] = p;
    }
    return AKIN_OK;
}

static akin_status run(bench *b, akin_error *err)
{
    AKIN_TRY(open_index(b, err));
    if (b->opt->save) AKIN_TRY(akin_index_save(b->index, b->opt->save, err));
    AKIN_TRY(make_room(b, err));
    AKIN_TRY(b->opt->truth ? read_truth(b, err) : find_truth(b, err));
    AKIN_TRY(sweep(b, err));
    return measure_exact(b, err);
}

akin_status akin_bench_index(const akin_bench_index_options *opt,
                             bench_on_line line, void *user, akin_error *err)
{
    bench b = {.opt = opt, .on_line = line, .user = user, .k = opt->k,
               .threads = opt->threads};
    if (!opt->base || !opt->queries)
        return AKIN_FAIL(err, AKIN_EUSAGE, "base and queries are needed");
    if (b.k == 0) b.k = 10;
    if (b.threads == 0) b.threads = thread_count();
    akin_status status = run(&b, err);
    akin_index_close(b.index);
    mem_free(b.queries.data);
    mem_free(b.truth);
    mem_free(b.farthest);
    mem_free(b.hits);
    mem_free(b.counts);
    for (size_t i = 0; i < 1 + PASSES; i++) mem_free(b.took[i]);
    return status;
}
