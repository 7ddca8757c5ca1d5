/* SPDX-License-Identifier: MIT
 * What takes long, as jobs: making a dataset, computing embeddings, tagging,
 * looking for duplicates. A request is answered at once with the job's id. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "server/api.h"
#include "server/places.h"

#define MAX_TEXTS 10000 /* labels, or views to compute, of one request */
#define MAX_DUPLICATES 10000 /* told in a result */

/* What a job keeps of the request: its body, and where it works. */
typedef struct task {
    api *a;
    job *j; /* once it runs */
    char *path; /* of the dataset */
    char *folder; /* of an import */
    json_t *body;
    const char **texts; /* borrowed from body */
    size_t n_texts;
    json_t *found; /* of a search for duplicates */
    size_t n_failed;
} task;

static void task_clear(void *user)
{
    task *t = user;
    if (!t) return;
    mem_free(t->path);
    mem_free(t->folder);
    mem_free(t->texts);
    json_decref(t->body);
    json_decref(t->found);
    mem_free(t);
}

static const char *task_text(const task *t, const char *name)
{
    const char *text = NULL;
    json_get_text(t->body, name, &text);
    return text;
}

static double task_number(const task *t, const char *name)
{
    double number = 0;
    json_get_double(t->body, name, &number);
    return number;
}

static bool task_flag(const task *t, const char *name)
{
    bool flag = false;
    json_get_bool(t->body, name, &flag);
    return flag;
}

static bool on_progress(void *user, const akin_progress *progress)
{
    return job_progress(((task *)user)->j, progress);
}

/* ---- adding ------------------------------------------------------------- */

/* The body is copied deeply: the request's own belongs to another thread. */
static akin_status task_new(api *a, const http_request *req, const char *list,
                            const char *path, task **out, akin_error *err)
{
    task *t;
    AKIN_TRY(mem_new_array(1, sizeof *t, "a job", (void **)&t, err));
    t->a = a;
    t->path = mem_strdup(path);
    t->body = json_deep_copy(req->json);
    const json_t *texts = list ? json_object_get(t->body, list) : NULL;
    size_t n = json_array_size(texts);
    akin_status status = AKIN_OK;
    if (!t->path || !t->body)
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a job");
    else if (n > MAX_TEXTS)
        status = AKIN_FAIL(err, AKIN_ELIMIT, "'%s' has more than %d entries",
                           list, MAX_TEXTS);
    else if (n > 0)
        status = mem_new_array(n, sizeof *t->texts, "a job", (void **)&t->texts,
                               err);
    for (; status == AKIN_OK && t->n_texts < n; t->n_texts++)
        t->texts[t->n_texts] =
            json_string_value(json_array_get(texts, t->n_texts));
    if (status == AKIN_OK)
        *out = t;
    else
        task_clear(t);
    return status;
}

static akin_status add_job(task *t, const char *kind,
                           akin_status (*run)(job *, void *, akin_error *),
                           http_response *res, akin_error *err)
{
    char id[JOB_ID_BYTES], place[64];
    api *a = t->a;
    job_work work = {.kind = kind, .target = t->path, .run = run,
                     .clear = task_clear, .user = t};
    akin_status status = jobs_add(a->jobs, &work, id, err);
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

/* A job about the dataset that the path names. */
static akin_status add_dataset_job(api *a, const http_request *req,
                                   http_response *res, const char *kind,
                                   akin_status (*run)(job *, void *,
                                                      akin_error *),
                                   akin_error *err)
{
    library_entry *entry;
    task *t = NULL;
    const char *list = strcmp(kind, "tag") == 0 ? "labels" : "view_ids";
    AKIN_TRY(library_get(a->library, http_param(req, "dataset"), &entry, err));
    akin_status status = task_new(a, req, list, entry->path, &t, err);
    library_put(a->library, entry);
    AKIN_TRY(status);
    return add_job(t, kind, run, res, err);
}

/* ---- working ------------------------------------------------------------ */

static akin_status open_for(task *t, bool write, akin_dataset **out,
                            akin_error *err)
{
    const akin_serve_options *o = &t->a->options;
    akin_dataset_options opt = {.write = write, .models = o->models,
                                .warn = o->warn, .user = o->user};
    return akin_dataset_open(t->path, &opt, out, err);
}

static void close_writer(task *t, akin_dataset *ds)
{
    akin_dataset_close(ds);
    library_changed(t->a->library, t->path);
}

static void on_file(void *user, const akin_file_report *report)
{
    task *t = user;
    if (report->outcome == AKIN_FILE_FAILED)
        job_say(t->j, report->path, report->text);
}

static akin_status run_compute(job *j, void *user, akin_error *err)
{
    task *t = user;
    akin_dataset *ds = NULL;
    akin_extract_report report = {0};
    t->j = j;
    akin_dataset_compute_options opt = {
        .view = task_text(t, "view"), .view_ids = t->texts,
        .n_view_ids = t->n_texts, .force = task_flag(t, "force"),
        .batch_size = (size_t)task_number(t, "batch_size"),
        .progress = on_progress, .file = on_file, .user = t};
    AKIN_TRY(open_for(t, true, &ds, err));
    akin_status status = akin_dataset_compute(ds, task_text(t, "table"), &opt,
                                              &report, err);
    close_writer(t, ds);
    job_result(j, json_pack("{s:I, s:I, s:I, s:I, s:f}", "files",
                            (json_int_t)report.n_files, "done",
                            (json_int_t)report.n_done, "skipped",
                            (json_int_t)report.n_skipped, "failed",
                            (json_int_t)report.n_failed, "elapsed_s",
                            report.elapsed_s));
    return status;
}

static akin_status compute(api *a, const http_request *req, http_response *res,
                           akin_error *err)
{
    return add_dataset_job(a, req, res, "compute", run_compute, err);
}

static akin_status run_tag(job *j, void *user, akin_error *err)
{
    task *t = user;
    akin_dataset *ds = NULL;
    size_t n_tagged = 0;
    (void)j;
    akin_dataset_tag_options opt = {.field = task_text(t, "field"),
                                    .prompt = task_text(t, "prompt"),
                                    .where = task_text(t, "where"),
                                    .scale = task_number(t, "scale"),
                                    .min_score = task_number(t, "min_score")};
    AKIN_TRY(open_for(t, true, &ds, err));
    akin_status status = akin_dataset_tag(ds, task_text(t, "table"), t->texts,
                                          t->n_texts, &opt, &n_tagged, err);
    close_writer(t, ds);
    job_result(j, json_pack("{s:I}", "tagged", (json_int_t)n_tagged));
    return status;
}

static akin_status tag(api *a, const http_request *req, http_response *res,
                       akin_error *err)
{
    return add_dataset_job(a, req, res, "tag", run_tag, err);
}

static bool on_duplicate(void *user, const akin_dataset_duplicate *d)
{
    task *t = user;
    if (json_array_size(t->found) == MAX_DUPLICATES) return false;
    json_array_append_new(
        t->found,
        json_pack("{s:I, s:o, s:{s:o, s:o}, s:o, s:f}", "group",
                  (json_int_t)d->group, "item_id", json_text(d->item_id),
                  "view_ref", "name", json_text(d->view), "id",
                  json_text(d->view_id), "url", json_text(d->url), "similarity",
                  (double)d->similarity));
    return true;
}

static akin_status run_duplicates(job *j, void *user, akin_error *err)
{
    task *t = user;
    akin_dataset *ds = NULL;
    size_t n_groups = 0;
    t->j = j;
    t->found = json_array();
    akin_dataset_duplicates_options opt = {
        .min_similarity = task_number(t, "min_similarity"),
        .where = task_text(t, "where"),
        .max_group = (size_t)task_number(t, "max_group"),
        .progress = on_progress, .visit = on_duplicate, .user = t};
    AKIN_TRY(open_for(t, false, &ds, err));
    akin_status status = akin_dataset_each_duplicate(
        ds, task_text(t, "table"), &opt, &n_groups, err);
    akin_dataset_close(ds);
    if (status == AKIN_OK)
        job_result(j, json_pack("{s:I, s:o, s:b}", "groups",
                                (json_int_t)n_groups, "duplicates",
                                json_incref(t->found), "cut",
                                json_array_size(t->found) == MAX_DUPLICATES));
    return status;
}

static akin_status duplicates(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    return add_dataset_job(a, req, res, "duplicates", run_duplicates, err);
}

/* ---- making a dataset --------------------------------------------------- */

static void on_problem(void *user, const char *subject, const char *text)
{
    job_say(((task *)user)->j, subject, text);
}

static akin_status run_import(job *j, void *user, akin_error *err)
{
    task *t = user;
    akin_dataset_import_report r = {0};
    t->j = j;
    akin_dataset_import_options opt = {
        .id = task_text(t, "id"), .name = task_text(t, "name"),
        .description = task_text(t, "description"),
        .view = task_text(t, "view"),
        .names_as_ids = task_flag(t, "names_as_ids"),
        .progress = on_progress, .problem = on_problem, .user = t};
    akin_status status =
        akin_dataset_import(t->path, t->folder, &opt, &r, err);
    library_changed(t->a->library, t->path);
    job_result(j, json_pack("{s:I, s:I, s:I, s:I, s:I}", "items",
                            (json_int_t)r.n_items, "views",
                            (json_int_t)r.n_views, "new_items",
                            (json_int_t)r.n_new_items, "changed_items",
                            (json_int_t)r.n_changed_items, "failed",
                            (json_int_t)r.n_failed));
    return status;
}

/* The folder that is meant, if it is in one of those that may be used: owned. */
static akin_status allowed_folder(const api *a, const char *folder, char **out,
                                  akin_error *err)
{
    char *path;
    AKIN_TRY(places_allowed(a->options.media, a->options.n_media, folder, &path,
                            err));
    if (file_is_dir(path)) {
        *out = path;
        return AKIN_OK;
    }
    mem_free(path);
    return AKIN_FAIL(err, AKIN_ENOTFOUND, "'%s' is no folder", folder);
}

static akin_status create_dataset(api *a, const http_request *req,
                                  http_response *res, akin_error *err)
{
    task *t = NULL;
    char *path = NULL, *folder = NULL;
    AKIN_TRY(allowed_folder(a, body_text(req, "folder"), &folder, err));
    akin_status status =
        library_new_path(a->library, body_text(req, "name"), &path, err);
    if (status == AKIN_OK) status = task_new(a, req, NULL, path, &t, err);
    mem_free(path);
    if (status != AKIN_OK) {
        mem_free(folder);
        return status;
    }
    t->folder = folder;
    return add_job(t, "import", run_import, res, err);
}

/* ---- the table ---------------------------------------------------------- */

static const route_value compute_fields[] = {
    {.name = "table", .required = true, .about = "an embedding table"},
    {.name = "view", .about = "only views of this name"},
    {.name = "view_ids", .many = true, .about = "only these views"},
    {.name = "force", .kind = ROUTE_FLAG,
     .about = "also what is embedded already"},
    {.name = "batch_size", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = 1024, .about = "images a call of the model; 8"},
    {.name = NULL},
};

static const route_value tag_fields[] = {
    {.name = "table", .required = true, .about = "an embedding table"},
    {.name = "labels", .many = true, .required = true,
     .about = "the texts to choose from"},
    {.name = "field", .about = "of item, for the label; tag"},
    {.name = "prompt", .about = "with {} for the label; a photo of a {}"},
    {.name = "where", .about = "only these items"},
    {.name = "scale", .kind = ROUTE_NUMBER,
     .about = "cosine times this goes into the softmax; 100"},
    {.name = "min_score", .kind = ROUTE_NUMBER, .bounded = true, .max = 1,
     .about = "lower ones get no label"},
    {.name = NULL},
};

static const route_value duplicate_fields[] = {
    {.name = "table", .required = true, .about = "an embedding table"},
    {.name = "min_similarity", .kind = ROUTE_NUMBER, .bounded = true,
     .min = -1, .max = 1, .about = "of two that count as alike; 0.98"},
    {.name = "where", .about = "only these items"},
    {.name = "max_group", .kind = ROUTE_INTEGER, .bounded = true, .max = 1e6,
     .about = "larger groups are told cut to it"},
    {.name = NULL},
};

static const route_value import_fields[] = {
    {.name = "name", .required = true,
     .about = "of the dataset and of its folder"},
    {.name = "folder", .required = true,
     .about = "of images, below one that the server was given"},
    {.name = "id", .about = "a short id is made if none is given"},
    {.name = "description"},
    {.name = "view", .about = "name of the views; image"},
    {.name = "names_as_ids", .kind = ROUTE_FLAG,
     .about = "an item's id is its file's name"},
    {.name = NULL},
};

const route api_work_routes[] = {
    {.method = HTTP_POST, .pattern = "/api/datasets", .handle = create_dataset,
     .name = "create_dataset", .fields = import_fields, .status = 202,
     .about = "Makes a dataset of a folder of images, as a job."},
    {.method = HTTP_POST, .pattern = "/api/datasets/{dataset}/compute",
     .handle = compute, .name = "compute", .fields = compute_fields,
     .status = 202,
     .about = "Embeds the views that are not in a table yet, as a job."},
    {.method = HTTP_POST, .pattern = "/api/datasets/{dataset}/tag",
     .handle = tag, .name = "tag", .fields = tag_fields, .status = 202,
     .about = "Gives each item the nearest label, as a job."},
    {.method = HTTP_POST, .pattern = "/api/datasets/{dataset}/duplicates",
     .handle = duplicates, .name = "find_duplicates",
     .fields = duplicate_fields, .status = 202,
     .about = "Looks for groups of views that are alike, as a job."},
    {.pattern = NULL},
};
