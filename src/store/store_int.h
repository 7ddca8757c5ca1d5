/* SPDX-License-Identifier: MIT
 * Private to store/: the handle, cached statements with bound values, the SQL
 * functions, and how offsets, dates and filters become values. */
#ifndef STORE_STORE_INT_H
#define STORE_STORE_INT_H

#include <sqlite3.h>

#include "base/text.h"
#include "store/store.h"

#define STORE_OFFSETS_BYTES 16   /* two little-endian float64 */
#define STORE_MAX_STATEMENTS 64

typedef enum store_transaction {
    STORE_IDLE,
    STORE_READING,
    STORE_WRITING,
} store_transaction;

struct store {
    sqlite3 *db;
    char *path, *wal_path, *folder;
    store_mode mode;
    store_schema schema;
    store_transaction transaction;
    bool spoilt;      /* half a change was made: it may not be committed */
    bool old_pairs;   /* old schema: four bytes are two float16 */
    double busy_s;    /* how long to wait for others' locks */
    double waits_until_s; /* while it does */
    double old_end_s; /* old schema: window length for single offsets */
    struct {
        const char *sql;
        sqlite3_stmt *statement;
    } cache[STORE_MAX_STATEMENTS];
    size_t n_cached;
};

/* ---- opening (store_open.c) --------------------------------------------- */

/* An open file with whatever tables, nothing set up but how long to wait and
 * how much to cache; close it with store_close. */
akin_status store_open_any(const char *path, store_mode mode, double busy_s,
                           store **out, akin_error *err) AKIN_NODISCARD;

/* WAL, synced commits, foreign keys. */
akin_status store_make_writable(store *s, akin_error *err) AKIN_NODISCARD;

/* AKIN_ECORRUPT if the file is shorter than it says. */
akin_status store_check_size(store *s, akin_error *err) AKIN_NODISCARD;

/* *found: sql gives a row. */
akin_status store_has_row(store *s, const char *sql, bool *found,
                          akin_error *err) AKIN_NODISCARD;

/* ---- statements (store_sql.c) ------------------------------------------- */

typedef struct store_value {
    int type; /* SQLITE_INTEGER, _FLOAT, _TEXT, _BLOB or _NULL */
    int64_t integer;
    double real;
    const void *bytes;
    size_t n_bytes;
} store_value;

static inline store_value store_integer(int64_t value)
{
    return (store_value){.type = SQLITE_INTEGER, .integer = value};
}

static inline store_value store_real(double value)
{
    return (store_value){.type = SQLITE_FLOAT, .real = value};
}

store_value store_text(const char *text); /* NULL gives SQL's NULL */
store_value store_blob(const void *bytes, size_t n_bytes);

/* Arguments `values, n_values` of the calls below. */
#define STORE_VALUES(...)                                                      \
    (const store_value[]){__VA_ARGS__},                                        \
        sizeof((const store_value[]){__VA_ARGS__}) / sizeof(store_value)
#define STORE_NO_VALUES NULL, 0

/* The error of the last SQLite call: "cannot VERB in 'path': reason". */
akin_status store_fail(const store *s, const char *verb, akin_error *err)
    AKIN_NODISCARD;

/* Values by place, from ?1. Their bytes are borrowed until the next ones. */
akin_status store_bind(store *s, sqlite3_stmt *statement,
                       const store_value *values, size_t n_values,
                       akin_error *err) AKIN_NODISCARD;

/* The statement of a constant sql text, prepared once and kept (its address
 * is the key), with values bound. Give it back with store_release. */
akin_status store_ask(store *s, const char *sql, const store_value *values,
                      size_t n_values, sqlite3_stmt **out, akin_error *err)
    AKIN_NODISCARD;
void store_release(sqlite3_stmt *statement);

/* The same for a text used once; end it with sqlite3_finalize. */
akin_status store_prepare(store *s, const char *sql, const store_value *values,
                          size_t n_values, sqlite3_stmt **out, akin_error *err)
    AKIN_NODISCARD;

/* *row = false after the last row. */
akin_status store_step(store *s, sqlite3_stmt *statement, const char *verb,
                       bool *row, akin_error *err) AKIN_NODISCARD;

/* Asks, runs to the end, releases. */
akin_status store_run(store *s, const char *sql, const store_value *values,
                      size_t n_values, const char *verb, akin_error *err)
    AKIN_NODISCARD;

/* Runs statements that bind and return nothing. */
akin_status store_exec(store *s, const char *sql, const char *verb,
                       akin_error *err) AKIN_NODISCARD;

/* An owned copy of a text column of any storage class, NULL for SQL's NULL. */
akin_status store_copy_text(sqlite3_stmt *statement, int column, char **out,
                            akin_error *err) AKIN_NODISCARD;

akin_status store_has_table(store *s, const char *name, bool *found,
                            akin_error *err) AKIN_NODISCARD;

/* Fails if a verb would write outside of what the caller began. */
akin_status store_may_write(const store *s, akin_error *err) AKIN_NODISCARD;

/* ---- values and SQL functions (store_func.c, store_time.c) -------------- */

void store_put_offsets(double start_s, double end_s,
                       unsigned char out[STORE_OFFSETS_BYTES]);

/* Fills start_s, end_s and imprecise. false, and 0, 0, imprecise, if the bytes
 * hold no 0 <= start <= end. A 17th byte is the old schema's imprecise flag. */
bool store_get_offsets(const void *bytes, size_t n_bytes, store_window *out);

/* id, recording_id and offsets from columns 0 to 2. */
void store_get_window(sqlite3_stmt *statement, store_window *out);

/* akin_start(offsets), akin_overlap(offsets, offsets), akin_wall_s(datetime),
 * akin_moment_s(datetime, offsets), akin_clock_s(moment),
 * akin_matches(text, pattern). Of values they cannot read: NULL, or false. */
akin_status store_add_functions(store *s, akin_error *err) AKIN_NODISCARD;

/* Seconds on the wall clock from 1970-01-01T00:00, the zone left aside:
 * lo <= t < hi. */
typedef struct store_span {
    double lo, hi;
} store_span;

bool store_parse_date(const char *text, store_span *out);  /* of a filter */
bool store_parse_clock(const char *text, store_span *out); /* from midnight */
bool store_parse_datetime(const char *text, double *wall_s); /* of a row */

/* ---- scores (hoplite_score.c); nothing where there are none --------------- */

akin_status hoplite_get_scores(store *s, store_row *out, akin_error *err)
    AKIN_NODISCARD;
akin_status hoplite_remove_scores(store *s, int64_t window_id, akin_error *err)
    AKIN_NODISCARD;
akin_status hoplite_count_scores(store *s, int64_t *out, akin_error *err)
    AKIN_NODISCARD;

/* ---- schemas (hoplite.c, hoplite_old.c) --------------------------------- */

/* Makes the tables of hoplite 1.x; akin's own ones and the newer indexes. */
akin_status hoplite_create(store *s, akin_error *err) AKIN_NODISCARD;
akin_status hoplite_complete(store *s, akin_error *err) AKIN_NODISCARD;

/* Shows the old tables under the names and columns of the 1.x ones. */
akin_status hoplite_old_attach(store *s, akin_error *err) AKIN_NODISCARD;

/* ---- filters (store_filter.c, store_filter_sql.c) ----------------------- */

typedef enum filter_kind {
    FILTER_AND,
    FILTER_OR,
    FILTER_NOT,
    FILTER_LEAF,
} filter_kind;

typedef enum filter_field {
    FILTER_RECORDING,
    FILTER_DEPLOYMENT,
    FILTER_PROJECT,
    FILTER_DATE,
    FILTER_TIME,
    FILTER_LABEL,
    FILTER_CLASS,
    FILTER_ID,
    FILTER_RECORDING_ID,
} filter_field;

typedef enum filter_op {
    FILTER_EQ,
    FILTER_NE,
    FILTER_LT,
    FILTER_LE,
    FILTER_GT,
    FILTER_GE,
} filter_op;

typedef struct filter_node {
    filter_kind kind;
    size_t left, right; /* indices of nodes; NOT has left only */
    size_t height;      /* of the tree below */
    filter_field field; /* this and the rest: of a leaf */
    filter_op op;
    char *text;      /* recording, deployment, project, label */
    bool pattern;    /* text has * or ? */
    store_span span; /* date, time */
    int64_t id;
} filter_node;

struct store_filter {
    filter_node *nodes;
    size_t n_nodes, cap, root;
};

/* The whole query "SELECT id, recording_id, offsets" of a filter. The values
 * borrow the filter's texts. */
typedef struct store_query {
    text_buf sql;
    store_value *values;
    size_t n_values, cap;
} store_query;

/* Which of akin's own tables there are. */
typedef struct store_tables {
    bool files, scores;
} store_tables;

akin_status store_filter_compile(const store_filter *filter,
                                 const store_tables *tables, store_query *out,
                                 akin_error *err) AKIN_NODISCARD;
void store_query_clear(store_query *query);

#endif
