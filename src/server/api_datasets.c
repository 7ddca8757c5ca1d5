/* SPDX-License-Identifier: MIT
 * /api/datasets: what there is, tables and their rows. */
#include <string.h>

#include "base/memory.h"
#include "server/api.h"
#include "server/dataset_json.h"

#define DEFAULT_ROWS 50

/* ---- datasets ----------------------------------------------------------- */

typedef struct dataset_listing {
    library *lib;
    json_t *out;
} dataset_listing;

static bool list_dataset(void *user, const char *path, library_entry *entry,
                         const char *problem)
{
    dataset_listing *listing = user;
    json_t *info = NULL;
    akin_error err = {0};
    if (entry && library_info(listing->lib, entry, &info, &err) != AKIN_OK)
        problem = err.text;
    if (!info) info = json_pack("{s:o}", "path", json_text(path));
    json_object_set_new(info, "problem", json_text(problem));
    json_array_append_new(listing->out, info);
    return true;
}

static akin_status list_datasets(api *a, const http_request *req,
                                 http_response *res, akin_error *err)
{
    dataset_listing listing = {a->library, json_array()};
    (void)req;
    akin_status status = library_each(a->library, list_dataset, &listing, err);
    if (status == AKIN_OK)
        http_answer_json(res, 200, json_pack("{s:s, s:O}", "root",
                                             library_root(a->library),
                                             "datasets", listing.out));
    json_decref(listing.out);
    return status;
}

/* What `work` answers about the dataset that the path names. */
typedef akin_status (*dataset_handler)(api *a, library_entry *entry,
                                       const http_request *req,
                                       http_response *res, akin_error *err);

static akin_status with_dataset(api *a, const http_request *req,
                                http_response *res, dataset_handler work,
                                akin_error *err)
{
    library_entry *entry;
    AKIN_TRY(library_get(a->library, http_param(req, "dataset"), &entry, err));
    akin_status status = work(a, entry, req, res, err);
    library_put(a->library, entry);
    return status;
}

static akin_status answer_dataset(api *a, library_entry *entry,
                                  const http_request *req, http_response *res,
                                  akin_error *err)
{
    json_t *info = NULL, *tables = NULL;
    (void)req;
    AKIN_TRY(library_info(a->library, entry, &info, err));
    akin_status status = dataset_json_tables(entry->dataset, &tables, err);
    if (status == AKIN_OK) {
        json_object_set_new(info, "tables", tables);
        http_answer_json(res, 200, json_incref(info));
    }
    json_decref(info);
    return status;
}

static akin_status get_dataset(api *a, const http_request *req,
                               http_response *res, akin_error *err)
{
    return with_dataset(a, req, res, answer_dataset, err);
}

static akin_status answer_tables(api *a, library_entry *entry,
                                 const http_request *req, http_response *res,
                                 akin_error *err)
{
    json_t *tables;
    (void)a, (void)req;
    AKIN_TRY(dataset_json_tables(entry->dataset, &tables, err));
    http_answer_json(res, 200, json_pack("{s:o}", "tables", tables));
    return AKIN_OK;
}

static akin_status get_tables(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    return with_dataset(a, req, res, answer_tables, err);
}

/* ---- rows --------------------------------------------------------------- */

typedef struct row_query {
    akin_dataset_get_options options;
    const char **ids, **item_ids; /* owned */
} row_query;

static akin_status read_row_query(const http_request *req, row_query *q,
                                  akin_error *err)
{
    *q = (row_query){
        .options = {.limit = (size_t)route_integer(req, "limit", DEFAULT_ROWS),
                    .skip = (size_t)route_integer(req, "skip", 0),
                    .where = http_query(req, "where"),
                    .sort = http_query(req, "sort"),
                    .descending = route_flag(req, "descending", false)}};
    AKIN_TRY(route_texts(req, "ids", &q->ids, &q->options.n_ids, err));
    AKIN_TRY(route_texts(req, "item_ids", &q->item_ids,
                         &q->options.n_item_ids, err));
    q->options.ids = q->ids;
    q->options.item_ids = q->item_ids;
    if (q->ids && !http_query(req, "limit")) q->options.limit = 0;
    return AKIN_OK;
}

static json_t *rows_json(const akin_rows *rows, bool vectors)
{
    json_t *out = json_array();
    for (size_t i = 0; i < akin_rows_count(rows); i++)
        json_array_append_new(out, dataset_json_row(rows, i, vectors));
    return out;
}

static json_t *total_json(const akin_rows *rows)
{
    size_t n = akin_rows_total(rows);
    return n == SIZE_MAX ? json_null() : json_integer((json_int_t)n);
}

static akin_status answer_rows(api *a, library_entry *entry,
                               const http_request *req, http_response *res,
                               akin_error *err)
{
    row_query q;
    akin_rows *rows = NULL;
    akin_status status = read_row_query(req, &q, err);
    if (status == AKIN_OK && q.options.limit > a->options.limits.rows)
        status = AKIN_FAIL(err, AKIN_ELIMIT,
                           "an answer has at most %zu rows, not %zu",
                           a->options.limits.rows, q.options.limit);
    if (status == AKIN_OK)
        status = akin_dataset_get(entry->dataset, http_param(req, "table"),
                                  &q.options, &rows, err);
    if (status == AKIN_OK)
        http_answer_json(
            res, 200,
            json_pack("{s:I, s:I, s:o, s:o}", "limit",
                      (json_int_t)q.options.limit, "skip",
                      (json_int_t)q.options.skip, "total", total_json(rows),
                      "rows",
                      rows_json(rows, route_flag(req, "vectors", false))));
    akin_rows_free(rows);
    mem_free(q.ids);
    mem_free(q.item_ids);
    return status;
}

static akin_status get_rows(api *a, const http_request *req, http_response *res,
                            akin_error *err)
{
    return with_dataset(a, req, res, answer_rows, err);
}

/* ---- writing ------------------------------------------------------------ */

/* A handle of its own for what writes: it holds the dataset's lock only as long
 * as that takes. */
static akin_status open_writer(api *a, const char *path, akin_dataset **out,
                               akin_error *err)
{
    akin_dataset_options opt = {.write = true, .models = a->options.models,
                                .warn = a->options.warn,
                                .user = a->options.user};
    return akin_dataset_open(path, &opt, out, err);
}

/* As with_dataset, with entry's handle exchanged for a writing one. */
static akin_status with_writer(api *a, const http_request *req,
                               http_response *res, dataset_handler work,
                               akin_error *err)
{
    library_entry *entry, own;
    AKIN_TRY(library_get(a->library, http_param(req, "dataset"), &entry, err));
    own = *entry;
    akin_status status = open_writer(a, entry->path, &own.dataset, err);
    if (status == AKIN_OK) {
        status = work(a, &own, req, res, err);
        akin_dataset_close(own.dataset);
        library_changed(a->library, entry->path);
    }
    library_put(a->library, entry);
    return status;
}

static akin_status make_table(api *a, library_entry *entry,
                              const http_request *req, http_response *res,
                              akin_error *err)
{
    const char *name = body_text(req, "name");
    akin_dataset_table_options opt = {
        .model = body_text(req, "model"),
        .relation = body_text(req, "relation"),
        .overwrite = text_equal(body_text(req, "mode"), "overwrite"),
        .exist_ok = body_flag(req, "exist_ok", false)};
    json_t *tables;
    /* A folder's name would let a client open what it likes. */
    if (opt.model && strchr(opt.model, '/'))
        return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' is no model's name", opt.model);
    AKIN_TRY(akin_dataset_create_table(entry->dataset, name, &opt, err));
    AKIN_TRY(dataset_json_tables(entry->dataset, &tables, err));
    (void)a;
    http_answer_json(res, 201,
                     json_deep_copy(dataset_json_find(tables, name)));
    json_decref(tables);
    return AKIN_OK;
}

static akin_status create_table(api *a, const http_request *req,
                                http_response *res, akin_error *err)
{
    return with_writer(a, req, res, make_table, err);
}

static akin_status drop_table_of(api *a, library_entry *entry,
                                 const http_request *req, http_response *res,
                                 akin_error *err)
{
    (void)a;
    AKIN_TRY(akin_dataset_drop_table(entry->dataset, http_param(req, "table"),
                                     err));
    http_answer(res, 204);
    return AKIN_OK;
}

static akin_status drop_table(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    return with_writer(a, req, res, drop_table_of, err);
}

static akin_status remove_items_of(api *a, library_entry *entry,
                                   const http_request *req, http_response *res,
                                   akin_error *err)
{
    const char **ids;
    size_t n, n_removed = 0;
    (void)a;
    AKIN_TRY(body_texts(req, "ids", &ids, &n, err));
    akin_status status =
        akin_dataset_remove_items(entry->dataset, ids, n, &n_removed, err);
    mem_free(ids);
    if (status == AKIN_OK)
        http_answer_json(res, 200,
                         json_pack("{s:I}", "removed", (json_int_t)n_removed));
    return status;
}

static akin_status remove_items(api *a, const http_request *req,
                                http_response *res, akin_error *err)
{
    return with_writer(a, req, res, remove_items_of, err);
}

/* ---- the table ---------------------------------------------------------- */

static const route_value row_values[] = {
    {.name = "ids", .many = true, .about = "rows with these ids"},
    {.name = "item_ids", .many = true, .about = "rows of these items"},
    {.name = "where", .about = "an expression over the table's columns"},
    {.name = "sort", .about = "a column; as the rows came if none is given"},
    {.name = "descending", .kind = ROUTE_FLAG, .about = "sorted downwards"},
    {.name = "limit", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = 1e6, .about = "rows at most; 50"},
    {.name = "skip", .kind = ROUTE_INTEGER, .bounded = true, .max = 1e12,
     .about = "rows passed over; 0"},
    {.name = "vectors", .kind = ROUTE_FLAG,
     .about = "with the vectors of an embedding table"},
    {.name = NULL},
};

static const char *const modes[] = {"create", "overwrite", NULL};

static const route_value table_fields[] = {
    {.name = "name", .required = true, .about = "of the new table"},
    {.name = "model", .about = "the name of a model that is here; tint"},
    {.name = "relation", .about = "to item; one_to_one"},
    {.name = "mode", .choices = modes,
     .about = "overwrite: a table of this name goes first; create"},
    {.name = "exist_ok", .kind = ROUTE_FLAG,
     .about = "one that is there, of this model, stays as it is"},
    {.name = NULL},
};

static const route_value remove_fields[] = {
    {.name = "ids", .many = true, .required = true, .about = "of the items"},
    {.name = NULL},
};

const route api_dataset_routes[] = {
    {.method = HTTP_GET, .pattern = "/api/datasets", .handle = list_datasets,
     .name = "list_datasets", .about = "The datasets that are here."},
    {.method = HTTP_GET, .pattern = "/api/datasets/{dataset}",
     .handle = get_dataset, .name = "get_dataset",
     .about = "A dataset with its tables."},
    {.method = HTTP_GET, .pattern = "/api/datasets/{dataset}/tables",
     .handle = get_tables, .name = "get_tables",
     .about = "Its tables: columns, numbers of rows, models, states."},
    {.method = HTTP_POST, .pattern = "/api/datasets/{dataset}/tables",
     .handle = create_table, .name = "create_table", .fields = table_fields,
     .status = 201, .about = "Makes an empty embedding table."},
    {.method = HTTP_DELETE, .pattern = "/api/datasets/{dataset}/tables/{table}",
     .handle = drop_table, .name = "drop_table", .status = 204,
     .about = "Takes an embedding table away."},
    {.method = HTTP_GET,
     .pattern = "/api/datasets/{dataset}/tables/{table}/rows",
     .handle = get_rows, .name = "get_rows", .values = row_values,
     .about = "Rows of a table."},
    {.method = HTTP_POST, .pattern = "/api/datasets/{dataset}/remove_items",
     .handle = remove_items, .name = "remove_items", .fields = remove_fields,
     .about = "Removes items with their views and embeddings."},
    {.pattern = NULL},
};
