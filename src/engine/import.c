/* SPDX-License-Identifier: MIT
 * Import: vectors that were made elsewhere become recordings and windows.
 *
 * The source is gone through twice. The first time all of it is checked and
 * named, so that a file with a bad row, or names that are not as many as its
 * vectors, leaves no trace; the second time it is written, in the order of its
 * vectors. Keeping what the first pass read was rejected: folders and CSVs may
 * be larger than the memory. */
#include <string.h>

#include "base/clock.h"
#include "base/half.h"
#include "base/memory.h"
#include "engine/database_open.h"
#include "engine/cache.h"
#include "engine/import_source.h"
#include "engine/journal.h"
#include "index/distance.h"

#define IMPORT_MODEL "imported" /* if nobody says more */
#define IMPORT_MAX_MODEL_BYTES 200
#define IMPORT_PROGRESS_S 0.1

typedef struct import {
    const akin_import_options *opt;
    import_source source;
    import_names names;
    bool named;       /* by opt->tracks */
    size_t n_vectors; /* of the source, once it was read */

    akin_db *db;
    journal journal;
    float *values;       /* [dim], clamped */
    unsigned char *half; /* [dim] float16 */
    int64_t n_added, n_there, n_clamped;

    const char *phase;
    double start_s, began_s, told_s; /* the call, the phase */
    bool stopped;
} import;

/* ---- telling --------------------------------------------------------------------- */

static void import_begin_phase(import *x, const char *phase)
{
    x->phase = phase;
    x->began_s = clock_now_s();
}

/* At most ten times a second. */
static void import_tell(import *x, double fraction)
{
    double now_s = clock_now_s(), elapsed_s = now_s - x->began_s;
    if (!x->opt->progress || now_s - x->told_s < IMPORT_PROGRESS_S) return;
    x->told_s = now_s;
    akin_progress progress = {
        .phase = x->phase,
        .files_done = x->source.n_done,
        .files_total = x->source.n_files,
        .windows_done = x->n_added,
        .elapsed_s = now_s - x->start_s,
        .remaining_s = fraction > 0.005 && elapsed_s > 1
                           ? elapsed_s / fraction - elapsed_s
                           : -1,
        .fraction = fraction,
        .file = x->source.file,
    };
    if (!x->opt->progress(x->opt->user, &progress)) x->stopped = true;
}

/* The vectors are in the journal by then: nobody is asked whether to stop. */
static bool import_tell_index(void *user, size_t n_done, size_t n_total)
{
    import *x = user;
    const import before = *x;
    import_begin_phase(x, "index");
    import_tell(x, n_total ? (double)n_done / (double)n_total : 1);
    x->phase = before.phase;
    x->began_s = before.began_s;
    x->stopped = before.stopped;
    return true;
}

static akin_status import_stopped(akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ECANCELLED, "stopped; nothing was written");
}

/* ---- reading ----------------------------------------------------------------------- */

static akin_status import_look(void *user, const import_vector *v,
                               akin_error *err)
{
    import *x = user;
    x->n_vectors++;
    if (!x->named)
        AKIN_TRY(import_names_add(&x->names, v->name, v->span, x->source.file,
                                  err));
    else if (v->row < x->names.n && !x->names.items[v->row].span.given)
        x->names.items[v->row].span = v->span;
    import_tell(x, x->source.fraction);
    return x->stopped ? import_stopped(err) : AKIN_OK;
}

static akin_status import_read(import *x, const char *path, akin_error *err)
{
    import_begin_phase(x, "read");
    if (x->opt->tracks) {
        AKIN_TRY(import_names_read(&x->names, x->opt->tracks, err));
        x->named = true;
    }
    AKIN_TRY(import_source_open(&x->source, path, err));
    AKIN_TRY(import_source_each(&x->source, import_look, x, err));
    if (x->n_vectors == 0 || x->source.dim == 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' holds no vectors", path);
    if (x->names.n != x->n_vectors)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s' has %zu names for the %zu vectors of '%s'",
                         x->opt->tracks, x->names.n, x->n_vectors, path);
    return import_names_sort(&x->names, err);
}

/* ---- writing ------------------------------------------------------------------------- */

/* Marks the names from `first` on that are one recording's and whose windows
 * are in the database. */
static akin_status import_look_up(import *x, import_name *first, size_t i,
                                  akin_error *err)
{
    const char *name = import_names_text(&x->names, first);
    store_window *windows = NULL;
    size_t n_windows = 0;
    int64_t deployment;
    AKIN_TRY(journal_deployment(&x->journal, x->opt->dataset, name, &deployment,
                                err));
    AKIN_TRY(store_find_recording(x->db->writer, name, deployment,
                                  &first->recording_id, err));
    if (!first->recording_id) return AKIN_OK;
    AKIN_TRY(store_recording_windows(x->db->writer, first->recording_id,
                                     &windows, &n_windows, err));
    for (; i < x->names.n && x->names.sorted[i]->first == first; i++) {
        import_name *item = x->names.sorted[i];
        item->there = item->there ||
                      journal_has(windows, n_windows, item->span.start_s,
                                  item->span.end_s);
    }
    mem_free(windows);
    return AKIN_OK;
}

/* All of it at once and by name: asked for each vector in the order of the
 * source, a recording's windows would be read again and again. */
static akin_status import_look_up_all(import *x, akin_error *err)
{
    store_counts counts;
    AKIN_TRY(store_count(x->db->writer, &counts, err));
    if (counts.recordings == 0) return AKIN_OK;
    AKIN_TRY(journal_begin(&x->journal, err));
    for (size_t i = 0; i < x->names.n; i++) {
        import_name *item = x->names.sorted[i];
        if (item->first == item) AKIN_TRY(import_look_up(x, item, i, err));
        import_tell(x, 0);
        if (x->stopped) return import_stopped(err);
    }
    return journal_commit(&x->journal, err);
}

static akin_status import_recording(import *x, import_name *first,
                                    akin_error *err)
{
    const char *name = import_names_text(&x->names, first);
    int64_t deployment;
    if (first->recording_id) return AKIN_OK;
    AKIN_TRY(journal_deployment(&x->journal, x->opt->dataset, name, &deployment,
                                err));
    return journal_recording(&x->journal, name, deployment,
                             &first->recording_id, err);
}

static void import_to_half(import *x, const float *values)
{
    memcpy(x->values, values, x->source.dim * sizeof *values);
    x->n_clamped += (int64_t)half_clamp(x->values, x->source.dim);
    distance_to_half(x->values, x->source.dim, x->half);
}

static akin_status import_add(import *x, const import_name *item,
                              const float *values, akin_error *err)
{
    int64_t id;
    AKIN_TRY(journal_begin(&x->journal, err));
    AKIN_TRY(import_recording(x, item->first, err));
    store_window window = {
        .recording_id = item->first->recording_id,
        .start_s = item->span.start_s,
        .end_s = item->span.end_s,
    };
    import_to_half(x, values);
    AKIN_TRY(journal_add(&x->journal, &window, x->half, &id, err));
    x->n_added++;
    return journal_maybe_commit(&x->journal, err);
}

static akin_status import_write(void *user, const import_vector *v,
                                akin_error *err)
{
    import *x = user;
    if (v->row >= x->names.n)
        return AKIN_FAIL(err, AKIN_EIO, "'%s' has changed while it was read",
                         x->source.path);
    const import_name *item = &x->names.items[v->row];
    if (item->there)
        x->n_there++;
    else
        AKIN_TRY(import_add(x, item, v->values, err));
    import_tell(x, x->source.fraction);
    return x->stopped ? AKIN_ECANCELLED : AKIN_OK;
}

static void import_warn(import *x)
{
    journal_tell_clamped(&x->journal, x->n_clamped);
    if (x->n_there > 0)
        database_warn(x->db,
                      "%lld of %zu vectors have a name and offsets that were "
                      "there already; those windows are left as they were",
                      (long long)x->n_there, x->n_vectors);
}

/* Under write_mutex. */
static akin_status import_write_all(import *x, akin_error *err)
{
    void *p;
    import_begin_phase(x, "write");
    AKIN_TRY(mem_new_array(x->source.dim, sizeof *x->values, "a vector", &p,
                           err));
    x->values = p;
    AKIN_TRY(mem_new_array(x->source.dim, 2, "a vector", &p, err));
    x->half = p;
    AKIN_TRY(import_look_up_all(x, err));
    akin_status status = import_source_each(&x->source, import_write, x, err);
    if (status != AKIN_OK && !x->stopped) return status;
    AKIN_TRY(journal_checkpoint(&x->journal, err));
    if (!x->stopped) cache_keep_up(x->db, &(akin_index_work){0});
    import_warn(x);
    if (!x->stopped) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECANCELLED,
                     "stopped; %lld new windows are kept",
                     (long long)x->n_added);
}

/* ---- the run --------------------------------------------------------------------------- */

static bool import_is_model(const char *name)
{
    size_t n = strlen(name);
    return n > 0 && n <= IMPORT_MAX_MODEL_BYTES && text_is_utf8(name, n);
}

/* What made the vectors: as the caller says, else as the source does. */
static const char *import_model(const import *x)
{
    const char *said = x->source.model;
    if (x->opt->model) return x->opt->model;
    return said && import_is_model(said) ? said : IMPORT_MODEL;
}

static akin_status import_open(import *x, const char *path, akin_error *err)
{
    const akin_import_options *opt = x->opt;
    const akin_db_options db_opt = {
        .mode = AKIN_CREATE,
        .settings = {.set = AKIN_SET_MODEL,
                     .model = import_model(x)},
        .models = opt->models,
        .busy_s = opt->busy_s,
        .warn = opt->warn,
        .user = opt->user,
    };
    AKIN_TRY(database_open_vectors(path, &db_opt, x->source.dim, &x->db, err));
    x->journal = (journal){
        .db = x->db,
        .checkpoint = {.progress = import_tell_index, .user = x},
    };
    return AKIN_OK;
}

static akin_status import_run(import *x, const char *db_path, const char *path,
                              akin_error *err)
{
    AKIN_TRY(import_read(x, path, err));
    AKIN_TRY(import_open(x, db_path, err));
    pthread_mutex_lock(&x->db->write_mutex);
    akin_status status = import_write_all(x, err);
    if (status != AKIN_OK) {
        x->n_added -= (int64_t)x->journal.n_rows; /* never committed */
        store_rollback(x->db->writer);
    }
    pthread_mutex_unlock(&x->db->write_mutex);
    return status;
}

static akin_status import_check(const akin_import_options *opt, akin_error *err)
{
    if (opt->model && !import_is_model(opt->model))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "what made the vectors is said in 1 to %d bytes of "
                         "UTF-8",
                         IMPORT_MAX_MODEL_BYTES);
    if (opt->dataset && !*opt->dataset)
        return AKIN_FAIL(err, AKIN_EUSAGE, "the dataset's name is empty");
    return AKIN_OK;
}

akin_status akin_import_vectors(const char *db, const char *path,
                                const akin_import_options *opt, size_t *n_added,
                                akin_error *err)
{
    static const akin_import_options defaults;
    import x = {.opt = opt ? opt : &defaults, .start_s = clock_now_s()};
    if (n_added) *n_added = 0;
    AKIN_TRY(import_check(x.opt, err));
    import_names_init(&x.names);
    akin_status status = import_run(&x, db, path, err);
    if (n_added) *n_added = (size_t)x.n_added;
    akin_close(x.db);
    import_source_close(&x.source);
    import_names_clear(&x.names);
    mem_free(x.values);
    mem_free(x.half);
    return status;
}
