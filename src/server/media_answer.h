/* SPDX-License-Identifier: MIT
 * What can be heard and seen of a file: sound, spectrogram, picture, the file
 * itself; whatever the file is: of a window, a recording or an upload. */
#ifndef SERVER_MEDIA_ANSWER_H
#define SERVER_MEDIA_ANSWER_H

#include "server/api.h"

typedef struct media_source {
    char *path;       /* owned; of this machine: never told */
    char *name;       /* owned; how messages call it */
    double start_s, end_s; /* the part that is meant; an end of 0: the file's */
    double speed, fmin_hz, fmax_hz; /* how the model heard it */
} media_source;

void media_source_clear(media_source *source);

/* The file of a recording, name as stored, if it may be told: below the
 * database's audio root or a media folder of the server's, links followed.
 * AKIN_ENOTFOUND otherwise, whatever there is. */
akin_status media_source_open(const api *a, const database_entry *entry,
                              const char *recording, const char *path,
                              media_source *out, akin_error *err)
    AKIN_NODISCARD;

/* The value "context" of the query widens the part that is meant, "start" and
 * "end" set it. */
akin_status media_answer_sound(api *a, media_source *source,
                               const http_request *req, http_response *res,
                               akin_error *err) AKIN_NODISCARD;
akin_status media_answer_spectrogram(api *a, media_source *source,
                                     const http_request *req,
                                     http_response *res, akin_error *err)
    AKIN_NODISCARD;

/* A JPEG of the picture, or of a film's frame at start_s; without "size" the
 * file itself, if it is a picture that browsers show. */
akin_status media_answer_picture(api *a, media_source *source,
                                 const http_request *req, http_response *res,
                                 akin_error *err) AKIN_NODISCARD;

/* The file itself, or the part that Range asks for. AKIN_EUNSUPPORTED: it is no
 * medium by its name. */
akin_status media_answer_file(media_source *source, const http_request *req,
                              http_response *res, akin_error *err)
    AKIN_NODISCARD;

/* By the name's ending; "application/octet-stream" for all that could hold a
 * script. */
const char *media_type_of(const char *path);

/* Their values of the query, for route tables. */
extern const route_value media_sound_values[];
extern const route_value media_spectrogram_values[];
extern const route_value media_picture_values[];

#endif
