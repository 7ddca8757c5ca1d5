/* SPDX-License-Identifier: MIT
 * What the handlers about databases share. */
#ifndef SERVER_API_DATABASE_H
#define SERVER_API_DATABASE_H

#include "server/api.h"
#include "server/database_json.h"
#include "server/media_answer.h"

/* What `work` answers about the database that {db} of the path names. */
typedef akin_status (*database_handler)(api *a, database_entry *entry,
                                        const http_request *req,
                                        http_response *res, akin_error *err);
akin_status database_with(api *a, const http_request *req, http_response *res,
                          database_handler work, akin_error *err);

/* The same with entry's handle exchanged for one that may write labels, which
 * waits for an extraction's next pause. */
akin_status database_with_labels(api *a, const http_request *req,
                                 http_response *res, database_handler work,
                                 akin_error *err);

/* The one window that {window} of the path names. AKIN_ENOTFOUND. */
akin_status database_window(database_entry *entry, const http_request *req,
                            akin_results **out, akin_error *err)
    AKIN_NODISCARD;

/* What a search is to be done by: a query and what it borrows from. */
/* Which of the names it is; the first if none. Names end with NULL. */
int database_choice(const char *text, const char *const *names);
extern const char *const database_crops[], *const database_scores[];

typedef struct database_query {
    akin_query query;
    upload file;      /* in use; zeroed: none */
    char id[UPLOAD_ID_BYTES]; /* of the upload; "" if none */
    upload piece;     /* a part of a file, cut out */
    float *vector;    /* owned */
    double shift_s;   /* where the piece begins in its file */
    int64_t recording_id; /* of a piece; 0 */
} database_query;

/* The window or upload that the values "window" and "upload" of the address
 * name; q->query stays empty if neither is given. */
akin_status database_query_open(api *a, const http_request *req,
                                database_query *q, akin_error *err)
    AKIN_NODISCARD;
void database_query_clear(database_query *q);

/* The uploaded file of this id, which messages call by the client's name. */
void database_query_rename(const database_query *q, akin_error *err);

/* {upload, name, window_id, text, spans}: what was asked by, and which windows
 * were cut out of it. */
json_t *database_query_json(const database_query *q,
                            const akin_results_info *info);

/* Files a job that the task describes; AKIN_OK though there are too many: res
 * says so. */
akin_status database_add_job(api *a, const job_work *work, http_response *res,
                             akin_error *err) AKIN_NODISCARD;

#endif
