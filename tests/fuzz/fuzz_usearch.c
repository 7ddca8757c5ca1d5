/* SPDX-License-Identifier: MIT
 * Hunts for a usearch file whose sizes, levels, lists or links make the reader,
 * the graph made of it or the salvage look past the file, walk in circles or
 * allocate by a number the file does not hold. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "interop/usearch.h"

enum { DIM = 4, EF = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static akin_status take(void *user, uint64_t key, const unsigned char *vector,
                        akin_error *err)
{
    (void)err;
    uint64_t *sum = user;
    for (size_t i = 0; i < 2 * DIM; i++) *sum += vector[i];
    if (key == GRAPH_FREE_KEY) abort();
    return AKIN_OK;
}

static void search(const graph *g, size_t dim)
{
    topk top = {0};
    float *query = mem_array(dim, sizeof *query);
    if (query && topk_init(&top, 3, false, NULL) == AKIN_OK) {
        for (size_t i = 0; i < dim; i++) query[i] = (float)i;
        if (graph_search(g, query, EF, &top, NULL) != AKIN_OK) abort();
    }
    topk_clear(&top);
    mem_free(query);
}

static void use(const char *path, usearch_level level)
{
    usearch_file *f = NULL;
    graph *g = NULL;
    size_t slot = 0, n_dropped = 0;
    bool found = false;
    if (usearch_open(path, level, &f, NULL) != AKIN_OK) {
        if (f) abort();
        return;
    }
    const usearch_info *info = usearch_get_info(f);
    const unsigned char *row = usearch_vectors(f);
    volatile unsigned char last = 0; /* volatile: each byte is read */
    for (size_t i = 0; i < info->n_rows * info->dim * 2; i++) last = row[i];
    (void)last;
    for (size_t i = 0; i < info->n_rows; i++) {
        uint64_t key = usearch_key(f, i);
        if (usearch_find(f, key, &found, &slot, NULL) != AKIN_OK) abort();
        if (found && (slot >= info->n_rows || usearch_key(f, slot) != key))
            abort();
    }
    if (usearch_load_graph(f, 0, &g, &n_dropped, NULL) == AKIN_OK)
        search(g, info->dim);
    graph_free(g);
    usearch_close(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    uint64_t sum = 0;
    int fd = memfd_create("usearch", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    use(path, USEARCH_HEADER);
    use(path, USEARCH_STRUCTURE);
    (void)!usearch_salvage(path, DIM, take, &sum, NULL);
    close(fd);
    return 0;
}
