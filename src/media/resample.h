/* SPDX-License-Identifier: MIT
 * A stream of mono float32 from one sample rate to another, without delay:
 * output sample 0 lies at input sample 0. */
#ifndef MEDIA_RESAMPLE_H
#define MEDIA_RESAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct resampler resampler;

/* in_rate_hz need not be whole (rate * speed). AKIN_ELIMIT if the ratio of the
 * rates is beyond 1:10000 or 10000:1. */
akin_status resampler_open(double in_rate_hz, uint32_t out_rate_hz,
                           resampler **out, akin_error *err) AKIN_NODISCARD;
void resampler_close(resampler *r);

/* true if the rates are equal: the samples are the output as they are, and
 * resampler_put is not to be called. */
bool resampler_is_identity(const resampler *r);

/* Samples to put at a time (only the last may be fewer, so that the output
 * does not depend on how the input came), and room to give for the output. */
size_t resampler_n_in(const resampler *r);
size_t resampler_n_out(const resampler *r);

/* Puts n samples and gets up to resampler_n_out. in = NULL ends the input; then
 * call it until *n_out = 0. The output has round(n_in * out / in) samples in
 * all. */
akin_status resampler_put(resampler *r, const float *in, size_t n, float *out,
                          size_t *n_out, akin_error *err) AKIN_NODISCARD;

/* Samples that n_in samples of input become. */
int64_t resampler_length(const resampler *r, int64_t n_in);

#endif
