/* SPDX-License-Identifier: MIT
 * WAV files of mono 16-bit PCM: the header, and samples for it. */
#ifndef MEDIA_WAV_H
#define MEDIA_WAV_H

#include <stddef.h>
#include <stdint.h>

#define WAV_HEADER_BYTES 44
#define WAV_SAMPLE_BYTES 2
#define WAV_MAX_FRAMES ((UINT32_MAX - WAV_HEADER_BYTES) / WAV_SAMPLE_BYTES)

void wav_put_header(unsigned char out[WAV_HEADER_BYTES], uint32_t rate_hz,
                    uint32_t n_frames);

/* round(x * 32768), halves to even, clamped to -32768 .. 32767, little-endian in
 * memory whatever the machine; so 16-bit sound comes out as it went in. */
void wav_from_float(const float *mono, size_t n, int16_t *out);

#endif
