/* SPDX-License-Identifier: MIT
 * media/spectrogram: tones stand where and when they sound, as loud as they are;
 * media/sound_piece: pieces to listen to. */
#include <stdlib.h>

#include "akin/media.h"
#include "base/file.h"
#include "base/memory.h"
#include "media/clip_file.h"
#include "sound_files.h"
#include "test.h"

enum { RATE = 16000, SECONDS = 4 };

/* A sine of this frequency from 1 s to 3 s, else silence. */
static const char *make_tone(double hz, double amplitude)
{
    size_t n = (size_t)RATE * SECONDS;
    double *x = mem_array(n, sizeof *x);
    for (size_t i = RATE; i < 3 * (size_t)RATE; i++)
        x[i] = amplitude * sin(2 * 3.14159265358979 * hz * (double)i / RATE);
    sound_write_wav(sound_path("tone.wav"), SOUND_F32, RATE, 1, x, n);
    mem_free(x);
    return sound_path("tone.wav");
}

static uint32_t loudest_row(const akin_spectrogram *s, uint32_t column)
{
    uint32_t best = 0;
    for (uint32_t row = 1; row < s->height; row++)
        if (s->levels[row * s->width + column] >
            s->levels[best * s->width + column])
            best = row;
    return best;
}

static double db_of(const akin_spectrogram *s, uint32_t row, uint32_t column)
{
    return AKIN_SPECTROGRAM_FLOOR_DB *
           (1 - s->levels[row * s->width + column] / 255.0);
}

static akin_spectrogram make(const char *path, akin_spectrogram_options opt)
{
    akin_error e = {0};
    akin_spectrogram s = {0};
    CHECK_OK(akin_spectrogram_make(path, &opt, &s, &e), e);
    return s;
}

/* ---- the tests ------------------------------------------------------------ */

static void a_tone_stands_at_its_frequency(void)
{
    static const double tones[] = {250, 1000, 3300, 7000};
    for (size_t i = 0; i < 4; i++) {
        const char *path = make_tone(tones[i], 1);
        akin_spectrogram s = make(path, (akin_spectrogram_options){
            .width = 40, .height = 80});
        CHECK_EQ_INT(s.rate_hz, RATE);
        CHECK_NEAR(s.max_hz, RATE / 2.0, 0);
        CHECK_NEAR(s.end_s, SECONDS, 0);
        CHECK_EQ_INT(loudest_row(&s, 20), 79 - (int)(tones[i] / 100));
        CHECK(db_of(&s, loudest_row(&s, 20), 20) > -5);
        akin_spectrogram_clear(&s);
    }
}

static void levels_are_decibels(void)
{
    static const double amplitudes[] = {1, 0.1, 0.001, 0.00001};
    for (size_t i = 0; i < 4; i++) {
        /* In the middle of a bin, so that none of it is lost. */
        const char *path = make_tone(RATE / 512.0 * 64, amplitudes[i]);
        akin_spectrogram s = make(path, (akin_spectrogram_options){
            .width = 4, .height = 32, .n_fft = 512});
        CHECK_NEAR(db_of(&s, loudest_row(&s, 1), 1), 20 * log10(amplitudes[i]),
                   0.5);
        CHECK_EQ_INT(s.levels[loudest_row(&s, 1) * 4], 0); /* silence before */
        akin_spectrogram_clear(&s);
    }
}

static void rows_may_be_mel(void)
{
    const char *path = make_tone(1000, 1);
    akin_spectrogram s = make(path, (akin_spectrogram_options){
        .width = 4, .height = 100, .mel = true, .max_hz = 8000});
    double part = log1p(1000 / 700.0) / log1p(8000 / 700.0);
    int row = 99 - (int)loudest_row(&s, 2);
    CHECK(abs(row - (int)(part * 100)) <= 1);
    akin_spectrogram_clear(&s);
}

/* The same columns, whatever else is looked at. */
static void a_part_is_as_in_the_whole(void)
{
    const char *path = make_tone(440, 0.5);
    akin_spectrogram_options opt = {.width = 200, .height = 64};
    akin_spectrogram whole = make(path, opt);
    opt.width = 50;
    opt.start_s = 0.5;
    opt.end_s = 1.5;
    akin_spectrogram part = make(path, opt);
    for (uint32_t row = 0; row < 64; row++)
        for (uint32_t column = 0; column < 50; column++)
            CHECK(part.levels[row * 50 + column] ==
                  whole.levels[row * 200 + 25 + column]);
    akin_spectrogram_clear(&whole);
    akin_spectrogram_clear(&part);
}

static void what_the_file_has_not_is_silent(void)
{
    const char *path = make_tone(1000, 1);
    akin_spectrogram s = make(path, (akin_spectrogram_options){
        .width = 8, .height = 20, .end_s = 8, .max_hz = 16000});
    for (uint32_t row = 0; row < 20; row++)
        for (uint32_t column = 0; column < 8; column++)
            CHECK(s.levels[row * 8 + column] == 0 || (column < 4 && row >= 9));
    CHECK(s.levels[loudest_row(&s, 2) * 8 + 2] > 200);
    akin_spectrogram_clear(&s);
    for (uint32_t width = 1; width <= 3000; width += 2999) {
        s = make(path, (akin_spectrogram_options){.width = width, .height = 1});
        CHECK(s.levels[width / 2] > 200);
        akin_spectrogram_clear(&s);
    }
}

static void nonsense_is_refused(void)
{
    const char *path = make_tone(1000, 1);
    static const akin_spectrogram_options wrong[] = {
        {.width = 0, .height = 1}, {.width = 1, .height = 9000},
        {.width = 1, .height = 1, .start_s = -1},
        {.width = 1, .height = 1, .start_s = 2, .end_s = 1},
        {.width = 1, .height = 1, .start_s = NAN},
        {.width = 1, .height = 1, .min_hz = 2, .max_hz = 1},
        {.width = 1, .height = 1, .n_fft = 1000}};
    akin_spectrogram s;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_STATUS(akin_spectrogram_make(path, &wrong[i], &s, NULL),
                     AKIN_EUSAGE);
    akin_spectrogram_options good = {.width = 1, .height = 1};
    CHECK_STATUS(akin_spectrogram_make("none.wav", &good, &s, NULL),
                 AKIN_ENOTFOUND);
    good.start_s = 5;
    CHECK_STATUS(akin_spectrogram_make(path, &good, &s, NULL), AKIN_ENOTFOUND);
}

static void a_piece_is_what_export_writes(void)
{
    akin_error e = {0};
    const char *path = make_tone(500, 0.7);
    unsigned char *piece = NULL;
    char *clip = NULL;
    size_t n = 0, n_clip = 0;
    akin_sound_options opt = {.start_s = 0.75, .end_s = 1.5};
    CHECK_OK(akin_sound_make(path, &opt, &piece, &n, &e), e);
    CHECK_OK(clip_file_write(path, (media_span){0.75, 1.5},
                             sound_path("clip.wav"), &e), e);
    CHECK_OK(file_read(sound_path("clip.wav"), 1 << 20, &clip, &n_clip, &e), e);
    CHECK(n == n_clip && memcmp(piece, clip, n) == 0);
    mem_free(clip);
    akin_free(piece);
}

static uint32_t rate_of(const unsigned char *wav)
{
    return wav[24] | (uint32_t)wav[25] << 8 | (uint32_t)wav[26] << 16;
}

static int loudest_sample(const unsigned char *wav, size_t n)
{
    int most = 0;
    for (size_t i = 44; i + 1 < n; i += 2) {
        int value = abs((int16_t)(wav[i] | wav[i + 1] << 8));
        if (i > n / 2 && value > most) most = value;
    }
    return most;
}

static void a_piece_may_be_slowed_and_filtered(void)
{
    akin_error e = {0};
    const char *path = make_tone(4000, 0.5);
    unsigned char *piece = NULL;
    size_t n = 0;
    akin_sound_options opt = {.start_s = 1, .end_s = 2, .speed = 0.25};
    CHECK_OK(akin_sound_make(path, &opt, &piece, &n, &e), e);
    CHECK_EQ_INT(rate_of(piece), RATE / 4);
    CHECK_EQ_INT(n, 44 + 2 * RATE);
    CHECK(loudest_sample(piece, n) > 16000);
    akin_free(piece);
    opt.fmax_hz = 300; /* the tone is at 1000 Hz now */
    CHECK_OK(akin_sound_make(path, &opt, &piece, &n, &e), e);
    CHECK(loudest_sample(piece, n) < 200);
    akin_free(piece);
}

static void pieces_that_cannot_be(void)
{
    const char *path = make_tone(4000, 0.5);
    unsigned char *piece = NULL;
    size_t n = 0;
    akin_sound_options opt = {.start_s = 5};
    CHECK_STATUS(akin_sound_make(path, &opt, &piece, &n, NULL), AKIN_ENOTFOUND);
    opt = (akin_sound_options){.max_bytes = 1000};
    CHECK_STATUS(akin_sound_make(path, &opt, &piece, &n, NULL), AKIN_ELIMIT);
    opt = (akin_sound_options){.speed = 1000};
    CHECK_STATUS(akin_sound_make(path, &opt, &piece, &n, NULL), AKIN_EUSAGE);
    opt = (akin_sound_options){.start_s = 2, .end_s = 1};
    CHECK_STATUS(akin_sound_make(path, &opt, &piece, &n, NULL), AKIN_EUSAGE);
}

const test_case test_spectrogram_cases[] = {
    {"spectrogram/a_tone_stands_at_its_frequency",
     a_tone_stands_at_its_frequency},
    {"spectrogram/levels_are_decibels", levels_are_decibels},
    {"spectrogram/rows_may_be_mel", rows_may_be_mel},
    {"spectrogram/a_part_is_as_in_the_whole", a_part_is_as_in_the_whole},
    {"spectrogram/what_the_file_has_not_is_silent",
     what_the_file_has_not_is_silent},
    {"spectrogram/nonsense_is_refused", nonsense_is_refused},
    {"sound_piece/a_piece_is_what_export_writes",
     a_piece_is_what_export_writes},
    {"sound_piece/a_piece_may_be_slowed_and_filtered",
     a_piece_may_be_slowed_and_filtered},
    {"sound_piece/pieces_that_cannot_be", pieces_that_cannot_be},
    {0},
};
