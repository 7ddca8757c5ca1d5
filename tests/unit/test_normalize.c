/* SPDX-License-Identifier: MIT
 * media/normalize: each way, silence, what is constant. */
#include "media/normalize.h"

#include "test.h"

static void none_changes_nothing(void)
{
    float x[] = {-3, 0.5f, 2};
    normalize_samples(x, 3, MEDIA_NORMALIZE_NONE, 0.25);
    CHECK(x[0] == -3 && x[1] == 0.5f && x[2] == 2);
}

static void peak_is_scaled_to(void)
{
    float x[] = {1, 2, 3, 6}; /* -2 -1 0 3 over 3 */
    normalize_samples(x, 4, MEDIA_NORMALIZE_PEAK, 0.25);
    CHECK_NEAR(x[0], -0.5 / 3, 1e-8);
    CHECK_NEAR(x[1], -0.25 / 3, 1e-8);
    CHECK(x[2] == 0 && x[3] == 0.25f);
    float y[] = {0, 0, -1, 0, 0}; /* the largest may be negative */
    normalize_samples(y, 5, MEDIA_NORMALIZE_PEAK, 1);
    CHECK(y[2] == -1);
    CHECK_NEAR(y[0], 0.25, 1e-7);
}

/* Gain and offset do not matter. */
static void peak_forgets_gain(void)
{
    float x[1000], y[1000];
    for (int i = 0; i < 1000; i++) {
        x[i] = sinf((float)i * 0.1f) * (float)i;
        y[i] = x[i] * 1e-4f + 0.125f;
    }
    normalize_samples(x, 1000, MEDIA_NORMALIZE_PEAK, 0.25);
    normalize_samples(y, 1000, MEDIA_NORMALIZE_PEAK, 0.25);
    for (int i = 0; i < 1000; i++) CHECK_NEAR(x[i], y[i], 1e-6);
}

static void silence_stays(void)
{
    static const float levels[] = {0, 0.1f, -0.7f, 1e-40f};
    static float x[99999];
    for (int k = 0; k < 4; k++) {
        bool silent = true;
        for (int i = 0; i < 99999; i++) x[i] = levels[k];
        normalize_samples(x, 99999, MEDIA_NORMALIZE_PEAK, 0.25);
        for (int i = 0; i < 99999; i++) silent = silent && x[i] == 0;
        CHECK(silent);
    }
    normalize_samples(x, 0, MEDIA_NORMALIZE_PEAK, 0.25);
}

/* The quietest sound there is does not overflow. */
static void faint_sounds_are_scaled(void)
{
    float x[] = {1e-45f, -1e-45f, 0};
    normalize_samples(x, 3, MEDIA_NORMALIZE_PEAK, 0.25);
    CHECK(x[0] == 0.25f && x[1] == -0.25f && x[2] == 0);
}

static void clamp_is_to_one(void)
{
    float x[] = {-1.5f, -1, 0.25f, 1, 7};
    normalize_samples(x, 5, MEDIA_NORMALIZE_CLAMP, 0.25);
    CHECK(x[0] == -1 && x[1] == -1 && x[2] == 0.25f && x[3] == 1 && x[4] == 1);
}

const test_case test_normalize_cases[] = {
    {"normalize/none_changes_nothing", none_changes_nothing},
    {"normalize/peak_is_scaled_to", peak_is_scaled_to},
    {"normalize/peak_forgets_gain", peak_forgets_gain},
    {"normalize/silence_stays", silence_stays},
    {"normalize/faint_sounds_are_scaled", faint_sounds_are_scaled},
    {"normalize/clamp_is_to_one", clamp_is_to_one},
    {NULL, NULL},
};
