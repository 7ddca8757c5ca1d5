/* SPDX-License-Identifier: MIT
 * Extraction: inputs -> pipeline -> one writer, which is the calling thread.
 *
 * A window's row and its journaled vector are written in one transaction. A
 * file is marked complete in the transaction of its last window, so a run that
 * was killed is taken up at the first window that is missing. */
#include "engine/extract.h"

#include <math.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"
#include "engine/cache.h"
#include "engine/journal.h"
#include "engine/pipeline.h"

#define EXTRACT_BATCH 8
#define EXTRACT_CUDA_BATCH 64
#define EXTRACT_MAX_SCORES 1000
#define EXTRACT_MAX_THREADS 256
#define EXTRACT_MAX_BATCH 65536
#define EXTRACT_PROGRESS_S 0.1

typedef struct extract {
    akin_db *db;
    const akin_extract_options *opt;
    akin_extract_report *report;
    const extract_source *source; /* NULL: the inputs are all */
    inputs inputs;    /* of the source, one portion */
    size_t n_before;  /* files of earlier portions */
    const char *root; /* NULL: files have names */
    pipeline *pipeline;
    model *model;
    size_t n_scores;    /* kept of each window */
    int64_t *class_ids; /* [n_classes]; 0: not looked up yet */
    size_t n_pushed; /* inputs looked at */
    size_t n_closed; /* inputs done, skipped or failed */
    int64_t bytes_done;

    size_t current; /* input being written, SIZE_MAX: none */
    int64_t recording_id;
    int64_t current_new; /* its windows written by this run */
    double current_s;    /* of it gone through */
    bool current_failed;

    journal journal;
    double start_s, told_s;
    bool stopped;
    int64_t n_clamped;
} extract;

/* ---- telling ------------------------------------------------------------------ */

static const char *extract_shown(const extract *x, size_t i)
{
    const input_file *file = &x->inputs.files[i];
    return file->name ? file->name : file->path;
}

static double extract_fraction(const extract *x, double part)
{
    if (x->source)
        return (double)(x->n_before + x->n_closed) /
               (double)(x->source->n ? x->source->n : 1);
    if (x->inputs.n_bytes == 0) return 0;
    double bytes = (double)x->bytes_done;
    if (x->current != SIZE_MAX)
        bytes += part * (double)x->inputs.files[x->current].size_bytes;
    double fraction = bytes / (double)x->inputs.n_bytes;
    return fraction > 1 ? 1 : fraction;
}

/* At most ten times a second. part: how far the current file is. */
static void extract_tell(extract *x, double part)
{
    double now_s = clock_now_s();
    if (!x->opt->progress || now_s - x->told_s < EXTRACT_PROGRESS_S) return;
    x->told_s = now_s;
    double elapsed_s = now_s - x->start_s;
    double fraction = extract_fraction(x, part);
    akin_progress progress = {
        .phase = "extract",
        .files_done = x->n_before + x->n_closed,
        .files_total = x->report->n_files,
        .windows_done = x->report->n_windows,
        .audio_s = x->report->audio_s + x->current_s,
        .elapsed_s = elapsed_s,
        .remaining_s = fraction > 0.005 && elapsed_s > 1
                           ? elapsed_s / fraction - elapsed_s
                           : -1,
        .fraction = fraction,
        .file = x->current == SIZE_MAX ? "" : extract_shown(x, x->current),
    };
    if (!x->opt->progress(x->opt->user, &progress)) x->stopped = true;
}

static void extract_report_file(extract *x, size_t i, akin_file_outcome outcome,
                                int64_t n_windows, const char *text)
{
    akin_extract_report *r = x->report;
    r->n_done += outcome == AKIN_FILE_DONE;
    r->n_skipped += outcome == AKIN_FILE_SKIPPED;
    r->n_failed += outcome == AKIN_FILE_FAILED;
    x->n_closed++;
    x->bytes_done += x->inputs.files[i].size_bytes;
    if (!x->opt->file) return;
    akin_file_report report = {.path = extract_shown(x, i),
                               .outcome = outcome,
                               .n_windows = n_windows,
                               .text = text ? text : ""};
    x->opt->file(x->opt->user, &report);
}

/* The vectors are safe in the journal by now: whoever wants to stop here may
 * end the process, and is not asked. */
static bool extract_tell_index(void *user, size_t n_done, size_t n_total)
{
    extract *x = user;
    akin_progress progress = {
        .phase = "index",
        .files_done = x->n_before + x->n_closed,
        .files_total = x->report->n_files,
        .windows_done = x->report->n_windows,
        .audio_s = x->report->audio_s,
        .elapsed_s = clock_now_s() - x->start_s,
        .remaining_s = -1,
        .fraction = n_total ? (double)n_done / (double)n_total : 1,
        .file = "",
    };
    if (x->opt->progress) x->opt->progress(x->opt->user, &progress);
    return true;
}

static bool extract_tell_graph(void *user, const char *phase, double fraction)
{
    (void)phase;
    return extract_tell_index(user, (size_t)(fraction * 1000), 1000);
}

static void extract_keep_up(extract *x)
{
    akin_index_work work = {.threads = x->opt->threads,
                            .progress = extract_tell_graph,
                            .user = x};
    cache_keep_up(x->db, &work);
}

/* ---- one file ----------------------------------------------------------------------- */

static const char *extract_name(const extract *x, size_t i)
{
    const input_file *file = &x->inputs.files[i];
    return file->name ? file->name : inputs_name(x->root, file->path);
}

/* A file of another size than the one that was embedded is another file; its
 * time changes with every copy of an archive, and is looked at only where the
 * caller wants that. */
static bool extract_has_changed(const extract *x, const store_file *had,
                                const input_file *now)
{
    return had->size_bytes != now->size_bytes ||
           (x->source && had->mtime_ns != now->mtime_ns);
}

/* The recording's row, made if `make`; 0 if it is not there. */
static akin_status extract_recording(extract *x, size_t i, bool make,
                                     int64_t *id, akin_error *err)
{
    const char *name = extract_name(x, i);
    int64_t deployment;
    AKIN_TRY(journal_begin(&x->journal, err));
    AKIN_TRY(journal_deployment(&x->journal, x->opt->dataset, name, &deployment,
                                err));
    if (!make)
        return store_find_recording(x->db->writer, name, deployment, id, err);
    return journal_recording(&x->journal, name, deployment, id, err);
}

/* Whether the file is complete from an earlier run; if not, which of its
 * windows are there. One that has changed is done again. */
static akin_status extract_look_up(extract *x, size_t i, bool *complete,
                                   pipeline_file *file, akin_error *err)
{
    int64_t id;
    store_file had = {0};
    bool found = false;
    const input_file *input = &x->inputs.files[i];
    *complete = false;
    AKIN_TRY(extract_recording(x, i, false, &id, err));
    if (id == 0 || x->opt->force) return AKIN_OK;
    AKIN_TRY(store_get_file(x->db->writer, id, &found, &had, err));
    if (found && extract_has_changed(x, &had, input)) return AKIN_OK;
    /* Windows that another program took away are not put back. */
    if (found && had.complete) {
        *complete = true;
        return AKIN_OK;
    }
    return store_recording_windows(x->db->writer, id, &file->known,
                                   &file->n_known, err);
}

static akin_status extract_push(extract *x, size_t i, akin_error *err)
{
    const input_file *input = &x->inputs.files[i];
    bool complete;
    pipeline_file file = {.tag = i};
    if (input->problem) {
        extract_report_file(x, i, AKIN_FILE_FAILED, 0, input->problem);
        return AKIN_OK;
    }
    AKIN_TRY(extract_look_up(x, i, &complete, &file, err));
    if (complete) {
        extract_report_file(x, i, AKIN_FILE_SKIPPED, 0, NULL);
        return AKIN_OK;
    }
    file.path = mem_strdup(input->path);
    if (!file.path) {
        mem_free(file.known);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    }
    pipeline_push(x->pipeline, &file);
    return AKIN_OK;
}

/* Takes away what an earlier run made of this file, vectors included. */
static akin_status extract_clear_file(extract *x, akin_error *err)
{
    store_window *windows = NULL;
    size_t n = 0;
    store *s = x->db->writer;
    akin_status status =
        store_recording_windows(s, x->recording_id, &windows, &n, err);
    for (size_t i = 0; i < n && status == AKIN_OK; i++) {
        status = store_remove_window(s, windows[i].id, err);
        if (status == AKIN_OK)
            status = store_put_pending(s, windows[i].id, NULL, 0, err);
    }
    mem_free(windows);
    return status;
}

/* The first batch of a file: its rows, and what is known of it by now. */
static akin_status extract_start_file(extract *x, size_t i, akin_error *err)
{
    const input_file *input = &x->inputs.files[i];
    store_file had = {0};
    bool found = false;
    x->current = i;
    x->current_new = 0;
    x->current_s = 0;
    x->current_failed = false;
    AKIN_TRY(journal_begin(&x->journal, err));
    AKIN_TRY(extract_recording(x, i, true, &x->recording_id, err));
    AKIN_TRY(store_get_file(x->db->writer, x->recording_id, &found, &had, err));
    if (x->opt->force || (found && extract_has_changed(x, &had, input)))
        AKIN_TRY(extract_clear_file(x, err));
    store_file now = {.size_bytes = input->size_bytes,
                      .mtime_ns = input->mtime_ns};
    return store_set_file(x->db->writer, x->recording_id, &now, err);
}

static akin_status extract_end_file(extract *x, const pipeline_batch *batch,
                                    akin_error *err)
{
    const input_file *input = &x->inputs.files[x->current];
    bool good = batch->status == AKIN_OK;
    if (good) {
        store_file now = {
            .size_bytes = input->size_bytes,
            .mtime_ns = input->mtime_ns,
            .duration_s = batch->duration_s,
            .n_windows = batch->n_windows,
            .complete = true,
        };
        AKIN_TRY(store_set_file(x->db->writer, x->recording_id, &now, err));
    }
    x->report->audio_s += good ? batch->duration_s : x->current_s;
    x->current_s = 0;
    x->current_failed = !good;
    extract_report_file(x, x->current, good ? AKIN_FILE_DONE : AKIN_FILE_FAILED,
                        x->current_new, batch->problem);
    return AKIN_OK;
}

static akin_status extract_add_scores(extract *x, int64_t window_id,
                                      const class_score *scores,
                                      akin_error *err)
{
    for (size_t i = 0; i < x->n_scores; i++) {
        if (isnan(scores[i].score)) continue;
        int64_t *id = &x->class_ids[scores[i].class_index];
        if (*id == 0)
            AKIN_TRY(store_ensure_class(
                x->db->writer, model_class(x->model, scores[i].class_index), id,
                err));
        AKIN_TRY(store_add_score(x->db->writer, window_id, *id,
                                 (double)scores[i].score, err));
    }
    return AKIN_OK;
}

static akin_status extract_add_windows(extract *x, const pipeline_batch *batch,
                                       akin_error *err)
{
    size_t bytes = (size_t)x->db->settings.dim * 2;
    for (size_t i = 0; i < batch->n; i++) {
        store_window window = {
            .recording_id = x->recording_id,
            .start_s = batch->spans[i].start_s,
            .end_s = batch->spans[i].end_s,
        };
        int64_t id;
        AKIN_TRY(journal_add(&x->journal, &window, batch->vectors + i * bytes,
                             &id, err));
        if (x->n_scores > 0)
            AKIN_TRY(extract_add_scores(x, id, batch->scores + i * x->n_scores,
                                        err));
    }
    x->current_new += (int64_t)batch->n;
    x->report->n_windows += (int64_t)batch->n;
    x->n_clamped += (int64_t)batch->n_clamped;
    return AKIN_OK;
}

/* A file that failed before it gave a window leaves no row behind. */
static bool extract_is_empty_failure(const pipeline_batch *batch)
{
    return batch->last && batch->status != AKIN_OK && batch->n_windows == 0;
}

static akin_status extract_write(extract *x, const pipeline_batch *batch,
                                 akin_error *err)
{
    if (x->current != batch->tag && extract_is_empty_failure(batch)) {
        x->current = batch->tag;
        x->current_failed = true;
        extract_report_file(x, batch->tag, AKIN_FILE_FAILED, 0, batch->problem);
        return AKIN_OK;
    }
    if (x->current != batch->tag)
        AKIN_TRY(extract_start_file(x, batch->tag, err));
    if (x->current_failed) return AKIN_OK; /* what follows a model's failure */
    AKIN_TRY(journal_begin(&x->journal, err));
    AKIN_TRY(extract_add_windows(x, batch, err));
    x->current_s = batch->position_s;
    if (batch->last) AKIN_TRY(extract_end_file(x, batch, err));
    return journal_maybe_commit(&x->journal, err);
}

/* ---- the run --------------------------------------------------------------------------- */

static akin_status extract_loop(extract *x, akin_error *err)
{
    while (!x->stopped &&
           (x->n_pushed < x->inputs.n || x->n_closed < x->n_pushed)) {
        while (x->n_pushed < x->inputs.n && pipeline_has_room(x->pipeline) &&
               !x->stopped) {
            AKIN_TRY(extract_push(x, x->n_pushed++, err));
            extract_tell(x, 0);
        }
        pipeline_batch *batch;
        pipeline_pop(x->pipeline, EXTRACT_PROGRESS_S, &batch);
        double part = 0;
        if (batch) {
            double start_s = clock_thread_cpu_s();
            if (batch->expected_s > 0 && !batch->last)
                part = batch->position_s / batch->expected_s;
            akin_status status = extract_write(x, batch, err);
            pipeline_release(x->pipeline, batch);
            AKIN_TRY(status);
            x->report->write_s += clock_thread_cpu_s() - start_s;
        }
        extract_tell(x, part);
        AKIN_TRY(journal_maybe_commit(&x->journal, err));
    }
    return AKIN_OK;
}

/* One portion after the other; the pipeline is empty in between, which is nothing
 * beside some thousand files. */
static akin_status extract_portions(extract *x, akin_error *err)
{
    if (!x->source) return extract_loop(x, err);
    while (!x->stopped) {
        inputs_clear(&x->inputs);
        x->n_pushed = x->n_closed = 0;
        x->current = SIZE_MAX;
        AKIN_TRY(x->source->next(x->source->user, &x->inputs, err));
        if (x->inputs.n == 0) break;
        AKIN_TRY(extract_loop(x, err));
        x->n_before += x->n_closed;
    }
    x->n_closed = 0;
    return AKIN_OK;
}

/* Names are relative to the stored audio root; a new database takes it from its
 * first inputs. */
static akin_status extract_find_root(extract *x, const char *const *paths,
                                     size_t n, akin_error *err)
{
    settings *s = &x->db->settings;
    if (!*s->audio_root) {
        char *root = NULL;
        AKIN_TRY(inputs_root(paths, n, &root, err));
        pthread_mutex_lock(&x->db->mutex);
        akin_status status = settings_set_audio_root(s, root, err);
        pthread_mutex_unlock(&x->db->mutex);
        mem_free(root);
        AKIN_TRY(status);
        AKIN_TRY(journal_begin(&x->journal, err));
        AKIN_TRY(settings_save(s, x->db->writer, err));
        AKIN_TRY(journal_commit(&x->journal, err));
    }
    x->root = s->audio_root;
    for (size_t i = 0; i < x->inputs.n; i++)
        if (!extract_name(x, i))
            return AKIN_FAIL(err, AKIN_ESETTINGS,
                             "'%s' is not below the database's audio root '%s'; "
                             "if the recordings were moved, say where to with "
                             "--audio-root, else use another database",
                             x->inputs.files[i].path, x->root);
    return AKIN_OK;
}

static akin_status extract_need_scores(extract *x, akin_error *err)
{
    const akin_model_info *info = model_get_info(x->model);
    size_t n = x->opt->n_scores;
    void *array;
    if (n == 0) return AKIN_OK;
    if (info->n_classes == 0)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "model %s scores no classes, there are none to keep",
                         info->name);
    if (n > EXTRACT_MAX_SCORES)
        return AKIN_FAIL(err, AKIN_EUSAGE, "at most %d scores a window",
                         EXTRACT_MAX_SCORES);
    x->n_scores = n < info->n_classes ? n : info->n_classes;
    AKIN_TRY(mem_new_array(info->n_classes, sizeof *x->class_ids, "classes",
                           &array, err));
    x->class_ids = array;
    AKIN_TRY(journal_begin(&x->journal, err));
    AKIN_TRY(store_need_scores(x->db->writer, err));
    return journal_commit(&x->journal, err);
}

static size_t extract_batch_size(const extract *x)
{
    bool cuda = model_options_get(x->db->models)->device == AKIN_CUDA;
    return x->opt->batch_size ? x->opt->batch_size
           : cuda             ? EXTRACT_CUDA_BATCH
                              : EXTRACT_BATCH;
}

static akin_status extract_open_pipeline(extract *x, akin_error *err)
{
    pipeline_options opt = {
        .model = x->model,
        .plan = settings_plan(&x->db->settings, model_get_input(x->model)),
        .threads = x->opt->threads ? x->opt->threads : thread_count(),
        .batch_size = extract_batch_size(x),
        .gathers = model_wants_batches(x->model),
        .n_scores = x->n_scores,
    };
    if (opt.threads > EXTRACT_MAX_THREADS || opt.batch_size > EXTRACT_MAX_BATCH)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "at most %d threads and %d windows a batch",
                         EXTRACT_MAX_THREADS, EXTRACT_MAX_BATCH);
    return pipeline_open(&opt, &x->pipeline, err);
}

static void extract_finish_report(extract *x)
{
    if (x->pipeline) {
        pipeline_times times = pipeline_get_times(x->pipeline);
        x->report->decode_s = times.decode_s;
        x->report->resample_s = times.resample_s;
        x->report->filter_s = times.filter_s;
        x->report->model_s = times.model_s;
    }
    x->report->elapsed_s = clock_now_s() - x->start_s;
    x->report->index_s = x->journal.index_s;
    journal_tell_clamped(&x->journal, x->n_clamped);
}

static akin_status extract_run(extract *x, const char *const *paths, size_t n,
                               akin_error *err)
{
    AKIN_TRY(database_load_model(x->db, MODEL_MEDIA, &x->model, err));
    if (!x->source)
        AKIN_TRY(inputs_collect(&x->inputs, paths, n,
                                model_get_input(x->model)->kind, err));
    AKIN_TRY(database_complete_settings(x->db, err));
    x->report->n_files = x->source ? x->source->n : x->inputs.n;
    if (!x->source) AKIN_TRY(extract_find_root(x, paths, n, err));
    AKIN_TRY(extract_need_scores(x, err));
    AKIN_TRY(extract_open_pipeline(x, err));
    AKIN_TRY(extract_portions(x, err));
    AKIN_TRY(journal_checkpoint(&x->journal, err));
    if (!x->stopped) extract_keep_up(x);
    if (!x->stopped) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECANCELLED,
                     "stopped; %lld new windows of %zu files are kept",
                     (long long)x->report->n_windows, x->report->n_done);
}

/* paths are those of a run without a source. */
static akin_status extract_begin(extract *x, const char *const *paths, size_t n,
                                 akin_error *err)
{
    static const akin_extract_options defaults;
    akin_extract_report unused;
    AKIN_TRY(database_need_writer(x->db, err));
    if (!x->opt) x->opt = &defaults;
    if (!x->report) x->report = &unused;
    x->current = SIZE_MAX;
    x->start_s = clock_now_s();
    x->journal = (journal){
        .db = x->db,
        .checkpoint = {.threads = x->opt->threads,
                       .progress = extract_tell_index,
                       .user = x},
    };
    *x->report = (akin_extract_report){0};
    pthread_mutex_lock(&x->db->write_mutex);
    akin_status status = extract_run(x, paths, n, err);
    if (status != AKIN_OK) store_rollback(x->db->writer);
    extract_finish_report(x);
    pipeline_close(x->pipeline);
    inputs_clear(&x->inputs);
    mem_free(x->class_ids);
    pthread_mutex_unlock(&x->db->write_mutex);
    return status;
}

akin_status akin_extract(akin_db *db, const char *const *paths, size_t n_paths,
                         const akin_extract_options *opt,
                         akin_extract_report *report, akin_error *err)
{
    extract x = {.db = db, .opt = opt, .report = report};
    return extract_begin(&x, paths, n_paths, err);
}

akin_status extract_files(akin_db *db, const extract_source *source,
                          const akin_extract_options *opt,
                          akin_extract_report *report, akin_error *err)
{
    extract x = {.db = db, .source = source, .opt = opt, .report = report};
    return extract_begin(&x, NULL, 0, err);
}
