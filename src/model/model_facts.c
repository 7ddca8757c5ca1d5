/* SPDX-License-Identifier: MIT
 * From a card to model_info and model_input. */
#include "model/model_facts.h"

akin_model_info model_facts_info(const model_card *card)
{
    bool is_sound = card->modality == CARD_SOUND;
    return (akin_model_info){
        .name = card->name,
        .version = card->version,
        .licence = card->licence,
        .source = card->source,
        .about = card->about,
        .identity = "",
        .modality = is_sound ? "sound" : "image",
        .dim = card->dim,
        .rate_hz = is_sound ? card->sound.rate_hz : 0,
        .window_s = is_sound ? card->sound.window_s : 0,
        .width = is_sound ? 0 : card->image.width,
        .height = is_sound ? 0 : card->image.height,
        .text = card->text.model[0] &&
                card->text.tokenizer != CARD_TOKENIZER_SENTENCEPIECE,
    };
}

static log_mel_spec spec_of_mel(const card_sound *sound)
{
    const card_mel *mel = &sound->mel;
    return (log_mel_spec){
        .rate_hz = sound->rate_hz,
        .window_samples = mel->window,
        .hop_samples = mel->hop,
        .n_fft = mel->fft,
        .n_mels = mel->bands,
        .n_frames = mel->frames,
        .min_hz = mel->fmin_hz,
        .max_hz = mel->fmax_hz,
        .log_offset = mel->log_offset,
    };
}

static akin_status facts_of_sound(const card_sound *sound, model_input *out,
                                  akin_error *err)
{
    static const media_normalize normalizes[] = {
        [CARD_NORMALIZE_NONE] = MEDIA_NORMALIZE_NONE,
        [CARD_NORMALIZE_PEAK] = MEDIA_NORMALIZE_PEAK,
        [CARD_NORMALIZE_CLAMP] = MEDIA_NORMALIZE_CLAMP,
    };
    *out = (model_input){
        .kind = MODEL_SOUND,
        .n_floats = sound->window_samples,
        .rate_hz = sound->rate_hz,
        .window_s = sound->window_s,
        .first_channel = sound->mono == CARD_MONO_FIRST,
        .normalize = normalizes[sound->normalize],
        .peak = sound->peak,
        .is_log_mel = sound->input_kind == CARD_INPUT_LOG_MEL,
    };
    if (out->is_log_mel) {
        out->mel = spec_of_mel(sound);
        out->n_floats = (size_t)sound->mel.frames * sound->mel.bands;
    }
    if (sound->window_samples > MEDIA_MAX_WINDOW_SAMPLES ||
        out->n_floats > MEDIA_MAX_WINDOW_SAMPLES)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "the model's window of %u samples is too long; at "
                         "most %d can be handled",
                         sound->window_samples, MEDIA_MAX_WINDOW_SAMPLES);
    return AKIN_OK;
}

/* A spec of side 0 resizes to width x height; only a cut needs a side of its
 * own, and a margin around the longest. */
static uint32_t side_of(const card_image *part)
{
    uint32_t side = part->height > part->width ? part->height : part->width;
    if (part->crop) return part->resize_pixels;
    if (part->resize == CARD_RESIZE_LONGEST && part->resize_pixels != side)
        return part->resize_pixels;
    return 0;
}

/* Values that are not scaled enter as (x - mean) / std of bytes x, which is
 * (x / 255 - mean / 255) / (std / 255). */
static image_tensor_spec tensor_of(const card_image *part)
{
    image_tensor_spec out = {.layout = part->order == CARD_ORDER_NCHW
                                           ? IMAGE_TENSOR_CHW
                                           : IMAGE_TENSOR_HWC};
    for (int i = 0; i < 3; i++) {
        out.mean[i] = part->scale ? part->mean[i] : part->mean[i] / 255;
        out.std[i] = part->scale ? part->std[i] : part->std[i] / 255;
    }
    return out;
}

static model_input facts_of_image(const card_image *part)
{
    static const resize_mode modes[] = {
        [CARD_RESIZE_SHORTEST] = RESIZE_SHORTEST,
        [CARD_RESIZE_SQUASH] = RESIZE_SQUASH,
        [CARD_RESIZE_LONGEST] = RESIZE_LONGEST,
    };
    static const resize_filter filters[] = {
        [CARD_INTERPOLATION_BICUBIC] = RESIZE_BICUBIC,
        [CARD_INTERPOLATION_BILINEAR] = RESIZE_BILINEAR,
        [CARD_INTERPOLATION_NEAREST] = RESIZE_NEAREST,
    };
    return (model_input){
        .kind = MODEL_IMAGE,
        .n_floats = (size_t)3 * part->width * part->height,
        .resize = {.width = part->width,
                   .height = part->height,
                   .side = side_of(part),
                   .mode = modes[part->resize],
                   .filter = filters[part->interpolation],
                   .fill = {part->fill, part->fill, part->fill}},
        .tensor = tensor_of(part),
    };
}

akin_status model_facts_input(const model_card *card, model_input *out,
                              akin_error *err)
{
    if (card->modality == CARD_SOUND)
        return facts_of_sound(&card->sound, out, err);
    *out = facts_of_image(&card->image);
    return AKIN_OK;
}
