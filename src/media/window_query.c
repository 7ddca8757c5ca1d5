/* SPDX-License-Identifier: MIT
 * The windows of a query file: its middle, its start, or all of it. */
#include <math.h>

#include "base/memory.h"
#include "media/window_int.h"

/* A last segment with less playback than this is left out. */
#define QUERY_MIN_SEGMENT_S 1.0

/* Segments end with the first window that reaches the end of the n samples (a
 * database's windows go on as long as they start before it), or the one before
 * if that holds too little. */
static int64_t query_count_segments(const window_plan *plan, int64_t n)
{
    int64_t chunk = (int64_t)window_n_samples(plan);
    double hop = (plan->window_s - plan->overlap_s) * plan->rate_hz;
    int64_t last = n > chunk ? (int64_t)((double)(n - chunk) / hop) : 0;
    while (window_start_sample(plan, last) + chunk < n) last++;
    double least = fmin(QUERY_MIN_SEGMENT_S, plan->window_s) * plan->rate_hz;
    double left = (double)(n - window_start_sample(plan, last));
    if (last > 0 && left < floor(least)) last--;
    return last + 1;
}

static akin_status query_alloc(window_set *set, const window_plan *plan,
                               size_t n, akin_error *err)
{
    akin_status status = AKIN_OK;
    void *samples = NULL, *spans = NULL;
    size_t n_samples = window_n_samples(plan);
    AKIN_TRYG(mem_new_array(n, n_samples * sizeof *set->samples,
                            "the query's windows", &samples, err));
    AKIN_TRYG(mem_new_array(n, sizeof *set->spans, "the query's windows",
                            &spans, err));
done:
    *set = (window_set){samples, spans, n, n_samples};
    return status;
}

static akin_status query_cut_center(window_reader *r, int64_t n,
                                    window_set *set, akin_error *err)
{
    const window_plan *plan = &r->plan;
    int64_t chunk = (int64_t)set->n_samples;
    int64_t start = n > chunk ? (n - chunk) / 2 : 0;
    double start_s = (double)start / plan->rate_hz * plan->speed;
    double end_s = start_s + plan->window_s * plan->speed;
    AKIN_TRY(window_fill(r, start, end_s, err));
    double duration_s = window_reader_duration(r);
    if (r->decoded && duration_s < end_s) end_s = duration_s;
    window_cut(r, start, set->samples);
    set->spans[0] = (media_span){start_s, end_s};
    return AKIN_OK;
}

static akin_status query_cut_all(window_reader *r, window_set *set,
                                 akin_error *err)
{
    for (size_t i = 0; i < set->n; i++) {
        bool more = false;
        AKIN_TRY(window_reader_next(r, set->samples + i * set->n_samples,
                                    &set->spans[i], &more, err));
        if (!more) set->n = i;
    }
    return AKIN_OK;
}

static akin_status query_cut(window_reader *r, const char *path,
                             window_crop crop, size_t max_windows,
                             window_set *set, akin_error *err)
{
    int64_t n = 0, n_windows = 1;
    if (crop != WINDOW_FIRST) AKIN_TRY(window_measure(r, &n, err));
    if (crop == WINDOW_SEGMENTS) n_windows = query_count_segments(&r->plan, n);
    if ((uint64_t)n_windows > max_windows)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "'%s' has %lld windows, more than the %zu of a query; "
                         "cut it or use less overlap",
                         path, (long long)n_windows, max_windows);
    AKIN_TRY(query_alloc(set, &r->plan, (size_t)n_windows, err));
    if (crop == WINDOW_CENTER) return query_cut_center(r, n, set, err);
    return query_cut_all(r, set, err);
}

akin_status window_query(const char *path, const window_plan *plan,
                         window_crop crop, size_t max_windows, window_set *out,
                         akin_error *err)
{
    akin_status status = AKIN_OK;
    window_reader *reader = NULL;
    window_set set = {0};
    window_plan whole = *plan;
    whole.min_len_s = 0; /* segments have their own rule */
    AKIN_TRYG(window_reader_open(path, &whole, &reader, err));
    AKIN_TRYG(query_cut(reader, path, crop, max_windows, &set, err));
    if (set.n == 0) {
        status = AKIN_FAIL(err, AKIN_EDECODE, "the sound in '%s' is empty",
                           path);
        goto done;
    }
    *out = set;
    set = (window_set){0};
done:
    window_set_clear(&set);
    window_reader_close(reader);
    return status;
}

void window_set_clear(window_set *set)
{
    mem_free(set->samples);
    mem_free(set->spans);
    *set = (window_set){0};
}
