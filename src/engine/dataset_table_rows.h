/* SPDX-License-Identifier: MIT
 * What the verbs on all tables ask of those with embeddings: rows, a
 * description, and to let go of them. */
#ifndef ENGINE_DATASET_TABLE_ROWS_H
#define ENGINE_DATASET_TABLE_ROWS_H

#include "engine/dataset_int.h"
#include "engine/dataset_rows.h"

/* Columns of the rows and of akin_dataset_each_table. */
#define DATASET_EMBEDDING_COLUMNS                                              \
    {"id", AKIN_VALUE_TEXT}, {"created_at", AKIN_VALUE_TIME},                  \
        {"updated_at", AKIN_VALUE_TIME}, {"item_ref", AKIN_VALUE_REF},         \
        {"vector", AKIN_VALUE_VECTOR}, {"shape", AKIN_VALUE_SHAPE},            \
        {"view_ref", AKIN_VALUE_REF}

/* Rows of an embedding table, as akin_dataset_get, which has checked opt (not
 * NULL: ids and item_ids, ids and limit, a where only with no ids). */
akin_status dataset_table_rows(akin_dataset *ds, const char *table,
                               const akin_dataset_get_options *opt,
                               akin_rows **out, akin_error *err)
    AKIN_NODISCARD;

/* What is known of a table without embedding anything. Never fails for a table
 * that is missing or damaged: that is a state. */
typedef struct dataset_table_facts {
    int64_t n_rows;
    char *model; /* owned; "" if unknown */
    bool text;
    const char *state; /* static: see akin_dataset_table */
    uint32_t dim;
} dataset_table_facts;

akin_status dataset_table_describe(akin_dataset *ds, const char *table,
                                   dataset_table_facts *out, akin_error *err)
    AKIN_NODISCARD;

/* Under write_mutex, when these views are gone from the item store: so do the
 * embeddings that no view has any more, these views' among them. */
akin_status dataset_table_remove_views(akin_dataset *ds, const char *table,
                                       const char *const *view_ids, size_t n,
                                       akin_error *err) AKIN_NODISCARD;

/* Under write_mutex: the table is closed here, so that its folder can go. Who is
 * still reading it goes on with what was there. */
akin_status dataset_table_forget(akin_dataset *ds, const char *table,
                                 akin_error *err) AKIN_NODISCARD;

/* All of ds->tables, when it is closed. */
void dataset_table_close_all(akin_dataset *ds);

#endif
