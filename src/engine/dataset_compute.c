/* SPDX-License-Identifier: MIT
 * akin_dataset_compute: the views of a dataset, some thousand at a time, are the
 * files of an extraction. */
#include "base/memory.h"
#include "base/text.h"
#include "engine/dataset_table.h"
#include "engine/extract.h"

/* Views whose paths are in memory at a time: enough that the threads do not wait
 * for the next ones. */
#define COMPUTE_PORTION ((size_t)4096)
#define COMPUTE_MAX_VIEWS ((size_t)1 << 32)

typedef struct compute {
    akin_dataset *ds;
    const akin_dataset_compute_options *opt;
    item_store *s;
    char *media;
    int64_t *views; /* [n] row numbers */
    size_t n, cap, n_done;
} compute;

/* ---- which views ------------------------------------------------------------ */

static akin_status compute_add(compute *c, int64_t view, akin_error *err)
{
    void *p = c->views;
    akin_status status = mem_grow(&p, &c->cap, c->n + 1, sizeof *c->views,
                                  COMPUTE_MAX_VIEWS, err);
    c->views = p;
    AKIN_TRY(status);
    c->views[c->n++] = view;
    return AKIN_OK;
}

static akin_status compute_take_view(void *user, const view_row *view,
                                     akin_error *err)
{
    return compute_add(user, view->row, err);
}

static akin_status compute_find(compute *c, const char *id, akin_error *err)
{
    int64_t row;
    view_row view;
    AKIN_TRY(items_find_view(c->s, id, &row, err));
    if (row == 0)
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "view '%s' not found in dataset",
                         id);
    AKIN_TRY(items_get_view(c->s, row, &view, err));
    if (c->opt->view && !text_equal(view.name, c->opt->view)) return AKIN_OK;
    return compute_add(c, row, err);
}

static akin_status compute_check_name(compute *c, akin_error *err)
{
    char **names = NULL;
    size_t n = 0;
    bool found = c->opt->view == NULL;
    if (found) return AKIN_OK;
    AKIN_TRY(items_view_names(c->s, &names, &n, err));
    for (size_t i = 0; i < n; i++) {
        found = found || text_equal(names[i], c->opt->view);
        mem_free(names[i]);
    }
    mem_free(names);
    if (found) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOTFOUND, "table '%s' not found in dataset",
                     c->opt->view);
}

static akin_status compute_list(compute *c, akin_error *err)
{
    AKIN_TRY(dataset_take_store(c->ds, &c->s, err));
    AKIN_TRY(compute_check_name(c, err));
    if (!c->opt->view_ids)
        return items_each_view(c->s, c->opt->view, 0, compute_take_view, c,
                               err);
    for (size_t i = 0; i < c->opt->n_view_ids; i++)
        AKIN_TRY(compute_find(c, c->opt->view_ids[i], err));
    return AKIN_OK;
}

/* ---- their files ------------------------------------------------------------ */

/* A view that was removed since is passed over; what is wrong with its url is
 * told as that of any file. */
static akin_status compute_add_file(compute *c, int64_t row, inputs *in,
                                    akin_error *err)
{
    view_row view;
    char *path = NULL;
    akin_error why = {0};
    akin_status status = items_get_view(c->s, row, &view, &why);
    if (status == AKIN_ENOTFOUND) return AKIN_OK;
    if (status != AKIN_OK) return AKIN_FAIL(err, status, "%s", why.text);
    status = dataset_url_path(c->media, view.url, &path, &why);
    if (status == AKIN_ENOMEM) return AKIN_FAIL(err, status, "%s", why.text);
    status = inputs_add_named(in, status == AKIN_OK ? path : view.url, view.url,
                              status == AKIN_OK ? NULL : why.text, err);
    mem_free(path);
    return status;
}

static akin_status compute_next(void *user, inputs *in, akin_error *err)
{
    compute *c = user;
    while (c->n_done < c->n && in->n < COMPUTE_PORTION)
        AKIN_TRY(compute_add_file(c, c->views[c->n_done++], in, err));
    inputs_sort(in);
    return AKIN_OK;
}

/* ---- the run ---------------------------------------------------------------- */

static akin_status compute_run(compute *c, akin_db *db,
                               akin_extract_report *report, akin_error *err)
{
    const akin_dataset_compute_options *opt = c->opt;
    const akin_extract_options extract = {
        .batch_size = opt->batch_size,
        .threads = opt->threads,
        .force = opt->force,
        .progress = opt->progress,
        .file = opt->file,
        .user = opt->user,
    };
    AKIN_TRY(compute_list(c, err));
    c->media = dataset_media(c->ds);
    if (!c->media) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    const extract_source source = {c->n, compute_next, c};
    return extract_files(db, &source, &extract, report, err);
}

akin_status akin_dataset_compute(akin_dataset *ds, const char *table,
                                 const akin_dataset_compute_options *opt,
                                 akin_extract_report *report, akin_error *err)
{
    static const akin_dataset_compute_options defaults;
    compute c = {.ds = ds, .opt = opt ? opt : &defaults};
    akin_db *db = NULL;
    AKIN_TRY(dataset_need_writer(ds, err));
    pthread_mutex_lock(&ds->write_mutex);
    akin_status status = dataset_table_open_writer(ds, table, &db, err);
    if (status == AKIN_OK) status = compute_run(&c, db, report, err);
    akin_close(db);
    pthread_mutex_unlock(&ds->write_mutex);
    dataset_give_store(ds, c.s);
    mem_free(c.media);
    mem_free(c.views);
    return status;
}
