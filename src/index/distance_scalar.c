/* SPDX-License-Identifier: MIT
 * The kernels in plain C: what the SIMD ones are tested against, and the ones
 * that run where no other can. */
#include <stdint.h>
#include <string.h>

#include "index/distance_int.h"

/* Eight running sums, so that a compiler may use what SIMD it has without
 * being allowed to reorder additions. */
enum { LANES = 8 };

/* Without a branch, so that loops over it can be vectorised. */
static inline float half_to_float(const unsigned char *p)
{
    uint32_t h = (uint32_t)p[0] | (uint32_t)p[1] << 8;
    uint32_t magnitude = h & 0x7fffu, bits = magnitude << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    value *= 0x1p112f; /* moves the exponent; right for subnormals, too */
    memcpy(&bits, &value, sizeof bits);
    bits |= magnitude >= 0x7c00u ? 0x7f800000u : 0; /* infinity and NaN, */
    bits |= magnitude > 0x7c00u ? 0x00400000u : 0;  /* quiet as CPUs make it */
    bits |= (h & 0x8000u) << 16;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void float_to_half(float value, unsigned char *p)
{
    uint32_t bits, half;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) { /* NaN keeps the top of its payload */
        half = 0x7e00u | (magnitude >> 13 & 0x3ffu);
    } else if (magnitude >= 0x477ff000u) { /* rounds to beyond 65504 */
        half = 0x7c00u;
    } else if (magnitude < 0x38800000u) { /* below 2^-14: subnormal */
        float m;
        memcpy(&m, &magnitude, sizeof m);
        m += 0.5f; /* ulp(0.5) is 2^-24, the step of subnormal halves */
        memcpy(&half, &m, sizeof half);
        half -= 0x3f000000u;
    } else { /* half of the dropped part, and one more to make odd ones even */
        half = magnitude + 0xfffu + (magnitude >> 13 & 1);
        half = (half - 0x38000000u) >> 13;
    }
    half |= sign;
    p[0] = (unsigned char)half;
    p[1] = (unsigned char)(half >> 8);
}

static void from_half(const unsigned char *half, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = half_to_float(half + 2 * i);
}

static void to_half(const float *in, size_t n, unsigned char *half)
{
    for (size_t i = 0; i < n; i++) float_to_half(in[i], half + 2 * i);
}

static float sum_lanes(const float *s)
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

typedef enum kernel { DOT, NORMSQ, L2SQ } kernel;

static inline float step(kernel kind, float q, float d)
{
    return kind == DOT ? q * d : kind == NORMSQ ? d * d : (q - d) * (q - d);
}

static inline float add_row(kernel kind, const distance_query *q,
                            const unsigned char *row)
{
    float sum[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= q->dim; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            sum[k] += step(kind, q->vector[i + k],
                           half_to_float(row + 2 * (i + k)));
    for (size_t k = 0; i + k < q->dim; k++)
        sum[k] += step(kind, q->vector[i + k],
                       half_to_float(row + 2 * (i + k)));
    return sum_lanes(sum);
}

static void dot_rows(const distance_query *q, const unsigned char *rows,
                     size_t n, float *dot)
{
    for (size_t i = 0; i < n; i++)
        dot[i] = add_row(DOT, q, rows + i * 2 * q->dim);
}

static void dot_norm_rows(const distance_query *q, const unsigned char *rows,
                          size_t n, float *dot, float *normsq)
{
    for (size_t i = 0; i < n; i++) {
        dot[i] = add_row(DOT, q, rows + i * 2 * q->dim);
        normsq[i] = add_row(NORMSQ, q, rows + i * 2 * q->dim);
    }
}

static void l2sq_rows(const distance_query *q, const unsigned char *rows,
                      size_t n, float *l2sq)
{
    for (size_t i = 0; i < n; i++)
        l2sq[i] = add_row(L2SQ, q, rows + i * 2 * q->dim);
}

static void dot_gather(const distance_query *q,
                       const unsigned char *const *rows, size_t n, float *dot)
{
    for (size_t i = 0; i < n; i++) dot[i] = add_row(DOT, q, rows[i]);
}

const distance_table distance_scalar = {
    .isa = "scalar",
    .dot_rows = dot_rows,
    .dot_norm_rows = dot_norm_rows,
    .l2sq_rows = l2sq_rows,
    .dot_gather = dot_gather,
    .from_half = from_half,
    .to_half = to_half,
};
