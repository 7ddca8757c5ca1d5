/* SPDX-License-Identifier: MIT
 * Ranking items: the best rows of the table, as many as it takes to have the
 * items that were asked for, each at its best view.
 *
 * Ties go to the smaller item id: it is in the key by which rows of equal
 * scores are ordered. Pages of one query are cut out of one list. When the list
 * has to be made longer, what was in it stays in front, so that no item is on two
 * pages or on none, though a graph that is asked for more may find better ones. */
#include "engine/dataset_ranked.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/dataset_filter.h"
#include "engine/rank.h"

/* The least that is ranked: some pages of a browser. A graph over a million rows
 * finds 256 in three times the time of 64. */
#define RANKED_LEAST ((size_t)64)
#define RANKED_WIDER 4
#define RANKED_MAX_KEY_BYTES ((size_t)1 << 28)

typedef struct ranking {
    akin_dataset *ds;
    const dataset_map *map;
    const dataset_ask *ask;
    dataset_filter filter;
    uint64_t *items; /* of the filter */
    bool filtered;
    dataset_allowed allowed;
    item_columns *columns;
    const uint32_t *ranks; /* of items' ids */
    size_t n_ranks;
    uint64_t *seen; /* items that have their place */
    dataset_ranked *out;
    size_t cap;
} ranking;

/* ---- lists ------------------------------------------------------------------ */

void dataset_ranked_give(dataset_ranked *r)
{
    if (!r || __atomic_sub_fetch(&r->n_users, 1, __ATOMIC_ACQ_REL) > 0) return;
    text_buf_clear(&r->key);
    mem_free(r->places);
    mem_free(r);
}

static void ranked_put_numbers(text_buf *key, const uint32_t *numbers, size_t n)
{
    text_buf_put(key, (const char *)&n, sizeof n);
    text_buf_put(key, (const char *)numbers, n * sizeof *numbers);
}

static void ranked_put_text(text_buf *key, const char *text)
{
    text_buf_put(key, text ? "1" : "0", 1);
    text_buf_put(key, text ? text : "", text ? strlen(text) + 1 : 1);
}

static akin_status ranked_key(const dataset_ask *ask, text_buf *key,
                              akin_error *err)
{
    text_buf_init(key, RANKED_MAX_KEY_BYTES);
    text_buf_put(key, ask->exact ? "1" : "0", 1);
    ranked_put_text(key, ask->where);
    ranked_put_text(key, ask->view);
    ranked_put_numbers(key, ask->not_views, ask->n_not_views);
    ranked_put_numbers(key, ask->not_items, ask->n_not_items);
    text_buf_put(key, (const char *)ask->vector,
                 ask->dim * sizeof *ask->vector);
    if (key->status == AKIN_OK) return AKIN_OK;
    return AKIN_FAIL(err, key->status, "out of memory for a query");
}

static akin_status ranked_new(const dataset_ask *ask,
                              const dataset_table_map *map,
                              dataset_ranked **out, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(1, sizeof **out, "a ranking", &p, err));
    dataset_ranked *r = p;
    r->n_users = 1;
    r->items_version = map->items_version;
    r->db_version = map->db_version;
    r->index = map->index;
    akin_status status = ranked_key(ask, &r->key, err);
    if (status == AKIN_OK)
        *out = r;
    else
        dataset_ranked_give(r);
    return status;
}

/* ---- what is ranked --------------------------------------------------------- */

static akin_status ranking_filter(ranking *r, akin_error *err)
{
    const dataset_ask *ask = r->ask;
    dataset_filter *f = &r->filter;
    *f = (dataset_filter){.not_views = ask->not_views,
                          .n_not_views = ask->n_not_views,
                          .not_items = ask->not_items,
                          .n_not_items = ask->n_not_items};
    if (ask->where) {
        AKIN_TRY(dataset_item_bits(r->ds, ask->where, &r->items,
                                   &f->n_item_bits, err));
        f->items = r->items;
    }
    if (ask->view) {
        f->one_name = true;
        if (!dataset_map_name(r->map, ask->view, &f->name))
            return AKIN_FAIL(err, AKIN_ENOTFOUND,
                             "no view '%s' has an embedding in '%s'", ask->view,
                             r->map->snapshot.db->path);
    }
    r->filtered = ask->where || ask->view || ask->n_not_views > 0 ||
                  ask->n_not_items > 0;
    return AKIN_OK;
}

static akin_status ranking_allow(ranking *r, akin_error *err)
{
    r->allowed.n_items = r->map->n_items;
    r->allowed.n_rows = r->map->n_used;
    if (r->filtered)
        AKIN_TRY(dataset_allow(r->map, &r->filter, &r->allowed, err));
    r->out->n_matching = r->allowed.n_items;
    return AKIN_OK;
}

/* ---- rows ------------------------------------------------------------------- */

static uint32_t ranking_rank(const ranking *r, uint32_t item)
{
    return item - 1 < r->n_ranks ? r->ranks[item - 1] : UINT32_MAX;
}

/* Of the row's items that pass the one with the smallest id. */
static uint64_t ranking_key(const void *user, size_t row)
{
    const ranking *r = user;
    const dataset_map *map = r->map;
    uint32_t least = UINT32_MAX;
    for (uint32_t i = map->first[row]; i < map->first[row + 1]; i++) {
        const dataset_entry *e = &map->entries[i];
        uint32_t rank = ranking_rank(r, e->item);
        if (rank < least && (!map->shared || dataset_filter_has(&r->filter, e)))
            least = rank;
    }
    return (uint64_t)least << 32 | row;
}

static akin_status ranking_scan(ranking *r, size_t k, bool exact, topk *top,
                                bool *by_graph, akin_error *err)
{
    const dataset_map *map = r->map;
    rank_query query = {.vectors = r->ask->vector,
                        .n = 1,
                        .dim = r->ask->dim,
                        .score = FLAT_COSINE,
                        .exact = exact};
    rank_rows of = {
        .snapshot = &map->snapshot,
        .allow_file = r->filtered ? r->allowed.file : map->allow_file,
        .allow_pending = r->filtered ? r->allowed.pending : map->allow_pending,
        .key = ranking_key,
        .user = r,
    };
    AKIN_TRY(topk_init(top, k, false, err));
    AKIN_TRY(rank_scan(&of, &query, top, by_graph, err));
    topk_sort(top);
    return AKIN_OK;
}

/* ---- items ------------------------------------------------------------------ */

static bool ranking_see(ranking *r, uint32_t item)
{
    uint64_t bit = (uint64_t)1 << ((item - 1) % 64);
    uint64_t *word = &r->seen[(item - 1) / 64];
    bool fresh = !(*word & bit);
    *word |= bit;
    return fresh;
}

static akin_status ranking_put(ranking *r, const dataset_place *place,
                               akin_error *err)
{
    dataset_ranked *out = r->out;
    if (!ranking_see(r, place->item)) return AKIN_OK;
    void *p = out->places;
    akin_status status = mem_grow(&p, &r->cap, out->n + 1, sizeof *out->places,
                                  (size_t)1 << 32, err);
    out->places = p;
    AKIN_TRY(status);
    out->places[out->n++] = *place;
    return AKIN_OK;
}

static akin_status ranking_put_row(ranking *r, const topk_hit *hit,
                                   akin_error *err)
{
    uint32_t row = (uint32_t)hit->key;
    const dataset_map *map = r->map;
    for (uint32_t i = map->first[row]; i < map->first[row + 1]; i++) {
        const dataset_entry *e = &map->entries[i];
        if (!dataset_filter_has(&r->filter, e)) continue;
        dataset_place place = {hit->score, e->item, e->view, e->name};
        AKIN_TRY(ranking_put(r, &place, err));
    }
    return AKIN_OK;
}

typedef struct ranking_tie {
    dataset_place place;
    uint32_t rank;
} ranking_tie;

static int compare_ties(const void *a_, const void *b_)
{
    const ranking_tie *a = a_, *b = b_;
    if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
    return (a->place.view > b->place.view) - (a->place.view < b->place.view);
}

/* n rows of one score, of which some are files of several views: a view of the
 * first may belong behind one of the second. */
static akin_status ranking_put_ties(ranking *r, const topk_hit *hits, size_t n,
                                    akin_error *err)
{
    const dataset_map *map = r->map;
    akin_status status = AKIN_OK;
    size_t n_ties = 0;
    void *p = NULL;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = (uint32_t)hits[i].key;
        n_ties += map->first[row + 1] - map->first[row];
    }
    AKIN_TRYG(mem_new_array(n_ties, sizeof(ranking_tie), "ties", &p, err));
    ranking_tie *ties = p;
    n_ties = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t row = (uint32_t)hits[i].key;
        for (uint32_t k = map->first[row]; k < map->first[row + 1]; k++) {
            const dataset_entry *e = &map->entries[k];
            if (!dataset_filter_has(&r->filter, e)) continue;
            ties[n_ties++] = (ranking_tie){
                {hits[i].score, e->item, e->view, e->name},
                ranking_rank(r, e->item)};
        }
    }
    qsort(ties, n_ties, sizeof *ties, compare_ties);
    for (size_t i = 0; i < n_ties; i++)
        AKIN_TRYG(ranking_put(r, &ties[i].place, err));
done:
    mem_free(p);
    return status;
}

/* n rows, best first, all of whose ties are among them. */
static akin_status ranking_put_rows(ranking *r, const topk_hit *hits, size_t n,
                                    akin_error *err)
{
    if (!r->map->shared) {
        for (size_t i = 0; i < n; i++)
            AKIN_TRY(ranking_put_row(r, &hits[i], err));
        return AKIN_OK;
    }
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && hits[end].score == hits[i].score;) end++;
        AKIN_TRY(ranking_put_ties(r, hits + i, end - i, err));
    }
    return AKIN_OK;
}

/* Of the best k rows those whose ties are known: where files are shared, rows
 * beyond the last may hold items that belong in front of its. */
static size_t ranking_known(const ranking *r, const topk *top, bool all)
{
    size_t n = top->n;
    if (all || !r->map->shared || n == 0) return n;
    float last = top->hits[n - 1].score;
    while (n > 0 && top->hits[n - 1].score == last) n--;
    return n;
}

/* Items of the old list first. */
static akin_status ranking_restart(ranking *r, const dataset_ranked *old,
                                   akin_error *err)
{
    memset(r->seen, 0, (r->map->n_item_bits / 64 + 1) * sizeof *r->seen);
    r->out->n = 0;
    for (size_t i = 0; old && i < old->n; i++)
        AKIN_TRY(ranking_put(r, &old->places[i], err));
    return AKIN_OK;
}

/* least: a similarity below which nothing is wanted; 0: none. */
static bool ranked_has(const dataset_ranked *r, size_t want, double least)
{
    return r->complete || r->n >= want ||
           (least != 0 && r->n > 0 && r->places[r->n - 1].similarity < least);
}

/* What is near all of the rows is scanned. */
static akin_status ranking_try(ranking *r, const dataset_ranked *old, size_t k,
                               akin_error *err)
{
    topk top = {0};
    size_t n_rows = r->allowed.n_rows;
    bool by_graph = false, exact = r->ask->exact || k >= n_rows / 2;
    akin_status status = ranking_scan(r, k, exact, &top, &by_graph, err);
    bool all = !by_graph && (k >= n_rows || top.n < k);
    if (status == AKIN_OK) status = ranking_restart(r, old, err);
    if (status == AKIN_OK)
        status = ranking_put_rows(r, top.hits, ranking_known(r, &top, all),
                                  err);
    r->out->complete = all;
    r->out->by_graph = by_graph;
    topk_clear(&top);
    return status;
}

static akin_status ranking_widen(ranking *r, const dataset_ranked *old,
                                 size_t want, akin_error *err)
{
    size_t n_rows = r->allowed.n_rows, k = RANKED_LEAST;
    r->out->complete = n_rows == 0;
    while (k < want && k < n_rows) k *= RANKED_WIDER;
    while (!ranked_has(r->out, want, r->ask->min_similarity)) {
        AKIN_TRY(ranking_try(r, old, k < n_rows ? k : n_rows, err));
        k = k < n_rows ? k * RANKED_WIDER : n_rows;
    }
    return AKIN_OK;
}

static akin_status ranking_run(ranking *r, const dataset_ranked *old,
                               size_t want, akin_error *err)
{
    void *p;
    AKIN_TRY(ranking_filter(r, err));
    AKIN_TRY(ranking_allow(r, err));
    AKIN_TRY(mem_new_array(r->map->n_item_bits / 64 + 1, sizeof *r->seen,
                           "a ranking", &p, err));
    r->seen = p;
    AKIN_TRY(dataset_take_columns(r->ds, &r->columns, err));
    r->ranks = item_columns_rank(r->columns);
    r->n_ranks = item_columns_rows(r->columns);
    akin_status status = ranking_widen(r, old, want, err);
    dataset_give_columns(r->ds);
    return status;
}

/* ---- the ones that are kept ------------------------------------------------- */

static bool ranked_is_of(const dataset_ranked *a, const dataset_ranked *b)
{
    return a->items_version == b->items_version &&
           a->db_version == b->db_version &&
           a->index.inode == b->index.inode &&
           a->index.mtime_ns == b->index.mtime_ns && a->key.n == b->key.n &&
           memcmp(a->key.data, b->key.data, a->key.n) == 0;
}

/* The list of the same ask, moved to the front; NULL if there is none. */
static dataset_ranked *ranked_find(dataset_table *t, const dataset_ranked *like)
{
    dataset_ranked *found = NULL;
    pthread_mutex_lock(&t->mutex);
    for (size_t i = 0; i < DATASET_TABLE_RANKED && !found; i++) {
        if (!t->ranked[i] || !ranked_is_of(t->ranked[i], like)) continue;
        found = t->ranked[i];
        memmove(t->ranked + 1, t->ranked, i * sizeof *t->ranked);
        t->ranked[0] = found;
        __atomic_add_fetch(&found->n_users, 1, __ATOMIC_ACQ_REL);
    }
    pthread_mutex_unlock(&t->mutex);
    return found;
}

/* In the place of the one that it continues, else of the oldest. */
static void ranked_keep(dataset_table *t, dataset_ranked *r)
{
    size_t at = 0;
    pthread_mutex_lock(&t->mutex);
    while (at < DATASET_TABLE_RANKED - 1 &&
           !(t->ranked[at] && ranked_is_of(t->ranked[at], r)))
        at++;
    dataset_ranked *gone = t->ranked[at];
    memmove(t->ranked + 1, t->ranked, at * sizeof *t->ranked);
    t->ranked[0] = r;
    __atomic_add_fetch(&r->n_users, 1, __ATOMIC_ACQ_REL);
    pthread_mutex_unlock(&t->mutex);
    dataset_ranked_give(gone);
}

static akin_status ranked_make(akin_dataset *ds, const dataset_table_map *map,
                               const dataset_ask *ask, size_t want,
                               dataset_ranked *out, const dataset_ranked *old,
                               akin_error *err)
{
    ranking r = {.ds = ds, .map = &map->map, .ask = ask, .out = out};
    akin_status status = ranking_run(&r, old, want, err);
    mem_free(r.items);
    mem_free(r.seen);
    dataset_allowed_clear(&r.allowed);
    return status;
}

akin_status dataset_ranked_take(akin_dataset *ds, dataset_table *t,
                                const dataset_table_map *map,
                                const dataset_ask *ask, size_t want,
                                dataset_ranked **out, akin_error *err)
{
    dataset_ranked *fresh = NULL;
    AKIN_TRY(ranked_new(ask, map, &fresh, err));
    dataset_ranked *old = ranked_find(t, fresh);
    if (old && ranked_has(old, want, ask->min_similarity)) {
        dataset_ranked_give(fresh);
        *out = old;
        return AKIN_OK;
    }
    akin_status status = ranked_make(ds, map, ask, want, fresh, old, err);
    dataset_ranked_give(old);
    if (status != AKIN_OK) {
        dataset_ranked_give(fresh);
        return status;
    }
    ranked_keep(t, fresh);
    *out = fresh;
    return AKIN_OK;
}
