/* SPDX-License-Identifier: MIT
 * Hunts for a .npy header or a .npz directory that makes the reader look past
 * the file, allocate by a shape the file does not hold, inflate without end, or
 * give vectors of a size of its own. */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "interop/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { MAX_VALUES = 1 << 20, DEFLATE_RATIO = 1032 };
    char path[64];
    volatile float sum = 0;
    npy_vectors v = {0};
    int fd = memfd_create("npy", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    akin_status status = npy_read_vectors(path, MAX_VALUES, &v, NULL);
    close(fd);
    if (status != AKIN_OK) {
        if (v.data) abort();
        return 0;
    }
    bool zip = size > 0 && data[0] == 'P';
    if (v.n > MAX_VALUES || v.dim > MAX_VALUES || v.n * v.dim > MAX_VALUES ||
        v.n * v.dim > size * (zip ? DEFLATE_RATIO : 1))
        abort();
    for (size_t i = 0; i < v.n * v.dim; i++) sum += v.data[i];
    (void)sum;
    mem_free(v.data);
    return 0;
}
