/* SPDX-License-Identifier: MIT
 * Exact search and k-means: every way of searching gives the bits of the
 * others, near twins far from zero are told apart, and threads do not show. */
#include <float.h>

#include "base/memory.h"
#include "base/random.h"
#include "index/isa.h"
#include "index/kmeans.h"
#include "index/nearest.h"
#include "test.h"

enum { N = 4000, DIM = 37, N_QUERIES = 50, K = 10 };

static float *new_rows(size_t n, float offset, uint64_t seed)
{
    random_state r = {seed};
    float *rows = mem_aligned(n * DIM * sizeof *rows);
    for (size_t i = 0; i < n * DIM; i++)
        rows[i] = offset + (float)random_unit(&r);
    return rows;
}

typedef struct answer {
    int64_t ids[N_QUERIES * 500];
    float distances[N_QUERIES * 500];
} answer;

static answer *ask(const nearest_rows *rows, nearest_query query)
{
    akin_error err;
    answer *a = mem_array(1, sizeof *a);
    CHECK_OK(nearest_search(rows, &query, a->ids, a->distances, &err), err);
    return a;
}

/* All at once, with threads, one by one: and what is nearest is. */
static void check_ways(const nearest_rows *rows, const float *queries,
                       size_t k)
{
    answer *all = ask(rows, (nearest_query){queries, N_QUERIES, k, 1});
    answer *many = ask(rows, (nearest_query){queries, N_QUERIES, k, 5});
    CHECK(memcmp(all, many, sizeof *all) == 0);
    for (size_t q = 0; q < N_QUERIES; q++) {
        answer *one = ask(rows, (nearest_query){queries + q * DIM, 1, k, 1});
        CHECK(memcmp(one->ids, all->ids + q * k, k * 8) == 0);
        CHECK(memcmp(one->distances, all->distances + q * k, k * 4) == 0);
        mem_free(one);
    }
    for (size_t q = 0; q < N_QUERIES; q += 7) {
        double last = all->distances[q * k + k - 1];
        size_t n_better = 0;
        for (size_t i = 0; i < rows->n; i++) {
            double d = 0;
            for (size_t c = 0; c < DIM; c++) {
                double x = rows->vectors[i * DIM + c];
                double y = queries[q * DIM + c];
                d += rows->metric == METRIC_L2SQ ? (x - y) * (x - y) : -x * y;
            }
            if (rows->metric == METRIC_DOT) d = -d;
            double room = 1e-5 * fabs(last);
            n_better += rows->metric == METRIC_L2SQ ? d < last - room
                                                    : d > last + room;
        }
        CHECK(n_better <= k - 1);
    }
    mem_free(all);
    mem_free(many);
}

static void ways_agree(void)
{
    float *rows = new_rows(N, -0.5f, 1), *queries = new_rows(50, -0.5f, 2);
    const char *before = isa_name(isa_get());
    for (int i = ISA_SCALAR; i < ISA_COUNT; i++) {
        if (!isa_use(isa_name((enum isa)i))) continue;
        for (int metric = METRIC_DOT; metric <= METRIC_L2SQ; metric++) {
            nearest_rows r = {rows, N, DIM, (panels_metric)metric};
            check_ways(&r, queries, K);
            check_ways(&r, queries, 300); /* selected */
            check_ways(&r, queries, 1);
        }
    }
    CHECK(isa_use(before));
    mem_free_aligned(rows);
    mem_free_aligned(queries);
}

/* By norms alone these could not be told apart. */
static void twins_far_from_zero(void)
{
    float *rows = new_rows(N, 1000, 3), *queries = new_rows(50, 1000, 4);
    nearest_rows r = {rows, N, DIM, METRIC_L2SQ};
    memcpy(rows + 5 * DIM, rows + 3 * DIM, DIM * sizeof *rows);
    memcpy(queries, rows + 3 * DIM, DIM * sizeof *rows);
    check_ways(&r, queries, K);
    answer *a = ask(&r, (nearest_query){queries, N_QUERIES, K, 2});
    CHECK(a->ids[0] == 3 && a->ids[1] == 5);
    CHECK(a->distances[0] == 0 && a->distances[1] == 0);
    mem_free(a);
    mem_free_aligned(rows);
    mem_free_aligned(queries);
}

static void odd_values(void)
{
    float *rows = new_rows(N, 0, 5), *queries = new_rows(50, 0, 6);
    rows[7 * DIM] = NAN;
    rows[8 * DIM] = INFINITY;
    rows[9 * DIM] = 1e25f; /* its norm overflows */
    memcpy(queries + 2 * DIM, rows + 9 * DIM, DIM * sizeof *rows);
    queries[4 * DIM] = NAN;
    for (int metric = METRIC_DOT; metric <= METRIC_L2SQ; metric++) {
        nearest_rows r = {rows, N, DIM, (panels_metric)metric};
        check_ways(&r, queries + 5 * DIM - 5 * DIM, K);
        answer *a = ask(&r, (nearest_query){queries, N_QUERIES, K, 2});
        for (size_t i = 0; i < K; i++) {
            CHECK_EQ_INT(a->ids[4 * K + i], -1);
            CHECK(fabsf(a->distances[4 * K + i]) == FLT_MAX);
        }
        for (size_t i = 0; i < N_QUERIES * K; i++) CHECK(a->ids[i] != 7);
        if (metric == METRIC_L2SQ) CHECK_EQ_INT(a->ids[2 * K], 9);
        mem_free(a);
    }
    nearest_rows few = {rows, 3, DIM, METRIC_L2SQ};
    answer *a = ask(&few, (nearest_query){queries, 1, K, 2});
    CHECK(a->ids[2] >= 0 && a->ids[3] == -1 && a->distances[3] == FLT_MAX);
    mem_free(a);
    few.n = 0;
    a = ask(&few, (nearest_query){queries, N_QUERIES, K, 2});
    CHECK_EQ_INT(a->ids[0], -1);
    mem_free(a);
    mem_free_aligned(rows);
    mem_free_aligned(queries);
}

static void kmeans_is_kmeans(void)
{
    enum { CLUSTERS = 60 };
    float *rows = new_rows(N, 0, 7), centroids[2][CLUSTERS * DIM];
    uint32_t *nearest = mem_array(N, sizeof *nearest);
    akin_error err;
    for (int metric = METRIC_DOT; metric <= METRIC_L2SQ; metric++) {
        kmeans_options opt = {.k = CLUSTERS, .metric = (panels_metric)metric,
                              .threads = 1, .seed = 3};
        for (int i = 0; i < 2; i++, opt.threads += 3)
            CHECK_OK(kmeans_train(rows, N, DIM, &opt, centroids[i], &err),
                     err);
        CHECK(memcmp(centroids[0], centroids[1], sizeof *centroids) == 0);
        kmeans_centroids c = {centroids[0], CLUSTERS, DIM,
                              (panels_metric)metric};
        CHECK_OK(kmeans_assign(&c, rows, N, 2, nearest, &err), err);
        size_t counts[CLUSTERS] = {0};
        nearest_rows r = {centroids[0], CLUSTERS, DIM, (panels_metric)metric};
        answer *a = ask(&r, (nearest_query){rows, N_QUERIES, 1, 1});
        for (size_t i = 0; i < N_QUERIES; i++)
            CHECK_EQ_INT(nearest[i], a->ids[i]);
        for (size_t i = 0; i < N; i++) counts[nearest[i]]++;
        for (size_t i = 0; i < CLUSTERS; i++) CHECK(counts[i] > 0);
        mem_free(a);
    }
    mem_free(nearest);
    mem_free_aligned(rows);
}

/* Most rows are one: empty clusters are split, and nothing stalls. */
static void kmeans_of_equals(void)
{
    float *rows = new_rows(300, 0, 8), centroids[100 * DIM];
    akin_error err;
    for (size_t i = 1; i < 290; i++)
        memcpy(rows + i * DIM, rows, DIM * sizeof *rows);
    for (size_t k = 1; k <= 100; k += 33) {
        kmeans_options opt = {.k = k, .metric = METRIC_L2SQ, .threads = 2};
        CHECK_OK(kmeans_train(rows, 300, DIM, &opt, centroids, &err), err);
        for (size_t i = 0; i < k * DIM; i++) CHECK(isfinite(centroids[i]));
    }
    mem_free_aligned(rows);
}

typedef struct heard {
    size_t n, stop_at;
    double last;
} heard;

static bool hear(void *user, double fraction)
{
    heard *h = user;
    CHECK(fraction > h->last && fraction <= 1);
    h->last = fraction;
    return ++h->n != h->stop_at;
}

static void kmeans_tells_and_stops(void)
{
    float *rows = new_rows(N, 0, 9), centroids[20 * DIM];
    akin_error err = {0};
    heard all = {0}, some = {.stop_at = 3};
    kmeans_options opt = {.k = 20, .metric = METRIC_L2SQ, .threads = 1,
                          .progress = hear, .user = &all};
    CHECK_OK(kmeans_train(rows, N, DIM, &opt, centroids, &err), err);
    CHECK(all.n >= 5);
    CHECK_NEAR(all.last, 1, 1e-12);
    opt.user = &some;
    CHECK_STATUS(kmeans_train(rows, N, DIM, &opt, centroids, &err),
                 AKIN_ECANCELLED);
    CHECK_EQ_INT(some.n, 3);
    mem_free_aligned(rows);
}

const test_case test_nearest_cases[] = {
    {"nearest/kmeans_tells_and_stops", kmeans_tells_and_stops},
    {"nearest/ways_agree", ways_agree},
    {"nearest/twins_far_from_zero", twins_far_from_zero},
    {"nearest/odd_values", odd_values},
    {"nearest/kmeans_is_kmeans", kmeans_is_kmeans},
    {"nearest/kmeans_of_equals", kmeans_of_equals},
    {NULL, NULL},
};
