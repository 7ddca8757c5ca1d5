/* SPDX-License-Identifier: MIT
 * What turns a window into a vector: one interface over all models. */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stddef.h>

#include "akin/akin.h"
#include "base/error.h"

typedef struct model model;
typedef struct model_session model_session;

/* The models that can be used here, in the order of akin_model_at. */
size_t model_count(void);
const akin_model_info *model_info_at(size_t i);

/* Opens a model by name; NULL means the default sound model. AKIN_EMODEL names
 * those that there are. A model is shared by threads. */
akin_status model_open(const char *name, model **out, akin_error *err)
    AKIN_NODISCARD;
void model_close(model *m);

const akin_model_info *model_get_info(const model *m);

/* What one thread needs to run the model (its scratch memory). */
akin_status model_session_open(const model *m, model_session **out,
                               akin_error *err) AKIN_NODISCARD;
void model_session_close(model_session *session);

/* samples [n, rate_hz * window_s] -> out [n, dim]. Does not allocate. */
akin_status model_embed_sound(model_session *session, const float *samples,
                              size_t n, float *out, akin_error *err)
    AKIN_NODISCARD;

#endif
