/* SPDX-License-Identifier: MIT
 * What the rows of items and views look like, and which tables there are. */
#ifndef ENGINE_DATASET_GET_H
#define ENGINE_DATASET_GET_H

#include "engine/dataset_int.h"
#include "engine/dataset_rows.h"

#define DATASET_VIEW_COLUMNS                                                   \
    {"id", AKIN_VALUE_TEXT}, {"created_at", AKIN_VALUE_TIME},                  \
        {"updated_at", AKIN_VALUE_TIME}, {"item_ref", AKIN_VALUE_REF},         \
        {"parent_ref", AKIN_VALUE_REF}, {"url", AKIN_VALUE_TEXT},              \
        {"width", AKIN_VALUE_INTEGER}, {"height", AKIN_VALUE_INTEGER},         \
        {"format", AKIN_VALUE_TEXT}

/* DATASET_GROUP_ITEM, _VIEWS or _EMBEDDINGS. AKIN_ENOTFOUND: "table 'X' not found
 * in dataset"; AKIN_EUNSUPPORTED: another of Pixano's. */
akin_status dataset_get_group(akin_dataset *ds, const char *table,
                              dataset_group *out, akin_error *err)
    AKIN_NODISCARD;

akin_value_kind dataset_value_kind(item_kind kind);

/* The columns of views, or of items as they are in s now. */
akin_status dataset_get_columns(akin_rows *rows, item_store *s, bool views,
                                akin_error *err) AKIN_NODISCARD;

#endif
