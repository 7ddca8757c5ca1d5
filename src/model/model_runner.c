/* SPDX-License-Identifier: MIT
 * Cuts items into the runs that a graph takes, pads the last one, and makes
 * scores of what comes out.
 *
 * Nothing is locked: a graph is read-only, and a runner belongs to one thread
 * but for its cancelling. */
#include "model/model_runner.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

struct model_runner {
    const model_graph *graph;
    onnx_cancel *cancel;
    uint8_t *pixels; /* [max_run, n_floats], of a graph that takes bytes */
    /* Of a last run that is padded: [batch, ...], NULL if none can be. */
    float *items, *vectors, *scores;
};

/* Of one run, whole. */
typedef struct runner_part {
    const float *items;
    size_t n;
    float *vectors, *scores;
} runner_part;

/* ---- making and freeing ---- */

static akin_status new_room(size_t n, size_t each, size_t size, void **out,
                            akin_error *err)
{
    if (!mem_mul(n, each, &n))
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
    return mem_new_array(n, size, "a model", out, err);
}

static akin_status fill_runner(model_runner *r, akin_error *err)
{
    const model_graph *g = r->graph;
    AKIN_TRY(onnx_cancel_new(g->model->runtime, &r->cancel, err));
    if (g->input->type == ONNX_U8)
        AKIN_TRY(new_room(g->max_run, g->n_floats, sizeof *r->pixels,
                          (void **)&r->pixels, err));
    if (g->batch < 2) return AKIN_OK;
    AKIN_TRY(new_room(g->batch, g->n_floats, sizeof *r->items,
                      (void **)&r->items, err));
    AKIN_TRY(new_room(g->batch, g->dim, sizeof *r->vectors,
                      (void **)&r->vectors, err));
    return new_room(g->batch, g->n_classes, sizeof *r->scores,
                    (void **)&r->scores, err);
}

akin_status model_runner_new(const model_graph *g, model_runner **out,
                             akin_error *err)
{
    model_runner *r = mem_array(1, sizeof *r);
    if (!r) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
    r->graph = g;
    akin_status status = fill_runner(r, err);
    if (status == AKIN_OK)
        *out = r;
    else
        model_runner_free(r);
    return status;
}

void model_runner_free(model_runner *r)
{
    if (!r) return;
    onnx_cancel_free(r->cancel);
    mem_free(r->pixels);
    mem_free(r->items);
    mem_free(r->vectors);
    mem_free(r->scores);
    mem_free(r);
}

void model_runner_cancel(model_runner *r) { onnx_cancel_now(r->cancel); }

/* ---- running ---- */

static void floats_to_bytes(const float *from, size_t n, uint8_t *to)
{
    for (size_t i = 0; i < n; i++) {
        float x = from[i] > 0 ? from[i] : 0; /* NaN, too */
        to[i] = (uint8_t)((x < 255 ? x : 255) + 0.5f);
    }
}

static akin_status run_part(model_runner *r, const runner_part *part,
                            akin_error *err)
{
    const model_graph *g = r->graph;
    onnx_input input = {.name = g->input->name,
                        .type = ONNX_F32,
                        .data = part->items,
                        .n_axes = g->input->n_axes};
    memcpy(input.shape, g->shape, sizeof input.shape);
    if (g->has_batch) input.shape[0] = (int64_t)part->n;
    if (r->pixels) {
        floats_to_bytes(part->items, part->n * g->n_floats, r->pixels);
        input.type = ONNX_U8;
        input.data = r->pixels;
    }
    onnx_output outputs[2] = {
        {.name = g->embedding->name,
         .data = part->vectors,
         .n = part->n * g->dim},
    };
    if (part->scores)
        outputs[1] = (onnx_output){.name = g->scores->name,
                                   .data = part->scores,
                                   .n = part->n * g->n_classes};
    onnx_call call = {.inputs = &input,
                      .n_inputs = 1,
                      .outputs = outputs,
                      .n_outputs = part->scores ? 2 : 1,
                      .cancel = r->cancel};
    return onnx_run(g->model, &call, err);
}

/* A graph of a fixed batch gets silence behind the items that are left. */
static akin_status run_padded(model_runner *r, const runner_part *part,
                              akin_error *err)
{
    const model_graph *g = r->graph;
    size_t n = part->n * g->n_floats, all = g->batch * g->n_floats;
    const runner_part whole = {.items = r->items,
                               .n = g->batch,
                               .vectors = r->vectors,
                               .scores = part->scores ? r->scores : NULL};
    memcpy(r->items, part->items, n * sizeof *r->items);
    memset(r->items + n, 0, (all - n) * sizeof *r->items);
    AKIN_TRY(run_part(r, &whole, err));
    memcpy(part->vectors, r->vectors, part->n * g->dim * sizeof *r->vectors);
    if (part->scores)
        memcpy(part->scores, r->scores,
               part->n * g->n_classes * sizeof *r->scores);
    return AKIN_OK;
}

static void sigmoid(float *row, size_t n)
{
    for (size_t i = 0; i < n; i++)
        row[i] = (float)(1 / (1 + exp(-(double)row[i])));
}

static void softmax(float *row, size_t n)
{
    double most = row[0], sum = 0;
    for (size_t i = 1; i < n; i++)
        if (row[i] > most) most = row[i];
    for (size_t i = 0; i < n; i++) sum += exp(row[i] - most);
    for (size_t i = 0; i < n; i++) row[i] = (float)(exp(row[i] - most) / sum);
}

static void activate(const model_graph *g, float *scores, size_t n)
{
    if (g->activation == CARD_ACTIVATION_SIGMOID)
        sigmoid(scores, n * g->n_classes);
    for (size_t i = 0; i < n && g->activation == CARD_ACTIVATION_SOFTMAX; i++)
        softmax(scores + i * g->n_classes, g->n_classes);
}

akin_status model_runner_run(model_runner *r, const float *items, size_t n,
                             float *vectors, float *scores, akin_error *err)
{
    const model_graph *g = r->graph;
    size_t n_part = 0;
    if (!g->scores) scores = NULL;
    for (size_t i = 0; i < n; i += n_part) {
        n_part = n - i < g->max_run ? n - i : g->max_run;
        const runner_part part = {
            .items = items + i * g->n_floats,
            .n = n_part,
            .vectors = vectors + i * g->dim,
            .scores = scores ? scores + i * g->n_classes : NULL};
        AKIN_TRY(n_part < g->batch ? run_padded(r, &part, err)
                                   : run_part(r, &part, err));
    }
    if (scores) activate(g, scores, n);
    return AKIN_OK;
}

/* ---- trying ---- */

/* false also if nothing is a number. */
static bool vectors_differ(const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fabsf(a[i] - b[i]) > 0) return true;
    return false;
}

/* The tensor before the last Gemm of a graph that is not the one which its card
 * describes may be a constant. */
static akin_status try_items(const model_graph *g, const float *items,
                             float *vectors, akin_error *err)
{
    model_runner *runner = NULL;
    AKIN_TRY(model_runner_new(g, &runner, err));
    akin_status status = model_runner_run(runner, items, 2, vectors, NULL, err);
    model_runner_free(runner);
    if (status == AKIN_OK &&
        !vectors_differ(vectors, vectors + g->dim, g->dim))
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "the tensor '%s' in '%s' is the same for any input; "
                         "it is no embedding",
                         g->embedding->name, g->model->name);
    return status;
}

akin_status model_runner_try_noise(const model_graph *g, akin_error *err)
{
    akin_status status = AKIN_OK;
    float *items = NULL, *vectors = NULL;
    random_state noise = {.s = 1};
    AKIN_TRYG(new_room(2, g->n_floats, sizeof *items, (void **)&items, err));
    AKIN_TRYG(new_room(2, g->dim, sizeof *vectors, (void **)&vectors, err));
    for (size_t i = 0; i < 2 * g->n_floats; i++)
        items[i] = (float)(random_unit(&noise) * 2 - 1);
    AKIN_TRYG(try_items(g, items, vectors, err));
done:
    mem_free(vectors);
    mem_free(items);
    return status;
}
