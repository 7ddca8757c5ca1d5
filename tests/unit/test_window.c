/* SPDX-License-Identifier: MIT
 * media/window: where windows lie, what they hold, query crops. */
#include "media/window.h"

#include "base/memory.h"
#include "media/filter.h"
#include "media/window_int.h"
#include "sound_files.h"
#include "test.h"

/* A float WAV of n frames of the signal; returns its samples (mem_free). */
static float *make_sound(const char *path, uint32_t rate_hz, size_t n)
{
    float *mono = mem_array(n, sizeof *mono);
    double *x = mem_array(n, sizeof *x);
    sound_signal(mono, n, rate_hz, 7);
    for (size_t i = 0; i < n; i++) x[i] = mono[i];
    sound_write_wav(path, SOUND_F32, rate_hz, 1, x, n);
    mem_free(x);
    return mono;
}

/* Windows of n frames, by the rule of the header in whole frames where that
 * is exact: start k * step < n. */
static int64_t count_windows(const window_plan *p, uint32_t rate, size_t n)
{
    int64_t k = 0;
    while ((double)k * (p->window_s - p->overlap_s) * p->speed * rate <
           (double)n - 1e-4)
        k++;
    return k;
}

static void check_plan(const window_plan *p, uint32_t rate, size_t n)
{
    const char *path = sound_path("w.wav");
    akin_error e = {0};
    window_reader *r = NULL;
    mem_free(make_sound(path, rate, n));
    CHECK_OK(window_reader_open(path, p, &r, &e), e);
    if (!r) return;
    size_t n_samples = window_n_samples(p);
    float *samples = mem_array(n_samples, sizeof *samples);
    double duration_s = (double)n / rate, step_s = p->window_s - p->overlap_s;
    bool more = true;
    int64_t k = 0;
    for (;; k++) {
        media_span span = {0};
        CHECK_OK(window_reader_next(r, samples, &span, &more, &e), e);
        if (!more) break;
        double start_s = (double)k * step_s * p->speed;
        CHECK_NEAR(span.start_s, start_s, 0);
        double end_s = fmin(start_s + p->window_s * p->speed, duration_s);
        CHECK_NEAR(span.end_s, end_s, 1e-8);
        /* Silence begins where the file ends. */
        double left = (duration_s - start_s) / p->speed * p->rate_hz;
        for (size_t i = 0; i < n_samples; i++)
            if ((double)i > left + 1 && samples[i] != 0) {
                test_fail(__FILE__, __LINE__, "window %lld sample %zu",
                          (long long)k, i);
                break;
            }
    }
    CHECK_EQ_INT(k, count_windows(p, rate, n));
    CHECK_EQ_INT(k, window_count(p, duration_s));
    CHECK_NEAR(window_reader_duration(r), duration_s, 0);
    CHECK_EQ_INT(window_reader_frames(r), n);
    CHECK_OK(window_reader_next(r, samples, &(media_span){0}, &more, &e), e);
    CHECK(!more);
    mem_free(samples);
    window_reader_close(r);
}

static void windows_lie_where_they_should(void)
{
    static const double speeds[] = {0.1, 0.5, 1, 2, 3.7};
    static const double overlaps[] = {0, 1.5, 2.9};
    static const size_t lengths[] = {1, 2, 8000, 23999, 24000, 24001, 72000,
                                     72123};
    for (size_t s = 0; s < 5; s++)
        for (size_t o = 0; o < 3; o++)
            for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
                window_plan p = {.rate_hz = 8000, .window_s = 3,
                                 .overlap_s = overlaps[o], .speed = speeds[s]};
                check_plan(&p, 8000, lengths[l]);
                p.rate_hz = 12000;
                check_plan(&p, 8000, lengths[l]);
            }
    check_plan(&(window_plan){.rate_hz = 32000, .window_s = 5, .speed = 1},
               250000, 250000 * 11 + 3);
}

/* Without resampling the samples are the file's own. */
static void samples_are_the_files(void)
{
    window_plan p = {.rate_hz = 22050, .window_s = 3, .overlap_s = 1.5,
                     .speed = 1};
    size_t n = 22050 * 10 + 5, n_samples = window_n_samples(&p);
    float *x = make_sound(sound_path("p.wav"), 22050, n);
    float *w = mem_array(n_samples, sizeof *w);
    akin_error e = {0};
    window_reader *r = NULL;
    bool more = true;
    CHECK_OK(window_reader_open(sound_path("p.wav"), &p, &r, &e), e);
    for (size_t k = 0;; k++) {
        media_span span;
        CHECK_OK(window_reader_next(r, w, &span, &more, &e), e);
        if (!more) break;
        size_t start = (size_t)llround((double)k * 1.5 * 22050);
        for (size_t i = 0; i < n_samples; i++)
            if (w[i] != (start + i < n ? x[start + i] : 0)) {
                test_fail(__FILE__, __LINE__, "window %zu sample %zu", k, i);
                break;
            }
    }
    window_reader_close(r);
    mem_free(x);
    mem_free(w);
}

/* Skipped windows change nothing, and neither does the overlap. */
static void same_samples_however_read(void)
{
    window_plan p = {.rate_hz = 32000, .window_s = 3, .overlap_s = 2,
                     .speed = 1.3, .fmin_hz = 100, .fmax_hz = 9000};
    mem_free(make_sound(sound_path("s.wav"), 44100, 44100 * 20));
    size_t n_samples = window_n_samples(&p);
    float *a = mem_array(n_samples, sizeof *a);
    float *b = mem_array(n_samples, sizeof *b);
    akin_error e = {0};
    window_reader *all = NULL, *some = NULL, *wide = NULL;
    bool more = true;
    media_span span;
    CHECK_OK(window_reader_open(sound_path("s.wav"), &p, &all, &e), e);
    CHECK_OK(window_reader_open(sound_path("s.wav"), &p, &some, &e), e);
    p.overlap_s = 0;
    CHECK_OK(window_reader_open(sound_path("s.wav"), &p, &wide, &e), e);
    for (int k = 0; more; k++) {
        bool third = k % 3 == 0;
        CHECK_OK(window_reader_next(all, a, &span, &more, &e), e);
        CHECK_OK(window_reader_next(some, third ? b : NULL, &span, &more, &e),
                 e);
        if (!more || !third) continue;
        CHECK(memcmp(a, b, n_samples * sizeof *a) == 0);
        CHECK_OK(window_reader_next(wide, b, &span, &more, &e), e);
        CHECK(more && memcmp(a, b, n_samples * sizeof *a) == 0);
    }
    window_times times = window_reader_get_times(all);
    CHECK(times.decode_s > 0 && times.resample_s > 0 && times.filter_s > 0);
    window_reader_close(all);
    window_reader_close(some);
    window_reader_close(wide);
    mem_free(a);
    mem_free(b);
}

static void filter_runs_on_each_window(void)
{
    window_plan p = {.rate_hz = 8000, .window_s = 1, .speed = 1,
                     .fmin_hz = 200, .fmax_hz = 3000};
    float *x = make_sound(sound_path("f.wav"), 8000, 8000 * 2 + 100);
    float w[8000], expected[8000] = {0};
    akin_error e = {0};
    window_reader *r = NULL;
    bool more;
    media_span span;
    CHECK_OK(window_reader_open(sound_path("f.wav"), &p, &r, &e), e);
    for (int k = 0; k < 3; k++)
        CHECK_OK(window_reader_next(r, w, &span, &more, &e), e);
    memcpy(expected, x + 16000, 100 * sizeof *x);
    filter band = filter_design(200, 3000, 8000);
    filter_run(&band, expected, 8000);
    CHECK(memcmp(w, expected, sizeof w) == 0);
    window_reader_close(r);
    mem_free(x);
}

static void short_last_windows_are_left_out(void)
{
    window_plan p = {.rate_hz = 8000, .window_s = 3, .speed = 2,
                     .min_len_s = 1};
    /* One window is 6 s of the file, the least 2 s. */
    CHECK_EQ_INT(window_count(&p, 0.1), 1);
    CHECK_EQ_INT(window_count(&p, 6), 1);
    CHECK_EQ_INT(window_count(&p, 7.9), 1);
    CHECK_EQ_INT(window_count(&p, 8), 2);
    CHECK_EQ_INT(window_count(&p, 0), 0);
    static const struct {
        size_t n_frames;
        int64_t n_windows;
    } cases[] = {{10, 1}, {8000 * 6, 1}, {63999, 1}, {64000, 2}, {96001, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mem_free(make_sound(sound_path("m.wav"), 8000, cases[i].n_frames));
        window_reader *r = NULL;
        akin_error e = {0};
        bool more = true;
        media_span span;
        int64_t k = 0;
        CHECK_OK(window_reader_open(sound_path("m.wav"), &p, &r, &e), e);
        while (more) {
            CHECK_OK(window_reader_next(r, NULL, &span, &more, &e), e);
            k += more;
        }
        CHECK_EQ_INT(k, cases[i].n_windows);
        window_reader_close(r);
    }
}

/* Reading allocates nothing, so memory cannot grow with the file. */
static void reading_does_not_allocate(void)
{
    window_plan p = {.rate_hz = 16000, .window_s = 1, .overlap_s = 0.5,
                     .speed = 1};
    mem_free(make_sound(sound_path("l.wav"), 8000, 8000 * 300));
    window_reader *r = NULL;
    akin_error e = {0};
    bool more = true;
    media_span span;
    static float w[16000];
    CHECK_OK(window_reader_open(sound_path("l.wav"), &p, &r, &e), e);
    mem_fail_at(1);
    while (more) CHECK_OK(window_reader_next(r, w, &span, &more, &e), e);
    CHECK(mem_fail_pending());
    mem_fail_at(0);
    window_reader_close(r);
}

static void plans_without_sense(void)
{
    const window_plan good = {.rate_hz = 48000, .window_s = 3, .speed = 1};
    CHECK_STATUS(window_plan_check(&good, NULL), AKIN_OK);
    window_plan bad[13];
    for (int i = 0; i < 13; i++) bad[i] = good;
    bad[0].rate_hz = 0;
    bad[1].window_s = 0;
    bad[2].window_s = NAN;
    bad[3].window_s = 1e9;
    bad[4].overlap_s = 3;
    bad[5].overlap_s = -1;
    bad[6].speed = 0;
    bad[7].speed = INFINITY;
    bad[8].fmin_hz = 24000;
    bad[9].fmin_hz = 5000, bad[9].fmax_hz = 4000;
    bad[10].fmax_hz = NAN;
    bad[11].min_len_s = 4;
    bad[12].overlap_s = 3 - 1e-9;
    for (int i = 0; i < 13; i++) {
        akin_error e = {0};
        CHECK_STATUS(window_plan_check(&bad[i], &e), AKIN_EUSAGE);
        CHECK(*e.text);
    }
}

/* ---- queries ------------------------------------------------------------- */

static void center_is_the_middle(void)
{
    window_plan p = {.rate_hz = 8000, .window_s = 1, .speed = 1};
    static const size_t lengths[] = {1, 7999, 8000, 8001, 20003, 400000};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        size_t n = lengths[l], start = n > 8000 ? (n - 8000) / 2 : 0;
        float *x = make_sound(sound_path("c.wav"), 8000, n);
        akin_error e = {0};
        window_set set = {0};
        CHECK_OK(window_query(sound_path("c.wav"), &p, WINDOW_CENTER, 1, &set,
                              &e), e);
        CHECK_EQ_INT(set.n, 1);
        CHECK_EQ_INT(set.n_samples, 8000);
        for (size_t i = 0; set.samples && i < 8000; i++)
            CHECK(set.samples[i] == (start + i < n ? x[start + i] : 0));
        if (set.n) {
            CHECK_NEAR(set.spans[0].start_s, (double)start / 8000, 1e-12);
            CHECK_NEAR(set.spans[0].end_s,
                       (double)(n > 8000 ? start + 8000 : n) / 8000, 1e-12);
        }
        window_set_clear(&set);
        mem_free(x);
    }
}

/* The reference's rule, in its own whole numbers. */
static size_t reference_segments(int64_t n, int64_t chunk, int64_t step,
                                 int64_t least)
{
    int64_t last = (n - chunk + step - 1) / step * step;
    if (last < 0)
        last = 0;
    else if (n - last < least)
        last -= step;
    return last < 0 ? 1 : (size_t)(last / step) + 1;
}

static void segments_follow_the_reference(void)
{
    static const double overlaps[] = {0, 1, 2.5};
    for (size_t o = 0; o < 3; o++)
        for (int64_t n = 100; n < 12 * 8000; n += 3999) {
            window_plan p = {.rate_hz = 8000, .window_s = 3, .speed = 1,
                             .overlap_s = overlaps[o]};
            mem_free(make_sound(sound_path("g.wav"), 8000, (size_t)n));
            akin_error e = {0};
            window_set set = {0};
            CHECK_OK(window_query(sound_path("g.wav"), &p, WINDOW_SEGMENTS, 100,
                                  &set, &e), e);
            int64_t step = (int64_t)(8000 * (3 - overlaps[o]));
            CHECK_EQ_INT(set.n, reference_segments(n, 24000, step, 8000));
            for (size_t i = 0; i < set.n; i++)
                CHECK_NEAR(set.spans[i].start_s, (double)i * (3 - overlaps[o]),
                           1e-12);
            window_set_clear(&set);
        }
}

/* A query's windows are the reader's, at any speed and with a filter. */
static void queries_equal_the_reader(void)
{
    window_plan p = {.rate_hz = 32000, .window_s = 2, .speed = 0.5,
                     .overlap_s = 0.5, .fmin_hz = 50};
    mem_free(make_sound(sound_path("q.wav"), 44100, 44100 * 4));
    akin_error e = {0};
    window_set all = {0}, first = {0};
    window_reader *r = NULL;
    float *w = mem_array(window_n_samples(&p), sizeof *w);
    CHECK_OK(window_query(sound_path("q.wav"), &p, WINDOW_SEGMENTS, 100, &all,
                          &e), e);
    CHECK_OK(window_query(sound_path("q.wav"), &p, WINDOW_FIRST, 1, &first, &e),
             e);
    CHECK_OK(window_reader_open(sound_path("q.wav"), &p, &r, &e), e);
    CHECK_EQ_INT(all.n, 5);
    CHECK_EQ_INT(first.n, 1);
    for (size_t i = 0; i < all.n; i++) {
        bool more;
        media_span span;
        CHECK_OK(window_reader_next(r, w, &span, &more, &e), e);
        CHECK(memcmp(w, all.samples + i * all.n_samples,
                     all.n_samples * sizeof *w) == 0);
        CHECK_NEAR(span.start_s, all.spans[i].start_s, 0);
        CHECK_NEAR(span.end_s, all.spans[i].end_s, 0);
    }
    CHECK(memcmp(all.samples, first.samples, first.n_samples * sizeof *w) == 0);
    window_set_clear(&all);
    CHECK_STATUS(window_query(sound_path("q.wav"), &p, WINDOW_SEGMENTS, 4, &all,
                              &e), AKIN_ELIMIT);
    CHECK_STATUS(window_query(sound_path("no.wav"), &p, WINDOW_FIRST, 4, &all,
                              &e), AKIN_ENOTFOUND);
    window_set_clear(&first);
    window_reader_close(r);
    mem_free(w);
}

/* The second channel is half the first: the mean is 3/4 of it. */
static void first_channel_is_taken(void)
{
    enum { N = 20000 };
    static float mono[N], w[8000];
    static double x[N];
    sound_signal(mono, N, 8000, 5);
    for (int i = 0; i < N; i++) x[i] = mono[i];
    sound_write_wav(sound_path("st.wav"), SOUND_F32, 8000, 2, x, N);
    window_plan p = {.rate_hz = 8000, .window_s = 1, .speed = 1};
    for (int first = 0; first < 2; first++) {
        akin_error e = {0};
        window_reader *r = NULL;
        window_set set = {0};
        bool more = false;
        media_span span;
        float gain = first ? 1 : 0.75f;
        p.first_channel = first;
        CHECK_OK(window_reader_open(sound_path("st.wav"), &p, &r, &e), e);
        CHECK_OK(window_reader_next(r, w, &span, &more, &e), e);
        for (int i = 0; i < 8000; i++) CHECK_NEAR(w[i], mono[i] * gain, 1e-7);
        CHECK_OK(window_query(sound_path("st.wav"), &p, WINDOW_CENTER, 1, &set,
                              &e), e);
        for (int i = 0; set.n && i < 8000; i++)
            CHECK_NEAR(set.samples[i], mono[6000 + i] * gain, 1e-7);
        window_set_clear(&set);
        window_reader_close(r);
    }
}

static void memory_out_is_an_error(void)
{
    window_plan p = {.rate_hz = 12000, .window_s = 1, .speed = 1};
    mem_free(make_sound(sound_path("o.wav"), 8000, 8000 * 3));
    for (int crop = WINDOW_CENTER; crop <= WINDOW_SEGMENTS; crop++) {
        bool failed = true;
        for (int n = 1; failed && n < 100; n++) {
            akin_error e = {0};
            window_set set = {0};
            mem_fail_at(n);
            akin_status status = window_query(sound_path("o.wav"), &p,
                                              (window_crop)crop, 10, &set, &e);
            failed = !mem_fail_pending();
            mem_fail_at(0);
            CHECK_EQ_INT(status, failed ? AKIN_ENOMEM : AKIN_OK);
            window_set_clear(&set);
        }
        CHECK(!failed);
    }
}

const test_case test_window_cases[] = {
    {"window/windows_lie_where_they_should", windows_lie_where_they_should},
    {"window/samples_are_the_files", samples_are_the_files},
    {"window/same_samples_however_read", same_samples_however_read},
    {"window/filter_runs_on_each_window", filter_runs_on_each_window},
    {"window/short_last_windows_are_left_out", short_last_windows_are_left_out},
    {"window/reading_does_not_allocate", reading_does_not_allocate},
    {"window/plans_without_sense", plans_without_sense},
    {"window/center_is_the_middle", center_is_the_middle},
    {"window/segments_follow_the_reference", segments_follow_the_reference},
    {"window/queries_equal_the_reader", queries_equal_the_reader},
    {"window/first_channel_is_taken", first_channel_is_taken},
    {"window/memory_out_is_an_error", memory_out_is_an_error},
    {NULL, NULL},
};
