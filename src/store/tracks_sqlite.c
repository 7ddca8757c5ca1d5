/* SPDX-License-Identifier: MIT
 * tracks.h on SQLite, one file.
 *
 * The file is kept in SQLite's rollback journal, not as a WAL: it stays one
 * file that can be read where nothing can be written. So that others can read
 * the old rows while a table is replaced, a change stays in memory until the
 * commit, up to a bound; readers wait for the commit itself. */
#include <sqlite3.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "store/tracks_int.h"

#define LITE_BUSY_MS 30000
#define LITE_PROGRESS_ROWS 65536

static const char SET_UP[] = "PRAGMA cache_spill = 262144"; /* pages */
/* A reader opens for writing only to roll back what a dead writer left. */
static const char SET_UP_READER[] =
    "PRAGMA query_only = 1; SELECT 1 FROM sqlite_master LIMIT 1";
static const char MAKE_STATE[] =
    "CREATE TABLE IF NOT EXISTS akin_vector_state ("
    "name TEXT PRIMARY KEY, value TEXT NOT NULL)";
static const char DROP_ROWS[] = "DROP TABLE IF EXISTS vector_metadata";
static const char MAKE_NUMBERS[] =
    "CREATE TABLE vector_metadata (vector_id INTEGER PRIMARY KEY,"
    " track_id BIGINT NOT NULL, vector_dimensions BIGINT, faiss_index TEXT)";
static const char MAKE_TEXTS[] =
    "CREATE TABLE vector_metadata (vector_id INTEGER PRIMARY KEY,"
    " track_id VARCHAR(190) NOT NULL, vector_dimensions BIGINT,"
    " faiss_index TEXT)";
static const char MAKE_INDEX[] = "CREATE INDEX vector_metadata_track_id"
                                 " ON vector_metadata (track_id)";
static const char ADD[] =
    "INSERT INTO vector_metadata (vector_id, track_id, vector_dimensions,"
    " faiss_index) VALUES (?1, ?2, ?3, ?4)";
static const char UPDATE[] =
    "UPDATE vector_metadata SET track_id = ?2 WHERE vector_id = ?1";
static const char COUNT[] = "SELECT count(*) FROM vector_metadata";
static const char FIND[] = "SELECT vector_id, track_id FROM vector_metadata"
                           " WHERE track_id = ?1 ORDER BY vector_id";
static const char EACH[] = "SELECT vector_id, track_id FROM vector_metadata"
                           " ORDER BY vector_id";
static const char KIND[] = "SELECT type FROM pragma_table_info(?1)"
                           " WHERE name = 'track_id' COLLATE NOCASE";
static const char HAS_TABLE[] =
    "SELECT 1 FROM sqlite_master WHERE name = ?1 AND type IN ('table', 'view')";
static const char GET_STATE[] =
    "SELECT value FROM akin_vector_state WHERE name = ?1";
static const char SET_STATE[] =
    "INSERT OR REPLACE INTO akin_vector_state (name, value) VALUES (?1, ?2)";
#define GET_HEAD                                                               \
    "SELECT vector_id, track_id FROM vector_metadata WHERE vector_id IN "
#define REMOVE_VECTORS_HEAD "DELETE FROM vector_metadata WHERE vector_id IN "
#define REMOVE_TRACKS_HEAD "DELETE FROM vector_metadata WHERE track_id IN "

typedef struct lite {
    tracks base;
    sqlite3 *db;
} lite;

/* ---- statements --------------------------------------------------------- */

static akin_status lite_fail(const lite *l, const char *verb, akin_error *err)
{
    const char *path = l->base.db->database;
    int code = sqlite3_extended_errcode(l->db);
    switch (code == SQLITE_IOERR_NOMEM ? SQLITE_NOMEM : code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return AKIN_FAIL(err, AKIN_EBUSY,
                         "cannot %s: another program uses '%s'; wait for it "
                         "to end, or close it, and try again",
                         verb, path);
    case SQLITE_NOMEM:
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory: cannot %s in '%s'",
                         verb, path);
    case SQLITE_NOTADB:
        return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is not an SQLite database",
                         path);
    case SQLITE_CORRUPT:
        return AKIN_FAIL(err, AKIN_ECORRUPT, "cannot %s: '%s' is damaged (%s)",
                         verb, path, sqlite3_errmsg(l->db));
    case SQLITE_FULL:
        return AKIN_FAIL(err, AKIN_EIO, "cannot %s in '%s': the disk is full",
                         verb, path);
    case SQLITE_IOERR:
    case SQLITE_READONLY:
        return AKIN_FAIL(err, AKIN_EIO, "cannot %s in '%s': %s", verb, path,
                         sqlite3_errmsg(l->db));
    default:
        return AKIN_FAIL(err, AKIN_EDB, "cannot %s in '%s': %s", verb, path,
                         sqlite3_errmsg(l->db));
    }
}

static akin_status lite_exec(lite *l, const char *sql, const char *verb,
                             akin_error *err)
{
    if (sqlite3_exec(l->db, sql, NULL, NULL, NULL) == SQLITE_OK) return AKIN_OK;
    return lite_fail(l, verb, err);
}

static akin_status lite_prepare(lite *l, const char *sql, sqlite3_stmt **out,
                                akin_error *err)
{
    *out = NULL;
    if (sqlite3_prepare_v2(l->db, sql, -1, out, NULL) == SQLITE_OK)
        return AKIN_OK;
    return lite_fail(l, "prepare a statement", err);
}

/* Texts are bound without a copy and must live until the statement ends. */
static akin_status lite_bind_text(lite *l, sqlite3_stmt *q, size_t i,
                                  const char *text, akin_error *err)
{
    if (sqlite3_bind_text(q, (int)i, text, -1, SQLITE_STATIC) == SQLITE_OK)
        return AKIN_OK;
    return lite_fail(l, "bind a value", err);
}

static akin_status lite_bind_int(lite *l, sqlite3_stmt *q, size_t i,
                                 int64_t value, akin_error *err)
{
    if (sqlite3_bind_int64(q, (int)i, value) == SQLITE_OK) return AKIN_OK;
    return lite_fail(l, "bind a value", err);
}

/* A column's affinity turns the one into the other, where that loses
 * nothing. */
static akin_status lite_bind_id(lite *l, sqlite3_stmt *q, size_t i,
                                tracks_id id, akin_error *err)
{
    return id.text ? lite_bind_text(l, q, i, id.text, err)
                   : lite_bind_int(l, q, i, id.number, err);
}

static akin_status lite_step(lite *l, sqlite3_stmt *q, const char *verb,
                             bool *row, akin_error *err)
{
    int code = sqlite3_step(q);
    *row = code == SQLITE_ROW;
    if (*row || code == SQLITE_DONE) return AKIN_OK;
    return lite_fail(l, verb, err);
}

/* Runs to the end and finalizes. */
static akin_status lite_finish(lite *l, sqlite3_stmt *q, akin_status status,
                               const char *verb, akin_error *err)
{
    bool row = true;
    while (status == AKIN_OK && row) status = lite_step(l, q, verb, &row, err);
    sqlite3_finalize(q);
    return status;
}

/* "HEAD (?, ?, ...)" of n. */
static akin_status lite_prepare_in(lite *l, const char *head, size_t n,
                                   sqlite3_stmt **out, akin_error *err)
{
    text_buf sql;
    *out = NULL;
    text_buf_init(&sql, TRACKS_MAX_SQL_BYTES);
    tracks_put_marks(&sql, head, n);
    akin_status status =
        sql.status == AKIN_OK
            ? lite_prepare(l, sql.data, out, err)
            : AKIN_FAIL(err, sql.status, "no room for a statement");
    text_buf_clear(&sql);
    return status;
}

/* ---- transactions and state --------------------------------------------- */

static akin_status lite_begin(tracks *t, akin_error *err)
{
    bool write = t->mode == TRACKS_WRITE;
    return lite_exec((lite *)t, write ? "BEGIN IMMEDIATE" : "BEGIN",
                     "begin a transaction", err);
}

static akin_status lite_commit(tracks *t, akin_error *err)
{
    lite *l = (lite *)t;
    if (sqlite3_get_autocommit(l->db))
        return AKIN_FAIL(err, AKIN_EDB,
                         "SQLite ended a transaction on '%s' by itself; "
                         "nothing of it is kept",
                         t->db->database);
    return lite_exec(l, "COMMIT", "commit", err);
}

static void lite_rollback(tracks *t)
{
    sqlite3_exec(((lite *)t)->db, "ROLLBACK", NULL, NULL, NULL);
}

static akin_status lite_has_table(lite *l, const char *table, bool *out,
                                  akin_error *err)
{
    sqlite3_stmt *q;
    *out = false;
    akin_status status = lite_prepare(l, HAS_TABLE, &q, err);
    if (status == AKIN_OK) status = lite_bind_text(l, q, 1, table, err);
    if (status == AKIN_OK)
        status = lite_step(l, q, "read the schema", out, err);
    sqlite3_finalize(q);
    return status;
}

static akin_status lite_get_state(tracks *t, const char *name, char **value,
                                  akin_error *err)
{
    lite *l = (lite *)t;
    sqlite3_stmt *q = NULL;
    bool found;
    akin_status status = AKIN_OK;
    AKIN_TRY(lite_has_table(l, "akin_vector_state", &found, err));
    if (!found) return AKIN_OK;
    AKIN_TRYG(lite_prepare(l, GET_STATE, &q, err));
    AKIN_TRYG(lite_bind_text(l, q, 1, name, err));
    AKIN_TRYG(lite_step(l, q, "read the state", &found, err));
    if (!found) goto done;
    *value = mem_strdup((const char *)sqlite3_column_text(q, 0));
    if (!*value)
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the state");
done:
    sqlite3_finalize(q);
    return status;
}

static akin_status lite_set_state(tracks *t, const char *name,
                                  const char *value, akin_error *err)
{
    lite *l = (lite *)t;
    sqlite3_stmt *q;
    akin_status status = lite_prepare(l, SET_STATE, &q, err);
    if (status == AKIN_OK) status = lite_bind_text(l, q, 1, name, err);
    if (status == AKIN_OK) status = lite_bind_text(l, q, 2, value, err);
    return lite_finish(l, q, status, "write the state", err);
}

/* ---- changes ------------------------------------------------------------ */

static akin_status lite_add_one(lite *l, sqlite3_stmt *q,
                                const tracks_row *row, akin_error *err)
{
    AKIN_TRY(lite_bind_int(l, q, 1, row->vector_id, err));
    AKIN_TRY(lite_bind_id(l, q, 2, row->track, err));
    int code = sqlite3_step(q);
    if (code == SQLITE_CONSTRAINT)
        return AKIN_FAIL(err, AKIN_EEXISTS,
                         "vector %lld is in 'vector_metadata' already",
                         (long long)row->vector_id);
    if (code != SQLITE_DONE) return lite_fail(l, "add a row", err);
    sqlite3_reset(q);
    return AKIN_OK;
}

static akin_status lite_insert(lite *l, const tracks_table *table,
                               const tracks_replace_options *options,
                               akin_error *err)
{
    sqlite3_stmt *q;
    akin_status status = lite_prepare(l, ADD, &q, err);
    if (status == AKIN_OK) status = lite_bind_int(l, q, 3, table->dim, err);
    if (status == AKIN_OK)
        status = lite_bind_text(l, q, 4, table->index_type, err);
    for (size_t i = 0; i < table->n && status == AKIN_OK; i++) {
        if (i % LITE_PROGRESS_ROWS == 0 && options->progress &&
            !options->progress(options->user, i))
            status = AKIN_FAIL(err, AKIN_ECANCELLED,
                               "cancelled; 'vector_metadata' is as it was");
        else
            status = lite_add_one(l, q, &table->rows[i], err);
    }
    sqlite3_finalize(q);
    return status;
}

static akin_status lite_add(tracks *t, const tracks_table *added,
                            akin_error *err)
{
    static const tracks_replace_options none = {0};
    return lite_insert((lite *)t, added, &none, err);
}

static akin_status lite_fill(lite *l, const tracks_table *table,
                             const tracks_replace_options *options,
                             akin_error *err)
{
    const char *verb = "make 'vector_metadata'";
    AKIN_TRY(lite_exec(l, DROP_ROWS, verb, err));
    AKIN_TRY(lite_exec(
        l, l->base.kind == TRACKS_NUMBERS ? MAKE_NUMBERS : MAKE_TEXTS, verb,
        err));
    AKIN_TRY(lite_insert(l, table, options, err));
    AKIN_TRY(lite_exec(l, MAKE_INDEX, verb, err));
    for (size_t i = 0; i < options->n_states; i++)
        AKIN_TRY(lite_set_state(&l->base, options->states[i].name,
                                options->states[i].value, err));
    return AKIN_OK;
}

static akin_status lite_replace(tracks *t, const tracks_table *table,
                                const tracks_replace_options *options,
                                akin_error *err)
{
    AKIN_TRY(lite_begin(t, err));
    akin_status status = lite_fill((lite *)t, table, options, err);
    if (status == AKIN_OK) status = lite_commit(t, err);
    if (status != AKIN_OK) lite_rollback(t);
    return status;
}

static akin_status lite_update(tracks *t, const tracks_row *row,
                               size_t *n_changed, akin_error *err)
{
    lite *l = (lite *)t;
    sqlite3_stmt *q;
    akin_status status = lite_prepare(l, UPDATE, &q, err);
    if (status == AKIN_OK) status = lite_bind_int(l, q, 1, row->vector_id, err);
    if (status == AKIN_OK) status = lite_bind_id(l, q, 2, row->track, err);
    status = lite_finish(l, q, status, "change a row", err);
    *n_changed = status == AKIN_OK ? (size_t)sqlite3_changes(l->db) : 0;
    return status;
}

static akin_status lite_remove_vectors(tracks *t, const int64_t *vector_ids,
                                       size_t n, size_t *n_removed,
                                       akin_error *err)
{
    lite *l = (lite *)t;
    sqlite3_stmt *q;
    akin_status status = lite_prepare_in(l, REMOVE_VECTORS_HEAD, n, &q, err);
    for (size_t i = 0; i < n && status == AKIN_OK; i++)
        status = lite_bind_int(l, q, i + 1, vector_ids[i], err);
    status = lite_finish(l, q, status, "remove rows", err);
    *n_removed = status == AKIN_OK ? (size_t)sqlite3_changes(l->db) : 0;
    return status;
}

static akin_status lite_remove_tracks(tracks *t, const tracks_id *ids,
                                      size_t n, size_t *n_removed,
                                      akin_error *err)
{
    lite *l = (lite *)t;
    sqlite3_stmt *q;
    akin_status status = lite_prepare_in(l, REMOVE_TRACKS_HEAD, n, &q, err);
    for (size_t i = 0; i < n && status == AKIN_OK; i++)
        status = lite_bind_id(l, q, i + 1, ids[i], err);
    status = lite_finish(l, q, status, "remove rows", err);
    *n_removed = status == AKIN_OK ? (size_t)sqlite3_changes(l->db) : 0;
    return status;
}

/* ---- reads -------------------------------------------------------------- */

static akin_status lite_count(tracks *t, size_t *out, akin_error *err)
{
    lite *l = (lite *)t;
    sqlite3_stmt *q;
    bool row;
    akin_status status = lite_prepare(l, COUNT, &q, err);
    if (status == AKIN_OK)
        status = lite_step(l, q, "count 'vector_metadata'", &row, err);
    if (status == AKIN_OK) *out = (size_t)sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return status;
}

typedef akin_status (*lite_visit)(void *user, const tracks_row *row,
                                  akin_error *err);

/* The rows of "SELECT vector_id, track_id"; those with a NULL, which only
 * foreign tables have, are left out. */
static akin_status lite_rows(lite *l, sqlite3_stmt *q, lite_visit visit,
                             void *user, akin_error *err)
{
    bool more;
    for (;;) {
        AKIN_TRY(lite_step(l, q, "read 'vector_metadata'", &more, err));
        if (!more) return AKIN_OK;
        if (sqlite3_column_type(q, 0) == SQLITE_NULL ||
            sqlite3_column_type(q, 1) == SQLITE_NULL)
            continue;
        tracks_row row = {.vector_id = sqlite3_column_int64(q, 0)};
        if (row.vector_id < 0)
            return AKIN_FAIL(err, AKIN_ECORRUPT,
                             "'vector_metadata' has the vector id %lld",
                             (long long)row.vector_id);
        if (sqlite3_column_type(q, 1) == SQLITE_INTEGER) {
            row.track.number = sqlite3_column_int64(q, 1);
        } else {
            const char *text = (const char *)sqlite3_column_text(q, 1);
            if (!text)
                return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a text");
            row.track = tracks_id_stored(text);
        }
        AKIN_TRY(visit(user, &row, err));
    }
}

static akin_status lite_collect(void *user, const tracks_row *row,
                                akin_error *err)
{
    return tracks_list_add(user, row, err);
}

static akin_status lite_get(tracks *t, const int64_t *vector_ids, size_t n,
                            tracks_list *out, akin_error *err)
{
    lite *l = (lite *)t;
    sqlite3_stmt *q;
    akin_status status = lite_prepare_in(l, GET_HEAD, n, &q, err);
    for (size_t i = 0; i < n && status == AKIN_OK; i++)
        status = lite_bind_int(l, q, i + 1, vector_ids[i], err);
    if (status == AKIN_OK) status = lite_rows(l, q, lite_collect, out, err);
    sqlite3_finalize(q);
    return status;
}

static akin_status lite_find(tracks *t, tracks_id id, tracks_list *out,
                             akin_error *err)
{
    lite *l = (lite *)t;
    sqlite3_stmt *q;
    akin_status status = lite_prepare(l, FIND, &q, err);
    if (status == AKIN_OK) status = lite_bind_id(l, q, 1, id, err);
    if (status == AKIN_OK) status = lite_rows(l, q, lite_collect, out, err);
    sqlite3_finalize(q);
    return status;
}

static akin_status lite_each(tracks *t, lite_visit visit, void *user,
                             akin_error *err)
{
    lite *l = (lite *)t;
    sqlite3_stmt *q;
    akin_status status = lite_prepare(l, EACH, &q, err);
    if (status == AKIN_OK) status = lite_rows(l, q, visit, user, err);
    sqlite3_finalize(q);
    return status;
}

/* ---- foreign tables ----------------------------------------------------- */

/* SQLite's own rule: a type with "INT" in it holds integers. Floating columns
 * are numbers too. */
static bool lite_is_numeric(const char *type)
{
    static const char *const patterns[] = {"*INT*",  "*REAL*", "*FLOA*",
                                           "*DOUB*", "*NUM*",  "*DEC*"};
    char upper[64] = {0};
    for (size_t i = 0; type && type[i] && i + 1 < sizeof upper; i++)
        upper[i] = (char)(type[i] >= 'a' && type[i] <= 'z' ? type[i] - 32
                                                           : type[i]);
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        if (text_matches(upper, patterns[i])) return true;
    return false;
}

static akin_status lite_kind_of(tracks *t, const char *table, tracks_kind *out,
                                akin_error *err)
{
    lite *l = (lite *)t;
    sqlite3_stmt *q;
    bool found = false;
    *out = TRACKS_NO_TABLE;
    akin_status status = lite_prepare(l, KIND, &q, err);
    if (status == AKIN_OK) status = lite_bind_text(l, q, 1, table, err);
    if (status == AKIN_OK)
        status = lite_step(l, q, "read the schema", &found, err);
    if (status == AKIN_OK && found)
        *out = lite_is_numeric((const char *)sqlite3_column_text(q, 0))
                   ? TRACKS_NUMBERS
                   : TRACKS_TEXTS;
    sqlite3_finalize(q);
    return status;
}

static akin_status lite_send(lite *l, sqlite3_stmt *q, const tracks_sink *sink,
                             akin_error *err)
{
    const char *values[TRACKS_MAX_COLUMNS];
    size_t n = (size_t)sqlite3_column_count(q);
    bool row;
    if (n > TRACKS_MAX_COLUMNS)
        return AKIN_FAIL(err, AKIN_ELIMIT, "a table has %zu columns", n);
    for (size_t i = 0; i < n; i++) {
        values[i] = sqlite3_column_name(q, (int)i);
        if (!values[i])
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a name");
    }
    AKIN_TRY(sink->columns(sink->user, values, n, err));
    for (;;) {
        AKIN_TRY(lite_step(l, q, "read a table", &row, err));
        if (!row) return AKIN_OK;
        for (size_t i = 0; i < n; i++)
            values[i] = (const char *)sqlite3_column_text(q, (int)i);
        AKIN_TRY(sink->row(sink->user, values, n, err));
    }
}

static akin_status lite_select(tracks *t, const char *table, tracks_kind kind,
                               const tracks_ids *ids, const tracks_sink *sink,
                               akin_error *err)
{
    lite *l = (lite *)t;
    sqlite3_stmt *q = NULL;
    akin_status status = AKIN_OK;
    (void)kind;
    char *head = text_format("SELECT * FROM %s WHERE track_id IN ", table);
    if (!head) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a name");
    AKIN_TRYG(lite_prepare_in(l, head, ids->n, &q, err));
    for (size_t i = 0; i < ids->n; i++)
        AKIN_TRYG(lite_bind_id(l, q, i + 1, ids->ids[i], err));
    AKIN_TRYG(lite_send(l, q, sink, err));
done:
    sqlite3_finalize(q);
    mem_free(head);
    return status;
}

/* ---- opening ------------------------------------------------------------ */

static void lite_close(tracks *t)
{
    lite *l = (lite *)t;
    sqlite3_close(l->db);
    mem_free(l);
}

static const tracks_verbs lite_verbs = {
    .close = lite_close,
    .begin = lite_begin,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .get_state = lite_get_state,
    .set_state = lite_set_state,
    .replace = lite_replace,
    .add = lite_add,
    .update = lite_update,
    .remove_vectors = lite_remove_vectors,
    .remove_tracks = lite_remove_tracks,
    .count = lite_count,
    .get = lite_get,
    .find = lite_find,
    .each = lite_each,
    .kind_of = lite_kind_of,
    .select = lite_select,
};

static akin_status lite_connect(lite *l, akin_error *err)
{
    const char *path = l->base.db->database;
    int flags = SQLITE_OPEN_READWRITE; /* read-only where it must be */
    if (l->base.mode == TRACKS_WRITE)
        flags |= SQLITE_OPEN_CREATE;
    else if (!file_exists(path))
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no database '%s'",
                         path);
    int code = sqlite3_open_v2(path, &l->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (!l->db)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory: cannot open '%s'",
                         path);
    if (code != SQLITE_OK) return lite_fail(l, "open the database", err);
    sqlite3_busy_timeout(l->db, LITE_BUSY_MS);
    AKIN_TRY(lite_exec(l, SET_UP, "open the database", err));
    if (l->base.mode == TRACKS_READ)
        return lite_exec(l, SET_UP_READER, "open the database", err);
    return lite_exec(l, MAKE_STATE, "open the database", err);
}

akin_status tracks_open_sqlite(const vector_database *db, tracks_mode mode,
                               tracks **out, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(1, sizeof(lite), "a database", &p, err));
    lite *l = p;
    l->base = (tracks){.verbs = &lite_verbs,
                       .db = db,
                       .mode = mode,
                       .server = "SQLite " SQLITE_VERSION};
    akin_status status = lite_connect(l, err);
    if (status != AKIN_OK) {
        lite_close(&l->base);
        l = NULL;
    }
    *out = l ? &l->base : NULL;
    return status;
}
