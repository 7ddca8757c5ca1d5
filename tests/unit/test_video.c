/* SPDX-License-Identifier: MIT
 * media/video: the frames that were asked for and their times, jumps, damage.
 * Frame i of the films is grey of level 4 i, five a second, with a white mark
 * in the upper left corner. */
#include "media/video.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "image_files.h"
#include "test.h"

static video *open_film(const char *name, double every_s, bool upright)
{
    char path[96];
    akin_error e = {0};
    video *v = NULL;
    video_options options = {.every_s = every_s, .upright = upright};
    snprintf(path, sizeof path, "image/%s", name);
    CHECK_OK(video_open(test_data(path), &options, &v, &e), e);
    return v;
}

static int level_at(const image *im, size_t x, size_t y)
{
    return im->rgb[(y * im->width + x) * 3 + 1];
}

typedef struct film_case {
    const char *name;
    double length_s;
    int tolerance; /* of the level */
} film_case;

static const film_case films[] = {
    {"film.mp4", 12, 4},
    {"film.mkv", 12, 4},
    {"film.webm", 12, 4},
    {"film.avi", 9, 6},
};

static void check_every(const film_case *f, double every_s)
{
    akin_error e = {0};
    video *v = open_film(f->name, every_s, false);
    double time_s = -1;
    const image *im = NULL;
    int n = 0;
    for (; v; n++) {
        CHECK_OK(video_next(v, &time_s, &im, &e), e);
        if (!im || e.code) break;
        CHECK_NEAR(time_s, n * every_s, 0.002);
        CHECK_EQ_INT(im->width, 64);
        CHECK_NEAR(level_at(im, 32, 40), 4 * time_s * 5, f->tolerance);
        CHECK(level_at(im, 2, 2) > 200);
    }
    CHECK_EQ_INT(n, (int)((f->length_s - 0.2) / every_s + 1e-6) + 1);
    video_close(v);
}

static void test_frames(void)
{
    for (size_t i = 0; i < sizeof films / sizeof *films; i++) {
        check_every(&films[i], 0.2);
        check_every(&films[i], 1);
        check_every(&films[i], 5);
    }
}

/* Every frame; then some, over the container's index: the same pictures. */
static void test_jumps_change_nothing(void)
{
    for (size_t i = 0; i < sizeof films / sizeof *films; i++) {
        akin_error e = {0};
        video *all = open_film(films[i].name, 0, false);
        video *some = open_film(films[i].name, 4.2, false);
        double time_s = 0, all_s = -1;
        const image *im = NULL, *wanted = NULL;
        int n = 0;
        while (all && some && video_next(some, &time_s, &im, &e) == AKIN_OK &&
               im) {
            while (all_s < time_s - 1e-9 &&
                   video_next(all, &all_s, &wanted, &e) == AKIN_OK && wanted)
                ;
            CHECK_NEAR(all_s, time_s, 1e-9);
            CHECK(wanted && image_hash(wanted) == image_hash(im));
            n++;
        }
        CHECK_EQ_INT(n, 3);
        video_close(all);
        video_close(some);
    }
}

/* Frames that are passed over change neither times nor pictures. */
static void test_passing_over(void)
{
    akin_error e = {0};
    video *all = open_film("film.mp4", 0.6, false);
    video *some = open_film("film.mp4", 0.6, false);
    double time_s = 0, all_s = 0;
    const image *im = NULL, *wanted = NULL;
    bool more = all && some;
    int n = 0;
    for (; more; n++) {
        CHECK_OK(video_next(all, &all_s, &wanted, &e), e);
        if (n % 3) {
            CHECK_OK(video_pass(some, &time_s, &more, &e), e);
            CHECK_EQ_INT(more, wanted != NULL);
        } else {
            CHECK_OK(video_next(some, &time_s, &im, &e), e);
            more = im != NULL;
            CHECK(!more || (wanted && image_hash(wanted) == image_hash(im)));
        }
        CHECK_NEAR(all_s, time_s, 0);
    }
    CHECK_EQ_INT(n, 21);
    video_close(all);
    video_close(some);
}

static void test_info(void)
{
    video *v = open_film("film.mp4", 1, false);
    const video_info *info = v ? video_get_info(v) : NULL;
    if (info) {
        CHECK_EQ_INT(info->width, 64);
        CHECK_EQ_INT(info->height, 48);
        CHECK_NEAR(info->duration_s, 12, 0.01);
        CHECK_NEAR(info->rate_hz, 5, 0.01);
        CHECK_EQ_TEXT(info->codec, "h264");
    }
    video_close(v);
}

static void test_turned(void)
{
    akin_error e = {0};
    const image *im = NULL;
    double time_s = 0;
    for (int upright = 0; upright < 2; upright++) {
        video *v = open_film("turned.mp4", 1, upright);
        if (!v) continue;
        CHECK_EQ_INT(video_get_info(v)->width, upright ? 48 : 64);
        for (int i = 0; i < 2; i++) {
            CHECK_OK(video_next(v, &time_s, &im, &e), e);
            if (!im) break;
            CHECK_EQ_INT(im->width, upright ? 48 : 64);
            /* A quarter to the right moves the mark to the upper right. */
            CHECK(level_at(im, upright ? 45 : 2, 2) > 200);
            CHECK(level_at(im, upright ? 2 : 61, 2) < 60);
        }
        video_close(v);
    }
}

/* MPEG-TS begins at over a second by its own clock, without an index. */
static void test_clock_begins_at_zero(void)
{
    akin_error e = {0};
    video *v = open_film("film.ts", 0.4, false);
    double time_s = -1;
    const image *im = NULL;
    int n = 0;
    while (v && video_next(v, &time_s, &im, &e) == AKIN_OK && im)
        CHECK_NEAR(time_s, 0.4 * n++, 0.002);
    CHECK_EQ_INT(n, 5);
    video_close(v);
}

static unsigned char *read_film(const char *name, size_t *n)
{
    char path[96], *data = NULL;
    akin_error e = {0};
    snprintf(path, sizeof path, "image/%s", name);
    CHECK_OK(file_read(test_data(path), 1 << 20, &data, n, &e), e);
    return (unsigned char *)data;
}

/* Goes through the bytes as a film; how many frames came. */
static int run_bytes(const void *data, size_t n, double every_s,
                     akin_status *status)
{
    char path[512];
    akin_error e = {0};
    video *v = NULL;
    const image *im = NULL;
    video_options options = {.every_s = every_s};
    double time_s = 0;
    int n_frames = 0;
    snprintf(path, sizeof path, "%s/film", test_dir());
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, n, f) == n);
    if (f) fclose(f);
    *status = video_open(path, &options, &v, &e);
    while (*status == AKIN_OK) {
        *status = video_next(v, &time_s, &im, &e);
        if (*status != AKIN_OK || !im) break;
        n_frames++;
    }
    if (*status != AKIN_OK && (!e.text[0] || strchr(e.text, '\n')))
        test_fail(__FILE__, __LINE__, "the error is \"%s\"", e.text);
    video_close(v);
    return n_frames;
}

/* The first frames are given, then comes the error. */
static void test_cut_off(void)
{
    size_t n = 0;
    akin_status status = AKIN_OK;
    unsigned char *data = read_film("film.mp4", &n);
    if (!data) return;
    int n_frames = run_bytes(data, n * 8 / 10, 0.2, &status);
    CHECK_EQ_INT(status, AKIN_EDECODE);
    CHECK(n_frames > 5 && n_frames < 60);
    run_bytes(data, 100, 1, &status);
    CHECK_EQ_INT(status, AKIN_EDECODE);
    mem_free(data);
}

static void test_flipped(void)
{
    static const char *const names[] = {"film.mp4", "film.mkv", "film.avi",
                                        "film.ts"};
    for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
        size_t n = 0;
        akin_status status = AKIN_OK;
        unsigned char *data = read_film(names[f], &n);
        for (size_t at = 0; data && at < n; at += 1 + n / 40) {
            data[at] ^= 0xff;
            run_bytes(data, n, at % 2 ? 1 : 3, &status);
            data[at] ^= 0xff;
        }
        mem_free(data);
    }
}

static void test_errors(void)
{
    akin_error e = {0};
    video *v = NULL;
    video_options options = {.every_s = -1};
    CHECK_STATUS(video_open("/no/such.mp4", NULL, &v, &e), AKIN_ENOTFOUND);
    CHECK_STATUS(video_open("/", NULL, &v, &e), AKIN_EIO);
    CHECK_STATUS(video_open(test_data("image/420.jpg"), NULL, &v, &e),
                 AKIN_EDECODE);
    CHECK_STATUS(video_open(test_data("image/film.mp4"), &options, &v, &e),
                 AKIN_EUSAGE);
    CHECK(v == NULL);
}

static void test_out_of_memory(void)
{
    bool pending = false;
    for (int64_t at = 1; !pending && at < 50; at++) {
        akin_error e = {0};
        video *v = NULL;
        const image *im = NULL;
        double time_s = 0;
        mem_fail_at(at);
        akin_status status = video_open(test_data("image/film.mp4"), NULL, &v,
                                        &e);
        if (status == AKIN_OK) status = video_next(v, &time_s, &im, &e);
        pending = mem_fail_pending();
        mem_fail_at(0);
        if (!pending) CHECK_EQ_INT(status, AKIN_ENOMEM);
        video_close(v);
    }
    CHECK(pending);
}

static void test_names(void)
{
    CHECK(video_is_video_name("a/b.MP4"));
    CHECK(!video_is_video_name("a.wav"));
    CHECK(!video_is_video_name(".mkv"));
}

const test_case test_video_cases[] = {
    {"video/frames_and_times", test_frames},
    {"video/jumps_change_nothing", test_jumps_change_nothing},
    {"video/passing_over", test_passing_over},
    {"video/info", test_info},
    {"video/turned", test_turned},
    {"video/clock_begins_at_zero", test_clock_begins_at_zero},
    {"video/cut_off", test_cut_off},
    {"video/flipped_bytes_never_crash", test_flipped},
    {"video/errors", test_errors},
    {"video/out_of_memory", test_out_of_memory},
    {"video/names", test_names},
    {0}};
