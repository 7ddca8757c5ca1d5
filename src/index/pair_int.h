/* SPDX-License-Identifier: MIT
 * Private to pair_*.c: the tables, and what all of them end a distance with. */
#ifndef INDEX_PAIR_INT_H
#define INDEX_PAIR_INT_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "index/pair.h"

enum { PAIR_TYPES = AKIN_B1 + 1, PAIR_METRICS = AKIN_METRIC_DOT + 1 };

/* What an instruction set does no better than the one below it is NULL. */
typedef struct pair_table {
    akin_distance_fn of[PAIR_TYPES][PAIR_METRICS];
} pair_table;

extern const pair_table pair_scalar;
extern const pair_table pair_avx2;
extern const pair_table pair_avx512;
extern const pair_table pair_avx512vnni;
extern const pair_table pair_avx512bf16;
extern const pair_table pair_neon;

#define FORCE_INLINE static inline __attribute__((always_inline))

/* The function `name` of a type and a metric, by one that takes both. */
#define PAIR_KERNEL(name, type, metric, measure)                               \
    static float name(const void *a, const void *b, size_t dim)                \
    {                                                                          \
        return measure(type, metric, a, b, dim);                               \
    }

/* The three functions of a type, and their line of the table. */
#define PAIR_KERNELS(name, type, measure)                                      \
    PAIR_KERNEL(name##_l2sq, type, AKIN_METRIC_L2SQ, measure)                  \
    PAIR_KERNEL(name##_cosine, type, AKIN_METRIC_COSINE, measure)              \
    PAIR_KERNEL(name##_dot, type, AKIN_METRIC_DOT, measure)

#define PAIR_LINE(name, type)                                                  \
    [type] = {                                                                 \
        [AKIN_METRIC_L2SQ] = name##_l2sq,                                      \
        [AKIN_METRIC_COSINE] = name##_cosine,                                  \
        [AKIN_METRIC_DOT] = name##_dot,                                        \
    }

/* What a loop over two vectors adds up: dot is the sum of squared differences
 * for AKIN_METRIC_L2SQ; the norms are for AKIN_METRIC_COSINE only. */
enum { DOT, NORMSQ_A, NORMSQ_B, N_SUMS };

FORCE_INLINE size_t pair_sums(akin_metric metric)
{
    return metric == AKIN_METRIC_COSINE ? N_SUMS : 1;
}

/* No product of squares of floats or of int64 leaves double's range, and the
 * root of a square is exact. An infinity or NaN makes the result NaN. */
FORCE_INLINE float pair_cosine(double dot, double normsq_a, double normsq_b)
{
    double product = normsq_a * normsq_b;
    return product == 0 ? 1.0f : (float)(1 - dot / sqrt(product));
}

FORCE_INLINE float pair_exact(akin_metric metric, const int64_t *sums)
{
    if (metric != AKIN_METRIC_COSINE) return (float)sums[DOT];
    return pair_cosine((double)sums[DOT], (double)sums[NORMSQ_A],
                       (double)sums[NORMSQ_B]);
}

FORCE_INLINE void pair_add_bits(akin_metric metric, uint64_t a, uint64_t b,
                                int64_t *sums)
{
    uint64_t both = metric == AKIN_METRIC_L2SQ ? a ^ b : a & b;
    sums[DOT] += __builtin_popcountll(both);
    if (metric != AKIN_METRIC_COSINE) return;
    sums[NORMSQ_A] += __builtin_popcountll(a);
    sums[NORMSQ_B] += __builtin_popcountll(b);
}

/* Bytes that are filled up to the last bit. */
FORCE_INLINE size_t pair_whole_bytes(akin_type type, size_t dim)
{
    return type == AKIN_B1 ? dim / 8 : type == AKIN_U4 ? dim / 2 : dim;
}

/* The byte behind them, where it is filled in part. */
FORCE_INLINE void pair_add_rest(akin_type type, akin_metric metric,
                                const unsigned char *a, const unsigned char *b,
                                size_t dim, int64_t *sums)
{
    if (type == AKIN_B1 && dim % 8) {
        unsigned mask = (1u << dim % 8) - 1;
        pair_add_bits(metric, a[dim / 8] & mask, b[dim / 8] & mask, sums);
    } else if (type == AKIN_U4 && dim % 2) {
        int x = a[dim / 2] & 15, y = b[dim / 2] & 15;
        sums[DOT] += metric == AKIN_METRIC_L2SQ ? (x - y) * (x - y) : x * y;
        if (metric != AKIN_METRIC_COSINE) return;
        sums[NORMSQ_A] += x * x;
        sums[NORMSQ_B] += y * y;
    }
}

/* Zeros, then ones. */
enum { PAIR_HIDDEN = 64 };
extern const unsigned char pair_hiding[2 * PAIR_HIDDEN];

/* A mask for bytes of which the first n <= PAIR_HIDDEN are not to count. */
FORCE_INLINE const unsigned char *pair_hide(size_t n)
{
    return pair_hiding + PAIR_HIDDEN - n;
}

#endif
