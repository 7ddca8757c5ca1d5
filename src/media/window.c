/* SPDX-License-Identifier: MIT
 * Reading a sound file window by window.
 *
 * The whole file runs through one resampler as a stream, in chunks whose size
 * depends on the rates only, so a window has the same samples however it is
 * asked for, and has no edges of its own. Memory does not grow with the
 * file. */
#include "media/window.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "media/window_int.h"

#define WINDOW_MIN_RATE_HZ 1000
#define WINDOW_MAX_RATE_HZ 10000000
#define WINDOW_MIN_SPEED 0.01
#define WINDOW_MAX_SPEED 100

static akin_status window_check_cut(const window_plan *p, akin_error *err)
{
    if (p->rate_hz < WINDOW_MIN_RATE_HZ || p->rate_hz > WINDOW_MAX_RATE_HZ)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the model's sample rate must be %d to %d Hz, not %u",
                         WINDOW_MIN_RATE_HZ, WINDOW_MAX_RATE_HZ, p->rate_hz);
    double n = p->window_s * p->rate_hz;
    if (!(n >= 1 && n <= MEDIA_MAX_WINDOW_SAMPLES))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a window of %g s at %u Hz must have 1 to %d samples",
                         p->window_s, p->rate_hz, MEDIA_MAX_WINDOW_SAMPLES);
    if (!(p->overlap_s >= 0 && p->overlap_s < p->window_s))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the overlap must be at least 0 and less than the "
                         "window of %g s, not %g s",
                         p->window_s, p->overlap_s);
    if ((p->window_s - p->overlap_s) * p->rate_hz < 1)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "an overlap of %g s leaves less than one sample from "
                         "window to window of %g s",
                         p->overlap_s, p->window_s);
    if (!(p->min_len_s >= 0 && p->min_len_s <= p->window_s))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the shortest last window must be 0 to %g s, not %g s",
                         p->window_s, p->min_len_s);
    return AKIN_OK;
}

static akin_status window_check_sound(const window_plan *p, akin_error *err)
{
    if (!(p->speed >= WINDOW_MIN_SPEED && p->speed <= WINDOW_MAX_SPEED))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the speed must be %g to %d, not %g", WINDOW_MIN_SPEED,
                         WINDOW_MAX_SPEED, p->speed);
    double half = p->rate_hz / 2.0;
    if (!(p->fmin_hz >= 0 && p->fmin_hz < half))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "fmin must be at least 0 and less than %g Hz, half "
                         "the model's sample rate, not %g Hz",
                         half, p->fmin_hz);
    if (!(p->fmax_hz >= 0))
        return AKIN_FAIL(err, AKIN_EUSAGE, "fmax must be at least 0, not %g Hz",
                         p->fmax_hz);
    if (p->fmax_hz > 0 && p->fmax_hz <= p->fmin_hz)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "fmin must be less than fmax: %g Hz is not less than "
                         "%g Hz",
                         p->fmin_hz, p->fmax_hz);
    return AKIN_OK;
}

akin_status window_plan_check(const window_plan *plan, akin_error *err)
{
    AKIN_TRY(window_check_cut(plan, err));
    return window_check_sound(plan, err);
}

size_t window_n_samples(const window_plan *plan)
{
    return (size_t)llround(plan->window_s * plan->rate_hz);
}

int64_t window_start_sample(const window_plan *plan, int64_t k)
{
    double hop_s = plan->window_s - plan->overlap_s;
    return llround((double)k * hop_s * plan->rate_hz);
}

double window_start_s(const window_plan *plan, int64_t k)
{
    return (double)k * (plan->window_s - plan->overlap_s) * plan->speed;
}

static bool window_exists(const window_plan *plan, int64_t k, double duration_s)
{
    double left_s = duration_s - window_start_s(plan, k);
    if (k == 0) return left_s > 0;
    return left_s > WINDOW_EPSILON_S &&
           left_s >= plan->min_len_s * plan->speed - WINDOW_EPSILON_S;
}

int64_t window_count(const window_plan *plan, double duration_s)
{
    if (!(duration_s > 0 && duration_s < 1e12)) return 0;
    int64_t n = (int64_t)(duration_s / window_start_s(plan, 1)) + 2;
    while (n > 0 && !window_exists(plan, n - 1, duration_s)) n--;
    return n;
}

/* ---- the stream ---------------------------------------------------------- */

static akin_status window_alloc(window_reader *r, akin_error *err)
{
    void *chunk = NULL, *samples = NULL;
    akin_status status = AKIN_OK;
    bool identity = resampler_is_identity(r->rates);
    size_t n_in = resampler_n_in(r->rates);
    r->room = identity ? n_in : resampler_n_out(r->rates);
    /* Twice the window: then at most every other cut moves what is left. */
    r->cap = 2 * r->n_samples + 4 * r->room;
    AKIN_TRYG(mem_new_array(r->cap, sizeof *r->samples, "a window", &samples,
                            err));
    if (!identity)
        AKIN_TRYG(mem_new_array(n_in, sizeof *r->chunk, "decoded sound", &chunk,
                                err));
done:
    r->samples = samples;
    r->chunk = chunk;
    return status;
}

akin_status window_reader_open(const char *path, const window_plan *plan,
                               window_reader **out, akin_error *err)
{
    AKIN_TRY(window_plan_check(plan, err));
    window_reader *r = mem_array(1, sizeof *r);
    if (!r) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    akin_status status = AKIN_OK;
    double before = clock_thread_cpu_s();
    r->plan = *plan;
    r->n_samples = window_n_samples(plan);
    r->band = filter_design(plan->fmin_hz, plan->fmax_hz, plan->rate_hz);
    AKIN_TRYG(decoder_open(path, &r->source, err));
    if (plan->first_channel) decoder_use_first_channel(r->source);
    double rate = decoder_get_info(r->source)->rate_hz * plan->speed;
    AKIN_TRYG(resampler_open(rate, plan->rate_hz, &r->rates, err));
    AKIN_TRYG(window_alloc(r, err));
    r->times.decode_s = clock_thread_cpu_s() - before;
    *out = r;
    r = NULL;
done:
    window_reader_close(r);
    return status;
}

void window_reader_close(window_reader *r)
{
    if (!r) return;
    decoder_close(r->source);
    resampler_close(r->rates);
    mem_free(r->chunk);
    mem_free(r->samples);
    mem_free(r);
}

/* Forgets samples before `start` and makes room for one step of filling. */
static void window_make_room(window_reader *r, int64_t start)
{
    if (r->cap - r->n >= r->room) return;
    size_t drop = start - r->base < (int64_t)r->n ? (size_t)(start - r->base)
                                                  : r->n;
    r->n -= drop;
    r->base += (int64_t)drop;
    memmove(r->samples, r->samples + drop, r->n * sizeof *r->samples);
    assert(r->cap - r->n >= r->room);
}

/* One step: a chunk of frames decoded and resampled, or the resampler's rest
 * behind the last one. */
static akin_status window_step(window_reader *r, akin_error *err)
{
    double before = clock_thread_cpu_s(), after = before;
    bool identity = !r->chunk;
    float *to = r->samples + r->n;
    size_t n_in = resampler_n_in(r->rates), n = 0, got = 0;
    bool flush = r->decoded;
    if (!flush) {
        AKIN_TRY(decoder_read(r->source, identity ? to : r->chunk, n_in, &n,
                              err));
        after = clock_thread_cpu_s();
        r->times.decode_s += after - before;
        r->frames += (int64_t)n;
        r->decoded = n < n_in;
    }
    if (identity) {
        got = n;
        r->complete = r->decoded;
    } else {
        AKIN_TRY(resampler_put(r->rates, flush ? NULL : r->chunk, n, to, &got,
                               err));
        r->times.resample_s += clock_thread_cpu_s() - after;
        r->complete = flush && got == 0;
    }
    r->n += got;
    return AKIN_OK;
}

double window_reader_duration(const window_reader *r)
{
    uint32_t rate = decoder_get_info(r->source)->rate_hz;
    return r->decoded ? (double)r->frames / rate : 0;
}

akin_status window_fill(window_reader *r, int64_t start, double end_s,
                        akin_error *err)
{
    int64_t end = start + (int64_t)r->n_samples;
    double end_frame = (end_s - WINDOW_EPSILON_S) *
                       decoder_get_info(r->source)->rate_hz;
    assert(start >= r->base);
    while (!r->complete && (r->base + (int64_t)r->n < end ||
                            (!r->decoded && (double)r->frames < end_frame))) {
        window_make_room(r, start);
        AKIN_TRY(window_step(r, err));
    }
    return AKIN_OK;
}

void window_cut(window_reader *r, int64_t start, float *samples)
{
    double before = clock_thread_cpu_s();
    size_t n = 0, first = (size_t)(start - r->base);
    if (first < r->n) n = r->n - first;
    if (n > r->n_samples) n = r->n_samples;
    memcpy(samples, r->samples + (n ? first : 0), n * sizeof *samples);
    memset(samples + n, 0, (r->n_samples - n) * sizeof *samples);
    filter_run(&r->band, samples, r->n_samples);
    r->times.filter_s += clock_thread_cpu_s() - before;
}

akin_status window_reader_next(window_reader *r, float *samples,
                               media_span *span, bool *more, akin_error *err)
{
    const window_plan *plan = &r->plan;
    int64_t start = window_start_sample(plan, r->next);
    double start_s = window_start_s(plan, r->next);
    double end_s = start_s + plan->window_s * plan->speed;
    *more = false;
    AKIN_TRY(window_fill(r, start, end_s, err));
    double duration_s = window_reader_duration(r);
    if (r->decoded && !window_exists(plan, r->next, duration_s)) return AKIN_OK;
    if (r->decoded && duration_s < end_s - WINDOW_EPSILON_S) end_s = duration_s;
    if (samples) window_cut(r, start, samples);
    *span = (media_span){start_s, end_s};
    *more = true;
    r->next++;
    return AKIN_OK;
}

akin_status window_measure(window_reader *r, int64_t *n_samples,
                           akin_error *err)
{
    assert(r->frames == 0);
    double before = clock_thread_cpu_s();
    size_t n = 0;
    int64_t frames = 0;
    do {
        AKIN_TRY(decoder_read(r->source, r->samples, r->cap, &n, err));
        frames += (int64_t)n;
    } while (n == r->cap);
    AKIN_TRY(decoder_seek(r->source, 0, err));
    r->times.decode_s += clock_thread_cpu_s() - before;
    *n_samples = resampler_length(r->rates, frames);
    return AKIN_OK;
}

const media_info *window_reader_get_info(const window_reader *r)
{
    return decoder_get_info(r->source);
}

window_times window_reader_get_times(const window_reader *r)
{
    return r->times;
}

int64_t window_reader_frames(const window_reader *r) { return r->frames; }
