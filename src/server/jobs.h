/* SPDX-License-Identifier: MIT
 * Long work, done beside the requests: each job has a state that can be asked
 * for, watched and cancelled. Thread-safe. */
#ifndef SERVER_JOBS_H
#define SERVER_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "akin/akin.h"
#include "base/error.h"
#include "base/json.h"

#define JOB_ID_BYTES 24

typedef struct jobs jobs;
typedef struct job job;

/* What is to be done. `run` works until it is done or job_progress says false
 * (then it gives AKIN_ECANCELLED); `clear` is called once, when the job is
 * over, though it may never have run. */
typedef struct job_work {
    const char *kind;   /* "compute"; static */
    const char *target; /* what it writes to, copied: jobs of one target run
                           one after the other */
    akin_status (*run)(job *j, void *user, akin_error *err);
    void (*clear)(void *user);
    void *user;
} job_work;

/* max_jobs are remembered; n_workers run at a time. */
akin_status jobs_new(size_t max_jobs, size_t n_workers, jobs **out,
                     akin_error *err) AKIN_NODISCARD;

/* Cancels all, waits for what runs, and ends the waiting of jobs_wait. */
void jobs_stop(jobs *all);
void jobs_free(jobs *all); /* stops first */

/* Queues the work, which it owns from here on, even if it fails. AKIN_ELIMIT:
 * all that are remembered still wait or run. */
akin_status jobs_add(jobs *all, const job_work *work, char id[JOB_ID_BYTES],
                     akin_error *err) AKIN_NODISCARD;

/* {id, kind, target, state, fraction, phase, windows, ..., messages, result};
 * NULL if there is no such job (or memory is out). state: queued, running,
 * done, failed, cancelled. */
json_t *jobs_get(jobs *all, const char *id);
json_t *jobs_list(jobs *all); /* newest first, without messages and result */

/* false: no such job. One that is over stays as it is. */
bool jobs_cancel(jobs *all, const char *id);

/* Waits until the job is of another version than *version, at most wait_s. Its
 * state is then what jobs_get gives, *version its new one, *over whether it
 * will change no more. NULL: no such job, or the server stops. */
json_t *jobs_wait(jobs *all, const char *id, double wait_s, size_t *version,
                  bool *over);

/* How many are in a state of these names. */
void jobs_count(jobs *all, size_t *n_queued, size_t *n_running);

/* ---- for the work ------------------------------------------------------- */

/* As progress callbacks want it: false when the job is to stop. */
bool job_progress(job *j, const akin_progress *progress);
bool job_cancelled(job *j);

/* How many parts of the work were there already, and how many failed. */
void job_tally(job *j, size_t n_skipped, size_t n_failed);

/* Something worth knowing about one part of the work; the last 100 are kept. */
void job_say(job *j, const char *subject, const char *text);

/* What came of it; steals. */
void job_result(job *j, json_t *result);

#endif
