/* SPDX-License-Identifier: MIT
 * Moving journaled vectors into usearch.index. */
#ifndef ENGINE_CHECKPOINT_H
#define ENGINE_CHECKPOINT_H

#include "engine/database.h"


typedef struct checkpoint_options {
    size_t threads; /* 0: one per processor */
    /* Called after each stretch of rows; false stops with AKIN_ECANCELLED,
     * the journal as it was. */
    bool (*progress)(void *user, size_t n_done, size_t n_total);
    void *user;
} checkpoint_options;

/* Brings usearch.index up to date: adds pending vectors, frees the slots of
 * removed windows, replaces the file, then clears the journal. Killed at any
 * instant, the next call does what is left. Does nothing when nothing is
 * pending and the file is there. Only under write_mutex, outside a
 * transaction. opt may be NULL. */
akin_status checkpoint_run(akin_db *db, const checkpoint_options *opt,
                           akin_error *err) AKIN_NODISCARD;

/* true when n_pending vectors are enough to be worth rewriting an index of
 * this size: the bytes written over a database's life stay within a few times
 * its final size. */
bool checkpoint_due(akin_db *db, int64_t n_pending);

#endif
