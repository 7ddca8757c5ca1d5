/* SPDX-License-Identifier: MIT
 * Which vectors of a table may be answers: of what items, under what name. */
#ifndef ENGINE_DATASET_FILTER_H
#define ENGINE_DATASET_FILTER_H

#include "engine/dataset_int.h"
#include "engine/dataset_map.h"

/* Items of an expression as bits that are *n_bits; of NULL all there are. */
akin_status dataset_item_bits(akin_dataset *ds, const char *where,
                              uint64_t **out, size_t *n_bits, akin_error *err)
    AKIN_NODISCARD;

/* Which views pass. All-zero: all. */
typedef struct dataset_filter {
    const uint64_t *items;
    size_t n_item_bits;
    bool one_name;
    uint16_t name;
    const uint32_t *not_views, *not_items;
    size_t n_not_views, n_not_items;
} dataset_filter;
static inline bool dataset_filter_is_one_of(const uint32_t *of, size_t n,
                                            uint32_t row)
{
    for (size_t i = 0; i < n; i++)
        if (of[i] == row) return true;
    return false;
}

/* Here, so that a pass over a million of them has no calls in it. */
static inline bool dataset_filter_has(const dataset_filter *f,
                                      const dataset_entry *e)
{
    if (f->items && !dataset_has_item(f->items, f->n_item_bits, e->item))
        return false;
    if (f->one_name && e->name != f->name) return false;
    return !dataset_filter_is_one_of(f->not_items, f->n_not_items, e->item) &&
           !dataset_filter_is_one_of(f->not_views, f->n_not_views, e->view);
}

/* Rows of the map that have a view which passes: bitmaps as rank_rows wants them,
 * and how many rows and items these are. */
typedef struct dataset_allowed {
    uint64_t *file, *pending;
    size_t n_rows, n_items;
} dataset_allowed;
akin_status dataset_allow(const dataset_map *map, const dataset_filter *filter,
                          dataset_allowed *out, akin_error *err)
    AKIN_NODISCARD;
void dataset_allowed_clear(dataset_allowed *a);

#endif
