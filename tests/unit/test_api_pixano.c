/* SPDX-License-Identifier: MIT
 * server/api_pixano and api_browser: the fields, codes and texts of Pixano 0.6. */
#include "api_files.h"
#include "base/memory.h"
#include "base/text.h"
#include "server/http_parse.h"
#include "test.h"

/* The error of a request is this text. */
typedef struct refusal {
    const char *target;
    int status;
    const char *detail;
} refusal;

static void refusals(api *a)
{
    static const refusal all[] = {
        {"/browser/shapes?query=x", 400,
         "Both query and model_name should be provided for semantic search."},
        {"/browser/shapes?embedding_table=emb_tint", 400,
         "Both query and model_name should be provided for semantic search."},
        {"/browser/shapes?query=x&embedding_table=y", 400,
         "Table y not found in dataset shapes."},
        {"/browser/shapes?query=x&embedding_table=image", 400,
         "Table image is not a view embedding table."},
        {"/browser/shapes?query=x&embedding_table=emb_tint&limit=0", 400,
         "limit must be a strictly positive integer."},
        {"/browser/shapes?query=x&embedding_table=emb_tint&skip=6", 400,
         "limit must be a strictly positive integer."},
        {"/browser/shapes?query=x&embedding_table=emb_tint&skip=-1", 400,
         "skip must be a positive integer."},
        {"/browser/shapes?limit=0", 400, "Invalid query parameters. limit and "
                                         "skip must be positive integers"},
        {"/browser/shapes?where=number%3E10", 404,
         "No rows found for shapes/item."},
        {"/items/shapes?skip=-1", 400, "Invalid query parameters. limit and "
                                       "skip must be positive integers"},
        {"/items/shapes?ids=item1&item_ids=item2", 400,
         "Invalid query parameters. ids and item_ids cannot be set at the same "
         "time"},
        {"/items/shapes?ids=item1&limit=2", 400,
         "Invalid query parameters. ids and limit cannot be set at the same "
         "time"},
        {"/items/shapes/nobody", 404, "No rows found for shapes/item."},
        {"/views/shapes/emb_tint", 404,
         "Table emb_tint is not in the views group table."},
        {"/embeddings/shapes/image", 404,
         "Table image is not in the embeddings group table."},
        {"/views/shapes/nope/x", 404,
         "Table nope is not in the views group table."},
        {"/thumbnail/%21", 400, "Unable to decode the image path."},
        {"/thumbnail/eHl6", 404, "Requested image cannot be found."},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        json_t *out = api_ask(a, "GET", all[i].target, NULL, all[i].status);
        CHECK_EQ_TEXT(api_detail(out), all[i].detail);
        json_decref(out);
    }
}

static void unknown_datasets(api *a)
{
    static const char *const targets[] = {
        "/datasets/info/nope", "/datasets/nope", "/datasets/nope/item/count",
        "/browser/nope",       "/items/nope",    "/views/nope/image",
        "/items_info/nope",    "/browser/item_ids/nope"};
    char wanted[700];
    snprintf(wanted, sizeof wanted, "Dataset nope not found in %s/library.",
             test_dir());
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        json_t *out = api_ask(a, "GET", targets[i], NULL, 404);
        CHECK_EQ_TEXT(api_detail(out), wanted);
        json_decref(out);
    }
    json_decref(api_ask(a, "GET", "/browser/shapes?limit=x", NULL, 422));
    json_decref(api_ask(a, "GET", "/browser/shapes?skip=1.5", NULL, 422));
}

/* Whether the keys of an object are these, in any order. */
static bool has_keys(const json_t *object, const char *keys)
{
    const char *key;
    json_t *value;
    size_t n = 0;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        char padded[80];
        snprintf(padded, sizeof padded, " %s ", key);
        if (!strstr(keys, padded)) return false;
        n += strlen(key) + 1;
    }
    return n + 1 == strlen(keys);
}

static void shapes_of_answers(api *a)
{
    json_t *out = api_ask(a, "GET", "/datasets/info", NULL, 200);
    CHECK(has_keys(json_array_get(out, 0), " id name description size preview "
                                           "workspace num_items "));
    json_decref(out);
    out = api_ask(a, "GET", "/datasets/shapes", NULL, 200);
    CHECK(has_keys(out, " id path previews_path media_dir thumbnail "
                        "dataset_schema feature_values info "));
    CHECK(has_keys(json_object_get(out, "dataset_schema"),
                   " relations schemas groups "));
    json_decref(out);
    out = api_ask(a, "GET", "/items/shapes/item2", NULL, 200);
    CHECK(has_keys(out, " id created_at updated_at table_info data "));
    CHECK(has_keys(json_object_get(out, "data"), " split colour number "));
    json_decref(out);
    out = api_ask(a, "GET", "/embeddings/shapes/emb_tint?limit=1", NULL, 200);
    CHECK(has_keys(json_object_get(json_array_get(out, 0), "data"),
                   " item_ref view_ref vector shape "));
    json_decref(out);
    out = api_ask(a, "GET", "/datasets/shapes/item/count", NULL, 200);
    CHECK_EQ_INT(json_integer_value(out), 6);
    json_decref(out);
}

static void a_page(api *a)
{
    int64_t number = -1, skip = -1;
    json_t *out = api_ask(a, "GET", "/browser/shapes?limit=2&skip=1&"
                                     "sortcol=number&order=desc", NULL, 200);
    CHECK(has_keys(out, " id name table_data pagination semantic_search "
                        "item_ids "));
    json_t *table = json_object_get(out, "table_data");
    json_t *rows = json_object_get(table, "rows");
    CHECK_EQ_INT(json_array_size(rows), 2);
    json_get_int64(json_array_get(rows, 0), "number", &number);
    CHECK_EQ_INT(number, 4);
    json_get_int64(json_object_get(out, "pagination"), "current_page", &skip);
    CHECK_EQ_INT(skip, 1);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "item_ids")), 6);
    const char *image = "", *type = "";
    CHECK(json_get_text(json_array_get(rows, 0), "image", &image));
    CHECK(text_starts_with(image, "http://localhost:7700/thumbnail/"));
    json_get_text(json_array_get(json_object_get(table, "columns"), 0), "type",
                  &type);
    CHECK_EQ_TEXT(type, "image");
    http_response res = {0};
    api_ask_whole(a, image + strlen("http://localhost:7700"), NULL, NULL, &res);
    CHECK_EQ_INT(res.status, 200);
    CHECK_EQ_TEXT(http_pairs_get(&res.headers, "Content-Type"), "image/jpeg");
    http_response_clear(&res);
    json_decref(out);
}

static void thumbnails_stay_inside(api *a)
{
    static const char *const places[] = {
        "/etc/passwd", "../library/shapes/info.json", "shapes/../../x",
        "shapes//etc/passwd", "metadata.jsonl", "", "shapes/", "."};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char target[300];
        char *code = http_to_base64(places[i], strlen(places[i]));
        snprintf(target, sizeof target, "/thumbnail/%s", code);
        if (*code) json_decref(api_ask(a, "GET", target, NULL, 404));
        mem_free(code);
    }
}

static void deleting(void)
{
    api a;
    api_open_shapes(&a);
    json_t *out = api_ask(&a, "DELETE", "/items/shapes/item1", NULL, 200);
    CHECK(json_is_null(out));
    json_decref(out);
    json_decref(api_ask(&a, "DELETE", "/items/shapes?ids=item2&ids=item3", NULL,
                        200));
    json_decref(api_ask(&a, "DELETE", "/items/shapes", NULL, 422));
    out = api_ask(&a, "GET", "/browser/item_ids/shapes", NULL, 200);
    CHECK_EQ_INT(json_array_size(out), 3);
    json_decref(out);
    api_clear(&a);
}

/* One dataset for all that leave it as it is. */
static void reading(void)
{
    api a;
    api_open_shapes(&a);
    refusals(&a);
    unknown_datasets(&a);
    shapes_of_answers(&a);
    a_page(&a);
    thumbnails_stay_inside(&a);
    api_clear(&a);
}

const test_case test_api_pixano_cases[] = {
    {"api_pixano/reading", reading},
    {"api_pixano/deleting", deleting},
    {NULL, NULL},
};
