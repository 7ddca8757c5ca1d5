/* SPDX-License-Identifier: MIT
 * The browser application: files that are part of the program. */
#ifndef SERVER_ASSETS_H
#define SERVER_ASSETS_H

#include "server/http.h"

/* tools/embed-web makes the table of web/dist. */
typedef struct asset {
    const char *path;  /* "/" is index.html */
    const char *type;
    const char *version; /* a hash of its bytes */
    bool forever;      /* its name has a hash: what it holds never changes */
    size_t at, n;      /* in assets_bytes */
    size_t gzip_at, n_gzip;
} asset;

extern const asset assets_all[]; /* ends with one without a path */
extern const unsigned char assets_bytes[];

/* Answers if the path is of a file or a page of the application; false: it is
 * not, and nothing was done. */
bool assets_answer(const http_request *req, http_response *res);

#endif
