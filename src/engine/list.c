/* SPDX-License-Identifier: MIT
 * Looking through a database: windows by id or filter, recordings by name. */
#include "engine/results.h"

#include "base/memory.h"

#define LIST_MAX ((size_t)1 << 32)

/* ---- windows -------------------------------------------------------------- */

typedef struct list_ids {
    int64_t *ids;
    size_t n, cap;
    size_t n_passed; /* that there are, limit and offset aside */
    const akin_list_options *opt;
} list_ids;

static akin_status list_take(list_ids *l, int64_t id, akin_error *err)
{
    const akin_list_options *opt = l->opt;
    size_t at = l->n_passed++;
    void *p = l->ids;
    if (at < opt->offset || (opt->limit && at - opt->offset >= opt->limit))
        return AKIN_OK;
    akin_status status = mem_grow(&p, &l->cap, l->n + 1, sizeof *l->ids,
                                  LIST_MAX, err);
    l->ids = p;
    if (status == AKIN_OK) l->ids[l->n++] = id;
    return status;
}

static akin_status list_window(void *user, const store_window *window,
                               akin_error *err)
{
    return list_take(user, window->id, err);
}

/* Ends the walk with the page; how many windows there are is known without. */
static akin_status list_page(void *user, const store_window *window,
                             akin_error *err)
{
    list_ids *l = user;
    if (l->opt->limit && l->n == l->opt->limit) return AKIN_ECANCELLED;
    return list_take(l, window->id, err);
}

static akin_status list_all(list_ids *l, store *s, akin_error *err)
{
    store_counts counts;
    akin_status status = store_each_window(s, NULL, list_page, l, err);
    bool cut = status == AKIN_ECANCELLED;
    if (status != AKIN_OK && !cut) return status;
    AKIN_TRY(store_count(s, &counts, err));
    l->n_passed = (size_t)counts.windows;
    return AKIN_OK;
}

static akin_status list_filtered(list_ids *l, store *s, akin_error *err)
{
    const char *filter = l->opt->filter;
    store_filter *parsed = NULL;
    if (!filter || !*filter) return list_all(l, s, err);
    AKIN_TRY(store_filter_parse(filter, &parsed, err));
    akin_status status = store_each_window(s, parsed, list_window, l, err);
    store_filter_free(parsed);
    return status;
}

static akin_status list_fill(const list_ids *l, store *s, akin_results *r,
                             akin_error *err)
{
    for (size_t i = 0; i < l->n; i++) {
        store_row row = {0};
        bool found;
        AKIN_TRY(store_get_row(s, l->ids[i], &found, &row, err));
        if (found) AKIN_TRY(results_add(r, 0, 0, &row, err));
    }
    for (size_t i = 0; i < r->n; i++)
        r->hits[i].rank = l->opt->offset + i + 1;
    return AKIN_OK;
}

static akin_status list_run(akin_db *db, list_ids *l, akin_results **out,
                            akin_error *err)
{
    const akin_list_options *opt = l->opt;
    store *s;
    akin_results *r = NULL;
    AKIN_TRY(database_take_store(db, &s, err));
    akin_status status = store_begin_read(s, err);
    if (status == AKIN_OK && !opt->ids) status = list_filtered(l, s, err);
    for (size_t i = 0; opt->ids && i < opt->n_ids && status == AKIN_OK; i++)
        status = list_take(l, opt->ids[i], err);
    if (status == AKIN_OK) status = results_new(&db, 1, l->n, &r, err);
    if (status == AKIN_OK) status = list_fill(l, s, r, err);
    database_give_store(db, s);
    if (status == AKIN_OK)
        *out = r;
    else
        akin_results_free(r);
    return status;
}

akin_status akin_list_windows(akin_db *db, const akin_list_options *opt,
                              akin_results **out, size_t *n_total,
                              akin_error *err)
{
    static const akin_list_options defaults;
    list_ids l = {.opt = opt ? opt : &defaults};
    akin_status status = list_run(db, &l, out, err);
    if (n_total) *n_total = l.n_passed;
    mem_free(l.ids);
    return status;
}

/* ---- recordings ----------------------------------------------------------- */

typedef struct list_recordings {
    akin_db *db;
    bool (*visit)(void *user, const akin_recording *recording);
    void *user;
    bool stopped;
} list_recordings;

static akin_status list_recording(void *user, const store_recording *recording,
                                  akin_error *err)
{
    list_recordings *l = user;
    char *path = database_media_path(l->db, recording->name);
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_recording face = {
        .id = recording->id, .name = recording->name, .path = path,
        .datetime = recording->datetime, .deployment = recording->deployment,
        .project = recording->project, .duration_s = recording->duration_s,
        .n_windows = recording->n_windows,
        .n_annotations = recording->n_annotations};
    l->stopped = !l->visit(l->user, &face);
    mem_free(path);
    return l->stopped ? AKIN_ECANCELLED : AKIN_OK;
}

akin_status akin_each_recording(
    akin_db *db, const akin_recording_options *opt,
    bool (*visit)(void *user, const akin_recording *recording), void *user,
    size_t *n_total, akin_error *err)
{
    static const akin_recording_options defaults;
    list_recordings l = {.db = db, .visit = visit, .user = user};
    store *s;
    if (!opt) opt = &defaults;
    store_recording_query query = {.id = opt->id, .match = opt->match,
                                   .limit = opt->limit, .offset = opt->offset};
    AKIN_TRY(database_take_store(db, &s, err));
    akin_status status = store_begin_read(s, err);
    if (status == AKIN_OK && n_total)
        status = store_count_recordings(s, &query, n_total, err);
    if (status == AKIN_OK)
        status = store_each_recording(s, &query, list_recording, &l, err);
    database_give_store(db, s);
    return l.stopped ? AKIN_OK : status;
}
