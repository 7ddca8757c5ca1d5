/* SPDX-License-Identifier: MIT
 * Sounds, spectrograms and pictures as answers, each made once and kept for a
 * while: a page of results asks for the same ones again and again. */
#define _GNU_SOURCE
#include "server/media_answer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "akin/media.h"
#include "base/file.h"
#include "base/memory.h"
#include "server/places.h"

#define MAX_SECONDS 1e9
#define MAX_PICTURE 4096
#define DEFAULT_PICTURE 1024

void media_source_clear(media_source *source)
{
    mem_free(source->path);
    mem_free(source->name);
    *source = (media_source){0};
}

/* ---- where files may be ------------------------------------------------- */

static bool is_below(const char *path, const char *root, bool all_is_fine)
{
    char *real = *root ? file_absolute(root) : NULL;
    bool below = real && places_is_below(path, real) &&
                 (all_is_fine || strcmp(real, "/") != 0);
    mem_free(real);
    return below;
}

/* The audio root is what the database says, and a database may be anybody's: one
 * that says "/" means all of this machine, which nobody's recordings are. */
static bool may_tell(const api *a, const database_entry *entry,
                     const char *path)
{
    if (is_below(path, entry->audio_root, false)) return true;
    for (size_t i = 0; i < a->options.n_media; i++)
        if (is_below(path, a->options.media[i], true)) return true;
    return false;
}

akin_status media_source_open(const api *a, const database_entry *entry,
                              const char *recording, const char *path,
                              media_source *out, akin_error *err)
{
    *out = (media_source){.path = file_absolute(path),
                          .name = mem_strdup(recording),
                          .speed = entry->speed, .fmin_hz = entry->fmin_hz,
                          .fmax_hz = entry->fmax_hz};
    if (out->path && out->name && file_exists(out->path) &&
        !file_is_dir(out->path) && may_tell(a, entry, out->path))
        return AKIN_OK;
    media_source_clear(out);
    return AKIN_FAIL(err, AKIN_ENOTFOUND,
                     "the file of '%s' is not where the database's recordings "
                     "are", recording);
}

/* Where a file lies is nobody's business: messages have its name instead. */
static akin_status without_path(const media_source *source, akin_status status,
                                akin_error *err)
{
    char *at = err && source->path ? strstr(err->text, source->path) : NULL;
    if (status == AKIN_OK || !at) return status;
    char *text = text_format("%.*s%s%s", (int)(at - err->text), err->text,
                             source->name, at + strlen(source->path));
    snprintf(err->text, sizeof err->text, "%s",
             text ? text : "the file cannot be read");
    mem_free(text);
    return status;
}

/* ---- which part --------------------------------------------------------- */

static void widen(media_source *source, const http_request *req)
{
    double context = route_number(req, "context", 0);
    source->start_s = route_number(req, "start", source->start_s);
    source->end_s = route_number(req, "end", source->end_s);
    if (context <= 0) return;
    source->start_s = fmax(0, source->start_s - context);
    if (source->end_s > 0) source->end_s += context;
}

/* ---- sound -------------------------------------------------------------- */

static akin_status take_bytes(unsigned char *bytes, size_t n, char **out,
                              akin_error *err)
{
    *out = mem_array(n + 1, 1);
    if (*out) memcpy(*out, bytes, n);
    akin_free(bytes);
    if (*out) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for an answer");
}

typedef struct sound_wish {
    const char *path;
    akin_sound_options options;
} sound_wish;

static akin_status make_sound(void *user, char **out, size_t *n,
                              akin_error *err)
{
    const sound_wish *wish = user;
    unsigned char *bytes = NULL;
    AKIN_TRY(akin_sound_make(wish->path, &wish->options, &bytes, n, err));
    return take_bytes(bytes, *n, out, err);
}

static akin_status answer_sound(api *a, const media_source *source,
                                const http_request *req, http_response *res,
                                akin_error *err)
{
    bool heard = text_equal(http_query(req, "as"), "heard");
    char what[200], etag[THUMBS_TAG_BYTES], *bytes;
    size_t n = 0;
    sound_wish sound = {.path = source->path,
                        .options = {.start_s = source->start_s,
                                    .end_s = source->end_s}};
    akin_sound_options *o = &sound.options;
    if (heard) o->speed = source->speed;
    if (heard) o->fmin_hz = source->fmin_hz;
    if (heard) o->fmax_hz = source->fmax_hz;
    snprintf(what, sizeof what, "sound %.17g %.17g %.17g %.17g %.17g",
             o->start_s, o->end_s, o->speed, o->fmin_hz, o->fmax_hz);
    thumbs_wish wish = {source->path, what, make_sound, &sound};
    AKIN_TRY(thumbs_get(a->thumbs, &wish, req, res, etag, &bytes, &n, err));
    if (!bytes) return AKIN_OK;
    http_answer_bytes(res, "audio/wav", bytes, n);
    http_take_part(req, res, etag);
    return AKIN_OK;
}

akin_status media_answer_sound(api *a, media_source *source,
                               const http_request *req, http_response *res,
                               akin_error *err)
{
    widen(source, req);
    return without_path(source, answer_sound(a, source, req, res, err), err);
}

/* ---- spectrograms ------------------------------------------------------- */

/* What stands in front of the levels where they are kept. */
typedef struct levels_head {
    uint32_t width, height, rate_hz;
    double min_hz, max_hz, start_s, end_s;
} levels_head;

typedef struct levels_wish {
    const char *path;
    akin_spectrogram_options options;
} levels_wish;

static akin_status make_levels(void *user, char **out, size_t *n,
                               akin_error *err)
{
    const levels_wish *wish = user;
    akin_spectrogram p = {0};
    AKIN_TRY(akin_spectrogram_make(wish->path, &wish->options, &p, err));
    levels_head head = {p.width, p.height, p.rate_hz, p.min_hz, p.max_hz,
                        p.start_s, p.end_s};
    size_t n_levels = (size_t)p.width * p.height;
    *n = sizeof head + n_levels;
    *out = mem_array(*n, 1);
    if (*out) {
        memcpy(*out, &head, sizeof head);
        memcpy(*out + sizeof head, p.levels, n_levels);
    }
    akin_spectrogram_clear(&p);
    if (*out) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a spectrogram");
}

static void set_number(http_response *res, const char *name, double value)
{
    char text[48];
    snprintf(text, sizeof text, "%.9g", value);
    http_set(res, name, text);
}

static void answer_levels(http_response *res, char *bytes, size_t n)
{
    levels_head head;
    memcpy(&head, bytes, sizeof head);
    memmove(bytes, bytes + sizeof head, n - sizeof head);
    http_answer_bytes(res, "application/octet-stream", bytes, n - sizeof head);
    set_number(res, "X-Width", head.width);
    set_number(res, "X-Height", head.height);
    set_number(res, "X-Rate", head.rate_hz);
    set_number(res, "X-Min-Hz", head.min_hz);
    set_number(res, "X-Max-Hz", head.max_hz);
    set_number(res, "X-Start", head.start_s);
    set_number(res, "X-End", head.end_s);
    set_number(res, "X-Floor-Db", AKIN_SPECTROGRAM_FLOOR_DB);
}

static akin_status answer_spectrogram(api *a, const media_source *source,
                                      const http_request *req,
                                      http_response *res, akin_error *err)
{
    char what[240], etag[THUMBS_TAG_BYTES], *bytes;
    size_t n = 0;
    levels_wish levels = {
        .path = source->path,
        .options = {.start_s = source->start_s, .end_s = source->end_s,
                    .width = (uint32_t)route_integer(req, "width", 400),
                    .height = (uint32_t)route_integer(req, "height", 128),
                    .min_hz = route_number(req, "min_hz", 0),
                    .max_hz = route_number(req, "max_hz", 0),
                    .mel = !text_equal(http_query(req, "axis"), "linear")}};
    akin_spectrogram_options *o = &levels.options;
    snprintf(what, sizeof what, "levels %.17g %.17g %u %u %.17g %.17g %d",
             o->start_s, o->end_s, o->width, o->height, o->min_hz, o->max_hz,
             o->mel);
    thumbs_wish wish = {source->path, what, make_levels, &levels};
    AKIN_TRY(thumbs_get(a->thumbs, &wish, req, res, etag, &bytes, &n, err));
    if (bytes) answer_levels(res, bytes, n);
    return AKIN_OK;
}

akin_status media_answer_spectrogram(api *a, media_source *source,
                                     const http_request *req,
                                     http_response *res, akin_error *err)
{
    widen(source, req);
    return without_path(source, answer_spectrogram(a, source, req, res, err),
                        err);
}

/* ---- pictures and files ------------------------------------------------- */

const char *media_type_of(const char *path)
{
    static const char *const types[][2] = {
        {".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"}, {".png", "image/png"},
        {".gif", "image/gif"},  {".webp", "image/webp"}, {".avif", "image/avif"},
        {".bmp", "image/bmp"},  {".tif", "image/tiff"},  {".tiff", "image/tiff"},
        {".jxl", "image/jxl"},  {".mp4", "video/mp4"},   {".webm", "video/webm"},
        {".mkv", "video/x-matroska"}, {".mov", "video/quicktime"},
        {".avi", "video/x-msvideo"},
        {".wav", "audio/wav"},  {".flac", "audio/flac"}, {".mp3", "audio/mpeg"},
        {".ogg", "audio/ogg"},  {".opus", "audio/ogg"},  {".m4a", "audio/mp4"},
        {".aif", "audio/aiff"}, {".aiff", "audio/aiff"},
        {".wma", "audio/x-ms-wma"},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (text_ends_with(path, types[i][0], true)) return types[i][1];
    return "application/octet-stream";
}

/* What every browser shows; TIFF and the like are shown as a JPEG. */
static bool is_shown(const char *path)
{
    static const char *const types[] = {"image/jpeg", "image/png", "image/gif",
                                        "image/webp", "image/avif"};
    const char *type = media_type_of(path);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(type, types[i]) == 0) return true;
    return false;
}

akin_status media_answer_picture(api *a, media_source *source,
                                 const http_request *req, http_response *res,
                                 akin_error *err)
{
    if (!http_query(req, "size") && is_shown(source->path))
        return media_answer_file(source, req, res, err);
    uint32_t size = (uint32_t)route_integer(req, "size", DEFAULT_PICTURE);
    return without_path(source,
                        thumbs_answer(a->thumbs, source->path, source->start_s,
                                      size, req, res, err),
                        err);
}

akin_status media_answer_file(media_source *source, const http_request *req,
                              http_response *res, akin_error *err)
{
    const char *type = media_type_of(source->path);
    if (strcmp(type, "application/octet-stream") == 0)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' is no sound, picture or film by its name",
                         source->name);
    return without_path(source,
                        http_answer_file(req, res, source->path, type, err),
                        err);
}

/* ---- values ------------------------------------------------------------- */

#define SECONDS .kind = ROUTE_NUMBER, .bounded = true, .max = MAX_SECONDS

static const char *const as_choices[] = {"recorded", "heard", NULL};
static const char *const axis_choices[] = {"mel", "linear", NULL};

#define PART_VALUES                                                            \
    {.name = "start", SECONDS, .about = "seconds of the file; the part's own"},\
    {.name = "end", SECONDS, .about = "seconds of the file; the part's own, 0 "\
                                      "is the file's"},                        \
    {.name = "context", SECONDS, .about = "seconds more on both sides; 0"}

const route_value media_sound_values[] = {
    PART_VALUES,
    {.name = "as", .choices = as_choices,
     .about = "heard: at the speed and with the band-pass of the extraction; "
              "recorded"},
    {.name = "db", .about = "of an upload: the database whose extraction heard "
                            "means"},
    {.name = NULL},
};

const route_value media_spectrogram_values[] = {
    PART_VALUES,
    {.name = "width", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = 4096, .about = "columns; 400"},
    {.name = "height", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = 1024, .about = "rows; 128"},
    {.name = "axis", .choices = axis_choices, .about = "of frequency; mel"},
    {.name = "min_hz", .kind = ROUTE_NUMBER, .bounded = true, .max = 1e7,
     .about = "at the lower edge; 0"},
    {.name = "max_hz", .kind = ROUTE_NUMBER, .bounded = true, .max = 1e7,
     .about = "at the upper edge; 0: half the file's rate"},
    {.name = NULL},
};

const route_value media_picture_values[] = {
    {.name = "size", .kind = ROUTE_INTEGER, .bounded = true, .min = 1,
     .max = MAX_PICTURE,
     .about = "pixels of the longer side, as a JPEG; the file itself without"},
    {.name = NULL},
};
