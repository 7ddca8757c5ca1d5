/* SPDX-License-Identifier: MIT
 * Small pictures, made once and kept in memory for a while. Thread-safe. */
#ifndef SERVER_THUMBS_H
#define SERVER_THUMBS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "server/http.h"

typedef struct thumbs thumbs;

akin_status thumbs_new(size_t max_bytes, thumbs **out, akin_error *err)
    AKIN_NODISCARD;
void thumbs_free(thumbs *t);

/* Answers with a JPEG of the image file, no side longer than max_side.
 * AKIN_ENOTFOUND, AKIN_EDECODE, ... */
akin_status thumbs_answer(thumbs *t, const char *path, uint32_t max_side,
                          const http_request *req, http_response *res,
                          akin_error *err) AKIN_NODISCARD;

#endif
