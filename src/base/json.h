/* SPDX-License-Identifier: MIT
 * JSON through Jansson: parsing with a message, and typed look-ups. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Parses n bytes; `what` names the source in the message. Release with
 * json_decref. Python's bare NaN and Infinity are read as null. */
akin_status json_parse(const char *text, size_t n, const char *what,
                       json_t **out, akin_error *err) AKIN_NODISCARD;

/* The same for one line of a file: only the reason is in err. */
akin_status json_parse_line(const char *text, size_t n, json_t **out,
                            akin_error *err) AKIN_NODISCARD;

/* A whole file. */
akin_status json_read(const char *path, json_t **out, akin_error *err)
    AKIN_NODISCARD;

/* Replaces path atomically with value as Python's json.dump(indent=4) has it,
 * but for texts, which stay UTF-8. */
akin_status json_write(const json_t *value, const char *path, akin_error *err)
    AKIN_NODISCARD;

/* false if object is no object, the key is absent or of another type. */
bool json_get_text(const json_t *object, const char *key, const char **out);
bool json_get_double(const json_t *object, const char *key, double *out);
bool json_get_int64(const json_t *object, const char *key, int64_t *out);
bool json_get_bool(const json_t *object, const char *key, bool *out);

/* One line of text with keys in insertion order; mem_free it; NULL when
 * memory is out or a value cannot be written. */
char *json_to_text(const json_t *value);

/* A JSON string; bytes that are not UTF-8 (file names may hold any) become
 * U+FFFD. NULL text gives null. */
json_t *json_text(const char *text);

#endif
