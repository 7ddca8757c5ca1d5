/* SPDX-License-Identifier: MIT
 * tracks.h on MariaDB and MySQL, through MariaDB Connector/C. Values are always
 * bound, never written into SQL. */
#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <string.h>

#include "base/memory.h"
#include "store/tracks_mariadb_int.h"

#define MARIA_MAX_VALUE_BYTES ((unsigned long)1 << 20)
#define MARIA_TRACK_BYTES (4 * TRACKS_MAX_ID_CHARS + 1)

static const char MAKE_STATE[] =
    "CREATE TABLE IF NOT EXISTS akin_vector_state ("
    "name VARCHAR(190) NOT NULL PRIMARY KEY, value LONGTEXT NOT NULL)"
    MARIA_TABLE_END;
static const char HAS_STATE[] =
    "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
    "DATABASE() AND TABLE_NAME = 'akin_vector_state'";
static const char HAS_ROWS[] =
    "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
    "DATABASE() AND TABLE_NAME = 'vector_metadata'";
static const char HAS_OLD_ROWS[] =
    "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = "
    "DATABASE() AND TABLE_NAME = 'vector_metadata_old'";
static const char PUT_BACK_ROWS[] =
    "RENAME TABLE vector_metadata_old TO vector_metadata";
static const char TOUCH[] =
    "SELECT COUNT(*) FROM vector_metadata, akin_vector_state WHERE FALSE";
static const char UPDATE[] =
    "UPDATE vector_metadata SET track_id = ? WHERE vector_id = ?";
static const char COUNT[] = "SELECT COUNT(*) FROM vector_metadata";
static const char FIND[] = "SELECT vector_id, track_id FROM vector_metadata"
                           " WHERE track_id = ? ORDER BY vector_id";
static const char EACH[] = "SELECT vector_id, track_id FROM vector_metadata"
                           " ORDER BY vector_id";
static const char GET_STATE[] =
    "SELECT value FROM akin_vector_state WHERE name = ?";
static const char SET_STATE[] =
    "REPLACE INTO akin_vector_state (name, value) VALUES (?, ?)";
#define GET_HEAD                                                               \
    "SELECT vector_id, track_id FROM vector_metadata WHERE vector_id IN "
#define REMOVE_VECTORS_HEAD "DELETE FROM vector_metadata WHERE vector_id IN "
#define REMOVE_TRACKS_HEAD "DELETE FROM vector_metadata WHERE track_id IN "

/* ---- transactions and state --------------------------------------------- */

/* A reader's first statement makes its snapshot: it must know both tables, or
 * one that is replaced between two reads would be missing from it. */
static akin_status maria_begin(tracks *t, akin_error *err)
{
    maria *m = (maria *)t;
    if (t->mode == TRACKS_WRITE)
        return maria_exec(m, "START TRANSACTION", "begin a transaction", err);
    AKIN_TRY(maria_exec(m, "START TRANSACTION READ ONLY", "begin a transaction",
                        err));
    if (maria_try_exec(m, TOUCH, &(int64_t){0}) == 0 ||
        m->code == ER_NO_SUCH_TABLE)
        return AKIN_OK;
    akin_status status = maria_fail(m, "begin a transaction", err);
    maria_try_exec(m, "ROLLBACK", NULL);
    return status;
}

static akin_status maria_commit(tracks *t, akin_error *err)
{
    maria *m = (maria *)t;
    if (maria_try_exec(m, "COMMIT", NULL) == 0) return AKIN_OK;
    if (!maria_is_lost(m->code) || t->mode == TRACKS_READ)
        return maria_fail(m, "commit", err);
    return AKIN_FAIL(err, AKIN_EDB,
                     "the connection to '%s' at '%s' was lost during a commit; "
                     "it is not known whether the change is kept",
                     t->db->database, t->db->host);
}

static void maria_rollback(tracks *t)
{
    maria_try_exec((maria *)t, "ROLLBACK", NULL);
}

/* An owned text from a column of a buffered result whose binds are set. */
static akin_status maria_one_text(maria *m, MYSQL_STMT *q, char **out,
                                  akin_error *err)
{
    unsigned long n_bytes = 0;
    MYSQL_BIND bind = {.buffer_type = MYSQL_TYPE_STRING, .length = &n_bytes};
    if (mysql_stmt_bind_result(q, &bind)) {
        maria_note_stmt(m, q);
        return maria_fail(m, "read a value", err);
    }
    int code = mysql_stmt_fetch(q);
    if (code == MYSQL_NO_DATA) return AKIN_OK;
    void *p;
    AKIN_TRY(mem_new_array((size_t)n_bytes + 1, 1, "a value", &p, err));
    bind.buffer = p;
    bind.buffer_length = n_bytes;
    if (code == 1 || (n_bytes > 0 && mysql_stmt_fetch_column(q, &bind, 0, 0))) {
        mem_free(p);
        maria_note_stmt(m, q);
        return maria_fail(m, "read a value", err);
    }
    *out = p;
    return AKIN_OK;
}

static akin_status maria_get_state(tracks *t, const char *name, char **value,
                                   akin_error *err)
{
    maria *m = (maria *)t;
    MYSQL_STMT *q;
    akin_error problem = {0};
    maria_put_text(m, name);
    akin_status status = maria_ask(m, GET_STATE, MARIA_BUFFERED,
                                   "read the state", &q, &problem);
    if (status != AKIN_OK) {
        if (m->code == ER_NO_SUCH_TABLE) return AKIN_OK;
        if (err) *err = problem;
        return status;
    }
    status = maria_one_text(m, q, value, err);
    mysql_stmt_close(q);
    return status;
}

static akin_status maria_set_state(tracks *t, const char *name,
                                   const char *value, akin_error *err)
{
    return maria_put_state((maria *)t, SET_STATE, name, value, err);
}

/* ---- other changes ------------------------------------------------------ */

static akin_status maria_update(tracks *t, const tracks_row *row,
                                size_t *n_changed, akin_error *err)
{
    maria *m = (maria *)t;
    maria_put_id(m, row->track, t->kind);
    maria_put_number(m, row->vector_id);
    return maria_run(m, UPDATE, "change a row", n_changed, err);
}

static akin_status maria_remove_in(maria *m, const char *head,
                                   size_t *n_removed, akin_error *err)
{
    MYSQL_STMT *q;
    AKIN_TRY(maria_ask_in(m, head, "remove rows", &q, err));
    *n_removed = (size_t)mysql_stmt_affected_rows(q);
    mysql_stmt_close(q);
    return AKIN_OK;
}

static akin_status maria_remove_vectors(tracks *t, const int64_t *vector_ids,
                                        size_t n, size_t *n_removed,
                                        akin_error *err)
{
    maria *m = (maria *)t;
    for (size_t i = 0; i < n; i++) maria_put_number(m, vector_ids[i]);
    return maria_remove_in(m, REMOVE_VECTORS_HEAD, n_removed, err);
}

static akin_status maria_remove_tracks(tracks *t, const tracks_id *ids,
                                       size_t n, size_t *n_removed,
                                       akin_error *err)
{
    maria *m = (maria *)t;
    for (size_t i = 0; i < n; i++) maria_put_id(m, ids[i], t->kind);
    return maria_remove_in(m, REMOVE_TRACKS_HEAD, n_removed, err);
}

/* ---- reads -------------------------------------------------------------- */

typedef akin_status (*maria_visit)(void *user, const tracks_row *row,
                                   akin_error *err);

static akin_status maria_count(tracks *t, size_t *out, akin_error *err)
{
    int64_t n;
    AKIN_TRY(maria_exec_number((maria *)t, COUNT, "count 'vector_metadata'", &n,
                               err));
    *out = (size_t)n;
    return AKIN_OK;
}

/* The rows of "SELECT vector_id, track_id"; those with a NULL, which only
 * foreign tables have, are left out. */
static akin_status maria_rows(maria *m, MYSQL_STMT *q, maria_visit visit,
                              void *user, akin_error *err)
{
    const char *verb = "read 'vector_metadata'";
    tracks_row row = {0};
    char text[MARIA_TRACK_BYTES];
    unsigned long n_bytes;
    my_bool no_vector, no_track;
    MYSQL_BIND binds[] = {
        {.buffer_type = MYSQL_TYPE_LONGLONG,
         .buffer = &row.vector_id,
         .is_null = &no_vector},
        {.buffer_type = MYSQL_TYPE_STRING,
         .buffer = text,
         .buffer_length = sizeof text - 1,
         .length = &n_bytes,
         .is_null = &no_track},
    };
    int code = mysql_stmt_bind_result(q, binds) ? 1 : mysql_stmt_fetch(q);
    for (; code != MYSQL_NO_DATA; code = mysql_stmt_fetch(q)) {
        if (code == 1) {
            maria_note_stmt(m, q);
            return maria_fail(m, verb, err);
        }
        if (no_vector || no_track) continue;
        if (row.vector_id < 0 || n_bytes >= sizeof text)
            return AKIN_FAIL(err, AKIN_ELIMIT,
                             "'vector_metadata' has the vector id %lld, of a "
                             "track id of %lu bytes",
                             (long long)row.vector_id, n_bytes);
        text[n_bytes] = 0;
        row.track = tracks_id_stored(text);
        AKIN_TRY(visit(user, &row, err));
    }
    return AKIN_OK;
}

static akin_status maria_collect(void *user, const tracks_row *row,
                                 akin_error *err)
{
    return tracks_list_add(user, row, err);
}

static akin_status maria_get(tracks *t, const int64_t *vector_ids, size_t n,
                             tracks_list *out, akin_error *err)
{
    maria *m = (maria *)t;
    MYSQL_STMT *q;
    for (size_t i = 0; i < n; i++) maria_put_number(m, vector_ids[i]);
    AKIN_TRY(maria_ask_in(m, GET_HEAD, "read 'vector_metadata'", &q, err));
    akin_status status = maria_rows(m, q, maria_collect, out, err);
    mysql_stmt_close(q);
    return status;
}

static akin_status maria_find(tracks *t, tracks_id id, tracks_list *out,
                              akin_error *err)
{
    maria *m = (maria *)t;
    MYSQL_STMT *q;
    maria_put_id(m, id, t->kind);
    AKIN_TRY(maria_ask(m, FIND, MARIA_BUFFERED, "read 'vector_metadata'", &q,
                       err));
    akin_status status = maria_rows(m, q, maria_collect, out, err);
    mysql_stmt_close(q);
    return status;
}

static akin_status maria_each(tracks *t, maria_visit visit, void *user,
                              akin_error *err)
{
    maria *m = (maria *)t;
    MYSQL_STMT *q;
    AKIN_TRY(maria_ask(m, EACH, MARIA_STREAMED, "read 'vector_metadata'", &q,
                       err));
    akin_status status = maria_rows(m, q, visit, user, err);
    mysql_stmt_close(q);
    return status;
}

/* ---- foreign tables ----------------------------------------------------- */

/* The result that says how a column is declared, or an error. */
static unsigned maria_try_kind(maria *m, const char *sql, tracks_kind *out)
{
    if (!m->db) return maria_note(m, CR_SERVER_GONE_ERROR, "not connected");
    if (mysql_query(m->db, sql) != 0) return maria_note_db(m);
    MYSQL_RES *result = mysql_store_result(m->db);
    MYSQL_FIELD *field = result ? mysql_fetch_field(result) : NULL;
    if (!field) return maria_note_db(m);
    *out = IS_NUM(field->type) ? TRACKS_NUMBERS : TRACKS_TEXTS;
    mysql_free_result(result);
    return 0;
}

static akin_status maria_kind_of(tracks *t, const char *table,
                                 tracks_kind *out, akin_error *err)
{
    maria *m = (maria *)t;
    *out = TRACKS_NO_TABLE;
    char *sql = text_format("SELECT track_id FROM %s LIMIT 0", table);
    if (!sql) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a name");
    unsigned code = maria_try_kind(m, sql, out);
    if (code != 0 && maria_recover(m)) code = maria_try_kind(m, sql, out);
    mem_free(sql);
    if (code == 0 || code == ER_NO_SUCH_TABLE || code == ER_BAD_FIELD_ERROR)
        return AKIN_OK;
    return maria_fail(m, "read the schema", err);
}

/* Room for one row of a buffered result, as text. */
typedef struct maria_row {
    size_t n;
    MYSQL_BIND *binds;
    unsigned long *n_bytes;
    my_bool *is_null;
    const char **values;
} maria_row;

static void row_clear(maria_row *r)
{
    for (size_t i = 0; r->binds && i < r->n; i++) mem_free(r->binds[i].buffer);
    mem_free(r->binds);
    mem_free(r->n_bytes);
    mem_free(r->is_null);
    mem_free(r->values);
    *r = (maria_row){0};
}

static akin_status row_make(maria_row *r, MYSQL_RES *about, akin_error *err)
{
    const MYSQL_FIELD *fields = mysql_fetch_fields(about);
    r->n = mysql_num_fields(about);
    r->binds = mem_array(r->n, sizeof *r->binds);
    r->n_bytes = mem_array(r->n, sizeof *r->n_bytes);
    r->is_null = mem_array(r->n, sizeof *r->is_null);
    r->values = mem_array(r->n, sizeof *r->values);
    bool good = r->binds && r->n_bytes && r->is_null && r->values;
    for (size_t i = 0; good && i < r->n; i++) {
        unsigned long n_bytes = fields[i].max_length;
        if (n_bytes < 64) n_bytes = 64; /* numbers and dates as text */
        if (n_bytes > MARIA_MAX_VALUE_BYTES) n_bytes = MARIA_MAX_VALUE_BYTES;
        r->binds[i].buffer_type = MYSQL_TYPE_STRING;
        r->binds[i].buffer = mem_array(n_bytes + 1, 1);
        r->binds[i].buffer_length = n_bytes;
        r->binds[i].length = &r->n_bytes[i];
        r->binds[i].is_null = &r->is_null[i];
        good = r->binds[i].buffer != NULL;
        r->values[i] = fields[i].name;
    }
    if (good) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a row of a table");
}

/* What is longer than a value may be is cut. */
static void row_end_values(maria_row *r)
{
    for (size_t i = 0; i < r->n; i++) {
        char *text = r->binds[i].buffer;
        unsigned long n = r->n_bytes[i], most = r->binds[i].buffer_length;
        text[n < most ? n : most] = 0;
        r->values[i] = r->is_null[i] ? NULL : text;
    }
}

static akin_status maria_send(maria *m, MYSQL_STMT *q, const tracks_sink *sink,
                              akin_error *err)
{
    maria_row r = {0};
    akin_status status = AKIN_OK;
    MYSQL_RES *about = mysql_stmt_result_metadata(q);
    if (!about) {
        maria_note_stmt(m, q);
        return maria_fail(m, "read a table", err);
    }
    AKIN_TRYG(row_make(&r, about, err));
    AKIN_TRYG(sink->columns(sink->user, r.values, r.n, err));
    int code = mysql_stmt_bind_result(q, r.binds) ? 1 : mysql_stmt_fetch(q);
    for (; code != MYSQL_NO_DATA; code = mysql_stmt_fetch(q)) {
        if (code == 1) {
            maria_note_stmt(m, q);
            status = maria_fail(m, "read a table", err);
            goto done;
        }
        row_end_values(&r);
        AKIN_TRYG(sink->row(sink->user, r.values, r.n, err));
    }
done:
    mysql_free_result(about);
    row_clear(&r);
    return status;
}

static akin_status maria_select(tracks *t, const char *table, tracks_kind kind,
                                const tracks_ids *ids, const tracks_sink *sink,
                                akin_error *err)
{
    maria *m = (maria *)t;
    MYSQL_STMT *q;
    char *head = text_format("SELECT * FROM %s WHERE track_id IN ", table);
    if (!head) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a name");
    for (size_t i = 0; i < ids->n; i++) maria_put_id(m, ids->ids[i], kind);
    akin_status status = maria_ask_in(m, head, "read a table", &q, err);
    mem_free(head);
    if (status != AKIN_OK) return status;
    status = maria_send(m, q, sink, err);
    mysql_stmt_close(q);
    return status;
}

/* ---- opening ------------------------------------------------------------ */

static void maria_close(tracks *t)
{
    maria *m = (maria *)t;
    mysql_close(m->db);
    mem_free(m);
}

static const tracks_verbs maria_verbs = {
    .close = maria_close,
    .begin = maria_begin,
    .commit = maria_commit,
    .rollback = maria_rollback,
    .get_state = maria_get_state,
    .set_state = maria_set_state,
    .replace = maria_replace,
    .add = maria_add,
    .update = maria_update,
    .remove_vectors = maria_remove_vectors,
    .remove_tracks = maria_remove_tracks,
    .count = maria_count,
    .get = maria_get,
    .find = maria_find,
    .each = maria_each,
    .kind_of = maria_kind_of,
    .select = maria_select,
};

static akin_status maria_set_up(maria *m, akin_error *err)
{
    const char *verb = "open the tables";
    int64_t rows, old_rows, state;
    AKIN_TRY(maria_connect(m, err));
    if (m->base.mode == TRACKS_READ) return AKIN_OK;
    AKIN_TRY(maria_exec_number(m, HAS_ROWS, verb, &rows, err));
    AKIN_TRY(maria_exec_number(m, HAS_OLD_ROWS, verb, &old_rows, err));
    if (!rows && old_rows) AKIN_TRY(maria_exec(m, PUT_BACK_ROWS, verb, err));
    /* Asked first: it needs a right that a user of ready tables may lack. */
    AKIN_TRY(maria_exec_number(m, HAS_STATE, verb, &state, err));
    return state ? AKIN_OK : maria_exec(m, MAKE_STATE, verb, err);
}

akin_status tracks_open_mariadb(const vector_database *db, tracks_mode mode,
                                tracks **out, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(1, sizeof(maria), "a connection", &p, err));
    maria *m = p;
    m->base = (tracks){.verbs = &maria_verbs, .db = db, .mode = mode};
    m->bulk = true;
    akin_status status = maria_set_up(m, err);
    if (status != AKIN_OK) {
        maria_close(&m->base);
        m = NULL;
    }
    *out = m ? &m->base : NULL;
    return status;
}

void tracks_mariadb_without_bulk(tracks *t) { ((maria *)t)->bulk = false; }
