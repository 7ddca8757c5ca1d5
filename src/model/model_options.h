/* SPDX-License-Identifier: MIT
 * An owned copy of where models are, for what opens them later. */
#ifndef MODEL_MODEL_OPTIONS_H
#define MODEL_MODEL_OPTIONS_H

#include "model/model.h"

typedef struct model_options model_options;

/* from may be NULL: the defaults. */
akin_status model_options_new(const akin_model_options *from,
                              model_options **out, akin_error *err)
    AKIN_NODISCARD;
void model_options_free(model_options *o);

/* Lives as long as o; of NULL, the defaults. */
const akin_model_options *model_options_get(const model_options *o);

#endif
