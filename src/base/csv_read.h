/* SPDX-License-Identifier: MIT
 * Reads a CSV file (RFC 4180) record by record, strictly. */
#ifndef BASE_CSV_READ_H
#define BASE_CSV_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct csv_reader {
    const char *path;
    char *text; /* the whole file; fields are unquoted in place */
    size_t n, at;
    size_t line; /* on which the current record begins, from 1 */
    size_t next_line;
    char **fields;
    size_t n_fields, cap;
    char **header; /* owned copies of the first record's fields */
    size_t n_header;
} csv_reader;

/* Reads the file and its header. Zero the reader first; close it always. */
akin_status csv_open(csv_reader *csv, const char *path, akin_error *err)
    AKIN_NODISCARD;
void csv_close(csv_reader *csv);

/* The next record that is no blank line, its fields as many as the header's;
 * *more = false at the end. AKIN_ECORRUPT names the line; the next call goes on
 * behind it. */
akin_status csv_next(csv_reader *csv, bool *more, akin_error *err)
    AKIN_NODISCARD;

/* The current record's field in the column of this name, in any case of its
 * letters; NULL if there is no such column. */
const char *csv_get(const csv_reader *csv, const char *column);

#endif
