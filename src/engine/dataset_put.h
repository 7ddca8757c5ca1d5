/* SPDX-License-Identifier: MIT
 * Putting vectors that were made elsewhere into a table, one after the other. */
#ifndef ENGINE_DATASET_PUT_H
#define ENGINE_DATASET_PUT_H

#include "engine/dataset_table.h"
#include "engine/journal.h"

typedef struct dataset_put {
    akin_dataset *ds;
    akin_db *db;
    journal journal;
    bool force;
    char *media;
    float *values;       /* [dim], clamped */
    unsigned char *half; /* [dim] float16 */
    size_t dim, n_added, n_unknown;
    int64_t n_clamped;
    int64_t deployment; /* 0: not asked for yet */
} dataset_put;

/* Under write_mutex. Makes the table if it is not there. model NULL: that of the
 * table, else "imported". AKIN_ESETTINGS: it has vectors of another model or
 * dimension. Close it whatever was returned. */
akin_status dataset_put_open(dataset_put *put, akin_dataset *ds,
                             const char *table, const char *model, size_t dim,
                             akin_error *err) AKIN_NODISCARD;

/* The vector of a view; an unknown one is counted. Finite: the caller's part. */
akin_status dataset_put_vector(dataset_put *put, const char *view_id,
                               const float *vector, akin_error *err)
    AKIN_NODISCARD;

/* Commits all and makes it searchable. */
akin_status dataset_put_finish(dataset_put *put, akin_error *err)
    AKIN_NODISCARD;
void dataset_put_close(dataset_put *put);

#endif
