/* SPDX-License-Identifier: MIT
 * For check_faiss.py: makes, searches, changes and rewrites FAISS files.
 *
 *   faiss_tool build TYPE METRIC VECTORS.f32 DIM OUT.faiss [THREADS]
 *       METRIC l2 or ip, or - for that of the type
 *   faiss_tool search IN.faiss QUERIES.f32 K EFFORT OUT.i64 OUT.f32
 *   faiss_tool rewrite IN.faiss OUT.faiss
 *   faiss_tool remove IN.faiss FIRST N OUT.faiss */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "interop/faiss.h"

#define MAX_BYTES ((size_t)8 << 30)

static akin_status write_all(const char *path, const void *data, size_t n,
                             akin_error *err)
{
    file_writer *w;
    AKIN_TRY(file_writer_open(path, &w, err));
    akin_status status = file_writer_put(w, data, n, err);
    if (status == AKIN_OK) return file_writer_finish(w, err);
    file_writer_discard(w);
    return status;
}

static akin_status number(const char *text, size_t *out, akin_error *err)
{
    int64_t value;
    if (!text_to_int64(text, &value) || value < 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' is no number", text);
    *out = (size_t)value;
    return AKIN_OK;
}

/* ids are 1000 + 3 i where a map wants some. */
static akin_status fill(vecs *v, const float *x, size_t n, size_t threads,
                        akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(n, sizeof(int64_t), "ids", &p, err));
    int64_t *ids = p;
    for (size_t i = 0; i < n; i++) ids[i] = 1000 + 3 * (int64_t)i;
    akin_status status = vecs_train(
        v, x, n, &(vecs_train_options){.threads = threads}, err);
    if (status == AKIN_OK)
        status = vecs_add(v, x, vecs_get_options(v)->map ? ids : NULL, n,
                          threads, err);
    mem_free(ids);
    return status;
}

static akin_status build(char **args, int n_args, akin_error *err)
{
    akin_status status = AKIN_OK;
    vecs *v = NULL;
    char *data = NULL;
    size_t bytes = 0, dim, threads = 0;
    vecs_options opt;
    AKIN_TRYG(vecs_parse(args[0], &opt, err));
    if (args[1][0] != '-')
        opt.metric = text_equal(args[1], "ip") ? METRIC_DOT : METRIC_L2SQ;
    AKIN_TRYG(number(args[3], &dim, err));
    if (n_args > 5) AKIN_TRYG(number(args[5], &threads, err));
    AKIN_TRYG(file_read(args[2], MAX_BYTES, &data, &bytes, err));
    AKIN_TRYG(vecs_new(&opt, dim, &v, err));
    AKIN_TRYG(fill(v, (const float *)(const void *)data,
                   bytes / sizeof(float) / dim, threads, err));
    AKIN_TRYG(faiss_save(args[4], v, err));
done:
    vecs_free(v);
    mem_free(data);
    return status;
}

static akin_status search(char **args, akin_error *err)
{
    akin_status status = AKIN_OK;
    vecs *v = NULL;
    char *data = NULL;
    size_t bytes = 0;
    void *ids = NULL, *distances = NULL;
    vecs_query q = {0};
    AKIN_TRYG(number(args[2], &q.k, err));
    AKIN_TRYG(number(args[3], &q.effort, err));
    AKIN_TRYG(faiss_load(args[0], &v, err));
    AKIN_TRYG(file_read(args[1], MAX_BYTES, &data, &bytes, err));
    q.vectors = (const float *)(const void *)data;
    q.n = bytes / sizeof(float) / vecs_dim(v);
    AKIN_TRYG(mem_new_array(q.n * q.k, sizeof(int64_t), "ids", &ids, err));
    AKIN_TRYG(mem_new_array(q.n * q.k, sizeof(float), "hits", &distances,
                            err));
    AKIN_TRYG(vecs_search(v, &q, ids, distances, err));
    AKIN_TRYG(write_all(args[4], ids, q.n * q.k * sizeof(int64_t), err));
    AKIN_TRYG(write_all(args[5], distances, q.n * q.k * sizeof(float), err));
done:
    mem_free(ids);
    mem_free(distances);
    mem_free(data);
    vecs_free(v);
    return status;
}

static akin_status rewrite(const char *from, const char *to, akin_error *err)
{
    vecs *v = NULL;
    AKIN_TRY(faiss_load(from, &v, err));
    akin_status status = faiss_save(to, v, err);
    vecs_free(v);
    return status;
}

static akin_status remove_some(char **args, akin_error *err)
{
    akin_status status = AKIN_OK;
    vecs *v = NULL;
    void *p = NULL;
    size_t first, n, n_removed;
    AKIN_TRYG(number(args[1], &first, err));
    AKIN_TRYG(number(args[2], &n, err));
    AKIN_TRYG(mem_new_array(n, sizeof(int64_t), "ids", &p, err));
    int64_t *ids = p;
    for (size_t i = 0; i < n; i++) ids[i] = (int64_t)(first + i);
    AKIN_TRYG(faiss_load(args[0], &v, err));
    AKIN_TRYG(vecs_remove(v, ids, n, &n_removed, err));
    AKIN_TRYG(faiss_save(args[3], v, err));
done:
    mem_free(p);
    vecs_free(v);
    return status;
}

int main(int argc, char **argv)
{
    akin_error err = {0};
    akin_status status = AKIN_EUSAGE;
    const char *verb = argc > 1 ? argv[1] : "";
    if (argc >= 7 && strcmp(verb, "build") == 0)
        status = build(argv + 2, argc - 2, &err);
    else if (argc == 8 && strcmp(verb, "search") == 0)
        status = search(argv + 2, &err);
    else if (argc == 4 && strcmp(verb, "rewrite") == 0)
        status = rewrite(argv[2], argv[3], &err);
    else if (argc == 6 && strcmp(verb, "remove") == 0)
        status = remove_some(argv + 2, &err);
    if (status != AKIN_OK)
        fprintf(stderr, "%s %s\n", akin_status_name(status), err.text);
    return status == AKIN_OK ? 0 : 1;
}
