/* SPDX-License-Identifier: MIT
 * Butterworth filters of order 5, run once forward from rest. */
#ifndef MEDIA_FILTER_H
#define MEDIA_FILTER_H

#include <stddef.h>

#define FILTER_MAX_SECTIONS 5

/* One second-order section: y = (b0 + b1 z + b2 z^2) / (1 + a1 z + a2 z^2) x
 * with z the delay by one sample. */
typedef struct filter_section {
    double b0, b1, b2, a1, a2;
} filter_section;

typedef struct filter {
    size_t n_sections; /* 0: lets everything pass */
    filter_section sections[FILTER_MAX_SECTIONS];
} filter;

/* High-pass if only fmin_hz > 0, low-pass if only 0 < fmax_hz < rate / 2,
 * band-pass (10 poles) if both, else nothing. fmin_hz < fmax_hz if both. */
filter filter_design(double fmin_hz, double fmax_hz, double rate_hz);

/* Filters n samples in place, from a zero state. */
void filter_run(const filter *f, float *samples, size_t n);

#endif
