/* SPDX-License-Identifier: MIT
 * Log-mel patches, the input of VGGish, YAMNet and their kin.
 *
 * The recipe: frames of window_samples every hop_samples, periodic Hann window,
 * magnitude of an FFT of n_fft points, n_mels triangles that are linear in HTK
 * mel between min_hz and max_hz (peak 1, the bin of 0 Hz left out), natural
 * logarithm of (mel + offset). */
#ifndef MEDIA_LOG_MEL_H
#define MEDIA_LOG_MEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct log_mel_spec {
    uint32_t rate_hz;        /* 16000 */
    uint32_t window_samples; /* 400 */
    uint32_t hop_samples;    /* 160 */
    uint32_t n_fft;          /* 512: a power of two, at least window_samples */
    uint32_t n_mels;         /* 64 */
    uint32_t n_frames;       /* 96: of one patch */
    double min_hz, max_hz;   /* 125, 7500 */
    double log_offset;       /* 0.01 VGGish, 0.001 YAMNet */
} log_mel_spec;

extern const log_mel_spec log_mel_vggish;
extern const log_mel_spec log_mel_yamnet;

typedef struct log_mel log_mel;

/* AKIN_EUSAGE naming the value that makes no sense. */
akin_status log_mel_new(const log_mel_spec *spec, log_mel **out,
                        akin_error *err) AKIN_NODISCARD;
void log_mel_free(log_mel *m);

/* Samples that a patch is made of: (n_frames - 1) * hop + window, 15600. */
size_t log_mel_patch_samples(const log_mel *m);

/* Floats of a patch: n_frames * n_mels. */
size_t log_mel_patch_size(const log_mel *m);

/* Fills out[n_frames, n_mels] from n samples; what lacks to
 * log_mel_patch_samples is taken as silence, what is over is not looked at.
 * Not thread-safe on one m. */
void log_mel_write(log_mel *m, const float *samples, size_t n, float *out);

#endif
