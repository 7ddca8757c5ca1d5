/* SPDX-License-Identifier: MIT
 * The items of a table in the order of a query, each by its best view: made as
 * far as pages were asked for, and kept for the next ones. */
#ifndef ENGINE_DATASET_RANKED_H
#define ENGINE_DATASET_RANKED_H

#include "base/text.h"
#include "engine/dataset_table.h"

/* What is asked for. */
typedef struct dataset_ask {
    float *vector; /* [dim], of length 1 */
    size_t dim;
    const char *where; /* NULL: all items */
    const char *view;  /* NULL: views of all names */
    bool exact;
    double min_similarity; /* items below are not looked for; 0: none */
    uint32_t *not_views; /* [n_not_views] rows that are no answers */
    uint32_t *not_items; /* [n_not_items] */
    size_t n_not_views, n_not_items;
} dataset_ask;

typedef struct dataset_place {
    float similarity;
    uint32_t item, view; /* row numbers */
    uint16_t name;
} dataset_place;

typedef struct dataset_ranked {
    dataset_place *places; /* [n], best first */
    size_t n;
    bool complete;     /* there are no more */
    bool by_graph;
    size_t n_matching; /* items that could be answers */
    int64_t items_version, db_version;
    file_stamp index;
    text_buf key; /* the ask, to be compared */
    size_t n_users; /* atomic */
} dataset_ranked;

/* The first `want` items, or as many as there are (or are not below the least
 * similarity); borrowed until it is given back. AKIN_EUSAGE for a wrong where,
 * AKIN_ENOTFOUND for a view that no table has. */
akin_status dataset_ranked_take(akin_dataset *ds, dataset_table *t,
                                const dataset_table_map *map,
                                const dataset_ask *ask, size_t want,
                                dataset_ranked **out, akin_error *err)
    AKIN_NODISCARD;
void dataset_ranked_give(dataset_ranked *r);

#endif
