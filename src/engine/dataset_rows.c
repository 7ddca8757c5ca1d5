/* SPDX-License-Identifier: MIT
 * Rows of any table: one array of values, and texts and vectors in blocks that
 * are freed together. */
#define _GNU_SOURCE
#include "engine/dataset_rows_int.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

#define ROWS_BLOCK_BYTES ((size_t)1 << 16)
#define ROWS_MAX ((size_t)1 << 32)
#define ROWS_ALIGN 8

typedef struct rows_block {
    struct rows_block *next;
    double bytes[]; /* aligned for everything that is put here */
} rows_block;

static akin_status rows_no_memory(akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for rows");
}

akin_status dataset_rows_new(akin_rows **out, akin_error *err)
{
    *out = mem_array(1, sizeof **out);
    return *out ? AKIN_OK : rows_no_memory(err);
}

void akin_rows_free(akin_rows *rows)
{
    if (!rows) return;
    for (rows_block *b = rows->blocks, *next; b; b = next) {
        next = b->next;
        mem_free(b);
    }
    mem_free(rows->values);
    mem_free(rows->columns);
    mem_free(rows);
}

/* ---- filling ------------------------------------------------------------------- */

static void *rows_bytes(akin_rows *rows, size_t n)
{
    size_t padded;
    if (!mem_add(n, ROWS_ALIGN - 1, &padded)) return NULL;
    padded -= padded % ROWS_ALIGN;
    if (padded > rows->left) {
        size_t size = padded > ROWS_BLOCK_BYTES / 4 ? padded : ROWS_BLOCK_BYTES;
        size_t total;
        if (!mem_add(size, sizeof(rows_block), &total)) return NULL;
        rows_block *block = mem_realloc_array(NULL, total, 1);
        if (!block) return NULL;
        block->next = rows->blocks;
        rows->blocks = block;
        if (size == padded) return block->bytes; /* a block of its own */
        rows->at = (char *)block->bytes;
        rows->left = size;
    }
    void *p = rows->at;
    rows->at += padded;
    rows->left -= padded;
    return p;
}

const char *dataset_rows_text(akin_rows *rows, const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = n > 1 ? rows_bytes(rows, n) : NULL;
    if (n == 1) return "";
    return copy ? memcpy(copy, text, n) : NULL;
}

float *dataset_rows_vector(akin_rows *rows, const float *vector, size_t n)
{
    size_t size;
    if (!mem_mul(n, sizeof *vector, &size)) return NULL;
    float *copy = rows_bytes(rows, size);
    if (copy && n) memcpy(copy, vector, size);
    return copy;
}

akin_status dataset_rows_add_column(akin_rows *rows, const char *name,
                                    akin_value_kind kind, akin_error *err)
{
    void *p = rows->columns;
    akin_status status = mem_grow(&p, &rows->cap_columns, rows->n_columns + 1,
                                  sizeof *rows->columns, 1 << 16, err);
    rows->columns = p;
    AKIN_TRY(status);
    const char *copy = dataset_rows_text(rows, name);
    if (!copy) return rows_no_memory(err);
    rows->columns[rows->n_columns++] = (akin_column){copy, kind};
    return AKIN_OK;
}

akin_status dataset_rows_add_base(akin_rows *rows, akin_error *err)
{
    AKIN_TRY(dataset_rows_add_column(rows, "id", AKIN_VALUE_TEXT, err));
    AKIN_TRY(dataset_rows_add_column(rows, "created_at", AKIN_VALUE_TIME, err));
    return dataset_rows_add_column(rows, "updated_at", AKIN_VALUE_TIME, err);
}

akin_status dataset_rows_add(akin_rows *rows, akin_value **out, akin_error *err)
{
    void *p = rows->values;
    size_t width = rows->n_columns * sizeof *rows->values;
    akin_status status = mem_grow(&p, &rows->cap, rows->n + 1, width,
                                  ROWS_MAX, err);
    rows->values = p;
    AKIN_TRY(status);
    *out = rows->values + rows->n++ * rows->n_columns;
    memset(*out, 0, width);
    return AKIN_OK;
}

/* ---- order ----------------------------------------------------------------------- */

static double value_number(const akin_value *v)
{
    return v->kind == AKIN_VALUE_NUMBER ? v->number : (double)v->integer;
}

int dataset_value_compare(const akin_value *a, const akin_value *b)
{
    bool a_null = a->kind == AKIN_VALUE_NULL, b_null = b->kind == AKIN_VALUE_NULL;
    if (a_null || b_null) return a_null - b_null;
    if (a->text && b->text) return strcmp(a->text, b->text);
    if (a->kind != AKIN_VALUE_NUMBER && b->kind != AKIN_VALUE_NUMBER)
        return (a->integer > b->integer) - (a->integer < b->integer);
    double x = value_number(a), y = value_number(b);
    return (x > y) - (x < y);
}

typedef struct rows_order {
    const akin_rows *rows;
    size_t column;
    bool descending;
} rows_order;

static const akin_value *rows_cell(const akin_rows *rows, size_t i,
                                   size_t column)
{
    return rows->values + i * rows->n_columns + column;
}

static int rows_compare(const void *x, const void *y, void *user)
{
    const rows_order *order = user;
    size_t i = *(const size_t *)x, j = *(const size_t *)y;
    const akin_value *a = rows_cell(order->rows, i, order->column);
    const akin_value *b = rows_cell(order->rows, j, order->column);
    int c = dataset_value_compare(a, b);
    bool nulls = a->kind == AKIN_VALUE_NULL || b->kind == AKIN_VALUE_NULL;
    if (c) return order->descending && !nulls ? -c : c;
    return (i > j) - (i < j);
}

akin_status dataset_rows_sort(akin_rows *rows, size_t column, bool descending,
                              akin_error *err)
{
    size_t width = rows->n_columns * sizeof *rows->values;
    size_t *places = mem_array(rows->n, sizeof *places);
    akin_value *sorted = mem_array(rows->n, width);
    akin_status status = places && sorted ? AKIN_OK : rows_no_memory(err);
    if (status == AKIN_OK && rows->n > 0) {
        for (size_t i = 0; i < rows->n; i++) places[i] = i;
        qsort_r(places, rows->n, sizeof *places, rows_compare,
                &(rows_order){rows, column, descending});
        for (size_t i = 0; i < rows->n; i++)
            memcpy(sorted + i * rows->n_columns, rows_cell(rows, places[i], 0),
                   width);
        mem_free(rows->values);
        rows->values = sorted;
        rows->cap = rows->n;
        sorted = NULL;
    }
    mem_free(sorted);
    mem_free(places);
    return status;
}

void dataset_rows_cut(akin_rows *rows, size_t skip, size_t limit)
{
    rows->first = skip < rows->n ? skip : rows->n;
    if (limit && rows->n - rows->first > limit) rows->n = rows->first + limit;
}

void dataset_rows_matched(akin_rows *rows, size_t n)
{
    rows->total = n;
    rows->counted = true;
}

size_t dataset_rows_find_column(const akin_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->n_columns; i++)
        if (strcasecmp(rows->columns[i].name, name) == 0) return i;
    return SIZE_MAX;
}

/* ---- reading ---------------------------------------------------------------------- */

size_t akin_rows_count(const akin_rows *rows)
{
    return rows ? rows->n - rows->first : 0;
}

size_t akin_rows_total(const akin_rows *rows)
{
    return rows && rows->counted ? rows->total : SIZE_MAX;
}

const akin_column *akin_rows_columns(const akin_rows *rows, size_t *n)
{
    *n = rows->n_columns;
    return rows->columns;
}

const akin_value *akin_rows_at(const akin_rows *rows, size_t i)
{
    return rows_cell(rows, rows->first + i, 0);
}
