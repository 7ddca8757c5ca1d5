/* SPDX-License-Identifier: MIT
 * One ONNX model: opened, looked at, and run. What its tensors mean is for the
 * caller (a model card) to know; here they are names, types and shapes. */
#ifndef MODEL_ONNX_MODEL_H
#define MODEL_ONNX_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/onnx_runtime.h"

enum { ONNX_MAX_AXES = 8, ONNX_MAX_PORTS = 64 };

/* ONNX's own numbers; a model may have others, which cannot be run here. */
typedef enum onnx_type {
    ONNX_OTHER = 0, /* no tensor at all: a sequence, a map */
    ONNX_F32 = 1,
    ONNX_U8 = 2,
    ONNX_I32 = 6,
    ONNX_I64 = 7,
    ONNX_BOOL = 9,
    ONNX_F16 = 10,
    ONNX_F64 = 11
} onnx_type;

/* "float32"; "no tensor", "type 13" for those that have no name here. */
const char *onnx_type_name(onnx_type type);

/* An input or an output. Shapes come from the file: bound them before use. */
typedef struct onnx_port {
    char *name;
    onnx_type type;
    size_t n_axes;
    int64_t shape[ONNX_MAX_AXES]; /* -1: any size */
} onnx_port;

typedef enum onnx_device { ONNX_CPU = 0, ONNX_CUDA } onnx_device;

typedef struct onnx_options {
    size_t n_threads; /* for one run; 0 means 1: many runs at a time, each on
                         its caller's thread, use a machine best */
    onnx_device device;
    const char *expose;   /* an inner tensor to be one more output, the last */
    bool expose_features; /* the same for the tensor that goes into the last
                             Gemm or MatMul before the output `features_of`
                             (NULL: the first), as BirdNET v2.4 needs it */
    const char *features_of;
} onnx_options;

/* Read-only and shared by any number of threads; only close is exclusive. */
typedef struct onnx_model {
    const onnx_runtime *runtime;
    char *name; /* for messages */
    ort_session *session;
    ort_memory_info *memory;
    onnx_port *inputs, *outputs; /* [n_inputs], [n_outputs] */
    size_t n_inputs, n_outputs;
    onnx_device device; /* that it runs on */
    char notice[256];   /* what the user should know, such as why a model that
                           was to run on CUDA does not; "" if nothing */
} onnx_model;

/* Opens a .onnx file; NULL options mean the defaults. Data that a model keeps
 * in files of its own must lie in its folder or below. AKIN_ENOTFOUND (it, or
 * such a file), AKIN_EIO, AKIN_ECORRUPT (no ONNX model), AKIN_EUNSUPPORTED,
 * AKIN_EMODEL (the runtime refuses it; what is to be exposed is not in it).
 *
 * XXX: what a model computes while it is opened or run is bounded by the
 * machine alone: one that asks for more memory than there is gets an error from
 * the allocator or the system's wrath. Resource limits of the process are the
 * cure for models of strangers. */
akin_status onnx_model_open(const onnx_runtime *runtime, const char *path,
                            const onnx_options *options, onnx_model **out,
                            akin_error *err) AKIN_NODISCARD;

/* The same from the bytes of such a file, which are not needed afterwards.
 * Data in other files is AKIN_EUNSUPPORTED. */
typedef struct onnx_bytes {
    const void *data;
    size_t n;
    const char *name; /* for messages */
} onnx_bytes;
akin_status onnx_model_open_bytes(const onnx_runtime *runtime,
                                  const onnx_bytes *bytes,
                                  const onnx_options *options, onnx_model **out,
                                  akin_error *err) AKIN_NODISCARD;
void onnx_model_close(onnx_model *model);

/* NULL if there is none of that name. */
const onnx_port *onnx_model_input(const onnx_model *model, const char *name);
const onnx_port *onnx_model_output(const onnx_model *model, const char *name);

/* "float32 [?, 144000]" for messages and listings. */
enum { ONNX_DESCRIPTION = 160 };
void onnx_port_describe(const onnx_port *port, char out[ONNX_DESCRIPTION]);

/* "[?, 144000]", into out [n]. */
void onnx_shape_describe(const int64_t *shape, size_t n_axes, char *out,
                         size_t n);

/* Stops runs. One handle may serve many runs at a time, on any threads; once
 * cancelled, all of them end with AKIN_ECANCELLED and later ones don't begin.
 * A run ends between two of the model's operators, not within one. */
typedef struct onnx_cancel onnx_cancel;
akin_status onnx_cancel_new(const onnx_runtime *runtime, onnx_cancel **out,
                            akin_error *err) AKIN_NODISCARD;
void onnx_cancel_now(onnx_cancel *cancel);  /* thread-safe, not for signals */
void onnx_cancel_free(onnx_cancel *cancel); /* not while a run uses it */

/* Data for one input. float32 also feeds float16 and float64 inputs, int32 and
 * int64 feed each other; all else must have the type of the input. */
typedef struct onnx_input {
    const char *name;
    onnx_type type;
    const void *data; /* as many values as the shape says; only read */
    size_t n_axes;
    int64_t shape[ONNX_MAX_AXES];
} onnx_input;

/* Room for one output. Numbers of any type that has a name here become
 * float32. n must be the number of values that the model gives; NULL data asks
 * for the shape alone. */
typedef struct onnx_output {
    const char *name;
    float *data; /* [n] */
    size_t n;
    size_t n_axes; /* filled by the run, and the shape too */
    int64_t shape[ONNX_MAX_AXES];
} onnx_output;

typedef struct onnx_call {
    const onnx_input *inputs; /* every input of the model, in any order */
    onnx_output *outputs;     /* those that are wanted */
    size_t n_inputs, n_outputs;
    onnx_cancel *cancel; /* NULL: the run cannot be stopped */
} onnx_call;

/* Runs the model once. AKIN_EUSAGE (no such input, wrong type or shape),
 * AKIN_EMODEL (it fails, or gives another number of values than asked for),
 * AKIN_ECANCELLED. The outputs' data is undefined after an error. */
akin_status onnx_run(const onnx_model *model, onnx_call *call,
                     akin_error *err) AKIN_NODISCARD;

#endif
