/* SPDX-License-Identifier: MIT
 * Private to pair_*.c: the loop over floats that SIMD files share. One defines
 * the type `vec` of float32 with its vec_ helpers, STEP, and
 *
 *     void load_step(akin_type type, const unsigned char *p, vec *v);
 *     void load_part(akin_type type, const unsigned char *p, size_t n,
 *                    bool back, vec *v);
 *     vec multiply_add(vec a, vec b, vec sum);
 *
 * A load makes STEP elements two vecs, in any order that is always the same. Of
 * a part n < STEP elements count, the others are 0; `back` says that STEP of
 * them may be read up to its end. */
#ifndef INDEX_PAIR_FLOAT_INT_H
#define INDEX_PAIR_FLOAT_INT_H

#include <float.h>

#include "index/pair_int.h"

enum { VECS = 2 };

/* A sum is four chains of additions, which is what two multipliers of latency
 * four need; a cosine has six of them with two a sum. */
enum { FLOAT_CHAINS = 2 };

FORCE_INLINE void add_floats(akin_metric metric, const vec *a, const vec *b,
                             vec sums[N_SUMS][VECS])
{
    for (size_t v = 0; v < VECS; v++) {
        if (metric == AKIN_METRIC_L2SQ) {
            vec t = vec_sub(a[v], b[v]);
            sums[DOT][v] = multiply_add(t, t, sums[DOT][v]);
            continue;
        }
        sums[DOT][v] = multiply_add(a[v], b[v], sums[DOT][v]);
        if (metric != AKIN_METRIC_COSINE) continue;
        sums[NORMSQ_A][v] = multiply_add(a[v], a[v], sums[NORMSQ_A][v]);
        sums[NORMSQ_B][v] = multiply_add(b[v], b[v], sums[NORMSQ_B][v]);
    }
}

FORCE_INLINE void step_floats(akin_type type, akin_metric metric,
                              const unsigned char *a, const unsigned char *b,
                              vec sums[N_SUMS][VECS])
{
    vec x[VECS], y[VECS];
    load_step(type, a, x);
    load_step(type, b, y);
    add_floats(metric, x, y, sums);
}

FORCE_INLINE vec sum_chains(vec s[FLOAT_CHAINS][N_SUMS][VECS], size_t sum,
                            size_t chains)
{
    vec v = vec_add(s[0][sum][0], s[0][sum][1]);
    return chains == 1 ? v
                       : vec_add(v, vec_add(s[1][sum][0], s[1][sum][1]));
}

FORCE_INLINE void sum_floats(akin_type type, akin_metric metric,
                             const unsigned char *a, const unsigned char *b,
                             size_t dim, float *out)
{
    const size_t chains = metric == AKIN_METRIC_COSINE ? 1 : FLOAT_CHAINS;
    const size_t size = type == AKIN_F32 ? 4 : 2;
    vec s[FLOAT_CHAINS][N_SUMS][VECS];
    for (size_t c = 0; c < chains; c++)
        for (size_t k = 0; k < pair_sums(metric); k++)
            s[c][k][0] = s[c][k][1] = vec_zero();
    size_t i = 0;
    for (; i + chains * STEP <= dim; i += chains * STEP)
        for (size_t c = 0; c < chains; c++)
            step_floats(type, metric, a + (i + c * STEP) * size,
                        b + (i + c * STEP) * size, s[c]);
    if (chains > 1 && i + STEP <= dim) {
        step_floats(type, metric, a + i * size, b + i * size, s[0]);
        i += STEP;
    }
    if (i < dim) {
        vec x[VECS], y[VECS];
        load_part(type, a + i * size, dim - i, i > 0, x);
        load_part(type, b + i * size, dim - i, i > 0, y);
        add_floats(metric, x, y, s[0]);
    }
    vec dot = sum_chains(s, DOT, chains);
    if (metric == AKIN_METRIC_COSINE)
        vec_sum4(dot, sum_chains(s, NORMSQ_A, chains),
                 sum_chains(s, NORMSQ_B, chains), vec_zero(), out);
    else
        out[DOT] = vec_sum(dot);
}

/* Whether a squared length is one that no square has left float32's range of,
 * above or below, by more than rounding. */
FORCE_INLINE bool is_usual(float normsq)
{
    return normsq >= 0x1p-100f && normsq <= FLT_MAX;
}

FORCE_INLINE float measure_floats(akin_type type, akin_metric metric,
                                  const unsigned char *a,
                                  const unsigned char *b, size_t dim)
{
    float sums[N_SUMS + 1];
    sum_floats(type, metric, a, b, dim, sums);
    if (metric != AKIN_METRIC_COSINE) return sums[DOT];
    if (!is_usual(sums[NORMSQ_A]) || !is_usual(sums[NORMSQ_B]))
        return pair_scalar.of[type][metric](a, b, dim);
    return pair_cosine(sums[DOT], sums[NORMSQ_A], sums[NORMSQ_B]);
}

#endif
