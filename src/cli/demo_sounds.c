/* SPDX-License-Identifier: MIT
 * Finds the sound effects of Debian's tuxpaint-stamps-default, or makes simple
 * ones where that package is not there. */
#define _GNU_SOURCE
#include "cli/demo_sounds.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"

enum {
    RATE_HZ = 22050,
    N_SAMPLES = 3 * RATE_HZ,
    N_VARIANTS = 3,
};

/* ---- finding ------------------------------------------------------------ */

static bool is_effect(const char *path)
{
    bool is_sound = text_ends_with(path, ".ogg", true) ||
                    text_ends_with(path, ".wav", true);
    bool is_spoken = strstr(file_name(path), "_desc") ||
                     strstr(path, "/symbols/alphabets/") ||
                     strstr(path, "/symbols/math/");
    return is_sound && !is_spoken;
}

akin_status demo_sounds_find(demo_files *sounds, const char *dir,
                             akin_error *err)
{
    return demo_files_find(sounds, dir, is_effect, err);
}

/* ---- making ------------------------------------------------------------- */

static const char *const kinds[] = {"hum",   "whistle", "rising sweep",
                                    "trill", "clicks",  "hiss",
                                    "buzz",  "wobble"};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* One of the kinds at time t; `shift` sets the variants apart. The phase of a
 * tone of rising frequency is its integral. */
static double sound_at(size_t kind, double shift, double t, random_state *r)
{
    const double turn = 2 * acos(-1.0);
    double noise = 2 * random_unit(r) - 1;
    switch (kind) {
    case 0: return 0.5 * sin(turn * 110 * shift * t) +
                   0.3 * sin(turn * 220 * shift * t);
    case 1: return 0.6 * sin(turn * 2500 * shift * t);
    case 2: return 0.6 * sin(turn * (300 * t + 450 * shift * t * t));
    case 3: return fmod(t * 12 * shift, 1) < 0.5
                       ? 0.6 * sin(turn * 3800 * shift * t)
                       : 0;
    case 4: return fmod(t * 6 * shift, 1) < 0.02 ? 0.9 * noise : 0;
    case 5: return 0.4 * noise;
    case 6: return fmod(t * 150 * shift, 1) < 0.3 ? 0.5 : -0.2;
    default: return 0.6 * sin(turn * 700 * shift * t +
                              20 * sin(turn * 5 * shift * t));
    }
}

static void put_u16(unsigned char *at, unsigned value)
{
    at[0] = (unsigned char)(value & 255);
    at[1] = (unsigned char)(value >> 8 & 255);
}

static void put_u32(unsigned char *at, uint32_t value)
{
    put_u16(at, value & 0xffff);
    put_u16(at + 2, value >> 16);
}

static void put_wav_header(unsigned char head[44])
{
    memcpy(head, "RIFF....WAVEfmt ....................data....", 44);
    put_u32(head + 4, 36 + 2 * N_SAMPLES);
    put_u32(head + 16, 16);
    put_u16(head + 20, 1); /* PCM */
    put_u16(head + 22, 1); /* channel */
    put_u32(head + 24, RATE_HZ);
    put_u32(head + 28, 2 * RATE_HZ);
    put_u16(head + 32, 2);
    put_u16(head + 34, 16);
    put_u32(head + 40, 2 * N_SAMPLES);
}

static akin_status put_samples(file_writer *writer, size_t kind,
                               size_t variant, akin_error *err)
{
    unsigned char head[44], sample[2];
    random_state random = {kind * N_VARIANTS + variant + 1};
    put_wav_header(head);
    AKIN_TRY(file_writer_put(writer, head, sizeof head, err));
    for (int i = 0; i < N_SAMPLES; i++) {
        double x = sound_at(kind, 1 + 0.06 * (double)variant,
                            (double)i / RATE_HZ, &random);
        put_u16(sample, (unsigned)(int)lrint(x * 32767));
        AKIN_TRY(file_writer_put(writer, sample, sizeof sample, err));
    }
    return AKIN_OK;
}

static akin_status write_wav(const char *path, size_t kind, size_t variant,
                             akin_error *err)
{
    file_writer *writer = NULL;
    AKIN_TRY(file_writer_open(path, &writer, err));
    akin_status status = put_samples(writer, kind, variant, err);
    if (status == AKIN_OK) return file_writer_commit(writer, err);
    file_writer_discard(writer);
    return status;
}

static akin_status make_sound(demo_files *sounds, const char *dir, size_t kind,
                              size_t variant, akin_error *err)
{
    char *path = text_format("%s/%s %zu.wav", dir, kinds[kind], variant + 1);
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_status status = AKIN_OK;
    if (!file_exists(path)) status = write_wav(path, kind, variant, err);
    if (status == AKIN_OK) status = demo_files_add(sounds, path, err);
    mem_free(path);
    return status;
}

akin_status demo_sounds_make(demo_files *sounds, const char *dir,
                             akin_error *err)
{
    AKIN_TRY(file_make_dirs(dir, err));
    for (size_t kind = 0; kind < N_KINDS; kind++)
        for (size_t variant = 0; variant < N_VARIANTS; variant++)
            AKIN_TRY(make_sound(sounds, dir, kind, variant, err));
    return AKIN_OK;
}
