/* SPDX-License-Identifier: MIT
 * server/api_databases, _query, _uploads, _windows, _recordings: databases of
 * generated sounds, asked without a socket. */
#define _GNU_SOURCE
#include <unistd.h>

#include "akin/akin.h"
#include "api_files.h"
#include "base/file.h"
#include "base/memory.h"
#include "dataset_files.h"
#include "db_files.h"
#include "server/http_parse.h"
#include "test.h"

#define BIRDS "/api/databases/birds.db"

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

static const json_t *at(const json_t *object, const char *list, size_t i)
{
    return json_array_get(json_object_get(object, list), i);
}

/* A server of library/ with the database birds.db of rec/, which has seven
 * windows; new ones may be made of rec/. */
static void open_birds(api *a)
{
    static char root[512], media[512];
    static const char *const folders[] = {media};
    const char *inputs[] = {media};
    akin_error e = {0};
    akin_db *db = NULL;
    snprintf(root, sizeof root, "%s", db_path("library"));
    snprintf(media, sizeof media, "%s", db_path("rec"));
    db_make_recordings();
    CHECK_OK(file_make_dirs(root, &e), e);
    CHECK_OK(akin_open(db_path("library/birds.db"),
                       &(akin_db_options){.mode = AKIN_CREATE}, &db, &e), e);
    if (db) CHECK_OK(akin_extract(db, inputs, 1, NULL, NULL, &e), e);
    akin_close(db);
    akin_serve_options opt = {.root = root, .media = folders, .n_media = 1};
    CHECK_OK(api_init(a, &opt, &e), e);
}

static void listed(api *a)
{
    json_t *out = api_ask(a, "GET", "/api/databases", NULL, 200);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "databases")), 1);
    const json_t *one = at(out, "databases", 0);
    CHECK_EQ_TEXT(text(one, "id"), "birds.db");
    CHECK_EQ_TEXT(text(one, "modality"), "sound");
    CHECK_EQ_TEXT(text(json_object_get(one, "model"), "name"), "mel");
    CHECK_EQ_INT(integer(json_object_get(one, "counts"), "windows"), 7);
    CHECK_EQ_TEXT(text(one, "index"), "ok");
    json_decref(out);
    out = api_ask(a, "GET", BIRDS, NULL, 200);
    CHECK(json_is_object(json_object_get(out, "settings")));
    json_decref(out);
    json_decref(api_ask(a, "GET", "/api/databases/nope", NULL, 404));
    json_decref(api_ask(a, "GET", "/api/databases/..%2flibrary%2fbirds.db",
                        NULL, 404));
}

static void searched(api *a)
{
    json_t *out = api_ask(a, "POST", BIRDS "/search",
                          "{\"window\": 1, \"n\": 3}", 200);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "results")), 3);
    CHECK_EQ_INT(integer(at(out, "results", 0), "rank"), 1);
    CHECK(integer(at(out, "results", 0), "window_id") > 1);
    CHECK_EQ_TEXT(text(out, "mode"), "exact");
    json_decref(out);
    out = api_ask(a, "POST", BIRDS "/search",
                  "{\"window\": 1, \"n\": 2, \"offset\": 2, "
                  "\"filter\": \"recording != 'rec/a.wav'\", "
                  "\"score_function\": \"euclidean\"}", 200);
    CHECK_EQ_INT(integer(at(out, "results", 0), "rank"), 3);
    CHECK(strcmp(text(at(out, "results", 0), "recording"), "rec/a.wav") != 0);
    json_decref(out);
    out = api_ask(a, "POST", BIRDS "/search",
                  "{\"recording\": 1, \"start\": 3, \"end\": 6}", 200);
    const json_t *span = json_array_get(
        json_object_get(json_object_get(out, "query"), "spans"), 0);
    CHECK_NEAR(json_number_value(json_object_get(span, "start")), 3, 0.2);
    CHECK_EQ_INT(integer(at(out, "results", 0), "window_id"), 2);
    json_decref(out);
    json_decref(api_ask(a, "POST", BIRDS "/search", "{}", 400));
    json_decref(api_ask(a, "POST", BIRDS "/search",
                        "{\"window\": 1, \"text\": \"x\"}", 400));
    json_decref(api_ask(a, "POST", BIRDS "/search", "{\"window\": 99}", 404));
    json_decref(api_ask(a, "POST", BIRDS "/search", "{\"upload\": \"x\"}", 404));
    json_decref(api_ask(a, "POST", BIRDS "/search", "{\"text\": \"x\"}", 409));
    json_decref(api_ask(a, "POST", BIRDS "/search",
                        "{\"vector\": [1, 2]}", 400));
    json_decref(api_ask(a, "POST", BIRDS "/search",
                        "{\"window\": 1, \"filter\": \"1;drop\"}", 400));
    json_decref(api_ask(a, "POST", BIRDS "/search",
                        "{\"window\": 1, \"n\": 20000}", 413));
    json_decref(api_ask(a, "POST", BIRDS "/search",
                        "{\"window\": 1, \"crop_mode\": \"all\"}", 422));
    json_decref(api_ask(a, "POST", BIRDS "/search",
                        "{\"recording\": 99, \"start\": 0}", 404));
}

/* The bytes of a file as base64 in a body. */
static char *upload_body(const char *path)
{
    char *data;
    size_t n;
    akin_error e = {0};
    text_buf out;
    text_buf_init(&out, 1 << 24);
    CHECK_OK(file_read(path, 1 << 24, &data, &n, &e), e);
    text_buf_puts(&out, "{\"name\": \"a.wav\", \"file\": \"");
    char *code = http_to_base64(data, n);
    text_buf_puts(&out, code ? code : "");
    mem_free(code);
    text_buf_puts(&out, "\"}");
    mem_free(data);
    return out.data;
}

static void uploaded(api *a)
{
    char target[200], body[200], id[64];
    char *sound = upload_body(db_path("rec/a.wav"));
    json_t *out = api_ask(a, "POST", "/api/uploads", sound, 201);
    mem_free(sound);
    snprintf(id, sizeof id, "%s", text(out, "id"));
    json_decref(out);
    snprintf(body, sizeof body, "{\"upload\": \"%s\", \"n\": 2, "
             "\"crop_mode\": \"segments\"}", id);
    for (int i = 0; i < 2; i++) {
        out = api_ask(a, "POST", BIRDS "/search", body, 200);
        const json_t *query = json_object_get(out, "query");
        CHECK_EQ_TEXT(text(query, "name"), "a.wav");
        CHECK(json_array_size(json_object_get(query, "spans")) >= 2);
        CHECK_EQ_TEXT(text(at(out, "results", 0), "recording"), "rec/a.wav");
        json_decref(out);
    }
    snprintf(body, sizeof body, "{\"upload\": \"%s\", \"n\": 1, \"start\": 3, "
             "\"end\": 6}", id);
    out = api_ask(a, "POST", BIRDS "/search", body, 200);
    CHECK_EQ_INT(integer(at(out, "results", 0), "window_id"), 2);
    json_decref(out);
    http_response res = {0};
    snprintf(target, sizeof target, "/api/uploads/%s/spectrogram?width=50", id);
    api_ask_whole(a, target, NULL, NULL, &res);
    CHECK_EQ_INT(res.status, 200);
    CHECK_EQ_INT(res.n_bytes, 50 * 128);
    http_response_clear(&res);
    snprintf(target, sizeof target, BIRDS "/recordings/1/windows?upload=%s", id);
    out = api_ask(a, "GET", target, NULL, 200);
    CHECK(json_is_true(json_object_get(out, "scored")));
    CHECK_EQ_INT(json_array_size(json_object_get(out, "windows")), 3);
    json_decref(out);
    snprintf(target, sizeof target, "/api/uploads/%s/picture", id);
    out = api_ask(a, "GET", target, NULL, 400);
    CHECK(strstr(api_detail(out), "/proc") == NULL);
    json_decref(out);
    snprintf(target, sizeof target, "/api/uploads/%s", id);
    json_decref(api_ask(a, "DELETE", target, NULL, 204));
    json_decref(api_ask(a, "DELETE", target, NULL, 404));
    json_decref(api_ask(a, "POST", BIRDS "/search", body, 404));
    json_decref(api_ask(a, "POST", "/api/uploads", "{\"file\": \"\"}", 400));
    json_decref(api_ask(a, "POST", "/api/uploads", "{\"file\": \"!\"}", 400));
    json_decref(api_ask(a, "POST", "/api/uploads", "{}", 422));
}

static void looked_at(api *a)
{
    http_response res = {0};
    json_t *out = api_ask(a, "GET", BIRDS "/windows/2", NULL, 200);
    CHECK_EQ_INT(integer(out, "recording_id"), 1);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "annotations")), 0);
    json_decref(out);
    out = api_ask(a, "GET", BIRDS "/windows?limit=2&filter=recording_id+%3D+3",
                  NULL, 200);
    CHECK_EQ_INT(integer(out, "total"), 3);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "windows")), 2);
    json_decref(out);
    api_ask_whole(a, BIRDS "/windows/2/sound?context=1", NULL, NULL, &res);
    CHECK_EQ_INT(res.status, 200);
    CHECK_EQ_INT(res.n_bytes, 44 + 5 * 48000 * 2);
    CHECK(memcmp(res.bytes, "RIFF", 4) == 0);
    char *tag = mem_strdup(http_pairs_get(&res.headers, "ETag"));
    http_response_clear(&res);
    api_ask_whole(a, BIRDS "/windows/2/sound?context=1", "Range", "bytes=8-11",
                  &res);
    CHECK_EQ_INT(res.status, 206);
    CHECK_EQ_INT(res.n_bytes, 4);
    CHECK(memcmp(res.bytes, "WAVE", 4) == 0);
    http_response_clear(&res);
    api_ask_whole(a, BIRDS "/windows/2/sound?context=1", "If-None-Match", tag,
                  &res);
    CHECK_EQ_INT(res.status, 304);
    http_response_clear(&res);
    mem_free(tag);
    for (int i = 0; i < 2; i++) { /* made, then remembered */
        api_ask_whole(a, BIRDS "/windows/2/spectrogram?width=30&height=20&"
                         "axis=linear&max_hz=8000", NULL, NULL, &res);
        CHECK_EQ_INT(res.status, 200);
        CHECK_EQ_INT(res.n_bytes, 30 * 20);
        CHECK_EQ_TEXT(http_pairs_get(&res.headers, "X-Rate"), "48000");
        CHECK_EQ_TEXT(http_pairs_get(&res.headers, "X-Max-Hz"), "8000");
        http_response_clear(&res);
    }
    json_decref(api_ask(a, "GET", BIRDS "/windows/99/sound", NULL, 404));
    json_decref(api_ask(a, "GET", BIRDS "/windows/x", NULL, 404));
    json_decref(api_ask(a, "GET", BIRDS "/windows/-1", NULL, 404));
    json_decref(api_ask(a, "GET", BIRDS "/windows/1/picture", NULL, 404));
    json_decref(api_ask(a, "GET", BIRDS "/windows/1/spectrogram?width=0", NULL,
                        422));
    json_decref(api_ask(a, "GET", BIRDS "/windows/1/spectrogram?axis=log", NULL,
                        422));
}

static void recordings(api *a)
{
    http_response res = {0};
    json_t *out = api_ask(a, "GET", BIRDS "/recordings?limit=2", NULL, 200);
    CHECK_EQ_INT(integer(out, "total"), 3);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "recordings")), 2);
    CHECK_EQ_TEXT(text(at(out, "recordings", 0), "name"), "rec/a.wav");
    CHECK_EQ_INT(integer(at(out, "recordings", 0), "windows"), 3);
    json_decref(out);
    out = api_ask(a, "GET", BIRDS "/recordings?q=D_2023", NULL, 200);
    CHECK_EQ_INT(integer(out, "total"), 1);
    CHECK_EQ_TEXT(text(at(out, "recordings", 0), "datetime"),
                  "2023-05-12T23:59:58");
    json_decref(out);
    out = api_ask(a, "GET", BIRDS "/recordings/1", NULL, 200);
    CHECK_NEAR(json_number_value(json_object_get(out, "duration")), 7, 0.01);
    CHECK(json_is_true(json_object_get(out, "file")));
    json_decref(out);
    out = api_ask(a, "GET", BIRDS "/recordings/1/windows", NULL, 200);
    CHECK(json_is_false(json_object_get(out, "scored")));
    CHECK_EQ_INT(json_array_size(json_object_get(out, "windows")), 3);
    json_decref(out);
    out = api_ask(a, "GET", BIRDS "/recordings/1/windows?window=2", NULL, 200);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "windows")), 3);
    CHECK_EQ_INT(integer(at(out, "windows", 0), "window_id"), 2);
    CHECK(json_is_number(json_object_get(at(out, "windows", 0), "score")));
    json_decref(out);
    api_ask_whole(a, BIRDS "/recordings/1/spectrogram?start=1&end=3&width=20",
                  NULL, NULL, &res);
    CHECK_EQ_INT(res.status, 200);
    CHECK_EQ_TEXT(http_pairs_get(&res.headers, "X-End"), "3");
    http_response_clear(&res);
    api_ask_whole(a, BIRDS "/recordings/1/file", "Range", "bytes=0-3", &res);
    CHECK_EQ_INT(res.status, 206);
    CHECK_EQ_INT(res.length, 4);
    http_response_clear(&res);
    api_ask_whole(a, BIRDS "/recordings/1/sound?start=1&end=2", NULL, NULL,
                  &res);
    CHECK_EQ_INT(res.n_bytes, 44 + 48000 * 2);
    http_response_clear(&res);
    json_decref(api_ask(a, "GET", BIRDS "/recordings/99", NULL, 404));
    json_decref(api_ask(a, "GET", BIRDS "/recordings/..%2fa.wav/file", NULL,
                        404));
    out = api_ask(a, "GET", BIRDS "/recordings/1/sound?start=100", NULL, 404);
    CHECK(strstr(api_detail(out), test_dir()) == NULL);
    json_decref(out);
}

/* ---- pictures ----------------------------------------------------------- */

static void pictures(void)
{
    api a;
    char root[512], media[512], *body;
    const char *inputs[] = {media};
    akin_error e = {0};
    akin_db *db = NULL;
    http_response res = {0};
    snprintf(root, sizeof root, "%s", db_path("library"));
    snprintf(media, sizeof media, "%s", db_path("pics"));
    for (unsigned i = 0; i < 3; i++) {
        char name[40];
        snprintf(name, sizeof name, "pics/%u.jpg", i);
        dataset_make_image(name, 60, 40, i);
    }
    CHECK_OK(file_make_dirs(root, &e), e);
    akin_db_options opt = {.mode = AKIN_CREATE,
                           .settings = {.set = AKIN_SET_MODEL, .model = "tint"}};
    CHECK_OK(akin_open(db_path("library/pics.db"), &opt, &db, &e), e);
    if (db) CHECK_OK(akin_extract(db, inputs, 1, NULL, NULL, &e), e);
    akin_close(db);
    akin_serve_options serve = {.root = root};
    CHECK_OK(api_init(&a, &serve, &e), e);
    json_t *out = api_ask(&a, "GET", "/api/databases/pics.db", NULL, 200);
    CHECK_EQ_TEXT(text(out, "modality"), "image");
    json_decref(out);
    api_ask_whole(&a, "/api/databases/pics.db/windows/2/picture", "Range",
                  "bytes=0-1", &res);
    CHECK_EQ_INT(res.status, 206); /* the file itself */
    http_response_clear(&res);
    api_ask_whole(&a, "/api/databases/pics.db/windows/2/picture?size=10", NULL,
                  NULL, &res);
    CHECK_EQ_INT(res.status, 200);
    CHECK(res.n_bytes > 100 && (unsigned char)res.bytes[0] == 0xff);
    http_response_clear(&res);
    json_decref(api_ask(&a, "GET", "/api/databases/pics.db/windows/2/sound",
                        NULL, 400));
    body = upload_body(db_path("pics/1.jpg"));
    out = api_ask(&a, "POST", "/api/uploads", body, 201);
    mem_free(body);
    body = text_format("{\"upload\": \"%s\"}", text(out, "id"));
    json_decref(out);
    out = api_ask(&a, "POST", "/api/databases/pics.db/search", body, 200);
    CHECK_EQ_INT(integer(at(out, "results", 0), "window_id"), 2);
    json_decref(out);
    mem_free(body);
    json_decref(api_ask(&a, "POST", "/api/databases/pics.db/search",
                        "{\"recording\": 1, \"start\": 1}", 400));
    api_clear(&a);
}

/* A file of this recording that lies outside of its root is told to nobody. */
static void stays_inside(void)
{
    api a;
    open_birds(&a);
    a.options.n_media = 0;
    file_remove(db_path("rec/a.wav"));
    CHECK_EQ_INT(symlink("/etc/hostname", db_path("rec/a.wav")), 0);
    json_decref(api_ask(&a, "GET", BIRDS "/recordings/1/file", NULL, 404));
    json_decref(api_ask(&a, "GET", BIRDS "/windows/1/sound", NULL, 404));
    json_decref(api_ask(&a, "GET", BIRDS "/windows/4/sound", NULL, 200));
    api_clear(&a);
}

/* ---- writing ------------------------------------------------------------ */

static void labels(api *a)
{
    char target[200];
    json_t *out = api_ask(a, "POST", BIRDS "/labels",
                          "{\"windows\": [1, 2], \"label\": \"wren\", "
                          "\"by\": \"anna\"}", 201);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "added")), 2);
    snprintf(target, sizeof target, BIRDS "/labels/%lld",
             (long long)integer(at(out, "added", 1), "id"));
    json_decref(out);
    out = api_ask(a, "POST", BIRDS "/labels",
                  "{\"windows\": [1, 3], \"label\": \"wren\", "
                  "\"by\": \"anna\"}", 201);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "added")), 1);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "unchanged")), 1);
    json_decref(out);
    json_decref(api_ask(a, "POST", BIRDS "/labels",
                        "{\"windows\": [4], \"label\": \"rain\", "
                        "\"type\": \"negative\"}", 201));
    /* All or none. */
    json_decref(api_ask(a, "POST", BIRDS "/labels",
                        "{\"windows\": [5, 99], \"label\": \"owl\"}", 404));
    out = api_ask(a, "GET", BIRDS "/labels?limit=2", NULL, 200);
    CHECK_EQ_INT(integer(out, "total"), 4);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "annotations")), 2);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "labels")), 2);
    CHECK_EQ_INT(integer(at(out, "labels", 0), "positive"), 3);
    json_decref(out);
    out = api_ask(a, "GET", BIRDS "/labels?type=negative", NULL, 200);
    CHECK_EQ_INT(integer(out, "total"), 1);
    json_decref(out);
    out = api_ask(a, "GET", BIRDS "/windows/2", NULL, 200);
    CHECK_EQ_TEXT(text(at(out, "annotations", 0), "by"), "anna");
    json_decref(out);
    json_decref(api_ask(a, "DELETE", target, NULL, 204));
    json_decref(api_ask(a, "DELETE", target, NULL, 404));
    out = api_ask(a, "GET", BIRDS "/windows?filter=label+%3D+wren", NULL, 200);
    CHECK_EQ_INT(integer(out, "total"), 2);
    json_decref(out);
    out = api_ask(a, "GET", BIRDS "/recordings/1/labels", NULL, 200);
    CHECK_EQ_INT(json_array_size(json_object_get(out, "annotations")), 2);
    json_decref(out);
    json_decref(api_ask(a, "POST", BIRDS "/labels",
                        "{\"windows\": [1.5], \"label\": \"x\"}", 422));
    json_decref(api_ask(a, "POST", BIRDS "/labels",
                        "{\"windows\": [1], \"label\": \"\"}", 400));
}

static void maps(api *a)
{
    http_response res = {0};
    json_decref(api_ask(a, "GET", BIRDS "/map", NULL, 404));
    json_t *out = api_ask(a, "POST", BIRDS "/map", NULL, 202);
    json_t *state = api_finish(a, out);
    CHECK_EQ_TEXT(text(state, "state"), "done");
    json_decref(state);
    json_decref(out);
    api_ask_whole(a, BIRDS "/map", NULL, NULL, &res);
    CHECK_EQ_INT(res.status, 200);
    CHECK_EQ_INT(res.n_bytes, 7 * 16);
    CHECK_EQ_INT(res.bytes ? res.bytes[8] : 0, 2);
    CHECK_EQ_TEXT(http_pairs_get(&res.headers, "X-Stale"), "false");
    http_response_clear(&res);
    static const char *const by[] = {"label", "recording", "time"};
    static const int names[] = {1, 3, 24};
    for (int i = 0; i < 3; i++) {
        char target[100];
        snprintf(target, sizeof target, BIRDS "/map/colours?by=%s", by[i]);
        api_ask_whole(a, target, NULL, NULL, &res);
        size_t n = res.n_bytes >= 7 ? res.n_bytes - 7 : 0;
        json_t *legend = json_loadb(res.bytes, n, 0, NULL);
        CHECK_EQ_INT(json_array_size(json_object_get(legend, "legend")),
                     names[i]);
        /* Window 1 has the label; windows 5 and 6, of the third recording, lie
         * around midnight. */
        if (i == 0) CHECK_EQ_INT(res.bytes[n], 1);
        if (i == 2) CHECK_EQ_INT(res.bytes[n + 4], 24);
        if (i == 2) CHECK_EQ_INT(res.bytes[n + 5], 1);
        json_decref(legend);
        http_response_clear(&res);
    }
}

static void ask_post(api *a, const char *target, const char *body,
                     http_response *res)
{
    http_request req;
    akin_error e = {0};
    CHECK_OK(http_request_init(&req, "POST", target, &e), e);
    CHECK_OK(http_pairs_add(&req.headers, "Content-Type", "application/json",
                            &e), e);
    req.body = mem_strdup(body);
    req.n_body = strlen(body);
    api_handle(a, &req, res);
    http_request_clear(&req);
}

/* As a search has them. */
static void map_scores(api *a)
{
    static const char *const functions[] = {"cosine", "dot", "euclidean"};
    for (int i = 0; i < 3; i++) {
        char body[100];
        float scores[7] = {0};
        http_response res = {0};
        snprintf(body, sizeof body,
                 "{\"window\": 1, \"score_function\": \"%s\"}", functions[i]);
        ask_post(a, BIRDS "/map/scores", body, &res);
        CHECK_EQ_INT(res.status, 200);
        CHECK_EQ_INT(res.n_bytes, sizeof scores);
        if (res.n_bytes == sizeof scores)
            memcpy(scores, res.bytes, sizeof scores);
        http_response_clear(&res);
        json_t *out = api_ask(a, "POST", BIRDS "/search", body, 200);
        for (size_t k = 0; k < 6; k++) {
            const json_t *hit = at(out, "results", k);
            CHECK_NEAR(scores[integer(hit, "window_id") - 1],
                       json_number_value(json_object_get(hit, "score")), 1e-4);
        }
        json_decref(out);
    }
    json_decref(api_ask(a, "POST", BIRDS "/map/scores", "{}", 400));
    json_decref(api_ask(a, "POST", BIRDS "/map/scores",
                        "{\"window\": 1, \"n\": 3}", 422));
}

static void collect(http_response *res, text_buf *out)
{
    text_buf_init(out, 1 << 24);
    while (res->kind == HTTP_STREAM && res->stream.next(res->stream.user, out))
        continue;
}

static void exports(api *a)
{
    http_response res = {0};
    text_buf zip;
    ask_post(a, BIRDS "/export", "{\"windows\": [2, 4]}", &res);
    CHECK_EQ_INT(res.status, 200);
    CHECK_EQ_TEXT(http_pairs_get(&res.headers, "Content-Disposition"),
                  "attachment; filename=\"birds.db.zip\"");
    collect(&res, &zip);
    http_response_clear(&res);
    CHECK(zip.n > 2 * 3 * 96000 && memcmp(zip.data, "PK\3\4", 4) == 0);
    CHECK(memmem(zip.data, zip.n, "manifest.csv", 12) != NULL);
    CHECK(memcmp(zip.data + zip.n - 22, "PK\5\6", 4) == 0);
    CHECK_EQ_INT(zip.data[zip.n - 12], 3);
    text_buf_clear(&zip);
    json_t *out = api_ask(a, "POST", BIRDS "/export",
                          "{\"windows\": [2], \"folder\": \"calls\"}", 201);
    CHECK_EQ_INT(integer(out, "written"), 1);
    json_decref(out);
    CHECK(file_exists(db_path("library/exports/calls/manifest.csv")));
    CHECK(file_exists(db_path("library/exports/calls/a_3.0_6.0.wav")));
    json_decref(api_ask(a, "POST", BIRDS "/export",
                        "{\"windows\": [2], \"folder\": \"calls\"}", 409));
    static const char *const bad[] = {"../x", "/tmp/x", "", ".x", "a/b", "..",
                                      "a\\\\b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char body[100];
        snprintf(body, sizeof body, "{\"windows\": [2], \"folder\": \"%s\"}",
                 bad[i]);
        json_decref(api_ask(a, "POST", BIRDS "/export", body, 400));
    }
    json_decref(api_ask(a, "POST", BIRDS "/export", "{\"windows\": [99]}", 404));
    json_decref(api_ask(a, "POST", BIRDS "/export", "{\"windows\": []}", 400));
}

static json_t *extract(api *a, const char *db, const char *settings, int status)
{
    char target[200], body[1000];
    snprintf(target, sizeof target, "/api/databases/%s/extract", db);
    snprintf(body, sizeof body, "{\"inputs\": [\"%s\"]%s}", db_path("rec"),
             settings);
    return api_ask(a, "POST", target, body, status);
}

static void extractions(api *a)
{
    json_t *out = extract(a, "new.db", ", \"overlap\": 1, \"threads\": 1, "
                          "\"file_output\": \"new.csv\"", 202);
    json_t *state = api_finish(a, out);
    CHECK_EQ_TEXT(text(state, "state"), "done");
    CHECK_EQ_INT(integer(json_object_get(state, "result"), "done"), 3);
    CHECK(integer(state, "windows") > 7);
    json_decref(state);
    json_decref(out);
    CHECK(file_exists(db_path("library/exports/new.csv")));
    out = api_ask(a, "GET", "/api/databases/new.db", NULL, 200);
    CHECK_NEAR(json_number_value(json_object_get(
                   json_object_get(out, "settings"), "overlap")), 1, 1e-9);
    json_decref(out);
    /* Again: nothing to do, and what differs is named. */
    out = extract(a, "new.db", "", 202);
    state = api_finish(a, out);
    CHECK_EQ_INT(integer(state, "skipped"), 3);
    json_decref(state);
    json_decref(out);
    out = extract(a, "new.db", ", \"overlap\": 2", 409);
    CHECK(strstr(api_detail(out), "1") && strstr(api_detail(out), "2"));
    json_decref(out);
    json_decref(extract(a, "x.db", ", \"model\": \"nope\"", 409));
    json_decref(extract(a, "x.db", ", \"model\": \"/etc\"", 400));
    json_decref(extract(a, "a%2fb", "", 400));
    json_decref(extract(a, "..%2fb", "", 400));
    json_decref(extract(a, ".x", "", 400));
    json_decref(extract(a, "x.db", ", \"fmin\": 99999", 422));
    json_decref(extract(a, "x.db", ", \"file_output\": \"../x\"", 400));
    json_decref(api_ask(a, "POST", "/api/databases/x.db/extract",
                        "{\"inputs\": [\"/etc\"]}", 404));
    json_decref(api_ask(a, "POST", "/api/databases/x.db/extract",
                        "{\"inputs\": []}", 400));
    CHECK(!file_is_dir(db_path("library/x.db")));
}

static void folders(api *a)
{
    char target[700];
    json_t *out = api_ask(a, "GET", "/api/folders", NULL, 200);
    CHECK_EQ_TEXT(text(at(out, "roots", 0), "name"), "rec");
    json_decref(out);
    snprintf(target, sizeof target, "/api/folders?count=1&path=%s",
             db_path("rec"));
    out = api_ask(a, "GET", target, NULL, 200);
    CHECK(json_is_null(json_object_get(out, "parent")));
    CHECK_EQ_TEXT(text(at(out, "folders", 0), "name"), "b");
    CHECK_EQ_TEXT(text(at(out, "files", 0), "name"), "a.wav");
    CHECK_EQ_INT(integer(json_object_get(out, "counts"), "sounds"), 3);
    json_decref(out);
    json_decref(api_ask(a, "GET", "/api/folders?path=/etc", NULL, 404));
    snprintf(target, sizeof target, "/api/folders?path=%s/..", db_path("rec"));
    json_decref(api_ask(a, "GET", target, NULL, 404));
}

/* One failure of memory anywhere is an answer, never a crash. */
static void memory_is_short(api *a)
{
    static const char *const asks[][3] = {
        {"GET", "/api/databases", NULL},
        {"POST", BIRDS "/search", "{\"window\": 1, \"filter\": \"id > 2\"}"},
        {"POST", BIRDS "/search",
         "{\"recording\": 1, \"start\": 3, \"end\": 6}"},
        {"POST", "/api/uploads", "{\"file\": \"/9j/4AAQSkZJRg==\"}"},
        {"GET", BIRDS "/windows/2", NULL},
        {"GET", BIRDS "/windows/2/sound?context=2", NULL},
        {"GET", BIRDS "/windows/2/spectrogram?width=31", NULL},
        {"GET", BIRDS "/recordings?q=a", NULL},
        {"GET", BIRDS "/recordings/1/windows?window=5", NULL},
        {"POST", BIRDS "/labels", "{\"windows\": [3], \"label\": \"x\"}"},
        {"GET", BIRDS "/labels", NULL},
        {"GET", BIRDS "/map/colours?by=label", NULL},
        {"GET", BIRDS "/map/colours?by=recording", NULL},
        {"POST", BIRDS "/export", "{\"windows\": [2]}"},
        {"GET", "/api/folders", NULL},
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

static void writing(void)
{
    api a;
    open_birds(&a);
    labels(&a);
    maps(&a);
    map_scores(&a);
    exports(&a);
    memory_is_short(&a);
    extractions(&a);
    folders(&a);
    api_clear(&a);
}

static void reading(void)
{
    api a;
    open_birds(&a);
    listed(&a);
    searched(&a);
    uploaded(&a);
    looked_at(&a);
    recordings(&a);
    api_clear(&a);
}

const test_case test_api_databases_cases[] = {
    {"api_databases/reading", reading},
    {"api_databases/writing", writing},
    {"api_databases/pictures", pictures},
    {"api_databases/stays_inside", stays_inside},
    {NULL, NULL},
};
