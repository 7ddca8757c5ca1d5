/* SPDX-License-Identifier: MIT
 * Small pictures, spectrograms and sounds: made of files once and kept in memory
 * for a while. Thread-safe. */
#ifndef SERVER_THUMBS_H
#define SERVER_THUMBS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash.h"
#include "server/http.h"

typedef struct thumbs thumbs;

akin_status thumbs_new(size_t max_bytes, thumbs **out, akin_error *err)
    AKIN_NODISCARD;
void thumbs_free(thumbs *t);

#define THUMBS_TAG_BYTES 40

/* What is to be made of a file. */
typedef struct thumbs_wish {
    const char *path;
    const char *what; /* all that it depends on beside the file, as text */
    /* *bytes [*n] are mem_free's. */
    akin_status (*make)(void *user, char **bytes, size_t *n, akin_error *err);
    void *user;
} thumbs_wish;

/* Made or remembered, an owned copy; *bytes is NULL where res says that the
 * client has it. */
akin_status thumbs_get(thumbs *t, const thumbs_wish *wish,
                       const http_request *req, http_response *res,
                       char etag[THUMBS_TAG_BYTES], char **bytes, size_t *n,
                       akin_error *err) AKIN_NODISCARD;

/* Answers with a JPEG of the image file, no side longer than max_side; of
 * a film, told by its name, of the frame at time_s.
 * AKIN_ENOTFOUND, AKIN_EDECODE, ... */
akin_status thumbs_answer(thumbs *t, const char *path, double time_s,
                          uint32_t max_side, const http_request *req,
                          http_response *res, akin_error *err) AKIN_NODISCARD;

#endif
