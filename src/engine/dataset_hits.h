/* SPDX-License-Identifier: MIT
 * The answers of a dataset's search, with their texts. */
#ifndef ENGINE_DATASET_HITS_H
#define ENGINE_DATASET_HITS_H

#include "engine/dataset_ranked.h"

akin_status dataset_hits_new(size_t n_max, akin_dataset_hits **out,
                             akin_error *err) AKIN_NODISCARD;

/* Appends the place with what s says of its view; nothing if it is gone. */
akin_status dataset_hits_add(akin_dataset_hits *hits, item_store *s,
                             const dataset_place *place, size_t rank,
                             akin_error *err) AKIN_NODISCARD;

/* The ids of all places, in their order. */
akin_status dataset_hits_put_ids(akin_dataset_hits *hits, akin_dataset *ds,
                                 const dataset_place *places, size_t n,
                                 akin_error *err) AKIN_NODISCARD;

/* Texts but those of item_ids are copied. */
akin_status dataset_hits_put_info(akin_dataset_hits *hits,
                                  const akin_dataset_hits_info *info,
                                  akin_error *err) AKIN_NODISCARD;

/* A cosine out of float32 sums, without what rounding put beyond 1. */
static inline float dataset_similarity(float score)
{
    return score > 1 ? 1 : score < -1 ? -1 : score;
}

#endif
