/* SPDX-License-Identifier: MIT
 * Whether searches find the share of the true neighbours that was asked for:
 * in an index built at once; after half of its vectors were removed and put
 * back in batches of all sizes; and in one that grew by a hundred at a time.
 * The truth is the index's own exact search. Beside the ef that the index took
 * for a recall is the least one that gives it.
 *
 * usage: bench_recall SET...
 * A set is a folder with base.npy, query.npy and metric (bench/peers/run). */
#include <stdio.h>
#include <string.h>

#include "akin/index.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "index/mesh_int.h"
#include "interop/npy.h"

#define MAX_VALUES ((size_t)1 << 34)

enum {
    K = 10,
    GROWN = 100000, /* vectors of an index that grows */
    STEP = 100,     /* by so many at a time */
    MOST = 4096,    /* of ef */
};
static const double promised[] = {0.9, 0.95, 0.99};
static const size_t batches[] = {1, 7, 50, 300, 2000, 10000};

typedef struct bench {
    const char *set; /* its name */
    akin_metric metric;
    npy_vectors base, queries;
    akin_index *index;
    akin_index_hit *truth; /* [queries.n, K] */
    size_t *counts;        /* [queries.n] */
    uint64_t *order;       /* [base.n] ids by chance */
} bench;

/* ---- a set ---- */

static akin_status read_metric(const char *folder, akin_metric *out,
                               akin_error *err)
{
    static const struct { const char *name; akin_metric metric; } names[] = {
        {"l2", AKIN_METRIC_L2SQ}, {"cos", AKIN_METRIC_COSINE},
        {"dot", AKIN_METRIC_DOT}, {"ip", AKIN_METRIC_DOT}};
    char *path = file_join(folder, "metric"), *text = NULL;
    size_t n;
    akin_status status = file_read(path, 64, &text, &n, err);
    mem_free(path);
    AKIN_TRY(status);
    status = AKIN_FAIL(err, AKIN_EUSAGE, "'%s' has no metric", folder);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strncmp(text, names[i].name, strlen(names[i].name))) continue;
        *out = names[i].metric;
        status = AKIN_OK;
    }
    mem_free(text);
    return status;
}

static akin_status read_vectors(const char *folder, const char *name,
                                npy_vectors *out, akin_error *err)
{
    char *path = file_join(folder, name);
    akin_status status = npy_read_vectors(path, MAX_VALUES, out, err);
    mem_free(path);
    return status;
}

static void shuffle(bench *b)
{
    random_state r = {1};
    for (size_t i = 0; i < b->base.n; i++) b->order[i] = i;
    for (size_t i = b->base.n; i > 1; i--) {
        size_t k = random_below(&r, (uint32_t)i);
        uint64_t id = b->order[k];
        b->order[k] = b->order[i - 1];
        b->order[i - 1] = id;
    }
}

static akin_status open_set(bench *b, const char *folder, akin_error *err)
{
    const char *slash = strrchr(folder, '/');
    void *p;
    b->set = slash ? slash + 1 : folder;
    AKIN_TRY(read_metric(folder, &b->metric, err));
    AKIN_TRY(read_vectors(folder, "base.npy", &b->base, err));
    AKIN_TRY(read_vectors(folder, "query.npy", &b->queries, err));
    if (b->base.dim != b->queries.dim)
        return AKIN_FAIL(err, AKIN_EUSAGE, "vectors and queries of '%s' have "
                         "%zu and %zu values", folder, b->base.dim,
                         b->queries.dim);
    AKIN_TRY(mem_new_array(b->queries.n * K, sizeof *b->truth, "a truth", &p,
                           err));
    b->truth = p;
    AKIN_TRY(mem_new_array(b->queries.n, sizeof *b->counts, "a truth", &p,
                           err));
    b->counts = p;
    AKIN_TRY(mem_new_array(b->base.n, sizeof *b->order, "ids", &p, err));
    b->order = p;
    shuffle(b);
    return AKIN_OK;
}

static void close_set(bench *b)
{
    akin_index_close(b->index);
    mem_free(b->base.data);
    mem_free(b->queries.data);
    mem_free(b->truth);
    mem_free(b->counts);
    mem_free(b->order);
}

/* ---- changing the index ---- */

static akin_status new_index(bench *b, akin_error *err)
{
    akin_index_options opt = {.dim = b->base.dim, .metric = b->metric,
                              .type = AKIN_F16};
    akin_index_close(b->index);
    b->index = NULL;
    return akin_index_new(&opt, &b->index, err);
}

static akin_status build(bench *b, akin_error *err)
{
    AKIN_TRY(new_index(b, err));
    return akin_index_add(b->index, NULL, b->base.data, b->base.n, NULL, err);
}

static akin_status grow(bench *b, akin_error *err)
{
    size_t n = b->base.n < GROWN ? b->base.n : GROWN;
    AKIN_TRY(new_index(b, err));
    for (size_t i = 0; i < n; i += STEP)
        AKIN_TRY(akin_index_add(b->index, NULL, b->base.data + i * b->base.dim,
                                n - i < STEP ? n - i : STEP, NULL, err));
    return AKIN_OK;
}

/* rows: [n, dim] to work in. */
static akin_status put_back(bench *b, const uint64_t *ids, size_t n,
                            float *rows, akin_error *err)
{
    size_t dim = b->base.dim;
    for (size_t i = 0; i < n; i++)
        memcpy(rows + i * dim, b->base.data + ids[i] * dim,
               dim * sizeof *rows);
    return akin_index_add(b->index, ids, rows, n, NULL, err);
}

/* What was removed comes back after the next batch was removed. */
static akin_status churn(bench *b, akin_error *err)
{
    size_t n_batches = sizeof batches / sizeof *batches, last = 0;
    size_t half = b->base.n / 2, before = 0;
    void *rows;
    akin_status status = AKIN_OK;
    AKIN_TRY(mem_new_array(batches[n_batches - 1] * b->base.dim, sizeof(float),
                           "vectors", &rows, err));
    for (size_t i = 0, turn = 0; i < half; i += last, turn++) {
        const uint64_t *ids = b->order + i;
        size_t n = batches[turn % n_batches];
        if (n > half - i) n = half - i;
        AKIN_TRYG(akin_index_remove(b->index, ids, n, NULL, err));
        AKIN_TRYG(put_back(b, ids - before, before, rows, err));
        last = before = n;
    }
    AKIN_TRYG(put_back(b, b->order + half - before, before, rows, err));
done:
    mem_free(rows);
    return status;
}

/* ---- asking it ---- */

/* All queries once, with the effort of `how`; the share of hits that are as
 * near as the last true one. */
static akin_status ask(bench *b, const akin_index_query *how, double *recall,
                       akin_error *err)
{
    size_t n_found = 0;
    for (size_t i = 0; i < b->queries.n; i++) {
        akin_index_hit hits[K];
        size_t n = 0;
        akin_index_query q = *how;
        q.vector = b->queries.data + i * b->queries.dim;
        AKIN_TRY(akin_index_search(b->index, &q, hits, &n, err));
        n_found += mesh_count_found(b->index, b->truth + i * K, b->counts[i],
                                    hits, n);
    }
    *recall = (double)n_found / (double)(b->queries.n * K);
    return AKIN_OK;
}

/* The least ef that gives a recall; MOST if none does. */
static akin_status find_needed(bench *b, double recall, size_t *ef,
                               akin_error *err)
{
    size_t from = K, to = MOST;
    while (from < to) {
        akin_index_query q = {.k = K, .ef = (from + to) / 2};
        double got;
        if (q.ef > 4 * from) q.ef = 4 * from; /* large ones take long */
        AKIN_TRY(ask(b, &q, &got, err));
        if (got < recall)
            from = q.ef + 1;
        else
            to = q.ef;
    }
    *ef = to;
    return AKIN_OK;
}

static akin_status print_phase(bench *b, const char *phase, akin_error *err)
{
    akin_index_query q = {.k = K};
    akin_index_stats stats;
    akin_index_get_stats(b->index, &stats);
    AKIN_TRY(akin_index_search_batch(b->index, &q, b->queries.data,
                                     b->queries.n, 0, b->truth, b->counts,
                                     err));
    for (size_t i = 0; i < sizeof promised / sizeof *promised; i++) {
        double got;
        size_t needed;
        q.recall = promised[i];
        AKIN_TRY(ask(b, &q, &got, err)); /* warms up */
        double start = clock_now_s();
        AKIN_TRY(ask(b, &q, &got, err));
        double seconds = clock_now_s() - start;
        AKIN_TRY(find_needed(b, promised[i], &needed, err));
        printf("%s,%s,%zu,%.2f,%.4f,%zu,%zu,%.0f\n", b->set, phase, stats.n,
               promised[i], got, mesh_ef(b->index, &q), needed,
               (double)b->queries.n / seconds);
        fflush(stdout);
    }
    return AKIN_OK;
}

static akin_status run_set(bench *b, const char *folder, akin_error *err)
{
    AKIN_TRY(open_set(b, folder, err));
    AKIN_TRY(build(b, err));
    AKIN_TRY(print_phase(b, "built", err));
    AKIN_TRY(churn(b, err));
    AKIN_TRY(print_phase(b, "churned", err));
    AKIN_TRY(grow(b, err));
    return print_phase(b, "grown", err);
}

int main(int argc, char **argv)
{
    akin_error err;
    if (argc < 2) {
        fputs("usage: bench_recall SET...\n", stderr);
        return 2;
    }
    puts("set,phase,n,promised,measured,ef,ef_needed,qps");
    for (int i = 1; i < argc; i++) {
        bench b = {0};
        akin_status status = run_set(&b, argv[i], &err);
        close_set(&b);
        if (status == AKIN_OK) continue;
        fprintf(stderr, "bench_recall: %s %s\n", akin_status_name(status),
                err.text);
        return 2;
    }
    return 0;
}
