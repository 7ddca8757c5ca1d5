/* SPDX-License-Identifier: MIT
 * The metadata of the vector module: which track each vector is of, in table
 * vector_metadata(vector_id, track_id, vector_dimensions, faiss_index) of the
 * user's own database, beside which there may be the user's tables of tracks,
 * artists and albums.
 *
 * Two back-ends stand behind it, SQLite and MariaDB (or MySQL), and answer the
 * same to every verb. Not to be confused with store.h, the hoplite database.
 * A `tracks` belongs to one thread at a time.
 *
 * A change is one transaction: that of tracks_begin, or of its own where none
 * was begun. A lost connection is made anew between transactions, and the verb
 * is done again; within one it is an error, and nothing of it is kept. */
#ifndef STORE_TRACKS_H
#define STORE_TRACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/vector_config.h"

enum { TRACKS_MAX_ID_CHARS = 190, TRACKS_MAX_TYPE_CHARS = 255 };

typedef struct tracks tracks;

typedef enum tracks_mode {
    TRACKS_READ,  /* tables must be there; transactions are of reads */
    TRACKS_WRITE, /* a missing SQLite file and akin's own table are made */
} tracks_mode;

/* What users call a track: a number, or a text of 1 to 190 characters. The
 * text of a plain decimal number ("574", not "0574") is that number. */
typedef struct tracks_id {
    const char *text; /* NULL: the number */
    int64_t number;
} tracks_id;

/* The id of a file's name without extension: "000574" is 574, as the module
 * has it; what is no number stays the text, borrowed. */
tracks_id tracks_id_of(const char *name);
bool tracks_id_equal(tracks_id a, tracks_id b);
int tracks_id_compare(tracks_id a, tracks_id b); /* numbers, then texts */

typedef struct tracks_row {
    int64_t vector_id; /* 0 and up */
    tracks_id track;
} tracks_row;

/* Rows of one shape: what the two other columns hold. */
typedef struct tracks_table {
    const tracks_row *rows;
    size_t n;
    uint32_t dim;
    const char *index_type; /* as configured: "IVFFlat" */
} tracks_table;

/* db is borrowed until close. AKIN_EDB if the server refuses or is not there,
 * AKIN_ENOTFOUND if the file or the schema is not. */
akin_status tracks_open(const vector_database *db, tracks_mode mode,
                        tracks **out, akin_error *err) AKIN_NODISCARD;
void tracks_close(tracks *t); /* rolls back what is open */

/* "MariaDB 10.11.19, Connector/C 3.3.20"; lives as long as t. */
const char *tracks_server(const tracks *t);

/* In mode TRACKS_READ all reads until the end see one state. A commit that
 * fails has kept nothing, unless its message says that this is not known. */
akin_status tracks_begin(tracks *t, akin_error *err) AKIN_NODISCARD;
akin_status tracks_commit(tracks *t, akin_error *err) AKIN_NODISCARD;
void tracks_rollback(tracks *t); /* fine without a transaction */

/* ---- the journal ---------------------------------------------------------
 * Texts by name in table akin_vector_state, by which the engine tells whether
 * table and index file are of one generation. */

typedef struct tracks_state {
    const char *name, *value;
} tracks_state;

/* *value is owned (mem_free), NULL if the name or the table is absent. */
akin_status tracks_get_state(tracks *t, const char *name, char **value,
                             akin_error *err) AKIN_NODISCARD;
akin_status tracks_set_state(tracks *t, const char *name, const char *value,
                             akin_error *err) AKIN_NODISCARD;

/* ---- changes ------------------------------------------------------------- */

typedef struct tracks_replace_options {
    const tracks_state *states; /* set in the same step */
    size_t n_states;
    /* Called now and then; false gives AKIN_ECANCELLED. NULL: not called. */
    bool (*progress)(void *user, size_t n_done);
    void *user;
} tracks_replace_options;

/* The table anew, in one step: others see the old one until the new is
 * complete, and what fails or dies on the way leaves the old one as it was.
 * track_id becomes BIGINT if all ids are numbers, else a text. Not within
 * tracks_begin. options may be NULL. */
akin_status tracks_replace(tracks *t, const tracks_table *table,
                           const tracks_replace_options *options,
                           akin_error *err) AKIN_NODISCARD;

/* AKIN_EEXISTS if a vector id is there; AKIN_EUSAGE if a track id is a text
 * where the column holds numbers. */
akin_status tracks_add(tracks *t, const tracks_table *added, akin_error *err)
    AKIN_NODISCARD;

/* Gives vectors that are there another track; AKIN_ENOTFOUND names the first
 * that is not. */
akin_status tracks_update(tracks *t, const tracks_row *rows, size_t n,
                          akin_error *err) AKIN_NODISCARD;

/* Those that are not there are no error; *n_removed counts rows. */
akin_status tracks_remove_vectors(tracks *t, const int64_t *vector_ids,
                                  size_t n, size_t *n_removed, akin_error *err)
    AKIN_NODISCARD;
akin_status tracks_remove_tracks(tracks *t, const tracks_id *ids, size_t n,
                                 size_t *n_removed, akin_error *err)
    AKIN_NODISCARD;

/* ---- reads; AKIN_ENOTFOUND if there is no table vector_metadata ---------- */

akin_status tracks_count(tracks *t, size_t *out, akin_error *err)
    AKIN_NODISCARD;

/* Rows with their texts, owned; clear it. */
typedef struct tracks_list {
    tracks_row *rows;
    bool *found; /* of tracks_get: false where there is no such vector */
    size_t n, cap;
} tracks_list;

void tracks_list_clear(tracks_list *list);

/* One row for each of the n ids, in their order. */
akin_status tracks_get(tracks *t, const int64_t *vector_ids, size_t n,
                       tracks_list *out, akin_error *err) AKIN_NODISCARD;

/* The vectors of a track by id; none is no error. */
akin_status tracks_find(tracks *t, tracks_id id, tracks_list *out,
                        akin_error *err) AKIN_NODISCARD;

/* All rows by vector id. visit must not use t; its row lives for the call. */
akin_status tracks_each(tracks *t,
                        akin_status (*visit)(void *user, const tracks_row *row,
                                             akin_error *err),
                        void *user, akin_error *err) AKIN_NODISCARD;

/* What the user's tables say of tracks, as text, [n, n_columns] row-major. The
 * columns of table `tracks` keep their names; those of `artists` and `albums`,
 * where these have a track_id, are "artists.name". Clear it. */
typedef struct tracks_columns {
    char **names;
    size_t n_columns;
    char **values; /* NULL is SQL's NULL, or that the track is not found */
    bool *found;   /* table `tracks` has the id */
    size_t n;
} tracks_columns;

void tracks_columns_clear(tracks_columns *columns);

/* One row for each of the n ids, in their order; no columns if there is no
 * table `tracks`. */
akin_status tracks_get_columns(tracks *t, const tracks_id *ids, size_t n,
                               tracks_columns *out, akin_error *err)
    AKIN_NODISCARD;

#endif
