/* SPDX-License-Identifier: MIT
 * server/http_parse and server/http: what clients send means what it should, and
 * what is no such thing is refused. */
#include "server/http.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "server/http_parse.h"
#include "test.h"

/* ---- escapes ------------------------------------------------------------ */

static void check_unescape(const char *in, bool query, const char *wanted)
{
    akin_error e = {0};
    char *out = NULL;
    akin_status status = http_unescape(in, strlen(in), query, &out, &e);
    if (wanted) {
        CHECK_OK(status, e);
        CHECK_EQ_TEXT(out, wanted);
    } else {
        CHECK_EQ_INT(status, AKIN_EUSAGE);
        CHECK(e.text[0] != 0);
    }
    mem_free(out);
}

static void escapes(void)
{
    check_unescape("emb_open-clip", false, "emb_open-clip");
    check_unescape("a%20b+c", false, "a b+c");
    check_unescape("a%20b+c", true, "a b c");
    check_unescape("%C3%A9%2f%2F", false, "\xc3\xa9//");
    check_unescape("", true, "");
    check_unescape("%41%4", true, NULL);
    check_unescape("%", false, NULL);
    check_unescape("%zz", false, NULL);
    check_unescape("a%00b", true, NULL);
    check_unescape("%ff%fe", true, NULL);
    check_unescape("a%0d%0aSet-Cookie: b", false, NULL);
    check_unescape("a%0ab", true, "a\nb");
    check_unescape("a%1bb", true, NULL);
}

static void queries(void)
{
    akin_error e = {0};
    http_pairs pairs = {0};
    CHECK_OK(http_parse_query("ids=a&ids=b%26c&&x&y=&q=red+truck", &pairs, &e),
             e);
    CHECK_EQ_INT(pairs.n, 5);
    CHECK_EQ_TEXT(pairs.items[1].value, "b&c");
    CHECK_EQ_TEXT(http_pairs_get(&pairs, "x"), "");
    CHECK_EQ_TEXT(http_pairs_get(&pairs, "q"), "red truck");
    CHECK_EQ_INT(http_pairs_count(&pairs, "ids"), 2);
    http_pairs_clear(&pairs);
    CHECK_STATUS(http_parse_query("a=%x", &pairs, &e), AKIN_EUSAGE);
    http_pairs_clear(&pairs);
    char many[2048] = "";
    for (size_t i = 0; i < 400; i++) memcpy(many + 2 * i, "a&", 3);
    CHECK_STATUS(http_parse_query(many, &pairs, &e), AKIN_ELIMIT);
    http_pairs_clear(&pairs);
}

/* ---- base64 ------------------------------------------------------------- */

static void base64(void)
{
    static const char *const good[][2] = {
        {"", ""}, {"Zg==", "f"}, {"Zm8=", "fo"}, {"Zm9v", "foo"},
        {"Zm9vYg", "foob"}, {"Zm9vYmE", "fooba"}, {"Zm9vYmFy", "foobar"},
        {"_-8", "\xff\xef"}, {"/+8=", "\xff\xef"}};
    static const char *const bad[] = {"Z", "Zm9vY", "Zm=v", "Zg===", "Z g=",
                                      "Zg==\n", "\xc3\xa9\xc3\xa9"};
    akin_error e = {0};
    char *out = NULL;
    size_t n;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK_OK(http_parse_base64(good[i][0], strlen(good[i][0]), &out, &n,
                                   &e), e);
        CHECK_EQ_INT(n, strlen(good[i][1]));
        CHECK_EQ_TEXT(out, good[i][1]);
        mem_free(out);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_STATUS(http_parse_base64(bad[i], strlen(bad[i]), &out, &n, &e),
                     AKIN_EUSAGE);
}

static void base64_there_and_back(void)
{
    unsigned char bytes[200];
    for (size_t n = 0; n < sizeof bytes; n++) {
        char *text, *back = NULL;
        size_t m = 0;
        for (size_t i = 0; i < n; i++) bytes[i] = (unsigned char)(i * 37 + n);
        text = http_to_base64(bytes, n);
        CHECK_STATUS(http_parse_base64(text, strlen(text), &back, &m, NULL),
                     AKIN_OK);
        CHECK_EQ_INT(m, n);
        CHECK(back && memcmp(back, bytes, n) == 0);
        mem_free(back);
        mem_free(text);
    }
}

/* ---- forms -------------------------------------------------------------- */

#define FORM "multipart/form-data; boundary=XX"

static akin_status parse_form(const char *type, const char *body,
                              http_part *parts, size_t *n)
{
    akin_error e = {0};
    akin_status status =
        http_parse_multipart(type, body, strlen(body), parts, n, &e);
    if (status != AKIN_OK) CHECK(e.text[0] != 0);
    return status;
}

static void forms(void)
{
    http_part parts[HTTP_MAX_PARTS];
    size_t n;
    CHECK_STATUS(
        parse_form(FORM,
                   "--XX\r\nContent-Disposition: form-data; name=\"text\"\r\n"
                   "\r\na dog\r\n--XX\r\nContent-Type: image/png\r\n"
                   "content-disposition: form-data; filename=\"a b.png\"; "
                   "name=image\r\n\r\n\r\n\r\n--XX--\r\n",
                   parts, &n),
        AKIN_OK);
    CHECK_EQ_INT(n, 2);
    CHECK_EQ_TEXT(parts[0].name, "text");
    CHECK_EQ_TEXT(parts[0].file, "");
    CHECK(parts[0].n == 5 && memcmp(parts[0].data, "a dog", 5) == 0);
    CHECK_EQ_TEXT(parts[1].name, "image");
    CHECK_EQ_TEXT(parts[1].file, "a b.png");
    CHECK_EQ_INT(parts[1].n, 2);
}

static void broken_forms(void)
{
    static const char *const bodies[] = {
        "", "--XX", "--XX--x", "nothing", "--XX\r\n",
        "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\nno end",
        "--XX\r\nContent-Disposition: form-data\r\n\r\na\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; filename=a\r\n\r\na\r\n--XX--",
        "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\na--XX--",
        "--XX\r\nContent-Disposition: form-data; name=a\r\n\r\na\r\n--XX",
        "--XX\r\nContent-Disposition: form-data; name=\"\"\r\n\r\na\r\n--XX--"};
    http_part parts[HTTP_MAX_PARTS];
    size_t n;
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        if (i != 2)
            CHECK_STATUS(parse_form(FORM, bodies[i], parts, &n), AKIN_EUSAGE);
    CHECK_STATUS(parse_form("multipart/form-data", "--XX--", parts, &n),
                 AKIN_EUSAGE);
    CHECK_STATUS(parse_form("text/plain; boundary=XX", "--XX--", parts, &n),
                 AKIN_EUSAGE);
    CHECK_STATUS(parse_form(FORM, "--XX--", parts, &n), AKIN_OK);
    CHECK_EQ_INT(n, 0);
}

static void a_form_has_few_parts(void)
{
    http_part parts[HTTP_MAX_PARTS];
    size_t n;
    text_buf body;
    text_buf_init(&body, 1 << 20);
    for (int i = 0; i < HTTP_MAX_PARTS + 1; i++)
        text_buf_puts(&body, "--XX\r\nContent-Disposition: form-data; "
                             "name=a\r\n\r\nb\r\n");
    text_buf_puts(&body, "--XX--\r\n");
    CHECK_STATUS(parse_form(FORM, body.data, parts, &n), AKIN_ELIMIT);
    text_buf_clear(&body);
}

/* ---- ranges and files --------------------------------------------------- */

static void check_range(const char *text, uint64_t size, http_range wanted,
                        uint64_t first, uint64_t last)
{
    uint64_t a = 0, b = 0;
    http_range got = http_parse_range(text, size, &a, &b);
    if (got != wanted)
        test_fail(__FILE__, __LINE__, "'%s' of %d is %d", text, (int)size, got);
    if (got != HTTP_RANGE_PART) return;
    CHECK_EQ_INT(a, first);
    CHECK_EQ_INT(b, last);
}

static void ranges(void)
{
    check_range("bytes=0-0", 10, HTTP_RANGE_PART, 0, 0);
    check_range("bytes=2-5", 10, HTTP_RANGE_PART, 2, 5);
    check_range("Bytes=2-", 10, HTTP_RANGE_PART, 2, 9);
    check_range("bytes=-3", 10, HTTP_RANGE_PART, 7, 9);
    check_range("bytes=-30", 10, HTTP_RANGE_PART, 0, 9);
    check_range("bytes=5-99", 10, HTTP_RANGE_PART, 5, 9);
    check_range("bytes=10-", 10, HTTP_RANGE_OUTSIDE, 0, 0);
    check_range("bytes=-0", 10, HTTP_RANGE_OUTSIDE, 0, 0);
    check_range("bytes=0-", 0, HTTP_RANGE_OUTSIDE, 0, 0);
    check_range("bytes=5-2", 10, HTTP_RANGE_NONE, 0, 0);
    check_range("bytes=0-1,3-4", 10, HTTP_RANGE_NONE, 0, 0);
    check_range("bytes=", 10, HTTP_RANGE_NONE, 0, 0);
    check_range("bytes=-", 10, HTTP_RANGE_NONE, 0, 0);
    check_range("lines=1-2", 10, HTTP_RANGE_NONE, 0, 0);
    check_range("bytes=99999999999999999999999-", 10, HTTP_RANGE_NONE, 0, 0);
    check_range("bytes=0-18446744073709551616", 10, HTTP_RANGE_NONE, 0, 0);
}

static const char *make_file(void)
{
    static char path[512];
    akin_error e = {0};
    file_writer *w = NULL;
    snprintf(path, sizeof path, "%s/a.bin", test_dir());
    CHECK_OK(file_writer_open(path, &w, &e), e);
    CHECK_OK(file_writer_put(w, "0123456789", 10, &e), e);
    CHECK_OK(file_writer_commit(w, &e), e);
    return path;
}

static void ask_file(const char *path, const char *name, const char *value,
                     http_response *res)
{
    akin_error e = {0};
    http_request req = {0};
    if (name) CHECK_OK(http_pairs_add(&req.headers, name, value, &e), e);
    CHECK_OK(http_answer_file(&req, res, path, "image/png", &e), e);
    http_request_clear(&req);
}

static void files(void)
{
    const char *path = make_file();
    http_response res = {0};
    char etag[100];
    ask_file(path, NULL, NULL, &res);
    CHECK_EQ_INT(res.status, 200);
    CHECK_EQ_INT(res.length, 10);
    snprintf(etag, sizeof etag, "%s", http_pairs_get(&res.headers, "ETag"));
    http_response_clear(&res);
    ask_file(path, "If-None-Match", etag, &res);
    CHECK_EQ_INT(res.status, 304);
    http_response_clear(&res);
    ask_file(path, "Range", "bytes=2-4", &res);
    CHECK_EQ_INT(res.status, 206);
    CHECK_EQ_INT(res.offset, 2);
    CHECK_EQ_INT(res.length, 3);
    CHECK_EQ_TEXT(http_pairs_get(&res.headers, "Content-Range"),
                  "bytes 2-4/10");
    http_response_clear(&res);
    ask_file(path, "Range", "bytes=10-", &res);
    CHECK_EQ_INT(res.status, 416);
    CHECK_EQ_TEXT(http_pairs_get(&res.headers, "Content-Range"), "bytes */10");
    http_response_clear(&res);
}

static void no_files(void)
{
    http_request req = {0};
    http_response res = {0};
    akin_error e = {0};
    CHECK_STATUS(http_answer_file(&req, &res, test_dir(), "image/png", &e),
                 AKIN_ENOTFOUND);
    CHECK_STATUS(http_answer_file(&req, &res, "/dev/null", "image/png", &e),
                 AKIN_ENOTFOUND);
    CHECK_STATUS(http_answer_file(&req, &res, "/nowhere", "image/png", &e),
                 AKIN_ENOTFOUND);
    http_response_clear(&res);
}

/* ---- answers ------------------------------------------------------------ */

static void problems(void)
{
    http_response res = {0};
    http_problem(&res, 404, "Dataset %s not found in %s.", "\"x\"", "/lib");
    CHECK_EQ_INT(res.status, 404);
    CHECK_EQ_TEXT(res.bytes,
                  "{\"detail\": \"Dataset \\\"x\\\" not found in /lib.\"}");
    http_flawed(&res, &(http_flaw){.in = "query", .name = "limit",
                                   .type = "int_parsing", .msg = "m",
                                   .input = "x"});
    http_flawed(&res, &(http_flaw){.in = "body", .type = "t", .msg = "n"});
    CHECK_EQ_INT(res.status, 422);
    CHECK_EQ_TEXT(res.bytes,
                  "{\"detail\": [{\"type\": \"int_parsing\", \"loc\": "
                  "[\"query\", \"limit\"], \"msg\": \"m\", \"input\": \"x\"}, "
                  "{\"type\": \"t\", \"loc\": [\"body\"], \"msg\": \"n\", "
                  "\"input\": null}]}");
    http_response_clear(&res);
}

const test_case test_http_cases[] = {
    {"http/escapes", escapes},
    {"http/queries", queries},
    {"http/base64", base64},
    {"http/base64_there_and_back", base64_there_and_back},
    {"http/forms", forms},
    {"http/broken_forms", broken_forms},
    {"http/a_form_has_few_parts", a_form_has_few_parts},
    {"http/ranges", ranges},
    {"http/files", files},
    {"http/no_files", no_files},
    {"http/problems", problems},
    {NULL, NULL},
};
