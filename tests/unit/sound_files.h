/* SPDX-License-Identifier: MIT
 * Sound files made at test time: plain WAV of every kind by hand, everything
 * else by the encoders that this FFmpeg has. */
#ifndef SOUND_FILES_H
#define SOUND_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum sound_kind {
    SOUND_U8,
    SOUND_S16,
    SOUND_S24,
    SOUND_S32,
    SOUND_F32,
    SOUND_F64,
    SOUND_N_KINDS,
} sound_kind;

typedef struct sound_spec {
    const char *muxer, *encoder; /* FFmpeg's names */
    uint32_t rate_hz;
    int n_channels;
} sound_spec;

/* A tone that rises, with some noise: |x| < 0.8, the same for a seed. */
void sound_signal(float *mono, size_t n, uint32_t rate_hz, uint32_t seed);

/* Writes n frames; channel c is mono / (c + 1). Test failures are reported. */
void sound_write_wav(const char *path, sound_kind kind, uint32_t rate_hz,
                     int n_channels, const double *mono, size_t n);

/* The same through an encoder; false if FFmpeg has it not. */
bool sound_encode(const char *path, const sound_spec *spec, const float *mono,
                  size_t n);

/* A path in test_dir(), valid until the call after the next. */
const char *sound_path(const char *name);

#endif
