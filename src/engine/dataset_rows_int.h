/* SPDX-License-Identifier: MIT
 * Private to dataset_rows*.c: what rows are. */
#ifndef ENGINE_DATASET_ROWS_INT_H
#define ENGINE_DATASET_ROWS_INT_H

#include "engine/dataset_rows.h"

struct akin_rows {
    size_t total; /* that match, if they were counted */
    bool counted;
    akin_column *columns;
    size_t n_columns, cap_columns;
    akin_value *values; /* [n, n_columns] */
    size_t n, first, cap; /* rows from `first` on are those given out */
    struct rows_block *blocks;
    char *at; /* free bytes of the newest block */
    size_t left;
};

#endif
