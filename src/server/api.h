/* SPDX-License-Identifier: MIT
 * What the handlers work on, and their tables: a file api_*.c each. */
#ifndef SERVER_API_H
#define SERVER_API_H

#include "akin/serve.h"
#include "server/databases.h"
#include "server/guard.h"
#include "server/jobs.h"
#include "server/library.h"
#include "server/route.h"
#include "server/thumbs.h"
#include "server/uploads.h"

/* All that a server has but its sockets. */
struct api {
    akin_serve_options options; /* limits filled in */
    guard guard;
    library *library;
    jobs *jobs;
    thumbs *thumbs;
    databases *databases;
    uploads *uploads;
    char *exports; /* folder below which files are written; owned */
};

/* Checks options, opens the rest. api_clear accepts what is half open. */
akin_status api_init(api *a, const akin_serve_options *options, akin_error *err)
    AKIN_NODISCARD;
void api_clear(api *a);

/* The whole way from a request to its answer, but for the guard's look at the
 * headers, which comes before the body is read. */
void api_handle(api *a, http_request *req, http_response *res);

/* All tables, with a NULL behind them. */
extern const route *const api_tables[];

extern const route api_browser_routes[];
extern const route api_database_routes[];
extern const route api_dataset_routes[];
extern const route api_export_routes[];
extern const route api_extract_routes[];
extern const route api_job_routes[];
extern const route api_label_routes[];
extern const route api_map_routes[];
extern const route api_media_routes[];
extern const route api_pixano_routes[];
extern const route api_query_routes[];
extern const route api_recording_routes[];
extern const route api_search_routes[];
extern const route api_server_routes[];
extern const route api_upload_routes[];
extern const route api_window_routes[];
extern const route api_work_routes[];

#endif
