/* SPDX-License-Identifier: MIT
 * From a request to its handler. */
#define _GNU_SOURCE
#include "server/route.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "server/http_parse.h"

/* ---- patterns ----------------------------------------------------------- */

static size_t segment_size(const char *path)
{
    return strcspn(path, "/");
}

/* Whether path is of this pattern. Both are compared segment by segment, so that an escaped '/'
 * stays within its own. */
static bool match(const char *pattern, const char *path)
{
    while (*pattern == '/' && *path == '/') {
        pattern++, path++;
        size_t n = segment_size(pattern), m = segment_size(path);
        bool named = *pattern == '{';
        if (named && m == 0) return false;
        if (!named && (n != m || strncmp(pattern, path, n) != 0)) return false;
        pattern += n;
        path += m;
    }
    if (text_equal(path, "/")) path++;
    return *pattern == 0 && *path == 0;
}

/* Keeps what the pattern's {names} stand for. */
static akin_status keep_params(const char *pattern, const char *path,
                               http_pairs *out, akin_error *err)
{
    while (*pattern == '/' && *path == '/') {
        pattern++, path++;
        size_t n = segment_size(pattern), m = segment_size(path);
        if (*pattern == '{') {
            char name[64] = "", *value = NULL;
            memcpy(name, pattern + 1, n - 2 < 63 ? n - 2 : 63);
            AKIN_TRY(http_unescape(path, m, false, &value, err));
            akin_status status = http_pairs_add(out, name, value, err);
            mem_free(value);
            AKIN_TRY(status);
        }
        pattern += n;
        path += m;
    }
    return AKIN_OK;
}

static const route *find(const route *const *tables, const http_request *req,
                         text_buf *others)
{
    for (; *tables; tables++)
        for (const route *r = *tables; r->pattern; r++) {
            if (!match(r->pattern, req->path)) continue;
            if (r->method == req->method) return r;
            text_buf_printf(others, "%s%s%s", others->n ? ", " : "",
                            http_method_name(r->method),
                            r->method == HTTP_GET ? ", HEAD" : "");
        }
    return NULL;
}

/* ---- the way ------------------------------------------------------------ */

static void call(const route *r, api *a, http_request *req, http_response *res)
{
    akin_error err = {0};
    akin_status status = keep_params(r->pattern, req->path, &req->params, &err);
    if (status == AKIN_OK) route_check(r, req, res);
    if (status == AKIN_OK && res->status == 0)
        status = r->handle(a, req, res, &err);
    if (status != AKIN_OK && res->status < 400) {
        if (err.code == AKIN_OK) err.code = status;
        http_problem_of(res, &err);
    }
}

void route_dispatch(const route *const *tables, api *a, http_request *req,
                    http_response *res)
{
    text_buf others;
    text_buf_init(&others, 256);
    const route *r = find(tables, req, &others);
    if (r) {
        call(r, a, req, res);
    } else if (others.n > 0) {
        if (req->method == HTTP_OPTIONS)
            http_answer(res, 204);
        else
            http_problem(res, 405, "Method Not Allowed");
        http_set(res, "Allow", others.data);
    } else {
        http_problem(res, 404, "Not Found");
    }
    text_buf_clear(&others);
}
