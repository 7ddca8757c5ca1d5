/* SPDX-License-Identifier: MIT
 * Inside an index: the table of ids, and vectors that are lent to it. */
#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "index/mesh_file.h"
#include "index/mesh_int.h"
#include "test.h"

static akin_error err;

static akin_index *new_index(size_t dim)
{
    akin_index_options o = {.dim = dim, .type = AKIN_F16};
    akin_index *m = NULL;
    CHECK_OK(akin_index_new(&o, &m, &err), err);
    if (!m) exit(3);
    return m;
}

/* ---- the table ---- */

/* Ids whose places are all near one another, and the same ones again and
 * again, against a plain array. */
static void table(void)
{
    enum { N = 3000, ROUNDS = 60000 };
    uint32_t *slots = mem_array(N, sizeof *slots);
    akin_index *m = new_index(2);
    random_state r = {3};
    size_t n_bad = 0;
    for (size_t i = 0; i < N; i++) slots[i] = MESH_NONE;
    CHECK_OK(mesh_table_lock(m, &err), err);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        size_t i = random_below(&r, N);
        uint64_t id = i % 3 ? i : (uint64_t)i << 40;
        uint32_t slot = MESH_NONE;
        bool found = mesh_table_find(m->table, id, &slot);
        n_bad += found != (slots[i] != MESH_NONE) || slot != slots[i];
        if (random_below(&r, 2)) {
            CHECK_OK(mesh_table_put(m->table, id, round, &err), err);
            slots[i] = round;
        } else {
            mesh_table_remove(m->table, id);
            slots[i] = MESH_NONE;
        }
    }
    CHECK_EQ_INT(n_bad, 0);
    /* what is there gets another slot without memory */
    CHECK_OK(mesh_table_put(m->table, 1, 5, &err), err);
    mem_fail_at(1);
    CHECK_OK(mesh_table_put(m->table, 1, 6, &err), err);
    mem_fail_at(0);
    mesh_table_unlock(m);
    mem_free(slots);
    akin_index_close(m);
}

/* ---- lent vectors ---- */

enum { N_LENT = 4900, DIM = 24, N_QUERIES = 30 };

typedef struct lent {
    float *x;              /* [N_LENT + N_QUERIES, DIM] */
    unsigned char *memory; /* a byte before the rows */
    mesh_borrowed rows;
    uint64_t *numbers; /* all but every seventh */
    size_t n;
} lent;

static void lent_init(lent *l)
{
    random_state r = {4};
    size_t n = (N_LENT + N_QUERIES) * DIM;
    l->x = mem_array(n, sizeof *l->x);
    l->memory = mem_array(N_LENT * DIM * 2 + 1, 1);
    l->numbers = mem_array(N_LENT, sizeof *l->numbers);
    l->n = 0;
    for (size_t i = 0; i < n; i++)
        l->x[i] = (float)random_unit(&r) * 2 - 1;
    akin_f16_from_f32(l->x, N_LENT * DIM, l->memory + 1);
    akin_f16_to_f32(l->memory + 1, N_LENT * DIM, l->x);
    l->rows = (mesh_borrowed){.vectors = l->memory + 1, .n = N_LENT};
    for (size_t i = 0; i < N_LENT; i++)
        if (i % 7) l->numbers[l->n++] = i;
}

static void lent_clear(lent *l)
{
    mem_free(l->x);
    mem_free(l->memory);
    mem_free(l->numbers);
}

static akin_index *new_over(const lent *l, akin_metric metric)
{
    akin_index_options o = {.dim = DIM, .metric = metric, .type = AKIN_F16,
                            .effort = 24};
    akin_index_work work = {.threads = 1};
    akin_index *m = NULL;
    CHECK_OK(mesh_new_over(&o, &l->rows, &m, &err), err);
    if (!m) exit(3);
    CHECK_OK(mesh_add_borrowed(m, l->numbers, l->n, &work, &err), err);
    return m;
}

/* One that has the same vectors itself. */
static akin_index *new_owner(const lent *l, akin_metric metric)
{
    akin_index_options o = {.dim = DIM, .metric = metric, .type = AKIN_F16,
                            .effort = 24};
    akin_index_work work = {.threads = 1};
    akin_index *m = NULL;
    float *x = mem_array(l->n * DIM, sizeof *x);
    for (size_t i = 0; i < l->n; i++)
        memcpy(x + i * DIM, l->x + l->numbers[i] * DIM, DIM * sizeof *x);
    CHECK_OK(akin_index_new(&o, &m, &err), err);
    if (!m) exit(3);
    CHECK_OK(akin_index_add(m, l->numbers, x, l->n, &work, &err), err);
    mem_free(x);
    return m;
}

static void same_answers(akin_index *a, akin_index *b, const lent *l)
{
    for (size_t i = 0; i < N_QUERIES; i++) {
        akin_index_hit p[10], q[10];
        size_t n_p = 0, n_q = 0;
        akin_index_query query = {.vector = l->x + (N_LENT + i) * DIM,
                                  .k = 10};
        CHECK_OK(akin_index_search(a, &query, p, &n_p, &err), err);
        CHECK_OK(akin_index_search(b, &query, q, &n_q, &err), err);
        CHECK_EQ_INT(n_p, 10);
        CHECK_EQ_INT(n_q, 10);
        for (size_t k = 0; k < n_p && k < n_q; k++)
            CHECK(p[k].id == q[k].id && p[k].distance == q[k].distance);
        CHECK_OK(akin_index_search_exact(a, &query, p, &n_p, &err), err);
        CHECK_OK(akin_index_search_exact(b, &query, q, &n_q, &err), err);
        for (size_t k = 0; k < n_p && k < n_q; k++)
            CHECK(p[k].id == q[k].id && p[k].distance == q[k].distance);
    }
}

static void print_problem(void *user, const char *text)
{
    (void)user;
    printf("    %s\n", text);
}

static void lent_vectors(void)
{
    lent l;
    lent_init(&l);
    for (int metric = 0; metric < 3; metric++) {
        akin_index *over = new_over(&l, (akin_metric)metric);
        akin_index *owner = new_owner(&l, (akin_metric)metric);
        float out[DIM];
        same_answers(over, owner, &l);
        CHECK_OK(akin_index_check(over, print_problem, NULL, NULL, &err), err);
        CHECK_OK(akin_index_get(over, 8, out, &err), err);
        CHECK(memcmp(out, l.x + 8 * DIM, sizeof out) == 0);
        CHECK_STATUS(akin_index_get(over, 7, out, &err), AKIN_ENOTFOUND);
        uint64_t wrong = N_LENT;
        CHECK_STATUS(mesh_add_borrowed(over, &wrong, 1, NULL, &err),
                     AKIN_EUSAGE);
        uint64_t gone[500], back[200];
        for (size_t i = 0; i < 500; i++) gone[i] = l.numbers[i * 3];
        for (size_t i = 0; i < 200; i++) back[i] = i * 7; /* new ones */
        size_t n_removed = 0;
        CHECK_OK(akin_index_remove(over, gone, 500, &n_removed, &err), err);
        CHECK_EQ_INT(n_removed, 500);
        CHECK_OK(mesh_add_borrowed(over, back, 200, NULL, &err), err);
        CHECK_OK(mesh_add_borrowed(over, gone, 100, NULL, &err), err);
        CHECK_OK(akin_index_check(over, print_problem, NULL, NULL, &err), err);
        akin_index_close(over);
        akin_index_close(owner);
    }
    lent_clear(&l);
}

static void saved_without_vectors(void)
{
    lent l;
    lent_init(&l);
    char *path = file_join(test_dir(), "index");
    akin_index *over = new_over(&l, AKIN_METRIC_COSINE), *opened = NULL;
    mesh_origin origin = {1, -2, 3, 4, 5}, got = {0};
    CHECK_OK(mesh_save(over, path, &origin, &err), err);
    file_stamp stamp = {0};
    CHECK_OK(file_stat(path, &stamp, &err), err);
    CHECK(stamp.size_bytes < N_LENT * (DIM * 2 + 300));
    CHECK_STATUS(akin_index_open(path, false, &opened, &err),
                 AKIN_EUNSUPPORTED);
    mesh_borrowed fewer = {.vectors = l.rows.vectors, .n = N_LENT - 2};
    CHECK_STATUS(mesh_open(path, &fewer, &got, &opened, &err), AKIN_ECORRUPT);
    CHECK(!opened);
    /* the same vectors elsewhere */
    unsigned char *copy = mem_array(N_LENT * DIM * 2, 1);
    memcpy(copy, l.rows.vectors, N_LENT * DIM * 2);
    mesh_borrowed moved = {.vectors = copy, .n = N_LENT};
    CHECK_OK(mesh_open(path, &moved, &got, &opened, &err), err);
    CHECK(got.size_bytes == 1 && got.mtime_ns == -2 && got.inode == 3 &&
          got.n_rows == 4 && got.keys == 5);
    if (opened) {
        same_answers(over, opened, &l);
        mesh_borrow(opened, &l.rows);
        same_answers(over, opened, &l);
        uint64_t more[] = {0, 7, 14};
        CHECK_OK(mesh_add_borrowed(opened, more, 3, NULL, &err), err);
        CHECK_OK(akin_index_check(opened, print_problem, NULL, NULL, &err),
                 err);
    }
    akin_index_close(opened);
    akin_index_close(over);
    mem_free(copy);
    mem_free(path);
    lent_clear(&l);
}

/* ---- near duplicates ---- */

/* Of n vectors those that a narrow search for them does not find. */
static size_t count_missed(akin_index *m, const float *x, size_t n, size_t dim)
{
    size_t n_missed = 0;
    for (size_t i = 0; i < n; i++) {
        akin_index_query q = {.vector = x + i * dim, .k = 1, .ef = 10};
        akin_index_hit hit;
        size_t n_hits;
        CHECK_OK(akin_index_search(m, &q, &hit, &n_hits, &err), err);
        n_missed += n_hits != 1 || hit.id != i;
    }
    return n_missed;
}

/* k are found whatever the ef is. */
static void finds_k(akin_index *m, const float *query)
{
    enum { MOST = 500 };
    akin_index_hit hits[MOST];
    for (size_t k = 10; k <= MOST; k += MOST - 10) {
        akin_index_query q = {.vector = query, .k = k, .ef = 1};
        size_t n_hits;
        CHECK_OK(akin_index_search(m, &q, hits, &n_hits, &err), err);
        CHECK_EQ_INT(n_hits, k);
    }
}

/* Clusters whose vectors have all their links among themselves. */
static void finds_clusters(void)
{
    enum { N = 8000, EACH = 100, SIZE = 64 };
    float *x = mem_array((size_t)N * SIZE, sizeof *x), center[SIZE];
    akin_index_options o = {.dim = SIZE, .effort = 32, .links = 32,
                            .route = AKIN_ROUTE_VECTORS};
    akin_index_work work = {.threads = 1};
    akin_index *m = NULL;
    random_state r = {7};
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < SIZE; k++) {
            if (i % EACH == 0) center[k] = (float)random_unit(&r);
            x[i * SIZE + k] = center[k] + 1e-3f * (float)random_unit(&r);
        }
    CHECK_OK(akin_index_new(&o, &m, &err), err);
    CHECK_OK(akin_index_add(m, NULL, x, N, &work, &err), err);
    size_t n_missed = count_missed(m, x, N, SIZE);
    if (n_missed > N / 500) printf("%zu of %d are missed\n", n_missed, N);
    CHECK(n_missed <= N / 500);
    finds_k(m, x);
    CHECK_OK(akin_index_check(m, print_problem, NULL, NULL, &err), err);
    akin_index_close(m);
    mem_free(x);
}

/* ---- after removals ---- */

/* A walk returns k though a part of what it meets is removed. */
static void removed_ones_in_the_way(void)
{
    lent l;
    lent_init(&l);
    akin_index *m = new_owner(&l, AKIN_METRIC_L2SQ);
    uint64_t ids[N_LENT];
    size_t n_ids = 0, n_short = 0;
    for (size_t i = 0; i < l.n; i += 12) ids[n_ids++] = l.numbers[i];
    CHECK_OK(akin_index_remove(m, ids, n_ids, NULL, &err), err);
    CHECK(atomic_load(&m->n_dead) == n_ids);
    for (size_t i = 0; i < N_QUERIES; i++) {
        akin_index_hit hits[10];
        size_t n = 0;
        akin_index_query q = {.vector = l.x + (N_LENT + i) * DIM, .k = 10};
        CHECK_OK(mesh_find(m, &q, 10, 1, hits, &n, &err), err);
        n_short += n < 10;
    }
    CHECK_EQ_INT(n_short, 0);
    akin_index_close(m);
    lent_clear(&l);
}

/* Lists do not become shorter with each sweep. */
static void sweeps_keep_links(void)
{
    lent l;
    lent_init(&l);
    akin_index *m = new_owner(&l, AKIN_METRIC_L2SQ);
    akin_index_stats before, after;
    akin_index_get_stats(m, &before);
    for (size_t round = 0; round < 4; round++)
        for (size_t i = round * 1000; i < (round + 1) * 1000; i += 50) {
            const uint64_t *ids = l.numbers + i;
            CHECK_OK(akin_index_remove(m, ids, 50, NULL, &err), err);
            for (size_t k = 0; k < 50; k++)
                CHECK_OK(akin_index_add(m, ids + k, l.x + ids[k] * DIM, 1,
                                        NULL, &err), err);
        }
    akin_index_get_stats(m, &after);
    CHECK_EQ_INT(after.n, before.n);
    if (after.mean_links < 0.9 * before.mean_links)
        test_fail(__FILE__, __LINE__, "%.1f links, not %.1f", after.mean_links,
                  before.mean_links);
    CHECK_OK(akin_index_check(m, print_problem, NULL, NULL, &err), err);
    akin_index_close(m);
    lent_clear(&l);
}

const test_case test_mesh_cases[] = {
    {"mesh/table", table},
    {"mesh/lent_vectors", lent_vectors},
    {"mesh/saved_without_vectors", saved_without_vectors},
    {"mesh/finds_clusters", finds_clusters},
    {"mesh/removed_ones_in_the_way", removed_ones_in_the_way},
    {"mesh/sweeps_keep_links", sweeps_keep_links},
    {NULL, NULL},
};
