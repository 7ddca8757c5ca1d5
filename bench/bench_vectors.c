/* SPDX-License-Identifier: MIT
 * Times the vector index at the word of compare_faiss.py, which times FAISS in
 * turn with it.
 *
 * usage: bench_vectors VECTORS.f32 QUERIES.f32 DIM
 * Reads commands from stdin and answers each with a line of seconds:
 *   build TYPE THREADS                training, adding
 *   search AT_ONCE LIMIT EFFORT K THREADS
 *                                     all of the first LIMIT queries
 *   ids PATH                          writes those of the last search, i64 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "index/vecs.h"

#define MAX_BYTES ((size_t)16 << 30)

typedef struct bench {
    float *x, *queries;
    size_t n, n_queries, dim;
    vecs *v;
    void *ids, *distances; /* of the last search */
    size_t n_ids;
    akin_error err;
} bench;

static akin_status read_floats(const char *path, size_t dim, float **out,
                               size_t *n, akin_error *err)
{
    char *data;
    size_t bytes;
    AKIN_TRY(file_read(path, MAX_BYTES, &data, &bytes, err));
    *out = (float *)(void *)data;
    *n = bytes / sizeof(float) / dim;
    return AKIN_OK;
}

static akin_status build(bench *b, const char *type, size_t threads)
{
    vecs_options opt;
    akin_error *err = &b->err;
    vecs_free(b->v);
    b->v = NULL;
    AKIN_TRY(vecs_parse(type, &opt, err));
    AKIN_TRY(vecs_new(&opt, b->dim, &b->v, err));
    double start = clock_now_s();
    AKIN_TRY(vecs_train(b->v, b->x, b->n,
                        &(vecs_train_options){.threads = threads}, err));
    double trained = clock_now_s();
    AKIN_TRY(vecs_add(b->v, b->x, NULL, b->n, threads, err));
    printf("%.6f %.6f\n", trained - start, clock_now_s() - trained);
    return AKIN_OK;
}

static akin_status search(bench *b, size_t at_once, size_t limit,
                          size_t effort, size_t k, size_t threads)
{
    akin_error *err = &b->err;
    if (limit > b->n_queries) limit = b->n_queries;
    mem_free(b->ids);
    mem_free(b->distances);
    b->ids = b->distances = NULL;
    b->n_ids = limit * k;
    AKIN_TRY(mem_new_array(b->n_ids, sizeof(int64_t), "ids", &b->ids, err));
    AKIN_TRY(mem_new_array(b->n_ids, sizeof(float), "hits", &b->distances,
                           err));
    double start = clock_now_s();
    for (size_t i = 0; i < limit; i += at_once) {
        vecs_query q = {.vectors = b->queries + i * b->dim, .k = k,
                        .n = at_once < limit - i ? at_once : limit - i,
                        .effort = effort, .threads = threads};
        AKIN_TRY(vecs_search(b->v, &q, (int64_t *)b->ids + i * k,
                             (float *)b->distances + i * k, err));
    }
    printf("%.6f\n", clock_now_s() - start);
    return AKIN_OK;
}

static akin_status write_ids(bench *b, const char *path)
{
    file_writer *w;
    AKIN_TRY(file_writer_open(path, &w, &b->err));
    AKIN_TRY(file_writer_put(w, b->ids, b->n_ids * sizeof(int64_t), &b->err));
    AKIN_TRY(file_writer_finish(w, &b->err));
    puts("0");
    return AKIN_OK;
}

static akin_status obey(bench *b, const char *line)
{
    char word[512];
    size_t number[5];
    if (sscanf(line, "build %500s %zu", word, number) == 2)
        return build(b, word, number[0]);
    if (sscanf(line, "search %zu %zu %zu %zu %zu", number, number + 1,
               number + 2, number + 3, number + 4) == 5)
        return search(b, number[0], number[1], number[2], number[3],
                      number[4]);
    if (sscanf(line, "ids %500s", word) == 1) return write_ids(b, word);
    return AKIN_FAIL(&b->err, AKIN_EUSAGE, "'%s' is no command", line);
}

int main(int argc, char **argv)
{
    bench b = {0};
    char line[1024];
    int64_t dim;
    akin_status status = AKIN_EUSAGE;
    if (argc == 4 && text_to_int64(argv[3], &dim) && dim > 0) {
        b.dim = (size_t)dim;
        status = read_floats(argv[1], b.dim, &b.x, &b.n, &b.err);
        if (status == AKIN_OK)
            status = read_floats(argv[2], b.dim, &b.queries, &b.n_queries,
                                 &b.err);
    }
    while (status == AKIN_OK && fgets(line, sizeof line, stdin)) {
        status = obey(&b, line);
        fflush(stdout);
    }
    if (status != AKIN_OK)
        fprintf(stderr, "bench_vectors: %s %s\n", akin_status_name(status),
                b.err.text);
    vecs_free(b.v);
    mem_free(b.ids);
    mem_free(b.distances);
    mem_free(b.x);
    mem_free(b.queries);
    return status == AKIN_OK ? 0 : 2;
}
