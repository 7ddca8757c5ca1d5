/* SPDX-License-Identifier: MIT
 * Embeddings as text: one CSV, or one file a window. */
#include "engine/export_text.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/database.h"

#define EXPORT_LINE_MAX ((size_t)1 << 24)

typedef struct export_text {
    akin_db *db;
    file_writer *csv; /* NULL: a folder */
    const char *dir;
    text_buf line;
    size_t n_written;
    akin_status status;
    akin_error *err;
} export_text;

static void export_put_values(text_buf *line, const float *vector, size_t dim)
{
    for (size_t i = 0; i < dim; i++) {
        char number[32];
        text_from_double((double)vector[i], number);
        if (i) text_buf_put(line, ",", 1);
        text_buf_puts(line, number);
    }
}

static akin_status export_csv_row(export_text *x, const akin_window *w,
                                  const float *vector)
{
    char start[32], end[32];
    text_from_double(w->start_s, start);
    text_from_double(w->end_s, end);
    x->line.n = 0;
    text_buf_put_csv(&x->line, w->recording);
    text_buf_printf(&x->line, ",%s,%s,\"", start, end);
    export_put_values(&x->line, vector, x->db->settings.dim);
    text_buf_puts(&x->line, "\"\n");
    if (x->line.status != AKIN_OK)
        return AKIN_FAIL(x->err, x->line.status, "out of memory for a row");
    return file_writer_put(x->csv, x->line.data, x->line.n, x->err);
}

/* The name of a window's own file below dir, without parts that would lead out
 * of it: a model may be called "clip/b32". */
static char *export_text_path(const export_text *x, const akin_window *w)
{
    char start[32], end[32];
    text_from_double(w->start_s, start);
    text_from_double(w->end_s, end);
    char *clean = file_cleaned(w->recording);
    char *parent = clean ? file_parent(clean) : NULL;
    char *stem = clean ? file_stem(clean) : NULL;
    char *maker = mem_strdup(x->db->settings.model);
    for (char *p = maker; p && *p; p++)
        if (*p == '/') *p = '_';
    char *path = parent && stem && maker
                     ? text_format("%s%s/%s_%s_%s.%s.embeddings.txt", x->dir,
                                   strcmp(parent, "/") == 0 ? "" : parent, stem,
                                   start, end, maker)
                     : NULL;
    mem_free(maker);
    mem_free(clean);
    mem_free(parent);
    mem_free(stem);
    return path;
}

static akin_status export_text_file(export_text *x, const akin_window *w,
                                    const float *vector)
{
    file_writer *out = NULL;
    char *path = export_text_path(x, w), *parent = path ? file_parent(path)
                                                         : NULL;
    akin_status status =
        parent ? file_make_dirs(parent, x->err)
               : AKIN_FAIL(x->err, AKIN_ENOMEM, "out of memory for a path");
    x->line.n = 0;
    export_put_values(&x->line, vector, x->db->settings.dim);
    text_buf_puts(&x->line, "\n");
    if (status == AKIN_OK) status = file_writer_open(path, &out, x->err);
    if (status == AKIN_OK)
        status = file_writer_put(out, x->line.data, x->line.n, x->err);
    if (status == AKIN_OK) {
        status = file_writer_finish(out, x->err);
        out = NULL;
    }
    file_writer_discard(out);
    mem_free(parent);
    mem_free(path);
    return status;
}

static bool export_window(void *user, const akin_window *w, const float *vector)
{
    export_text *x = user;
    if (!vector) return true;
    x->status = x->csv ? export_csv_row(x, w, vector)
                       : export_text_file(x, w, vector);
    x->n_written += x->status == AKIN_OK;
    return x->status == AKIN_OK;
}

static akin_status export_run(export_text *x)
{
    static const char header[] = "file_path,start,end,embedding\n";
    if (x->csv)
        AKIN_TRY(file_writer_put(x->csv, header, sizeof header - 1, x->err));
    AKIN_TRY(akin_each(x->db, NULL, export_window, x, x->err));
    return x->status;
}

static akin_status export_open_csv(export_text *x, const char *path)
{
    char *parent = file_parent(path);
    akin_status status =
        parent ? file_make_dirs(parent, x->err)
               : AKIN_FAIL(x->err, AKIN_ENOMEM, "out of memory for a path");
    mem_free(parent);
    AKIN_TRY(status);
    return file_writer_open(path, &x->csv, x->err);
}

static akin_status export_all(export_text *x, const char *path, bool csv)
{
    text_buf_init(&x->line, EXPORT_LINE_MAX);
    akin_status status = csv ? export_open_csv(x, path)
                             : file_make_dirs(path, x->err);
    if (status == AKIN_OK) status = export_run(x);
    if (status == AKIN_OK && x->csv)
        status = file_writer_finish(x->csv, x->err);
    else
        file_writer_discard(x->csv);
    text_buf_clear(&x->line);
    return status;
}

akin_status export_text_csv(akin_db *db, const char *path, size_t *n_written,
                            akin_error *err)
{
    export_text x = {.db = db, .err = err};
    akin_status status = export_all(&x, path, true);
    *n_written = x.n_written;
    return status;
}

akin_status akin_export_embeddings(akin_db *db, const char *path,
                                   size_t *n_written, akin_error *err)
{
    export_text x = {.db = db, .dir = path, .err = err};
    akin_status status =
        export_all(&x, path, text_ends_with(path, ".csv", true));
    if (n_written) *n_written = x.n_written;
    return status;
}
