/* SPDX-License-Identifier: MIT
 * Text: strict number parsing, formatting into owned strings, a growable
 * buffer, patterns and CSV quoting. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* The whole text must be one finite number; no blanks, no rest. */
bool text_to_double(const char *text, double *out);
bool text_to_int64(const char *text, int64_t *out);

/* printf into an owned string (mem_free); NULL when memory is out. */
char *text_format(const char *fmt, ...) AKIN_PRINTF(1, 2);

bool text_equal(const char *a, const char *b); /* NULL equals only NULL */
bool text_starts_with(const char *text, const char *prefix);
bool text_ends_with(const char *text, const char *suffix, bool ignore_case);

/* Shell-style pattern over the whole text: `*` any run, `?` one byte. */
bool text_matches(const char *text, const char *pattern);

/* true if the n bytes are well-formed UTF-8 without NUL. */
bool text_is_utf8(const char *text, size_t n);

/* Shortest decimal that reads back as the same double, with a point or an
 * exponent always ("3.0"), as Python's repr and JSON writers print it. */
void text_from_double(double value, char out[32]);

/* A growable string, born with a maximum; zero it to start, clear to end.
 * A failure sticks: later puts do nothing and text_buf_status tells. */
typedef struct text_buf {
    char *data; /* always NUL-terminated once something was put */
    size_t n, cap, max;
    akin_status status;
} text_buf;

void text_buf_init(text_buf *buf, size_t max_bytes);
void text_buf_clear(text_buf *buf);
void text_buf_put(text_buf *buf, const char *data, size_t n);
void text_buf_puts(text_buf *buf, const char *text);
void text_buf_printf(text_buf *buf, const char *fmt, ...) AKIN_PRINTF(2, 3);

/* Appends one CSV field (RFC 4180): quoted only if it needs to be. */
void text_buf_put_csv(text_buf *buf, const char *field);

#endif
