/* SPDX-License-Identifier: MIT
 * Reads labels from a CSV, finds their windows in one pass over the database
 * and writes them. */
#define _GNU_SOURCE
#include "cli/label_import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv_read.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/print.h"

enum {
    MAX_ROWS = 1 << 24,
    MAX_MATCHES = 1 << 28,
};
static const double SAME_TIME_S = 1e-3; /* CSVs hold rounded times */

typedef struct label_row {
    char *recording, *label, *by; /* owned */
    double start_s, end_s;
    akin_label_type type;
    size_t line;
    bool exact;   /* a window with just this start and end was found */
    bool matched; /* some window was */
} label_row;

typedef struct label_match {
    size_t row, line;
    int64_t window_id;
    bool exact;
} label_match;

typedef struct label_file {
    label_row *rows; /* sorted by recording */
    size_t n_rows, rows_cap;
    label_match *matches;
    size_t n_matches, matches_cap;
    akin_status status; /* of the pass over the windows */
    akin_error *err;
} label_file;

/* ---- reading ------------------------------------------------------------ */

static akin_status fail_row(const csv_reader *csv, const char *what,
                            akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s', line %zu: %s", csv->path,
                     csv->line, what);
}

static bool parse_type(const char *text, akin_label_type *out)
{
    static const struct {
        const char *name;
        akin_label_type type;
    } names[] = {{"", AKIN_POSITIVE},        {"positive", AKIN_POSITIVE},
                 {"1", AKIN_POSITIVE},       {"negative", AKIN_NEGATIVE},
                 {"0", AKIN_NEGATIVE},       {"uncertain", AKIN_UNCERTAIN},
                 {"2", AKIN_UNCERTAIN}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(text, names[i].name) != 0) continue;
        *out = names[i].type;
        return true;
    }
    return false;
}

static akin_status read_row(const csv_reader *csv, const char *by,
                            label_row *row, akin_error *err)
{
    const char *type = csv_get(csv, "type"), *says = csv_get(csv, "by");
    const char *label = csv_get(csv, "label");
    row->line = csv->line;
    if (!text_to_double(csv_get(csv, "start"), &row->start_s) ||
        !text_to_double(csv_get(csv, "end"), &row->end_s) ||
        row->start_s < 0 || row->end_s < row->start_s)
        return fail_row(csv, "start and end must be seconds in this order",
                        err);
    if (!parse_type(type ? type : "", &row->type))
        return fail_row(csv, "type must be positive, negative or uncertain",
                        err);
    if (!*label) return fail_row(csv, "the label is empty", err);
    row->recording = mem_strdup(csv_get(csv, "recording"));
    row->label = mem_strdup(label);
    row->by = mem_strdup(says && *says ? says : by);
    if (!row->recording || !row->label || !row->by)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the labels");
    return AKIN_OK;
}

static akin_status read_rows(label_file *file, csv_reader *csv, const char *by,
                             akin_error *err)
{
    static const char *const needed[] = {"recording", "start", "end", "label"};
    bool more;
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (!csv_get(csv, needed[i]))
            return AKIN_FAIL(err, AKIN_ECORRUPT,
                             "'%s' has no column '%s' (needed are "
                             "recording,start,end,label)",
                             csv->path, needed[i]);
    AKIN_TRY(csv_next(csv, &more, err));
    for (; more;) {
        AKIN_TRY(mem_grow((void **)&file->rows, &file->rows_cap,
                          file->n_rows + 1, sizeof *file->rows, MAX_ROWS, err));
        label_row *row = &file->rows[file->n_rows++];
        *row = (label_row){0};
        AKIN_TRY(read_row(csv, by, row, err));
        AKIN_TRY(csv_next(csv, &more, err));
    }
    return AKIN_OK;
}

/* ---- windows ------------------------------------------------------------ */

static int compare_rows(const void *a_, const void *b_)
{
    const label_row *a = a_, *b = b_;
    int order = strcmp(a->recording, b->recording);
    return order ? order : (a->line > b->line) - (a->line < b->line);
}

/* The first row of this recording, or n_rows. */
static size_t first_row(const label_file *file, const char *recording)
{
    size_t low = 0, high = file->n_rows;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(file->rows[middle].recording, recording) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static akin_status add_match(label_file *file, const akin_window *window,
                             size_t i)
{
    label_row *row = &file->rows[i];
    double overlap = fmin(window->end_s, row->end_s) -
                     fmax(window->start_s, row->start_s);
    double shorter = fmin(window->end_s - window->start_s,
                          row->end_s - row->start_s);
    bool exact = fabs(window->start_s - row->start_s) < SAME_TIME_S &&
                 fabs(window->end_s - row->end_s) < SAME_TIME_S;
    if (!exact && (overlap <= 0 || overlap < shorter / 2)) return AKIN_OK;
    row->exact = row->exact || exact;
    row->matched = true;
    AKIN_TRY(mem_grow((void **)&file->matches, &file->matches_cap,
                      file->n_matches + 1, sizeof *file->matches, MAX_MATCHES,
                      file->err));
    file->matches[file->n_matches++] =
        (label_match){.row = i, .line = row->line,
                      .window_id = window->id, .exact = exact};
    return AKIN_OK;
}

static bool on_window(void *user, const akin_window *window,
                      const float *vector)
{
    label_file *file = user;
    (void)vector;
    for (size_t i = first_row(file, window->recording);
         i < file->n_rows && file->status == AKIN_OK &&
         strcmp(file->rows[i].recording, window->recording) == 0;
         i++)
        file->status = add_match(file, window, i);
    return file->status == AKIN_OK;
}

/* In the order of the file's lines. */
static int compare_matches(const void *a_, const void *b_)
{
    const label_match *a = a_, *b = b_;
    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    return (a->window_id > b->window_id) - (a->window_id < b->window_id);
}

static akin_status find_windows(label_file *file, akin_db *db, akin_error *err)
{
    if (file->n_rows > 0)
        qsort(file->rows, file->n_rows, sizeof *file->rows, compare_rows);
    file->err = err;
    AKIN_TRY(akin_each(db, NULL, on_window, file, err));
    AKIN_TRY(file->status);
    if (file->n_matches > 0)
        qsort(file->matches, file->n_matches, sizeof *file->matches,
              compare_matches);
    return AKIN_OK;
}

/* ---- writing ------------------------------------------------------------ */

/* Of a row that has an exact window, only that one is labelled. */
static akin_status write_labels(const label_file *file, akin_db *db,
                                label_import_report *report, akin_error *err)
{
    for (size_t i = 0; i < file->n_matches; i++) {
        const label_match *match = &file->matches[i];
        const label_row *row = &file->rows[match->row];
        akin_annotation annotation = {.label = row->label, .by = row->by,
                                      .type = row->type};
        bool added = false;
        if (row->exact && !match->exact) continue;
        AKIN_TRY(akin_label(db, match->window_id, &annotation, &added, err));
        *(added ? &report->n_added : &report->n_unchanged) += 1;
    }
    return AKIN_OK;
}

static void report_unmatched(const label_file *file,
                             label_import_report *report)
{
    for (size_t i = 0; i < file->n_rows; i++) {
        const label_row *row = &file->rows[i];
        if (row->matched) continue;
        report->n_failed++;
        print_note("failed: line %zu: no window of '%s' at %g to %g s",
                   row->line, row->recording, row->start_s, row->end_s);
    }
}

static void label_file_clear(label_file *file)
{
    for (size_t i = 0; i < file->n_rows; i++) {
        mem_free(file->rows[i].recording);
        mem_free(file->rows[i].label);
        mem_free(file->rows[i].by);
    }
    mem_free(file->rows);
    mem_free(file->matches);
}

akin_status label_import(akin_db *db, const char *path, const char *by,
                         label_import_report *report, akin_error *err)
{
    csv_reader csv = {0};
    label_file file = {0};
    akin_status status;
    AKIN_TRYG(csv_open(&csv, path, err));
    AKIN_TRYG(read_rows(&file, &csv, by, err));
    AKIN_TRYG(find_windows(&file, db, err));
    AKIN_TRYG(write_labels(&file, db, report, err));
    report_unmatched(&file, report);
done:
    label_file_clear(&file);
    csv_close(&csv);
    return status;
}
