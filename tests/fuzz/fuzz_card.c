/* SPDX-License-Identifier: MIT
 * Hunts for a model.json whose values get past their bounds: a path that
 * leaves the folder, a size that overflows, text without an end, an error
 * without a message, or a card that is another one when it is read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int good)
{
    if (!good) abort();
}

static void check_path(const char *path)
{
    check(strlen(path) < CARD_PATH_BYTES);
    check(!*path || card_path_is_inside(path));
}

static void check_tensor(const card_tensor *tensor)
{
    check(tensor->rank <= CARD_MAX_RANK);
    for (uint32_t i = 0; i < tensor->rank; i++)
        check(tensor->shape[i] == -1 ||
              (tensor->shape[i] > 0 && tensor->shape[i] <= INT32_MAX));
}

static void check_sound(const card_sound *s)
{
    check(s->rate_hz > 0 && s->rate_hz <= CARD_MAX_RATE_HZ);
    check(s->window_samples > 0 &&
          s->window_samples <= CARD_MAX_WINDOW_SAMPLES);
    check(s->model[0] != 0 && s->batch <= CARD_MAX_BATCH);
    if (s->input_kind != CARD_INPUT_LOG_MEL) return;
    check(s->mel.hop > 0 && s->mel.window > 0 && s->mel.bands > 0 &&
          s->mel.frames > 0 && s->mel.window <= s->mel.fft);
    check((uint64_t)(s->mel.frames - 1) * s->mel.hop + s->mel.window <=
          s->window_samples);
    check(s->mel.fmax_hz <= s->rate_hz / 2.0 && s->mel.fmin_hz >= 0);
}

static void check_image(const card_image *i)
{
    check(i->width > 0 && i->width <= CARD_MAX_IMAGE_PIXELS);
    check(i->height > 0 && i->height <= CARD_MAX_IMAGE_PIXELS);
    check(!i->crop || (i->resize_pixels >= i->width &&
                       i->resize_pixels >= i->height));
    check(i->std[0] > 0 && i->std[1] > 0 && i->std[2] > 0);
    check(i->model[0] != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static model_card card, again;
    const char *text = (const char *)data;
    akin_error e = {0};
    akin_status status = card_parse(text, size, "fuzz", &card, &e);
    check(card_parse(text, size, "fuzz", &again, NULL) == status);
    check(memcmp(&card, &again, sizeof card) == 0 || status == AKIN_ECORRUPT);
    if (status != AKIN_OK) {
        check(e.code == status && e.text[0]);
        return 0;
    }
    check(card.dim > 0 && card.dim <= CARD_MAX_DIM);
    check(card.name[0] && card.name[0] != '.' && !strchr(card.name, '/'));
    check(memchr(card.warnings, 0, sizeof card.warnings) != NULL);
    check(card.n_files > 0 && card.n_files <= CARD_MAX_FILES);
    for (size_t i = 0; i < card.n_files; i++) {
        check(card.files[i].path[0] != 0);
        check_path(card.files[i].path);
    }
    check_path(card.sound.labels.path);
    check_path(card.text.tokenizer_files[0]);
    check_path(card.text.tokenizer_files[1]);
    check_tensor(&card.sound.input);
    check_tensor(&card.image.embedding);
    if (card.modality == CARD_SOUND) check_sound(&card.sound);
    if (card.modality == CARD_IMAGE) check_image(&card.image);
    if (card.text.model[0]) check(card.text.context >= 2 &&
                                  card.text.context <= CARD_MAX_CONTEXT);
    return 0;
}
