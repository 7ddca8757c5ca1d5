/* SPDX-License-Identifier: MIT
 * The folders of models: finding one by its name. model_each, which visits them
 * all, is defined here, too. */
#ifndef MODEL_MODEL_LIST_H
#define MODEL_MODEL_LIST_H

#include "model/card.h"
#include "model/model_builtin.h"

/* What a name leads to: a row of the table or a folder. */
typedef struct model_place {
    const model_builtin *builtin; /* NULL: the folder */
    char *folder;                 /* owned */
} model_place;

/* Finds what model_open opens. *card is filled if it is a folder; its name
 * becomes the one by which the folder was found. AKIN_EMODEL. */
akin_status model_list_find(const char *name, const akin_model_options *opt,
                            model_place *out, model_card *card,
                            akin_error *err) AKIN_NODISCARD;
void model_place_clear(model_place *place);

#endif
