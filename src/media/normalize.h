/* SPDX-License-Identifier: MIT
 * What is done to the samples of one window before a model hears them. */
#ifndef MEDIA_NORMALIZE_H
#define MEDIA_NORMALIZE_H

#include <stddef.h>

#include "media/types.h"

/* In place. MEDIA_NORMALIZE_PEAK takes the mean off, then scales the largest
 * magnitude to `peak`; what is constant becomes 0. Samples are finite. */
void normalize_samples(float *samples, size_t n, media_normalize how,
                       double peak);

#endif
