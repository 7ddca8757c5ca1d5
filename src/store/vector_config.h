/* SPDX-License-Identifier: MIT
 * The vector module's config.json: where the vectors, the index and the SQL
 * database are, read as users have it.
 *
 * Beside plain JSON: comments (two slashes, or slash-star) outside of strings,
 * a comma behind the last entry, a byte order mark, the port as a text, null
 * for a key that is not there. Unknown keys become warnings; a wrong type or
 * value is AKIN_EUSAGE and names the key and the value (not the password's).
 *
 * A relative path is meant from the folder of the config file. If nothing is
 * there, but something in the current directory, it is that: the module's
 * first version took paths so. */
#ifndef STORE_VECTOR_CONFIG_H
#define STORE_VECTOR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    VECTOR_MAX_PARTS = 3,
    VECTOR_MAX_DIM = 1 << 20, /* of one part; FAISS's own bound */
    VECTOR_MAX_LISTS = 1 << 24,
};

typedef enum vector_engine {
    VECTOR_SQLITE,
    VECTOR_MARIADB, /* MySQL too: the same client, and the server is asked */
} vector_engine;

typedef struct vector_tls {
    bool required; /* no connection without it */
    bool verify;   /* the server's certificate must be for the host */
    char *ca;      /* file of certificates to trust; NULL: the system's */
} vector_tls;

/* Where the metadata is. Only `engine` and `database` matter to SQLite. */
typedef struct vector_database {
    vector_engine engine;
    char *database; /* SQLite: a file; MariaDB: the schema */
    char *host;     /* "localhost" is the socket, as MySQL's clients have it */
    uint16_t port;
    char *unix_socket; /* NULL: the client library's own place */
    char *user;
    char *password; /* or NULL */
    vector_tls tls;
} vector_database;

typedef struct vector_config {
    vector_database database;
    char *index_path;
    char *vector_file; /* .npy, or a folder of <track_id>.npy; or NULL */
    /* Folders of <track_id>.npy whose vectors are put one behind the other, as
     * paths.embeddings_folder and combinator say; they count, not vector_file,
     * if there are any. */
    char *parts[VECTOR_MAX_PARTS];
    size_t n_parts;
    uint32_t part_dim; /* faiss.dimension: of one part; 0 is not given */
    char *index_type;  /* as written; "FlatL2" if not given */
    uint32_t nlist, nprobe, ef; /* 0 is not given */
    char **warnings;
    size_t n_warnings;
} vector_config;

/* Without a database block, or with one that names neither an engine nor a
 * server, the database is SQLite at "INDEX_PATH.sqlite". With a server and no
 * engine it is MariaDB. Leaves `out` clear on failure. */
akin_status vector_config_load(const char *path, vector_config *out,
                               akin_error *err) AKIN_NODISCARD;

/* The same of n bytes; path is where they are said to be from. */
akin_status vector_config_parse(const char *text, size_t n, const char *path,
                                vector_config *out, akin_error *err)
    AKIN_NODISCARD;

void vector_config_clear(vector_config *config);

#endif
