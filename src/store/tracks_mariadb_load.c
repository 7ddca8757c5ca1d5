/* SPDX-License-Identifier: MIT
 * Rows into MariaDB and MySQL: adding, and replacing the whole table.
 *
 * Rows go in by column-wise arrays, many rows a round trip, which is MariaDB's
 * own protocol; MySQL servers get INSERTs of many rows instead. By arrays, a
 * million rows take a server 2.3 s of processor time; with the key on track_id
 * made before the rows and not after, 5.1 s.
 *
 * Renaming tables commits, so the state that must change with a replaced table
 * is replaced with it: both are renamed by one statement, which is atomic, also
 * in a crash from MariaDB 10.6 and MySQL 8.0 on. For older servers, opening for
 * writing puts back a table that is there only as the _old one. */
#include <errmsg.h>
#include <mysql.h>
#include <string.h>

#include "base/memory.h"
#include "store/tracks_mariadb_int.h"

enum {
    MARIA_BULK_ROWS = 4096,
    MARIA_INSERT_ROWS = 1000, /* a statement's values are numbered by 16 bits */
    MARIA_COLUMNS = 4,
    MARIA_PROGRESS_BATCHES = 16,
};

static const char HAS_ROWS[] =
    "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
    "DATABASE() AND TABLE_NAME = 'vector_metadata'";
static const char LOCK[] =
    "SELECT GET_LOCK(CONCAT('akin-', MD5(DATABASE())), 10)";
static const char UNLOCK[] =
    "SELECT RELEASE_LOCK(CONCAT('akin-', MD5(DATABASE())))";
static const char DROP_STALE[] =
    "DROP TABLE IF EXISTS vector_metadata_new, akin_vector_state_new,"
    " vector_metadata_old, akin_vector_state_old";
static const char MAKE_NUMBERS[] =
    "CREATE TABLE vector_metadata_new (vector_id BIGINT UNSIGNED NOT NULL"
    " UNIQUE, track_id BIGINT NOT NULL, vector_dimensions BIGINT,"
    " faiss_index VARCHAR(255))" MARIA_TABLE_END;
static const char MAKE_TEXTS[] =
    "CREATE TABLE vector_metadata_new (vector_id BIGINT UNSIGNED NOT NULL"
    " UNIQUE, track_id VARCHAR(190) NOT NULL, vector_dimensions BIGINT,"
    " faiss_index VARCHAR(255))" MARIA_TABLE_END;
static const char ADD_KEY[] =
    "ALTER TABLE vector_metadata_new ADD KEY track_id (track_id)";
static const char MAKE_NEW_STATE[] =
    "CREATE TABLE akin_vector_state_new LIKE akin_vector_state";
static const char COPY_STATE[] =
    "INSERT INTO akin_vector_state_new SELECT * FROM akin_vector_state";
static const char SET_NEW_STATE[] =
    "REPLACE INTO akin_vector_state_new (name, value) VALUES (?, ?)";
static const char SWAP[] =
    "RENAME TABLE vector_metadata TO vector_metadata_old,"
    " vector_metadata_new TO vector_metadata,"
    " akin_vector_state TO akin_vector_state_old,"
    " akin_vector_state_new TO akin_vector_state";
static const char SWAP_FIRST[] =
    "RENAME TABLE vector_metadata_new TO vector_metadata,"
    " akin_vector_state TO akin_vector_state_old,"
    " akin_vector_state_new TO akin_vector_state";
#define INSERT_HEAD                                                            \
    " (vector_id, track_id, vector_dimensions, faiss_index) VALUES "

/* ---- rows in ------------------------------------------------------------ */

/* A batch of rows as columns, and the statement that takes them. */
typedef struct maria_batch {
    int64_t vector_ids[MARIA_BULK_ROWS], numbers[MARIA_BULK_ROWS];
    int64_t dims[MARIA_BULK_ROWS];
    const char *texts[MARIA_BULK_ROWS], *types[MARIA_BULK_ROWS];
    unsigned long text_bytes[MARIA_BULK_ROWS], type_bytes[MARIA_BULK_ROWS];
    char digits[MARIA_BULK_ROWS][24];
    size_t n;
    tracks_kind kind;
    MYSQL_STMT *q;
    size_t q_rows; /* how many rows q takes at once; 0: an array of any */
    MYSQL_BIND binds[MARIA_INSERT_ROWS * MARIA_COLUMNS];
} maria_batch;

static void batch_fill(maria_batch *b, const tracks_table *table, size_t at,
                       size_t n)
{
    unsigned long type_bytes = strlen(table->index_type);
    b->n = n;
    for (size_t i = 0; i < n; i++) {
        const tracks_row *row = &table->rows[at + i];
        b->vector_ids[i] = row->vector_id;
        b->dims[i] = table->dim;
        b->types[i] = table->index_type;
        b->type_bytes[i] = type_bytes;
        b->numbers[i] = row->track.number;
        if (b->kind == TRACKS_NUMBERS) continue;
        b->texts[i] = tracks_id_text(row->track, b->digits[i]);
        b->text_bytes[i] = strlen(b->texts[i]);
    }
}

static akin_status batch_prepare(maria *m, maria_batch *b, const char *into,
                                 size_t n_rows, akin_error *err)
{
    text_buf sql;
    if (b->q && b->q_rows == n_rows) return AKIN_OK;
    mysql_stmt_close(b->q);
    b->q = mysql_stmt_init(m->db);
    b->q_rows = n_rows;
    if (!b->q) return AKIN_FAIL(err, AKIN_ENOMEM, "no memory for a statement");
    text_buf_init(&sql, TRACKS_MAX_SQL_BYTES);
    text_buf_printf(&sql, "INSERT INTO %s" INSERT_HEAD, into);
    for (size_t i = 0; i < (n_rows ? n_rows : 1); i++)
        text_buf_puts(&sql, i ? ", (?, ?, ?, ?)" : "(?, ?, ?, ?)");
    akin_status status = sql.status;
    if (status != AKIN_OK) {
        AKIN_FAIL(err, status, "no room for a statement");
    } else if (mysql_stmt_prepare(b->q, sql.data, sql.n) != 0) {
        maria_note_stmt(m, b->q);
        status = maria_fail(m, "add rows", err);
    }
    text_buf_clear(&sql);
    return status;
}

/* One bind a column, each an array. */
static unsigned batch_send_columns(maria *m, maria_batch *b)
{
    unsigned n = (unsigned)b->n;
    MYSQL_BIND *bind = b->binds;
    memset(bind, 0, MARIA_COLUMNS * sizeof *bind);
    bind[0].buffer_type = MYSQL_TYPE_LONGLONG;
    bind[0].buffer = b->vector_ids;
    bind[1].buffer_type = MYSQL_TYPE_LONGLONG;
    bind[1].buffer = b->numbers;
    if (b->kind == TRACKS_TEXTS) {
        bind[1].buffer_type = MYSQL_TYPE_STRING;
        bind[1].buffer = (void *)(uintptr_t)b->texts;
        bind[1].length = b->text_bytes;
    }
    bind[2].buffer_type = MYSQL_TYPE_LONGLONG;
    bind[2].buffer = b->dims;
    bind[3].buffer_type = MYSQL_TYPE_STRING;
    bind[3].buffer = (void *)(uintptr_t)b->types;
    bind[3].length = b->type_bytes;
    if (mysql_stmt_attr_set(b->q, STMT_ATTR_ARRAY_SIZE, &n) ||
        mysql_stmt_bind_param(b->q, bind) || mysql_stmt_execute(b->q))
        return maria_note_stmt(m, b->q);
    return 0;
}

/* One bind a value. */
static unsigned batch_send_values(maria *m, maria_batch *b)
{
    MYSQL_BIND *bind = b->binds;
    memset(bind, 0, b->n * MARIA_COLUMNS * sizeof *bind);
    for (size_t i = 0; i < b->n; i++, bind += MARIA_COLUMNS) {
        bind[0].buffer_type = MYSQL_TYPE_LONGLONG;
        bind[0].buffer = &b->vector_ids[i];
        bind[1].buffer_type = MYSQL_TYPE_LONGLONG;
        bind[1].buffer = &b->numbers[i];
        if (b->kind == TRACKS_TEXTS) {
            bind[1].buffer_type = MYSQL_TYPE_STRING;
            bind[1].buffer = (void *)(uintptr_t)b->texts[i];
            bind[1].buffer_length = b->text_bytes[i];
        }
        bind[2].buffer_type = MYSQL_TYPE_LONGLONG;
        bind[2].buffer = &b->dims[i];
        bind[3].buffer_type = MYSQL_TYPE_STRING;
        bind[3].buffer = (void *)(uintptr_t)b->types[i];
        bind[3].buffer_length = b->type_bytes[i];
    }
    if (mysql_stmt_bind_param(b->q, b->binds) || mysql_stmt_execute(b->q))
        return maria_note_stmt(m, b->q);
    return 0;
}

/* Sends the next rows behind `at`, *n of them. A server that says it knows no
 * arrays gets values from then on. */
static akin_status batch_send(maria *m, maria_batch *b,
                              const tracks_table *table, size_t at,
                              const char *into, akin_error *err)
{
    size_t most = m->bulk ? MARIA_BULK_ROWS : MARIA_INSERT_ROWS;
    size_t left = table->n - at;
    batch_fill(b, table, at, left < most ? left : most);
    AKIN_TRY(batch_prepare(m, b, into, m->bulk ? 0 : b->n, err));
    unsigned code = m->bulk ? batch_send_columns(m, b)
                            : batch_send_values(m, b);
    if (code == 0) return AKIN_OK;
    if (!m->bulk || (code != CR_FUNCTION_NOT_SUPPORTED &&
                     code != CR_NOT_IMPLEMENTED))
        return maria_fail(m, "add rows", err);
    m->bulk = false;
    b->n = 0;
    return AKIN_OK;
}

static akin_status maria_insert(maria *m, const char *into,
                                const tracks_table *table,
                                const tracks_replace_options *options,
                                akin_error *err)
{
    void *p;
    akin_status status = AKIN_OK;
    AKIN_TRY(mem_new_array(1, sizeof(maria_batch), "a batch of rows", &p, err));
    maria_batch *b = p;
    b->kind = m->base.kind;
    for (size_t at = 0, k = 0; at < table->n; at += b->n, k++) {
        if (k % MARIA_PROGRESS_BATCHES == 0 && options->progress &&
            !options->progress(options->user, at)) {
            status = AKIN_FAIL(err, AKIN_ECANCELLED,
                               "cancelled; 'vector_metadata' is as it was");
            goto done;
        }
        AKIN_TRYG(batch_send(m, b, table, at, into, err));
    }
done:
    mysql_stmt_close(b->q);
    mem_free(b);
    return status;
}

akin_status maria_add(tracks *t, const tracks_table *added, akin_error *err)
{
    static const tracks_replace_options none = {0};
    return maria_insert((maria *)t, "vector_metadata", added, &none, err);
}

/* ---- replacing ---------------------------------------------------------- */

/* The key on track_id comes after the rows: sorted once, not row by row. */
static akin_status replace_fill(maria *m, const tracks_table *table,
                                const tracks_replace_options *options,
                                akin_error *err)
{
    const char *verb = "make 'vector_metadata'";
    AKIN_TRY(maria_exec(m, DROP_STALE, verb, err));
    AKIN_TRY(maria_exec(
        m, m->base.kind == TRACKS_NUMBERS ? MAKE_NUMBERS : MAKE_TEXTS, verb,
        err));
    AKIN_TRY(maria_exec(m, "START TRANSACTION", verb, err));
    akin_status status =
        maria_insert(m, "vector_metadata_new", table, options, err);
    if (status == AKIN_OK) status = maria_exec(m, "COMMIT", verb, err);
    if (status != AKIN_OK) {
        maria_try_exec(m, "ROLLBACK", NULL);
        return status;
    }
    AKIN_TRY(maria_exec(m, ADD_KEY, verb, err));
    AKIN_TRY(maria_exec(m, MAKE_NEW_STATE, verb, err));
    AKIN_TRY(maria_exec(m, COPY_STATE, verb, err));
    for (size_t i = 0; i < options->n_states; i++)
        AKIN_TRY(maria_put_state(m, SET_NEW_STATE, options->states[i].name,
                                 options->states[i].value, err));
    return AKIN_OK;
}

static akin_status replace_swap(maria *m, akin_error *err)
{
    int64_t found;
    AKIN_TRY(maria_exec_number(m, HAS_ROWS, "read the schema", &found, err));
    if (maria_try_exec(m, found ? SWAP : SWAP_FIRST, NULL) == 0)
        return AKIN_OK;
    if (!maria_is_lost(m->code))
        return maria_fail(m, "replace 'vector_metadata'", err);
    return AKIN_FAIL(err, AKIN_EDB,
                     "the connection to '%s' at '%s' was lost while "
                     "'vector_metadata' was replaced; it is not known whether "
                     "it was",
                     m->base.db->database, m->base.db->host);
}

akin_status maria_replace(tracks *t, const tracks_table *table,
                          const tracks_replace_options *options,
                          akin_error *err)
{
    maria *m = (maria *)t;
    int64_t locked = 0;
    AKIN_TRY(maria_exec_number(m, LOCK, "lock 'vector_metadata'", &locked,
                               err));
    if (locked != 1)
        return AKIN_FAIL(err, AKIN_EBUSY,
                         "another akin replaces 'vector_metadata' in '%s' at "
                         "'%s'; wait for it to end and try again",
                         t->db->database, t->db->host);
    m->no_retry = true;
    akin_status status = replace_fill(m, table, options, err);
    if (status == AKIN_OK) status = replace_swap(m, err);
    /* What is left behind here, the next replacing removes. */
    maria_try_exec(m, DROP_STALE, NULL);
    maria_try_exec(m, UNLOCK, &locked);
    m->no_retry = false;
    return status;
}
