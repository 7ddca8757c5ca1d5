/* SPDX-License-Identifier: MIT
 * Opening and closing, transactions, and telling the schemas apart.
 *
 * A reader must leave nothing behind, and SQLite makes -wal and -shm files for
 * every reader of a database in WAL mode. So a reader opens the file writable
 * with query_only set, by which the last to close removes those files again,
 * unless the WAL has content: that is some writer's and stays. Where the folder
 * cannot be written, the file is opened as immutable. */
#define _GNU_SOURCE
#include <assert.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "store/store_int.h"

#define STORE_LOOK_S 0.001
#define STORE_MAX_BUSY_S 86400.0
#define STORE_CLOSE_BUSY_MS 200
#define STORE_CACHE_PRAGMA "PRAGMA cache_size = -65536" /* KiB */

static const char HAS_WINDOWS[] = "SELECT 1 FROM main.windows LIMIT 1";
static const char HAS_VALUE_COLUMN[] =
    "SELECT 1 FROM pragma_table_info('hoplite_metadata', 'main') "
    "WHERE name = 'value'";
static const char HAS_ANY_TABLE[] = "SELECT 1 FROM main.sqlite_master LIMIT 1";

/* ---- connecting --------------------------------------------------------- */

static bool store_folder_writable(const store *s)
{
    return faccessat(AT_FDCWD, s->folder, W_OK, AT_EACCESS) == 0;
}

static bool store_has_wal(const store *s)
{
    file_stamp stamp;
    return file_stat(s->wal_path, &stamp, NULL) == AKIN_OK &&
           stamp.size_bytes > 0;
}

/* "file:PATH?immutable=1" with what a URI keeps for itself escaped. */
static char *store_immutable_uri(const char *path)
{
    text_buf uri;
    char *full = file_absolute(path);
    if (!full) return NULL;
    text_buf_init(&uri, 1 << 20);
    text_buf_puts(&uri, "file:");
    for (const char *p = full; *p; p++) {
        if (strchr("?#%", *p))
            text_buf_printf(&uri, "%%%02x", (unsigned)(unsigned char)*p);
        else
            text_buf_put(&uri, p, 1);
    }
    text_buf_puts(&uri, "?immutable=1");
    mem_free(full);
    if (uri.status == AKIN_OK) return uri.data;
    text_buf_clear(&uri);
    return NULL;
}

static akin_status store_connect(store *s, const char *name, int flags,
                                 akin_error *err)
{
    int code = sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (!s->db)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory: cannot open '%s'",
                         s->path);
    if (code != SQLITE_OK) return store_fail(s, "open the database", err);
    sqlite3_extended_result_codes(s->db, 1);
    return AKIN_OK;
}

/* A reader where no file can be made: a WAL with content needs its index,
 * which only a live writer keeps. */
static akin_status store_connect_fixed(store *s, akin_error *err)
{
    if (store_has_wal(s)) {
        akin_status status = store_connect(s, s->path, SQLITE_OPEN_READONLY,
                                           err);
        if (status != AKIN_OK) return status;
        if (sqlite3_exec(s->db, HAS_ANY_TABLE, NULL, NULL, NULL) == SQLITE_OK)
            return AKIN_OK;
        return AKIN_FAIL(err, AKIN_EDB,
                         "'%s' holds changes that another program left "
                         "behind, and its folder cannot be written; copy the "
                         "folder to a writable place and open it there",
                         s->wal_path);
    }
    char *uri = store_immutable_uri(s->path);
    if (!uri) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_status status = store_connect(
        s, uri, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, err);
    mem_free(uri);
    return status;
}

static akin_status store_connect_as(store *s, akin_error *err)
{
    bool exists = file_exists(s->path);
    if (!exists && s->mode != STORE_CREATE)
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no database '%s'",
                         s->path);
    if (exists && file_is_dir(s->path))
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "'%s' is a folder, not an SQLite database", s->path);
    if (s->mode == STORE_READ && !store_folder_writable(s))
        return store_connect_fixed(s, err);
    int flags = SQLITE_OPEN_READWRITE;
    if (s->mode == STORE_CREATE) flags |= SQLITE_OPEN_CREATE;
    AKIN_TRY(store_connect(s, s->path, flags, err));
    if (s->mode != STORE_READ && sqlite3_db_readonly(s->db, "main") == 1)
        return AKIN_FAIL(err, AKIN_EIO, "'%s' cannot be written", s->path);
    return AKIN_OK;
}

/* ---- which schema ------------------------------------------------------- */

static akin_status store_number(store *s, const char *sql, int64_t *out,
                                akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row;
    akin_status status = store_prepare(s, sql, STORE_NO_VALUES, &q, err);
    if (status == AKIN_OK)
        status = store_step(s, q, "read the database", &row, err);
    *out = status == AKIN_OK ? sqlite3_column_int64(q, 0) : 0;
    sqlite3_finalize(q);
    return status;
}

/* SQLite itself does not miss the end of a last page that is cut off. */
akin_status store_check_size(store *s, akin_error *err)
{
    int64_t page_bytes, n_pages;
    file_stamp stamp;
    AKIN_TRY(store_number(s, "PRAGMA main.page_size", &page_bytes, err));
    AKIN_TRY(store_number(s, "PRAGMA main.page_count", &n_pages, err));
    if (store_has_wal(s) || file_stat(s->path, &stamp, NULL) != AKIN_OK ||
        stamp.size_bytes >= page_bytes * n_pages)
        return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECORRUPT,
                     "'%s' is cut off: it has %lld bytes of %lld", s->path,
                     (long long)stamp.size_bytes,
                     (long long)(page_bytes * n_pages));
}

akin_status store_has_row(store *s, const char *sql, bool *found,
                          akin_error *err)
{
    sqlite3_stmt *q = NULL;
    *found = false;
    akin_status status = store_prepare(s, sql, STORE_NO_VALUES, &q, err);
    if (status == AKIN_OK)
        status = store_step(s, q, "read the database", found, err);
    sqlite3_finalize(q);
    return status;
}

/* Hoplite 1.x adds its empty tables to an old database before it fails, so a
 * mixed file is 1.x only if it has windows or the new metadata column.
 * *empty: there is no table at all. */
static akin_status store_detect(store *s, bool *empty, akin_error *err)
{
    bool any, windows, metadata, old, rows = false, value = false;
    AKIN_TRY(store_has_row(s, HAS_ANY_TABLE, &any, err));
    AKIN_TRY(store_has_table(s, "windows", &windows, err));
    AKIN_TRY(store_has_table(s, "hoplite_metadata", &metadata, err));
    AKIN_TRY(store_has_table(s, "hoplite_embeddings", &old, err));
    if (windows) AKIN_TRY(store_has_row(s, HAS_WINDOWS, &rows, err));
    if (metadata) AKIN_TRY(store_has_row(s, HAS_VALUE_COLUMN, &value, err));
    *empty = !any;
    s->schema = STORE_HOPLITE_1;
    if (!any || (windows && (rows || value))) return AKIN_OK;
    if (!old)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' is an SQLite database, but not one of hoplite's",
                         s->path);
    s->schema = STORE_HOPLITE_OLD;
    if (s->mode != STORE_READ)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' has the format of hoplite before 1.0, which is "
                         "only read; make a new database to add to",
                         s->path);
    return AKIN_OK;
}

/* ---- setting up --------------------------------------------------------- */

static akin_status store_set_up_reader(store *s, bool empty, akin_error *err)
{
    if (empty)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' is an empty database without hoplite's tables",
                         s->path);
    if (s->schema == STORE_HOPLITE_OLD)
        AKIN_TRY(hoplite_old_attach(s, err));
    return store_exec(s, "PRAGMA query_only = ON", "open the database", err);
}

akin_status store_make_writable(store *s, akin_error *err)
{
    return store_exec(s,
                      "PRAGMA journal_mode = WAL;"
                      "PRAGMA synchronous = FULL;"
                      "PRAGMA wal_autocheckpoint = 8192;" /* pages: 32 MiB */
                      "PRAGMA foreign_keys = ON;",
                      "open the database", err);
}

static akin_status store_set_up_writer(store *s, bool empty, akin_error *err)
{
    if (empty && s->mode != STORE_CREATE)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' is an empty database without hoplite's tables",
                         s->path);
    AKIN_TRY(store_make_writable(s, err));
    AKIN_TRY(store_begin(s, err));
    /* Another program may have made the tables since. */
    akin_status status = store_detect(s, &empty, err);
    if (status == AKIN_OK && empty) status = hoplite_create(s, err);
    if (status == AKIN_OK) status = hoplite_complete(s, err);
    if (status == AKIN_OK) return store_commit(s, err);
    store_rollback(s);
    return status;
}

/* Looks every millisecond. SQLite's own handler looks ten times a second, and an
 * extraction, which leaves the lock for a moment each second, would never be
 * caught without it. */
static int store_wait(void *user, int n_before)
{
    store *s = user;
    double now = clock_now_s();
    if (n_before == 0) s->waits_until_s = now + s->busy_s;
    if (now >= s->waits_until_s) return 0;
    clock_sleep_s(STORE_LOOK_S);
    return 1;
}

static akin_status store_ready(store *s, double busy_s, akin_error *err)
{
    double wait_s = isfinite(busy_s) && busy_s > 0 ? busy_s : 0;
    if (wait_s > STORE_MAX_BUSY_S) wait_s = STORE_MAX_BUSY_S;
    AKIN_TRY(store_connect_as(s, err));
    s->busy_s = wait_s;
    sqlite3_busy_handler(s->db, store_wait, s);
    /* What a foreign file's schema calls shall not reach beyond it. */
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    return store_exec(s, STORE_CACHE_PRAGMA, "open the database", err);
}

akin_status store_open_any(const char *path, store_mode mode, double busy_s,
                           store **out, akin_error *err)
{
    *out = NULL;
    store *s = mem_array(1, sizeof *s);
    if (!s) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    s->mode = mode;
    s->path = mem_strdup(path);
    s->wal_path = text_format("%s-wal", path);
    s->folder = file_parent(path);
    akin_status status =
        s->path && s->wal_path && s->folder
            ? store_ready(s, busy_s, err)
            : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    if (status == AKIN_OK)
        *out = s;
    else
        store_close(s);
    return status;
}

static akin_status store_set_up(store *s, akin_error *err)
{
    bool empty;
    AKIN_TRY(store_add_functions(s, err));
    AKIN_TRY(store_detect(s, &empty, err));
    AKIN_TRY(store_check_size(s, err));
    return s->mode == STORE_READ ? store_set_up_reader(s, empty, err)
                                 : store_set_up_writer(s, empty, err);
}

akin_status store_open(const char *path, store_mode mode, double busy_s,
                       store **out, akin_error *err)
{
    AKIN_TRY(store_open_any(path, mode, busy_s, out, err));
    akin_status status = store_set_up(*out, err);
    if (status == AKIN_OK) return AKIN_OK;
    store_close(*out);
    *out = NULL;
    return status;
}

void store_close(store *s)
{
    if (!s) return;
    if (s->db) {
        store_rollback(s);
        for (size_t i = 0; i < s->n_cached; i++)
            sqlite3_finalize(s->cache[i].statement);
        sqlite3_busy_timeout(s->db, STORE_CLOSE_BUSY_MS);
        if (s->mode != STORE_READ)
            sqlite3_wal_checkpoint_v2(s->db, "main", SQLITE_CHECKPOINT_TRUNCATE,
                                      NULL, NULL);
        else if (store_has_wal(s))
            sqlite3_db_config(s->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        sqlite3_close_v2(s->db);
    }
    mem_free(s->path);
    mem_free(s->wal_path);
    mem_free(s->folder);
    mem_free(s);
}

store_schema store_get_schema(const store *s) { return s->schema; }

/* ---- transactions ------------------------------------------------------- */

akin_status store_begin_read(store *s, akin_error *err)
{
    bool found;
    assert(s->transaction == STORE_IDLE);
    AKIN_TRY(store_exec(s, "BEGIN", "begin to read", err));
    s->transaction = STORE_READING;
    /* The state is fixed by the first read, not by BEGIN. */
    akin_status status = store_has_table(s, "windows", &found, err);
    if (status != AKIN_OK) store_end_read(s);
    return status;
}

void store_end_read(store *s)
{
    if (s->transaction == STORE_READING) store_rollback(s);
}

akin_status store_begin(store *s, akin_error *err)
{
    assert(s->transaction == STORE_IDLE);
    AKIN_TRY(store_may_write(s, err));
    AKIN_TRY(store_exec(s, "BEGIN IMMEDIATE", "begin to write", err));
    s->transaction = STORE_WRITING;
    return AKIN_OK;
}

akin_status store_commit(store *s, akin_error *err)
{
    assert(s->transaction == STORE_WRITING);
    akin_status status = store_may_write(s, err);
    if (status == AKIN_OK) status = store_exec(s, "COMMIT", "commit", err);
    if (status == AKIN_OK)
        s->transaction = STORE_IDLE;
    else
        store_rollback(s);
    return status;
}

void store_rollback(store *s)
{
    if (!sqlite3_get_autocommit(s->db))
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->transaction = STORE_IDLE;
    s->spoilt = false;
}
