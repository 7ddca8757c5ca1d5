/* SPDX-License-Identifier: MIT
 * Whether the files of a folder are those of its card, and the identity of
 * the vectors that they make.
 *
 * Hashing 350 MB takes a second, too long for each opening of a database; so
 * the hashes are kept in the folder beside what tells that a file is the same
 * one still: size, time of change and inode. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/card_int.h"

#define CARD_HASHES_NAME ".akin-hashes"

/* The hashes of one folder. */
typedef struct card_hashes {
    const char *folder;
    json_t *known; /* {"path": [size, time, inode, "sha256"]} */
    bool changed;
} card_hashes;

static void hashes_open(card_hashes *hashes, const char *folder)
{
    *hashes = (card_hashes){.folder = folder};
    /* A cache that is absent or damaged is an empty one. */
    if (card_read_json(folder, CARD_HASHES_NAME, &hashes->known, NULL) !=
        AKIN_OK)
        hashes->known = NULL;
    if (!json_is_object(hashes->known)) {
        json_decref(hashes->known);
        hashes->known = json_object();
    }
}

/* A folder that cannot be written to is hashed again the next time. */
static void hashes_save(const card_hashes *hashes)
{
    char *path = file_join(hashes->folder, CARD_HASHES_NAME);
    char *text = json_to_text(hashes->known);
    file_writer *writer = NULL;
    if (path && text && file_writer_open(path, &writer, NULL) == AKIN_OK) {
        if (file_writer_put(writer, text, strlen(text), NULL) == AKIN_OK)
            (void)!file_writer_finish(writer, NULL);
        else
            file_writer_discard(writer);
    }
    mem_free(text);
    mem_free(path);
}

static void hashes_close(card_hashes *hashes)
{
    if (hashes->changed) hashes_save(hashes);
    json_decref(hashes->known);
}

static bool hashes_find(const card_hashes *hashes, const char *name,
                        const file_stamp *stamp, char out[HASH_HEX_BYTES])
{
    const json_t *row = json_object_get(hashes->known, name);
    const char *digits = json_string_value(json_array_get(row, 3));
    if (!digits || strlen(digits) != HASH_HEX_BYTES - 1 ||
        json_integer_value(json_array_get(row, 0)) != stamp->size_bytes ||
        json_integer_value(json_array_get(row, 1)) != stamp->mtime_ns ||
        json_integer_value(json_array_get(row, 2)) != (int64_t)stamp->inode)
        return false;
    memcpy(out, digits, HASH_HEX_BYTES);
    return true;
}

static void hashes_add(card_hashes *hashes, const char *name,
                       const file_stamp *stamp, const char *digits)
{
    json_t *row = json_pack("[I, I, I, s]", (json_int_t)stamp->size_bytes,
                            (json_int_t)stamp->mtime_ns,
                            (json_int_t)stamp->inode, digits);
    if (row && json_object_set_new(hashes->known, name, row) == 0)
        hashes->changed = true;
}

static akin_status hashes_get(card_hashes *hashes, const char *name,
                              char out[HASH_HEX_BYTES], akin_error *err)
{
    file_stamp stamp;
    akin_status status = AKIN_OK;
    char *path = file_join(hashes->folder, name);
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    AKIN_TRYG(file_stat(path, &stamp, err));
    if (hashes_find(hashes, name, &stamp, out)) goto done;
    AKIN_TRYG(hash_file(path, out, err));
    hashes_add(hashes, name, &stamp, out);
done:
    mem_free(path);
    return status;
}

/* ---- checking ---------------------------------------------------------- */

static akin_status card_check_size(const model_card *card,
                                   const card_file *file, const char *folder,
                                   akin_error *err)
{
    file_stamp stamp;
    akin_status status = AKIN_OK;
    char *path = file_join(folder, file->path);
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    if (!file_exists(path)) {
        status = AKIN_FAIL(err, AKIN_ENOTFOUND,
                           "model %s lacks its file '%s'; `akin model install "
                           "%s` gets it",
                           card->name, path, card->name);
        goto done;
    }
    AKIN_TRYG(file_stat(path, &stamp, err));
    if (file_is_dir(path))
        status = AKIN_FAIL(err, AKIN_EMODEL, "'%s' is a folder, not a file",
                           path);
    else if (file->size_bytes >= 0 && stamp.size_bytes != file->size_bytes)
        status = AKIN_FAIL(err, AKIN_EMODEL,
                           "'%s' has %lld bytes, not the %lld of its card",
                           path, (long long)stamp.size_bytes,
                           (long long)file->size_bytes);
done:
    mem_free(path);
    return status;
}

static akin_status card_check_hash(const card_file *file, const char *digits,
                                   const char *folder, akin_error *err)
{
    if (!file->sha256[0] || strcmp(file->sha256, digits) == 0) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EMODEL,
                     "'%s/%s' has the sha256 %.12s..., not the %.12s... of its "
                     "card",
                     folder, file->path, digits, file->sha256);
}

akin_status card_check_files(const model_card *card, const char *folder,
                             bool with_hashes, akin_error *err)
{
    card_hashes hashes;
    akin_status status = AKIN_OK;
    hashes_open(&hashes, folder);
    for (size_t i = 0; i < card->n_files; i++) {
        const card_file *file = &card->files[i];
        char digits[HASH_HEX_BYTES];
        AKIN_TRYG(card_check_size(card, file, folder, err));
        if (!with_hashes || !file->sha256[0]) continue;
        AKIN_TRYG(hashes_get(&hashes, file->path, digits, err));
        AKIN_TRYG(card_check_hash(file, digits, folder, err));
    }
done:
    hashes_close(&hashes);
    return status;
}

/* ---- the identity ------------------------------------------------------ */

/* What a file is to the vectors; NULL: nothing. Configurations are not hashed:
 * what they say is in the card's fields. */
static const char *card_role(const model_card *card, const char *path)
{
    static const char *const prose[] = {".json", ".txt", ".csv", ".md"};
    if (text_equal(path, card->sound.model) ||
        text_equal(path, card->image.model))
        return "graph";
    if (text_equal(path, card->text.model)) return "text";
    if (text_equal(path, card->text.tokenizer_files[0])) return "tokenizer";
    if (text_equal(path, card->text.tokenizer_files[1])) return "merges";
    if (text_equal(path, card->sound.labels.path)) return NULL;
    for (size_t i = 0; i < sizeof prose / sizeof *prose; i++)
        if (text_ends_with(path, prose[i], true)) return NULL;
    return text_equal(path, "LICENSE") ? NULL : "weights";
}

static void identity_put_tensor(text_buf *buf, const card_tensor *tensor)
{
    text_buf_printf(buf, "embedding %s %d\n", tensor->name,
                    tensor->before_last_gemm);
}

static void identity_put_sound(text_buf *buf, const card_sound *sound)
{
    const card_mel *mel = &sound->mel;
    text_buf_printf(buf, "sound %u %u %d %d %.9g\n", sound->rate_hz,
                    sound->window_samples, sound->mono, sound->normalize,
                    sound->peak);
    if (sound->input_kind == CARD_INPUT_LOG_MEL)
        text_buf_printf(buf, "mel %u %u %u %u %u %.9g %.9g %.9g\n",
                        mel->fft, mel->window, mel->hop, mel->bands,
                        mel->frames, mel->fmin_hz, mel->fmax_hz,
                        mel->log_offset);
    identity_put_tensor(buf, &sound->embedding);
}

static void identity_put_image(text_buf *buf, const card_image *image)
{
    text_buf_printf(buf, "image %u %u %u %d %d %d %d %d", image->width,
                    image->height, image->resize_pixels, image->resize,
                    image->crop, image->interpolation, image->scale,
                    image->resize == CARD_RESIZE_LONGEST ? image->fill : 0);
    for (int i = 0; i < 3; i++)
        text_buf_printf(buf, " %.9g %.9g", (double)image->mean[i],
                        (double)image->std[i]);
    text_buf_puts(buf, "\n");
    identity_put_tensor(buf, &image->embedding);
}

static void identity_put_text(text_buf *buf, const card_text *text)
{
    text_buf_printf(buf, "text %d %d %d %u %d %s %d\n", text->tokenizer,
                    text->clean, text->lower_case, text->context,
                    text->pad_id, text->pad_token, text->end_token_pooling);
    identity_put_tensor(buf, &text->embedding);
}

static int identity_compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

typedef char identity_line[HASH_HEX_BYTES + 16]; /* "role sha256" */

/* One line a file that matters, in an order that paths have no part in. */
static akin_status identity_put_files(text_buf *buf, const model_card *card,
                                      card_hashes *hashes, akin_error *err)
{
    identity_line lines[CARD_MAX_FILES];
    size_t n = 0;
    for (size_t i = 0; i < card->n_files; i++) {
        const card_file *file = &card->files[i];
        char digits[HASH_HEX_BYTES];
        const char *role = card_role(card, file->path);
        if (!role) continue;
        AKIN_TRY(hashes_get(hashes, file->path, digits, err));
        AKIN_TRY(card_check_hash(file, digits, hashes->folder, err));
        snprintf(lines[n++], sizeof *lines, "%s %s", role, digits);
    }
    if (n) qsort(lines, n, sizeof *lines, identity_compare);
    for (size_t i = 0; i < n; i++) text_buf_printf(buf, "%s\n", lines[i]);
    return AKIN_OK;
}

akin_status card_identity(const model_card *card, const char *folder,
                          char out[HASH_HEX_BYTES], akin_error *err)
{
    enum { MAX_BYTES = 1 << 16 };
    akin_status status = AKIN_OK;
    card_hashes hashes;
    hash_sha256 hash;
    text_buf buf;
    text_buf_init(&buf, MAX_BYTES);
    hashes_open(&hashes, folder);
    text_buf_puts(&buf, "akin model 1\n");
    if (card->modality == CARD_SOUND) identity_put_sound(&buf, &card->sound);
    if (card->modality == CARD_IMAGE) identity_put_image(&buf, &card->image);
    if (card->text.model[0]) identity_put_text(&buf, &card->text);
    AKIN_TRYG(identity_put_files(&buf, card, &hashes, err));
    if (buf.status != AKIN_OK) {
        status = AKIN_FAIL(err, buf.status, "out of memory for a model's "
                                            "identity");
        goto done;
    }
    hash_init(&hash);
    hash_put(&hash, buf.data, buf.n);
    hash_finish_hex(&hash, out);
done:
    hashes_close(&hashes);
    text_buf_clear(&buf);
    return status;
}
