/* SPDX-License-Identifier: MIT
 * Looking a model over: its tensors, and what it makes of noise and silence. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "akin/akin.h"
#include "base/clock.h"
#include "base/memory.h"
#include "engine/items.h"
#include "model/model.h"

#define CHECK_RUNS 3

/* Vectors of two different noises that are closer than this, relative to their
 * length, did not listen. */
#define CHECK_SAME 1e-6

typedef struct model_checker {
    model *model;
    const akin_model_info *info;
    void (*say)(void *user, akin_finding kind, const char *text);
    void *user;
    size_t n_problems;
    model_session *session;
    float *samples; /* a window, of a sound model */
    uint8_t *rgb;   /* a picture, of an image model */
    size_t n_samples;
    float *item, *first, *second; /* [n_floats], [dim], [dim] */
} model_checker;

static void check_say(model_checker *c, akin_finding kind, const char *fmt, ...)
    AKIN_PRINTF(3, 4);

static void check_say(model_checker *c, akin_finding kind, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->n_problems += kind == AKIN_FINDING_PROBLEM;
    if (c->say) c->say(c->user, kind, text);
}

static void check_tensor(void *user, const model_tensor *t)
{
    check_say(user, AKIN_FINDING_FACT, "%s: %s '%s' %s: %s", t->graph,
              t->direction, t->name, t->description, t->use);
}

static bool check_load(model_checker *c, model_part part, const char *what)
{
    akin_error why = {0};
    double start_s = clock_now_s();
    if (model_load(c->model, part, &why) != AKIN_OK) {
        check_say(c, AKIN_FINDING_PROBLEM, "%s", why.text);
        return false;
    }
    check_say(c, AKIN_FINDING_FACT, "%s loaded in %.2f s", what,
              clock_now_s() - start_s);
    model_each_tensor(c->model, part, check_tensor, c);
    return true;
}

/* ---- what is put in ------------------------------------------------------------ */

/* Repeatable noise, -1 .. 1. */
static float check_noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)((double)(*state >> 40) / (1 << 23) - 1.0);
}

/* seed 0: silence, a black picture. */
static akin_status check_make(model_checker *c, uint64_t seed, akin_error *err)
{
    const model_input *input = model_get_input(c->model);
    uint64_t state = seed;
    if (input->kind == MODEL_SOUND) {
        for (size_t i = 0; i < c->n_samples; i++)
            c->samples[i] = seed ? 0.1f * check_noise(&state) : 0;
        return items_from_samples(input, c->samples, c->item, err);
    }
    image im = {.width = input->resize.width, .height = input->resize.height,
                .rgb = c->rgb};
    for (size_t i = 0; i < (size_t)im.width * im.height * 3; i++)
        im.rgb[i] = seed ? (uint8_t)(127.5f * (check_noise(&state) + 1)) : 0;
    return items_from_image(input, &im, c->item, err);
}

/* ---- what comes out -------------------------------------------------------------- */

static double check_length(const float *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)v[i] * (double)v[i];
    return sqrt(sum);
}

static void check_values(model_checker *c, const char *what, const float *v)
{
    size_t n_odd = 0;
    for (size_t i = 0; i < c->info->dim; i++) n_odd += !isfinite(v[i]);
    if (n_odd > 0)
        check_say(c, AKIN_FINDING_PROBLEM,
                  "%s: %zu of %u numbers of the vector are not finite", what,
                  n_odd, c->info->dim);
    else
        check_say(c, AKIN_FINDING_FACT, "%s: a vector of length %.4g", what,
                  check_length(v, c->info->dim));
}

static bool check_run(model_checker *c, const char *what, uint64_t seed,
                      float *vector)
{
    akin_error why = {0};
    if (check_make(c, seed, &why) != AKIN_OK ||
        model_embed(c->session, c->item, 1, vector, NULL, &why) != AKIN_OK) {
        check_say(c, AKIN_FINDING_PROBLEM, "%s: %s", what, why.text);
        return false;
    }
    check_values(c, what, vector);
    return true;
}

static void check_difference(model_checker *c)
{
    double sum = 0;
    for (size_t i = 0; i < c->info->dim; i++) {
        double d = (double)c->first[i] - (double)c->second[i];
        sum += d * d;
    }
    if (sqrt(sum) <= CHECK_SAME * check_length(c->first, c->info->dim))
        check_say(c, AKIN_FINDING_PROBLEM,
                  "two different noises give the same vector: this output does "
                  "not depend on the input");
}

static void check_speed(model_checker *c)
{
    double best_s = INFINITY;
    for (int i = 0; i < CHECK_RUNS; i++) {
        double start_s = clock_now_s();
        if (model_embed(c->session, c->item, 1, c->second, NULL, NULL) !=
            AKIN_OK)
            return;
        best_s = fmin(best_s, clock_now_s() - start_s);
    }
    check_say(c, AKIN_FINDING_FACT, "%.3g ms for one, on one thread",
              best_s * 1e3);
}

static void check_media(model_checker *c)
{
    akin_error why = {0};
    if (!check_load(c, MODEL_MEDIA, c->info->rate_hz ? "sound model"
                                                     : "image model"))
        return;
    if (*model_notice(c->model))
        check_say(c, AKIN_FINDING_WARNING, "%s", model_notice(c->model));
    if (model_session_open(c->model, &c->session, &why) != AKIN_OK) {
        check_say(c, AKIN_FINDING_PROBLEM, "%s", why.text);
        return;
    }
    check_run(c, c->info->rate_hz ? "silence" : "black", 0, c->second);
    if (check_run(c, "noise", 1, c->first) &&
        check_run(c, "another noise", 2, c->second))
        check_difference(c);
    check_speed(c);
}

static void check_text(model_checker *c)
{
    akin_error why = {0};
    if (!check_load(c, MODEL_TEXT, "text model")) return;
    if (model_embed_text(c->model, "a photo of a dog", c->first, &why) !=
            AKIN_OK ||
        model_embed_text(c->model, "the sea at night", c->second, &why) !=
            AKIN_OK) {
        check_say(c, AKIN_FINDING_PROBLEM, "text: %s", why.text);
        return;
    }
    check_values(c, "\"a photo of a dog\"", c->first);
    check_difference(c);
}

/* ---- the whole --------------------------------------------------------------------- */

static akin_status check_alloc(model_checker *c, akin_error *err)
{
    const model_input *input = model_get_input(c->model);
    void *p;
    AKIN_TRY(mem_new_array(input->n_floats, sizeof(float), "a window", &p,
                           err));
    c->item = p;
    AKIN_TRY(mem_new_array(c->info->dim, sizeof(float), "a vector", &p, err));
    c->first = p;
    AKIN_TRY(mem_new_array(c->info->dim, sizeof(float), "a vector", &p, err));
    c->second = p;
    if (input->kind == MODEL_IMAGE) {
        AKIN_TRY(mem_new_array(
            (size_t)input->resize.width * input->resize.height, 3, "a picture",
            &p, err));
        c->rgb = p;
        return AKIN_OK;
    }
    window_plan plan = {.rate_hz = input->rate_hz, .window_s = input->window_s,
                        .speed = 1};
    c->n_samples = window_n_samples(&plan);
    AKIN_TRY(mem_new_array(c->n_samples, sizeof(float), "a window", &p, err));
    c->samples = p;
    return AKIN_OK;
}

static void check_clear(model_checker *c)
{
    model_session_close(c->session);
    mem_free(c->samples);
    mem_free(c->rgb);
    mem_free(c->item);
    mem_free(c->first);
    mem_free(c->second);
    model_close(c->model);
}

akin_status akin_model_check(const char *name, const akin_model_options *opt,
                             void (*say)(void *user, akin_finding kind,
                                         const char *text),
                             void *user, size_t *n_problems, akin_error *err)
{
    model_checker c = {.say = say, .user = user};
    *n_problems = 0;
    AKIN_TRY(model_open(name, opt, &c.model, err));
    c.info = model_get_info(c.model);
    akin_status status = check_alloc(&c, err);
    if (status == AKIN_OK) {
        check_media(&c);
        if (c.info->text) check_text(&c);
    }
    *n_problems = c.n_problems;
    check_clear(&c);
    return status;
}
