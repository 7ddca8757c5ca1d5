/* SPDX-License-Identifier: MIT
 * Serves the browser application. Its addresses (/search?in=...) are pages of
 * one file, index.html, whose script reads the rest of the address; they are
 * named here, so that all others stay what they are, 404 or another route's.
 * The files are compressed when the program is built: no request waits for it. */
#define _GNU_SOURCE
#include "server/assets.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

/* As web/src/router.ts has them. */
static const char *const pages[] = {"/",       "/search",  "/recording",
                                    "/map",    "/labels",  "/extract",
                                    "/jobs",   "/index.html"};

static const asset *find_asset(const char *path)
{
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++)
        if (text_equal(path, pages[i])) path = "/";
    for (const asset *a = assets_all; a->path; a++)
        if (text_equal(path, a->path)) return a;
    return NULL;
}

/* Whether a list like "gzip, br;q=0.5" names gzip, and not with a weight of 0. */
static bool accepts_gzip(const char *list)
{
    while (list && *list) {
        list += strspn(list, ", \t");
        size_t n = strcspn(list, ",; \t"), m = strcspn(list, ",");
        const char *weight = memchr(list, '=', m);
        if (n == 4 && strncasecmp(list, "gzip", n) == 0)
            return !weight || strcspn(weight, "123456789") <
                                  (size_t)(list + m - weight);
        list += m;
    }
    return false;
}

static void answer_asset(const asset *a, const http_request *req,
                         http_response *res)
{
    char etag[48];
    bool gzip = accepts_gzip(http_header(req, "Accept-Encoding"));
    size_t n = gzip ? a->n_gzip : a->n;
    snprintf(etag, sizeof etag, "\"%s%s\"", a->version, gzip ? "-gzip" : "");
    http_set(res, "Vary", "Accept-Encoding");
    /* Of a 304 as well: guard_finish gives it the policy that goes with it, which
     * replaces the one that the browser has kept. */
    http_set(res, "Content-Type", a->type);
    if (!http_not_modified(req, res, etag)) {
        char *bytes = mem_array(n ? n : 1, 1);
        if (!bytes) {
            http_answer(res, 500);
            return;
        }
        memcpy(bytes, assets_bytes + (gzip ? a->gzip_at : a->at), n);
        http_answer_bytes(res, a->type, bytes, n);
        if (gzip) http_set(res, "Content-Encoding", "gzip");
    }
    if (a->forever)
        http_set(res, "Cache-Control", "private, max-age=31536000, immutable");
}

bool assets_answer(const http_request *req, http_response *res)
{
    const asset *found = find_asset(req->path);
    if (!found) return false;
    if (req->method == HTTP_GET) {
        answer_asset(found, req, res);
        return true;
    }
    if (req->method == HTTP_OPTIONS)
        http_answer(res, 204);
    else
        http_problem(res, 405, "Method Not Allowed");
    http_set(res, "Allow", "GET, HEAD");
    return true;
}
