/* SPDX-License-Identifier: MIT
 * The small dataset and how it is asked for. */
#include "api_files.h"

#include "base/file.h"
#include "base/memory.h"
#include "media/image.h"
#include "media/image_write.h"
#include "test.h"

#define N_SHAPES 6

static const char *const colours[] = {"red", "green", "blue"};

static void make_picture(const char *folder, int i, char name[32])
{
    char path[600];
    image im = {0};
    akin_error e = {0};
    snprintf(name, 32, "shape %d.jpg", i);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK_OK(image_new(&im, 48, 32, &e), e);
    for (size_t p = 0; im.rgb && p < 48 * 32; p++)
        im.rgb[3 * p + (size_t)(i % 3)] =
            (uint8_t)(120 + (p % 48) * (size_t)(i + 1) % 100);
    CHECK_OK(image_write_jpeg(&im, path, 90, &e), e);
    image_clear(&im);
}

static void make_media(const char *folder)
{
    char path[600], name[32];
    text_buf lines;
    file_writer *w = NULL;
    akin_error e = {0};
    text_buf_init(&lines, 1 << 16);
    CHECK_OK(file_make_dirs(folder, &e), e);
    for (int i = 0; i < N_SHAPES; i++) {
        make_picture(folder, i, name);
        text_buf_printf(&lines,
                        "{\"image\": \"%s\", \"id\": \"item%d\", "
                        "\"colour\": \"%s\", \"number\": %d}\n",
                        name, i, colours[i % 3], i);
    }
    snprintf(path, sizeof path, "%s/metadata.jsonl", folder);
    CHECK_OK(file_writer_open(path, &w, &e), e);
    CHECK_OK(file_writer_put(w, lines.data, lines.n, &e), e);
    CHECK_OK(file_writer_commit(w, &e), e);
    text_buf_clear(&lines);
}

static void make_dataset(const char *path, const char *media)
{
    akin_error e = {0};
    akin_dataset *ds = NULL;
    CHECK_OK(akin_dataset_import(path, media,
                                 &(akin_dataset_import_options){.id = "shapes"},
                                 NULL, &e), e);
    CHECK_OK(akin_dataset_open(path, &(akin_dataset_options){.write = true},
                               &ds, &e), e);
    CHECK_OK(akin_dataset_create_table(
                 ds, "emb_tint", &(akin_dataset_table_options){.model = "tint"},
                 &e), e);
    CHECK_OK(akin_dataset_compute(ds, "emb_tint", NULL, NULL, &e), e);
    akin_dataset_close(ds);
}

void api_open_shapes(api *a)
{
    static char root[512], media[512];
    static const char *const folders[] = {media};
    char path[600];
    akin_error e = {0};
    snprintf(root, sizeof root, "%s/library", test_dir());
    snprintf(media, sizeof media, "%s/media", test_dir());
    snprintf(path, sizeof path, "%s/shapes", root);
    CHECK_OK(file_make_dirs(root, &e), e);
    make_media(media);
    make_dataset(path, media);
    akin_serve_options opt = {.root = root, .media = folders, .n_media = 1};
    CHECK_OK(api_init(a, &opt, &e), e);
}

static void ask(api *a, const char *method, const char *target,
                const char *body, http_request *req, http_response *res)
{
    akin_error e = {0};
    CHECK_OK(http_request_init(req, method, target, &e), e);
    CHECK_OK(http_pairs_add(&req->headers, "Host", "localhost:7700", &e), e);
    if (body)
        CHECK_OK(http_pairs_add(&req->headers, "Content-Type",
                                "application/json", &e), e);
    req->body = mem_strdup(body);
    req->n_body = body ? strlen(body) : 0;
    api_handle(a, req, res);
}

json_t *api_ask(api *a, const char *method, const char *target,
                const char *body, int status)
{
    http_request req;
    http_response res = {0};
    json_t *out = NULL;
    ask(a, method, target, body, &req, &res);
    if (res.status != status)
        test_fail(__FILE__, __LINE__, "%s %s %s gave %d %s, not %d", method,
                  target, body ? body : "", res.status,
                  res.bytes ? res.bytes : "", status);
    if (res.bytes)
        out = json_loadb(res.bytes, res.n_bytes, JSON_DECODE_ANY, NULL);
    http_response_clear(&res);
    http_request_clear(&req);
    return out;
}

void api_ask_whole(api *a, const char *target, const char *header,
                   const char *value, http_response *res)
{
    http_request req;
    akin_error e = {0};
    CHECK_OK(http_request_init(&req, "GET", target, &e), e);
    if (header) CHECK_OK(http_pairs_add(&req.headers, header, value, &e), e);
    api_handle(a, &req, res);
    http_request_clear(&req);
}

const char *api_detail(const json_t *answer)
{
    const char *text = "";
    json_get_text(answer, "detail", &text);
    return text;
}

json_t *api_finish(api *a, const json_t *answer)
{
    const char *id = "";
    bool over = false;
    size_t version = 0;
    json_t *state = NULL;
    CHECK(json_get_text(answer, "job_id", &id));
    for (int i = 0; i < 1000 && !over; i++) {
        json_decref(state);
        state = jobs_wait(a->jobs, id, 1, &version, &over);
    }
    CHECK(over);
    return state;
}
