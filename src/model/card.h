/* SPDX-License-Identifier: MIT
 * What a model is: the card `model.json` of its folder, or the same facts
 * gathered from a folder that CLIP's usual exporters laid out.
 *
 * A card is a plain value of bounded size: copy it, nothing is to be freed. It
 * is about 30 kB, so keep it on the heap. Every number in it was checked: dims,
 * rates and sizes are positive and bounded, paths are relative and stay in the
 * folder. What the card leaves to the graph is empty: name "", rank 0, batch 0,
 * dim 0 (without a card only). docs/MODELS.md is the schema. */
#ifndef MODEL_CARD_H
#define MODEL_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"

#define CARD_FILE_NAME "model.json"

enum {
    CARD_SCHEMA = 1,
    CARD_MAX_BYTES = 1 << 20, /* of model.json and of the other configs */
    CARD_MAX_FILES = 32,
    CARD_MAX_DIM = 65536,
    CARD_MAX_RATE_HZ = 1000000,
    CARD_MAX_WINDOW_SAMPLES = 1 << 26,
    CARD_MAX_IMAGE_PIXELS = 4096, /* a side */
    CARD_MAX_CONTEXT = 4096,
    CARD_MAX_BATCH = 4096,
    CARD_MAX_RANK = 5,
    CARD_NAME_BYTES = 65,
    CARD_PATH_BYTES = 256,
    CARD_URL_BYTES = 512,
    CARD_TEXT_BYTES = 1024,
    CARD_TENSOR_BYTES = 192
};

typedef enum card_modality {
    CARD_SOUND,
    CARD_IMAGE /* with or without a text tower */
} card_modality;

typedef enum card_layout {
    CARD_LAYOUT_CARD,        /* model.json */
    CARD_LAYOUT_IMMICH,      /* visual/model.onnx, textual/model.onnx */
    CARD_LAYOUT_HUGGINGFACE, /* onnx/vision_model.onnx, onnx/text_model.onnx */
    CARD_LAYOUT_OPEN_CLIP    /* open_clip_config.json and graphs beside it */
} card_layout;

typedef struct card_file {
    char path[CARD_PATH_BYTES]; /* inside the folder, '/' between the parts */
    char url[CARD_URL_BYTES];   /* "": not known */
    char sha256[HASH_HEX_BYTES]; /* lower-case digits; "": not known */
    int64_t size_bytes;          /* -1: not known */
} card_file;

typedef enum card_type {
    CARD_TYPE_ANY, /* what the graph says */
    CARD_TYPE_FLOAT32,
    CARD_TYPE_FLOAT16,
    CARD_TYPE_UINT8,
    CARD_TYPE_INT32,
    CARD_TYPE_INT64
} card_type;

/* Which tensor: by name if it has one; else the only one of this type, rank
 * and shape. Given together, the named tensor must agree with the rest. If
 * nothing is given, which is so for folders without a card: an input is told
 * by its type and rank, an output is `embedding`, `embeddings`, `image_embeds`
 * or `text_embeds`, `pooler_output`, or the only float one of rank 2. */
typedef struct card_tensor {
    char name[CARD_TENSOR_BYTES]; /* "": find it by type and shape */
    card_type type;
    uint32_t rank;                /* 0: any */
    int64_t shape[CARD_MAX_RANK]; /* [rank]; -1: any length */
    bool before_last_gemm; /* not an output: the tensor that enters the last
                              Gemm or MatMul, to be appended to the outputs */
} card_tensor;

typedef enum card_normalize {
    CARD_NORMALIZE_NONE,
    CARD_NORMALIZE_PEAK, /* subtract the mean; scale the peak to `peak` */
    CARD_NORMALIZE_CLAMP /* to [-1, 1] */
} card_normalize;

typedef enum card_mono {
    CARD_MONO_AVERAGE,
    CARD_MONO_FIRST /* the first channel */
} card_mono;

typedef enum card_input {
    CARD_INPUT_WAVEFORM,
    CARD_INPUT_LOG_MEL
} card_input;

/* What media/log_mel.h makes: ln(mel + log_offset) of magnitudes in HTK mel
 * bands, of frames that begin at multiples of hop. The window of the model
 * holds at least `frames` frames; the first are taken. */
typedef struct card_mel {
    uint32_t fft, window, hop; /* samples; window <= fft, fft a power of two */
    uint32_t bands, frames;
    double fmin_hz, fmax_hz, log_offset;
} card_mel;

typedef enum card_activation {
    CARD_ACTIVATION_NONE, /* the tensor holds scores as they are */
    CARD_ACTIVATION_SIGMOID,
    CARD_ACTIVATION_SOFTMAX
} card_activation;

/* Names of the classes in the order of the scores, one line each. */
typedef struct card_labels {
    char path[CARD_PATH_BYTES]; /* "": none */
    char delimiter;             /* 0: the whole line is the name */
    bool header;                /* the first line is no class */
    char column[CARD_NAME_BYTES]; /* by header; "": the first */
} card_labels;

typedef struct card_sound {
    char model[CARD_PATH_BYTES];
    uint32_t rate_hz;
    uint32_t window_samples; /* round(rate_hz * window_s) */
    double window_s;
    card_mono mono;
    card_normalize normalize;
    double peak; /* of CARD_NORMALIZE_PEAK */
    card_input input_kind;
    card_mel mel; /* of CARD_INPUT_LOG_MEL */
    card_tensor input, embedding;
    bool has_scores;
    card_tensor scores;
    card_activation activation;
    card_labels labels;
    uint32_t batch; /* 0: dynamic or what the graph says */
} card_sound;

typedef enum card_resize {
    CARD_RESIZE_SHORTEST, /* shorter side := size, then the centre */
    CARD_RESIZE_SQUASH,   /* both sides := size */
    CARD_RESIZE_LONGEST   /* longer side := size, padded with `fill` */
} card_resize;

typedef enum card_interpolation {
    CARD_INTERPOLATION_BICUBIC, /* Pillow's: a = -0.5, antialiased */
    CARD_INTERPOLATION_BILINEAR,
    CARD_INTERPOLATION_NEAREST
} card_interpolation;

typedef enum card_order {
    CARD_ORDER_NCHW,
    CARD_ORDER_NHWC
} card_order;

typedef struct card_image {
    char model[CARD_PATH_BYTES];
    uint32_t width, height;  /* pixels that enter the graph */
    uint32_t resize_pixels;  /* the side that `resize` makes; the crop to width
                                x height follows. Equal to them as a rule */
    card_resize resize;
    bool crop; /* to the centre; always with shortest */
    card_interpolation interpolation;
    bool scale; /* by 1/255 before mean and std */
    float mean[3], std[3];
    uint8_t fill;
    card_order order;
    card_tensor input, embedding;
    uint32_t batch; /* 0: dynamic or what the graph says */
} card_image;

typedef enum card_tokenizer {
    CARD_TOKENIZER_CLIP_BPE,
    CARD_TOKENIZER_BYTES,        /* id = byte + 1 of ASCII in lower case */
    CARD_TOKENIZER_SENTENCEPIECE /* known, not handled here: no text search */
} card_tokenizer;

typedef enum card_clean {
    CARD_CLEAN_HUGGINGFACE, /* NFC, blanks, lower case */
    CARD_CLEAN_OPEN_CLIP    /* quotes, widths, controls, HTML entities, too */
} card_clean;

typedef struct card_text {
    char model[CARD_PATH_BYTES]; /* "": there is no text tower */
    card_tokenizer tokenizer;
    char tokenizer_files[2][CARD_PATH_BYTES]; /* tokenizer.json, or vocab.json
                                       and merges.txt, or the vocabulary text */
    card_clean clean;
    bool lower_case;
    uint32_t context; /* ids a text */
    int32_t pad_id;
    char pad_token[CARD_NAME_BYTES]; /* instead of pad_id, looked up in the
                                        vocabulary; "": pad_id holds */
    bool end_token_pooling; /* the output is [n, context, dim]: take the row of
                               the end token; false: the graph has done it */
    card_tensor input, mask, embedding; /* mask: used if the graph wants it */
    uint32_t batch;
} card_text;

typedef struct model_card {
    card_layout layout;
    char name[CARD_NAME_BYTES]; /* letters, digits, '.', '_', '-' */
    char version[CARD_NAME_BYTES];
    char licence[CARD_NAME_BYTES];
    char source[CARD_URL_BYTES]; /* the page that describes the model */
    char about[CARD_TEXT_BYTES];
    card_modality modality;
    uint32_t dim; /* 0 only without a card: what the graph says */
    card_sound sound; /* of CARD_SOUND */
    card_image image; /* of CARD_IMAGE */
    card_text text;   /* of CARD_IMAGE; model "" if there is none */
    card_file files[CARD_MAX_FILES];
    size_t n_files;
    char warnings[CARD_TEXT_BYTES]; /* unknown keys, one line; "": none */
} model_card;

/* Parses the text of a model.json; `what` names it in messages. AKIN_EMODEL
 * names the key and the value that is wrong, AKIN_EVERSION a newer schema. */
akin_status card_parse(const char *text, size_t n, const char *what,
                       model_card *out, akin_error *err) AKIN_NODISCARD;

/* The model in a folder: its model.json or, without one, what the layouts of
 * immich, Hugging Face and open_clip say. AKIN_ENOTFOUND if it is none.
 * Whether the files are there is not asked but for what was read. */
akin_status card_from_folder(const char *path, model_card *out,
                             akin_error *err) AKIN_NODISCARD;

/* The file that the card lists under this path, or NULL. */
const card_file *card_find_file(const model_card *card, const char *path);

/* Compares the files in the folder with the card: all there, sizes as listed
 * and, with `hashes`, sha256 as listed. The first difference is the error. */
akin_status card_check_files(const model_card *card, const char *folder,
                             bool hashes, akin_error *err) AKIN_NODISCARD;

/* 64 digits that change when any vector would: a hash over the sha256 of the
 * graphs, their weights and tokenizer files and over the fields that change
 * vectors; not over names, prose, labels or URLs. Files are hashed; the result
 * is kept in FOLDER/.akin-hashes (by size, time and inode) where that can be
 * written. A file that is not the one whose sha256 the card gives is
 * AKIN_EMODEL. */
akin_status card_identity(const model_card *card, const char *folder,
                          char out[HASH_HEX_BYTES], akin_error *err)
    AKIN_NODISCARD;

/* true if a path stays inside its folder: relative, no "..", ".", empty part,
 * backslash or control character. */
bool card_path_is_inside(const char *path);

#endif
