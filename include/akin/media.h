/* SPDX-License-Identifier: MIT
 * Media to look at and to listen to: spectrograms and pieces of sound files.
 *
 *     akin_error err;
 *     akin_spectrogram picture = {0};
 *     akin_spectrogram_options opt = {.width = 400, .height = 128};
 *     if (akin_spectrogram_make("call.wav", &opt, &picture, &err) != AKIN_OK)
 *         fprintf(stderr, "%s\n", err.text);
 *     akin_spectrogram_clear(&picture);
 *
 * Conventions are in akin/error.h. All calls are thread-safe.
 */
#ifndef AKIN_MEDIA_H
#define AKIN_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "akin/akin.h"
#include "akin/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- spectrograms -------------------------------------------------------------- */

#define AKIN_SPECTROGRAM_MAX_SIDE 8192
#define AKIN_SPECTROGRAM_FLOOR_DB (-120)

typedef struct akin_spectrogram_options {
    double start_s, end_s;  /* of the file; an end of 0: the file's */
    uint32_t width, height; /* columns and rows, 1 to the largest side */
    double min_hz, max_hz;  /* at the lower and upper edge; a max of 0: half
                               the file's rate */
    bool mel;               /* rows are equally far apart in mel, not in Hz */
    uint32_t n_fft;         /* a power of two, 64 .. 32768; 0: about 21 ms */
} akin_spectrogram_options;

typedef struct akin_spectrogram {
    uint8_t *levels; /* [height][width], the highest frequency first: 0 is the
                        floor and less, 255 is 0 dB, that of a sine of full
                        scale */
    uint32_t width, height, rate_hz; /* the file's rate */
    double min_hz, max_hz;
    double start_s, end_s; /* what it shows; beyond the file's end levels are
                              0 */
} akin_spectrogram;

/* A cell is the loudest of the bins and moments that fall into it; where cells
 * are narrower than bins, what lies between two of them. A long stretch is
 * looked at four times a column. AKIN_EUSAGE, AKIN_ENOTFOUND (no file, or it
 * ends before the start), AKIN_EDECODE. */
AKIN_API akin_status akin_spectrogram_make(const char *path,
                                           const akin_spectrogram_options *opt,
                                           akin_spectrogram *out,
                                           akin_error *err);
AKIN_API void akin_spectrogram_clear(akin_spectrogram *picture);

/* ---- pieces of sound ------------------------------------------------------------- */

typedef struct akin_sound_options {
    double start_s, end_s; /* of the file; an end of 0: the file's */
    double speed;          /* 0.01 .. 100, 0: 1. The WAV's rate is so many times
                              the file's: nothing is resampled */
    double fmin_hz, fmax_hz; /* band-pass after the speed, as akin_settings has
                                it; 0: none */
    size_t max_bytes;      /* 0: 64 MiB */
} akin_sound_options;

/* A piece of a sound file, or of a film's sound track, as a WAV: mono, 16-bit.
 * *out [*n] is yours: akin_free. AKIN_ELIMIT (longer than max_bytes),
 * AKIN_ENOTFOUND, AKIN_EUSAGE, AKIN_EDECODE. */
AKIN_API akin_status akin_sound_make(const char *path,
                                     const akin_sound_options *opt,
                                     unsigned char **out, size_t *n,
                                     akin_error *err);

/* ---- pictures ---------------------------------------------------------------------- */

/* A picture in small as akin_image_thumbnail makes it; of a film, told by its
 * name, the frame at time_s. *out [*n] is yours: akin_free. */
AKIN_API akin_status akin_picture_make(const char *path, double time_s,
                                       uint32_t max_side, unsigned char **out,
                                       size_t *n, akin_error *err);

#ifdef __cplusplus
}
#endif
#endif
