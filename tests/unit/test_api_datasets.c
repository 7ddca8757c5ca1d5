/* SPDX-License-Identifier: MIT
 * server/api_datasets, _search, _work, _media: requests and their answers. */
#include "akin/dataset.h"
#include "api_files.h"
#include "base/file.h"
#include "base/memory.h"
#include "test.h"

#define SHAPES "/api/datasets/shapes"

static int64_t integer(const json_t *object, const char *key)
{
    int64_t value = -1;
    json_get_int64(object, key, &value);
    return value;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = "(none)";
    json_get_text(object, key, &value);
    return value;
}

static void datasets(api *a)
{
    json_t *out = api_ask(a, "GET", "/api/datasets", NULL, 200);
    json_t *list = json_object_get(out, "datasets");
    CHECK_EQ_INT(json_array_size(list), 1);
    CHECK_EQ_TEXT(text(json_array_get(list, 0), "id"), "shapes");
    json_decref(out);
    out = api_ask(a, "GET", SHAPES, NULL, 200);
    CHECK_EQ_INT(integer(out, "num_items"), 6);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "tables")), 3);
    json_decref(out);
    out = api_ask(a, "GET", "/api/datasets/nope", NULL, 404);
    CHECK_EQ_TEXT(api_detail(out), "dataset 'nope' not found");
    json_decref(out);
}

static void rows(api *a)
{
    json_t *out = api_ask(a, "GET", SHAPES "/tables/item/rows?sort=number&"
                                            "descending=1&limit=2&skip=1",
                          NULL, 200);
    json_t *list = json_object_get(out, "rows");
    CHECK_EQ_INT(json_array_size(list), 2);
    CHECK_EQ_INT(integer(out, "total"), 6);
    CHECK_EQ_INT(integer(json_array_get(list, 0), "number"), 4);
    CHECK_EQ_TEXT(text(json_array_get(list, 0), "colour"), "green");
    json_decref(out);
    out = api_ask(a, "GET", SHAPES "/tables/item/rows?where=number%20%3E%202&"
                                   "limit=1", NULL, 200);
    CHECK_EQ_INT(integer(out, "total"), 3);
    json_decref(out);
    out = api_ask(a, "GET", SHAPES "/tables/emb_tint/rows?limit=1&vectors=1",
                  NULL, 200);
    CHECK(json_array_size(json_object_get(
              json_array_get(json_object_get(out, "rows"), 0), "vector")) > 1);
    json_decref(out);
    out = api_ask(a, "GET", SHAPES "/tables/item/rows?ids=item3&ids=x", NULL,
                  200);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "rows")), 1);
    json_decref(out);
    json_decref(api_ask(a, "GET", SHAPES "/tables/item/rows?limit=20000", NULL,
                        413));
    json_decref(api_ask(a, "GET", SHAPES "/tables/item/rows?where=1", NULL,
                        400));
    json_decref(api_ask(a, "GET", SHAPES "/tables/x/rows", NULL, 404));
}

static void search(api *a)
{
    json_t *out = api_ask(a, "POST", SHAPES "/search",
                          "{\"item_id\": \"item0\", \"limit\": 2, "
                          "\"item_ids\": true}", 200);
    json_t *best = json_array_get(json_object_get(out, "results"), 0);
    CHECK_EQ_TEXT(text(json_object_get(best, "item"), "colour"), "red");
    CHECK_EQ_INT(integer(best, "rank"), 1);
    CHECK_EQ_INT(integer(out, "total"), 6);
    CHECK_EQ_TEXT(text(out, "model"), "tint");
    CHECK_EQ_INT(json_array_size(json_object_get(out, "item_ids")),
                 integer(out, "total_matching"));
    json_decref(out);
    out = api_ask(a, "GET", SHAPES "/search?item_id=item0&min_similarity=1",
                  NULL, 200);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "results")), 0);
    json_decref(out);
    out = api_ask(a, "GET", SHAPES "/search?item_id=item0&where=number+%3E+4",
                  NULL, 200);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "results")), 1);
    json_decref(out);
    json_decref(api_ask(a, "POST", SHAPES "/search", "{}", 400));
    json_decref(api_ask(a, "POST", SHAPES "/search", "{\"text\": \"x\"}", 409));
    json_decref(api_ask(a, "GET", SHAPES "/search?q=x&table=item", NULL, 400));
}

static void work(api *a)
{
    json_t *out = api_ask(a, "POST", SHAPES "/compute",
                          "{\"table\": \"emb_tint\", \"force\": true}", 202);
    json_t *state = api_finish(a, out);
    CHECK_EQ_TEXT(text(state, "state"), "done");
    CHECK_EQ_INT(integer(json_object_get(state, "result"), "done"), 6);
    json_decref(state);
    json_decref(out);
    out = api_ask(a, "POST", SHAPES "/duplicates",
                  "{\"table\": \"emb_tint\", \"min_similarity\": 0.1}", 202);
    state = api_finish(a, out);
    CHECK_EQ_TEXT(text(state, "state"), "done");
    CHECK(integer(json_object_get(state, "result"), "groups") > 0);
    json_decref(state);
    json_decref(out);
    out = api_ask(a, "POST", SHAPES "/tag",
                  "{\"table\": \"emb_tint\", \"labels\": [\"a\", \"b\"]}", 202);
    state = api_finish(a, out);
    CHECK_EQ_TEXT(text(state, "state"), "failed"); /* tint takes no texts */
    json_decref(state);
    json_decref(out);
    json_decref(api_ask(a, "POST", SHAPES "/tag", "{\"table\": \"t\"}", 422));
}

static void changes(void)
{
    api a;
    api_open_shapes(&a);
    json_decref(api_ask(&a, "POST", SHAPES "/tables", "{\"name\": \"more\"}",
                        201));
    json_decref(api_ask(&a, "POST", SHAPES "/tables", "{\"name\": \"more\"}",
                        409));
    json_decref(api_ask(&a, "POST", SHAPES "/tables",
                        "{\"name\": \"more\", \"exist_ok\": true}", 201));
    json_decref(api_ask(&a, "POST", SHAPES "/tables",
                        "{\"name\": \"a/b\"}", 400));
    json_decref(api_ask(&a, "DELETE", SHAPES "/tables/more", NULL, 204));
    json_decref(api_ask(&a, "DELETE", SHAPES "/tables/more", NULL, 404));
    json_t *out = api_ask(&a, "POST", SHAPES "/remove_items",
                          "{\"ids\": [\"item1\", \"item2\", \"x\"]}", 200);
    CHECK_EQ_INT(integer(out, "removed"), 2);
    json_decref(out);
    out = api_ask(&a, "GET", SHAPES, NULL, 200);
    CHECK_EQ_INT(integer(out, "num_items"), 4);
    json_decref(out);
    api_clear(&a);
}

/* The id of item0's view. */
static void first_view(api *a, char id[64])
{
    json_t *out = api_ask(a, "GET",
                          SHAPES "/tables/image/rows?item_ids=item0", NULL, 200);
    snprintf(id, 64, "%s",
             text(json_array_get(json_object_get(out, "rows"), 0), "id"));
    json_decref(out);
}

static void media(api *a)
{
    char id[64], target[200];
    http_response res = {0};
    first_view(a, id);
    snprintf(target, sizeof target, SHAPES "/media/%s", id);
    api_ask_whole(a, target, "Range", "bytes=0-1", &res);
    CHECK_EQ_INT(res.status, 206);
    CHECK_EQ_INT(res.length, 2);
    CHECK_EQ_TEXT(http_pairs_get(&res.headers, "Content-Type"), "image/jpeg");
    http_response_clear(&res);
    snprintf(target, sizeof target, SHAPES "/thumbnail/%s?size=8", id);
    for (int i = 0; i < 2; i++) {
        api_ask_whole(a, target, NULL, NULL, &res);
        CHECK_EQ_INT(res.status, 200);
        CHECK(res.n_bytes > 100 && (unsigned char)res.bytes[0] == 0xff);
        http_response_clear(&res);
    }
    json_decref(api_ask(a, "GET", SHAPES "/media/nope", NULL, 404));
    json_decref(api_ask(a, "GET", SHAPES "/media/..%2f..%2fx", NULL, 404));
    snprintf(target, sizeof target, "%s/media/shape 0.jpg", test_dir());
    file_remove(target);
    snprintf(target, sizeof target, SHAPES "/media/%s", id);
    json_t *out = api_ask(a, "GET", target, NULL, 404);
    CHECK(strstr(api_detail(out), test_dir()) == NULL);
    json_decref(out);
}

static void new_datasets(void)
{
    api a;
    char body[700];
    api_open_shapes(&a);
    snprintf(body, sizeof body, "{\"name\": \"again\", \"folder\": \"%s/media\"}",
             test_dir());
    json_t *out = api_ask(&a, "POST", "/api/datasets", body, 202);
    json_t *state = api_finish(&a, out);
    CHECK_EQ_TEXT(text(state, "state"), "done");
    json_decref(state);
    json_decref(out);
    json_decref(api_ask(&a, "GET", "/api/datasets/again", NULL, 200));
    json_decref(api_ask(&a, "POST", "/api/datasets", body, 409));
    snprintf(body, sizeof body, "{\"name\": \"x\", \"folder\": \"%s\"}",
             test_dir());
    json_decref(api_ask(&a, "POST", "/api/datasets", body, 404));
    api_clear(&a);
}

/* One failure of memory anywhere is an answer, never a crash. */
static void memory_is_short(api *a)
{
    static const char *const asks[][3] = {
        {"GET", SHAPES "/tables/item/rows?ids=item1&where=number+%3C+3", NULL},
        {"POST", SHAPES "/search",
         "{\"terms\": [{\"item_id\": \"item0\"}, {\"item_id\": \"item1\", "
         "\"weight\": -1}], \"item_ids\": true}"},
        {"POST", SHAPES "/search", "{\"image\": \"/9j/4AAQSkZJRg==\"}"},
        {"GET", "/browser/shapes?limit=2", NULL},
        {"GET", "/items_info/shapes", NULL},
        {"GET", "/thumbnail/c2hhcGVzL3NoYXBlIDAuanBn", NULL},
    };
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        bool pending = false;
        for (int n = 1; n < 3000 && !pending; n += 1 + n / 8) {
            http_request req = {0};
            http_response res = {0};
            mem_fail_at(n);
            if (http_request_init(&req, asks[i][0], asks[i][1], NULL) ==
                AKIN_OK) {
                req.body = mem_strdup(asks[i][2]);
                req.n_body = req.body ? strlen(req.body) : 0;
                if (http_pairs_add(&req.headers, "Content-Type",
                                   "application/json", NULL) == AKIN_OK)
                    api_handle(a, &req, &res);
            }
            pending = mem_fail_pending();
            mem_fail_at(0);
            http_response_clear(&res);
            http_request_clear(&req);
        }
        CHECK(pending);
    }
}

/* One dataset for all that leave it as it is. */
static void reading(void)
{
    api a;
    api_open_shapes(&a);
    datasets(&a);
    rows(&a);
    search(&a);
    work(&a);
    memory_is_short(&a);
    media(&a);
    api_clear(&a);
}

const test_case test_api_datasets_cases[] = {
    {"api_datasets/reading", reading},
    {"api_datasets/changes", changes},
    {"api_datasets/new_datasets", new_datasets},
    {NULL, NULL},
};
