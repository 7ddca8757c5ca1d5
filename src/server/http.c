/* SPDX-License-Identifier: MIT
 * Requests and answers: filling and clearing them, and the usual answers. */
#define _GNU_SOURCE
#include "server/http.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "server/http_parse.h"

#define PAIRS_MAX 256 /* headers, or values of a query */

static const char *const method_names[] = {"GET",    "POST",    "PUT",
                                           "DELETE", "OPTIONS", "OTHER"};

http_method http_method_of(const char *name)
{
    if (strcmp(name, "HEAD") == 0) return HTTP_GET;
    for (int m = HTTP_GET; m < HTTP_OTHER; m++)
        if (strcmp(name, method_names[m]) == 0) return (http_method)m;
    return HTTP_OTHER;
}

const char *http_method_name(http_method method)
{
    return method_names[method];
}

/* ---- pairs -------------------------------------------------------------- */

akin_status http_pairs_add(http_pairs *pairs, const char *name,
                           const char *value, akin_error *err)
{
    if (pairs->n == PAIRS_MAX)
        return AKIN_FAIL(err, AKIN_ELIMIT, "a request has more than %d values",
                         PAIRS_MAX);
    AKIN_TRY(mem_grow((void **)&pairs->items, &pairs->cap, pairs->n + 1,
                      sizeof *pairs->items, PAIRS_MAX, err));
    http_pair pair = {mem_strdup(name), mem_strdup(value)};
    if (!pair.name || !pair.value) {
        mem_free(pair.name);
        mem_free(pair.value);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a request");
    }
    pairs->items[pairs->n++] = pair;
    return AKIN_OK;
}

const char *http_pairs_get(const http_pairs *pairs, const char *name)
{
    for (size_t i = 0; i < pairs->n; i++)
        if (strcasecmp(pairs->items[i].name, name) == 0)
            return pairs->items[i].value;
    return NULL;
}

size_t http_pairs_count(const http_pairs *pairs, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; i < pairs->n; i++)
        n += strcasecmp(pairs->items[i].name, name) == 0;
    return n;
}

void http_pairs_clear(http_pairs *pairs)
{
    for (size_t i = 0; i < pairs->n; i++) {
        mem_free(pairs->items[i].name);
        mem_free(pairs->items[i].value);
    }
    mem_free(pairs->items);
    *pairs = (http_pairs){0};
}

/* ---- requests ----------------------------------------------------------- */

akin_status http_request_init(http_request *req, const char *method,
                              const char *target, akin_error *err)
{
    *req = (http_request){.method = http_method_of(method)};
    const char *query = strchr(target, '?');
    req->path = text_format("%.*s",
                            (int)(query ? (size_t)(query - target)
                                        : strlen(target)),
                            target);
    if (query) req->raw_query = mem_strdup(query + 1);
    if (!req->path || (query && !req->raw_query))
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a request");
    return query ? http_parse_query(query + 1, &req->query, err) : AKIN_OK;
}

void http_request_clear(http_request *req)
{
    mem_free(req->path);
    mem_free(req->raw_query);
    mem_free(req->body);
    json_decref(req->json);
    http_pairs_clear(&req->query);
    http_pairs_clear(&req->headers);
    http_pairs_clear(&req->params);
    *req = (http_request){0};
}

const char *http_header(const http_request *req, const char *name)
{
    return http_pairs_get(&req->headers, name);
}

const char *http_query(const http_request *req, const char *name)
{
    for (size_t i = 0; i < req->query.n; i++)
        if (strcmp(req->query.items[i].name, name) == 0)
            return req->query.items[i].value;
    return NULL;
}

const char *http_param(const http_request *req, const char *name)
{
    const char *value = http_pairs_get(&req->params, name);
    return value ? value : "";
}

/* ---- answers ------------------------------------------------------------ */

/* What a former answer held goes, its headers too, but for the cookie that
 * the guard may have set. */
static void drop_body(http_response *res)
{
    mem_free(res->bytes);
    if (res->kind == HTTP_FILE) close(res->fd);
    if (res->kind == HTTP_STREAM && res->stream.close)
        res->stream.close(res->stream.user);
    res->kind = HTTP_BYTES;
    res->bytes = NULL;
    res->n_bytes = 0;
}

void http_response_clear(http_response *res)
{
    drop_body(res);
    http_pairs_clear(&res->headers);
    *res = (http_response){0};
}

void http_set(http_response *res, const char *name, const char *value)
{
    for (size_t i = 0; i < res->headers.n; i++) {
        http_pair *pair = &res->headers.items[i];
        if (strcasecmp(pair->name, name) != 0) continue;
        char *copy = mem_strdup(value);
        if (!copy) res->status = 500;
        if (!copy) return;
        mem_free(pair->value);
        pair->value = copy;
        return;
    }
    if (http_pairs_add(&res->headers, name, value, NULL) != AKIN_OK)
        res->status = 500;
}

void http_answer(http_response *res, int status)
{
    drop_body(res);
    res->status = status;
}

void http_answer_bytes(http_response *res, const char *type, char *bytes,
                       size_t n)
{
    http_answer(res, 200);
    res->bytes = bytes;
    res->n_bytes = n;
    http_set(res, "Content-Type", type);
}

void http_answer_json(http_response *res, int status, json_t *value)
{
    char *text = value ? json_to_text(value) : NULL;
    json_decref(value);
    if (!text) {
        http_answer(res, 500);
        return;
    }
    http_answer_bytes(res, "application/json", text, strlen(text));
    if (res->status == 200) res->status = status;
}

void http_answer_stream(http_response *res, const char *type,
                        http_stream stream)
{
    http_answer(res, 200);
    res->kind = HTTP_STREAM;
    res->stream = stream;
    http_set(res, "Content-Type", type);
    http_set(res, "Cache-Control", "no-store");
}

void http_problem(http_response *res, int status, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    http_answer_json(res, status,
                     json_pack("{s:o}", "detail", json_text(text)));
}

int http_status_of(akin_status status)
{
    switch (status) {
    case AKIN_OK: return 200;
    case AKIN_EUSAGE: case AKIN_EDECODE: return 400;
    case AKIN_ENOTFOUND: return 404;
    case AKIN_EEXISTS: case AKIN_EMODEL: case AKIN_ESETTINGS: return 409;
    case AKIN_ELIMIT: return 413;
    case AKIN_EUNSUPPORTED: return 415;
    case AKIN_EBUSY: case AKIN_ECANCELLED: return 503;
    default: return 500;
    }
}

void http_problem_of(http_response *res, const akin_error *err)
{
    http_problem(res, http_status_of(err->code), "%s", err->text);
}

void http_flawed(http_response *res, const http_flaw *flaw)
{
    json_t *all = NULL, *one;
    if (res->status == 422 && res->bytes &&
        json_parse(res->bytes, res->n_bytes, "flaws", &all, NULL) != AKIN_OK)
        all = NULL;
    if (!all) all = json_pack("{s:[]}", "detail");
    one = json_pack("{s:s, s:[s], s:s, s:o}", "type", flaw->type, "loc",
                    flaw->in, "msg", flaw->msg, "input",
                    json_text(flaw->input));
    if (flaw->name)
        json_array_append_new(json_object_get(one, "loc"),
                              json_text(flaw->name));
    if (flaw->ctx) json_object_set_new(one, "ctx", flaw->ctx);
    json_array_append_new(json_object_get(all, "detail"), one);
    http_answer_json(res, 422, all);
}

/* ---- files -------------------------------------------------------------- */

/* A list of tags, or "*"; a weak tag is as good, for bytes that only are
 * looked at. */
static bool has_tag(const char *list, const char *etag)
{
    return text_equal(list, "*") || strstr(list, etag) != NULL;
}

bool http_not_modified(const http_request *req, http_response *res,
                       const char *etag)
{
    const char *known = http_header(req, "If-None-Match");
    http_set(res, "ETag", etag);
    /* Asked again each time: the answer is short, and never old. */
    http_set(res, "Cache-Control", "private, no-cache");
    if (!known || !has_tag(known, etag)) return false;
    http_answer(res, 304);
    return true;
}

/* Opens a regular file; a pipe or a device would never come to its end. */
static akin_status open_regular(const char *path, int *fd, struct stat *st,
                                akin_error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd >= 0 && fstat(*fd, st) == 0 && S_ISREG(st->st_mode)) return AKIN_OK;
    int reason = *fd >= 0 ? ENOENT : errno;
    if (*fd >= 0) close(*fd);
    return AKIN_FAIL(err, reason == ENOENT ? AKIN_ENOTFOUND : AKIN_EIO,
                     "the file cannot be opened: %s", strerror(reason));
}

static void set_part(http_response *res, uint64_t size)
{
    char text[96];
    snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
             res->offset, res->offset + res->length - 1, size);
    http_set(res, "Content-Range", text);
    res->status = 206;
}

/* Narrows an answer of a whole file to the part that is asked for, if the
 * client means this version of it. */
static void apply_range(const http_request *req, http_response *res,
                        const char *etag)
{
    const char *range = http_header(req, "Range");
    const char *version = http_header(req, "If-Range");
    uint64_t first = 0, last = 0, size = res->length;
    char text[64];
    if (!range || (version && !text_equal(version, etag))) return;
    switch (http_parse_range(range, size, &first, &last)) {
    case HTTP_RANGE_NONE: return;
    case HTTP_RANGE_PART:
        res->offset = first;
        res->length = last - first + 1;
        set_part(res, size);
        return;
    case HTTP_RANGE_OUTSIDE:
        http_problem(res, 416, "the range '%s' is outside the file", range);
        snprintf(text, sizeof text, "bytes */%" PRIu64, size);
        http_set(res, "Content-Range", text);
        return;
    }
}

void http_take_part(const http_request *req, http_response *res,
                    const char *etag)
{
    if (res->status != 200 || res->kind != HTTP_BYTES) return;
    http_set(res, "Accept-Ranges", "bytes");
    res->offset = 0;
    res->length = res->n_bytes;
    apply_range(req, res, etag);
    if (res->status != 206) return;
    res->n_bytes = (size_t)res->length;
    memmove(res->bytes, res->bytes + res->offset, res->n_bytes);
}

akin_status http_answer_file(const http_request *req, http_response *res,
                             const char *path, const char *type,
                             akin_error *err)
{
    struct stat st = {0};
    int fd;
    char etag[80];
    AKIN_TRY(open_regular(path, &fd, &st, err));
    snprintf(etag, sizeof etag, "\"%jx-%jx-%lx\"", (uintmax_t)st.st_size,
             (uintmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    if (http_not_modified(req, res, etag)) {
        close(fd);
        return AKIN_OK;
    }
    http_answer(res, 200);
    res->kind = HTTP_FILE;
    res->fd = fd;
    res->offset = 0;
    res->length = (uint64_t)st.st_size;
    http_set(res, "Content-Type", type);
    http_set(res, "Accept-Ranges", "bytes");
    apply_range(req, res, etag);
    return AKIN_OK;
}
