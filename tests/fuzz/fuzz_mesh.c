/* SPDX-License-Identifier: MIT
 * Hunts for an index file whose sizes, states, levels or links make a search,
 * a check or a change look past the file, or walk for ever. Each file is used
 * as it is, and once more with its checksums made right. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "index/mesh_file.h"

enum { K = 5, MAX_DIM = 64, MAX_VECTORS = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void search(akin_index *index, const float *vector)
{
    static const uint64_t allow[1] = {0x3d5};
    akin_index_hit hits[K];
    size_t n = 0;
    akin_index_query q = {.vector = vector, .k = K, .ef = 12};
    if (akin_index_search(index, &q, hits, &n, NULL) != AKIN_OK) abort();
    if (akin_index_search_exact(index, &q, hits, &n, NULL) != AKIN_OK) abort();
    for (size_t i = 0; i < n; i++) {
        float out[MAX_DIM]; /* not there: an id that the file has twice */
        akin_status status = akin_index_get(index, hits[i].id, out, NULL);
        if (status != AKIN_OK && status != AKIN_ENOTFOUND) abort();
    }
    q.allow = allow;
    q.n_allow = 12;
    if (akin_index_search(index, &q, hits, &n, NULL) != AKIN_OK) abort();
    for (size_t i = 0; i < n; i++)
        if (hits[i].id >= 12 || !(allow[0] >> hits[i].id & 1)) abort();
    size_t counts[1];
    if (akin_index_search_batch(index, &q, vector, 1, 1, hits, counts, NULL) !=
        AKIN_OK)
        abort();
}

/* The same rows with other ids, more, and fewer. */
static void change(akin_index *index, const float *vectors)
{
    akin_index_work work = {.threads = 1};
    uint64_t ids[] = {0, 3, 7, 9, 1000};
    (void)!akin_index_add(index, NULL, vectors, 3, &work, NULL);
    (void)!akin_index_add(index, ids, vectors, 5, &work, NULL);
    (void)!akin_index_remove(index, ids, 3, NULL, NULL);
    uint64_t all[200];
    for (uint64_t i = 0; i < 200; i++) all[i] = i;
    (void)!akin_index_remove(index, all, 200, NULL, NULL);
}

static void use(const char *path)
{
    akin_index *index = NULL;
    akin_index_stats stats;
    float vectors[5 * MAX_DIM];
    for (size_t i = 0; i < 5 * MAX_DIM; i++)
        vectors[i] = (float)(i * 7 % 13) - 6;
    if (akin_index_open(path, false, &index, NULL) != AKIN_OK) {
        if (index) abort();
        return;
    }
    akin_index_get_stats(index, &stats);
    if (stats.dim <= MAX_DIM && stats.n <= MAX_VECTORS) {
        search(index, vectors);
        (void)!akin_index_check(index, NULL, NULL, NULL, NULL);
        change(index, vectors);
        search(index, vectors);
    }
    akin_index_close(index);
}

static void run(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("mesh", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    use(path);
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *copy = mem_array(size ? size : 1, 1);
    if (!copy) return 0;
    run(data, size);
    if (size) memcpy(copy, data, size);
    mesh_seal(copy, size);
    run(copy, size);
    mem_free(copy);
    return 0;
}
