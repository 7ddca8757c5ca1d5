/* SPDX-License-Identifier: MIT
 * media/log_mel: equal to a plain numpy version of the published recipe
 * (tests/compat/reference_mel.py), short sounds, specs that make no sense. */
#include "media/log_mel.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "test.h"

#define N_SAMPLES 15600
#define N_BANDS 64
#define N_FRAMES 96

/* First faint, then loud; reference_mel.py makes the same. */
static void fill_sound(float *samples)
{
    for (int64_t i = 0; i < N_SAMPLES; i++) {
        double v = (double)((i * i * 7 + i * 13) % 2003 - 1001) / 2048;
        samples[i] = (float)(i < 5200 ? v / 4096 : v);
    }
}

static void check_rows(const log_mel_spec *spec, const float *golden)
{
    static const int rows[] = {0, 40, 95};
    static float samples[N_SAMPLES], patch[N_FRAMES * N_BANDS];
    akin_error e = {0};
    log_mel *m = NULL;
    double worst = 0;
    fill_sound(samples);
    CHECK_OK(log_mel_new(spec, &m, &e), e);
    if (!m) return;
    CHECK_EQ_INT(log_mel_patch_samples(m), N_SAMPLES);
    CHECK_EQ_INT(log_mel_patch_size(m), N_FRAMES * N_BANDS);
    log_mel_write(m, samples, N_SAMPLES, patch);
    for (int r = 0; r < 3; r++)
        for (int b = 0; b < N_BANDS; b++)
            worst = fmax(worst, fabs(patch[rows[r] * N_BANDS + b] -
                                     golden[r * N_BANDS + b]));
    printf("    largest difference %.2g\n", worst);
    CHECK(worst <= 1e-5);
    log_mel_free(m);
}

static void test_recipe(void)
{
    akin_error e = {0};
    char *data = NULL;
    size_t n = 0;
    CHECK_OK(file_read(test_data("log_mel_golden.bin"), 1 << 16, &data, &n, &e),
             e);
    CHECK_EQ_INT(n, 2 * 3 * N_BANDS * sizeof(float));
    if (data) {
        const float *golden = (const float *)(const void *)data;
        check_rows(&log_mel_vggish, golden);
        check_rows(&log_mel_yamnet, golden + 3 * N_BANDS);
    }
    mem_free(data);
}

/* What is missing is silence, also in the middle of a frame. */
static void test_short_sounds(void)
{
    static float samples[N_SAMPLES], patch[N_FRAMES * N_BANDS];
    static float padded[N_FRAMES * N_BANDS];
    akin_error e = {0};
    log_mel *m = NULL;
    CHECK_OK(log_mel_new(&log_mel_vggish, &m, &e), e);
    if (!m) return;
    fill_sound(samples);
    log_mel_write(m, samples, 7001, patch);
    memset(samples + 7001, 0, (N_SAMPLES - 7001) * sizeof *samples);
    log_mel_write(m, samples, N_SAMPLES, padded);
    CHECK(memcmp(patch, padded, sizeof patch) == 0);
    CHECK_NEAR(patch[N_FRAMES * N_BANDS - 1], log(0.01), 1e-6);
    log_mel_write(m, samples, 0, patch);
    CHECK_NEAR(patch[0], log(0.01), 1e-6);
    log_mel_free(m);
}

/* A tone's frames peak in the band that holds it. */
static void test_tone(void)
{
    static float samples[N_SAMPLES], patch[N_FRAMES * N_BANDS];
    akin_error e = {0};
    log_mel *m = NULL;
    int best = 0;
    CHECK_OK(log_mel_new(&log_mel_vggish, &m, &e), e);
    if (!m) return;
    for (int i = 0; i < N_SAMPLES; i++)
        samples[i] = (float)sin(2 * 3.14159265358979 * 1000 * i / 16000);
    log_mel_write(m, samples, N_SAMPLES, patch);
    for (int b = 1; b < N_BANDS; b++)
        if (patch[b] > patch[best]) best = b;
    /* Centres at 125 Hz + (b + 1) / 65 of the way to 7500 Hz in mel. */
    double low = 1127 * log1p(125 / 700.0), high = 1127 * log1p(7500 / 700.0);
    double center = low + (best + 1) * (high - low) / 65;
    CHECK_NEAR(center, 1127 * log1p(1000 / 700.0), (high - low) / 65);
    log_mel_free(m);
}

static void test_bad_specs(void)
{
    akin_error e = {0};
    log_mel *m = NULL;
    for (int i = 0; i < 9; i++) {
        log_mel_spec s = log_mel_vggish;
        if (i == 0) s.n_fft = 500;
        if (i == 1) s.window_samples = 513;
        if (i == 2) s.hop_samples = 0;
        if (i == 3) s.n_mels = 0;
        if (i == 4) s.n_frames = 1u << 30;
        if (i == 5) s.max_hz = 9000;
        if (i == 6) s.min_hz = NAN;
        if (i == 7) s.log_offset = 0;
        if (i == 8) s.n_fft = 1u << 31;
        CHECK_STATUS(log_mel_new(&s, &m, &e), AKIN_EUSAGE);
    }
    CHECK(m == NULL);
}

/* More bands than bins leave some without any. */
static void test_odd_specs(void)
{
    akin_error e = {0};
    log_mel *m = NULL;
    log_mel_spec s = {.rate_hz = 8000, .window_samples = 4, .hop_samples = 3,
                      .n_fft = 4, .n_mels = 50, .n_frames = 2, .min_hz = 0,
                      .max_hz = 4000, .log_offset = 1};
    float samples[7] = {1, -1, 1, -1, 1, -1, 1}, patch[100];
    CHECK_OK(log_mel_new(&s, &m, &e), e);
    if (!m) return;
    log_mel_write(m, samples, 7, patch);
    for (int i = 0; i < 100; i++) CHECK(isfinite(patch[i]));
    log_mel_free(m);
}

static void test_out_of_memory(void)
{
    bool pending = false;
    for (int64_t at = 1; !pending && at < 30; at++) {
        akin_error e = {0};
        log_mel *m = NULL;
        mem_fail_at(at);
        akin_status status = log_mel_new(&log_mel_yamnet, &m, &e);
        pending = mem_fail_pending();
        mem_fail_at(0);
        if (!pending) CHECK_EQ_INT(status, AKIN_ENOMEM);
        log_mel_free(m);
    }
    CHECK(pending);
}

const test_case test_log_mel_cases[] = {
    {"log_mel/recipe", test_recipe},
    {"log_mel/short_sounds", test_short_sounds},
    {"log_mel/tone", test_tone},
    {"log_mel/bad_specs", test_bad_specs},
    {"log_mel/odd_specs", test_odd_specs},
    {"log_mel/out_of_memory", test_out_of_memory},
    {0}};
