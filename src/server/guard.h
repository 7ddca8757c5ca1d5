/* SPDX-License-Identifier: MIT
 * Who may ask: the host's name, the page that asks, the token; and the headers
 * that tell a browser what it may do with an answer. */
#ifndef SERVER_GUARD_H
#define SERVER_GUARD_H

#include "base/hash.h"
#include "server/http.h"

typedef struct guard {
    const char *host;  /* the one listened on */
    const char *token; /* NULL: none */
    const char *const *names; /* [n_names] further names of this server */
    size_t n_names;
    bool local; /* the host is one that only this machine reaches */
    char cookie[32];                /* its name: other ports have other ones */
    char cookie_value[HASH_HEX_BYTES];
} guard;

/* Texts are borrowed. AKIN_EUSAGE: a host that others reach, and no token; a
 * token that no header can hold. */
akin_status guard_init(guard *g, const char *host, const char *token,
                       akin_error *err) AKIN_NODISCARD;

/* Once the port is known. */
void guard_set_port(guard *g, int port);

/* Looks at address and headers; the body may not have come yet. false: res is
 * the refusal. */
bool guard_check(const guard *g, const http_request *req, http_response *res);

/* The headers that every answer has. */
void guard_finish(http_response *res);

/* Whether only this machine reaches an address: 127.x.x.x, ::1, localhost. */
bool guard_is_local(const char *host);

#endif
