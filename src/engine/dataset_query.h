/* SPDX-License-Identifier: MIT
 * What a dataset is asked for, as one vector. */
#ifndef ENGINE_DATASET_QUERY_H
#define ENGINE_DATASET_QUERY_H

#include "engine/dataset_table.h"

typedef struct dataset_query {
    float *vector; /* [dim], of length 1 */
    size_t dim;
    uint32_t *not_views, *not_items; /* rows that asked: no answers */
    size_t n_not_views, n_not_items;
} dataset_query;

/* The sum of the terms, each of length 1 times its weight. Clear it whatever was
 * returned. */
akin_status dataset_query_make(dataset_table *t, const dataset_map *map,
                               item_store *s, const akin_dataset_term *terms,
                               size_t n, dataset_query *out, akin_error *err)
    AKIN_NODISCARD;
void dataset_query_clear(dataset_query *q);

/* Scales a vector to length 1; false if it has none. */
bool dataset_unit(float *vector, size_t dim);

#endif
