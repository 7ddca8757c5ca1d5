/* SPDX-License-Identifier: MIT
 * akin_rows while they are being filled: columns first, then row by row. */
#ifndef ENGINE_DATASET_ROWS_H
#define ENGINE_DATASET_ROWS_H

#include "akin/dataset.h"
#include "base/error.h"

akin_status dataset_rows_new(akin_rows **out, akin_error *err) AKIN_NODISCARD;

/* Columns are those of before the first row; names are copied. */
akin_status dataset_rows_add_column(akin_rows *rows, const char *name,
                                    akin_value_kind kind, akin_error *err)
    AKIN_NODISCARD;

/* A new row, all NULL; its values [n columns] stay where they are until the next
 * one is added. Texts and vectors in them must be the rows' own. */
akin_status dataset_rows_add(akin_rows *rows, akin_value **out,
                             akin_error *err) AKIN_NODISCARD;

/* Copies that live as long as the rows; NULL when memory is out. */
const char *dataset_rows_text(akin_rows *rows, const char *text);
float *dataset_rows_vector(akin_rows *rows, const float *vector, size_t n);

/* id, created_at, updated_at: in front of every table. */
akin_status dataset_rows_add_base(akin_rows *rows, akin_error *err)
    AKIN_NODISCARD;

/* Order for sorting: NULLs last, also descending; numbers of all kinds among
 * each other, texts by bytes. */
int dataset_value_compare(const akin_value *a, const akin_value *b);

/* Sorts by a column, equal ones as they were; then keeps `limit` (0: all) behind
 * the first `skip`. */
akin_status dataset_rows_sort(akin_rows *rows, size_t column, bool descending,
                              akin_error *err) AKIN_NODISCARD;
void dataset_rows_cut(akin_rows *rows, size_t skip, size_t limit);

/* Keeps the rows for which an expression holds (store/where.h). References are
 * columns NAME.id and NAME.name. AKIN_EUSAGE. Before sorting and cutting. */
akin_status dataset_rows_filter(akin_rows *rows, const char *expression,
                                akin_error *err) AKIN_NODISCARD;

/* How many match, before they are cut: for akin_rows_total. */
void dataset_rows_matched(akin_rows *rows, size_t n);

/* The place of a column, or SIZE_MAX. Names are compared without case. */
size_t dataset_rows_find_column(const akin_rows *rows, const char *name);

#endif
