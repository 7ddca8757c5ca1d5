/* SPDX-License-Identifier: MIT
 * Copies of model options. */
#include "model/model_options.h"

#include "base/memory.h"

#define MODEL_OPTIONS_MAX_FOLDERS 1024

struct model_options {
    akin_model_options face; /* points into what follows */
    char **folders, **runtime_folders;
    char *cards, *runtime;
};

static akin_status model_options_no_memory(akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the models' folders");
}

static void model_options_free_texts(char **texts, size_t n)
{
    for (size_t i = 0; texts && i < n; i++) mem_free(texts[i]);
    mem_free(texts);
}

static akin_status model_options_copy(const char *const *from, size_t n,
                                      char ***out, akin_error *err)
{
    if (n > MODEL_OPTIONS_MAX_FOLDERS)
        return AKIN_FAIL(err, AKIN_ELIMIT, "at most %d folders of models",
                         MODEL_OPTIONS_MAX_FOLDERS);
    char **texts = mem_array(n + 1, sizeof *texts);
    if (!texts) return model_options_no_memory(err);
    *out = texts;
    for (size_t i = 0; i < n; i++) {
        texts[i] = mem_strdup(from[i]);
        if (!texts[i]) return model_options_no_memory(err);
    }
    return AKIN_OK;
}

static akin_status model_options_fill(model_options *o,
                                      const akin_model_options *from,
                                      akin_error *err)
{
    o->face = *from;
    AKIN_TRY(model_options_copy(from->folders, from->n_folders, &o->folders,
                                err));
    AKIN_TRY(model_options_copy(from->runtime_folders,
                                from->n_runtime_folders, &o->runtime_folders,
                                err));
    o->cards = mem_strdup(from->cards);
    o->runtime = mem_strdup(from->runtime);
    if ((from->cards && !o->cards) || (from->runtime && !o->runtime))
        return model_options_no_memory(err);
    o->face.folders = (const char *const *)o->folders;
    o->face.runtime_folders = (const char *const *)o->runtime_folders;
    o->face.cards = o->cards;
    o->face.runtime = o->runtime;
    return AKIN_OK;
}

akin_status model_options_new(const akin_model_options *from,
                              model_options **out, akin_error *err)
{
    static const akin_model_options defaults;
    model_options *o = mem_array(1, sizeof *o);
    if (!o) return model_options_no_memory(err);
    akin_status status = model_options_fill(o, from ? from : &defaults, err);
    if (status != AKIN_OK) {
        model_options_free(o);
        return status;
    }
    *out = o;
    return AKIN_OK;
}

void model_options_free(model_options *o)
{
    if (!o) return;
    model_options_free_texts(o->folders, o->face.n_folders);
    model_options_free_texts(o->runtime_folders, o->face.n_runtime_folders);
    mem_free(o->cards);
    mem_free(o->runtime);
    mem_free(o);
}

const akin_model_options *model_options_get(const model_options *o)
{
    static const akin_model_options defaults;
    return o ? &o->face : &defaults;
}
