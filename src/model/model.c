/* SPDX-License-Identifier: MIT
 * One face over the built-in models and those of folders.
 *
 * Threads: what model_open made is read-only. The two graphs come later: the
 * first who needs one loads it under the model's lock and publishes it by an
 * atomic pointer, so that those who come after it take no lock. Loading is
 * never undone before the closing. */
#include "model/model.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/text.h"
#include "model/model_builtin.h"
#include "model/model_facts.h"
#include "model/model_graph.h"
#include "model/model_labels.h"
#include "model/model_list.h"
#include "model/model_options.h"
#include "model/model_runner.h"
#include "model/model_text.h"

struct model {
    const model_builtin *builtin; /* NULL: all that follows info and input */
    akin_model_info info;
    model_input input;
    model_place place;
    model_card *card;
    model_options *options;
    char identity[HASH_HEX_BYTES];
    model_labels labels;
    pthread_mutex_t lock; /* while a graph is loaded */
    _Atomic(model_graph *) media;
    _Atomic(model_text *) text;
};

struct model_session {
    model *model;
    atomic_bool cancelled;
    void *state;          /* of a built-in model */
    model_runner *runner; /* of a graph */
};

/* What is wrong with a model's files is the model's fault; what the machine
 * lacks is not. */
static akin_status blame_model(akin_status status, akin_error *err)
{
    switch (status) {
    case AKIN_EUSAGE:
    case AKIN_ENOTFOUND:
    case AKIN_ECORRUPT:
    case AKIN_EVERSION:
    case AKIN_EUNSUPPORTED:
    case AKIN_ELIMIT: break;
    default: return status;
    }
    if (err) err->code = AKIN_EMODEL;
    return AKIN_EMODEL;
}

/* ---- open and close ---- */

static model_graph_plan plan_of(const model *m)
{
    return (model_graph_plan){
        .card = m->card,
        .folder = m->place.folder,
        .places = model_options_get(m->options),
        .n_floats = m->input.n_floats,
        .n_classes = m->labels.n,
        .tensor = m->input.tensor,
    };
}

static akin_status fill_from_folder(model *m, akin_error *err)
{
    const card_labels *labels = &m->card->sound.labels;
    const char *folder = m->place.folder;
    AKIN_TRY(card_check_files(m->card, folder, false, err));
    AKIN_TRY(model_facts_input(m->card, &m->input, err));
    AKIN_TRY(card_identity(m->card, folder, m->identity, err));
    if (labels->path[0])
        AKIN_TRY(model_labels_read(labels, folder, &m->labels, err));
    m->info = model_facts_info(m->card);
    m->info.identity = m->identity;
    m->info.folder = folder;
    m->info.n_classes = m->labels.n;
    if (m->info.dim) return AKIN_OK;
    AKIN_TRY(model_load(m, MODEL_MEDIA, err)); /* only the graph knows it */
    m->info.dim = (uint32_t)m->media->dim;
    return AKIN_OK;
}

static akin_status fill_model(model *m, const char *name,
                              const akin_model_options *opt, akin_error *err)
{
    AKIN_TRY(model_options_new(opt, &m->options, err));
    AKIN_TRY(mem_new_array(1, sizeof *m->card, "a model's card",
                           (void **)&m->card, err));
    if (!name) name = model_builtin_at(0)->info.name;
    akin_status status = model_list_find(name, model_options_get(m->options),
                                         &m->place, m->card, err);
    if (status == AKIN_OK && !m->place.builtin)
        status = fill_from_folder(m, err);
    if (status != AKIN_OK) return blame_model(status, err);
    m->builtin = m->place.builtin;
    if (!m->builtin) return AKIN_OK;
    m->info = model_builtin_info(m->builtin);
    m->input = m->builtin->input;
    return AKIN_OK;
}

akin_status model_open(const char *name, const akin_model_options *opt,
                       model **out, akin_error *err)
{
    model *m = mem_array(1, sizeof *m);
    if (!m) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
    pthread_mutex_init(&m->lock, NULL); /* cannot fail without attributes */
    akin_status status = fill_model(m, name, opt, err);
    if (status == AKIN_OK)
        *out = m;
    else
        model_close(m);
    return status;
}

void model_close(model *m)
{
    if (!m) return;
    model_text_close(m->text);
    model_graph_close(m->media);
    model_labels_clear(&m->labels);
    model_options_free(m->options);
    mem_free(m->card);
    model_place_clear(&m->place);
    pthread_mutex_destroy(&m->lock);
    mem_free(m);
}

const akin_model_info *model_get_info(const model *m) { return &m->info; }

const model_input *model_get_input(const model *m) { return &m->input; }

const char *model_class(const model *m, size_t i) { return m->labels.names[i]; }

/* ---- loading ---- */

static akin_status load_media(model *m, akin_error *err)
{
    model_graph *g = NULL;
    const model_graph_plan plan = plan_of(m);
    AKIN_TRY(model_graph_open(&plan, &g, err));
    akin_status status =
        g->is_exposed ? model_runner_try_noise(g, err) : AKIN_OK;
    if (status == AKIN_OK)
        atomic_store(&m->media, g);
    else
        model_graph_close(g);
    return status;
}

static akin_status load_text(model *m, akin_error *err)
{
    model_text *t = NULL;
    const model_graph_plan plan = plan_of(m);
    AKIN_TRY(model_text_open(&plan, m->info.dim, &t, err));
    atomic_store(&m->text, t);
    return AKIN_OK;
}

static bool is_loaded(const model *m, model_part part)
{
    return part == MODEL_MEDIA ? atomic_load(&m->media) != NULL
                               : atomic_load(&m->text) != NULL;
}

static akin_status refuse_text(const model *m, akin_error *err)
{
    bool is_known = m->card && m->card->text.model[0];
    return AKIN_FAIL(err, AKIN_EMODEL,
                     is_known ? "model '%s' cannot be searched by text: its "
                                "vocabulary is SentencePiece's"
                              : "model '%s' cannot be searched by text: it has "
                                "no text tower",
                     m->info.name);
}

akin_status model_load(model *m, model_part part, akin_error *err)
{
    if (part == MODEL_TEXT && !m->info.text) return refuse_text(m, err);
    if (m->builtin || is_loaded(m, part)) return AKIN_OK;
    akin_status status = AKIN_OK;
    pthread_mutex_lock(&m->lock);
    if (!is_loaded(m, part))
        status = part == MODEL_MEDIA ? load_media(m, err) : load_text(m, err);
    pthread_mutex_unlock(&m->lock);
    return blame_model(status, err);
}

/* On one core, a ViT-B/32 takes 99 ms for a picture by itself and 91 ms for one
 * of eight. Sound networks gain nothing, and their files hold many windows. On a
 * GPU everything gains. */
bool model_wants_batches(const model *m)
{
    if (m->builtin) return false;
    const model_graph *g = atomic_load(&m->media);
    const model_card *card = m->card;
    bool on_gpu = g ? g->model->device == ONNX_CUDA
                    : model_options_get(m->options)->device == AKIN_CUDA;
    size_t batch = g                               ? g->batch
                   : card->modality == CARD_SOUND ? card->sound.batch
                                                  : card->image.batch;
    return batch ? batch > 1 : m->input.kind == MODEL_IMAGE || on_gpu;
}

const char *model_notice(const model *m)
{
    const model_graph *g = atomic_load(&m->media);
    const model_text *t = atomic_load(&m->text);
    if (g && g->model->notice[0]) return g->model->notice;
    return t ? t->model->notice : "";
}

/* ---- its tensors ---- */

/* Telling of one graph. */
typedef struct model_telling {
    const model_graph *graph; /* or */
    const model_text *text;
    const char *path;
    void (*visit)(void *user, const model_tensor *tensor);
    void *user;
} model_telling;

static void tell_ports(const model_telling *telling, const char *direction,
                       const onnx_port *ports, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char description[ONNX_DESCRIPTION];
        onnx_port_describe(&ports[i], description);
        const model_tensor tensor = {
            .graph = telling->path,
            .direction = direction,
            .name = ports[i].name,
            .description = description,
            .use = telling->graph ? model_graph_use(telling->graph, &ports[i])
                                  : model_text_use(telling->text, &ports[i]),
        };
        telling->visit(telling->user, &tensor);
    }
}

void model_each_tensor(const model *m, model_part part,
                       void (*visit)(void *user, const model_tensor *tensor),
                       void *user)
{
    if (m->builtin || !is_loaded(m, part)) return;
    model_telling telling = {.visit = visit, .user = user};
    const onnx_model *o = NULL;
    if (part == MODEL_MEDIA) {
        telling.graph = atomic_load(&m->media);
        telling.path = m->input.kind == MODEL_SOUND ? m->card->sound.model
                                                    : m->card->image.model;
        o = telling.graph->model;
    } else {
        telling.text = atomic_load(&m->text);
        telling.path = m->card->text.model;
        o = telling.text->model;
    }
    tell_ports(&telling, "input", o->inputs, o->n_inputs);
    tell_ports(&telling, "output", o->outputs, o->n_outputs);
}

/* ---- embedding ---- */

akin_status model_session_open(model *m, model_session **out, akin_error *err)
{
    AKIN_TRY(model_load(m, MODEL_MEDIA, err));
    model_session *session = mem_array(1, sizeof *session);
    if (!session)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
    session->model = m;
    akin_status status =
        m->builtin ? m->builtin->new_state(&session->state, err)
                   : model_runner_new(atomic_load(&m->media), &session->runner,
                                      err);
    if (status == AKIN_OK)
        *out = session;
    else
        model_session_close(session);
    return status;
}

void model_session_close(model_session *session)
{
    if (!session) return;
    if (session->state) session->model->builtin->free_state(session->state);
    model_runner_free(session->runner);
    mem_free(session);
}

void model_session_cancel(model_session *session)
{
    atomic_store(&session->cancelled, true);
    if (session->runner) model_runner_cancel(session->runner);
}

static akin_status embed_builtin(model_session *session, const float *items,
                                 size_t n, float *vectors, akin_error *err)
{
    const model *m = session->model;
    for (size_t i = 0; i < n; i++) {
        if (atomic_load(&session->cancelled))
            return AKIN_FAIL(err, AKIN_ECANCELLED, "the model was stopped");
        m->builtin->embed(session->state, items + i * m->input.n_floats,
                          vectors + i * m->info.dim);
    }
    return AKIN_OK;
}

akin_status model_embed(model_session *session, const float *items, size_t n,
                        float *vectors, float *scores, akin_error *err)
{
    return session->state ? embed_builtin(session, items, n, vectors, err)
                          : model_runner_run(session->runner, items, n, vectors,
                                             scores, err);
}

akin_status model_embed_text(model *m, const char *text, float *vector,
                             akin_error *err)
{
    AKIN_TRY(model_load(m, MODEL_TEXT, err));
    return model_text_embed(atomic_load(&m->text), text, vector, err);
}
