/* SPDX-License-Identifier: MIT
 * The bytes of a WAV file. */
#include "media/wav.h"

#include <math.h>
#include <string.h>

static void put_le(unsigned char *to, uint32_t value, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

void wav_put_header(unsigned char h[WAV_HEADER_BYTES], uint32_t rate_hz,
                    uint32_t n_frames)
{
    uint32_t bytes = n_frames * WAV_SAMPLE_BYTES;
    memcpy(h, "RIFF....WAVEfmt ", 16);
    put_le(h + 4, bytes + WAV_HEADER_BYTES - 8, 4);
    put_le(h + 16, 16, 4);                         /* size of "fmt " */
    put_le(h + 20, 1, 2);                          /* PCM */
    put_le(h + 22, 1, 2);                          /* channels */
    put_le(h + 24, rate_hz, 4);
    put_le(h + 28, rate_hz * WAV_SAMPLE_BYTES, 4); /* bytes a second */
    put_le(h + 32, WAV_SAMPLE_BYTES, 2);           /* bytes a frame */
    put_le(h + 34, 8 * WAV_SAMPLE_BYTES, 2);       /* bits a sample */
    memcpy(h + 36, "data", 4);
    put_le(h + 40, bytes, 4);
}

void wav_from_float(const float *mono, size_t n, int16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        float x = rintf(mono[i] * 32768.0f);
        int value = (int)fminf(fmaxf(x, -32768.0f), 32767.0f);
        unsigned char bytes[WAV_SAMPLE_BYTES];
        put_le(bytes, (uint32_t)value, WAV_SAMPLE_BYTES);
        memcpy(&out[i], bytes, sizeof bytes);
    }
}
