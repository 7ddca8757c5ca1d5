/* SPDX-License-Identifier: MIT
 * The table of the models that are built in. */
#ifndef MODEL_MODEL_BUILTIN_H
#define MODEL_MODEL_BUILTIN_H

#include "model/model.h"

/* One row. `state` is what one thread needs to run it. */
typedef struct model_builtin {
    akin_model_info info; /* but for its identity */
    model_input input;
    const char *(*identity)(void);
    akin_status (*new_state)(void **out, akin_error *err);
    void (*free_state)(void *state);
    void (*embed)(void *state, const float *item, float *vector);
} model_builtin;

size_t model_builtin_count(void);
const model_builtin *model_builtin_at(size_t i); /* the first is the default */
const model_builtin *model_builtin_find(const char *name); /* or NULL */

/* The facts of a row, its identity too; borrowed for ever. */
akin_model_info model_builtin_info(const model_builtin *b);

#endif
