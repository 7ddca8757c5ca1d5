/* SPDX-License-Identifier: MIT
 * Exact search against sums in double, and that neither threads nor blocks nor
 * bitmaps change an answer. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "index/distance.h"
#include "index/flat.h"
#include "test.h"

enum { N = 3000, DIM = 37, K = 25, N_QUERIES = 3, KEY_BASE = 100000 };

typedef struct fixture {
    unsigned char *block, *vectors; /* at an odd address */
    float values[N][DIM];
    float queries[N_QUERIES * DIM];
    uint64_t allow[(N + 63) / 64];
} fixture;

static uint64_t key_of(const void *user, size_t row)
{
    size_t first = user ? *(const size_t *)user : 0;
    return KEY_BASE - first - row; /* the other way round than the rows */
}

static fixture *new_fixture(void)
{
    fixture *f = mem_array(1, sizeof *f);
    random_state r = {42};
    f->block = mem_array(N * DIM * 2 + 1, 1);
    f->vectors = f->block + 1;
    for (size_t i = 0; i < N; i++)
        for (size_t d = 0; d < DIM; d++)
            f->values[i][d] = (float)random_below(&r, 9) / 4 - 1;
    memset(f->values[5], 0, sizeof f->values[5]);
    for (size_t i = 100; i < 120; i++) /* equal scores */
        memcpy(f->values[i], f->values[99], sizeof f->values[i]);
    for (size_t i = 0; i < N_QUERIES * DIM; i++)
        f->queries[i] = (float)random_unit(&r) - 0.5f;
    distance_to_half(f->values[0], N * DIM, f->vectors);
    for (size_t i = 0; i < N; i++)
        if (random_below(&r, 3) == 0 || (i > 1000 && i < 1300))
            f->allow[i / 64] |= (uint64_t)1 << i % 64;
    return f;
}

static void free_fixture(fixture *f)
{
    mem_free(f->block);
    mem_free(f);
}

static double true_score(const fixture *f, size_t row, size_t n_queries,
                         flat_score score)
{
    double mean = 0;
    for (size_t k = 0; k < n_queries; k++) {
        double dot = 0, qq = 0, dd = 0, l2 = 0;
        for (size_t i = 0; i < DIM; i++) {
            double q = f->queries[k * DIM + i], d = f->values[row][i];
            dot += q * d;
            qq += q * q;
            dd += d * d;
            l2 += (q - d) * (q - d);
        }
        mean += score == FLAT_DOT         ? dot
                : score == FLAT_EUCLIDEAN ? sqrt(l2)
                : qq * dd > 0             ? dot / sqrt(qq * dd)
                                          : 0;
    }
    return mean / (double)n_queries;
}

static void scan(const fixture *f, flat_rows rows, flat_query query, topk *top)
{
    akin_error err;
    rows.vectors = rows.vectors ? rows.vectors : f->vectors;
    rows.dim = query.dim = DIM;
    rows.key = key_of;
    query.vectors = query.vectors ? query.vectors : f->queries;
    CHECK_OK(flat_scan(&rows, &query, top, &err), err);
}

/* Every hit has its score, and no row that is not there would be better. */
static void check_hits(const fixture *f, const topk *top, size_t n_queries,
                       flat_score score, const uint64_t *allow)
{
    bool hit[N] = {0};
    for (size_t i = 0; i < top->n; i++) {
        size_t row = KEY_BASE - (size_t)top->hits[i].key;
        CHECK(row < N && !hit[row]);
        hit[row] = true;
        CHECK_NEAR(top->hits[i].score, true_score(f, row, n_queries, score),
                   1e-5);
        CHECK(!allow || allow[row / 64] >> row % 64 & 1);
    }
    double last = top->hits[top->n - 1].score;
    for (size_t i = 0; i < N; i++) {
        if (hit[i] || (allow && !(allow[i / 64] >> i % 64 & 1))) continue;
        double s = true_score(f, i, n_queries, score);
        CHECK(score == FLAT_EUCLIDEAN ? s > last - 1e-5 : s < last + 1e-5);
    }
}

static void check_score(const fixture *f, flat_score score, size_t n_queries,
                        const uint64_t *allow)
{
    topk first = {0}, top;
    akin_error err;
    for (size_t threads = 1; threads <= 5; threads += 2) {
        CHECK_OK(topk_init(&top, K, score == FLAT_EUCLIDEAN, &err), err);
        scan(f, (flat_rows){.n = N, .allow = allow},
             (flat_query){.n = n_queries, .score = score, .threads = threads},
             &top);
        topk_sort(&top);
        CHECK_EQ_INT(top.n, K);
        if (threads == 1) {
            check_hits(f, &top, n_queries, score, allow);
            first = top;
            continue;
        }
        for (size_t i = 0; i < K; i++)
            CHECK(top.hits[i].key == first.hits[i].key &&
                  top.hits[i].score == first.hits[i].score);
        topk_clear(&top);
    }
    topk_clear(&first);
}

static void equals_brute_force(void)
{
    fixture *f = new_fixture();
    for (int score = FLAT_COSINE; score <= FLAT_EUCLIDEAN; score++) {
        check_score(f, (flat_score)score, 1, NULL);
        check_score(f, (flat_score)score, N_QUERIES, NULL);
        check_score(f, (flat_score)score, 2, f->allow);
    }
    free_fixture(f);
}

/* Enough bytes that threads are really used, and all scores the same. */
static void threads_break_no_ties(void)
{
    enum { MANY = 60000 };
    fixture *f = new_fixture();
    unsigned char *rows = mem_array(MANY, DIM * 2);
    topk top;
    akin_error err;
    for (size_t i = 0; i < MANY; i++)
        memcpy(rows + i * DIM * 2, f->vectors, DIM * 2);
    for (size_t threads = 1; threads <= 8; threads++) {
        CHECK_OK(topk_init(&top, 3, false, &err), err);
        scan(f, (flat_rows){.n = MANY, .vectors = rows},
             (flat_query){.n = 1, .threads = threads}, &top);
        topk_sort(&top);
        for (size_t i = 0; i < 3; i++)
            CHECK_EQ_INT(top.hits[i].key, KEY_BASE - MANY + 1 + i);
        topk_clear(&top);
    }
    mem_free(rows);
    free_fixture(f);
}

static void zero_vectors_score_zero(void)
{
    fixture *f = new_fixture();
    topk top;
    akin_error err;
    CHECK_OK(topk_init(&top, N, false, &err), err);
    scan(f, (flat_rows){.n = N}, (flat_query){.n = 1}, &top);
    CHECK_EQ_INT(top.n, N);
    for (size_t i = 0; i < N; i++)
        if (top.hits[i].key == KEY_BASE - 5) CHECK(top.hits[i].score == 0);
    topk_clear(&top);
    memset(f->queries, 0, sizeof f->queries);
    CHECK_OK(topk_init(&top, K, false, &err), err);
    scan(f, (flat_rows){.n = N}, (flat_query){.n = 1}, &top);
    for (size_t i = 0; i < K; i++) CHECK(top.hits[i].score == 0);
    topk_clear(&top);
    free_fixture(f);
}

static void nan_rows_are_left_out(void)
{
    fixture *f = new_fixture();
    akin_error err;
    f->vectors[2 * (7 * DIM + 3) + 1] = 0x7e;  /* NaN */
    f->vectors[2 * (8 * DIM + 3)] = 0;         /* infinity */
    f->vectors[2 * (8 * DIM + 3) + 1] = 0x7c;
    for (int score = FLAT_COSINE; score <= FLAT_EUCLIDEAN; score++) {
        topk top;
        CHECK_OK(topk_init(&top, N, score == FLAT_EUCLIDEAN, &err), err);
        scan(f, (flat_rows){.n = N},
             (flat_query){.n = 1, .score = (flat_score)score}, &top);
        CHECK_EQ_INT(top.n, score == FLAT_COSINE ? N - 2 : N - 1);
        for (size_t i = 0; i < top.n; i++) CHECK(!isnan(top.hits[i].score));
        topk_clear(&top);
    }
    free_fixture(f);
}

static void sets_add_up(void)
{
    fixture *f = new_fixture();
    topk whole, parts;
    akin_error err;
    CHECK_OK(topk_init(&whole, K, false, &err), err);
    CHECK_OK(topk_init(&parts, K, false, &err), err);
    const size_t first = 900;
    scan(f, (flat_rows){.n = 1000}, (flat_query){.n = 1}, &whole);
    scan(f, (flat_rows){.n = first}, (flat_query){.n = 1}, &parts);
    scan(f, (flat_rows){.n = 0}, (flat_query){.n = 1}, &parts);
    scan(f, (flat_rows){.vectors = f->vectors + first * DIM * 2,
                        .n = 1000 - first, .user = &first},
         (flat_query){.n = 1}, &parts);
    topk_sort(&whole);
    topk_sort(&parts);
    CHECK_EQ_INT(parts.n, K);
    for (size_t i = 0; i < K; i++)
        CHECK(parts.hits[i].key == whole.hits[i].key &&
              parts.hits[i].score == whole.hits[i].score);
    topk_clear(&whole);
    topk_clear(&parts);
    free_fixture(f);
}

static void bitmaps_of_all_shapes(void)
{
    fixture *f = new_fixture();
    akin_error err;
    random_state r = {9};
    for (int round = 0; round < 60; round++) {
        size_t n = 1 + random_below(&r, 300), n_allowed = 0;
        uint64_t allow[8] = {0};
        uint32_t density = random_below(&r, 5);
        for (size_t i = 0; i < n; i++) {
            if (random_below(&r, 4) >= density) continue;
            allow[i / 64] |= (uint64_t)1 << i % 64;
            n_allowed++;
        }
        topk top;
        CHECK_OK(topk_init(&top, 400, false, &err), err);
        scan(f, (flat_rows){.n = n, .allow = allow}, (flat_query){.n = 1},
             &top);
        CHECK_EQ_INT(top.n, n_allowed);
        for (size_t i = 0; i < top.n; i++) {
            size_t row = KEY_BASE - (size_t)top.hits[i].key;
            CHECK(row < n && (allow[row / 64] >> row % 64 & 1));
        }
        topk_clear(&top);
    }
    free_fixture(f);
}

static void survives_no_memory(void)
{
    fixture *f = new_fixture();
    akin_error err;
    flat_rows rows = {.vectors = f->vectors, .n = N, .dim = DIM, .key = key_of};
    flat_query query = {.vectors = f->queries, .n = 1, .dim = DIM};
    for (int64_t n = 1;; n++) {
        topk top;
        CHECK_OK(topk_init(&top, K, false, &err), err);
        mem_fail_at(n);
        akin_status status = flat_scan(&rows, &query, &top, &err);
        bool over = mem_fail_pending();
        mem_fail_at(0);
        CHECK(status == AKIN_OK || status == AKIN_ENOMEM);
        topk_clear(&top);
        if (over) break;
        CHECK(n < 100);
    }
    free_fixture(f);
}

const test_case test_flat_cases[] = {
    {"flat/equals_brute_force", equals_brute_force},
    {"flat/threads_break_no_ties", threads_break_no_ties},
    {"flat/zero_vectors_score_zero", zero_vectors_score_zero},
    {"flat/nan_rows_are_left_out", nan_rows_are_left_out},
    {"flat/sets_add_up", sets_add_up},
    {"flat/bitmaps_of_all_shapes", bitmaps_of_all_shapes},
    {"flat/survives_no_memory", survives_no_memory},
    {0},
};
