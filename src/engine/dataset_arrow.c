/* SPDX-License-Identifier: MIT
 * Embedding tables as Arrow IPC, with the columns that Pixano's have in LanceDB:
 * what is written here can be made a table there, and the other way round. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/dataset_put.h"
#include "engine/dataset_table.h"
#include "index/distance.h"
#include "interop/arrow.h"

#define ARROW_BATCH ((size_t)4096)
#define ARROW_MAX_TEXT_BYTES ((size_t)1 << 30) /* of a batch */

/* ---- writing ---------------------------------------------------------------- */

enum { TEXT_ID, TEXT_ITEM, TEXT_VIEW, N_TEXTS };

typedef struct arrow_export {
    akin_dataset *ds;
    dataset_table *table;
    dataset_table_map *map;
    item_store *s;
    arrow_writer *writer;
    size_t dim, n, n_written; /* n: rows in the batch */
    text_buf texts;
    size_t at[ARROW_BATCH][N_TEXTS];
    const char *ids[ARROW_BATCH], *items[ARROW_BATCH], *views[ARROW_BATCH];
    const char *item_names[ARROW_BATCH];
    int64_t created[ARROW_BATCH], updated[ARROW_BATCH];
    int64_t shapes[ARROW_BATCH], shape_ends[ARROW_BATCH + 1];
    float *vectors; /* [ARROW_BATCH, dim] */
} arrow_export;

static akin_status export_put_batch(arrow_export *x, akin_error *err)
{
    for (size_t i = 0; i < x->n; i++) {
        x->ids[i] = x->texts.data + x->at[i][TEXT_ID];
        x->items[i] = x->texts.data + x->at[i][TEXT_ITEM];
        x->views[i] = x->texts.data + x->at[i][TEXT_VIEW];
    }
    const arrow_column item_ref[] = {{.values = x->item_names},
                                     {.values = x->items}};
    const arrow_column view_ref[] = {{.values = x->views}, {.values = x->ids}};
    const arrow_column vectors = {.values = x->vectors};
    const arrow_column shapes = {.values = x->shapes};
    const arrow_column columns[] = {
        {.values = x->ids},
        {.values = x->created},
        {.values = x->updated},
        {.children = item_ref},
        {.children = &vectors},
        {.offsets = x->shape_ends, .children = &shapes},
        {.children = view_ref},
    };
    if (x->n == 0) return AKIN_OK;
    AKIN_TRY(arrow_writer_put(x->writer, columns, x->n, err));
    x->n_written += x->n;
    x->n = 0;
    x->texts.n = 0;
    return AKIN_OK;
}

static size_t export_keep(arrow_export *x, const char *text)
{
    size_t at = x->texts.n;
    text_buf_put(&x->texts, text, strlen(text) + 1);
    return at;
}

/* One view of a row of the map; nothing if it is gone. */
static akin_status export_entry(arrow_export *x, size_t row,
                                const dataset_entry *e, akin_error *err)
{
    view_row view;
    akin_error why = {0};
    akin_status status = items_get_view(x->s, e->view, &view, &why);
    if (status == AKIN_ENOTFOUND) return AKIN_OK;
    if (status != AKIN_OK) return AKIN_FAIL(err, status, "%s", why.text);
    size_t i = x->n++;
    x->at[i][TEXT_ID] = export_keep(x, view.id);
    x->at[i][TEXT_ITEM] = export_keep(x, view.item_id);
    x->at[i][TEXT_VIEW] = export_keep(x, view.name);
    x->item_names[i] = DATASET_ITEM;
    x->created[i] = view.created_us;
    x->updated[i] = view.updated_us;
    x->shapes[i] = (int64_t)x->dim;
    x->shape_ends[i + 1] = (int64_t)i + 1;
    distance_from_half(dataset_map_vector(&x->map->map, row), x->dim,
                       x->vectors + i * x->dim);
    if (x->texts.status != AKIN_OK)
        return AKIN_FAIL(err, x->texts.status, "out of memory for a row");
    return x->n == ARROW_BATCH ? export_put_batch(x, err) : AKIN_OK;
}

static akin_status export_rows(arrow_export *x, akin_error *err)
{
    const dataset_map *map = &x->map->map;
    for (size_t row = 0; row < map->n_rows; row++)
        for (uint32_t i = map->first[row]; i < map->first[row + 1]; i++)
            AKIN_TRY(export_entry(x, row, &map->entries[i], err));
    return export_put_batch(x, err);
}

static akin_status export_open(arrow_export *x, const char *table,
                               akin_error *err)
{
    size_t values;
    void *p;
    AKIN_TRY(dataset_table_take(x->ds, table, &x->table, err));
    AKIN_TRY(dataset_take_store(x->ds, &x->s, err));
    AKIN_TRY(dataset_table_take_map(x->table, x->s, &x->map, err));
    x->dim = x->table->db->settings.dim;
    if (x->dim == 0)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "table '%s' has no embeddings yet", table);
    if (!mem_mul(ARROW_BATCH, x->dim, &values)) values = SIZE_MAX;
    AKIN_TRY(mem_new_array(values, sizeof(float), "the vectors", &p, err));
    x->vectors = p;
    text_buf_init(&x->texts, ARROW_MAX_TEXT_BYTES);
    return AKIN_OK;
}

static akin_status export_run(arrow_export *x, const char *table,
                              const char *path, bool stream, akin_error *err)
{
    static const arrow_field ref[] = {{.name = "name", .type = ARROW_UTF8},
                                      {.name = "id", .type = ARROW_UTF8}};
    static const arrow_field number = {.name = "item", .type = ARROW_FLOAT32};
    static const arrow_field whole = {.name = "item", .type = ARROW_INT64};
    AKIN_TRY(export_open(x, table, err));
    const arrow_field fields[] = {
        {.name = "id", .type = ARROW_UTF8},
        {.name = "created_at", .type = ARROW_TIMESTAMP, .unit = ARROW_US},
        {.name = "updated_at", .type = ARROW_TIMESTAMP, .unit = ARROW_US},
        {.name = "item_ref", .type = ARROW_STRUCT, .children = ref,
         .n_children = 2},
        {.name = "vector", .type = ARROW_FIXED_SIZE_LIST, .size = x->dim,
         .children = &number, .n_children = 1},
        {.name = "shape", .type = ARROW_LIST, .children = &whole,
         .n_children = 1},
        {.name = "view_ref", .type = ARROW_STRUCT, .children = ref,
         .n_children = 2},
    };
    const arrow_schema schema = {.fields = fields,
                                 .n_fields = sizeof fields / sizeof *fields};
    AKIN_TRY(arrow_writer_open(path, &schema,
                               stream ? ARROW_STREAM : ARROW_FILE, &x->writer,
                               err));
    akin_status status = export_rows(x, err);
    if (status == AKIN_OK)
        status = arrow_writer_commit(x->writer, err);
    else
        arrow_writer_discard(x->writer);
    return status;
}

akin_status akin_dataset_export_arrow(akin_dataset *ds, const char *table,
                                      const char *path, bool stream,
                                      size_t *n_written, akin_error *err)
{
    void *p;
    if (n_written) *n_written = 0;
    AKIN_TRY(mem_new_array(1, sizeof(arrow_export), "an export", &p, err));
    arrow_export *x = p;
    x->ds = ds;
    akin_status status = export_run(x, table, path, stream, err);
    if (status == AKIN_OK && n_written) *n_written = x->n_written;
    text_buf_clear(&x->texts);
    mem_free(x->vectors);
    if (x->table) dataset_table_give_map(x->table, x->map);
    dataset_give_store(ds, x->s);
    dataset_table_give(ds, x->table);
    mem_free(x);
    return status;
}

/* ---- reading ---------------------------------------------------------------- */

typedef struct arrow_import {
    const char *path;
    arrow_reader *reader;
    size_t vector, view; /* columns */
    bool view_is_ref;    /* its "id" is meant */
    size_t view_id;      /* place of the id in it */
    size_t dim;          /* 0 until the first vector */
    float *values;       /* [dim] */
    dataset_put *put;    /* NULL: all is looked at only */
} arrow_import;

static akin_status import_lacks(const arrow_import *x, const char *what,
                                akin_error *err)
{
    return AKIN_FAIL(err, AKIN_EUSAGE,
                     "'%s' has no column %s (needed are a list of numbers, "
                     "vector, and a struct, view_ref, with id, or texts, "
                     "view_id)",
                     x->path, what);
}

static akin_status import_find_columns(arrow_import *x, akin_error *err)
{
    const arrow_schema *schema = arrow_reader_schema(x->reader);
    if (!arrow_schema_find(schema, "vector", &x->vector))
        return import_lacks(x, "vector", err);
    const arrow_field *vector = &schema->fields[x->vector];
    if (vector->type != ARROW_LIST && vector->type != ARROW_FIXED_SIZE_LIST)
        return import_lacks(x, "vector that is a list", err);
    if (arrow_schema_find(schema, "view_ref", &x->view)) {
        const arrow_field *ref = &schema->fields[x->view];
        x->view_is_ref = true;
        for (size_t i = 0; ref->type == ARROW_STRUCT && i < ref->n_children;
             i++) {
            x->view_id = i;
            if (text_equal(ref->children[i].name, "id") &&
                ref->children[i].type == ARROW_UTF8)
                return AKIN_OK;
        }
    }
    x->view_is_ref = false;
    if (arrow_schema_find(schema, "view_id", &x->view) &&
        schema->fields[x->view].type == ARROW_UTF8)
        return AKIN_OK;
    return import_lacks(x, "view_ref with an id", err);
}

/* The id of a view as a text; one that cannot be an id is nobody's. */
static void import_view_id(const arrow_import *x, const arrow_batch *batch,
                           size_t row, char out[ITEMS_MAX_ID_BYTES + 1])
{
    const arrow_view *view = arrow_batch_column(batch, x->view);
    if (x->view_is_ref) view = arrow_view_child(view, x->view_id);
    arrow_text text = arrow_view_text(view, row);
    bool good = text.n <= ITEMS_MAX_ID_BYTES && text_is_utf8(text.data, text.n);
    if (good && text.n) memcpy(out, text.data, text.n);
    out[good ? text.n : 0] = 0;
}

static akin_status import_check_dim(arrow_import *x, size_t dim, size_t row,
                                    akin_error *err)
{
    void *p;
    if (x->dim != 0 && dim != x->dim)
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "'%s': the vector of row %zu has dimension %zu, those "
                         "before have %zu",
                         x->path, row, dim, x->dim);
    if (x->dim != 0) return AKIN_OK;
    if (dim == 0)
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "'%s': the vector of row %zu is empty", x->path, row);
    AKIN_TRY(mem_new_array(dim, sizeof *x->values, "a vector", &p, err));
    x->values = p;
    x->dim = dim;
    return AKIN_OK;
}

static akin_status import_row(arrow_import *x, const arrow_batch *batch,
                              size_t row, akin_error *err)
{
    char id[ITEMS_MAX_ID_BYTES + 1];
    const arrow_view *vectors = arrow_batch_column(batch, x->vector);
    if (arrow_view_is_null(vectors, row)) return AKIN_OK;
    AKIN_TRY(import_check_dim(x, arrow_view_items(vectors, row).n, row, err));
    arrow_view_floats(vectors, row, x->values);
    import_view_id(x, batch, row, id);
    for (size_t i = 0; i < x->dim; i++)
        if (!isfinite(x->values[i]))
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "value %zu of the vector of view '%s' is not "
                             "finite",
                             i, id);
    return x->put ? dataset_put_vector(x->put, id, x->values, err) : AKIN_OK;
}

static akin_status import_each(arrow_import *x, akin_error *err)
{
    for (size_t b = 0; b < arrow_reader_batches(x->reader); b++) {
        arrow_batch *batch = NULL;
        akin_status status = arrow_batch_open(x->reader, b, &batch, err);
        size_t n = status == AKIN_OK ? arrow_batch_rows(batch) : 0;
        for (size_t row = 0; row < n && status == AKIN_OK; row++)
            status = import_row(x, batch, row, err);
        arrow_batch_close(batch);
        AKIN_TRY(status);
    }
    return AKIN_OK;
}

/* Gone through twice, so that a file with a bad row leaves no trace. */
static akin_status import_look(arrow_import *x, akin_error *err)
{
    AKIN_TRY(arrow_reader_open(x->path, &x->reader, err));
    AKIN_TRY(import_find_columns(x, err));
    AKIN_TRY(import_each(x, err));
    if (x->dim != 0) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' holds no vectors", x->path);
}

static akin_status import_write(arrow_import *x, akin_dataset *ds,
                                const char *table, const char *made_by,
                                bool force, akin_error *err)
{
    AKIN_TRY(dataset_put_open(x->put, ds, table, made_by, x->dim, err));
    x->put->force = force;
    AKIN_TRY(import_each(x, err));
    return dataset_put_finish(x->put, err);
}

akin_status akin_dataset_import_arrow(akin_dataset *ds, const char *table,
                                      const char *path, const char *made_by,
                                      bool force, size_t *n_added,
                                      size_t *n_unknown, akin_error *err)
{
    arrow_import x = {.path = path};
    dataset_put put = {0};
    if (n_added) *n_added = 0;
    if (n_unknown) *n_unknown = 0;
    AKIN_TRY(dataset_need_writer(ds, err));
    akin_status status = import_look(&x, err);
    if (status == AKIN_OK) {
        x.put = &put;
        pthread_mutex_lock(&ds->write_mutex);
        status = import_write(&x, ds, table, made_by, force, err);
        dataset_put_close(&put);
        pthread_mutex_unlock(&ds->write_mutex);
    }
    arrow_reader_close(x.reader);
    mem_free(x.values);
    if (n_added) *n_added = put.n_added;
    if (n_unknown) *n_unknown = put.n_unknown;
    return status;
}
