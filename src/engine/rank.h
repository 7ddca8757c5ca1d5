/* SPDX-License-Identifier: MIT
 * Ranking the rows of one snapshot: by its graph where there is one, else all of
 * them. */
#ifndef ENGINE_RANK_H
#define ENGINE_RANK_H

#include "engine/snapshot.h"
#include "index/flat.h"

typedef struct rank_query {
    const float *vectors; /* [n, dim]; a row's score is the mean over all n */
    size_t n, dim;
    flat_score score;
    size_t threads; /* 0: one per processor */
    bool exact;     /* not by the graph */
    double recall;  /* of the graph; 0: 0.99 */
    size_t ef;      /* of the graph; sets recall aside */
} rank_query;

/* What is ranked. Rows count through: those of the file, then the pending. */
typedef struct rank_rows {
    const snapshot *snapshot;
    const uint64_t *allow_file;    /* bitmap over file rows; NULL: all */
    const uint64_t *allow_pending; /* bitmap over pending rows; NULL: all */
    uint64_t (*key)(const void *user, size_t row); /* of the hits only, called
                                                      by several threads */
    const void *user;
} rank_rows;

/* Pushes the best rows of the snapshot into top, as flat_scan does; may be called
 * for several snapshots in turn. By the graph they are top->k of its best, some
 * of the true ones may be missing; their scores are exact. *by_graph becomes
 * true if one was used, else it stays as it is. */
akin_status rank_scan(const rank_rows *of, const rank_query *query,
                      topk *top, bool *by_graph, akin_error *err)
    AKIN_NODISCARD;

#endif
