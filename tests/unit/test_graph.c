/* SPDX-License-Identifier: MIT
 * The graph: recall against brute force on three kinds of data, reachability,
 * determinism, removal, and every allocation failing. */
#include <stdlib.h>

#include "base/memory.h"
#include "index/graph.h"
#include "test.h"
#include "vectors.h"

enum { N = 2000, N_QUERIES = 50, DIM = 32, K = 10, EF = 64 };

static vectors make(bool normalise, double equal)
{
    return vectors_new(&(vectors_options){
        .n = N + N_QUERIES, .dim = DIM, .clusters = 40, .noise = 0.6,
        .normalise = normalise, .equal = equal, .seed = 7});
}

static graph *build(const vectors *v, size_t n, size_t threads)
{
    graph *g = NULL;
    akin_error err;
    CHECK_OK(graph_new(&(graph_options){.dim = v->dim, .seed = 3}, &g, &err),
             err);
    CHECK_OK(graph_add(g, v->keys, v->half, n, threads, &err), err);
    return g;
}

/* A hit counts if it is no farther than the true k-th. */
static double recall(const graph *g, const vectors *v, size_t n)
{
    size_t good = 0;
    for (size_t i = 0; i < N_QUERIES; i++) {
        const float *q = v->values + (N + i) * v->dim;
        float kth = vectors_kth_dot(v, n, q, K);
        topk top;
        akin_error err;
        CHECK_OK(topk_init(&top, K, false, &err), err);
        CHECK_OK(graph_search(g, q, EF, &top, &err), err);
        for (size_t k = 0; k < top.n; k++)
            good += top.hits[k].score >= kth - 1e-5f * fabsf(kth);
        topk_clear(&top);
    }
    return (double)good / (N_QUERIES * K);
}

/* Counts the slots that base links lead to from the entry, and checks what
 * holds for all links on the way. */
static size_t count_reached(const graph *g)
{
    size_t n = graph_size(g), head = 0, tail = 0;
    bool *seen = mem_array(n, sizeof *seen);
    uint32_t *queue = mem_array(n, sizeof *queue);
    queue[tail++] = graph_entry(g);
    seen[graph_entry(g)] = true;
    for (; head < tail; head++) {
        for (int l = 0; l <= graph_level(g, queue[head]); l++) {
            size_t n_links;
            const uint32_t *links = graph_links(g, queue[head], l, &n_links);
            CHECK(n_links <= (l ? graph_m(g) : graph_m0(g)));
            for (size_t i = 0; i < n_links; i++) {
                CHECK(links[i] < n && links[i] != queue[head]);
                CHECK(graph_level(g, links[i]) >= l);
                if (l || seen[links[i]]) continue;
                seen[links[i]] = true;
                queue[tail++] = links[i];
            }
        }
    }
    mem_free(queue);
    mem_free(seen);
    return tail;
}

static void check_quality(bool normalise, double equal, size_t threads)
{
    vectors v = make(normalise, equal);
    graph *g = build(&v, N, threads);
    double r = recall(g, &v, N);
    if (!(r >= 0.95))
        test_fail(__FILE__, __LINE__, "recall %.3f (normalise %d, equal %.1f)",
                  r, normalise, equal);
    CHECK_EQ_INT(count_reached(g), N);
    graph_free(g);
    vectors_clear(&v);
}

static void finds_normalised(void) { check_quality(true, 0, 1); }
static void finds_all_lengths(void) { check_quality(false, 0, 1); }
static void finds_beside_equals(void) { check_quality(true, 0.5, 1); }

static void threads_lose_nothing(void)
{
    check_quality(true, 0, 4);
    check_quality(false, 0.3, 3);
}

static bool same_graph(const graph *a, const graph *b)
{
    if (graph_size(a) != graph_size(b) || graph_entry(a) != graph_entry(b))
        return false;
    for (uint32_t s = 0; s < graph_size(a); s++) {
        if (graph_level(a, s) != graph_level(b, s)) return false;
        for (int l = 0; l <= graph_level(a, s); l++) {
            size_t n, m;
            const uint32_t *x = graph_links(a, s, l, &n);
            const uint32_t *y = graph_links(b, s, l, &m);
            if (n != m || memcmp(x, y, n * sizeof *x) != 0) return false;
        }
    }
    return true;
}

static void one_thread_is_deterministic(void)
{
    vectors v = make(false, 0);
    graph *a = build(&v, 900, 1), *b = build(&v, 900, 1);
    CHECK(same_graph(a, b));
    graph_free(a);
    graph_free(b);
    vectors_clear(&v);
}

/* A large load, then small batches as a running extraction brings them. */
static void batches_add_up(void)
{
    vectors v = make(true, 0);
    graph *g = build(&v, 1400, 2);
    akin_error err;
    for (size_t at = 1400, n = 1; at < N; at += n, n = n * 3 / 2 + 1) {
        if (n > N - at) n = N - at;
        CHECK_OK(graph_add(g, v.keys + at, v.half + at * DIM * 2, n, 2, &err),
                 err);
    }
    CHECK_OK(graph_add(g, NULL, NULL, 0, 2, &err), err);
    CHECK_EQ_INT(graph_size(g), N);
    CHECK(recall(g, &v, N) >= 0.95);
    CHECK(count_reached(g) >= N - 1);
    graph_free(g);
    vectors_clear(&v);
}

static void removed_are_walked_through(void)
{
    vectors v = make(true, 0);
    graph *g = build(&v, N, 2);
    for (uint32_t s = 200; s < N; s++) graph_remove(g, s);
    graph_remove(g, N - 1);
    CHECK_EQ_INT(graph_n_removed(g), N - 200);
    CHECK_EQ_INT(graph_key(g, N - 1), GRAPH_FREE_KEY);
    CHECK(recall(g, &v, 200) >= 0.95);
    for (uint32_t s = 0; s < 200; s++) graph_remove(g, s);
    topk top;
    akin_error err;
    CHECK_OK(topk_init(&top, K, false, &err), err);
    CHECK_OK(graph_search(g, v.values, EF, &top, &err), err);
    CHECK_EQ_INT(top.n, 0);
    topk_clear(&top);
    graph_free(g);
    vectors_clear(&v);
}

static void small_graphs(void)
{
    vectors v = make(true, 0);
    akin_error err;
    for (size_t n = 0; n <= 5; n++) {
        graph *g = build(&v, n, 3);
        topk top;
        CHECK_EQ_INT(graph_max_level(g) < 0, n == 0);
        CHECK_OK(topk_init(&top, K, false, &err), err);
        CHECK_OK(graph_search(g, v.values, 1, &top, &err), err);
        CHECK_EQ_INT(top.n, n);
        topk_clear(&top);
        graph_free(g);
    }
    vectors_clear(&v);
}

static void restores_what_it_gave(void)
{
    vectors v = make(false, 0);
    graph *g = build(&v, 900, 1), *copy = NULL;
    akin_error err;
    int16_t *levels = mem_array(900, sizeof *levels);
    for (uint32_t s = 0; s < 900; s++) levels[s] = (int16_t)graph_level(g, s);
    CHECK_OK(graph_new(&(graph_options){.dim = DIM, .seed = 3}, &copy, &err),
             err);
    CHECK_OK(graph_restore(copy, v.keys, levels, v.half, 900, graph_entry(g),
                           &err), err);
    for (uint32_t s = 0; s < 900; s++) {
        for (int l = 0; l <= levels[s]; l++) {
            size_t n;
            const uint32_t *links = graph_links(g, s, l, &n);
            graph_set_links(copy, s, l, links, n);
        }
    }
    CHECK(same_graph(g, copy));
    CHECK_EQ_INT(graph_max_level(copy), graph_max_level(g));
    CHECK_OK(graph_add(copy, v.keys + 900, v.half + 900 * DIM * 2, 500, 1,
                       &err), err);
    CHECK_EQ_INT(count_reached(copy), 1400);
    graph_free(copy);
    graph_free(g);
    mem_free(levels);
    vectors_clear(&v);
}

/* NaN and infinity have no place in an index, but must do no harm. */
static void nan_does_no_harm(void)
{
    vectors v = make(false, 0);
    for (size_t i = 0; i < 280; i++)
        v.half[i * 7 * DIM * 2 + 1] = i % 2 ? 0x7e : 0x7c;
    graph *g = build(&v, N, 2);
    CHECK_EQ_INT(count_reached(g), N);
    topk top;
    akin_error err;
    CHECK_OK(topk_init(&top, K, false, &err), err);
    CHECK_OK(graph_search(g, v.values + 5 * DIM, EF, &top, &err), err);
    topk_clear(&top);
    graph_free(g);
    vectors_clear(&v);
}

static akin_status build_and_search(const vectors *v, akin_error *err)
{
    graph *g = NULL;
    topk top = {0};
    akin_status status = graph_new(&(graph_options){.dim = DIM}, &g, err);
    if (status == AKIN_OK) status = graph_add(g, v->keys, v->half, 60, 2, err);
    if (status == AKIN_OK) {
        status = graph_add(g, v->keys + 60, v->half + 60 * DIM * 2, 60, 1, err);
        CHECK_EQ_INT(graph_size(g), status == AKIN_OK ? 120 : 60);
        if (!mem_fail_pending()) /* it would hit this walk's own memory */
            CHECK_EQ_INT(count_reached(g), graph_size(g));
    }
    if (status == AKIN_OK) status = topk_init(&top, K, false, err);
    if (status == AKIN_OK) status = graph_search(g, v->values, EF, &top, err);
    topk_clear(&top);
    graph_free(g);
    return status;
}

static void survives_no_memory(void)
{
    vectors v = make(true, 0);
    for (int64_t n = 1;; n++) {
        akin_error err;
        mem_fail_at(n);
        akin_status status = build_and_search(&v, &err);
        bool over = mem_fail_pending();
        mem_fail_at(0);
        CHECK(status == AKIN_OK || status == AKIN_ENOMEM);
        if (over) break;
        CHECK(n < 1000);
    }
    vectors_clear(&v);
}

const test_case test_graph_cases[] = {
    {"graph/finds_normalised", finds_normalised},
    {"graph/finds_all_lengths", finds_all_lengths},
    {"graph/finds_beside_equals", finds_beside_equals},
    {"graph/threads_lose_nothing", threads_lose_nothing},
    {"graph/one_thread_is_deterministic", one_thread_is_deterministic},
    {"graph/batches_add_up", batches_add_up},
    {"graph/removed_are_walked_through", removed_are_walked_through},
    {"graph/small_graphs", small_graphs},
    {"graph/restores_what_it_gave", restores_what_it_gave},
    {"graph/nan_does_no_harm", nan_does_no_harm},
    {"graph/survives_no_memory", survives_no_memory},
    {0},
};
