/* SPDX-License-Identifier: MIT
 * The card's text into a model_card, and what must hold between its fields. */
#include "model/card.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/card_int.h"

static const char *const card_types[] = {"any",   "float32", "float16",
                                         "uint8", "int32",   "int64", NULL};
static const char *const card_normalizes[] = {"none", "peak", "clamp", NULL};
static const char *const card_monos[] = {"average", "first", NULL};
static const char *const card_inputs[] = {"waveform", "log-mel", NULL};
/* What media's log-mel makes; said in cards so that another is not mistaken. */
static const char *const card_mel_scales[] = {"htk", NULL};
static const char *const card_spectra[] = {"magnitude", NULL};
static const char *const card_activations[] = {"none", "sigmoid", "softmax",
                                               NULL};
static const char *const card_resizes[] = {"shortest", "squash", "longest",
                                           NULL};
static const char *const card_interpolations[] = {"bicubic", "bilinear",
                                                  "nearest", NULL};
static const char *const card_orders[] = {"NCHW", "NHWC", NULL};
static const char *const card_tokenizers[] = {"clip-bpe", "bytes",
                                              "sentencepiece", NULL};
static const char *const card_cleans[] = {"huggingface", "open-clip", NULL};
static const char *const card_poolings[] = {"graph", "end-token", NULL};
static const char *const card_rules[] = {"output", "before-last-gemm", NULL};
static const char *const card_modalities[] = {"sound", "image", NULL};

/* An enumerator whose words stand in the order of its values. */
#define CARD_GET_ENUM(object, key, words, out)                                 \
    do {                                                                       \
        int index_ = (int)*(out);                                              \
        card_get_word((object), (key), (words), &index_);                      \
        *(out) = index_;                                                       \
    } while (0)

/* ---- the parts --------------------------------------------------------- */

static void card_read_shape(card_object *o, card_tensor *tensor)
{
    const json_t *shape = json_object_get(o->json, "shape");
    if (!card_has(o, "shape")) return;
    size_t rank = json_array_size(shape);
    bool good = rank >= 1 && rank <= CARD_MAX_RANK;
    for (size_t i = 0; i < rank && good; i++) {
        const json_t *dim = json_array_get(shape, i);
        int64_t n = json_is_null(dim) ? -1 : json_integer_value(dim);
        good = json_is_null(dim) ||
               (json_is_integer(dim) && n > 0 && n <= INT32_MAX);
        tensor->shape[i] = n;
    }
    if (good)
        tensor->rank = (uint32_t)rank;
    else
        card_wrong(o, "shape", "a list of 1 to 5 lengths, null for any");
}

static void card_read_tensor_fields(card_object *o, card_tensor *tensor)
{
    card_get_text(o, "name", tensor->name, sizeof tensor->name);
    CARD_GET_ENUM(o, "type", card_types, &tensor->type);
    card_read_shape(o, tensor);
}

static void card_read_tensor(card_object *parent, const char *key,
                             card_tensor *tensor)
{
    card_object o;
    card_get_object(parent, key, &o);
    card_read_tensor_fields(&o, tensor);
    card_object_end(&o);
}

static void card_read_embedding(card_object *parent, card_tensor *tensor)
{
    card_object o;
    int rule = 0;
    card_get_object(parent, "embedding", &o);
    card_read_tensor_fields(&o, tensor);
    card_get_word(&o, "rule", card_rules, &rule);
    tensor->before_last_gemm = rule == 1;
    card_object_end(&o);
}

static void card_read_batch(card_object *o, uint32_t *batch)
{
    const json_t *value = json_object_get(o->json, "batch");
    if (text_equal(json_string_value(value), "dynamic"))
        (void)card_has(o, "batch");
    else
        card_get_u32(o, "batch", 1, CARD_MAX_BATCH, batch);
}

/* ---- sound ------------------------------------------------------------- */

static void card_read_mel(card_object *parent, card_mel *mel)
{
    card_object o;
    int only = 0;
    card_get_object(parent, "mel", &o);
    if (!o.json) card_missing(parent, "mel");
    static const char *const needed[] = {"fft",   "window", "hop", "bands",
                                         "frames", "fmin",  "fmax",
                                         "log_offset"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!card_has(&o, needed[i])) card_missing(&o, needed[i]);
    card_get_u32(&o, "fft", 16, 65536, &mel->fft);
    card_get_u32(&o, "window", 1, 65536, &mel->window);
    card_get_u32(&o, "hop", 1, 65536, &mel->hop);
    card_get_u32(&o, "bands", 1, 1024, &mel->bands);
    card_get_u32(&o, "frames", 1, 65536, &mel->frames);
    card_get_double(&o, "fmin", 0, CARD_MAX_RATE_HZ, &mel->fmin_hz);
    card_get_double(&o, "fmax", 0, CARD_MAX_RATE_HZ, &mel->fmax_hz);
    card_get_double(&o, "log_offset", 0, 1, &mel->log_offset);
    card_get_word(&o, "scale", card_mel_scales, &only);
    card_get_word(&o, "spectrum", card_spectra, &only);
    card_object_end(&o);
}

static void card_read_labels(card_object *parent, card_labels *labels)
{
    card_object o;
    char delimiter[2] = "";
    card_get_object(parent, "labels", &o);
    card_get_path(&o, "path", labels->path);
    card_get_text(&o, "delimiter", delimiter, sizeof delimiter);
    labels->delimiter = delimiter[0];
    card_get_bool(&o, "header", &labels->header);
    card_get_text(&o, "column", labels->column, sizeof labels->column);
    card_object_end(&o);
    if (!o.json) return;
    if (!labels->path[0]) card_missing(&o, "path");
    if (labels->column[0] && (!labels->header || !labels->delimiter))
        card_wrong(&o, "column", "possible without \"header\": true and "
                                 "\"delimiter\"");
}

static void card_read_scores(card_object *parent, card_sound *sound)
{
    card_object o;
    card_get_object(parent, "scores", &o);
    sound->has_scores = o.json != NULL;
    card_read_tensor_fields(&o, &sound->scores);
    CARD_GET_ENUM(&o, "activation", card_activations, &sound->activation);
    card_read_labels(&o, &sound->labels);
    card_object_end(&o);
}

static void card_read_sound_input(card_object *parent, card_sound *sound)
{
    card_object o;
    card_get_object(parent, "input", &o);
    CARD_GET_ENUM(&o, "kind", card_inputs, &sound->input_kind);
    card_read_tensor_fields(&o, &sound->input);
    if (sound->input_kind == CARD_INPUT_LOG_MEL)
        card_read_mel(&o, &sound->mel);
    card_object_end(&o);
}

static void card_read_window(card_object *o, card_sound *sound)
{
    static const char *const needed[] = {"sample_rate", "window_seconds"};
    for (size_t i = 0; i < 2; i++)
        if (!card_has(o, needed[i])) card_missing(o, needed[i]);
    card_get_u32(o, "sample_rate", 1, CARD_MAX_RATE_HZ, &sound->rate_hz);
    card_get_double(o, "window_seconds", 1e-3, 3600, &sound->window_s);
    double n = floor(sound->rate_hz * sound->window_s + 0.5);
    if (n < 1 || n > CARD_MAX_WINDOW_SAMPLES)
        card_wrong(o, "window_seconds", "1 to 67108864 samples");
    else
        sound->window_samples = (uint32_t)n;
}

static void card_read_sound(card_object *parent, card_sound *sound)
{
    card_object o;
    card_get_object(parent, "sound", &o);
    if (!o.json) card_missing(parent, "sound");
    card_get_path(&o, "model", sound->model);
    if (!sound->model[0]) card_missing(&o, "model");
    card_read_window(&o, sound);
    CARD_GET_ENUM(&o, "mono", card_monos, &sound->mono);
    CARD_GET_ENUM(&o, "normalize", card_normalizes, &sound->normalize);
    if (sound->normalize == CARD_NORMALIZE_PEAK) {
        if (!card_has(&o, "peak")) card_missing(&o, "peak");
        card_get_double(&o, "peak", 1e-6, 1e6, &sound->peak);
    }
    card_read_sound_input(&o, sound);
    card_read_embedding(&o, &sound->embedding);
    card_read_scores(&o, sound);
    card_read_batch(&o, &sound->batch);
    card_object_end(&o);
}

/* ---- image and text ---------------------------------------------------- */

/* A side for both, or [height, width]. */
static void card_read_size(card_object *o, card_image *image)
{
    const json_t *size = json_object_get(o->json, "size");
    int64_t side[2] = {json_integer_value(size), json_integer_value(size)};
    if (!card_has(o, "size")) card_missing(o, "size");
    if (json_is_array(size) && json_array_size(size) == 2)
        for (size_t i = 0; i < 2; i++)
            side[i] = json_integer_value(json_array_get(size, i));
    for (size_t i = 0; i < 2; i++)
        if (side[i] < 1 || side[i] > CARD_MAX_IMAGE_PIXELS) {
            card_wrong(o, "size", "a side from 1 to 4096 or [height, width]");
            return;
        }
    image->height = (uint32_t)side[0];
    image->width = (uint32_t)side[1];
    image->resize_pixels = image->height > image->width ? image->height
                                                        : image->width;
}

static void card_read_image(card_object *parent, card_image *image)
{
    card_object o;
    uint32_t fill = 0;
    card_get_object(parent, "image", &o);
    if (!o.json) card_missing(parent, "image");
    card_get_path(&o, "model", image->model);
    if (!image->model[0]) card_missing(&o, "model");
    card_read_size(&o, image);
    card_get_u32(&o, "resize_size", 1, CARD_MAX_IMAGE_PIXELS,
                 &image->resize_pixels);
    CARD_GET_ENUM(&o, "resize", card_resizes, &image->resize);
    image->crop = image->resize == CARD_RESIZE_SHORTEST;
    card_get_bool(&o, "crop", &image->crop);
    CARD_GET_ENUM(&o, "interpolation", card_interpolations,
                  &image->interpolation);
    image->scale = true;
    card_get_bool(&o, "scale", &image->scale);
    if (!card_has(&o, "mean")) card_missing(&o, "mean");
    if (!card_has(&o, "std")) card_missing(&o, "std");
    card_get_floats(&o, "mean", 3, image->mean);
    card_get_floats(&o, "std", 3, image->std);
    card_get_u32(&o, "fill", 0, 255, &fill);
    image->fill = (uint8_t)fill;
    CARD_GET_ENUM(&o, "layout", card_orders, &image->order);
    card_read_tensor(&o, "input", &image->input);
    card_read_embedding(&o, &image->embedding);
    card_read_batch(&o, &image->batch);
    card_object_end(&o);
}

static void card_read_tokenizer_files(card_object *o, card_text *text)
{
    const json_t *list = json_object_get(o->json, "tokenizer_files");
    if (!card_has(o, "tokenizer_files")) return;
    size_t n = json_array_size(list);
    bool good = n >= 1 && n <= 2;
    for (size_t i = 0; i < n && good; i++) {
        const char *path = json_string_value(json_array_get(list, i));
        good = path && strlen(path) < CARD_PATH_BYTES &&
               card_path_is_inside(path);
        if (good) memcpy(text->tokenizer_files[i], path, strlen(path) + 1);
    }
    if (!good)
        card_wrong(o, "tokenizer_files",
                   "a list of one or two paths inside the model's folder");
}

static void card_read_text(card_object *parent, card_text *text)
{
    card_object o;
    int pooling = 0;
    int64_t pad = 0;
    card_get_object(parent, "text", &o);
    if (!o.json) return;
    card_get_path(&o, "model", text->model);
    if (!text->model[0]) card_missing(&o, "model");
    if (!card_has(&o, "context")) card_missing(&o, "context");
    CARD_GET_ENUM(&o, "tokenizer", card_tokenizers, &text->tokenizer);
    card_read_tokenizer_files(&o, text);
    CARD_GET_ENUM(&o, "clean", card_cleans, &text->clean);
    text->lower_case = true;
    card_get_bool(&o, "lower_case", &text->lower_case);
    card_get_u32(&o, "context", 2, CARD_MAX_CONTEXT, &text->context);
    card_get_int(&o, "pad", 0, INT32_MAX, &pad);
    text->pad_id = (int32_t)pad;
    card_get_text(&o, "pad_token", text->pad_token, sizeof text->pad_token);
    card_get_word(&o, "pooling", card_poolings, &pooling);
    text->end_token_pooling = pooling == 1;
    card_read_tensor(&o, "input", &text->input);
    card_read_tensor(&o, "mask", &text->mask);
    card_read_embedding(&o, &text->embedding);
    card_read_batch(&o, &text->batch);
    card_object_end(&o);
}

/* ---- files ------------------------------------------------------------- */

static bool card_is_sha256(const char *text)
{
    return strlen(text) == HASH_HEX_BYTES - 1 &&
           strspn(text, "0123456789abcdef") == HASH_HEX_BYTES - 1;
}

static void card_read_file(card_object *o, card_file *file)
{
    file->size_bytes = -1;
    card_get_path(o, "path", file->path);
    if (!file->path[0]) card_missing(o, "path");
    card_get_text(o, "url", file->url, sizeof file->url);
    card_get_text(o, "sha256", file->sha256, sizeof file->sha256);
    if (file->sha256[0] && !card_is_sha256(file->sha256))
        card_wrong(o, "sha256", "64 lower-case hexadecimal digits");
    card_get_int(o, "size", 0, (int64_t)1 << 40, &file->size_bytes);
    if (text_equal(file->path, CARD_FILE_NAME) || file->path[0] == '.')
        card_wrong(o, "path", "a file of the model");
    card_object_end(o);
}

static void card_read_files(card_object *parent, model_card *card)
{
    const json_t *list = json_object_get(parent->json, "files");
    card_reader *reader = parent->reader;
    if (!card_has(parent, "files")) return;
    if (!json_is_array(list) || json_array_size(list) > CARD_MAX_FILES) {
        card_wrong(parent, "files", "a list of at most 32 files");
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        card_object o;
        card_object_root(&o, reader, json_array_get(list, i));
        snprintf(o.path, sizeof o.path, "files[%zu].", i);
        if (!json_is_object(o.json)) {
            card_wrong(parent, "files", "a list of objects");
            return;
        }
        card_file file = {0};
        card_read_file(&o, &file);
        if (reader->status != AKIN_OK) return;
        if (card_find_file(card, file.path)) {
            card_wrong(&o, "path", "listed once");
            return;
        }
        card->files[card->n_files++] = file;
    }
}

const card_file *card_find_file(const model_card *card, const char *path)
{
    for (size_t i = 0; i < card->n_files; i++)
        if (strcmp(card->files[i].path, path) == 0) return &card->files[i];
    return NULL;
}

/* ---- the whole --------------------------------------------------------- */

static bool card_is_name(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    return *name && *name != '.' && *name != '-' &&
           name[strspn(name, allowed)] == 0;
}

static void card_read_head(card_object *o, model_card *card)
{
    static const char *const needed[] = {"schema", "name", "modality", "dim"};
    card_reader *reader = o->reader;
    int64_t schema = CARD_SCHEMA;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!card_has(o, needed[i])) card_missing(o, needed[i]);
    card_get_int(o, "schema", 1, INT32_MAX, &schema);
    if (schema > CARD_SCHEMA && reader->status == AKIN_OK)
        reader->status = AKIN_FAIL(reader->err, AKIN_EVERSION,
                                   "'%s': schema %lld is newer than this akin, "
                                   "which reads %d",
                                   reader->what, (long long)schema,
                                   CARD_SCHEMA);
    card_get_text(o, "name", card->name, sizeof card->name);
    if (!card_is_name(card->name))
        card_wrong(o, "name", "a name of letters, digits, '.', '_' and '-'");
    card_get_text(o, "version", card->version, sizeof card->version);
    card_get_text(o, "licence", card->licence, sizeof card->licence);
    card_get_text(o, "source", card->source, sizeof card->source);
    card_get_text(o, "about", card->about, sizeof card->about);
    CARD_GET_ENUM(o, "modality", card_modalities, &card->modality);
    card_get_u32(o, "dim", 1, CARD_MAX_DIM, &card->dim);
}

static void card_read_all(card_object *o, model_card *card)
{
    card_read_head(o, card);
    card_read_files(o, card);
    if (card->modality == CARD_SOUND) {
        card_read_sound(o, &card->sound);
    } else {
        card_read_image(o, &card->image);
        card_read_text(o, &card->text);
    }
    card_object_end(o);
}

/* Lists a file that a part names, so that `files` has all that is needed. */
static akin_status card_need_file(model_card *card, const char *path,
                                  akin_error *err)
{
    if (!*path || card_find_file(card, path)) return AKIN_OK;
    if (card->n_files == CARD_MAX_FILES)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "model '%s' has more than %d files", card->name,
                         CARD_MAX_FILES);
    card_file *file = &card->files[card->n_files++];
    file->size_bytes = -1;
    memcpy(file->path, path, strlen(path) + 1);
    return AKIN_OK;
}

akin_status card_need_files(model_card *card, akin_error *err)
{
    const char *const paths[] = {
        card->sound.model,
        card->sound.labels.path,
        card->image.model,
        card->text.model,
        card->text.tokenizer_files[0],
        card->text.tokenizer_files[1],
    };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        AKIN_TRY(card_need_file(card, paths[i], err));
    return AKIN_OK;
}

static akin_status card_check_mel(const card_sound *sound, const char *what,
                                  akin_error *err)
{
    const card_mel *mel = &sound->mel;
    if (mel->fft & (mel->fft - 1))
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s': sound.input.mel.fft is %u, not a power of two",
                         what, mel->fft);
    if (mel->window > mel->fft)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s': sound.input.mel.window is %u, more than fft, "
                         "%u",
                         what, mel->window, mel->fft);
    if (mel->fmin_hz >= mel->fmax_hz || mel->fmax_hz > sound->rate_hz / 2.0)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s': sound.input.mel has fmin %g and fmax %g, not "
                         "a band below %g Hz",
                         what, mel->fmin_hz, mel->fmax_hz,
                         sound->rate_hz / 2.0);
    uint64_t needed = (uint64_t)(mel->frames - 1) * mel->hop + mel->window;
    if (needed > sound->window_samples)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s': sound.input.mel.frames is %u, which need %llu "
                         "samples; the window has %u",
                         what, mel->frames, (unsigned long long)needed,
                         sound->window_samples);
    return AKIN_OK;
}

static akin_status card_check_image(const card_image *image, const char *what,
                                    akin_error *err)
{
    uint32_t side = image->height > image->width ? image->height
                                                 : image->width;
    for (int i = 0; i < 3; i++)
        if (!(image->std[i] > 0))
            return AKIN_FAIL(err, AKIN_EMODEL,
                             "'%s': image.std has %g, not a number above 0",
                             what, (double)image->std[i]);
    if (image->resize == CARD_RESIZE_SHORTEST && !image->crop)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s': image.crop is false, but after resize "
                         "\"shortest\" only a crop has a fixed size",
                         what);
    if (image->crop && image->resize_pixels < side)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s': image.resize_size is %u, less than size, %u",
                         what, image->resize_pixels, side);
    return AKIN_OK;
}

static akin_status card_check_text(const card_text *text, const char *what,
                                   akin_error *err)
{
    bool has_files = text->tokenizer_files[0][0] != 0;
    if (text->tokenizer == CARD_TOKENIZER_CLIP_BPE && !has_files)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s': text.tokenizer_files is missing", what);
    if (text->tokenizer == CARD_TOKENIZER_BYTES && has_files)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s': text.tokenizer_files is given, but \"bytes\" "
                         "has none",
                         what);
    return AKIN_OK;
}

akin_status card_check(const model_card *card, const char *what,
                       akin_error *err)
{
    if (card->modality == CARD_SOUND)
        return card->sound.input_kind == CARD_INPUT_LOG_MEL
                   ? card_check_mel(&card->sound, what, err)
                   : AKIN_OK;
    AKIN_TRY(card_check_image(&card->image, what, err));
    return card->text.model[0] ? card_check_text(&card->text, what, err)
                               : AKIN_OK;
}

static akin_status card_from_json(const json_t *json, const char *what,
                                  model_card *out, akin_error *err)
{
    *out = (model_card){0};
    card_reader reader = {.what = what, .err = err, .warnings = out->warnings};
    card_object root;
    if (!json_is_object(json))
        return AKIN_FAIL(err, AKIN_EMODEL, "'%s' is not a JSON object", what);
    card_object_root(&root, &reader, json);
    card_read_all(&root, out);
    AKIN_TRY(reader.status);
    AKIN_TRY(card_need_files(out, err));
    return card_check(out, what, err);
}

akin_status card_parse(const char *text, size_t n, const char *what,
                       model_card *out, akin_error *err)
{
    json_t *json = NULL;
    AKIN_TRY(json_parse(text, n, what, &json, err));
    akin_status status = card_from_json(json, what, out, err);
    json_decref(json);
    return status;
}

akin_status card_from_folder(const char *path, model_card *out,
                             akin_error *err)
{
    akin_status status = AKIN_OK;
    json_t *json = NULL;
    char *file = file_join(path, CARD_FILE_NAME);
    if (!file) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    if (!file_is_dir(path)) {
        status = AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no folder '%s'",
                           path);
    } else if (file_exists(file)) {
        AKIN_TRYG(card_read_json(path, CARD_FILE_NAME, &json, err));
        status = card_from_json(json, file, out, err);
    } else {
        status = card_from_layout(path, out, err);
    }
done:
    json_decref(json);
    mem_free(file);
    return status;
}
