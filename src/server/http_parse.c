/* SPDX-License-Identifier: MIT
 * Parsers of what clients send. */
#define _GNU_SOURCE
#include "server/http_parse.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

/* ---- escapes and queries ------------------------------------------------ */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* false for a '%' without two digits behind it. */
static bool unescape_into(const char *text, size_t n, bool query, char *out)
{
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (c == '+' && query) c = ' ';
        if (c == '%') {
            int high = n - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = n - i > 2 ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        out[at++] = c;
    }
    out[at] = 0;
    return true;
}

/* A NUL would cut the name short, a line end forge a header or a log line; a
 * query's text may have several lines. */
static bool is_clean(const char *text, size_t n, bool query)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        bool space = c == '\t' || c == '\n' || c == '\r';
        if ((c < 0x20 || c == 0x7f) && !(query && space)) return false;
    }
    return text_is_utf8(text, n);
}

/* How many bytes the n escaped ones stand for. */
static size_t unescaped_size(const char *text, size_t n)
{
    size_t size = n;
    for (size_t i = 0; i + 2 < n; i++)
        if (text[i] == '%') {
            size -= 2;
            i += 2;
        }
    return size;
}

akin_status http_unescape(const char *text, size_t n, bool query, char **out,
                          akin_error *err)
{
    char *copy = mem_array(n + 1, 1);
    if (!copy) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a request");
    if (!unescape_into(text, n, query, copy)) {
        mem_free(copy);
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the address has a '%%' without two digits behind it");
    }
    if (!is_clean(copy, unescaped_size(text, n), query)) {
        mem_free(copy);
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the address has bytes that are no text in UTF-8");
    }
    *out = copy;
    return AKIN_OK;
}

static akin_status add_query(const char *text, size_t n, http_pairs *out,
                             akin_error *err)
{
    const char *equals = memchr(text, '=', n);
    size_t n_name = equals ? (size_t)(equals - text) : n;
    char *name = NULL, *value = NULL;
    akin_status status = http_unescape(text, n_name, true, &name, err);
    if (status == AKIN_OK)
        status = equals ? http_unescape(equals + 1, n - n_name - 1, true,
                                        &value, err)
                        : AKIN_OK;
    if (status == AKIN_OK)
        status = http_pairs_add(out, name, value ? value : "", err);
    mem_free(name);
    mem_free(value);
    return status;
}

akin_status http_parse_query(const char *text, http_pairs *out,
                             akin_error *err)
{
    while (*text) {
        size_t n = strcspn(text, "&");
        if (n > 0) AKIN_TRY(add_query(text, n, out, err));
        text += n + (text[n] == '&');
    }
    return AKIN_OK;
}

/* ---- base64 ------------------------------------------------------------- */

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    if (c == '/' || c == '_') return 63;
    return -1;
}

static bool base64_into(const char *text, size_t n, char *out)
{
    uint32_t bits = 0;
    unsigned n_bits = 0;
    for (size_t i = 0; i < n; i++) {
        int value = base64_value(text[i]);
        if (value < 0) return false;
        bits = (bits << 6 | (uint32_t)value) & 0xffffff;
        n_bits += 6;
        if (n_bits < 8) continue;
        n_bits -= 8;
        *out++ = (char)(bits >> n_bits & 0xff);
    }
    *out = 0;
    return true;
}

akin_status http_parse_base64(const char *text, size_t n, char **out,
                              size_t *n_out, akin_error *err)
{
    for (int i = 0; i < 2 && n > 0 && text[n - 1] == '='; i++) n--;
    size_t n_bytes = n / 4 * 3 + (n % 4 ? n % 4 - 1 : 0);
    char *bytes = mem_array(n_bytes + 1, 1);
    if (!bytes) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for base64");
    if (n % 4 == 1 || !base64_into(text, n, bytes)) {
        mem_free(bytes);
        return AKIN_FAIL(err, AKIN_EUSAGE, "this is no base64");
    }
    *out = bytes;
    *n_out = n_bytes;
    return AKIN_OK;
}

char *http_to_base64(const void *data, size_t n)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
                                   "qrstuvwxyz0123456789-_";
    const unsigned char *bytes = data;
    char *out = mem_array(n / 3 + 2, 4), *at = out;
    for (size_t i = 0; out && i < n; i += 3) {
        size_t m = n - i < 3 ? n - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        if (m > 1) bits |= (uint32_t)bytes[i + 1] << 8;
        if (m > 2) bits |= bytes[i + 2];
        for (size_t k = 0; k <= m; k++)
            *at++ = alphabet[bits >> (18 - 6 * k) & 63];
    }
    return out;
}

/* ---- forms -------------------------------------------------------------- */

bool http_type_is(const char *value, const char *type)
{
    size_t n = strlen(type);
    if (!value || strncasecmp(value, type, n) != 0) return false;
    return value[n] == 0 || value[n] == ';' || value[n] == ' ';
}

/* The value of `key=` in a header, quoted or not, into out of HTTP_PART_NAME
 * bytes; false if it is not there or too long. */
static bool header_value(const char *header, size_t n, const char *key,
                         char *out)
{
    size_t n_key = strlen(key), at = 0;
    for (; at + n_key < n; at++)
        if (strncasecmp(header + at, key, n_key) == 0 &&
            (at == 0 || memchr("; \t", header[at - 1], 3)))
            break;
    if (at + n_key >= n) return false;
    at += n_key;
    bool quoted = header[at] == '"';
    at += quoted;
    size_t m = 0;
    while (at + m < n && (quoted ? header[at + m] != '"'
                                 : !strchr("; \t\r\n", header[at + m])))
        m++;
    if (m == 0 || m >= HTTP_PART_NAME || !is_clean(header + at, m, false))
        return false;
    memcpy(out, header + at, m);
    out[m] = 0;
    return true;
}

/* Reads the headers of a part; *n_head bytes, the empty line included. */
static akin_status read_part_head(const char *text, size_t n, http_part *part,
                                  size_t *n_head, akin_error *err)
{
    const char *end = memmem(text, n, "\r\n\r\n", 4);
    bool named = false;
    if (!end)
        return AKIN_FAIL(err, AKIN_EUSAGE, "a part of the form has no end");
    *n_head = (size_t)(end - text) + 4;
    for (const char *line = text; line < end;) {
        const char *next = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
        size_t m = (size_t)(next - line);
        if (m > 20 && strncasecmp(line, "content-disposition:", 20) == 0) {
            named = header_value(line + 20, m - 20, "name=", part->name);
            if (!header_value(line + 20, m - 20, "filename=", part->file))
                part->file[0] = 0;
        }
        line = next + 2;
    }
    if (named) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE, "a part of the form has no usable name");
}

/* "--BOUNDARY" into mark; its length, or 0. */
static size_t boundary_mark(const char *type, char mark[HTTP_PART_NAME + 2])
{
    mark[0] = mark[1] = '-';
    if (!http_type_is(type, "multipart/form-data") ||
        !header_value(type, strlen(type), "boundary=", mark + 2))
        return 0;
    return strlen(mark);
}

akin_status http_parse_multipart(const char *type, const char *body, size_t n,
                                 http_part parts[HTTP_MAX_PARTS],
                                 size_t *n_parts, akin_error *err)
{
    char mark[HTTP_PART_NAME + 2];
    size_t n_mark = boundary_mark(type, mark), n_head = 0;
    const char *end = body + n, *at = body;
    *n_parts = 0;
    if (n_mark == 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "the form names no boundary");
    if (n < n_mark || memcmp(at, mark, n_mark) != 0)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the form does not begin with its boundary");
    at += n_mark;
    while (end - at >= 2 && memcmp(at, "\r\n", 2) == 0) {
        if (*n_parts == HTTP_MAX_PARTS)
            return AKIN_FAIL(err, AKIN_ELIMIT, "the form has more than %d parts",
                             HTTP_MAX_PARTS);
        http_part *part = &parts[*n_parts];
        AKIN_TRY(read_part_head(at + 2, (size_t)(end - at - 2), part, &n_head,
                                err));
        part->data = at + 2 + n_head;
        at = memmem(part->data, (size_t)(end - part->data), mark, n_mark);
        if (!at || at - part->data < 2 || memcmp(at - 2, "\r\n", 2) != 0)
            return AKIN_FAIL(err, AKIN_EUSAGE, "a part of the form has no end");
        part->n = (size_t)(at - part->data) - 2;
        at += n_mark;
        ++*n_parts;
    }
    if (end - at >= 2 && memcmp(at, "--", 2) == 0) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE, "the form has no end");
}

/* ---- ranges ------------------------------------------------------------- */

/* Digits into *out, moving *text behind them; false without one, or beyond
 * what a file can have. */
static bool take_number(const char **text, uint64_t *out)
{
    const char *at = *text;
    uint64_t value = 0;
    for (; isdigit((unsigned char)*at); at++) {
        if (value > UINT64_MAX / 20) return false;
        value = value * 10 + (uint64_t)(*at - '0');
    }
    bool any = at > *text;
    *text = at;
    *out = value;
    return any;
}

http_range http_parse_range(const char *text, uint64_t size, uint64_t *first,
                            uint64_t *last)
{
    uint64_t a = 0, b = 0;
    if (strncasecmp(text, "bytes=", 6) != 0) return HTTP_RANGE_NONE;
    text += 6;
    bool has_a = take_number(&text, &a);
    if (*text++ != '-') return HTTP_RANGE_NONE;
    bool has_b = take_number(&text, &b);
    if (*text || (!has_a && !has_b)) return HTTP_RANGE_NONE;
    if (has_a && has_b && b < a) return HTTP_RANGE_NONE;
    if (!has_a) { /* the last b bytes */
        if (b == 0 || size == 0) return HTTP_RANGE_OUTSIDE;
        a = b < size ? size - b : 0;
        has_b = false;
    }
    if (a >= size) return HTTP_RANGE_OUTSIDE;
    *first = a;
    *last = has_b && b < size ? b : size - 1;
    return HTTP_RANGE_PART;
}
