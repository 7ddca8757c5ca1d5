/* SPDX-License-Identifier: MIT
 * NumPy files: float vectors out of .npy (format 1.0 to 3.0) and .npz, and
 * into .npy, byte for byte as numpy.save writes them; ids out of .npy. */
#ifndef INTEROP_NPY_H
#define INTEROP_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct npy_vectors {
    float *data; /* [n, dim], owned (mem_free) */
    size_t n, dim;
} npy_vectors;

/* Reads a [dim] (n = 1) or [n, dim] array of float16, float32, float64, int8
 * or uint8, of either byte order, in C or Fortran order, at most max_values
 * numbers. float64 beyond the range of float32 becomes infinite.
 *
 * A .npz, told by its first bytes, is a zip of arrays: the one read is
 * 'vectors', else 'embeddings', else 'arr_0', else the only one with two axes
 * and a type from above. Its checksum is compared.
 *
 * AKIN_ENOTFOUND, AKIN_EIO, AKIN_ECORRUPT, AKIN_EVERSION, AKIN_EUNSUPPORTED
 * (another type or shape, named), AKIN_ELIMIT. */
akin_status npy_read_vectors(const char *path, size_t max_values,
                             npy_vectors *out, akin_error *err) AKIN_NODISCARD;

typedef struct npy_ids {
    uint64_t *data; /* [n, dim], owned (mem_free) */
    size_t n, dim;
} npy_ids;

/* Reads a [dim] (n = 1) or [n, dim] array of int32, int64, uint32 or uint64
 * out of a .npy, of either byte order, in C or Fortran order, at most max_values
 * numbers. Errors as of npy_read_vectors; a negative number is
 * AKIN_EUNSUPPORTED. */
akin_status npy_read_ids(const char *path, size_t max_values, npy_ids *out,
                         akin_error *err) AKIN_NODISCARD;

/* Writes [n, dim] float32, little-endian, in C order; PATH is the old file or
 * the new one, never a part. */
akin_status npy_write_vectors(const char *path, const float *data, size_t n,
                              size_t dim, akin_error *err) AKIN_NODISCARD;

/* The same in pieces, for n rows known beforehand: memory does not grow with
 * n. commit fails with AKIN_EINTERNAL unless n rows were put, as put does on
 * more. commit and discard both end the writer; discard accepts NULL. */
typedef struct npy_writer npy_writer;
akin_status npy_writer_open(const char *path, size_t n, size_t dim,
                            npy_writer **out, akin_error *err) AKIN_NODISCARD;
akin_status npy_writer_put(npy_writer *writer, const float *rows, size_t n_rows,
                           akin_error *err) AKIN_NODISCARD;
akin_status npy_writer_commit(npy_writer *writer, akin_error *err)
    AKIN_NODISCARD;
void npy_writer_discard(npy_writer *writer);

#endif
