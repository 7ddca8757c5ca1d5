/* SPDX-License-Identifier: MIT
 * The table of models and their one face. */
#include "model/model.h"

#include <pthread.h>

#include "base/memory.h"
#include "base/text.h"
#include "model/builtin_mel.h"

struct model {
    const akin_model_info *info;
};

struct model_session {
    const model *model;
    mel *mel;
};

static akin_model_info model_table[] = {
    {
        .name = "mel",
        .modality = "sound",
        .about = "levels, changes, rhythm and texture of 3 s of sound; no "
                 "download, knows no species",
        .dim = MEL_DIM,
        .rate_hz = MEL_RATE_HZ,
        .window_s = (double)MEL_WINDOW_SAMPLES / MEL_RATE_HZ,
        .builtin = true,
    },
};

size_t model_count(void) { return sizeof model_table / sizeof *model_table; }

/* Identities are hashes, computed once. */
static void model_complete_table(void)
{
    model_table[0].identity = mel_identity();
}

const akin_model_info *model_info_at(size_t i)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, model_complete_table);
    return &model_table[i];
}

akin_status model_open(const char *name, model **out, akin_error *err)
{
    if (!name) name = model_table[0].name;
    for (size_t i = 0; i < model_count(); i++) {
        if (!text_equal(name, model_table[i].name)) continue;
        model *m = mem_array(1, sizeof *m);
        if (!m) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
        m->info = model_info_at(i);
        *out = m;
        return AKIN_OK;
    }
    return AKIN_FAIL(err, AKIN_EMODEL,
                     "there is no model '%s' here; `akin model list` names "
                     "those that there are",
                     name);
}

void model_close(model *m) { mem_free(m); }

const akin_model_info *model_get_info(const model *m) { return m->info; }

akin_status model_session_open(const model *m, model_session **out,
                               akin_error *err)
{
    model_session *session = mem_array(1, sizeof *session);
    if (!session)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
    session->model = m;
    akin_status status = mel_new(&session->mel, err);
    if (status != AKIN_OK) {
        model_session_close(session);
        return status;
    }
    *out = session;
    return AKIN_OK;
}

void model_session_close(model_session *session)
{
    if (!session) return;
    mel_free(session->mel);
    mem_free(session);
}

akin_status model_embed_sound(model_session *session, const float *samples,
                              size_t n, float *out, akin_error *err)
{
    (void)err;
    for (size_t i = 0; i < n; i++)
        mel_embed(session->mel, samples + i * MEL_WINDOW_SAMPLES,
                  out + i * MEL_DIM);
    return AKIN_OK;
}
