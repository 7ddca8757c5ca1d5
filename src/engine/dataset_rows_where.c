/* SPDX-License-Identifier: MIT
 * `where` over rows that were read: of views and embeddings, which have no
 * columns in memory of their own. Only columns that are named are made. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "engine/dataset_rows_int.h"
#include "store/where.h"

typedef struct rows_source {
    akin_rows *rows;
    where_table table; /* columns made so far */
    char name[280];
} rows_source;

/* A reference is two columns. */
static bool column_is_part(const akin_column *c, const char *name, bool *table)
{
    size_t n = strlen(c->name);
    if (c->kind != AKIN_VALUE_REF || strncmp(c->name, name, n) != 0)
        return false;
    *table = strcmp(name + n, ".name") == 0;
    return *table || strcmp(name + n, ".id") == 0;
}

static bool column_kind(const akin_column *c, item_kind *out)
{
    switch (c->kind) {
    case AKIN_VALUE_TEXT:
    case AKIN_VALUE_REF: *out = ITEM_TEXT; return true;
    case AKIN_VALUE_INTEGER:
    case AKIN_VALUE_SHAPE: *out = ITEM_INTEGER; return true;
    case AKIN_VALUE_NUMBER: *out = ITEM_NUMBER; return true;
    case AKIN_VALUE_BOOL: *out = ITEM_BOOL; return true;
    case AKIN_VALUE_TIME: *out = ITEM_TIME; return true;
    default: return false;
    }
}

static akin_status column_put(where_column *to, size_t row,
                              const akin_value *value, bool table,
                              akin_error *err)
{
    const char *text = table ? value->table : value->text;
    if (value->kind == AKIN_VALUE_NULL) return AKIN_OK;
    if (to->kind == ITEM_TEXT) return where_put_text(to, row, text, err);
    if (to->kind == ITEM_NUMBER)
        where_put_number(to, row, value->number);
    else
        where_put_integer(to, row, value->integer);
    return AKIN_OK;
}

static akin_status source_make(rows_source *s, const char *name, size_t column,
                               bool table, const where_column **out,
                               akin_error *err)
{
    where_column *made = NULL;
    item_kind kind;
    if (!column_kind(&s->rows->columns[column], &kind)) return AKIN_OK;
    AKIN_TRY(where_table_add(&s->table, name, kind, &made, err));
    for (size_t i = 0; i < s->rows->n; i++)
        AKIN_TRY(column_put(made, i,
                            s->rows->values + i * s->rows->n_columns + column,
                            table, err));
    *out = made;
    return AKIN_OK;
}

static akin_status source_find(void *user, const char *name,
                               const where_column **out, akin_error *err)
{
    rows_source *s = user;
    *out = where_table_find(&s->table, name);
    if (*out) return AKIN_OK;
    size_t at = dataset_rows_find_column(s->rows, name);
    if (at < s->rows->n_columns && s->rows->columns[at].kind != AKIN_VALUE_REF)
        return source_make(s, name, at, false, out, err);
    for (size_t i = 0; i < s->rows->n_columns; i++) {
        bool table;
        if (column_is_part(&s->rows->columns[i], name, &table))
            return source_make(s, name, i, table, out, err);
    }
    return AKIN_OK;
}

/* All columns, but vectors and the halves that say which table is meant. */
static const char *source_name(void *user, size_t i)
{
    rows_source *s = user;
    item_kind kind;
    for (size_t c = 0; c < s->rows->n_columns; c++) {
        const akin_column *column = &s->rows->columns[c];
        if (!column_kind(column, &kind) || i-- > 0) continue;
        if (column->kind != AKIN_VALUE_REF) return column->name;
        snprintf(s->name, sizeof s->name, "%s.id", column->name);
        return s->name;
    }
    return NULL;
}

static void rows_keep(akin_rows *rows, const uint64_t *bits)
{
    size_t n = 0, width = rows->n_columns;
    for (size_t i = 0; i < rows->n; i++) {
        if (!(bits[i / 64] >> (i % 64) & 1)) continue;
        if (n != i)
            memcpy(rows->values + n * width, rows->values + i * width,
                   width * sizeof *rows->values);
        n++;
    }
    rows->n = n;
}

akin_status dataset_rows_filter(akin_rows *rows, const char *expression,
                                akin_error *err)
{
    rows_source s = {.rows = rows};
    where_source source = {rows->n, source_find, source_name, &s};
    uint64_t *bits = NULL;
    where_table_init(&s.table, rows->n);
    akin_status status = where_ask(expression, &source, &bits, err);
    if (status == AKIN_OK) rows_keep(rows, bits);
    mem_free(bits);
    where_table_clear(&s.table);
    return status;
}
