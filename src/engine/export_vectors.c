/* SPDX-License-Identifier: MIT
 * The vectors of a database as a file that others read: NumPy, FAISS, Arrow,
 * CSV. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/export_arrow.h"
#include "engine/export_text.h"
#include "engine/snapshot.h"
#include "index/distance.h"
#include "index/vecs.h"
#include "interop/faiss.h"
#include "interop/npy.h"

#define EXPORT_LINE_MAX ((size_t)1 << 24)

typedef struct export_vectors {
    snapshot snapshot; /* one for both passes: the count holds */
    const char *path;
    size_t dim, n, n_done;
    float *values; /* [dim]; for FAISS [n, dim] */
    int64_t *ids;  /* [n], for FAISS */
    npy_writer *npy;
    file_writer *csv; /* which window a row of the array is of */
    text_buf line;
} export_vectors;

/* ---- NumPy ---------------------------------------------------------------------- */

static akin_status export_npy_line(export_vectors *x,
                                   const store_window *window, akin_error *err)
{
    store_row row = {0};
    bool found;
    char start[32], end[32];
    AKIN_TRY(store_get_row(x->snapshot.store, window->id, &found, &row, err));
    text_from_double(window->start_s, start);
    text_from_double(window->end_s, end);
    x->line.n = 0;
    text_buf_printf(&x->line, "%lld,", (long long)window->id);
    text_buf_put_csv(&x->line, found && row.recording ? row.recording : "");
    text_buf_printf(&x->line, ",%s,%s\n", start, end);
    store_row_clear(&row);
    if (x->line.status != AKIN_OK)
        return AKIN_FAIL(err, x->line.status, "out of memory for a row");
    return file_writer_put(x->csv, x->line.data, x->line.n, err);
}

static akin_status export_npy_window(void *user, const store_window *window,
                                     akin_error *err)
{
    export_vectors *x = user;
    const unsigned char *half;
    AKIN_TRY(snapshot_vector(&x->snapshot, (uint64_t)window->id, &half, err));
    if (!half) return AKIN_OK;
    distance_from_half(half, x->dim, x->values);
    AKIN_TRY(npy_writer_put(x->npy, x->values, 1, err));
    AKIN_TRY(export_npy_line(x, window, err));
    x->n_done++;
    return AKIN_OK;
}

static akin_status export_npy_rows(export_vectors *x, akin_error *err)
{
    static const char header[] = "window_id,recording,start,end\n";
    void *p;
    AKIN_TRY(mem_new_array(x->dim, sizeof(float), "a vector", &p, err));
    x->values = p;
    AKIN_TRY(npy_writer_open(x->path, x->n, x->dim, &x->npy, err));
    AKIN_TRY(file_writer_put(x->csv, header, sizeof header - 1, err));
    AKIN_TRY(store_each_window(x->snapshot.store, NULL, export_npy_window, x,
                               err));
    akin_status status = npy_writer_commit(x->npy, err);
    x->npy = NULL;
    return status;
}

/* Both files are complete before the first is put in its place. */
static akin_status export_npy(export_vectors *x, akin_error *err)
{
    char *beside = text_format("%s.csv", x->path);
    if (!beside) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_status status = file_writer_open(beside, &x->csv, err);
    mem_free(beside);
    AKIN_TRY(status);
    text_buf_init(&x->line, EXPORT_LINE_MAX);
    AKIN_TRY(export_npy_rows(x, err));
    status = file_writer_commit(x->csv, err);
    x->csv = NULL;
    return status;
}

/* ---- FAISS ------------------------------------------------------------------------ */

static akin_status export_faiss_window(void *user, const store_window *window,
                                       akin_error *err)
{
    export_vectors *x = user;
    const unsigned char *half;
    AKIN_TRY(snapshot_vector(&x->snapshot, (uint64_t)window->id, &half, err));
    if (!half) return AKIN_OK;
    distance_from_half(half, x->dim, x->values + x->n_done * x->dim);
    x->ids[x->n_done++] = window->id;
    return AKIN_OK;
}

/* XXX: all of it in memory, twice while it is added; a writer that takes rows
 * would need it not even once. */
static akin_status export_faiss(export_vectors *x, akin_error *err)
{
    static const vecs_options flat = {
        .kind = VECS_FLAT, .metric = METRIC_DOT, .map = VECS_MAP};
    akin_status status = AKIN_OK;
    vecs *index = NULL;
    size_t values;
    void *p;
    if (!mem_mul(x->n, x->dim, &values)) values = SIZE_MAX;
    AKIN_TRY(mem_new_array(values, sizeof(float), "the vectors", &p, err));
    x->values = p;
    AKIN_TRY(mem_new_array(x->n, sizeof *x->ids, "their ids", &p, err));
    x->ids = p;
    AKIN_TRY(store_each_window(x->snapshot.store, NULL, export_faiss_window, x,
                               err));
    AKIN_TRYG(vecs_new(&flat, x->dim, &index, err));
    AKIN_TRYG(vecs_add(index, x->values, x->ids, x->n_done, 0, err));
    AKIN_TRYG(faiss_save(x->path, index, err));
done:
    vecs_free(index);
    return status;
}

/* ---- Arrow ------------------------------------------------------------------------ */

static akin_status export_arrow_file(export_vectors *x, akin_error *err)
{
    return export_arrow(&x->snapshot, x->path, ARROW_FILE, &x->n_done, err);
}

static akin_status export_arrow_stream(export_vectors *x, akin_error *err)
{
    return export_arrow(&x->snapshot, x->path, ARROW_STREAM, &x->n_done, err);
}

/* ---- the whole ---------------------------------------------------------------------- */

static akin_status export_count(void *user, const store_window *window,
                                akin_error *err)
{
    export_vectors *x = user;
    const unsigned char *half;
    AKIN_TRY(snapshot_vector(&x->snapshot, (uint64_t)window->id, &half, err));
    x->n += half != NULL;
    return AKIN_OK;
}

static akin_status export_make_parent(const char *path, akin_error *err)
{
    char *parent = file_parent(path);
    akin_status status =
        parent ? file_make_dirs(parent, err)
               : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    mem_free(parent);
    return status;
}

static akin_status export_binary(akin_db *db, const char *path,
                                 akin_status (*write)(export_vectors *x,
                                                      akin_error *err),
                                 size_t *n_written, akin_error *err)
{
    export_vectors x = {.path = path};
    akin_status status = snapshot_open(&x.snapshot, db, NULL, err);
    x.dim = db->settings.dim;
    if (status == AKIN_OK && x.dim == 0)
        status = AKIN_FAIL(err, AKIN_ENOTFOUND,
                           "there are no vectors in '%s', not even their "
                           "dimension is known",
                           db->path);
    if (status == AKIN_OK)
        status = store_each_window(x.snapshot.store, NULL, export_count, &x,
                                   err);
    if (status == AKIN_OK) status = export_make_parent(path, err);
    if (status == AKIN_OK) status = write(&x, err);
    if (status == AKIN_OK) *n_written = x.n_done;
    npy_writer_discard(x.npy);
    file_writer_discard(x.csv);
    text_buf_clear(&x.line);
    mem_free(x.values);
    mem_free(x.ids);
    snapshot_close(&x.snapshot);
    return status;
}

/* By its ending, as a name of a format; NULL: none that is known. */
static const char *export_ending(const char *path)
{
    static const struct {
        const char *ending, *format;
    } endings[] = {
        {".npy", "npy"},     {".faiss", "faiss"},         {".csv", "csv"},
        {".arrow", "arrow"}, {".arrows", "arrow-stream"},
    };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (text_ends_with(path, endings[i].ending, true))
            return endings[i].format;
    return NULL;
}

akin_status akin_export_vectors(akin_db *db, const char *path,
                                const char *format, size_t *n_written,
                                akin_error *err)
{
    size_t unused;
    const char *to = format ? format : export_ending(path);
    if (!n_written) n_written = &unused;
    *n_written = 0;
    if (text_equal(to, "npy"))
        return export_binary(db, path, export_npy, n_written, err);
    if (text_equal(to, "faiss"))
        return export_binary(db, path, export_faiss, n_written, err);
    if (text_equal(to, "arrow"))
        return export_binary(db, path, export_arrow_file, n_written, err);
    if (text_equal(to, "arrow-stream"))
        return export_binary(db, path, export_arrow_stream, n_written, err);
    if (text_equal(to, "csv"))
        return export_text_csv(db, path, n_written, err);
    return AKIN_FAIL(err, AKIN_EUSAGE,
                     "'%s' is no format of vectors; npy, faiss, arrow, "
                     "arrow-stream and csv are",
                     format ? format : file_name(path));
}
