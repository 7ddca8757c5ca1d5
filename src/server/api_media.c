/* SPDX-License-Identifier: MIT
 * Files of views, by the view's id: whole, in part, and small. A path never
 * comes from a client. */
#define _GNU_SOURCE
#include "server/media_answer.h"

#define THUMB_SIZE 256
#define THUMB_MAX_SIZE 1024

/* Messages name the view, not the file: where it lies is nobody's business. */
static akin_status without_path(const http_request *req, akin_status status,
                                akin_error *err)
{
    if (status == AKIN_OK) return status;
    if (status == AKIN_ENOTFOUND)
        return AKIN_FAIL(err, status, "the file of view '%s' is not there",
                         http_param(req, "view"));
    return AKIN_FAIL(err, status, "the file of view '%s' cannot be read",
                     http_param(req, "view"));
}

/* The file of the view that the path names: akin_free. */
static akin_status find_file(api *a, const http_request *req, char **out,
                             akin_error *err)
{
    library_entry *entry;
    AKIN_TRY(library_get(a->library, http_param(req, "dataset"), &entry, err));
    akin_status status = akin_dataset_view_path(
        entry->dataset, http_param(req, "view"), out, err);
    library_put(a->library, entry);
    return without_path(req, status, err);
}

static akin_status get_media(api *a, const http_request *req,
                             http_response *res, akin_error *err)
{
    char *path;
    AKIN_TRY(find_file(a, req, &path, err));
    akin_status status =
        http_answer_file(req, res, path, media_type_of(path), err);
    akin_free(path);
    return without_path(req, status, err);
}

static akin_status get_thumbnail(api *a, const http_request *req,
                                 http_response *res, akin_error *err)
{
    char *path;
    uint32_t size = (uint32_t)route_integer(req, "size", THUMB_SIZE);
    AKIN_TRY(find_file(a, req, &path, err));
    akin_status status = thumbs_answer(a->thumbs, path, 0, size, req, res, err);
    akin_free(path);
    return without_path(req, status, err);
}

static const route_value thumbnail_values[] = {
    {.name = "size", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = THUMB_MAX_SIZE, .about = "pixels of the longer side; 256"},
    {.name = NULL},
};

const route api_media_routes[] = {
    {.method = HTTP_GET, .pattern = "/api/datasets/{dataset}/media/{view}",
     .handle = get_media, .name = "get_media",
     .type = "application/octet-stream",
     .about = "The file of a view, or the part that Range asks for."},
    {.method = HTTP_GET, .pattern = "/api/datasets/{dataset}/thumbnail/{view}",
     .handle = get_thumbnail, .name = "get_thumbnail", .type = "image/jpeg",
     .values = thumbnail_values, .about = "The picture of a view in small."},
    {.pattern = NULL},
};
