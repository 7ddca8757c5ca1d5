/* SPDX-License-Identifier: MIT
 * Bytes from clients into what they mean: escapes, queries, forms, base64,
 * ranges. Every bound is here. */
#ifndef SERVER_HTTP_PARSE_H
#define SERVER_HTTP_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "server/http.h"

/* n bytes with %XX (and, in a query, '+' for a blank) into owned UTF-8 without
 * NUL or other control characters but tab and line ends. AKIN_EUSAGE. */
akin_status http_unescape(const char *text, size_t n, bool query, char **out,
                          akin_error *err) AKIN_NODISCARD;

/* "a=1&b=2" */
akin_status http_parse_query(const char *text, http_pairs *out,
                             akin_error *err) AKIN_NODISCARD;

/* The bytes that n characters of base64 stand for, of the usual or of the
 * alphabet for addresses, with or without '=' behind: owned, with a NUL behind
 * them. AKIN_EUSAGE. */
akin_status http_parse_base64(const char *text, size_t n, char **out,
                              size_t *n_out, akin_error *err) AKIN_NODISCARD;

/* Owned text in the alphabet for addresses, without '='; NULL: out of memory. */
char *http_to_base64(const void *data, size_t n);

/* A part of multipart/form-data; data is borrowed from the body. */
enum { HTTP_MAX_PARTS = 32, HTTP_PART_NAME = 128 };
typedef struct http_part {
    char name[HTTP_PART_NAME];
    char file[HTTP_PART_NAME]; /* the client's name for it, "" if none: to be
                                  shown, never to be opened */
    const char *data;
    size_t n;
} http_part;

/* type: the value of Content-Type. AKIN_EUSAGE, AKIN_ELIMIT. */
akin_status http_parse_multipart(const char *type, const char *body, size_t n,
                                 http_part parts[HTTP_MAX_PARTS],
                                 size_t *n_parts, akin_error *err)
    AKIN_NODISCARD;

/* Of the value of Range for a file of size bytes. Several parts, other units and
 * nonsense are NONE: the whole file answers them well. */
typedef enum http_range {
    HTTP_RANGE_NONE,
    HTTP_RANGE_PART,
    HTTP_RANGE_OUTSIDE,
} http_range;
http_range http_parse_range(const char *text, uint64_t size, uint64_t *first,
                            uint64_t *last);

/* Whether the value of Content-Type is this type, whatever its parameters. */
bool http_type_is(const char *value, const char *type);

#endif
