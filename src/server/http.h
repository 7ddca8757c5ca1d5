/* SPDX-License-Identifier: MIT
 * A request and its answer as plain structs, so that what turns one into the
 * other needs no socket. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

typedef enum http_method {
    HTTP_GET,
    HTTP_POST,
    HTTP_PUT,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER,
} http_method;

/* HEAD is GET whose body is not sent; names are upper-case. */
http_method http_method_of(const char *name);
const char *http_method_name(http_method method);

/* Names with values, in order; owned. */
typedef struct http_pair {
    char *name, *value;
} http_pair;
typedef struct http_pairs {
    http_pair *items;
    size_t n, cap;
} http_pairs;

akin_status http_pairs_add(http_pairs *pairs, const char *name,
                           const char *value, akin_error *err) AKIN_NODISCARD;
/* The first of this name, in any case of its letters; or NULL. */
const char *http_pairs_get(const http_pairs *pairs, const char *name);
size_t http_pairs_count(const http_pairs *pairs, const char *name);
void http_pairs_clear(http_pairs *pairs);

typedef struct http_request {
    http_method method;
    char *path;         /* as sent: still with its escapes */
    char *raw_query;    /* as sent, without the '?'; NULL if none */
    http_pairs query;   /* the same, decoded */
    http_pairs headers;
    http_pairs params;  /* what the route's {names} stand for, decoded */
    char *body;
    size_t n_body;
    json_t *json; /* the body as an object, checked by the route; or NULL */
    const char *file; /* [n_file] a file that came in a form, within body */
    size_t n_file;
    char file_name[128]; /* the client's name for it: to be shown only */
} http_request;

/* Fills method, path and query from a request line's parts. AKIN_EUSAGE. */
akin_status http_request_init(http_request *req, const char *method,
                              const char *target, akin_error *err)
    AKIN_NODISCARD;
void http_request_clear(http_request *req);

/* Of the request; NULL if not given. */
const char *http_header(const http_request *req, const char *name);
const char *http_query(const http_request *req, const char *name);
const char *http_param(const http_request *req, const char *name); /* "" then */

/* What is made while it is sent. `next` appends to out, waiting for something
 * if need be; false: that was all. */
typedef struct http_stream {
    bool (*next)(void *user, text_buf *out);
    void (*close)(void *user);
    void *user;
} http_stream;

typedef enum http_body {
    HTTP_BYTES,
    HTTP_FILE,
    HTTP_STREAM,
} http_body;

/* Zero it to start. */
typedef struct http_response {
    int status; /* 0: nothing was answered yet */
    http_pairs headers;
    http_body kind;
    char *bytes; /* owned */
    size_t n_bytes;
    int fd; /* of HTTP_FILE: owned, the part from offset on */
    uint64_t offset, length;
    http_stream stream;
} http_response;

void http_response_clear(http_response *res);

/* Sets a header, once. Lack of memory makes the answer a 500. */
void http_set(http_response *res, const char *name, const char *value);

/* Each replaces what was answered before. */
void http_answer(http_response *res, int status); /* without a body */
void http_answer_json(http_response *res, int status, json_t *value); /* steals */
void http_answer_bytes(http_response *res, const char *type, char *bytes,
                       size_t n); /* takes the bytes */
void http_answer_stream(http_response *res, const char *type,
                        http_stream stream); /* takes what stream closes */

/* {"detail": TEXT}. */
void http_problem(http_response *res, int status, const char *fmt, ...)
    AKIN_PRINTF(3, 4);

/* The same of an error, with the status that its code stands for. */
void http_problem_of(http_response *res, const akin_error *err);
int http_status_of(akin_status status);

/* One more {loc, msg, type} of a request that breaks its form; the first makes
 * the answer a 422. loc: "query", "path" or "body", and a name in it; ctx: a
 * JSON object, stolen, or NULL. */
typedef struct http_flaw {
    const char *in, *name, *type, *msg;
    const char *input; /* what was sent; NULL: null */
    json_t *ctx;
} http_flaw;
void http_flawed(http_response *res, const http_flaw *flaw);

/* A file, or the part of it that the request's Range asks for, with what lets
 * the client keep it. AKIN_ENOTFOUND, AKIN_EIO. */
akin_status http_answer_file(const http_request *req, http_response *res,
                             const char *path, const char *type,
                             akin_error *err) AKIN_NODISCARD;

/* Whether the client has this version already: then the answer is 304. */
bool http_not_modified(const http_request *req, http_response *res,
                       const char *etag);

/* Narrows an answer of bytes to the part that the request's Range asks for. */
void http_take_part(const http_request *req, http_response *res,
                    const char *etag);

#endif
