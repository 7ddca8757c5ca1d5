/* SPDX-License-Identifier: MIT
 * The pipeline's threads.
 *
 * All threads are alike. Each takes, in this order, a tray that waits for the
 * model, or the next stretch of the first file that is not being decoded just
 * now: with one long file one thread decodes while the others embed, with many
 * files each thread goes through its own. Fixed roles (n decoders, m embedders)
 * were rejected: their best shares differ with codec, rate and model.
 *
 * A tray is what one call of the model takes. As a rule it holds windows of one
 * file. For a model that gains from batches, what is left of it is filled from
 * the next files that nobody has begun, so that a thousand pictures are not a
 * thousand calls; while fewer files than threads wait, they are left to the
 * other threads.
 *
 * Memory does not grow with files or their length. Trays are large, so there
 * are few of them, each in use until its windows are embedded. Results are
 * small, so there are many batches of them: a later file can be done long
 * before the writer, who takes files in order, comes to it. The last few batches
 * are kept for the file at the head, the one the writer waits for: later files
 * can then never hold all of them, and the pipeline cannot stall.
 *
 * Everything below `mutex` is shared; a file's reader, a tray's content and its
 * batches belong to the thread that has marked them busy. */
#include "engine/pipeline.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/half.h"
#include "base/memory.h"
#include "engine/journal.h"
#include "index/distance.h"

#define PIPELINE_MAX_FILES 65536
#define PIPELINE_RESERVED 2
#define PIPELINE_RESULT_BYTES ((size_t)32 << 20)
#define PIPELINE_MAX_BATCHES 8192

typedef enum batch_state {
    BATCH_FREE,
    BATCH_DECODING,
    BATCH_DECODED,
    BATCH_EMBEDDING,
    BATCH_DONE,
} batch_state;

/* The results of some windows of one file. */
typedef struct batch {
    pipeline_batch face; /* first, so that a face is its batch */
    batch_state state;
    struct batch *next;      /* of the same file, or free */
    struct batch *next_part; /* of the same tray */
    size_t at;               /* its first item in the tray */
    unsigned char *halves;   /* [batch_size, dim] float16 */
    media_span *spans;       /* [batch_size] */
    class_score *scores;     /* [batch_size, n_scores] */
    akin_error error;
} batch;

typedef struct file_state {
    pipeline_file file;
    items_reader *reader; /* NULL until the first stretch */
    window_times times;   /* of the reader, counted so far */
    int64_t n_windows;
    bool busy, ended;
    batch *first, *last; /* in window order */
} file_state;

typedef struct tray {
    float *items; /* [batch_size, n_floats] */
    size_t n;
    batch *parts, *parts_end;
    struct tray *next; /* free or ready */
} tray;

struct pipeline {
    pipeline_options opt;
    size_t n_floats, dim, n_classes;
    batch *batches;
    size_t n_batches, n_free;
    batch *free; /* a stack */
    tray *trays;
    size_t n_trays;
    tray *empty;              /* a stack */
    tray *ready, *ready_end;  /* a queue of decoded ones */
    pthread_t *threads;
    model_session **sessions; /* of the threads */
    size_t n_threads;

    pthread_mutex_t mutex;
    pthread_cond_t work; /* something to do for a thread */
    pthread_cond_t done; /* something to pop */
    bool stopping;
    file_state *files; /* a ring, oldest at head */
    size_t head, n_files, max_files;
    pipeline_times times;
};

static file_state *pipeline_file_at(pipeline *p, size_t i)
{
    return &p->files[(p->head + i) % p->max_files];
}

/* ---- decoding -------------------------------------------------------------- */

/* Fills the rest of the tray with the file's next new windows. Known ones are
 * gone through without being embedded, not jumped over: a resampler that started
 * elsewhere would give other samples. */
static akin_status pipeline_decode(pipeline *p, file_state *f, tray *t,
                                   batch *b, akin_error *err)
{
    if (!f->reader)
        AKIN_TRY(items_reader_open(f->file.path, &p->opt.plan, &f->reader,
                                   err));
    while (t->n < p->opt.batch_size) {
        media_span span;
        bool more;
        AKIN_TRY(items_reader_next(f->reader, t->items + t->n * p->n_floats,
                                   &span, &more, err));
        if (!more) {
            b->face.last = true;
            b->face.duration_s = items_reader_duration(f->reader);
            break;
        }
        f->n_windows++;
        b->face.position_s = span.end_s;
        if (journal_has(f->file.known, f->file.n_known, span.start_s,
                        span.end_s))
            continue;
        b->spans[b->face.n++] = span;
        t->n++;
    }
    return AKIN_OK;
}

static void pipeline_fail(batch *b, akin_status status, const akin_error *why)
{
    b->error = *why;
    b->face.last = true;
    b->face.status = status;
    b->face.problem = b->error.text;
}

static void pipeline_decode_batch(pipeline *p, file_state *f, tray *t, batch *b)
{
    akin_error err = {0};
    b->face = (pipeline_batch){.tag = f->file.tag};
    b->at = t->n;
    akin_status status = pipeline_decode(p, f, t, b, &err);
    if (status != AKIN_OK) pipeline_fail(b, status, &err);
    b->face.n_windows = f->n_windows;
    if (f->reader) b->face.expected_s = items_reader_expected(f->reader);
}

/* Under mutex: what the reader's calls have cost since the last time. */
static void pipeline_count_times(pipeline *p, file_state *f)
{
    if (!f->reader) return;
    window_times now = items_reader_get_times(f->reader);
    p->times.decode_s += now.decode_s - f->times.decode_s;
    p->times.resample_s += now.resample_s - f->times.resample_s;
    p->times.filter_s += now.filter_s - f->times.filter_s;
    f->times = now;
}

/* ---- embedding --------------------------------------------------------------- */

/* What a thread has of its own. */
typedef struct pipeline_thread {
    pipeline *p;
    model_session *session;
    float *floats; /* [batch_size, dim] */
    float *scores; /* [batch_size, n_classes] */
} pipeline_thread;

static akin_status pipeline_check(const pipeline *p, batch *b, float *floats,
                                  akin_error *err)
{
    size_t n = b->face.n * p->dim;
    for (size_t i = 0; i < n; i++)
        if (isnan(floats[i]))
            return AKIN_FAIL(err, AKIN_EMODEL,
                             "the model gave NaN for the window at %.3f s",
                             b->spans[i / p->dim].start_s);
    b->face.n_clamped = half_clamp(floats, n);
    return AKIN_OK;
}

/* The best n of all classes by insertion; n is small. NaN is never best. */
static void pipeline_best(const float *scores, size_t n_classes,
                          class_score *best, size_t n)
{
    size_t n_best = 0;
    for (size_t i = 0; i < n_classes; i++) {
        if (n_best == n && !(scores[i] > best[n - 1].score)) continue;
        if (isnan(scores[i])) continue;
        size_t at = n_best < n ? n_best++ : n - 1;
        for (; at > 0 && best[at - 1].score < scores[i]; at--)
            best[at] = best[at - 1];
        best[at] = (class_score){(uint32_t)i, scores[i]};
    }
    for (; n_best < n; n_best++) best[n_best] = (class_score){0, NAN};
}

static void pipeline_embed_part(pipeline_thread *t, batch *b)
{
    pipeline *p = t->p;
    akin_error err = {0};
    float *floats = t->floats + b->at * p->dim;
    b->face.spans = b->spans;
    b->face.vectors = b->halves;
    b->face.scores = b->scores;
    akin_status status = pipeline_check(p, b, floats, &err);
    if (status != AKIN_OK) {
        pipeline_fail(b, status, &err);
        b->face.n = 0;
        return;
    }
    distance_to_half(floats, b->face.n * p->dim, b->halves);
    for (size_t i = 0; p->opt.n_scores && i < b->face.n; i++)
        pipeline_best(t->scores + (b->at + i) * p->n_classes, p->n_classes,
                      b->scores + i * p->opt.n_scores, p->opt.n_scores);
}

static void pipeline_embed_tray(pipeline_thread *own, tray *t)
{
    akin_error err = {0};
    akin_status status = AKIN_OK;
    if (t->n > 0)
        status = model_embed(own->session, t->items, t->n, own->floats,
                             own->scores, &err);
    for (batch *b = t->parts; b; b = b->next_part) {
        if (status == AKIN_OK || b->face.n == 0) {
            pipeline_embed_part(own, b);
        } else {
            pipeline_fail(b, status, &err);
            b->face.n = 0;
        }
    }
}

/* ---- the threads ---------------------------------------------------------------- */

static tray *pipeline_take_ready(pipeline *p)
{
    tray *t = p->ready;
    if (t) p->ready = t->next;
    return t;
}

static void pipeline_add_ready(pipeline *p, tray *t)
{
    t->next = NULL;
    if (p->ready)
        p->ready_end->next = t;
    else
        p->ready = t;
    p->ready_end = t;
}

static file_state *pipeline_find_file(pipeline *p)
{
    if (!p->empty) return NULL;
    for (size_t i = 0; i < p->n_files; i++) {
        if (p->n_free <= (i == 0 ? 0 : PIPELINE_RESERVED)) return NULL;
        file_state *f = pipeline_file_at(p, i);
        if (!f->busy && !f->ended) return f;
    }
    return NULL;
}

/* A file that nobody has begun, for the rest of a tray; NULL if there are no
 * more of them than threads, which take them for themselves. */
static file_state *pipeline_find_more(pipeline *p)
{
    file_state *found = NULL;
    size_t n = 0;
    if (!p->opt.gathers || p->n_free <= PIPELINE_RESERVED) return NULL;
    for (size_t i = 0; i < p->n_files && n < p->opt.threads; i++) {
        file_state *f = pipeline_file_at(p, i);
        if (f->busy || f->ended || f->reader) continue;
        if (!found) found = f;
        n++;
    }
    return n < p->opt.threads ? NULL : found;
}

/* Under mutex: the file's next batch, a part of the tray. */
static batch *pipeline_take_free(pipeline *p, file_state *f, tray *t)
{
    batch *b = p->free;
    p->free = b->next;
    p->n_free--;
    b->state = BATCH_DECODING;
    b->next = b->next_part = NULL;
    if (f->last)
        f->last->next = b;
    else
        f->first = b;
    f->last = b;
    if (t->parts)
        t->parts_end->next_part = b;
    else
        t->parts = b;
    t->parts_end = b;
    return b;
}

/* Under mutex; lets go of it while decoding. */
static void pipeline_decode_part(pipeline *p, file_state *f, tray *t)
{
    batch *b = pipeline_take_free(p, f, t);
    f->busy = true;
    pthread_mutex_unlock(&p->mutex);
    pipeline_decode_batch(p, f, t, b);
    bool ended = b->face.last;
    pthread_mutex_lock(&p->mutex);
    pipeline_count_times(p, f);
    if (ended) {
        items_reader_close(f->reader);
        f->reader = NULL;
    }
    f->ended = ended;
    f->busy = false;
    b->state = BATCH_DECODED;
}

static void pipeline_do_decode(pipeline *p, file_state *f)
{
    tray *t = p->empty;
    p->empty = t->next;
    t->n = 0;
    t->parts = t->parts_end = NULL;
    for (; f; f = t->n < p->opt.batch_size ? pipeline_find_more(p) : NULL)
        pipeline_decode_part(p, f, t);
    pipeline_add_ready(p, t);
    pthread_cond_broadcast(&p->work);
}

static void pipeline_do_embed(pipeline_thread *thread, tray *t)
{
    pipeline *p = thread->p;
    for (batch *b = t->parts; b; b = b->next_part) b->state = BATCH_EMBEDDING;
    pthread_mutex_unlock(&p->mutex);
    double start_s = clock_thread_cpu_s();
    pipeline_embed_tray(thread, t);
    double spent_s = clock_thread_cpu_s() - start_s;
    pthread_mutex_lock(&p->mutex);
    p->times.model_s += spent_s;
    for (batch *b = t->parts; b; b = b->next_part) b->state = BATCH_DONE;
    t->next = p->empty;
    p->empty = t;
    pthread_cond_broadcast(&p->work);
    pthread_cond_signal(&p->done);
}

static void pipeline_work(pipeline_thread *t)
{
    pipeline *p = t->p;
    pthread_mutex_lock(&p->mutex);
    while (!p->stopping) {
        tray *ready = pipeline_take_ready(p);
        file_state *f = ready ? NULL : pipeline_find_file(p);
        if (ready)
            pipeline_do_embed(t, ready);
        else if (f)
            pipeline_do_decode(p, f);
        else
            pthread_cond_wait(&p->work, &p->mutex);
    }
    pthread_mutex_unlock(&p->mutex);
}

static void pipeline_end_thread(pipeline_thread *t)
{
    mem_free(t->floats);
    mem_free(t->scores);
    mem_free(t);
}

static void *pipeline_thread_main(void *arg)
{
    pipeline_thread *t = arg;
    pipeline_work(t);
    pipeline_end_thread(t);
    return NULL;
}

static akin_status pipeline_start_thread(pipeline *p, akin_error *err)
{
    akin_status status = AKIN_OK;
    size_t n = p->opt.batch_size;
    void *array = NULL;
    pipeline_thread *t = mem_array(1, sizeof *t);
    if (!t) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a thread");
    t->p = p;
    AKIN_TRYG(mem_new_array(n * p->dim, sizeof(float), "vectors", &array, err));
    t->floats = array;
    if (p->opt.n_scores > 0) {
        AKIN_TRYG(mem_new_array(n * p->n_classes, sizeof(float), "scores",
                                &array, err));
        t->scores = array;
    }
    AKIN_TRYG(model_session_open(p->opt.model, &t->session, err));
    p->sessions[p->n_threads] = t->session;
    int error = pthread_create(&p->threads[p->n_threads], NULL,
                               pipeline_thread_main, t);
    if (error == 0) {
        p->n_threads++;
        return AKIN_OK;
    }
    model_session_close(t->session);
    status = AKIN_FAIL(err, AKIN_ELIMIT, "cannot start a thread: %s",
                       strerror(error));
done:
    pipeline_end_thread(t);
    return status;
}

/* ---- opening and closing ----------------------------------------------------------- */

static akin_status pipeline_alloc_trays(pipeline *p, akin_error *err)
{
    size_t floats;
    void *array;
    if (!mem_mul(p->opt.batch_size, p->n_floats, &floats) ||
        floats > SIZE_MAX / sizeof(float))
        return AKIN_FAIL(err, AKIN_ELIMIT, "the batch size is too large");
    AKIN_TRY(mem_new_array(p->opt.threads + 2, sizeof(tray), "batches", &array,
                           err));
    p->trays = array;
    for (; p->n_trays < p->opt.threads + 2; p->n_trays++) {
        tray *t = &p->trays[p->n_trays];
        t->items = mem_aligned(floats * sizeof(float));
        if (!t->items)
            return AKIN_FAIL(err, AKIN_ENOMEM,
                             "out of memory for batches of %zu windows",
                             p->opt.batch_size);
        t->next = p->empty;
        p->empty = t;
    }
    return AKIN_OK;
}

static akin_status pipeline_alloc_batch(pipeline *p, batch *b, akin_error *err)
{
    size_t n = p->opt.batch_size;
    b->halves = mem_array(n * p->dim, 2);
    b->spans = mem_array(n, sizeof *b->spans);
    if (p->opt.n_scores > 0)
        b->scores = mem_array(n * p->opt.n_scores, sizeof *b->scores);
    if (!b->halves || !b->spans || (p->opt.n_scores > 0 && !b->scores))
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for results");
    b->next = p->free;
    p->free = b;
    p->n_free++;
    return AKIN_OK;
}

static akin_status pipeline_alloc_batches(pipeline *p, akin_error *err)
{
    size_t bytes = p->opt.batch_size *
                   (p->dim * 2 + sizeof(media_span) +
                    p->opt.n_scores * sizeof(class_score));
    size_t least = 2 * p->opt.threads + 1 + PIPELINE_RESERVED;
    void *array;
    p->n_batches = PIPELINE_RESULT_BYTES / bytes;
    if (p->n_batches > PIPELINE_MAX_BATCHES)
        p->n_batches = PIPELINE_MAX_BATCHES;
    if (p->n_batches < least) p->n_batches = least;
    AKIN_TRY(mem_new_array(p->n_batches, sizeof(batch), "batches", &array, err));
    p->batches = array;
    for (size_t i = 0; i < p->n_batches; i++)
        AKIN_TRY(pipeline_alloc_batch(p, &p->batches[i], err));
    return AKIN_OK;
}

/* Enough files for every thread, and to fill trays from if each holds but one
 * window. */
static akin_status pipeline_alloc_files(pipeline *p, akin_error *err)
{
    void *array;
    p->max_files = 4 * p->opt.threads;
    if (p->opt.gathers) p->max_files += 2 * p->opt.threads * p->opt.batch_size;
    if (p->max_files > PIPELINE_MAX_FILES) p->max_files = PIPELINE_MAX_FILES;
    AKIN_TRY(mem_new_array(p->max_files, sizeof(file_state), "files", &array,
                           err));
    p->files = array;
    return AKIN_OK;
}

static akin_status pipeline_init(pipeline *p, akin_error *err)
{
    void *array;
    AKIN_TRY(pipeline_alloc_files(p, err));
    AKIN_TRY(pipeline_alloc_trays(p, err));
    AKIN_TRY(pipeline_alloc_batches(p, err));
    AKIN_TRY(mem_new_array(p->opt.threads, sizeof(pthread_t), "threads", &array,
                           err));
    p->threads = array;
    AKIN_TRY(mem_new_array(p->opt.threads, sizeof(model_session *), "threads",
                           &array, err));
    p->sessions = array;
    for (size_t i = 0; i < p->opt.threads; i++)
        AKIN_TRY(pipeline_start_thread(p, err));
    return AKIN_OK;
}

akin_status pipeline_open(const pipeline_options *opt, pipeline **out,
                          akin_error *err)
{
    assert(opt->threads >= 1 && opt->batch_size >= 1);
    pipeline *p = mem_array(1, sizeof *p);
    if (!p) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    const akin_model_info *info = model_get_info(opt->model);
    p->opt = *opt;
    p->n_floats = opt->plan.input->n_floats;
    p->dim = info->dim;
    p->n_classes = info->n_classes;
    if (p->opt.n_scores > p->n_classes) p->opt.n_scores = p->n_classes;
    pthread_mutex_init(&p->mutex, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->done, &attr);
    pthread_condattr_destroy(&attr);
    akin_status status = pipeline_init(p, err);
    if (status != AKIN_OK) {
        pipeline_close(p);
        return status;
    }
    *out = p;
    return AKIN_OK;
}

static void pipeline_clear_file(file_state *f)
{
    items_reader_close(f->reader);
    mem_free(f->file.path);
    mem_free(f->file.known);
    *f = (file_state){0};
}

static void pipeline_stop_threads(pipeline *p)
{
    pthread_mutex_lock(&p->mutex);
    p->stopping = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
    for (size_t i = 0; i < p->n_threads; i++)
        model_session_cancel(p->sessions[i]);
    for (size_t i = 0; i < p->n_threads; i++) {
        pthread_join(p->threads[i], NULL);
        model_session_close(p->sessions[i]);
    }
}

void pipeline_close(pipeline *p)
{
    if (!p) return;
    pipeline_stop_threads(p);
    for (size_t i = 0; i < p->n_files; i++)
        pipeline_clear_file(pipeline_file_at(p, i));
    for (size_t i = 0; p->batches && i < p->n_batches; i++) {
        mem_free(p->batches[i].halves);
        mem_free(p->batches[i].spans);
        mem_free(p->batches[i].scores);
    }
    for (size_t i = 0; i < p->n_trays; i++)
        mem_free_aligned(p->trays[i].items);
    mem_free(p->trays);
    mem_free(p->batches);
    mem_free(p->files);
    mem_free(p->sessions);
    mem_free(p->threads);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->mutex);
    mem_free(p);
}

/* ---- the caller's side ---------------------------------------------------------------- */

bool pipeline_has_room(const pipeline *p)
{
    /* n_files changes on the caller's thread only. */
    return p->n_files < p->max_files;
}

void pipeline_push(pipeline *p, const pipeline_file *file)
{
    pthread_mutex_lock(&p->mutex);
    assert(p->n_files < p->max_files);
    *pipeline_file_at(p, p->n_files) = (file_state){.file = *file};
    p->n_files++;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
}

static bool pipeline_is_ready(pipeline *p)
{
    batch *b = p->n_files ? pipeline_file_at(p, 0)->first : NULL;
    return b && b->state == BATCH_DONE;
}

void pipeline_pop(pipeline *p, double wait_s, pipeline_batch **out)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (int64_t)(wait_s * 1e9);
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    *out = NULL;
    pthread_mutex_lock(&p->mutex);
    while (p->n_files > 0 && !pipeline_is_ready(p))
        if (pthread_cond_timedwait(&p->done, &p->mutex, &until) == ETIMEDOUT)
            break;
    if (pipeline_is_ready(p)) *out = &pipeline_file_at(p, 0)->first->face;
    pthread_mutex_unlock(&p->mutex);
}

void pipeline_release(pipeline *p, pipeline_batch *face)
{
    batch *b = (batch *)face;
    pthread_mutex_lock(&p->mutex);
    file_state *f = pipeline_file_at(p, 0);
    assert(f->first == b);
    f->first = b->next;
    if (!f->first) f->last = NULL;
    b->state = BATCH_FREE;
    b->next = p->free;
    p->free = b;
    p->n_free++;
    if (f->ended && !f->first) {
        pipeline_clear_file(f);
        p->head = (p->head + 1) % p->max_files;
        p->n_files--;
    }
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
}

pipeline_times pipeline_get_times(pipeline *p)
{
    pthread_mutex_lock(&p->mutex);
    pipeline_times times = p->times;
    pthread_mutex_unlock(&p->mutex);
    return times;
}
