/* SPDX-License-Identifier: MIT
 * How long a WAV, RF64 or W64 file says it is. FFmpeg forgets this when the
 * file is shorter, which is just when it matters: the copy was cut off. */
#define _GNU_SOURCE
#include <string.h>
#include <unistd.h>

#include "media/decode_int.h"

#define WAV_MAX_CHUNKS 256

/* Programs that write to a pipe (sox, arecord) state a size near 2 GiB or
 * 4 GiB: it means that they did not know. */
#define WAV_UNKNOWN_BYTES 0x7ffff000u

typedef struct wav_walk {
    int fd;
    bool w64;
    uint64_t at, ds64_bytes;
    uint32_t frame_bytes;
} wav_walk;

static uint64_t wav_get_le(const unsigned char *from, int n_bytes)
{
    uint64_t value = 0;
    for (int i = n_bytes - 1; i >= 0; i--) value = value << 8 | from[i];
    return value;
}

static bool wav_read_at(const wav_walk *w, uint64_t at, unsigned char *to,
                        size_t n)
{
    return at < INT64_MAX && pread(w->fd, to, n, (off_t)at) == (ssize_t)n;
}

/* Reads one chunk; false at the end of the walk, *bytes of sound if found. */
static bool wav_step(wav_walk *w, uint64_t *bytes)
{
    unsigned char head[24], body[16];
    uint64_t size, n_head = w->w64 ? 24 : 8, pad = w->w64 ? 8 : 2;
    if (!wav_read_at(w, w->at, head, n_head)) return false;
    size = w->w64 ? wav_get_le(head + 16, 8) - n_head : wav_get_le(head + 4, 4);
    uint64_t start = w->at + n_head;
    if (memcmp(head, "data", 4) == 0) {
        bool unknown = !w->w64 && size >= WAV_UNKNOWN_BYTES;
        *bytes = unknown ? w->ds64_bytes : size;
        return false;
    }
    if (size > INT64_MAX / 2 || start > INT64_MAX / 2) return false;
    if (memcmp(head, "fmt ", 4) == 0 && wav_read_at(w, start, body, 16))
        w->frame_bytes = (uint32_t)wav_get_le(body + 12, 2);
    if (memcmp(head, "ds64", 4) == 0 && wav_read_at(w, start, body, 16))
        w->ds64_bytes = wav_get_le(body + 8, 8);
    w->at = (start + size + pad - 1) / pad * pad;
    return true;
}

int64_t decode_wav_length(int fd)
{
    unsigned char head[12];
    uint64_t bytes = 0;
    wav_walk w = {.fd = fd};
    if (!wav_read_at(&w, 0, head, sizeof head)) return 0;
    w.w64 = memcmp(head, "riff", 4) == 0;
    w.at = w.w64 ? 40 : 12;
    for (int i = 0; i < WAV_MAX_CHUNKS && wav_step(&w, &bytes); i++) continue;
    if (w.frame_bytes == 0 || bytes > INT64_MAX) return 0;
    return (int64_t)(bytes / w.frame_bytes);
}
