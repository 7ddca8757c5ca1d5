/* SPDX-License-Identifier: MIT
 * Which vectors of a table are linked by likeness, directly or through others. */
#ifndef ENGINE_DATASET_PAIRS_H
#define ENGINE_DATASET_PAIRS_H

#include "engine/dataset_filter.h"

typedef struct dataset_pairs {
    const dataset_map *map;
    const dataset_filter *filter;   /* of views */
    const dataset_allowed *allowed; /* the rows that pass it */
    float min_similarity;
    size_t threads; /* 0: one per processor */
    /* Called from the calling thread; false stops: AKIN_ECANCELLED. NULL. */
    bool (*progress)(void *user, double fraction);
    void *user;
} dataset_pairs;

/* Of each row of the map (mem_free) the first row that it is linked with, itself
 * if there is none; two rows are a pair if they are as similar and not of one
 * item alone. Does not depend on threads. */
akin_status dataset_pairs_link(const dataset_pairs *pairs, uint32_t **out,
                               akin_error *err) AKIN_NODISCARD;

/* Tests only: how many multiplications are done before a graph is asked instead;
 * 0: as ever. */
void dataset_pairs_set_exact_max(double n);

#endif
