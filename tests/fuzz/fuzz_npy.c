/* SPDX-License-Identifier: MIT
 * Hunts for a .npy header that makes the reader look past the file, allocate
 * by a shape the file does not hold, or give vectors of a size of its own. */
#define _GNU_SOURCE
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
    enum { MAX_VALUES = 1 << 20 };
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
    if (v.n * v.dim > MAX_VALUES || v.n * v.dim * 4 > size) abort();
    for (size_t i = 0; i < v.n * v.dim; i++) sum += v.data[i];
    mem_free(v.data);
    return 0;
}
