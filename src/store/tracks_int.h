/* SPDX-License-Identifier: MIT
 * Private to tracks*.c: what a back-end provides, and what both share. */
#ifndef STORE_TRACKS_INT_H
#define STORE_TRACKS_INT_H

#include "base/text.h"
#include "store/tracks.h"

/* How the column track_id is declared. */
typedef enum tracks_kind {
    TRACKS_NO_TABLE,
    TRACKS_NUMBERS,
    TRACKS_TEXTS,
} tracks_kind;

enum {
    TRACKS_CHUNK = 500, /* ids in one IN (...) */
    TRACKS_MAX_SQL_BYTES = 1 << 20,
    TRACKS_MAX_COLUMNS = 4096,
    TRACKS_MAX_ROWS = 1 << 28,
};

typedef struct tracks_ids {
    const tracks_id *ids;
    size_t n;
} tracks_ids;

/* Takes a table whose columns are not known before. */
typedef struct tracks_sink {
    akin_status (*columns)(void *user, const char *const *names, size_t n,
                           akin_error *err);
    akin_status (*row)(void *user, const char *const *values, size_t n,
                       akin_error *err); /* NULL is SQL's NULL */
    void *user;
} tracks_sink;

/* Rows, ids and texts were checked, and a change is in a transaction, when
 * these are called. kind is that of vector_metadata, and the table is there. */
typedef struct tracks_verbs {
    void (*close)(tracks *t);
    akin_status (*begin)(tracks *t, akin_error *err);
    akin_status (*commit)(tracks *t, akin_error *err);
    void (*rollback)(tracks *t);
    akin_status (*get_state)(tracks *t, const char *name, char **value,
                             akin_error *err);
    akin_status (*set_state)(tracks *t, const char *name, const char *value,
                             akin_error *err);
    akin_status (*replace)(tracks *t, const tracks_table *table,
                           const tracks_replace_options *options,
                           akin_error *err); /* not in a transaction */
    akin_status (*add)(tracks *t, const tracks_table *added, akin_error *err);
    akin_status (*update)(tracks *t, const tracks_row *row, size_t *n_changed,
                          akin_error *err);
    akin_status (*remove_vectors)(tracks *t, const int64_t *vector_ids,
                                  size_t n, size_t *n_removed,
                                  akin_error *err); /* n <= TRACKS_CHUNK */
    akin_status (*remove_tracks)(tracks *t, const tracks_id *ids, size_t n,
                                 size_t *n_removed, akin_error *err);
    akin_status (*count)(tracks *t, size_t *out, akin_error *err);
    akin_status (*get)(tracks *t, const int64_t *vector_ids, size_t n,
                       tracks_list *out, akin_error *err); /* in any order */
    akin_status (*find)(tracks *t, tracks_id id, tracks_list *out,
                        akin_error *err);
    akin_status (*each)(tracks *t,
                        akin_status (*visit)(void *user, const tracks_row *row,
                                             akin_error *err),
                        void *user, akin_error *err);
    /* How column track_id of a table is declared. */
    akin_status (*kind_of)(tracks *t, const char *table, tracks_kind *out,
                           akin_error *err);
    /* All columns of a user's table for n <= TRACKS_CHUNK ids, in any order.
     * The table has a column track_id, of this kind. */
    akin_status (*select)(tracks *t, const char *table, tracks_kind kind,
                          const tracks_ids *ids, const tracks_sink *sink,
                          akin_error *err);
} tracks_verbs;

struct tracks {
    const tracks_verbs *verbs;
    const vector_database *db;
    tracks_mode mode;
    char server[128];
    tracks_kind kind; /* of vector_metadata; valid within a verb */
    bool in_transaction;
    bool spoilt; /* half a change was made: it may not be committed */
};

akin_status tracks_open_sqlite(const vector_database *db, tracks_mode mode,
                               tracks **out, akin_error *err) AKIN_NODISCARD;
akin_status tracks_open_mariadb(const vector_database *db, tracks_mode mode,
                                tracks **out, akin_error *err) AKIN_NODISCARD;

/* Tests only: MariaDB as MySQL is served, by INSERTs of many rows. */
void tracks_mariadb_without_bulk(tracks *t);

/* The id that a database's text stands for; text is borrowed. */
tracks_id tracks_id_stored(const char *text);

/* The id as text; digits is for a number's. */
const char *tracks_id_text(tracks_id id, char digits[24]);

/* Appends an owned copy of the row. */
akin_status tracks_list_add(tracks_list *list, const tracks_row *row,
                            akin_error *err) AKIN_NODISCARD;

/* HEAD followed by "(?, ?, ...)" of n. */
void tracks_put_marks(text_buf *sql, const char *head, size_t n);

#endif
