/* SPDX-License-Identifier: MIT
 * Rows of a dataset's tables on stdout. */
#ifndef CLI_PRINT_ROWS_H
#define CLI_PRINT_ROWS_H

#include "akin/dataset.h"
#include "base/json.h"
#include "cli/print.h"

/* A row as {"id": ..., column: value, ...}; times in ISO 8601, references as
 * {"name", "id"}, vectors as arrays. */
json_t *print_rows_to_json(const akin_rows *rows, size_t i);

/* One cell of a table; empty if i is no row. */
void print_rows_cell(print_table *table, const akin_rows *rows, size_t i,
                      size_t column);

/* format: FORMAT_... of commands.h. */
void print_rows(const akin_rows *rows, int format);

#endif
