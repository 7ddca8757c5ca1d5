/* SPDX-License-Identifier: MIT
 * Opens a text tower and embeds texts with it.
 *
 * A query is one text, so that runs are of one (a graph of a fixed batch gets
 * the same text in each place), and their few kilobytes are allocated as they
 * are needed: texts come from any thread, and there is no session for them. */
#include "model/model_text.h"

#include <string.h>

#include "base/memory.h"
#include "model/model_port.h"

/* Opening one. */
typedef struct text_scan {
    const card_text *card;
    model_text *text;
    akin_error *err;
} text_scan;

/* ---- the inputs ---- */

/* Either [context] or [batch, context]. */
static akin_status check_ids(const text_scan *scan, const onnx_port *port)
{
    char found[ONNX_DESCRIPTION];
    int64_t n = port->n_axes ? port->shape[port->n_axes - 1] : 0;
    bool fits = port->n_axes == 1 || port->n_axes == 2;
    if (fits && (n < 0 || n == (int64_t)scan->card->context)) return AKIN_OK;
    onnx_port_describe(port, found);
    return AKIN_FAIL(scan->err, AKIN_EMODEL,
                     "the input '%s' of '%s' is %s; its card says %u ids a "
                     "text",
                     port->name, scan->card->model, found, scan->card->context);
}

static akin_status find_ids(text_scan *scan)
{
    static const char *const usual[] = {"input_ids", "text", NULL};
    model_text *t = scan->text;
    const port_query query = {
        .graph = scan->card->model,
        .role = "input",
        .tensor = &scan->card->input,
        .usual = usual,
        .numbers = PORT_IDS,
        .min_rank = 1,
        .max_rank = 2,
    };
    AKIN_TRY(port_find(&query, t->model->inputs, t->model->n_inputs, &t->ids,
                       scan->err));
    AKIN_TRY(check_ids(scan, t->ids));
    t->batch = 1;
    if (t->ids->n_axes == 2)
        AKIN_TRY(model_graph_batch(t->ids, scan->card->batch, scan->card->model,
                                   &t->batch, scan->err));
    if (!t->batch) t->batch = 1;
    return AKIN_OK;
}

/* Whatever else the graph wants must be the mask. */
static akin_status find_mask(text_scan *scan)
{
    static const char *const usual[] = {"attention_mask", NULL};
    model_text *t = scan->text;
    const port_query query = {
        .graph = scan->card->model,
        .role = "mask",
        .tensor = &scan->card->mask,
        .usual = usual,
        .numbers = PORT_IDS,
        .min_rank = 1,
        .max_rank = 2,
        .taken = t->ids,
    };
    if (t->model->n_inputs == 1) return AKIN_OK;
    if (t->model->n_inputs > 2)
        return AKIN_FAIL(scan->err, AKIN_EMODEL,
                         "'%s' wants %zu inputs; akin has token ids and a mask "
                         "for it",
                         scan->card->model, t->model->n_inputs);
    AKIN_TRY(port_find(&query, t->model->inputs, t->model->n_inputs, &t->mask,
                       scan->err));
    if (t->mask->n_axes != t->ids->n_axes)
        return AKIN_FAIL(scan->err, AKIN_EMODEL,
                         "the mask '%s' of '%s' has %zu axes, the ids %zu",
                         t->mask->name, scan->card->model, t->mask->n_axes,
                         t->ids->n_axes);
    return check_ids(scan, t->mask);
}

/* ---- a run ---- */

/* The same ids in each row of the batch; how many are no padding. */
static size_t encode_rows(const model_text *t, const char *text, int32_t *ids,
                          int32_t *mask)
{
    size_t n = tokenizer_encode(t->tokenizer, text, strlen(text), ids);
    for (size_t i = 0; i < n; i++) mask[i] = 1;
    for (size_t row = 1; row < t->batch; row++) {
        memcpy(ids + row * t->context, ids, t->context * sizeof *ids);
        memcpy(mask + row * t->context, mask, t->context * sizeof *mask);
    }
    return n;
}

static onnx_input input_of(const model_text *t, const onnx_port *port,
                           const int32_t *numbers)
{
    onnx_input in = {.name = port->name,
                     .type = ONNX_I32,
                     .data = numbers,
                     .n_axes = port->n_axes};
    in.shape[0] = (int64_t)t->batch;
    in.shape[port->n_axes - 1] = (int64_t)t->context;
    return in;
}

/* n is how many of the ids are no padding, the last the end token. */
static akin_status run_text(const model_text *t, const char *text,
                            onnx_output *out, size_t *n, akin_error *err)
{
    akin_status status = AKIN_OK;
    int32_t *ids = NULL, *mask = NULL;
    size_t n_all = t->batch * t->context; /* both bounded by the card */
    AKIN_TRYG(mem_new_array(n_all, sizeof *ids, "a text", (void **)&ids, err));
    AKIN_TRYG(
        mem_new_array(n_all, sizeof *mask, "a text", (void **)&mask, err));
    *n = encode_rows(t, text, ids, mask);
    onnx_input inputs[2] = {input_of(t, t->ids, ids)};
    if (t->mask) inputs[1] = input_of(t, t->mask, mask);
    onnx_call call = {.inputs = inputs,
                      .n_inputs = t->mask ? 2 : 1,
                      .outputs = out,
                      .n_outputs = 1};
    AKIN_TRYG(onnx_run(t->model, &call, err));
done:
    mem_free(mask);
    mem_free(ids);
    return status;
}

akin_status model_text_embed(const model_text *t, const char *text,
                             float *vector, akin_error *err)
{
    akin_status status = AKIN_OK;
    float *rows = NULL;
    size_t n = 0, n_rows = t->takes_end_row ? t->batch * t->context : t->batch;
    onnx_output out = {.name = t->embedding->name, .n = n_rows * t->dim};
    AKIN_TRYG(
        mem_new_array(out.n, sizeof *rows, "a text", (void **)&rows, err));
    out.data = rows;
    AKIN_TRYG(run_text(t, text, &out, &n, err));
    size_t end = t->takes_end_row && n ? n - 1 : 0;
    memcpy(vector, rows + end * t->dim, t->dim * sizeof *vector);
done:
    mem_free(rows);
    return status;
}

/* ---- the output ---- */

static akin_status find_embedding(text_scan *scan)
{
    static const char *const usual[] = {"embedding",   "embeddings",
                                        "text_embeds", "pooler_output", NULL};
    static const char *const usual_rows[] = {"last_hidden_state", NULL};
    model_text *t = scan->text;
    const uint32_t rank = t->takes_end_row ? 3 : 2;
    const port_query query = {
        .graph = scan->card->model,
        .role = "embedding",
        .tensor = &scan->card->embedding,
        .usual = t->takes_end_row ? usual_rows : usual,
        .numbers = PORT_FLOATS,
        .min_rank = rank,
        .max_rank = rank,
        .n_last = t->dim,
    };
    return port_find(&query, t->model->outputs, t->model->n_outputs,
                     &t->embedding, scan->err);
}

/* [batch, dim] or [batch, context, dim], as a run gives it. */
static akin_status check_embedding(const text_scan *scan)
{
    const model_text *t = scan->text;
    char found[ONNX_DESCRIPTION];
    size_t n = 0, size = 0;
    onnx_output out = {.name = t->embedding->name};
    AKIN_TRY(run_text(t, "", &out, &n, scan->err));
    bool fits = t->takes_end_row
                    ? out.n_axes == 3 &&
                          out.shape[1] == (int64_t)t->context &&
                          out.shape[2] == (int64_t)t->dim
                    : port_row_size(out.shape, out.n_axes, CARD_MAX_DIM,
                                    &size) &&
                          size == t->dim;
    if (fits) return AKIN_OK;
    onnx_shape_describe(out.shape, out.n_axes, found, sizeof found);
    return AKIN_FAIL(scan->err, AKIN_EMODEL,
                     "the embedding '%s' of '%s' is %s; %zu numbers a %s were "
                     "expected",
                     t->embedding->name, scan->card->model, found, t->dim,
                     t->takes_end_row ? "token" : "text");
}

/* ---- open and close ---- */

static akin_status open_parts(const model_graph_plan *plan, text_scan *scan)
{
    const onnx_options options = {0};
    AKIN_TRY(tokenizer_open(scan->card, plan->folder, &scan->text->tokenizer,
                            scan->err));
    AKIN_TRY(model_graph_load(plan, scan->card->model, &options,
                              &scan->text->model, scan->err));
    AKIN_TRY(find_ids(scan));
    AKIN_TRY(find_mask(scan));
    AKIN_TRY(find_embedding(scan));
    return check_embedding(scan);
}

akin_status model_text_open(const model_graph_plan *plan, size_t dim,
                            model_text **out, akin_error *err)
{
    model_text *t = mem_array(1, sizeof *t);
    if (!t) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
    t->context = plan->card->text.context;
    t->dim = dim;
    t->takes_end_row = plan->card->text.end_token_pooling;
    text_scan scan = {.card = &plan->card->text, .text = t, .err = err};
    akin_status status = open_parts(plan, &scan);
    if (status == AKIN_OK)
        *out = t;
    else
        model_text_close(t);
    return status;
}

void model_text_close(model_text *t)
{
    if (!t) return;
    onnx_model_close(t->model);
    tokenizer_close(t->tokenizer);
    mem_free(t);
}

const char *model_text_use(const model_text *t, const onnx_port *port)
{
    if (port == t->ids) return "ids";
    if (port == t->mask) return "mask";
    return port == t->embedding ? "embedding" : "not used";
}
