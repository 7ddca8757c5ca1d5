/* SPDX-License-Identifier: MIT
 * Which vectors of an embedding table are which views: made once of the table's
 * rows and the item store, then read by any number of searches.
 *
 * A map holds the vectors it is about (index file and journaled ones), so that
 * what happens to the table meanwhile cannot make it wrong, only old. */
#ifndef ENGINE_DATASET_MAP_H
#define ENGINE_DATASET_MAP_H

#include "engine/snapshot.h"
#include "store/item_store.h"

/* One view of a vector: two views may be the same file. */
typedef struct dataset_entry {
    uint32_t item, view; /* row numbers in the item store */
    uint16_t name;       /* of the view, among the map's names */
} dataset_entry;

typedef struct dataset_map {
    snapshot snapshot;  /* without a transaction; rows count through */
    size_t n_rows;
    uint32_t *first;    /* [n_rows + 1]: row i has entries first[i] .. */
    dataset_entry *entries; /* by row, then view */
    size_t n_entries;
    char **names;       /* [n_names] of views */
    size_t n_names;
    uint64_t *allow_file, *allow_pending; /* rows that have entries */
    uint64_t *items;    /* bit r - 1: item r has one; [n_item_bits] */
    size_t n_item_bits, n_items;
    size_t n_used;      /* rows that have entries */
    bool shared;        /* some have several */
    bool simple;        /* none has, and no item is in two rows */
} dataset_map;

/* s is read from during the call only. Free it whatever was returned. */
akin_status dataset_map_init(dataset_map *map, akin_db *db, item_store *s,
                             akin_error *err) AKIN_NODISCARD;
void dataset_map_clear(dataset_map *map);

/* The number of a view's name; false if no view of the table has it. */
bool dataset_map_name(const dataset_map *map, const char *name, uint16_t *out);

/* The float16 vector of row i, borrowed from the map. */
static inline const unsigned char *dataset_map_vector(const dataset_map *map,
                                                      size_t i)
{
    return snapshot_row_vector(&map->snapshot, i);
}

/* A bitmap over items as item_columns_where gives it: whether item r is in it. */
static inline bool dataset_has_item(const uint64_t *bits, size_t n_bits,
                                    uint32_t r)
{
    return r - 1 < n_bits && (bits[(r - 1) / 64] >> ((r - 1) % 64) & 1);
}

#endif
