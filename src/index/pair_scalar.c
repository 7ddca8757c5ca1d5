/* SPDX-License-Identifier: MIT
 * Pair distances in plain C: what the SIMD ones are tested against, what they
 * leave cosines at the ends of float32's range to, and what runs where no other
 * can. Floats are summed in double. */
#include <string.h>

#include "base/half.h"
#include "index/pair_int.h"

/* ---- floats -------------------------------------------------------------- */

/* Eight running sums, so that a compiler may use what SIMD it has without
 * being allowed to reorder additions. */
enum { LANES = 8 };

FORCE_INLINE double element(akin_type type, const unsigned char *p, size_t i)
{
    float value;
    switch (type) {
    case AKIN_F16: return half_to_float(p + 2 * i);
    case AKIN_BF16: return bfloat_to_float(p + 2 * i);
    default: memcpy(&value, p + 4 * i, sizeof value); return value;
    }
}

FORCE_INLINE void add_element(akin_metric metric, double a, double b,
                              double sums[][LANES], size_t lane)
{
    if (metric == AKIN_METRIC_L2SQ)
        sums[DOT][lane] += (a - b) * (a - b);
    else
        sums[DOT][lane] += a * b;
    if (metric != AKIN_METRIC_COSINE) return;
    sums[NORMSQ_A][lane] += a * a;
    sums[NORMSQ_B][lane] += b * b;
}

static double sum_lanes(const double *s)
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

FORCE_INLINE float measure_floats(akin_type type, akin_metric metric,
                                  const unsigned char *a,
                                  const unsigned char *b, size_t dim)
{
    double s[N_SUMS][LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= dim; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            add_element(metric, element(type, a, i + k),
                        element(type, b, i + k), s, k);
    for (size_t k = 0; i + k < dim; k++)
        add_element(metric, element(type, a, i + k), element(type, b, i + k), s,
                    k);
    if (metric != AKIN_METRIC_COSINE) return (float)sum_lanes(s[DOT]);
    return pair_cosine(sum_lanes(s[DOT]), sum_lanes(s[NORMSQ_A]),
                       sum_lanes(s[NORMSQ_B]));
}

/* ---- integers ------------------------------------------------------------ */

/* Bytes whose products no int32 overflows on: 16384 * 255 * 255 < 2^31. */
enum { BLOCK = 16384 };

FORCE_INLINE void add_integer(akin_metric metric, int a, int b, int32_t *sums)
{
    sums[DOT] += metric == AKIN_METRIC_L2SQ ? (a - b) * (a - b) : a * b;
    if (metric != AKIN_METRIC_COSINE) return;
    sums[NORMSQ_A] += a * a;
    sums[NORMSQ_B] += b * b;
}

FORCE_INLINE void add_block(akin_type type, akin_metric metric,
                            const unsigned char *a, const unsigned char *b,
                            size_t n, int64_t *sums)
{
    int32_t s[N_SUMS] = {0};
    for (size_t i = 0; i < n; i++) {
        if (type == AKIN_I8) {
            add_integer(metric, (signed char)a[i], (signed char)b[i], s);
        } else if (type == AKIN_U8) {
            add_integer(metric, a[i], b[i], s);
        } else {
            add_integer(metric, a[i] & 15, b[i] & 15, s);
            add_integer(metric, a[i] >> 4, b[i] >> 4, s);
        }
    }
    for (size_t k = 0; k < pair_sums(metric); k++) sums[k] += s[k];
}

FORCE_INLINE float measure_bytes(akin_type type, akin_metric metric,
                                 const unsigned char *a, const unsigned char *b,
                                 size_t dim)
{
    int64_t sums[N_SUMS] = {0};
    size_t n = pair_whole_bytes(type, dim);
    for (size_t i = 0; i < n; i += BLOCK)
        add_block(type, metric, a + i, b + i, n - i < BLOCK ? n - i : BLOCK,
                  sums);
    pair_add_rest(type, metric, a, b, dim, sums);
    return pair_exact(metric, sums);
}

FORCE_INLINE float measure_bits(akin_type type, akin_metric metric,
                                const unsigned char *a,
                                const unsigned char *b, size_t dim)
{
    int64_t sums[N_SUMS] = {0};
    size_t n = pair_whole_bytes(type, dim), i = 0;
    uint64_t x, y;
    for (; i + sizeof x <= n; i += sizeof x) {
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        pair_add_bits(metric, x, y, sums);
    }
    for (; i < n; i++) pair_add_bits(metric, a[i], b[i], sums);
    pair_add_rest(type, metric, a, b, dim, sums);
    return pair_exact(metric, sums);
}

PAIR_KERNELS(f32, AKIN_F32, measure_floats)
PAIR_KERNELS(f16, AKIN_F16, measure_floats)
PAIR_KERNELS(bf16, AKIN_BF16, measure_floats)
PAIR_KERNELS(i8, AKIN_I8, measure_bytes)
PAIR_KERNELS(u8, AKIN_U8, measure_bytes)
PAIR_KERNELS(u4, AKIN_U4, measure_bytes)
PAIR_KERNELS(b1, AKIN_B1, measure_bits)

const pair_table pair_scalar = {{
    PAIR_LINE(f32, AKIN_F32),
    PAIR_LINE(f16, AKIN_F16),
    PAIR_LINE(bf16, AKIN_BF16),
    PAIR_LINE(i8, AKIN_I8),
    PAIR_LINE(u8, AKIN_U8),
    PAIR_LINE(u4, AKIN_U4),
    PAIR_LINE(b1, AKIN_B1),
}};

#define ONES_8 255, 255, 255, 255, 255, 255, 255, 255
const unsigned char pair_hiding[2 * PAIR_HIDDEN] = {
    [PAIR_HIDDEN] = ONES_8, ONES_8, ONES_8, ONES_8,
    ONES_8,                 ONES_8, ONES_8, ONES_8,
};
