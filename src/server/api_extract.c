/* SPDX-License-Identifier: MIT
 * /api/databases/{db}/extract: recordings or pictures into a database, as a job;
 * /api/folders: where they may come from.
 *
 * A job that was cancelled, or whose server was ended, is taken up by asking for
 * the same again: files that are complete are passed over. */
#define _GNU_SOURCE
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "server/api_database.h"
#include "server/finder.h"
#include "server/places.h"

#define MAX_INPUTS 1000
#define MAX_ENTRIES 10000 /* of a folder, told in one answer */

/* ---- what a job keeps --------------------------------------------------- */

typedef struct extraction {
    api *a;
    job *j; /* once it runs */
    char *path;         /* of the database */
    char **inputs;      /* [n_inputs] absolute */
    size_t n_inputs;
    char *texts;        /* where embeddings are written as text; NULL: not */
    json_t *body;
    size_t n_skipped, n_failed;
} extraction;

static void extraction_free(void *user)
{
    extraction *x = user;
    if (!x) return;
    for (size_t i = 0; i < x->n_inputs; i++) mem_free(x->inputs[i]);
    mem_free(x->inputs);
    mem_free(x->path);
    mem_free(x->texts);
    json_decref(x->body);
    mem_free(x);
}

static const char *text_of(const json_t *body, const char *name)
{
    const char *text = NULL;
    json_get_text(body, name, &text);
    return text;
}

/* A number of the body into *out, and the bit that says so. */
static void take_number(const json_t *body, const char *name, unsigned bit,
                        double *out, akin_settings *settings)
{
    const json_t *value = json_object_get(body, name);
    if (!json_is_number(value)) return;
    *out = json_number_value(value);
    settings->set |= bit;
}

static akin_settings settings_of(const json_t *body)
{
    double fmin = 0, fmax = 0;
    akin_settings s = {.model = text_of(body, "model")};
    if (s.model) s.set |= AKIN_SET_MODEL;
    take_number(body, "overlap", AKIN_SET_OVERLAP, &s.overlap_s, &s);
    take_number(body, "audio_speed", AKIN_SET_SPEED, &s.audio_speed, &s);
    take_number(body, "min_length", AKIN_SET_MIN_LENGTH, &s.min_length_s, &s);
    take_number(body, "every", AKIN_SET_EVERY, &s.every_s, &s);
    take_number(body, "fmin", AKIN_SET_FMIN, &fmin, &s);
    take_number(body, "fmax", AKIN_SET_FMAX, &fmax, &s);
    s.fmin_hz = (int)fmin;
    s.fmax_hz = (int)fmax;
    return s;
}

static size_t size_of(const json_t *body, const char *name)
{
    int64_t n = 0;
    json_get_int64(body, name, &n);
    return n > 0 ? (size_t)n : 0;
}

/* ---- the job ------------------------------------------------------------ */

static bool on_progress(void *user, const akin_progress *progress)
{
    return job_progress(((extraction *)user)->j, progress);
}

static void on_file(void *user, const akin_file_report *report)
{
    extraction *x = user;
    if (report->outcome == AKIN_FILE_DONE) return;
    if (report->outcome == AKIN_FILE_FAILED) {
        x->n_failed++;
        job_say(x->j, report->path, report->text);
    } else {
        x->n_skipped++;
    }
    job_tally(x->j, x->n_skipped, x->n_failed);
}

/* For a new database without a model's name: by what there is to embed. */
static akin_status choose_model(extraction *x, akin_settings *settings,
                                akin_error *err)
{
    akin_input_counts n = {0};
    if (settings->model || finder_is_database(x->path)) return AKIN_OK;
    AKIN_TRY(akin_count_inputs((const char *const *)x->inputs, x->n_inputs, &n,
                               err));
    if (n.n_pictures == 0 || n.n_sounds > n.n_films) return AKIN_OK;
    settings->model = "tint";
    settings->set |= AKIN_SET_MODEL;
    return AKIN_OK;
}

static akin_status open_database(extraction *x, akin_db **out, akin_error *err)
{
    const akin_serve_options *o = &x->a->options;
    akin_db_options opt = {.mode = AKIN_CREATE,
                           .settings = settings_of(x->body),
                           .models = o->models, .warn = o->warn,
                           .user = o->user};
    AKIN_TRY(choose_model(x, &opt.settings, err));
    akin_status status = akin_open(x->path, &opt, out, err);
    databases_changed(x->a->databases, x->path);
    return status;
}

static json_t *report_json(const akin_extract_report *r)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "files",
                     (json_int_t)r->n_files, "done", (json_int_t)r->n_done,
                     "skipped", (json_int_t)r->n_skipped, "failed",
                     (json_int_t)r->n_failed, "windows",
                     (json_int_t)r->n_windows, "audio_s", r->audio_s,
                     "elapsed_s", r->elapsed_s);
}

static akin_status run_extract(job *j, void *user, akin_error *err)
{
    extraction *x = user;
    akin_db *db = NULL;
    akin_extract_report report = {0};
    bool force = false;
    x->j = j;
    json_get_bool(x->body, "force", &force);
    akin_extract_options opt = {.batch_size = size_of(x->body, "batch_size"),
                                .threads = size_of(x->body, "threads"),
                                .n_scores = size_of(x->body, "scores"),
                                .dataset = text_of(x->body, "dataset"),
                                .force = force, .progress = on_progress,
                                .file = on_file, .user = x};
    AKIN_TRY(open_database(x, &db, err));
    akin_status status = akin_extract(db, (const char *const *)x->inputs,
                                      x->n_inputs, &opt, &report, err);
    if (status == AKIN_OK && x->texts)
        status = akin_export_embeddings(db, x->texts, NULL, err);
    akin_close(db);
    databases_changed(x->a->databases, x->path);
    job_result(j, report_json(&report));
    return status;
}

/* ---- asking for one ----------------------------------------------------- */

static akin_status take_inputs(api *a, const http_request *req, extraction *x,
                               akin_error *err)
{
    const char **names;
    size_t n;
    void *p;
    AKIN_TRY(body_texts(req, "inputs", &names, &n, err));
    akin_status status = AKIN_OK;
    if (n == 0 || n > MAX_INPUTS)
        status = AKIN_FAIL(err, AKIN_EUSAGE,
                           "an extraction is of 1 to %d files and folders",
                           MAX_INPUTS);
    if (status == AKIN_OK)
        status = mem_new_array(n, sizeof *x->inputs, "a job", &p, err);
    if (status == AKIN_OK) x->inputs = p;
    for (size_t i = 0; i < n && status == AKIN_OK; i++) {
        status = places_allowed(a->options.media, a->options.n_media, names[i],
                                &x->inputs[i], err);
        x->n_inputs += status == AKIN_OK;
    }
    mem_free(names);
    return status;
}

/* Whether what is asked for fits the database that is there, or the model is
 * one that is here: to be told now, not by a job that fails. A model's folder
 * would let a client open what it likes. */
static akin_status check_settings(api *a, const extraction *x, bool exists,
                                  akin_error *err)
{
    akin_settings settings = settings_of(x->body);
    akin_db_options opt = {.settings = settings, .models = a->options.models};
    akin_model *model = NULL;
    akin_db *db = NULL;
    if (settings.model && strchr(settings.model, '/'))
        return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' is no model's name",
                         settings.model);
    if (exists) {
        AKIN_TRY(akin_open(x->path, &opt, &db, err));
        akin_close(db);
    } else if (settings.model) {
        AKIN_TRY(akin_model_open(settings.model, a->options.models, &model,
                                 err));
        akin_model_close(model);
    }
    return AKIN_OK;
}

static akin_status extraction_new(api *a, const http_request *req,
                                  extraction **out, akin_error *err)
{
    extraction *x;
    bool exists = false;
    const char *texts = body_text(req, "file_output");
    AKIN_TRY(mem_new_array(1, sizeof *x, "a job", (void **)&x, err));
    x->a = a;
    x->body = json_deep_copy(req->json);
    akin_status status =
        x->body ? take_inputs(a, req, x, err)
                : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a job");
    if (status == AKIN_OK)
        status = databases_place(a->databases, http_param(req, "db"), &x->path,
                                 &exists, err);
    if (status == AKIN_OK) status = check_settings(a, x, exists, err);
    if (status == AKIN_OK && texts)
        status = places_new(a->exports, texts, true, &x->texts, err);
    if (status == AKIN_OK)
        *out = x;
    else
        extraction_free(x);
    return status;
}

static akin_status post_extract(api *a, const http_request *req,
                                http_response *res, akin_error *err)
{
    extraction *x;
    AKIN_TRY(extraction_new(a, req, &x, err));
    job_work work = {.kind = "extract", .target = x->path, .run = run_extract,
                     .clear = extraction_free, .user = x};
    return database_add_job(a, &work, res, err);
}

/* ---- folders ------------------------------------------------------------ */

static json_t *entry_json(const char *name, const char *path)
{
    return json_pack("{s:o, s:o}", "name", json_text(name), "path",
                     json_text(path));
}

static json_t *roots_json(const api *a)
{
    json_t *out = json_array();
    for (size_t i = 0; i < a->options.n_media; i++) {
        char *path = file_absolute(a->options.media[i]);
        if (path) json_array_append_new(out, entry_json(file_name(path), path));
        mem_free(path);
    }
    return out;
}

/* Folders and files that lie there, not what links lead to elsewhere. */
static void add_entry(const api *a, const char *folder, const char *name,
                      json_t *folders, json_t *files)
{
    char *joined = file_join(folder, name), *path = NULL;
    file_stamp stamp = {0};
    if (joined && places_allowed(a->options.media, a->options.n_media, joined,
                                 &path, NULL) == AKIN_OK) {
        json_t *entry = entry_json(name, path);
        if (file_is_dir(path)) {
            json_array_append_new(folders, entry);
        } else {
            if (file_stat(path, &stamp, NULL) == AKIN_OK)
                json_object_set_new(entry, "bytes",
                                    json_integer(stamp.size_bytes));
            json_array_append_new(files, entry);
        }
    }
    mem_free(path);
    mem_free(joined);
}

static json_t *parent_json(const api *a, const char *path)
{
    char *parent = file_parent(path), *allowed = NULL;
    json_t *out = json_null();
    if (parent && places_allowed(a->options.media, a->options.n_media, parent,
                                 &allowed, NULL) == AKIN_OK)
        out = json_text(allowed);
    mem_free(allowed);
    mem_free(parent);
    return out;
}

static json_t *counts_json(const char *path)
{
    akin_input_counts n = {0};
    if (akin_count_inputs(&path, 1, &n, NULL) != AKIN_OK) return json_null();
    return json_pack("{s:I, s:I, s:I}", "sounds", (json_int_t)n.n_sounds,
                     "pictures", (json_int_t)n.n_pictures, "films",
                     (json_int_t)n.n_films);
}

static akin_status list_folder(const api *a, const char *path, bool counted,
                               http_response *res, akin_error *err)
{
    char **names;
    size_t n;
    AKIN_TRY(file_list_new(path, &names, &n, err));
    json_t *folders = json_array(), *files = json_array();
    for (size_t i = 0; i < n && i < MAX_ENTRIES; i++)
        add_entry(a, path, names[i], folders, files);
    file_list_free(names, n);
    http_answer_json(res, 200,
                     json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o}", "path",
                               json_text(path), "parent", parent_json(a, path),
                               "roots", roots_json(a), "folders", folders,
                               "files", files, "cut", n > MAX_ENTRIES, "counts",
                               counted ? counts_json(path) : json_null()));
    return AKIN_OK;
}

static akin_status get_folders(api *a, const http_request *req,
                               http_response *res, akin_error *err)
{
    const char *asked = http_query(req, "path");
    char *path;
    if (!asked || !*asked) {
        http_answer_json(res, 200,
                         json_pack("{s:n, s:n, s:o, s:[], s:[], s:b, s:n}",
                                   "path", "parent", "roots", roots_json(a),
                                   "folders", "files", "cut", 0, "counts"));
        return AKIN_OK;
    }
    AKIN_TRY(places_allowed(a->options.media, a->options.n_media, asked, &path,
                            err));
    akin_status status =
        file_is_dir(path)
            ? list_folder(a, path, route_flag(req, "count", false), res, err)
            : AKIN_FAIL(err, AKIN_ENOTFOUND, "'%s' is no folder", asked);
    mem_free(path);
    return status;
}

/* ---- the table ---------------------------------------------------------- */

static const route_value extract_fields[] = {
    {.name = "inputs", .many = true, .required = true,
     .about = "files and folders below those that the server was given"},
    {.name = "model", .about = "the name of a model that is here; mel, or tint "
                               "for pictures"},
    {.name = "overlap", .kind = ROUTE_NUMBER, .bounded = true, .max = 3600,
     .about = "seconds of playback; 0"},
    {.name = "audio_speed", .kind = ROUTE_NUMBER, .bounded = true, .min = 0.01,
     .max = 100, .about = "1"},
    {.name = "fmin", .kind = ROUTE_INTEGER, .bounded = true, .max = 15000,
     .about = "Hz; 0 is off"},
    {.name = "fmax", .kind = ROUTE_INTEGER, .bounded = true, .max = 15000,
     .about = "Hz; 15000 is off"},
    {.name = "min_length", .kind = ROUTE_NUMBER, .bounded = true, .max = 3600,
     .about = "seconds; shorter last windows are left out; 0"},
    {.name = "every", .kind = ROUTE_NUMBER, .bounded = true, .min = 0.001,
     .max = 86400, .about = "of films: seconds between frames; 1"},
    {.name = "batch_size", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = 65536, .about = "windows a call of the model; 8"},
    {.name = "threads", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = 256, .about = "one per processor"},
    {.name = "scores", .kind = ROUTE_INTEGER, .bounded = true, .max = 1000,
     .about = "best classes kept with each window; 0"},
    {.name = "dataset", .about = "hoplite's project"},
    {.name = "force", .kind = ROUTE_FLAG,
     .about = "files again that are complete"},
    {.name = "file_output",
     .about = "afterwards all embeddings as text: a name below the export "
              "folder, a .csv or a folder"},
    {.name = NULL},
};

static const route_value folder_values[] = {
    {.name = "path", .about = "a folder; the ones the server was given if none"},
    {.name = "count", .kind = ROUTE_FLAG,
     .about = "with the sounds, pictures and films in it and below"},
    {.name = NULL},
};

const route api_extract_routes[] = {
    {.method = HTTP_POST, .pattern = "/api/databases/{db}/extract",
     .handle = post_extract, .name = "extract", .fields = extract_fields,
     .status = 202,
     .about = "Embeds files into a database, which is made if need be, as a "
              "job."},
    {.method = HTTP_GET, .pattern = "/api/folders", .handle = get_folders,
     .name = "list_folders", .values = folder_values,
     .about = "What lies in a folder that extractions may be of."},
    {.pattern = NULL},
};
