/* SPDX-License-Identifier: MIT
 * akin_dataset_each_duplicate: the linked vectors as groups of views, told largest
 * first. */
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/dataset_hits.h"
#include "engine/dataset_pairs.h"
#include "engine/dataset_query.h"
#include "index/distance.h"

#define DUPLICATES_MIN_SIMILARITY 0.98
#define DUPLICATES_PROGRESS_S 0.1

/* A view of a linked vector. */
typedef struct duplicate {
    uint32_t root, row; /* of the map */
    uint32_t rank;      /* of its item's id */
    dataset_entry entry;
} duplicate;

typedef struct duplicate_group {
    size_t first, n;
    uint32_t rank; /* of its first item */
} duplicate_group;

typedef struct duplicates {
    akin_dataset *ds;
    const akin_dataset_duplicates_options *opt;
    dataset_table *table;
    dataset_table_map *map;
    item_store *s;
    uint64_t *items;
    dataset_filter filter;
    dataset_allowed allowed;
    uint32_t *roots; /* [n_rows] */
    duplicate *views;
    size_t n;
    duplicate_group *groups;
    size_t n_groups;
    double start_s, told_s;
    bool ended;
} duplicates;

static bool duplicates_tell(void *user, double fraction)
{
    duplicates *d = user;
    double now_s = clock_now_s();
    if (!d->opt->progress || now_s - d->told_s < DUPLICATES_PROGRESS_S)
        return true;
    d->told_s = now_s;
    const akin_progress progress = {.phase = "compare",
                                    .elapsed_s = now_s - d->start_s,
                                    .remaining_s = -1,
                                    .fraction = fraction,
                                    .file = ""};
    return d->opt->progress(d->opt->user, &progress);
}

/* ---- views of linked vectors ------------------------------------------------ */

/* In groups, those by the item's id, those by the view's number. */
static int compare_duplicates(const void *a_, const void *b_)
{
    const duplicate *a = a_, *b = b_;
    if (a->root != b->root) return a->root < b->root ? -1 : 1;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    return (a->entry.view > b->entry.view) - (a->entry.view < b->entry.view);
}

static size_t duplicates_count(const duplicates *d)
{
    const dataset_map *map = &d->map->map;
    size_t n = 0;
    for (size_t i = 0; i < map->n_entries; i++)
        n += dataset_filter_has(&d->filter, &map->entries[i]);
    return n;
}

static akin_status duplicates_collect(duplicates *d, akin_error *err)
{
    const dataset_map *map = &d->map->map;
    item_columns *columns;
    void *p;
    AKIN_TRY(mem_new_array(duplicates_count(d), sizeof *d->views, "views", &p,
                           err));
    d->views = p;
    AKIN_TRY(dataset_take_columns(d->ds, &columns, err));
    const uint32_t *ranks = item_columns_rank(columns);
    size_t n_ranks = item_columns_rows(columns);
    for (size_t row = 0; row < map->n_rows; row++)
        for (uint32_t i = map->first[row]; i < map->first[row + 1]; i++) {
            dataset_entry e = map->entries[i];
            if (!dataset_filter_has(&d->filter, &e)) continue;
            uint32_t rank = e.item - 1 < n_ranks ? ranks[e.item - 1]
                                                 : UINT32_MAX;
            d->views[d->n++] = (duplicate){d->roots[row], (uint32_t)row, rank,
                                           e};
        }
    dataset_give_columns(d->ds);
    qsort(d->views, d->n, sizeof *d->views, compare_duplicates);
    return AKIN_OK;
}

/* ---- groups ----------------------------------------------------------------- */

static int compare_groups(const void *a_, const void *b_)
{
    const duplicate_group *a = a_, *b = b_;
    if (a->n != b->n) return a->n > b->n ? -1 : 1;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    return (a->first > b->first) - (a->first < b->first);
}

/* One item alone is no group: its views may well look alike. */
static akin_status duplicates_group(duplicates *d, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(d->n / 2 + 1, sizeof *d->groups, "groups", &p, err));
    d->groups = p;
    for (size_t i = 0, end; i < d->n; i = end) {
        const duplicate *first = &d->views[i];
        for (end = i; end < d->n && d->views[end].root == first->root;) end++;
        if (d->views[end - 1].entry.item == first->entry.item) continue;
        d->groups[d->n_groups++] = (duplicate_group){i, end - i, first->rank};
    }
    qsort(d->groups, d->n_groups, sizeof *d->groups, compare_groups);
    return AKIN_OK;
}

static float duplicates_similarity(const duplicates *d, const duplicate *a,
                                   const duplicate *b, float *scratch)
{
    const dataset_map *map = &d->map->map;
    size_t dim = d->table->db->settings.dim;
    double dot = 0;
    float *other = scratch + dim;
    if (a->row == b->row) return 1;
    distance_from_half(dataset_map_vector(map, a->row), dim, scratch);
    distance_from_half(dataset_map_vector(map, b->row), dim, other);
    if (!dataset_unit(scratch, dim) || !dataset_unit(other, dim)) return 0;
    for (size_t i = 0; i < dim; i++) dot += (double)scratch[i] * other[i];
    return dataset_similarity((float)dot);
}

static akin_status duplicates_tell_one(duplicates *d, size_t number,
                                       const duplicate *first,
                                       const duplicate *one, float *scratch,
                                       akin_error *err)
{
    view_row view;
    akin_error why = {0};
    akin_status status = items_get_view(d->s, one->entry.view, &view, &why);
    if (status == AKIN_ENOTFOUND) return AKIN_OK; /* gone since */
    if (status != AKIN_OK) return AKIN_FAIL(err, status, "%s", why.text);
    const akin_dataset_duplicate told = {
        .group = number,
        .item_id = view.item_id,
        .view_id = view.id,
        .view = view.name,
        .url = view.url,
        .similarity = duplicates_similarity(d, first, one, scratch),
    };
    d->ended = !d->opt->visit(d->opt->user, &told);
    return AKIN_OK;
}

static akin_status duplicates_tell_groups(duplicates *d, akin_error *err)
{
    void *scratch;
    akin_status status = AKIN_OK;
    if (!d->opt->visit) return AKIN_OK;
    AKIN_TRY(mem_new_array(2 * (size_t)d->table->db->settings.dim,
                           sizeof(float), "vectors", &scratch, err));
    for (size_t g = 0; g < d->n_groups; g++) {
        const duplicate_group *group = &d->groups[g];
        size_t n = group->n;
        if (d->opt->max_group && n > d->opt->max_group) n = d->opt->max_group;
        for (size_t i = 0; i < n && status == AKIN_OK && !d->ended; i++)
            status = duplicates_tell_one(d, g + 1, &d->views[group->first],
                                         &d->views[group->first + i], scratch,
                                         err);
    }
    mem_free(scratch);
    return status;
}

/* ---- the whole -------------------------------------------------------------- */

static akin_status duplicates_open(duplicates *d, const char *table,
                                   akin_error *err)
{
    AKIN_TRY(dataset_table_take(d->ds, table, &d->table, err));
    AKIN_TRY(dataset_take_store(d->ds, &d->s, err));
    AKIN_TRY(dataset_table_take_map(d->table, d->s, &d->map, err));
    if (d->map->map.n_entries == 0)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "table '%s' has no embeddings yet", table);
    if (d->opt->where) {
        AKIN_TRY(dataset_item_bits(d->ds, d->opt->where, &d->items,
                                   &d->filter.n_item_bits, err));
        d->filter.items = d->items;
    }
    return dataset_allow(&d->map->map, &d->filter, &d->allowed, err);
}

static akin_status duplicates_run(duplicates *d, const char *table,
                                  akin_error *err)
{
    double least = d->opt->min_similarity;
    if (!(least >= -1 && least <= 1))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a similarity lies between -1 and 1, not at %g",
                         least);
    AKIN_TRY(duplicates_open(d, table, err));
    const dataset_pairs pairs = {
        .map = &d->map->map,
        .filter = &d->filter,
        .allowed = &d->allowed,
        .min_similarity = (float)(least != 0 ? least
                                             : DUPLICATES_MIN_SIMILARITY),
        .threads = d->opt->threads,
        .progress = duplicates_tell,
        .user = d,
    };
    AKIN_TRY(dataset_pairs_link(&pairs, &d->roots, err));
    AKIN_TRY(duplicates_collect(d, err));
    AKIN_TRY(duplicates_group(d, err));
    return duplicates_tell_groups(d, err);
}

akin_status akin_dataset_each_duplicate(
    akin_dataset *ds, const char *table,
    const akin_dataset_duplicates_options *opt, size_t *n_groups,
    akin_error *err)
{
    static const akin_dataset_duplicates_options defaults;
    duplicates d = {.ds = ds, .opt = opt ? opt : &defaults,
                    .start_s = clock_now_s()};
    akin_status status = duplicates_run(&d, table, err);
    if (n_groups) *n_groups = status == AKIN_OK ? d.n_groups : 0;
    mem_free(d.groups);
    mem_free(d.views);
    mem_free(d.roots);
    dataset_allowed_clear(&d.allowed);
    mem_free(d.items);
    if (d.table) dataset_table_give_map(d.table, d.map);
    dataset_give_store(ds, d.s);
    dataset_table_give(ds, d.table);
    return status;
}
