/* SPDX-License-Identifier: MIT
 * Queries and bodies against a route's tables. What is wrong is told as FastAPI
 * does, in the words of Pydantic: clients of Pixano know that form. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"
#include "server/http_parse.h"
#include "server/route.h"

/* ---- queries ------------------------------------------------------------ */

static bool parse_flag(const char *text, bool *out)
{
    static const char *const words[] = {"false", "true", "0", "1", "no",
                                        "yes",   "off",  "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(text, words[i]) == 0) {
            *out = i % 2 == 1;
            return true;
        }
    return false;
}

static bool parse_value(const route_value *v, const char *text, double *out)
{
    int64_t integer;
    bool flag;
    switch (v->kind) {
    case ROUTE_TEXT: case ROUTE_FILE: case ROUTE_LIST: return true;
    case ROUTE_FLAG: return parse_flag(text, &flag);
    case ROUTE_NUMBER: return text_to_double(text, out);
    case ROUTE_INTEGER:
        if (!text_to_int64(text, &integer)) return false;
        *out = (double)integer;
        return true;
    }
    return false;
}

static void tell_unparsed(const route_value *v, const char *text,
                          http_response *res)
{
    static const char *const types[] = {"string_type", "int_parsing",
                                        "float_parsing", "bool_parsing"};
    static const char *const words[] = {
        "Input should be a valid string",
        "Input should be a valid integer, unable to parse string as an integer",
        "Input should be a valid number, unable to parse string as a number",
        "Input should be a valid boolean, unable to interpret input"};
    http_flawed(res, &(http_flaw){.in = "query", .name = v->name,
                                  .type = types[v->kind],
                                  .msg = words[v->kind], .input = text});
}

static void tell_bounds(const route_value *v, const char *in, const char *text,
                        double value, http_response *res)
{
    char msg[96];
    bool low = value < v->min;
    double bound = low ? v->min : v->max;
    snprintf(msg, sizeof msg, "Input should be %s than or equal to %.15g",
             low ? "greater" : "less", bound);
    http_flawed(res, &(http_flaw){.in = in, .name = v->name,
                                  .type = low ? "greater_than_equal"
                                              : "less_than_equal",
                                  .msg = msg, .input = text,
                                  .ctx = json_pack("{s:f}", low ? "ge" : "le",
                                                   bound)});
}

static bool is_choice(const char *text, const char *const *choices)
{
    for (; choices && *choices; choices++)
        if (strcmp(text, *choices) == 0) return true;
    return false;
}

static void tell_choices(const route_value *v, const char *in, const char *text,
                         http_response *res)
{
    char msg[256];
    size_t n = 0;
    for (const char *const *c = v->choices; *c && n < sizeof msg; c++)
        n += (size_t)snprintf(msg + n, sizeof msg - n, "%s'%s'",
                              c == v->choices ? "Input should be "
                              : c[1]          ? ", "
                                              : " or ",
                              *c);
    http_flawed(res, &(http_flaw){.in = in, .name = v->name,
                                  .type = "literal_error", .msg = msg,
                                  .input = text});
}

static void check_value(const route_value *v, const char *text,
                        http_response *res)
{
    double value = 0;
    if (!parse_value(v, text, &value))
        tell_unparsed(v, text, res);
    else if (v->choices && !is_choice(text, v->choices))
        tell_choices(v, "query", text, res);
    else if (v->bounded && (value < v->min || value > v->max))
        tell_bounds(v, "query", text, value, res);
}

/* The last of several counts where only one is meant, as for FastAPI: here all
 * must hold, which is stricter and needs no rule. */
static void check_values(const route *r, const http_request *req,
                         http_response *res)
{
    for (const route_value *v = r->values; v && v->name; v++) {
        bool given = false;
        for (size_t i = 0; i < req->query.n; i++) {
            if (strcmp(req->query.items[i].name, v->name) != 0) continue;
            check_value(v, req->query.items[i].value, res);
            given = true;
        }
        if (!given && v->required)
            http_flawed(res, &(http_flaw){.in = "query", .name = v->name,
                                          .type = "missing",
                                          .msg = "Field required"});
    }
}

int64_t route_integer(const http_request *req, const char *name,
                      int64_t fallback)
{
    const char *text = http_query(req, name);
    int64_t value;
    return text && text_to_int64(text, &value) ? value : fallback;
}

double route_number(const http_request *req, const char *name, double fallback)
{
    const char *text = http_query(req, name);
    double value;
    return text && text_to_double(text, &value) ? value : fallback;
}

int64_t route_id(const http_request *req, const char *name)
{
    int64_t id;
    return text_to_int64(http_param(req, name), &id) && id > 0 ? id : 0;
}

bool route_flag(const http_request *req, const char *name, bool fallback)
{
    const char *text = http_query(req, name);
    bool value;
    return text && parse_flag(text, &value) ? value : fallback;
}

akin_status route_texts(const http_request *req, const char *name,
                        const char ***out, size_t *n, akin_error *err)
{
    *n = 0;
    *out = NULL;
    if (!http_query(req, name)) return AKIN_OK;
    AKIN_TRY(mem_new_array(req->query.n, sizeof **out, "a query",
                           (void **)out, err));
    for (size_t i = 0; i < req->query.n; i++)
        if (strcmp(req->query.items[i].name, name) == 0)
            (*out)[(*n)++] = req->query.items[i].value;
    return AKIN_OK;
}

/* ---- bodies ------------------------------------------------------------- */

static bool is_kind(const json_t *value, route_kind kind)
{
    double number = json_is_real(value) ? json_real_value(value) : 0;
    switch (kind) {
    case ROUTE_TEXT: case ROUTE_FILE: return json_is_string(value);
    case ROUTE_NUMBER: return json_is_number(value);
    case ROUTE_FLAG: return json_is_boolean(value);
    case ROUTE_LIST: return json_is_array(value);
    case ROUTE_INTEGER:
        return json_is_integer(value) ||
               (json_is_real(value) && fabs(number) < 9e15 &&
                number == floor(number));
    }
    return false;
}

static bool is_field(const json_t *value, const route_value *v)
{
    size_t i;
    const json_t *one;
    if (!v->many) return is_kind(value, v->kind);
    if (!json_is_array(value)) return false;
    json_array_foreach(value, i, one) if (!is_kind(one, v->kind)) return false;
    return true;
}

static void tell_wrong_kind(const route_value *v, http_response *res)
{
    static const char *const types[] = {"string_type", "int_type", "float_type",
                                        "bool_type", "string_type",
                                        "list_type"};
    static const char *const words[] = {"string", "integer", "number",
                                        "boolean", "string", "list"};
    char msg[96];
    snprintf(msg, sizeof msg, "Input should be a valid %s%s%s",
             v->many ? "list of " : "", words[v->kind], v->many ? "s" : "");
    http_flawed(res, &(http_flaw){.in = "body", .name = v->name,
                                  .type = v->many ? "list_type"
                                                  : types[v->kind],
                                  .msg = msg});
}

static void check_field(const route_value *v, const json_t *value,
                        http_response *res)
{
    if (!value || json_is_null(value)) {
        if (v->required)
            http_flawed(res, &(http_flaw){.in = "body", .name = v->name,
                                          .type = "missing",
                                          .msg = "Field required"});
    } else if (!is_field(value, v)) {
        tell_wrong_kind(v, res);
    } else if (v->choices && !is_choice(json_string_value(value), v->choices)) {
        tell_choices(v, "body", json_string_value(value), res);
    } else if (v->bounded && !v->many) {
        double number = json_number_value(value);
        if (number < v->min || number > v->max)
            tell_bounds(v, "body", NULL, number, res);
    }
}

static const route_value *find_field(const route *r, const char *name)
{
    for (const route_value *v = r->fields; v->name; v++)
        if (strcmp(v->name, name) == 0) return v;
    return NULL;
}

/* A name that means nothing here is most likely one that was mistyped. */
static void check_fields(const route *r, const http_request *req,
                         http_response *res)
{
    const char *name;
    json_t *value;
    for (const route_value *v = r->fields; v->name; v++) {
        bool sent = v->kind == ROUTE_FILE && req->file;
        if (!sent) check_field(v, json_object_get(req->json, v->name), res);
    }
    json_object_foreach(req->json, name, value) {
        if (find_field(r, name)) continue;
        http_flawed(res, &(http_flaw){.in = "body", .name = name,
                                      .type = "extra_forbidden",
                                      .msg = "Extra inputs are not permitted"});
    }
}

static void tell_broken(const char *why, http_response *res)
{
    http_flawed(res, &(http_flaw){.in = "body", .type = "json_invalid",
                                  .msg = "JSON decode error",
                                  .ctx = json_pack("{s:o}", "error",
                                                   json_text(why))});
}

static void read_json(http_request *req, http_response *res)
{
    akin_error problem = {0};
    if (req->n_body == 0) {
        req->json = json_object();
    } else if (json_parse(req->body, req->n_body, "body", &req->json,
                          &problem) != AKIN_OK) {
        tell_broken(problem.text, res);
    } else if (!json_is_object(req->json)) {
        http_flawed(res, &(http_flaw){.in = "body", .type = "model_type",
                                      .msg = "Input should be a valid object"});
    }
}

/* A value of a form as JSON: its text, or what that is when read as JSON. */
static json_t *form_value(const route_value *v, const http_part *part)
{
    bool text = !v || (!v->many && (v->kind == ROUTE_TEXT));
    json_t *value = text ? json_stringn(part->data, part->n)
                         : json_loadb(part->data, part->n, JSON_DECODE_ANY,
                                      NULL);
    return value ? value : json_stringn(part->data, part->n);
}

static void take_part(const route *r, http_request *req, const http_part *part)
{
    const route_value *v = find_field(r, part->name);
    if (part->file[0] || (v && v->kind == ROUTE_FILE)) {
        req->file = part->data;
        req->n_file = part->n;
        snprintf(req->file_name, sizeof req->file_name, "%s", part->file);
        return;
    }
    json_t *value = form_value(v, part);
    json_object_set_new(req->json, part->name, value ? value : json_null());
}

static void read_form(const route *r, http_request *req, http_response *res)
{
    http_part *parts = mem_array(HTTP_MAX_PARTS, sizeof *parts);
    size_t n = 0;
    akin_error problem = {0};
    req->json = json_object();
    if (!parts)
        http_problem(res, 500, "out of memory for a form");
    else if (http_parse_multipart(http_header(req, "Content-Type"), req->body,
                                  req->n_body, parts, &n, &problem) != AKIN_OK)
        http_problem_of(res, &problem);
    for (size_t i = 0; i < n && res->status == 0; i++)
        take_part(r, req, &parts[i]);
    mem_free(parts);
}

/* A form of a browser can be sent from any page; JSON by scripts only, and by
 * those of other pages only if this server says so, which it never does. */
static void check_body(const route *r, http_request *req, http_response *res)
{
    const char *type = http_header(req, "Content-Type");
    if (r->form && http_type_is(type, "multipart/form-data"))
        read_form(r, req, res);
    else if (req->n_body == 0 || http_type_is(type, "application/json"))
        read_json(req, res);
    else
        http_problem(res, 415, "the body must be application/json%s",
                     r->form ? " or multipart/form-data" : "");
    if (res->status == 0) check_fields(r, req, res);
}

void route_check(const route *r, http_request *req, http_response *res)
{
    check_values(r, req, res);
    if (r->fields && res->status == 0) check_body(r, req, res);
}

const char *body_text(const http_request *req, const char *name)
{
    const char *text = NULL;
    json_get_text(req->json, name, &text);
    return text;
}

int64_t body_integer(const http_request *req, const char *name,
                     int64_t fallback)
{
    json_get_int64(req->json, name, &fallback);
    return fallback;
}

double body_number(const http_request *req, const char *name, double fallback)
{
    json_get_double(req->json, name, &fallback);
    return fallback;
}

bool body_flag(const http_request *req, const char *name, bool fallback)
{
    json_get_bool(req->json, name, &fallback);
    return fallback;
}

akin_status body_texts(const http_request *req, const char *name,
                       const char ***out, size_t *n, akin_error *err)
{
    const json_t *list = json_object_get(req->json, name);
    *n = 0;
    *out = NULL;
    if (json_array_size(list) == 0) return AKIN_OK;
    AKIN_TRY(mem_new_array(json_array_size(list), sizeof **out, "a list",
                           (void **)out, err));
    for (; *n < json_array_size(list); ++*n)
        (*out)[*n] = json_string_value(json_array_get(list, *n));
    return AKIN_OK;
}

/* A real one was checked to be whole and small enough. */
static int64_t integer_of(const json_t *value)
{
    return json_is_integer(value) ? (int64_t)json_integer_value(value)
                                  : (int64_t)json_number_value(value);
}

akin_status body_integers(const http_request *req, const char *name,
                          int64_t **out, size_t *n, akin_error *err)
{
    const json_t *list = json_object_get(req->json, name);
    size_t n_list = json_array_size(list);
    void *p;
    *n = 0;
    *out = NULL;
    if (n_list == 0) return AKIN_OK;
    AKIN_TRY(mem_new_array(n_list, sizeof **out, "a list", &p, err));
    *out = p;
    for (; *n < n_list; ++*n)
        (*out)[*n] = integer_of(json_array_get(list, *n));
    return AKIN_OK;
}
