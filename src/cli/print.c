/* SPDX-License-Identifier: MIT
 * Messages, tables, JSON and CSV; and whether stdout took them all. */
#define _GNU_SOURCE
#include "cli/print.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    MAX_LINE = 1 << 24,
    MAX_CELLS = 1 << 26,
    MIN_ELIDED = 12, /* columns that an elided cell keeps */
};

/* Set when a line could not even be made; stdout's own error flag cannot tell.
 */
static bool output_lost;

/* ---- messages ----------------------------------------------------------- */

/* File names may hold anything, escape sequences too. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127) *text = '?';
}

static char *format_text(const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    char *text = n < 0 ? NULL : mem_array((size_t)n + 1, 1);
    if (text) vsnprintf(text, (size_t)n + 1, fmt, args);
    return text;
}

static char *format_printable(const char *fmt, va_list args)
{
    char *text = format_text(fmt, args);
    if (text) make_printable(text);
    return text;
}

static void print_message(const char *prefix, const char *fmt, va_list args)
{
    char *text = format_printable(fmt, args);
    fprintf(stderr, "%s%s\n", prefix, text ? text : "out of memory");
    mem_free(text);
}

void print_error(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_message("akin: error: ", fmt, args);
    va_end(args);
}

void print_warning(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_message("akin: warning: ", fmt, args);
    va_end(args);
}

void print_note(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    print_message("", fmt, args);
    va_end(args);
}

void print_library_warning(void *unused, const char *text)
{
    (void)unused;
    print_warning("%s", text);
}

int print_exit_code(akin_status status)
{
    switch (status) {
    case AKIN_OK: return EXIT_DONE;
    case AKIN_EUSAGE: return EXIT_USAGE;
    case AKIN_ECORRUPT:
    case AKIN_EDECODE: return EXIT_CORRUPT;
    case AKIN_ECANCELLED: return EXIT_STOPPED;
    case AKIN_ENOTFOUND:
    case AKIN_EEXISTS:
    case AKIN_EIO:
    case AKIN_EVERSION:
    case AKIN_EUNSUPPORTED:
    case AKIN_ELIMIT:
    case AKIN_EMODEL:
    case AKIN_EDB:
    case AKIN_EBUSY:
    case AKIN_ESETTINGS:
    case AKIN_ENOMEM:
    case AKIN_EINTERNAL: return EXIT_FAILED;
    }
    return EXIT_FAILED;
}

int print_failure(const akin_error *err)
{
    print_error("%s", err->text);
    return print_exit_code(err->code);
}

static void lose_output(const char *what)
{
    print_error("the %s output could not be made", what);
    output_lost = true;
}

/* ---- pieces ------------------------------------------------------------- */

void print_time(double seconds, char out[PRINT_PIECE_SIZE])
{
    long long tenths = llround(fmin(fmax(seconds, 0), 1e12) * 10);
    long long whole = tenths / 10, minutes = whole / 60;
    if (minutes < 60)
        snprintf(out, PRINT_PIECE_SIZE, "%lld:%02lld.%lld", minutes, whole % 60,
                 tenths % 10);
    else
        snprintf(out, PRINT_PIECE_SIZE, "%lld:%02lld:%02lld.%lld", minutes / 60,
                 minutes % 60, whole % 60, tenths % 10);
}

void print_size(int64_t n_bytes, char out[PRINT_PIECE_SIZE])
{
    double n = (double)n_bytes;
    if (n < 1e6)
        snprintf(out, PRINT_PIECE_SIZE, "%.0f kB", ceil(n / 1e3));
    else if (n < 1e9)
        snprintf(out, PRINT_PIECE_SIZE, "%.1f MB", n / 1e6);
    else
        snprintf(out, PRINT_PIECE_SIZE, "%.2f GB", n / 1e9);
}

const char *print_plural(long long n, const char *one, const char *many)
{
    return n == 1 ? one : many;
}

int print_width(void)
{
    const char *asked = getenv("COLUMNS");
    int64_t n;
    struct winsize size;
    if (asked && text_to_int64(asked, &n) && n > 0 && n < 10000) return (int)n;
    if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        return size.ws_col;
    return 0;
}

/* ---- tables ------------------------------------------------------------- */

void print_table_init(print_table *table, const print_column *columns,
                      size_t n_columns)
{
    *table = (print_table){.columns = columns, .n_columns = n_columns};
}

void print_table_put(print_table *table, const char *fmt, ...)
{
    akin_error err;
    if (table->status != AKIN_OK) return;
    table->status = mem_grow((void **)&table->cells, &table->cap,
                             table->n_cells + 1, sizeof *table->cells,
                             MAX_CELLS, &err);
    if (table->status != AKIN_OK) return;
    va_list args;
    va_start(args, fmt);
    char *cell = format_printable(fmt, args);
    va_end(args);
    if (cell)
        table->cells[table->n_cells++] = cell;
    else
        table->status = AKIN_ENOMEM;
}

/* Columns that UTF-8 text takes: its characters (wide ones count as one). */
static size_t text_columns(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

/* Bytes of the first n columns of text. */
static size_t text_head(const char *text, size_t n)
{
    size_t at = 0;
    while (text[at] && (((unsigned char)text[at] & 0xc0) == 0x80 || n-- > 0))
        at++;
    return at;
}

/* The end of text that has n columns. */
static const char *text_tail(const char *text, size_t n)
{
    for (size_t all = text_columns(text); all > n; all--)
        do {
            text++;
        } while (((unsigned char)*text & 0xc0) == 0x80);
    return text;
}

static void put_cell(text_buf *line, const print_column *column,
                     const char *cell, size_t width)
{
    size_t n = text_columns(cell);
    int pad = (int)(n < width ? width - n : 0);
    if (n > width && column->elide_end)
        text_buf_printf(line, "%.*s…", (int)text_head(cell, width - 1), cell);
    else if (n > width)
        text_buf_printf(line, "…%s", text_tail(cell, width - 1));
    else if (column->right)
        text_buf_printf(line, "%*s%s", pad, "", cell);
    else
        text_buf_printf(line, "%s%*s", cell, pad, "");
    text_buf_puts(line, "  ");
}

/* Widths by content; 0 leaves a column out. */
static void measure_table(const print_table *table, size_t *widths)
{
    size_t n = table->n_columns, total = 0, limit = (size_t)print_width();
    for (size_t c = 0; c < n; c++) {
        bool empty = table->columns[c].drop_empty;
        widths[c] = text_columns(table->columns[c].head);
        for (size_t i = c; i < table->n_cells; i += n) {
            size_t w = text_columns(table->cells[i]);
            if (w > 0) empty = false;
            if (w > widths[c]) widths[c] = w;
        }
        if (empty) widths[c] = 0;
        total += widths[c] ? widths[c] + 2 : 0;
    }
    for (size_t c = 0; c < n && limit > 0 && total > limit + 2; c++) {
        size_t over = total - limit - 2;
        const print_column *column = &table->columns[c];
        if (!column->elide && !column->elide_end) continue;
        if (widths[c] <= MIN_ELIDED) continue;
        if (over > widths[c] - MIN_ELIDED) over = widths[c] - MIN_ELIDED;
        widths[c] -= over;
        total -= over;
    }
}

static void print_table_row(const print_table *table, const size_t *widths,
                            size_t row)
{
    size_t n = table->n_columns;
    text_buf line;
    text_buf_init(&line, MAX_LINE);
    for (size_t c = 0; c < n; c++)
        if (widths[c] > 0)
            put_cell(&line, &table->columns[c],
                     row == 0 ? table->columns[c].head
                              : table->cells[(row - 1) * n + c],
                     widths[c]);
    while (line.n > 0 && line.data[line.n - 1] == ' ') line.data[--line.n] = 0;
    if (line.status == AKIN_OK)
        puts(line.data ? line.data : "");
    else
        lose_output("table");
    text_buf_clear(&line);
}

void print_table_write(print_table *table)
{
    size_t widths[16], n = table->n_columns;
    if (table->status == AKIN_OK && n <= sizeof widths / sizeof *widths) {
        measure_table(table, widths);
        for (size_t row = 0; row <= table->n_cells / n; row++)
            print_table_row(table, widths, row);
    } else {
        lose_output("table");
    }
    for (size_t i = 0; i < table->n_cells; i++) mem_free(table->cells[i]);
    mem_free(table->cells);
    *table = (print_table){0};
}

/* ---- for programs ------------------------------------------------------- */

void print_json(json_t *value)
{
    char *text = value ? json_to_text(value) : NULL;
    json_decref(value);
    if (text)
        puts(text);
    else
        lose_output("JSON");
    mem_free(text);
}

void print_csv_field(print_csv *csv, const char *fmt, ...)
{
    if (!csv->line.max) text_buf_init(&csv->line, MAX_LINE);
    va_list args;
    va_start(args, fmt);
    char *field = format_text(fmt, args);
    va_end(args);
    if (csv->begun) text_buf_puts(&csv->line, ",");
    csv->begun = true;
    if (field)
        text_buf_put_csv(&csv->line, field);
    else
        csv->line.status = AKIN_ENOMEM;
    mem_free(field);
}

void print_csv_end(print_csv *csv)
{
    if (csv->line.status == AKIN_OK)
        puts(csv->line.data ? csv->line.data : "");
    else
        lose_output("CSV");
    text_buf_clear(&csv->line);
    *csv = (print_csv){0};
}

/* Whether stdout is a pipe that nobody reads any more. An earlier write may
 * have met that, its errno being gone by now, so the pipe itself is asked. */
static bool reader_is_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && out.revents & POLLERR;
}

bool print_close(void)
{
    int code = 0;
    bool gone = reader_is_gone();
    if (fflush(stdout) != 0) code = errno;
    bool failed = ferror(stdout) != 0;
    if (fclose(stdout) != 0 && !code) code = errno;
    if (gone || code == EPIPE) return true;
    if (failed || code)
        print_error("standard output could not be written: %s",
                    code ? strerror(code) : "an earlier write failed");
    return !failed && !code && !output_lost;
}
