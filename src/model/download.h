/* SPDX-License-Identifier: MIT
 * One file over http, https or file, through libcurl: into memory, or into a
 * PATH.part that an interrupted download goes on from. */
#ifndef MODEL_DOWNLOAD_H
#define MODEL_DOWNLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/install.h"

typedef struct download {
    const char *url;
    const char *path; /* of the whole file; written is PATH.part */
    const char *name; /* for progress */
    int64_t size_bytes; /* more is an error; -1: not known */
    bool local;         /* file: URLs are allowed */
    bool resumed;       /* out: it went on from a part */
    const install_options *options;
} download;

/* true for http, https and file URLs. */
bool download_is_url(const char *text);

/* Fills PATH.part, going on from what is there if the server's ETag (kept in
 * PATH.part.etag) still is the one it had; otherwise from the start. On failure
 * the part stays. AKIN_EIO, AKIN_ENOTFOUND (404, 410, no file), AKIN_EMODEL
 * (more than size_bytes), AKIN_ECANCELLED, AKIN_EUSAGE (not such a URL). */
akin_status download_to_part(download *d, akin_error *err) AKIN_NODISCARD;

/* The whole answer as owned bytes (mem_free), NUL-terminated. */
akin_status download_to_memory(const download *d, size_t max_bytes, char **out,
                               size_t *n_out, akin_error *err) AKIN_NODISCARD;

#endif
