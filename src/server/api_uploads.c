/* SPDX-License-Identifier: MIT
 * /api/uploads: files to be asked by, heard and seen before they are. */
#define _GNU_SOURCE
#include <string.h>

#include "base/memory.h"
#include "server/api_database.h"
#include "server/http_parse.h"

static akin_status keep(api *a, const char *name, const char *data, size_t n,
                        http_response *res, akin_error *err)
{
    char id[UPLOAD_ID_BYTES];
    AKIN_TRY(uploads_add(a->uploads, name, data, n, id, err));
    http_answer_json(res, 201,
                     json_pack("{s:s, s:o, s:I}", "id", id, "name",
                               json_text(name), "bytes", (json_int_t)n));
    return AKIN_OK;
}

/* Base64, or a whole data: address. */
static akin_status keep_base64(api *a, const http_request *req,
                               const char *text, http_response *res,
                               akin_error *err)
{
    const char *comma = text_starts_with(text, "data:") ? strchr(text, ',')
                                                        : NULL;
    const char *name = body_text(req, "name");
    char *bytes;
    size_t n;
    if (comma) text = comma + 1;
    if (http_parse_base64(text, strlen(text), &bytes, &n, NULL) != AKIN_OK)
        return AKIN_FAIL(err, AKIN_EUSAGE, "the file is no base64");
    akin_status status = keep(a, name ? name : "file", bytes, n, res, err);
    mem_free(bytes);
    return status;
}

static akin_status add_upload(api *a, const http_request *req,
                              http_response *res, akin_error *err)
{
    const char *text = body_text(req, "file");
    const char *name = body_text(req, "name");
    if (!name && req->file_name[0]) name = req->file_name;
    if (req->file)
        return keep(a, name ? name : "file", req->file, req->n_file, res, err);
    return keep_base64(a, req, text, res, err);
}

static akin_status remove_upload(api *a, const http_request *req,
                                 http_response *res, akin_error *err)
{
    const char *id = http_param(req, "upload");
    if (!uploads_remove(a->uploads, id))
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "upload '%s' not found", id);
    http_answer(res, 204);
    return AKIN_OK;
}

/* ---- looking and listening ---------------------------------------------- */

typedef akin_status (*source_answer)(api *a, media_source *source,
                                     const http_request *req,
                                     http_response *res, akin_error *err);

/* ?db= says whose settings it is heard with. */
static akin_status take_settings(api *a, const http_request *req,
                                 media_source *source, akin_error *err)
{
    const char *id = http_query(req, "db");
    database_entry *entry;
    if (!id) return AKIN_OK;
    AKIN_TRY(databases_get(a->databases, id, &entry, err));
    source->speed = entry->speed;
    source->fmin_hz = entry->fmin_hz;
    source->fmax_hz = entry->fmax_hz;
    databases_put(a->databases, entry);
    return AKIN_OK;
}

static akin_status answer_upload(api *a, const http_request *req,
                                 http_response *res, source_answer answer,
                                 akin_error *err)
{
    upload file;
    AKIN_TRY(uploads_open(a->uploads, http_param(req, "upload"), &file, err));
    media_source source = {.path = mem_strdup(file.path),
                           .name = mem_strdup(file.name)};
    akin_status status = AKIN_OK;
    if (!source.path || !source.name)
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for an answer");
    if (status == AKIN_OK) status = take_settings(a, req, &source, err);
    if (status == AKIN_OK) status = answer(a, &source, req, res, err);
    media_source_clear(&source);
    upload_close(&file);
    return status;
}

static akin_status get_sound(api *a, const http_request *req,
                             http_response *res, akin_error *err)
{
    return answer_upload(a, req, res, media_answer_sound, err);
}

static akin_status get_spectrogram(api *a, const http_request *req,
                                   http_response *res, akin_error *err)
{
    return answer_upload(a, req, res, media_answer_spectrogram, err);
}

static akin_status get_picture(api *a, const http_request *req,
                               http_response *res, akin_error *err)
{
    return answer_upload(a, req, res, media_answer_picture, err);
}

/* ---- the table ---------------------------------------------------------- */

static const route_value upload_fields[] = {
    {.name = "file", .kind = ROUTE_FILE, .required = true,
     .about = "a sound or picture"},
    {.name = "name", .about = "how it is called; its file's name"},
    {.name = NULL},
};

const route api_upload_routes[] = {
    {.method = HTTP_POST, .pattern = "/api/uploads", .handle = add_upload,
     .name = "add_upload", .fields = upload_fields, .form = true, .status = 201,
     .about = "Keeps a file for a while, to be asked by."},
    {.method = HTTP_DELETE, .pattern = "/api/uploads/{upload}",
     .handle = remove_upload, .name = "remove_upload", .status = 204,
     .about = "Forgets it."},
    {.method = HTTP_GET, .pattern = "/api/uploads/{upload}/sound",
     .handle = get_sound, .name = "get_upload_sound", .type = "audio/wav",
     .values = media_sound_values,
     .about = "Its sound, or a part, as a WAV."},
    {.method = HTTP_GET, .pattern = "/api/uploads/{upload}/spectrogram",
     .handle = get_spectrogram, .name = "get_upload_spectrogram",
     .type = "application/octet-stream", .values = media_spectrogram_values,
     .about = "Levels of its spectrogram, a byte each, rows from the top."},
    {.method = HTTP_GET, .pattern = "/api/uploads/{upload}/picture",
     .handle = get_picture, .name = "get_upload_picture", .type = "image/jpeg",
     .values = media_picture_values, .about = "Its picture as a JPEG."},
    {.pattern = NULL},
};
