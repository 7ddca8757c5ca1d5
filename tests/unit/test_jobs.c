/* SPDX-License-Identifier: MIT
 * server/jobs: states, order, cancelling, and bounds. */
#include "server/jobs.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "test.h"

/* Work that goes on until it is told to end; counts what it sees. */
typedef struct work {
    atomic_bool go, started;
    atomic_int *n_running, *n_most; /* shared by several */
    atomic_int n_cleared;
    akin_status end;
} work;

static akin_status run(job *j, void *user, akin_error *err)
{
    work *w = user;
    int n = w->n_running ? atomic_fetch_add(w->n_running, 1) + 1 : 0;
    if (w->n_most && n > *w->n_most) *w->n_most = n;
    w->started = true;
    while (!w->go) {
        akin_progress progress = {.fraction = 0.5, .phase = "embed",
                                  .files_done = 1, .files_total = 2};
        if (!job_progress(j, &progress)) break;
        clock_sleep_s(0.001);
    }
    job_say(j, "a.png", "is no image");
    job_result(j, json_pack("{s:i}", "n", 3));
    if (w->n_running) atomic_fetch_sub(w->n_running, 1);
    if (job_cancelled(j)) return AKIN_FAIL(err, AKIN_ECANCELLED, "stopped");
    if (w->end != AKIN_OK) return AKIN_FAIL(err, w->end, "the disk is full");
    return AKIN_OK;
}

static void clear(void *user)
{
    ((work *)user)->n_cleared++;
}

static akin_status add(jobs *all, work *w, const char *target, char *id)
{
    job_work spec = {.kind = "compute", .target = target, .run = run,
                     .clear = clear, .user = w};
    return jobs_add(all, &spec, id, NULL);
}

static jobs *make(size_t max, size_t n_workers)
{
    jobs *all = NULL;
    akin_error e = {0};
    CHECK_OK(jobs_new(max, n_workers, &all, &e), e);
    return all;
}

static void check_state(jobs *all, const char *id, const char *wanted)
{
    const char *state = "none";
    json_t *found = jobs_get(all, id);
    json_get_text(found, "state", &state);
    CHECK_EQ_TEXT(state, wanted);
    json_decref(found);
}

static void wait_over(jobs *all, const char *id)
{
    bool over = false;
    size_t version = 0;
    for (int i = 0; i < 1000 && !over; i++)
        json_decref(jobs_wait(all, id, 1, &version, &over));
    CHECK(over);
}

static void wait_started(const work *w)
{
    for (int i = 0; i < 2000 && !w->started; i++) clock_sleep_s(0.001);
    CHECK(w->started);
}

static void done_and_failed(void)
{
    jobs *all = make(10, 2);
    work good = {.go = true}, bad = {.go = true, .end = AKIN_EIO};
    char good_id[JOB_ID_BYTES], bad_id[JOB_ID_BYTES];
    const char *text = "";
    int64_t n = 0;
    CHECK_STATUS(add(all, &good, "a", good_id), AKIN_OK);
    CHECK_STATUS(add(all, &bad, "b", bad_id), AKIN_OK);
    wait_over(all, good_id);
    wait_over(all, bad_id);
    check_state(all, good_id, "done");
    check_state(all, bad_id, "failed");
    json_t *found = jobs_get(all, bad_id);
    CHECK(json_get_text(found, "error", &text));
    CHECK_EQ_TEXT(text, "the disk is full");
    CHECK_EQ_INT(json_array_size(json_object_get(found, "messages")), 1);
    CHECK(json_get_int64(json_object_get(found, "result"), "n", &n) && n == 3);
    json_decref(found);
    CHECK_EQ_INT(good.n_cleared, 1);
    jobs_free(all);
    CHECK_EQ_INT(good.n_cleared, 1);
}

static void one_at_a_target(void)
{
    jobs *all = make(10, 4);
    atomic_int n_running = 0, n_most = 0;
    work works[4] = {0};
    char ids[4][JOB_ID_BYTES];
    for (size_t i = 0; i < 4; i++) {
        works[i].n_running = &n_running;
        works[i].n_most = &n_most;
        CHECK_STATUS(add(all, &works[i], "same", ids[i]), AKIN_OK);
    }
    for (size_t i = 0; i < 4; i++) {
        wait_started(&works[i]);
        if (i < 3) check_state(all, ids[i + 1], "queued");
        works[i].go = true;
        wait_over(all, ids[i]);
    }
    CHECK_EQ_INT(n_most, 1);
    jobs_free(all);
}

static void cancelling(void)
{
    jobs *all = make(10, 1);
    work first = {0}, second = {0};
    char first_id[JOB_ID_BYTES], second_id[JOB_ID_BYTES];
    CHECK_STATUS(add(all, &first, "a", first_id), AKIN_OK);
    CHECK_STATUS(add(all, &second, "b", second_id), AKIN_OK);
    wait_started(&first);
    CHECK(jobs_cancel(all, second_id));
    check_state(all, second_id, "cancelled");
    CHECK_EQ_INT(second.n_cleared, 1);
    CHECK(jobs_cancel(all, first_id));
    wait_over(all, first_id);
    check_state(all, first_id, "cancelled");
    CHECK(!second.started);
    CHECK(!jobs_cancel(all, "nobody"));
    CHECK(jobs_cancel(all, first_id)); /* over already */
    jobs_free(all);
}

static void few_are_remembered(void)
{
    jobs *all = make(3, 1);
    work works[5] = {0};
    char ids[5][JOB_ID_BYTES], id[JOB_ID_BYTES];
    for (size_t i = 0; i < 3; i++)
        CHECK_STATUS(add(all, &works[i], "a", ids[i]), AKIN_OK);
    CHECK_STATUS(add(all, &works[3], "a", id), AKIN_ELIMIT);
    CHECK_EQ_INT(works[3].n_cleared, 1);
    works[0].go = true;
    wait_over(all, ids[0]);
    CHECK_STATUS(add(all, &works[4], "a", ids[4]), AKIN_OK);
    CHECK(jobs_get(all, ids[0]) == NULL); /* the oldest that was over */
    json_t *list = jobs_list(all);
    CHECK_EQ_INT(json_array_size(list), 3);
    json_decref(list);
    jobs_free(all);
    CHECK_EQ_INT(works[4].n_cleared, 1);
}

static void stopping_ends_all(void)
{
    jobs *all = make(10, 1);
    work running = {0}, waiting = {0};
    char id[JOB_ID_BYTES], waiting_id[JOB_ID_BYTES];
    CHECK_STATUS(add(all, &running, "a", id), AKIN_OK);
    CHECK_STATUS(add(all, &waiting, "a", waiting_id), AKIN_OK);
    wait_started(&running);
    jobs_stop(all);
    check_state(all, id, "cancelled");
    check_state(all, waiting_id, "cancelled");
    work late = {0};
    CHECK_STATUS(add(all, &late, "a", id), AKIN_EBUSY);
    CHECK_EQ_INT(late.n_cleared, 1);
    jobs_free(all);
}

static void what_is_over_stays(void)
{
    jobs *all = make(10, 1);
    work w = {.go = true};
    char id[JOB_ID_BYTES];
    CHECK_STATUS(add(all, &w, "a", id), AKIN_OK);
    wait_over(all, id);
    bool over = false;
    size_t version = 0, before;
    json_decref(jobs_wait(all, id, 0.01, &version, &over));
    before = version;
    json_decref(jobs_wait(all, id, 0.01, &version, &over));
    CHECK_EQ_INT(before, version);
    CHECK(over);
    jobs_free(all);
}

const test_case test_jobs_cases[] = {
    {"jobs/done_and_failed", done_and_failed},
    {"jobs/one_at_a_target", one_at_a_target},
    {"jobs/cancelling", cancelling},
    {"jobs/few_are_remembered", few_are_remembered},
    {"jobs/stopping_ends_all", stopping_ends_all},
    {"jobs/what_is_over_stays", what_is_over_stays},
    {NULL, NULL},
};
