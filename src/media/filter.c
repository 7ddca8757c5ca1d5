/* SPDX-License-Identifier: MIT
 * Butterworth design by the bilinear transform, and its use.
 *
 * The transfer function is that of scipy.signal.butter(5, edges); it is kept as
 * second-order sections in double, since the single polynomial of a 10-pole
 * band-pass loses all its digits when the lower edge is low. */
#include "media/filter.h"

#include <assert.h>
#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define FILTER_ORDER 5
#define FILTER_BLOCK 256
#define FILTER_TINY 1e-100

/* A frequency as the analogue one that the bilinear transform
 * z = (4 + s) / (4 - s) maps to it. */
static double filter_warp(double hz, double rate_hz)
{
    return 4 * tan(acos(-1.0) * hz / rate_hz);
}

static double complex filter_bilinear(double complex s)
{
    return (4 + s) / (4 - s);
}

/* Puts the section with poles p and q (conjugates, or both real) at the end;
 * its gain is set to 1 at the point z0 of the unit circle. */
static void filter_add(filter *f, double complex p, double complex q, double b1,
                       double b2, double complex z0)
{
    assert(f->n_sections < FILTER_MAX_SECTIONS);
    double a1 = -creal(p + q), a2 = creal(p * q);
    double complex d = 1 / z0;
    double gain = cabs((1 + a1 * d + a2 * d * d) / (1 + b1 * d + b2 * d * d));
    f->sections[f->n_sections++] =
        (filter_section){gain, gain * b1, gain * b2, a1, a2};
}

/* Low- and high-pass: all zeros at z = -1 or z = 1. The pole i of the
 * prototype is exp(j pi (2 i + order + 1) / (2 order)); 2 is the real one. */
static void filter_design_edge(filter *f, double edge, bool high)
{
    double zero = high ? 1 : -1;
    for (int i = FILTER_ORDER / 2; i >= 0; i--) {
        double angle = acos(-1.0) * (2 * i + FILTER_ORDER + 1) /
                       (2.0 * FILTER_ORDER);
        bool real = 2 * i + 1 == FILTER_ORDER;
        double complex prototype = real ? -1 : cexp(I * angle);
        double complex p =
            filter_bilinear(high ? edge / prototype : edge * prototype);
        if (real)
            filter_add(f, p, 0, -zero, 0, -zero);
        else
            filter_add(f, p, conj(p), -2 * zero, 1, -zero);
    }
}

/* Band-pass: each prototype pole becomes two; one zero of a section lies at
 * z = 1, the other at z = -1. */
static void filter_design_band(filter *f, double low, double high)
{
    double width = high - low, centre = sqrt(low * high);
    double complex z0 = filter_bilinear(I * centre);
    for (int i = FILTER_ORDER / 2; i >= 0; i--) {
        double angle = acos(-1.0) * (2 * i + FILTER_ORDER + 1) /
                       (2.0 * FILTER_ORDER);
        bool real = 2 * i + 1 == FILTER_ORDER;
        double complex half = (real ? -1 : cexp(I * angle)) * width / 2;
        double complex root = csqrt(half * half - centre * centre);
        /* The product of both is centre^2; dividing avoids cancellation. */
        double complex s = creal(conj(half) * root) < 0 ? half - root
                                                        : half + root;
        double complex p = filter_bilinear(s);
        double complex q = filter_bilinear(centre * centre / s);
        if (real) {
            filter_add(f, p, q, 0, -1, z0);
        } else {
            filter_add(f, p, conj(p), 0, -1, z0);
            filter_add(f, q, conj(q), 0, -1, z0);
        }
    }
}

filter filter_design(double fmin_hz, double fmax_hz, double rate_hz)
{
    filter f = {0};
    bool has_min = fmin_hz > 0, has_max = fmax_hz > 0 && fmax_hz < rate_hz / 2;
    assert(!has_min || fmin_hz < rate_hz / 2);
    assert(!has_min || !has_max || fmin_hz < fmax_hz);
    double low = filter_warp(fmin_hz, rate_hz);
    double high = has_max ? filter_warp(fmax_hz, rate_hz) : 0;
    if (has_min && has_max)
        filter_design_band(&f, low, high);
    else if (has_min)
        filter_design_edge(&f, low, true);
    else if (has_max)
        filter_design_edge(&f, high, false);
    return f;
}

/* Transposed direct form II, the sections side by side within a sample, so that
 * the processor works on several at once. */
#define FILTER_CASCADE(name, n_sections)                                       \
    static void name(const filter_section *s, double state[][2],               \
                     float *samples, size_t n)                                 \
    {                                                                          \
        double u[n_sections], v[n_sections];                                   \
        for (int k = 0; k < (n_sections); k++)                                 \
            u[k] = state[k][0], v[k] = state[k][1];                            \
        for (size_t i = 0; i < n; i++) {                                       \
            double x = samples[i];                                             \
            for (int k = 0; k < (n_sections); k++) {                           \
                double y = s[k].b0 * x + u[k];                                 \
                u[k] = s[k].b1 * x - s[k].a1 * y + v[k];                       \
                v[k] = s[k].b2 * x - s[k].a2 * y;                              \
                x = y;                                                         \
            }                                                                  \
            samples[i] = (float)x;                                             \
        }                                                                      \
        for (int k = 0; k < (n_sections); k++)                                 \
            state[k][0] = u[k], state[k][1] = v[k];                            \
    }

FILTER_CASCADE(filter_cascade_3, 3)
FILTER_CASCADE(filter_cascade_5, 5)

void filter_run(const filter *f, float *samples, size_t n)
{
    double state[FILTER_MAX_SECTIONS][2] = {{0}};
    for (size_t i = 0; i < n && f->n_sections; i += FILTER_BLOCK) {
        size_t left = n - i, block = left < FILTER_BLOCK ? left : FILTER_BLOCK;
        if (f->n_sections == 3)
            filter_cascade_3(f->sections, state, samples + i, block);
        else
            filter_cascade_5(f->sections, state, samples + i, block);
        /* In digital silence the state would fade into denormal numbers, which
         * are very slow; it ends before. */
        double *flat = &state[0][0];
        for (size_t k = 0; k < 2 * FILTER_MAX_SECTIONS; k++)
            if (fabs(flat[k]) < FILTER_TINY) flat[k] = 0;
    }
}
