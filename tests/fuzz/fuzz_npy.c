/* SPDX-License-Identifier: MIT
 * Hunts for a .npy header or a .npz directory that makes the reader look past
 * the file, allocate by a shape the file does not hold, inflate without end, or
 * give vectors or ids of a size of its own. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "interop/npy.h"

enum { MAX_VALUES = 1 << 20, DEFLATE_RATIO = 1032 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_vectors(const char *path, size_t size, bool zip)
{
    volatile float sum = 0;
    npy_vectors v = {0};
    if (npy_read_vectors(path, MAX_VALUES, &v, NULL) != AKIN_OK) {
        if (v.data) abort();
        return;
    }
    if (v.n > MAX_VALUES || v.dim > MAX_VALUES || v.n * v.dim > MAX_VALUES ||
        v.n * v.dim > size * (zip ? DEFLATE_RATIO : 1))
        abort();
    for (size_t i = 0; i < v.n * v.dim; i++) sum += v.data[i];
    (void)sum;
    mem_free(v.data);
}

static void read_ids(const char *path, size_t size)
{
    volatile uint64_t sum = 0;
    npy_ids ids = {0};
    if (npy_read_ids(path, MAX_VALUES, &ids, NULL) != AKIN_OK) {
        if (ids.data) abort();
        return;
    }
    if (ids.n > MAX_VALUES || ids.dim > MAX_VALUES ||
        ids.n * ids.dim > MAX_VALUES || ids.n * ids.dim > size / 4)
        abort();
    for (size_t i = 0; i < ids.n * ids.dim; i++) sum += ids.data[i];
    (void)sum;
    mem_free(ids.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("npy", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    read_vectors(path, size, size > 0 && data[0] == 'P');
    read_ids(path, size);
    close(fd);
    return 0;
}
