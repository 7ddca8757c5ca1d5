/* SPDX-License-Identifier: MIT
 * The answers of a search, with everything they point to. */
#ifndef ENGINE_RESULTS_H
#define ENGINE_RESULTS_H

#include "engine/database.h"

typedef struct results_row {
    store_row row;
    char *path;
    char *datetime;
    akin_class_score *classes;
} results_row;

struct akin_results {
    akin_db **dbs; /* borrowed databases, for exporting */
    akin_hit *hits;
    results_row *rows; /* rows[i] holds hits[i]'s texts */
    size_t n;
    akin_span *spans; /* info.spans, owned */
    bool unscored;    /* chosen, not found: files are named without a score */
    akin_results_info info;
};

akin_status results_new(akin_db *const *dbs, size_t n_dbs, size_t n_max,
                        akin_results **out, akin_error *err) AKIN_NODISCARD;

/* Appends a hit for the row, which it takes over. */
akin_status results_add(akin_results *r, size_t db, float score,
                        store_row *row, akin_error *err) AKIN_NODISCARD;

#endif
