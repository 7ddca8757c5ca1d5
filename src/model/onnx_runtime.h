/* SPDX-License-Identifier: MIT
 * ONNX Runtime, found on the machine and loaded while the program runs. */
#ifndef MODEL_ONNX_RUNTIME_H
#define MODEL_ONNX_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "model/onnx_api.h"

/* Where to look, in this order: `path`, the system's library names, `folders`.
 * All of it may be absent. */
typedef struct onnx_places {
    const char *path; /* the library or a folder that holds it; NULL or "" to
                         leave it out. What is named here must be usable: its
                         failure is an error, not a reason to look on */
    const char *const *folders; /* [n_folders], such as the one that
                                   tools/get-onnxruntime installs to */
    size_t n_folders;
} onnx_places;

typedef struct onnx_runtime {
    const ort_api *api;
    ort_env *env;
    char version[32]; /* "1.30.0" */
    char *path;       /* the name it was loaded by */
    bool recommended; /* 1.17 or newer; older ones lack some operators */
} onnx_runtime;

/* The process's one runtime. The first call that finds it loads it for ever;
 * later calls give the same one, wherever they look. Thread-safe. AKIN_EMODEL
 * says why there is none and how to get it. */
akin_status onnx_runtime_open(const onnx_places *places,
                              const onnx_runtime **out,
                              akin_error *err) AKIN_NODISCARD;

/* Turns what a call of the table gave back into a status, and frees it: NULL
 * is AKIN_OK, all else AKIN_EMODEL with `what` and the runtime's own message
 * on one line. */
akin_status onnx_runtime_check(const onnx_runtime *runtime, ort_status *given,
                               const char *what,
                               akin_error *err) AKIN_NODISCARD;

#endif
