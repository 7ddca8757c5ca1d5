/* SPDX-License-Identifier: MIT
 * Arrow out of a database: windows are gathered until they are worth a batch.
 * A batch is bounded by bytes as well as by rows, for a row may be of any
 * width. */
#include "engine/export_arrow.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "index/distance.h"

#define BATCH_MAX_ROWS ((size_t)1 << 14)
#define BATCH_MAX_VALUES ((size_t)1 << 22) /* 16 MiB of vectors */

enum { ID_SIZE = 24 };

/* In the order of the columns. */
enum { COLUMN_ID, COLUMN_RECORDING, COLUMN_START, COLUMN_END, COLUMN_VECTOR,
       N_COLUMNS };

/* The rows of the batch that is gathered. */
typedef struct batch {
    size_t n, max;
    char (*ids)[ID_SIZE];
    const char **id_texts; /* [max], into ids */
    char **recordings;     /* [max], owned; NULL: none */
    double *starts, *ends;
    float *vectors; /* [max, dim] */
} batch;

typedef struct export {
    snapshot *from;
    arrow_writer *writer;
    size_t dim, n_written;
    batch batch;
} export;

/* ---- the batch --------------------------------------------------------------- */

static void batch_empty(batch *b)
{
    for (size_t i = 0; b->recordings && i < b->n; i++)
        mem_free(b->recordings[i]);
    b->n = 0;
}

static void batch_clear(batch *b)
{
    batch_empty(b);
    mem_free(b->ids);
    mem_free(b->id_texts);
    mem_free(b->recordings);
    mem_free(b->starts);
    mem_free(b->ends);
    mem_free(b->vectors);
}

static akin_status batch_init(batch *b, size_t dim, akin_error *err)
{
    void *p;
    size_t fit = BATCH_MAX_VALUES / dim;
    b->max = fit == 0 ? 1 : fit < BATCH_MAX_ROWS ? fit : BATCH_MAX_ROWS;
    AKIN_TRY(mem_new_array(b->max, sizeof *b->ids, "rows", &p, err));
    b->ids = p;
    AKIN_TRY(mem_new_array(b->max, sizeof *b->id_texts, "rows", &p, err));
    b->id_texts = p;
    AKIN_TRY(mem_new_array(b->max, sizeof *b->recordings, "rows", &p, err));
    b->recordings = p;
    AKIN_TRY(mem_new_array(b->max, sizeof *b->starts, "rows", &p, err));
    b->starts = p;
    AKIN_TRY(mem_new_array(b->max, sizeof *b->ends, "rows", &p, err));
    b->ends = p;
    AKIN_TRY(mem_new_array(b->max, dim * sizeof *b->vectors, "rows", &p, err));
    b->vectors = p;
    for (size_t i = 0; i < b->max; i++) b->id_texts[i] = b->ids[i];
    return AKIN_OK;
}

static akin_status put_batch(export *x, akin_error *err)
{
    batch *b = &x->batch;
    const arrow_column values = {.values = b->vectors};
    const arrow_column columns[N_COLUMNS] = {
        [COLUMN_ID] = {.values = b->id_texts},
        [COLUMN_RECORDING] = {.values = b->recordings},
        [COLUMN_START] = {.values = b->starts},
        [COLUMN_END] = {.values = b->ends},
        [COLUMN_VECTOR] = {.children = &values},
    };
    if (b->n == 0) return AKIN_OK;
    AKIN_TRY(arrow_writer_put(x->writer, columns, b->n, err));
    x->n_written += b->n;
    batch_empty(b);
    return AKIN_OK;
}

/* Its name, which the batch owns from here on. */
static akin_status put_recording(batch *b, const store_window *window,
                                 store_row *row, akin_error *err)
{
    const char *name = row->recording;
    if (name && !text_is_utf8(name, strlen(name)))
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "the recording of window %lld has a name that is not "
                         "UTF-8, which Arrow has no room for; a CSV has",
                         (long long)window->id);
    b->recordings[b->n] = row->recording;
    row->recording = NULL;
    return AKIN_OK;
}

static akin_status export_window(void *user, const store_window *window,
                                 akin_error *err)
{
    export *x = user;
    batch *b = &x->batch;
    const unsigned char *half;
    store_row row = {0};
    bool found;
    AKIN_TRY(snapshot_vector(x->from, (uint64_t)window->id, &half, err));
    if (!half) return AKIN_OK;
    AKIN_TRY(store_get_row(x->from->store, window->id, &found, &row, err));
    akin_status status = put_recording(b, window, &row, err);
    store_row_clear(&row);
    AKIN_TRY(status);
    snprintf(b->ids[b->n], ID_SIZE, "%lld", (long long)window->id);
    b->starts[b->n] = window->start_s;
    b->ends[b->n] = window->end_s;
    distance_from_half(half, x->dim, b->vectors + b->n * x->dim);
    b->n++;
    return b->n < b->max ? AKIN_OK : put_batch(x, err);
}

/* ---- the whole --------------------------------------------------------------- */

static akin_status export_rows(export *x, const char *path,
                               arrow_format format, akin_error *err)
{
    char dim[24];
    const char *maker = x->from->db->settings.model;
    const bool named = *maker && text_is_utf8(maker, strlen(maker));
    const arrow_field item = {.name = "item", .type = ARROW_FLOAT32};
    const arrow_field fields[N_COLUMNS] = {
        [COLUMN_ID] = {.name = "id", .type = ARROW_UTF8},
        [COLUMN_RECORDING] = {.name = "recording", .type = ARROW_UTF8,
                              .nullable = true},
        [COLUMN_START] = {.name = "start", .type = ARROW_FLOAT64},
        [COLUMN_END] = {.name = "end", .type = ARROW_FLOAT64},
        [COLUMN_VECTOR] = {.name = "vector", .type = ARROW_FIXED_SIZE_LIST,
                           .size = x->dim, .children = &item, .n_children = 1},
    };
    const arrow_pair metadata[] = {
        {"dim", dim}, {"metric", "cosine"}, {"model", maker}};
    const arrow_schema schema = {.fields = fields, .n_fields = N_COLUMNS,
                                 .metadata = metadata,
                                 .n_metadata = named ? 3 : 2};
    snprintf(dim, sizeof dim, "%zu", x->dim);
    akin_status status = AKIN_OK;
    AKIN_TRYG(arrow_writer_open(path, &schema, format, &x->writer, err));
    AKIN_TRYG(store_each_window(x->from->store, NULL, export_window, x, err));
    AKIN_TRYG(put_batch(x, err));
    status = arrow_writer_commit(x->writer, err);
    x->writer = NULL;
done:
    arrow_writer_discard(x->writer);
    return status;
}

akin_status export_arrow(snapshot *from, const char *path, arrow_format format,
                         size_t *n_written, akin_error *err)
{
    export x = {.from = from, .dim = from->db->settings.dim};
    akin_status status = batch_init(&x.batch, x.dim, err);
    if (status == AKIN_OK) status = export_rows(&x, path, format, err);
    if (status == AKIN_OK) *n_written = x.n_written;
    batch_clear(&x.batch);
    return status;
}
