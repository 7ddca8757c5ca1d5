/* SPDX-License-Identifier: MIT
 * What akin must know of an ONNX file before ONNX Runtime sees it, and the one
 * edit that it makes: an inner tensor becomes a further output. Works on the
 * bytes of a ModelProto and allocates nothing by a number that they hold. */
#ifndef MODEL_ONNX_PATCH_H
#define MODEL_ONNX_PATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Calls visit for each piece of data that the model keeps in another file, in
 * whatever depth of it; location [n] need not end with NUL. AKIN_ECORRUPT if
 * the bytes are no ONNX model, else the first status of visit that is not
 * AKIN_OK. */
typedef struct onnx_visitor {
    akin_status (*visit)(void *user, const char *location, size_t n,
                         akin_error *err);
    void *user;
} onnx_visitor;
akin_status onnx_patch_each_external(const void *model, size_t n,
                                     const onnx_visitor *visitor,
                                     akin_error *err) AKIN_NODISCARD;

/* The tensor that goes into the last Gemm or MatMul on the way to the graph's
 * output `output` (NULL: its first): a classifier's features. The name is
 * owned; *width_out is its last axis by the weights, 0 if they don't say.
 * AKIN_EMODEL if there is none; AKIN_ELIMIT over a million fields. */
akin_status onnx_patch_find_features(const void *model, size_t n,
                                     const char *output, char **name_out,
                                     int64_t *width_out,
                                     akin_error *err) AKIN_NODISCARD;

/* A copy of the model that has tensor `name` as its last output (a plain copy
 * if that is an output already); mem_free it. AKIN_EMODEL if no node of the
 * main graph gives such a tensor. */
akin_status onnx_patch_expose(const void *model, size_t n, const char *name,
                              char **out, size_t *n_out,
                              akin_error *err) AKIN_NODISCARD;

#endif
