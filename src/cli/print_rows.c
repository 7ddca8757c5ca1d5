/* SPDX-License-Identifier: MIT
 * A value of a dataset's row as JSON and as text. */
#include "cli/print_rows.h"

#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "cli/commands.h"
#include "cli/print.h"

enum { TIME_SIZE = 40, MOST_COLUMNS = 600 };

/* "2026-11-21T20:10:00.123456", as Python's isoformat has it. */
static void format_time(int64_t us, char out[TIME_SIZE])
{
    time_t s = (time_t)(us / 1000000);
    int64_t rest = us % 1000000;
    struct tm tm = {0};
    if (rest < 0) {
        rest += 1000000;
        s--;
    }
    gmtime_r(&s, &tm);
    size_t n = strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest > 0) snprintf(out + n, TIME_SIZE - n, ".%06d", (int)rest);
}

static json_t *vector_to_json(const akin_value *v)
{
    json_t *array = json_array();
    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(array, json_real((double)v->vector[i]));
    return array;
}

static json_t *value_to_json(const akin_value *v)
{
    char time[TIME_SIZE];
    switch (v->kind) {
    case AKIN_VALUE_BOOL: return json_boolean(v->integer != 0);
    case AKIN_VALUE_INTEGER: return json_integer(v->integer);
    case AKIN_VALUE_NUMBER: return json_real(v->number);
    case AKIN_VALUE_TEXT: return json_text(v->text);
    case AKIN_VALUE_TIME: format_time(v->integer, time); return json_text(time);
    case AKIN_VALUE_REF:
        return json_pack("{s:o, s:o}", "name", json_text(v->table), "id",
                         json_text(v->text));
    case AKIN_VALUE_VECTOR: return vector_to_json(v);
    case AKIN_VALUE_SHAPE: return json_pack("[I]", (json_int_t)v->integer);
    default: return json_null();
    }
}

json_t *print_rows_to_json(const akin_rows *rows, size_t i)
{
    size_t n;
    const akin_column *columns = akin_rows_columns(rows, &n);
    const akin_value *values = akin_rows_at(rows, i);
    json_t *row = json_object();
    for (size_t c = 0; c < n; c++)
        json_object_set_new(row, columns[c].name, value_to_json(&values[c]));
    return row;
}

/* ---- as text ------------------------------------------------------------ */

static void put_vector(text_buf *out, const akin_value *v, bool all)
{
    for (size_t i = 0; i < v->n && (all || i < 3); i++)
        text_buf_printf(out, "%s%.6g", i ? "," : "", (double)v->vector[i]);
    if (!all && v->n > 3) text_buf_printf(out, ",... [%zu]", v->n);
}

/* In a table vectors are cut short. */
static void put_value(text_buf *out, const akin_value *v, bool whole)
{
    char text[TIME_SIZE];
    switch (v->kind) {
    case AKIN_VALUE_BOOL: text_buf_puts(out, v->integer ? "true" : "false"); break;
    case AKIN_VALUE_INTEGER:
    case AKIN_VALUE_SHAPE:
        text_buf_printf(out, "%lld", (long long)v->integer);
        break;
    case AKIN_VALUE_NUMBER:
        text_from_double(v->number, text);
        text_buf_puts(out, text);
        break;
    case AKIN_VALUE_TEXT:
    case AKIN_VALUE_REF: text_buf_puts(out, v->text); break;
    case AKIN_VALUE_TIME:
        format_time(v->integer, text);
        text_buf_puts(out, text);
        break;
    case AKIN_VALUE_VECTOR: put_vector(out, v, whole); break;
    default: break;
    }
}

static void with_text(const akin_value *v, bool whole,
                      void (*use)(void *user, const char *text), void *user)
{
    text_buf text;
    text_buf_init(&text, (size_t)1 << 24);
    text_buf_puts(&text, "");
    put_value(&text, v, whole);
    use(user, text.data ? text.data : "");
    text_buf_clear(&text);
}

static void to_cell(void *table, const char *text)
{
    print_table_put(table, "%s", text);
}

void print_rows_cell(print_table *table, const akin_rows *rows, size_t i,
                      size_t column)
{
    static const akin_value none;
    bool there = i < akin_rows_count(rows);
    with_text(there ? &akin_rows_at(rows, i)[column] : &none, false, to_cell,
              table);
}

static void to_field(void *csv, const char *text)
{
    print_csv_field(csv, "%s", text);
}

static void print_as_table(const akin_rows *rows)
{
    size_t n;
    const akin_column *columns = akin_rows_columns(rows, &n);
    print_column heads[MOST_COLUMNS] = {{0}};
    print_table table;
    if (n > MOST_COLUMNS) n = MOST_COLUMNS;
    for (size_t c = 0; c < n; c++)
        heads[c] = (print_column){
            .head = columns[c].name,
            .right = columns[c].kind == AKIN_VALUE_INTEGER ||
                     columns[c].kind == AKIN_VALUE_NUMBER,
            .elide_end = true};
    print_table_init(&table, heads, n);
    for (size_t i = 0; i < akin_rows_count(rows); i++)
        for (size_t c = 0; c < n; c++)
            print_rows_cell(&table, rows, i, c);
    print_table_write(&table);
}

static void print_as_csv(const akin_rows *rows)
{
    size_t n;
    const akin_column *columns = akin_rows_columns(rows, &n);
    print_csv csv = {0};
    for (size_t c = 0; c < n; c++) print_csv_field(&csv, "%s", columns[c].name);
    print_csv_end(&csv);
    for (size_t i = 0; i < akin_rows_count(rows); i++) {
        csv = (print_csv){0};
        for (size_t c = 0; c < n; c++)
            with_text(&akin_rows_at(rows, i)[c], true, to_field, &csv);
        print_csv_end(&csv);
    }
}

void print_rows(const akin_rows *rows, int format)
{
    json_t *all;
    switch (format) {
    case FORMAT_CSV: print_as_csv(rows); break;
    case FORMAT_JSON:
        all = json_array();
        for (size_t i = 0; i < akin_rows_count(rows); i++)
            json_array_append_new(all, print_rows_to_json(rows, i));
        print_json(json_pack("{s:o}", "rows", all));
        break;
    default: print_as_table(rows); break;
    }
}
