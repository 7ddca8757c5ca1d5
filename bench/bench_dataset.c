/* SPDX-License-Identifier: MIT
 * Makes a dataset of many items with metadata and vectors, and times searches
 * in it: by a vector alone, with a filter that a quarter passes, page after page.
 *
 * usage: bench_dataset FOLDER N_ITEMS DIM [N_QUERIES [--no-header]]
 * A dataset that is in FOLDER already is taken as it is. Vectors lie around a
 * thousand centres, as those of pictures do. Prints CSV: the median and 95th
 * percentile of the time of a search, the median CPU time of all threads, which
 * others on the machine hardly change, and the share of the 20 best items that
 * were found. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "akin/dataset.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "engine/dataset_int.h"
#include "engine/dataset_put.h"

#define TABLE "emb"

enum { N_CENTRES = 1000, LIMIT = 20, MAX_QUERIES = 10000, BATCH = 10000 };

typedef struct bench {
    const char *path;
    size_t n, dim, n_queries;
    bool header;
    float *centres; /* [N_CENTRES, dim] */
    random_state random;
    akin_dataset *ds;
    akin_error err;
} bench;

/* ---- making ----------------------------------------------------------------- */

static double normal(random_state *r)
{
    double sum = 0;
    for (int i = 0; i < 6; i++) sum += random_unit(r);
    return (sum - 3) * 1.41421356;
}

static void make_vector(bench *b, float *out)
{
    const float *centre =
        b->centres + (size_t)(random_unit(&b->random) * N_CENTRES) * b->dim;
    for (size_t i = 0; i < b->dim; i++)
        out[i] = centre[i] + 0.7f * (float)normal(&b->random);
}

static akin_status add_fields(item_store *s, akin_error *err)
{
    static const item_field fields[] = {{"colour", ITEM_TEXT},
                                        {"year", ITEM_INTEGER},
                                        {"score", ITEM_NUMBER}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        AKIN_TRY(items_add_field(s, &fields[i], err));
    return AKIN_OK;
}

static akin_status add_item(bench *b, item_store *s, size_t i)
{
    static const char *const colours[] = {"red", "green", "blue", "white"};
    char id[ITEMS_ID_CHARS + 1], url[64];
    int64_t row;
    akin_error *err = &b->err;
    const item_value values[] = {
        {.text = colours[(size_t)(random_unit(&b->random) * 4)]},
        {.integer = 1900 + (int64_t)(random_unit(&b->random) * 120)},
        {.number = random_unit(&b->random)}};
    AKIN_TRY(items_new_id(id, err));
    const item_row item = {.id = id, .split = "default", .values = values,
                           .created_us = 1, .updated_us = 1};
    AKIN_TRY(items_put(s, &item, &row, err));
    snprintf(url, sizeof url, "folder_%03zu/picture_%07zu.jpg", i % 1000, i);
    AKIN_TRY(items_new_id(id, err));
    const view_row view = {.item = row, .id = id, .name = "image", .url = url,
                           .created_us = 1, .updated_us = 1,
                           .width = 640, .height = 480, .format = "JPEG"};
    return items_put_view(s, &view, &row, err);
}

static akin_status make_items(bench *b)
{
    item_store *s = b->ds->writer;
    AKIN_TRY(items_begin(s, &b->err));
    AKIN_TRY(add_fields(s, &b->err));
    for (size_t i = 0; i < b->n; i++) AKIN_TRY(add_item(b, s, i));
    return items_commit(s, &b->err);
}

typedef struct filling {
    bench *b;
    dataset_put put;
    float *vector;
    size_t n;
} filling;

static akin_status fill_view(void *user, const view_row *view, akin_error *err)
{
    filling *f = user;
    char id[ITEMS_MAX_ID_BYTES + 1];
    snprintf(id, sizeof id, "%s", view->id);
    make_vector(f->b, f->vector);
    if (++f->n % 100000 == 0) fprintf(stderr, "%zu vectors\n", f->n);
    AKIN_TRY(dataset_put_vector(&f->put, id, f->vector, err));
    f->put.journal.n_pending = 0; /* no checkpoint before the end */
    return AKIN_OK;
}

/* A checkpoint with a graph of few links, which others read and akin does not:
 * the usual one takes ten times as long as all the rest. */
static akin_status write_index(akin_db *db, akin_error *err)
{
    const graph_options opt = {.dim = db->settings.dim, .m = 4, .m0 = 8,
                               .expansion_add = 16};
    graph *g = NULL;
    rows r;
    rows_init(&r, db->settings.dim);
    akin_status status = rows_load_pending(&r, db->writer, err);
    if (status == AKIN_OK) status = graph_new(&opt, &g, err);
    if (status == AKIN_OK)
        status = graph_add(g, r.ids, r.vectors, r.n, 0, err);
    if (status == AKIN_OK) status = usearch_save(db->index_path, g, err);
    if (status == AKIN_OK) status = store_begin(db->writer, err);
    if (status == AKIN_OK) status = store_clear_pending(db->writer, err);
    if (status == AKIN_OK) status = store_commit(db->writer, err);
    graph_free(g);
    rows_clear(&r);
    return status;
}

static akin_status make_vectors(bench *b)
{
    filling f = {.b = b, .vector = mem_array(b->dim, sizeof(float))};
    item_store *s = NULL;
    double start = clock_now_s();
    akin_status status =
        dataset_put_open(&f.put, b->ds, TABLE, "bench", b->dim, &b->err);
    if (status == AKIN_OK) status = dataset_take_store(b->ds, &s, &b->err);
    if (status == AKIN_OK)
        status = items_each_view(s, NULL, 0, fill_view, &f, &b->err);
    if (status == AKIN_OK) status = journal_commit(&f.put.journal, &b->err);
    if (status == AKIN_OK) status = write_index(f.put.db, &b->err);
    fprintf(stderr, "vectors %.1f s\n", clock_now_s() - start);
    start = clock_now_s();
    if (status == AKIN_OK)
        status = akin_make_graph(f.put.db, NULL, NULL, &b->err);
    fprintf(stderr, "graph %.1f s\n", clock_now_s() - start);
    dataset_put_close(&f.put);
    dataset_give_store(b->ds, s);
    mem_free(f.vector);
    return status;
}

static akin_status make_dataset(bench *b)
{
    const akin_dataset_options opt = {.write = true};
    const dataset_making making = {.media = b->path};
    AKIN_TRY(file_make_dirs(b->path, &b->err));
    double start = clock_now_s();
    AKIN_TRY(dataset_open_making(b->path, &making, &opt, &b->ds, &b->err));
    AKIN_TRY(make_items(b));
    fprintf(stderr, "items %.1f s\n", clock_now_s() - start);
    AKIN_TRY(make_vectors(b));
    akin_dataset_close(b->ds);
    b->ds = NULL;
    return AKIN_OK;
}

/* ---- searching -------------------------------------------------------------- */

static akin_status search(bench *b, const float *query,
                          const akin_dataset_search_options *opt,
                          akin_dataset_hits **out)
{
    const akin_dataset_term term = {.vector = query, .dim = b->dim};
    return akin_dataset_search(b->ds, TABLE, &term, 1, opt, out, &b->err);
}

static size_t common(const akin_dataset_hits *a, const akin_dataset_hits *b)
{
    size_t n = 0;
    for (size_t i = 0; i < akin_dataset_hits_count(a); i++)
        for (size_t k = 0; k < akin_dataset_hits_count(b); k++)
            n += strcmp(akin_dataset_hits_at(a, i)->item_id,
                        akin_dataset_hits_at(b, k)->item_id) == 0;
    return n;
}

static int compare_doubles(const void *a_, const void *b_)
{
    double a = *(const double *)a_, b = *(const double *)b_;
    return (a > b) - (a < b);
}

typedef struct timing {
    double ms[MAX_QUERIES], cpu_ms[MAX_QUERIES];
    size_t n, n_found, n_true;
    const char *mode;
} timing;

static akin_status time_query(bench *b, const akin_dataset_search_options *opt,
                              const float *query, timing *t)
{
    akin_dataset_hits *hits = NULL, *truth = NULL;
    akin_dataset_search_options exact = *opt;
    akin_dataset_hits_info info;
    exact.exact = true;
    double start = clock_now_s(), cpu = clock_process_cpu_s();
    AKIN_TRY(search(b, query, opt, &hits));
    t->ms[t->n] = (clock_now_s() - start) * 1e3;
    t->cpu_ms[t->n++] = (clock_process_cpu_s() - cpu) * 1e3;
    akin_dataset_hits_get_info(hits, &info);
    t->mode = info.mode;
    akin_status status = search(b, query, &exact, &truth);
    t->n_found += common(hits, truth);
    t->n_true += akin_dataset_hits_count(truth);
    akin_dataset_hits_free(hits);
    akin_dataset_hits_free(truth);
    return status;
}

static void put_line(const bench *b, const char *what, const char *mode,
                     const double ms[3])
{
    printf("%zu,%zu,%s,%s,%.3f,%.3f,%.3f,", b->n, b->dim, what, mode, ms[0],
           ms[1], ms[2]);
}

/* Something that was done once. */
static void put_once(const bench *b, const char *what, double start_s,
                     double start_cpu_s)
{
    double ms = (clock_now_s() - start_s) * 1e3;
    double cpu_ms = (clock_process_cpu_s() - start_cpu_s) * 1e3;
    put_line(b, what, "", (double[]){ms, ms, cpu_ms});
    puts("");
    fflush(stdout);
}

static akin_status time_searches(bench *b, const char *what,
                                 akin_dataset_search_options opt)
{
    static timing t;
    akin_status status = AKIN_OK;
    float *query = mem_array(b->dim, sizeof(float));
    t = (timing){0};
    if (!query) return AKIN_FAIL(&b->err, AKIN_ENOMEM, "out of memory");
    for (size_t i = 0; i < b->n_queries && status == AKIN_OK; i++) {
        make_vector(b, query);
        status = time_query(b, &opt, query, &t);
    }
    mem_free(query);
    AKIN_TRY(status);
    qsort(t.ms, t.n, sizeof *t.ms, compare_doubles);
    qsort(t.cpu_ms, t.n, sizeof *t.cpu_ms, compare_doubles);
    put_line(b, what, t.mode, (double[]){t.ms[t.n / 2], t.ms[t.n * 95 / 100],
                                         t.cpu_ms[t.n / 2]});
    printf("%.4f\n", t.n_true ? (double)t.n_found / (double)t.n_true : 1);
    fflush(stdout);
    return AKIN_OK;
}

/* The second page of a query, whose first was just asked for. */
static akin_status time_pages(bench *b)
{
    enum { N_PAGES = 10 };
    akin_dataset_hits *hits = NULL;
    akin_dataset_search_options opt = {.limit = LIMIT, .where = "score < 0.25"};
    double ms[N_PAGES];
    float *query = mem_array(b->dim, sizeof(float));
    if (!query) return AKIN_FAIL(&b->err, AKIN_ENOMEM, "out of memory");
    make_vector(b, query);
    for (size_t page = 0; page < N_PAGES; page++) {
        opt.skip = page * LIMIT;
        double start = clock_now_s();
        akin_status status = search(b, query, &opt, &hits);
        ms[page] = (clock_now_s() - start) * 1e3;
        akin_dataset_hits_free(hits);
        hits = NULL;
        if (status != AKIN_OK) {
            mem_free(query);
            return status;
        }
    }
    qsort(ms + 1, N_PAGES - 1, sizeof *ms, compare_doubles);
    put_line(b, "next page", "",
             (double[]){ms[N_PAGES / 2], ms[N_PAGES - 1], ms[N_PAGES / 2]});
    puts("");
    mem_free(query);
    return AKIN_OK;
}

static akin_status search_all(bench *b)
{
    akin_dataset_hits *hits = NULL;
    const akin_dataset_search_options all = {.limit = LIMIT, .all_ids = true};
    double start = clock_now_s(), cpu = clock_process_cpu_s();
    AKIN_TRY(akin_dataset_open(b->path, NULL, &b->ds, &b->err));
    AKIN_TRY(search(b, b->centres, &(akin_dataset_search_options){0}, &hits));
    akin_dataset_hits_free(hits);
    put_once(b, "open and search", start, cpu);
    start = clock_now_s();
    cpu = clock_process_cpu_s();
    AKIN_TRY(search(b, b->centres, &all, &hits));
    akin_dataset_hits_free(hits);
    put_once(b, "all ids", start, cpu);
    AKIN_TRY(time_searches(b, "all", (akin_dataset_search_options){
                                         .limit = LIMIT}));
    AKIN_TRY(time_searches(
        b, "number", (akin_dataset_search_options){.limit = LIMIT,
                                                   .where = "score < 0.25"}));
    AKIN_TRY(time_searches(
        b, "text", (akin_dataset_search_options){.limit = LIMIT,
                                                 .where = "colour = 'red'"}));
    AKIN_TRY(time_searches(
        b, "number-exact",
        (akin_dataset_search_options){
            .limit = LIMIT, .where = "score < 0.25", .exact = true}));
    return time_pages(b);
}

static akin_status run(bench *b)
{
    b->random = (random_state){1};
    b->centres = mem_array(N_CENTRES * b->dim, sizeof(float));
    if (!b->centres) return AKIN_FAIL(&b->err, AKIN_ENOMEM, "out of memory");
    for (size_t i = 0; i < N_CENTRES * b->dim; i++)
        b->centres[i] = (float)normal(&b->random);
    char *info = file_join(b->path, "info.json");
    bool there = info && file_exists(info);
    mem_free(info);
    if (!there) AKIN_TRY(make_dataset(b));
    if (b->header)
        puts("items,dim,what,mode,median_ms,p95_ms,cpu_ms,recall");
    return search_all(b);
}

int main(int argc, char **argv)
{
    bench b = {.path = argc > 1 ? argv[1] : ""};
    int64_t n = 0, dim = 0, n_queries = 200;
    akin_status status = AKIN_EUSAGE;
    b.header = !(argc == 6 && text_equal(argv[5], "--no-header"));
    bool good = argc >= 4 && argc <= 6 && text_to_int64(argv[2], &n) &&
                text_to_int64(argv[3], &dim) && n > 0 && dim > 0;
    if (argc >= 5)
        good = good && text_to_int64(argv[4], &n_queries) && n_queries > 0 &&
               n_queries <= MAX_QUERIES;
    if (good) {
        b.n = (size_t)n;
        b.dim = (size_t)dim;
        b.n_queries = (size_t)n_queries;
        status = run(&b);
    }
    if (status != AKIN_OK)
        fprintf(stderr, "bench_dataset: %s %s\n", akin_status_name(status),
                b.err.text);
    akin_dataset_close(b.ds);
    mem_free(b.centres);
    return status == AKIN_OK ? 0 : 2;
}
