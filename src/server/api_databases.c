/* SPDX-License-Identifier: MIT
 * /api/databases: what there is, and what each is. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "server/api_database.h"

#define WRITER_WAIT_S 10.0 /* for another writer, while somebody waits here */

/* ---- shared ------------------------------------------------------------- */

akin_status database_with(api *a, const http_request *req, http_response *res,
                          database_handler work, akin_error *err)
{
    database_entry *entry;
    AKIN_TRY(databases_get(a->databases, http_param(req, "db"), &entry, err));
    akin_status status = work(a, entry, req, res, err);
    databases_put(a->databases, entry);
    return status;
}

akin_status database_with_labels(api *a, const http_request *req,
                                 http_response *res, database_handler work,
                                 akin_error *err)
{
    database_entry *entry, own;
    akin_db_options opt = {.mode = AKIN_LABEL, .models = a->options.models,
                           .busy_s = WRITER_WAIT_S, .warn = a->options.warn,
                           .user = a->options.user};
    AKIN_TRY(databases_get(a->databases, http_param(req, "db"), &entry, err));
    own = *entry;
    akin_status status = akin_open(entry->path, &opt, &own.db, err);
    if (status == AKIN_OK) {
        status = work(a, &own, req, res, err);
        akin_close(own.db);
    }
    databases_put(a->databases, entry);
    if (status == AKIN_EBUSY) http_set(res, "Retry-After", "10");
    return status;
}

akin_status database_window(database_entry *entry, const http_request *req,
                            akin_results **out, akin_error *err)
{
    int64_t id = route_id(req, "window");
    akin_list_options opt = {.ids = &id, .n_ids = 1};
    AKIN_TRY(akin_list_windows(entry->db, &opt, out, NULL, err));
    if (akin_results_count(*out) == 1) return AKIN_OK;
    akin_results_free(*out);
    *out = NULL;
    return AKIN_FAIL(err, AKIN_ENOTFOUND, "window '%s' not found",
                     http_param(req, "window"));
}

akin_status database_add_job(api *a, const job_work *work, http_response *res,
                             akin_error *err)
{
    char id[JOB_ID_BYTES], place[64];
    akin_status status = jobs_add(a->jobs, work, id, err);
    if (status == AKIN_ELIMIT) {
        http_problem(res, 429, "%s", err ? err->text : "too many jobs");
        http_set(res, "Retry-After", "10");
        return AKIN_OK;
    }
    AKIN_TRY(status);
    http_answer_json(res, 202, json_pack("{s:s}", "job_id", id));
    snprintf(place, sizeof place, "/api/jobs/%s", id);
    http_set(res, "Location", place);
    return AKIN_OK;
}

/* ---- the list ----------------------------------------------------------- */

typedef struct database_listing {
    databases *all;
    json_t *out;
} database_listing;

static bool list_database(void *user, const char *id, const char *path,
                          database_entry *entry, const char *problem)
{
    database_listing *listing = user;
    json_t *info = NULL;
    akin_error err = {0};
    if (entry &&
        databases_info(listing->all, entry, &info, &err) != AKIN_OK)
        problem = err.text;
    if (!info)
        info = json_pack("{s:o, s:o}", "id", json_text(id), "path",
                         json_text(path));
    json_object_set_new(info, "problem", json_text(problem));
    json_array_append_new(listing->out, info);
    return true;
}

static akin_status list_databases(api *a, const http_request *req,
                                  http_response *res, akin_error *err)
{
    database_listing listing = {a->databases, json_array()};
    (void)req, (void)err;
    databases_each(a->databases, list_database, &listing);
    http_answer_json(res, 200,
                     json_pack("{s:o, s:o}", "root",
                               json_text(library_root(a->library)), "databases",
                               listing.out));
    return AKIN_OK;
}

static akin_status answer_database(api *a, database_entry *entry,
                                   const http_request *req, http_response *res,
                                   akin_error *err)
{
    json_t *info;
    (void)req;
    AKIN_TRY(databases_info(a->databases, entry, &info, err));
    json_object_set_new(info, "problem", json_null());
    http_answer_json(res, 200, info);
    return AKIN_OK;
}

static akin_status get_database(api *a, const http_request *req,
                                http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_database, err);
}

const route api_database_routes[] = {
    {.method = HTTP_GET, .pattern = "/api/databases", .handle = list_databases,
     .name = "list_databases", .about = "The databases that are here."},
    {.method = HTTP_GET, .pattern = "/api/databases/{db}",
     .handle = get_database, .name = "get_database",
     .about = "A database: model, settings, counts, sizes and states."},
    {.pattern = NULL},
};
