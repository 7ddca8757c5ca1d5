/* SPDX-License-Identifier: MIT
 * Shared by the units of card: reading typed values out of JSON objects with
 * errors that name key and value. */
#ifndef MODEL_CARD_INT_H
#define MODEL_CARD_INT_H

#include <jansson.h>

#include "model/card.h"

/* One document. The first problem sticks: later reads do nothing and leave the
 * fallback, so that callers look at `status` once. */
typedef struct card_reader {
    const char *what; /* the file's name, for messages */
    akin_status status;
    akin_error *err;
    char *warnings; /* CARD_TEXT_BYTES; NULL: unknown keys are no matter */
} card_reader;

enum { CARD_MAX_KEYS = 24 };

/* One object of it; json NULL reads as an object without keys. */
typedef struct card_object {
    card_reader *reader;
    const json_t *json;
    char path[96]; /* "sound.input." */
    const char *asked[CARD_MAX_KEYS];
    size_t n_asked;
} card_object;

void card_object_root(card_object *object, card_reader *reader,
                      const json_t *json);

/* Warns of the keys that nothing asked for. */
void card_object_end(card_object *object);

/* Whether the key is there (null counts as absent). Asks for it. */
bool card_has(card_object *object, const char *key);

/* Fails the reader with "'WHAT': KEY is VALUE, not WANTED". */
void card_wrong(card_object *object, const char *key, const char *wanted);

/* Fails the reader with "'WHAT': KEY is missing". */
void card_missing(card_object *object, const char *key);

/* The getters below write nothing when the key is absent. */
void card_get_object(card_object *object, const char *key, card_object *out);
void card_get_text(card_object *object, const char *key, char *out,
                   size_t n_bytes);
void card_get_bool(card_object *object, const char *key, bool *out);
void card_get_int(card_object *object, const char *key, int64_t min,
                  int64_t max, int64_t *out);
void card_get_u32(card_object *object, const char *key, uint32_t min,
                  uint32_t max, uint32_t *out);
void card_get_double(card_object *object, const char *key, double min,
                     double max, double *out);

/* One of `words` (NULL-terminated), as its index. */
void card_get_word(card_object *object, const char *key,
                   const char *const *words, int *out);

/* A path inside the folder, of CARD_PATH_BYTES. */
void card_get_path(card_object *object, const char *key, char *out);

/* n numbers, or one number for all. */
void card_get_floats(card_object *object, const char *key, size_t n,
                     float *out);

/* Reads dir/name of at most CARD_MAX_BYTES; AKIN_ENOTFOUND as it is. */
akin_status card_read_json(const char *dir, const char *name, json_t **out,
                           akin_error *err) AKIN_NODISCARD;

/* The layouts without a model.json; AKIN_ENOTFOUND if it is none of them. */
akin_status card_from_layout(const char *folder, model_card *out,
                             akin_error *err) AKIN_NODISCARD;

/* Lists the files that the parts name and `files` does not have yet. */
akin_status card_need_files(model_card *card, akin_error *err) AKIN_NODISCARD;

/* What holds between the fields, whichever way they were found. */
akin_status card_check(const model_card *card, const char *what,
                       akin_error *err) AKIN_NODISCARD;

#endif
