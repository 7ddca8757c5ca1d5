/* SPDX-License-Identifier: MIT
 * The routes of Pixano 0.6 that read datasets, items, views and embeddings, and
 * the one that deletes items: fields, status codes and texts are Pixano's, so
 * that its clients find what they know. */
#define _GNU_SOURCE
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "server/dataset_json.h"
#include "server/pixano.h"

#define MAX_SCHEMA_BYTES ((size_t)64 << 20)

/* ---- shared ------------------------------------------------------------- */

bool pixano_open(api *a, const http_request *req, http_response *res,
                 pixano *out)
{
    const char *id = http_param(req, "dataset");
    akin_error err = {0};
    *out = (pixano){0};
    akin_status status = library_get(a->library, id, &out->entry, &err);
    if (status == AKIN_ENOTFOUND) {
        http_problem(res, 404, "Dataset %s not found in %s.", id,
                     library_root(a->library));
        return false;
    }
    if (status == AKIN_OK)
        status = dataset_json_tables(out->entry->dataset, &out->tables, &err);
    if (status == AKIN_OK) return true;
    http_problem(res, 500, "Internal server error. %s", err.text);
    pixano_close(a, out);
    return false;
}

void pixano_close(api *a, pixano *p)
{
    library_put(a->library, p->entry);
    json_decref(p->tables);
    *p = (pixano){0};
}

akin_status pixano_with(api *a, const http_request *req, http_response *res,
                        pixano_handler work)
{
    pixano p;
    if (!pixano_open(a, req, res, &p)) return AKIN_OK;
    work(a, &p, req, res);
    pixano_close(a, &p);
    return AKIN_OK;
}

void pixano_tell_rows(http_response *res, const akin_error *err)
{
    bool usage = err->code == AKIN_EUSAGE || err->code == AKIN_ELIMIT;
    http_problem(res, usage ? 400 : 500, "%s %s",
                 usage ? "Invalid query parameters." : "Internal server error.",
                 err->text);
}

void pixano_tell_none(http_response *res, const char *dataset,
                      const char *table)
{
    http_problem(res, 404, "No rows found for %s/%s.", dataset, table);
}

/* ---- datasets ----------------------------------------------------------- */

/* Without what Pixano does not say of a dataset. */
static json_t *strip_info(json_t *info)
{
    json_object_del(info, "path");
    json_object_del(info, "media");
    json_object_del(info, "num_views");
    return info;
}

typedef struct info_listing {
    library *lib;
    json_t *out;
} info_listing;

static bool list_info(void *user, const char *path, library_entry *entry,
                      const char *problem)
{
    info_listing *listing = user;
    json_t *info;
    (void)path, (void)problem;
    if (entry && library_info(listing->lib, entry, &info, NULL) == AKIN_OK)
        json_array_append_new(listing->out, strip_info(info));
    return true;
}

static akin_status get_infos(api *a, const http_request *req,
                             http_response *res, akin_error *err)
{
    info_listing listing = {a->library, json_array()};
    (void)req;
    akin_status status = library_each(a->library, list_info, &listing, err);
    if (status != AKIN_OK || json_array_size(listing.out) == 0) {
        json_decref(listing.out);
        http_problem(res, 404, "No datasets found in %s.",
                     library_root(a->library));
        return AKIN_OK;
    }
    http_answer_json(res, 200, listing.out);
    return AKIN_OK;
}

static void answer_info(api *a, const pixano *p, const http_request *req,
                        http_response *res)
{
    akin_error err = {0};
    json_t *info;
    (void)req;
    if (library_info(a->library, p->entry, &info, &err) == AKIN_OK)
        http_answer_json(res, 200, strip_info(info));
    else
        http_problem(res, 500, "Internal server error. %s", err.text);
}

static akin_status get_info(api *a, const http_request *req, http_response *res,
                            akin_error *err)
{
    (void)err;
    return pixano_with(a, req, res, answer_info);
}

/* A JSON file of the dataset's folder; an empty object if there is none. */
static json_t *read_part(const char *folder, const char *name)
{
    char *path = file_join(folder, name), *text = NULL;
    size_t n;
    json_t *value = NULL;
    if (path &&
        file_read(path, MAX_SCHEMA_BYTES, &text, &n, NULL) == AKIN_OK &&
        json_parse(text, n, name, &value, NULL) != AKIN_OK)
        value = NULL;
    mem_free(text);
    mem_free(path);
    return value ? value : json_object();
}

static void answer_dataset(api *a, const pixano *p, const http_request *req,
                           http_response *res)
{
    akin_error err = {0};
    json_t *info;
    (void)req;
    if (library_info(a->library, p->entry, &info, &err) != AKIN_OK) {
        http_problem(res, 500, "Internal server error. %s", err.text);
        return;
    }
    const char *path = p->entry->path;
    char *previews = file_join(path, "previews");
    char *thumbnail = file_join(path, "previews/dataset_preview.jpg");
    json_t *out = json_pack(
        "{s:O, s:o, s:o, s:O, s:o, s:o, s:o}", "id",
        json_object_get(info, "id"), "path", json_text(path), "previews_path",
        json_text(previews), "media_dir", json_object_get(info, "media"),
        "thumbnail", json_text(thumbnail), "dataset_schema",
        read_part(path, "schema.json"), "feature_values",
        read_part(path, "features_values.json"));
    json_object_set_new(out, "info", strip_info(info));
    http_answer_json(res, 200, out);
    mem_free(previews);
    mem_free(thumbnail);
}

static akin_status get_dataset(api *a, const http_request *req,
                               http_response *res, akin_error *err)
{
    (void)err;
    return pixano_with(a, req, res, answer_dataset);
}

static void answer_count(api *a, const pixano *p, const http_request *req,
                         http_response *res)
{
    const char *name = http_param(req, "table");
    const json_t *table = dataset_json_find(p->tables, name);
    (void)a;
    if (table)
        http_answer_json(res, 200,
                         json_incref(json_object_get(table, "num_rows")));
    else
        http_problem(res, 404, "Table %s not found in dataset", name);
}

static akin_status get_count(api *a, const http_request *req,
                             http_response *res, akin_error *err)
{
    (void)err;
    return pixano_with(a, req, res, answer_count);
}

/* ---- rows --------------------------------------------------------------- */

typedef struct row_query {
    akin_dataset_get_options options;
    const char **ids, **item_ids; /* owned */
} row_query;

static void row_query_clear(row_query *q)
{
    mem_free(q->ids);
    mem_free(q->item_ids);
}

/* Pixano takes any number for limit and skip and tells the wrong ones so. */
static akin_status read_row_query(const http_request *req, row_query *q,
                                  akin_error *err)
{
    int64_t limit = route_integer(req, "limit", 0);
    int64_t skip = route_integer(req, "skip", 0);
    *q = (row_query){.options = {.limit = (size_t)limit, .skip = (size_t)skip,
                                 .where = http_query(req, "where")}};
    if ((http_query(req, "limit") && limit < 1) || skip < 0)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "limit and skip must be positive integers");
    AKIN_TRY(route_texts(req, "ids", &q->ids, &q->options.n_ids, err));
    AKIN_TRY(route_texts(req, "item_ids", &q->item_ids,
                         &q->options.n_item_ids, err));
    q->options.ids = q->ids;
    q->options.item_ids = q->item_ids;
    return AKIN_OK;
}

/* Without a limit all rows are meant: one more than an answer may have tells
 * whether they are too many. */
static akin_status get_bounded(const api *a, akin_dataset *ds,
                               const char *table, akin_dataset_get_options *opt,
                               akin_rows **out, akin_error *err)
{
    size_t max = a->options.limits.rows;
    if (opt->limit == 0 && opt->n_ids == 0) opt->limit = max + 1;
    AKIN_TRY(akin_dataset_get(ds, table, opt, out, err));
    if (akin_rows_count(*out) <= max) return AKIN_OK;
    akin_rows_free(*out);
    *out = NULL;
    return AKIN_FAIL(err, AKIN_ELIMIT,
                     "an answer has at most %zu rows; ask with limit and skip",
                     max);
}

static void answer_models(const akin_rows *rows, const json_t *table, bool one,
                          http_response *res)
{
    json_t *out = json_array();
    if (one) {
        json_decref(out);
        http_answer_json(res, 200, dataset_json_model(rows, 0, table));
        return;
    }
    for (size_t i = 0; i < akin_rows_count(rows); i++)
        json_array_append_new(out, dataset_json_model(rows, i, table));
    http_answer_json(res, 200, out);
}

/* Rows of the table, or the one with the id of the path. */
static void answer_rows(api *a, const pixano *p, const http_request *req,
                        const char *name, http_response *res)
{
    const char *id = http_pairs_get(&req->params, "id");
    akin_error err = {0};
    akin_rows *rows = NULL;
    row_query q = {0};
    akin_status status = AKIN_OK;
    if (id)
        q.options = (akin_dataset_get_options){.ids = &id, .n_ids = 1};
    else
        status = read_row_query(req, &q, &err);
    if (status == AKIN_OK)
        status = get_bounded(a, p->entry->dataset, name, &q.options, &rows,
                             &err);
    if (status != AKIN_OK)
        pixano_tell_rows(res, &err);
    else if (akin_rows_count(rows) == 0)
        pixano_tell_none(res, p->entry->id, name);
    else
        answer_models(rows, dataset_json_find(p->tables, name), id, res);
    akin_rows_free(rows);
    row_query_clear(&q);
}

static void answer_items(api *a, const pixano *p, const http_request *req,
                         http_response *res)
{
    answer_rows(a, p, req, "item", res);
}

static akin_status get_items(api *a, const http_request *req,
                             http_response *res, akin_error *err)
{
    (void)err;
    return pixano_with(a, req, res, answer_items);
}

static void answer_group(api *a, const pixano *p, const http_request *req,
                         const char *group, http_response *res)
{
    const char *name = http_param(req, "table");
    const json_t *table = dataset_json_find(p->tables, name);
    if (table && dataset_json_is_in(table, group))
        answer_rows(a, p, req, name, res);
    else
        http_problem(res, 404, "Table %s is not in the %s group table.", name,
                     group);
}

static void answer_views(api *a, const pixano *p, const http_request *req,
                         http_response *res)
{
    answer_group(a, p, req, "views", res);
}

static akin_status get_views(api *a, const http_request *req,
                             http_response *res, akin_error *err)
{
    (void)err;
    return pixano_with(a, req, res, answer_views);
}

static void answer_embeddings(api *a, const pixano *p, const http_request *req,
                              http_response *res)
{
    answer_group(a, p, req, "embeddings", res);
}

static akin_status get_embeddings(api *a, const http_request *req,
                                  http_response *res, akin_error *err)
{
    (void)err;
    return pixano_with(a, req, res, answer_embeddings);
}

/* ---- items' counts ------------------------------------------------------ */

/* {GROUP: {TABLE: {"count": 0}}} */
static json_t *empty_counts(const json_t *tables)
{
    json_t *out = json_object(), *table;
    size_t i;
    json_array_foreach(tables, i, table) {
        const char *group = "", *name = "";
        json_get_text(table, "group", &group);
        json_get_text(table, "name", &name);
        json_t *of_group = json_object_get(out, group);
        if (!of_group) {
            of_group = json_object();
            json_object_set_new(out, group, of_group);
        }
        json_object_set_new(of_group, name, json_pack("{s:i}", "count", 0));
    }
    return out;
}

static void count_one(json_t *by_item, const char *item, const char *table)
{
    json_t *info = json_object_get(json_object_get(by_item, item), "info");
    json_t *count =
        json_object_get(json_object_get(info, "views"), table);
    json_t *n = json_object_get(count, "count");
    if (n) json_integer_set(n, json_integer_value(n) + 1);
}

/* Adds the views of table to their items' counts. */
static akin_status count_views(const pixano *p, const char *table,
                               const char *const *ids, size_t n_ids,
                               json_t *by_item, akin_error *err)
{
    akin_dataset_get_options opt = {.item_ids = ids, .n_item_ids = n_ids};
    akin_rows *rows = NULL;
    size_t n;
    AKIN_TRY(akin_dataset_get(p->entry->dataset, table, &opt, &rows, err));
    const akin_column *columns = akin_rows_columns(rows, &n);
    for (size_t i = 0; i < akin_rows_count(rows); i++)
        for (size_t c = 0; c < n; c++)
            if (strcmp(columns[c].name, "item_ref") == 0)
                count_one(by_item, akin_rows_at(rows, i)[c].text, table);
    akin_rows_free(rows);
    return AKIN_OK;
}

static akin_status count_all_views(const pixano *p, json_t *by_item,
                                   akin_error *err)
{
    const char **ids, *id, *name = "";
    size_t n = 0, i;
    json_t *item, *table;
    akin_status status = AKIN_OK;
    AKIN_TRY(mem_new_array(json_object_size(by_item), sizeof *ids, "items",
                           (void **)&ids, err));
    json_object_foreach(by_item, id, item) ids[n++] = id;
    json_array_foreach(p->tables, i, table) {
        if (status != AKIN_OK || !dataset_json_is_in(table, "views")) continue;
        json_get_text(table, "name", &name);
        status = count_views(p, name, ids, n, by_item, err);
    }
    mem_free(ids);
    return status;
}

static void answer_items_info(api *a, const pixano *p, const http_request *req,
                              http_response *res)
{
    akin_error err = {0};
    json_t *items = NULL, *by_item, *item;
    size_t i;
    bool one = http_pairs_get(&req->params, "id") != NULL;
    answer_rows(a, p, req, "item", res);
    if (res->status != 200 ||
        json_parse(res->bytes, res->n_bytes, "items", &items, &err) != AKIN_OK)
        return;
    if (one) items = json_pack("[o]", items);
    by_item = json_object();
    json_array_foreach(items, i, item) {
        const char *id = "";
        json_get_text(item, "id", &id);
        json_object_set_new(item, "info", empty_counts(p->tables));
        json_object_set(by_item, id, item);
    }
    if (count_all_views(p, by_item, &err) != AKIN_OK)
        pixano_tell_rows(res, &err);
    else
        http_answer_json(res, 200,
                         json_incref(one ? json_array_get(items, 0) : items));
    json_decref(by_item);
    json_decref(items);
}

static akin_status get_items_info(api *a, const http_request *req,
                                  http_response *res, akin_error *err)
{
    (void)err;
    return pixano_with(a, req, res, answer_items_info);
}

/* ---- deleting ----------------------------------------------------------- */

static akin_status remove_ids(api *a, const char *path, const char *const *ids,
                              size_t n, akin_error *err)
{
    akin_dataset_options opt = {.write = true, .models = a->options.models};
    akin_dataset *ds;
    AKIN_TRY(akin_dataset_open(path, &opt, &ds, err));
    akin_status status = akin_dataset_remove_items(ds, ids, n, NULL, err);
    akin_dataset_close(ds);
    library_changed(a->library, path);
    return status;
}

static void delete_items_of(api *a, const pixano *p, const http_request *req,
                            http_response *res)
{
    const char *id = http_pairs_get(&req->params, "id"), **ids = NULL;
    akin_error err = {0};
    size_t n = 1;
    akin_status status =
        id ? AKIN_OK : route_texts(req, "ids", &ids, &n, &err);
    if (status == AKIN_OK)
        status = remove_ids(a, p->entry->path, id ? &id : ids, n, &err);
    mem_free(ids);
    if (status == AKIN_OK)
        http_answer_json(res, 200, json_null());
    else
        http_problem(res, err.code == AKIN_EBUSY ? 503 : 500,
                     "Internal server error. %s", err.text);
}

static akin_status delete_items(api *a, const http_request *req,
                                http_response *res, akin_error *err)
{
    (void)err;
    return pixano_with(a, req, res, delete_items_of);
}

/* ---- models ------------------------------------------------------------- */

static bool on_model(void *user, const akin_model_info *info,
                     const char *problem)
{
    if (!problem && text_equal(info->modality, "image"))
        json_array_append_new(user, json_text(info->name));
    return true;
}

static akin_status get_models(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    json_t *names = json_array();
    (void)req;
    akin_status status = akin_model_each(a->options.models, on_model, names,
                                         err);
    if (status == AKIN_OK) http_answer_json(res, 200, json_incref(names));
    json_decref(names);
    return status;
}

/* ---- the table ---------------------------------------------------------- */

static const route_value row_values[] = {
    {.name = "ids", .many = true, .about = "rows with these ids"},
    {.name = "limit", .kind = ROUTE_INTEGER, .about = "rows at most; all"},
    {.name = "skip", .kind = ROUTE_INTEGER, .about = "rows passed over; 0"},
    {.name = "where", .about = "an expression over the table's columns"},
    {.name = "item_ids", .many = true, .about = "rows of these items"},
    {.name = NULL},
};

static const route_value id_values[] = {
    {.name = "ids", .many = true, .required = true, .about = "of the items"},
    {.name = NULL},
};

const route api_pixano_routes[] = {
    {.method = HTTP_GET, .pattern = "/datasets/info", .handle = get_infos,
     .name = "pixano_get_infos", .about = "What each dataset is called."},
    {.method = HTTP_GET, .pattern = "/datasets/info/{dataset}",
     .handle = get_info, .name = "pixano_get_info",
     .about = "What a dataset is called."},
    {.method = HTTP_GET, .pattern = "/datasets/{dataset}",
     .handle = get_dataset, .name = "pixano_get_dataset",
     .about = "A dataset with its schema."},
    {.method = HTTP_GET, .pattern = "/datasets/{dataset}/{table}/count",
     .handle = get_count, .name = "pixano_get_count",
     .about = "The number of a table's rows."},
    {.method = HTTP_GET, .pattern = "/items/{dataset}", .handle = get_items,
     .name = "pixano_get_items", .values = row_values, .about = "Items."},
    {.method = HTTP_GET, .pattern = "/items/{dataset}/{id}",
     .handle = get_items, .name = "pixano_get_item", .about = "An item."},
    {.method = HTTP_DELETE, .pattern = "/items/{dataset}",
     .handle = delete_items, .name = "pixano_delete_items",
     .values = id_values, .about = "Deletes items with their views."},
    {.method = HTTP_DELETE, .pattern = "/items/{dataset}/{id}",
     .handle = delete_items, .name = "pixano_delete_item",
     .about = "Deletes an item with its views."},
    {.method = HTTP_GET, .pattern = "/items_info/{dataset}",
     .handle = get_items_info, .name = "pixano_get_items_info",
     .values = row_values, .about = "Items with the number of their views."},
    {.method = HTTP_GET, .pattern = "/items_info/{dataset}/{id}",
     .handle = get_items_info, .name = "pixano_get_item_info",
     .about = "An item with the number of its views."},
    {.method = HTTP_GET, .pattern = "/views/{dataset}/{table}",
     .handle = get_views, .name = "pixano_get_views", .values = row_values,
     .about = "Views of a table."},
    {.method = HTTP_GET, .pattern = "/views/{dataset}/{table}/{id}",
     .handle = get_views, .name = "pixano_get_view", .about = "A view."},
    {.method = HTTP_GET, .pattern = "/embeddings/{dataset}/{table}",
     .handle = get_embeddings, .name = "pixano_get_embeddings",
     .values = row_values, .about = "Embeddings of a table."},
    {.method = HTTP_GET, .pattern = "/embeddings/{dataset}/{table}/{id}",
     .handle = get_embeddings, .name = "pixano_get_embedding",
     .about = "An embedding."},
    {.method = HTTP_GET, .pattern = "/models", .handle = get_models,
     .name = "pixano_get_models", .about = "The names of the models here."},
    {.pattern = NULL},
};
