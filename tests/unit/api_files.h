/* SPDX-License-Identifier: MIT
 * A server without sockets over a small dataset, for the tests of api_*.c. */
#ifndef API_FILES_H
#define API_FILES_H

#include "server/api.h"

/* The dataset "shapes" in test_dir()/library: six pictures, items with the fields
 * colour (text) and number (0 .. 5), and the table emb_tint, computed. */
void api_open_shapes(api *a);

/* Asks and gives back the answer's JSON (json_decref; NULL if it is none), after
 * a check of its status. body: JSON text, or NULL. */
json_t *api_ask(api *a, const char *method, const char *target,
                const char *body, int status);

/* The same for answers whose bytes matter: http_response_clear. header may be
 * NULL. */
void api_ask_whole(api *a, const char *target, const char *header,
                   const char *value, http_response *res);

/* The text at KEY of an object's "detail", or the detail itself: "" if absent. */
const char *api_detail(const json_t *answer);

/* Waits until the job is over; its state. */
json_t *api_finish(api *a, const json_t *answer);

#endif
