/* SPDX-License-Identifier: MIT
 * Search: query -> vectors -> exact scan of every database -> rows. */
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/query.h"
#include "engine/rank.h"
#include "engine/results.h"

#define SEARCH_DEFAULT_K 10

/* Keys of a joint search: the database in the high bits, so that ties go to
 * the first one, then to the smaller window id. */
#define SEARCH_ID_BITS 48
#define SEARCH_MAX_DBS ((size_t)1 << 15)

typedef struct search_source {
    snapshot snapshot;
    uint64_t db_bits;
} search_source;

typedef struct search {
    akin_db *const *dbs;
    search_source *sources;
    size_t n_dbs;
    query_vectors query;
    const akin_search_options *opt;
    bool by_graph;  /* some source was */
    uint64_t *gone; /* keys with a vector that are no answers, sorted */
    size_t n_gone, cap_gone;
} search;

static uint64_t search_key(const void *user, size_t row)
{
    const search_source *source = user;
    const snapshot *snap = &source->snapshot;
    uint64_t id = row < snap->n_file ? usearch_key(snap->index->file, row)
                                     : snap->pending.ids[row - snap->n_file];
    return source->db_bits | id;
}

static akin_status search_check(akin_db *const *dbs, size_t n_dbs,
                                const akin_search_options *opt, akin_error *err)
{
    if (n_dbs == 0 || n_dbs > SEARCH_MAX_DBS)
        return AKIN_FAIL(err, AKIN_EUSAGE, "give 1 to %zu databases",
                         SEARCH_MAX_DBS);
    if (opt->overlap_s < 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "the overlap cannot be negative");
    if (opt->recall < 0 || opt->recall >= 1)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "recall is a share between 0 and 1, not %g; to find "
                         "all, search exactly", opt->recall);
    for (size_t i = 1; i < n_dbs; i++)
        AKIN_TRY(settings_compatible(&dbs[0]->settings, dbs[0]->path,
                                     &dbs[i]->settings, dbs[i]->path, err));
    return AKIN_OK;
}

/* ---- all of it ---------------------------------------------------------- */

static akin_status search_scan_source(search *s, const search_source *source,
                                      topk *top, akin_error *err)
{
    static const flat_score scores[] = {FLAT_COSINE, FLAT_DOT, FLAT_EUCLIDEAN};
    const snapshot *snap = &source->snapshot;
    rank_query query = {
        .vectors = s->query.vectors,
        .n = s->query.n,
        .dim = s->query.dim,
        .score = scores[s->opt->score],
        .threads = s->opt->threads,
        .exact = s->opt->exact,
        .recall = s->opt->recall,
        .ef = s->opt->ef,
    };
    rank_rows of = {
        .snapshot = snap,
        .allow_file = snap->allow_file,
        .allow_pending = snap->allow_pending,
        .key = search_key,
        .user = source,
    };
    return rank_scan(&of, &query, top, &s->by_graph, err);
}

static bool search_is_gone(const search *s, uint64_t key)
{
    size_t at;
    return rows_find(s->gone, s->n_gone, key, &at);
}

static akin_status search_add_gone(search *s, uint64_t key, akin_error *err)
{
    size_t at;
    if (rows_find(s->gone, s->n_gone, key, &at)) return AKIN_OK;
    void *p = s->gone;
    akin_status status = mem_grow(&p, &s->cap_gone, s->n_gone + 1,
                                  sizeof *s->gone, (size_t)1 << 40, err);
    s->gone = p;
    AKIN_TRY(status);
    memmove(s->gone + at + 1, s->gone + at,
            (s->n_gone - at) * sizeof *s->gone);
    s->gone[at] = key;
    s->n_gone++;
    return AKIN_OK;
}

/* Rows of the best; *complete = false if some of them are vectors whose window
 * is gone: then the search is to be done again without them. */
static akin_status search_collect(search *s, const topk *top, size_t want,
                                  akin_results *r, bool *complete,
                                  akin_error *err)
{
    size_t taken = 0;
    *complete = true;
    for (size_t i = 0; i < top->n && taken < want; i++) {
        uint64_t key = top->hits[i].key;
        if (search_is_gone(s, key)) continue;
        size_t db = (size_t)(key >> SEARCH_ID_BITS);
        int64_t id = (int64_t)(key & (((uint64_t)1 << SEARCH_ID_BITS) - 1));
        store_row row = {0};
        bool found;
        AKIN_TRY(store_get_row(s->sources[db].snapshot.store, id, &found, &row,
                               err));
        if (!found) {
            *complete = false;
            AKIN_TRY(search_add_gone(s, key, err));
            continue;
        }
        if (taken++ < s->opt->offset)
            store_row_clear(&row);
        else
            AKIN_TRY(results_add(r, db, top->hits[i].score, &row, err));
    }
    *complete = *complete || taken == want;
    return AKIN_OK;
}

static size_t search_n_rows(const search *s)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_dbs; i++)
        n += s->sources[i].snapshot.n_allowed;
    return n;
}

/* One pass over all vectors; done again while orphans stood among the best. */
static akin_status search_rank(search *s, akin_results **out, akin_error *err)
{
    size_t k = s->opt->k ? s->opt->k : SEARCH_DEFAULT_K, want;
    size_t n_rows = search_n_rows(s);
    if (!mem_add(k, s->opt->offset, &want) || want > n_rows) want = n_rows;
    for (bool complete = false; !complete;) {
        topk top = {0};
        size_t n_best = want + s->n_gone;
        akin_results_free(*out);
        *out = NULL;
        AKIN_TRY(results_new(s->dbs, s->n_dbs, want, out, err));
        akin_status status = topk_init(
            &top, n_best ? n_best : 1, s->opt->score == AKIN_EUCLIDEAN, err);
        for (size_t i = 0; i < s->n_dbs && status == AKIN_OK; i++)
            status = search_scan_source(s, &s->sources[i], &top, err);
        topk_sort(&top);
        if (status == AKIN_OK)
            status = search_collect(s, &top, want, *out, &complete, err);
        topk_clear(&top);
        AKIN_TRY(status);
    }
    for (size_t i = 0; i < (*out)->n; i++)
        (*out)->hits[i].rank = s->opt->offset + i + 1;
    return AKIN_OK;
}

static akin_status search_open(search *s, const akin_query *query,
                               akin_error *err)
{
    AKIN_TRY(search_check(s->dbs, s->n_dbs, s->opt, err));
    AKIN_TRY(query_make(s->dbs[0], query, s->opt, &s->query, err));
    void *p;
    AKIN_TRY(mem_new_array(s->n_dbs, sizeof *s->sources, "a search", &p, err));
    s->sources = p;
    for (size_t i = 0; i < s->n_dbs; i++) {
        s->sources[i].db_bits = (uint64_t)i << SEARCH_ID_BITS;
        AKIN_TRY(snapshot_open(&s->sources[i].snapshot, s->dbs[i],
                               s->opt->filter, err));
    }
    return s->query.self ? search_add_gone(s, s->query.self, err) : AKIN_OK;
}

static void search_close(search *s)
{
    for (size_t i = 0; s->sources && i < s->n_dbs; i++)
        snapshot_close(&s->sources[i].snapshot);
    mem_free(s->sources);
    mem_free(s->gone);
    query_clear(&s->query);
}

akin_status akin_search(akin_db *const *dbs, size_t n_dbs,
                        const akin_query *query, const akin_search_options *opt,
                        akin_results **out, akin_error *err)
{
    static const akin_search_options defaults;
    double start_s = clock_now_s();
    search s = {.dbs = dbs, .n_dbs = n_dbs, .opt = opt ? opt : &defaults};
    akin_results *r = NULL;
    akin_status status = search_open(&s, query, err);
    if (status == AKIN_OK) status = search_rank(&s, &r, err);
    if (status == AKIN_OK) {
        r->info = (akin_results_info){
            .mode = s.by_graph ? "graph" : "exact",
            .took_ms = (clock_now_s() - start_s) * 1e3,
            .n_searched = search_n_rows(&s),
            .n_queries = s.query.n,
            .spans = s.query.spans,
        };
        r->spans = s.query.spans;
        s.query.spans = NULL;
        *out = r;
    } else {
        akin_results_free(r);
    }
    search_close(&s);
    return status;
}
