/* SPDX-License-Identifier: MIT
 * Pixano's explorer: a page of items, or of what a text finds among them, with
 * thumbnails; and the thumbnails. */
#define _GNU_SOURCE
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "server/dataset_json.h"
#include "server/http_parse.h"
#include "server/pixano.h"
#include "server/places.h"

#define DEFAULT_LIMIT 50
#define THUMB_SIZE 128
#define THUMB_MAX_SIZE 1024

/* What becomes the page. */
typedef struct browser {
    const pixano *p;
    const http_request *req;
    const char *query, *table; /* "" if none */
    int64_t limit, skip;       /* limit: what is left at most */
    int64_t asked, total;
    akin_rows *rows;        /* of the page's items, maybe of all */
    size_t first, n;        /* which of them are the page, without a search */
    akin_dataset_hits *hits; /* of a search */
    json_t *items;          /* {ID: row of rows} of a search */
    json_t *ids;            /* [all, in the answer's order] */
    json_t *page;           /* [ids of the page] */
} browser;

static void browser_clear(browser *b)
{
    akin_rows_free(b->rows);
    akin_dataset_hits_free(b->hits);
    json_decref(b->items);
    json_decref(b->ids);
    json_decref(b->page);
}

/* ---- which items -------------------------------------------------------- */

static size_t column_of(const akin_rows *rows, const char *name)
{
    size_t n, i = 0;
    const akin_column *columns = akin_rows_columns(rows, &n);
    while (i < n && strcmp(columns[i].name, name) != 0) i++;
    return i < n ? i : SIZE_MAX;
}

/* All items that `where` lets through, in order: their ids are in the answer, so
 * that the page is a part of them. */
static akin_status browse(browser *b, akin_error *err)
{
    const char *sort = http_query(b->req, "sortcol");
    akin_dataset_get_options opt = {
        .where = http_query(b->req, "where"),
        .sort = sort && *sort ? sort : NULL,
        .descending = text_equal(http_query(b->req, "order"), "desc")};
    if (b->limit < 1 || b->skip < 0)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "limit and skip must be positive integers");
    if (opt.where && !*opt.where) opt.where = NULL;
    AKIN_TRY(akin_dataset_get(b->p->entry->dataset, "item", &opt, &b->rows,
                              err));
    size_t n = akin_rows_count(b->rows), skip = (size_t)b->skip;
    for (size_t i = 0; i < n; i++)
        json_array_append_new(b->ids,
                              json_text(akin_rows_at(b->rows, i)[0].text));
    b->first = skip < n ? skip : n;
    b->n = n - b->first < (size_t)b->limit ? n - b->first : (size_t)b->limit;
    for (size_t i = b->first; i < b->first + b->n; i++)
        json_array_append_new(b->page,
                              json_text(akin_rows_at(b->rows, i)[0].text));
    return AKIN_OK;
}

static akin_status check_search(const browser *b, akin_error *err)
{
    const json_t *table = dataset_json_find(b->p->tables, b->table);
    if (b->limit < 1)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "limit must be a strictly positive integer.");
    if (b->skip < 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "skip must be a positive integer.");
    if (!table)
        return AKIN_FAIL(err, AKIN_EUSAGE, "Table %s not found in dataset %s.",
                         b->table, b->p->entry->id);
    if (!dataset_json_is_in(table, "embeddings"))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "Table %s is not a view embedding table.", b->table);
    return AKIN_OK;
}

/* The rows of the items that were found. */
static akin_status get_found(browser *b, akin_error *err)
{
    size_t n = akin_dataset_hits_count(b->hits);
    const char **ids;
    AKIN_TRY(mem_new_array(n, sizeof *ids, "hits", (void **)&ids, err));
    for (size_t i = 0; i < n; i++) {
        ids[i] = akin_dataset_hits_at(b->hits, i)->item_id;
        json_array_append_new(b->page, json_text(ids[i]));
    }
    akin_dataset_get_options opt = {.ids = ids, .n_ids = n};
    akin_status status = n == 0 ? AKIN_OK
                                : akin_dataset_get(b->p->entry->dataset, "item",
                                                   &opt, &b->rows, err);
    mem_free(ids);
    AKIN_TRY(status);
    for (size_t i = 0; b->rows && i < akin_rows_count(b->rows); i++)
        json_object_set_new(b->items, akin_rows_at(b->rows, i)[0].text,
                            json_integer((json_int_t)i));
    return AKIN_OK;
}

static akin_status find(browser *b, akin_error *err)
{
    akin_dataset_term term = {.text = b->query};
    akin_dataset_hits_info info = {0};
    AKIN_TRY(check_search(b, err));
    akin_dataset_search_options opt = {.limit = (size_t)b->limit,
                                       .skip = (size_t)b->skip,
                                       .all_ids = true};
    AKIN_TRY(akin_dataset_search(b->p->entry->dataset, b->table, &term, 1, &opt,
                                 &b->hits, err));
    akin_dataset_hits_get_info(b->hits, &info);
    for (size_t i = 0; i < info.n_item_ids; i++)
        json_array_append_new(b->ids, json_text(info.item_ids[i]));
    return get_found(b, err);
}

/* Row i of the page among rows; SIZE_MAX: it was removed meanwhile. */
static size_t row_of(const browser *b, size_t i)
{
    if (!b->hits) return b->first + i;
    const json_t *row = json_object_get(
        b->items, json_string_value(json_array_get(b->page, i)));
    return row ? (size_t)json_integer_value(row) : SIZE_MAX;
}

/* ---- thumbnails --------------------------------------------------------- */

/* The address under which get_thumbnail finds an image: dataset and url, so that
 * no path of this machine is told. */
static json_t *thumbnail_address(const browser *b, const char *url)
{
    char *place = text_format("%s/%s", b->p->entry->id, url);
    char *code = place ? http_to_base64(place, strlen(place)) : NULL;
    char *text = code ? text_format("http://%s/thumbnail/%s",
                                    http_header(b->req, "Host"), code)
                      : NULL;
    json_t *out = json_text(text ? text : "");
    mem_free(text);
    mem_free(code);
    mem_free(place);
    return out;
}

/* The cell of a view, "" where its file is not there. */
static json_t *view_cell(const browser *b, const akin_value *row, size_t url)
{
    char *path = NULL;
    akin_status status = akin_dataset_view_path(b->p->entry->dataset,
                                                row[0].text, &path, NULL);
    bool there = status == AKIN_OK && file_exists(path);
    akin_free(path);
    return there && row[url].text ? thumbnail_address(b, row[url].text)
                                  : json_string("");
}

/* Puts each item's first view of this table into its row of out. */
static akin_status put_views(const browser *b, const char *table, json_t *out,
                             akin_error *err)
{
    size_t n = json_array_size(out);
    const char **ids;
    akin_rows *views = NULL;
    AKIN_TRY(mem_new_array(n, sizeof *ids, "items", (void **)&ids, err));
    for (size_t i = 0; i < n; i++)
        ids[i] = json_string_value(
            json_object_get(json_array_get(out, i), "id"));
    akin_dataset_get_options opt = {.item_ids = ids, .n_item_ids = n};
    akin_status status = akin_dataset_get(b->p->entry->dataset, table, &opt,
                                          &views, err);
    json_t *cells = json_object();
    size_t item = views ? column_of(views, "item_ref") : SIZE_MAX;
    size_t url = views ? column_of(views, "url") : SIZE_MAX;
    if (item != SIZE_MAX && url != SIZE_MAX)
        for (size_t i = 0; i < akin_rows_count(views); i++) {
            const akin_value *row = akin_rows_at(views, i);
            if (!row[item].text || json_object_get(cells, row[item].text))
                continue;
            json_object_set_new(cells, row[item].text, view_cell(b, row, url));
        }
    for (size_t i = 0; status == AKIN_OK && i < n; i++) {
        json_t *cell = json_object_get(cells, ids[i]);
        if (cell) json_object_set(json_array_get(out, i), table, cell);
    }
    json_decref(cells);
    akin_rows_free(views);
    mem_free(ids);
    return status;
}

/* ---- the page ----------------------------------------------------------- */

static void add_column(json_t *columns, const char *name, const char *type)
{
    json_array_append_new(columns, json_pack("{s:o, s:s}", "name",
                                             json_text(name), "type", type));
}

static json_t *make_rows(const browser *b)
{
    json_t *out = json_array();
    for (size_t i = 0; i < json_array_size(b->page); i++) {
        size_t at = row_of(b, i);
        if (at == SIZE_MAX) continue;
        json_t *row = dataset_json_row(b->rows, at, false);
        if (b->hits)
            json_object_set_new(
                row, "distance",
                json_real((double)akin_dataset_hits_at(b->hits, i)->distance));
        json_array_append_new(out, row);
    }
    return out;
}

/* View tables first, then the item's fields, then the distance. */
static akin_status make_table(const browser *b, json_t **out, akin_error *err)
{
    json_t *columns = json_array(), *rows = make_rows(b), *table;
    akin_status status = AKIN_OK;
    size_t i, n = 0;
    json_array_foreach(b->p->tables, i, table) {
        const char *name = "";
        if (!dataset_json_is_in(table, "views") || status != AKIN_OK) continue;
        json_get_text(table, "name", &name);
        add_column(columns, name, "image");
        status = put_views(b, name, rows, err);
    }
    const akin_column *fields = akin_rows_columns(b->rows, &n);
    for (i = 0; i < n; i++)
        add_column(columns, fields[i].name, dataset_json_type(fields[i].kind));
    if (b->hits) add_column(columns, "distance", "float");
    *out = json_pack("{s:o, s:o}", "columns", columns, "rows", rows);
    if (status == AKIN_OK) return AKIN_OK;
    json_decref(*out);
    return status;
}

static json_t *embedding_tables(const json_t *tables)
{
    json_t *out = json_array(), *table;
    size_t i;
    json_array_foreach(tables, i, table)
        if (dataset_json_is_in(table, "embeddings"))
            json_array_append(out, json_object_get(table, "name"));
    return out;
}

static void answer_embedding_tables(api *a, const pixano *p,
                                    const http_request *req,
                                    http_response *res)
{
    (void)a, (void)req;
    http_answer_json(res, 200, embedding_tables(p->tables));
}

static akin_status get_embedding_tables(api *a, const http_request *req,
                                        http_response *res, akin_error *err)
{
    (void)err;
    return pixano_with(a, req, res, answer_embedding_tables);
}

static void answer_page(const browser *b, const json_t *info,
                        http_response *res)
{
    akin_error err = {0};
    json_t *table;
    if (make_table(b, &table, &err) != AKIN_OK) {
        pixano_tell_rows(res, &err);
        return;
    }
    http_answer_json(
        res, 200,
        json_pack("{s:O, s:O, s:o, s:{s:I, s:I, s:I}, s:o, s:O}", "id",
                  json_object_get(info, "id"), "name",
                  json_object_get(info, "name"), "table_data", table,
                  "pagination", "current_page", (json_int_t)b->skip,
                  "page_size", (json_int_t)b->asked, "total_size",
                  (json_int_t)b->total, "semantic_search",
                  embedding_tables(b->p->tables), "item_ids", b->ids));
}

/* An error of the search itself is told in its own words, as Pixano does. */
static void tell_search(http_response *res, const akin_error *err)
{
    bool asked = err->code == AKIN_EUSAGE || err->code == AKIN_ENOTFOUND ||
                 err->code == AKIN_EMODEL;
    http_problem(res, asked ? 400 : 500, "%s%s",
                 asked ? "" : "Internal server error. ", err->text);
}

static void browse_or_find(browser *b, const json_t *info, http_response *res)
{
    akin_error err = {0};
    bool searching = *b->query != 0;
    if (searching != (*b->table != 0)) {
        http_problem(res, 400, "Both query and model_name should be provided "
                               "for semantic search.");
        return;
    }
    akin_status status = searching ? find(b, &err) : browse(b, &err);
    if (status != AKIN_OK && searching)
        tell_search(res, &err);
    else if (status != AKIN_OK)
        pixano_tell_rows(res, &err);
    else if (json_array_size(b->page) == 0 || !b->rows)
        pixano_tell_none(res, b->p->entry->id, "item");
    else
        answer_page(b, info, res);
}

static void answer_browser(api *a, const pixano *p, const http_request *req,
                           http_response *res)
{
    akin_error err = {0};
    json_t *info;
    const char *query = http_query(req, "query");
    const char *table = http_query(req, "embedding_table");
    browser b = {.p = p, .req = req, .query = query ? query : "",
                 .table = table ? table : "",
                 .asked = route_integer(req, "limit", DEFAULT_LIMIT),
                 .skip = route_integer(req, "skip", 0),
                 .items = json_object(), .ids = json_array(),
                 .page = json_array()};
    if (library_info(a->library, p->entry, &info, &err) == AKIN_OK) {
        json_get_int64(info, "num_items", &b.total);
        int64_t left = b.skip > 0 ? b.total - b.skip : b.total;
        int64_t max = (int64_t)a->options.limits.rows;
        b.limit = b.asked < left ? b.asked : left;
        if (b.limit > max) b.limit = max;
        browse_or_find(&b, info, res);
        json_decref(info);
    } else {
        pixano_tell_rows(res, &err);
    }
    browser_clear(&b);
}

static akin_status get_browser(api *a, const http_request *req,
                               http_response *res, akin_error *err)
{
    (void)err;
    return pixano_with(a, req, res, answer_browser);
}

static void answer_item_ids(api *a, const pixano *p, const http_request *req,
                            http_response *res)
{
    akin_error err = {0};
    akin_rows *rows = NULL;
    json_t *out = json_array();
    (void)a, (void)req;
    akin_status status =
        akin_dataset_get(p->entry->dataset, "item", NULL, &rows, &err);
    for (size_t i = 0; status == AKIN_OK && i < akin_rows_count(rows); i++)
        json_array_append_new(out, json_text(akin_rows_at(rows, i)[0].text));
    if (status != AKIN_OK)
        pixano_tell_rows(res, &err);
    else if (json_array_size(out) == 0)
        pixano_tell_none(res, p->entry->id, "item");
    else
        http_answer_json(res, 200, json_incref(out));
    json_decref(out);
    akin_rows_free(rows);
}

static akin_status get_item_ids(api *a, const http_request *req,
                                http_response *res, akin_error *err)
{
    (void)err;
    return pixano_with(a, req, res, answer_item_ids);
}

/* ---- thumbnails by address ---------------------------------------------- */

typedef struct image_search {
    library *lib;
    const char *place; /* what the address says */
    char *path;        /* owned */
} image_search;

/* "ID/URL" of this dataset, or an url that any dataset may have; inside its
 * media folder, both. */
static bool look_in(void *user, const char *path, library_entry *entry,
                    const char *problem)
{
    image_search *search = user;
    json_t *info = NULL;
    const char *media = "", *place = search->place;
    size_t n = entry ? strlen(entry->id) : 0;
    (void)path, (void)problem;
    if (!entry || library_info(search->lib, entry, &info, NULL) != AKIN_OK)
        return true;
    json_get_text(info, "media", &media);
    akin_status status = AKIN_ENOTFOUND;
    if (strncmp(place, entry->id, n) == 0 && place[n] == '/')
        status = places_find(media, place + n + 1, &search->path, NULL);
    if (status != AKIN_OK)
        status = places_find(media, place, &search->path, NULL);
    json_decref(info);
    return status != AKIN_OK;
}

/* The dataset that the address begins with is asked first. */
static akin_status find_image(api *a, image_search *search, akin_error *err)
{
    size_t n = strcspn(search->place, "/");
    char *id = text_format("%.*s", (int)n, search->place);
    library_entry *entry;
    if (id && library_get(a->library, id, &entry, NULL) == AKIN_OK) {
        look_in(search, entry->path, entry, NULL);
        library_put(a->library, entry);
    }
    mem_free(id);
    if (search->path) return AKIN_OK;
    return library_each(a->library, look_in, search, err);
}

static akin_status get_thumbnail(api *a, const http_request *req,
                                 http_response *res, akin_error *err)
{
    const char *code = http_param(req, "image");
    int64_t size = route_integer(req, "max_size", THUMB_SIZE);
    char *place = NULL;
    size_t n;
    if (http_parse_base64(code, strlen(code), &place, &n, NULL) != AKIN_OK ||
        !text_is_utf8(place, n)) {
        mem_free(place);
        http_problem(res, 400, "Unable to decode the image path.");
        return AKIN_OK;
    }
    image_search search = {.lib = a->library, .place = place};
    akin_status status = find_image(a, &search, err);
    if (size > THUMB_MAX_SIZE) size = THUMB_MAX_SIZE;
    if (status == AKIN_OK && search.path)
        status = thumbs_answer(a->thumbs, search.path, 0, (uint32_t)size, req,
                               res, err);
    if (status != AKIN_OK || !search.path)
        http_problem(res, 404, "Requested image cannot be found.");
    mem_free(search.path);
    mem_free(place);
    return AKIN_OK;
}

/* ---- the table ---------------------------------------------------------- */

static const route_value browser_values[] = {
    {.name = "limit", .kind = ROUTE_INTEGER, .about = "items at most; 50"},
    {.name = "skip", .kind = ROUTE_INTEGER, .about = "items passed over; 0"},
    {.name = "query", .about = "a text to search by"},
    {.name = "embedding_table", .about = "the table to search with it"},
    {.name = "where", .about = "an expression over item's columns; ignored by "
                               "a search"},
    {.name = "sortcol", .about = "a column; ignored by a search"},
    {.name = "order", .about = "desc or asc"},
    {.name = NULL},
};

static const route_value thumbnail_values[] = {
    {.name = "max_size", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = 65536, .about = "pixels of the longer side; 128"},
    {.name = NULL},
};

const route api_browser_routes[] = {
    {.method = HTTP_GET, .pattern = "/browser/item_ids/{dataset}",
     .handle = get_item_ids, .name = "pixano_get_item_ids",
     .about = "The ids of all items."},
    {.method = HTTP_GET, .pattern = "/browser/{dataset}",
     .handle = get_browser, .name = "pixano_get_browser",
     .values = browser_values,
     .about = "A page of items, or of what a text finds."},
    {.method = HTTP_GET, .pattern = "/embeddings/{dataset}",
     .handle = get_embedding_tables, .name = "pixano_get_embedding_tables",
     .about = "The names of the tables that can be searched."},
    {.method = HTTP_GET, .pattern = "/thumbnail/{image}",
     .handle = get_thumbnail, .name = "pixano_get_thumbnail",
     .type = "image/jpeg", .values = thumbnail_values,
     .about = "An image of a media folder in small."},
    {.pattern = NULL},
};
