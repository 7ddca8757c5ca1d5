/* SPDX-License-Identifier: MIT
 * Rows of embedding tables: one for each view that has a vector, under the view's
 * id, in the order in which they were embedded. Vectors are read for the rows
 * that are given out only. */
#include "engine/dataset_table_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/dataset_rows_int.h"
#include "engine/dataset_table.h"
#include "engine/journal.h"
#include "index/distance.h"

enum { ROW_ITEM = 3, ROW_VECTOR, ROW_SHAPE, ROW_VIEW };

typedef struct table_rows {
    akin_dataset *ds;
    const akin_dataset_get_options *opt;
    dataset_table *table;
    dataset_table_map *map;
    item_store *s;
    akin_rows *rows;
    uint32_t *wanted; /* [n_wanted] rows of views or items, sorted */
    size_t n_wanted;
    bool of_items, all; /* all: nothing is wanted in particular */
    size_t n_passed;
} table_rows;

static akin_status fetch_no_memory(akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for rows");
}

/* ---- which ------------------------------------------------------------------ */

static int compare_wanted(const void *a_, const void *b_)
{
    uint32_t a = *(const uint32_t *)a_, b = *(const uint32_t *)b_;
    return (a > b) - (a < b);
}

static akin_status fetch_want(table_rows *r, akin_error *err)
{
    const akin_dataset_get_options *opt = r->opt;
    void *p;
    r->of_items = opt->item_ids != NULL;
    r->all = !opt->ids && !opt->item_ids;
    size_t n = r->of_items ? opt->n_item_ids : opt->ids ? opt->n_ids : 0;
    AKIN_TRY(mem_new_array(n, sizeof *r->wanted, "rows", &p, err));
    r->wanted = p;
    for (size_t i = 0; i < n; i++) {
        int64_t row;
        AKIN_TRY(r->of_items ? items_find(r->s, opt->item_ids[i], &row, err)
                             : items_find_view(r->s, opt->ids[i], &row, err));
        if (row) r->wanted[r->n_wanted++] = (uint32_t)row;
    }
    qsort(r->wanted, r->n_wanted, sizeof *r->wanted, compare_wanted);
    return AKIN_OK;
}

static bool fetch_wants(const table_rows *r, const dataset_entry *e)
{
    const uint32_t *key = r->of_items ? &e->item : &e->view;
    return r->all || bsearch(key, r->wanted, r->n_wanted, sizeof *r->wanted,
                             compare_wanted) != NULL;
}

/* ---- one row ---------------------------------------------------------------- */

static akin_status fetch_put_vector(table_rows *r, akin_value *to, size_t row,
                                   akin_error *err)
{
    size_t dim = r->table->db->settings.dim;
    void *p;
    AKIN_TRY(mem_new_array(dim, sizeof(float), "a vector", &p, err));
    distance_from_half(dataset_map_vector(&r->map->map, row), dim, p);
    *to = (akin_value){.kind = AKIN_VALUE_VECTOR,
                       .vector = dataset_rows_vector(r->rows, p, dim),
                       .n = dim};
    mem_free(p);
    return to->vector ? AKIN_OK : fetch_no_memory(err);
}

/* Until it is known which rows are given out, the place of the vector stands for
 * it. */
static akin_status fetch_add(table_rows *r, const view_row *view, size_t row,
                            akin_error *err)
{
    akin_value *to = NULL;
    akin_rows *rows_ = r->rows;
    AKIN_TRY(dataset_rows_add(rows_, &to, err));
    const char *id = dataset_rows_text(rows_, view->id);
    const char *item = dataset_rows_text(rows_, view->item_id);
    const char *name = dataset_rows_text(rows_, view->name);
    if (!id || !item || !name) return fetch_no_memory(err);
    to[0] = (akin_value){.kind = AKIN_VALUE_TEXT, .text = id};
    to[1] = (akin_value){.kind = AKIN_VALUE_TIME, .integer = view->created_us};
    to[2] = (akin_value){.kind = AKIN_VALUE_TIME, .integer = view->updated_us};
    to[ROW_ITEM] = (akin_value){.kind = AKIN_VALUE_REF, .text = item,
                                .table = DATASET_ITEM};
    to[ROW_VECTOR] = (akin_value){.kind = AKIN_VALUE_VECTOR,
                                  .integer = (int64_t)row};
    to[ROW_SHAPE] = (akin_value){.kind = AKIN_VALUE_SHAPE,
                                 .integer = r->table->db->settings.dim};
    to[ROW_VIEW] = (akin_value){.kind = AKIN_VALUE_REF, .text = id,
                                .table = name};
    return AKIN_OK;
}

/* ---- all of them ------------------------------------------------------------ */

static bool fetch_are_sorted_out(const akin_dataset_get_options *opt)
{
    return (opt->where && *opt->where) || opt->sort;
}

/* Whether the entry is on the page; with where or sort only later on. */
static bool fetch_is_on_page(table_rows *r, const dataset_entry *e)
{
    const akin_dataset_get_options *opt = r->opt;
    if (!fetch_wants(r, e)) return false;
    size_t at = r->n_passed++;
    if (fetch_are_sorted_out(opt)) return true;
    return at >= opt->skip && (!opt->limit || at - opt->skip < opt->limit);
}

static akin_status fetch_collect(table_rows *r, akin_error *err)
{
    const dataset_map *map = &r->map->map;
    for (size_t row = 0; row < map->n_rows; row++)
        for (uint32_t i = map->first[row]; i < map->first[row + 1]; i++) {
            view_row view;
            akin_error why = {0};
            if (!fetch_is_on_page(r, &map->entries[i])) continue;
            akin_status status =
                items_get_view(r->s, map->entries[i].view, &view, &why);
            if (status == AKIN_ENOTFOUND) continue; /* gone since */
            if (status != AKIN_OK)
                return AKIN_FAIL(err, status, "%s", why.text);
            AKIN_TRY(fetch_add(r, &view, row, err));
        }
    return AKIN_OK;
}

static akin_status fetch_sort_out(table_rows *r, akin_error *err)
{
    const akin_dataset_get_options *opt = r->opt;
    if (!fetch_are_sorted_out(opt)) return AKIN_OK;
    if (opt->where && *opt->where)
        AKIN_TRY(dataset_rows_filter(r->rows, opt->where, err));
    if (opt->sort) {
        size_t column = dataset_rows_find_column(r->rows, opt->sort);
        if (column == SIZE_MAX || column == ROW_VECTOR)
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "table '%s' cannot be sorted by '%s'",
                             r->table->name, opt->sort);
        AKIN_TRY(dataset_rows_sort(r->rows, column, opt->descending, err));
    }
    dataset_rows_cut(r->rows, opt->skip, opt->limit);
    return AKIN_OK;
}

static akin_status fetch_fill(table_rows *r, akin_error *err)
{
    akin_rows *all = r->rows;
    for (size_t i = all->first; i < all->n; i++) {
        akin_value *to = all->values + i * all->n_columns + ROW_VECTOR;
        AKIN_TRY(fetch_put_vector(r, to, (size_t)to->integer, err));
    }
    return AKIN_OK;
}

static akin_status fetch_run(table_rows *r, const char *table, akin_error *err)
{
    static const akin_column columns[] = {DATASET_EMBEDDING_COLUMNS};
    AKIN_TRY(dataset_rows_new(&r->rows, err));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        AKIN_TRY(dataset_rows_add_column(r->rows, columns[i].name,
                                         columns[i].kind, err));
    AKIN_TRY(dataset_table_take(r->ds, table, &r->table, err));
    AKIN_TRY(dataset_take_store(r->ds, &r->s, err));
    AKIN_TRY(dataset_table_take_map(r->table, r->s, &r->map, err));
    AKIN_TRY(fetch_want(r, err));
    AKIN_TRY(fetch_collect(r, err));
    AKIN_TRY(fetch_sort_out(r, err));
    return fetch_fill(r, err);
}

static void fetch_close(table_rows *r)
{
    if (r->table) dataset_table_give_map(r->table, r->map);
    dataset_give_store(r->ds, r->s);
    dataset_table_give(r->ds, r->table);
    mem_free(r->wanted);
}

akin_status dataset_table_rows(akin_dataset *ds, const char *table,
                               const akin_dataset_get_options *opt,
                               akin_rows **out, akin_error *err)
{
    table_rows r = {.ds = ds, .opt = opt};
    akin_status status = fetch_run(&r, table, err);
    if (status == AKIN_OK)
        *out = r.rows;
    else
        akin_rows_free(r.rows);
    fetch_close(&r);
    return status;
}

/* ---- what a table is like --------------------------------------------------- */

static const char *facts_state(const dataset_table_facts *facts, bool model_is,
                               int64_t n_views)
{
    if (facts->n_rows == 0) return "empty";
    if (!model_is) return "missing model";
    return facts->n_rows < n_views ? "partial" : "ready";
}

static akin_status facts_find(table_rows *r, const char *table,
                              dataset_table_facts *out, akin_error *err)
{
    int64_t n_items, n_views;
    model *m = NULL;
    AKIN_TRY(dataset_table_take(r->ds, table, &r->table, err));
    out->dim = r->table->db->settings.dim;
    out->model = mem_strdup(r->table->db->settings.model);
    if (!out->model) return fetch_no_memory(err);
    AKIN_TRY(dataset_take_store(r->ds, &r->s, err));
    AKIN_TRY(items_count(r->s, &n_items, &n_views, err));
    bool model_is = database_model(r->table->db, &m, NULL) == AKIN_OK;
    out->text = model_is && model_get_info(m)->text;
    AKIN_TRY(dataset_table_take_map(r->table, r->s, &r->map, err));
    out->n_rows = (int64_t)r->map->map.n_entries;
    out->state = facts_state(out, model_is, n_views);
    return AKIN_OK;
}

akin_status dataset_table_describe(akin_dataset *ds, const char *table,
                                   dataset_table_facts *out, akin_error *err)
{
    table_rows r = {.ds = ds};
    akin_error why = {0};
    *out = (dataset_table_facts){.state = "damaged"};
    akin_status status = facts_find(&r, table, out, &why);
    fetch_close(&r);
    if (status == AKIN_ENOMEM) return AKIN_FAIL(err, status, "%s", why.text);
    if (out->model) return AKIN_OK;
    out->model = mem_strdup("");
    return out->model ? AKIN_OK : fetch_no_memory(err);
}

/* ---- removing --------------------------------------------------------------- */

static uint64_t removal_window(const dataset_map *map, size_t row)
{
    const snapshot *s = &map->snapshot;
    return row < s->n_file ? usearch_key(s->index->file, row)
                           : s->pending.ids[row - s->n_file];
}

static bool removal_is_masked(const dataset_map *map, size_t row)
{
    const snapshot *s = &map->snapshot;
    return row < s->n_file && s->allow_file &&
           !(s->allow_file[row / 64] >> (row % 64) & 1);
}

/* Without its window a file is one that was never embedded. */
static akin_status removal_window_go(journal *j, int64_t id, akin_error *err)
{
    static const store_file fresh;
    store *s = j->db->writer;
    store_row row = {0};
    bool found;
    AKIN_TRY(journal_begin(j, err));
    AKIN_TRY(store_get_row(s, id, &found, &row, err));
    int64_t recording = row.window.recording_id;
    store_row_clear(&row);
    if (!found) return AKIN_OK;
    AKIN_TRY(store_remove_window(s, id, err));
    AKIN_TRY(store_put_pending(s, id, NULL, 0, err));
    AKIN_TRY(store_set_file(s, recording, &fresh, err));
    j->n_rows++;
    return journal_maybe_commit(j, err);
}

/* Vectors that no view has: a row's other view keeps it. */
static akin_status removal_run(const dataset_map *map, akin_db *db,
                               akin_error *err)
{
    journal j = {.db = db};
    for (size_t row = 0; row < map->n_rows; row++) {
        if (map->first[row] < map->first[row + 1] ||
            removal_is_masked(map, row))
            continue;
        AKIN_TRY(removal_window_go(&j, (int64_t)removal_window(map, row), err));
    }
    return journal_commit(&j, err);
}

/* The views are gone by now, and with them where they were: what is left without
 * one is what they leave behind. */
akin_status dataset_table_remove_views(akin_dataset *ds, const char *table,
                                       const char *const *view_ids, size_t n,
                                       akin_error *err)
{
    table_rows r = {.ds = ds};
    akin_db *db = NULL;
    akin_status status = AKIN_OK;
    (void)view_ids;
    if (n == 0) return AKIN_OK;
    AKIN_TRYG(dataset_table_take(ds, table, &r.table, err));
    AKIN_TRYG(dataset_take_store(ds, &r.s, err));
    AKIN_TRYG(dataset_table_open_writer(ds, table, &db, err));
    AKIN_TRYG(dataset_table_take_map(r.table, r.s, &r.map, err));
    status = removal_run(&r.map->map, db, err);
    if (status != AKIN_OK) store_rollback(db->writer);
done:
    akin_close(db);
    fetch_close(&r);
    return status;
}
