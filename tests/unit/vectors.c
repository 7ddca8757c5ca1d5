/* SPDX-License-Identifier: MIT
 * Made-up vectors. */
#include "vectors.h"

#include <math.h>

#include "base/memory.h"
#include "base/random.h"
#include "index/distance.h"
#include "index/topk.h"

/* Box, Muller: A note on the generation of random normal deviates, 1958. */
static double normal(random_state *r)
{
    double u = 1 - random_unit(r), v = random_unit(r);
    return sqrt(-2 * log(u)) * cos(2 * acos(-1) * v);
}

static void make_row(const vectors_options *opt, const float *centre,
                     random_state *r, float *row)
{
    double sum = 0;
    for (size_t d = 0; d < opt->dim; d++) {
        double x = centre[d] + opt->noise * normal(r);
        row[d] = (float)x;
        sum += x * x;
    }
    double scale = opt->normalise ? 1 / sqrt(sum) : exp(normal(r) / 3);
    for (size_t d = 0; d < opt->dim; d++) row[d] = (float)(row[d] * scale);
}

vectors vectors_new(const vectors_options *opt)
{
    random_state r = {opt->seed};
    size_t dim = opt->dim;
    vectors v = {.n = opt->n, .dim = dim};
    float *centres = mem_array(opt->clusters * dim, sizeof *centres);
    v.block = mem_array(opt->n * dim * 2 + 1, 1);
    v.half = v.block + 1;
    v.values = mem_array(opt->n * dim, sizeof *v.values);
    v.keys = mem_array(opt->n, sizeof *v.keys);
    for (size_t i = 0; i < opt->clusters * dim; i++)
        centres[i] = (float)normal(&r);
    for (size_t i = 0; i < opt->n; i++) {
        uint32_t c = random_below(&r, (uint32_t)opt->clusters);
        make_row(opt, centres + c * dim, &r, v.values + i * dim);
        if (i && random_unit(&r) < opt->equal)
            for (size_t d = 0; d < dim; d++)
                v.values[i * dim + d] = v.values[d];
        v.keys[i] = 1000 + 3 * i;
    }
    distance_to_half(v.values, opt->n * dim, v.half);
    distance_from_half(v.half, opt->n * dim, v.values);
    mem_free(centres);
    return v;
}

void vectors_clear(vectors *v)
{
    mem_free(v->block);
    mem_free(v->values);
    mem_free(v->keys);
    *v = (vectors){0};
}

float vectors_kth_dot(const vectors *v, size_t n, const float *q, size_t k)
{
    topk top;
    distance_query query = {.vector = q, .dim = v->dim};
    float kth = -INFINITY;
    if (topk_init(&top, k, false, NULL) != AKIN_OK) return kth;
    for (size_t i = 0; i < n; i++) {
        float dot;
        distance_get()->dot_rows(&query, v->half + i * 2 * v->dim, 1, &dot);
        topk_push(&top, i, dot);
    }
    if (top.n == k) kth = top.hits[0].score;
    topk_clear(&top);
    return kth;
}
