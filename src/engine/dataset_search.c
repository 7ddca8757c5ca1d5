/* SPDX-License-Identifier: MIT
 * akin_dataset_search: terms -> vector -> ranked items -> one page of them. */
#include <math.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/dataset_hits.h"
#include "engine/dataset_query.h"

#define SEARCH_DEFAULT_LIMIT 10

typedef struct dataset_searching {
    akin_dataset *ds;
    const akin_dataset_search_options *opt;
    item_store *s;
    dataset_table *table;
    dataset_table_map *map;
    dataset_query query;
    dataset_ranked *ranked;
    size_t n_good; /* of the ranked: not below the least similarity */
    akin_dataset_hits *hits;
    double start_s;
} dataset_searching;

static akin_status searching_open(dataset_searching *x, const char *table,
                                  const akin_dataset_term *terms,
                                  size_t n_terms, akin_error *err)
{
    if (isnan(x->opt->min_similarity))
        return AKIN_FAIL(err, AKIN_EUSAGE, "the least similarity is no number");
    AKIN_TRY(dataset_table_take(x->ds, table, &x->table, err));
    AKIN_TRY(dataset_take_store(x->ds, &x->s, err));
    AKIN_TRY(dataset_table_take_map(x->table, x->s, &x->map, err));
    return dataset_query_make(x->table, &x->map->map, x->s, terms, n_terms,
                              &x->query, err);
}

static void searching_close(dataset_searching *x)
{
    dataset_ranked_give(x->ranked);
    dataset_query_clear(&x->query);
    if (x->table) dataset_table_give_map(x->table, x->map);
    dataset_give_store(x->ds, x->s);
    dataset_table_give(x->ds, x->table);
}

static size_t searching_limit(const dataset_searching *x)
{
    return x->opt->limit ? x->opt->limit : SEARCH_DEFAULT_LIMIT;
}

static akin_status searching_rank(dataset_searching *x, akin_error *err)
{
    const dataset_ask ask = {
        .vector = x->query.vector,
        .dim = x->query.dim,
        .where = x->opt->where,
        .view = x->opt->view,
        .exact = x->opt->exact,
        .min_similarity = x->opt->min_similarity,
        .not_views = x->query.not_views,
        .n_not_views = x->query.n_not_views,
        .not_items = x->query.not_items,
        .n_not_items = x->query.n_not_items,
    };
    size_t want;
    if (!mem_add(searching_limit(x), x->opt->skip, &want) || x->opt->all_ids)
        want = SIZE_MAX;
    AKIN_TRY(dataset_ranked_take(x->ds, x->table, x->map, &ask, want,
                                 &x->ranked, err));
    x->n_good = x->ranked->n;
    if (ask.min_similarity == 0) return AKIN_OK;
    for (x->n_good = 0; x->n_good < x->ranked->n; x->n_good++)
        if (x->ranked->places[x->n_good].similarity < ask.min_similarity) break;
    return AKIN_OK;
}

static akin_status searching_page(dataset_searching *x, akin_error *err)
{
    size_t first = x->opt->skip, n = 0;
    if (first < x->n_good) n = x->n_good - first;
    if (n > searching_limit(x)) n = searching_limit(x);
    AKIN_TRY(dataset_hits_new(n, &x->hits, err));
    for (size_t i = 0; i < n; i++)
        AKIN_TRY(dataset_hits_add(x->hits, x->s, &x->ranked->places[first + i],
                                  first + i + 1, err));
    if (!x->opt->all_ids) return AKIN_OK;
    return dataset_hits_put_ids(x->hits, x->ds, x->ranked->places, x->n_good,
                                err);
}

static akin_status searching_info(dataset_searching *x, akin_error *err)
{
    item_columns *columns;
    AKIN_TRY(dataset_take_columns(x->ds, &columns, err));
    size_t n_items = item_columns_count(columns);
    dataset_give_columns(x->ds);
    const akin_dataset_hits_info info = {
        .n_matching = x->ranked->n_matching,
        .n_items = n_items,
        .mode = x->ranked->by_graph ? "graph" : "exact",
        .model = x->table->db->settings.model,
        .took_ms = (clock_now_s() - x->start_s) * 1e3,
    };
    return dataset_hits_put_info(x->hits, &info, err);
}

akin_status akin_dataset_search(akin_dataset *ds, const char *table,
                                const akin_dataset_term *terms, size_t n_terms,
                                const akin_dataset_search_options *opt,
                                akin_dataset_hits **out, akin_error *err)
{
    static const akin_dataset_search_options defaults;
    dataset_searching x = {.ds = ds,
                           .opt = opt ? opt : &defaults,
                           .start_s = clock_now_s()};
    akin_status status = searching_open(&x, table, terms, n_terms, err);
    if (status == AKIN_OK) status = searching_rank(&x, err);
    if (status == AKIN_OK) status = searching_page(&x, err);
    if (status == AKIN_OK) status = searching_info(&x, err);
    if (status == AKIN_OK)
        *out = x.hits;
    else
        akin_dataset_hits_free(x.hits);
    searching_close(&x);
    return status;
}
