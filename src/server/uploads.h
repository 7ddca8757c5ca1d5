/* SPDX-License-Identifier: MIT
 * Files that clients sent to be asked by: kept for a while, in memory, under an
 * id, so that the next page of an answer does not need them again.
 * Thread-safe. */
#ifndef SERVER_UPLOADS_H
#define SERVER_UPLOADS_H

#include <stddef.h>

#include "base/error.h"
#include "base/json.h"

#define UPLOAD_ID_BYTES 33

typedef struct uploads uploads;

/* One in use: it stays there until it is closed, whatever becomes of its id. */
typedef struct upload {
    int fd;
    char path[32];  /* by which the library opens it */
    char name[128]; /* the client's, to be shown only */
    size_t n_bytes;
} upload;

/* What was not used for age_s goes, and the one that was not used for longest
 * where there is no room. */
akin_status uploads_new(size_t max_bytes, double age_s, uploads **out,
                        akin_error *err) AKIN_NODISCARD;
void uploads_free(uploads *all);

/* AKIN_EUSAGE: it is empty. AKIN_ELIMIT: more than all may have together. */
akin_status uploads_add(uploads *all, const char *name, const char *data,
                        size_t n, char id[UPLOAD_ID_BYTES], akin_error *err)
    AKIN_NODISCARD;

/* AKIN_ENOTFOUND: it was never there or is gone. */
akin_status uploads_open(uploads *all, const char *id, upload *out,
                         akin_error *err) AKIN_NODISCARD;
/* A file of the same kind that has no id. */
akin_status upload_make(upload *out, const char *name, const char *data,
                        size_t n, akin_error *err) AKIN_NODISCARD;
void upload_close(upload *one); /* zeroed is fine */

bool uploads_remove(uploads *all, const char *id);

#endif
