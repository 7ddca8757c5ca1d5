/* SPDX-License-Identifier: MIT
 * Typed values out of JSON objects: each getter checks type and range, and the
 * first that fails writes one line with the key's path and the value. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/card_int.h"

void card_object_root(card_object *object, card_reader *reader,
                      const json_t *json)
{
    *object = (card_object){.reader = reader, .json = json};
}

/* Appends to the card's one line of warnings as far as it has room. */
static void card_warn(card_object *object, const char *key)
{
    char *warnings = object->reader->warnings;
    if (!warnings) return;
    size_t n = strlen(warnings);
    snprintf(warnings + n, CARD_TEXT_BYTES - n, "%sunknown key '%s%.80s'",
             n ? "; " : "", object->path, key);
}

void card_object_end(card_object *object)
{
    const char *key;
    json_t *value;
    if (!object->json || object->reader->status != AKIN_OK) return;
    /* Jansson's iteration does not take const. */
    json_t *json = (json_t *)(uintptr_t)object->json;
    json_object_foreach(json, key, value) {
        bool asked = false;
        for (size_t i = 0; i < object->n_asked && !asked; i++)
            asked = strcmp(object->asked[i], key) == 0;
        if (!asked) card_warn(object, key);
    }
}

/* The value of a key, or NULL when it is absent or something failed before. */
static const json_t *card_ask(card_object *object, const char *key)
{
    size_t i = 0;
    while (i < object->n_asked && strcmp(object->asked[i], key) != 0) i++;
    if (i == object->n_asked && i < CARD_MAX_KEYS)
        object->asked[object->n_asked++] = key;
    if (object->reader->status != AKIN_OK) return NULL;
    const json_t *value = json_object_get(object->json, key);
    return json_is_null(value) ? NULL : value;
}

bool card_has(card_object *object, const char *key)
{
    return card_ask(object, key) != NULL;
}

void card_wrong(card_object *object, const char *key, const char *wanted)
{
    card_reader *r = object->reader;
    if (r->status != AKIN_OK) return;
    char *value = json_to_text(json_object_get(object->json, key));
    const char *text = value ? value : "not readable";
    bool cut = strlen(text) > 60;
    int n = 60;
    while (cut && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
    r->status = AKIN_FAIL(r->err, AKIN_EMODEL, "'%s': %s%s is %.*s%s, not %s",
                          r->what, object->path, key, cut ? n : 999, text,
                          cut ? "..." : "", wanted);
    mem_free(value);
}

void card_missing(card_object *object, const char *key)
{
    card_reader *r = object->reader;
    if (r->status != AKIN_OK) return;
    r->status = AKIN_FAIL(r->err, AKIN_EMODEL, "'%s': %s%s is missing",
                          r->what, object->path, key);
}

void card_get_object(card_object *object, const char *key, card_object *out)
{
    const json_t *value = card_ask(object, key);
    if (value && !json_is_object(value)) {
        card_wrong(object, key, "an object");
        value = NULL;
    }
    card_object_root(out, object->reader, value);
    snprintf(out->path, sizeof out->path, "%.60s%s.", object->path, key);
}

/* Control characters in a name or a URL could forge lines on a terminal. */
static bool card_text_is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f) return false;
    return true;
}

void card_get_text(card_object *object, const char *key, char *out,
                   size_t n_bytes)
{
    char wanted[64];
    const json_t *value = card_ask(object, key);
    if (!value) return;
    const char *text = json_string_value(value);
    if (text && strlen(text) < n_bytes && card_text_is_plain(text) &&
        strlen(text) == json_string_length(value)) {
        memcpy(out, text, strlen(text) + 1);
        return;
    }
    snprintf(wanted, sizeof wanted, "one line of text below %zu bytes",
             n_bytes);
    card_wrong(object, key, wanted);
}

void card_get_bool(card_object *object, const char *key, bool *out)
{
    const json_t *value = card_ask(object, key);
    if (!value) return;
    if (json_is_boolean(value))
        *out = json_is_true(value);
    else
        card_wrong(object, key, "true or false");
}

void card_get_int(card_object *object, const char *key, int64_t min,
                  int64_t max, int64_t *out)
{
    char wanted[96];
    int64_t n = 0;
    if (!card_ask(object, key)) return;
    if (json_get_int64(object->json, key, &n) && n >= min && n <= max) {
        *out = n;
        return;
    }
    snprintf(wanted, sizeof wanted, "a whole number from %lld to %lld",
             (long long)min, (long long)max);
    card_wrong(object, key, wanted);
}

void card_get_u32(card_object *object, const char *key, uint32_t min,
                  uint32_t max, uint32_t *out)
{
    int64_t n = *out;
    card_get_int(object, key, min, max, &n);
    *out = (uint32_t)n;
}

void card_get_double(card_object *object, const char *key, double min,
                     double max, double *out)
{
    char wanted[96];
    const json_t *value = card_ask(object, key);
    if (!value) return;
    double x = json_number_value(value);
    if (json_is_number(value) && x >= min && x <= max) {
        *out = x;
        return;
    }
    snprintf(wanted, sizeof wanted, "a number from %g to %g", min, max);
    card_wrong(object, key, wanted);
}

void card_get_word(card_object *object, const char *key,
                   const char *const *words, int *out)
{
    char wanted[160] = "one of";
    const json_t *value = card_ask(object, key);
    if (!value) return;
    for (int i = 0; words[i]; i++) {
        if (text_equal(json_string_value(value), words[i])) {
            *out = i;
            return;
        }
        size_t n = strlen(wanted);
        snprintf(wanted + n, sizeof wanted - n, "%s \"%s\"", i ? "," : "",
                 words[i]);
    }
    card_wrong(object, key, wanted);
}

bool card_path_is_inside(const char *path)
{
    for (const char *part = path;;) {
        size_t n = strcspn(part, "/");
        if (n == 0 || (n == 1 && part[0] == '.') ||
            (n == 2 && part[0] == '.' && part[1] == '.'))
            return false;
        part += n;
        if (!*part) break;
        part++;
    }
    return card_text_is_plain(path) && !strchr(path, '\\');
}

void card_get_path(card_object *object, const char *key, char *out)
{
    char path[CARD_PATH_BYTES] = "";
    card_get_text(object, key, path, sizeof path);
    if (object->reader->status != AKIN_OK || !card_has(object, key)) return;
    if (card_path_is_inside(path))
        memcpy(out, path, sizeof path);
    else
        card_wrong(object, key, "a path inside the model's folder");
}

void card_get_floats(card_object *object, const char *key, size_t n,
                     float *out)
{
    char wanted[64];
    const json_t *value = card_ask(object, key);
    if (!value) return;
    bool good = json_is_number(value) ||
                (json_is_array(value) && json_array_size(value) == n);
    for (size_t i = 0; i < n && good; i++) {
        const json_t *x = json_is_array(value) ? json_array_get(value, i)
                                               : value;
        double v = json_number_value(x);
        good = json_is_number(x) && fabs(v) <= 1e6;
        if (good) out[i] = (float)v;
    }
    if (good) return;
    snprintf(wanted, sizeof wanted, "%zu numbers up to 1e6", n);
    card_wrong(object, key, wanted);
}

akin_status card_read_json(const char *dir, const char *name, json_t **out,
                           akin_error *err)
{
    akin_status status = AKIN_OK;
    char *text = NULL;
    size_t n = 0;
    char *path = file_join(dir, name);
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    AKIN_TRYG(file_read(path, CARD_MAX_BYTES, &text, &n, err));
    status = json_parse(text, n, path, out, err);
done:
    mem_free(text);
    mem_free(path);
    return status;
}
