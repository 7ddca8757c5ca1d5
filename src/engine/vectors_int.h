/* SPDX-License-Identifier: MIT
 * The open index and table behind akin_vectors.
 *
 * Two files cannot be changed in one step, so the table, which can, decides.
 * The checksum of the index file that belongs to it is in its journal, under
 * "index". A change writes the new index beside the old one (INDEX.next), then
 * commits table and checksum in one transaction, then renames. Whoever opens and
 * finds that the checksum is that of INDEX.next finishes the rename; before the
 * commit INDEX.next is nobody's, after it INDEX is. A lock file keeps changes
 * apart. A search reads in one transaction, and loads the index again if its
 * table has another checksum by then: ids may have moved. */
#ifndef ENGINE_VECTORS_INT_H
#define ENGINE_VECTORS_INT_H

#include "akin/vectors.h"
#include "base/checksum.h"
#include "base/file.h"
#include "index/vecs.h"
#include "store/tracks.h"
#include "store/vector_config.h"

#define VECTORS_STATE "index"
#define VECTORS_LOCK_S 10.0

struct akin_vectors {
    vector_config config;
    vecs *index;
    tracks *tracks;
    tracks_mode mode;
    char *next_path, *lock_path;
    char *server; /* what the tables are on: "SQLite 3.40.1" */
    char *place;  /* where, for messages */
    char checksum[CHECKSUM_HEX_BYTES]; /* of the index file that is loaded */
    int64_t index_bytes;
    double read_s, build_s, table_s, save_s; /* of its making */
    bool locked; /* this one changes them just now */
    akin_vectors_options opt;
};

/* The parts of an open that making one needs too. */
akin_status vectors_init(akin_vectors *v, const char *config,
                         const akin_vectors_options *opt, akin_error *err)
    AKIN_NODISCARD;

/* Opens the tables in this mode, if they are not open in it already. */
akin_status vectors_need_tracks(akin_vectors *v, tracks_mode mode,
                                akin_error *err) AKIN_NODISCARD;

/* The index that belongs to the table into v->index. */
akin_status vectors_load(akin_vectors *v, akin_error *err) AKIN_NODISCARD;

/* Begins a transaction of reads in which index and table belong together: what
 * other programs changed is loaded. End it with tracks_rollback. */
akin_status vectors_begin_read(akin_vectors *v, akin_error *err) AKIN_NODISCARD;

void vectors_warn(const akin_vectors_options *opt, const char *fmt, ...)
    AKIN_PRINTF(2, 3);

/* AKIN_ECANCELLED if the caller wants to stop. */
akin_status vectors_tell(const akin_vectors_options *opt, const char *phase,
                         double fraction, akin_error *err) AKIN_NODISCARD;

/* Writes v->index to INDEX.next; its checksum into out. */
akin_status vectors_save_next(akin_vectors *v, char out[CHECKSUM_HEX_BYTES],
                              akin_error *err) AKIN_NODISCARD;

/* The table has the checksum now: makes INDEX.next the index. */
akin_status vectors_take_next(akin_vectors *v, akin_error *err) AKIN_NODISCARD;

#endif
