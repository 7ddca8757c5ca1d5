/* SPDX-License-Identifier: MIT
 * The connection to MariaDB or MySQL: options, errors, reconnecting, values.
 *
 * A statement is prepared each time: a query is two round trips then, and what
 * must be prepared again after a reconnect is nothing. The client's own
 * reconnecting is left off: it loses transactions and locks in silence. */
#include <errmsg.h>
#include <mysql.h>
#include <mysqld_error.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "store/tracks_mariadb_int.h"

#define MARIA_CONNECT_S 10
#define MARIA_CLIENT_GONE 4031 /* ER_CLIENT_INTERACTION_TIMEOUT of MySQL */

static const char SET_UP[] =
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION',"
    " SESSION autocommit = 1, SESSION lock_wait_timeout = 60,"
    " SESSION innodb_lock_wait_timeout = 30";
static const char SET_ISOLATION[] =
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";

/* ---- errors ------------------------------------------------------------- */

unsigned maria_note(maria *m, unsigned code, const char *text)
{
    m->code = code ? code : CR_UNKNOWN_ERROR;
    snprintf(m->text, sizeof m->text, "%s", text);
    return m->code;
}

bool maria_is_lost(unsigned code)
{
    return code == ER_CONNECTION_KILLED || code == CR_SERVER_GONE_ERROR ||
           code == CR_SERVER_LOST || code == CR_SERVER_LOST_EXTENDED ||
           code == MARIA_CLIENT_GONE;
}

static akin_status maria_code(unsigned code)
{
    switch (code) {
    case ER_DUP_ENTRY: return AKIN_EEXISTS;
    case ER_NO_SUCH_TABLE:
    case ER_BAD_DB_ERROR: return AKIN_ENOTFOUND;
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_LOCK_DEADLOCK:
    case ER_TABLE_DEF_CHANGED: return AKIN_EBUSY;
    case ER_RECORD_FILE_FULL:
    case ER_DISK_FULL: return AKIN_EIO;
    case CR_OUT_OF_MEMORY: return AKIN_ENOMEM;
    default: return AKIN_EDB;
    }
}

akin_status maria_fail(const maria *m, const char *verb, akin_error *err)
{
    const vector_database *db = m->base.db;
    if (maria_is_lost(m->code) && (m->base.in_transaction || m->no_retry))
        return AKIN_FAIL(err, AKIN_EDB,
                         "cannot %s in '%s' at '%s': the connection was lost "
                         "within a transaction, of which nothing is kept",
                         verb, db->database, db->host);
    return AKIN_FAIL(err, maria_code(m->code),
                     "cannot %s in '%s' at '%s': %s (error %u)", verb,
                     db->database, db->host, m->text, m->code);
}

/* ---- connecting --------------------------------------------------------- */

static void maria_set_options(maria *m)
{
    const vector_tls *tls = &m->base.db->tls;
    unsigned timeout_s = MARIA_CONNECT_S, no_files = 0;
    my_bool yes = 1, verify = tls->verify;
    mysql_options(m->db, MYSQL_OPT_CONNECT_TIMEOUT, &timeout_s);
    mysql_options(m->db, MYSQL_OPT_LOCAL_INFILE, &no_files);
    mysql_options(m->db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (tls->ca || tls->required || tls->verify)
        mysql_ssl_set(m->db, NULL, NULL, tls->ca, NULL, NULL);
    if (tls->required) mysql_options(m->db, MYSQL_OPT_SSL_ENFORCE, &yes);
    mysql_options(m->db, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
}

unsigned maria_note_db(maria *m)
{
    return maria_note(m, mysql_errno(m->db), mysql_error(m->db));
}

static unsigned maria_try_connect(maria *m)
{
    const vector_database *db = m->base.db;
    mysql_close(m->db);
    m->db = mysql_init(NULL);
    if (!m->db) return maria_note(m, CR_OUT_OF_MEMORY, "out of memory");
    maria_set_options(m);
    if (!mysql_real_connect(m->db, db->host, db->user,
                            db->password ? db->password : "", db->database,
                            db->port, db->unix_socket, CLIENT_FOUND_ROWS))
        return maria_note_db(m);
    if (db->tls.required && !mysql_get_ssl_cipher(m->db))
        return maria_note(m, CR_SSL_CONNECTION_ERROR,
                          "the connection is without TLS");
    if (mysql_query(m->db, SET_UP) != 0 ||
        mysql_query(m->db, SET_ISOLATION) != 0)
        return maria_note_db(m);
    return 0;
}

static akin_status maria_connect_fail(const maria *m, akin_error *err)
{
    const vector_database *db = m->base.db;
    const char *advice = "";
    if (m->code == ER_BAD_DB_ERROR)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "there is no database '%s' at '%s'; make it with "
                         "CREATE DATABASE",
                         db->database, db->host);
    if (m->code == CR_CONNECTION_ERROR && !db->unix_socket)
        advice = "; 'localhost' is the server's socket: 127.0.0.1 is its port, "
                 "and database.unix_socket another socket";
    return AKIN_FAIL(err, AKIN_EDB,
                     "cannot connect to the database at '%s' as '%s': %s "
                     "(error %u)%s",
                     db->host, db->user, m->text, m->code, advice);
}

akin_status maria_connect(maria *m, akin_error *err)
{
    if (maria_try_connect(m) != 0) {
        akin_status status = maria_connect_fail(m, err);
        mysql_close(m->db);
        m->db = NULL;
        return status;
    }
    m->bulk = m->bulk && mariadb_connection(m->db);
    snprintf(m->base.server, sizeof m->base.server, "%s %s, Connector/C %s",
             mariadb_connection(m->db) ? "MariaDB" : "MySQL",
             mysql_get_server_info(m->db), mysql_get_client_info());
    return AKIN_OK;
}

bool maria_recover(maria *m)
{
    akin_error ignored;
    if (!maria_is_lost(m->code) || m->base.in_transaction || m->no_retry)
        return false;
    unsigned code = m->code;
    char text[sizeof m->text];
    memcpy(text, m->text, sizeof text);
    if (maria_connect(m, &ignored) == AKIN_OK) return true;
    maria_note(m, code, text);
    return false;
}

/* ---- statements --------------------------------------------------------- */

static MYSQL_BIND *maria_put(maria *m, enum enum_field_types type)
{
    MYSQL_BIND *bind = &m->values.binds[m->values.n++];
    *bind = (MYSQL_BIND){.buffer_type = type};
    return bind;
}

void maria_put_number(maria *m, int64_t value)
{
    int64_t *kept = &m->values.numbers[m->values.n];
    *kept = value;
    maria_put(m, MYSQL_TYPE_LONGLONG)->buffer = kept;
}

void maria_put_text(maria *m, const char *text)
{
    MYSQL_BIND *bind = maria_put(m, MYSQL_TYPE_STRING);
    bind->buffer = (void *)(uintptr_t)text;
    bind->buffer_length = strlen(text);
}

void maria_put_id(maria *m, tracks_id id, tracks_kind kind)
{
    if (kind == TRACKS_TEXTS)
        maria_put_text(m, tracks_id_text(id, m->values.digits[m->values.n]));
    else if (id.text)
        maria_put(m, MYSQL_TYPE_NULL);
    else
        maria_put_number(m, id.number);
}

unsigned maria_note_stmt(maria *m, MYSQL_STMT *q)
{
    return maria_note(m, mysql_stmt_errno(q), mysql_stmt_error(q));
}

/* Prepares and executes with m->values; 0, or the error that was noted. */
static unsigned maria_try(maria *m, const char *sql, maria_fetch fetch,
                          MYSQL_STMT **out)
{
    my_bool yes = 1;
    *out = NULL;
    if (!m->db) return maria_note(m, CR_SERVER_GONE_ERROR, "not connected");
    MYSQL_STMT *q = mysql_stmt_init(m->db);
    if (!q) return maria_note_db(m);
    if (mysql_stmt_prepare(q, sql, strlen(sql)) == 0 &&
        (m->values.n == 0 || !mysql_stmt_bind_param(q, m->values.binds)) &&
        mysql_stmt_execute(q) == 0) {
        *out = q;
        if (fetch == MARIA_STREAMED || mysql_stmt_field_count(q) == 0) return 0;
        mysql_stmt_attr_set(q, STMT_ATTR_UPDATE_MAX_LENGTH, &yes);
        if (mysql_stmt_store_result(q) == 0) return 0;
    }
    *out = NULL;
    maria_note_stmt(m, q);
    mysql_stmt_close(q);
    return m->code;
}

akin_status maria_ask(maria *m, const char *sql, maria_fetch fetch,
                      const char *verb, MYSQL_STMT **out, akin_error *err)
{
    if (maria_try(m, sql, fetch, out) != 0 &&
        (!maria_recover(m) || maria_try(m, sql, fetch, out) != 0)) {
        m->values.n = 0;
        return maria_fail(m, verb, err);
    }
    m->values.n = 0;
    return AKIN_OK;
}

akin_status maria_ask_in(maria *m, const char *head, const char *verb,
                         MYSQL_STMT **out, akin_error *err)
{
    text_buf sql;
    *out = NULL;
    text_buf_init(&sql, TRACKS_MAX_SQL_BYTES);
    tracks_put_marks(&sql, head, m->values.n);
    akin_status status = sql.status;
    if (status == AKIN_OK)
        status = maria_ask(m, sql.data, MARIA_BUFFERED, verb, out, err);
    else
        AKIN_FAIL(err, status, "no room for a statement");
    m->values.n = 0;
    text_buf_clear(&sql);
    return status;
}

akin_status maria_run(maria *m, const char *sql, const char *verb,
                      size_t *n_changed, akin_error *err)
{
    MYSQL_STMT *q;
    AKIN_TRY(maria_ask(m, sql, MARIA_BUFFERED, verb, &q, err));
    if (n_changed) *n_changed = (size_t)mysql_stmt_affected_rows(q);
    mysql_stmt_close(q);
    return AKIN_OK;
}

unsigned maria_try_exec(maria *m, const char *sql, int64_t *number)
{
    if (!m->db) return maria_note(m, CR_SERVER_GONE_ERROR, "not connected");
    if (mysql_query(m->db, sql) != 0) return maria_note_db(m);
    if (!number) return 0;
    MYSQL_RES *result = mysql_store_result(m->db);
    if (!result) return maria_note_db(m);
    MYSQL_ROW row = mysql_fetch_row(result);
    *number = 0;
    if (row && row[0] && !text_to_int64(row[0], number)) *number = 0;
    mysql_free_result(result);
    return 0;
}

akin_status maria_exec_number(maria *m, const char *sql, const char *verb,
                              int64_t *number, akin_error *err)
{
    if (maria_try_exec(m, sql, number) == 0) return AKIN_OK;
    if (maria_recover(m) && maria_try_exec(m, sql, number) == 0) return AKIN_OK;
    return maria_fail(m, verb, err);
}

akin_status maria_exec(maria *m, const char *sql, const char *verb,
                       akin_error *err)
{
    return maria_exec_number(m, sql, verb, NULL, err);
}


akin_status maria_put_state(maria *m, const char *sql, const char *name,
                            const char *value, akin_error *err)
{
    maria_put_text(m, name);
    maria_put_text(m, value);
    return maria_run(m, sql, "write the state", NULL, err);
}
