/* SPDX-License-Identifier: MIT
 * /api/databases/{db}/recordings: the files that windows are of, by their ids;
 * a name from a client is looked for among names and never opened. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "server/api_database.h"

#define DEFAULT_RECORDINGS 50

/* ---- rows --------------------------------------------------------------- */

static bool add_recording(void *user, const akin_recording *recording)
{
    json_array_append_new(user, database_json_recording(recording));
    return true;
}

static akin_status answer_recordings(api *a, database_entry *entry,
                                     const http_request *req,
                                     http_response *res, akin_error *err)
{
    akin_recording_options opt = {
        .match = http_query(req, "q"),
        .limit = (size_t)route_integer(req, "limit", DEFAULT_RECORDINGS),
        .offset = (size_t)route_integer(req, "offset", 0)};
    size_t n_total = 0;
    json_t *list = json_array();
    (void)a;
    akin_status status = akin_each_recording(entry->db, &opt, add_recording,
                                             list, &n_total, err);
    if (status == AKIN_OK)
        http_answer_json(
            res, 200,
            json_pack("{s:I, s:I, s:I, s:O}", "total", (json_int_t)n_total,
                      "limit", (json_int_t)opt.limit, "offset",
                      (json_int_t)opt.offset, "recordings", list));
    json_decref(list);
    return status;
}

static akin_status get_recordings(api *a, const http_request *req,
                                  http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_recordings, err);
}

/* What {recording} of the path names. */
typedef struct named_recording {
    json_t *json;
    char *name, *path;
} named_recording;

static void recording_clear(named_recording *r)
{
    json_decref(r->json);
    mem_free(r->name);
    mem_free(r->path);
    *r = (named_recording){0};
}

static bool take_recording(void *user, const akin_recording *recording)
{
    named_recording *r = user;
    r->json = database_json_recording(recording);
    r->name = mem_strdup(recording->name);
    r->path = mem_strdup(recording->path);
    return false;
}

static akin_status find_recording(database_entry *entry,
                                  const http_request *req, named_recording *out,
                                  akin_error *err)
{
    akin_recording_options opt = {.id = route_id(req, "recording")};
    akin_status status = AKIN_OK;
    *out = (named_recording){0};
    if (opt.id)
        status = akin_each_recording(entry->db, &opt, take_recording, out, NULL,
                                     err);
    if (status == AKIN_OK && out->json && out->name && out->path)
        return AKIN_OK;
    recording_clear(out);
    if (status != AKIN_OK) return status;
    return AKIN_FAIL(err, AKIN_ENOTFOUND, "recording '%s' not found",
                     http_param(req, "recording"));
}

static akin_status answer_recording(api *a, database_entry *entry,
                                    const http_request *req,
                                    http_response *res, akin_error *err)
{
    named_recording r;
    media_source source = {0};
    AKIN_TRY(find_recording(entry, req, &r, err));
    bool there = media_source_open(a, entry, r.name, r.path, &source, NULL) ==
                 AKIN_OK;
    json_object_set_new(r.json, "file", json_boolean(there));
    http_answer_json(res, 200, json_incref(r.json));
    media_source_clear(&source);
    recording_clear(&r);
    return AKIN_OK;
}

static akin_status get_recording(api *a, const http_request *req,
                                 http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_recording, err);
}

/* ---- its windows -------------------------------------------------------- */

static akin_status list_windows(const api *a, database_entry *entry,
                                const char *filter, json_t **out,
                                akin_error *err)
{
    akin_list_options opt = {.filter = filter, .limit = a->options.limits.rows};
    akin_results *rows = NULL;
    AKIN_TRY(akin_list_windows(entry->db, &opt, &rows, NULL, err));
    *out = database_json_hits(rows, false);
    akin_results_free(rows);
    return AKIN_OK;
}

/* A window is no answer to itself, but its vector's answers have it. */
static akin_status ask_by_vector(database_entry *entry, database_query *q,
                                 akin_error *err)
{
    void *p;
    if (!q->query.window_id) return AKIN_OK;
    AKIN_TRY(mem_new_array(entry->dim, sizeof *q->vector, "a vector", &p, err));
    q->vector = p;
    q->query.vectors = q->vector;
    q->query.n_vectors = 1;
    q->query.dim = entry->dim;
    return akin_get_vector(entry->db, q->query.window_id, q->vector, err);
}

/* All of them are scored: a curve along the recording has no gaps. */
static akin_status score_windows(const api *a, database_entry *entry,
                                 const http_request *req, database_query *q,
                                 const char *filter, json_t **out,
                                 akin_error *err)
{
    akin_search_options opt = {
        .k = a->options.limits.rows, .filter = filter, .exact = true,
        .crop = (akin_crop)database_choice(http_query(req, "crop_mode"),
                                           database_crops),
        .overlap_s = route_number(req, "overlap", 0),
        .score = (akin_score)database_choice(http_query(req, "score_function"),
                                             database_scores)};
    akin_results *hits = NULL;
    AKIN_TRY(ask_by_vector(entry, q, err));
    AKIN_TRY(akin_search(&entry->db, 1, &q->query, &opt, &hits, err));
    *out = database_json_hits(hits, true);
    akin_results_free(hits);
    return AKIN_OK;
}

static akin_status answer_windows(api *a, database_entry *entry,
                                  const http_request *req, http_response *res,
                                  akin_error *err)
{
    named_recording r;
    database_query q;
    json_t *windows = NULL;
    char filter[64];
    AKIN_TRY(find_recording(entry, req, &r, err));
    recording_clear(&r);
    snprintf(filter, sizeof filter, "recording_id = %lld",
             (long long)route_id(req, "recording"));
    akin_status status = database_query_open(a, req, &q, err);
    bool scored = q.query.file || q.query.window_id > 0;
    if (status == AKIN_OK)
        status = scored ? score_windows(a, entry, req, &q, filter, &windows,
                                        err)
                        : list_windows(a, entry, filter, &windows, err);
    if (status == AKIN_OK)
        http_answer_json(res, 200,
                         json_pack("{s:b, s:o}", "scored", scored, "windows",
                                   windows));
    else
        database_query_rename(&q, err);
    database_query_clear(&q);
    return status;
}

static akin_status get_windows(api *a, const http_request *req,
                               http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_windows, err);
}

static bool add_annotation(void *user, const akin_annotation *annotation)
{
    json_array_append_new(user, database_json_annotation(annotation));
    return true;
}

static akin_status answer_labels(api *a, database_entry *entry,
                                 const http_request *req, http_response *res,
                                 akin_error *err)
{
    json_t *list = json_array();
    (void)a;
    akin_status status = akin_each_annotation_of(
        entry->db, route_id(req, "recording"), add_annotation, list, err);
    if (status == AKIN_OK)
        http_answer_json(res, 200, json_pack("{s:O}", "annotations", list));
    json_decref(list);
    return status;
}

static akin_status get_labels(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_labels, err);
}

/* ---- looking and listening ---------------------------------------------- */

static akin_status open_source(api *a, database_entry *entry,
                               const http_request *req, media_source *out,
                               akin_error *err)
{
    named_recording r;
    AKIN_TRY(find_recording(entry, req, &r, err));
    akin_status status =
        media_source_open(a, entry, r.name, r.path, out, err);
    recording_clear(&r);
    return status;
}

static akin_status answer_sound(api *a, database_entry *entry,
                                const http_request *req, http_response *res,
                                akin_error *err)
{
    media_source source;
    AKIN_TRY(open_source(a, entry, req, &source, err));
    akin_status status = media_answer_sound(a, &source, req, res, err);
    media_source_clear(&source);
    return status;
}

static akin_status get_sound(api *a, const http_request *req,
                             http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_sound, err);
}

static akin_status answer_spectrogram(api *a, database_entry *entry,
                                      const http_request *req,
                                      http_response *res, akin_error *err)
{
    media_source source;
    AKIN_TRY(open_source(a, entry, req, &source, err));
    akin_status status = media_answer_spectrogram(a, &source, req, res, err);
    media_source_clear(&source);
    return status;
}

static akin_status get_spectrogram(api *a, const http_request *req,
                                   http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_spectrogram, err);
}

static akin_status answer_file(api *a, database_entry *entry,
                               const http_request *req, http_response *res,
                               akin_error *err)
{
    media_source source;
    AKIN_TRY(open_source(a, entry, req, &source, err));
    akin_status status = media_answer_file(&source, req, res, err);
    media_source_clear(&source);
    return status;
}

static akin_status get_file(api *a, const http_request *req, http_response *res,
                            akin_error *err)
{
    return database_with(a, req, res, answer_file, err);
}

/* ---- the table ---------------------------------------------------------- */

static const route_value list_values[] = {
    {.name = "q", .about = "a part of the name; all if none is given"},
    {.name = "limit", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = 10000, .about = "recordings at most; 50"},
    {.name = "offset", .kind = ROUTE_INTEGER, .bounded = true, .max = 1e12,
     .about = "recordings passed over; 0"},
    {.name = NULL},
};

static const route_value window_values[] = {
    {.name = "window", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = 9e15, .about = "a window that the others are compared with"},
    {.name = "upload", .about = "an upload that they are compared with"},
    {.name = "crop_mode", .choices = database_crops,
     .about = "which windows of the upload ask; center"},
    {.name = "overlap", .kind = ROUTE_NUMBER, .bounded = true, .max = 3600,
     .about = "seconds, of segments; 0"},
    {.name = "score_function", .choices = database_scores, .about = "cosine"},
    {.name = NULL},
};

#define RECORDING "/api/databases/{db}/recordings/{recording}"

const route api_recording_routes[] = {
    {.method = HTTP_GET, .pattern = "/api/databases/{db}/recordings",
     .handle = get_recordings, .name = "list_recordings",
     .values = list_values, .about = "Recordings by their names."},
    {.method = HTTP_GET, .pattern = RECORDING, .handle = get_recording,
     .name = "get_recording",
     .about = "A recording; file says whether its file is there."},
    {.method = HTTP_GET, .pattern = RECORDING "/windows",
     .handle = get_windows, .name = "get_recording_windows",
     .values = window_values,
     .about = "Its windows, with their scores if something is asked for."},
    {.method = HTTP_GET, .pattern = RECORDING "/labels", .handle = get_labels,
     .name = "get_recording_labels", .about = "Its annotations."},
    {.method = HTTP_GET, .pattern = RECORDING "/sound", .handle = get_sound,
     .name = "get_recording_sound", .type = "audio/wav",
     .values = media_sound_values, .about = "A part of its sound as a WAV."},
    {.method = HTTP_GET, .pattern = RECORDING "/spectrogram",
     .handle = get_spectrogram, .name = "get_recording_spectrogram",
     .type = "application/octet-stream", .values = media_spectrogram_values,
     .about = "Levels of the spectrogram of a part, a byte each."},
    {.method = HTTP_GET, .pattern = RECORDING "/file", .handle = get_file,
     .name = "get_recording_file", .type = "application/octet-stream",
     .about = "Its file, or the part that Range asks for."},
    {.pattern = NULL},
};
