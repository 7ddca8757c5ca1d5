/* SPDX-License-Identifier: MIT
 * Media files as a model's items.
 *
 * A sound's window goes from its reader through the normalising into the item,
 * for models that hear log-mel patches by way of a buffer. Of an image nothing
 * is read until its item is asked for, so that passing over costs nothing; of a
 * film that is passed over no frame becomes RGB. */
#include "engine/items.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "media/normalize.h"
#include "media/video.h"

/* ---- One item ------------------------------------------------------------ */

static size_t items_n_samples(const model_input *input)
{
    return (size_t)llround(input->rate_hz * input->window_s);
}

static akin_status items_new_patches(const model_input *input, log_mel **out,
                                     akin_error *err)
{
    assert(input->is_log_mel && input->mel.rate_hz == input->rate_hz);
    AKIN_TRY(log_mel_new(&input->mel, out, err));
    assert(log_mel_patch_size(*out) == input->n_floats);
    return AKIN_OK;
}

/* item may be samples where there are no patches. */
static void items_make_sound(const model_input *input, log_mel *patches,
                             float *samples, float *item)
{
    size_t n = items_n_samples(input);
    normalize_samples(samples, n, input->normalize, input->peak);
    if (patches)
        log_mel_write(patches, samples, n, item);
    else if (item != samples)
        memcpy(item, samples, n * sizeof *item);
}

akin_status items_from_samples(const model_input *input, float *samples,
                               float *item, akin_error *err)
{
    log_mel *patches = NULL;
    assert(input->kind == MODEL_SOUND);
    if (input->is_log_mel) AKIN_TRY(items_new_patches(input, &patches, err));
    items_make_sound(input, patches, samples, item);
    log_mel_free(patches);
    return AKIN_OK;
}

akin_status items_from_image(const model_input *input, const image *im,
                             float *item, akin_error *err)
{
    image resized = {0};
    assert(input->kind == MODEL_IMAGE);
    AKIN_TRY(resize_to_spec(im, &input->resize, &resized, err));
    assert(image_tensor_size(&resized) == input->n_floats);
    image_tensor_write(&resized, &input->tensor, item);
    image_clear(&resized);
    return AKIN_OK;
}

static akin_status items_load_image(const model_input *input, const char *path,
                                    float *item, akin_error *err)
{
    image im = {0};
    AKIN_TRY(image_load(path, NULL, &im, err));
    akin_status status = items_from_image(input, &im, item, err);
    image_clear(&im);
    return status == AKIN_OK ? status : error_prefix(err, status, "'%s'", path);
}

/* ---- Opening ------------------------------------------------------------- */

struct items_reader {
    const model_input *input;
    char *path;
    window_reader *windows; /* of a sound */
    log_mel *patches;
    float *samples; /* a window on its way to a patch */
    video *film;    /* neither: an image */
    double last_s;  /* time of the last frame */
    bool ended;     /* the film, or the image that was given */
    double decode_s, filter_s; /* beside those of the windows */
};

/* The cutting plan with the model's part in it. */
static akin_status items_plan_windows(const items_plan *plan, window_plan *out,
                                      akin_error *err)
{
    const model_input *input = plan->input;
    *out = plan->window;
    if (input->first_channel) out->first_channel = true;
    AKIN_TRY(window_plan_check(out, err));
    if (out->rate_hz == input->rate_hz &&
        window_n_samples(out) == items_n_samples(input))
        return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ESETTINGS,
                     "windows of %g s at %u Hz do not fit the model, which "
                     "takes %g s at %u Hz",
                     out->window_s, out->rate_hz, input->window_s,
                     input->rate_hz);
}

static akin_status items_open_sound(items_reader *r, const items_plan *plan,
                                    akin_error *err)
{
    window_plan windows;
    AKIN_TRY(items_plan_windows(plan, &windows, err));
    AKIN_TRY(window_reader_open(r->path, &windows, &r->windows, err));
    if (!r->input->is_log_mel) {
        assert(window_n_samples(&windows) == r->input->n_floats);
        return AKIN_OK;
    }
    void *samples = NULL;
    AKIN_TRY(items_new_patches(r->input, &r->patches, err));
    AKIN_TRY(mem_new_array(window_n_samples(&windows), sizeof *r->samples,
                           "a window", &samples, err));
    r->samples = samples;
    return AKIN_OK;
}

static akin_status items_open_film(const char *path, double every_s,
                                   video **out, akin_error *err)
{
    const video_options options = {.every_s = every_s};
    return video_open(path, &options, out, err);
}

static akin_status items_open(items_reader *r, const items_plan *plan,
                              akin_error *err)
{
    if (r->input->kind == MODEL_SOUND) return items_open_sound(r, plan, err);
    if (!video_is_video_name(r->path)) return AKIN_OK;
    double before = clock_thread_cpu_s();
    AKIN_TRY(items_open_film(r->path, plan->every_s, &r->film, err));
    r->decode_s += clock_thread_cpu_s() - before;
    return AKIN_OK;
}

akin_status items_reader_open(const char *path, const items_plan *plan,
                              items_reader **out, akin_error *err)
{
    items_reader *r = mem_array(1, sizeof *r);
    if (!r) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    akin_status status = AKIN_OK;
    r->input = plan->input;
    r->path = mem_strdup(path);
    if (!r->path) {
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
        goto done;
    }
    AKIN_TRYG(items_open(r, plan, err));
    *out = r;
    r = NULL;
done:
    items_reader_close(r);
    return status;
}

void items_reader_close(items_reader *r)
{
    if (!r) return;
    window_reader_close(r->windows);
    log_mel_free(r->patches);
    mem_free(r->samples);
    video_close(r->film);
    mem_free(r->path);
    mem_free(r);
}

/* ---- Reading ------------------------------------------------------------- */

static akin_status items_next_window(items_reader *r, float *item,
                                     media_span *span, bool *more,
                                     akin_error *err)
{
    float *samples = item && r->patches ? r->samples : item;
    AKIN_TRY(window_reader_next(r->windows, samples, span, more, err));
    if (!*more || !item) return AKIN_OK;
    double before = clock_thread_cpu_s();
    items_make_sound(r->input, r->patches, samples, item);
    r->filter_s += clock_thread_cpu_s() - before;
    return AKIN_OK;
}

static akin_status items_next_frame(items_reader *r, float *item,
                                    media_span *span, bool *more,
                                    akin_error *err)
{
    const image *im = NULL;
    double time_s = 0;
    if (item) {
        AKIN_TRY(video_next(r->film, &time_s, &im, err));
        *more = im != NULL;
    } else {
        AKIN_TRY(video_pass(r->film, &time_s, more, err));
    }
    r->ended = !*more;
    if (!*more) return AKIN_OK;
    if (item) AKIN_TRY(items_from_image(r->input, im, item, err));
    r->last_s = time_s;
    *span = (media_span){time_s, time_s};
    return AKIN_OK;
}

static akin_status items_next_image(items_reader *r, float *item,
                                    media_span *span, bool *more,
                                    akin_error *err)
{
    *more = !r->ended;
    if (!*more) return AKIN_OK;
    if (item) AKIN_TRY(items_load_image(r->input, r->path, item, err));
    *span = (media_span){0, 0};
    r->ended = true;
    return AKIN_OK;
}

akin_status items_reader_next(items_reader *r, float *item, media_span *span,
                              bool *more, akin_error *err)
{
    *more = false;
    if (r->windows) return items_next_window(r, item, span, more, err);
    double before = clock_thread_cpu_s();
    akin_status status = r->film ? items_next_frame(r, item, span, more, err)
                                 : items_next_image(r, item, span, more, err);
    r->decode_s += clock_thread_cpu_s() - before;
    return status;
}

double items_reader_expected(const items_reader *r)
{
    if (r->windows) return window_reader_get_info(r->windows)->duration_s;
    return r->film ? video_get_info(r->film)->duration_s : 0;
}

/* The last frame's end is not known, so the container is believed where it
 * says more. */
double items_reader_duration(const items_reader *r)
{
    if (r->windows) return window_reader_duration(r->windows);
    if (!r->film || !r->ended) return 0;
    return fmax(video_get_info(r->film)->duration_s, r->last_s);
}

/* What is done to a window behind its filter counts as filtering. */
window_times items_reader_get_times(const items_reader *r)
{
    window_times times = {0};
    if (r->windows) times = window_reader_get_times(r->windows);
    times.decode_s += r->decode_s;
    times.filter_s += r->filter_s;
    return times;
}

/* ---- Queries ------------------------------------------------------------- */

/* Makes patches of windows; the waveforms themselves are taken over. */
static akin_status items_take_windows(const model_input *input,
                                      window_set *windows, items_set *set,
                                      akin_error *err)
{
    log_mel *patches = NULL;
    void *items = windows->samples;
    if (input->is_log_mel) {
        AKIN_TRY(items_new_patches(input, &patches, err));
        akin_status status = mem_new_array(
            windows->n, input->n_floats * sizeof(float), "the query", &items,
            err);
        if (status != AKIN_OK) {
            log_mel_free(patches);
            return status;
        }
    }
    *set = (items_set){items, windows->spans, windows->n};
    for (size_t i = 0; i < set->n; i++)
        items_make_sound(input, patches,
                         windows->samples + i * windows->n_samples,
                         set->items + i * input->n_floats);
    log_mel_free(patches);
    if (input->is_log_mel) mem_free(windows->samples);
    *windows = (window_set){0};
    return AKIN_OK;
}

static akin_status items_query_sound(const char *path, const items_plan *plan,
                                     window_crop crop, size_t max_items,
                                     items_set *set, akin_error *err)
{
    window_plan windows;
    window_set cut = {0};
    AKIN_TRY(items_plan_windows(plan, &windows, err));
    AKIN_TRY(window_query(path, &windows, crop, max_items, &cut, err));
    akin_status status = items_take_windows(plan->input, &cut, set, err);
    window_set_clear(&cut);
    return status;
}

/* Room for one more than there are. */
static akin_status items_grow(items_set *set, size_t *cap, size_t n_floats,
                              size_t max_items, akin_error *err)
{
    void *items = set->items, *spans = set->spans;
    size_t items_cap = *cap;
    akin_status status = mem_grow(&items, &items_cap, set->n + 1,
                                  n_floats * sizeof(float), max_items, err);
    set->items = items;
    if (status != AKIN_OK) return status;
    status = mem_grow(&spans, cap, set->n + 1, sizeof *set->spans, max_items,
                      err);
    set->spans = spans;
    return status;
}

/* Up to max_items frames into the set; `last` keeps only the last of them. */
static akin_status items_take_frames(video *film, const model_input *input,
                                     size_t max_items, bool last,
                                     items_set *set, akin_error *err)
{
    size_t cap = 0;
    for (size_t n = 0;; n++) {
        const image *im = NULL;
        double time_s = 0;
        if (last && n == max_items) return AKIN_OK;
        AKIN_TRY(video_next(film, &time_s, &im, err));
        if (!im) return AKIN_OK;
        if (n == max_items)
            return AKIN_FAIL(err, AKIN_ELIMIT,
                             "it has more than the %zu frames of a query; cut "
                             "it or take fewer of them",
                             max_items);
        if (last) set->n = 0;
        AKIN_TRY(items_grow(set, &cap, input->n_floats, max_items, err));
        AKIN_TRY(items_from_image(input, im, set->items +
                                  set->n * input->n_floats, err));
        set->spans[set->n++] = (media_span){time_s, time_s};
    }
}

/* The middle of a film, from its times if the container has no length. */
static akin_status items_find_middle(const char *path, double *middle_s,
                                     akin_error *err)
{
    video *film = NULL;
    bool more = true;
    AKIN_TRY(items_open_film(path, 0, &film, err));
    double end_s = video_get_info(film)->duration_s;
    akin_status status = AKIN_OK;
    if (end_s <= 0)
        while (more && status == AKIN_OK)
            status = video_pass(film, &end_s, &more, err);
    video_close(film);
    *middle_s = end_s / 2;
    return status;
}

static akin_status items_query_film(const char *path, const items_plan *plan,
                                    window_crop crop, size_t max_items,
                                    items_set *set, akin_error *err)
{
    video *film = NULL;
    double every_s = plan->every_s;
    size_t n = max_items;
    /* The middle is the second of the frames that lie half the film apart; of a
     * film that is too short for that, the first. */
    if (crop == WINDOW_CENTER) AKIN_TRY(items_find_middle(path, &every_s, err));
    if (crop != WINDOW_SEGMENTS) n = crop == WINDOW_CENTER ? 2 : 1;
    AKIN_TRY(items_open_film(path, every_s, &film, err));
    akin_status status = items_take_frames(film, plan->input, n,
                                           crop != WINDOW_SEGMENTS, set, err);
    video_close(film);
    if (status == AKIN_ELIMIT || status == AKIN_ENOMEM)
        return error_prefix(err, status, "'%s'", path);
    if (status == AKIN_OK && set->n == 0)
        return AKIN_FAIL(err, AKIN_EDECODE, "the film in '%s' is empty", path);
    return status;
}

static akin_status items_query_image(const char *path, const items_plan *plan,
                                     items_set *set, akin_error *err)
{
    void *item = NULL, *span = NULL;
    AKIN_TRY(mem_new_array(plan->input->n_floats, sizeof(float), "an image",
                           &item, err));
    set->items = item;
    AKIN_TRY(mem_new_array(1, sizeof *set->spans, "an image", &span, err));
    set->spans = span; /* zeroed: 0 to 0 */
    set->n = 1;
    return items_load_image(plan->input, path, set->items, err);
}

akin_status items_of_query(const char *path, const items_plan *plan,
                           window_crop crop, size_t max_items, items_set *out,
                           akin_error *err)
{
    akin_status status;
    *out = (items_set){0};
    if (plan->input->kind == MODEL_SOUND)
        status = items_query_sound(path, plan, crop, max_items, out, err);
    else if (video_is_video_name(path))
        status = items_query_film(path, plan, crop, max_items, out, err);
    else
        status = items_query_image(path, plan, out, err);
    if (status != AKIN_OK) items_set_clear(out);
    return status;
}

void items_set_clear(items_set *set)
{
    mem_free(set->items);
    mem_free(set->spans);
    *set = (items_set){0};
}
