/* SPDX-License-Identifier: MIT
 * engine/bench_index: what its lines say is so, with a truth that is given and
 * one that is found; files that do not fit are named. */
#include "akin/bench.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "index/mesh_int.h"
#include "interop/npy.h"
#include "test.h"

/* N are looked at one by one or walked through without codes; MANY have codes. */
enum { N = 500, MANY = 4200, N_QUERIES = 40, DIM = 24, MAX_LINES = 32 };

/* Good for the next 15 calls. */
static const char *path_of(const char *name)
{
    static char paths[16][512];
    static unsigned next;
    char *path = paths[next++ % 16];
    snprintf(path, sizeof *paths, "%s/%s", test_dir(), name);
    return path;
}

static void write_vectors(const char *name, size_t n, size_t dim, uint64_t seed)
{
    random_state r = {seed};
    float *x = mem_array(n * dim, sizeof *x);
    akin_error e = {0};
    for (size_t i = 0; x && i < n * dim; i++)
        x[i] = (float)random_below(&r, 1000) / 1000;
    CHECK_OK(npy_write_vectors(path_of(name), x, n, dim, &e), e);
    mem_free(x);
}

/* n rows of k ids, int32. */
static void write_ids(const char *name, const int32_t *ids, size_t n, size_t k)
{
    char dict[119];
    int used = snprintf(dict, sizeof dict,
                        "{'descr': '<i4', 'fortran_order': False, "
                        "'shape': (%zu, %zu), }", n, k);
    memset(dict + used, ' ', sizeof dict - (size_t)used);
    dict[117] = '\n';
    FILE *f = fopen(path_of(name), "wb");
    CHECK(f != NULL);
    if (!f) return;
    fwrite("\x93NUMPY\1\0\x76\0", 1, 10, f);
    fwrite(dict, 1, 118, f);
    fwrite(ids, sizeof *ids, n * k, f);
    fclose(f);
}

typedef struct lines {
    size_t n, n_told, stop_at;
    akin_bench_line items[MAX_LINES];
    char params[MAX_LINES][128];
} lines;

static void keep_line(void *user, const akin_bench_line *line)
{
    lines *l = user;
    if (l->n == MAX_LINES) return;
    l->items[l->n] = *line;
    snprintf(l->params[l->n++], 128, "%s", line->params);
}

static bool count_told(void *user, const char *phase, double fraction)
{
    lines *l = user;
    (void)phase;
    CHECK(fraction >= 0 && fraction <= 1);
    return ++l->n_told != l->stop_at;
}

static akin_bench_index_options options_of(lines *l)
{
    return (akin_bench_index_options){
        .base = path_of("base.npy"),
        .queries = path_of("queries.npy"),
        .index = {.metric = AKIN_METRIC_L2SQ,
                  .type = AKIN_F32,
                  .links = 16,
                  .effort = 32},
        .threads = 2,
        .progress = count_told,
        .user = l};
}

static void check_lines(const lines *l)
{
    CHECK(l->n >= 3 && l->n_told > 3);
    for (size_t i = 0; i < l->n; i++) {
        const akin_bench_line *line = &l->items[i];
        bool batch = strstr(l->params[i], "batch") != NULL;
        CHECK(line->qps > 0 && line->build_s > 0 && line->threads == 2);
        CHECK(line->bytes > N * DIM * 4);
        CHECK(line->recall > 0.3 && line->recall <= 1);
        CHECK(batch ? line->p50_us < 0 && line->p99_us < 0
                    : line->p50_us > 0 && line->p99_us >= line->p50_us);
    }
    const char *first = l->params[0];
    CHECK(strstr(first, "links=16,effort=32,route=") == first);
    CHECK(strcmp(l->params[l->n - 2], "exact") == 0);
    CHECK(strcmp(l->params[l->n - 1], "exact,batch=40,threads=2") == 0);
    CHECK_NEAR(l->items[l->n - 1].recall, 1, 0);
    CHECK_NEAR(l->items[l->n - 2].recall, 1, 0);
}

static void lines_are_measured(void)
{
    lines l = {0};
    akin_error e = {0};
    write_vectors("base.npy", MANY, DIM, 1);
    write_vectors("queries.npy", N_QUERIES, DIM, 2);
    akin_bench_index_options opt = options_of(&l);
    opt.save = path_of("saved");
    CHECK_OK(akin_bench_index(&opt, keep_line, &l, &e), e);
    check_lines(&l);
    CHECK(strstr(l.params[0], ",ef=6") != NULL);
    CHECK(strstr(l.params[0], "route=auto") == NULL);
    CHECK(file_exists(path_of("saved")));
}


/* A truth from a file gives what a found one does; one that names an id twice
 * in place of another leaves that one out. */
static void a_given_truth_counts(void)
{
    enum { K = 3 };
    int32_t ids[N_QUERIES][K + 1];
    lines l = {0};
    akin_error e = {0};
    akin_index *index = NULL;
    npy_vectors queries;
    write_vectors("base.npy", N, DIM, 1);
    write_vectors("queries.npy", N_QUERIES, DIM, 2);
    akin_bench_index_options opt = options_of(&l);
    opt.save = path_of("saved");
    CHECK_OK(akin_bench_index(&opt, keep_line, &l, &e), e);
    CHECK_OK(akin_index_open(path_of("saved"), false, &index, &e), e);
    CHECK_OK(npy_read_vectors(path_of("queries.npy"), N_QUERIES * DIM, &queries, &e),
             e);
    for (size_t i = 0; index && i < queries.n; i++) {
        akin_index_hit hits[K + 1];
        size_t n;
        akin_index_query q = {.vector = queries.data + i * DIM, .k = K + 1};
        CHECK_OK(akin_index_search_exact(index, &q, hits, &n, &e), e);
        for (size_t j = 0; j < K + 1; j++) ids[i][j] = (int32_t)hits[j].id;
    }
    mem_free(queries.data);
    akin_index_close(index);
    write_ids("truth.npy", ids[0], N_QUERIES, K + 1);
    opt = options_of(&l);
    opt.truth = path_of("truth.npy");
    opt.k = K;
    l = (lines){0};
    CHECK_OK(akin_bench_index(&opt, keep_line, &l, &e), e);
    check_lines(&l);
    for (size_t i = 0; i < N_QUERIES; i++) ids[i][1] = ids[i][0];
    write_ids("truth.npy", ids[0], N_QUERIES, K + 1);
    l = (lines){0};
    CHECK_OK(akin_bench_index(&opt, keep_line, &l, &e), e);
    CHECK_NEAR(l.items[l.n - 1].recall, 2.0 / 3, 1e-9);
}

/* What is not given is what the index takes. */
static void defaults_are_told(void)
{
    lines l = {0};
    akin_error e = {0};
    akin_index *index = NULL;
    char shape[64];
    write_vectors("base.npy", N, DIM, 1);
    write_vectors("queries.npy", N_QUERIES, DIM, 2);
    akin_bench_index_options opt = options_of(&l);
    opt.index = (akin_index_options){0};
    CHECK_OK(akin_bench_index(&opt, keep_line, &l, &e), e);
    opt.index.dim = DIM;
    CHECK_OK(akin_index_new(&opt.index, &index, &e), e);
    if (!index) return;
    snprintf(shape, sizeof shape, "links=%zu,effort=%zu,", index->opt.links,
             index->opt.effort);
    CHECK(strstr(l.params[0], shape) == l.params[0]);
    akin_index_close(index);
}

static void no_effort_is_far_below_k(void)
{
    lines l = {0};
    akin_error e = {0};
    write_vectors("base.npy", N, DIM, 1);
    write_vectors("queries.npy", N_QUERIES, DIM, 2);
    akin_bench_index_options opt = options_of(&l);
    opt.k = 34;
    CHECK_OK(akin_bench_index(&opt, keep_line, &l, &e), e);
    CHECK(strstr(l.params[0], ",ef=17") != NULL);
    CHECK(strstr(l.params[1], ",ef=20") || strstr(l.params[1], "exact"));
}

static void what_does_not_fit_is_named(void)
{
    static const int32_t ids[2][2] = {{0, N}, {1, 2}};
    lines l = {0};
    akin_error e = {0};
    write_vectors("base.npy", N, DIM, 1);
    write_vectors("queries.npy", 2, DIM, 2);
    akin_bench_index_options opt = options_of(&l);
    opt.k = N + 1;
    CHECK_STATUS(akin_bench_index(&opt, keep_line, &l, &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, "501 vectors are wanted") != NULL);
    opt.k = 1;
    opt.truth = path_of("truth.npy");
    CHECK_STATUS(akin_bench_index(&opt, keep_line, &l, &e), AKIN_ENOTFOUND);
    write_ids("truth.npy", ids[0], 1, 2);
    CHECK_STATUS(akin_bench_index(&opt, keep_line, &l, &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, "has the shape (1, 2), not (2, 1 or more)") != NULL);
    write_ids("truth.npy", ids[0], 2, 2);
    opt.k = 2;
    CHECK_STATUS(akin_bench_index(&opt, keep_line, &l, &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, "names vector 500, but there are 500") != NULL);
    CHECK_EQ_INT(l.n, 0);
    opt.truth = NULL;
    opt.index.links = 1000;
    CHECK_STATUS(akin_bench_index(&opt, keep_line, &l, &e), AKIN_EUSAGE);
    write_vectors("queries.npy", 2, DIM + 1, 2);
    CHECK_STATUS(akin_bench_index(&opt, keep_line, &l, &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, "have 25 values") != NULL);
    write_vectors("queries.npy", 0, DIM, 2);
    CHECK_STATUS(akin_bench_index(&opt, keep_line, &l, &e), AKIN_EUSAGE);
    CHECK(strstr(e.text, "there are no queries") != NULL);
    opt.base = NULL;
    CHECK_STATUS(akin_bench_index(&opt, keep_line, &l, &e), AKIN_EUSAGE);
}

static void it_can_be_stopped(void)
{
    akin_error e = {0};
    write_vectors("base.npy", N, DIM, 1);
    write_vectors("queries.npy", N_QUERIES, DIM, 2);
    for (size_t at = 1; at < 200; at += 7) {
        lines l = {.stop_at = at};
        akin_bench_index_options opt = options_of(&l);
        akin_status status = akin_bench_index(&opt, keep_line, &l, &e);
        if (status == AKIN_OK) {
            CHECK(at > 3);
            return;
        }
        CHECK_STATUS(status, AKIN_ECANCELLED);
    }
}

const test_case test_bench_index_cases[] = {
    {"bench_index/lines_are_measured", lines_are_measured},
    {"bench_index/a_given_truth_counts", a_given_truth_counts},
    {"bench_index/defaults_are_told", defaults_are_told},
    {"bench_index/no_effort_is_far_below_k", no_effort_is_far_below_k},
    {"bench_index/what_does_not_fit_is_named", what_does_not_fit_is_named},
    {"bench_index/it_can_be_stopped", it_can_be_stopped},
    {0},
};
