/* SPDX-License-Identifier: MIT
 * What opening and running an ONNX model share. */
#ifndef MODEL_ONNX_INT_H
#define MODEL_ONNX_INT_H

#include "model/onnx_model.h"

/* Type and shape of a tensor, but for its name. */
akin_status onnx_tensor_read(const onnx_model *model,
                             const ort_tensor_info *info, onnx_port *out,
                             akin_error *err) AKIN_NODISCARD;

#endif
