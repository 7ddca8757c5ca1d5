/* SPDX-License-Identifier: MIT
 * Opening and closing a file of items, its transactions, its version and its
 * texts.
 *
 * The version is a number in the file that each commit with a change counts up.
 * SQLite's own data_version would not do: it differs from connection to
 * connection, and columns are filled through any of a pool. */
#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "store/items_int.h"

#define ITEMS_FORMAT 1

static const char HAS_ANY_TABLE[] = "SELECT 1 FROM main.sqlite_master LIMIT 1";
/* Of a field's column there is only the name that the user gave; so that none
 * is taken, akin's own begin with its name. */
static const char MAKE_TABLES[] =
    "CREATE TABLE akin_items (format INTEGER NOT NULL,"
    " version INTEGER NOT NULL, fields_version INTEGER NOT NULL);"
    "CREATE TABLE akin_texts (key TEXT PRIMARY KEY, value TEXT NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE akin_fields (place INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE COLLATE NOCASE, kind TEXT NOT NULL);"
    "CREATE TABLE items (akin_row INTEGER PRIMARY KEY AUTOINCREMENT,"
    " id TEXT NOT NULL UNIQUE, split TEXT NOT NULL,"
    " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL);"
    "CREATE TABLE views (akin_row INTEGER PRIMARY KEY AUTOINCREMENT,"
    " item INTEGER NOT NULL REFERENCES items (akin_row) ON DELETE CASCADE,"
    " id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, url TEXT NOT NULL,"
    " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
    " width INTEGER NOT NULL, height INTEGER NOT NULL, format TEXT NOT NULL,"
    " size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
    " UNIQUE (name, url, item));"
    "CREATE INDEX views_of_item ON views (item);";
static const char PUT_FORMAT[] = "INSERT INTO akin_items VALUES (?1, 1, 1)";
static const char GET_FORMAT[] = "SELECT format FROM akin_items";
static const char GET_VERSION[] = "SELECT version FROM akin_items";
static const char COUNT_UP[] = "UPDATE akin_items SET version = version + 1";
static const char GET_TEXT[] = "SELECT value FROM akin_texts WHERE key = ?1";
static const char SET_TEXT[] =
    "INSERT INTO akin_texts VALUES (?1, ?2)"
    " ON CONFLICT (key) DO UPDATE SET value = excluded.value";
static const char DROP_TEXT[] = "DELETE FROM akin_texts WHERE key = ?1";

/* ---- opening ------------------------------------------------------------ */

static akin_status items_number(item_store *s, const char *sql, int64_t *out,
                                akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = false;
    akin_status status = store_ask(s->db, sql, STORE_NO_VALUES, &q, err);
    if (status == AKIN_OK) status = store_step(s->db, q, "read", &row, err);
    *out = row ? sqlite3_column_int64(q, 0) : 0;
    store_release(q);
    return status;
}

/* *empty: there is no table at all. */
static akin_status items_detect(item_store *s, bool *empty, akin_error *err)
{
    bool any, ours;
    AKIN_TRY(store_has_row(s->db, HAS_ANY_TABLE, &any, err));
    AKIN_TRY(store_has_table(s->db, "akin_items", &ours, err));
    *empty = !any;
    if (ours || (*empty && s->db->mode == STORE_CREATE)) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                     *empty ? "'%s' is an empty database without a dataset's "
                              "items"
                            : "'%s' is an SQLite database, but not one of a "
                              "dataset's items",
                     s->db->path);
}

static akin_status items_check_format(item_store *s, akin_error *err)
{
    int64_t format;
    AKIN_TRY(items_number(s, GET_FORMAT, &format, err));
    if (format == ITEMS_FORMAT) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EVERSION,
                     "'%s' has format %lld of items; this akin knows format %d",
                     s->db->path, (long long)format, ITEMS_FORMAT);
}

static akin_status items_make_tables(item_store *s, akin_error *err)
{
    bool empty;
    AKIN_TRY(store_begin(s->db, err));
    /* Another program may have made the tables since. */
    akin_status status = items_detect(s, &empty, err);
    if (status == AKIN_OK && empty)
        status = store_exec(s->db, MAKE_TABLES, "make the tables", err);
    if (status == AKIN_OK && empty)
        status = store_run(s->db, PUT_FORMAT,
                           STORE_VALUES(store_integer(ITEMS_FORMAT)),
                           "make the tables", err);
    if (status == AKIN_OK) return store_commit(s->db, err);
    store_rollback(s->db);
    return status;
}

static akin_status items_set_up(item_store *s, akin_error *err)
{
    bool empty;
    /* A name in "quotes" that is no column shall not pass for a text. */
    sqlite3_db_config(s->db->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(s->db->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    AKIN_TRY(items_add_functions(s, err));
    AKIN_TRY(items_detect(s, &empty, err));
    AKIN_TRY(store_check_size(s->db, err));
    if (s->db->mode == STORE_READ)
        AKIN_TRY(store_exec(s->db, "PRAGMA query_only = ON",
                            "open the database", err));
    else
        AKIN_TRY(store_make_writable(s->db, err));
    if (empty) AKIN_TRY(items_make_tables(s, err));
    AKIN_TRY(items_check_format(s, err));
    return items_sync_fields(s, err);
}

akin_status items_open(const char *path, items_mode mode, double busy_s,
                       item_store **out, akin_error *err)
{
    static const store_mode modes[] = {[ITEMS_READ] = STORE_READ,
                                       [ITEMS_WRITE] = STORE_WRITE,
                                       [ITEMS_CREATE] = STORE_CREATE};
    void *p;
    *out = NULL;
    AKIN_TRY(mem_new_array(1, sizeof(item_store), "items", &p, err));
    item_store *s = p;
    akin_status status = store_open_any(path, modes[mode], busy_s, &s->db, err);
    if (status == AKIN_OK) status = items_set_up(s, err);
    if (status == AKIN_OK)
        *out = s;
    else
        items_close(s);
    return status;
}

void items_close(item_store *s)
{
    if (!s) return;
    items_forget_made(s);
    store_close(s->db);
    items_clear_fields(s);
    mem_free(s->fields);
    mem_free(s->held);
    mem_free(s);
}

/* ---- transactions ------------------------------------------------------- */

static akin_status items_begin_write(item_store *s, akin_error *err)
{
    AKIN_TRY(store_begin(s->db, err));
    akin_status status = items_sync_fields(s, err);
    if (status != AKIN_OK) {
        store_rollback(s->db);
        return status;
    }
    s->before.n_fields = s->n_fields;
    s->before.fields_version = s->fields_version;
    s->before.n_changes = sqlite3_total_changes64(s->db->db);
    for (size_t i = 0; i < s->n_fields; i++)
        s->before.kinds[i] = s->fields[i].kind;
    return AKIN_OK;
}

akin_status items_begin(item_store *s, akin_error *err)
{
    return s->db->mode == STORE_READ ? store_begin_read(s->db, err)
                                     : items_begin_write(s, err);
}

akin_status items_commit(item_store *s, akin_error *err)
{
    akin_status status = AKIN_OK;
    if (s->db->transaction == STORE_READING) {
        store_end_read(s->db);
        return AKIN_OK;
    }
    if (sqlite3_total_changes64(s->db->db) != s->before.n_changes)
        status = store_run(s->db, COUNT_UP, STORE_NO_VALUES, "commit", err);
    if (status == AKIN_OK)
        status = store_commit(s->db, err);
    else
        store_rollback(s->db);
    if (status != AKIN_OK) items_restore_fields(s);
    return status;
}

void items_rollback(item_store *s)
{
    bool writing = s->db->transaction == STORE_WRITING;
    store_rollback(s->db);
    if (writing) items_restore_fields(s);
}

akin_status items_enter(item_store *s, bool *own, akin_error *err)
{
    *own = false;
    AKIN_TRY(store_may_write(s->db, err));
    if (s->db->transaction == STORE_WRITING) return AKIN_OK;
    AKIN_TRY(items_begin(s, err));
    *own = true;
    return AKIN_OK;
}

akin_status items_leave(item_store *s, bool own, akin_status status,
                        akin_error *err)
{
    if (!own) return status;
    if (status == AKIN_OK) return items_commit(s, err);
    items_rollback(s);
    return status;
}

akin_status items_version(item_store *s, int64_t *out, akin_error *err)
{
    AKIN_TRY(items_number(s, GET_VERSION, out, err));
    return items_sync_fields(s, err);
}

/* ---- texts -------------------------------------------------------------- */

akin_status items_get_text(item_store *s, const char *key, char **out,
                           akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = false;
    akin_status status = AKIN_OK;
    *out = NULL;
    AKIN_TRYG(
        store_ask(s->db, GET_TEXT, STORE_VALUES(store_text(key)), &q, err));
    AKIN_TRYG(store_step(s->db, q, "read a text", &row, err));
    if (row) status = store_copy_text(q, 0, out, err);
done:
    store_release(q);
    return status;
}

akin_status items_set_text(item_store *s, const char *key, const char *value,
                           akin_error *err)
{
    bool own;
    AKIN_TRY(items_enter(s, &own, err));
    akin_status status =
        value ? store_run(s->db, SET_TEXT,
                          STORE_VALUES(store_text(key), store_text(value)),
                          "write a text", err)
              : store_run(s->db, DROP_TEXT, STORE_VALUES(store_text(key)),
                          "remove a text", err);
    return items_leave(s, own, status, err);
}
