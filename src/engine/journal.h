/* SPDX-License-Identifier: MIT
 * Writing windows: rows and journaled vectors in transactions of some thousand
 * rows, and a checkpoint when the journal has grown. Only under write_mutex.
 *
 * After a failure roll the writer's store back; what was committed stays. */
#ifndef ENGINE_JOURNAL_H
#define ENGINE_JOURNAL_H

#include "engine/checkpoint.h"

typedef struct journal {
    akin_db *db;
    checkpoint_options checkpoint;
    double index_s;      /* CPU seconds that checkpoints have taken */
    size_t n_rows;       /* in the open transaction */
    int64_t n_pending;   /* written since the last checkpoint */
    bool in_transaction;
    double began_s;      /* the transaction */
} journal;

/* Begins a transaction unless one is open. */
akin_status journal_begin(journal *j, akin_error *err) AKIN_NODISCARD;

/* Ends the open transaction, if there is one. */
akin_status journal_commit(journal *j, akin_error *err) AKIN_NODISCARD;

/* The same if it is due, and the checkpoint if that is. */
akin_status journal_maybe_commit(journal *j, akin_error *err) AKIN_NODISCARD;

/* Commits and brings the index up to date. */
akin_status journal_checkpoint(journal *j, akin_error *err) AKIN_NODISCARD;

/* A window and its float16 vector, in the open transaction. */
akin_status journal_add(journal *j, const store_window *window,
                        const unsigned char *vector, int64_t *id,
                        akin_error *err) AKIN_NODISCARD;

/* Deployment and project of a recording: BirdNET-Analyzer's, or with a dataset
 * Perch's rule, the first folder of the name. */
akin_status journal_deployment(journal *j, const char *dataset,
                               const char *recording, int64_t *id,
                               akin_error *err) AKIN_NODISCARD;

/* The recording's row, made if absent, with the date that its name tells. */
akin_status journal_recording(journal *j, const char *recording,
                              int64_t deployment, int64_t *id, akin_error *err)
    AKIN_NODISCARD;

/* Whether one of the windows, ascending by start, has these offsets. */
bool journal_has(const store_window *windows, size_t n, double start_s,
                 double end_s);

/* Warns of values that float16 cannot hold; of none, not. */
void journal_tell_clamped(const journal *j, int64_t n_clamped);

#endif
