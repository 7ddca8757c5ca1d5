/* SPDX-License-Identifier: MIT
 * The arithmetic of vectors: one float32 query against float16 rows, and exact
 * conversion between the two; one table of kernels per instruction set. */
#ifndef INDEX_DISTANCE_H
#define INDEX_DISTANCE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct distance_query {
    const float *vector; /* [dim] */
    size_t dim;          /* any length */
} distance_query;

/* Rows are [dim] little-endian float16 at any alignment. Sums are float32; a
 * row's sum is the same bits whichever rows stand around it. */
typedef struct distance_table {
    const char *isa; /* "scalar", "avx2", "avx512" or "neon" */

    /* n rows one behind the other. */
    void (*dot_rows)(const distance_query *q, const unsigned char *rows,
                     size_t n, float *dot);
    void (*dot_norm_rows)(const distance_query *q, const unsigned char *rows,
                          size_t n, float *dot, float *normsq);
    void (*l2sq_rows)(const distance_query *q, const unsigned char *rows,
                      size_t n, float *l2sq);

    /* n rows anywhere. */
    void (*dot_gather)(const distance_query *q,
                       const unsigned char *const *rows, size_t n, float *dot);

    /* float16 to float32 is exact; back it rounds to nearest, ties to even,
     * beyond 65504 to infinity. NaN stays NaN. */
    void (*from_half)(const unsigned char *half, size_t n, float *out);
    void (*to_half)(const float *in, size_t n, unsigned char *half);
} distance_table;

/* The fastest table this processor can run; chosen at the first call.
 * Thread-safe. */
const distance_table *distance_get(void);

/* Tests only: makes distance_get return another table. false if the name is
 * unknown or the processor cannot run it; NULL goes back to the fastest. */
bool distance_use(const char *isa);

void distance_from_half(const unsigned char *half, size_t n, float *out);
void distance_to_half(const float *in, size_t n, unsigned char *half);

#endif
