/* SPDX-License-Identifier: MIT
 * engine/items: windows, patches, pictures and frames as a model takes them. */
#include "engine/items.h"

#include "base/memory.h"
#include "image_files.h"
#include "media/normalize.h"
#include "media/video.h"
#include "sound_files.h"
#include "test.h"

enum { RATE = 16000, SIDE = 16, FLOATS = SIDE * SIDE * 3 };

static const model_input waves = {
    .kind = MODEL_SOUND, .n_floats = RATE, .rate_hz = RATE, .window_s = 1,
    .normalize = MEDIA_NORMALIZE_PEAK, .peak = 0.25, .first_channel = true};

static const model_input pictures = {
    .kind = MODEL_IMAGE, .n_floats = FLOATS,
    .resize = {.width = SIDE, .height = SIDE, .mode = RESIZE_SQUASH},
    .tensor = {.std = {1, 1, 1}}};

static model_input patch_input(void)
{
    return (model_input){.kind = MODEL_SOUND, .n_floats = 96 * 64,
                         .rate_hz = RATE, .window_s = 1, .is_log_mel = true,
                         .mel = log_mel_vggish};
}

static items_plan plan_of(const model_input *input)
{
    return (items_plan){
        .input = input,
        .window = {.rate_hz = RATE, .window_s = 1, .overlap_s = 0.5,
                   .speed = 1},
        .every_s = 2};
}

static const char *make_sound(void)
{
    enum { N = RATE * 5 / 2 };
    static float mono[N];
    static double x[N];
    const char *path = sound_path("items.wav");
    sound_signal(mono, N, RATE, 2);
    for (int i = 0; i < N; i++) x[i] = mono[i];
    sound_write_wav(path, SOUND_F32, RATE, 2, x, N);
    return path;
}

static const char *picture(const char *name)
{
    char path[96];
    snprintf(path, sizeof path, "image/%s", name);
    return test_data(path);
}

/* Each item of the reader is what the window reader's window becomes. */
static void check_windows(const model_input *input)
{
    static float item[RATE], wanted[RATE], samples[RATE];
    akin_error e = {0};
    items_plan plan = plan_of(input);
    window_plan windows = plan.window;
    items_reader *r = NULL;
    window_reader *w = NULL;
    media_span a = {0}, b = {0};
    bool more = true, wanted_more = true;
    int n = 0;
    windows.first_channel = input->first_channel;
    CHECK_OK(items_reader_open(make_sound(), &plan, &r, &e), e);
    CHECK_OK(window_reader_open(make_sound(), &windows, &w, &e), e);
    for (; r && w; n++) {
        float *to = n == 2 ? NULL : item; /* one is passed over */
        CHECK_OK(items_reader_next(r, to, &a, &more, &e), e);
        CHECK_OK(window_reader_next(w, samples, &b, &wanted_more, &e), e);
        CHECK_EQ_INT(more, wanted_more);
        if (!more || !wanted_more) break;
        CHECK(a.start_s == b.start_s && a.end_s == b.end_s);
        CHECK_OK(items_from_samples(input, samples, wanted, &e), e);
        if (to) CHECK(memcmp(item, wanted, input->n_floats * 4) == 0);
    }
    CHECK_EQ_INT(n, 5);
    if (r) {
        CHECK_NEAR(items_reader_duration(r), 2.5, 0);
        CHECK_NEAR(items_reader_expected(r), 2.5, 0);
        CHECK(items_reader_get_times(r).decode_s > 0);
    }
    items_reader_close(r);
    window_reader_close(w);
}

static void windows_become_items(void)
{
    model_input patches = patch_input();
    check_windows(&waves);
    check_windows(&patches);
}

/* Peak, first channel: as written, up to the scale. */
static void windows_are_normalised(void)
{
    static float item[RATE];
    akin_error e = {0};
    items_plan plan = plan_of(&waves);
    items_set set = {0};
    float largest = 0;
    CHECK_OK(items_of_query(make_sound(), &plan, WINDOW_FIRST, 1, &set, &e), e);
    CHECK_EQ_INT(set.n, 1);
    for (int i = 0; set.n && i < RATE; i++)
        largest = fmaxf(largest, fabsf(set.items[i]));
    CHECK(largest == 0.25f);
    sound_signal(item, RATE, RATE, 2);
    normalize_samples(item, RATE, MEDIA_NORMALIZE_PEAK, 0.25);
    for (int i = 0; set.n && i < RATE; i++)
        CHECK_NEAR(set.items[i], item[i], 1e-6);
    items_set_clear(&set);
}

static void reading_sounds_does_not_allocate(void)
{
    static float item[RATE];
    model_input patches = patch_input();
    const model_input *inputs[] = {&waves, &patches};
    for (int i = 0; i < 2; i++) {
        akin_error e = {0};
        items_plan plan = plan_of(inputs[i]);
        items_reader *r = NULL;
        media_span span;
        bool more = true;
        CHECK_OK(items_reader_open(make_sound(), &plan, &r, &e), e);
        mem_fail_at(1);
        while (r && more)
            CHECK_OK(items_reader_next(r, item, &span, &more, &e), e);
        CHECK(mem_fail_pending());
        mem_fail_at(0);
        items_reader_close(r);
    }
}

static void windows_that_do_not_fit(void)
{
    akin_error e = {0};
    items_plan plan = plan_of(&waves);
    items_reader *r = NULL;
    plan.window.window_s = 2;
    CHECK_STATUS(items_reader_open(make_sound(), &plan, &r, &e),
                 AKIN_ESETTINGS);
    plan.window.window_s = NAN;
    CHECK_STATUS(items_reader_open(make_sound(), &plan, &r, &e), AKIN_EUSAGE);
    CHECK(r == NULL);
}

static void queries_of_sounds(void)
{
    static float wanted[RATE];
    model_input patches = patch_input();
    const model_input *inputs[] = {&waves, &patches};
    for (int i = 0; i < 2; i++) {
        akin_error e = {0};
        const model_input *input = inputs[i];
        items_plan plan = plan_of(input);
        items_set set = {0};
        items_reader *r = NULL;
        media_span span;
        bool more = false;
        CHECK_OK(items_of_query(make_sound(), &plan, WINDOW_SEGMENTS, 10, &set,
                                &e), e);
        CHECK_OK(items_reader_open(make_sound(), &plan, &r, &e), e);
        CHECK_EQ_INT(set.n, 4); /* the fourth reaches the end */
        for (size_t k = 0; r && k < set.n; k++) {
            CHECK_OK(items_reader_next(r, wanted, &span, &more, &e), e);
            CHECK(memcmp(wanted, set.items + k * input->n_floats,
                         input->n_floats * 4) == 0);
            CHECK(span.start_s == set.spans[k].start_s);
        }
        items_set_clear(&set);
        CHECK_STATUS(items_of_query(make_sound(), &plan, WINDOW_SEGMENTS, 3,
                                    &set, &e), AKIN_ELIMIT);
        CHECK(set.items == NULL);
        items_reader_close(r);
    }
}

/* ---- pictures ------------------------------------------------------------ */

static void wanted_picture(const image *im, float *out)
{
    akin_error e = {0};
    image resized = {0};
    CHECK_OK(resize_to_spec(im, &pictures.resize, &resized, &e), e);
    if (resized.rgb) image_tensor_write(&resized, &pictures.tensor, out);
    image_clear(&resized);
}

static void pictures_become_items(void)
{
    static float item[FLOATS], wanted[FLOATS];
    akin_error e = {0};
    items_plan plan = plan_of(&pictures);
    items_reader *r = NULL;
    items_set set = {0};
    image im = {0};
    media_span span = {5, 5};
    bool more = false;
    image_load_data("resize.jpg", &im);
    wanted_picture(&im, wanted);
    CHECK_OK(items_reader_open(picture("resize.jpg"), &plan, &r, &e), e);
    CHECK_OK(items_reader_next(r, item, &span, &more, &e), e);
    CHECK(more && span.start_s == 0 && span.end_s == 0);
    CHECK(memcmp(item, wanted, sizeof item) == 0);
    CHECK_OK(items_reader_next(r, item, &span, &more, &e), e);
    CHECK(!more);
    CHECK_NEAR(items_reader_expected(r), 0, 0);
    CHECK_NEAR(items_reader_duration(r), 0, 0);
    CHECK(items_reader_get_times(r).decode_s > 0);
    for (int crop = 0; crop < 3; crop++) {
        CHECK_OK(items_of_query(picture("resize.jpg"), &plan,
                                (window_crop)crop, 1, &set, &e), e);
        CHECK(set.n == 1 && memcmp(set.items, wanted, sizeof wanted) == 0);
        items_set_clear(&set);
    }
    items_reader_close(r);
    image_clear(&im);
}

/* Nothing is read: it may even be damaged. Its error comes with its item. */
static void passing_over_a_picture(void)
{
    static float item[FLOATS];
    akin_error e = {0};
    items_plan plan = plan_of(&pictures);
    items_reader *r = NULL;
    items_set set = {0};
    media_span span;
    bool more = false;
    const char *path = sound_path("not.png");
    for (int i = 0; i < 2; i++) {
        CHECK_OK(items_reader_open(path, &plan, &r, &e), e);
        CHECK_STATUS(items_reader_next(r, i ? item : NULL, &span, &more, &e),
                     i ? AKIN_ENOTFOUND : AKIN_OK);
        items_reader_close(r);
    }
    CHECK(strstr(e.text, "not.png") != NULL);
    CHECK_STATUS(items_of_query(path, &plan, WINDOW_FIRST, 1, &set, &e),
                 AKIN_ENOTFOUND);
    CHECK(set.items == NULL && set.spans == NULL);
}

/* ---- films --------------------------------------------------------------- */

/* Frame i is grey of level 4 i, five a second: 20 levels a second. */
static void check_frame(const float *item, double time_s)
{
    size_t middle = (size_t)SIDE * SIDE / 2 + SIDE / 2;
    CHECK_NEAR(item[middle] * 255, 20 * time_s, 7);
}

static void films_become_items(void)
{
    static float item[FLOATS];
    static const char *const names[] = {"film.mp4", "film.mkv"};
    for (int i = 0; i < 2; i++) {
        akin_error e = {0};
        items_plan plan = plan_of(&pictures);
        items_reader *r = NULL;
        media_span span = {0};
        bool more = true;
        int n = 0;
        CHECK_OK(items_reader_open(picture(names[i]), &plan, &r, &e), e);
        for (; r; n++) {
            float *to = n % 2 ? NULL : item;
            CHECK_OK(items_reader_next(r, to, &span, &more, &e), e);
            if (!more || e.code) break;
            CHECK_NEAR(span.start_s, 2 * n, 0.002);
            CHECK(span.end_s == span.start_s);
            CHECK_NEAR(items_reader_duration(r), 0, 0);
            if (to) check_frame(to, span.start_s);
        }
        CHECK_EQ_INT(n, 6);
        if (r) CHECK_NEAR(items_reader_duration(r), 12, 0.01);
        if (r) CHECK_NEAR(items_reader_expected(r), 12, 0.01);
        items_reader_close(r);
    }
}

static void queries_of_films(void)
{
    static const size_t counts[] = {1, 1, 6};
    static const double first_s[] = {6, 0, 0};
    for (int crop = 0; crop < 3; crop++) {
        akin_error e = {0};
        items_plan plan = plan_of(&pictures);
        items_set set = {0};
        CHECK_OK(items_of_query(picture("film.mp4"), &plan, (window_crop)crop,
                                6, &set, &e), e);
        CHECK_EQ_INT(set.n, counts[crop]);
        for (size_t k = 0; k < set.n; k++) {
            CHECK_NEAR(set.spans[k].start_s, first_s[crop] + 2 * (double)k,
                       0.01);
            check_frame(set.items + k * FLOATS, set.spans[k].start_s);
        }
        items_set_clear(&set);
    }
    akin_error e = {0};
    items_plan plan = plan_of(&pictures);
    items_set set = {0};
    CHECK_STATUS(items_of_query(picture("film.mp4"), &plan, WINDOW_SEGMENTS, 5,
                                &set, &e), AKIN_ELIMIT);
    CHECK(strstr(e.text, "film.mp4") != NULL && set.items == NULL);
    plan.every_s = 1e6; /* one frame; its middle is another */
    CHECK_OK(items_of_query(picture("film.mp4"), &plan, WINDOW_SEGMENTS, 5,
                            &set, &e), e);
    CHECK_EQ_INT(set.n, 1);
    items_set_clear(&set);
}

/* ---- errors -------------------------------------------------------------- */

static void check_memory(const char *path, const model_input *input,
                         window_crop crop)
{
    items_plan plan = plan_of(input);
    bool failed = true;
    for (int n = 1; failed && n < 200; n++) {
        akin_error e = {0};
        items_set set = {0};
        mem_fail_at(n);
        akin_status status = items_of_query(path, &plan, crop, 10, &set, &e);
        failed = !mem_fail_pending();
        mem_fail_at(0);
        CHECK_EQ_INT(status, failed ? AKIN_ENOMEM : AKIN_OK);
        CHECK(!failed || (*e.text && !set.items && !set.spans));
        items_set_clear(&set);
    }
    CHECK(!failed);
}

static void memory_out_is_an_error(void)
{
    model_input patches = patch_input();
    check_memory(make_sound(), &waves, WINDOW_SEGMENTS);
    check_memory(make_sound(), &patches, WINDOW_CENTER);
    check_memory(picture("resize.jpg"), &pictures, WINDOW_CENTER);
    check_memory(picture("film.mp4"), &pictures, WINDOW_SEGMENTS);
}

static void memory_out_in_the_reader(void)
{
    static float item[RATE];
    model_input patches = patch_input();
    const char *paths[] = {make_sound(), make_sound(), picture("resize.jpg")};
    const model_input *inputs[] = {&waves, &patches, &pictures};
    for (int i = 0; i < 3; i++) {
        bool failed = true;
        items_plan plan = plan_of(inputs[i]);
        for (int n = 1; failed && n < 200; n++) {
            akin_error e = {0};
            items_reader *r = NULL;
            media_span span;
            bool more;
            mem_fail_at(n);
            akin_status status = items_reader_open(paths[i], &plan, &r, &e);
            if (r) status = items_reader_next(r, item, &span, &more, &e);
            failed = !mem_fail_pending();
            mem_fail_at(0);
            CHECK_EQ_INT(status, failed ? AKIN_ENOMEM : AKIN_OK);
            items_reader_close(r);
        }
        CHECK(!failed);
    }
}

const test_case test_items_cases[] = {
    {"items/windows_become_items", windows_become_items},
    {"items/windows_are_normalised", windows_are_normalised},
    {"items/reading_sounds_does_not_allocate",
     reading_sounds_does_not_allocate},
    {"items/windows_that_do_not_fit", windows_that_do_not_fit},
    {"items/queries_of_sounds", queries_of_sounds},
    {"items/pictures_become_items", pictures_become_items},
    {"items/passing_over_a_picture", passing_over_a_picture},
    {"items/films_become_items", films_become_items},
    {"items/queries_of_films", queries_of_films},
    {"items/memory_out_is_an_error", memory_out_is_an_error},
    {"items/memory_out_in_the_reader", memory_out_in_the_reader},
    {NULL, NULL},
};
