/* SPDX-License-Identifier: MIT
 * The kernels in plain C: what the SIMD ones are tested against, and the ones
 * that run where no other can. */
#include "base/half.h"
#include "index/distance_int.h"

/* Eight running sums, so that a compiler may use what SIMD it has without
 * being allowed to reorder additions. */
enum { LANES = 8 };

static void from_half(const unsigned char *half, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = half_to_float(half + 2 * i);
}

static void to_half(const float *in, size_t n, unsigned char *half)
{
    for (size_t i = 0; i < n; i++) half_from_float(in[i], half + 2 * i);
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

static void l2sq_gather(const distance_query *q,
                        const unsigned char *const *rows, size_t n,
                        float *l2sq)
{
    for (size_t i = 0; i < n; i++) l2sq[i] = add_row(L2SQ, q, rows[i]);
}

const distance_table distance_scalar = {
    .dot_rows = dot_rows,
    .dot_norm_rows = dot_norm_rows,
    .l2sq_rows = l2sq_rows,
    .dot_gather = dot_gather,
    .l2sq_gather = l2sq_gather,
    .from_half = from_half,
    .to_half = to_half,
};
