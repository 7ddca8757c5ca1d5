/* SPDX-License-Identifier: MIT
 * Private to distance_f32*.c: the tables, and the loops that every SIMD file
 * shares. A SIMD file defines the type `vec` of VEC_N floats and its vec_
 * helpers, TILE_QUERIES, TILE_PANELS, pack and DISTANCE_TABLE, then includes
 * this. */
#ifndef INDEX_DISTANCE_F32_INT_H
#define INDEX_DISTANCE_F32_INT_H

#include "index/distance_f32.h"

extern const distance_f32_table distance_f32_scalar;
extern const distance_f32_table distance_f32_avx2;
extern const distance_f32_table distance_f32_avx512;
extern const distance_f32_table distance_f32_neon;

#ifdef DISTANCE_TABLE

#define FORCE_INLINE static inline __attribute__((always_inline))

_Static_assert(TILE_QUERIES <= DISTANCE_TILE_QUERIES, "tile too high");
_Static_assert(TILE_PANELS * VEC_N <= DISTANCE_TILE_ROWS, "tile too wide");

/* Eight rows share each load of the query: as many sums in flight as two
 * multipliers of latency four need. */
enum { BLOCK = 8, LINE_BYTES = 64, NEAR_BYTES = 4096, FAR_BYTES = 16384 };

/* Rows that lie one behind the other are read in two orders:
 *   JUMPING    eight rows side by side share each load of the query, which is
 *              best in caches; the processor's prefetcher loses its way, so
 *              lines are asked for by hand (without: half the speed)
 *   STREAMING  row by row, which memory likes best: on a Zen 4 core 200 MB
 *              take 7.8 ms so and 9.5 ms the other way; in the third-level
 *              cache 90 us against 73.
 * A row's sum is made in the same steps in all of them. */
typedef enum order { GATHERED, JUMPING, STREAMING } order;

FORCE_INLINE void ask_ahead(const float *rows, size_t line)
{
    const char *p = (const char *)rows + line * LINE_BYTES;
    __builtin_prefetch(p + NEAR_BYTES, 0, 3);
    __builtin_prefetch(p + FAR_BYTES, 0, 2);
}

typedef enum kernel { DOT, L2SQ } kernel;

FORCE_INLINE vec add_step(kernel kind, vec q, vec d, vec sum)
{
    if (kind == DOT) return vec_fma(q, d, sum);
    vec t = vec_sub(q, d);
    return vec_fma(t, t, sum);
}

/* Four sums at once, in one order for one row and for many. */
FORCE_INLINE void sum_rows(const vec *a, size_t n, float *out)
{
    float sums[4];
    for (size_t r = 0; r < n; r += 4) {
        bool whole = r + 4 <= n;
        vec_sum4(a[r], a[whole ? r + 1 : r], a[whole ? r + 2 : r],
                 a[whole ? r + 3 : r], sums);
        memcpy(out + r, sums, (whole ? 4 : 1) * sizeof *out);
    }
}

/* The whole steps of one query against n rows. */
FORCE_INLINE void add_whole(kernel kind, order how, const distance_query *q,
                            const float *const *rows, size_t n, vec *a)
{
    const size_t whole = q->dim - q->dim % VEC_N;
    if (how == STREAMING) {
        for (size_t r = 0; r < n; r++)
            for (size_t i = 0; i < whole; i += VEC_N)
                a[r] = add_step(kind, vec_load(q->vector + i),
                                vec_load(rows[r] + i), a[r]);
        return;
    }
    for (size_t i = 0; i < whole; i += VEC_N) {
        vec x = vec_load(q->vector + i);
        for (size_t r = 0; r < n; r++) {
            if (how == JUMPING && i * sizeof(float) % LINE_BYTES == 0)
                ask_ahead(rows[0], i * sizeof(float) / LINE_BYTES * n + r);
            a[r] = add_step(kind, x, vec_load(rows[r] + i), a[r]);
        }
    }
}

/* One query against n rows, n (1 or BLOCK) a constant at each call. */
FORCE_INLINE void add_rows(kernel kind, order how, const distance_query *q,
                           const float *const *rows, size_t n, float *out)
{
    vec a[BLOCK];
    for (size_t r = 0; r < n; r++) a[r] = vec_zero();
    add_whole(kind, how, q, rows, n, a);
    size_t rest = q->dim % VEC_N, i = q->dim - rest;
    if (rest) {
        vec x = vec_load_part(q->vector + i, rest);
        for (size_t r = 0; r < n; r++)
            a[r] = add_step(kind, x, vec_load_part(rows[r] + i, rest), a[r]);
    }
    sum_rows(a, n, out);
}

FORCE_INLINE void each_row(kernel kind, order how, const distance_query *q,
                           const float *rows, size_t n, float *out)
{
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK) {
        const float *block[BLOCK];
        for (size_t r = 0; r < BLOCK; r++) block[r] = rows + (i + r) * q->dim;
        add_rows(kind, how, q, block, BLOCK, out + i);
    }
    for (; i < n; i++) {
        const float *row = rows + i * q->dim;
        add_rows(kind, GATHERED, q, &row, 1, out + i);
    }
}

FORCE_INLINE void each_gathered(kernel kind, const distance_query *q,
                                const float *const *rows, size_t n, float *out)
{
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        add_rows(kind, GATHERED, q, rows + i, BLOCK, out + i);
    for (; i < n; i++) add_rows(kind, GATHERED, q, rows + i, 1, out + i);
}

static void dot_rows(const distance_query *q, const float *rows, size_t n,
                     float *dot)
{
    each_row(DOT, JUMPING, q, rows, n, dot);
}

static void l2sq_rows(const distance_query *q, const float *rows, size_t n,
                      float *l2sq)
{
    each_row(L2SQ, JUMPING, q, rows, n, l2sq);
}

static void dot_stream(const distance_query *q, const float *rows, size_t n,
                       float *dot)
{
    each_row(DOT, STREAMING, q, rows, n, dot);
}

static void l2sq_stream(const distance_query *q, const float *rows, size_t n,
                        float *l2sq)
{
    each_row(L2SQ, STREAMING, q, rows, n, l2sq);
}

static void dot_gather(const distance_query *q, const float *const *rows,
                       size_t n, float *dot)
{
    each_gathered(DOT, q, rows, n, dot);
}

static void l2sq_gather(const distance_query *q, const float *const *rows,
                        size_t n, float *l2sq)
{
    each_gathered(L2SQ, q, rows, n, l2sq);
}

/* ---- bytes ---- */

FORCE_INLINE vec add_byte_step(kernel kind, vec x, vec scale, vec c, vec sum)
{
    if (kind == DOT) return vec_fma(x, c, sum);
    vec t = vec_fnma(scale, c, x);
    return vec_fma(t, t, sum);
}

FORCE_INLINE void add_byte_rows(kernel kind, const distance_query *q,
                                const float *scales, const uint8_t *rows,
                                size_t n, float *out)
{
    vec a[BLOCK];
    for (size_t r = 0; r < n; r++) a[r] = vec_zero();
    size_t i = 0;
    for (; i + VEC_N <= q->dim; i += VEC_N) {
        vec x = vec_load(q->vector + i);
        vec s = kind == DOT ? x : vec_load(scales + i);
        for (size_t r = 0; r < n; r++)
            a[r] = add_byte_step(kind, x, s, vec_load_bytes(rows + r * q->dim +
                                                            i), a[r]);
    }
    if (i < q->dim) {
        size_t rest = q->dim - i;
        vec x = vec_load_part(q->vector + i, rest);
        vec s = kind == DOT ? x : vec_load_part(scales + i, rest);
        for (size_t r = 0; r < n; r++) {
            uint8_t part[VEC_N] = {0};
            memcpy(part, rows + r * q->dim + i, rest);
            a[r] = add_byte_step(kind, x, s, vec_load_bytes(part), a[r]);
        }
    }
    sum_rows(a, n, out);
}

FORCE_INLINE void each_byte_row(kernel kind, const distance_query *q,
                                const float *scales, const uint8_t *rows,
                                size_t n, float *out)
{
    size_t i = 0;
    for (; i + BLOCK <= n; i += BLOCK)
        add_byte_rows(kind, q, scales, rows + i * q->dim, BLOCK, out + i);
    for (; i < n; i++)
        add_byte_rows(kind, q, scales, rows + i * q->dim, 1, out + i);
}

static void dot_bytes(const distance_query *weights, const uint8_t *rows,
                      size_t n, float *dot)
{
    each_byte_row(DOT, weights, NULL, rows, n, dot);
}

static void l2sq_bytes(const distance_query *shifts, const float *scales,
                       const uint8_t *rows, size_t n, float *l2sq)
{
    each_byte_row(L2SQ, shifts, scales, rows, n, l2sq);
}

/* ---- tiles ---- */

static uint64_t reaching(const float *values, size_t n, float bound,
                         bool smaller)
{
    uint64_t bits = 0;
    vec b = vec_set1(bound);
    size_t i = 0;
    for (; i + VEC_N <= n; i += VEC_N) {
        vec v = vec_load(values + i);
        bits |= (uint64_t)(smaller ? vec_ge_bits(b, v) : vec_ge_bits(v, b))
                << i;
    }
    for (; i < n; i++)
        bits |= (uint64_t)(smaller ? values[i] <= bound : values[i] >= bound)
                << i;
    return bits;
}

/* Sums stay in registers: TILE_QUERIES x panels of them, a panel's load is
 * used by every query and a query's by every panel. */
FORCE_INLINE bool add_tile(distance_tile *t, size_t panels)
{
    vec a[TILE_QUERIES][TILE_PANELS];
    const float *q[TILE_QUERIES];
    const size_t stride = t->dim * VEC_N, dim = t->dim;
    const float *p = t->panels;
    for (size_t i = 0; i < TILE_QUERIES; i++) {
        q[i] = t->queries[i];
        for (size_t v = 0; v < panels; v++) a[i][v] = vec_zero();
    }
    for (size_t k = 0; k < dim; k++, p += VEC_N) {
        vec d[TILE_PANELS];
        for (size_t v = 0; v < panels; v++) d[v] = vec_load(p + v * stride);
        for (size_t i = 0; i < TILE_QUERIES; i++) {
            vec x = vec_set1(q[i][k]);
            for (size_t v = 0; v < panels; v++)
                a[i][v] = vec_fma(x, d[v], a[i][v]);
        }
    }
    uint64_t any = 0;
    for (size_t i = 0; i < TILE_QUERIES; i++) {
        vec factor = vec_set1(t->factors[i]), bound = vec_set1(t->bounds[i]);
        uint64_t bits = 0;
        for (size_t v = 0; v < panels; v++) {
            vec term = vec_load(t->terms + v * VEC_N);
            a[i][v] = vec_fma(factor, term, a[i][v]);
            bits |= (uint64_t)vec_ge_bits(a[i][v], bound) << v * VEC_N;
        }
        t->reached[i] = bits;
        any |= bits;
    }
    if (!any) return false;
    for (size_t i = 0; i < TILE_QUERIES; i++)
        for (size_t v = 0; v < panels; v++)
            vec_store(t->sums + (i * panels + v) * VEC_N, a[i][v]);
    return true;
}

static bool tile(distance_tile *t)
{
    switch (t->n_panels) {
    case 1: return add_tile(t, 1);
    case 2: return add_tile(t, 2);
    default: return add_tile(t, TILE_PANELS);
    }
}

const distance_f32_table DISTANCE_TABLE = {
    .lanes = VEC_N,
    .tile_queries = TILE_QUERIES,
    .tile_panels = TILE_PANELS,
    .dot_rows = dot_rows,
    .l2sq_rows = l2sq_rows,
    .dot_stream = dot_stream,
    .l2sq_stream = l2sq_stream,
    .dot_gather = dot_gather,
    .l2sq_gather = l2sq_gather,
    .dot_bytes = dot_bytes,
    .l2sq_bytes = l2sq_bytes,
    .reaching = reaching,
    .pack = pack,
    .tile = tile,
};

#endif
#endif
