/* SPDX-License-Identifier: MIT
 * engine/dataset_search: answers against brute force, filters, terms, pages,
 * ties, files that are shared, graphs, and memory that runs out. */
#include <stdlib.h>

#include "base/half.h"
#include "base/memory.h"
#include "dataset_help.h"
#include "db_files.h"
#include "engine/cache.h"
#include "test.h"

enum { DIM = 24, N_ITEMS = 150, N_VIEWS = 2, N_ALL = N_ITEMS * N_VIEWS };

static float stored[N_ALL][DIM]; /* as float16 has them */
static char view_ids[N_ALL][16];

/* Puts a vector for every view; `same` of them are equal to that of the one
 * before. */
static akin_dataset *make(size_t same)
{
    static float values[N_ALL][DIM];
    static akin_dataset_vector vectors[N_ALL];
    akin_error e = {0};
    size_t n_added = 0, n_unknown = 0;
    akin_dataset *ds = dataset_make(N_ITEMS, N_VIEWS);
    for (size_t i = 0; i < N_ALL; i++) {
        snprintf(view_ids[i], sizeof view_ids[i], "i%03zuv%zu", i / N_VIEWS,
                 i % N_VIEWS);
        dataset_values((unsigned)(same ? i / (same + 1) : i) + 1, values[i],
                       DIM);
        vectors[i] = (akin_dataset_vector){view_ids[i], values[i]};
        for (size_t k = 0; k < DIM; k++) {
            unsigned char half[2];
            half_from_float(values[i][k], half);
            stored[i][k] = half_to_float(half);
        }
    }
    CHECK_OK(akin_dataset_put_vectors(ds, "emb", NULL, DIM, vectors, N_ALL,
                                      false, &n_added, &n_unknown, &e), e);
    CHECK_EQ_INT(n_added, N_ALL);
    CHECK_EQ_INT(n_unknown, 0);
    return ds;
}

static double cosine(const float *a, const float *b)
{
    double dot = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < DIM; i++) {
        dot += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return dot / sqrt(aa * bb);
}

typedef struct truth {
    size_t item, view;
    double similarity;
} truth;

static int compare_truths(const void *a_, const void *b_)
{
    const truth *a = a_, *b = b_;
    if (fabs(a->similarity - b->similarity) > 1e-7)
        return a->similarity < b->similarity ? 1 : -1;
    return (a->item > b->item) - (a->item < b->item);
}

/* Items that pass by their best view that passes; how many. */
static size_t brute_force(const float *query, bool (*item)(size_t),
                          bool (*view)(size_t), truth *out)
{
    size_t n = 0;
    for (size_t i = 0; i < N_ITEMS; i++) {
        bool any = false;
        if (item && !item(i)) continue;
        for (size_t k = 0; k < N_VIEWS; k++) {
            if (view && !view(i * N_VIEWS + k)) continue;
            double s = cosine(query, stored[i * N_VIEWS + k]);
            if (any && s <= out[n].similarity) continue;
            out[n] = (truth){i, i * N_VIEWS + k, s};
            any = true;
        }
        n += any;
    }
    qsort(out, n, sizeof *out, compare_truths);
    return n;
}

static akin_dataset_hits *search(akin_dataset *ds, const float *query,
                                 akin_dataset_search_options opt)
{
    akin_error e = {0};
    akin_dataset_hits *hits = NULL;
    const akin_dataset_term term = {.vector = query, .dim = DIM};
    CHECK_OK(akin_dataset_search(ds, "emb", &term, 1, &opt, &hits, &e), e);
    return hits;
}

static void check_hits(const akin_dataset_hits *hits, const truth *t, size_t n)
{
    char id[16];
    CHECK_EQ_INT(akin_dataset_hits_count(hits), n);
    for (size_t i = 0; i < n && i < akin_dataset_hits_count(hits); i++) {
        const akin_dataset_hit *hit = akin_dataset_hits_at(hits, i);
        snprintf(id, sizeof id, "i%03zu", t[i].item);
        CHECK_EQ_TEXT(hit->item_id, id);
        CHECK_EQ_TEXT(hit->view_id, view_ids[t[i].view]);
        CHECK_NEAR(hit->similarity, t[i].similarity, 1e-5);
        CHECK_NEAR(hit->distance, 2 - 2 * t[i].similarity, 2e-5);
    }
}

static bool is_low(size_t item) { return item < 40; }
static bool is_odd(size_t item) { return item % 2 == 1; }
static bool is_mask(size_t view) { return view % 2 == 1; }

static void answers_equal_brute_force(void)
{
    akin_dataset *ds = make(0);
    static truth t[N_ITEMS];
    float query[DIM];
    static const struct {
        akin_dataset_search_options opt;
        bool (*item)(size_t), (*view)(size_t);
    } rows[] = {
        {{.limit = 10}, NULL, NULL},
        {{.limit = 1000}, NULL, NULL},
        {{.limit = 20, .exact = true}, NULL, NULL},
        {{.limit = 15, .where = "number < 40"}, is_low, NULL},
        {{.limit = 15, .where = "kind = 'odd'"}, is_odd, NULL},
        {{.limit = 15, .view = "mask"}, NULL, is_mask},
        {{.limit = 99, .where = "number < 40", .view = "mask"}, is_low,
         is_mask},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        akin_dataset_hits_info info;
        dataset_values(9000 + i, query, DIM);
        size_t n = brute_force(query, rows[i].item, rows[i].view, t);
        akin_dataset_hits *hits = search(ds, query, rows[i].opt);
        check_hits(hits, t, rows[i].opt.limit < n ? rows[i].opt.limit : n);
        akin_dataset_hits_get_info(hits, &info);
        CHECK_EQ_INT(info.n_matching, n);
        CHECK_EQ_INT(info.n_items, N_ITEMS);
        CHECK_EQ_TEXT(info.mode, "exact");
        CHECK_EQ_TEXT(info.model, "imported");
        CHECK(info.item_ids == NULL);
        akin_dataset_hits_free(hits);
    }
    akin_dataset_close(ds);
}

static void pages_fit_together(void)
{
    akin_dataset *ds = make(0);
    static truth t[N_ITEMS];
    float query[DIM];
    dataset_values(77, query, DIM);
    size_t n = brute_force(query, NULL, NULL, t);
    for (size_t skip = 0; skip < n + 14; skip += 7) {
        akin_dataset_hits *hits = search(
            ds, query, (akin_dataset_search_options){.limit = 7, .skip = skip});
        size_t left = skip < n ? n - skip : 0;
        check_hits(hits, t + (left ? skip : 0), left < 7 ? left : 7);
        if (left) CHECK_EQ_INT(akin_dataset_hits_at(hits, 0)->rank, skip + 1);
        akin_dataset_hits_free(hits);
    }
    akin_dataset_close(ds);
}

static void ties_go_to_the_smaller_id(void)
{
    akin_dataset *ds = make(7); /* four items with the same vector */
    akin_error e = {0};
    /* A file of the best item's and of the last item: no vector of its own. */
    dataset_add_view(ds, N_ITEMS - 1, "shared", "f040_0.jpg");
    akin_dataset_hits *hits = NULL;
    const akin_dataset_term term = {.item_id = "i042"};
    const akin_dataset_search_options opt = {.limit = 4};
    CHECK_OK(akin_dataset_search(ds, "emb", &term, 1, &opt, &hits, &e), e);
    static const char *const ids[] = {"i040", "i041", "i043", "i149"};
    for (size_t i = 0; i < 4 && i < akin_dataset_hits_count(hits); i++) {
        CHECK_EQ_TEXT(akin_dataset_hits_at(hits, i)->item_id, ids[i]);
        CHECK_NEAR(akin_dataset_hits_at(hits, i)->similarity, 1, 1e-6);
    }
    CHECK_EQ_TEXT(akin_dataset_hits_at(hits, 3)->view_id, "shared");
    CHECK_EQ_TEXT(akin_dataset_hits_at(hits, 3)->url, "f040_0.jpg");
    akin_dataset_hits_free(hits);
    akin_dataset_close(ds);
}

static void add_unit(float *to, const float *vector, double weight)
{
    double normsq = 0;
    for (size_t k = 0; k < DIM; k++) normsq += (double)vector[k] * vector[k];
    for (size_t k = 0; k < DIM; k++)
        to[k] += (float)(weight * vector[k] / sqrt(normsq));
}

static bool is_not_asked(size_t item) { return item != 5; }
static bool is_not_self(size_t view) { return view != 30; }

static void terms_are_summed(void)
{
    akin_dataset *ds = make(0);
    akin_error e = {0};
    static truth t[N_ITEMS];
    float query[DIM] = {0}, mean[DIM] = {0}, other[DIM];
    akin_dataset_hits *hits = NULL;
    dataset_values(5, other, DIM);
    add_unit(mean, stored[10], 1);
    add_unit(mean, stored[11], 1);
    add_unit(query, mean, 0.7f);
    add_unit(query, stored[30], 1);
    add_unit(query, other, -2);
    const akin_dataset_term terms[] = {
        {.item_id = "i005", .weight = 0.7f},
        {.view_id = "i015v0"},
        {.vector = other, .dim = DIM, .weight = -2}};
    CHECK_OK(akin_dataset_search(ds, "emb", terms, 3, NULL, &hits, &e), e);
    size_t n = brute_force(query, is_not_asked, is_not_self, t);
    akin_dataset_hits_info info;
    akin_dataset_hits_get_info(hits, &info);
    CHECK_EQ_INT(n, N_ITEMS - 1); /* i015 has another view */
    CHECK_EQ_INT(info.n_matching, n);
    check_hits(hits, t, 10);
    akin_dataset_hits_free(hits);
    akin_dataset_close(ds);
}

static void all_ids_and_a_least_similarity(void)
{
    akin_dataset *ds = make(0);
    static truth t[N_ITEMS];
    float query[DIM];
    char id[16];
    akin_dataset_hits_info info;
    dataset_values(123, query, DIM);
    size_t n = brute_force(query, NULL, NULL, t), n_good = 0;
    while (t[n_good].similarity >= 0.1) n_good++;
    for (int least = 0; least < 2; least++) {
        akin_dataset_hits *hits =
            search(ds, query, (akin_dataset_search_options){
                                  .limit = 5, .all_ids = true,
                                  .min_similarity = least ? 0.1 : 0});
        akin_dataset_hits_get_info(hits, &info);
        CHECK_EQ_INT(akin_dataset_hits_count(hits), 5);
        CHECK_EQ_INT(info.n_item_ids, least ? n_good : n);
        CHECK_EQ_INT(info.n_matching, n);
        for (size_t i = 0; i < info.n_item_ids; i++) {
            snprintf(id, sizeof id, "i%03zu", t[i].item);
            CHECK_EQ_TEXT(info.item_ids[i], id);
        }
        akin_dataset_hits_free(hits);
    }
    akin_dataset_hits *hits = search(
        ds, query, (akin_dataset_search_options){.limit = N_ITEMS,
                                                 .min_similarity = 0.1});
    check_hits(hits, t, n_good);
    akin_dataset_hits_free(hits);
    akin_dataset_close(ds);
}

/* The list that is kept is not used for what has changed. */
static void changes_are_seen(void)
{
    akin_dataset *ds = make(0);
    akin_error e = {0};
    float query[DIM];
    dataset_values(1, query, DIM); /* i000v0's */
    akin_dataset_hits *hits = search(ds, query,
                                     (akin_dataset_search_options){.limit = 1});
    CHECK_EQ_TEXT(akin_dataset_hits_at(hits, 0)->item_id, "i000");
    akin_dataset_hits_free(hits);
    float other[DIM];
    dataset_values(4000, other, DIM);
    const akin_dataset_vector replace = {"i000v0", other};
    size_t n_added = 9;
    CHECK_OK(akin_dataset_put_vectors(ds, "emb", NULL, DIM, &replace, 1, false,
                                      &n_added, NULL, &e), e);
    CHECK_EQ_INT(n_added, 0);
    CHECK_OK(akin_dataset_put_vectors(ds, "emb", NULL, DIM, &replace, 1, true,
                                      &n_added, NULL, &e), e);
    CHECK_EQ_INT(n_added, 1);
    hits = search(ds, query, (akin_dataset_search_options){.limit = 1});
    CHECK(akin_dataset_hits_at(hits, 0)->similarity < 0.99);
    akin_dataset_hits_free(hits);
    hits = search(ds, other, (akin_dataset_search_options){.limit = 1});
    CHECK_EQ_TEXT(akin_dataset_hits_at(hits, 0)->view_id, "i000v0");
    akin_dataset_hits_free(hits);
    akin_dataset_close(ds);
}

static void wrong_questions_are_refused(void)
{
    akin_dataset *ds = make(0);
    akin_dataset_hits *hits = NULL;
    float query[DIM] = {0}, opposite[DIM];
    static const struct {
        const char *table;
        akin_dataset_term term;
        akin_dataset_search_options opt;
        akin_status status;
        const char *text;
    } rows[] = {
        {"none", {.view_id = "i000v0"}, {0}, AKIN_ENOTFOUND,
         "table 'none' not found in dataset"},
        {"emb", {.view_id = "nope"}, {0}, AKIN_ENOTFOUND,
         "view 'nope' not found in dataset"},
        {"emb", {.item_id = "nope"}, {0}, AKIN_ENOTFOUND,
         "item 'nope' not found in dataset"},
        {"emb", {.weight = 1}, {0}, AKIN_EUSAGE,
         "nothing to search for: give a text, an image, a view, an item or a "
         "vector"},
        {"emb", {.item_id = "i000", .weight = NAN}, {0}, AKIN_EUSAGE,
         "the weight of a term is no number"},
        {"emb", {.item_id = "i000"}, {.min_similarity = NAN}, AKIN_EUSAGE,
         "the least similarity is no number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        akin_error e = {0};
        CHECK_STATUS(akin_dataset_search(ds, rows[i].table, &rows[i].term, 1,
                                         &rows[i].opt, &hits, &e),
                     rows[i].status);
        CHECK_EQ_TEXT(e.text, rows[i].text);
    }
    akin_dataset_term terms[] = {{.vector = query, .dim = DIM},
                                 {.vector = opposite, .dim = DIM}};
    akin_error e = {0};
    CHECK_STATUS(akin_dataset_search(ds, "emb", terms, 1, NULL, &hits, &e),
                 AKIN_EUSAGE); /* zero */
    dataset_values(1, query, DIM);
    for (size_t i = 0; i < DIM; i++) opposite[i] = -query[i];
    CHECK_STATUS(akin_dataset_search(ds, "emb", terms, 2, NULL, &hits, &e),
                 AKIN_EUSAGE);
    CHECK_EQ_TEXT(e.text, "the terms of the search cancel each other out");
    terms[0].dim = 3;
    CHECK_STATUS(akin_dataset_search(ds, "emb", terms, 1, NULL, &hits, &e),
                 AKIN_EUSAGE);
    const akin_dataset_search_options wrong = {.where = "nocolumn = 3"};
    terms[0].dim = DIM;
    CHECK_STATUS(akin_dataset_search(ds, "emb", terms, 1, &wrong, &hits, &e),
                 AKIN_EUSAGE);
    CHECK(hits == NULL);
    akin_dataset_close(ds);
}

/* With a graph the scores stay exact, pages stay disjoint, and no item is
 * missing from the whole of them. */
static void a_graph_finds_them_too(void)
{
    cache_set_min_bytes(1);
    akin_dataset *ds = make(0);
    static truth t[N_ITEMS];
    float query[DIM];
    akin_dataset_hits_info info;
    dataset_values(4711, query, DIM);
    size_t n = brute_force(query, NULL, NULL, t);
    akin_dataset_hits *hits =
        search(ds, query, (akin_dataset_search_options){.limit = 10});
    check_hits(hits, t, 10);
    akin_dataset_hits_get_info(hits, &info);
    CHECK_EQ_TEXT(info.mode, "graph");
    akin_dataset_hits_free(hits);
    size_t n_all = 0;
    for (size_t skip = 0; skip < n; skip += 10) { /* beyond what it was asked */
        hits = search(ds, query, (akin_dataset_search_options){.skip = skip});
        n_all += akin_dataset_hits_count(hits);
        akin_dataset_hits_free(hits);
    }
    CHECK_EQ_INT(n_all, n);
    n = brute_force(query, is_low, NULL, t);
    size_t n_seen = 0;
    for (size_t skip = 0; skip < n; skip += 5) {
        hits = search(ds, query,
                      (akin_dataset_search_options){
                          .limit = 5, .skip = skip, .where = "number < 40"});
        n_seen += akin_dataset_hits_count(hits);
        akin_dataset_hits_get_info(hits, &info);
        akin_dataset_hits_free(hits);
    }
    CHECK_EQ_INT(n_seen, n);
    cache_set_min_bytes(0);
    akin_dataset_close(ds);
}

static void memory_may_run_out(void)
{
    akin_dataset *ds = make(0);
    float query[DIM];
    bool pending = false;
    dataset_values(3, query, DIM);
    const akin_dataset_term term = {.vector = query, .dim = DIM};
    const akin_dataset_search_options opt = {.limit = 3, .all_ids = true,
                                             .where = "number < 100"};
    for (int64_t n = 1; !pending && n < 3000; n++) {
        akin_error e = {0};
        akin_dataset *fresh = NULL;
        akin_dataset_hits *hits = NULL;
        CHECK_OK(akin_dataset_open(db_path("ds"), NULL, &fresh, &e), e);
        mem_fail_at(n);
        akin_status status =
            akin_dataset_search(fresh, "emb", &term, 1, &opt, &hits, &e);
        pending = mem_fail_pending();
        mem_fail_at(0);
        if (!pending && status != AKIN_OK && status != AKIN_ENOMEM)
            test_fail(__FILE__, __LINE__, "%lld: %s", (long long)n, e.text);
        if (status == AKIN_OK) CHECK_EQ_INT(akin_dataset_hits_count(hits), 3);
        akin_dataset_hits_free(hits);
        akin_dataset_close(fresh);
    }
    CHECK(pending);
    akin_dataset_close(ds);
}

const test_case test_dataset_search_cases[] = {
    {"dataset_search/answers_equal_brute_force", answers_equal_brute_force},
    {"dataset_search/pages_fit_together", pages_fit_together},
    {"dataset_search/ties_go_to_the_smaller_id", ties_go_to_the_smaller_id},
    {"dataset_search/terms_are_summed", terms_are_summed},
    {"dataset_search/all_ids_and_a_least_similarity",
     all_ids_and_a_least_similarity},
    {"dataset_search/changes_are_seen", changes_are_seen},
    {"dataset_search/wrong_questions_are_refused", wrong_questions_are_refused},
    {"dataset_search/a_graph_finds_them_too", a_graph_finds_them_too},
    {"dataset_search/memory_may_run_out", memory_may_run_out},
    {0},
};
