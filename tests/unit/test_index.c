/* SPDX-License-Identifier: MIT
 * The index of akin/index.h against brute force: every metric, type and route
 * over hard data; what is added, changed and removed; filters; files, broken
 * ones too; the recall that is promised; memory and disks that run out; and
 * searches beside a thread that changes it. */
#define _GNU_SOURCE
#include <float.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "akin/index.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "test.h"

/* ---- data ---- */

static float normal(random_state *r)
{
    double sum = 0;
    for (int i = 0; i < 6; i++) sum += random_unit(r);
    return (float)((sum - 3) * 1.4142);
}

static float *new_floats(size_t n)
{
    float *x = mem_array(n ? n : 1, sizeof *x);
    if (!x) exit(3);
    return x;
}

static float *new_normal(size_t n, size_t dim, uint64_t seed)
{
    random_state r = {seed};
    float *x = new_floats(n * dim);
    for (size_t i = 0; i < n * dim; i++) x[i] = normal(&r);
    return x;
}

/* Near n_centres points that are `spread` times as far from each other. */
static float *new_clustered(size_t n, size_t dim, size_t n_centres,
                            float spread, uint64_t seed)
{
    random_state r = {seed};
    float *x = new_normal(n, dim, seed + 1);
    float *centres = new_normal(n_centres, dim, 77);
    for (size_t i = 0; i < n; i++) {
        size_t c = random_below(&r, (uint32_t)n_centres);
        for (size_t d = 0; d < dim; d++)
            x[i * dim + d] += spread * centres[c * dim + d];
    }
    mem_free(centres);
    return x;
}

/* ---- an index and its vectors ---- */

static akin_error err;

static akin_index *new_index(const akin_index_options *opt)
{
    akin_index *index = NULL;
    CHECK_OK(akin_index_new(opt, &index, &err), err);
    if (!index) exit(3);
    return index;
}

static void add(akin_index *index, const uint64_t *ids, const float *x,
                size_t n, size_t threads)
{
    akin_index_work work = {.threads = threads};
    CHECK_OK(akin_index_add(index, ids, x, n, &work, &err), err);
}

static akin_index *new_filled(const akin_index_options *opt, const float *x,
                              size_t n, size_t threads)
{
    akin_index *index = new_index(opt);
    add(index, NULL, x, n, threads);
    return index;
}

static akin_index_stats stats_of(akin_index *index)
{
    akin_index_stats s;
    akin_index_get_stats(index, &s);
    return s;
}

static void print_problem(void *user, const char *text)
{
    (void)user;
    printf("    %s\n", text);
}

static double check_sound(akin_index *index, const char *what)
{
    double recall = 0;
    akin_status status =
        akin_index_check(index, print_problem, NULL, &recall, &err);
    if (status != AKIN_OK)
        test_fail(__FILE__, __LINE__, "%s: %s", what, err.text);
    return recall;
}

static size_t ask(akin_index *index, const akin_index_query *q,
                  akin_index_hit *hits)
{
    size_t n = 0;
    CHECK_OK(akin_index_search(index, q, hits, &n, &err), err);
    return n;
}

/* ---- truth ---- */

static bool is_allowed(const akin_index_query *q, uint64_t id)
{
    if (!q->allow) return true;
    return id < q->n_allow && q->allow[id / 64] >> (id % 64) & 1;
}

static double true_distance(akin_metric metric, const float *a, const float *b,
                            size_t dim)
{
    double l2sq = 0, dot = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < dim; i++) {
        double d = (double)a[i] - b[i];
        l2sq += d * d;
        dot += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    if (metric == AKIN_METRIC_L2SQ) return l2sq;
    if (metric == AKIN_METRIC_DOT) return dot;
    return aa > 0 && bb > 0 ? 1 - dot / sqrt(aa) / sqrt(bb) : 1;
}

/* How far float32 may be from it. */
static double room_for(akin_metric metric, const float *a, const float *b,
                       size_t dim, double distance)
{
    double aa = 0, bb = 0;
    if (metric == AKIN_METRIC_L2SQ) return 1e-5 * distance + 1e-37;
    if (metric == AKIN_METRIC_COSINE) return 2e-6;
    for (size_t i = 0; i < dim; i++) {
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return 2e-6 * sqrt(aa) * sqrt(bb) + 1e-37;
}

/* The vectors that are in an index, by id: NULL where there is none. */
typedef struct kept {
    const float *const *x;
    size_t n, dim;
    akin_metric metric;
} kept;

/* The k best distances, best first, by a sign that makes lower better. */
static size_t best_of(const kept *v, const akin_index_query *q, double *best)
{
    double sign = v->metric == AKIN_METRIC_DOT ? -1 : 1;
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++) {
        if (!v->x[i] || !is_allowed(q, i)) continue;
        double d = sign * true_distance(v->metric, q->vector, v->x[i], v->dim);
        if (n == q->k && d >= best[n - 1]) continue;
        size_t at = n < q->k ? n++ : n - 1;
        for (; at > 0 && best[at - 1] > d; at--) best[at] = best[at - 1];
        best[at] = d;
    }
    return n;
}

/* Hits are in order, are there, are allowed, and say the truth; returns how
 * many of them are among the best. */
static size_t check_hits(const kept *v, const akin_index_query *q,
                         const akin_index_hit *hits, size_t n,
                         const char *what)
{
    double sign = v->metric == AKIN_METRIC_DOT ? -1 : 1;
    double *best = mem_array(q->k, sizeof *best);
    size_t n_best = best_of(v, q, best), n_found = 0, n_bad = 0;
    if (n != n_best)
        test_fail(__FILE__, __LINE__, "%s: %zu hits, not %zu", what, n, n_best);
    for (size_t i = 0; i < n && n_best > 0; i++) {
        bool there = hits[i].id < v->n && v->x[hits[i].id];
        if (!there || !is_allowed(q, hits[i].id)) {
            n_bad++;
            continue;
        }
        const float *x = v->x[hits[i].id];
        double d = true_distance(v->metric, q->vector, x, v->dim);
        double room = room_for(v->metric, q->vector, x, v->dim, fabs(d));
        n_found += sign * d <= best[n_best - 1] + 2 * room;
        if (d > FLT_MAX ? !isinf(hits[i].distance)
                        : !(fabs(hits[i].distance - d) <= room))
            n_bad++;
        if (i == 0) continue;
        double step = sign * ((double)hits[i].distance - hits[i - 1].distance);
        if (step < 0 ||
            (hits[i].distance == hits[i - 1].distance &&
             hits[i].id <= hits[i - 1].id))
            n_bad++;
    }
    if (n_bad) test_fail(__FILE__, __LINE__, "%s: %zu wrong hits", what, n_bad);
    mem_free(best);
    return n_found;
}

/* ---- every kind ---- */

typedef struct shape {
    size_t n, dim;
} shape;

static const float **rows_of(const float *x, size_t n, size_t dim)
{
    const float **rows = mem_array(n ? n : 1, sizeof *rows);
    if (!rows) exit(3);
    for (size_t i = 0; i < n; i++) rows[i] = x + i * dim;
    return rows;
}

/* What the index keeps of x: float16 rounds. */
static float *as_kept(akin_index *index, const float *x, size_t n, size_t dim)
{
    float *out = new_floats(n * dim);
    (void)x;
    for (size_t i = 0; i < n; i++)
        CHECK_OK(akin_index_get(index, i, out + i * dim, &err), err);
    return out;
}

typedef struct asked {
    const float *queries;
    size_t n, k;
    double recall, floor;
} asked;

static void check_index(akin_index *index, const kept *v, const asked *a,
                        const char *what)
{
    akin_index_hit *hits = mem_array(a->n * a->k, sizeof *hits);
    akin_index_hit *exact = mem_array(a->k, sizeof *exact);
    size_t *counts = mem_array(a->n, sizeof *counts);
    size_t n = 0, n_found = 0, n_true = 0;
    akin_index_query q = {.k = a->k, .recall = a->recall};
    CHECK_OK(akin_index_search_batch(index, &q, a->queries, a->n, 2, hits,
                                     counts, &err), err);
    for (size_t i = 0; i < a->n; i++) {
        q.vector = a->queries + i * v->dim;
        CHECK_OK(akin_index_search_exact(index, &q, exact, &n, &err), err);
        size_t found = check_hits(v, &q, exact, n, what);
        if (found != n)
            test_fail(__FILE__, __LINE__, "%s: exact found %zu of %zu", what,
                      found, n);
        bool same = counts[i] == n &&
                    (n == 0 || memcmp(hits + i * a->k, exact,
                                      n * sizeof *hits) == 0);
        for (size_t k = 0; k < n && counts[i] == n && !same; k++)
            same = hits[i * a->k + k].id == exact[k].id &&
                   hits[i * a->k + k].distance == exact[k].distance;
        if (!same)
            test_fail(__FILE__, __LINE__, "%s: the batch differs at %zu", what,
                      i);
        n = ask(index, &q, exact);
        n_found += check_hits(v, &q, exact, n, what);
        n_true += n;
    }
    double recall = n_true ? (double)n_found / (double)n_true : 1;
    if (recall < a->floor)
        test_fail(__FILE__, __LINE__, "%s: recall %.4f", what, recall);
    mem_free(hits);
    mem_free(exact);
    mem_free(counts);
}

static const char *describe(const akin_index_options *o, size_t n,
                            const char *kind)
{
    static char text[128];
    snprintf(text, sizeof text, "%s n %zu dim %zu metric %d type %d route %d",
             kind, n, o->dim, (int)o->metric, (int)o->type, (int)o->route);
    return text;
}

static void check_data(const akin_index_options *o, const float *x, size_t n,
                       const asked *a, const char *kind)
{
    const char *what = describe(o, n, kind);
    akin_index *index = new_filled(o, x, n, 2);
    float *had = as_kept(index, x, n, o->dim);
    const float **rows = rows_of(had, n, o->dim);
    kept v = {.x = rows, .n = n, .dim = o->dim, .metric = o->metric};
    check_index(index, &v, a, what);
    check_sound(index, what);
    akin_index_stats s = stats_of(index);
    CHECK_EQ_INT(s.n, n);
    CHECK_EQ_INT(s.n_removed, 0);
    akin_index_close(index);
    mem_free(rows);
    mem_free(had);
}

static const shape shapes[] = {
    {0, 3},    {1, 1},    {2, 2},     {17, 3},    {17, 2048}, {1000, 1},
    {1000, 2}, {1000, 63}, {1000, 100}, {1000, 384}, {300, 2048},
    {5000, 2}, {4500, 3}, {4200, 64}, {4200, 65}, {4100, 128}, {4100, 255},
    {4100, 256},
};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

/* All kinds of small shapes; of the others one or two. */
static void every_shape(void)
{
    for (size_t i = 0; i < N_SHAPES; i++) {
        size_t n = shapes[i].n, dim = shapes[i].dim;
        float *x = new_normal(n, dim, i), *queries = new_normal(8, dim, 99);
        for (size_t kind = 0; kind < 12; kind++) {
            if (n * dim > 4000 && (kind * 5 + i) % (n > 2000 ? 12 : 6)) continue;
            akin_index_options o = {
                .dim = dim,
                .metric = (akin_metric)(kind % 3),
                .type = kind / 3 % 2 ? AKIN_F16 : AKIN_F32,
                .route = kind / 6 ? AKIN_ROUTE_VECTORS : AKIN_ROUTE_CODES,
                .links = n > 2000 ? 16 : 0,
                .effort = n > 2000 ? 24 : 0,
            };
            asked a = {.queries = queries, .n = 8, .k = 10, .recall = 0.95,
                       .floor = 0.8};
            check_data(&o, x, n, &a, "normal");
        }
        mem_free(x);
        mem_free(queries);
    }
}

/* ---- hard data ---- */

enum { HARD = 4440, HARD_DIM = 20, N_QUERIES = 30, N_HELD = 20 };

static void make_equal(float *x, random_state *r)
{
    (void)r;
    for (size_t i = 1; i < HARD; i++)
        memcpy(x + i * HARD_DIM, x, HARD_DIM * sizeof *x);
}

static void make_each_50_times(float *x, random_state *r)
{
    (void)r;
    for (size_t i = 0; i < HARD; i++)
        memmove(x + i * HARD_DIM, x + i % (HARD / 50) * HARD_DIM,
                HARD_DIM * sizeof *x);
}

static void make_half_one(float *x, random_state *r)
{
    for (size_t i = 1; i < HARD; i++)
        if (random_below(r, 2))
            memcpy(x + i * HARD_DIM, x, HARD_DIM * sizeof *x);
}

static void make_third_zeros(float *x, random_state *r)
{
    for (size_t i = 0; i < HARD; i++)
        if (random_below(r, 3) == 0)
            memset(x + i * HARD_DIM, 0, HARD_DIM * sizeof *x);
}

static void make_zeros(float *x, random_state *r)
{
    (void)r;
    memset(x, 0, HARD * HARD_DIM * sizeof *x);
}

static void scale_all(float *x, float by)
{
    for (size_t i = 0; i < HARD * HARD_DIM; i++) x[i] *= by;
}

static void make_huge(float *x, random_state *r)
{
    (void)r;
    scale_all(x, 1e18f);
}

static void make_tiny(float *x, random_state *r)
{
    (void)r;
    scale_all(x, 1e-20f);
}

static void make_near_twins(float *x, random_state *r)
{
    for (size_t i = 0; i < HARD * HARD_DIM; i++)
        x[i] = x[i % HARD_DIM] + 1e-3f * normal(r);
}

static void make_sorted(float *x, random_state *r)
{
    (void)r;
    for (size_t i = 0; i < HARD; i++)
        for (size_t d = 0; d < HARD_DIM; d++)
            x[i * HARD_DIM + d] = (float)i * 0.01f + (float)(d == i % HARD_DIM);
}

static void make_lengths(float *x, random_state *r)
{
    for (size_t i = 0; i < HARD; i++) {
        float by = powf(10, (float)(random_unit(r) * 6 - 3));
        for (size_t d = 0; d < HARD_DIM; d++) x[i * HARD_DIM + d] *= by;
    }
}

static void make_grid(float *x, random_state *r)
{
    for (size_t i = 0; i < HARD * HARD_DIM; i++)
        x[i] = (float)random_below(r, 3) - 1;
}

static void make_clusters(float *x, random_state *r)
{
    for (size_t i = HARD; i-- > 200;) {
        const float *centre = x + random_below(r, 200) * HARD_DIM;
        for (size_t d = 0; d < HARD_DIM; d++)
            x[i * HARD_DIM + d] = 1000 * centre[d] + 1e-2f * x[i * HARD_DIM + d];
    }
    for (size_t i = 0; i < 200 * HARD_DIM; i++) x[i] *= 1000;
}

static const struct {
    const char *name;
    void (*make)(float *x, random_state *r);
    double floor; /* of recall */
    bool wide;    /* too long or short for float16 */
} hard[] = {
    {"equal", make_equal, 1, false},
    {"each 50 times", make_each_50_times, 0.9, false},
    {"half one", make_half_one, 0.9, false},
    {"a third zeros", make_third_zeros, 0.9, false},
    {"zeros", make_zeros, 1, false},
    {"huge", make_huge, 0.8, true},
    {"tiny", make_tiny, 0.8, true},
    {"near twins", make_near_twins, 0.8, false},
    {"sorted", make_sorted, 0.8, false},
    {"lengths", make_lengths, 0.8, false},
    {"grid", make_grid, 0.9, false},
    {"clusters", make_clusters, 0.8, false},
};
enum { N_HARD = sizeof hard / sizeof *hard };

static float *new_hard(size_t which)
{
    random_state r = {which + 1};
    float *x = new_normal(HARD, HARD_DIM, 5);
    hard[which].make(x, &r);
    return x;
}

/* Queries: vectors that are there, and others of the same kind. */
static void hard_data(void)
{
    for (size_t which = 0; which < N_HARD; which++) {
        float *x = new_hard(which);
        const float *queries = x + (HARD - N_QUERIES) * HARD_DIM;
        for (size_t metric = 0; metric < 3; metric++) {
            size_t turn = hard[which].wide ? which % 2 : (which + metric) % 3;
            akin_index_options o = {
                .dim = HARD_DIM,
                .metric = (akin_metric)metric,
                .type = turn == 2 ? AKIN_F16 : AKIN_F32,
                .route = turn == 1 ? AKIN_ROUTE_VECTORS : AKIN_ROUTE_CODES,
                .links = 16,
                .effort = 24,
            };
            asked a = {.queries = queries, .n = N_QUERIES, .k = 10,
                       .recall = 0.95, .floor = hard[which].floor};
            check_data(&o, x, HARD - N_HELD, &a, hard[which].name);
        }
        mem_free(x);
    }
}

/* Sums of small whole numbers are exact, so that ids must be, too. */
static void ties_by_id(void)
{
    enum { N = 4200, DIM = 8, K = 40 };
    random_state r = {3};
    float *x = new_floats(N * DIM), query[DIM];
    for (size_t i = 0; i < N * DIM; i++) x[i] = (float)random_below(&r, 3);
    for (size_t d = 0; d < DIM; d++) query[d] = (float)(d % 2);
    for (int metric = 0; metric < 3; metric += 2) {
        akin_index_options o = {.dim = DIM, .metric = (akin_metric)metric,
                                .route = AKIN_ROUTE_CODES};
        akin_index *index = new_filled(&o, x, N, 2);
        akin_index_hit hits[K], batch[K], last = {0};
        akin_index_query q = {.vector = query, .k = K};
        size_t n = 0, n_batch = 0, n_better = 0;
        CHECK_OK(akin_index_search_exact(index, &q, hits, &n, &err), err);
        CHECK_EQ_INT(n, K);
        last = hits[K - 1];
        for (size_t i = 0; i < N; i++) {
            float d = (float)true_distance(o.metric, query, x + i * DIM, DIM);
            bool better = metric == 2 ? d > last.distance : d < last.distance;
            n_better += better || (d == last.distance && i <= last.id);
        }
        CHECK_EQ_INT(n_better, K);
        CHECK_OK(akin_index_search_batch(index, &q, query, 1, 1, batch,
                                         &n_batch, &err), err);
        CHECK_EQ_INT(n_batch, K);
        for (size_t i = 0; i < K; i++) CHECK(batch[i].id == hits[i].id);
        akin_index_close(index);
    }
    mem_free(x);
}

/* N vectors around 20 points, that are nearly as far from these: on shells that
 * are thin beside the error of a code, and far out. */
static float *new_shells(size_t n, size_t dim, float radius)
{
    random_state r = {9};
    float *x = new_normal(n, dim, 8), *centres = new_normal(20, dim, 7);
    for (size_t i = 0; i < n; i++) {
        float *v = x + i * dim, normsq = 0;
        for (size_t d = 0; d < dim; d++) normsq += v[d] * v[d];
        float scale = radius * (1 + 0.01f * (float)random_unit(&r));
        for (size_t d = 0; d < dim; d++)
            v[d] = v[d] * scale / sqrtf(normsq) + 3 * centres[i % 20 * dim + d];
    }
    mem_free(centres);
    return x;
}

/* Exact search of so many that a walk goes first and there are two chunks; for
 * few and for many; of all, of half, and when a tenth is gone. */
static void exact_among_near(void)
{
    enum { N = 20000, DIM = 20, N_ASKED = 40, MOST = 700 };
    static uint64_t allow[N / 64 + 1];
    static akin_index_hit hits[MOST];
    uint64_t gone[N / 10];
    float radii[] = {0.02f, 0.5f, 5};
    memset(allow, 0x55, sizeof allow);
    for (size_t kind = 0; kind < 9; kind++) {
        float *x = new_shells(N, DIM, radii[kind / 3]);
        const float **rows = rows_of(x, N, DIM);
        akin_index_options o = {.dim = DIM, .metric = (akin_metric)(kind % 3),
                                .links = 8, .effort = 24};
        akin_index *index = new_filled(&o, x, N, 2);
        kept v = {.x = rows, .n = N, .dim = DIM, .metric = o.metric};
        for (size_t i = 0; i < N_ASKED; i++) {
            akin_index_query q = {.vector = x + i * 97 * DIM, .ef = 16};
            size_t n = 0;
            q.k = i % 4 ? 10 : MOST;
            if (i % 3 == 0) q.allow = allow, q.n_allow = N;
            CHECK_OK(akin_index_search_exact(index, &q, hits, &n, &err), err);
            size_t found = check_hits(&v, &q, hits, n, "exact");
            CHECK_EQ_INT(found, n);
            CHECK_EQ_INT(n, q.k);
            if (i != N_ASKED / 2) continue;
            for (size_t j = 0; j < N / 10; j++) rows[gone[j] = j * 10] = NULL;
            CHECK_OK(akin_index_remove(index, gone, N / 10, NULL, &err), err);
        }
        akin_index_close(index);
        mem_free(rows);
        mem_free(x);
    }
}

/* ---- arguments ---- */

static void refuses_options(void)
{
    static const akin_index_options bad[] = {
        {.dim = 0},
        {.dim = 65536},
        {.dim = 4, .metric = (akin_metric)3},
        {.dim = 4, .type = AKIN_I8},
        {.dim = 4, .links = 7},
        {.dim = 4, .links = 129},
        {.dim = 4, .effort = 7},
        {.dim = 4, .effort = 4097},
        {.dim = 4, .route = (akin_index_route)3},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        akin_index *index = NULL;
        CHECK_STATUS(akin_index_new(&bad[i], &index, &err), AKIN_EUSAGE);
        CHECK(!index);
    }
}

static void refuses_vectors(void)
{
    akin_index_options o = {.dim = 3, .type = AKIN_F16};
    akin_index *index = new_index(&o);
    float x[15] = {0}, out[3];
    static const float bad[] = {NAN, INFINITY, -INFINITY, 65520, -1e30f};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        x[10] = bad[i];
        err.text[0] = 0;
        CHECK_STATUS(akin_index_add(index, NULL, x, 5, NULL, &err),
                     AKIN_EUSAGE);
        CHECK(strstr(err.text, "vector 3 ") != NULL);
    }
    x[10] = 65519;
    static const uint64_t twice[] = {4, 9, 1, 9, 2};
    CHECK_STATUS(akin_index_add(index, twice, x, 5, NULL, &err), AKIN_EUSAGE);
    CHECK_EQ_INT(stats_of(index).n, 0);
    CHECK_OK(akin_index_add(index, NULL, x, 0, NULL, &err), err);
    CHECK_OK(akin_index_add(index, NULL, x, 5, NULL, &err), err);
    CHECK_EQ_INT(stats_of(index).n, 5);
    CHECK_STATUS(akin_index_get(index, 5, out, &err), AKIN_ENOTFOUND);
    akin_index_close(index);
    akin_index_close(NULL);
}

static void refuses_queries(void)
{
    akin_index_options o = {.dim = 2};
    float x[] = {0, 0, 1, 1}, bad[] = {0, NAN};
    akin_index *index = new_filled(&o, x, 2, 1);
    akin_index_hit hits[8];
    size_t n = 9, counts[2];
    const akin_index_query wrong[] = {
        {.vector = x, .k = 0},
        {.vector = x, .k = (1 << 20) + 1},
        {.vector = x, .k = 1, .recall = -0.1},
        {.vector = x, .k = 1, .recall = 1},
        {.vector = x, .k = 1, .recall = NAN},
        {.vector = bad, .k = 1},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const akin_index_query *q = &wrong[i];
        CHECK_STATUS(akin_index_search(index, q, hits, &n, &err), AKIN_EUSAGE);
        CHECK_STATUS(akin_index_search_exact(index, q, hits, &n, &err),
                     AKIN_EUSAGE);
        CHECK_STATUS(akin_index_search_batch(index, q, q->vector, 1, 1, hits,
                                             counts, &err), AKIN_EUSAGE);
    }
    akin_index_query q = {.vector = x, .k = 8};
    CHECK_EQ_INT(ask(index, &q, hits), 2);
    CHECK_OK(akin_index_search_exact(index, &q, hits, &n, &err), err);
    CHECK_EQ_INT(n, 2);
    q.k = 4;
    CHECK_OK(akin_index_search_batch(index, &q, x, 2, 0, hits, counts, &err),
             err);
    CHECK(counts[0] == 2 && counts[1] == 2 && hits[0].id == 0 &&
          hits[4].id == 1);
    q.k = 1 << 20;
    akin_index_hit *many = mem_array(2u << 20, sizeof *many);
    CHECK_OK(akin_index_search_batch(index, &q, x, 2, 2, many, counts, &err),
             err);
    CHECK(counts[1] == 2 && many[q.k].id == 1);
    mem_free(many);
    akin_index_close(index);
}

static void ids(void)
{
    akin_index_options o = {.dim = 2};
    akin_index *index = new_index(&o);
    const float x[] = {1, 0, 2, 0, 3, 0};
    const uint64_t some[] = {700, 3, UINT64_MAX - 1};
    float out[2];
    add(index, NULL, x, 2, 1); /* 0, 1 */
    add(index, some, x, 2, 1); /* 700, 3 */
    add(index, NULL, x + 4, 1, 1);
    CHECK_OK(akin_index_get(index, 701, out, &err), err);
    CHECK(out[0] == 3);
    add(index, some, x + 2, 2, 1); /* instead */
    CHECK_OK(akin_index_get(index, 700, out, &err), err);
    CHECK(out[0] == 2);
    CHECK_EQ_INT(stats_of(index).n, 5);
    add(index, some + 2, x, 1, 1);
    CHECK_STATUS(akin_index_add(index, NULL, x, 1, NULL, &err), AKIN_ELIMIT);
    CHECK_OK(akin_index_get(index, 0, out, &err), err);
    CHECK(out[0] == 1);
    const uint64_t last = UINT64_MAX;
    add(index, &last, x + 2, 1, 1);
    CHECK_STATUS(akin_index_add(index, NULL, x, 1, NULL, &err), AKIN_ELIMIT);
    akin_index_hit hits[16];
    akin_index_query q = {.vector = x + 2, .k = 16};
    CHECK_EQ_INT(ask(index, &q, hits), 7);
    CHECK(hits[0].id == 1 && hits[1].id == 700 && hits[2].id == last);
    check_sound(index, "ids");
    akin_index_close(index);
}

/* ---- changes ---- */

enum { N_CHURN = 5000, CHURN_DIM = 16 };

typedef struct churn {
    akin_index *index;
    float *x;          /* [2 * N_CHURN, dim] */
    const float **now; /* [N_CHURN] by id, NULL: not there */
    kept v;
} churn;

static void churn_init(churn *c, akin_metric metric, akin_index_route route)
{
    akin_index_options o = {.dim = CHURN_DIM, .metric = metric, .route = route,
                            .effort = 64};
    c->x = new_clustered(2 * N_CHURN, CHURN_DIM, 40, 3, 9);
    c->now = rows_of(c->x, N_CHURN, CHURN_DIM);
    c->index = new_filled(&o, c->x, N_CHURN, 2);
    c->v = (kept){.x = c->now, .n = N_CHURN, .dim = CHURN_DIM,
                  .metric = metric};
}

static void churn_clear(churn *c)
{
    akin_index_close(c->index);
    mem_free(c->x);
    mem_free(c->now);
}

static double recall_of(akin_index *index, const kept *v, size_t n_queries,
                        double asked_for)
{
    float *queries = new_clustered(n_queries, v->dim, 40, 3, 1234);
    size_t n_found = 0, n_true = 0;
    for (size_t i = 0; i < n_queries; i++) {
        akin_index_hit hits[10];
        akin_index_query q = {.vector = queries + i * v->dim, .k = 10,
                              .recall = asked_for};
        size_t n = ask(index, &q, hits);
        n_found += check_hits(v, &q, hits, n, "recall");
        n_true += n;
    }
    mem_free(queries);
    return n_true ? (double)n_found / (double)n_true : 1;
}

static void remove_and_add(churn *c, random_state *r)
{
    uint64_t *list = mem_array(N_CHURN, sizeof *list);
    float *x = new_floats(N_CHURN * CHURN_DIM);
    size_t n = 0, n_removed = 0;
    for (size_t i = 0; i < N_CHURN; i++)
        if (c->now[i] && random_below(r, 2)) list[n++] = i;
    CHECK_OK(akin_index_remove(c->index, list, n, &n_removed, &err), err);
    CHECK_EQ_INT(n_removed, n);
    for (size_t i = 0; i < n; i++) c->now[list[i]] = NULL;
    CHECK_EQ_INT(stats_of(c->index).n, N_CHURN - n);
    recall_of(c->index, &c->v, 5, 0.95);
    for (size_t i = 0; i < n; i++) {
        c->now[list[i]] = c->x + random_below(r, 2 * N_CHURN) * CHURN_DIM;
        memcpy(x + i * CHURN_DIM, c->now[list[i]], CHURN_DIM * sizeof *x);
    }
    add(c->index, list, x, n, 1 + random_below(r, 2));
    CHECK_EQ_INT(stats_of(c->index).n, N_CHURN);
    mem_free(list);
    mem_free(x);
}

static void churns(void)
{
    for (int route = AKIN_ROUTE_CODES; route <= AKIN_ROUTE_VECTORS; route++) {
        churn c;
        random_state r = {17};
        churn_init(&c, AKIN_METRIC_L2SQ, (akin_index_route)route);
        size_t bytes = 0;
        for (int round = 0; round < 7; round++) {
            remove_and_add(&c, &r);
            check_sound(c.index, "churned");
            akin_index_stats s = stats_of(c.index);
            if (round == 2) bytes = s.bytes_vectors;
            if (round > 2) CHECK(s.bytes_vectors <= bytes + bytes / 5);
        }
        double after = recall_of(c.index, &c.v, 100, 0.95);
        akin_index_options o = {.dim = CHURN_DIM, .effort = 64,
                                .route = (akin_index_route)route};
        float *x = new_floats(N_CHURN * CHURN_DIM);
        for (size_t i = 0; i < N_CHURN; i++)
            memcpy(x + i * CHURN_DIM, c.now[i], CHURN_DIM * sizeof *x);
        akin_index *fresh = new_filled(&o, x, N_CHURN, 1);
        double before = recall_of(fresh, &c.v, 100, 0.95);
        if (after < 0.95 * before)
            test_fail(__FILE__, __LINE__, "recall %.3f, not %.3f", after,
                      before);
        akin_index_close(fresh);
        mem_free(x);
        churn_clear(&c);
    }
}

static void few_at_a_time(void)
{
    churn c;
    random_state r = {5};
    churn_init(&c, AKIN_METRIC_COSINE, AKIN_ROUTE_AUTO);
    for (size_t i = 0; i < 1500; i++) {
        uint64_t id = random_below(&r, N_CHURN);
        size_t n = 0;
        if (random_below(&r, 2)) {
            CHECK_OK(akin_index_remove(c.index, &id, 1, &n, &err), err);
            CHECK_EQ_INT(n, c.now[id] != NULL);
            c.now[id] = NULL;
        } else {
            c.now[id] = c.x + random_below(&r, 2 * N_CHURN) * CHURN_DIM;
            add(c.index, &id, c.now[id], 1, 1);
        }
        if (i % 100 == 0) recall_of(c.index, &c.v, 2, 0.95);
    }
    check_sound(c.index, "few at a time");
    size_t n = 0;
    for (size_t i = 0; i < N_CHURN; i++) n += c.now[i] != NULL;
    CHECK_EQ_INT(stats_of(c.index).n, n);
    for (size_t i = 0; i < N_CHURN; i++) {
        float out[CHURN_DIM];
        if (c.now[i]) {
            CHECK_OK(akin_index_get(c.index, i, out, &err), err);
            CHECK(memcmp(out, c.now[i], sizeof out) == 0);
        } else {
            CHECK_STATUS(akin_index_get(c.index, i, out, &err),
                         AKIN_ENOTFOUND);
        }
    }
    CHECK(recall_of(c.index, &c.v, 60, 0.95) > 0.9);
    churn_clear(&c);
}

/* From nothing, one by one and in small lots. */
static void grows_slowly(void)
{
    enum { N = 6000, DIM = 10 };
    float *x = new_clustered(N, DIM, 200, 200, 3);
    akin_index_options o = {.dim = DIM, .effort = 40};
    akin_index *index = new_index(&o);
    for (size_t i = 0, n = 1; i < N; i += n) {
        n = i < 500 ? 1 : 37;
        if (n > N - i) n = N - i;
        add(index, NULL, x + i * DIM, n, 1);
    }
    check_sound(index, "grown slowly");
    const float **rows = rows_of(x, N, DIM);
    asked a = {.queries = x, .n = 40, .k = 10, .recall = 0.95, .floor = 0.9};
    kept v = {.x = rows, .n = N, .dim = DIM};
    check_index(index, &v, &a, "grown slowly");
    akin_index_close(index);
    mem_free(rows);
    mem_free(x);
}

/* For the inner product, longer ones come when all is coded: they are what is
 * asked for. */
static void longer_ones_later(void)
{
    enum { N = 6000, DIM = 16, FIRST = 4500, N_ASKED = 50 };
    float *x = new_normal(N + N_ASKED, DIM, 6);
    const float **rows = rows_of(x, N, DIM);
    for (size_t i = FIRST * DIM; i < N * DIM; i++) x[i] *= i % 3 ? 10 : 3;
    for (int route = AKIN_ROUTE_CODES; route <= AKIN_ROUTE_VECTORS; route++) {
        akin_index_options o = {.dim = DIM, .metric = AKIN_METRIC_DOT,
                                .route = (akin_index_route)route};
        akin_index *index = new_filled(&o, x, FIRST, 2);
        asked a = {.queries = x + N * DIM, .n = N_ASKED, .k = 10,
                   .recall = 0.95, .floor = 0.85};
        kept v = {.x = rows, .n = FIRST + 20, .dim = DIM,
                  .metric = AKIN_METRIC_DOT};
        add(index, NULL, x + FIRST * DIM, 20, 1);
        check_index(index, &v, &a, "a few longer ones later");
        for (size_t i = FIRST + 20; i < N; i += 148)
            add(index, NULL, x + i * DIM, N - i < 148 ? N - i : 148, 1);
        v.n = N;
        check_index(index, &v, &a, "longer ones later");
        check_sound(index, "longer ones later");
        akin_index_close(index);
    }
    mem_free(rows);
    mem_free(x);
}

static void empties(void)
{
    enum { N = 500, DIM = 6 };
    float *x = new_normal(N, DIM, 1);
    uint64_t all[N];
    akin_index_options o = {.dim = DIM};
    for (size_t i = 0; i < N; i++) all[i] = i;
    for (size_t n = 1; n <= N; n = n * 7 + 1) {
        akin_index *index = new_filled(&o, x, n, 2);
        for (int round = 0; round < 3; round++) {
            akin_index_hit hits[N];
            akin_index_query q = {.vector = x, .k = N};
            size_t n_removed = 0;
            CHECK_OK(akin_index_remove(index, all, N, &n_removed, &err), err);
            CHECK_EQ_INT(n_removed, n);
            CHECK_EQ_INT(ask(index, &q, hits), 0);
            CHECK_EQ_INT(stats_of(index).n, 0);
            check_sound(index, "empty");
            add(index, all, x, n, 2);
            CHECK_EQ_INT(ask(index, &q, hits), n);
            CHECK(hits[0].id == 0 && hits[0].distance == 0);
            check_sound(index, "filled again");
        }
        akin_index_close(index);
    }
    mem_free(x);
}

/* ---- filters ---- */

static void filters(void)
{
    enum { N = 12000, DIM = 24, N_ASKED = 20 };
    static uint64_t allow[N / 64 + 2];
    float *x = new_clustered(N, DIM, 100, 2, 4);
    const float **rows = rows_of(x, N, DIM);
    float *queries = new_clustered(N_ASKED, DIM, 100, 2, 8);
    akin_index_options o = {.dim = DIM, .effort = 64,
                            .route = AKIN_ROUTE_CODES};
    akin_index *index = new_filled(&o, x, N, 2);
    kept v = {.x = rows, .n = N, .dim = DIM};
    static const double shares[] = {0, 0.001, 0.01, 0.05, 0.1, 0.2,
                                    0.3, 0.5, 0.8, 0.99, 1};
    for (size_t s = 0; s < sizeof shares / sizeof *shares; s++) {
        random_state r = {s};
        size_t n_found = 0, n_true = 0, n = 0;
        memset(allow, 0, sizeof allow);
        for (size_t i = 0; i < N + 64; i++)
            if (random_unit(&r) < shares[s])
                allow[i / 64] |= (uint64_t)1 << (i % 64);
        for (size_t i = 0; i < N_ASKED; i++) {
            akin_index_hit hits[10];
            akin_index_query q = {.vector = queries + i * DIM, .k = 10,
                                  .allow = allow, .n_allow = N - 1000};
            n = ask(index, &q, hits);
            n_found += check_hits(&v, &q, hits, n, "filter");
            n_true += n;
            CHECK_OK(akin_index_search_exact(index, &q, hits, &n, &err), err);
            CHECK_EQ_INT(check_hits(&v, &q, hits, n, "exact filter"), n);
            if (i) continue;
            akin_index_hit batch[10];
            size_t n_batch;
            CHECK_OK(akin_index_search_batch(index, &q, queries, 1, 1, batch,
                                             &n_batch, &err), err);
            CHECK(n_batch == n);
            for (size_t k = 0; k < n; k++) CHECK(hits[k].id == batch[k].id);
        }
        double recall = n_true ? (double)n_found / (double)n_true : 1;
        if (recall < 0.94)
            test_fail(__FILE__, __LINE__, "recall %.3f with %g allowed", recall,
                      shares[s]);
    }
    /* k of those that are allowed, even if they are far and few. */
    memset(allow, 0, sizeof allow);
    for (size_t i = 0; i < N; i += 40) allow[i / 64] |= (uint64_t)1 << (i % 64);
    akin_index_hit hits[N / 40];
    akin_index_query q = {.vector = queries, .k = N / 40, .allow = allow,
                          .n_allow = N};
    CHECK_EQ_INT(ask(index, &q, hits), N / 40);
    q.n_allow = 0;
    CHECK_EQ_INT(ask(index, &q, hits), 0);
    akin_index_close(index);
    mem_free(rows);
    mem_free(x);
    mem_free(queries);
}

/* ---- the promise ---- */

enum { N_PROMISED = 20000, DIM_PROMISED = 32, N_ASKED = 500 };

static void check_promise(akin_index *index, const float *queries,
                          const char *what)
{
    static const double wanted[] = {0.9, 0.95, 0.99};
    akin_index_hit *truth = mem_array(N_ASKED * 10, sizeof *truth);
    size_t counts[N_ASKED];
    akin_index_query q = {.k = 10};
    CHECK_OK(akin_index_search_batch(index, &q, queries, N_ASKED, 0, truth,
                                     counts, &err), err);
    for (size_t w = 0; w < 3; w++) {
        size_t n_found = 0;
        for (size_t i = 0; i < N_ASKED; i++) {
            akin_index_hit hits[10];
            q.vector = queries + i * DIM_PROMISED;
            q.recall = wanted[w];
            size_t n = ask(index, &q, hits);
            for (size_t k = 0; k < n; k++)
                n_found += hits[k].distance <= truth[i * 10 + 9].distance;
        }
        double recall = (double)n_found / (N_ASKED * 10);
        if (recall < wanted[w] - 0.01)
            test_fail(__FILE__, __LINE__, "%s: recall %.4f, not %.2f", what,
                      recall, wanted[w]);
    }
    check_sound(index, what);
    mem_free(truth);
}

/* Every other one of n goes, some at a time, and comes back. */
static void come_back(akin_index *index, const float *x, size_t n, size_t some)
{
    uint64_t *ids = mem_array(some, sizeof *ids);
    for (size_t i = 0; i < n; i += 2 * some) {
        size_t n_ids = 0;
        for (size_t k = i; k < n && n_ids < some; k += 2) ids[n_ids++] = k;
        CHECK_OK(akin_index_remove(index, ids, n_ids, NULL, &err), err);
        for (size_t k = 0; k < n_ids; k++)
            add(index, ids + k, x + ids[k] * DIM_PROMISED, 1, 1);
    }
    mem_free(ids);
}

static void keeps_its_promise(void)
{
    float *x = new_clustered(N_PROMISED, DIM_PROMISED, 300, 1.5f, 2);
    float *queries = new_clustered(N_ASKED, DIM_PROMISED, 300, 1.5f, 31);
    akin_index_options o = {.dim = DIM_PROMISED, .effort = 64, .links = 16};
    akin_index *index = new_filled(&o, x, N_PROMISED, 0);
    check_promise(index, queries, "built");
    come_back(index, x, N_PROMISED, 700);
    check_promise(index, queries, "churned");
    akin_index_close(index);
    mem_free(x);
    mem_free(queries);
}

/* An index that never gets many at once is measured as well. */
static void keeps_its_promise_grown(void)
{
    enum { STEP = 40, N_LEFT = N_PROMISED / 2 };
    static uint64_t ids[N_LEFT];
    float *x = new_clustered(N_PROMISED, DIM_PROMISED, 300, 1.5f, 2);
    float *queries = new_clustered(N_ASKED, DIM_PROMISED, 300, 1.5f, 31);
    akin_index_options o = {.dim = DIM_PROMISED, .effort = 64, .links = 16};
    akin_index *index = new_index(&o);
    for (size_t i = 0; i < N_PROMISED; i += STEP) {
        add(index, NULL, x + i * DIM_PROMISED, STEP, 1);
        size_t n = i + STEP;
        if (n == 4000) CHECK_EQ_INT(stats_of(index).n_efforts, 0);
        if (n == 4400) CHECK(stats_of(index).n_efforts > 0);
    }
    check_promise(index, queries, "grown");
    for (size_t i = 0; i < N_LEFT; i++) ids[i] = 2 * i;
    CHECK_OK(akin_index_remove(index, ids, N_LEFT, NULL, &err), err);
    check_promise(index, queries, "half removed");
    akin_index_close(index);
    mem_free(x);
    mem_free(queries);
}

/* ---- files ---- */

enum { N_FILE = 4300, FILE_DIM = 12 };

static char *path_of(const char *name)
{
    char *path = file_join(test_dir(), name);
    if (!path) exit(3);
    return path;
}

static void same_answers(akin_index *a, akin_index *b, const float *queries,
                         size_t n, size_t dim)
{
    for (size_t i = 0; i < n; i++) {
        akin_index_hit p[10], q[10];
        akin_index_query query = {.vector = queries + i * dim, .k = 10};
        size_t n_p = ask(a, &query, p), n_q = ask(b, &query, q);
        CHECK_EQ_INT(n_p, n_q);
        for (size_t k = 0; k < n_p && k < n_q; k++)
            CHECK(p[k].id == q[k].id && p[k].distance == q[k].distance);
        CHECK_OK(akin_index_search_exact(b, &query, q, &n_q, &err), err);
        CHECK_EQ_INT(n_q, n_p);
    }
}

static void same_stats(akin_index *a, akin_index *b)
{
    akin_index_stats p = stats_of(a), q = stats_of(b);
    CHECK(p.n == q.n && p.n_removed == q.n_removed && p.dim == q.dim &&
          p.metric == q.metric && p.type == q.type && p.route == q.route &&
          p.links == q.links && p.mean_links == q.mean_links &&
          p.n_efforts == q.n_efforts);
    CHECK(memcmp(p.recalls, q.recalls, sizeof p.recalls) == 0);
}

static void opens_what_it_saved(void)
{
    for (int kind = 0; kind < 7; kind++) {
        akin_index_options o = {
            .dim = FILE_DIM,
            .metric = (akin_metric)(kind % 3),
            .type = kind % 2 ? AKIN_F16 : AKIN_F32,
            .route = (akin_index_route)(kind % 3),
            .seed = 7,
            .effort = 24,
        };
        size_t n = kind < 4 ? N_FILE : 40 * (size_t)(kind - 4);
        float *x = new_normal(2 * N_FILE, FILE_DIM, 4);
        akin_index *index = new_filled(&o, x, n, 2), *mapped = NULL,
                   *read = NULL;
        char *path = path_of("index"), *other = path_of("other");
        uint64_t gone[300];
        for (size_t i = 0; i < 300; i++) gone[i] = i * 3;
        CHECK_OK(akin_index_remove(index, gone, 300, NULL, &err), err);
        CHECK_OK(akin_index_save(index, path, &err), err);
        CHECK_OK(akin_index_open(path, false, &mapped, &err), err);
        CHECK_OK(akin_index_open(path, true, &read, &err), err);
        if (!mapped || !read) exit(3);
        same_answers(index, mapped, x + n * FILE_DIM, 20, FILE_DIM);
        same_answers(index, read, x + n * FILE_DIM, 20, FILE_DIM);
        same_stats(index, mapped);
        same_stats(index, read);
        check_sound(mapped, "mapped");
        /* the same changes lead to the same */
        size_t n_gone = 0, n_gone_too = 0;
        for (size_t i = 0; i < 300; i++) gone[i] = i * 3 + 1;
        CHECK_OK(akin_index_remove(index, gone, 300, &n_gone, &err), err);
        CHECK_OK(akin_index_remove(mapped, gone, 300, &n_gone_too, &err), err);
        CHECK_EQ_INT(n_gone, n_gone_too);
        add(index, NULL, x + N_FILE * FILE_DIM, 700, 1);
        add(mapped, NULL, x + N_FILE * FILE_DIM, 700, 1);
        same_stats(index, mapped);
        check_sound(mapped, "mapped and changed");
        same_answers(mapped, mapped, x, 20, FILE_DIM);
        CHECK_OK(akin_index_save(mapped, path, &err), err); /* over itself */
        same_answers(read, read, x, 5, FILE_DIM);
        akin_index_close(read);
        CHECK_OK(akin_index_open(path, false, &read, &err), err);
        same_answers(mapped, read, x, 20, FILE_DIM);
        CHECK_OK(akin_index_save(read, other, &err), err);
        char *a = NULL, *b = NULL;
        size_t n_a = 0, n_b = 0;
        CHECK_OK(file_read(path, SIZE_MAX, &a, &n_a, &err), err);
        CHECK_OK(file_read(other, SIZE_MAX, &b, &n_b, &err), err);
        CHECK(n_a == n_b && memcmp(a, b, n_a) == 0);
        mem_free(a);
        mem_free(b);
        akin_index_close(index);
        akin_index_close(mapped);
        akin_index_close(read);
        file_remove(path);
        mem_free(path);
        mem_free(other);
        mem_free(x);
    }
}

static void write_bytes(const char *path, const char *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, n, f) != n || fclose(f) != 0) exit(3);
}

/* A file with a wrong byte is refused, or gives ids that were there. */
static void use_broken(const char *path, const float *x, size_t n, size_t dim)
{
    akin_index *index = NULL;
    akin_index_hit hits[10];
    akin_index_query q = {.vector = x, .k = 10, .ef = 30};
    size_t found = 0;
    akin_status status = akin_index_open(path, false, &index, &err);
    if (status != AKIN_OK) {
        if (status != AKIN_ECORRUPT && status != AKIN_EVERSION)
            test_fail(__FILE__, __LINE__, "%s", akin_status_name(status));
        return;
    }
    CHECK_OK(akin_index_search(index, &q, hits, &found, &err), err);
    for (size_t i = 0; i < found; i++)
        if (hits[i].id >= n) test_fail(__FILE__, __LINE__, "an id of nowhere");
    CHECK_OK(akin_index_search_exact(index, &q, hits, &found, &err), err);
    for (size_t i = 0; i < found; i++)
        if (hits[i].id >= n) test_fail(__FILE__, __LINE__, "an id of nowhere");
    (void)!akin_index_check(index, NULL, NULL, NULL, &err);
    uint64_t gone[] = {1, 2, 3};
    CHECK_OK(akin_index_remove(index, gone, 3, NULL, &err), err);
    akin_index_work work = {.threads = 1};
    CHECK_OK(akin_index_add(index, NULL, x, 3, &work, &err), err);
    (void)dim;
    akin_index_close(index);
}

static void broken_files(void)
{
    enum { N = 600, DIM = 3 };
    float *x = new_normal(N, DIM, 4);
    akin_index_options o = {.dim = DIM, .links = 8, .effort = 16};
    akin_index *index = new_filled(&o, x, N, 1);
    char *path = path_of("index"), *broken = path_of("broken"), *data = NULL;
    size_t n = 0;
    uint64_t gone[20];
    for (size_t i = 0; i < 20; i++) gone[i] = i * 3;
    CHECK_OK(akin_index_remove(index, gone, 20, NULL, &err), err);
    CHECK_OK(akin_index_save(index, path, &err), err);
    CHECK_OK(file_read(path, SIZE_MAX, &data, &n, &err), err);
    akin_index_close(index);
    random_state r = {8};
    for (size_t at = 0; at < n; at += at < 1100 ? 5 : 1 + random_below(&r, 300)) {
        char had = data[at];
        data[at] ^= (char)(1u << random_below(&r, 8));
        write_bytes(broken, data, n);
        use_broken(broken, x, N, DIM);
        data[at] = had;
    }
    for (size_t cut = 0; cut < n; cut += 1 + cut / 7) {
        akin_index *none = NULL;
        write_bytes(broken, data, cut);
        CHECK_STATUS(akin_index_open(broken, false, &none, &err),
                     AKIN_ECORRUPT);
        CHECK(!none);
    }
    static const unsigned char version[2] = {1, 0}; /* unreleased */
    akin_index *none = NULL;
    memcpy(data + 8, version, 2);
    write_bytes(broken, data, n);
    CHECK_STATUS(akin_index_open(broken, false, &none, &err), AKIN_EVERSION);
    memcpy(data + 8, "\0\0\0\1\1\2\3\4", 8); /* by a big-endian machine */
    write_bytes(broken, data, n);
    CHECK_STATUS(akin_index_open(broken, true, &none, &err), AKIN_EVERSION);
    file_remove(broken);
    CHECK_STATUS(akin_index_open(broken, true, &none, &err), AKIN_ENOTFOUND);
    mem_free(data);
    mem_free(path);
    mem_free(broken);
    mem_free(x);
}

static void same_seed_same_file(void)
{
    float *x = new_normal(N_FILE, FILE_DIM, 4);
    char *data[2] = {0}, *path = path_of("index");
    size_t n[2] = {0};
    for (size_t i = 0; i < 2; i++) {
        akin_index_options o = {.dim = FILE_DIM, .seed = 5,
                                .metric = AKIN_METRIC_DOT, .effort = 40};
        akin_index *index = new_filled(&o, x, N_FILE, 1);
        uint64_t gone[] = {5, 6, 7};
        CHECK_OK(akin_index_remove(index, gone, 3, NULL, &err), err);
        add(index, NULL, x, 300, 1);
        CHECK_OK(akin_index_save(index, path, &err), err);
        CHECK_OK(file_read(path, SIZE_MAX, &data[i], &n[i], &err), err);
        akin_index_close(index);
    }
    CHECK(n[0] == n[1] && memcmp(data[0], data[1], n[0]) == 0);
    mem_free(data[0]);
    mem_free(data[1]);
    mem_free(path);
    mem_free(x);
}

/* ---- what fails ---- */

static void disk_full(void)
{
    float *x = new_normal(300, 4, 4);
    akin_index_options o = {.dim = 4};
    akin_index *index = new_filled(&o, x, 200, 1), *old = NULL;
    char *path = path_of("index");
    CHECK_OK(akin_index_save(index, path, &err), err);
    add(index, NULL, x + 800, 100, 1);
    for (int64_t n = 1;; n++) {
        file_fail_at(n);
        akin_status status = akin_index_save(index, path, &err);
        bool pending = file_fail_pending();
        file_fail_at(0);
        CHECK_OK(akin_index_open(path, false, &old, &err), err);
        if (!old) break;
        CHECK(stats_of(old).n == (status == AKIN_OK ? 300u : 200u) ||
              (status == AKIN_EIO && stats_of(old).n == 300u));
        akin_index_close(old);
        old = NULL;
        if (pending) break;
        CHECK_STATUS(status, AKIN_EIO);
    }
    mem_free(path);
    akin_index_close(index);
    mem_free(x);
}

/* All that was there before a call that failed is there, and sound. */
static void check_still(akin_index *index, const float *x, size_t n,
                        const char *what)
{
    float out[4];
    size_t n_bad = 0;
    for (size_t i = 0; i < n; i++)
        n_bad += akin_index_get(index, i, out, &err) != AKIN_OK ||
                 memcmp(out, x + i * 4, sizeof out) != 0;
    if (n_bad) test_fail(__FILE__, __LINE__, "%s: %zu are bad", what, n_bad);
    check_sound(index, what);
}

/* Adds behind 4050 or 4090: of the first, some are there and are replaced; with
 * some of the second recall is measured. */
static void check_no_memory_to_add(size_t n_before)
{
    enum { N = 4090, MORE = 90 };
    float *x = new_normal(N + MORE, 4, 4);
    char *path = path_of("index");
    akin_index_options o = {.dim = 4, .links = 8, .effort = 12};
    akin_index *index = new_filled(&o, x, N, 1);
    CHECK_OK(akin_index_save(index, path, &err), err);
    akin_index_close(index);
    akin_index_work work = {.threads = 2};
    uint64_t some[MORE];
    for (size_t i = 0; i < MORE; i++) some[i] = n_before + i;
    for (int64_t n = 1;; n++) {
        index = NULL;
        CHECK_OK(akin_index_open(path, false, &index, &err), err);
        if (!index) break;
        mem_fail_at(n);
        akin_status status =
            akin_index_add(index, some, x + n_before * 4, MORE, &work, &err);
        bool pending = mem_fail_pending();
        mem_fail_at(0);
        if (status != AKIN_OK) CHECK_STATUS(status, AKIN_ENOMEM);
        check_still(index, x, N, "no memory to add");
        add(index, some, x + n_before * 4, MORE, 2);
        check_still(index, x, n_before + MORE, "memory again");
        CHECK_EQ_INT(stats_of(index).n, n_before + MORE);
        akin_index_close(index);
        if (pending) break;
    }
    mem_free(path);
    mem_free(x);
}

static void no_memory_to_add(void)
{
    check_no_memory_to_add(4050);
    check_no_memory_to_add(4090);
}

static void no_memory_to_change(void)
{
    enum { N = 1200 };
    float *x = new_normal(N, 4, 4);
    char *path = path_of("index");
    akin_index_options o = {.dim = 4, .links = 8, .effort = 12};
    akin_index *index = new_filled(&o, x, N, 1);
    CHECK_OK(akin_index_save(index, path, &err), err);
    akin_index_close(index);
    uint64_t gone[N / 2];
    for (size_t i = 0; i < N / 2; i++) gone[i] = N / 2 + i;
    for (int64_t n = 1;; n++) {
        size_t n_hits = 0, n_removed = 0;
        akin_index_hit hits[20];
        akin_index_query q = {.vector = x, .k = 10};
        index = NULL;
        mem_fail_at(n);
        akin_status status = akin_index_open(path, n % 2, &index, &err);
        if (status == AKIN_OK)
            status = akin_index_search(index, &q, hits, &n_hits, &err);
        if (status == AKIN_OK)
            status = akin_index_search_exact(index, &q, hits, &n_hits, &err);
        q.allow = gone;
        q.n_allow = 300;
        if (status == AKIN_OK)
            status = akin_index_search(index, &q, hits, &n_hits, &err);
        size_t counts[2];
        if (status == AKIN_OK)
            status = akin_index_search_batch(index, &q, x, 2, 2, hits, counts,
                                             &err);
        if (status == AKIN_OK)
            status = akin_index_check(index, NULL, NULL, NULL, &err);
        if (status == AKIN_OK)
            status = akin_index_remove(index, gone, N / 2, &n_removed, &err);
        bool pending = mem_fail_pending();
        mem_fail_at(0);
        if (status != AKIN_OK) {
            CHECK_STATUS(status, AKIN_ENOMEM);
            if (!index) continue;
            CHECK_OK(akin_index_remove(index, gone, N / 2, &n_removed, &err),
                     err);
        }
        CHECK_EQ_INT(n_removed, N / 2);
        CHECK_EQ_INT(stats_of(index).n, N / 2);
        /* what it had no memory for is done at the next change */
        CHECK_OK(akin_index_remove(index, gone, 1, NULL, &err), err);
        check_still(index, x, N / 2, "no memory to change");
        akin_index_close(index);
        if (pending) break;
    }
    mem_free(path);
    mem_free(x);
}

/* ---- stopping ---- */

typedef struct stopping {
    double at, last;
    size_t n_calls;
} stopping;

static bool stop_at(void *user, const char *phase, double fraction)
{
    stopping *s = user;
    s->n_calls++;
    CHECK(phase && *phase && fraction >= s->last && fraction <= 1);
    s->last = fraction;
    return fraction < s->at;
}

static void stops(void)
{
    enum { N = 5000, DIM = 8 };
    float *x = new_normal(N, DIM, 4);
    const float **rows = rows_of(x, N, DIM);
    for (size_t k = 0; k < 5; k++) {
        akin_index_options o = {.dim = DIM, .links = 16, .effort = 16};
        akin_index *index = new_index(&o);
        stopping s = {.at = (double)k * 0.25};
        akin_index_work work = {.threads = 1 + k % 2, .progress = stop_at,
                                .user = &s};
        char *path = path_of("index");
        uint64_t all[N];
        for (size_t i = 0; i < N; i++) all[i] = i;
        akin_status status = akin_index_add(index, all, x, N, &work, &err);
        CHECK_STATUS(status, k == 4 ? AKIN_OK : AKIN_ECANCELLED);
        CHECK(s.n_calls > 0);
        size_t n = 0;
        for (size_t i = 0; i < N; i++) {
            float out[DIM];
            bool there = akin_index_get(index, i, out, NULL) == AKIN_OK;
            rows[i] = there ? x + i * DIM : NULL;
            n += there;
        }
        CHECK_EQ_INT(stats_of(index).n, n);
        kept v = {.x = rows, .n = N, .dim = DIM};
        asked a = {.queries = x, .n = 10, .k = 10, .recall = 0.9, .floor = 0.8};
        check_index(index, &v, &a, "stopped");
        check_sound(index, "stopped");
        CHECK_OK(akin_index_save(index, path, &err), err);
        akin_index_close(index);
        index = NULL;
        CHECK_OK(akin_index_open(path, false, &index, &err), err);
        if (!index) exit(3);
        check_index(index, &v, &a, "stopped and saved");
        add(index, all, x, N, 2);
        for (size_t i = 0; i < N; i++) rows[i] = x + i * DIM;
        check_index(index, &v, &a, "gone on");
        CHECK_EQ_INT(stats_of(index).n, N);
        check_sound(index, "gone on");
        akin_index_close(index);
        mem_free(path);
    }
    mem_free(rows);
    mem_free(x);
}

/* ---- at the same time ---- */

enum { AT_ONCE = 4000, ONCE_DIM = 16, VERSIONS = 4 };

/* A vector of id i and version v begins with both, so that a hit tells which
 * it was. States: how many times an id was removed for good. */
typedef struct at_once {
    akin_index *index;
    const float *x; /* [VERSIONS][AT_ONCE][ONCE_DIM] */
    _Atomic bool done;
    _Atomic int gone[AT_ONCE]; /* set when a removal has returned */
    _Atomic size_t n_searches, n_few, n_twice, n_wrong;
    size_t n_gone;
} at_once;

static bool is_of(const at_once *a, const float *query, akin_index_hit hit)
{
    for (size_t v = 0; v < VERSIONS; v++) {
        const float *x = a->x + (v * AT_ONCE + hit.id) * ONCE_DIM;
        double d = true_distance(AKIN_METRIC_L2SQ, query, x, ONCE_DIM);
        if (fabs(d - hit.distance) <= 1e-5 * d + 1e-6) return true;
    }
    return false;
}

static void *searching(void *user)
{
    at_once *a = user;
    random_state r = {(uint64_t)(uintptr_t)&r};
    uint64_t every_other[AT_ONCE / 64 + 1];
    memset(every_other, 0x55, sizeof every_other);
    while (!atomic_load(&a->done)) {
        akin_index_hit hits[10];
        bool gone[AT_ONCE];
        size_t n = 0, kind = random_below(&r, 4);
        const float *query = a->x + random_below(&r, AT_ONCE) * ONCE_DIM;
        akin_index_query q = {.vector = query, .k = 10};
        if (kind > 1) {
            q.allow = every_other;
            q.n_allow = kind == 2 ? AT_ONCE : 200;
        }
        if (kind == 1) q.ef = AT_ONCE / 256; /* so few that a walk goes first */
        for (size_t i = 0; i < AT_ONCE; i++) gone[i] = atomic_load(&a->gone[i]);
        akin_status status =
            kind == 1 ? akin_index_search_exact(a->index, &q, hits, &n, NULL)
                      : akin_index_search(a->index, &q, hits, &n, NULL);
        if (status != AKIN_OK) atomic_fetch_add(&a->n_wrong, 1);
        if (n != 10) atomic_fetch_add(&a->n_few, 1);
        for (size_t i = 0; i < n; i++) {
            bool twice = false;
            for (size_t k = 0; k < i; k++) twice |= hits[k].id == hits[i].id;
            atomic_fetch_add(&a->n_twice, twice);
            bool wrong = hits[i].id >= AT_ONCE ||
                         !is_allowed(&q, hits[i].id) || gone[hits[i].id] ||
                         !is_of(a, query, hits[i]);
            atomic_fetch_add(&a->n_wrong, wrong);
        }
        atomic_fetch_add(&a->n_searches, 1);
    }
    return NULL;
}

/* Removed ids are never added again, others change their version. */
static void change(at_once *a, random_state *r)
{
    uint64_t list[64];
    float x[64 * ONCE_DIM], out[ONCE_DIM];
    size_t n = 0, version = random_below(r, VERSIONS);
    uint64_t first = random_below(r, AT_ONCE - 64);
    for (uint64_t i = first; i < first + 64; i++) {
        if (atomic_load(&a->gone[i]) || random_below(r, 3)) continue;
        list[n] = i;
        memcpy(x + n++ * ONCE_DIM, a->x + (version * AT_ONCE + i) * ONCE_DIM,
               sizeof out);
    }
    if (first >= 200 && a->n_gone < AT_ONCE / 4 && random_below(r, 8) == 0) {
        a->n_gone += n;
        CHECK_OK(akin_index_remove(a->index, list, n, NULL, &err), err);
        for (size_t i = 0; i < n; i++) {
            atomic_store(&a->gone[list[i]], 1);
            CHECK_STATUS(akin_index_get(a->index, list[i], out, NULL),
                         AKIN_ENOTFOUND);
        }
        return;
    }
    add(a->index, list, x, n, 1);
    for (size_t i = 0; i < n; i++) {
        CHECK_OK(akin_index_get(a->index, list[i], out, &err), err);
        CHECK(memcmp(out, x + i * ONCE_DIM, sizeof out) == 0);
    }
}

static void searches_meanwhile(void)
{
    static at_once a;
    float *x = new_normal(VERSIONS * AT_ONCE, ONCE_DIM, 4);
    char *path = path_of("index");
    akin_index_options o = {.dim = ONCE_DIM, .effort = 40,
                            .route = AKIN_ROUTE_CODES};
    memset(&a, 0, sizeof a);
    a.x = x;
    a.index = new_filled(&o, x, AT_ONCE, 2);
    CHECK_OK(akin_index_save(a.index, path, &err), err);
    akin_index_close(a.index);
    a.index = NULL;
    CHECK_OK(akin_index_open(path, false, &a.index, &err), err);
    if (!a.index) exit(3);
    pthread_t threads[2];
    random_state r = {12};
    double end = (double)clock() / CLOCKS_PER_SEC + 1.5;
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, searching, &a) != 0) exit(3);
    size_t n_changes = 0;
    while ((double)clock() / CLOCKS_PER_SEC < end || n_changes < 60) {
        change(&a, &r);
        n_changes++;
        if (n_changes % 50 == 0) stats_of(a.index);
    }
    atomic_store(&a.done, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    CHECK_EQ_INT(atomic_load(&a.n_wrong), 0);
    CHECK_EQ_INT(atomic_load(&a.n_twice), 0);
    CHECK_EQ_INT(atomic_load(&a.n_few), 0);
    CHECK(atomic_load(&a.n_searches) > 20);
    check_sound(a.index, "changed meanwhile");
    akin_index_close(a.index);
    mem_free(path);
    mem_free(x);
}

const test_case test_index_cases[] = {
    {"index/refuses_options", refuses_options},
    {"index/refuses_vectors", refuses_vectors},
    {"index/refuses_queries", refuses_queries},
    {"index/ids", ids},
    {"index/every_shape", every_shape},
    {"index/hard_data", hard_data},
    {"index/ties_by_id", ties_by_id},
    {"index/exact_among_near", exact_among_near},
    {"index/churns", churns},
    {"index/few_at_a_time", few_at_a_time},
    {"index/grows_slowly", grows_slowly},
    {"index/longer_ones_later", longer_ones_later},
    {"index/empties", empties},
    {"index/filters", filters},
    {"index/keeps_its_promise", keeps_its_promise},
    {"index/keeps_its_promise_grown", keeps_its_promise_grown},
    {"index/opens_what_it_saved", opens_what_it_saved},
    {"index/broken_files", broken_files},
    {"index/same_seed_same_file", same_seed_same_file},
    {"index/disk_full", disk_full},
    {"index/no_memory_to_add", no_memory_to_add},
    {"index/no_memory_to_change", no_memory_to_change},
    {"index/stops", stops},
    {"index/searches_meanwhile", searches_meanwhile},
    {NULL, NULL},
};
