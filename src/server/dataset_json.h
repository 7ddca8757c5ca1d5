/* SPDX-License-Identifier: MIT
 * Datasets, tables and rows as JSON. */
#ifndef SERVER_DATASET_JSON_H
#define SERVER_DATASET_JSON_H

#include "akin/dataset.h"
#include "base/json.h"

/* The tables: [{name, group, base_schema, relation, num_rows, columns: [{name,
 * type}], model, text, state, dim}]. */
akin_status dataset_json_tables(akin_dataset *ds, json_t **out, akin_error *err)
    AKIN_NODISCARD;

/* The table of this name in such a list, borrowed, or NULL. */
const json_t *dataset_json_find(const json_t *tables, const char *name);

/* Whether such a table is of this group: "item", "views", "embeddings". */
bool dataset_json_is_in(const json_t *table, const char *group);

/* The name that Python has for the values of a column: "str", "int", ... */
const char *dataset_json_type(akin_value_kind kind);

/* A value; times are "2026-01-31T12:00:00.5" as Pixano writes them, in UTC. */
json_t *dataset_json_value(const akin_value *value);

/* Row i as {COLUMN: VALUE, ...}; vectors only if asked for. */
json_t *dataset_json_row(const akin_rows *rows, size_t i, bool vectors);

/* Row i as Pixano has it: {id, created_at, updated_at, table_info, data}; table
 * is out of dataset_json_tables. */
json_t *dataset_json_model(const akin_rows *rows, size_t i,
                           const json_t *table);

#endif
