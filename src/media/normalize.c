/* SPDX-License-Identifier: MIT
 * Loudness of a window: left, scaled to a peak, clamped. */
#include "media/normalize.h"

#include <math.h>

/* As Perch's normalize_audio: each sample over the largest, times the peak, in
 * float32. The sum in double is exact enough that a constant leaves 0. */
static void normalize_peak(float *samples, size_t n, double peak)
{
    double sum = 0;
    float largest = 0;
    for (size_t i = 0; i < n; i++) sum += samples[i];
    float mean = (float)(sum / (double)n);
    for (size_t i = 0; i < n; i++) {
        samples[i] -= mean;
        largest = fmaxf(largest, fabsf(samples[i]));
    }
    if (!(largest > 0)) return;
    for (size_t i = 0; i < n; i++)
        samples[i] = samples[i] / largest * (float)peak;
}

void normalize_samples(float *samples, size_t n, media_normalize how,
                       double peak)
{
    if (how == MEDIA_NORMALIZE_PEAK && n > 0) normalize_peak(samples, n, peak);
    if (how != MEDIA_NORMALIZE_CLAMP) return;
    for (size_t i = 0; i < n; i++)
        samples[i] = fminf(fmaxf(samples[i], -1.0f), 1.0f);
}
