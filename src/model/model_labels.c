/* SPDX-License-Identifier: MIT
 * Cuts a table of labels into the names of classes, in place. */
#include "model/model_labels.h"

#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

enum { MAX_COLUMNS = 256 };

/* Reading one file. */
typedef struct labels_scan {
    const card_labels *labels;
    char *path;
    char *at;       /* the next line */
    size_t line;    /* number of the last one taken, from 1 */
    size_t column;  /* that holds the names */
    size_t cap;     /* of the names */
} labels_scan;

/* The next line without its end; NULL at the end of the file. */
static char *scan_line(labels_scan *scan)
{
    char *line = scan->at;
    if (!*line) return NULL;
    size_t n = strcspn(line, "\n");
    scan->at = line + n + (line[n] == '\n');
    line[n] = 0;
    if (n && line[n - 1] == '\r') line[n - 1] = 0;
    scan->line++;
    return line;
}

/* Takes quotes off a field that begins with one; gives what follows it. */
static char *unquote(char *field)
{
    char *to = field, *from = field + 1;
    for (; *from && !(from[0] == '"' && from[1] != '"'); from++) {
        if (*from == '"') from++;
        *to++ = *from;
    }
    char *rest = *from ? from + 1 : from;
    *to = 0;
    return rest;
}

/* Field i of a line, which is cut up; NULL if it has fewer. */
static char *line_field(char *line, char delimiter, size_t i)
{
    for (char *field = line; field;) {
        char *rest = field;
        bool quoted = *field == '"';
        if (quoted) rest = unquote(field);
        char *end = strchr(rest, delimiter);
        if (end) *end = 0;
        if (!i--) return field;
        field = end ? end + 1 : NULL;
    }
    return NULL;
}

static akin_status scan_header(labels_scan *scan, akin_error *err)
{
    const char *wanted = scan->labels->column;
    char *line = scan_line(scan);
    if (!line || !*wanted) return AKIN_OK;
    for (size_t i = 0;; i++) {
        char *copy = mem_strdup(line);
        if (!copy) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
        const char *name = line_field(copy, scan->labels->delimiter, i);
        bool is_it = text_equal(name, wanted);
        bool is_end = !name || i == MAX_COLUMNS;
        mem_free(copy);
        scan->column = i;
        if (is_it) return AKIN_OK;
        if (is_end)
            return AKIN_FAIL(err, AKIN_EMODEL, "'%s' has no column '%s'",
                             scan->path, wanted);
    }
}

static bool is_shown(const char *name)
{
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f) return false;
    return *name != 0;
}

static akin_status scan_name(labels_scan *scan, char *line, model_labels *out,
                             akin_error *err)
{
    const card_labels *labels = scan->labels;
    void *names = (void *)out->names;
    const char *name =
        labels->delimiter ? line_field(line, labels->delimiter, scan->column)
                          : line;
    if (!name || !is_shown(name))
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "line %zu of '%s' has no name of a class", scan->line,
                         scan->path);
    AKIN_TRY(mem_grow(&names, &scan->cap, out->n + 1, sizeof *out->names,
                      MODEL_MAX_CLASSES, err));
    out->names = names;
    out->names[out->n++] = name;
    return AKIN_OK;
}

static akin_status scan_all(labels_scan *scan, model_labels *out,
                            akin_error *err)
{
    size_t n = 0;
    static const char mark[] = "\xef\xbb\xbf";
    AKIN_TRY(
        file_read(scan->path, MODEL_MAX_LABEL_BYTES, &out->text, &n, err));
    if (!text_is_utf8(out->text, n))
        return AKIN_FAIL(err, AKIN_EMODEL, "'%s' is not UTF-8 text",
                         scan->path);
    scan->at = out->text;
    if (text_starts_with(scan->at, mark)) scan->at += strlen(mark);
    if (scan->labels->header) AKIN_TRY(scan_header(scan, err));
    for (char *line; (line = scan_line(scan));)
        AKIN_TRY(scan_name(scan, line, out, err));
    if (!out->n)
        return AKIN_FAIL(err, AKIN_EMODEL, "'%s' names no class", scan->path);
    return AKIN_OK;
}

akin_status model_labels_read(const card_labels *labels, const char *folder,
                              model_labels *out, akin_error *err)
{
    labels_scan scan = {.labels = labels,
                        .path = file_join(folder, labels->path)};
    if (!scan.path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    akin_status status = scan_all(&scan, out, err);
    mem_free(scan.path);
    if (status != AKIN_OK) model_labels_clear(out);
    return status;
}

void model_labels_clear(model_labels *labels)
{
    mem_free((void *)labels->names);
    mem_free(labels->text);
    *labels = (model_labels){0};
}
