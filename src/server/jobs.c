/* SPDX-License-Identifier: MIT
 * The list of jobs and the threads that work on it.
 *
 * One mutex guards the list and what a job shows of itself; the work runs
 * outside it. A worker takes the oldest job that waits and whose target no
 * other worker is at, so that two computations of one table come one after
 * the other, whatever they are. Every change gives the job a new version and
 * wakes all who wait: there are few of both. Jobs live in memory only, for what
 * they did is in the dataset and can be taken up again by asking again. */
#define _GNU_SOURCE
#include "server/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/memory.h"
#include "base/text.h"

#define MAX_WORKERS 16
#define MAX_MESSAGES 100
#define TEXT_BYTES 256

typedef enum job_state {
    JOB_QUEUED,
    JOB_RUNNING,
    JOB_DONE,
    JOB_FAILED,
    JOB_CANCELLED,
} job_state;

static const char *const state_names[] = {"queued", "running", "done",
                                          "failed", "cancelled"};

struct job {
    jobs *all;
    job_work work;
    char *target; /* the work's, owned */
    char id[JOB_ID_BYTES];
    job_state state;
    bool cancel;
    size_t version;
    /* of the last progress */
    double fraction, elapsed_s, remaining_s;
    size_t n_done, n_total, n_skipped, n_failed;
    int64_t n_windows;
    double audio_s;
    char phase[32], file[TEXT_BYTES];
    char problem[512]; /* of a failed one */
    json_t *messages;  /* the last MAX_MESSAGES */
    size_t n_messages; /* that there were */
    json_t *result;
    double created, started, ended; /* seconds since 1970 */
};

struct jobs {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a job has, or the server stops */
    job **items;            /* [n] oldest first */
    size_t n, max;
    pthread_t workers[MAX_WORKERS];
    size_t n_workers;
    bool stopping;
};

static double wall_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bool is_over(const job *j)
{
    return j->state >= JOB_DONE;
}

/* With the lock held. */
static void touch(job *j)
{
    j->version++;
    pthread_cond_broadcast(&j->all->changed);
}

static void job_free(job *j)
{
    if (!j) return;
    if (j->work.clear) j->work.clear(j->work.user);
    mem_free(j->target);
    json_decref(j->messages);
    json_decref(j->result);
    mem_free(j);
}

/* ---- working ------------------------------------------------------------ */

static bool is_busy(const jobs *all, const char *target)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i]->state == JOB_RUNNING &&
            strcmp(all->items[i]->target, target) == 0)
            return true;
    return false;
}

static job *find_ready(const jobs *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->items[i]->state == JOB_QUEUED &&
            !is_busy(all, all->items[i]->target))
            return all->items[i];
    return NULL;
}

/* With the lock held. What the work holds goes now: a job is remembered for
 * long. */
static void end_job(job *j, job_state state)
{
    j->state = state;
    j->ended = wall_clock();
    if (j->work.clear) j->work.clear(j->work.user);
    j->work.clear = NULL;
    touch(j);
}

static void run_job(jobs *all, job *j)
{
    akin_error err = {0};
    pthread_mutex_unlock(&all->lock);
    akin_status status = j->work.run(j, j->work.user, &err);
    pthread_mutex_lock(&all->lock);
    if (status == AKIN_OK) {
        j->fraction = 1;
        j->n_done = j->n_total;
        end_job(j, JOB_DONE);
    } else if (status == AKIN_ECANCELLED && j->cancel) {
        end_job(j, JOB_CANCELLED);
    } else {
        snprintf(j->problem, sizeof j->problem, "%s", err.text);
        end_job(j, JOB_FAILED);
    }
}

static void *worker_main(void *arg)
{
    jobs *all = arg;
    pthread_mutex_lock(&all->lock);
    while (!all->stopping) {
        job *j = find_ready(all);
        if (!j) {
            pthread_cond_wait(&all->changed, &all->lock);
            continue;
        }
        j->state = JOB_RUNNING;
        j->started = wall_clock();
        touch(j);
        run_job(all, j);
    }
    pthread_mutex_unlock(&all->lock);
    return NULL;
}

/* ---- the list ----------------------------------------------------------- */

static akin_status start_workers(jobs *all, size_t n, akin_error *err)
{
    for (size_t i = 0; i < n && i < MAX_WORKERS; i++) {
        if (pthread_create(&all->workers[i], NULL, worker_main, all) != 0)
            break;
        all->n_workers++;
    }
    if (all->n_workers > 0) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EIO, "no thread can be started");
}

akin_status jobs_new(size_t max_jobs, size_t n_workers, jobs **out,
                     akin_error *err)
{
    jobs *all;
    pthread_condattr_t attr;
    AKIN_TRY(mem_new_array(1, sizeof *all, "jobs", (void **)&all, err));
    pthread_mutex_init(&all->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&all->changed, &attr);
    pthread_condattr_destroy(&attr);
    all->max = max_jobs;
    akin_status status = mem_new_array(max_jobs, sizeof *all->items, "jobs",
                                       (void **)&all->items, err);
    if (status == AKIN_OK) status = start_workers(all, n_workers, err);
    if (status != AKIN_OK) {
        jobs_free(all);
        return status;
    }
    *out = all;
    return AKIN_OK;
}

/* With the lock held. */
static void cancel_job(job *j)
{
    if (is_over(j) || j->cancel) return;
    j->cancel = true;
    if (j->state == JOB_QUEUED)
        end_job(j, JOB_CANCELLED);
    else
        touch(j);
}

void jobs_stop(jobs *all)
{
    pthread_mutex_lock(&all->lock);
    all->stopping = true;
    for (size_t i = 0; i < all->n; i++) cancel_job(all->items[i]);
    size_t n = all->n_workers;
    all->n_workers = 0;
    pthread_cond_broadcast(&all->changed);
    pthread_mutex_unlock(&all->lock);
    for (size_t i = 0; i < n; i++) pthread_join(all->workers[i], NULL);
}

void jobs_free(jobs *all)
{
    if (!all) return;
    jobs_stop(all);
    for (size_t i = 0; i < all->n; i++) job_free(all->items[i]);
    pthread_cond_destroy(&all->changed);
    pthread_mutex_destroy(&all->lock);
    mem_free(all->items);
    mem_free(all);
}

/* With the lock held: forgets the oldest that is over, if there is no room. */
static akin_status make_room(jobs *all, akin_error *err)
{
    size_t i = 0;
    if (all->n < all->max) return AKIN_OK;
    while (i < all->n && !is_over(all->items[i])) i++;
    if (i == all->n)
        return AKIN_FAIL(err, AKIN_ELIMIT, "%zu jobs are waiting already",
                         all->n);
    job_free(all->items[i]);
    all->n--;
    memmove(all->items + i, all->items + i + 1,
            (all->n - i) * sizeof *all->items);
    return AKIN_OK;
}

/* Random, so that an id from before a restart is not one of now. */
static akin_status make_id(char id[JOB_ID_BYTES], akin_error *err)
{
    unsigned char bytes[8];
    if (getrandom(bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return AKIN_FAIL(err, AKIN_EIO, "there are no random numbers: %s",
                         strerror(errno));
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    return AKIN_OK;
}

static akin_status add_locked(jobs *all, job *j, akin_error *err)
{
    if (all->stopping)
        return AKIN_FAIL(err, AKIN_EBUSY, "the server is being stopped");
    AKIN_TRY(make_room(all, err));
    all->items[all->n++] = j;
    touch(j);
    return AKIN_OK;
}

akin_status jobs_add(jobs *all, const job_work *work, char id[JOB_ID_BYTES],
                     akin_error *err)
{
    job *j = mem_array(1, sizeof *j);
    if (!j) {
        if (work->clear) work->clear(work->user);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a job");
    }
    j->all = all;
    j->work = *work;
    j->target = mem_strdup(work->target);
    j->messages = json_array();
    j->created = wall_clock();
    j->remaining_s = -1;
    akin_status status = make_id(j->id, err);
    if (status == AKIN_OK && (!j->target || !j->messages))
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a job");
    if (status == AKIN_OK) {
        pthread_mutex_lock(&all->lock);
        memcpy(id, j->id, JOB_ID_BYTES);
        status = add_locked(all, j, err);
        pthread_mutex_unlock(&all->lock);
    }
    if (status != AKIN_OK) job_free(j);
    return status;
}

/* ---- showing ------------------------------------------------------------ */

static job *find_job(const jobs *all, const char *id)
{
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->items[i]->id, id) == 0) return all->items[i];
    return NULL;
}

/* "2026-01-31T12:00:00.123Z"; null for a time that has not come. */
static json_t *time_json(double t)
{
    char text[40];
    struct tm tm;
    time_t seconds = (time_t)t;
    if (t <= 0 || !gmtime_r(&seconds, &tm)) return json_null();
    size_t n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%03dZ",
             (int)((t - (double)seconds) * 1000));
    return json_string(text);
}

static json_t *seconds_json(double s)
{
    return s >= 0 ? json_real(s) : json_null();
}

static json_t *job_json(const job *j, bool whole)
{
    json_t *out = json_pack(
        "{s:s, s:s, s:o, s:s, s:b, s:f, s:s, s:I, s:I, s:o, s:f, s:o, s:o, "
        "s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:f}",
        "id", j->id, "kind", j->work.kind, "target",
        json_text(j->target), "state", state_names[j->state], "cancelling",
        j->cancel && !is_over(j), "fraction", j->fraction, "phase", j->phase,
        "done", (json_int_t)j->n_done, "total", (json_int_t)j->n_total, "file",
        json_text(j->file), "elapsed_s", j->elapsed_s, "remaining_s",
        seconds_json(j->remaining_s), "created_at", time_json(j->created),
        "started_at", time_json(j->started), "ended_at", time_json(j->ended),
        "error", json_text(j->problem[0] ? j->problem : NULL), "n_messages",
        (json_int_t)j->n_messages, "skipped", (json_int_t)j->n_skipped,
        "failed", (json_int_t)j->n_failed, "windows", (json_int_t)j->n_windows,
        "audio_s", j->audio_s);
    if (!whole) return out;
    json_object_set_new(out, "messages", json_copy(j->messages));
    json_object_set(out, "result", j->result ? j->result : json_null());
    return out;
}

/* A reader must not share values with a worker: Jansson counts references
 * without a lock, unless it was built with atomic ones; those that are shared
 * (messages, result) never change, and a deep copy costs little. */
static json_t *snapshot(const job *j, bool whole)
{
    json_t *shared = job_json(j, whole);
    json_t *own = json_deep_copy(shared);
    json_decref(shared);
    return own;
}

json_t *jobs_get(jobs *all, const char *id)
{
    pthread_mutex_lock(&all->lock);
    job *j = find_job(all, id);
    json_t *out = j ? snapshot(j, true) : NULL;
    pthread_mutex_unlock(&all->lock);
    return out;
}

json_t *jobs_list(jobs *all)
{
    json_t *out = json_array();
    pthread_mutex_lock(&all->lock);
    for (size_t i = all->n; i-- > 0;)
        json_array_append_new(out, snapshot(all->items[i], false));
    pthread_mutex_unlock(&all->lock);
    return out;
}

bool jobs_cancel(jobs *all, const char *id)
{
    pthread_mutex_lock(&all->lock);
    job *j = find_job(all, id);
    if (j) cancel_job(j);
    pthread_mutex_unlock(&all->lock);
    return j != NULL;
}

static struct timespec deadline_in(double seconds)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += (time_t)seconds;
    t.tv_nsec += (long)((seconds - (double)(time_t)seconds) * 1e9);
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

json_t *jobs_wait(jobs *all, const char *id, double wait_s, size_t *version,
                  bool *over)
{
    struct timespec end = deadline_in(wait_s);
    json_t *out = NULL;
    int late = 0;
    job *j;
    pthread_mutex_lock(&all->lock);
    while ((j = find_job(all, id)) && j->version == *version && !is_over(j) &&
           !all->stopping && late != ETIMEDOUT)
        late = pthread_cond_timedwait(&all->changed, &all->lock, &end);
    if (j && (!all->stopping || is_over(j))) {
        out = snapshot(j, true);
        *version = j->version;
        *over = is_over(j);
    }
    pthread_mutex_unlock(&all->lock);
    return out;
}

void jobs_count(jobs *all, size_t *n_queued, size_t *n_running)
{
    *n_queued = *n_running = 0;
    pthread_mutex_lock(&all->lock);
    for (size_t i = 0; i < all->n; i++) {
        *n_queued += all->items[i]->state == JOB_QUEUED;
        *n_running += all->items[i]->state == JOB_RUNNING;
    }
    pthread_mutex_unlock(&all->lock);
}

/* ---- for the work ------------------------------------------------------- */

bool job_cancelled(job *j)
{
    pthread_mutex_lock(&j->all->lock);
    bool cancel = j->cancel;
    pthread_mutex_unlock(&j->all->lock);
    return cancel;
}

bool job_progress(job *j, const akin_progress *progress)
{
    pthread_mutex_lock(&j->all->lock);
    j->fraction = progress->fraction;
    j->elapsed_s = progress->elapsed_s;
    j->remaining_s = progress->remaining_s;
    j->n_done = progress->files_done;
    j->n_total = progress->files_total;
    j->n_windows = progress->windows_done;
    j->audio_s = progress->audio_s;
    snprintf(j->phase, sizeof j->phase, "%s",
             progress->phase ? progress->phase : "");
    snprintf(j->file, sizeof j->file, "%s",
             progress->file ? progress->file : "");
    bool go_on = !j->cancel;
    touch(j);
    pthread_mutex_unlock(&j->all->lock);
    return go_on;
}

void job_tally(job *j, size_t n_skipped, size_t n_failed)
{
    pthread_mutex_lock(&j->all->lock);
    j->n_skipped = n_skipped;
    j->n_failed = n_failed;
    touch(j);
    pthread_mutex_unlock(&j->all->lock);
}

void job_say(job *j, const char *subject, const char *text)
{
    json_t *one = json_pack("{s:o, s:o}", "subject", json_text(subject), "text",
                            json_text(text));
    pthread_mutex_lock(&j->all->lock);
    j->n_messages++;
    if (json_array_size(j->messages) == MAX_MESSAGES)
        json_array_remove(j->messages, 0);
    json_array_append_new(j->messages, one);
    touch(j);
    pthread_mutex_unlock(&j->all->lock);
}

void job_result(job *j, json_t *result)
{
    pthread_mutex_lock(&j->all->lock);
    json_decref(j->result);
    j->result = result;
    touch(j);
    pthread_mutex_unlock(&j->all->lock);
}
