/* SPDX-License-Identifier: MIT
 * akin_dataset_get: rows of the item table, of view tables, and by way of
 * dataset_table_rows of embedding tables.
 *
 * Items are asked for by their columns in memory, so that a page of a large table
 * reads no more than its rows. Views have no columns: a `where` or an order over
 * them goes through all of the table's rows. */
#include "engine/dataset_get.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/dataset_table_rows.h"

#define GET_MAX_ROWS ((size_t)1 << 32)

typedef struct get {
    akin_dataset *ds;
    const char *table;
    akin_dataset_get_options opt;
    item_store *s;
    akin_rows *rows;
    int64_t *numbers; /* [n] of rows, in the order in which they are given */
    size_t n, cap;
    size_t n_passed; /* rows of a walk, the skipped included */
    bool enough;
} get;

/* ---- which tables there are ------------------------------------------------- */

static akin_status group_in_store(akin_dataset *ds, const char *table,
                                  bool *found, akin_error *err)
{
    item_store *s = NULL;
    char **names = NULL;
    size_t n = 0;
    *found = false;
    AKIN_TRY(dataset_take_store(ds, &s, err));
    akin_status status = items_view_names(s, &names, &n, err);
    for (size_t i = 0; i < n; i++) {
        *found = *found || strcmp(names[i], table) == 0;
        mem_free(names[i]);
    }
    mem_free(names);
    dataset_give_store(ds, s);
    return status;
}

/* An import that was killed has views of which the schema does not know yet. */
akin_status dataset_get_group(akin_dataset *ds, const char *table,
                              dataset_group *out, akin_error *err)
{
    dataset_schema schema = {0};
    bool found;
    *out = DATASET_GROUP_ITEM;
    if (strcmp(table, DATASET_ITEM) == 0) return AKIN_OK;
    AKIN_TRY(dataset_read_schema(ds, &schema, err));
    found = dataset_schema_group(&schema, table, out);
    dataset_schema_clear(&schema);
    if (!found) {
        *out = DATASET_GROUP_VIEWS;
        AKIN_TRY(group_in_store(ds, table, &found, err));
    }
    if (!found)
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "table '%s' not found in dataset",
                         table);
    if (*out == DATASET_GROUP_OTHER || *out == DATASET_GROUP_ITEM)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "table '%s' is neither of items, views nor embeddings",
                         table);
    return AKIN_OK;
}

/* ---- rows of items and views --------------------------------------------------- */

akin_value_kind dataset_value_kind(item_kind kind)
{
    static const akin_value_kind kinds[] = {
        [ITEM_TEXT] = AKIN_VALUE_TEXT,     [ITEM_INTEGER] = AKIN_VALUE_INTEGER,
        [ITEM_NUMBER] = AKIN_VALUE_NUMBER, [ITEM_BOOL] = AKIN_VALUE_BOOL,
        [ITEM_TIME] = AKIN_VALUE_TIME,
    };
    return kinds[kind];
}

akin_status dataset_get_columns(akin_rows *rows, item_store *s, bool views,
                                akin_error *err)
{
    static const akin_column view_columns[] = {DATASET_VIEW_COLUMNS};
    size_t n_view = sizeof view_columns / sizeof *view_columns, n;
    AKIN_TRY(dataset_rows_add_base(rows, err));
    for (size_t i = 3; views && i < n_view; i++)
        AKIN_TRY(dataset_rows_add_column(rows, view_columns[i].name,
                                         view_columns[i].kind, err));
    if (views) return AKIN_OK;
    AKIN_TRY(dataset_rows_add_column(rows, "split", AKIN_VALUE_TEXT, err));
    const item_field *fields = items_fields(s, &n);
    for (size_t i = 0; i < n; i++)
        AKIN_TRY(dataset_rows_add_column(rows, fields[i].name,
                                         dataset_value_kind(fields[i].kind),
                                         err));
    return AKIN_OK;
}

static akin_status put_text(akin_rows *rows, akin_value *to, const char *text,
                            akin_error *err)
{
    *to = (akin_value){.kind = AKIN_VALUE_TEXT,
                       .text = dataset_rows_text(rows, text ? text : "")};
    if (to->text) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for rows");
}

static akin_value whole(akin_value_kind kind, int64_t integer)
{
    return (akin_value){.kind = kind, .integer = integer};
}

static akin_status put_value(akin_rows *rows, akin_value *to, item_kind kind,
                             const item_value *from, akin_error *err)
{
    if (from->null) return AKIN_OK;
    if (kind == ITEM_TEXT) return put_text(rows, to, from->text, err);
    *to = whole(dataset_value_kind(kind), from->integer);
    if (kind == ITEM_NUMBER) to->number = from->number;
    return AKIN_OK;
}

static akin_status get_add_item(get *g, const item_row *row, akin_error *err)
{
    akin_value *to = NULL;
    size_t n, n_columns;
    const item_field *fields = items_fields(g->s, &n);
    AKIN_TRY(dataset_rows_add(g->rows, &to, err));
    akin_rows_columns(g->rows, &n_columns);
    AKIN_TRY(put_text(g->rows, &to[0], row->id, err));
    to[1] = whole(AKIN_VALUE_TIME, row->created_us);
    to[2] = whole(AKIN_VALUE_TIME, row->updated_us);
    AKIN_TRY(put_text(g->rows, &to[3], row->split, err));
    for (size_t i = 0; i < n && 4 + i < n_columns; i++)
        AKIN_TRY(put_value(g->rows, &to[4 + i], fields[i].kind,
                           &row->values[i], err));
    return AKIN_OK;
}

static akin_status get_add_view(get *g, const view_row *row, akin_error *err)
{
    akin_value *to = NULL;
    AKIN_TRY(dataset_rows_add(g->rows, &to, err));
    AKIN_TRY(put_text(g->rows, &to[0], row->id, err));
    to[1] = whole(AKIN_VALUE_TIME, row->created_us);
    to[2] = whole(AKIN_VALUE_TIME, row->updated_us);
    AKIN_TRY(put_text(g->rows, &to[3], row->item_id, err));
    to[3].kind = AKIN_VALUE_REF;
    to[3].table = DATASET_ITEM;
    to[4] = (akin_value){.kind = AKIN_VALUE_REF, .text = "", .table = ""};
    AKIN_TRY(put_text(g->rows, &to[5], row->url, err));
    to[6] = whole(AKIN_VALUE_INTEGER, row->width);
    to[7] = whole(AKIN_VALUE_INTEGER, row->height);
    return put_text(g->rows, &to[8], row->format, err);
}

/* ---- by numbers ------------------------------------------------------------------- */

static akin_status get_keep_number(get *g, int64_t number, akin_error *err)
{
    void *p = g->numbers;
    akin_status status = mem_grow(&p, &g->cap, g->n + 1, sizeof *g->numbers,
                                  GET_MAX_ROWS, err);
    g->numbers = p;
    AKIN_TRY(status);
    g->numbers[g->n++] = number;
    return AKIN_OK;
}

static int compare_numbers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* In the table's order, each once. */
static void get_sort_numbers(get *g)
{
    size_t n = 0;
    if (g->n) qsort(g->numbers, g->n, sizeof *g->numbers, compare_numbers);
    for (size_t i = 0; i < g->n; i++)
        if (n == 0 || g->numbers[i] != g->numbers[n - 1])
            g->numbers[n++] = g->numbers[i];
    g->n = n;
}

static void get_cut_numbers(get *g)
{
    size_t skip = g->opt.skip < g->n ? g->opt.skip : g->n;
    g->n -= skip;
    if (skip && g->n)
        memmove(g->numbers, g->numbers + skip, g->n * sizeof *g->numbers);
    if (g->opt.limit && g->n > g->opt.limit) g->n = g->opt.limit;
}

/* What was removed since its number was found is left out. */
static akin_status get_read_items(get *g, akin_error *err)
{
    for (size_t i = 0; i < g->n; i++) {
        item_row row;
        akin_status status = items_get(g->s, g->numbers[i], &row, err);
        if (status == AKIN_ENOTFOUND) continue;
        AKIN_TRY(status);
        AKIN_TRY(get_add_item(g, &row, err));
    }
    return AKIN_OK;
}

/* ---- items ---------------------------------------------------------------------------- */

static akin_status item_numbers_by_id(get *g, const char *const *ids, size_t n,
                                      akin_error *err)
{
    for (size_t i = 0; i < n; i++) {
        int64_t number;
        AKIN_TRY(items_find(g->s, ids[i], &number, err));
        if (number) AKIN_TRY(get_keep_number(g, number, err));
    }
    get_sort_numbers(g);
    return AKIN_OK;
}

/* Their rows are few enough to be looked at one by one. */
static akin_status get_items_by_id(get *g, akin_error *err)
{
    const akin_dataset_get_options *o = &g->opt;
    const char *const *ids = o->ids ? o->ids : o->item_ids;
    AKIN_TRY(item_numbers_by_id(g, ids, o->ids ? o->n_ids : o->n_item_ids,
                                err));
    AKIN_TRY(get_read_items(g, err));
    if (o->where) AKIN_TRY(dataset_rows_filter(g->rows, o->where, err));
    dataset_rows_matched(g->rows, akin_rows_count(g->rows));
    dataset_rows_cut(g->rows, o->skip, o->limit);
    return AKIN_OK;
}

static akin_status get_items(get *g, akin_error *err)
{
    const akin_dataset_get_options *o = &g->opt;
    AKIN_TRY(dataset_get_columns(g->rows, g->s, false, err));
    if (o->ids || o->item_ids) return get_items_by_id(g, err);
    dataset_selection selection = {o->where, o->sort, o->descending};
    AKIN_TRY(dataset_select(g->ds, &selection, &g->numbers, &g->n, err));
    dataset_rows_matched(g->rows, g->n);
    get_cut_numbers(g);
    return get_read_items(g, err);
}

/* ---- views ------------------------------------------------------------------------- */

/* A page without where or order ends the walk once it is full. */
static akin_status views_visit(void *user, const view_row *row, akin_error *err)
{
    get *g = user;
    const akin_dataset_get_options *o = &g->opt;
    bool page = !o->where && !o->sort;
    if (page && g->n_passed++ < o->skip) return AKIN_OK;
    AKIN_TRY(get_add_view(g, row, err));
    g->enough = page && o->limit && akin_rows_count(g->rows) >= o->limit;
    return g->enough ? AKIN_ECANCELLED : AKIN_OK;
}

static akin_status views_each(get *g, int64_t item, akin_error *err)
{
    akin_status status = items_each_view(g->s, g->table, item, views_visit, g,
                                         err);
    return g->enough ? AKIN_OK : status;
}

static akin_status views_by_id(get *g, akin_error *err)
{
    for (size_t i = 0; i < g->opt.n_ids; i++) {
        int64_t number;
        AKIN_TRY(items_find_view(g->s, g->opt.ids[i], &number, err));
        if (number) AKIN_TRY(get_keep_number(g, number, err));
    }
    get_sort_numbers(g);
    for (size_t i = 0; i < g->n; i++) {
        view_row row;
        akin_status status = items_get_view(g->s, g->numbers[i], &row, err);
        if (status == AKIN_ENOTFOUND) continue;
        AKIN_TRY(status);
        if (strcmp(row.name, g->table) == 0)
            AKIN_TRY(views_visit(g, &row, err));
    }
    return AKIN_OK;
}

static akin_status views_of_items(get *g, akin_error *err)
{
    AKIN_TRY(item_numbers_by_id(g, g->opt.item_ids, g->opt.n_item_ids, err));
    for (size_t i = 0; i < g->n && !g->enough; i++)
        AKIN_TRY(views_each(g, g->numbers[i], err));
    return AKIN_OK;
}

static akin_status views_sort(get *g, akin_error *err)
{
    size_t n, column = dataset_rows_find_column(g->rows, g->opt.sort);
    akin_rows_columns(g->rows, &n);
    if (column >= n)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "there is no column '%s' to sort table '%s' by",
                         g->opt.sort, g->table);
    return dataset_rows_sort(g->rows, column, g->opt.descending, err);
}

static akin_status get_views(get *g, akin_error *err)
{
    const akin_dataset_get_options *o = &g->opt;
    AKIN_TRY(dataset_get_columns(g->rows, g->s, true, err));
    if (o->ids)
        AKIN_TRY(views_by_id(g, err));
    else if (o->item_ids)
        AKIN_TRY(views_of_items(g, err));
    else
        AKIN_TRY(views_each(g, 0, err));
    if (o->where) AKIN_TRY(dataset_rows_filter(g->rows, o->where, err));
    if (o->sort) AKIN_TRY(views_sort(g, err));
    if (!o->where && !o->sort) return AKIN_OK;
    dataset_rows_matched(g->rows, akin_rows_count(g->rows));
    dataset_rows_cut(g->rows, o->skip, o->limit);
    return AKIN_OK;
}

/* ---- the call -------------------------------------------------------------------------- */

static akin_status get_check(const akin_dataset_get_options *o, bool item,
                             akin_error *err)
{
    assert(o->ids || o->n_ids == 0);
    assert(o->item_ids || o->n_item_ids == 0);
    if (o->ids && o->item_ids)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "ids and item_ids cannot be set at the same time");
    if ((o->ids || (item && o->item_ids)) && o->limit)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "ids and limit cannot be set at the same time");
    return AKIN_OK;
}

static akin_status get_run(get *g, bool item, akin_error *err)
{
    AKIN_TRY(dataset_rows_new(&g->rows, err));
    AKIN_TRY(dataset_take_store(g->ds, &g->s, err));
    if (g->opt.ids) g->opt.sort = NULL; /* they come in the table's order */
    AKIN_TRY(items_begin(g->s, err)); /* all rows are of one moment */
    akin_status status = item ? get_items(g, err) : get_views(g, err);
    items_rollback(g->s);
    return status;
}

akin_status akin_dataset_get(akin_dataset *ds, const char *table,
                             const akin_dataset_get_options *opt,
                             akin_rows **out, akin_error *err)
{
    get g = {.ds = ds, .table = table};
    dataset_group group;
    if (opt) g.opt = *opt;
    AKIN_TRY(dataset_get_group(ds, table, &group, err));
    AKIN_TRY(get_check(&g.opt, group == DATASET_GROUP_ITEM, err));
    if (group == DATASET_GROUP_EMBEDDINGS)
        return dataset_table_rows(ds, table, &g.opt, out, err);
    akin_status status = get_run(&g, group == DATASET_GROUP_ITEM, err);
    dataset_give_store(ds, g.s);
    mem_free(g.numbers);
    if (status == AKIN_OK)
        *out = g.rows;
    else
        akin_rows_free(g.rows);
    return status;
}
