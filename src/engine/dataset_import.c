/* SPDX-License-Identifier: MIT
 * Importing a folder of images, with or without metadata, into a dataset.
 *
 * First everything is found and the metadata are learnt, so that a folder
 * without images, or metadata that cannot be read, leave no dataset behind. Then
 * items are written, some thousand a transaction: a run that is stopped keeps
 * what it committed, and the next one finds it there. At the end all views are
 * looked through for files that are gone and for the relation of each view table
 * to item. */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/dataset_import_int.h"

#define IMPORT_COMMIT_ITEMS 4096
#define IMPORT_PROGRESS_S 0.1
#define IMPORT_MAX_VIEWS 4096

static akin_status import_no_memory(akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for an import");
}

/* ---- telling ------------------------------------------------------------------- */

void import_problem(dataset_import *x, const char *path, size_t line,
                    const char *text)
{
    x->report.n_failed++;
    if (!x->opt->problem) return;
    char *subject = line ? text_format("%s, line %zu", path, line) : NULL;
    x->opt->problem(x->opt->user, subject ? subject : path, text);
    mem_free(subject);
}

static void import_begin_phase(dataset_import *x, const char *phase)
{
    x->phase = phase;
    x->began_s = clock_now_s();
    x->n_done = 0;
}

/* At most ten times a second. */
bool import_tell(void *user)
{
    dataset_import *x = user;
    double now_s = clock_now_s(), elapsed_s = now_s - x->began_s;
    if (!x->opt->progress || now_s - x->told_s < IMPORT_PROGRESS_S)
        return !x->stopped;
    x->told_s = now_s;
    double fraction = x->n_total > x->n_done
                          ? (double)x->n_done / (double)x->n_total
                          : x->n_total > 0;
    akin_progress progress = {
        .phase = x->phase,
        .files_done = x->n_done,
        .files_total = x->n_total,
        .windows_done = (int64_t)x->report.n_new_views,
        .elapsed_s = now_s - x->start_s,
        .remaining_s = fraction > 0.005 && elapsed_s > 1
                           ? elapsed_s / fraction - elapsed_s
                           : -1,
        .fraction = fraction,
        .file = x->folder,
    };
    if (!x->opt->progress(x->opt->user, &progress)) x->stopped = true;
    return !x->stopped;
}

/* ---- sets of rows ----------------------------------------------------------------- */

bool import_rows_has(const import_rows *rows, int64_t row)
{
    size_t word = (size_t)row / 64;
    return word < rows->cap && rows->bits[word] >> (row % 64) & 1;
}

akin_status import_rows_add(import_rows *rows, int64_t row, akin_error *err)
{
    size_t word = (size_t)row / 64, had = rows->cap;
    if (word >= rows->cap) {
        void *p = rows->bits;
        akin_status status = mem_grow(&p, &rows->cap, word + 1,
                                      sizeof *rows->bits, SIZE_MAX / 16, err);
        rows->bits = p;
        AKIN_TRY(status);
        memset(rows->bits + had, 0, (rows->cap - had) * sizeof *rows->bits);
    }
    rows->bits[word] |= (uint64_t)1 << (row % 64);
    return AKIN_OK;
}

/* ---- fields ---------------------------------------------------------------------- */

static size_t fields_find(const item_field *fields, size_t n, const char *name)
{
    size_t i = 0;
    while (i < n && strcasecmp(fields[i].name, name) != 0) i++;
    return i;
}

static akin_status fields_put(dataset_import *x, const metadata_column *column,
                              akin_error *err)
{
    size_t n;
    const item_field *fields = items_fields(x->s, &n);
    size_t at = fields_find(fields, n, column->name);
    item_field field = {column->name, column->kind};
    if (at == n) return items_add_field(x->s, &field, err);
    item_kind kind = metadata_wider(fields[at].kind, column->kind);
    if (kind == fields[at].kind) return AKIN_OK;
    return items_widen_field(x->s, at, kind, err);
}

static bool column_is_field(const metadata_column *column)
{
    return !column->is_view && column->n_values > 0;
}

/* Columns of all metadata become fields before any of them learns which: a later
 * file may widen what an earlier one has. */
static akin_status import_add_fields(dataset_import *x, akin_error *err)
{
    for (size_t i = 0; i < x->n_metadata; i++) {
        const metadata *m = &x->metadata[i].m;
        for (size_t c = 0; c < m->n_columns; c++) {
            if (!column_is_field(&m->columns[c])) continue;
            akin_status status = fields_put(x, &m->columns[c], err);
            if (status != AKIN_OK)
                return error_prefix(err, status, "'%s'", m->path);
        }
    }
    return AKIN_OK;
}

static akin_status import_link_fields(dataset_import *x, akin_error *err)
{
    size_t n;
    void *values = NULL;
    const item_field *fields = items_fields(x->s, &n);
    for (size_t i = 0; i < x->n_metadata; i++) {
        metadata *m = &x->metadata[i].m;
        for (size_t c = 0; c < m->n_columns; c++) {
            metadata_column *column = &m->columns[c];
            if (!column_is_field(column)) continue;
            column->field = fields_find(fields, n, column->name);
            column->kind = fields[column->field].kind;
        }
    }
    AKIN_TRY(mem_new_array(n, sizeof *x->values, "an item", &values, err));
    x->values = values;
    return AKIN_OK;
}

/* ---- items ------------------------------------------------------------------------ */

static akin_status import_commit(dataset_import *x, akin_error *err)
{
    AKIN_TRY(items_commit(x->s, err));
    x->n_uncommitted = 0;
    x->committed = x->report;
    return AKIN_OK;
}

static akin_status import_one(dataset_import *x, const import_item *item,
                              akin_error *err)
{
    if (x->n_uncommitted == 0) AKIN_TRY(items_begin(x->s, err));
    x->n_uncommitted++;
    AKIN_TRY(import_put(x, item, err));
    x->n_done++;
    if (x->n_uncommitted >= IMPORT_COMMIT_ITEMS) AKIN_TRY(import_commit(x, err));
    return import_tell(x) ? AKIN_OK : AKIN_ECANCELLED;
}

typedef struct import_reader {
    dataset_import *x;
    const import_metadata *metadata;
} import_reader;

static akin_status import_row(void *user, const metadata_row *row,
                              akin_error *err)
{
    import_reader *r = user;
    import_item item = {
        .path = r->metadata->m.path,
        .line = row->line,
        .id = row->id,
        .split = row->split && *row->split ? row->split : NULL,
        .new_split = r->metadata->split,
        .has_created = row->has_created,
        .created_us = row->created_us,
        .m = &r->metadata->m,
        .row = row,
        .files = row->files,
        .n_files = row->n_files,
    };
    return import_one(r->x, &item, err);
}

static void import_bad_row(void *user, size_t line, const char *text)
{
    import_reader *r = user;
    import_problem(r->x, r->metadata->m.path, line, text);
    r->x->n_done++;
}

static akin_status import_file(dataset_import *x, const char *path,
                               akin_error *err)
{
    metadata_file file = {x->view, path};
    import_item item = {.path = path, .files = &file, .n_files = 1};
    return import_one(x, &item, err);
}

static akin_status import_items(dataset_import *x, akin_error *err)
{
    for (size_t i = 0; i < x->n_metadata; i++) {
        import_reader reader = {x, &x->metadata[i]};
        metadata_visitor visitor = {import_row, import_bad_row, &reader};
        AKIN_TRY(metadata_each(&x->metadata[i].m, &visitor, err));
    }
    for (size_t i = 0; i < x->n_files; i++)
        AKIN_TRY(import_file(x, x->files[i], err));
    return AKIN_OK;
}

/* ---- the end: what is gone, and relations -------------------------------------------- */

static akin_status import_find_view(dataset_import *x, const char *name,
                                    import_view **out, akin_error *err)
{
    void *p = x->views;
    for (size_t i = 0; i < x->n_views; i++) {
        *out = &x->views[i];
        if (strcmp(x->views[i].name, name) == 0) return AKIN_OK;
    }
    akin_status status = mem_grow(&p, &x->cap_views, x->n_views + 1,
                                  sizeof *x->views, IMPORT_MAX_VIEWS, err);
    x->views = p;
    AKIN_TRY(status);
    *out = &x->views[x->n_views++];
    **out = (import_view){.name = mem_strdup(name)};
    return (*out)->name ? AKIN_OK : import_no_memory(err);
}

static akin_status import_check_file(dataset_import *x, const char *url,
                                     akin_error *err)
{
    char *path = NULL;
    akin_error why = {0};
    akin_status status = dataset_url_path(x->media, url, &path, &why);
    mem_free(path);
    if (status == AKIN_ENOMEM) return AKIN_FAIL(err, status, "%s", why.text);
    if (status == AKIN_OK) return AKIN_OK;
    x->report.n_missing++;
    if (x->opt->problem) x->opt->problem(x->opt->user, url, why.text);
    return AKIN_OK;
}

static akin_status import_look_through(void *user, const view_row *row,
                                       akin_error *err)
{
    dataset_import *x = user;
    import_view *view = NULL;
    AKIN_TRY(import_find_view(x, row->name, &view, err));
    view->many = view->many || import_rows_has(&view->items, row->item);
    AKIN_TRY(import_rows_add(&view->items, row->item, err));
    if (x->stopped || import_rows_has(&x->seen_views, row->row)) return AKIN_OK;
    return import_check_file(x, row->url, err);
}

static const char *field_type(item_kind kind)
{
    switch (kind) {
    case ITEM_INTEGER: return "int";
    case ITEM_NUMBER: return "float";
    case ITEM_BOOL: return "bool";
    case ITEM_TIME: return "datetime";
    default: return "str";
    }
}

static akin_status import_fill_schema(dataset_import *x, dataset_schema *schema,
                                      akin_error *err)
{
    size_t n;
    const item_field *fields = items_fields(x->s, &n);
    for (size_t i = 0; i < n; i++)
        AKIN_TRY(dataset_schema_put_field(schema, fields[i].name,
                                          field_type(fields[i].kind), err));
    for (size_t i = 0; i < x->n_views; i++)
        AKIN_TRY(dataset_schema_put_view(
            schema, x->views[i].name,
            x->views[i].many ? "many_to_one" : "one_to_one", err));
    return AKIN_OK;
}

static akin_status import_write_schema(dataset_import *x, akin_error *err)
{
    json_t *before = json_deep_copy(x->schema.json);
    akin_status status = import_fill_schema(x, &x->schema, err);
    if (status == AKIN_OK && !json_equal(before, x->schema.json))
        status = dataset_write_schema(x->ds, &x->schema, err);
    json_decref(before);
    return status;
}

static akin_status import_finish(dataset_import *x, akin_error *err)
{
    int64_t n_items, n_views;
    AKIN_TRY(items_each_view(x->s, NULL, 0, import_look_through, x, err));
    AKIN_TRY(import_write_schema(x, err));
    AKIN_TRY(items_count(x->s, &n_items, &n_views, err));
    x->report.n_items = (size_t)n_items;
    x->report.n_views = (size_t)n_views;
    return AKIN_OK;
}

/* ---- the run ------------------------------------------------------------------------ */

static akin_status import_check(const dataset_import *x, akin_error *err)
{
    const char *view = x->view;
    if (!metadata_view_is_good(view))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s' cannot be the name of a view", view);
    return AKIN_OK;
}

static akin_status import_open(dataset_import *x, const char *path,
                               akin_error *err)
{
    const akin_dataset_options opt = {.write = true, .busy_s = x->opt->busy_s};
    const dataset_making making = {
        .media = x->folder,
        .id = x->opt->id,
        .name = x->opt->name,
        .description = x->opt->description,
        .overwrite = x->opt->overwrite,
    };
    AKIN_TRY(dataset_open_making(path, &making, &opt, &x->ds, err));
    AKIN_TRY(dataset_read_schema(x->ds, &x->schema, err));
    x->s = x->ds->writer;
    x->media = dataset_media(x->ds);
    return x->media ? AKIN_OK : import_no_memory(err);
}

/* Nothing to import is nothing to make a dataset of, but in one that is there it
 * may be that all is gone. */
static akin_status import_check_found(const dataset_import *x, const char *path,
                                      akin_error *err)
{
    char *items = file_join(path, DATASET_ITEMS);
    if (!items) return import_no_memory(err);
    bool there = file_exists(items) && !x->opt->overwrite;
    mem_free(items);
    if (x->n_total > 0 || there) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOTFOUND, "there are no images in '%s'",
                     x->folder);
}

static akin_status import_write(dataset_import *x, akin_error *err)
{
    import_begin_phase(x, "write");
    AKIN_TRY(items_begin(x->s, err));
    x->n_uncommitted = 1; /* fields, with the first items */
    AKIN_TRY(import_add_fields(x, err));
    AKIN_TRY(import_link_fields(x, err));
    akin_status status = import_items(x, err);
    if (status != AKIN_OK && status != AKIN_ECANCELLED) return status;
    if (x->n_uncommitted > 0) AKIN_TRY(import_commit(x, err));
    AKIN_TRY(import_finish(x, err));
    if (!x->stopped) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECANCELLED,
                     "stopped; %zu new items are kept, and the next import "
                     "goes on from here",
                     x->report.n_new_items);
}

static akin_status import_folder(dataset_import *x, const char *path,
                                 const char *folder, akin_error *err)
{
    if (!file_is_dir(folder))
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no folder '%s'",
                         folder);
    x->folder = file_absolute(folder);
    x->own = file_absolute(path);
    return x->folder && x->own ? AKIN_OK : import_no_memory(err);
}

static akin_status import_run(dataset_import *x, const char *path,
                              const char *folder, akin_error *err)
{
    import_begin_phase(x, "read");
    AKIN_TRY(import_check(x, err));
    AKIN_TRY(import_folder(x, path, folder, err));
    AKIN_TRY(import_find(x, err));
    AKIN_TRY(import_check_found(x, path, err));
    AKIN_TRY(import_open(x, path, err));
    akin_status status = import_write(x, err);
    if (status == AKIN_OK || status == AKIN_ECANCELLED) return status;
    items_rollback(x->s);
    x->report = x->committed;
    return status;
}

static void import_clear(dataset_import *x)
{
    akin_dataset_close(x->ds);
    dataset_schema_clear(&x->schema);
    import_forget_looks(x);
    for (size_t i = 0; i < x->n_metadata; i++) {
        metadata_clear(&x->metadata[i].m);
        mem_free(x->metadata[i].split);
    }
    for (size_t i = 0; i < x->n_views; i++) {
        mem_free(x->views[i].name);
        mem_free(x->views[i].items.bits);
    }
    mem_free(x->views);
    mem_free(x->metadata);
    file_list_free(x->files, x->n_files);
    mem_free(x->seen_items.bits);
    mem_free(x->seen_views.bits);
    mem_free(x->values);
    mem_free(x->media);
    mem_free(x->folder);
    mem_free(x->own);
    mem_free(x);
}

akin_status akin_dataset_import(const char *path, const char *folder,
                                const akin_dataset_import_options *opt,
                                akin_dataset_import_report *report,
                                akin_error *err)
{
    static const akin_dataset_import_options defaults;
    dataset_import *x = mem_array(1, sizeof *x);
    if (report) *report = (akin_dataset_import_report){0};
    if (!x) return import_no_memory(err);
    x->opt = opt ? opt : &defaults;
    x->view = x->opt->view ? x->opt->view : DATASET_VIEW;
    x->start_s = clock_now_s();
    akin_status status = import_run(x, path, folder, err);
    if (report) *report = x->report;
    import_clear(x);
    return status;
}
