/* SPDX-License-Identifier: MIT
 * Models by themselves, without a database: found, opened, run, installed. */
#include <pthread.h>
#include <string.h>

#include "akin/akin.h"
#include "base/memory.h"
#include "base/text.h"
#include "engine/items.h"
#include "model/install.h"
#include "model/model.h"

/* One session is kept; calls that find it taken open one of their own. */
struct akin_model {
    model *model;
    pthread_mutex_t mutex;
    model_session *session;
};

/* ---- opening --------------------------------------------------------------- */

akin_status akin_model_each(const akin_model_options *opt,
                            bool (*visit)(void *user,
                                          const akin_model_info *info,
                                          const char *problem),
                            void *user, akin_error *err)
{
    return model_each(opt, visit, user, err);
}

akin_status akin_model_open(const char *name, const akin_model_options *opt,
                            akin_model **out, akin_error *err)
{
    akin_model *m = mem_array(1, sizeof *m);
    if (!m) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
    pthread_mutex_init(&m->mutex, NULL);
    akin_status status = model_open(name, opt, &m->model, err);
    if (status != AKIN_OK) {
        akin_model_close(m);
        return status;
    }
    *out = m;
    return AKIN_OK;
}

void akin_model_close(akin_model *m)
{
    if (!m) return;
    model_session_close(m->session);
    model_close(m->model);
    pthread_mutex_destroy(&m->mutex);
    mem_free(m);
}

const akin_model_info *akin_model_get_info(const akin_model *m)
{
    return model_get_info(m->model);
}

/* ---- embedding --------------------------------------------------------------- */

static akin_status models_take_session(akin_model *m, model_session **out,
                                       akin_error *err)
{
    pthread_mutex_lock(&m->mutex);
    *out = m->session;
    m->session = NULL;
    pthread_mutex_unlock(&m->mutex);
    return *out ? AKIN_OK : model_session_open(m->model, out, err);
}

static void models_give_session(akin_model *m, model_session *session)
{
    pthread_mutex_lock(&m->mutex);
    bool kept = m->session == NULL;
    if (kept) m->session = session;
    pthread_mutex_unlock(&m->mutex);
    if (!kept) model_session_close(session);
}

/* Embeds what make puts into an item, n times. */
typedef struct models_batch {
    akin_status (*make)(void *user, size_t i, float *item, akin_error *err);
    void *user;
    size_t n;
} models_batch;

static akin_status models_embed(akin_model *m, const models_batch *batch,
                                float *vectors, akin_error *err)
{
    const model_input *input = model_get_input(m->model);
    size_t dim = model_get_info(m->model)->dim;
    model_session *session = NULL;
    void *item = NULL;
    akin_status status = mem_new_array(input->n_floats, sizeof(float),
                                       "a window", &item, err);
    if (status == AKIN_OK) status = models_take_session(m, &session, err);
    for (size_t i = 0; i < batch->n && status == AKIN_OK; i++) {
        status = batch->make(batch->user, i, item, err);
        if (status == AKIN_OK)
            status = model_embed(session, item, 1, vectors + i * dim, NULL,
                                 err);
    }
    if (session) models_give_session(m, session);
    mem_free(item);
    return status;
}

static akin_status models_need_kind(const akin_model *m, model_kind kind,
                                    akin_error *err)
{
    static const char *const takes[] = {"sounds", "pictures"};
    model_kind own = model_get_input(m->model)->kind;
    if (own == kind) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE, "model %s takes %s, not %s",
                     model_get_info(m->model)->name, takes[own], takes[kind]);
}

typedef struct models_sound {
    const model_input *input;
    const float *samples;
    float *window; /* a copy, which preparing changes */
    size_t n_samples;
} models_sound;

static akin_status models_make_sound(void *user, size_t i, float *item,
                                     akin_error *err)
{
    models_sound *s = user;
    for (size_t j = 0; j < s->n_samples; j++)
        s->window[j] = s->samples[i * s->n_samples + j];
    return items_from_samples(s->input, s->window, item, err);
}

akin_status akin_model_embed_sound(akin_model *m, const float *samples,
                                   size_t n, float *vectors, akin_error *err)
{
    AKIN_TRY(models_need_kind(m, MODEL_SOUND, err));
    const model_input *input = model_get_input(m->model);
    window_plan plan = {.rate_hz = input->rate_hz, .window_s = input->window_s,
                        .speed = 1};
    models_sound sound = {.input = input, .samples = samples,
                          .n_samples = window_n_samples(&plan)};
    void *window;
    AKIN_TRY(mem_new_array(sound.n_samples, sizeof(float), "a window", &window,
                           err));
    sound.window = window;
    models_batch batch = {.make = models_make_sound, .user = &sound, .n = n};
    akin_status status = models_embed(m, &batch, vectors, err);
    mem_free(window);
    return status;
}

typedef struct models_picture {
    const model_input *input;
    image image;
} models_picture;

static akin_status models_make_picture(void *user, size_t i, float *item,
                                       akin_error *err)
{
    models_picture *p = user;
    (void)i;
    return items_from_image(p->input, &p->image, item, err);
}

akin_status akin_model_embed_image(akin_model *m, const uint8_t *rgb,
                                   uint32_t width, uint32_t height,
                                   float *vector, akin_error *err)
{
    AKIN_TRY(models_need_kind(m, MODEL_IMAGE, err));
    if (width == 0 || height == 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "the picture has no pixels");
    models_picture picture = {.input = model_get_input(m->model)};
    AKIN_TRY(image_new(&picture.image, width, height, err));
    memcpy(picture.image.rgb, rgb, (size_t)width * height * 3);
    models_batch batch = {.make = models_make_picture, .user = &picture,
                          .n = 1};
    akin_status status = models_embed(m, &batch, vector, err);
    image_clear(&picture.image);
    return status;
}

akin_status akin_model_embed_text(akin_model *m, const char *text,
                                  float *vector, akin_error *err)
{
    return model_embed_text(m->model, text, vector, err);
}

/* ---- installing ---------------------------------------------------------------- */

akin_status akin_model_install(const char *source, const char *folder,
                               const akin_install_options *opt, akin_error *err)
{
    static const akin_install_options defaults;
    if (!opt) opt = &defaults;
    install_options inner = {.cards_folder = opt->cards,
                             .progress = opt->progress,
                             .user = opt->user};
    char *path = NULL;
    AKIN_TRY(model_install(source, folder, &inner, &path, err));
    if (opt->installed) opt->installed(opt->user, path);
    mem_free(path);
    return AKIN_OK;
}
