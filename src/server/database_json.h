/* SPDX-License-Identifier: MIT
 * Databases, windows, recordings and labels as JSON. */
#ifndef SERVER_DATABASE_JSON_H
#define SERVER_DATABASE_JSON_H

#include "akin/akin.h"
#include "base/json.h"

/* Each gives NULL when memory is out. */
json_t *database_json_info(const char *id, const akin_info *info);

/* scored: with rank and score, as a search has them. */
json_t *database_json_hit(const akin_hit *hit, bool scored);
json_t *database_json_hits(const akin_results *results, bool scored);

json_t *database_json_recording(const akin_recording *recording);
json_t *database_json_annotation(const akin_annotation *annotation);

const char *database_json_label_type(akin_label_type type);

#endif
