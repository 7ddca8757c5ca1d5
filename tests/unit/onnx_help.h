/* SPDX-License-Identifier: MIT
 * ONNX Runtime for the tests, where the machine has it. */
#ifndef ONNX_HELP_H
#define ONNX_HELP_H

#include <stdbool.h>

#include "model/onnx_runtime.h"

/* From $AKIN_ONNXRUNTIME, the system, or where tools/get-onnxruntime installs;
 * else NULL, and the running test counts as skipped. */
const onnx_runtime *onnx_help_runtime(void);

/* A test has loaded it already, so that none can watch it not being found. */
bool onnx_help_is_loaded(void);

#endif
