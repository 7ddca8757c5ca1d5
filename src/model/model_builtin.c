/* SPDX-License-Identifier: MIT
 * One row for each built-in model; a new one is a row here and its unit. */
#include "model/model_builtin.h"

#include "base/text.h"
#include "model/builtin_mel.h"
#include "model/builtin_tint.h"

/* ---- mel ---- */

static akin_status mel_row_new(void **out, akin_error *err)
{
    mel *m = NULL;
    AKIN_TRY(mel_new(&m, err));
    *out = m;
    return AKIN_OK;
}

static void mel_row_free(void *state) { mel_free(state); }

static void mel_row_embed(void *state, const float *item, float *vector)
{
    mel_embed(state, item, vector);
}

/* ---- tint ---- */

static akin_status tint_row_new(void **out, akin_error *err)
{
    tint *t = NULL;
    AKIN_TRY(tint_new(&t, err));
    *out = t;
    return AKIN_OK;
}

static void tint_row_free(void *state) { tint_free(state); }

static void tint_row_embed(void *state, const float *item, float *vector)
{
    tint_embed(state, item, vector);
}

/* ---- the table ---- */

static const model_builtin builtins[] = {
    {
        .info = {.name = "mel",
                 .version = "",
                 .licence = "MIT",
                 .source = "",
                 .about = "levels, changes, rhythm and texture of 3 s of "
                          "sound; no download, knows no species",
                 .modality = "sound",
                 .dim = MEL_DIM,
                 .rate_hz = MEL_RATE_HZ,
                 .window_s = (double)MEL_WINDOW_SAMPLES / MEL_RATE_HZ,
                 .builtin = true},
        .input = {.kind = MODEL_SOUND,
                  .n_floats = MEL_WINDOW_SAMPLES,
                  .rate_hz = MEL_RATE_HZ,
                  .window_s = (double)MEL_WINDOW_SAMPLES / MEL_RATE_HZ},
        .identity = mel_identity,
        .new_state = mel_row_new,
        .free_state = mel_row_free,
        .embed = mel_row_embed,
    },
    {
        .info = {.name = "tint",
                 .version = "",
                 .licence = "MIT",
                 .source = "",
                 .about = "small patterns and colours of a picture; no "
                          "download, knows no objects",
                 .modality = "image",
                 .dim = TINT_DIM,
                 .width = TINT_SIDE,
                 .height = TINT_SIDE,
                 .builtin = true},
        .input = {.kind = MODEL_IMAGE,
                  .n_floats = (size_t)3 * TINT_SIDE * TINT_SIDE,
                  .resize = {.width = TINT_SIDE,
                             .height = TINT_SIDE,
                             .mode = RESIZE_SQUASH,
                             .filter = RESIZE_BICUBIC},
                  .tensor = {.std = {1, 1, 1},
                             .layout = IMAGE_TENSOR_CHW}},
        .identity = tint_identity,
        .new_state = tint_row_new,
        .free_state = tint_row_free,
        .embed = tint_row_embed,
    },
};

size_t model_builtin_count(void) { return sizeof builtins / sizeof *builtins; }

const model_builtin *model_builtin_at(size_t i) { return &builtins[i]; }

const model_builtin *model_builtin_find(const char *name)
{
    for (size_t i = 0; i < model_builtin_count(); i++)
        if (text_equal(builtins[i].info.name, name)) return &builtins[i];
    return NULL;
}

akin_model_info model_builtin_info(const model_builtin *b)
{
    akin_model_info info = b->info;
    info.identity = b->identity();
    return info;
}
