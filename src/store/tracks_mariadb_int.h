/* SPDX-License-Identifier: MIT
 * Private to tracks_mariadb*.c: one connection, the values of a statement, and
 * statements that survive the loss of the connection where they may.
 *
 * Calls named try return 0, or the server's error number, which m->code and
 * m->text keep until maria_fail makes an error of it. */
#ifndef STORE_TRACKS_MARIADB_INT_H
#define STORE_TRACKS_MARIADB_INT_H

#include <mysql.h>

#include "store/tracks_int.h"

/* Collations are always named, as the server's default may be one that the
 * other kind of server, or a copy of the table there, does not know:
 * utf8mb4_0900_ai_ci is MySQL's alone. utf8mb4_bin is the one both have that
 * tells "a" from "A".
 * XXX: it takes "a" and "a " for the same, as only MariaDB has one that does
 * not; track ids that differ in blanks at the end are found together. */
#define MARIA_TABLE_END                                                        \
    " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"

/* The values of one statement, and what they point at. */
typedef struct maria_values {
    MYSQL_BIND binds[TRACKS_CHUNK];
    int64_t numbers[TRACKS_CHUNK];
    char digits[TRACKS_CHUNK][24];
    size_t n;
} maria_values;

typedef struct maria {
    tracks base;
    MYSQL *db; /* NULL: connecting failed */
    bool bulk;
    bool no_retry; /* what a new connection cannot go on with is under way */
    unsigned code; /* of the last error, with its text */
    char text[400];
    maria_values values;
} maria;

typedef enum maria_fetch {
    MARIA_BUFFERED, /* the whole result is here when the call returns */
    MARIA_STREAMED,
} maria_fetch;

/* ---- errors -------------------------------------------------------------- */

/* Keep code (0: an unknown one) and text, and return the code. */
unsigned maria_note(maria *m, unsigned code, const char *text);
unsigned maria_note_db(maria *m);
unsigned maria_note_stmt(maria *m, MYSQL_STMT *q);

bool maria_is_lost(unsigned code);

/* The error that was noted: "cannot VERB in 'songs' at 'localhost': ...". */
akin_status maria_fail(const maria *m, const char *verb, akin_error *err)
    AKIN_NODISCARD;

/* ---- connecting ---------------------------------------------------------- */

akin_status maria_connect(maria *m, akin_error *err) AKIN_NODISCARD;

/* true: the connection is new, and what failed may be done again. */
bool maria_recover(maria *m);

/* ---- statements ---------------------------------------------------------- */

/* Append to m->values; at most TRACKS_CHUNK. Texts are not copied. */
void maria_put_number(maria *m, int64_t value);
void maria_put_text(maria *m, const char *text);

/* As the column is declared: the server would take 'a7' for 0 among numbers,
 * and look at every row to compare a number with texts. */
void maria_put_id(maria *m, tracks_id id, tracks_kind kind);

/* Runs sql with m->values and empties these; end it with mysql_stmt_close. */
akin_status maria_ask(maria *m, const char *sql, maria_fetch fetch,
                      const char *verb, MYSQL_STMT **out, akin_error *err)
    AKIN_NODISCARD;

/* The same with "HEAD (?, ?, ...)" for all values there are. */
akin_status maria_ask_in(maria *m, const char *head, const char *verb,
                         MYSQL_STMT **out, akin_error *err) AKIN_NODISCARD;

/* Runs to the end; *n_changed is of rows that were there, NULL is allowed. */
akin_status maria_run(maria *m, const char *sql, const char *verb,
                      size_t *n_changed, akin_error *err) AKIN_NODISCARD;

/* A statement without values by the text protocol: not all of them can be
 * prepared. *number, if not NULL, is its one value, 0 for SQL's NULL. */
unsigned maria_try_exec(maria *m, const char *sql, int64_t *number);
akin_status maria_exec_number(maria *m, const char *sql, const char *verb,
                              int64_t *number, akin_error *err) AKIN_NODISCARD;
akin_status maria_exec(maria *m, const char *sql, const char *verb,
                       akin_error *err) AKIN_NODISCARD;

/* sql takes a name and a value. */
akin_status maria_put_state(maria *m, const char *sql, const char *name,
                            const char *value, akin_error *err) AKIN_NODISCARD;

/* ---- loading (tracks_mariadb_load.c) ------------------------------------- */

/* The two verbs of tracks_verbs. */
akin_status maria_add(tracks *t, const tracks_table *added, akin_error *err)
    AKIN_NODISCARD;
akin_status maria_replace(tracks *t, const tracks_table *table,
                          const tracks_replace_options *options,
                          akin_error *err) AKIN_NODISCARD;

#endif
