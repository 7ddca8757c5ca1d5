/* SPDX-License-Identifier: MIT
 * engine/pipeline: order, equal results at any batch size and thread count,
 * errors in the middle, known windows, and closing while it is busy. */
#include "engine/pipeline.h"

#include <stdlib.h>

#include "base/memory.h"
#include "db_files.h"
#include "test.h"

enum { MAX_FILES = 300, WAIT_S = 10 };

typedef struct job {
    pipeline_options opt;
    model *model;
    const char *names[MAX_FILES]; /* below test_dir() */
    size_t n_files;
    store_window *known; /* of the first file; taken over */
    size_t n_known;
} job;

/* What came out. */
typedef struct outcome {
    unsigned long long hash; /* of spans, vectors and ends, in order */
    size_t n_windows, n_batches, n_failed;
    size_t last_tag;
    bool in_order;
} outcome;

static void job_init(job *j, size_t threads, size_t batch_size)
{
    akin_error e = {0};
    *j = (job){0};
    CHECK_OK(model_open(NULL, NULL, &j->model, &e), e);
    if (!j->model) return;
    const akin_model_info *info = model_get_info(j->model);
    j->opt = (pipeline_options){
        .model = j->model,
        .plan = {.input = model_get_input(j->model),
                 .window = {.rate_hz = info->rate_hz,
                            .window_s = info->window_s, .speed = 1}},
        .threads = threads,
        .batch_size = batch_size,
    };
}

static void job_clear(job *j) { model_close(j->model); }

static void hash_bytes(unsigned long long *hash, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++) *hash = (*hash ^ p[i]) * 1099511628211u;
}

static void outcome_take(outcome *o, const job *j, const pipeline_batch *b)
{
    size_t bytes = model_get_info(j->model)->dim * 2;
    CHECK(b->n <= j->opt.batch_size);
    CHECK(b->last || b->n == j->opt.batch_size || j->opt.gathers);
    if (b->tag != o->last_tag && b->tag != o->last_tag + 1) o->in_order = false;
    for (size_t i = 0; i < b->n; i++) {
        hash_bytes(&o->hash, &b->spans[i].start_s, sizeof(double));
        hash_bytes(&o->hash, &b->spans[i].end_s, sizeof(double));
        hash_bytes(&o->hash, b->vectors + i * bytes, bytes);
    }
    if (b->last) {
        hash_bytes(&o->hash, &b->duration_s, sizeof(double));
        hash_bytes(&o->hash, &b->n_windows, sizeof b->n_windows);
        hash_bytes(&o->hash, &b->status, sizeof b->status);
        o->n_failed += b->status != AKIN_OK;
        CHECK((b->status != AKIN_OK) == (b->problem && *b->problem));
    }
    o->n_windows += b->n;
    o->n_batches++;
    o->last_tag = b->tag;
}

static void push(job *j, pipeline *p, size_t i)
{
    pipeline_file file = {.path = mem_strdup(db_path(j->names[i])), .tag = i};
    if (i == 0) {
        file.known = j->known;
        file.n_known = j->n_known;
        j->known = NULL;
    }
    pipeline_push(p, &file);
}

/* Runs a job as an extraction does; ends after `limit` batches (0: all). */
static outcome run(job *j, size_t limit)
{
    akin_error e = {0};
    pipeline *p = NULL;
    outcome o = {.hash = 1469598103934665603u, .in_order = true};
    size_t pushed = 0, ended = 0;
    CHECK_OK(pipeline_open(&j->opt, &p, &e), e);
    if (!p) return o;
    while (ended < j->n_files && (limit == 0 || o.n_batches < limit)) {
        while (pushed < j->n_files && pipeline_has_room(p)) push(j, p, pushed++);
        pipeline_batch *b;
        pipeline_pop(p, WAIT_S, &b);
        if (!b) {
            test_fail(__FILE__, __LINE__, "nothing after %zu batches",
                      o.n_batches);
            break;
        }
        outcome_take(&o, j, b);
        ended += b->last;
        pipeline_release(p, b);
    }
    if (ended == j->n_files && j->n_files > 0) {
        pipeline_batch *b;
        pipeline_pop(p, 0.001, &b);
        CHECK(b == NULL);
        CHECK_EQ_INT(o.last_tag, j->n_files - 1);
    }
    pipeline_close(p);
    return o;
}

/* ---- the tests ----------------------------------------------------------- */

static const char *const names[] = {"rec/0.wav", "rec/1.wav", "rec/2.wav",
                                    "rec/3.wav"};

static void make_files(void)
{
    db_make_wav(names[0], 20, 1);
    db_make_wav(names[1], 0.2, 2);
    db_make_wav(names[2], 6, 3);
    db_make_wav(names[3], 13.5, 4);
}

static void use_files(job *j)
{
    j->n_files = sizeof names / sizeof *names;
    memcpy(j->names, names, sizeof names);
}

static void batches_and_threads_change_nothing(void)
{
    outcome first = {0};
    make_files();
    for (size_t size = 1; size <= 16; size += size < 9 ? 1 : 7) {
        job j;
        job_init(&j, 1 + size % 5, size);
        use_files(&j);
        outcome o = run(&j, 0);
        job_clear(&j);
        if (size == 1) first = o;
        CHECK(o.in_order);
        CHECK_EQ_INT(o.n_failed, 0);
        CHECK_EQ_INT(o.n_windows, 7 + 1 + 2 + 5);
        CHECK(o.hash == first.hash);
    }
}

static void write_text(const char *name, const char *text)
{
    FILE *f = fopen(db_path(name), "wb");
    CHECK(f && fputs(text, f) >= 0);
    if (f) fclose(f);
}

static void errors_in_the_middle_stay_with_their_file(void)
{
    for (size_t threads = 1; threads <= 6; threads += 5) {
        job j;
        make_files();
        write_text("rec/bad.wav", "these are words\n");
        job_init(&j, threads, 3);
        use_files(&j);
        j.names[0] = "rec/bad.wav";
        j.names[2] = "rec/missing.wav";
        j.names[4] = names[0];
        j.names[5] = "rec/bad.wav";
        j.n_files = 6;
        outcome o = run(&j, 0);
        CHECK(o.in_order);
        CHECK_EQ_INT(o.n_failed, 3);
        CHECK_EQ_INT(o.n_windows, 1 + 5 + 7);
        job_clear(&j);
    }
}

static void many_tiny_files_come_in_order(void)
{
    static char paths[MAX_FILES][24];
    job j;
    job_init(&j, 4, 8);
    for (size_t i = 0; i < MAX_FILES; i++) {
        snprintf(paths[i], sizeof paths[i], "rec/%zu.wav", i % 50);
        if (i < 50) db_make_wav(paths[i], 0.02, (unsigned)i);
        j.names[i] = paths[i];
    }
    j.n_files = MAX_FILES;
    outcome o = run(&j, 0);
    CHECK(o.in_order);
    CHECK_EQ_INT(o.n_windows, MAX_FILES);
    job_clear(&j);
}

/* Calls that hold windows of many files give the same as calls of one file. */
static void gathered_files_are_the_same(void)
{
    static char paths[MAX_FILES][24];
    outcome alone = {0};
    for (size_t i = 0; i < MAX_FILES; i++)
        snprintf(paths[i], sizeof paths[i], "rec/%zu.wav", i % 50);
    for (size_t i = 0; i < 50; i++)
        db_make_wav(paths[i], i % 7 == 0 ? 10 : 0.02, (unsigned)i);
    write_text("rec/13.wav", "these are words\n");
    for (size_t threads = 0; threads < 5; threads++) {
        job j;
        job_init(&j, threads ? threads : 1, 8);
        j.opt.gathers = threads > 0;
        for (size_t i = 0; i < MAX_FILES; i++) j.names[i] = paths[i];
        j.n_files = MAX_FILES;
        outcome o = run(&j, 0);
        CHECK(o.in_order);
        CHECK_EQ_INT(o.n_failed, MAX_FILES / 50);
        if (threads == 0) alone = o;
        CHECK_EQ_INT(o.n_windows, alone.n_windows);
        CHECK(o.hash == alone.hash);
        job_clear(&j);
    }
}

static void known_windows_are_left_out(void)
{
    job j;
    make_files();
    job_init(&j, 2, 2);
    use_files(&j);
    j.known = mem_array(3, sizeof *j.known);
    j.n_known = 3;
    j.known[0] = (store_window){.start_s = 0, .end_s = 3};
    j.known[1] = (store_window){.start_s = 9, .end_s = 12 + 5e-7};
    j.known[2] = (store_window){.start_s = 12, .end_s = 14}; /* another one */
    outcome o = run(&j, 0);
    CHECK_EQ_INT(o.n_windows, 7 + 1 + 2 + 5 - 2);
    job_clear(&j);
}

static void it_closes_while_it_is_busy(void)
{
    make_files();
    db_make_wav("rec/long.wav", 100, 9);
    for (size_t limit = 1; limit < 5; limit++) {
        job j;
        job_init(&j, 1 + limit % 3, limit);
        use_files(&j);
        j.names[limit % 2] = "rec/long.wav";
        run(&j, limit);
        job_clear(&j);
    }
}

/* With the first batch still borrowed, and with nothing popped at all. */
static void it_closes_without_being_read(void)
{
    akin_error e = {0};
    make_files();
    for (int n = 0; n < 4; n++) {
        job j;
        pipeline *p = NULL;
        pipeline_batch *b = NULL;
        job_init(&j, 3, 1);
        use_files(&j);
        CHECK_OK(pipeline_open(&j.opt, &p, &e), e);
        for (size_t i = 0; p && i < (size_t)n; i++) push(&j, p, i);
        if (p && n > 1) pipeline_pop(p, WAIT_S, &b);
        pipeline_close(p);
        job_clear(&j);
    }
}

static void an_empty_pipeline_does_not_wait(void)
{
    akin_error e = {0};
    job j;
    pipeline *p = NULL;
    pipeline_batch *b;
    job_init(&j, 2, 4);
    CHECK_OK(pipeline_open(&j.opt, &p, &e), e);
    if (!p) return;
    pipeline_pop(p, 1000, &b);
    CHECK(b == NULL);
    CHECK(pipeline_has_room(p));
    pipeline_times times = pipeline_get_times(p);
    CHECK_NEAR(times.decode_s + times.model_s, 0, 0);
    pipeline_close(p);
    job_clear(&j);
}

static void memory_may_run_out(void)
{
    make_files();
    for (int64_t n = 1; n < 40; n++) {
        akin_error e = {0};
        job j;
        pipeline *p = NULL;
        job_init(&j, 2, 2);
        mem_fail_at(n);
        akin_status status = pipeline_open(&j.opt, &p, &e);
        bool over = mem_fail_pending();
        mem_fail_at(0);
        CHECK_STATUS(status, over ? AKIN_OK : AKIN_ENOMEM);
        if (status == AKIN_OK) pipeline_close(p);
        job_clear(&j);
        if (over) break;
    }
}

const test_case test_pipeline_cases[] = {
    {"pipeline/batches_and_threads_change_nothing",
     batches_and_threads_change_nothing},
    {"pipeline/errors_in_the_middle_stay_with_their_file",
     errors_in_the_middle_stay_with_their_file},
    {"pipeline/many_tiny_files_come_in_order", many_tiny_files_come_in_order},
    {"pipeline/gathered_files_are_the_same", gathered_files_are_the_same},
    {"pipeline/known_windows_are_left_out", known_windows_are_left_out},
    {"pipeline/it_closes_while_it_is_busy", it_closes_while_it_is_busy},
    {"pipeline/it_closes_without_being_read", it_closes_without_being_read},
    {"pipeline/an_empty_pipeline_does_not_wait",
     an_empty_pipeline_does_not_wait},
    {"pipeline/memory_may_run_out", memory_may_run_out},
    {0},
};
