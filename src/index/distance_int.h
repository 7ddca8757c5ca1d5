/* SPDX-License-Identifier: MIT
 * Private to distance_*.c: the tables, and the loops that every SIMD file
 * shares. A SIMD file defines the type `vec` of VEC_N floats and its vec_
 * helpers, then DISTANCE_ISA and DISTANCE_TABLE, then includes this. */
#ifndef INDEX_DISTANCE_INT_H
#define INDEX_DISTANCE_INT_H

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

/* How far ahead the scan over consecutive rows asks for memory. The hardware
 * prefetcher stops at each 4 KiB page; this crosses it. */
enum { AHEAD_BYTES = 4096, LINE_BYTES = 64 };

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

FORCE_INLINE void add_rows(kernel kind, const distance_query *q,
                           const unsigned char *const *rows, size_t n,
                           float *out, float *normsq)
{
    vec a[BLOCK], b[BLOCK];
    for (size_t r = 0; r < n; r++) a[r] = b[r] = vec_zero();
    size_t i = 0;
    for (; i + VEC_N <= q->dim; i += VEC_N) {
        vec x = vec_load(q->vector + i);
        for (size_t r = 0; r < n; r++)
            add_step(kind, x, vec_load_half(rows[r] + 2 * i), &a[r], &b[r]);
    }
    if (i < q->dim) {
        size_t rest = q->dim - i;
        vec x = vec_load_part(q->vector + i, rest);
        for (size_t r = 0; r < n; r++)
            add_step(kind, x, vec_load_half_part(rows[r] + 2 * i, rest), &a[r],
                     &b[r]);
    }
    for (size_t r = 0; r < n; r++) {
        out[r] = vec_sum(a[r]);
        if (kind == DOT_NORM) normsq[r] = vec_sum(b[r]);
    }
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
        for (size_t b = 0; b < BLOCK * bytes; b += LINE_BYTES)
            __builtin_prefetch(p + AHEAD_BYTES + b);
        add_rows(kind, q, four, BLOCK, out + i, normsq ? normsq + i : NULL);
    }
    for (; i < n; i++) {
        const unsigned char *p = rows + i * bytes;
        add_rows(kind, q, &p, 1, out + i, normsq ? normsq + i : NULL);
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

static void dot_gather(const distance_query *q,
                       const unsigned char *const *rows, size_t n, float *dot)
{
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        add_rows(DOT, q, rows + i, BLOCK, dot + i, NULL);
    for (; i < n; i++) add_rows(DOT, q, rows + i, 1, dot + i, NULL);
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
    .isa = DISTANCE_ISA,
    .dot_rows = dot_rows,
    .dot_norm_rows = dot_norm_rows,
    .l2sq_rows = l2sq_rows,
    .dot_gather = dot_gather,
    .from_half = from_half,
    .to_half = to_half,
};

#endif
#endif
