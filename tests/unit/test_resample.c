/* SPDX-License-Identifier: MIT
 * media/resample: length, alignment, passband and stopband, determinism. */
#include "media/resample.h"

#include "base/memory.h"
#include "sound_files.h"
#include "test.h"

/* Everything in chunks of the size that the resampler asks for. */
static float *resample_all(double in_hz, uint32_t out_hz, const float *in,
                           size_t n, size_t *n_out)
{
    akin_error e = {0};
    resampler *r = NULL;
    *n_out = 0;
    CHECK_OK(resampler_open(in_hz, out_hz, &r, &e), e);
    if (!r) return NULL;
    size_t chunk = resampler_n_in(r), room = resampler_n_out(r);
    size_t cap = (size_t)resampler_length(r, (int64_t)n) + 2 * room;
    float *out = mem_array(cap, sizeof *out);
    size_t got = 0;
    for (size_t i = 0; i < n; i += chunk) {
        CHECK_OK(resampler_put(r, in + i, n - i < chunk ? n - i : chunk,
                               out + *n_out, &got, &e), e);
        *n_out += got;
    }
    do {
        CHECK_OK(resampler_put(r, NULL, 0, out + *n_out, &got, &e), e);
        *n_out += got;
    } while (got);
    CHECK_EQ_INT(*n_out, resampler_length(r, (int64_t)n));
    resampler_close(r);
    return out;
}

static void length_and_alignment(void)
{
    static const struct {
        double in_hz;
        uint32_t out_hz;
    } rates[] = {
        {48000, 32000},       {44100, 48000},       {48000 * 3.7, 32000},
        {44100 * 0.1, 48000}, {8000, 48000},        {384000, 22050},
        {250000, 48000},      {44100 * 0.5, 22051}, {96000 * 10, 48000},
        {11025, 32000},       {16000 / 3.0, 24000}, {48000.001, 48000}};
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        double in_hz = rates[k].in_hz, out_hz = rates[k].out_hz;
        size_t n = (size_t)(in_hz * 1.5) + 7, n_out;
        float *in = mem_array(n, sizeof *in);
        double w = 2 * acos(-1.0) * 0.1 * fmin(in_hz, out_hz);
        for (size_t i = 0; i < n; i++)
            in[i] = (float)(0.5 * sin(w * (double)i / in_hz + 0.3));
        float *out = resample_all(in_hz, rates[k].out_hz, in, n, &n_out);
        double worst = 0;
        size_t margin = (size_t)(out_hz * 0.2); /* the sine begins and ends */
        for (size_t i = margin; out && i + margin < n_out; i++) {
            double d = out[i] - 0.5 * sin(w * (double)i / out_hz + 0.3);
            worst = fmax(worst, fabs(d));
        }
        CHECK_NEAR(n_out / out_hz, n / in_hz, 0.51 / out_hz);
        CHECK_NEAR(worst, 0, 2e-5);
        mem_free(in);
        mem_free(out);
    }
}

/* A tone above the new band must not come back as an alias. */
static void aliases_are_gone(void)
{
    size_t n = 96000, n_out;
    float *in = mem_array(n, sizeof *in);
    for (size_t i = 0; i < n; i++)
        in[i] = (float)sin(2 * acos(-1.0) * 17500 * (double)i / 48000);
    float *out = resample_all(48000, 32000, in, n, &n_out);
    double power = 0;
    for (size_t i = 8000; i < n_out - 8000; i++) power += out[i] * out[i];
    CHECK(10 * log10(power / (double)(n_out - 16000) + 1e-30) < -80);
    mem_free(in);
    mem_free(out);
}

static void same_every_time(void)
{
    size_t n = 100000, n_a, n_b;
    float *in = mem_array(n, sizeof *in);
    sound_signal(in, n, 44100, 1);
    float *a = resample_all(44100 * 1.3, 48000, in, n, &n_a);
    float *b = resample_all(44100 * 1.3, 48000, in, n, &n_b);
    CHECK_EQ_INT(n_a, n_b);
    CHECK(memcmp(a, b, n_a * sizeof *a) == 0);
    mem_free(in);
    mem_free(a);
    mem_free(b);
}

static void short_inputs(void)
{
    float in[20] = {0.5f, 0.5f, 0.5f};
    for (size_t n = 1; n < 20; n++) {
        size_t n_out;
        mem_free(resample_all(48000, 32000, in, n, &n_out));
        mem_free(resample_all(8000, 48000, in, n, &n_out));
        mem_free(resample_all(480000, 32000, in, n, &n_out));
    }
}

static void limits_and_memory(void)
{
    akin_error e = {0};
    resampler *r = NULL;
    CHECK_STATUS(resampler_open(1e9, 1000, &r, &e), AKIN_ELIMIT);
    CHECK_STATUS(resampler_open(NAN, 1000, &r, &e), AKIN_ELIMIT);
    mem_fail_at(1);
    CHECK_STATUS(resampler_open(48000, 32000, &r, &e), AKIN_ENOMEM);
    mem_fail_at(0);
    CHECK_OK(resampler_open(48000, 48000, &r, &e), e);
    CHECK(resampler_is_identity(r));
    resampler_close(r);
    float in[100] = {0};
    size_t n;
    mem_free(resample_all(1000 * 0.5, 1000000, in, 100, &n));
    mem_free(resample_all(1e6 * 5, 1000, in, 100, &n));
}

const test_case test_resample_cases[] = {
    {"resample/length_and_alignment", length_and_alignment},
    {"resample/aliases_are_gone", aliases_are_gone},
    {"resample/same_every_time", same_every_time},
    {"resample/short_inputs", short_inputs},
    {"resample/limits_and_memory", limits_and_memory},
    {NULL, NULL},
};
