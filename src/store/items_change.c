/* SPDX-License-Identifier: MIT
 * Adding, replacing and removing items and views. */
#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "store/items_int.h"

static const char ADD_VIEW[] =
    "INSERT INTO views (akin_row, item, id, name, url, created_at, updated_at,"
    " width, height, format, size_bytes, mtime_ns)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
static const char REPLACE_VIEW[] =
    "UPDATE views SET item = ?2, id = ?3, name = ?4, url = ?5, created_at = ?6,"
    " updated_at = ?7, width = ?8, height = ?9, format = ?10, size_bytes = ?11,"
    " mtime_ns = ?12 WHERE akin_row = ?1";
static const char REMOVE[] = "DELETE FROM items WHERE akin_row = ?1";

static akin_status items_no_row(const char *what, int64_t row, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOTFOUND,
                     "there is no %s with the row number %lld", what,
                     (long long)row);
}

static akin_status items_check_id(const char *id, akin_error *err)
{
    size_t n = strlen(id);
    if (n > 0 && n <= ITEMS_MAX_ID_BYTES && text_is_utf8(id, n)) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE,
                     "an id must be 1 to %d bytes of UTF-8, not '%.80s'",
                     ITEMS_MAX_ID_BYTES, id);
}

/* ---- items -------------------------------------------------------------- */

/* "INSERT INTO items (akin_row, ...) VALUES (?, ...)". */
static void items_put_add(const item_store *s, text_buf *sql)
{
    text_buf_puts(sql, "INSERT INTO items"
                       " (akin_row, id, split, created_at, updated_at");
    for (size_t i = 0; i < s->n_fields; i++) {
        text_buf_puts(sql, ", ");
        items_put_name(sql, s->fields[i].name);
    }
    text_buf_puts(sql, ") VALUES (?1, ?2, ?3, ?4, ?5");
    for (size_t i = 0; i < s->n_fields; i++) text_buf_puts(sql, ", ?");
    text_buf_puts(sql, ")");
}

static void items_put_replace(const item_store *s, text_buf *sql)
{
    text_buf_puts(sql, "UPDATE items SET id = ?2, split = ?3, created_at = ?4,"
                       " updated_at = ?5");
    for (size_t i = 0; i < s->n_fields; i++) {
        text_buf_puts(sql, ", ");
        items_put_name(sql, s->fields[i].name);
        text_buf_printf(sql, " = ?%zu", ITEMS_OWN_COLUMNS + i + 1);
    }
    text_buf_puts(sql, " WHERE akin_row = ?1");
}

static akin_status items_make(item_store *s, items_made which,
                              void (*put)(const item_store *, text_buf *),
                              akin_error *err)
{
    text_buf sql;
    if (s->made[which]) return AKIN_OK;
    text_buf_init(&sql, ITEMS_MAX_SQL_BYTES);
    put(s, &sql);
    return items_prepare(s, &sql, &s->made[which], err);
}

static store_value items_bind_value(const item_value *value, item_kind kind)
{
    if (value->null) return store_text(NULL);
    switch (kind) {
    case ITEM_TEXT: return store_text(value->text);
    case ITEM_NUMBER: return store_real(value->number);
    case ITEM_BOOL: return store_integer(value->integer != 0);
    default: return store_integer(value->integer);
    }
}

static size_t items_bind_row(item_store *s, const item_row *row)
{
    const store_value own[ITEMS_OWN_COLUMNS] = {
        row->row ? store_integer(row->row) : store_text(NULL),
        store_text(row->id), store_text(row->split ? row->split : "default"),
        store_integer(row->created_us), store_integer(row->updated_us)};
    memcpy(s->bound, own, sizeof own);
    for (size_t i = 0; i < s->n_fields; i++)
        s->bound[ITEMS_OWN_COLUMNS + i] =
            row->values ? items_bind_value(&row->values[i], s->fields[i].kind)
                        : store_text(NULL);
    return ITEMS_OWN_COLUMNS + s->n_fields;
}

/* Runs a statement that was made, and sees whether its id was another's. */
static akin_status items_run_made(item_store *s, sqlite3_stmt *q,
                                  size_t n_values, bool *taken, akin_error *err)
{
    bool row;
    *taken = false;
    akin_status status = store_bind(s->db, q, s->bound, n_values, err);
    if (status == AKIN_OK)
        status = store_step(s->db, q, "write an item", &row, err);
    if (status != AKIN_OK)
        *taken =
            sqlite3_extended_errcode(s->db->db) == SQLITE_CONSTRAINT_UNIQUE;
    store_release(q);
    return status;
}

static akin_status items_put_here(item_store *s, const item_row *row,
                                  int64_t *row_out, akin_error *err)
{
    bool taken;
    items_made which = row->row ? ITEMS_REPLACE : ITEMS_ADD;
    AKIN_TRY(items_check_id(row->id, err));
    AKIN_TRY(items_make(s, which, row->row ? items_put_replace : items_put_add,
                        err));
    akin_status status =
        items_run_made(s, s->made[which], items_bind_row(s, row), &taken, err);
    if (taken)
        return AKIN_FAIL(err, AKIN_EEXISTS, "there is an item '%s' already",
                         row->id);
    AKIN_TRY(status);
    if (row->row && sqlite3_changes64(s->db->db) == 0)
        return items_no_row("item", row->row, err);
    if (row_out)
        *row_out = row->row ? row->row : sqlite3_last_insert_rowid(s->db->db);
    return AKIN_OK;
}

akin_status items_put(item_store *s, const item_row *row, int64_t *row_out,
                      akin_error *err)
{
    bool own;
    AKIN_TRY(items_enter(s, &own, err));
    return items_leave(s, own, items_put_here(s, row, row_out, err), err);
}

static akin_status items_make_set(item_store *s, size_t field, akin_error *err)
{
    text_buf sql;
    if (s->set[field]) return AKIN_OK;
    text_buf_init(&sql, ITEMS_MAX_SQL_BYTES);
    text_buf_puts(&sql, "UPDATE items SET ");
    items_put_name(&sql, s->fields[field].name);
    text_buf_puts(&sql, " = ?2 WHERE akin_row = ?1");
    return items_prepare(s, &sql, &s->set[field], err);
}

static akin_status items_set_here(item_store *s, int64_t item, size_t field,
                                  const item_value *value, akin_error *err)
{
    bool taken;
    assert(field < s->n_fields);
    AKIN_TRY(items_make_set(s, field, err));
    s->bound[0] = store_integer(item);
    s->bound[1] = items_bind_value(value, s->fields[field].kind);
    AKIN_TRY(items_run_made(s, s->set[field], 2, &taken, err));
    if (sqlite3_changes64(s->db->db) == 0)
        return items_no_row("item", item, err);
    return AKIN_OK;
}

akin_status items_set_value(item_store *s, int64_t item, size_t field,
                            const item_value *value, akin_error *err)
{
    bool own;
    AKIN_TRY(items_enter(s, &own, err));
    return items_leave(s, own, items_set_here(s, item, field, value, err), err);
}

akin_status items_remove(item_store *s, int64_t item, akin_error *err)
{
    bool own;
    AKIN_TRY(items_enter(s, &own, err));
    akin_status status =
        store_run(s->db, REMOVE, STORE_VALUES(store_integer(item)),
                  "remove an item", err);
    if (status == AKIN_OK && sqlite3_changes64(s->db->db) == 0)
        status = items_no_row("item", item, err);
    return items_leave(s, own, status, err);
}

/* ---- views -------------------------------------------------------------- */

/* Of the two things that are unique, which one was there? */
static akin_status items_view_taken(item_store *s, const view_row *row,
                                    akin_error *err)
{
    int64_t other;
    AKIN_TRY(items_find_view(s, row->id, &other, err));
    if (other && other != row->row)
        return AKIN_FAIL(err, AKIN_EEXISTS, "there is a view '%s' already",
                         row->id);
    return AKIN_FAIL(err, AKIN_EEXISTS,
                     "the item has a view '%s' with the url '%s' already",
                     row->name, row->url);
}

static akin_status items_put_view_here(item_store *s, const view_row *row,
                                       int64_t *row_out, akin_error *err)
{
    AKIN_TRY(items_check_id(row->id, err));
    akin_status status = store_run(
        s->db, row->row ? REPLACE_VIEW : ADD_VIEW,
        STORE_VALUES(
            row->row ? store_integer(row->row) : store_text(NULL),
            store_integer(row->item), store_text(row->id),
            store_text(row->name), store_text(row->url),
            store_integer(row->created_us), store_integer(row->updated_us),
            store_integer(row->width), store_integer(row->height),
            store_text(row->format ? row->format : ""),
            store_integer(row->size_bytes), store_integer(row->mtime_ns)),
        "write a view", err);
    if (status != AKIN_OK &&
        sqlite3_extended_errcode(s->db->db) == SQLITE_CONSTRAINT_UNIQUE)
        return items_view_taken(s, row, err);
    AKIN_TRY(status);
    if (row->row && sqlite3_changes64(s->db->db) == 0)
        return items_no_row("view", row->row, err);
    if (row_out)
        *row_out = row->row ? row->row : sqlite3_last_insert_rowid(s->db->db);
    return AKIN_OK;
}

akin_status items_put_view(item_store *s, const view_row *row, int64_t *row_out,
                           akin_error *err)
{
    bool own;
    AKIN_TRY(items_enter(s, &own, err));
    return items_leave(s, own, items_put_view_here(s, row, row_out, err), err);
}
