/* SPDX-License-Identifier: MIT
 * What a person or a program reads: messages on stderr; tables, JSON and CSV
 * on stdout. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"

/* "akin: error: ...", "akin: warning: ..." and a bare line, all to stderr.
 * Control characters in names are shown as '?'. */
void print_error(const char *fmt, ...) AKIN_PRINTF(1, 2);
void print_warning(const char *fmt, ...) AKIN_PRINTF(1, 2);
void print_note(const char *fmt, ...) AKIN_PRINTF(1, 2);

/* As akin_db_options.warn. */
void print_library_warning(void *unused, const char *text);

/* Prints the error; its exit code. */
int print_failure(const akin_error *err);

/* The one place where a status becomes an exit code. */
enum {
    EXIT_DONE = 0,
    EXIT_SOME_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_FAILED = 3, /* I/O, database or model */
    EXIT_CORRUPT = 4,
    EXIT_STOPPED = 130,
};
int print_exit_code(akin_status status);

/* "0:03.5", from an hour on "1:00:03.5". */
enum { PRINT_PIECE_SIZE = 40 };
void print_time(double seconds, char out[PRINT_PIECE_SIZE]);

/* "12 kB", "3.4 MB". */
void print_size(int64_t n_bytes, char out[PRINT_PIECE_SIZE]);

/* "1 file", "3 files". */
const char *print_plural(long long n, const char *one, const char *many);

/* Columns a line of stdout has: COLUMNS, or the terminal's; 0: no limit. */
int print_width(void);

/* ---- tables ------------------------------------------------------------- */

typedef struct print_column {
    const char *head;
    bool right;      /* aligned */
    bool elide;      /* at its start, where a line would be too long */
    bool elide_end;  /* the same, at its end */
    bool drop_empty; /* left out if no row has it */
} print_column;

typedef struct print_table {
    const print_column *columns;
    size_t n_columns;
    char **cells; /* owned, row by row */
    size_t n_cells, cap;
    akin_status status; /* of what was put; it sticks */
} print_table;

void print_table_init(print_table *table, const print_column *columns,
                      size_t n_columns);
void print_table_put(print_table *table, const char *fmt, ...)
    AKIN_PRINTF(2, 3);
void print_table_write(print_table *table); /* to stdout; clears it too */

/* ---- for programs ------------------------------------------------------- */

/* One line; takes the reference. */
void print_json(json_t *value);

/* A row of a CSV: fields, each by print_csv_field, then print_csv_end. */
typedef struct print_csv {
    text_buf line;
    bool begun;
} print_csv;
void print_csv_field(print_csv *csv, const char *fmt, ...) AKIN_PRINTF(2, 3);
void print_csv_end(print_csv *csv);

/* Flushes and closes stdout. false, after a message, if what was printed could
 * not be written; a reader that went away early (head) is no failure. */
bool print_close(void);

#endif
