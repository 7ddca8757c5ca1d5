/* SPDX-License-Identifier: MIT
 * The best k against a full sort, with many equal scores. */
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "index/topk.h"
#include "test.h"

enum { N = 500 };

static int compare_higher(const void *a, const void *b)
{
    const topk_hit *x = a, *y = b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return (x->key > y->key) - (x->key < y->key);
}

static int compare_lower(const void *a, const void *b)
{
    const topk_hit *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return (x->key > y->key) - (x->key < y->key);
}

static void check_k(size_t k, bool smaller)
{
    topk_hit hits[N];
    topk top;
    akin_error err;
    random_state r = {k + 1};
    CHECK_OK(topk_init(&top, k, smaller, &err), err);
    for (size_t i = 0; i < N; i++) {
        hits[i].key = (i * 7919) % N;
        hits[i].score = (float)random_below(&r, 40) - 20;
        if (!topk_admits(&top, hits[i].score)) {
            size_t before = top.n;
            topk_hit worst = top.hits[0];
            topk_push(&top, hits[i].key, hits[i].score);
            CHECK(top.n == before && top.hits[0].key == worst.key);
            continue;
        }
        topk_push(&top, hits[i].key, hits[i].score);
    }
    qsort(hits, N, sizeof *hits, smaller ? compare_lower : compare_higher);
    topk_sort(&top);
    CHECK_EQ_INT(top.n, k < N ? k : N);
    for (size_t i = 0; i < top.n; i++) {
        CHECK_EQ_INT(top.hits[i].key, hits[i].key);
        CHECK(top.hits[i].score == hits[i].score);
    }
    topk_clear(&top);
}

static void equals_a_sort(void)
{
    static const size_t ks[] = {1, 2, 3, 10, 63, N - 1, N, 2 * N};
    for (size_t i = 0; i < sizeof ks / sizeof *ks; i++) {
        check_k(ks[i], false);
        check_k(ks[i], true);
    }
}

static void nan_never_enters(void)
{
    topk top;
    akin_error err;
    CHECK_OK(topk_init(&top, 2, false, &err), err);
    CHECK(!topk_admits(&top, NAN));
    topk_push(&top, 1, NAN);
    CHECK_EQ_INT(top.n, 0);
    topk_push(&top, 2, -INFINITY);
    topk_push(&top, 3, 1);
    topk_push(&top, 4, NAN);
    topk_sort(&top);
    CHECK_EQ_INT(top.n, 2);
    CHECK_EQ_INT(top.hits[0].key, 3);
    topk_clear(&top);
}

static void reports_no_memory(void)
{
    topk top;
    akin_error err;
    mem_fail_at(1);
    CHECK_STATUS(topk_init(&top, 2, false, &err), AKIN_ENOMEM);
    topk_clear(&top);
}

const test_case test_topk_cases[] = {
    {"topk/equals_a_sort", equals_a_sort},
    {"topk/nan_never_enters", nan_never_enters},
    {"topk/reports_no_memory", reports_no_memory},
    {0},
};
