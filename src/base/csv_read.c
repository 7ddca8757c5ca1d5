/* SPDX-License-Identifier: MIT
 * A CSV reader that refuses what it would have to guess at. */
#define _GNU_SOURCE
#include "base/csv_read.h"

#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/memory.h"

#define MAX_BYTES ((size_t)1 << 36)
#define MAX_FIELDS 4096

static akin_status fail_at(const csv_reader *csv, const char *what,
                           akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s', line %zu: %s", csv->path,
                     csv->line, what);
}

/* Takes the quotes off the field that begins at csv->at and leaves csv->at on
 * what ended it. */
static akin_status unquote(csv_reader *csv, akin_error *err)
{
    char *out = csv->text + csv->at;
    for (csv->at++;; csv->at++) {
        char c = csv->text[csv->at];
        if (csv->at >= csv->n)
            return fail_at(csv, "a quoted field does not end", err);
        if (c == '"' && csv->text[csv->at + 1] != '"') break;
        if (c == '"') csv->at++;
        if (c == '\n') csv->next_line++;
        *out++ = c;
    }
    csv->at++;
    if (!strchr(",\r\n", csv->text[csv->at])) /* NUL counts as found */
        return fail_at(csv, "text behind a closing quote", err);
    *out = 0; /* at the latest where the closing quote was */
    return AKIN_OK;
}

/* One field; *last tells that its record ends with it. */
static akin_status read_field(csv_reader *csv, bool *last, akin_error *err)
{
    AKIN_TRY(mem_grow((void **)&csv->fields, &csv->cap, csv->n_fields + 1,
                      sizeof *csv->fields, MAX_FIELDS, err));
    char *field = csv->text + csv->at;
    csv->fields[csv->n_fields++] = field;
    if (*field == '"') {
        AKIN_TRY(unquote(csv, err));
    } else {
        csv->at += strcspn(field, ",\r\n\"");
        if (csv->text[csv->at] == '"')
            return fail_at(csv, "a quote inside an unquoted field", err);
    }
    char *end = csv->text + csv->at;
    *last = *end != ',';
    if (*end == '\r' && end[1] != '\n')
        return fail_at(csv, "a carriage return alone", err);
    if (*end == '\r') csv->at++;
    if (csv->text[csv->at] == '\n') csv->next_line++;
    if (csv->at < csv->n) csv->at++;
    *end = 0;
    return AKIN_OK;
}

static akin_status read_record(csv_reader *csv, akin_error *err)
{
    csv->line = csv->next_line;
    csv->n_fields = 0;
    for (bool last = false; !last;) AKIN_TRY(read_field(csv, &last, err));
    return AKIN_OK;
}

static akin_status keep_header(csv_reader *csv, akin_error *err)
{
    AKIN_TRY(mem_new_array(csv->n_fields, sizeof *csv->header, "the header",
                           (void **)&csv->header, err));
    for (size_t i = 0; i < csv->n_fields; i++) {
        csv->header[i] = mem_strdup(csv->fields[i]);
        if (!csv->header[i])
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
        csv->n_header++;
    }
    return AKIN_OK;
}

akin_status csv_open(csv_reader *csv, const char *path, akin_error *err)
{
    *csv = (csv_reader){.path = path};
    AKIN_TRY(file_read(path, MAX_BYTES, &csv->text, &csv->n, err));
    if (strlen(csv->text) != csv->n)
        return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is no text file", path);
    if (strncmp(csv->text, "\xef\xbb\xbf", 3) == 0) csv->at = 3;
    csv->next_line = 1;
    AKIN_TRY(read_record(csv, err));
    return keep_header(csv, err);
}

void csv_close(csv_reader *csv)
{
    for (size_t i = 0; i < csv->n_header; i++) mem_free(csv->header[i]);
    mem_free(csv->header);
    mem_free(csv->fields);
    mem_free(csv->text);
    *csv = (csv_reader){0};
}

/* So that a caller may go on behind a record that is none. */
static void skip_line(csv_reader *csv)
{
    char *end = memchr(csv->text + csv->at, '\n', csv->n - csv->at);
    csv->at = end ? (size_t)(end - csv->text) + 1 : csv->n;
    csv->next_line++;
}

akin_status csv_next(csv_reader *csv, bool *more, akin_error *err)
{
    for (*more = csv->at < csv->n; *more; *more = csv->at < csv->n) {
        akin_status status = read_record(csv, err);
        if (status == AKIN_ECORRUPT) skip_line(csv);
        AKIN_TRY(status);
        if (csv->n_fields == 1 && !*csv->fields[0]) continue;
        if (csv->n_fields != csv->n_header)
            return AKIN_FAIL(err, AKIN_ECORRUPT,
                             "'%s', line %zu: %zu fields, but the header has "
                             "%zu",
                             csv->path, csv->line, csv->n_fields,
                             csv->n_header);
        return AKIN_OK;
    }
    return AKIN_OK;
}

const char *csv_get(const csv_reader *csv, const char *column)
{
    for (size_t i = 0; i < csv->n_header && i < csv->n_fields; i++)
        if (strcasecmp(csv->header[i], column) == 0) return csv->fields[i];
    return NULL;
}
