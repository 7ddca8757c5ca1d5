/* SPDX-License-Identifier: MIT
 * The server without its sockets: what it is made of, the list of its tables,
 * and what is about the server itself. */
#include "server/api.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "server/assets.h"

/* In the order in which patterns are tried. */
const route *const api_tables[] = {
    api_server_routes,  api_job_routes,       api_dataset_routes,
    api_work_routes,    api_search_routes,    api_media_routes,
    api_upload_routes,  api_database_routes,  api_query_routes,
    api_window_routes,  api_recording_routes, api_label_routes,
    api_extract_routes, api_map_routes,       api_export_routes,
    api_pixano_routes,  api_browser_routes,   NULL,
};

/* ---- setting up --------------------------------------------------------- */

static void fill_limits(akin_serve_limits *l)
{
    if (!l->connections) l->connections = 256;
    if (!l->body_bytes) l->body_bytes = (size_t)32 << 20;
    if (!l->bodies_bytes) l->bodies_bytes = (size_t)256 << 20;
    if (!l->rows) l->rows = 10000;
    if (!l->jobs) l->jobs = 1000;
    if (!l->workers) l->workers = 2;
    if (!l->uploads_bytes) l->uploads_bytes = (size_t)256 << 20;
    if (l->upload_s <= 0) l->upload_s = 3600;
    if (!l->thumbs_bytes) l->thumbs_bytes = (size_t)64 << 20;
    if (l->request_s <= 0) l->request_s = 60;
    if (l->idle_s <= 0) l->idle_s = 30;
    if (l->close_s <= 0) l->close_s = 300;
}

static akin_status check_media(const akin_serve_options *options,
                               akin_error *err)
{
    for (size_t i = 0; i < options->n_media; i++)
        if (!file_is_dir(options->media[i]))
            return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no folder '%s'",
                             options->media[i]);
    return AKIN_OK;
}

akin_status api_init(api *a, const akin_serve_options *options, akin_error *err)
{
    *a = (api){.options = *options};
    akin_serve_options *opt = &a->options;
    fill_limits(&opt->limits);
    if (!opt->root) opt->root = ".";
    if (!opt->host) opt->host = "127.0.0.1";
    AKIN_TRY(guard_init(&a->guard, opt->host, opt->token, err));
    a->guard.names = opt->names;
    a->guard.n_names = opt->n_names;
    AKIN_TRY(check_media(opt, err));
    AKIN_TRY(library_new(opt->root, opt->limits.close_s, opt->models,
                         &a->library, err));
    a->exports = opt->exports ? mem_strdup(opt->exports)
                              : file_join(opt->root, "exports");
    if (!a->exports)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a server");
    AKIN_TRY(databases_new(opt, &a->databases, err));
    AKIN_TRY(uploads_new(opt->limits.uploads_bytes, opt->limits.upload_s,
                         &a->uploads, err));
    AKIN_TRY(thumbs_new(opt->limits.thumbs_bytes, &a->thumbs, err));
    return jobs_new(opt->limits.jobs, opt->limits.workers, &a->jobs, err);
}

void api_clear(api *a)
{
    jobs_free(a->jobs);
    thumbs_free(a->thumbs);
    uploads_free(a->uploads);
    databases_free(a->databases);
    mem_free(a->exports);
    library_free(a->library);
    *a = (api){0};
}

void api_handle(api *a, http_request *req, http_response *res)
{
    if (!assets_answer(req, res)) route_dispatch(api_tables, a, req, res);
}

/* ---- the server itself -------------------------------------------------- */

static akin_status get_health(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    size_t n_queued, n_running;
    (void)req, (void)err;
    jobs_count(a->jobs, &n_queued, &n_running);
    http_answer_json(
        res, 200,
        json_pack("{s:s, s:s, s:s, s:b, s:{s:I, s:I}}", "status", "ok",
                  "version", akin_version(), "build", akin_build_info(),
                  "token", a->options.token != NULL, "jobs", "queued",
                  (json_int_t)n_queued, "running", (json_int_t)n_running));
    return AKIN_OK;
}

static akin_status get_openapi(api *a, const http_request *req,
                               http_response *res, akin_error *err)
{
    (void)a, (void)req, (void)err;
    http_answer_json(res, 200, route_openapi(api_tables));
    return AKIN_OK;
}

static bool on_model(void *user, const akin_model_info *info,
                     const char *problem)
{
    json_array_append_new(
        user,
        json_pack("{s:o, s:o, s:o, s:I, s:I, s:f, s:I, s:b, s:b, s:o, s:o, s:o}",
                  "name",
                  json_text(info->name), "version", json_text(info->version),
                  "modality", json_text(info->modality), "dim",
                  (json_int_t)info->dim, "rate_hz",
                  (json_int_t)info->rate_hz, "window_s", info->window_s,
                  "classes", (json_int_t)info->n_classes, "text", info->text,
                  "builtin", info->builtin, "licence", json_text(info->licence), "about",
                  json_text(info->about), "problem", json_text(problem)));
    return true;
}

static akin_status get_models(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    json_t *models = json_array();
    (void)req;
    akin_status status =
        akin_model_each(a->options.models, on_model, models, err);
    if (status == AKIN_OK)
        http_answer_json(res, 200, json_pack("{s:O}", "models", models));
    json_decref(models);
    return status;
}

const route api_server_routes[] = {
    {.method = HTTP_GET, .pattern = "/api/health", .handle = get_health,
     .name = "get_health", .about = "That the server answers, and its version."},
    {.method = HTTP_GET, .pattern = "/api/openapi.json", .handle = get_openapi,
     .name = "get_openapi", .about = "This description."},
    {.method = HTTP_GET, .pattern = "/api/models", .handle = get_models,
     .name = "get_models", .about = "The models that are here."},
    {.pattern = NULL},
};
