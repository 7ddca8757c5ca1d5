/* SPDX-License-Identifier: MIT
 * /api/databases/{db}/labels: given, looked at, taken back. */
#include <string.h>

#include "base/memory.h"
#include "server/api_database.h"

#define DEFAULT_LABELS 100
#define DEFAULT_BY "akin serve"

static const char *const label_types[] = {"negative", "positive", "uncertain",
                                          NULL};

/* ---- looking ------------------------------------------------------------ */

typedef struct label_page {
    const char *label, *by; /* NULL: any */
    int type;               /* -1: any */
    size_t limit, offset;
    size_t n_total;
    json_t *counts; /* {LABEL: {TYPE: n}}; of all, whatever is asked for */
    json_t *rows;
} label_page;

static void count_label(json_t *counts, const akin_annotation *a)
{
    const char *type = database_json_label_type(a->type);
    json_t *one = json_object_get(counts, a->label);
    if (!one) {
        one = json_pack("{s:i, s:i, s:i}", "positive", 0, "negative", 0,
                        "uncertain", 0);
        json_object_set_new(counts, a->label, one);
    }
    json_object_set_new(one, type,
                        json_integer(json_integer_value(
                                         json_object_get(one, type)) + 1));
}

static bool look_at_label(void *user, const akin_annotation *a)
{
    label_page *page = user;
    count_label(page->counts, a);
    if (page->label && strcmp(page->label, a->label) != 0) return true;
    if (page->by && strcmp(page->by, a->by) != 0) return true;
    if (page->type >= 0 && page->type != (int)a->type) return true;
    size_t at = page->n_total++;
    if (at >= page->offset && at - page->offset < page->limit)
        json_array_append_new(page->rows, database_json_annotation(a));
    return true;
}

static json_t *counts_list(json_t *counts)
{
    json_t *out = json_array(), *one;
    const char *label;
    json_object_foreach(counts, label, one) {
        json_t *row = json_pack("{s:s}", "label", label);
        json_object_update(row, one);
        json_array_append_new(out, row);
    }
    return out;
}

static akin_status answer_labels(api *a, database_entry *entry,
                                 const http_request *req, http_response *res,
                                 akin_error *err)
{
    const char *type = http_query(req, "type");
    label_page page = {
        .label = http_query(req, "label"), .by = http_query(req, "by"),
        .type = type ? database_choice(type, label_types) : -1,
        .limit = (size_t)route_integer(req, "limit", DEFAULT_LABELS),
        .offset = (size_t)route_integer(req, "offset", 0),
        .counts = json_object(), .rows = json_array()};
    (void)a;
    akin_status status =
        akin_each_annotation(entry->db, look_at_label, &page, err);
    if (status == AKIN_OK)
        http_answer_json(
            res, 200,
            json_pack("{s:o, s:I, s:I, s:I, s:O}", "labels",
                      counts_list(page.counts), "total",
                      (json_int_t)page.n_total, "limit",
                      (json_int_t)page.limit, "offset",
                      (json_int_t)page.offset, "annotations", page.rows));
    json_decref(page.counts);
    json_decref(page.rows);
    return status;
}

static akin_status get_labels(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_labels, err);
}

/* ---- giving ------------------------------------------------------------- */

static json_t *added_json(const int64_t *windows, const int64_t *ids, size_t n)
{
    json_t *added = json_array(), *unchanged = json_array();
    for (size_t i = 0; i < n; i++)
        if (ids[i])
            json_array_append_new(
                added, json_pack("{s:I, s:I}", "id", (json_int_t)ids[i],
                                 "window_id", (json_int_t)windows[i]));
        else
            json_array_append_new(unchanged,
                                  json_integer((json_int_t)windows[i]));
    return json_pack("{s:o, s:o}", "added", added, "unchanged", unchanged);
}

static akin_status label_windows(api *a, database_entry *entry,
                                 const http_request *req, http_response *res,
                                 akin_error *err)
{
    const char *by = body_text(req, "by"), *type = body_text(req, "type");
    akin_annotation annotation = {
        .label = body_text(req, "label"), .by = by && *by ? by : DEFAULT_BY,
        .type = type ? (akin_label_type)database_choice(type, label_types)
                     : AKIN_POSITIVE};
    int64_t *windows = NULL;
    size_t n;
    void *p = NULL;
    akin_status status = body_integers(req, "windows", &windows, &n, err);
    if (status == AKIN_OK && n > a->options.limits.rows)
        status = AKIN_FAIL(err, AKIN_ELIMIT, "at most %zu windows are labelled "
                           "at a time, not %zu", a->options.limits.rows, n);
    if (status == AKIN_OK)
        status = mem_new_array(n, sizeof(int64_t), "labels", &p, err);
    if (status == AKIN_OK)
        status = akin_label_windows(entry->db, windows, n, &annotation, p, err);
    if (status == AKIN_OK)
        http_answer_json(res, 201, added_json(windows, p, n));
    mem_free(p);
    mem_free(windows);
    return status;
}

static akin_status add_labels(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    return database_with_labels(a, req, res, label_windows, err);
}

/* ---- taking back -------------------------------------------------------- */

static akin_status unlabel(api *a, database_entry *entry,
                           const http_request *req, http_response *res,
                           akin_error *err)
{
    bool removed = false;
    (void)a;
    AKIN_TRY(akin_unlabel(entry->db, route_id(req, "annotation"), &removed,
                          err));
    if (!removed)
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "annotation '%s' not found",
                         http_param(req, "annotation"));
    http_answer(res, 204);
    return AKIN_OK;
}

static akin_status remove_label(api *a, const http_request *req,
                                http_response *res, akin_error *err)
{
    return database_with_labels(a, req, res, unlabel, err);
}

/* ---- the table ---------------------------------------------------------- */

static const route_value list_values[] = {
    {.name = "label", .about = "only those of this name"},
    {.name = "type", .choices = label_types, .about = "only those of this type"},
    {.name = "by", .about = "only those that this one gave"},
    {.name = "limit", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = 10000, .about = "annotations at most; 100"},
    {.name = "offset", .kind = ROUTE_INTEGER, .bounded = true, .max = 1e12,
     .about = "annotations passed over; 0"},
    {.name = NULL},
};

static const route_value label_fields[] = {
    {.name = "windows", .kind = ROUTE_INTEGER, .many = true, .required = true,
     .about = "ids of windows"},
    {.name = "label", .required = true, .about = "what they show"},
    {.name = "type", .choices = label_types,
     .about = "negative: that they do not; positive"},
    {.name = "by", .about = "who says so"},
    {.name = NULL},
};

const route api_label_routes[] = {
    {.method = HTTP_GET, .pattern = "/api/databases/{db}/labels",
     .handle = get_labels, .name = "list_labels", .values = list_values,
     .about = "How many of each label there are, and a page of annotations."},
    {.method = HTTP_POST, .pattern = "/api/databases/{db}/labels",
     .handle = add_labels, .name = "add_labels", .fields = label_fields,
     .status = 201, .about = "Labels windows, all or none."},
    {.method = HTTP_DELETE,
     .pattern = "/api/databases/{db}/labels/{annotation}",
     .handle = remove_label, .name = "remove_label", .status = 204,
     .about = "Takes an annotation back."},
    {.pattern = NULL},
};
