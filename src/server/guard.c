/* SPDX-License-Identifier: MIT
 * The guard.
 *
 * A server on 127.0.0.1 is reached by every program of the machine, and by
 * every page that a browser on it shows. Programs could read the files anyway.
 * Pages are kept out by three checks. The Host must be a name of this server:
 * a page whose own name was made to mean 127.0.0.1 (DNS rebinding) is the same
 * origin to the browser, but still says its name. The Origin must be that
 * host: a page from elsewhere that posts a form is refused. Sec-Fetch-Site
 * must not tell of another site, but for following a link. Answers say that
 * nobody else may embed or read them.
 *
 * Where others reach the server all ask for the token, in a header or a cookie
 * of SameSite=Strict; the cookie has a hash, so that it does not give away the
 * token, and HttpOnly keeps scripts from it. */
#define _GNU_SOURCE
#include "server/guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

#define NAME_MAX_BYTES 256 /* of a host; DNS has 253 */
#define LOCATION_MAX_BYTES ((size_t)64 << 10)

/* ---- setting up --------------------------------------------------------- */

static bool is_address(const char *host)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, host, bytes) == 1 ||
           inet_pton(AF_INET6, host, bytes) == 1;
}

bool guard_is_local(const char *host)
{
    unsigned char bytes[4];
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0)
        return true;
    return inet_pton(AF_INET, host, bytes) == 1 && bytes[0] == 127;
}

static bool is_token(const char *token)
{
    for (const char *c = token; *c; c++)
        if (*c <= 0x20 || *c > 0x7e || strchr("\";,", *c)) return false;
    return *token != 0;
}

akin_status guard_init(guard *g, const char *host, const char *token,
                       akin_error *err)
{
    hash_sha256 hash;
    *g = (guard){.host = host, .token = token, .local = guard_is_local(host)};
    if (!g->local && !token)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s' can be reached by others, so a token is needed",
                         host);
    if (!token) return AKIN_OK;
    if (!is_token(token))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a token needs printable characters of ASCII, without "
                         "blanks, quotes, commas and semicolons");
    hash_init(&hash);
    hash_put(&hash, "akin cookie ", 12);
    hash_put(&hash, token, strlen(token));
    hash_finish_hex(&hash, g->cookie_value);
    return AKIN_OK;
}

void guard_set_port(guard *g, int port)
{
    snprintf(g->cookie, sizeof g->cookie, "akin_%d", port);
}

/* ---- names -------------------------------------------------------------- */

/* "" or ":7700" */
static bool is_port(const char *text)
{
    size_t n = *text == ':' ? strspn(text + 1, "0123456789") : 0;
    return *text == 0 || (n > 0 && n <= 5 && text[n + 1] == 0);
}

/* "[::1]:7700" and "localhost:7700" without brackets and port; false if it is
 * none. */
static bool host_name(const char *value, char out[NAME_MAX_BYTES])
{
    bool bracket = *value == '[';
    value += bracket;
    size_t n = strcspn(value, bracket ? "]" : ":");
    if (n == 0 || n >= NAME_MAX_BYTES || (bracket && !value[n])) return false;
    memcpy(out, value, n);
    out[n] = 0;
    return is_port(value + n + bracket);
}

/* An address cannot be rebound, so that one of any kind is a name of a server
 * that others reach. */
static bool is_own_name(const guard *g, const char *name)
{
    if (guard_is_local(name) || strcasecmp(name, g->host) == 0) return true;
    for (size_t i = 0; i < g->n_names; i++)
        if (strcasecmp(name, g->names[i]) == 0) return true;
    return !g->local && is_address(name);
}

static bool check_host(const guard *g, const http_request *req,
                       http_response *res)
{
    char name[NAME_MAX_BYTES];
    const char *host = http_header(req, "Host");
    if (!host || http_pairs_count(&req->headers, "Host") != 1) {
        http_problem(res, 400, "a request needs one Host");
        return false;
    }
    if (host_name(host, name) && is_own_name(g, name)) return true;
    http_problem(res, 403, "this server is not called '%s'", host);
    return false;
}

/* "http://HOST" or "https://HOST" (behind a proxy) of this request. */
static bool is_same_origin(const char *origin, const char *host)
{
    if (strncasecmp(origin, "http://", 7) == 0)
        origin += 7;
    else if (strncasecmp(origin, "https://", 8) == 0)
        origin += 8;
    else
        return false;
    return strcasecmp(origin, host) == 0;
}

static bool check_origin(const http_request *req, http_response *res)
{
    const char *origin = http_header(req, "Origin");
    const char *site = http_header(req, "Sec-Fetch-Site");
    const char *mode = http_header(req, "Sec-Fetch-Mode");
    const char *dest = http_header(req, "Sec-Fetch-Dest");
    bool link = req->method == HTTP_GET && text_equal(mode, "navigate") &&
                text_equal(dest, "document");
    if (origin && !is_same_origin(origin, http_header(req, "Host"))) {
        http_problem(res, 403, "a page of '%s' may not ask this server", origin);
        return false;
    }
    if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0 &&
        !link) {
        http_problem(res, 403, "a page of another site may not ask this server");
        return false;
    }
    return true;
}

/* ---- the token ---------------------------------------------------------- */

/* In a time that does not tell how much is equal. */
static bool is_secret(const char *given, size_t n, const char *secret)
{
    size_t m = strlen(secret);
    unsigned differ = n != m;
    for (size_t i = 0; i < n; i++)
        differ |= (unsigned)(given[i] ^ secret[i % m]);
    return differ == 0;
}

static bool has_bearer(const guard *g, const http_request *req)
{
    const char *value = http_header(req, "Authorization");
    if (!value || strncasecmp(value, "Bearer ", 7) != 0) return false;
    return is_secret(value + 7, strlen(value + 7), g->token);
}

static bool has_cookie(const guard *g, const http_request *req)
{
    const char *at = http_header(req, "Cookie");
    size_t n = strlen(g->cookie);
    while (at && *at) {
        at += strspn(at, "; ");
        size_t m = strcspn(at, ";");
        if (m > n && strncmp(at, g->cookie, n) == 0 && at[n] == '=' &&
            is_secret(at + n + 1, m - n - 1, g->cookie_value))
            return true;
        at += m;
    }
    return false;
}

static void set_cookie(const guard *g, http_response *res)
{
    char text[160];
    snprintf(text, sizeof text, "%s=%s; Path=/; HttpOnly; SameSite=Strict",
             g->cookie, g->cookie_value);
    http_set(res, "Set-Cookie", text);
}

/* A browser is sent to the same address without the token, so that it does not
 * stay in its history. */
static void redirect_clean(const http_request *req, http_response *res)
{
    text_buf place;
    const char *at = req->raw_query;
    char mark = '?';
    text_buf_init(&place, LOCATION_MAX_BYTES);
    /* Two '/' at its start would make the path the name of a host. */
    bool host = req->path[0] != '/' || strchr("/\\", req->path[1]);
    text_buf_puts(&place, host && req->path[1] ? "/" : req->path);
    while (at && *at) {
        size_t n = strcspn(at, "&");
        if (strncmp(at, "token=", 6) != 0) {
            text_buf_printf(&place, "%c%.*s", mark, (int)n, at);
            mark = '&';
        }
        at += n + (at[n] == '&');
    }
    http_answer(res, place.status == AKIN_OK ? 303 : 414);
    http_set(res, "Location", place.data ? place.data : "/");
    text_buf_clear(&place);
}

static bool check_query_token(const guard *g, const http_request *req,
                              http_response *res)
{
    const char *token = http_query(req, "token");
    const char *accept = http_header(req, "Accept");
    if (!token || !is_secret(token, strlen(token), g->token)) {
        http_problem(res, 401, "a token is needed: as 'Authorization: Bearer "
                               "TOKEN', or once as ?token=TOKEN");
        http_set(res, "WWW-Authenticate", "Bearer");
        return false;
    }
    set_cookie(g, res);
    if (req->method != HTTP_GET || !accept || !strstr(accept, "text/html"))
        return true;
    redirect_clean(req, res);
    return false;
}

bool guard_check(const guard *g, const http_request *req, http_response *res)
{
    if (!check_host(g, req, res) || !check_origin(req, res)) return false;
    if (!g->token || has_bearer(g, req) || has_cookie(g, req)) return true;
    return check_query_token(g, req, res);
}

/* ---- answers ------------------------------------------------------------ */

/* A file of a dataset may hold anything, a page with scripts too: in a sandbox
 * it is a stranger to this server. */
static const char page_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; connect-src 'self'; "
    "worker-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";
static const char data_policy[] =
    "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

void guard_finish(http_response *res)
{
    const char *type = http_pairs_get(&res->headers, "Content-Type");
    bool page = type && text_starts_with(type, "text/html") &&
                res->kind == HTTP_BYTES;
    http_set(res, "Content-Security-Policy", page ? page_policy : data_policy);
    http_set(res, "X-Content-Type-Options", "nosniff");
    http_set(res, "X-Frame-Options", "DENY");
    http_set(res, "Referrer-Policy", "no-referrer");
    http_set(res, "Cross-Origin-Resource-Policy", "same-origin");
    http_set(res, "Cross-Origin-Opener-Policy", "same-origin");
    if (!http_pairs_get(&res->headers, "Cache-Control"))
        http_set(res, "Cache-Control", "no-store");
}
