/* SPDX-License-Identifier: MIT
 * Where this machine has models and their runtime: what the environment and
 * the installation say, as the library wants to be told. */
#ifndef CLI_MODEL_PLACES_H
#define CLI_MODEL_PLACES_H

#include "akin/akin.h"
#include "base/error.h"

enum { MODEL_PLACES_MAX = 64 };

/* In this order: the folders of $AKIN_MODELS, the user's own, the one that
 * ships. `options` points into the rest, so it must stay where it is. */
typedef struct model_places {
    akin_model_options options;
    const char *install_folder; /* where akin model install puts models */
    const char *folders[MODEL_PLACES_MAX];
    const char *runtime_folders[3];
    char *texts[MODEL_PLACES_MAX + 3]; /* owned */
    size_t n_texts;
} model_places;

/* Fills places for opening models on this device. Clear it in any case. */
akin_status model_places_init(model_places *places, akin_device device,
                              akin_error *err) AKIN_NODISCARD;
void model_places_clear(model_places *places);

/* Whether a model's folder (NULL: built in) is one of those that ship. */
bool model_places_ships(const model_places *places, const char *folder);

#endif
