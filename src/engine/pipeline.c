/* SPDX-License-Identifier: MIT
 * The pipeline's threads.
 *
 * All threads are alike. Each takes, in this order, a batch that waits for the
 * model, or the next stretch of the first file that is not being decoded just
 * now: with one long file one thread decodes while the others embed, with many
 * files each thread goes through its own. Fixed roles (n decoders, m embedders)
 * were rejected: their best shares differ with codec, rate and model.
 *
 * Memory does not grow with files or their length. Samples are large, so there
 * are few buffers of them, each in use until its windows are embedded. Results
 * are small, so there are many batches of them: a later file can be done long
 * before the writer, who takes files in order, comes to it. The last few batches
 * are kept for the file at the head, the one the writer waits for: later files
 * can then never hold all of them, and the pipeline cannot stall.
 *
 * Everything below `mutex` is shared; a file's reader and a batch's content
 * belong to the thread that has marked them busy. */
#include "engine/pipeline.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "index/distance.h"

#define PIPELINE_MAX_FILES 64
#define PIPELINE_RESERVED 2
#define PIPELINE_RESULT_BYTES ((size_t)32 << 20)
#define PIPELINE_MAX_BATCHES 8192
#define PIPELINE_HALF_MAX 65504.0f

typedef enum batch_state {
    BATCH_FREE,
    BATCH_DECODING,
    BATCH_DECODED,
    BATCH_EMBEDDING,
    BATCH_DONE,
} batch_state;

typedef struct batch {
    pipeline_batch face; /* first, so that a face is its batch */
    batch_state state;
    struct batch *next;       /* of the same file, or free */
    struct batch *next_ready; /* waiting for the model */
    float *samples;           /* a buffer, until it is embedded */
    unsigned char *halves;    /* [batch_size, dim] float16 */
    media_span *spans;        /* [batch_size] */
    akin_error error;
} batch;

typedef struct file_state {
    pipeline_file file;
    window_reader *reader; /* NULL until the first stretch */
    window_times times;    /* of the reader, counted so far */
    int64_t n_windows;
    bool busy, ended;
    batch *first, *last; /* in window order */
} file_state;

struct pipeline {
    pipeline_options opt;
    size_t n_samples, dim;
    batch *batches;
    size_t n_batches, n_free;
    batch *free;              /* a stack */
    batch *ready, *ready_end; /* a queue of decoded ones */
    float **buffers;          /* [batch_size, n_samples] each; a stack */
    size_t n_buffers, n_buffers_free;
    pthread_t *threads;
    size_t n_threads;

    pthread_mutex_t mutex;
    pthread_cond_t work; /* something to do for a thread */
    pthread_cond_t done; /* something to pop */
    bool stopping;
    file_state files[PIPELINE_MAX_FILES]; /* a ring, oldest at head */
    size_t head, n_files;
    pipeline_times times;
};

static file_state *pipeline_file_at(pipeline *p, size_t i)
{
    return &p->files[(p->head + i) % PIPELINE_MAX_FILES];
}

/* ---- decoding -------------------------------------------------------------- */

static bool pipeline_is_known(const pipeline_file *file, media_span span)
{
    size_t low = 0, high = file->n_known; /* first with start >= span's - 1e-6 */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (file->known[middle].start_s < span.start_s - 1e-6)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < file->n_known; low++) {
        const store_window *w = &file->known[low];
        if (w->start_s > span.start_s + 1e-6) return false;
        if (fabs(w->end_s - span.end_s) <= 1e-6) return true;
    }
    return false;
}

/* Fills the batch with the next new windows. Known ones are gone through
 * without being embedded, not jumped over: a resampler that started elsewhere
 * would give other samples. */
static akin_status pipeline_decode(pipeline *p, file_state *f, batch *b,
                                   akin_error *err)
{
    if (!f->reader)
        AKIN_TRY(window_reader_open(f->file.path, &p->opt.plan, &f->reader,
                                    err));
    while (b->face.n < p->opt.batch_size) {
        float *samples = b->samples + b->face.n * p->n_samples;
        media_span span;
        bool more;
        AKIN_TRY(window_reader_next(f->reader, samples, &span, &more, err));
        if (!more) {
            b->face.last = true;
            b->face.duration_s = window_reader_duration(f->reader);
            break;
        }
        f->n_windows++;
        b->face.position_s = span.end_s;
        if (pipeline_is_known(&f->file, span)) continue;
        b->spans[b->face.n++] = span;
    }
    return AKIN_OK;
}

static void pipeline_decode_batch(pipeline *p, file_state *f, batch *b)
{
    akin_error err = {0};
    b->face = (pipeline_batch){.tag = f->file.tag};
    akin_status status = pipeline_decode(p, f, b, &err);
    if (status != AKIN_OK) {
        b->error = err;
        b->face.last = true;
        b->face.status = status;
        b->face.problem = b->error.text;
    }
    b->face.n_windows = f->n_windows;
    if (f->reader)
        b->face.expected_s = window_reader_get_info(f->reader)->duration_s;
}

/* Under mutex: what the reader's calls have cost since the last time. */
static void pipeline_count_times(pipeline *p, file_state *f)
{
    if (!f->reader) return;
    window_times now = window_reader_get_times(f->reader);
    p->times.decode_s += now.decode_s - f->times.decode_s;
    p->times.resample_s += now.resample_s - f->times.resample_s;
    p->times.filter_s += now.filter_s - f->times.filter_s;
    f->times = now;
}

/* ---- embedding --------------------------------------------------------------- */

static akin_status pipeline_check(const pipeline *p, batch *b, float *floats,
                                  akin_error *err)
{
    size_t n = b->face.n * p->dim;
    for (size_t i = 0; i < n; i++) {
        float *x = &floats[i];
        if (isnan(*x))
            return AKIN_FAIL(err, AKIN_EMODEL,
                             "the model gave NaN for the window at %.3f s",
                             b->spans[i / p->dim].start_s);
        if (fabsf(*x) > PIPELINE_HALF_MAX) {
            *x = copysignf(PIPELINE_HALF_MAX, *x);
            b->face.n_clamped++;
        }
    }
    return AKIN_OK;
}

/* What a thread has of its own. */
typedef struct pipeline_thread {
    pipeline *p;
    model_session *session;
    float *floats; /* [batch_size, dim] */
} pipeline_thread;

static void pipeline_embed_batch(pipeline_thread *t, batch *b)
{
    pipeline *p = t->p;
    akin_error err = {0};
    akin_status status = AKIN_OK;
    if (b->face.n > 0) {
        status = model_embed_sound(t->session, b->samples, b->face.n, t->floats,
                                   &err);
        if (status == AKIN_OK) status = pipeline_check(p, b, t->floats, &err);
        if (status == AKIN_OK)
            distance_to_half(t->floats, b->face.n * p->dim, b->halves);
    }
    if (status != AKIN_OK) {
        b->error = err;
        b->face.n = 0;
        b->face.last = true;
        b->face.status = status;
        b->face.problem = b->error.text;
    }
    b->face.spans = b->spans;
    b->face.vectors = b->halves;
}

/* ---- the threads ---------------------------------------------------------------- */

static batch *pipeline_take_ready(pipeline *p)
{
    batch *b = p->ready;
    if (b) p->ready = b->next_ready;
    return b;
}

static void pipeline_add_ready(pipeline *p, batch *b)
{
    b->next_ready = NULL;
    if (p->ready)
        p->ready_end->next_ready = b;
    else
        p->ready = b;
    p->ready_end = b;
}

static file_state *pipeline_find_file(pipeline *p)
{
    if (p->n_buffers_free == 0) return NULL;
    for (size_t i = 0; i < p->n_files; i++) {
        if (p->n_free <= (i == 0 ? 0 : PIPELINE_RESERVED)) return NULL;
        file_state *f = pipeline_file_at(p, i);
        if (!f->busy && !f->ended) return f;
    }
    return NULL;
}

static batch *pipeline_take_free(pipeline *p, file_state *f)
{
    batch *b = p->free;
    p->free = b->next;
    p->n_free--;
    b->state = BATCH_DECODING;
    b->samples = p->buffers[--p->n_buffers_free];
    b->next = NULL;
    if (f->last)
        f->last->next = b;
    else
        f->first = b;
    f->last = b;
    return b;
}

/* Under mutex; lets go of it while decoding. */
static void pipeline_do_decode(pipeline *p, file_state *f)
{
    batch *b = pipeline_take_free(p, f);
    f->busy = true;
    pthread_mutex_unlock(&p->mutex);
    pipeline_decode_batch(p, f, b);
    bool ended = b->face.last;
    pthread_mutex_lock(&p->mutex);
    pipeline_count_times(p, f);
    if (ended) {
        window_reader_close(f->reader);
        f->reader = NULL;
    }
    f->ended = ended;
    f->busy = false;
    b->state = BATCH_DECODED;
    pipeline_add_ready(p, b);
    pthread_cond_broadcast(&p->work);
}

static void pipeline_do_embed(pipeline_thread *t, batch *b)
{
    pipeline *p = t->p;
    b->state = BATCH_EMBEDDING;
    pthread_mutex_unlock(&p->mutex);
    double start_s = clock_thread_cpu_s();
    pipeline_embed_batch(t, b);
    double spent_s = clock_thread_cpu_s() - start_s;
    pthread_mutex_lock(&p->mutex);
    p->times.model_s += spent_s;
    p->buffers[p->n_buffers_free++] = b->samples;
    b->samples = NULL;
    b->state = BATCH_DONE;
    pthread_cond_broadcast(&p->work);
    pthread_cond_signal(&p->done);
}

static void pipeline_work(pipeline_thread *t)
{
    pipeline *p = t->p;
    pthread_mutex_lock(&p->mutex);
    while (!p->stopping) {
        batch *b = pipeline_take_ready(p);
        file_state *f = b ? NULL : pipeline_find_file(p);
        if (b)
            pipeline_do_embed(t, b);
        else if (f)
            pipeline_do_decode(p, f);
        else
            pthread_cond_wait(&p->work, &p->mutex);
    }
    pthread_mutex_unlock(&p->mutex);
}

static void pipeline_end_thread(pipeline_thread *t)
{
    model_session_close(t->session);
    mem_free(t->floats);
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
    pipeline_thread *t = mem_array(1, sizeof *t);
    if (!t) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a thread");
    t->p = p;
    void *floats = NULL;
    AKIN_TRYG(mem_new_array(p->opt.batch_size * p->dim, sizeof(float),
                            "vectors", &floats, err));
    t->floats = floats;
    AKIN_TRYG(model_session_open(p->opt.model, &t->session, err));
    int error = pthread_create(&p->threads[p->n_threads], NULL,
                               pipeline_thread_main, t);
    if (error == 0) {
        p->n_threads++;
        return AKIN_OK;
    }
    status = AKIN_FAIL(err, AKIN_ELIMIT, "cannot start a thread: %s",
                       strerror(error));
done:
    pipeline_end_thread(t);
    return status;
}

/* ---- opening and closing ----------------------------------------------------------- */

static akin_status pipeline_alloc_buffers(pipeline *p, akin_error *err)
{
    size_t samples;
    void *array;
    if (!mem_mul(p->opt.batch_size, p->n_samples, &samples) ||
        samples > SIZE_MAX / sizeof(float))
        return AKIN_FAIL(err, AKIN_ELIMIT, "the batch size is too large");
    AKIN_TRY(mem_new_array(p->opt.threads + 2, sizeof(float *), "buffers",
                           &array, err));
    p->buffers = array;
    for (; p->n_buffers < p->opt.threads + 2; p->n_buffers++) {
        float *buffer = mem_aligned(samples * sizeof(float));
        if (!buffer)
            return AKIN_FAIL(err, AKIN_ENOMEM,
                             "out of memory for batches of %zu windows",
                             p->opt.batch_size);
        p->buffers[p->n_buffers_free++] = buffer;
    }
    return AKIN_OK;
}

static akin_status pipeline_alloc_batches(pipeline *p, akin_error *err)
{
    size_t n = p->opt.batch_size, bytes = n * (p->dim * 2 + sizeof(media_span));
    size_t least = 2 * p->opt.threads + 1 + PIPELINE_RESERVED;
    void *array;
    p->n_batches = PIPELINE_RESULT_BYTES / bytes;
    if (p->n_batches > PIPELINE_MAX_BATCHES)
        p->n_batches = PIPELINE_MAX_BATCHES;
    if (p->n_batches < least) p->n_batches = least;
    AKIN_TRY(mem_new_array(p->n_batches, sizeof(batch), "batches", &array, err));
    p->batches = array;
    for (size_t i = 0; i < p->n_batches; i++) {
        batch *b = &p->batches[i];
        b->halves = mem_array(n * p->dim, 2);
        b->spans = mem_array(n, sizeof *b->spans);
        if (!b->halves || !b->spans)
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for results");
        b->next = p->free;
        p->free = b;
        p->n_free++;
    }
    return AKIN_OK;
}

static akin_status pipeline_init(pipeline *p, akin_error *err)
{
    void *array;
    AKIN_TRY(pipeline_alloc_buffers(p, err));
    AKIN_TRY(pipeline_alloc_batches(p, err));
    AKIN_TRY(mem_new_array(p->opt.threads, sizeof(pthread_t), "threads", &array,
                           err));
    p->threads = array;
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
    p->opt = *opt;
    p->n_samples = window_n_samples(&opt->plan);
    p->dim = model_get_info(opt->model)->dim;
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
    window_reader_close(f->reader);
    mem_free(f->file.path);
    mem_free(f->file.known);
    *f = (file_state){0};
}

void pipeline_close(pipeline *p)
{
    if (!p) return;
    pthread_mutex_lock(&p->mutex);
    p->stopping = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->mutex);
    for (size_t i = 0; i < p->n_threads; i++) pthread_join(p->threads[i], NULL);
    for (size_t i = 0; i < p->n_files; i++)
        pipeline_clear_file(pipeline_file_at(p, i));
    for (size_t i = 0; p->batches && i < p->n_batches; i++) {
        mem_free_aligned(p->batches[i].samples);
        mem_free(p->batches[i].halves);
        mem_free(p->batches[i].spans);
    }
    for (size_t i = 0; i < p->n_buffers_free; i++)
        mem_free_aligned(p->buffers[i]);
    mem_free(p->buffers);
    mem_free(p->batches);
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
    return p->n_files < PIPELINE_MAX_FILES && p->n_files < 4 * p->opt.threads;
}

void pipeline_push(pipeline *p, const pipeline_file *file)
{
    pthread_mutex_lock(&p->mutex);
    assert(p->n_files < PIPELINE_MAX_FILES);
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
        p->head = (p->head + 1) % PIPELINE_MAX_FILES;
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
