/* SPDX-License-Identifier: MIT
 * The names of the classes that a model scores, from the table that its card
 * names. */
#ifndef MODEL_MODEL_LABELS_H
#define MODEL_MODEL_LABELS_H

#include <stddef.h>

#include "base/error.h"
#include "model/card.h"

enum { MODEL_MAX_CLASSES = 1 << 17, MODEL_MAX_LABEL_BYTES = 1 << 24 };

typedef struct model_labels {
    char *text;         /* the file, cut into names */
    const char **names; /* [n] */
    size_t n;
} model_labels;

/* Reads the file in `folder`; out must be empty. AKIN_EMODEL names the line
 * that has no name, or none that can be shown. A field may be quoted as in
 * CSV, but not over several lines. */
akin_status model_labels_read(const card_labels *labels, const char *folder,
                              model_labels *out, akin_error *err)
    AKIN_NODISCARD;
void model_labels_clear(model_labels *labels);

#endif
