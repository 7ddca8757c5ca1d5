/* SPDX-License-Identifier: MIT
 * NumPy .npy files: reading float vectors (format 1.0 to 3.0). */
#ifndef INTEROP_NPY_H
#define INTEROP_NPY_H

#include <stddef.h>

#include "base/error.h"

typedef struct npy_vectors {
    float *data; /* [n, dim], owned (mem_free) */
    size_t n, dim;
} npy_vectors;

/* Reads a [dim] (n = 1) or [n, dim] array of little-endian float32 or float64
 * in C order, at most max_values numbers. AKIN_ENOTFOUND, AKIN_ECORRUPT,
 * AKIN_EUNSUPPORTED (another type, order or shape, named), AKIN_ELIMIT. */
akin_status npy_read_vectors(const char *path, size_t max_values,
                             npy_vectors *out, akin_error *err) AKIN_NODISCARD;

#endif
