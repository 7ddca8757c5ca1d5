/* SPDX-License-Identifier: MIT
 * Hunts for a FAISS file whose counts, sizes, lists, ids or links make the
 * reader or a search of what it read look past an array, or allocate by a
 * number the file does not hold. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "interop/faiss.h"

enum { K = 3, N_QUERIES = 9, MOST_DIM = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void search(const vecs *v, size_t n, size_t effort)
{
    int64_t ids[K * N_QUERIES];
    float distances[K * N_QUERIES];
    float *queries = mem_array(n * vecs_dim(v), sizeof *queries);
    if (!queries) abort();
    for (size_t i = 0; i < n * vecs_dim(v); i++) queries[i] = (float)(i % 7);
    vecs_query q = {.vectors = queries, .n = n, .k = K, .effort = effort,
                    .threads = 1};
    if (vecs_search(v, &q, ids, distances, NULL) != AKIN_OK) abort();
    for (size_t i = 0; i < n * K; i++)
        if (ids[i] != -1 && distances[i] != distances[i]) abort();
    mem_free(queries);
}

static void change(vecs *v)
{
    int64_t ids[2] = {0, 1};
    size_t n_removed, before = vecs_size(v);
    float *row = mem_array(vecs_dim(v), sizeof *row);
    if (!row) abort();
    (void)!vecs_get(v, 1, row, NULL);
    if (vecs_remove(v, ids, 2, &n_removed, NULL) != AKIN_OK ||
        vecs_size(v) + n_removed != before)
        abort();
    if (vecs_is_trained(v) && vecs_add(v, row, NULL, 1, 1, NULL) != AKIN_OK)
        abort();
    mem_free(row);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    vecs *v = NULL;
    int fd = memfd_create("faiss", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    akin_status status = faiss_load(path, &v, NULL);
    if ((status == AKIN_OK) != (v != NULL)) abort();
    if (v && vecs_dim(v) <= MOST_DIM) {
        search(v, 1, 0);
        search(v, N_QUERIES, 4);
        change(v);
        search(v, N_QUERIES, 0);
    }
    vecs_free(v);
    close(fd);
    return 0;
}
