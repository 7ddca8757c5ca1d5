/* SPDX-License-Identifier: MIT
 * Windows with their rows, the vectors that wait for the index, and counts. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "store/store_int.h"

#define HOPLITE_MAX_WINDOWS ((size_t)1 << 32) /* of one recording */
#define HOPLITE_MAX_LABELS ((size_t)1 << 20)  /* of one window */

static const char ADD_WINDOW[] =
    "INSERT INTO windows (recording_id, offsets) VALUES (?1, ?2)";
static const char ADD_PENDING[] =
    "INSERT INTO main.akin_pending (window_id, vector) VALUES (?1, ?2)";
static const char REMOVE_WINDOW[] = "DELETE FROM windows WHERE id = ?1";
static const char REMOVE_PENDING[] =
    "DELETE FROM main.akin_pending WHERE window_id = ?1";

static const char ALL_WINDOWS[] =
    "SELECT id, recording_id, offsets FROM windows ORDER BY id";
static const char ALL_NAMES[] =
    "SELECT w.id, replace(r.filename, '\\', '/') FROM windows w"
    " CROSS JOIN recordings r ON r.id = w.recording_id ORDER BY w.id";
static const char RECORDING_WINDOWS[] =
    "SELECT id, recording_id, offsets FROM windows WHERE recording_id = ?1"
    " ORDER BY akin_start(offsets), id";
static const char GET_ROW[] =
    "SELECT w.id, w.recording_id, w.offsets,"
    " ifnull(replace(r.filename, '\\', '/'), ''), r.datetime, d.name, d.project"
    " FROM windows w"
    " LEFT JOIN recordings r ON r.id = w.recording_id"
    " LEFT JOIN deployments d ON d.id = r.deployment_id"
    " WHERE w.id = ?1";
static const char GET_LABELS[] =
    "SELECT DISTINCT CASE label_type WHEN 1 THEN label"
    " WHEN 0 THEN '-' || label ELSE '?' || label END AS shown"
    " FROM annotations WHERE recording_id = ?1 AND akin_overlap(offsets, ?2)"
    " ORDER BY shown";

/* Vectors whose window was removed by another program do not count; empty ones
 * stand for vectors that are to leave the index. */
static const char ALL_PENDING[] =
    "SELECT window_id, vector FROM main.akin_pending WHERE length(vector) = 0"
    " OR window_id IN (SELECT id FROM windows) ORDER BY window_id";
static const char COUNT_PENDING[] =
    "SELECT count(*) FROM main.akin_pending"
    " WHERE window_id IN (SELECT id FROM windows)";
static const char PUT_PENDING[] =
    "INSERT OR REPLACE INTO main.akin_pending (window_id, vector) "
    "VALUES (?1, ?2)";
static const char CLEAR_PENDING[] = "DELETE FROM main.akin_pending";

static const char GET_VERSION[] = "PRAGMA data_version";

static const char COUNT_ROWS[] =
    "SELECT (SELECT count(*) FROM deployments),"
    " (SELECT count(*) FROM recordings), (SELECT count(*) FROM windows),"
    " (SELECT count(*) FROM annotations),"
    " ifnull((SELECT max(id) FROM windows), 0)";

/* ---- adding and removing ------------------------------------------------ */

akin_status store_add_window(store *s, const store_window *window,
                             const void *vector, size_t n_bytes, int64_t *id,
                             akin_error *err)
{
    unsigned char offsets[STORE_OFFSETS_BYTES];
    double start = window->start_s, end = window->end_s;
    assert(s->transaction == STORE_WRITING && vector && n_bytes > 0);
    *id = 0;
    AKIN_TRY(store_may_write(s, err));
    if (!(isfinite(end) && 0 <= start && start <= end))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a window cannot last from %g s to %g s", start, end);
    store_put_offsets(start, end, offsets);
    AKIN_TRY(store_run(s, ADD_WINDOW,
                       STORE_VALUES(store_integer(window->recording_id),
                                    store_blob(offsets, sizeof offsets)),
                       "add a window", err));
    int64_t added = sqlite3_last_insert_rowid(s->db);
    akin_status status = store_run(
        s, ADD_PENDING,
        STORE_VALUES(store_integer(added), store_blob(vector, n_bytes)),
        "add a vector", err);
    if (status == AKIN_OK)
        *id = added;
    else
        s->spoilt = true; /* a window without its vector */
    return status;
}

akin_status store_remove_window(store *s, int64_t id, akin_error *err)
{
    assert(s->transaction == STORE_WRITING);
    AKIN_TRY(store_may_write(s, err));
    AKIN_TRY(store_run(s, REMOVE_PENDING, STORE_VALUES(store_integer(id)),
                       "remove a vector", err));
    AKIN_TRY(hoplite_remove_scores(s, id, err));
    akin_status status = store_run(s, REMOVE_WINDOW,
                                   STORE_VALUES(store_integer(id)),
                                   "remove a window", err);
    if (status != AKIN_OK) {
        s->spoilt = true;
        return status;
    }
    if (sqlite3_changes64(s->db) > 0) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no window %lld in '%s'",
                     (long long)id, s->path);
}

/* ---- reading ------------------------------------------------------------ */

akin_status store_recording_windows(store *s, int64_t recording_id,
                                    store_window **out, size_t *n,
                                    akin_error *err)
{
    store_window *windows = NULL;
    sqlite3_stmt *q = NULL;
    size_t n_windows = 0, cap = 0;
    bool row;
    akin_status status = AKIN_OK;
    *out = NULL;
    *n = 0;
    AKIN_TRYG(store_ask(s, RECORDING_WINDOWS,
                        STORE_VALUES(store_integer(recording_id)), &q, err));
    for (;;) {
        AKIN_TRYG(store_step(s, q, "read windows", &row, err));
        if (!row) break;
        void *p = windows;
        AKIN_TRYG(mem_grow(&p, &cap, n_windows + 1, sizeof *windows,
                           HOPLITE_MAX_WINDOWS, err));
        windows = p;
        store_get_window(q, &windows[n_windows++]);
    }
    *out = windows;
    *n = n_windows;
    windows = NULL;
done:
    store_release(q);
    mem_free(windows);
    return status;
}

static akin_status get_labels(store *s, const void *offsets, size_t n_bytes,
                              store_row *out, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    size_t cap = 0;
    bool row;
    akin_status status = AKIN_OK;
    AKIN_TRYG(store_ask(s, GET_LABELS,
                        STORE_VALUES(store_integer(out->window.recording_id),
                                     store_blob(offsets, n_bytes)),
                        &q, err));
    for (;;) {
        AKIN_TRYG(store_step(s, q, "read labels", &row, err));
        if (!row) break;
        void *p = out->labels;
        AKIN_TRYG(mem_grow(&p, &cap, out->n_labels + 1, sizeof *out->labels,
                           HOPLITE_MAX_LABELS, err));
        out->labels = p;
        AKIN_TRYG(store_copy_text(q, 0, &out->labels[out->n_labels], err));
        if (out->labels[out->n_labels]) out->n_labels++;
    }
done:
    store_release(q);
    return status;
}

akin_status store_get_row(store *s, int64_t id, bool *found, store_row *out,
                          akin_error *err)
{
    sqlite3_stmt *q = NULL;
    akin_status status = AKIN_OK;
    *found = false;
    *out = (store_row){0};
    AKIN_TRYG(store_ask(s, GET_ROW, STORE_VALUES(store_integer(id)), &q, err));
    AKIN_TRYG(store_step(s, q, "read a window", found, err));
    if (!*found) goto done;
    store_get_window(q, &out->window);
    AKIN_TRYG(store_copy_text(q, 3, &out->recording, err));
    AKIN_TRYG(store_copy_text(q, 4, &out->datetime, err));
    AKIN_TRYG(store_copy_text(q, 5, &out->deployment, err));
    AKIN_TRYG(store_copy_text(q, 6, &out->project, err));
    const void *offsets = sqlite3_column_blob(q, 2);
    if (offsets)
        AKIN_TRYG(get_labels(s, offsets, (size_t)sqlite3_column_bytes(q, 2),
                             out, err));
    AKIN_TRYG(hoplite_get_scores(s, out, err));
done:
    store_release(q);
    if (status != AKIN_OK) {
        store_row_clear(out);
        *found = false;
    }
    return status;
}

void store_row_clear(store_row *row)
{
    for (size_t i = 0; i < row->n_labels; i++) mem_free(row->labels[i]);
    for (size_t i = 0; i < row->n_scores; i++) mem_free(row->scores[i].name);
    mem_free(row->scores);
    mem_free(row->labels);
    mem_free(row->recording);
    mem_free(row->datetime);
    mem_free(row->deployment);
    mem_free(row->project);
    *row = (store_row){0};
}

/* Prepared for the call alone: visit may use the store, and this verb too. */
akin_status store_each_window(store *s, const store_filter *filter,
                              akin_status (*visit)(void *user,
                                                   const store_window *window,
                                                   akin_error *err),
                              void *user, akin_error *err)
{
    store_query query = {0};
    sqlite3_stmt *q = NULL;
    store_tables tables;
    bool row;
    akin_status status = AKIN_OK;
    if (filter) {
        AKIN_TRYG(store_has_table(s, "akin_files", &tables.files, err));
        AKIN_TRYG(store_has_table(s, "akin_scores", &tables.scores, err));
        AKIN_TRYG(store_filter_compile(filter, &tables, &query, err));
    }
    AKIN_TRYG(store_prepare(s, filter ? query.sql.data : ALL_WINDOWS,
                            query.values, query.n_values, &q, err));
    for (;;) {
        store_window window;
        AKIN_TRYG(store_step(s, q, "read windows", &row, err));
        if (!row) break;
        store_get_window(q, &window);
        AKIN_TRYG(visit(user, &window, err));
    }
done:
    sqlite3_finalize(q);
    store_query_clear(&query);
    return status;
}

akin_status store_each_name(store *s,
                            akin_status (*visit)(void *user, int64_t id,
                                                 const char *recording,
                                                 akin_error *err),
                            void *user, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row;
    akin_status status = AKIN_OK;
    AKIN_TRYG(store_prepare(s, ALL_NAMES, STORE_NO_VALUES, &q, err));
    for (;;) {
        AKIN_TRYG(store_step(s, q, "read names", &row, err));
        if (!row) break;
        const char *name = (const char *)sqlite3_column_text(q, 1);
        if (name)
            AKIN_TRYG(visit(user, sqlite3_column_int64(q, 0), name, err));
    }
done:
    sqlite3_finalize(q);
    return status;
}

akin_status store_version(store *s, int64_t *out, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = false;
    akin_status status = AKIN_OK;
    *out = 0;
    AKIN_TRYG(store_ask(s, GET_VERSION, STORE_NO_VALUES, &q, err));
    AKIN_TRYG(store_step(s, q, "read the version", &row, err));
    if (row) *out = sqlite3_column_int64(q, 0);
done:
    store_release(q);
    return status;
}

akin_status store_count(store *s, store_counts *out, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row, has_pending;
    akin_status status = AKIN_OK;
    *out = (store_counts){0};
    AKIN_TRYG(store_ask(s, COUNT_ROWS, STORE_NO_VALUES, &q, err));
    AKIN_TRYG(store_step(s, q, "count", &row, err));
    out->deployments = sqlite3_column_int64(q, 0);
    out->recordings = sqlite3_column_int64(q, 1);
    out->windows = sqlite3_column_int64(q, 2);
    out->annotations = sqlite3_column_int64(q, 3);
    out->max_window_id = sqlite3_column_int64(q, 4);
    store_release(q);
    q = NULL;
    AKIN_TRYG(store_has_table(s, "akin_pending", &has_pending, err));
    if (!has_pending) goto done;
    AKIN_TRYG(store_ask(s, COUNT_PENDING, STORE_NO_VALUES, &q, err));
    AKIN_TRYG(store_step(s, q, "count", &row, err));
    out->pending = sqlite3_column_int64(q, 0);
    AKIN_TRYG(hoplite_count_scores(s, &out->scores, err));
done:
    store_release(q);
    return status;
}

/* ---- pending vectors ---------------------------------------------------- */

static akin_status check_vector(const store *s, sqlite3_stmt *q, int column,
                                int64_t id, akin_error *err)
{
    if (sqlite3_column_type(q, column) == SQLITE_BLOB) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECORRUPT,
                     "the pending vector of window %lld in '%s' is no blob",
                     (long long)id, s->path);
}

akin_status store_each_pending(store *s,
                               akin_status (*visit)(void *user, int64_t id,
                                                    const void *vector,
                                                    size_t n_bytes,
                                                    akin_error *err),
                               void *user, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row, has_pending;
    akin_status status = AKIN_OK;
    AKIN_TRYG(store_has_table(s, "akin_pending", &has_pending, err));
    if (!has_pending) goto done;
    AKIN_TRYG(store_prepare(s, ALL_PENDING, STORE_NO_VALUES, &q, err));
    for (;;) {
        AKIN_TRYG(store_step(s, q, "read pending vectors", &row, err));
        if (!row) break;
        int64_t id = sqlite3_column_int64(q, 0);
        AKIN_TRYG(check_vector(s, q, 1, id, err));
        AKIN_TRYG(visit(user, id, sqlite3_column_blob(q, 1),
                        (size_t)sqlite3_column_bytes(q, 1), err));
    }
done:
    sqlite3_finalize(q);
    return status;
}

akin_status store_put_pending(store *s, int64_t id, const void *vector,
                              size_t n_bytes, akin_error *err)
{
    assert(vector || n_bytes == 0);
    AKIN_TRY(store_may_write(s, err));
    return store_run(s, PUT_PENDING,
                     STORE_VALUES(store_integer(id),
                                  store_blob(n_bytes ? vector : "", n_bytes)),
                     "add a vector", err);
}

akin_status store_clear_pending(store *s, akin_error *err)
{
    AKIN_TRY(store_may_write(s, err));
    return store_run(s, CLEAR_PENDING, STORE_NO_VALUES,
                     "clear the pending vectors", err);
}
