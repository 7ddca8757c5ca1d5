/* SPDX-License-Identifier: MIT
 * Names of models as they are typed. */
#ifndef CLI_MODEL_NAMES_H
#define CLI_MODEL_NAMES_H

#include "cli/model_places.h"

/* AKIN_OK for a model that is known here, installed or not, and for anything
 * with a '/' in it; else AKIN_EMODEL, with the name that was probably meant. */
akin_status model_names_check(const model_places *places, const char *name,
                              akin_error *err) AKIN_NODISCARD;

#endif
