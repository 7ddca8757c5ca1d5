/* SPDX-License-Identifier: MIT
 * model/builtin_mel: the reference's vectors, the same bits everywhere, and
 * every input that a broken recorder can give. */
#include "model/builtin_mel.h"

#include <float.h>
#include <stdint.h>

#include "base/memory.h"
#include "test.h"

enum { CASES = 5 };

/* Frozen: changes only with mel.bin or with the order of operations. */
static const uint64_t golden_bits = 0x3f83fbb4926d6839u;

extern const unsigned char builtin_mel_data[];
extern const uint64_t builtin_mel_data_bytes;

static float samples[MEL_WINDOW_SAMPLES];

static uint64_t fnv1a(uint64_t h, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

static const uint64_t fnv_start = 0xcbf29ce484222325u;

/* The inputs of tools/fit_mel.py's golden_input, sample by sample. */
static void golden_input(int which, float *out)
{
    uint32_t noise = 1, step = 20000000, phase = 0;
    for (uint32_t n = 0; n < MEL_WINDOW_SAMPLES; n++) {
        noise = noise * 1664525u + 1013904223u;
        step += 500;
        phase += step;
        float white = (float)((int32_t)(noise >> 8) - (1 << 23)) / (1 << 25);
        float saw = (float)((int32_t)(phase >> 8) - (1 << 23)) / (1 << 24);
        float square = n % 109 < 55 ? 0.25f : -0.25f;
        const float wave[CASES] = {0, white, n % 24000 < 9600 ? square : 0, saw,
                                   n % 24000 < 480 ? white : white / 1024};
        out[n] = wave[which];
    }
}

static double cosine(const float *a, const float *b)
{
    double dot = 0;
    for (int i = 0; i < MEL_DIM; i++)
        dot += (double)a[i] * (double)b[i];
    return dot;
}

static mel *new_mel(void)
{
    mel *m = NULL;
    akin_error err = {0};
    CHECK_OK(mel_new(&m, &err), err);
    return m;
}

static void vectors_equal_the_reference(void)
{
    mel *m = new_mel();
    float wanted[CASES][MEL_DIM], got[MEL_DIM], worst = 0;
    uint32_t n = 0;
    FILE *f = fopen(test_data("mel_golden.bin"), "rb");
    CHECK(f && fread(&n, sizeof n, 1, f) == 1 && n == CASES &&
          fread(wanted, sizeof wanted, 1, f) == 1);
    if (f) fclose(f);
    for (int c = 0; c < CASES && n == CASES; c++) {
        golden_input(c, samples);
        mel_embed(m, samples, got);
        worst = 0;
        for (int i = 0; i < MEL_DIM; i++)
            worst = fmaxf(worst, fabsf(got[i] - wanted[c][i]));
        printf("    case %d: largest difference %.2g\n", c, (double)worst);
        CHECK_NEAR(worst, 0, 2e-5);
    }
    mel_free(m);
}

static void every_instruction_set_gives_the_same_bits(void)
{
    static const char *const names[] = {"default", "avx2", "avx512"};
    mel *m = new_mel();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!mel_use_instructions(m, names[i])) continue;
        uint64_t h = fnv_start;
        for (int c = 0; c < CASES; c++) {
            float out[MEL_DIM];
            golden_input(c, samples);
            mel_embed(m, samples, out);
            h = fnv1a(h, out, sizeof out);
        }
        if (h != golden_bits)
            test_fail(__FILE__, __LINE__, "%s gives bits %016llx", names[i],
                      (unsigned long long)h);
    }
    CHECK(!mel_use_instructions(m, "abacus"));
    mel_free(m);
}

static void instances_share_nothing(void)
{
    mel *a = new_mel(), *b = new_mel();
    float first[MEL_DIM], other[MEL_DIM], again[MEL_DIM];
    golden_input(2, samples);
    mel_embed(a, samples, first);
    golden_input(3, samples);
    mel_embed(a, samples, other);
    golden_input(2, samples);
    mel_embed(a, samples, again);
    mel_embed(b, samples, other);
    CHECK(memcmp(first, again, sizeof first) == 0);
    CHECK(memcmp(first, other, sizeof first) == 0);
    mel_free(a);
    mel_free(b);
}

static void gain_and_offset_do_not_matter(void)
{
    mel *m = new_mel();
    float plain[MEL_DIM], changed[MEL_DIM];
    for (int c = 1; c < CASES; c++) {
        golden_input(c, samples);
        mel_embed(m, samples, plain);
        for (int i = 0; i < MEL_WINDOW_SAMPLES; i++)
            samples[i] *= 0x1p-12f;
        mel_embed(m, samples, changed);
        CHECK(memcmp(plain, changed, sizeof plain) == 0);
        for (int i = 0; i < MEL_WINDOW_SAMPLES; i++)
            samples[i] *= 1229.0f;
        mel_embed(m, samples, changed);
        CHECK_NEAR(cosine(plain, changed), 1, 1e-4);
        for (int i = 0; i < MEL_WINDOW_SAMPLES; i++)
            samples[i] += 0.125f;
        mel_embed(m, samples, changed);
        CHECK_NEAR(cosine(plain, changed), 1, 1e-3);
    }
    mel_free(m);
}

static void check_unit(mel *m, const char *what)
{
    float out[MEL_DIM];
    mel_embed(m, samples, out);
    double length = sqrt(cosine(out, out));
    if (!(fabs(length - 1) < 1e-5))
        test_fail(__FILE__, __LINE__, "%s: length %g", what, length);
}

static void any_input_has_a_unit_vector(void)
{
    static const struct {
        const char *name;
        float even, odd;
    } inputs[] = {
        {"zeros", 0, 0},
        {"constant", 0.5f, 0.5f},
        {"nan", NAN, NAN},
        {"nan and sound", NAN, 0.5f},
        {"infinity", INFINITY, -INFINITY},
        {"largest", FLT_MAX, -FLT_MAX},
        {"largest constant", FLT_MAX, FLT_MAX},
        {"smallest normal", FLT_MIN, -FLT_MIN},
        {"denormal", 0x1p-149f, -0x1p-149f},
        {"just not silent", 0x1p-99f, 0},
        {"huge range", FLT_MAX, 0x1p-149f},
    };
    mel *m = new_mel();
    for (size_t n = 0; n < sizeof inputs / sizeof *inputs; n++) {
        for (int i = 0; i < MEL_WINDOW_SAMPLES; i += 2) {
            samples[i] = inputs[n].even;
            samples[i + 1] = inputs[n].odd;
        }
        check_unit(m, inputs[n].name);
    }
    static const int places[] = {0, 70000, MEL_WINDOW_SAMPLES - 1};
    for (int p = 0; p < 3; p++) {
        memset(samples, 0, sizeof samples);
        samples[places[p]] = 1;
        check_unit(m, "impulse");
    }
    mel_free(m);
}

static void silence_is_unlike_sound(void)
{
    mel *m = new_mel();
    float silence[MEL_DIM], noise[MEL_DIM];
    golden_input(0, samples);
    mel_embed(m, samples, silence);
    golden_input(1, samples);
    mel_embed(m, samples, noise);
    CHECK(cosine(silence, noise) < 0.8);
    mel_free(m);
}

static void constants_have_their_identity(void)
{
    char wanted[24];
    uint64_t h = fnv1a(fnv_start, builtin_mel_data + 32,
                       builtin_mel_data_bytes - 32);
    snprintf(wanted, sizeof wanted, "mel-1-%016llx", (unsigned long long)h);
    CHECK_EQ_TEXT(mel_identity(), wanted);
}

static void want_of_memory_is_an_error(void)
{
    mel *m = NULL;
    akin_error err = {0};
    mem_fail_at(1);
    CHECK_STATUS(mel_new(&m, &err), AKIN_ENOMEM);
    mem_fail_at(0);
    CHECK(!m);
    mel_free(NULL);
}

const test_case test_builtin_mel_cases[] = {
    {"builtin_mel/vectors_equal_the_reference", vectors_equal_the_reference},
    {"builtin_mel/every_instruction_set_gives_the_same_bits",
     every_instruction_set_gives_the_same_bits},
    {"builtin_mel/instances_share_nothing", instances_share_nothing},
    {"builtin_mel/gain_and_offset_do_not_matter",
     gain_and_offset_do_not_matter},
    {"builtin_mel/any_input_has_a_unit_vector", any_input_has_a_unit_vector},
    {"builtin_mel/silence_is_unlike_sound", silence_is_unlike_sound},
    {"builtin_mel/constants_have_their_identity",
     constants_have_their_identity},
    {"builtin_mel/want_of_memory_is_an_error", want_of_memory_is_an_error},
    {0},
};
