/* SPDX-License-Identifier: MIT
 * The two principal axes of a sample by orthogonal iteration, and all rows along
 * them. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/half.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "index/layout.h"

enum {
    AXES = 2,
    AXES_SAMPLE = 8192, /* rows that the axes are found by */
    AXES_STEPS = 24,
    AXES_CHUNK = 4096,  /* rows a thread takes at once */
};
#define AXES_SPAN 10.0f

typedef struct axes {
    const layout_rows *rows;
    size_t n_threads;
    size_t n_sample;
    float *sample; /* [n_sample][dim], centred */
    float *mean;   /* [dim] */
    float *axis;   /* [AXES][dim] */
    float *places;
    _Atomic size_t next;
} axes;

/* The i-th row as floats of length 1; of a zero vector zeros. */
static void axes_read(const layout_rows *r, size_t i, float *out)
{
    size_t row = r->rows ? r->rows[i] : i;
    const unsigned char *halves = r->vectors + row * r->dim * 2;
    double normsq = 0;
    for (size_t k = 0; k < r->dim; k++) {
        out[k] = half_to_float(halves + 2 * k);
        normsq += (double)out[k] * (double)out[k];
    }
    float by = normsq > 0 && isfinite(normsq) ? (float)(1 / sqrt(normsq)) : 0;
    for (size_t k = 0; k < r->dim; k++) out[k] = by > 0 ? out[k] * by : 0;
}

static float axes_dot(const float *a, const float *b, size_t dim)
{
    float sums[8] = {0};
    size_t k = 0;
    for (; k + 8 <= dim; k += 8)
        for (size_t j = 0; j < 8; j++) sums[j] += a[k + j] * b[k + j];
    for (; k < dim; k++) sums[0] += a[k] * b[k];
    for (size_t j = 1; j < 8; j++) sums[0] += sums[j];
    return sums[0];
}

static akin_status axes_new_floats(size_t rows, size_t dim, float **out,
                                   akin_error *err)
{
    void *p;
    size_t n;
    if (!mem_mul(rows, dim, &n))
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a map");
    AKIN_TRY(mem_new_array(n, sizeof(float), "a map", &p, err));
    *out = p;
    return AKIN_OK;
}

static void axes_take_sample(axes *a)
{
    size_t dim = a->rows->dim;
    for (size_t i = 0; i < a->n_sample; i++) {
        float *row = a->sample + i * dim;
        axes_read(a->rows, (size_t)((uint64_t)i * a->rows->n / a->n_sample),
                  row);
        for (size_t k = 0; k < dim; k++)
            a->mean[k] += row[k] / (float)a->n_sample;
    }
    for (size_t i = 0; i < a->n_sample; i++)
        for (size_t k = 0; k < dim; k++) a->sample[i * dim + k] -= a->mean[k];
}

/* Length 1 and at right angles to those before it; false for a zero vector. */
static bool axes_straighten(axes *a, size_t which)
{
    size_t dim = a->rows->dim;
    float *own = a->axis + which * dim;
    for (size_t j = 0; j < which; j++) {
        const float *other = a->axis + j * dim;
        float along = axes_dot(own, other, dim);
        for (size_t k = 0; k < dim; k++) own[k] -= along * other[k];
    }
    float norm = sqrtf(axes_dot(own, own, dim));
    if (!(norm > 1e-20f)) return false;
    for (size_t k = 0; k < dim; k++) own[k] /= norm;
    return true;
}

/* One step: axis = sum over rows of (row . axis) row. */
static void axes_step(axes *a, float *sums)
{
    size_t dim = a->rows->dim;
    memset(sums, 0, AXES * dim * sizeof *sums);
    for (size_t i = 0; i < a->n_sample; i++) {
        const float *row = a->sample + i * dim;
        for (size_t j = 0; j < AXES; j++) {
            float along = axes_dot(row, a->axis + j * dim, dim);
            for (size_t k = 0; k < dim; k++) sums[j * dim + k] += along * row[k];
        }
    }
    memcpy(a->axis, sums, AXES * dim * sizeof *sums);
    for (size_t j = 0; j < AXES; j++) axes_straighten(a, j);
}

static akin_status axes_find(axes *a, const layout_options *opt,
                             akin_error *err)
{
    float *sums = NULL;
    random_state random = {opt->seed};
    AKIN_TRY(axes_new_floats(AXES, a->rows->dim, &sums, err));
    for (size_t k = 0; k < AXES * a->rows->dim; k++)
        a->axis[k] = (float)(random_unit(&random) - 0.5);
    for (size_t j = 0; j < AXES; j++) axes_straighten(a, j);
    akin_status status = AKIN_OK;
    for (size_t i = 0; i < AXES_STEPS && status == AKIN_OK; i++) {
        if (opt->progress &&
            !opt->progress(opt->user, "axes", (double)i / AXES_STEPS))
            status = AKIN_FAIL(err, AKIN_ECANCELLED, "the map was stopped");
        else
            axes_step(a, sums);
    }
    mem_free(sums);
    return status;
}

static void axes_place(void *user, size_t thread)
{
    axes *a = user;
    size_t dim = a->rows->dim, n = a->rows->n, first;
    float *row = mem_array(dim, sizeof *row);
    (void)thread;
    while (row && (first = a->next) < n) {
        first = atomic_fetch_add(&a->next, AXES_CHUNK);
        for (size_t i = first; i < n && i < first + AXES_CHUNK; i++) {
            axes_read(a->rows, i, row);
            for (size_t k = 0; k < dim; k++) row[k] -= a->mean[k];
            for (size_t j = 0; j < AXES; j++)
                a->places[AXES * i + j] = axes_dot(row, a->axis + j * dim, dim);
        }
    }
    mem_free(row);
}

/* So that the wider axis spans what it should. */
static void axes_scale(float *places, size_t n)
{
    float widest = 0;
    for (size_t i = 0; i < AXES * n; i++)
        widest = fmaxf(widest, fabsf(places[i]));
    for (size_t i = 0; widest > 0 && i < AXES * n; i++)
        places[i] *= AXES_SPAN / widest;
}

akin_status layout_axes(const layout_rows *rows, const layout_options *opt,
                        float *places, akin_error *err)
{
    akin_status status = AKIN_OK;
    axes a = {.rows = rows, .places = places,
              .n_threads = opt->threads ? opt->threads : thread_count(),
              .n_sample = rows->n < AXES_SAMPLE ? rows->n : AXES_SAMPLE};
    memset(places, 0, AXES * rows->n * sizeof *places);
    if (rows->n == 0 || rows->dim == 0) return AKIN_OK;
    AKIN_TRYG(axes_new_floats(a.n_sample, rows->dim, &a.sample, err));
    AKIN_TRYG(axes_new_floats(1, rows->dim, &a.mean, err));
    AKIN_TRYG(axes_new_floats(AXES, rows->dim, &a.axis, err));
    axes_take_sample(&a);
    AKIN_TRYG(axes_find(&a, opt, err));
    thread_each(a.n_threads, axes_place, &a);
    if (a.next < rows->n)
        AKIN_TRYG(AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a map"));
    axes_scale(places, rows->n);
done:
    mem_free(a.sample);
    mem_free(a.mean);
    mem_free(a.axis);
    return status;
}
