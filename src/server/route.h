/* SPDX-License-Identifier: MIT
 * Routes: a table of method, pattern, values of the query and handler. Requests
 * are checked by it and openapi.json is made of it, so that they agree. */
#ifndef SERVER_ROUTE_H
#define SERVER_ROUTE_H

#include "server/http.h"

typedef struct api api;

/* Answers res. An error returned becomes the answer, unless res has one. */
typedef akin_status (*route_handler)(api *a, const http_request *req,
                                     http_response *res, akin_error *err);

typedef enum route_kind {
    ROUTE_TEXT,
    ROUTE_INTEGER,
    ROUTE_NUMBER,
    ROUTE_FLAG, /* true or false; in a query also 1, 0, yes, no, on, off */
    ROUTE_FILE, /* base64 in JSON, a file in a form */
    ROUTE_LIST, /* of whatever the handler looks at */
} route_kind;

/* A value of the query or of the body; the table ends with one without a
 * name. */
typedef struct route_value {
    const char *name;
    route_kind kind;
    const char *about;
    bool required, many; /* many: may be given several times */
    const char *const *choices; /* of a text: ends with NULL; NULL: any */
    bool bounded;        /* min <= value <= max */
    double min, max;
} route_value;

/* The table ends with a route without a pattern. */
typedef struct route {
    http_method method;
    const char *pattern; /* "/items/{dataset}/{id}"; a '/' behind is passed over */
    route_handler handle;
    const char *name;    /* openapi's operationId */
    const char *about;   /* one sentence */
    const route_value *values;
    const route_value *fields; /* of the body, an object; NULL: none is taken */
    bool form;           /* it may also come as multipart/form-data */
    int status;          /* of success; 0: 200 */
    const char *type;    /* of the answer; NULL: JSON */
} route;

/* Finds the route, checks the query and calls the handler. */
void route_dispatch(const route *const *tables, api *a, http_request *req,
                    http_response *res);

/* Checks query and body; what is wrong becomes a 422, or 415. */
void route_check(const route *r, http_request *req, http_response *res);

/* Values of a query that was checked; fallback where they are not given. */
int64_t route_integer(const http_request *req, const char *name,
                      int64_t fallback);
double route_number(const http_request *req, const char *name,
                    double fallback);
bool route_flag(const http_request *req, const char *name, bool fallback);

/* What a {name} of the path stands for as a whole number above 0; 0: it is
 * none, and names nothing that is there. */
int64_t route_id(const http_request *req, const char *name);

/* The same of the body. */
const char *body_text(const http_request *req, const char *name);
int64_t body_integer(const http_request *req, const char *name,
                     int64_t fallback);
double body_number(const http_request *req, const char *name, double fallback);
bool body_flag(const http_request *req, const char *name, bool fallback);

/* The texts of a list in the body: borrowed; *out as in route_texts. */
akin_status body_texts(const http_request *req, const char *name,
                       const char ***out, size_t *n, akin_error *err)
    AKIN_NODISCARD;

/* The whole numbers of a list in the body, checked as such: *out is yours. */
akin_status body_integers(const http_request *req, const char *name,
                          int64_t **out, size_t *n, akin_error *err)
    AKIN_NODISCARD;

/* The texts of one that may be given several times: borrowed, *out is yours
 * (mem_free) and NULL if there are none. */
akin_status route_texts(const http_request *req, const char *name,
                        const char ***out, size_t *n, akin_error *err)
    AKIN_NODISCARD;

/* The tables as OpenAPI 3.1. */
json_t *route_openapi(const route *const *tables);

#endif
