/* SPDX-License-Identifier: MIT
 * Verification: rows against their schema, the index against its format, and
 * both against each other; and mending.
 *
 * Mending removes what cannot be made whole and marks the files it came from as
 * incomplete, so that the next extraction makes it again; a vector is never
 * invented. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "engine/checkpoint.h"
#include "engine/database_open.h"
#include "engine/rows.h"
#include "index/graph.h"

#define VERIFY_MAX_PROBLEMS ((size_t)1 << 24)
#define VERIFY_SHOWN_IDS 5

typedef struct id_list {
    uint64_t *ids;
    size_t n, cap;
} id_list;

typedef struct verify {
    akin_db *db;
    store *store;
    const akin_verify_options *opt;
    akin_verify_report *report;
    store_problem *problems;
    size_t n_problems, cap_problems;
    id_list windows;  /* all of them, ascending */
    id_list homeless; /* vectors without window */
    id_list bare;     /* windows without vector */
    rows pending;
    rows salvaged;
    usearch_file *index; /* NULL: missing or damaged */
    bool index_damaged, index_missing;
    char index_problem[512];
} verify;

static void verify_find(verify *v, bool mended, const char *fmt, ...)
    AKIN_PRINTF(3, 4);

static void verify_find(verify *v, bool mended, const char *fmt, ...)
{
    char text[768];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    v->report->n_findings++;
    v->report->n_mended += mended;
    if (v->opt->finding) v->opt->finding(v->opt->user, text, mended);
}

static akin_status id_list_add(id_list *list, uint64_t id, akin_error *err)
{
    void *p = list->ids;
    akin_status status = mem_grow(&p, &list->cap, list->n + 1,
                                  sizeof *list->ids, (size_t)1 << 40, err);
    list->ids = p;
    if (status == AKIN_OK) list->ids[list->n++] = id;
    return status;
}

/* "3, 4, 5, 6, 7, ..." */
static void id_list_show(const id_list *list, char *out, size_t size)
{
    size_t at = 0;
    out[0] = 0;
    for (size_t i = 0; i < list->n && i < VERIFY_SHOWN_IDS && at < size; i++)
        at += (size_t)snprintf(out + at, size - at, "%s%llu", i ? ", " : "",
                               (unsigned long long)list->ids[i]);
    if (list->n > VERIFY_SHOWN_IDS && at < size)
        snprintf(out + at, size - at, ", ...");
}

/* ---- rows ------------------------------------------------------------------- */

static akin_status verify_take_problem(void *user, const store_problem *problem,
                                       akin_error *err)
{
    verify *v = user;
    void *p = v->problems;
    akin_status status =
        mem_grow(&p, &v->cap_problems, v->n_problems + 1, sizeof *v->problems,
                 VERIFY_MAX_PROBLEMS, err);
    v->problems = p;
    if (status == AKIN_OK) v->problems[v->n_problems++] = *problem;
    return status;
}

static akin_status verify_mend_rows(verify *v, akin_error *err)
{
    AKIN_TRY(store_begin(v->store, err));
    for (size_t i = 0; i < v->n_problems; i++) {
        const store_problem *problem = &v->problems[i];
        akin_status status = store_mend(v->store, problem, err);
        if (status != AKIN_OK && status != AKIN_EUNSUPPORTED) {
            store_rollback(v->store);
            return status;
        }
        verify_find(v, status == AKIN_OK, "%s", problem->text);
    }
    akin_status status = store_commit(v->store, err);
    if (status != AKIN_OK) store_rollback(v->store);
    return status;
}

static akin_status verify_rows(verify *v, akin_error *err)
{
    AKIN_TRY(store_check(v->store, verify_take_problem, v, err));
    if (v->opt->repair && v->n_problems > 0) return verify_mend_rows(v, err);
    for (size_t i = 0; i < v->n_problems; i++)
        verify_find(v, false, "%s", v->problems[i].text);
    return AKIN_OK;
}

/* ---- the index file ------------------------------------------------------------ */

static akin_status verify_open_index(verify *v, akin_error *err)
{
    akin_error why = {0};
    akin_db *db = v->db;
    akin_status status = usearch_open(db->index_path, USEARCH_STRUCTURE,
                                      &v->index, &why);
    size_t dim = status == AKIN_OK ? usearch_get_info(v->index)->dim : 0;
    if (status == AKIN_OK && db->settings.dim && dim != db->settings.dim) {
        status = AKIN_FAIL(&why, AKIN_ECORRUPT,
                           "its vectors have dimension %zu, the metadata says "
                           "%u", dim, db->settings.dim);
        usearch_close(v->index);
        v->index = NULL;
    }
    if (status == AKIN_OK && !db->settings.dim)
        db->settings.dim = (uint32_t)dim;
    if (status == AKIN_ENOMEM || status == AKIN_EUNSUPPORTED)
        return AKIN_FAIL(err, status, "%s", why.text);
    v->index_missing = status == AKIN_ENOTFOUND;
    v->index_damaged = status != AKIN_OK && !v->index_missing;
    snprintf(v->index_problem, sizeof v->index_problem, "%s", why.text);
    rows_init(&v->pending, db->settings.dim);
    rows_init(&v->salvaged, db->settings.dim);
    return AKIN_OK;
}

static akin_status verify_take_salvaged(void *user, uint64_t key,
                                        const unsigned char *vector,
                                        akin_error *err)
{
    return rows_add(&((verify *)user)->salvaged, key, vector, err);
}

static akin_status verify_take_window(void *user, const store_window *window,
                                      akin_error *err)
{
    return id_list_add(&((verify *)user)->windows, (uint64_t)window->id, err);
}

/* Marks in seen the windows that have this vector; others are homeless. */
static akin_status verify_see(verify *v, uint64_t *seen, uint64_t id,
                              akin_error *err)
{
    size_t at;
    if (id == GRAPH_FREE_KEY) return AKIN_OK;
    if (rows_find(v->windows.ids, v->windows.n, id, &at)) {
        seen[at / 64] |= (uint64_t)1 << (at % 64);
        return AKIN_OK;
    }
    for (size_t i = 0; i < v->pending.n_removed; i++)
        if (v->pending.removed[i] == id) return AKIN_OK; /* is on its way out */
    return id_list_add(&v->homeless, id, err);
}

static akin_status verify_compare(verify *v, akin_error *err)
{
    void *p = NULL;
    akin_status status = AKIN_OK;
    AKIN_TRYG(store_each_window(v->store, NULL, verify_take_window, v, err));
    AKIN_TRYG(rows_load_pending(&v->pending, v->store, err));
    AKIN_TRYG(mem_new_array(v->windows.n / 64 + 1, 8, "a comparison", &p, err));
    uint64_t *seen = p;
    size_t n_file = v->index ? usearch_get_info(v->index)->n_rows : 0;
    for (size_t i = 0; i < n_file; i++)
        AKIN_TRYG(verify_see(v, seen, usearch_key(v->index, i), err));
    for (size_t i = 0; i < v->salvaged.n; i++)
        AKIN_TRYG(verify_see(v, seen, v->salvaged.ids[i], err));
    for (size_t i = 0; i < v->pending.n; i++)
        AKIN_TRYG(verify_see(v, seen, v->pending.ids[i], err));
    for (size_t i = 0; i < v->windows.n; i++)
        if (!(seen[i / 64] >> (i % 64) & 1))
            AKIN_TRYG(id_list_add(&v->bare, v->windows.ids[i], err));
done:
    mem_free(p);
    return status;
}

/* ---- mending what the comparison found ---------------------------------------------- */

/* A window without vector goes; its file is to be gone through again. */
static akin_status verify_drop_bare(verify *v, uint64_t id, akin_error *err)
{
    store_row row = {0};
    store_file file;
    bool found, known;
    AKIN_TRY(store_get_row(v->store, (int64_t)id, &found, &row, err));
    int64_t recording = row.window.recording_id;
    store_row_clear(&row);
    if (!found) return AKIN_OK;
    AKIN_TRY(store_get_file(v->store, recording, &known, &file, err));
    if (known) {
        file.complete = false;
        AKIN_TRY(store_set_file(v->store, recording, &file, err));
    }
    return store_remove_window(v->store, (int64_t)id, err);
}

static akin_status verify_mend_in_transaction(verify *v, akin_error *err)
{
    for (size_t i = 0; i < v->bare.n; i++)
        AKIN_TRY(verify_drop_bare(v, v->bare.ids[i], err));
    for (size_t i = 0; i < v->homeless.n && v->index; i++)
        AKIN_TRY(store_put_pending(v->store, (int64_t)v->homeless.ids[i], NULL,
                                   0, err));
    /* What was saved of a damaged index goes through the journal. */
    for (size_t i = 0; i < v->salvaged.n; i++) {
        size_t at;
        uint64_t id = v->salvaged.ids[i];
        if (!rows_find(v->windows.ids, v->windows.n, id, &at) ||
            rows_find(v->pending.ids, v->pending.n, id, &at))
            continue;
        AKIN_TRY(store_put_pending(v->store, (int64_t)id,
                                   rows_vector(&v->salvaged, i),
                                   v->salvaged.dim * 2, err));
    }
    return AKIN_OK;
}

/* The damaged file is kept beside the new one until that is complete. */
static akin_status verify_set_aside(verify *v, akin_error *err)
{
    if (!v->index_damaged) return AKIN_OK;
    char *aside = text_format("%s.damaged", v->db->index_path);
    if (!aside) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_status status = file_rename(v->db->index_path, aside, err);
    mem_free(aside);
    return status;
}

static akin_status verify_mend_index(verify *v, akin_error *err)
{
    AKIN_TRY(store_begin(v->store, err));
    akin_status status = verify_mend_in_transaction(v, err);
    if (status == AKIN_OK) status = store_commit(v->store, err);
    if (status != AKIN_OK) {
        store_rollback(v->store);
        return status;
    }
    AKIN_TRY(verify_set_aside(v, err));
    return checkpoint_run(v->db, NULL, err);
}

/* ---- telling ---------------------------------------------------------------------------- */

static void verify_tell(verify *v, bool mended)
{
    char ids[160];
    if (v->index_missing && v->windows.n > v->pending.n)
        verify_find(v, mended, "usearch.index is missing%s",
                    mended ? "; it was made anew from the journal" : "");
    if (v->index_damaged)
        verify_find(v, mended, "%s; %zu vectors could be read from it%s",
                    v->index_problem, v->salvaged.n,
                    mended ? ", the index was made anew from them and the old "
                             "one kept as usearch.index.damaged"
                           : "");
    id_list_show(&v->bare, ids, sizeof ids);
    if (v->bare.n)
        verify_find(v, mended, "%zu windows have no vector (%s)%s", v->bare.n,
                    ids,
                    mended ? "; they were removed, extract their recordings "
                             "again to have them back"
                           : "");
    id_list_show(&v->homeless, ids, sizeof ids);
    if (v->homeless.n)
        verify_find(v, mended, "%zu vectors have no window (%s)%s",
                    v->homeless.n, ids, mended ? "; they were removed" : "");
}

/* Left behind by a process that was killed. */
static void verify_left_over(verify *v)
{
    static const char *const names[] = {"usearch.index.tmp",
                                        "hoplite.sqlite-wal"};
    for (size_t i = 0; i < 2; i++) {
        file_stamp stamp;
        char *path = file_join(v->db->path, names[i]);
        if (path && file_stat(path, &stamp, NULL) == AKIN_OK &&
            stamp.size_bytes > 0)
            verify_find(v, v->opt->repair,
                        "%s (%lld bytes) was left over by a process that was "
                        "killed, or one is writing now%s",
                        names[i], (long long)stamp.size_bytes,
                        v->opt->repair ? "; it was folded in or removed" : "");
        if (path && v->opt->repair && i == 0) file_remove(path);
        mem_free(path);
    }
}

static akin_status verify_all(verify *v, akin_error *err)
{
    akin_db *db = v->db;
    AKIN_TRY(verify_rows(v, err));
    AKIN_TRY(verify_open_index(v, err));
    if (v->index_damaged && db->settings.dim &&
        usearch_salvage(db->index_path, db->settings.dim, verify_take_salvaged,
                        v, err) != AKIN_OK)
        rows_clear(&v->salvaged); /* nothing could be read */
    AKIN_TRY(verify_compare(v, err));
    bool wrong = v->index_missing || v->index_damaged || v->bare.n ||
                 v->homeless.n;
    if (wrong && v->opt->repair) AKIN_TRY(verify_mend_index(v, err));
    verify_tell(v, v->opt->repair);
    v->report->n_windows = (int64_t)v->windows.n;
    v->report->n_vectors = (int64_t)(v->windows.n - v->bare.n);
    if (v->opt->repair) v->report->n_windows -= (int64_t)v->bare.n;
    return AKIN_OK;
}

static void verify_clear(verify *v)
{
    mem_free(v->problems);
    mem_free(v->windows.ids);
    mem_free(v->homeless.ids);
    mem_free(v->bare.ids);
    rows_clear(&v->pending);
    rows_clear(&v->salvaged);
    usearch_close(v->index);
}

akin_status akin_verify(const char *path, const akin_verify_options *opt,
                        akin_verify_report *report, akin_error *err)
{
    static const akin_verify_options defaults;
    akin_verify_report unused;
    verify v = {.opt = opt ? opt : &defaults,
                .report = report ? report : &unused};
    *v.report = (akin_verify_report){0};
    akin_db_options db_opt = {.mode = v.opt->repair ? AKIN_WRITE : AKIN_READ,
                              .busy_s = v.opt->busy_s};
    AKIN_TRY(database_open(path, &db_opt, true, &v.db, err));
    akin_status status = AKIN_OK;
    if (v.opt->repair)
        v.store = v.db->writer;
    else
        status = database_take_store(v.db, &v.store, err);
    if (status == AKIN_OK && !v.opt->repair)
        status = store_begin_read(v.store, err);
    if (status == AKIN_OK) {
        verify_left_over(&v);
        status = verify_all(&v, err);
    }
    verify_clear(&v);
    if (v.store && v.store != v.db->writer) database_give_store(v.db, v.store);
    if (status != AKIN_OK) v.db->writable = false; /* no checkpoint at close */
    akin_close(v.db);
    return status;
}
