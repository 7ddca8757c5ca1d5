/* SPDX-License-Identifier: MIT
 * Plain structs of media: what a file holds, where a window lies. */
#ifndef MEDIA_TYPES_H
#define MEDIA_TYPES_H

#include <stdint.h>

/* Longest window a model may have, in samples; bounds every buffer. */
#define MEDIA_MAX_WINDOW_SAMPLES (1 << 24)

typedef struct media_info {
    uint32_t rate_hz;
    uint32_t n_channels;
    double duration_s; /* as the container says; 0 if it does not */
    char codec[32];
    char container[32];
} media_info;

/* What is done to the samples of a window before a model hears them. */
typedef enum media_normalize {
    MEDIA_NORMALIZE_NONE,
    MEDIA_NORMALIZE_PEAK,  /* subtract the mean, scale the largest to a peak */
    MEDIA_NORMALIZE_CLAMP, /* to -1 .. 1 */
} media_normalize;

/* Seconds in the original file. */
typedef struct media_span {
    double start_s, end_s;
} media_span;

#endif
