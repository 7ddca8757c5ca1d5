/* SPDX-License-Identifier: MIT
 * The float32 kernels in plain C: what the SIMD ones are tested against, and
 * the ones that run where no other can. */
#include "index/distance_f32_int.h"

/* Eight running sums, so that a compiler may use what SIMD it has without
 * being allowed to reorder additions. */
enum { LANES = 8, TILE_QUERIES = 4 };

static float sum_lanes(const float *s)
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

typedef enum kernel { DOT, L2SQ } kernel;

static inline float step(kernel kind, float q, float d)
{
    return kind == DOT ? q * d : (q - d) * (q - d);
}

static inline float add_row(kernel kind, const distance_query *q,
                            const float *row)
{
    float sum[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= q->dim; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            sum[k] += step(kind, q->vector[i + k], row[i + k]);
    for (size_t k = 0; i + k < q->dim; k++)
        sum[k] += step(kind, q->vector[i + k], row[i + k]);
    return sum_lanes(sum);
}

static void dot_rows(const distance_query *q, const float *rows, size_t n,
                     float *dot)
{
    for (size_t i = 0; i < n; i++) dot[i] = add_row(DOT, q, rows + i * q->dim);
}

static void l2sq_rows(const distance_query *q, const float *rows, size_t n,
                      float *l2sq)
{
    for (size_t i = 0; i < n; i++)
        l2sq[i] = add_row(L2SQ, q, rows + i * q->dim);
}

static void dot_gather(const distance_query *q, const float *const *rows,
                       size_t n, float *dot)
{
    for (size_t i = 0; i < n; i++) dot[i] = add_row(DOT, q, rows[i]);
}

static void l2sq_gather(const distance_query *q, const float *const *rows,
                        size_t n, float *l2sq)
{
    for (size_t i = 0; i < n; i++) l2sq[i] = add_row(L2SQ, q, rows[i]);
}

static void dot_bytes(const distance_query *weights, const uint8_t *rows,
                      size_t n, float *dot)
{
    for (size_t r = 0; r < n; r++, rows += weights->dim) {
        float sum[LANES] = {0};
        for (size_t i = 0; i < weights->dim; i++)
            sum[i % LANES] += weights->vector[i] * (float)rows[i];
        dot[r] = sum_lanes(sum);
    }
}

static void l2sq_bytes(const distance_query *shifts, const float *scales,
                       const uint8_t *rows, size_t n, float *l2sq)
{
    for (size_t r = 0; r < n; r++, rows += shifts->dim) {
        float sum[LANES] = {0};
        for (size_t i = 0; i < shifts->dim; i++) {
            float t = shifts->vector[i] - scales[i] * (float)rows[i];
            sum[i % LANES] += t * t;
        }
        l2sq[r] = sum_lanes(sum);
    }
}

static uint64_t reaching(const float *values, size_t n, float bound,
                         bool smaller)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++)
        bits |= (uint64_t)(smaller ? values[i] <= bound : values[i] >= bound)
                << i;
    return bits;
}

static void pack(const float *rows, size_t n, size_t dim, float *panel)
{
    for (size_t k = 0; k < dim; k++)
        for (size_t r = 0; r < LANES; r++)
            panel[k * LANES + r] = r < n ? rows[r * dim + k] : 0;
}

static bool tile(distance_tile *t)
{
    uint64_t any = 0;
    for (size_t q = 0; q < TILE_QUERIES; q++) {
        float *sum = t->sums + q * LANES;
        for (size_t r = 0; r < LANES; r++) sum[r] = 0;
        for (size_t k = 0; k < t->dim; k++)
            for (size_t r = 0; r < LANES; r++)
                sum[r] += t->queries[q][k] * t->panels[k * LANES + r];
        for (size_t r = 0; r < LANES; r++)
            sum[r] += t->factors[q] * t->terms[r];
        t->reached[q] = reaching(sum, LANES, t->bounds[q], false);
        any |= t->reached[q];
    }
    return any != 0;
}

const distance_f32_table distance_f32_scalar = {
    .lanes = LANES,
    .tile_queries = TILE_QUERIES,
    .tile_panels = 1,
    .dot_rows = dot_rows,
    .l2sq_rows = l2sq_rows,
    .dot_stream = dot_rows,
    .l2sq_stream = l2sq_rows,
    .dot_gather = dot_gather,
    .l2sq_gather = l2sq_gather,
    .dot_bytes = dot_bytes,
    .l2sq_bytes = l2sq_bytes,
    .reaching = reaching,
    .pack = pack,
    .tile = tile,
};
