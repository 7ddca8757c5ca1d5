/* SPDX-License-Identifier: MIT
 * Finding inconsistent rows, and removing them. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "store/store_int.h"

#define CHECK_MAX_DAMAGES "100"
#define CHECK_MAX_OPEN ((size_t)1 << 24) /* windows with one start */

static const char INTEGRITY[] =
    "PRAGMA main.integrity_check(" CHECK_MAX_DAMAGES ")";

static const char ORPHAN_WINDOWS[] =
    "SELECT id, recording_id FROM windows w WHERE NOT EXISTS"
    " (SELECT 1 FROM recordings r WHERE r.id = w.recording_id) ORDER BY id";
static const char ORPHAN_RECORDINGS[] =
    "SELECT id, deployment_id FROM recordings r"
    " WHERE deployment_id IS NOT NULL AND NOT EXISTS"
    " (SELECT 1 FROM deployments d WHERE d.id = r.deployment_id) ORDER BY id";
static const char ORPHAN_ANNOTATIONS[] =
    "SELECT id, recording_id FROM annotations a WHERE NOT EXISTS"
    " (SELECT 1 FROM recordings r WHERE r.id = a.recording_id) ORDER BY id";
static const char ORPHAN_PENDING[] =
    "SELECT window_id, window_id FROM main.akin_pending p"
    " WHERE length(vector) > 0 AND NOT EXISTS"
    " (SELECT 1 FROM windows w WHERE w.id = p.window_id) ORDER BY window_id";
static const char WINDOWS_BY_START[] =
    "SELECT id, recording_id, offsets FROM windows"
    " ORDER BY recording_id, akin_start(offsets), id";
static const char ALL_METADATA[] =
    "SELECT rowid, key, value FROM hoplite_metadata ORDER BY rowid";

static const char MEND_WINDOW[] = "DELETE FROM windows WHERE id = ?1";
static const char MEND_PENDING[] =
    "DELETE FROM main.akin_pending WHERE window_id = ?1";
static const char MEND_ANNOTATION[] = "DELETE FROM annotations WHERE id = ?1";
static const char MEND_METADATA[] =
    "DELETE FROM hoplite_metadata WHERE rowid = ?1";
/* Removing the recording would take its windows with it. */
static const char MEND_RECORDING[] =
    "UPDATE recordings SET deployment_id = NULL WHERE id = ?1";

typedef struct check_run {
    store *s;
    akin_status (*report)(void *user, const store_problem *problem,
                          akin_error *err);
    void *user;
    bool damaged;
    /* Windows of one recording whose starts a later one may still equal. */
    store_window *open;
    size_t n_open, cap;
} check_run;

static akin_status check_tell(check_run *run, store_problem_kind kind,
                              int64_t id, akin_error *err, const char *fmt, ...)
    AKIN_PRINTF(5, 6);

static akin_status check_tell(check_run *run, store_problem_kind kind,
                              int64_t id, akin_error *err, const char *fmt, ...)
{
    store_problem problem = {.kind = kind, .id = id};
    va_list args;
    va_start(args, fmt);
    vsnprintf(problem.text, sizeof problem.text, fmt, args);
    va_end(args);
    return run->report(run->user, &problem, err);
}

/* ---- the file ----------------------------------------------------------- */

static akin_status check_damage(check_run *run, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row;
    akin_status status = AKIN_OK;
    AKIN_TRYG(store_prepare(run->s, INTEGRITY, STORE_NO_VALUES, &q, err));
    for (;;) {
        akin_error damage = {0};
        status = store_step(run->s, q, "check the file", &row, &damage);
        if (status == AKIN_ECORRUPT) {
            run->damaged = true;
            AKIN_TRYG(check_tell(run, STORE_SQLITE_DAMAGE, 0, err, "%s",
                                 damage.text));
            break;
        }
        if (status != AKIN_OK) {
            status = AKIN_FAIL(err, status, "%s", damage.text);
            goto done;
        }
        if (!row) break;
        const char *text = (const char *)sqlite3_column_text(q, 0);
        if (!text || strcmp(text, "ok") == 0) continue;
        run->damaged = true;
        AKIN_TRYG(check_tell(run, STORE_SQLITE_DAMAGE, 0, err,
                             "SQLite's check says: %s", text));
    }
done:
    sqlite3_finalize(q);
    return status;
}

/* ---- rows without the row they name ------------------------------------- */

static akin_status check_orphans(check_run *run, const char *sql,
                                 store_problem_kind kind, const char *noun,
                                 const char *missing, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row;
    akin_status status = AKIN_OK;
    AKIN_TRYG(store_prepare(run->s, sql, STORE_NO_VALUES, &q, err));
    for (;;) {
        AKIN_TRYG(store_step(run->s, q, "check rows", &row, err));
        if (!row) break;
        long long id = sqlite3_column_int64(q, 0);
        long long other = sqlite3_column_int64(q, 1);
        AKIN_TRYG(check_tell(run, kind, id, err,
                             "orphan %s %lld: %s %lld is missing", noun, id,
                             missing, other));
    }
done:
    sqlite3_finalize(q);
    return status;
}

static akin_status check_all_orphans(check_run *run, akin_error *err)
{
    bool has_pending;
    AKIN_TRY(store_has_table(run->s, "akin_pending", &has_pending, err));
    AKIN_TRY(check_orphans(run, ORPHAN_RECORDINGS, STORE_ORPHAN_RECORDING,
                           "recording", "deployment", err));
    AKIN_TRY(check_orphans(run, ORPHAN_WINDOWS, STORE_ORPHAN_WINDOW, "window",
                           "recording", err));
    AKIN_TRY(check_orphans(run, ORPHAN_ANNOTATIONS, STORE_ORPHAN_ANNOTATION,
                           "annotation", "recording", err));
    if (!has_pending) return AKIN_OK;
    return check_orphans(run, ORPHAN_PENDING, STORE_ORPHAN_PENDING,
                         "pending vector", "window", err);
}

/* ---- offsets and duplicates --------------------------------------------- */

/* Drops the open windows that no later one can equal. */
static void check_close_windows(check_run *run, const store_window *w)
{
    size_t kept = 0;
    for (size_t i = 0; i < run->n_open; i++) {
        const store_window *o = &run->open[i];
        if (o->recording_id == w->recording_id &&
            w->start_s - o->start_s <= STORE_SAME_OFFSET_S)
            run->open[kept++] = *o;
    }
    run->n_open = kept;
}

static akin_status check_duplicate(check_run *run, const store_window *w,
                                   akin_error *err)
{
    check_close_windows(run, w);
    for (size_t i = 0; i < run->n_open; i++) {
        store_window *o = &run->open[i];
        if (fabs(o->end_s - w->end_s) > STORE_SAME_OFFSET_S) continue;
        int64_t first = o->id < w->id ? o->id : w->id;
        int64_t second = o->id < w->id ? w->id : o->id;
        if (w->id == first) *o = *w;
        return check_tell(run, STORE_DUPLICATE_WINDOW, second, err,
                          "duplicate window %lld: the same part of recording "
                          "%lld as window %lld",
                          (long long)second, (long long)w->recording_id,
                          (long long)first);
    }
    void *p = run->open;
    AKIN_TRY(mem_grow(&p, &run->cap, run->n_open + 1, sizeof *run->open,
                      CHECK_MAX_OPEN, err));
    run->open = p;
    run->open[run->n_open++] = *w;
    return AKIN_OK;
}

static akin_status check_windows(check_run *run, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row;
    akin_status status = AKIN_OK;
    size_t old = run->s->schema == STORE_HOPLITE_OLD;
    AKIN_TRYG(
        store_prepare(run->s, WINDOWS_BY_START, STORE_NO_VALUES, &q, err));
    for (;;) {
        store_window w;
        AKIN_TRYG(store_step(run->s, q, "check windows", &row, err));
        if (!row) break;
        const void *bytes = sqlite3_column_blob(q, 2);
        size_t n_bytes = (size_t)sqlite3_column_bytes(q, 2);
        store_get_window(q, &w);
        if (store_get_offsets(bytes, n_bytes, &w) &&
            (n_bytes == STORE_OFFSETS_BYTES ||
             n_bytes == STORE_OFFSETS_BYTES + old))
            AKIN_TRYG(check_duplicate(run, &w, err));
        else
            AKIN_TRYG(check_tell(run, STORE_BAD_OFFSETS, w.id, err,
                                 "window %lld has no valid start and end "
                                 "(%zu bytes)",
                                 (long long)w.id, n_bytes));
    }
done:
    sqlite3_finalize(q);
    return status;
}

/* ---- metadata ----------------------------------------------------------- */

static akin_status check_metadata(check_run *run, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row;
    akin_status status = AKIN_OK;
    AKIN_TRYG(store_prepare(run->s, ALL_METADATA, STORE_NO_VALUES, &q, err));
    for (;;) {
        json_t *value = NULL;
        AKIN_TRYG(store_step(run->s, q, "check the metadata", &row, err));
        if (!row) break;
        const char *key = (const char *)sqlite3_column_text(q, 1);
        const char *text = (const char *)sqlite3_column_text(q, 2);
        akin_status read = text ? json_parse(text, strlen(text), "metadata",
                                             &value, NULL)
                                : AKIN_ECORRUPT;
        bool good = read == AKIN_OK && json_is_object(value);
        json_decref(value);
        if (!good)
            AKIN_TRYG(check_tell(run, STORE_BAD_METADATA,
                                 sqlite3_column_int64(q, 0), err,
                                 "metadata '%.100s' is no JSON object",
                                 key ? key : ""));
    }
done:
    sqlite3_finalize(q);
    return status;
}

/* ---- the verbs ---------------------------------------------------------- */

akin_status store_check(store *s,
                        akin_status (*report)(void *user,
                                              const store_problem *problem,
                                              akin_error *err),
                        void *user, akin_error *err)
{
    check_run run = {.s = s, .report = report, .user = user};
    akin_status status = check_damage(&run, err);
    /* Rows read from a damaged file would be reported as wrong at random. */
    if (status == AKIN_OK && !run.damaged) {
        status = check_all_orphans(&run, err);
        if (status == AKIN_OK) status = check_windows(&run, err);
        if (status == AKIN_OK) status = check_metadata(&run, err);
    }
    mem_free(run.open);
    return status;
}

static akin_status mend_with(store *s, const char *sql, int64_t id,
                             akin_error *err)
{
    return store_run(s, sql, STORE_VALUES(store_integer(id)), "mend a row",
                     err);
}

akin_status store_mend(store *s, const store_problem *problem, akin_error *err)
{
    int64_t id = problem->id;
    assert(s->transaction == STORE_WRITING);
    AKIN_TRY(store_may_write(s, err));
    switch (problem->kind) {
    case STORE_ORPHAN_WINDOW:
    case STORE_DUPLICATE_WINDOW:
    case STORE_BAD_OFFSETS:
        AKIN_TRY(mend_with(s, MEND_PENDING, id, err));
        return mend_with(s, MEND_WINDOW, id, err);
    case STORE_ORPHAN_RECORDING: return mend_with(s, MEND_RECORDING, id, err);
    case STORE_ORPHAN_ANNOTATION: return mend_with(s, MEND_ANNOTATION, id, err);
    case STORE_ORPHAN_PENDING: return mend_with(s, MEND_PENDING, id, err);
    case STORE_BAD_METADATA: return mend_with(s, MEND_METADATA, id, err);
    case STORE_SQLITE_DAMAGE: break;
    }
    return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                     "this cannot be mended by removing a row: %s",
                     problem->text);
}
