/* SPDX-License-Identifier: MIT
 * Filters: a pass over the map's rows, whose entries lie one behind the other. At
 * a million rows it takes some milliseconds. */
#include "engine/dataset_filter.h"

#include "base/memory.h"

#define FILTER_TRIES 100

static akin_status filter_columns(akin_dataset *ds, int64_t *version,
                                  size_t *n_bits, akin_error *err)
{
    item_columns *columns;
    AKIN_TRY(dataset_take_columns(ds, &columns, err));
    *version = ds->columns_version;
    *n_bits = item_columns_rows(columns);
    dataset_give_columns(ds);
    return AKIN_OK;
}

/* The bits say nothing of how many they are: that is known if the columns have
 * not been refreshed meanwhile. */
akin_status dataset_item_bits(akin_dataset *ds, const char *where,
                              uint64_t **out, size_t *n_bits, akin_error *err)
{
    int64_t before, after;
    AKIN_TRY(filter_columns(ds, &before, n_bits, err));
    for (int i = 0; i < FILTER_TRIES; i++) {
        AKIN_TRY(dataset_where(ds, where, out, err));
        akin_status status = filter_columns(ds, &after, n_bits, err);
        if (status == AKIN_OK && before == after) return AKIN_OK;
        mem_free(*out);
        *out = NULL;
        AKIN_TRY(status);
        before = after;
    }
    return AKIN_FAIL(err, AKIN_EBUSY,
                     "the items of '%s' change faster than they are read",
                     ds->path);
}

/* The same for one filter, of items, over a simple map: without a branch, for
 * which of a million rows pass cannot be guessed (1 ms instead of 4). */
static void filter_simple(const dataset_map *map, const dataset_filter *f,
                          size_t first, size_t end, uint64_t *bits,
                          dataset_allowed *out)
{
    size_t n = 0;
    for (size_t i = first; i < end; i++) {
        const dataset_entry *e = &map->entries[map->first[i]];
        size_t at = e->item - 1;
        uint64_t pass = (at < f->n_item_bits) &
                        (map->first[i] != map->first[i + 1]);
        at = pass ? at : 0;
        pass &= f->items[at / 64] >> (at % 64);
        bits[(i - first) / 64] |= pass << ((i - first) % 64);
        n += pass;
    }
    out->n_rows += n;
    out->n_items += n;
}

static bool filter_is_simple(const dataset_map *map, const dataset_filter *f)
{
    return map->simple && f->items && !f->one_name && f->n_not_views == 0 &&
           f->n_not_items == 0;
}

/* Rows first .. end into bits; items that are seen are marked. */
static void filter_rows(const dataset_map *map, const dataset_filter *f,
                        size_t first, size_t end, uint64_t *bits,
                        dataset_allowed *out, uint64_t *seen)
{
    const dataset_entry *e = map->entries + map->first[first];
    if (filter_is_simple(map, f)) {
        filter_simple(map, f, first, end, bits, out);
        return;
    }
    for (size_t i = first; i < end; i++) {
        const dataset_entry *next = map->entries + map->first[i + 1];
        bool any = false;
        for (; e < next; e++) {
            if (!dataset_filter_has(f, e)) continue;
            uint64_t bit = (uint64_t)1 << ((e->item - 1) % 64);
            uint64_t *word = &seen[(e->item - 1) / 64];
            out->n_items += !(*word & bit);
            *word |= bit;
            any = true;
        }
        bits[(i - first) / 64] |= (uint64_t)any << ((i - first) % 64);
        out->n_rows += any;
    }
}

akin_status dataset_allow(const dataset_map *map, const dataset_filter *filter,
                          dataset_allowed *out, akin_error *err)
{
    size_t n_file = map->snapshot.n_file;
    void *file = NULL, *pending = NULL, *seen = NULL;
    akin_status status = AKIN_OK;
    *out = (dataset_allowed){0};
    AKIN_TRYG(mem_new_array(n_file / 64 + 1, 8, "rows", &file, err));
    AKIN_TRYG(mem_new_array((map->n_rows - n_file) / 64 + 1, 8, "rows",
                            &pending, err));
    AKIN_TRYG(mem_new_array(map->n_item_bits / 64 + 1, 8, "items", &seen, err));
    filter_rows(map, filter, 0, n_file, file, out, seen);
    filter_rows(map, filter, n_file, map->n_rows, pending, out, seen);
done:
    out->file = file;
    out->pending = pending;
    mem_free(seen);
    if (status != AKIN_OK) dataset_allowed_clear(out);
    return status;
}

void dataset_allowed_clear(dataset_allowed *a)
{
    mem_free(a->file);
    mem_free(a->pending);
    *a = (dataset_allowed){0};
}
