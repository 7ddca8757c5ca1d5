/* SPDX-License-Identifier: MIT
 * /api/databases/{db}/windows: windows by a filter, one by its id, and what can
 * be heard and seen of it. */
#include "base/memory.h"
#include "server/api_database.h"

#define DEFAULT_WINDOWS 50

/* ---- rows --------------------------------------------------------------- */

static akin_status answer_windows(api *a, database_entry *entry,
                                  const http_request *req, http_response *res,
                                  akin_error *err)
{
    akin_list_options opt = {
        .filter = http_query(req, "filter"),
        .limit = (size_t)route_integer(req, "limit", DEFAULT_WINDOWS),
        .offset = (size_t)route_integer(req, "offset", 0)};
    akin_results *rows = NULL;
    size_t n_total = 0;
    if (opt.limit > a->options.limits.rows)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "an answer has at most %zu rows, not %zu",
                         a->options.limits.rows, opt.limit);
    AKIN_TRY(akin_list_windows(entry->db, &opt, &rows, &n_total, err));
    http_answer_json(res, 200,
                     json_pack("{s:I, s:I, s:I, s:o}", "total",
                               (json_int_t)n_total, "limit",
                               (json_int_t)opt.limit, "offset",
                               (json_int_t)opt.offset, "windows",
                               database_json_hits(rows, false)));
    akin_results_free(rows);
    return AKIN_OK;
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

/* Those that overlap the window, or have its very offsets. */
static json_t *labels_on(const json_t *all, const akin_hit *hit)
{
    json_t *out = json_array(), *one;
    size_t i;
    json_array_foreach(all, i, one) {
        double start = 0, end = 0;
        json_get_double(one, "start", &start);
        json_get_double(one, "end", &end);
        bool same = start == hit->start_s && end == hit->end_s;
        if (same || (start < hit->end_s && hit->start_s < end))
            json_array_append(out, one);
    }
    return out;
}

static akin_status answer_window(api *a, database_entry *entry,
                                 const http_request *req, http_response *res,
                                 akin_error *err)
{
    akin_results *rows;
    (void)a;
    AKIN_TRY(database_window(entry, req, &rows, err));
    const akin_hit *hit = akin_results_at(rows, 0);
    json_t *all = json_array();
    akin_status status = akin_each_annotation_of(entry->db, hit->recording_id,
                                                 add_annotation, all, err);
    if (status == AKIN_OK) {
        json_t *out = database_json_hit(hit, false);
        json_object_set_new(out, "annotations", labels_on(all, hit));
        http_answer_json(res, 200, out);
    }
    json_decref(all);
    akin_results_free(rows);
    return status;
}

static akin_status get_window(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_window, err);
}

/* ---- looking and listening ---------------------------------------------- */

static akin_status open_source(api *a, database_entry *entry,
                               const http_request *req, media_source *out,
                               akin_error *err)
{
    akin_results *rows;
    AKIN_TRY(database_window(entry, req, &rows, err));
    const akin_hit *hit = akin_results_at(rows, 0);
    akin_status status = media_source_open(a, entry, hit->recording, hit->path,
                                           out, err);
    out->start_s = hit->start_s;
    out->end_s = hit->end_s;
    akin_results_free(rows);
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

static akin_status answer_picture(api *a, database_entry *entry,
                                  const http_request *req, http_response *res,
                                  akin_error *err)
{
    media_source source;
    AKIN_TRY(open_source(a, entry, req, &source, err));
    akin_status status =
        entry->is_image
            ? media_answer_picture(a, &source, req, res, err)
            : AKIN_FAIL(err, AKIN_ENOTFOUND,
                        "window '%s' is a sound and has no picture",
                        http_param(req, "window"));
    media_source_clear(&source);
    return status;
}

static akin_status get_picture(api *a, const http_request *req,
                               http_response *res, akin_error *err)
{
    return database_with(a, req, res, answer_picture, err);
}

/* ---- the table ---------------------------------------------------------- */

static const route_value list_values[] = {
    {.name = "filter", .about = "an expression; all windows if none is given"},
    {.name = "limit", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = 1e6, .about = "windows at most; 50"},
    {.name = "offset", .kind = ROUTE_INTEGER, .bounded = true, .max = 1e12,
     .about = "windows passed over; 0"},
    {.name = NULL},
};

#define WINDOW "/api/databases/{db}/windows/{window}"

const route api_window_routes[] = {
    {.method = HTTP_GET, .pattern = "/api/databases/{db}/windows",
     .handle = get_windows, .name = "list_windows", .values = list_values,
     .about = "Windows by their ids."},
    {.method = HTTP_GET, .pattern = WINDOW, .handle = get_window,
     .name = "get_window", .about = "A window with its labels and their ids."},
    {.method = HTTP_GET, .pattern = WINDOW "/sound", .handle = get_sound,
     .name = "get_window_sound", .type = "audio/wav",
     .values = media_sound_values, .about = "Its sound as a WAV."},
    {.method = HTTP_GET, .pattern = WINDOW "/spectrogram",
     .handle = get_spectrogram, .name = "get_window_spectrogram",
     .type = "application/octet-stream", .values = media_spectrogram_values,
     .about = "Levels of its spectrogram, a byte each, rows from the top."},
    {.method = HTTP_GET, .pattern = WINDOW "/picture", .handle = get_picture,
     .name = "get_window_picture", .type = "image/jpeg",
     .values = media_picture_values,
     .about = "The picture that it is, or the frame of a film."},
    {.pattern = NULL},
};
