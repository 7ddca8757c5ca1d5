/* SPDX-License-Identifier: MIT
 * One consistent view of a database for a reader: its rows, the mapped index
 * file and the journaled vectors that are not in it yet. */
#ifndef ENGINE_SNAPSHOT_H
#define ENGINE_SNAPSHOT_H

#include "engine/database.h"
#include "engine/rows.h"

typedef struct snapshot {
    akin_db *db;
    store *store;      /* with a read transaction open */
    index_file *index; /* NULL if there is no file */
    size_t n_file;     /* rows of the file */
    rows pending;
    uint64_t *allow_file;    /* bitmap over file rows; NULL: all */
    uint64_t *allow_pending; /* bitmap over pending rows; NULL: all */
    size_t n_allowed;        /* rows that a scan looks at */
} snapshot;

/* filter: an expression, or NULL. Close it whatever was returned. */
akin_status snapshot_open(snapshot *s, akin_db *db, const char *filter,
                          akin_error *err) AKIN_NODISCARD;
void snapshot_close(snapshot *s);

/* Where a window's vector is: rows count through, those of the file and then the
 * pending. *found = false if it has none. */
akin_status snapshot_row(snapshot *s, uint64_t id, bool *found, size_t *row,
                         akin_error *err) AKIN_NODISCARD;

/* The float16 vector of such a row, borrowed. */
const unsigned char *snapshot_row_vector(const snapshot *s, size_t row);

/* Ends the read transaction: from now on the vectors are there, the rows of the
 * store are not. */
void snapshot_end_read(snapshot *s);

/* The float16 vector of a window, borrowed; NULL if it has none. */
akin_status snapshot_vector(snapshot *s, uint64_t id,
                            const unsigned char **out, akin_error *err)
    AKIN_NODISCARD;

#endif
