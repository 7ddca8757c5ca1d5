/* SPDX-License-Identifier: MIT
 * Private to codes*.c: the tables, and the loops that every SIMD file shares.
 * One includes a vec_*.h and defines CODES_TABLE, CODES_ISA and
 *
 *     vec vec_set1(float x);
 *     vec vec_mul, vec_min, vec_max(vec a, vec b);
 *     vec vec_abs, vec_floor(vec v);
 *     float vec_max_of(vec v);
 *     uint64_t vec_positive(vec v);  a bit for each that is > 0
 *     vec vec_hadamard(vec v);       of the values of one register
 *
 *     bytes                          64 bytes in some registers
 *     bytes bytes_zero(void);
 *     bytes bytes_load(const void *p);
 *     void bytes_store(void *p, bytes b);
 *     bytes bytes_of(const vec *v);  64 values rounded to int8, nearest even
 *     bytes bytes_join(bytes low, bytes high);  nibbles
 *     bytes bytes_low, bytes_high(bytes b);     and back
 *     bytes bytes_odd(bytes b);      2 * b - 15
 *     uint64_t bytes_bit(bytes b, size_t k);    bit k of each
 *
 *     ints                           int32 sums in one register
 *     ints ints_zero(void);
 *     ints ints_add_bytes(ints s, bytes b);     int8
 *     void add_code(ints *s, const bytes *query, bytes row);
 *     void add_sketch(ints *s, const bytes *planes, bytes row);
 *     ints sum_sketch(const ints *s);           of CODES_PLANES sums, all used
 *                                               as the two functions like
 *     int32_t ints_sum(ints s);
 *     void ints_sum4(const ints *s, int32_t *sums);
 *
 *     size_t count_smaller(const uint64_t *values, size_t n, uint64_t key);
 *
 * then includes this. */
#ifndef INDEX_CODES_INT_H
#define INDEX_CODES_INT_H

#include "index/codes.h"

extern const codes_table codes_scalar;
extern const codes_table codes_avx2;
extern const codes_table codes_avx512;
extern const codes_table codes_avx512vnni;
extern const codes_table codes_neon;

/* The largest power of two that is not larger; n is not 0. */
static inline size_t codes_power(size_t n)
{
    return (size_t)1 << (63 - __builtin_clzll(n));
}

#ifdef CODES_TABLE

#include <math.h>
#include <string.h>

#define FORCE_INLINE static inline __attribute__((always_inline))

enum { LINE_BYTES = 64, LINE_VECS = 64 / VEC_N };

/* ---- the rotation ---- */

/* A Hadamard transform over n registers; n is a constant at each call. */
FORCE_INLINE void mix(vec *v, size_t n)
{
    for (size_t h = 1; h < n; h *= 2)
        for (size_t i = 0; i < n; i++) {
            if (i & h) continue;
            vec a = v[i], b = v[i + h];
            v[i] = vec_add(a, b);
            v[i + h] = vec_sub(a, b);
        }
}

/* The first pass over n registers of x: signs, scale, and the transform of all
 * that is in them. */
FORCE_INLINE void begin(float *x, const float *signs, vec scale, size_t n)
{
    vec v[8];
    for (size_t i = 0; i < n; i++)
        v[i] = vec_hadamard(vec_mul(
            vec_mul(vec_load(x + i * VEC_N), vec_load(signs + i * VEC_N)),
            scale));
    mix(v, n);
    for (size_t i = 0; i < n; i++) vec_store(x + i * VEC_N, v[i]);
}

/* A later one: steps of h to h * n for the p values. */
FORCE_INLINE void go_on(float *x, size_t p, size_t h, size_t n)
{
    for (size_t i = 0; i < p; i += h * n)
        for (size_t j = i; j < i + h; j += VEC_N) {
            vec v[8];
            for (size_t k = 0; k < n; k++) v[k] = vec_load(x + j + k * h);
            mix(v, n);
            for (size_t k = 0; k < n; k++) vec_store(x + j + k * h, v[k]);
        }
}

/* Eight registers at a time: half the passes of one step each. */
static void mix_all(float *x, const float *signs, size_t p)
{
    const vec scale = vec_set1(1 / sqrtf((float)p));
    size_t h = 8 * VEC_N;
    if (p < h) {
        h = 4 * VEC_N;
        for (size_t i = 0; i < p; i += h) begin(x + i, signs + i, scale, 4);
    } else {
        for (size_t i = 0; i < p; i += h) begin(x + i, signs + i, scale, 8);
    }
    for (; 8 * h <= p; h *= 8) go_on(x, p, h, 8);
    if (4 * h == p) go_on(x, p, h, 4);
    if (2 * h == p) go_on(x, p, h, 2);
}

static void flip(float *x, const float *signs, size_t n)
{
    for (size_t i = 0; i < n; i += VEC_N)
        vec_store(x + i, vec_mul(vec_load(x + i), vec_load(signs + i)));
}

static void rotate(float *x, const float *signs, size_t n)
{
    const size_t p = codes_power(n), rest = n - p;
    mix_all(x, signs, p);
    if (!rest) return;
    flip(x + p, signs + p, rest);
    flip(x, signs + n, rest);
    mix_all(x + rest, signs + n + rest, p);
}

/* ---- from floats ---- */

static void measure(const float *x, size_t n, float *max, float *normsq)
{
    enum { CHAINS = 4 };
    vec most[CHAINS], sum[CHAINS];
    for (size_t v = 0; v < CHAINS; v++) most[v] = sum[v] = vec_zero();
    for (size_t i = 0; i < n; i += CHAINS * VEC_N)
        for (size_t v = 0; v < CHAINS; v++) {
            vec a = vec_load(x + i + v * VEC_N);
            most[v] = vec_max(most[v], vec_abs(a));
            sum[v] = vec_fma(a, a, sum[v]);
        }
    *max = vec_max_of(
        vec_max(vec_max(most[0], most[1]), vec_max(most[2], most[3])));
    *normsq =
        vec_sum(vec_add(vec_add(sum[0], sum[1]), vec_add(sum[2], sum[3])));
}

static void to_bytes(const float *x, size_t n, float scale, int8_t *bytes_out,
                     size_t n_bytes, int32_t *sum)
{
    const vec factor = vec_set1(scale), end = vec_set1(127);
    ints total = ints_zero();
    for (size_t i = 0; i < n; i += 64) {
        vec v[LINE_VECS];
        for (size_t k = 0; k < LINE_VECS; k++) {
            vec scaled = vec_mul(vec_load(x + i + k * VEC_N), factor);
            v[k] = vec_max(vec_min(scaled, end), vec_sub(vec_zero(), end));
        }
        bytes b = bytes_of(v);
        bytes_store(bytes_out + i, b);
        total = ints_add_bytes(total, b);
    }
    for (size_t i = n; i < n_bytes; i += 64)
        bytes_store(bytes_out + i, bytes_zero());
    *sum = ints_sum(total);
}

/* The codes of 64 values, and their products with them. */
FORCE_INLINE bytes codes_of(const float *x, vec inverse_step, vec *dot)
{
    const vec last = vec_set1(7), first = vec_set1(-8), half = vec_set1(0.5f);
    vec v[LINE_VECS];
    for (size_t k = 0; k < LINE_VECS; k++) {
        vec a = vec_load(x + k * VEC_N);
        vec level = vec_floor(vec_mul(a, inverse_step));
        level = vec_max(vec_min(level, last), first);
        *dot = vec_fma(a, vec_add(level, half), *dot);
        v[k] = vec_sub(level, first);
    }
    return bytes_of(v);
}

static void encode_code(const float *x, size_t n, float inverse_step,
                        uint8_t *code_out, size_t code_bytes, float *dot)
{
    const vec inverse = vec_set1(inverse_step);
    vec sum = vec_zero();
    (void)code_bytes;
    for (size_t i = 0; i < n; i += 128) {
        bytes low = codes_of(x + i, inverse, &sum), high = bytes_zero();
        if (i + 64 < n) high = codes_of(x + i + 64, inverse, &sum);
        bytes_store(code_out + i / 2, bytes_join(low, high));
    }
    *dot = vec_sum(sum);
}

FORCE_INLINE void store_64(uint8_t *p, uint64_t bits)
{
    memcpy(p, &bits, sizeof bits);
}

static void encode_sketch(const float *x, size_t n, uint8_t *sketch_out,
                          size_t sketch_bytes, float *norm1)
{
    vec sum = vec_zero();
    for (size_t i = 0; i < n; i += 64) {
        uint64_t bits = 0;
        for (size_t k = 0; k < 64; k += VEC_N) {
            vec v = vec_load(x + i + k);
            bits |= vec_positive(v) << k;
            sum = vec_add(sum, vec_abs(v));
        }
        store_64(sketch_out + i / 8, bits);
    }
    for (size_t i = n / 8; i < sketch_bytes; i += 8)
        store_64(sketch_out + i, 0);
    *norm1 = vec_sum(sum);
}

static void to_planes(const float *x, size_t n, float inverse_step,
                      uint8_t *planes, size_t sketch_bytes)
{
    const vec inverse = vec_set1(inverse_step);
    for (size_t i = 0; i < n; i += 64) {
        vec unused = vec_zero();
        bytes b = codes_of(x + i, inverse, &unused);
        for (size_t k = 0; k < CODES_PLANES; k++)
            store_64(planes + k * sketch_bytes + i / 8, bytes_bit(b, k));
    }
    for (size_t i = n / 8; i < sketch_bytes; i += 8)
        for (size_t k = 0; k < CODES_PLANES; k++)
            store_64(planes + k * sketch_bytes + i, 0);
}

/* ---- against a query ---- */

/* Four rows share each load of the query, and the steps that add up what is in
 * a register. */
enum { BLOCK = 4, CODE_QUERIES = 2 };

typedef enum kernel { CODE, SKETCH } kernel;

/* What a line of a row is measured against: CODE_QUERIES or CODES_PLANES. */
FORCE_INLINE void load_query(kernel kind, const void *query, size_t row_bytes,
                             size_t at, bytes *q)
{
    const uint8_t *p = query;
    if (kind == CODE)
        for (size_t k = 0; k < CODE_QUERIES; k++)
            q[k] = bytes_load(p + CODE_QUERIES * at + k * LINE_BYTES);
    else
        for (size_t k = 0; k < CODES_PLANES; k++)
            q[k] = bytes_load(p + k * row_bytes + at);
}

/* What ints_sum and ints_sum4 have to add up for n rows, a constant. */
FORCE_INLINE void add_rows(kernel kind, const void *query,
                           const uint8_t *const *rows, size_t n,
                           size_t row_bytes, ints *total)
{
    ints s[BLOCK][CODES_PLANES];
    for (size_t r = 0; r < n; r++)
        for (size_t k = 0; k < CODES_PLANES; k++) s[r][k] = ints_zero();
    for (size_t i = 0; i < row_bytes; i += LINE_BYTES) {
        bytes q[CODES_PLANES];
        load_query(kind, query, row_bytes, i, q);
        for (size_t r = 0; r < n; r++) {
            bytes line = bytes_load(rows[r] + i);
            if (kind == CODE) add_code(s[r], q, line);
            if (kind == SKETCH) add_sketch(s[r], q, line);
        }
    }
    for (size_t r = 0; r < n; r++)
        total[r] = kind == CODE ? s[r][0] : sum_sketch(s[r]);
}

FORCE_INLINE void add_one(kernel kind, const void *query, const uint8_t *row,
                          size_t row_bytes, int32_t *sum)
{
    ints total;
    add_rows(kind, query, &row, 1, row_bytes, &total);
    *sum = ints_sum(total);
}

FORCE_INLINE void add_block(kernel kind, const void *query,
                            const uint8_t *const *rows, size_t row_bytes,
                            int32_t *sums)
{
    ints total[BLOCK];
    add_rows(kind, query, rows, BLOCK, row_bytes, total);
    ints_sum4(total, sums);
}

/* The last block goes back over rows of the one before it, if it must: no jump
 * that depends on n % BLOCK. */
FORCE_INLINE void each_gathered(kernel kind, const void *query,
                                const uint8_t *const *rows, size_t n,
                                size_t row_bytes, int32_t *sums)
{
    size_t i = 0;
    if (n < BLOCK) {
        for (; i < n; i++) add_one(kind, query, rows[i], row_bytes, sums + i);
        return;
    }
    for (; i + BLOCK < n; i += BLOCK)
        add_block(kind, query, rows + i, row_bytes, sums + i);
    i = n - BLOCK;
    add_block(kind, query, rows + i, row_bytes, sums + i);
}

static void code(const int8_t *query, const uint8_t *const *rows, size_t n_rows,
                 size_t code_bytes, int32_t *sums)
{
    switch (code_bytes) {
    case 64: each_gathered(CODE, query, rows, n_rows, 64, sums); break;
    case 512: each_gathered(CODE, query, rows, n_rows, 512, sums); break;
    default: each_gathered(CODE, query, rows, n_rows, code_bytes, sums);
    }
}

static void sketch(const uint8_t *planes, const uint8_t *const *rows,
                   size_t n_rows, size_t sketch_bytes, uint32_t *sums)
{
    int32_t *out = (int32_t *)sums;
    switch (sketch_bytes) {
    case 64: each_gathered(SKETCH, planes, rows, n_rows, 64, out); break;
    case 128: each_gathered(SKETCH, planes, rows, n_rows, 128, out); break;
    default: each_gathered(SKETCH, planes, rows, n_rows, sketch_bytes, out);
    }
}

/* Row by row, with nothing asked for ahead, is what memory likes best: on a
 * Zen 4 core 200 MB of codes of 512 bytes come at 27 GB/s so, and line by line
 * of four rows at 17, with lines asked for by hand at 21. Four calls, since a
 * loop around a loop is not unrolled: three times slower for 64 bytes. */
FORCE_INLINE void each_scanned(const int8_t *query, const uint8_t *rows,
                               size_t n_rows, size_t code_bytes, int32_t *sums)
{
    size_t i = 0;
    for (; i + BLOCK <= n_rows; i += BLOCK) {
        const uint8_t *row[BLOCK];
        ints total[BLOCK];
        for (size_t r = 0; r < BLOCK; r++) row[r] = rows + (i + r) * code_bytes;
        add_rows(CODE, query, row, 1, code_bytes, total);
        add_rows(CODE, query, row + 1, 1, code_bytes, total + 1);
        add_rows(CODE, query, row + 2, 1, code_bytes, total + 2);
        add_rows(CODE, query, row + 3, 1, code_bytes, total + 3);
        ints_sum4(total, sums + i);
    }
    for (; i < n_rows; i++)
        add_one(CODE, query, rows + i * code_bytes, code_bytes, sums + i);
}

static void code_scan(const int8_t *query, const uint8_t *rows, size_t n_rows,
                      size_t code_bytes, int32_t *sums)
{
    switch (code_bytes) {
    case 64: each_scanned(query, rows, n_rows, 64, sums); break;
    case 512: each_scanned(query, rows, n_rows, 512, sums); break;
    default: each_scanned(query, rows, n_rows, code_bytes, sums);
    }
}

static void expand(const uint8_t *code_in, size_t n, int8_t *bytes_out,
                   size_t n_bytes, int32_t *sum)
{
    ints total = ints_zero();
    for (size_t i = 0; i < n; i += 128) {
        bytes both = bytes_load(code_in + i / 2);
        bytes low = bytes_odd(bytes_low(both));
        bytes high = i + 64 < n ? bytes_odd(bytes_high(both)) : bytes_zero();
        bytes_store(bytes_out + i, low);
        bytes_store(bytes_out + i + 64, high);
        total = ints_add_bytes(ints_add_bytes(total, low), high);
    }
    (void)n_bytes;
    *sum = ints_sum(total);
}

/* Halves until few are left, without a jump that could be guessed wrong. */
static size_t rank(const uint64_t *ascending, size_t n, uint64_t key)
{
    enum { FEW = 64 };
    const uint64_t *p = ascending;
    while (n > FEW) {
        size_t half = n / 2;
        p += half & -(size_t)(p[half - 1] < key);
        n -= half;
    }
    return (size_t)(p - ascending) + count_smaller(p, n, key);
}

const codes_table CODES_TABLE = {
    .isa = CODES_ISA,
    .rotate = rotate,
    .measure = measure,
    .to_bytes = to_bytes,
    .encode_code = encode_code,
    .encode_sketch = encode_sketch,
    .to_planes = to_planes,
    .code = code,
    .code_scan = code_scan,
    .sketch = sketch,
    .expand = expand,
    .rank = rank,
};

#endif
#endif
