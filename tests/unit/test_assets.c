/* SPDX-License-Identifier: MIT
 * server/assets: the application's files, as a browser gets them. */
#include "server/assets.h"

#include "base/memory.h"
#include "server/guard.h"
#include "test.h"

/* false: the path is none of the application's. */
static bool ask(const char *method, const char *target, const char *header,
                const char *value, http_response *res)
{
    akin_error e = {0};
    http_request req = {0};
    *res = (http_response){0};
    CHECK_OK(http_request_init(&req, method, target, &e), e);
    if (header) CHECK_OK(http_pairs_add(&req.headers, header, value, &e), e);
    bool answered = assets_answer(&req, res);
    http_request_clear(&req);
    return answered;
}

static const char *header_of(const http_response *res, const char *name)
{
    const char *value = http_pairs_get(&res->headers, name);
    return value ? value : "";
}

static void pages(void)
{
    static const char *const own[] = {"/", "/search?in=a&q=b", "/jobs",
                                      "/index.html"};
    static const char *const others[] = {"/api/health", "/searching", "/nope",
                                         "/assets/../index.html", "/models"};
    http_response res;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        CHECK(ask("GET", own[i], NULL, NULL, &res));
        CHECK_EQ_INT(res.status, 200);
        CHECK(strncmp(header_of(&res, "Content-Type"), "text/html", 9) == 0);
        CHECK(res.n_bytes > 100 && res.bytes[0] == '<');
        CHECK_EQ_TEXT(header_of(&res, "Cache-Control"), "private, no-cache");
        http_response_clear(&res);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        CHECK(!ask("GET", others[i], NULL, NULL, &res));
        CHECK_EQ_INT(res.status, 0);
    }
    CHECK(ask("DELETE", "/", NULL, NULL, &res));
    CHECK_EQ_INT(res.status, 405);
    CHECK_EQ_TEXT(header_of(&res, "Allow"), "GET, HEAD");
    http_response_clear(&res);
}

static void encodings(void)
{
    static const struct {
        const char *accept;
        bool gzip;
    } rows[] = {{"gzip", true},           {"br, gzip;q=0.5", true},
                {"GZIP", true},           {"gzip;q=0", false},
                {"gzip; q=0.000", false}, {"br", false},
                {"", false},              {"x-gzip", false},
                {"gzip;q=0.001", true},   {"deflate, gzip", true},
                {"gzip;q=0, br;q=1", false}};
    http_response res;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CHECK(ask("GET", "/", "Accept-Encoding", rows[i].accept, &res));
        bool gzip = strcmp(header_of(&res, "Content-Encoding"), "gzip") == 0;
        if (gzip != rows[i].gzip)
            test_fail(__FILE__, __LINE__, "'%s'", rows[i].accept);
        CHECK(((unsigned char)res.bytes[0] == 0x1f) == gzip);
        CHECK_EQ_TEXT(header_of(&res, "Vary"), "Accept-Encoding");
        http_response_clear(&res);
    }
}

static void kept_by_the_browser(void)
{
    http_response res;
    size_t n_forever = 0;
    for (const asset *a = assets_all; a->path; a++) {
        char etag[64];
        CHECK(ask("GET", a->path, NULL, NULL, &res));
        CHECK_EQ_INT(res.n_bytes, a->n);
        snprintf(etag, sizeof etag, "%s", header_of(&res, "ETag"));
        bool forever = strstr(header_of(&res, "Cache-Control"), "immutable");
        CHECK(forever == a->forever);
        n_forever += forever;
        http_response_clear(&res);
        CHECK(ask("GET", a->path, "If-None-Match", etag, &res));
        CHECK_EQ_INT(res.status, 304);
        CHECK_EQ_INT(res.n_bytes, 0);
        guard_finish(&res);
        bool page = strcmp(a->path, "/") == 0;
        CHECK(!strstr(header_of(&res, "Content-Security-Policy"), "sandbox") ==
              page);
        http_response_clear(&res);
    }
    CHECK(n_forever >= 3); /* script, style, icon */
}

const test_case test_assets_cases[] = {
    {"assets/pages", pages},
    {"assets/encodings", encodings},
    {"assets/kept_by_the_browser", kept_by_the_browser},
    {NULL, NULL},
};
