/* SPDX-License-Identifier: MIT
 * Which tensor of a graph a card means: by its name, or the only one that
 * fits. */
#ifndef MODEL_MODEL_PORT_H
#define MODEL_MODEL_PORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/card.h"
#include "model/onnx_model.h"

typedef enum port_numbers {
    PORT_FLOATS, /* float32, float16, float64 */
    PORT_PIXELS, /* these, or uint8 */
    PORT_IDS     /* int32, int64 */
} port_numbers;

/* One tensor that is looked for among the inputs or outputs of a graph. */
typedef struct port_query {
    const char *graph;         /* for messages */
    const char *role;          /* "embedding", for messages */
    const card_tensor *tensor; /* what the card says */
    const char *const *usual;  /* names that count when it says nothing, the
                                  first that is there; NULL-terminated, or NULL */
    port_numbers numbers;
    uint32_t min_rank, max_rank; /* when the card gives no shape */
    size_t n_last; /* the last axis of one among several that fit; 0: any */
    const onnx_port *taken; /* not this one; may be NULL */
} port_query;

/* AKIN_EMODEL names what was wanted and what there is. *out points into
 * ports [n]. */
akin_status port_find(const port_query *query, const onnx_port *ports, size_t n,
                      const onnx_port **out, akin_error *err) AKIN_NODISCARD;

/* The number of values that each item of a batch has in an output of this
 * shape; the first axis is the batch's if there are two or more. Only one of
 * the others may be longer than 1: else, and beyond `max`, false. *out = 0:
 * the shape leaves it open. */
bool port_row_size(const int64_t *shape, size_t n_axes, size_t max,
                   size_t *out);

#endif
