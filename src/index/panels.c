/* SPDX-License-Identifier: MIT
 * The scan over packed rows.
 *
 * |q - r|^2 <= w is asked as q.r - |r|^2 / 2 >= (|q|^2 - w) / 2, so that one
 * sum and one comparison decide. Sums of n products err by at most n u |q||r|,
 * u = 2^-24; with |q||r| <= (|q|^2 + |r|^2) / 2 that room is put into the two
 * norms, four times over for the roundings of the norms and of the distance
 * that the caller takes again. Of dots it is |q| times |r|. */
#include "index/panels.h"

#include <assert.h>
#include <float.h>
#include <math.h>

#include "base/memory.h"

#define LARGEST_NORMSQ 1e37f

static float room(size_t dim) { return 4 * (float)(dim + 16) * 0x1p-24f; }

bool panels_can_take(float normsq) { return normsq <= LARGEST_NORMSQ; }

float panels_factor(panels_metric metric, size_t dim, float normsq)
{
    return metric == METRIC_L2SQ ? 1 : sqrtf(normsq) * room(dim);
}

float panels_bound(panels_metric metric, size_t dim, float normsq, float worst)
{
    if (metric == METRIC_DOT) return worst;
    return ((1 - room(dim)) * normsq - worst) / 2;
}

akin_status panels_init(panels *p, size_t cap, size_t dim,
                        panels_metric metric, akin_error *err)
{
    size_t bytes = 0, lanes = distance_f32_get()->lanes;
    *p = (panels){.dim = dim, .metric = metric};
    p->cap = (cap + lanes - 1) / lanes * lanes;
    if (mem_mul(p->cap, dim * sizeof(float), &bytes)) {
        p->data = mem_aligned(bytes);
        p->terms = mem_aligned(p->cap * sizeof(float));
    }
    if (p->data && p->terms) return AKIN_OK;
    panels_clear(p);
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for %zu rows", cap);
}

void panels_clear(panels *p)
{
    mem_free_aligned(p->data);
    mem_free_aligned(p->terms);
    *p = (panels){0};
}

static float term_of(const panels *p, const float *row,
                     const distance_f32_table *kernels)
{
    distance_query q = {.vector = row, .dim = p->dim};
    float normsq;
    kernels->dot_rows(&q, row, 1, &normsq);
    if (!panels_can_take(normsq)) return NAN;
    return p->metric == METRIC_DOT ? sqrtf(normsq)
           : p->plain           ? -normsq / 2
                                : -(1 - room(p->dim)) * normsq / 2;
}

void panels_pack(panels *p, const float *rows, size_t n)
{
    const distance_f32_table *kernels = distance_f32_get();
    const size_t lanes = kernels->lanes;
    assert(n <= p->cap);
    p->n = n;
    p->finite = true;
    for (size_t i = 0; i < n; i += lanes) {
        size_t rest = n - i < lanes ? n - i : lanes;
        kernels->pack(rows + i * p->dim, rest, p->dim, p->data + i * p->dim);
        for (size_t r = 0; r < lanes; r++) {
            p->terms[i + r] =
                r < rest ? term_of(p, rows + (i + r) * p->dim, kernels) : NAN;
            if (r < rest && isnan(p->terms[i + r])) p->finite = false;
        }
    }
}

static void give_hits(const panels_scan *s, const distance_tile *t,
                      size_t query, size_t n_queries, size_t first,
                      size_t lanes)
{
    for (size_t i = 0; i < n_queries; i++)
        if (t->reached[i])
            s->hit(s->user, query + i, first, t->reached[i],
                   t->sums + i * t->n_panels * lanes);
}

static void run_group(const panels_scan *s, const distance_f32_table *kernels,
                      size_t query, size_t n_queries)
{
    const panels *p = s->panels;
    size_t n_panels = (p->n + kernels->lanes - 1) / kernels->lanes;
    distance_tile t = {.dim = p->dim};
    for (size_t i = 0; i < kernels->tile_queries; i++) {
        size_t from = query + (i < n_queries ? i : 0);
        t.queries[i] = s->queries[from];
        t.factors[i] = s->factors[from];
        t.bounds[i] = INFINITY;
    }
    for (size_t at = 0; at < n_panels; at += t.n_panels) {
        size_t first = at * kernels->lanes;
        t.n_panels = n_panels - at < kernels->tile_panels
                         ? n_panels - at : kernels->tile_panels;
        t.panels = p->data + first * p->dim;
        t.terms = p->terms + first;
        for (size_t i = 0; i < n_queries; i++)
            t.bounds[i] = s->bounds[query + i];
        if (kernels->tile(&t))
            give_hits(s, &t, query, n_queries, first, kernels->lanes);
    }
}

void panels_run(const panels_scan *s)
{
    const distance_f32_table *kernels = distance_f32_get();
    const size_t step = kernels->tile_queries;
    for (size_t i = 0; i < s->n; i += step)
        run_group(s, kernels, i, s->n - i < step ? s->n - i : step);
}
