/* SPDX-License-Identifier: MIT
 * media/clip_file: exact pieces, bounds, failures that leave nothing behind. */
#include "media/clip_file.h"

#include "base/file.h"
#include "base/memory.h"
#include "media/decode.h"
#include "sound_files.h"
#include "test.h"

#define RATE 8000

/* n frames of a count that 16 bits hold exactly. */
static void make_steps(const char *path, size_t n)
{
    double *x = mem_array(n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (double)((int)(i * 7 % 65535) - 32767) / 32767;
    sound_write_wav(path, SOUND_S16, RATE, 1, x, n);
    mem_free(x);
}

/* The clip holds frames [start, start + n) of make_steps, bit for bit. */
static void check_clip(const char *path, size_t start, size_t n)
{
    char *data = NULL;
    size_t n_bytes = 0;
    akin_error e = {0};
    CHECK_OK(file_read(path, 1 << 28, &data, &n_bytes, &e), e);
    CHECK_EQ_INT(n_bytes, 44 + 2 * n);
    if (!data || n_bytes != 44 + 2 * n) return;
    CHECK(memcmp(data, "RIFF", 4) == 0 && memcmp(data + 8, "WAVE", 4) == 0);
    size_t wrong = 0;
    for (size_t i = 0; i < n; i++) {
        const unsigned char *p = (const unsigned char *)data + 44 + 2 * i;
        int16_t value = (int16_t)(p[0] | p[1] << 8);
        wrong += value != (int)((start + i) * 7 % 65535) - 32767;
    }
    CHECK_EQ_INT(wrong, 0);
    mem_free(data);
}

static void pieces_are_exact(void)
{
    akin_error e = {0};
    make_steps(sound_path("in.wav"), RATE * 20);
    static const double spans[][2] = {
        {0, 1}, {0.50003, 1.7}, {10, 13}, {19.9999, 30}, {7.123456, 7.1237}};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        media_span span = {spans[i][0], spans[i][1]};
        CHECK_OK(clip_file_write(sound_path("in.wav"), span,
                                 sound_path("out.wav"), &e), e);
        size_t start = (size_t)llround(span.start_s * RATE);
        size_t end = (size_t)llround(fmin(span.end_s, 20) * RATE);
        check_clip(sound_path("out.wav"), start, end - start);
    }
}

/* Longer than what the first pass keeps. */
static void long_pieces_too(void)
{
    akin_error e = {0};
    size_t n = 4400000;
    make_steps(sound_path("long.wav"), n);
    CHECK_OK(clip_file_write(sound_path("long.wav"), (media_span){1, 1e9},
                             sound_path("out.wav"), &e), e);
    check_clip(sound_path("out.wav"), RATE, n - RATE);
}

static void values_are_clamped(void)
{
    double x[4] = {1.0, -1.0, 2.5, -7};
    akin_error e = {0};
    char *data = NULL;
    size_t n = 0;
    sound_write_wav(sound_path("loud.wav"), SOUND_F32, RATE, 1, x, 4);
    CHECK_OK(clip_file_write(sound_path("loud.wav"), (media_span){0, 1},
                             sound_path("out.wav"), &e), e);
    CHECK_OK(file_read(sound_path("out.wav"), 1000, &data, &n, &e), e);
    CHECK_EQ_INT(n, 52);
    static const char clamped[] = "\xff\x7f\x00\x80\xff\x7f\x00\x80";
    CHECK(data && memcmp(data + 44, clamped, 8) == 0);
    mem_free(data);
}

static void wrong_pieces(void)
{
    akin_error e = {0};
    make_steps(sound_path("w.wav"), RATE);
    const char *in = sound_path("w.wav"), *out = sound_path("wo.wav");
    CHECK_STATUS(clip_file_write(in, (media_span){1, 2}, out, &e),
                 AKIN_ENOTFOUND);
    CHECK_STATUS(clip_file_write(in, (media_span){1e18, 1e19}, out, &e),
                 AKIN_ENOTFOUND);
    CHECK_STATUS(clip_file_write(in, (media_span){0.5, 0.5}, out, &e),
                 AKIN_EUSAGE);
    CHECK_STATUS(clip_file_write(in, (media_span){-1, 0.5}, out, &e),
                 AKIN_EUSAGE);
    CHECK_STATUS(clip_file_write(in, (media_span){NAN, 1}, out, &e),
                 AKIN_EUSAGE);
    CHECK_STATUS(clip_file_write(in, (media_span){0, 1}, in, &e), AKIN_EUSAGE);
    CHECK(!file_exists(out));
}

static void failures_leave_nothing_or_all(void)
{
    make_steps(sound_path("x.wav"), RATE);
    bool failed = true;
    for (int n = 1; failed && n < 50; n++) {
        akin_error e = {0};
        mem_fail_at(n);
        akin_status status = clip_file_write(sound_path("x.wav"),
                                             (media_span){0, 1},
                                             sound_path("xo.wav"), &e);
        failed = !mem_fail_pending();
        mem_fail_at(0);
        CHECK_EQ_INT(status, failed ? AKIN_ENOMEM : AKIN_OK);
        if (file_exists(sound_path("xo.wav")))
            check_clip(sound_path("xo.wav"), 0, RATE);
    }
    CHECK(!failed);
    failed = true;
    for (int n = 1; failed && n < 50; n++) {
        akin_error e = {0};
        file_fail_at(n);
        failed = clip_file_write(sound_path("x.wav"), (media_span){0, 0.5},
                                 sound_path("xo.wav"), &e) != AKIN_OK;
        file_fail_at(0);
    }
    CHECK(!failed);
}

const test_case test_clip_file_cases[] = {
    {"clip_file/pieces_are_exact", pieces_are_exact},
    {"clip_file/long_pieces_too", long_pieces_too},
    {"clip_file/values_are_clamped", values_are_clamped},
    {"clip_file/wrong_pieces", wrong_pieces},
    {"clip_file/failures_leave_nothing_or_all", failures_leave_nothing_or_all},
    {NULL, NULL},
};
