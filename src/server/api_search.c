/* SPDX-License-Identifier: MIT
 * /api/datasets/{dataset}/search: by texts, pictures, views, items, vectors and
 * weighted sums of them. A GET becomes the body that a POST would have. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "server/api.h"
#include "server/dataset_json.h"
#include "server/http_parse.h"

#define MAX_TERMS 16
#define MAX_DIM 65536
#define DEFAULT_LIMIT 20
#define QUERY_IMAGE "the query's image"

/* Where a term keeps what the library is given. */
typedef struct search_term {
    int fd;         /* of a picture in memory; -1 */
    char path[32];  /* by which the library opens it */
    float *vector;  /* owned */
} search_term;

typedef struct search {
    akin_dataset_term terms[MAX_TERMS];
    search_term kept[MAX_TERMS];
    size_t n_terms;
    akin_dataset_search_options options;
    char *table; /* owned */
} search;

static void search_clear(search *s)
{
    for (size_t i = 0; i < s->n_terms; i++) {
        if (s->kept[i].fd >= 0) close(s->kept[i].fd);
        mem_free(s->kept[i].vector);
    }
    mem_free(s->table);
    mem_free(s);
}

/* ---- terms -------------------------------------------------------------- */

static akin_status write_all(int fd, const char *data, size_t n,
                             akin_error *err)
{
    while (n > 0) {
        ssize_t m = write(fd, data, n);
        if (m <= 0)
            return AKIN_FAIL(err, AKIN_EIO, "%s cannot be kept", QUERY_IMAGE);
        data += m;
        n -= (size_t)m;
    }
    return AKIN_OK;
}

/* The library reads pictures from files; this one is a file without a place on
 * any disk, that goes when it is closed. */
static akin_status keep_picture(const char *data, size_t n, search_term *kept,
                                akin_dataset_term *term, akin_error *err)
{
    if (n == 0) return AKIN_FAIL(err, AKIN_EUSAGE, "%s is empty", QUERY_IMAGE);
    kept->fd = memfd_create("akin-query", MFD_CLOEXEC);
    if (kept->fd < 0)
        return AKIN_FAIL(err, AKIN_EIO, "%s cannot be kept", QUERY_IMAGE);
    AKIN_TRY(write_all(kept->fd, data, n, err));
    snprintf(kept->path, sizeof kept->path, "/proc/self/fd/%d", kept->fd);
    term->file = kept->path;
    return AKIN_OK;
}

/* Base64, or a whole data: address. */
static akin_status keep_base64(const char *text, search_term *kept,
                               akin_dataset_term *term, akin_error *err)
{
    const char *comma = text_starts_with(text, "data:") ? strchr(text, ',')
                                                        : NULL;
    char *bytes;
    size_t n;
    if (comma) text = comma + 1;
    if (http_parse_base64(text, strlen(text), &bytes, &n, NULL) != AKIN_OK)
        return AKIN_FAIL(err, AKIN_EUSAGE, "%s is no base64", QUERY_IMAGE);
    akin_status status = keep_picture(bytes, n, kept, term, err);
    mem_free(bytes);
    return status;
}

static akin_status keep_vector(const json_t *list, search_term *kept,
                               akin_dataset_term *term, akin_error *err)
{
    size_t n = json_array_size(list);
    if (!json_is_array(list) || n == 0 || n > MAX_DIM)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a vector is a list of 1 to %d numbers", MAX_DIM);
    AKIN_TRY(mem_new_array(n, sizeof *kept->vector, "a vector",
                           (void **)&kept->vector, err));
    for (size_t i = 0; i < n; i++) {
        const json_t *value = json_array_get(list, i);
        if (!json_is_number(value))
            return AKIN_FAIL(err, AKIN_EUSAGE, "a vector holds numbers only");
        kept->vector[i] = (float)json_number_value(value);
    }
    term->vector = kept->vector;
    term->dim = n;
    return AKIN_OK;
}

/* {text | image | view_id | item_id | vector, weight?}. The picture of a form is
 * meant where an entry has none of these. */
static akin_status read_term(const json_t *entry, const http_request *req,
                             search *s, akin_error *err)
{
    const char *image = NULL;
    double weight = 1;
    if (s->n_terms == MAX_TERMS)
        return AKIN_FAIL(err, AKIN_ELIMIT, "a search has at most %d terms",
                         MAX_TERMS);
    search_term *kept = &s->kept[s->n_terms];
    akin_dataset_term *term = &s->terms[s->n_terms++];
    const json_t *vector = json_object_get(entry, "vector");
    kept->fd = -1;
    if (json_object_get(entry, "weight") &&
        (!json_get_double(entry, "weight", &weight) || weight == 0))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the weight of a term is a number that is not 0");
    term->weight = (float)weight;
    if (json_get_text(entry, "text", &term->text) ||
        json_get_text(entry, "view_id", &term->view_id) ||
        json_get_text(entry, "item_id", &term->item_id))
        return AKIN_OK;
    if (json_get_text(entry, "image", &image))
        return keep_base64(image, kept, term, err);
    if (vector && !json_is_null(vector))
        return keep_vector(vector, kept, term, err);
    if (req->file) return keep_picture(req->file, req->n_file, kept, term, err);
    return AKIN_FAIL(err, AKIN_EUSAGE,
                     "a term needs a text, image, view_id, item_id or vector");
}

static bool asks_directly(const http_request *req)
{
    static const char *const names[] = {"text", "view_id", "item_id", "image",
                                        "vector"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *value = json_object_get(req->json, names[i]);
        if (value && !json_is_null(value)) return true;
    }
    return false;
}

/* A picture of a form is a term of its own unless the body asks otherwise. */
static akin_status read_terms(const http_request *req, search *s,
                              akin_error *err)
{
    const json_t *list = json_object_get(req->json, "terms"), *entry;
    size_t i;
    bool listed = json_array_size(list) > 0;
    json_array_foreach(list, i, entry) AKIN_TRY(read_term(entry, req, s, err));
    if (asks_directly(req) || (req->file && !listed))
        AKIN_TRY(read_term(req->json, req, s, err));
    if (s->n_terms > 0) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE, "nothing is asked for: a search needs a "
                                       "text, image, view_id, item_id, vector "
                                       "or terms");
}

/* ---- what is searched --------------------------------------------------- */

static bool asks_by_text(const search *s)
{
    for (size_t i = 0; i < s->n_terms; i++)
        if (s->terms[i].text) return true;
    return false;
}

/* The table that is named; else the first with embeddings whose model takes
 * what is asked for. */
static akin_status choose_table(akin_dataset *ds, const http_request *req,
                                search *s, akin_error *err)
{
    const char *name = body_text(req, "table");
    json_t *tables = NULL, *table;
    size_t i;
    if (!name) {
        AKIN_TRY(dataset_json_tables(ds, &tables, err));
        json_array_foreach(tables, i, table) {
            bool text = false;
            if (!dataset_json_is_in(table, "embeddings")) continue;
            json_get_bool(table, "text", &text);
            if (name && (!asks_by_text(s) || !text)) continue;
            json_get_text(table, "name", &name);
            if (text || !asks_by_text(s)) break;
        }
    }
    s->table = mem_strdup(name);
    json_decref(tables);
    if (s->table) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOTFOUND, "the dataset has no embedding table");
}

/* 0 means no bound to the library, so that a bound of 0 is a hair more. */
static double min_similarity(const http_request *req)
{
    double none = 0, bound = body_number(req, "min_similarity", none);
    if (json_object_get(req->json, "max_distance"))
        bound = 1 - body_number(req, "max_distance", 4) / 2;
    else if (!json_object_get(req->json, "min_similarity"))
        return none;
    return bound == 0 ? 1e-30 : bound;
}

static akin_status read_search(akin_dataset *ds, const http_request *req,
                               search *s, akin_error *err)
{
    AKIN_TRY(read_terms(req, s, err));
    s->options = (akin_dataset_search_options){
        .limit = (size_t)body_integer(req, "limit", DEFAULT_LIMIT),
        .skip = (size_t)body_integer(req, "skip", 0),
        .where = body_text(req, "where"),
        .view = body_text(req, "view"),
        .min_similarity = min_similarity(req),
        .all_ids = body_flag(req, "item_ids", false),
        .exact = body_flag(req, "exact", false)};
    return choose_table(ds, req, s, err);
}

/* ---- the answer --------------------------------------------------------- */

/* The rows of the hits' items by their ids. */
static akin_status get_items(akin_dataset *ds, const akin_dataset_hits *hits,
                             json_t **out, akin_error *err)
{
    size_t n = akin_dataset_hits_count(hits);
    const char **ids;
    akin_rows *rows = NULL;
    *out = json_object();
    if (n == 0) return AKIN_OK;
    AKIN_TRY(mem_new_array(n, sizeof *ids, "hits", (void **)&ids, err));
    for (size_t i = 0; i < n; i++)
        ids[i] = akin_dataset_hits_at(hits, i)->item_id;
    akin_dataset_get_options opt = {.ids = ids, .n_ids = n};
    akin_status status = akin_dataset_get(ds, "item", &opt, &rows, err);
    for (size_t i = 0; status == AKIN_OK && i < akin_rows_count(rows); i++)
        json_object_set_new(*out, akin_rows_at(rows, i)[0].text,
                            dataset_json_row(rows, i, false));
    akin_rows_free(rows);
    mem_free(ids);
    return status;
}

/* An item that was removed meanwhile has its id only. */
static json_t *hit_json(const akin_dataset_hit *hit, json_t *items)
{
    json_t *item = json_object_get(items, hit->item_id);
    item = item ? json_incref(item)
                : json_pack("{s:o}", "id", json_text(hit->item_id));
    return json_pack("{s:I, s:f, s:f, s:o, s:{s:o, s:o}, s:o}", "rank",
                     (json_int_t)hit->rank, "similarity",
                     (double)hit->similarity, "distance", (double)hit->distance,
                     "item", item, "view_ref", "name", json_text(hit->view),
                     "id", json_text(hit->view_id), "url", json_text(hit->url));
}

static json_t *ids_json(const akin_dataset_hits_info *info)
{
    json_t *out = json_array();
    for (size_t i = 0; i < info->n_item_ids; i++)
        json_array_append_new(out, json_text(info->item_ids[i]));
    return out;
}

static akin_status answer_hits(akin_dataset *ds, const search *s,
                               const akin_dataset_hits *hits,
                               http_response *res, akin_error *err)
{
    akin_dataset_hits_info info = {0};
    json_t *items = NULL, *results = json_array();
    akin_dataset_hits_get_info(hits, &info);
    akin_status status = get_items(ds, hits, &items, err);
    for (size_t i = 0; i < akin_dataset_hits_count(hits); i++)
        json_array_append_new(results,
                              hit_json(akin_dataset_hits_at(hits, i), items));
    json_decref(items);
    json_t *out = json_pack(
        "{s:s, s:o, s:s, s:f, s:I, s:I, s:I, s:I, s:o}", "table", s->table,
        "model", json_text(info.model), "mode", info.mode ? info.mode : "",
        "took_ms", info.took_ms, "total", (json_int_t)info.n_items,
        "total_matching", (json_int_t)info.n_matching, "limit",
        (json_int_t)s->options.limit, "skip", (json_int_t)s->options.skip,
        "results", results);
    if (s->options.all_ids)
        json_object_set_new(out, "item_ids", ids_json(&info));
    if (status == AKIN_OK)
        http_answer_json(res, 200, out);
    else
        json_decref(out);
    return status;
}

/* The name under which a picture is open here means nothing to the client. */
static void rename_picture(const search *s, const http_request *req,
                           akin_error *err)
{
    const char *name = req->file_name[0] ? req->file_name : QUERY_IMAGE;
    for (size_t i = 0; i < s->n_terms; i++) {
        const char *path = s->kept[i].path;
        char *at = path[0] ? strstr(err->text, path) : NULL;
        if (!at) continue;
        char *text = text_format("%.*s%s%s", (int)(at - err->text), err->text,
                                 name, at + strlen(path));
        if (text) snprintf(err->text, sizeof err->text, "%s", text);
        mem_free(text);
    }
}

static akin_status run_search(api *a, akin_dataset *ds, const http_request *req,
                              http_response *res, akin_error *err)
{
    akin_dataset_hits *hits = NULL;
    search *s;
    AKIN_TRY(mem_new_array(1, sizeof *s, "a search", (void **)&s, err));
    akin_status status = read_search(ds, req, s, err);
    if (status == AKIN_OK && s->options.limit > a->options.limits.rows)
        status = AKIN_FAIL(err, AKIN_ELIMIT,
                           "an answer has at most %zu rows, not %zu",
                           a->options.limits.rows, s->options.limit);
    if (status == AKIN_OK)
        status = akin_dataset_search(ds, s->table, s->terms, s->n_terms,
                                     &s->options, &hits, err);
    if (status == AKIN_OK)
        status = answer_hits(ds, s, hits, res, err);
    else
        rename_picture(s, req, err);
    akin_dataset_hits_free(hits);
    search_clear(s);
    return status;
}

static akin_status post_search(api *a, const http_request *req,
                               http_response *res, akin_error *err)
{
    library_entry *entry;
    AKIN_TRY(library_get(a->library, http_param(req, "dataset"), &entry, err));
    akin_status status = run_search(a, entry->dataset, req, res, err);
    library_put(a->library, entry);
    return status;
}

/* ---- GET ---------------------------------------------------------------- */

/* What a search takes in a query as well as in a body. */
#define SEARCH_VALUES \
    {.name = "table", \
     .about = "an embedding table; the first that can be asked so"}, \
    {.name = "where", .about = "an expression over item's columns"}, \
    {.name = "view", .about = "only views of this name"}, \
    {.name = "limit", .kind = ROUTE_INTEGER, .bounded = true, .min = 1, \
     .max = 1e6, .about = "items at most; 20"}, \
    {.name = "skip", .kind = ROUTE_INTEGER, .bounded = true, .max = 1e12, \
     .about = "items passed over; 0"}, \
    {.name = "min_similarity", .kind = ROUTE_NUMBER, .bounded = true, \
     .min = -1, .max = 1, .about = "cosine below which nothing is an answer"}, \
    {.name = "max_distance", .kind = ROUTE_NUMBER, .bounded = true, .max = 4, \
     .about = "squared distance above which nothing is an answer"}, \
    {.name = "item_ids", .kind = ROUTE_FLAG, \
     .about = "with the ids of all items that match, best first"}, \
    {.name = "exact", .kind = ROUTE_FLAG, \
     .about = "score all, though there is a graph"}

static const route_value query_values[] = {
    {.name = "q", .about = "a text"},
    {.name = "view_id", .about = "a view to find the like of"},
    {.name = "item_id", .about = "an item to find the like of"},
    SEARCH_VALUES,
    {.name = NULL},
};

/* The query's values under the names that they have in a body; their kinds were
 * checked. */
static json_t *query_as_body(const http_request *req)
{
    json_t *body = json_object();
    for (const route_value *v = query_values; v->name; v++) {
        const char *text = http_query(req, v->name);
        double number = 0;
        if (!text) continue;
        const char *name = strcmp(v->name, "q") == 0 ? "text" : v->name;
        json_t *value = v->kind == ROUTE_FLAG
                            ? json_boolean(route_flag(req, v->name, false))
                        : v->kind == ROUTE_INTEGER
                            ? json_integer(route_integer(req, v->name, 0))
                        : v->kind == ROUTE_NUMBER &&
                                text_to_double(text, &number)
                            ? json_real(number)
                            : json_text(text);
        json_object_set_new(body, name, value);
    }
    return body;
}

static akin_status get_search(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    http_request as_post = {.params = req->params,
                            .json = query_as_body(req)};
    akin_status status = post_search(a, &as_post, res, err);
    json_decref(as_post.json);
    return status;
}

/* ---- the table ---------------------------------------------------------- */

static const route_value search_fields[] = {
    {.name = "text", .about = "for a model that takes texts"},
    {.name = "image", .kind = ROUTE_FILE, .about = "a picture"},
    {.name = "view_id", .about = "a view to find the like of"},
    {.name = "item_id", .about = "an item to find the like of"},
    {.name = "vector", .kind = ROUTE_NUMBER, .many = true,
     .about = "a vector of the model"},
    {.name = "terms", .kind = ROUTE_LIST,
     .about = "objects, each with one of the above and a weight, which is "
              "negative for what is to be unlike"},
    SEARCH_VALUES,
    {.name = NULL},
};

const route api_search_routes[] = {
    {.method = HTTP_POST, .pattern = "/api/datasets/{dataset}/search",
     .handle = post_search, .name = "search", .fields = search_fields,
     .form = true, .about = "Ranks items by what is asked for."},
    {.method = HTTP_GET, .pattern = "/api/datasets/{dataset}/search",
     .handle = get_search, .name = "search_by_text", .values = query_values,
     .about = "The same for one text, view or item."},
    {.pattern = NULL},
};
