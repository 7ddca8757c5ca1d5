/* SPDX-License-Identifier: MIT
 * The route tables as OpenAPI 3.1: one path item a pattern, one operation a
 * route. Made of the same rows that requests are checked by. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "akin/akin.h"
#include "server/route.h"

/* What http_unescape takes, and no '/' of which a path could be made wrongly. */
#define PATH_PATTERN "^[^\\x00-\\x1f\\x7f/]+$"

/* The same for a text of a query, which may have lines; good for a body's. */
#define TEXT_PATTERN "^[^\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]*$"

static json_t *schema_of(const route_value *v)
{
    static const char *const types[] = {"string",  "integer", "number",
                                        "boolean", "string",  "array"};
    json_t *schema = json_pack("{s:s}", "type", types[v->kind]);
    if (v->kind == ROUTE_TEXT && !v->choices)
        json_object_set_new(schema, "pattern", json_string(TEXT_PATTERN));
    for (const char *const *c = v->choices; c && *c; c++) {
        if (c == v->choices) json_object_set_new(schema, "enum", json_array());
        json_array_append_new(json_object_get(schema, "enum"), json_string(*c));
    }
    if (v->bounded) {
        json_object_set_new(schema, "minimum", json_real(v->min));
        json_object_set_new(schema, "maximum", json_real(v->max));
    }
    if (!v->many) return schema;
    return json_pack("{s:s, s:o}", "type", "array", "items", schema);
}

static void add_params(json_t *all, const char *pattern)
{
    for (const char *at = pattern; (at = strchr(at, '{')); at++) {
        json_t *name = json_stringn(at + 1, strcspn(at + 1, "}"));
        json_array_append_new(
            all, json_pack("{s:o, s:s, s:b, s:{s:s, s:s}}", "name", name, "in",
                           "path", "required", 1, "schema", "type", "string",
                           "pattern", PATH_PATTERN));
    }
}

static json_t *parameters_of(const route *r)
{
    json_t *all = json_array();
    add_params(all, r->pattern);
    for (const route_value *v = r->values; v && v->name; v++)
        json_array_append_new(
            all, json_pack("{s:s, s:s, s:b, s:o, s:s}", "name", v->name, "in",
                           "query", "required", v->required, "schema",
                           schema_of(v), "description",
                           v->about ? v->about : ""));
    return all;
}

static json_t *body_of(const route *r)
{
    json_t *fields = json_object(), *required = json_array();
    json_t *content = json_object(), *schema;
    for (const route_value *v = r->fields; v->name; v++) {
        json_t *field = schema_of(v);
        if (!v->required) /* null is as good as nothing */
            field = json_pack("{s:[o, {s:s}]}", "anyOf", field, "type", "null");
        if (v->about)
            json_object_set_new(field, "description", json_string(v->about));
        json_object_set_new(fields, v->name, field);
        if (v->required)
            json_array_append_new(required, json_string(v->name));
    }
    schema = json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties",
                       fields, "required", required, "additionalProperties", 0);
    json_object_set_new(content, "application/json",
                        json_pack("{s:o}", "schema", schema));
    if (r->form)
        json_object_set_new(content, "multipart/form-data",
                            json_pack("{s:{s:s}}", "schema", "type", "object"));
    return json_pack("{s:b, s:o}", "required", json_array_size(required) > 0,
                     "content", content);
}

static json_t *problem_answer(const char *about)
{
    return json_pack("{s:s, s:{s:{s:{s:s}}}}", "description", about, "content",
                     "application/json", "schema", "$ref",
                     "#/components/schemas/Problem");
}

static json_t *answers_of(const route *r)
{
    char status[12];
    json_t *all = json_object(), *good;
    snprintf(status, sizeof status, "%d", r->status ? r->status : 200);
    good = json_pack("{s:s}", "description", r->about);
    if (r->status != 204)
        json_object_set_new(good, "content",
                            json_pack("{s:{}}", r->type ? r->type
                                                        : "application/json"));
    json_object_set_new(all, status, good);
    json_object_set_new(all, "422",
                        problem_answer("the request breaks its form"));
    json_object_set_new(all, "default", problem_answer("what went wrong"));
    return all;
}

static json_t *operation_of(const route *r)
{
    json_t *op = json_pack("{s:s, s:s, s:o, s:o}", "operationId", r->name,
                           "summary", r->about, "parameters", parameters_of(r),
                           "responses", answers_of(r));
    if (r->fields) json_object_set_new(op, "requestBody", body_of(r));
    return op;
}

static void add_route(json_t *paths, const route *r)
{
    static const char *const names[] = {"get", "post", "put", "delete",
                                        "options"};
    json_t *item = json_object_get(paths, r->pattern);
    if (!item) {
        item = json_object();
        json_object_set_new(paths, r->pattern, item);
    }
    json_object_set_new(item, names[r->method], operation_of(r));
}

json_t *route_openapi(const route *const *tables)
{
    json_t *paths = json_object();
    for (; *tables; tables++)
        for (const route *r = *tables; r->pattern; r++) add_route(paths, r);
    json_t *problem =
        json_pack("{s:s, s:[s], s:{s:{s:[{s:s}, {s:s}]}}}", "type", "object",
                  "required", "detail", "properties", "detail", "oneOf", "type",
                  "string", "type", "array");
    json_t *security = json_pack("{s:{s:s, s:s}}", "token", "type", "http",
                                 "scheme", "bearer");
    return json_pack(
        "{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:{s:o}, s:o}, s:[{}, {s:[]}]}",
        "openapi", "3.1.0", "info", "title", "akin", "version", akin_version(),
        "description", "Datasets and their search; see docs/HTTP.md", "paths",
        paths, "components", "schemas", "Problem", problem, "securitySchemes",
        security, "security", "token");
}
