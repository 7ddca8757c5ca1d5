/* SPDX-License-Identifier: MIT
 * server/route: which handler a request meets, and what is checked before. */
#include "server/route.h"

#include "base/memory.h"
#include "server/api.h"
#include "test.h"

static akin_status echo(api *a, const http_request *req, http_response *res,
                        akin_error *err)
{
    json_t *params = json_object();
    (void)a, (void)err;
    for (size_t i = 0; i < req->params.n; i++)
        json_object_set_new(params, req->params.items[i].name,
                            json_text(req->params.items[i].value));
    http_answer_json(res, 200,
                     json_pack("{s:o, s:O?, s:I, s:s}", "params", params,
                               "body", req->json, "file",
                               (json_int_t)req->n_file, "name",
                               req->file_name));
    return AKIN_OK;
}

static akin_status fail(api *a, const http_request *req, http_response *res,
                        akin_error *err)
{
    (void)a, (void)req, (void)res;
    return AKIN_FAIL(err, AKIN_EEXISTS, "table 'x' already exists");
}

static const route_value values[] = {
    {.name = "limit", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = 100},
    {.name = "share", .kind = ROUTE_NUMBER},
    {.name = "deep", .kind = ROUTE_FLAG},
    {.name = "ids", .many = true, .required = true},
    {.name = NULL},
};

static const route_value fields[] = {
    {.name = "text", .required = true},
    {.name = "n", .kind = ROUTE_INTEGER, .bounded = true, .min = 1, .max = 10},
    {.name = "weight", .kind = ROUTE_NUMBER},
    {.name = "flag", .kind = ROUTE_FLAG},
    {.name = "names", .many = true},
    {.name = "vector", .kind = ROUTE_NUMBER, .many = true},
    {.name = "terms", .kind = ROUTE_LIST},
    {.name = "image", .kind = ROUTE_FILE},
    {.name = NULL},
};

static const route routes[] = {
    {.method = HTTP_GET, .pattern = "/a/fixed", .handle = echo, .name = "a",
     .about = "A."},
    {.method = HTTP_GET, .pattern = "/a/{id}", .handle = echo, .name = "b",
     .about = "B."},
    {.method = HTTP_DELETE, .pattern = "/a/{id}", .handle = fail, .name = "c",
     .about = "C.", .status = 204},
    {.method = HTTP_GET, .pattern = "/a/{id}/b/{table}", .handle = echo,
     .name = "d", .about = "D."},
    {.method = HTTP_GET, .pattern = "/v", .handle = echo, .values = values,
     .name = "e", .about = "E."},
    {.method = HTTP_POST, .pattern = "/f", .handle = echo, .fields = fields,
     .form = true, .name = "f", .about = "F."},
    {.method = HTTP_POST, .pattern = "/j", .handle = echo, .fields = fields,
     .name = "g", .about = "G."},
    {.pattern = NULL},
};
static const route *const tables[] = {routes, NULL};

/* The status, and with `contains` a part of the answer. */
static void check(const char *method, const char *target, const char *type,
                  const char *body, int status, const char *contains)
{
    akin_error e = {0};
    http_request req;
    http_response res = {0};
    CHECK_OK(http_request_init(&req, method, target, &e), e);
    if (type) CHECK_OK(http_pairs_add(&req.headers, "Content-Type", type, &e), e);
    req.body = mem_strdup(body);
    req.n_body = body ? strlen(body) : 0;
    route_dispatch(tables, NULL, &req, &res);
    const char *text = res.bytes ? res.bytes : "";
    if (res.status != status || (contains && !strstr(text, contains)))
        test_fail(__FILE__, __LINE__, "%s %s %s gave %d %s, not %d %s", method,
                  target, body ? body : "", res.status, text, status,
                  contains ? contains : "");
    http_request_clear(&req);
    http_response_clear(&res);
}

static void patterns(void)
{
    check("GET", "/a/fixed", NULL, NULL, 200, "\"params\": {}");
    check("GET", "/a/fixed/", NULL, NULL, 200, "\"params\": {}");
    check("GET", "/a/x%20y?z=1", NULL, NULL, 200, "{\"id\": \"x y\"}");
    check("HEAD", "/a/x", NULL, NULL, 200, "{\"id\": \"x\"}");
    check("GET", "/a/x%2Fb%2fy", NULL, NULL, 200, "{\"id\": \"x/b/y\"}");
    check("GET", "/a/..%2f..", NULL, NULL, 200, "{\"id\": \"../..\"}");
    check("GET", "/a/1/b/emb_open-clip", NULL, NULL, 200,
          "{\"id\": \"1\", \"table\": \"emb_open-clip\"}");
    check("GET", "/a", NULL, NULL, 404, "Not Found");
    check("GET", "/a/", NULL, NULL, 404, NULL);
    check("GET", "/a//b/x", NULL, NULL, 404, NULL);
    check("GET", "/a/x//", NULL, NULL, 404, NULL);
    check("GET", "/a/x/b", NULL, NULL, 404, NULL);
    check("GET", "/a/x/b/c/d", NULL, NULL, 404, NULL);
    check("GET", "/a/%zz", NULL, NULL, 400, "digits");
    check("GET", "/a/%00", NULL, NULL, 400, "UTF-8");
    check("POST", "/a/x", NULL, NULL, 405, "Method Not Allowed");
    check("TRACE", "/a/x", NULL, NULL, 405, NULL);
    check("OPTIONS", "/a/x", NULL, NULL, 204, NULL);
    check("DELETE", "/a/x", NULL, NULL, 409, "table 'x' already exists");
    check("GET", "a/x", NULL, NULL, 404, NULL);
    check("GET", "", NULL, NULL, 404, NULL);
}

static void query_values(void)
{
    check("GET", "/v?ids=a&limit=5&share=0.5&deep=true", NULL, NULL, 200, NULL);
    check("GET", "/v?ids=a&ids=b&deep=off&unknown=1", NULL, NULL, 200, NULL);
    check("GET", "/v", NULL, NULL, 422, "{\"type\": \"missing\", \"loc\": "
                                        "[\"query\", \"ids\"]");
    check("GET", "/v?ids=a&limit=x", NULL, NULL, 422, "int_parsing");
    check("GET", "/v?ids=a&limit=1.5", NULL, NULL, 422, "int_parsing");
    check("GET", "/v?ids=a&limit=99999999999999999999", NULL, NULL, 422,
          "int_parsing");
    check("GET", "/v?ids=a&limit=0", NULL, NULL, 422,
          "Input should be greater than or equal to 1");
    check("GET", "/v?ids=a&limit=101", NULL, NULL, 422, "less_than_equal");
    check("GET", "/v?ids=a&share=nan", NULL, NULL, 422, "float_parsing");
    check("GET", "/v?ids=a&deep=maybe", NULL, NULL, 422, "bool_parsing");
    check("GET", "/v?ids=a&limit=1&limit=x", NULL, NULL, 422, "int_parsing");
}

static void bodies(void)
{
#define JSON "application/json; charset=utf-8"
    check("POST", "/j", JSON, "{\"text\": \"a\", \"n\": 3.0, \"weight\": -1, "
                              "\"flag\": true, \"names\": [\"x\"], \"vector\": "
                              "[1, 0.5], \"terms\": [{}], \"image\": null}",
          200, "\"text\": \"a\"");
    check("POST", "/j", JSON, "{\"n\": 3}", 422, "[\"body\", \"text\"]");
    check("POST", "/j", NULL, NULL, 422, "[\"body\", \"text\"]");
    check("POST", "/j", JSON, "{\"text\": 1}", 422, "string_type");
    check("POST", "/j", JSON, "{\"text\": \"\", \"n\": 3.5}", 422, "int_type");
    check("POST", "/j", JSON, "{\"text\": \"\", \"n\": 1e300}", 422, "int_type");
    check("POST", "/j", JSON, "{\"text\": \"\", \"n\": 11}", 422, "\"le\"");
    check("POST", "/j", JSON, "{\"text\": \"\", \"flag\": 1}", 422, "bool_type");
    check("POST", "/j", JSON, "{\"text\": \"\", \"names\": [1]}", 422,
          "list of strings");
    check("POST", "/j", JSON, "{\"text\": \"\", \"vector\": \"x\"}", 422,
          "list_type");
    check("POST", "/j", JSON, "{\"text\": \"\", \"typo\": 1}", 422,
          "extra_forbidden");
    check("POST", "/j", JSON, "{\"text\": ", 422, "json_invalid");
    check("POST", "/j", JSON, "[]", 422, "model_type");
    check("POST", "/j", "text/plain", "{\"text\": \"a\"}", 415, NULL);
    check("POST", "/j", "application/x-www-form-urlencoded", "text=a", 415,
          NULL);
    check("POST", "/j", "multipart/form-data; boundary=X", "--X--", 415, NULL);
}

static void forms(void)
{
#define FORM "multipart/form-data; boundary=X"
#define PART "--X\r\nContent-Disposition: form-data; name="
    check("POST", "/f", FORM,
          PART "text\r\n\r\n12\r\n" PART "n\r\n\r\n3\r\n" PART
               "image; filename=\"a.png\"\r\n\r\nBYTES\r\n--X--\r\n",
          200, "\"text\": \"12\", \"n\": 3}, \"file\": 5, \"name\": \"a.png\"");
    check("POST", "/f", FORM, PART "n\r\n\r\nx\r\n--X--", 422, "int_type");
    check("POST", "/f", FORM, PART "typo\r\n\r\nx\r\n--X--", 422,
          "extra_forbidden");
    check("POST", "/f", FORM, "--X", 400, "form");
}

static void described(void)
{
    json_t *all = route_openapi(api_tables), *item, *op;
    const char *pattern, *method;
    size_t n = 0, n_routes = 0;
    json_object_foreach(json_object_get(all, "paths"), pattern, item)
        json_object_foreach(item, method, op) n++;
    for (const route *const *t = api_tables; *t; t++)
        for (const route *r = *t; r->pattern; r++, n_routes++)
            if (!r->name || !r->about || !r->handle)
                test_fail(__FILE__, __LINE__, "%s lacks something", r->pattern);
    CHECK_EQ_INT(n, n_routes);
    CHECK(json_object_get(json_object_get(json_object_get(all, "paths"),
                                          "/api/datasets/{dataset}/search"),
                          "post") != NULL);
    json_decref(all);
}

static void names_are_unique(void)
{
    json_t *names = json_object();
    for (const route *const *t = api_tables; *t; t++)
        for (const route *r = *t; r->pattern; r++) {
            CHECK(json_object_get(names, r->name) == NULL);
            json_object_set_new(names, r->name, json_true());
        }
    json_decref(names);
}

const test_case test_route_cases[] = {
    {"route/patterns", patterns},
    {"route/query_values", query_values},
    {"route/bodies", bodies},
    {"route/forms", forms},
    {"route/described", described},
    {"route/names_are_unique", names_are_unique},
    {NULL, NULL},
};
