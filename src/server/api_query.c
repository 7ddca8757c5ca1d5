/* SPDX-License-Identifier: MIT
 * /api/databases/{db}/search: by a file, a region of one, a text, a vector or a
 * window; and the windows of one recording with their scores. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "akin/media.h"
#include "base/memory.h"
#include "server/api_database.h"

#define DEFAULT_HITS 20
#define MAX_DIM 65536
#define SENT_NAME "the query"

/* ---- what is asked by --------------------------------------------------- */

void database_query_clear(database_query *q)
{
    upload_close(&q->file);
    upload_close(&q->piece);
    mem_free(q->vector);
    *q = (database_query){0};
}

static void rename_path(const char *path, const char *name, akin_error *err)
{
    char *at = *path ? strstr(err->text, path) : NULL;
    if (!at) return;
    char *text = text_format("%.*s%s%s", (int)(at - err->text), err->text, name,
                             at + strlen(path));
    snprintf(err->text, sizeof err->text, "%s", text ? text : "out of memory");
    mem_free(text);
}

void database_query_rename(const database_query *q, akin_error *err)
{
    if (!err) return;
    rename_path(q->piece.path, q->piece.name, err);
    rename_path(q->file.path, q->file.name, err);
}

/* Kept, so that the next page needs its id only. */
static akin_status take_sent(api *a, const http_request *req, database_query *q,
                             akin_error *err)
{
    const char *name = req->file_name[0] ? req->file_name : SENT_NAME;
    AKIN_TRY(uploads_add(a->uploads, name, req->file, req->n_file, q->id, err));
    return uploads_open(a->uploads, q->id, &q->file, err);
}

static akin_status take_upload(api *a, const char *id, database_query *q,
                               akin_error *err)
{
    AKIN_TRY(uploads_open(a->uploads, id, &q->file, err));
    snprintf(q->id, sizeof q->id, "%s", id);
    return AKIN_OK;
}

static akin_status take_vector(const json_t *list, database_query *q,
                               akin_error *err)
{
    size_t n = json_array_size(list);
    void *p;
    if (n == 0 || n > MAX_DIM)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a vector is a list of 1 to %d numbers", MAX_DIM);
    AKIN_TRY(mem_new_array(n, sizeof *q->vector, "a vector", &p, err));
    q->vector = p;
    for (size_t i = 0; i < n; i++)
        q->vector[i] = (float)json_number_value(json_array_get(list, i));
    q->query.vectors = q->vector;
    q->query.n_vectors = 1;
    q->query.dim = n;
    return AKIN_OK;
}

/* A region becomes a file of its own, as it was recorded, so that it is heard as
 * any other query file is. */
static akin_status cut_piece(const media_source *source, double end_s,
                             database_query *q, akin_error *err)
{
    akin_sound_options opt = {.start_s = q->shift_s, .end_s = end_s};
    unsigned char *bytes = NULL;
    size_t n = 0;
    AKIN_TRY(akin_sound_make(source->path, &opt, &bytes, &n, err));
    akin_status status =
        upload_make(&q->piece, source->name, (const char *)bytes, n, err);
    akin_free(bytes);
    q->query.file = q->piece.path;
    return status;
}

typedef struct found_recording {
    char *name, *path;
} found_recording;

static bool find_recording(void *user, const akin_recording *recording)
{
    found_recording *found = user;
    found->name = mem_strdup(recording->name);
    found->path = mem_strdup(recording->path);
    return false;
}

static akin_status open_recording(api *a, database_entry *entry, int64_t id,
                                  media_source *out, akin_error *err)
{
    found_recording found = {0};
    akin_recording_options opt = {.id = id};
    akin_status status = id > 0 ? akin_each_recording(entry->db, &opt,
                                                      find_recording, &found,
                                                      NULL, err)
                                : AKIN_OK;
    if (status == AKIN_OK && (!found.name || !found.path))
        status = AKIN_FAIL(err, AKIN_ENOTFOUND, "recording %lld not found",
                           (long long)id);
    if (status == AKIN_OK)
        status = media_source_open(a, entry, found.name, found.path, out, err);
    mem_free(found.name);
    mem_free(found.path);
    return status;
}

/* A part of a recording or of the upload, by start and end. */
static akin_status take_region(api *a, database_entry *entry,
                               const http_request *req, database_query *q,
                               akin_error *err)
{
    double end_s = body_number(req, "end", 0);
    media_source source = {0};
    q->shift_s = body_number(req, "start", 0);
    q->recording_id = body_integer(req, "recording", 0);
    if (entry->is_image)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a region is of a sound; this database has pictures");
    akin_status status = AKIN_OK;
    if (q->recording_id) {
        status = open_recording(a, entry, q->recording_id, &source, err);
        if (status == AKIN_OK) status = cut_piece(&source, end_s, q, err);
    } else {
        media_source file = {.path = q->file.path, .name = q->file.name};
        status = cut_piece(&file, end_s, q, err);
    }
    media_source_clear(&source);
    return status;
}

static akin_status read_query(api *a, database_entry *entry,
                              const http_request *req, database_query *q,
                              akin_error *err)
{
    const char *id = body_text(req, "upload");
    const json_t *vector = json_object_get(req->json, "vector");
    bool region = json_is_number(json_object_get(req->json, "start")) ||
                  json_is_number(json_object_get(req->json, "end"));
    *q = (database_query){0};
    q->query.window_id = body_integer(req, "window", 0);
    q->query.text = body_text(req, "text");
    if (req->file)
        AKIN_TRY(take_sent(a, req, q, err));
    else if (id)
        AKIN_TRY(take_upload(a, id, q, err));
    if (q->id[0]) q->query.file = q->file.path;
    if (json_is_array(vector)) AKIN_TRY(take_vector(vector, q, err));
    int n_given = (q->id[0] != 0) + (q->query.text != NULL) +
                  (q->query.window_id > 0) + (q->vector != NULL) +
                  (body_integer(req, "recording", 0) > 0);
    if (n_given != 1)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a search is by one of file, upload, window, text, "
                         "vector, or recording with start and end");
    if (body_integer(req, "recording", 0) > 0 || (region && q->id[0]))
        return take_region(a, entry, req, q, err);
    return AKIN_OK;
}

akin_status database_query_open(api *a, const http_request *req,
                                database_query *q, akin_error *err)
{
    const char *id = http_query(req, "upload");
    *q = (database_query){0};
    q->query.window_id = route_integer(req, "window", 0);
    if (!id) return AKIN_OK;
    if (q->query.window_id)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a search is by a window or an upload, not by both");
    AKIN_TRY(take_upload(a, id, q, err));
    q->query.file = q->file.path;
    return AKIN_OK;
}

static json_t *spans_json(const database_query *q,
                          const akin_results_info *info)
{
    json_t *out = json_array();
    for (size_t i = 0; info->spans && i < info->n_queries; i++)
        json_array_append_new(
            out, json_pack("{s:f, s:f}", "start",
                           info->spans[i].start_s + q->shift_s, "end",
                           info->spans[i].end_s + q->shift_s));
    return out;
}

json_t *database_query_json(const database_query *q,
                            const akin_results_info *info)
{
    json_t *out = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "upload",
        json_text(q->id[0] ? q->id : NULL), "name",
        json_text(q->id[0] ? q->file.name : NULL), "window_id",
        q->query.window_id > 0 ? json_integer((json_int_t)q->query.window_id)
                               : json_null(),
        "recording_id",
        q->recording_id > 0 ? json_integer((json_int_t)q->recording_id)
                            : json_null(),
        "text", json_text(q->query.text), "spans", spans_json(q, info));
    return out;
}

/* ---- searching ---------------------------------------------------------- */

const char *const database_crops[] = {"center", "first", "segments", NULL};
const char *const database_scores[] = {"cosine", "dot", "euclidean", NULL};

int database_choice(const char *text, const char *const *names)
{
    for (int i = 0; text && names[i]; i++)
        if (strcmp(text, names[i]) == 0) return i;
    return 0;
}

static akin_status read_options(const api *a, const http_request *req,
                                akin_search_options *out, akin_error *err)
{
    *out = (akin_search_options){
        .k = (size_t)body_integer(req, "n", DEFAULT_HITS),
        .offset = (size_t)body_integer(req, "offset", 0),
        .score = (akin_score)database_choice(body_text(req, "score_function"),
                                             database_scores),
        .crop = (akin_crop)database_choice(body_text(req, "crop_mode"),
                                           database_crops),
        .overlap_s = body_number(req, "overlap", 0),
        .filter = body_text(req, "filter"),
        .exact = body_flag(req, "exact", false),
        .recall = body_number(req, "recall", 0)};
    if (out->filter && !*out->filter) out->filter = NULL;
    if (out->k <= a->options.limits.rows) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ELIMIT,
                     "an answer has at most %zu rows, not %zu",
                     a->options.limits.rows, out->k);
}

static void answer_hits(const database_query *q, const akin_search_options *opt,
                        const akin_results *results, http_response *res)
{
    akin_results_info info = {0};
    akin_results_get_info(results, &info);
    http_answer_json(
        res, 200,
        json_pack("{s:o, s:s, s:f, s:I, s:I, s:I, s:o}", "query",
                  database_query_json(q, &info), "mode", info.mode, "took_ms",
                  info.took_ms, "searched", (json_int_t)info.n_searched, "n",
                  (json_int_t)opt->k, "offset", (json_int_t)opt->offset,
                  "results", database_json_hits(results, true)));
}

static akin_status answer_search(api *a, database_entry *entry,
                                 const http_request *req, http_response *res,
                                 akin_error *err)
{
    database_query q;
    akin_search_options opt;
    akin_results *results = NULL;
    AKIN_TRY(read_options(a, req, &opt, err));
    akin_status status = read_query(a, entry, req, &q, err);
    if (status == AKIN_OK)
        status = akin_search(&entry->db, 1, &q.query, &opt, &results, err);
    if (status == AKIN_OK)
        answer_hits(&q, &opt, results, res);
    else
        database_query_rename(&q, err);
    akin_results_free(results);
    database_query_clear(&q);
    return status;
}

static akin_status post_search(api *a, const http_request *req,
                               http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_search, err);
}

/* ---- the map ------------------------------------------------------------ */

/* Little-endian float32, as the machines that akin runs on have them. */
static akin_status score_map(database_entry *entry, const akin_map *map,
                             const database_query *q,
                             const akin_search_options *opt,
                             http_response *res, akin_error *err)
{
    char n[32];
    void *scores;
    AKIN_TRY(mem_new_array(map->n, sizeof(float), "scores", &scores, err));
    akin_status status =
        akin_map_scores(entry->db, map, &q->query, opt, scores, err);
    if (status != AKIN_OK) {
        mem_free(scores);
        return status;
    }
    http_answer_bytes(res, "application/octet-stream", scores,
                      map->n * sizeof(float));
    snprintf(n, sizeof n, "%zu", map->n);
    http_set(res, "X-Count", n);
    return AKIN_OK;
}

static akin_status answer_map_scores(api *a, database_entry *entry,
                                     const http_request *req,
                                     http_response *res, akin_error *err)
{
    akin_search_options opt;
    akin_map map;
    database_query q;
    AKIN_TRY(read_options(a, req, &opt, err));
    AKIN_TRY(akin_get_map(entry->db, &map, err));
    akin_status status = read_query(a, entry, req, &q, err);
    if (status == AKIN_OK) status = score_map(entry, &map, &q, &opt, res, err);
    if (status != AKIN_OK) database_query_rename(&q, err);
    database_query_clear(&q);
    akin_map_clear(&map);
    return status;
}

static akin_status post_map_scores(api *a, const http_request *req,
                                   http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_map_scores, err);
}

/* ---- the table ---------------------------------------------------------- */

#define WHAT_IS_ASKED                                                          \
    {.name = "file", .kind = ROUTE_FILE,                                       \
     .about = "a sound or picture, in a form; kept as an upload"},             \
    {.name = "upload", .about = "the id of one that was sent before"},         \
    {.name = "window", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,       \
     .max = 9e15, .about = "a window to find the like of"},                    \
    {.name = "text", .about = "for a model that takes texts"},                 \
    {.name = "vector", .kind = ROUTE_NUMBER, .many = true,                     \
     .about = "a vector of the model"},                                        \
    {.name = "recording", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,    \
     .max = 9e15, .about = "the id of a recording, with start and end"},       \
    {.name = "start", .kind = ROUTE_NUMBER, .bounded = true, .max = 1e9,       \
     .about = "seconds, of a recording or an upload: where what is meant "     \
              "begins"},                                                       \
    {.name = "end", .kind = ROUTE_NUMBER, .bounded = true, .max = 1e9,         \
     .about = "and where it ends; 0: with the file"},                          \
    {.name = "crop_mode", .choices = database_crops,                           \
     .about = "which windows of a file ask; center"},                          \
    {.name = "overlap", .kind = ROUTE_NUMBER, .bounded = true, .max = 3600,    \
     .about = "seconds, of segments; 0"},                                      \
    {.name = "score_function", .choices = database_scores, .about = "cosine"}

static const route_value map_fields[] = {
    WHAT_IS_ASKED,
    {.name = NULL},
};

static const route_value query_fields[] = {
    WHAT_IS_ASKED,
    {.name = "n", .kind = ROUTE_INTEGER, .bounded = true, .min = 1, .max = 1e6,
     .about = "windows at most; 20"},
    {.name = "offset", .kind = ROUTE_INTEGER, .bounded = true, .max = 1e12,
     .about = "windows passed over; 0"},
    {.name = "filter", .about = "an expression; only windows that it holds for"},
    {.name = "exact", .kind = ROUTE_FLAG,
     .about = "score all, though there is a graph"},
    {.name = "recall", .kind = ROUTE_NUMBER, .bounded = true, .max = 0.9999,
     .about = "share of the true answers to be found through a graph; 0.99"},
    {.name = NULL},
};

const route api_query_routes[] = {
    {.method = HTTP_POST, .pattern = "/api/databases/{db}/search",
     .handle = post_search, .name = "search_windows", .fields = query_fields,
     .form = true, .about = "Ranks windows by what is asked for."},
    {.method = HTTP_POST, .pattern = "/api/databases/{db}/map/scores",
     .handle = post_map_scores, .name = "score_map", .fields = map_fields,
     .form = true, .type = "application/octet-stream",
     .about = "The score of each of the map's points, as float32, "
              "little-endian; NaN where the window is gone."},
    {.pattern = NULL},
};
