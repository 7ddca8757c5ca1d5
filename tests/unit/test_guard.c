/* SPDX-License-Identifier: MIT
 * server/guard: who is answered, and who is not. */
#include "server/guard.h"

#include "test.h"

/* A request with up to three headers; its status after the guard, 0 if it may
 * pass. */
typedef struct ask {
    const char *method, *target;
    const char *headers[4][2];
    int status;
    const char *location; /* of a redirection; or NULL */
} ask;

static void check_ask(const guard *g, const ask *a)
{
    akin_error e = {0};
    http_request req;
    http_response res = {0};
    CHECK_OK(http_request_init(&req, a->method ? a->method : "GET",
                               a->target ? a->target : "/api/health", &e), e);
    for (size_t i = 0; i < 4 && a->headers[i][0]; i++)
        CHECK_OK(http_pairs_add(&req.headers, a->headers[i][0],
                                a->headers[i][1], &e), e);
    bool passed = guard_check(g, &req, &res);
    if (passed != (a->status == 0) || (!passed && res.status != a->status))
        test_fail(__FILE__, __LINE__, "%s %s of '%s' '%s' gave %d, not %d",
                  a->method ? a->method : "GET", a->target ? a->target : "",
                  a->headers[0][1] ? a->headers[0][1] : "",
                  a->headers[1][1] ? a->headers[1][1] : "", res.status,
                  a->status);
    if (a->location)
        CHECK_EQ_TEXT(http_pairs_get(&res.headers, "Location"), a->location);
    http_request_clear(&req);
    http_response_clear(&res);
}

static void make_guard(guard *g, const char *host, const char *token)
{
    akin_error e = {0};
    CHECK_OK(guard_init(g, host, token, &e), e);
    guard_set_port(g, 7700);
}

static void hosts(void)
{
    static const ask asks[] = {
        {.headers = {{"Host", "127.0.0.1:7700"}}},
        {.headers = {{"Host", "localhost:7700"}}},
        {.headers = {{"Host", "LOCALHOST"}}},
        {.headers = {{"Host", "127.0.0.1:8080"}}}, /* a forwarded port */
        {.headers = {{"Host", "[::1]:7700"}}},
        {.headers = {{"Host", "akin.example"}}},
        {.headers = {{"Host", "evil.example:7700"}}, .status = 403},
        {.headers = {{"Host", "localhost.evil.example"}}, .status = 403},
        {.headers = {{"Host", "127.0.0.1.evil.example"}}, .status = 403},
        {.headers = {{"Host", "evil.example#localhost"}}, .status = 403},
        {.headers = {{"Host", "192.168.1.5:7700"}}, .status = 403},
        {.headers = {{"Host", "0.0.0.0:7700"}}, .status = 403},
        {.headers = {{"Host", ""}}, .status = 403},
        {.headers = {{"Host", "[::1"}}, .status = 403},
        {.headers = {{"Host", "[::1]evil.example"}}, .status = 403},
        {.headers = {{"Host", "localhost:"}}, .status = 403},
        {.headers = {{"Host", "localhost:7700evil"}}, .status = 403},
        {.headers = {{"Host", "localhost:770000"}}, .status = 403},
        {.headers = {{"Host", "localhost:80@evil.example"}}, .status = 403},
        {.headers = {{"Host", "localhost"}, {"Host", "evil.example"}},
         .status = 400},
        {.status = 400},
    };
    static const char *const names[] = {"akin.example"};
    guard g;
    make_guard(&g, "127.0.0.1", NULL);
    g.names = names;
    g.n_names = 1;
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++)
        check_ask(&g, &asks[i]);
}

static void origins(void)
{
#define OWN {"Host", "localhost:7700"}
    static const ask asks[] = {
        {.headers = {OWN, {"Origin", "http://localhost:7700"}}},
        {.headers = {OWN, {"Origin", "https://localhost:7700"}}},
        {.method = "POST", .headers = {OWN}}, /* a program */
        {.headers = {OWN, {"Origin", "http://localhost:8000"}}, .status = 403},
        {.headers = {OWN, {"Origin", "http://127.0.0.1:7700"}}, .status = 403},
        {.headers = {OWN, {"Origin", "http://evil.example"}}, .status = 403},
        {.headers = {OWN, {"Origin", "null"}}, .status = 403},
        {.headers = {OWN, {"Sec-Fetch-Site", "same-origin"}}},
        {.headers = {OWN, {"Sec-Fetch-Site", "none"}}},
        {.headers = {OWN, {"Sec-Fetch-Site", "cross-site"}}, .status = 403},
        {.headers = {OWN, {"Sec-Fetch-Site", "same-site"}}, .status = 403},
        {.headers = {OWN, {"Sec-Fetch-Site", "cross-site"},
                     {"Sec-Fetch-Mode", "navigate"},
                     {"Sec-Fetch-Dest", "document"}}},
        {.headers = {OWN, {"Sec-Fetch-Site", "cross-site"},
                     {"Sec-Fetch-Mode", "navigate"},
                     {"Sec-Fetch-Dest", "iframe"}}, .status = 403},
        {.method = "POST",
         .headers = {OWN, {"Sec-Fetch-Site", "cross-site"},
                     {"Sec-Fetch-Mode", "navigate"},
                     {"Sec-Fetch-Dest", "document"}}, .status = 403},
    };
    guard g;
    make_guard(&g, "127.0.0.1", NULL);
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++)
        check_ask(&g, &asks[i]);
}

static void tokens(void)
{
    guard g;
    char cookie[160];
    make_guard(&g, "0.0.0.0", "secret");
    snprintf(cookie, sizeof cookie, "a=b; %s=%s", g.cookie, g.cookie_value);
#define ADDRESS {"Host", "192.168.1.5:7700"}
    const ask asks[] = {
        {.headers = {ADDRESS}, .status = 401},
        {.headers = {ADDRESS, {"Authorization", "Bearer secret"}}},
        {.headers = {ADDRESS, {"Authorization", "bearer secret"}}},
        {.headers = {ADDRESS, {"Authorization", "Bearer secre"}}, .status = 401},
        {.headers = {ADDRESS, {"Authorization", "Bearer secrets"}},
         .status = 401},
        {.headers = {ADDRESS, {"Authorization", "Bearer "}}, .status = 401},
        {.headers = {ADDRESS, {"Authorization", "Basic secret"}}, .status = 401},
        {.headers = {ADDRESS, {"Cookie", cookie}}},
        {.headers = {ADDRESS, {"Cookie", "akin_7700=secret"}}, .status = 401},
        {.headers = {ADDRESS, {"Cookie", "akin_7700="}}, .status = 401},
        {.target = "/api/jobs?token=secret", .headers = {ADDRESS}},
        {.target = "/api/jobs?token=wrong", .headers = {ADDRESS},
         .status = 401},
        {.target = "/a?token=secret", .headers = {ADDRESS,
                                                  {"Accept", "text/html,*/*"}},
         .status = 303, .location = "/a"},
        {.target = "/?token=secret", .headers = {ADDRESS,
                                                 {"Accept", "text/html"}},
         .status = 303, .location = "/"},
        {.target = "/a?q=x%20y&token=secret&n=1",
         .headers = {ADDRESS, {"Accept", "text/html"}}, .status = 303,
         .location = "/a?q=x%20y&n=1"},
        {.target = "/\\evil.example?token=secret",
         .headers = {ADDRESS, {"Accept", "text/html"}}, .status = 303,
         .location = "/"},
        {.target = "//evil.example?token=secret",
         .headers = {ADDRESS, {"Accept", "text/html"}}, .status = 303,
         .location = "/"},
        {.headers = {{"Host", "evil.example"},
                     {"Authorization", "Bearer secret"}}, .status = 403},
        {.headers = {ADDRESS, {"Authorization", "Bearer secret"},
                     {"Origin", "http://evil.example"}}, .status = 403},
    };
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++)
        check_ask(&g, &asks[i]);
}

static void a_token_is_demanded(void)
{
    guard g;
    akin_error e = {0};
    CHECK_STATUS(guard_init(&g, "0.0.0.0", NULL, &e), AKIN_EUSAGE);
    CHECK_EQ_TEXT(e.text,
                  "'0.0.0.0' can be reached by others, so a token is needed");
    CHECK_STATUS(guard_init(&g, "192.168.1.5", NULL, &e), AKIN_EUSAGE);
    CHECK_STATUS(guard_init(&g, "::", NULL, &e), AKIN_EUSAGE);
    CHECK_STATUS(guard_init(&g, "127.evil.example", NULL, &e), AKIN_EUSAGE);
    CHECK_STATUS(guard_init(&g, "0.0.0.0", "", &e), AKIN_EUSAGE);
    CHECK_STATUS(guard_init(&g, "0.0.0.0", "a b", &e), AKIN_EUSAGE);
    CHECK_STATUS(guard_init(&g, "0.0.0.0", "a\nb", &e), AKIN_EUSAGE);
    CHECK_STATUS(guard_init(&g, "127.0.0.2", NULL, &e), AKIN_OK);
    CHECK_STATUS(guard_init(&g, "::1", NULL, &e), AKIN_OK);
    CHECK_STATUS(guard_init(&g, "localhost", NULL, &e), AKIN_OK);
}

static void headers_of_answers(void)
{
    http_response res = {0};
    http_problem(&res, 404, "Not Found");
    guard_finish(&res);
    CHECK(strstr(http_pairs_get(&res.headers, "Content-Security-Policy"),
                 "sandbox") != NULL);
    CHECK_EQ_TEXT(http_pairs_get(&res.headers, "X-Content-Type-Options"),
                  "nosniff");
    CHECK_EQ_TEXT(http_pairs_get(&res.headers, "Cross-Origin-Resource-Policy"),
                  "same-origin");
    CHECK(http_pairs_get(&res.headers, "Access-Control-Allow-Origin") == NULL);
    http_response_clear(&res);
}

const test_case test_guard_cases[] = {
    {"guard/hosts", hosts},
    {"guard/origins", origins},
    {"guard/tokens", tokens},
    {"guard/a_token_is_demanded", a_token_is_demanded},
    {"guard/headers_of_answers", headers_of_answers},
    {NULL, NULL},
};
