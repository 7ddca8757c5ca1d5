/* SPDX-License-Identifier: MIT
 * The databases below the server's folder: found, opened once for all readers,
 * closed when nobody has asked for a while. Thread-safe. */
#ifndef SERVER_DATABASES_H
#define SERVER_DATABASES_H

#include "akin/serve.h"
#include "base/error.h"
#include "base/json.h"

typedef struct databases databases;

/* An open database; its handle is for reading. */
typedef struct database_entry {
    akin_db *db;
    char *path;       /* its folder */
    char *id;         /* the folder's path from the server's, "sub/birds.db" */
    char *audio_root; /* of its recordings; "" if it says none */
    bool is_image;
    uint32_t dim;
    double speed, fmin_hz, fmax_hz; /* as it was extracted; fmax 0: none */
} database_entry;

/* opt is borrowed: root, models, warn, and after how long what nobody uses is
 * closed. */
akin_status databases_new(const akin_serve_options *opt, databases **out,
                          akin_error *err) AKIN_NODISCARD;
void databases_free(databases *all); /* when no entry is in use any more */

/* The database of this id, or in the folder of this name. Give it back with
 * databases_put. AKIN_ENOTFOUND: "database 'ID' not found". */
akin_status databases_get(databases *all, const char *id, database_entry **out,
                          akin_error *err) AKIN_NODISCARD;
void databases_put(databases *all, database_entry *entry); /* NULL is fine */

/* Model, settings, counts, sizes and states, as docs/HTTP.md has them. */
akin_status databases_info(databases *all, database_entry *entry, json_t **out,
                           akin_error *err) AKIN_NODISCARD;

/* Whoever has written to a database says so: those who come get a fresh handle,
 * those who read keep theirs. */
void databases_changed(databases *all, const char *path);

/* Calls visit for each by its id; entry is NULL where it cannot be opened, and
 * problem says why. false ends it early. */
void databases_each(databases *all,
                    bool (*visit)(void *user, const char *id, const char *path,
                                  database_entry *entry, const char *problem),
                    void *user);

/* The folder of the database of this id or, if there is none, for a new one of
 * this name: owned. *exists tells which. AKIN_EUSAGE: no good name. */
akin_status databases_place(databases *all, const char *id, char **out,
                            bool *exists, akin_error *err) AKIN_NODISCARD;

#endif
