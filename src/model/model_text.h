/* SPDX-License-Identifier: MIT
 * The text tower of a model: its tokenizer and its graph. */
#ifndef MODEL_MODEL_TEXT_H
#define MODEL_MODEL_TEXT_H

#include "model/clip_tokenizer.h"
#include "model/model_graph.h"

/* Read-only after the opening and shared by threads. */
typedef struct model_text {
    tokenizer *tokenizer;
    onnx_model *model;
    const onnx_port *ids, *mask; /* mask: NULL if the graph wants none */
    const onnx_port *embedding;
    size_t batch;                /* texts a run; but one counts */
    size_t context, dim;
    bool takes_end_row; /* the output is [batch, context, dim] */
} model_text;

/* Opens the text part of the plan's card. dim is that of the vectors that texts
 * are compared with. AKIN_EMODEL as model_graph_open; and what tokenizer_open
 * gives. */
akin_status model_text_open(const model_graph_plan *plan, size_t dim,
                            model_text **out, akin_error *err) AKIN_NODISCARD;
void model_text_close(model_text *t);

/* UTF-8 -> vector [dim]. Thread-safe. */
akin_status model_text_embed(const model_text *t, const char *text,
                             float *vector, akin_error *err) AKIN_NODISCARD;

/* "ids", "mask", "embedding", "not used": what a port is for. */
const char *model_text_use(const model_text *t, const onnx_port *port);

#endif
