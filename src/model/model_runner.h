/* SPDX-License-Identifier: MIT
 * Running a loaded graph over any number of windows or pictures. */
#ifndef MODEL_MODEL_RUNNER_H
#define MODEL_MODEL_RUNNER_H

#include "model/model_graph.h"

/* What one thread needs for it: room for a run. */
typedef struct model_runner model_runner;
akin_status model_runner_new(const model_graph *g, model_runner **out,
                             akin_error *err) AKIN_NODISCARD;
void model_runner_free(model_runner *runner);

/* From any thread: this and later runs end with AKIN_ECANCELLED. */
void model_runner_cancel(model_runner *runner);

/* items [n, n_floats] -> vectors [n, dim] and, unless NULL, scores
 * [n, n_classes]. Any n. Allocates nothing itself; the runtime does. */
akin_status model_runner_run(model_runner *runner, const float *items, size_t n,
                             float *vectors, float *scores, akin_error *err)
    AKIN_NODISCARD;

/* AKIN_EMODEL if two different noises have one embedding. */
akin_status model_runner_try_noise(const model_graph *g, akin_error *err)
    AKIN_NODISCARD;

#endif
