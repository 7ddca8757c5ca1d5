/* SPDX-License-Identifier: MIT
 * Small codes of vectors: a random rotation, then 4 bits a dimension for a
 * distance that is nearly right, and 1 bit for a first sieve; and the kernels
 * that measure a query against them.
 *
 * A rotated vector x of P values is kept as codes c_i in 0 .. 15 with
 * x_i ~ factor * (c_i - 7.5), and its signs as a sketch. The factors are those
 * for which the estimate of a dot product is right on average: |x|^2 divided
 * by the dot of x and its code. Gao, Long: RaBitQ, 2024, and its extension to
 * more bits, 2024; the rotation is of sign flips and Hadamard transforms,
 * Ailon, Chazelle: The fast Johnson-Lindenstrauss transform, 2009. */
#ifndef INDEX_CODES_H
#define INDEX_CODES_H

#include <stddef.h>
#include <stdint.h>

/* Sizes for vectors of dim values; rotated ones have `padded`. */
typedef struct codes_shape {
    size_t padded;       /* dim up to a multiple of 64 */
    size_t code_bytes;   /* padded / 2, up to a multiple of 64 */
    size_t sketch_bytes; /* padded / 8, up to a multiple of 64 */
} codes_shape;

codes_shape codes_shape_of(size_t dim);

enum { CODES_PLANES = 4 };

/* Kernels of one instruction set. n values are a multiple of 64 each; float
 * arrays and query sides are aligned to 64 bytes, rows are too. Integer results
 * are the same bits in all tables. */
typedef struct codes_table {
    const char *isa; /* as isa_name */

    /* x[n] in place: sign flips (signs: [2][n] of +1 and -1) and orthonormal
     * Hadamard transforms over the first and the last 2^k <= n values (once
     * over all, if n is a power of two). */
    void (*rotate)(float *x, const float *signs, size_t n);

    /* The largest magnitude and the sum of squares. */
    void (*measure)(const float *x, size_t n, float *max, float *normsq);

    /* round(x * scale) in -127 .. 127, zeros up to 2 * code_bytes, and their
     * sum. */
    void (*to_bytes)(const float *x, size_t n, float scale, int8_t *bytes,
                     size_t n_bytes, int32_t *sum);

    /* c_i = floor(x_i * inverse_step) + 8, cut to 0 .. 15; a block of 64 bytes
     * has 128 values: the first 64 in the low nibbles, the others in the high
     * ones; what is behind n is 0. *dot = sum of x_i * (c_i - 7.5). */
    void (*encode_code)(const float *x, size_t n, float inverse_step,
                        uint8_t *code, size_t code_bytes, float *dot);

    /* Bit i (low first in each byte) is x_i > 0; zeros behind. *norm1 = sum of
     * |x_i|. */
    void (*encode_sketch)(const float *x, size_t n, uint8_t *sketch,
                          size_t sketch_bytes, float *norm1);

    /* The codes as encode_code makes them, but bit k of all in planes[k], in
     * the order of a sketch: the query's side of `sketch`. */
    void (*to_planes)(const float *x, size_t n, float inverse_step,
                      uint8_t *planes, size_t sketch_bytes);

    /* sums[r] = sum of bytes[i] * code_i of row r; bytes: [2 * code_bytes]. */
    void (*code)(const int8_t *bytes, const uint8_t *const *rows, size_t n_rows,
                 size_t code_bytes, int32_t *sums);

    /* The same for rows one behind the other. */
    void (*code_scan)(const int8_t *bytes, const uint8_t *rows, size_t n_rows,
                      size_t code_bytes, int32_t *sums);

    /* sums[r] = sum over k of 2^k * popcount(planes[k] ^ row r). */
    void (*sketch)(const uint8_t *planes, const uint8_t *const *rows,
                   size_t n_rows, size_t sketch_bytes, uint32_t *sums);

    /* The codes of a row as a query's bytes: 2 * code_i - 15 for i < n, zeros
     * behind, and their sum. */
    void (*expand)(const uint8_t *code, size_t n, int8_t *bytes,
                   size_t n_bytes, int32_t *sum);

    /* How many of n ascending values are smaller than the key. */
    size_t (*rank)(const uint64_t *ascending, size_t n, uint64_t key);
} codes_table;

/* The table of isa_get(). Thread-safe. */
const codes_table *codes_get(void);

#endif
