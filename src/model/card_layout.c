/* SPDX-License-Identifier: MIT
 * CLIP folders without a card: what immich, Hugging Face's exporters and
 * open_clip write beside their graphs, read as a card. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/card_int.h"

/* CLIP's own, for a preprocess_cfg that leaves them out. */
static const float clip_mean[3] = {0.48145466f, 0.4578275f, 0.40821073f};
static const float clip_std[3] = {0.26862954f, 0.26130258f, 0.27577711f};

enum { CLIP_CONTEXT = 77, CLIP_PIXELS = 224 };

/* One folder being looked at. */
typedef struct card_scan {
    const char *folder;
    model_card *card;
    akin_error *err;
} card_scan;

/* ---- files ------------------------------------------------------------- */

static bool scan_has(const card_scan *scan, const char *path)
{
    char *full = file_join(scan->folder, path);
    bool there = full && file_exists(full) && !file_is_dir(full);
    mem_free(full);
    return there;
}

static akin_status scan_add(card_scan *scan, const char *path)
{
    model_card *card = scan->card;
    if (card_find_file(card, path)) return AKIN_OK;
    if (card->n_files == CARD_MAX_FILES || strlen(path) >= CARD_PATH_BYTES)
        return AKIN_FAIL(scan->err, AKIN_ELIMIT,
                         "'%s' has more than %d files or longer names than "
                         "%d bytes",
                         scan->folder, CARD_MAX_FILES, CARD_PATH_BYTES - 1);
    card_file *file = &card->files[card->n_files++];
    file->size_bytes = -1;
    memcpy(file->path, path, strlen(path) + 1);
    return AKIN_OK;
}

static akin_status scan_add_if_there(card_scan *scan, const char *path)
{
    return scan_has(scan, path) ? scan_add(scan, path) : AKIN_OK;
}

/* Reads a config and lists it; *out stays NULL when it is not there. */
static akin_status scan_json(card_scan *scan, const char *path, json_t **out)
{
    if (!scan_has(scan, path)) return AKIN_OK;
    AKIN_TRY(scan_add(scan, path));
    return card_read_json(scan->folder, path, out, scan->err);
}

/* Takes a graph: its path goes to `out` and it is listed with its weights. */
static akin_status scan_graph(card_scan *scan, const char *path,
                              char out[CARD_PATH_BYTES])
{
    static const char *const endings[] = {"_data", ".data"};
    AKIN_TRY(scan_add(scan, path));
    memmove(out, path, strlen(path) + 1);
    for (size_t i = 0; i < 2; i++) {
        char data[CARD_PATH_BYTES + 8];
        snprintf(data, sizeof data, "%s%s", path, endings[i]);
        AKIN_TRY(scan_add_if_there(scan, data));
    }
    return AKIN_OK;
}

/* immich's exporter names the weights outside a graph by numbers alone: all
 * beside it that is no other kind of file. */
typedef struct card_weights {
    card_scan *scan;
    const char *dir; /* "visual/" */
} card_weights;

static akin_status weights_visit(void *user, const char *path, akin_error *err)
{
    static const char *const others[] = {".json",  ".txt", ".model", ".onnx",
                                         ".armnn", ".md",  ".rknn",  ".tmp",
                                         ".part"};
    card_weights *w = user;
    (void)err;
    const char *inside = path + strlen(w->scan->folder);
    while (*inside == '/') inside++;
    const char *name = inside + strlen(w->dir);
    if (strchr(name, '/')) return AKIN_OK; /* in a folder below */
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (text_ends_with(name, others[i], true)) return AKIN_OK;
    return scan_add(w->scan, inside);
}

static akin_status scan_immich_graph(card_scan *scan, const char *dir,
                                     char out[CARD_PATH_BYTES])
{
    card_weights weights = {.scan = scan, .dir = dir};
    file_visitor visitor = {.visit = weights_visit, .user = &weights};
    char path[64];
    snprintf(path, sizeof path, "%smodel.onnx", dir);
    AKIN_TRY(scan_graph(scan, path, out));
    snprintf(path, sizeof path, "%.*s", (int)strlen(dir) - 1, dir);
    char *full = file_join(scan->folder, path);
    if (!full)
        return AKIN_FAIL(scan->err, AKIN_ENOMEM, "out of memory for a path");
    akin_status status = file_walk(full, &visitor, scan->err);
    mem_free(full);
    return status;
}

/* ---- names ------------------------------------------------------------- */

static akin_status scan_name(card_scan *scan)
{
    char *path = file_absolute(scan->folder);
    if (!path)
        return AKIN_FAIL(scan->err, AKIN_ENOMEM, "out of memory for a path");
    char *name = scan->card->name;
    snprintf(name, CARD_NAME_BYTES, "%s", file_name(path));
    mem_free(path);
    for (char *p = name; *p; p++) {
        bool good = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                    (*p >= '0' && *p <= '9') || strchr("._-", *p);
        if (!good || (p == name && (*p == '.' || *p == '-'))) *p = '_';
    }
    if (!*name) memcpy(name, "model", sizeof "model");
    return AKIN_OK;
}

/* ---- open_clip's preprocess_cfg ---------------------------------------- */

static void scan_defaults(model_card *card)
{
    card_image *image = &card->image;
    card->modality = CARD_IMAGE;
    image->width = image->height = image->resize_pixels = CLIP_PIXELS;
    image->crop = image->scale = true;
    memcpy(image->mean, clip_mean, sizeof clip_mean);
    memcpy(image->std, clip_std, sizeof clip_std);
    card->text.context = CLIP_CONTEXT;
    card->text.lower_case = true;
}

/* size: a side, or [height, width] of which the exporters use both. */
static void scan_size(card_object *o, card_image *image)
{
    const json_t *size = json_object_get(o->json, "size");
    int64_t side[2] = {json_integer_value(size), json_integer_value(size)};
    if (!card_has(o, "size")) return;
    for (size_t i = 0; i < 2 && json_is_array(size); i++)
        side[i] = json_integer_value(json_array_get(size, i));
    if (side[0] < 1 || side[0] > CARD_MAX_IMAGE_PIXELS || side[1] < 1 ||
        side[1] > CARD_MAX_IMAGE_PIXELS) {
        card_wrong(o, "size", "a side from 1 to 4096 or [height, width]");
        return;
    }
    image->height = (uint32_t)side[0];
    image->width = (uint32_t)side[1];
    image->resize_pixels = (uint32_t)(side[0] > side[1] ? side[0] : side[1]);
}

static void scan_preprocess(card_object *o, card_image *image)
{
    static const char *const resizes[] = {"shortest", "squash", "longest",
                                          NULL};
    static const char *const interpolations[] = {"bicubic", "bilinear",
                                                 "nearest", NULL};
    static const char *const modes[] = {"RGB", NULL};
    int resize = 0, interpolation = 0, mode = 0;
    uint32_t fill = 0;
    scan_size(o, image);
    card_get_word(o, "mode", modes, &mode);
    card_get_floats(o, "mean", 3, image->mean);
    card_get_floats(o, "std", 3, image->std);
    card_get_word(o, "interpolation", interpolations, &interpolation);
    card_get_word(o, "resize_mode", resizes, &resize);
    if (!json_is_array(json_object_get(o->json, "fill_color")))
        card_get_u32(o, "fill_color", 0, 255, &fill);
    image->resize = resize;
    image->crop = resize == CARD_RESIZE_SHORTEST;
    image->interpolation = interpolation;
    image->fill = (uint8_t)fill;
}

/* embed_dim, vision_cfg.image_size, text_cfg.context_length. */
static void scan_open_clip_model(card_object *o, model_card *card)
{
    card_object vision, text;
    card_get_u32(o, "embed_dim", 1, CARD_MAX_DIM, &card->dim);
    card_get_object(o, "vision_cfg", &vision);
    const json_t *size = json_object_get(vision.json, "image_size");
    if (json_is_integer(size)) {
        uint32_t side = CLIP_PIXELS;
        card_get_u32(&vision, "image_size", 1, CARD_MAX_IMAGE_PIXELS, &side);
        card->image.width = card->image.height = side;
        card->image.resize_pixels = side;
    }
    card_get_object(o, "text_cfg", &text);
    card_get_u32(&text, "context_length", 2, CARD_MAX_CONTEXT,
                 &card->text.context);
}

/* ---- tokenizers -------------------------------------------------------- */

static void scan_pad_token(card_object *o, card_text *text)
{
    card_object token;
    if (json_is_object(json_object_get(o->json, "pad_token"))) {
        card_get_object(o, "pad_token", &token);
        card_get_text(&token, "content", text->pad_token,
                      sizeof text->pad_token);
    } else {
        card_get_text(o, "pad_token", text->pad_token, sizeof text->pad_token);
    }
}

/* Whether tokenizer_config.json speaks of CLIP's BPE; unnamed counts as it. */
static card_tokenizer scan_tokenizer_kind(const json_t *config)
{
    const char *name = "CLIPTokenizer";
    (void)json_get_text(config, "tokenizer_class", &name);
    return text_starts_with(name, "CLIPTokenizer")
               ? CARD_TOKENIZER_CLIP_BPE
               : CARD_TOKENIZER_SENTENCEPIECE;
}

/* The tokenizer in dir ("" or "textual/"). */
static akin_status scan_tokenizer(card_scan *scan, const char *dir)
{
    card_text *text = &scan->card->text;
    char path[4][64];
    static const char *const names[] = {"tokenizer.json", "vocab.json",
                                        "merges.txt", "tokenizer_config.json"};
    for (int i = 0; i < 4; i++)
        snprintf(path[i], sizeof path[i], "%s%s", dir, names[i]);
    json_t *config = NULL;
    AKIN_TRY(scan_json(scan, path[3], &config));
    text->tokenizer = scan_tokenizer_kind(config);
    card_reader reader = {.what = path[3], .err = scan->err};
    card_object o;
    card_object_root(&o, &reader, config);
    scan_pad_token(&o, text);
    json_decref(config);
    AKIN_TRY(reader.status);
    if (scan_has(scan, path[0])) {
        memcpy(text->tokenizer_files[0], path[0], sizeof path[0]);
    } else if (scan_has(scan, path[1]) && scan_has(scan, path[2])) {
        memcpy(text->tokenizer_files[0], path[1], sizeof path[1]);
        memcpy(text->tokenizer_files[1], path[2], sizeof path[2]);
    } else if (text->tokenizer == CARD_TOKENIZER_CLIP_BPE) {
        return AKIN_FAIL(scan->err, AKIN_EMODEL,
                         "'%s' has a text graph, but neither %s nor %s and %s",
                         scan->folder, path[0], path[1], path[2]);
    }
    return AKIN_OK;
}

/* ---- immich ------------------------------------------------------------ */

static akin_status scan_immich_configs(card_scan *scan)
{
    json_t *config = NULL, *preprocess = NULL;
    akin_status status = AKIN_OK;
    card_reader reader = {.what = "config.json", .err = scan->err};
    card_object o;
    AKIN_TRYG(scan_json(scan, "config.json", &config));
    card_object_root(&o, &reader, config);
    scan_open_clip_model(&o, scan->card);
    AKIN_TRYG(reader.status);
    AKIN_TRYG(scan_json(scan, "visual/preprocess_cfg.json", &preprocess));
    reader.what = "visual/preprocess_cfg.json";
    card_object_root(&o, &reader, preprocess);
    scan_preprocess(&o, &scan->card->image);
    status = reader.status;
done:
    json_decref(config);
    json_decref(preprocess);
    return status;
}

static akin_status scan_immich(card_scan *scan)
{
    model_card *card = scan->card;
    card->layout = CARD_LAYOUT_IMMICH;
    AKIN_TRY(scan_immich_configs(scan));
    AKIN_TRY(scan_immich_graph(scan, "visual/", card->image.model));
    if (!scan_has(scan, "textual/model.onnx")) return AKIN_OK;
    AKIN_TRY(scan_immich_graph(scan, "textual/", card->text.model));
    return scan_tokenizer(scan, "textual/");
}

/* ---- open_clip --------------------------------------------------------- */

static akin_status scan_open_clip_configs(card_scan *scan, const char *name)
{
    json_t *config = NULL;
    card_reader reader = {.what = name, .err = scan->err};
    card_object o, part;
    AKIN_TRY(scan_json(scan, name, &config));
    card_object_root(&o, &reader, config);
    card_get_object(&o, "model_cfg", &part);
    scan_open_clip_model(&part, scan->card);
    card_get_object(&o, "preprocess_cfg", &part);
    scan_preprocess(&part, &scan->card->image);
    json_decref(config);
    return reader.status;
}

/* open_clip exports no graphs itself; these are the names that people use. */
static const char *const open_clip_graphs[][2] = {
    {"visual.onnx", "textual.onnx"},
    {"image.onnx", "text.onnx"},
    {"vision_model.onnx", "text_model.onnx"},
    {"visual/model.onnx", "textual/model.onnx"},
    {"onnx/vision_model.onnx", "onnx/text_model.onnx"},
};

static akin_status scan_open_clip(card_scan *scan, const char *config)
{
    model_card *card = scan->card;
    const char *const *graphs = NULL;
    size_t n = sizeof open_clip_graphs / sizeof *open_clip_graphs;
    for (size_t i = 0; i < n && !graphs; i++)
        if (scan_has(scan, open_clip_graphs[i][0]))
            graphs = open_clip_graphs[i];
    card->layout = CARD_LAYOUT_OPEN_CLIP;
    AKIN_TRY(scan_open_clip_configs(scan, config));
    if (!graphs)
        return AKIN_FAIL(scan->err, AKIN_ENOTFOUND,
                         "'%s' has open_clip's configuration, but no image "
                         "graph such as visual.onnx",
                         scan->folder);
    AKIN_TRY(scan_graph(scan, graphs[0], card->image.model));
    if (!scan_has(scan, graphs[1])) return AKIN_OK;
    AKIN_TRY(scan_graph(scan, graphs[1], card->text.model));
    return scan_tokenizer(scan, "");
}

/* ---- Hugging Face ------------------------------------------------------ */

/* A side, {height, width} or {shortest_edge}; false: not given. *square tells
 * which of the latter two. */
static bool scan_hf_side(card_object *o, const char *key, uint32_t side[2],
                         bool *square)
{
    card_object size;
    if (json_is_integer(json_object_get(o->json, key))) {
        card_get_u32(o, key, 1, CARD_MAX_IMAGE_PIXELS, &side[0]);
        side[1] = side[0];
        *square = false;
        return true;
    }
    card_get_object(o, key, &size);
    *square = !card_has(&size, "shortest_edge");
    if (*square && !card_has(&size, "height")) return false;
    card_get_u32(&size, *square ? "height" : "shortest_edge", 1,
                 CARD_MAX_IMAGE_PIXELS, &side[0]);
    side[1] = side[0];
    if (*square)
        card_get_u32(&size, "width", 1, CARD_MAX_IMAGE_PIXELS, &side[1]);
    return true;
}

static void scan_hf_resample(card_object *o, card_image *image)
{
    int64_t resample = 3; /* Pillow's numbers */
    card_get_int(o, "resample", 0, 5, &resample);
    if (resample == 3)
        image->interpolation = CARD_INTERPOLATION_BICUBIC;
    else if (resample == 2)
        image->interpolation = CARD_INTERPOLATION_BILINEAR;
    else if (resample == 0)
        image->interpolation = CARD_INTERPOLATION_NEAREST;
    else
        card_wrong(o, "resample", "0 (nearest), 2 (bilinear) or 3 (bicubic)");
}

static void scan_hf_values(card_object *o, card_image *image)
{
    double factor = 1.0 / 255;
    bool normalize = true;
    card_get_bool(o, "do_rescale", &image->scale);
    card_get_double(o, "rescale_factor", 0, 1, &factor);
    if (fabs(factor * 255 - 1) > 1e-4)
        card_wrong(o, "rescale_factor", "1/255");
    card_get_bool(o, "do_normalize", &normalize);
    card_get_floats(o, "image_mean", 3, image->mean);
    card_get_floats(o, "image_std", 3, image->std);
    for (int i = 0; i < 3 && !normalize; i++) {
        image->mean[i] = 0;
        image->std[i] = 1;
    }
}

static void scan_hf_preprocess(card_object *o, card_image *image)
{
    uint32_t size[2] = {CLIP_PIXELS, CLIP_PIXELS}, crop[2];
    bool squared = false, crop_squared = false, crops, resizes = true;
    bool has_size = scan_hf_side(o, "size", size, &squared);
    memcpy(crop, size, sizeof crop);
    bool has_crop = scan_hf_side(o, "crop_size", crop, &crop_squared);
    crops = has_crop || !has_size;
    card_get_bool(o, "do_center_crop", &crops);
    card_get_bool(o, "do_resize", &resizes);
    if (!resizes) card_wrong(o, "do_resize", "possible to leave out here");
    if (!crops) memcpy(crop, size, sizeof crop);
    image->resize = squared || !crops ? CARD_RESIZE_SQUASH
                                      : CARD_RESIZE_SHORTEST;
    image->crop = crops && !(squared && memcmp(crop, size, sizeof crop) == 0);
    image->resize_pixels = size[0];
    image->height = crop[0];
    image->width = crop[1];
    scan_hf_resample(o, image);
    scan_hf_values(o, image);
}

/* projection_dim (CLIP) and the text tower's positions. */
static void scan_hf_model(card_object *o, model_card *card)
{
    card_object text;
    uint32_t context = card->text.context;
    const char *type = "";
    (void)json_get_text(o->json, "model_type", &type);
    if (text_starts_with(type, "siglip")) context = 64;
    card_get_u32(o, "projection_dim", 1, CARD_MAX_DIM, &card->dim);
    card_get_object(o, "text_config", &text);
    card_get_u32(&text, "max_position_embeddings", 2, CARD_MAX_CONTEXT,
                 &context);
    card->text.context = context;
}

static akin_status scan_hf_configs(card_scan *scan)
{
    json_t *config = NULL, *preprocess = NULL;
    akin_status status = AKIN_OK;
    card_reader reader = {.what = "config.json", .err = scan->err};
    card_object o;
    AKIN_TRYG(scan_json(scan, "config.json", &config));
    card_object_root(&o, &reader, config);
    scan_hf_model(&o, scan->card);
    AKIN_TRYG(reader.status);
    AKIN_TRYG(scan_json(scan, "preprocessor_config.json", &preprocess));
    reader.what = "preprocessor_config.json";
    card_object_root(&o, &reader, preprocess);
    scan_hf_preprocess(&o, &scan->card->image);
    status = reader.status;
done:
    json_decref(config);
    json_decref(preprocess);
    return status;
}

/* The first that is there of a graph's variants, the exact one first. */
static bool scan_hf_graph(const card_scan *scan, const char *tower,
                          char out[CARD_PATH_BYTES])
{
    static const char *const suffixes[] = {"",      "_fp16", "_quantized",
                                           "_int8", "_uint8"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(out, CARD_PATH_BYTES, "onnx/%s_model%s.onnx", tower,
                 suffixes[i]);
        if (scan_has(scan, out)) return true;
    }
    return false;
}

static akin_status scan_hugging_face(card_scan *scan, const char *vision)
{
    model_card *card = scan->card;
    char text[CARD_PATH_BYTES];
    card->layout = CARD_LAYOUT_HUGGINGFACE;
    AKIN_TRY(scan_hf_configs(scan));
    AKIN_TRY(scan_graph(scan, vision, card->image.model));
    if (!scan_hf_graph(scan, "text", text)) return AKIN_OK;
    AKIN_TRY(scan_graph(scan, text, card->text.model));
    return scan_tokenizer(scan, "");
}

/* ---- which ------------------------------------------------------------- */

static akin_status scan_any(card_scan *scan)
{
    char vision[CARD_PATH_BYTES];
    if (scan_has(scan, "open_clip_config.json"))
        return scan_open_clip(scan, "open_clip_config.json");
    if (scan_has(scan, "visual/model.onnx")) return scan_immich(scan);
    if (scan_hf_graph(scan, "vision", vision))
        return scan_hugging_face(scan, vision);
    if (scan_has(scan, "onnx/model.onnx"))
        return AKIN_FAIL(scan->err, AKIN_EUNSUPPORTED,
                         "'%s' has both towers in one graph, "
                         "onnx/model.onnx; onnx/vision_model.onnx and "
                         "onnx/text_model.onnx are needed",
                         scan->folder);
    return AKIN_FAIL(scan->err, AKIN_ENOTFOUND,
                     "'%s' has no %s, and it is no CLIP folder of immich, "
                     "Hugging Face or open_clip",
                     scan->folder, CARD_FILE_NAME);
}

/* Of use to people who copy the folder, and of none to akin. */
static akin_status scan_add_companions(card_scan *scan)
{
    static const char *const names[] = {"special_tokens_map.json",
                                        "textual/special_tokens_map.json",
                                        "README.md", "LICENSE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        AKIN_TRY(scan_add_if_there(scan, names[i]));
    return AKIN_OK;
}

akin_status card_from_layout(const char *folder, model_card *out,
                             akin_error *err)
{
    card_scan scan = {.folder = folder, .card = out, .err = err};
    *out = (model_card){0};
    scan_defaults(out);
    AKIN_TRY(scan_name(&scan));
    akin_status status = scan_any(&scan);
    if (status == AKIN_EMODEL && err)
        return error_prefix(err, status, "folder '%s'", folder);
    AKIN_TRY(status);
    AKIN_TRY(card_need_files(out, err));
    AKIN_TRY(scan_add_companions(&scan));
    return card_check(out, folder, err);
}
