/* SPDX-License-Identifier: MIT
 * The window reader's inside, shared with the cutting of query files. */
#ifndef MEDIA_WINDOW_INT_H
#define MEDIA_WINDOW_INT_H

#include "media/decode.h"
#include "media/filter.h"
#include "media/resample.h"
#include "media/window.h"

/* Two times closer than this are the same: far below one frame, far above the
 * rounding of products of seconds. */
#define WINDOW_EPSILON_S 1e-8

/* `samples` is a buffer of constant size over the stream at the model's rate:
 * it begins at stream sample `base` and moves on as windows are cut. */
struct window_reader {
    window_plan plan;
    size_t n_samples; /* of a window */
    filter band;
    decoder *source;
    resampler *rates;
    float *chunk; /* input of the resampler, NULL if there is nothing to do */
    float *samples;
    size_t n, cap, room; /* room: what one step of filling may append */
    int64_t base;
    int64_t frames; /* decoded */
    int64_t next;   /* window number */
    bool decoded, complete; /* all frames decoded; all samples in `samples` */
    window_times times;
};

/* Start of window k: at the model's rate, and in the original file. */
int64_t window_start_sample(const window_plan *plan, int64_t k);
double window_start_s(const window_plan *plan, int64_t k);

/* Makes the stream available from sample `start` on for one window, as far as
 * it goes, and the file known up to end_s. Starts never decrease. */
akin_status window_fill(window_reader *r, int64_t start, double end_s,
                        akin_error *err) AKIN_NODISCARD;

/* Copies the window that was filled, pads and filters it. */
void window_cut(window_reader *r, int64_t start, float *samples);

/* Decodes the file to its end and begins again: its length in samples at the
 * model's rate. */
akin_status window_measure(window_reader *r, int64_t *n_samples,
                           akin_error *err) AKIN_NODISCARD;

#endif
