/* SPDX-License-Identifier: MIT
 * What a card says of a model, in the words of those who use it. */
#ifndef MODEL_MODEL_FACTS_H
#define MODEL_MODEL_FACTS_H

#include "model/card.h"
#include "model/model.h"

/* All but identity ("") and n_classes (0). Texts are borrowed from the card. */
akin_model_info model_facts_info(const model_card *card);

/* How items are made. AKIN_EMODEL for windows that are longer than any can be
 * here. */
akin_status model_facts_input(const model_card *card, model_input *out,
                              akin_error *err) AKIN_NODISCARD;

#endif
