/* SPDX-License-Identifier: MIT
 * engine/cache: a database's graph finds what a look at every vector finds, is
 * kept up to date, and is never believed where it does not fit. */
#include "db_files.h"
#include "test.h"
#include "vectors.h"

#include "base/file.h"
#include "base/memory.h"
#include "engine/cache.h"
#include "interop/npy.h"

enum { N = 6000, DIM = 48, MORE = 500 };

static vectors make_vectors(void)
{
    return vectors_new(&(vectors_options){
        .n = N + MORE, .dim = DIM, .clusters = 40, .noise = 0.5, .seed = 5});
}

static void put_rows(const vectors *v, size_t first, size_t n)
{
    akin_error e = {0};
    CHECK_OK(npy_write_vectors(db_path("v.npy"), v->values + first * DIM, n,
                               DIM, &e), e);
}

/* Rows first .. first + n as windows of recordings 0, 1, ... of the file. */
static void import_rows(const vectors *v, const char *db, size_t first,
                        size_t n, const char *names)
{
    akin_error e = {0};
    put_rows(v, first, n);
    FILE *f = fopen(db_path("names.csv"), "wb");
    CHECK(f != NULL);
    if (!f) return;
    fputs("recording\n", f);
    for (size_t i = 0; i < n; i++) fprintf(f, "%s%zu\n", names, first + i);
    fclose(f);
    akin_import_options opt = {.tracks = db_path("names.csv")};
    CHECK_OK(akin_import_vectors(db_path(db), db_path("v.npy"), &opt, NULL, &e),
             e);
}

typedef struct found {
    int64_t ids[10];
    float scores[10];
    size_t n;
    bool by_graph;
} found;

static found find(akin_db *db, const float *q, akin_search_options opt)
{
    akin_error e = {0};
    akin_results *r = NULL;
    found out = {0};
    akin_query query = {.vectors = q, .n_vectors = 1, .dim = DIM};
    opt.k = 10;
    CHECK_OK(akin_search(&db, 1, &query, &opt, &r, &e), e);
    if (!r) return out;
    akin_results_info info;
    akin_results_get_info(r, &info);
    out.by_graph = strcmp(info.mode, "graph") == 0;
    out.n = akin_results_count(r);
    for (size_t i = 0; i < out.n; i++) {
        out.ids[i] = akin_results_at(r, i)->window_id;
        out.scores[i] = akin_results_at(r, i)->score;
    }
    akin_results_free(r);
    return out;
}

static size_t count_common(const found *a, const found *b)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; k < b->n; k++)
            if (a->ids[i] == b->ids[k]) {
                CHECK(a->scores[i] == b->scores[k]);
                n++;
            }
    return n;
}

static akin_db *open_db(const char *name)
{
    akin_error e = {0};
    akin_db *db = NULL;
    CHECK_OK(akin_open(db_path(name), &(akin_db_options){.mode = AKIN_READ},
                       &db, &e), e);
    return db;
}

/* The share of the exact answers that the graph gives. */
static double recall_of(akin_db *db, const vectors *v, akin_search_options opt)
{
    size_t common = 0, wanted = 0;
    for (size_t i = 0; i < 40; i++) {
        const float *q = v->values + i * 150 * DIM;
        akin_search_options exact = opt;
        exact.exact = true;
        found a = find(db, q, opt), b = find(db, q, exact);
        CHECK(a.by_graph);
        CHECK(!b.by_graph);
        CHECK(a.n == 10);
        common += count_common(&a, &b);
        wanted += b.n;
    }
    return (double)common / (double)wanted;
}

static void the_graph_finds_what_a_scan_finds(void)
{
    vectors v = make_vectors();
    cache_set_min_bytes(1);
    import_rows(&v, "db", 0, N, "r");
    CHECK(file_exists(db_path("db/akin.cache/cosine.index")));
    akin_db *db = open_db("db");
    CHECK(recall_of(db, &v, (akin_search_options){0}) >= 0.97);
    CHECK(recall_of(db, &v, (akin_search_options){.ef = 400}) >= 0.99);
    CHECK(recall_of(db, &v, (akin_search_options){
                                .filter = "recording = 'r*7'"}) >= 0.95);
    akin_search_options dot = {.score = AKIN_DOT};
    CHECK(!find(db, v.values, dot).by_graph);
    akin_close(db);
    cache_set_min_bytes(0);
    db = open_db("db");
    CHECK(!find(db, v.values, (akin_search_options){0}).by_graph);
    akin_close(db);
    vectors_clear(&v);
}

static void new_windows_are_taken_in(void)
{
    vectors v = make_vectors();
    cache_set_min_bytes(1);
    import_rows(&v, "db", 0, N, "r");
    import_rows(&v, "db", N, MORE, "r");
    akin_db *db = open_db("db");
    found a = find(db, v.values + (N + 3) * DIM, (akin_search_options){0});
    CHECK(a.by_graph);
    CHECK(a.n == 10);
    CHECK_EQ_INT(a.ids[0], N + 3 + 1);
    CHECK(recall_of(db, &v, (akin_search_options){0}) >= 0.97);
    akin_close(db);
    cache_set_min_bytes(0);
    vectors_clear(&v);
}

static void a_graph_that_is_gone_or_damaged_costs_nothing_but_time(void)
{
    vectors v = make_vectors();
    akin_error e = {0};
    akin_graph_report report;
    cache_set_min_bytes(1);
    import_rows(&v, "db", 0, N, "r");
    const char *path = db_path("db/akin.cache/cosine.index");
    FILE *f = fopen(path, "r+b");
    CHECK(f != NULL);
    if (f) {
        fseek(f, 200, SEEK_SET);
        fputc('!', f);
        fclose(f);
    }
    akin_db *db = open_db("db");
    CHECK(!find(db, v.values, (akin_search_options){0}).by_graph);
    akin_close(db);
    file_remove(path);
    db = open_db("db");
    CHECK(!find(db, v.values, (akin_search_options){0}).by_graph);
    CHECK_OK(akin_make_graph(db, NULL, &report, &e), e);
    CHECK(report.worth_it);
    CHECK_EQ_INT((long long)report.n_vectors, N);
    CHECK(find(db, v.values, (akin_search_options){0}).by_graph);
    akin_close(db);
    cache_set_min_bytes(0);
    vectors_clear(&v);
}

static void copy_file(const char *from, const char *to)
{
    akin_error e = {0};
    char *bytes = NULL;
    size_t n = 0;
    file_writer *w = NULL;
    CHECK_OK(file_read(from, 1 << 26, &bytes, &n, &e), e);
    CHECK_OK(file_writer_open(to, &w, &e), e);
    CHECK_OK(file_writer_put(w, bytes, n, &e), e);
    CHECK_OK(file_writer_commit(w, &e), e);
    mem_free(bytes);
}

static void a_graph_of_other_vectors_is_not_used(void)
{
    vectors v = make_vectors();
    akin_error e = {0};
    cache_set_min_bytes(1);
    import_rows(&v, "db", 0, N, "r");
    import_rows(&v, "other", MORE, N, "r");
    copy_file(db_path("db/akin.cache/cosine.index"),
              db_path("other/akin.cache/cosine.index"));
    akin_db *db = open_db("other");
    found exact = find(db, v.values + MORE * DIM, (akin_search_options){0});
    CHECK(!exact.by_graph);
    CHECK_EQ_INT(exact.ids[0], 1);
    CHECK_OK(akin_make_graph(db, NULL, NULL, &e), e);
    found a = find(db, v.values + MORE * DIM, (akin_search_options){0});
    CHECK(a.by_graph);
    CHECK_EQ_INT(a.ids[0], 1);
    CHECK(count_common(&a, &exact) >= 9);
    akin_close(db);
    cache_set_min_bytes(0);
    vectors_clear(&v);
}

static void recall_is_a_share(void)
{
    vectors v = make_vectors();
    import_rows(&v, "db", 0, 20, "r");
    akin_db *db = open_db("db");
    akin_results *r = NULL;
    akin_query query = {.vectors = v.values, .n_vectors = 1, .dim = DIM};
    for (int i = 0; i < 2; i++) {
        akin_search_options opt = {.recall = i ? 1.5 : -1};
        CHECK_STATUS(akin_search(&db, 1, &query, &opt, &r, NULL), AKIN_EUSAGE);
    }
    akin_close(db);
    vectors_clear(&v);
}

const test_case test_cache_cases[] = {
    {"cache/the_graph_finds_what_a_scan_finds",
     the_graph_finds_what_a_scan_finds},
    {"cache/new_windows_are_taken_in", new_windows_are_taken_in},
    {"cache/a_graph_that_is_gone_or_damaged_costs_nothing_but_time",
     a_graph_that_is_gone_or_damaged_costs_nothing_but_time},
    {"cache/a_graph_of_other_vectors_is_not_used",
     a_graph_of_other_vectors_is_not_used},
    {"cache/recall_is_a_share", recall_is_a_share},
    {0},
};
