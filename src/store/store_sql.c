/* SPDX-License-Identifier: MIT
 * Statements: prepared once and kept by the address of their text, values
 * bound from an array, SQLite's codes turned into ours. */
#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "store/store_int.h"

static const char HAS_TABLE[] =
    "SELECT 1 FROM main.sqlite_master WHERE type = 'table' AND name = ?1";

store_value store_text(const char *text)
{
    if (!text) return (store_value){.type = SQLITE_NULL};
    return (store_value){
        .type = SQLITE_TEXT, .bytes = text, .n_bytes = strlen(text)};
}

store_value store_blob(const void *bytes, size_t n_bytes)
{
    return (store_value){
        .type = SQLITE_BLOB, .bytes = bytes, .n_bytes = n_bytes};
}

akin_status store_fail(const store *s, const char *verb, akin_error *err)
{
    int code = sqlite3_extended_errcode(s->db);
    switch (code == SQLITE_IOERR_NOMEM ? SQLITE_NOMEM : code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return AKIN_FAIL(err, AKIN_EBUSY,
                         "cannot %s: another program is writing to '%s'; wait "
                         "for it to end, or close it, and try again",
                         verb, s->path);
    case SQLITE_NOMEM:
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory: cannot %s in '%s'",
                         verb, s->path);
    case SQLITE_NOTADB:
        return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is not an SQLite database",
                         s->path);
    case SQLITE_CORRUPT:
        return AKIN_FAIL(err, AKIN_ECORRUPT, "cannot %s: '%s' is damaged (%s)",
                         verb, s->path, sqlite3_errmsg(s->db));
    case SQLITE_FULL:
        return AKIN_FAIL(err, AKIN_EIO, "cannot %s in '%s': the disk is full",
                         verb, s->path);
    case SQLITE_CONSTRAINT:
        if (code != SQLITE_CONSTRAINT_FOREIGNKEY) break;
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "cannot %s in '%s': the row it belongs to is missing",
                         verb, s->path);
    case SQLITE_IOERR:
        return AKIN_FAIL(err, AKIN_EIO, "cannot %s in '%s': %s", verb, s->path,
                         sqlite3_errmsg(s->db));
    default: break;
    }
    return AKIN_FAIL(err, AKIN_EDB, "cannot %s in '%s': %s", verb, s->path,
                     sqlite3_errmsg(s->db));
}

static int store_bind_one(sqlite3_stmt *q, int i, const store_value *v)
{
    switch (v->type) {
    case SQLITE_INTEGER: return sqlite3_bind_int64(q, i, v->integer);
    case SQLITE_FLOAT: return sqlite3_bind_double(q, i, v->real);
    case SQLITE_TEXT:
        return sqlite3_bind_text64(q, i, v->bytes, v->n_bytes, SQLITE_STATIC,
                                   SQLITE_UTF8);
    case SQLITE_BLOB:
        return sqlite3_bind_blob64(q, i, v->bytes, v->n_bytes, SQLITE_STATIC);
    default: return sqlite3_bind_null(q, i);
    }
}

akin_status store_bind(store *s, sqlite3_stmt *q, const store_value *values,
                       size_t n_values, akin_error *err)
{
    for (size_t i = 0; i < n_values; i++)
        if (store_bind_one(q, (int)i + 1, &values[i]) != SQLITE_OK)
            return store_fail(s, "bind a value", err);
    return AKIN_OK;
}

akin_status store_prepare(store *s, const char *sql, const store_value *values,
                          size_t n_values, sqlite3_stmt **out, akin_error *err)
{
    *out = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, out, NULL) != SQLITE_OK)
        return store_fail(s, "prepare a statement", err);
    return store_bind(s, *out, values, n_values, err);
}

akin_status store_ask(store *s, const char *sql, const store_value *values,
                      size_t n_values, sqlite3_stmt **out, akin_error *err)
{
    size_t i = 0;
    *out = NULL;
    while (i < s->n_cached && s->cache[i].sql != sql) i++;
    if (i == s->n_cached) {
        sqlite3_stmt *q;
        assert(i < STORE_MAX_STATEMENTS);
        if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &q,
                               NULL) != SQLITE_OK)
            return store_fail(s, "prepare a statement", err);
        s->cache[i].sql = sql;
        s->cache[i].statement = q;
        s->n_cached++;
    }
    *out = s->cache[i].statement;
    return store_bind(s, *out, values, n_values, err);
}

void store_release(sqlite3_stmt *q)
{
    if (!q) return;
    sqlite3_reset(q);
    sqlite3_clear_bindings(q);
}

akin_status store_step(store *s, sqlite3_stmt *q, const char *verb, bool *row,
                       akin_error *err)
{
    int code = sqlite3_step(q);
    *row = code == SQLITE_ROW;
    if (*row || code == SQLITE_DONE) return AKIN_OK;
    return store_fail(s, verb, err);
}

akin_status store_run(store *s, const char *sql, const store_value *values,
                      size_t n_values, const char *verb, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = true;
    akin_status status = store_ask(s, sql, values, n_values, &q, err);
    while (status == AKIN_OK && row) status = store_step(s, q, verb, &row, err);
    store_release(q);
    return status;
}

akin_status store_exec(store *s, const char *sql, const char *verb,
                       akin_error *err)
{
    if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK) return AKIN_OK;
    return store_fail(s, verb, err);
}

akin_status store_copy_text(sqlite3_stmt *q, int column, char **out,
                            akin_error *err)
{
    *out = NULL;
    if (sqlite3_column_type(q, column) == SQLITE_NULL) return AKIN_OK;
    const unsigned char *text = sqlite3_column_text(q, column);
    if (text) *out = mem_strdup((const char *)text);
    if (*out) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a text");
}

akin_status store_has_table(store *s, const char *name, bool *found,
                            akin_error *err)
{
    sqlite3_stmt *q = NULL;
    akin_status status = AKIN_OK;
    *found = false;
    AKIN_TRYG(store_ask(s, HAS_TABLE, STORE_VALUES(store_text(name)), &q, err));
    AKIN_TRYG(store_step(s, q, "read the schema", found, err));
done:
    store_release(q);
    return status;
}

akin_status store_may_write(const store *s, akin_error *err)
{
    if (s->schema == STORE_HOPLITE_OLD)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' has the format of hoplite before 1.0, which is "
                         "only read",
                         s->path);
    if (s->mode == STORE_READ)
        return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' was opened for reading only",
                         s->path);
    /* SQLite ends a transaction by itself on some errors; what came after
     * would then be committed row by row. */
    if (s->spoilt ||
        (s->transaction == STORE_WRITING && sqlite3_get_autocommit(s->db)))
        return AKIN_FAIL(err, AKIN_EDB,
                         "an earlier change to '%s' failed, so none of this "
                         "transaction is kept",
                         s->path);
    return AKIN_OK;
}

const char *store_library(void) { return "SQLite " SQLITE_VERSION; }
