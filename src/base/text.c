/* SPDX-License-Identifier: MIT
 * Text helpers that never guess: a number is a number or it is an error. */
#define _GNU_SOURCE
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

bool text_to_double(const char *text, double *out)
{
    if (!text || !*text || isspace((unsigned char)*text)) return false;
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (*end || !isfinite(value)) return false;
    *out = value;
    return true;
}

bool text_to_int64(const char *text, int64_t *out)
{
    if (!text || !*text || isspace((unsigned char)*text)) return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end || errno == ERANGE) return false;
    *out = value;
    return true;
}

char *text_format(const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = n < 0 ? NULL : mem_array((size_t)n + 1, 1);
    if (text) vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return text;
}

bool text_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool text_starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool text_ends_with(const char *text, const char *suffix, bool ignore_case)
{
    size_t n = strlen(text), m = strlen(suffix);
    if (m > n) return false;
    return ignore_case ? strcasecmp(text + n - m, suffix) == 0
                       : strcmp(text + n - m, suffix) == 0;
}

bool text_matches(const char *text, const char *pattern)
{
    const char *star = NULL, *resume = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return *pattern == 0;
}

/* RFC 3629: shortest forms only, no surrogates, at most U+10FFFF. */
bool text_is_utf8(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    for (size_t i = 0; i < n;) {
        unsigned c = p[i++], rest, low;
        if (c == 0) return false;
        if (c < 0x80) continue;
        if (c < 0xc2 || c > 0xf4) return false;
        rest = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        if (n - i < rest) return false;
        unsigned code = c & (0x3fu >> rest);
        for (; rest; rest--, i++) {
            if ((p[i] & 0xc0) != 0x80) return false;
            code = code << 6 | (p[i] & 0x3fu);
        }
        low = c < 0xe0 ? 0x80 : c < 0xf0 ? 0x800 : 0x10000;
        if (code < low || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
            return false;
    }
    return true;
}

void text_from_double(double value, char out[32])
{
    char shortest[32];
    int digits = 0;
    if (!isfinite(value)) {
        snprintf(out, 32, "%g", value);
        return;
    }
    do {
        snprintf(shortest, sizeof shortest, "%.*e", digits, value);
    } while (strtod(shortest, NULL) != value && ++digits < 17);
    long exponent = strtol(strchr(shortest, 'e') + 1, NULL, 10);
    long decimals = digits - exponent;
    if (exponent < -4 || exponent >= 16)
        snprintf(out, 32, "%s", shortest);
    else
        snprintf(out, 32, "%.*f", decimals < 1 ? 1 : (int)decimals, value);
}

void text_buf_init(text_buf *buf, size_t max_bytes)
{
    *buf = (text_buf){.max = max_bytes};
}

void text_buf_clear(text_buf *buf)
{
    mem_free(buf->data);
    *buf = (text_buf){.max = buf->max};
}

void text_buf_put(text_buf *buf, const char *data, size_t n)
{
    if (buf->status != AKIN_OK) return;
    void *p = buf->data;
    size_t need;
    buf->status = mem_add(buf->n + 1, n, &need)
                      ? mem_grow(&p, &buf->cap, need, 1, buf->max, NULL)
                      : AKIN_ELIMIT;
    buf->data = p;
    if (buf->status != AKIN_OK) return;
    if (n) memcpy(buf->data + buf->n, data, n);
    buf->n += n;
    buf->data[buf->n] = 0;
}

void text_buf_puts(text_buf *buf, const char *text)
{
    text_buf_put(buf, text, strlen(text));
}

void text_buf_printf(text_buf *buf, const char *fmt, ...)
{
    char small[256];
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(small, sizeof small, fmt, args);
    va_end(args);
    if (n >= 0 && (size_t)n < sizeof small) {
        text_buf_put(buf, small, (size_t)n);
    } else if (n >= 0) {
        char *large = mem_array((size_t)n + 1, 1);
        if (large) {
            vsnprintf(large, (size_t)n + 1, fmt, again);
            text_buf_put(buf, large, (size_t)n);
            mem_free(large);
        } else if (buf->status == AKIN_OK) {
            buf->status = AKIN_ENOMEM;
        }
    }
    va_end(again);
}

void text_buf_put_csv(text_buf *buf, const char *field)
{
    if (!strpbrk(field, ",\"\r\n")) {
        text_buf_puts(buf, field);
        return;
    }
    text_buf_put(buf, "\"", 1);
    for (const char *p = field; *p; p++) {
        if (*p == '"') text_buf_put(buf, "\"", 1);
        text_buf_put(buf, p, 1);
    }
    text_buf_put(buf, "\"", 1);
}
