/* SPDX-License-Identifier: MIT
 * JSON through Jansson. */
#define _GNU_SOURCE
#include "base/json.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

#define JSON_MAX_BYTES ((size_t)1 << 30)

/* Copies text with the bare words NaN, Infinity and -Infinity, which Python's
 * json writes, replaced by null outside strings. */
static void json_null_nonfinite(const char *text, size_t n, text_buf *out)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        size_t word = 0;
        for (size_t w = 0; w < 3 && !quoted && !word; w++) {
            size_t m = strlen(words[w]);
            if (n - i >= m && memcmp(text + i, words[w], m) == 0) word = m;
        }
        if (word) {
            text_buf_puts(out, "null");
            i += word - 1;
            continue;
        }
        if (text[i] == '"') quoted = !quoted;
        size_t m = quoted && text[i] == '\\' && i + 1 < n ? 2 : 1;
        text_buf_put(out, text + i, m);
        i += m - 1;
    }
}

static json_t *json_load_text(const char *text, size_t n, json_error_t *problem)
{
    json_t *value = json_loadb(text, n, JSON_REJECT_DUPLICATES, problem);
    if (value ||
        (!memmem(text, n, "NaN", 3) && !memmem(text, n, "Infinity", 8)))
        return value;
    text_buf finite;
    text_buf_init(&finite, JSON_MAX_BYTES);
    json_null_nonfinite(text, n, &finite);
    if (finite.status == AKIN_OK)
        value = json_loadb(finite.data ? finite.data : "", finite.n,
                           JSON_REJECT_DUPLICATES, NULL);
    text_buf_clear(&finite);
    return value;
}

akin_status json_parse(const char *text, size_t n, const char *what,
                       json_t **out, akin_error *err)
{
    json_error_t problem;
    *out = json_load_text(text, n, &problem);
    if (*out) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is not JSON: line %d: %s", what,
                     problem.line, problem.text);
}

akin_status json_parse_line(const char *text, size_t n, json_t **out,
                            akin_error *err)
{
    json_error_t problem;
    *out = json_load_text(text, n, &problem);
    if (*out) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECORRUPT, "not JSON: %s", problem.text);
}

akin_status json_read(const char *path, json_t **out, akin_error *err)
{
    char *text = NULL;
    size_t n = 0;
    AKIN_TRY(file_read(path, JSON_MAX_BYTES, &text, &n, err));
    akin_status status = json_parse(text, n, path, out, err);
    mem_free(text);
    return status;
}

bool json_get_text(const json_t *object, const char *key, const char **out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) return false;
    *out = json_string_value(value);
    return true;
}

bool json_get_double(const json_t *object, const char *key, double *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_number(value)) return false;
    *out = json_number_value(value);
    return true;
}

bool json_get_int64(const json_t *object, const char *key, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    double real;
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    if (!json_is_real(value)) return false;
    real = json_real_value(value);
    if (!(real >= -9e15 && real <= 9e15) || real != (double)(int64_t)real)
        return false;
    *out = (int64_t)real;
    return true;
}

bool json_get_bool(const json_t *object, const char *key, bool *out)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_boolean(value)) return false;
    *out = json_is_true(value);
    return true;
}

static int json_put(const char *data, size_t n, void *user)
{
    text_buf *buf = user;
    text_buf_put(buf, data, n);
    return buf->status == AKIN_OK ? 0 : -1;
}

char *json_to_text(const json_t *value)
{
    text_buf buf;
    text_buf_init(&buf, JSON_MAX_BYTES);
    if (json_dump_callback(value, json_put, &buf,
                           JSON_ENCODE_ANY | JSON_REAL_PRECISION(17)) != 0)
        text_buf_clear(&buf);
    return buf.data;
}

akin_status json_write(const json_t *value, const char *path, akin_error *err)
{
    text_buf buf;
    file_writer *writer = NULL;
    text_buf_init(&buf, JSON_MAX_BYTES);
    akin_status status = AKIN_OK;
    if (json_dump_callback(value, json_put, &buf,
                           JSON_INDENT(4) | JSON_REAL_PRECISION(17)) != 0)
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    if (status == AKIN_OK) status = file_writer_open(path, &writer, err);
    if (status == AKIN_OK) status = file_writer_put(writer, buf.data, buf.n, err);
    if (status == AKIN_OK)
        status = file_writer_commit(writer, err);
    else
        file_writer_discard(writer);
    text_buf_clear(&buf);
    return status;
}

json_t *json_text(const char *text)
{
    if (!text) return json_null();
    json_t *value = json_string(text);
    if (value) return value;
    text_buf buf;
    text_buf_init(&buf, JSON_MAX_BYTES);
    for (size_t n; *text; text += n) {
        for (n = 4; n > 0; n--) /* the longest well-formed character here */
            if (strnlen(text, n) == n && text_is_utf8(text, n)) break;
        if (n > 0)
            text_buf_put(&buf, text, n);
        else
            text_buf_puts(&buf, "\xef\xbf\xbd");
        if (n == 0) n = 1;
    }
    value = json_string(buf.data ? buf.data : "");
    text_buf_clear(&buf);
    return value;
}
