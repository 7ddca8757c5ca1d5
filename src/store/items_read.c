/* SPDX-License-Identifier: MIT
 * Finding items and views, and reading them one by one or all. */
#include <string.h>

#include "base/memory.h"
#include "store/items_int.h"

#define SELECT_VIEWS                                                           \
    "SELECT v.akin_row, v.item, v.id, i.id, v.name, v.url, v.created_at,"      \
    " v.updated_at, v.width, v.height, v.format, v.size_bytes, v.mtime_ns"     \
    " FROM views v JOIN items i ON i.akin_row = v.item"

static const char FIND[] = "SELECT akin_row FROM items WHERE id = ?1";
static const char FIND_VIEW[] = "SELECT akin_row FROM views WHERE id = ?1";
static const char FIND_URL[] = "SELECT min(akin_row) FROM views"
                               " WHERE name = ?1 AND url = ?2";
static const char GET_VIEW[] = SELECT_VIEWS " WHERE v.akin_row = ?1";
/* CROSS JOIN is how SQLite is told to begin with the views: they come in the
 * order of their rows without a sort. */
static const char EACH_VIEW[] = SELECT_VIEWS " ORDER BY v.akin_row";
static const char EACH_VIEW_NAMED[] =
    SELECT_VIEWS " WHERE v.name = ?1 ORDER BY v.akin_row";
static const char EACH_VIEW_OF_ITEM[] =
    SELECT_VIEWS " WHERE v.item = ?2 AND (?1 IS NULL OR v.name = ?1)"
                 " ORDER BY v.akin_row";
static const char COUNT[] =
    "SELECT (SELECT count(*) FROM items), (SELECT count(*) FROM views)";
/* Steps from name to name through the index instead of reading all of it. */
static const char VIEW_NAMES[] =
    "WITH RECURSIVE names (name) AS (SELECT min(name) FROM views UNION ALL"
    " SELECT (SELECT min(name) FROM views WHERE name > names.name) FROM names"
    " WHERE name IS NOT NULL)"
    " SELECT name FROM names WHERE name IS NOT NULL";

/* ---- finding ------------------------------------------------------------ */

static akin_status items_look_up(item_store *s, const char *sql,
                                 const store_value *values, size_t n_values,
                                 int64_t *out, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = false;
    akin_status status = store_ask(s->db, sql, values, n_values, &q, err);
    if (status == AKIN_OK)
        status = store_step(s->db, q, "look up an id", &row, err);
    *out = row ? sqlite3_column_int64(q, 0) : 0;
    store_release(q);
    return status;
}

akin_status items_find(item_store *s, const char *id, int64_t *out,
                       akin_error *err)
{
    return items_look_up(s, FIND, STORE_VALUES(store_text(id)), out, err);
}

akin_status items_find_view(item_store *s, const char *id, int64_t *out,
                            akin_error *err)
{
    return items_look_up(s, FIND_VIEW, STORE_VALUES(store_text(id)), out, err);
}

akin_status items_find_url(item_store *s, const char *name, const char *url,
                           int64_t *view, akin_error *err)
{
    return items_look_up(s, FIND_URL,
                         STORE_VALUES(store_text(name), store_text(url)), view,
                         err);
}

/* ---- rows --------------------------------------------------------------- */

void items_put_select(const item_store *s, text_buf *sql)
{
    text_buf_puts(sql, "SELECT akin_row, id, split, created_at, updated_at");
    for (size_t i = 0; i < s->n_fields; i++) {
        text_buf_puts(sql, ", ");
        items_put_name(sql, s->fields[i].name);
    }
    text_buf_puts(sql, " FROM items");
}

akin_status items_prepare(item_store *s, text_buf *sql, sqlite3_stmt **out,
                          akin_error *err)
{
    *out = NULL;
    akin_status status =
        sql->status == AKIN_OK
            ? store_prepare(s->db, sql->data, STORE_NO_VALUES, out, err)
            : AKIN_FAIL(err, sql->status, "no room for a statement");
    text_buf_clear(sql);
    return status;
}

/* A text that is no NULL, of any storage class. */
static akin_status items_take_text(sqlite3_stmt *q, int column,
                                   const char **out, akin_error *err)
{
    *out = (const char *)sqlite3_column_text(q, column);
    if (*out) return AKIN_OK;
    *out = "";
    if (sqlite3_column_type(q, column) == SQLITE_NULL) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a text");
}

akin_status items_take_value(sqlite3_stmt *q, int column, item_kind kind,
                             item_value *out, akin_error *err)
{
    int type = sqlite3_column_type(q, column);
    *out = (item_value){.null = false};
    switch (kind) {
    case ITEM_TEXT:
        out->null = type != SQLITE_TEXT;
        return out->null ? AKIN_OK
                         : items_take_text(q, column, &out->text, err);
    case ITEM_NUMBER:
        out->null = type != SQLITE_FLOAT && type != SQLITE_INTEGER;
        if (!out->null) out->number = sqlite3_column_double(q, column);
        return AKIN_OK;
    default:
        out->null = type != SQLITE_INTEGER;
        if (!out->null) out->integer = sqlite3_column_int64(q, column);
        if (kind == ITEM_BOOL) out->integer = out->integer != 0;
        return AKIN_OK;
    }
}

static akin_status items_take_row(const item_store *s, sqlite3_stmt *q,
                                  item_value *values, item_row *out,
                                  akin_error *err)
{
    *out = (item_row){.row = sqlite3_column_int64(q, 0),
                      .created_us = sqlite3_column_int64(q, 3),
                      .updated_us = sqlite3_column_int64(q, 4),
                      .values = values};
    AKIN_TRY(items_take_text(q, 1, &out->id, err));
    AKIN_TRY(items_take_text(q, 2, &out->split, err));
    for (size_t i = 0; i < s->n_fields; i++)
        AKIN_TRY(items_take_value(q, (int)(ITEMS_OWN_COLUMNS + i),
                                  s->fields[i].kind, &values[i], err));
    return AKIN_OK;
}

static akin_status items_take_view(sqlite3_stmt *q, view_row *out,
                                   akin_error *err)
{
    *out = (view_row){.row = sqlite3_column_int64(q, 0),
                      .item = sqlite3_column_int64(q, 1),
                      .created_us = sqlite3_column_int64(q, 6),
                      .updated_us = sqlite3_column_int64(q, 7),
                      .width = sqlite3_column_int64(q, 8),
                      .height = sqlite3_column_int64(q, 9),
                      .size_bytes = sqlite3_column_int64(q, 11),
                      .mtime_ns = sqlite3_column_int64(q, 12)};
    AKIN_TRY(items_take_text(q, 2, &out->id, err));
    AKIN_TRY(items_take_text(q, 3, &out->item_id, err));
    AKIN_TRY(items_take_text(q, 4, &out->name, err));
    AKIN_TRY(items_take_text(q, 5, &out->url, err));
    return items_take_text(q, 10, &out->format, err);
}

/* ---- one row ------------------------------------------------------------ */

/* Moves texts out of a statement that is going to be reset: while it is not, it
 * would keep its connection from seeing what others commit. */
static akin_status items_hold(item_store *s, const char ***texts, size_t n,
                              akin_error *err)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++) n_bytes += strlen(*texts[i]) + 1;
    char *held = mem_array(n_bytes, 1);
    if (!held) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a row");
    mem_free(s->held);
    s->held = held;
    for (size_t i = 0; i < n; i++) {
        size_t bytes = strlen(*texts[i]) + 1;
        memcpy(held, *texts[i], bytes);
        *texts[i] = held;
        held += bytes;
    }
    return AKIN_OK;
}

static akin_status items_hold_row(item_store *s, item_row *row, akin_error *err)
{
    const char **texts[ITEMS_MAX_FIELDS + 2] = {&row->id, &row->split};
    size_t n = 2;
    for (size_t i = 0; i < s->n_fields; i++)
        if (s->taken[i].text) texts[n++] = &s->taken[i].text;
    return items_hold(s, texts, n, err);
}

akin_status items_get(item_store *s, int64_t row, item_row *out,
                      akin_error *err)
{
    bool found = false;
    akin_status status = AKIN_OK;
    if (!s->made[ITEMS_GET]) {
        text_buf sql;
        text_buf_init(&sql, ITEMS_MAX_SQL_BYTES);
        items_put_select(s, &sql);
        text_buf_puts(&sql, " WHERE akin_row = ?1");
        AKIN_TRY(items_prepare(s, &sql, &s->made[ITEMS_GET], err));
    }
    sqlite3_stmt *q = s->made[ITEMS_GET];
    AKIN_TRYG(store_bind(s->db, q, STORE_VALUES(store_integer(row)), err));
    AKIN_TRYG(store_step(s->db, q, "read an item", &found, err));
    if (!found)
        status = AKIN_FAIL(err, AKIN_ENOTFOUND,
                           "there is no item with the row number %lld",
                           (long long)row);
    AKIN_TRYG(status);
    AKIN_TRYG(items_take_row(s, q, s->taken, out, err));
    AKIN_TRYG(items_hold_row(s, out, err));
done:
    store_release(q);
    return status;
}

akin_status items_get_view(item_store *s, int64_t row, view_row *out,
                           akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool found = false;
    akin_status status = AKIN_OK;
    AKIN_TRYG(
        store_ask(s->db, GET_VIEW, STORE_VALUES(store_integer(row)), &q, err));
    AKIN_TRYG(store_step(s->db, q, "read a view", &found, err));
    if (!found)
        status = AKIN_FAIL(err, AKIN_ENOTFOUND,
                           "there is no view with the row number %lld",
                           (long long)row);
    AKIN_TRYG(status);
    AKIN_TRYG(items_take_view(q, out, err));
    const char **texts[] = {&out->id, &out->item_id, &out->name, &out->url,
                            &out->format};
    AKIN_TRYG(items_hold(s, texts, sizeof texts / sizeof *texts, err));
done:
    store_release(q);
    return status;
}

/* ---- all rows ----------------------------------------------------------- */

/* Statements of their own: what is visited may begin another walk. */
akin_status items_each(item_store *s,
                       akin_status (*visit)(void *user, const item_row *row,
                                            akin_error *err),
                       void *user, akin_error *err)
{
    text_buf sql;
    sqlite3_stmt *q = NULL;
    void *values = NULL;
    item_row row;
    bool more;
    akin_status status = AKIN_OK;
    text_buf_init(&sql, ITEMS_MAX_SQL_BYTES);
    items_put_select(s, &sql);
    text_buf_puts(&sql, " ORDER BY akin_row");
    AKIN_TRYG(items_prepare(s, &sql, &q, err));
    /* Room for all that there could be, should others add fields meanwhile. */
    AKIN_TRYG(mem_new_array(ITEMS_MAX_FIELDS, sizeof(item_value), "a row",
                            &values, err));
    for (;;) {
        AKIN_TRYG(store_step(s->db, q, "read items", &more, err));
        if (!more) break;
        AKIN_TRYG(items_take_row(s, q, values, &row, err));
        AKIN_TRYG(visit(user, &row, err));
    }
done:
    sqlite3_finalize(q);
    mem_free(values);
    return status;
}

akin_status items_each_view(item_store *s, const char *name, int64_t item,
                            akin_status (*visit)(void *user,
                                                 const view_row *row,
                                                 akin_error *err),
                            void *user, akin_error *err)
{
    const char *sql = item   ? EACH_VIEW_OF_ITEM
                      : name ? EACH_VIEW_NAMED
                             : EACH_VIEW;
    const store_value values[] = {store_text(name), store_integer(item)};
    sqlite3_stmt *q = NULL;
    view_row row;
    bool more;
    akin_status status = AKIN_OK;
    AKIN_TRYG(store_prepare(s->db, sql, values,
                            item   ? 2
                            : name ? 1
                                   : 0,
                            &q, err));
    for (;;) {
        AKIN_TRYG(store_step(s->db, q, "read views", &more, err));
        if (!more) break;
        AKIN_TRYG(items_take_view(q, &row, err));
        AKIN_TRYG(visit(user, &row, err));
    }
done:
    sqlite3_finalize(q);
    return status;
}

static akin_status items_add_view_name(sqlite3_stmt *q, char ***names,
                                       size_t *n, size_t *cap, akin_error *err)
{
    void *p = *names;
    AKIN_TRY(mem_grow(&p, cap, *n + 1, sizeof **names, SIZE_MAX / 16, err));
    *names = p;
    AKIN_TRY(store_copy_text(q, 0, &(*names)[*n], err));
    ++*n;
    return AKIN_OK;
}

akin_status items_view_names(item_store *s, char ***out, size_t *n,
                             akin_error *err)
{
    sqlite3_stmt *q = NULL;
    char **names = NULL;
    size_t cap = 0;
    bool more;
    akin_status status = AKIN_OK;
    *n = 0;
    AKIN_TRYG(store_ask(s->db, VIEW_NAMES, STORE_NO_VALUES, &q, err));
    for (;;) {
        AKIN_TRYG(store_step(s->db, q, "read the names of views", &more, err));
        if (!more) break;
        AKIN_TRYG(items_add_view_name(q, &names, n, &cap, err));
    }
done:
    store_release(q);
    if (status != AKIN_OK) {
        while (*n > 0) mem_free(names[--*n]);
        mem_free(names);
        names = NULL;
    }
    *out = names;
    return status;
}

akin_status items_count(item_store *s, int64_t *n_items, int64_t *n_views,
                        akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = false;
    akin_status status = store_ask(s->db, COUNT, STORE_NO_VALUES, &q, err);
    if (status == AKIN_OK)
        status = store_step(s->db, q, "count the items", &row, err);
    *n_items = row ? sqlite3_column_int64(q, 0) : 0;
    *n_views = row ? sqlite3_column_int64(q, 1) : 0;
    store_release(q);
    return status;
}
