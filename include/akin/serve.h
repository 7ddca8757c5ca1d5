/* SPDX-License-Identifier: MIT
 * The server: databases and datasets of a folder over HTTP, as JSON, for programs and
 * browsers. docs/HTTP.md has its routes; GET /api/openapi.json describes them
 * to machines.
 *
 *     akin_error err;
 *     akin_server *server = NULL;
 *     akin_serve_options opt = {.root = "library"};
 *     if (akin_server_start(&opt, &server, &err) != AKIN_OK)
 *         fprintf(stderr, "%s\n", err.text);
 *     else
 *         printf("%s\n", akin_server_url(server));
 *     ...
 *     akin_server_stop(server);
 *
 * Conventions are in akin/error.h. Threads: a server runs on threads of its own;
 * the calls here may come from any thread, akin_server_stop once.
 */
#ifndef AKIN_SERVE_H
#define AKIN_SERVE_H

#include <stddef.h>
#include <stdint.h>

#include "akin/akin.h"
#include "akin/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bounds of what a client may ask for; 0: what is named beside them. */
typedef struct akin_serve_limits {
    size_t connections;    /* at a time; 256. The one whose request has been
                              coming for longest makes room for more */
    size_t body_bytes;     /* of one request; 32 MiB */
    size_t bodies_bytes;   /* of all requests at a time; 256 MiB */
    size_t rows;           /* that one answer has; 10000 */
    size_t jobs;           /* remembered, those that wait included; 1000 */
    size_t workers;        /* jobs that run at a time; 2 */
    size_t thumbs_bytes;   /* of small pictures, spectrograms and sounds kept in
                              memory; 64 MiB */
    size_t uploads_bytes;  /* of files that are asked by, kept in memory; 256
                              MiB */
    double upload_s;       /* after which one that nobody uses goes; 3600 */
    double request_s;      /* to send a request in; 60 */
    double idle_s;         /* without a byte either way; 30 */
    double close_s;        /* after which what nobody asks for is closed; 300 */
} akin_serve_limits;

/* Borrowed until akin_server_stop, with all that it points to. */
typedef struct akin_serve_options {
    const char *root; /* a database or dataset, a folder of these, or of such
                         folders; NULL: "." */
    const char *host; /* an address, or a name of this machine; "127.0.0.1". One
                         that others can reach demands a token */
    int port;         /* 1 .. 65535; 0: 7700; negative: a free one */
    const char *token; /* that clients must show; NULL: none is asked for */
    const char *const *names; /* [n_names] further names this server is called
                                 by; a request for another is refused */
    size_t n_names;
    const char *const *media; /* [n_media] folders that new databases and
                                 datasets may be made of */
    size_t n_media;
    const char *exports; /* folder below which files may be written; NULL:
                            "exports" in root */
    akin_serve_limits limits;
    const akin_model_options *models; /* NULL: defaults */
    /* From any of the server's threads: a line for each request; things worth
     * knowing. Both may be NULL. */
    void (*log)(void *user, const char *line);
    void (*warn)(void *user, const char *text);
    void *user;
} akin_serve_options;

typedef struct akin_server akin_server;

/* Returns once requests are answered. AKIN_EUSAGE (no token for a host that
 * others can reach, a bad name), AKIN_ENOTFOUND (root or a media folder),
 * AKIN_EEXISTS (the port is in use), AKIN_EIO. */
AKIN_API akin_status akin_server_start(const akin_serve_options *opt,
                                       akin_server **out, akin_error *err);

/* The port it listens on. */
AKIN_API int akin_server_port(const akin_server *server);

/* "http://127.0.0.1:7700/", without the token. Lives as long as the server. */
AKIN_API const char *akin_server_url(const akin_server *server);

/* Cancels what runs (the work done so far is kept), ends every connection and
 * waits for both. */
AKIN_API void akin_server_stop(akin_server *server);

#ifdef __cplusplus
}
#endif
#endif
