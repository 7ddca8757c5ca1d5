/* SPDX-License-Identifier: MIT
 * Private to distance_*.c: the tables, and the loops that every SIMD file
 * shares. A SIMD file defines the type `vec` of VEC_N floats and its vec_
 * helpers, then DISTANCE_TABLE, then includes this. */
#ifndef INDEX_DISTANCE_INT_H
#define INDEX_DISTANCE_INT_H

#include <stdbool.h>

#include "index/distance.h"

extern const distance_table distance_scalar;
extern const distance_table distance_avx2;
extern const distance_table distance_avx512;
extern const distance_table distance_neon;

#ifdef DISTANCE_TABLE

#define FORCE_INLINE static inline __attribute__((always_inline))

/* Four rows share each load of the query; one accumulator a row and sum keeps
 * the bits equal for a row alone and a row among four. */
enum { BLOCK = 4 };

/* The scan over consecutive rows asks for memory at two distances, a line each
 * time it has used one up. The hardware's own prefetcher loses its way between
 * the four rows: on a Sapphire Rapids core rows in memory come at 8.7 GB/s
 * without, 14.2 with the near one alone and 16.7 with both, where 17.1 is what
 * a plain read gets. */
enum { NEAR_BYTES = 4096, FAR_BYTES = 16384, LINE_BYTES = 64 };

typedef enum kernel { DOT, DOT_NORM, L2SQ } kernel;

FORCE_INLINE void add_step(kernel kind, vec q, vec d, vec *a, vec *b)
{
    if (kind == L2SQ) {
        vec t = vec_sub(q, d);
        *a = vec_fma(t, t, *a);
    } else {
        *a = vec_fma(q, d, *a);
    }
    if (kind == DOT_NORM) *b = vec_fma(d, d, *b);
}

/* Four sums at once take a third of the steps of four alone, in one order. */
FORCE_INLINE void sum_rows(const vec *a, size_t n, float *out)
{
    float sums[BLOCK];
    bool whole = n == BLOCK;
    vec_sum4(a[0], a[whole ? 1 : 0], a[whole ? 2 : 0], a[whole ? 3 : 0], sums);
    memcpy(out, sums, n * sizeof *out);
}

FORCE_INLINE void ask_ahead(const unsigned char *p, size_t line)
{
    __builtin_prefetch(p + NEAR_BYTES + line * LINE_BYTES, 0, 3);
    __builtin_prefetch(p + FAR_BYTES + line * LINE_BYTES, 0, 2);
}

/* One query against n rows; n is a constant at each call. `scan` says that the
 * rows follow one another and that more come behind them. */
FORCE_INLINE void add_rows(kernel kind, bool scan, const distance_query *q,
                           const unsigned char *const *rows, size_t n,
                           float *out, float *normsq)
{
    vec a[BLOCK], b[BLOCK];
    for (size_t r = 0; r < n; r++) a[r] = b[r] = vec_zero();
    size_t i = 0;
    for (; i + VEC_N <= q->dim; i += VEC_N) {
        vec x = vec_load(q->vector + i);
        for (size_t r = 0; r < n; r++) {
            if (scan && i % (LINE_BYTES / 2) == 0)
                ask_ahead(rows[0], i / (LINE_BYTES / 2) * n + r);
            add_step(kind, x, vec_load_half(rows[r] + 2 * i), &a[r], &b[r]);
        }
    }
    if (i < q->dim) {
        size_t rest = q->dim - i;
        vec x = vec_load_part(q->vector + i, rest);
        for (size_t r = 0; r < n; r++)
            add_step(kind, x, vec_load_half_part(rows[r] + 2 * i, rest), &a[r],
                     &b[r]);
    }
    sum_rows(a, n, out);
    if (kind == DOT_NORM) sum_rows(b, n, normsq);
}

FORCE_INLINE void each_row(kernel kind, const distance_query *q,
                           const unsigned char *rows, size_t n, float *out,
                           float *normsq)
{
    size_t bytes = 2 * q->dim, i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        const unsigned char *p = rows + i * bytes;
        const unsigned char *four[BLOCK] = {p, p + bytes, p + 2 * bytes,
                                            p + 3 * bytes};
        add_rows(kind, true, q, four, BLOCK, out + i,
                 normsq ? normsq + i : NULL);
    }
    for (; i < n; i++) {
        const unsigned char *p = rows + i * bytes;
        add_rows(kind, true, q, &p, 1, out + i, normsq ? normsq + i : NULL);
    }
}

static void dot_rows(const distance_query *q, const unsigned char *rows,
                     size_t n, float *dot)
{
    each_row(DOT, q, rows, n, dot, NULL);
}

static void dot_norm_rows(const distance_query *q, const unsigned char *rows,
                          size_t n, float *dot, float *normsq)
{
    each_row(DOT_NORM, q, rows, n, dot, normsq);
}

static void l2sq_rows(const distance_query *q, const unsigned char *rows,
                      size_t n, float *l2sq)
{
    each_row(L2SQ, q, rows, n, l2sq, NULL);
}

FORCE_INLINE void each_gathered(kernel kind, const distance_query *q,
                                const unsigned char *const *rows, size_t n,
                                float *out)
{
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        add_rows(kind, false, q, rows + i, BLOCK, out + i, NULL);
    for (; i < n; i++) add_rows(kind, false, q, rows + i, 1, out + i, NULL);
}

static void dot_gather(const distance_query *q,
                       const unsigned char *const *rows, size_t n, float *dot)
{
    each_gathered(DOT, q, rows, n, dot);
}

static void l2sq_gather(const distance_query *q,
                        const unsigned char *const *rows, size_t n,
                        float *l2sq)
{
    each_gathered(L2SQ, q, rows, n, l2sq);
}

static void from_half(const unsigned char *half, size_t n, float *out)
{
    size_t i = 0;
    for (; i + VEC_N <= n; i += VEC_N)
        vec_store(out + i, vec_load_half(half + 2 * i));
    if (i == n) return;
    float rest[VEC_N];
    vec_store(rest, vec_load_half_part(half + 2 * i, n - i));
    memcpy(out + i, rest, (n - i) * sizeof *out);
}

static void to_half(const float *in, size_t n, unsigned char *half)
{
    size_t i = 0;
    for (; i + VEC_N <= n; i += VEC_N)
        vec_store_half(half + 2 * i, vec_load(in + i));
    if (i == n) return;
    unsigned char rest[2 * VEC_N];
    vec_store_half(rest, vec_load_part(in + i, n - i));
    memcpy(half + 2 * i, rest, 2 * (n - i));
}

const distance_table DISTANCE_TABLE = {
    .dot_rows = dot_rows,
    .dot_norm_rows = dot_norm_rows,
    .l2sq_rows = l2sq_rows,
    .dot_gather = dot_gather,
    .l2sq_gather = l2sq_gather,
    .from_half = from_half,
    .to_half = to_half,
};

#endif
#endif
