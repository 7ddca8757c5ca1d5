/* SPDX-License-Identifier: MIT
 * What is asked for, as vectors. */
#ifndef ENGINE_QUERY_H
#define ENGINE_QUERY_H

#include "engine/database.h"

typedef struct query_vectors {
    float *vectors; /* [n, dim] */
    size_t n, dim;
    akin_span *spans; /* [n] of a file's windows; NULL for others */
    uint64_t self; /* the window that asks and is no answer; 0: none */
} query_vectors;

/* Turns a file, vectors or a window of db into query vectors. */
akin_status query_make(akin_db *db, const akin_query *query,
                       const akin_search_options *opt, query_vectors *out,
                       akin_error *err) AKIN_NODISCARD;
void query_clear(query_vectors *q);

#endif
