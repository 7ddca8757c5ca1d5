/* SPDX-License-Identifier: MIT
 * For check_usearch.py: builds and searches index files from raw float32.
 *
 *   usearch_tool build VECTORS.f32 DIM OUT.index [THREADS [SEED]]
 *   usearch_tool search IN.index QUERIES.f32 K EF     prints K keys a line
 *   usearch_tool check IN.index                       validates every node
 *
 * Keys are row numbers plus 1. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "index/distance.h"
#include "index/graph.h"
#include "interop/usearch.h"

#define MAX_BYTES ((size_t)8 << 30)

static akin_status build(char **args, const int64_t *number, akin_error *err)
{
    akin_status status = AKIN_OK;
    char *data = NULL;
    unsigned char *half = NULL;
    uint64_t *keys = NULL;
    graph *g = NULL;
    size_t bytes = 0, dim = (size_t)number[1];
    AKIN_TRYG(file_read(args[0], MAX_BYTES, &data, &bytes, err));
    size_t n = bytes / sizeof(float) / dim;
    half = mem_array(n, 2 * dim);
    keys = mem_array(n, sizeof *keys);
    if (!half || !keys) return AKIN_ENOMEM;
    distance_to_half((const float *)(const void *)data, n * dim, half);
    for (size_t i = 0; i < n; i++) keys[i] = i + 1;
    graph_options opt = {.dim = dim, .seed = (uint64_t)number[4]};
    AKIN_TRYG(graph_new(&opt, &g, err));
    double start = clock_now_s();
    AKIN_TRYG(graph_add(g, keys, half, n, (size_t)number[3], err));
    fprintf(stderr, "%.0f inserts/s\n", (double)n / (clock_now_s() - start));
    AKIN_TRYG(usearch_save(args[2], g, err));
done:
    graph_free(g);
    mem_free(keys);
    mem_free(half);
    mem_free(data);
    return status;
}

static akin_status search(char **args, const int64_t *number, akin_error *err)
{
    akin_status status = AKIN_OK;
    usearch_file *file = NULL;
    graph *g = NULL;
    char *data = NULL;
    size_t bytes = 0, dropped;
    AKIN_TRYG(usearch_open(args[0], USEARCH_STRUCTURE, &file, err));
    AKIN_TRYG(usearch_load_graph(file, 0, &g, &dropped, err));
    AKIN_TRYG(file_read(args[1], MAX_BYTES, &data, &bytes, err));
    size_t dim = graph_dim(g), n = bytes / sizeof(float) / dim;
    for (size_t i = 0; i < n; i++) {
        topk top = {0};
        AKIN_TRYG(topk_init(&top, (size_t)number[2], false, err));
        status = graph_search(g, (const float *)(const void *)data + i * dim,
                              (size_t)number[3], &top, err);
        topk_sort(&top);
        for (size_t k = 0; k < top.n; k++)
            printf("%" PRIu64 "%c", top.hits[k].key,
                   k + 1 < top.n ? ' ' : '\n');
        topk_clear(&top);
        if (status != AKIN_OK) goto done;
    }
done:
    mem_free(data);
    graph_free(g);
    usearch_close(file);
    return status;
}

static akin_status check(char **args, akin_error *err)
{
    usearch_file *file = NULL;
    AKIN_TRY(usearch_open(args[0], USEARCH_STRUCTURE, &file, err));
    const usearch_info *info = usearch_get_info(file);
    printf("%zu %zu\n", info->n_rows, info->n_present);
    usearch_close(file);
    return AKIN_OK;
}

int main(int argc, char **argv)
{
    int64_t number[6] = {0, 0, 0, 1, 1, 0};
    akin_error err = {0};
    akin_status status = AKIN_EUSAGE;
    for (int i = 2; i < argc && i < 8; i++)
        (void)text_to_int64(argv[i], &number[i - 2]);
    if (argc >= 5 && strcmp(argv[1], "build") == 0)
        status = build(argv + 2, number, &err);
    else if (argc == 6 && strcmp(argv[1], "search") == 0)
        status = search(argv + 2, number, &err);
    else if (argc == 3 && strcmp(argv[1], "check") == 0)
        status = check(argv + 2, &err);
    if (status != AKIN_OK)
        fprintf(stderr, "%s %s\n", akin_status_name(status), err.text);
    return status == AKIN_OK ? 0 : 1;
}
