/* SPDX-License-Identifier: MIT
 * /api/jobs: long work, looked at, watched and cancelled. */
#include <string.h>

#include "base/memory.h"
#include "server/api.h"

/* Between two signs of life of a stream: less than proxies and the server's own
 * limit for idle connections wait. */
#define SIGN_OF_LIFE_S 10

static akin_status get_jobs(api *a, const http_request *req,
                            http_response *res, akin_error *err)
{
    (void)req, (void)err;
    http_answer_json(res, 200,
                     json_pack("{s:o}", "jobs", jobs_list(a->jobs)));
    return AKIN_OK;
}

static akin_status no_job(const char *id, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOTFOUND, "job '%s' not found", id);
}

static akin_status get_job(api *a, const http_request *req, http_response *res,
                           akin_error *err)
{
    json_t *found = jobs_get(a->jobs, http_param(req, "job"));
    if (!found) return no_job(http_param(req, "job"), err);
    http_answer_json(res, 200, found);
    return AKIN_OK;
}

static akin_status cancel_job(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    const char *id = http_param(req, "job");
    if (!jobs_cancel(a->jobs, id)) return no_job(id, err);
    return get_job(a, req, res, err);
}

/* ---- events ------------------------------------------------------------- */

typedef struct watch {
    jobs *all;
    char id[JOB_ID_BYTES];
    size_t version; /* that was told last */
    bool over;
} watch;

static void put_event(text_buf *out, size_t version, const json_t *found)
{
    const char *state = "";
    char *text = json_to_text(found);
    json_get_text(found, "state", &state);
    bool moving = strcmp(state, "queued") == 0 || strcmp(state, "running") == 0;
    text_buf_printf(out, "id: %zu\nevent: %s\ndata: ", version,
                    moving ? "progress" : "end");
    text_buf_puts(out, text ? text : "{}");
    text_buf_puts(out, "\n\n");
    mem_free(text);
}

/* One event, or a comment if nothing has changed. */
static bool next_event(void *user, text_buf *out)
{
    watch *w = user;
    size_t before = w->version;
    if (w->over) return false;
    json_t *found =
        jobs_wait(w->all, w->id, SIGN_OF_LIFE_S, &w->version, &w->over);
    if (!found) return false;
    if (w->version != before || w->over)
        put_event(out, w->version, found);
    else
        text_buf_puts(out, ": waiting\n\n");
    json_decref(found);
    return true;
}

static akin_status watch_job(api *a, const http_request *req,
                             http_response *res, akin_error *err)
{
    const char *id = http_param(req, "job");
    json_t *found = jobs_get(a->jobs, id);
    watch *w;
    if (!found) return no_job(id, err);
    json_decref(found);
    AKIN_TRY(mem_new_array(1, sizeof *w, "a watch", (void **)&w, err));
    w->all = a->jobs;
    memcpy(w->id, id, strlen(id) + 1); /* one that was found is short enough */
    http_answer_stream(res, "text/event-stream",
                       (http_stream){next_event, mem_free, w});
    return AKIN_OK;
}

const route api_job_routes[] = {
    {.method = HTTP_GET, .pattern = "/api/jobs", .handle = get_jobs,
     .name = "get_jobs", .about = "All jobs, newest first."},
    {.method = HTTP_GET, .pattern = "/api/jobs/{job}", .handle = get_job,
     .name = "get_job", .about = "A job with its messages and its result."},
    {.method = HTTP_DELETE, .pattern = "/api/jobs/{job}", .handle = cancel_job,
     .name = "cancel_job",
     .about = "Cancels a job; what it did so far is kept."},
    {.method = HTTP_GET, .pattern = "/api/jobs/{job}/events",
     .handle = watch_job, .name = "watch_job", .type = "text/event-stream",
     .about = "The job as it changes, until it is over."},
    {.pattern = NULL},
};
