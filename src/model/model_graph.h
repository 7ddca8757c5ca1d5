/* SPDX-License-Identifier: MIT
 * The loaded graph of a model that turns windows or pictures into vectors and,
 * where its card says so, into scores of classes. */
#ifndef MODEL_MODEL_GRAPH_H
#define MODEL_MODEL_GRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "akin/akin.h"
#include "base/error.h"
#include "media/image_tensor.h"
#include "model/card.h"
#include "model/onnx_model.h"

/* Items a run of a graph that takes any number: what it computes on the way
 * takes tens of megabytes an item. */
enum { MODEL_GRAPH_MAX_RUN = 32 };

/* What of a model its graph has to agree with. Borrowed during the opening. */
typedef struct model_graph_plan {
    const model_card *card;
    const char *folder;
    const akin_model_options *places; /* of the runtime, and the device */
    size_t n_floats;                  /* of an item */
    size_t n_classes;                 /* 0: scores are not wanted */
    image_tensor_spec tensor;         /* of pictures */
} model_graph_plan;

/* Read-only after the opening and shared by threads. */
typedef struct model_graph {
    onnx_model *model;
    const onnx_port *input, *embedding;
    const onnx_port *scores; /* NULL: none wanted */
    const char *role; /* of the input: "windows", "patches", "pictures" */
    bool is_exposed;  /* the embedding is no output of the file's */
    bool has_batch;   /* the first axis of the input counts items */
    size_t batch;     /* items a run, always; 0: any number */
    size_t max_run;   /* items a run at most */
    int64_t shape[ONNX_MAX_AXES]; /* of the input; [0] is the batch's */
    size_t n_floats, dim, n_classes;
    card_activation activation;
} model_graph;

/* Opens a graph, `path` in the plan's folder, on one thread and the device that
 * is asked for. Any status of onnx_model_open and onnx_runtime_open. */
akin_status model_graph_load(const model_graph_plan *plan, const char *path,
                             const onnx_options *options, onnx_model **out,
                             akin_error *err) AKIN_NODISCARD;

/* The size of the batch that an input of two axes or more is run with: the
 * graph's own, else the card's, else 0. AKIN_EMODEL if they differ. */
akin_status model_graph_batch(const onnx_port *input, uint32_t of_card,
                              const char *path, size_t *out,
                              akin_error *err) AKIN_NODISCARD;

/* Opens the graph of the card's sound or image part, and checks it against the
 * card: AKIN_EMODEL. */
akin_status model_graph_open(const model_graph_plan *plan, model_graph **out,
                             akin_error *err) AKIN_NODISCARD;
void model_graph_close(model_graph *g);

/* "windows", "embedding", "scores", "not used": what a port is for. */
const char *model_graph_use(const model_graph *g, const onnx_port *port);

#endif
