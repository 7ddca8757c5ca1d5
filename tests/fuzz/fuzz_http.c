/* SPDX-License-Identifier: MIT
 * Hunts for a request that makes the parsers of addresses, queries, headers,
 * forms, JSON bodies, base64 or ranges read outside it, or that gets past the
 * guard with a name that is not the server's, or that names a file of an archive
 * outside the folder it is unpacked into.
 *
 * An input is a request as it is sent: METHOD TARGET, headers, an empty line, the
 * body; a line ends with a line feed. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "server/guard.h"
#include "server/http_parse.h"
#include "server/route.h"
#include "server/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a server of two routes --------------------------------------------- */

/* What handlers take for ids and names. */
static void check_ids(const http_request *req)
{
    int64_t *ids = NULL;
    size_t n = 0;
    const char *id = http_param(req, "id"), *by = http_query(req, "by");
    if (route_id(req, "id") < 0) abort();
    if (zip_name_is_safe(id) && (*id == '/' || strstr(id, "/../"))) abort();
    if (by && strcmp(by, "label") != 0 && strcmp(by, "time") != 0) abort();
    if (req->json && body_integers(req, "windows", &ids, &n, NULL) == AKIN_OK)
        mem_free(ids);
}

static akin_status handle(api *a, const http_request *req, http_response *res,
                          akin_error *err)
{
    const char **texts = NULL;
    size_t n = 0, n_bytes = 0;
    (void)a;
    AKIN_TRY(req->json ? body_texts(req, "names", &texts, &n, err)
                       : route_texts(req, "ids", &texts, &n, err));
    for (size_t i = 0; i < n; i++)
        n_bytes += strlen(texts[i]);
    mem_free(texts);
    if (!req->json && n_bytes > (size_t)1 << 20) abort();
    if (req->file && req->n_file > req->n_body) abort();
    check_ids(req);
    http_answer_json(res, 200,
                     json_pack("{s:I, s:o?, s:o}", "limit",
                               (json_int_t)route_integer(req, "limit", 5),
                               "body", json_incref(req->json), "id",
                               json_text(http_param(req, "id"))));
    return AKIN_OK;
}

static const char *const choices[] = {"label", "time", NULL};
static const route_value values[] = {
    {.name = "limit", .kind = ROUTE_INTEGER, .bounded = true, .max = 100},
    {.name = "share", .kind = ROUTE_NUMBER},
    {.name = "deep", .kind = ROUTE_FLAG},
    {.name = "ids", .many = true},
    {.name = "by", .choices = choices},
    {.name = NULL},
};
static const route_value fields[] = {
    {.name = "text", .required = true},
    {.name = "n", .kind = ROUTE_INTEGER, .bounded = true, .max = 10},
    {.name = "names", .many = true},
    {.name = "windows", .kind = ROUTE_INTEGER, .many = true},
    {.name = "vector", .kind = ROUTE_NUMBER, .many = true},
    {.name = "image", .kind = ROUTE_FILE},
    {.name = NULL},
};
static const route routes[] = {
    {.method = HTTP_GET, .pattern = "/a/{id}", .handle = handle,
     .values = values, .name = "a", .about = "A."},
    {.method = HTTP_POST, .pattern = "/a/{id}/b", .handle = handle,
     .fields = fields, .form = true, .name = "b", .about = "B."},
    {.pattern = NULL},
};
static const route *const tables[] = {routes, NULL};

/* ---- requests ----------------------------------------------------------- */

/* The text up to a line feed, which becomes its end; *at goes behind it. */
static char *take_line(char **at)
{
    char *line = *at, *end = strchr(line, '\n');
    if (end) *end = 0;
    *at = end ? end + 1 : line + strlen(line);
    return line;
}

static void read_headers(char **at, http_request *req)
{
    for (char *line = take_line(at); *line; line = take_line(at)) {
        char *colon = strstr(line, ": ");
        if (!colon) continue;
        *colon = 0;
        if (http_pairs_add(&req->headers, line, colon + 2, NULL) != AKIN_OK)
            return;
    }
}

static void check_guard(const http_request *req)
{
    http_response res = {0};
    guard g;
    const char *host = http_header(req, "Host");
    if (guard_init(&g, "127.0.0.1", NULL, NULL) != AKIN_OK) abort();
    bool passed = guard_check(&g, req, &res);
    if (passed && (!host || strstr(host, "evil"))) abort();
    if (!passed && res.status < 400) abort();
    guard_finish(&res);
    http_response_clear(&res);
}

static void check_range(const http_request *req)
{
    uint64_t first = 1, last = 0;
    const char *range = http_header(req, "Range");
    if (!range || http_parse_range(range, 1000, &first, &last) !=
        HTTP_RANGE_PART)
        return;
    if (first > last || last >= 1000) abort();
}

static void check_base64(const char *text)
{
    char *bytes, *again;
    size_t n;
    if (http_parse_base64(text, strlen(text), &bytes, &n, NULL) != AKIN_OK)
        return;
    again = http_to_base64(bytes, n);
    if (again && strlen(again) > strlen(text)) abort();
    mem_free(again);
    mem_free(bytes);
}

static void run_request(char *text, size_t n)
{
    http_request req;
    http_response res = {0};
    akin_error err = {0};
    char *at = text, *line = take_line(&at), *target = strchr(line, ' ');
    if (!target) return;
    *target++ = 0;
    akin_status status = http_request_init(&req, line, target, &err);
    if (status == AKIN_OK) {
        read_headers(&at, &req);
        check_guard(&req);
        check_range(&req);
        check_base64(target);
        req.n_body = n - (size_t)(at - text);
        req.body = mem_array(req.n_body + 1, 1);
        if (req.body) memcpy(req.body, at, req.n_body);
        route_dispatch(tables, NULL, &req, &res);
        if (res.status == 0) abort();
    } else if (!err.text[0]) {
        abort();
    }
    http_response_clear(&res);
    http_request_clear(&req);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_array(size + 1, 1);
    if (!text) return 0;
    memcpy(text, data, size);
    run_request(text, size);
    mem_free(text);
    return 0;
}
