/* SPDX-License-Identifier: MIT
 * The arithmetic of vectors: one float32 query against float16 rows, and exact
 * conversion between the two; one table of kernels per instruction set. */
#ifndef INDEX_DISTANCE_H
#define INDEX_DISTANCE_H

#include <stddef.h>

typedef struct distance_query {
    const float *vector; /* [dim] */
    size_t dim;          /* any length */
} distance_query;

/* Rows are [dim] little-endian float16 at any alignment. Sums are float32; a
 * row's sum is the same bits whichever rows stand around it. */
typedef struct distance_table {
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
    void (*l2sq_gather)(const distance_query *q,
                        const unsigned char *const *rows, size_t n,
                        float *l2sq);

    /* float16 to float32 is exact; back it rounds to nearest, ties to even,
     * beyond 65504 to infinity. NaN stays NaN. */
    void (*from_half)(const unsigned char *half, size_t n, float *out);
    void (*to_half)(const float *in, size_t n, unsigned char *half);
} distance_table;

/* The table of isa_get's instruction set. Thread-safe. */
const distance_table *distance_get(void);

void distance_from_half(const unsigned char *half, size_t n, float *out);
void distance_to_half(const float *in, size_t n, unsigned char *half);

#endif
