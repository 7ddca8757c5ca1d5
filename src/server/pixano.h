/* SPDX-License-Identifier: MIT
 * What the routes of Pixano 0.6 share: its words for what is not there. */
#ifndef SERVER_PIXANO_H
#define SERVER_PIXANO_H

#include "server/api.h"

/* The dataset that {dataset} of the path names, with its tables; false: res
 * says that there is none. Give both back with pixano_close. */
typedef struct pixano {
    library_entry *entry;
    json_t *tables;
} pixano;
bool pixano_open(api *a, const http_request *req, http_response *res,
                 pixano *out);
void pixano_close(api *a, pixano *p);

/* The answer to an error of akin_dataset_get. */
void pixano_tell_rows(http_response *res, const akin_error *err);
void pixano_tell_none(http_response *res, const char *dataset,
                      const char *table);

/* A route's handler made of one that works on an open dataset. */
typedef void (*pixano_handler)(api *a, const pixano *p, const http_request *req,
                               http_response *res);
akin_status pixano_with(api *a, const http_request *req, http_response *res,
                        pixano_handler work);

#endif
