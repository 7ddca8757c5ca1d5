/* SPDX-License-Identifier: MIT
 * engine/dataset_compute and engine/dataset_put: what is embedded, skipped, done
 * again and told; rows of tables; and what removing items leaves. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "dataset_help.h"
#include "db_files.h"
#include "model/builtin_tint.h"
#include "test.h"

enum { N = 6 };

typedef struct told {
    char text[2048]; /* "url=outcome " of each report */
    int stop_after;  /* files; 0: never */
    int n_files;
} told;

static void take_file(void *user, const akin_file_report *report)
{
    static const char *const outcomes[] = {"done", "skipped", "failed"};
    told *t = user;
    size_t n = strlen(t->text);
    snprintf(t->text + n, sizeof t->text - n, "%s=%s ", report->path,
             outcomes[report->outcome]);
    t->n_files++;
}

static bool take_progress(void *user, const akin_progress *progress)
{
    const told *t = user;
    CHECK(progress->fraction >= 0 && progress->fraction <= 1);
    CHECK(progress->files_done <= progress->files_total);
    return t->stop_after == 0 || t->n_files < t->stop_after;
}

/* Items i000 to i005; the picture of the fifth is damaged, of the last is not
 * there. */
static akin_dataset *make(void)
{
    akin_error e = {0};
    akin_dataset *ds = dataset_make(N, 1);
    for (unsigned i = 0; i < N - 2; i++) {
        char url[32];
        snprintf(url, sizeof url, "f%03u_0.jpg", i);
        dataset_make_picture(url, i + 1);
    }
    FILE *f = fopen(db_path("media/f004_0.jpg"), "wb");
    CHECK(f && fputs("no picture", f) >= 0);
    if (f) fclose(f);
    CHECK_OK(akin_dataset_create_table(ds, "emb", NULL, &e), e);
    return ds;
}

static akin_extract_report compute(akin_dataset *ds, told *t,
                                   akin_dataset_compute_options opt,
                                   akin_status wanted)
{
    akin_error e = {0};
    akin_extract_report report = {0};
    *t = (told){.stop_after = t->stop_after};
    opt.file = take_file;
    opt.progress = take_progress;
    opt.user = t;
    akin_status status = akin_dataset_compute(ds, "emb", &opt, &report, &e);
    if (status != wanted)
        test_fail(__FILE__, __LINE__, "%s: %s", akin_status_name(status),
                  e.text);
    return report;
}

static void touch(const char *url)
{
    struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
    char path[64];
    snprintf(path, sizeof path, "media/%s", url);
    CHECK(utimensat(AT_FDCWD, db_path(path), times, 0) == 0);
}

static void views_are_embedded_once(void)
{
    told t = {0};
    akin_dataset *ds = make();
    akin_extract_report r = compute(ds, &t, (akin_dataset_compute_options){0},
                                    AKIN_OK);
    CHECK_EQ_INT(r.n_files, N);
    CHECK_EQ_INT(r.n_done, 4);
    CHECK_EQ_INT(r.n_failed, 2);
    CHECK_EQ_INT(r.n_windows, 4);
    CHECK(strstr(t.text, "f000_0.jpg=done "));
    CHECK(strstr(t.text, "f004_0.jpg=failed "));
    CHECK(strstr(t.text, "f005_0.jpg=failed "));
    r = compute(ds, &t, (akin_dataset_compute_options){0}, AKIN_OK);
    CHECK_EQ_INT(r.n_done, 0);
    CHECK_EQ_INT(r.n_skipped, 4);
    CHECK_EQ_INT(r.n_failed, 2);
    touch("f002_0.jpg"); /* the same size: another time is enough */
    r = compute(ds, &t, (akin_dataset_compute_options){0}, AKIN_OK);
    CHECK_EQ_INT(r.n_done, 1);
    CHECK(strstr(t.text, "f002_0.jpg=done "));
    r = compute(ds, &t, (akin_dataset_compute_options){0}, AKIN_OK);
    CHECK_EQ_INT(r.n_done, 0);
    r = compute(ds, &t, (akin_dataset_compute_options){.force = true}, AKIN_OK);
    CHECK_EQ_INT(r.n_done, 4);
    akin_dataset_close(ds);
}

static void a_stopped_run_goes_on(void)
{
    told t = {.stop_after = 1};
    akin_dataset *ds = make();
    const akin_dataset_compute_options one = {.threads = 1, .batch_size = 1};
    akin_error e = {0};
    const akin_dataset_compute_options stop = {
        .threads = 1, .batch_size = 1, .progress = take_progress,
        .file = take_file, .user = &t};
    akin_status status = akin_dataset_compute(ds, "emb", &stop, NULL, &e);
    CHECK(status == AKIN_ECANCELLED || status == AKIN_OK); /* told rarely */
    t = (told){0};
    akin_extract_report r = compute(ds, &t, one, AKIN_OK);
    CHECK_EQ_INT(r.n_done + r.n_skipped, 4);
    akin_dataset_close(ds);
}

static void only_what_is_asked_for(void)
{
    told t = {0};
    akin_error e = {0};
    akin_dataset *ds = make();
    static const char *const ids[] = {"i001v0", "i003v0"};
    static const char *const wrong[] = {"nope"};
    akin_extract_report r = compute(
        ds, &t, (akin_dataset_compute_options){.view_ids = ids,
                                               .n_view_ids = 2}, AKIN_OK);
    CHECK_EQ_INT(r.n_files, 2);
    CHECK_EQ_INT(r.n_done, 2);
    r = compute(ds, &t, (akin_dataset_compute_options){.view = "image"},
                AKIN_OK);
    CHECK_EQ_INT(r.n_done, 2);
    CHECK_EQ_INT(r.n_skipped, 2);
    (void)compute(ds, &t, (akin_dataset_compute_options){.view = "none"},
                  AKIN_ENOTFOUND);
    (void)compute(ds, &t,
                  (akin_dataset_compute_options){.view_ids = wrong,
                                                 .n_view_ids = 1},
                  AKIN_ENOTFOUND);
    CHECK_STATUS(akin_dataset_compute(ds, "none", NULL, NULL, &e),
                 AKIN_ENOTFOUND);
    CHECK_EQ_TEXT(e.text, "table 'none' not found in dataset");
    akin_dataset_close(ds);
}

static void an_image_finds_its_view(void)
{
    told t = {0};
    akin_error e = {0};
    akin_dataset *ds = make();
    (void)compute(ds, &t, (akin_dataset_compute_options){0}, AKIN_OK);
    akin_dataset_hits *hits = NULL;
    const akin_dataset_term term = {.file = db_path("media/f003_0.jpg")};
    CHECK_OK(akin_dataset_search(ds, "emb", &term, 1, NULL, &hits, &e), e);
    CHECK_EQ_INT(akin_dataset_hits_count(hits), 4);
    if (akin_dataset_hits_count(hits) > 0) {
        CHECK_EQ_TEXT(akin_dataset_hits_at(hits, 0)->item_id, "i003");
        CHECK_NEAR(akin_dataset_hits_at(hits, 0)->similarity, 1, 1e-3);
    }
    akin_dataset_hits_free(hits);
    const akin_dataset_term text = {.text = "a cat"};
    CHECK_STATUS(akin_dataset_search(ds, "emb", &text, 1, NULL, &hits, &e),
                 AKIN_EMODEL);
    CHECK_EQ_TEXT(e.text, "model tint, which made the vectors of table 'emb', "
                          "knows no texts; search by an image, a view, an item "
                          "or a vector");
    akin_dataset_close(ds);
}

/* ---- rows and tables -------------------------------------------------------- */

static bool take_table(void *user, const akin_dataset_table *table)
{
    char *text = user;
    size_t n = strlen(text);
    if (!text_equal(table->group, "embeddings")) return true;
    snprintf(text + n, 200 - n, "%s %s %lld %u %s; ", table->name, table->model,
             (long long)table->n_rows, table->dim, table->state);
    return true;
}

static void check_tables(akin_dataset *ds, const char *wanted)
{
    akin_error e = {0};
    char text[200] = "";
    CHECK_OK(akin_dataset_each_table(ds, take_table, text, &e), e);
    CHECK_EQ_TEXT(text, wanted);
}

static void rows_tell_what_is_there(void)
{
    told t = {0};
    akin_error e = {0};
    akin_dataset *ds = make();
    check_tables(ds, "emb tint 0 192 empty; ");
    (void)compute(ds, &t, (akin_dataset_compute_options){0}, AKIN_OK);
    check_tables(ds, "emb tint 4 192 partial; ");
    akin_rows *rows = NULL;
    static const char *const items[] = {"i002", "i001", "nope"};
    akin_dataset_get_options opt = {.item_ids = items, .n_item_ids = 3};
    CHECK_OK(akin_dataset_get(ds, "emb", &opt, &rows, &e), e);
    CHECK_EQ_INT(akin_rows_count(rows), 2);
    if (akin_rows_count(rows) == 2) {
        const akin_value *v = akin_rows_at(rows, 0);
        CHECK_EQ_TEXT(v[0].text, "i001v0");
        CHECK_EQ_TEXT(v[3].table, "item");
        CHECK_EQ_TEXT(v[3].text, "i001");
        CHECK_EQ_INT(v[4].n, TINT_DIM);
        CHECK_EQ_INT(v[5].integer, TINT_DIM);
        CHECK_EQ_TEXT(v[6].table, "image");
        CHECK_EQ_TEXT(v[6].text, "i001v0");
    }
    akin_rows_free(rows);
    opt = (akin_dataset_get_options){.sort = "id", .descending = true,
                                     .limit = 2, .skip = 1,
                                     .where = "id <> 'i001v0'"};
    rows = NULL;
    CHECK_OK(akin_dataset_get(ds, "emb", &opt, &rows, &e), e);
    CHECK_EQ_INT(akin_rows_count(rows), 2);
    if (akin_rows_count(rows) == 2) {
        CHECK_EQ_TEXT(akin_rows_at(rows, 0)[0].text, "i002v0");
        CHECK_EQ_TEXT(akin_rows_at(rows, 1)[0].text, "i000v0");
        CHECK_EQ_INT(akin_rows_at(rows, 1)[4].n, TINT_DIM);
    }
    akin_rows_free(rows);
    akin_dataset_close(ds);
}

static void removed_items_leave_nothing(void)
{
    told t = {0};
    akin_error e = {0};
    size_t n_removed = 0;
    akin_dataset *ds = make();
    dataset_add_view(ds, 1, "other", "f002_0.jpg"); /* i002's file as well */
    (void)compute(ds, &t, (akin_dataset_compute_options){0}, AKIN_OK);
    check_tables(ds, "emb tint 5 192 partial; ");
    static const char *const ids[] = {"i000", "i002"};
    CHECK_OK(akin_dataset_remove_items(ds, ids, 2, &n_removed, &e), e);
    CHECK_EQ_INT(n_removed, 2);
    check_tables(ds, "emb tint 3 192 partial; ");
    akin_dataset_hits *hits = NULL;
    const akin_dataset_term term = {.file = db_path("media/f002_0.jpg")};
    CHECK_OK(akin_dataset_search(ds, "emb", &term, 1, NULL, &hits, &e), e);
    CHECK_EQ_INT(akin_dataset_hits_count(hits), 2);
    if (akin_dataset_hits_count(hits) > 0)
        CHECK_EQ_TEXT(akin_dataset_hits_at(hits, 0)->view_id, "other");
    akin_dataset_hits_free(hits);
    CHECK_OK(akin_dataset_drop_table(ds, "emb", &e), e);
    CHECK_STATUS(akin_dataset_search(ds, "emb", &term, 1, NULL, &hits, &e),
                 AKIN_ENOTFOUND);
    akin_dataset_close(ds);
}

/* ---- vectors from elsewhere ------------------------------------------------- */

static void vectors_are_put_and_computed(void)
{
    told t = {0};
    akin_error e = {0};
    size_t n_added = 0, n_unknown = 0;
    float values[3][TINT_DIM];
    akin_dataset *ds = make();
    for (unsigned i = 0; i < 3; i++) dataset_values(i + 1, values[i], TINT_DIM);
    const akin_dataset_vector vectors[] = {{"i000v0", values[0]},
                                           {"nope", values[1]},
                                           {"i001v0", values[2]}};
    CHECK_STATUS(akin_dataset_put_vectors(ds, "emb", "clip", TINT_DIM, vectors,
                                          3, false, NULL, NULL, &e),
                 AKIN_ESETTINGS);
    CHECK_STATUS(akin_dataset_put_vectors(ds, "emb", NULL, 3, vectors, 3, false,
                                          NULL, NULL, &e),
                 AKIN_ESETTINGS);
    CHECK_OK(akin_dataset_put_vectors(ds, "emb", NULL, TINT_DIM, vectors, 3,
                                      false, &n_added, &n_unknown, &e), e);
    CHECK_EQ_INT(n_added, 2);
    CHECK_EQ_INT(n_unknown, 1);
    akin_extract_report r = compute(ds, &t, (akin_dataset_compute_options){0},
                                    AKIN_OK);
    CHECK_EQ_INT(r.n_skipped, 2);
    CHECK_EQ_INT(r.n_done, 2);
    touch("f000_0.jpg"); /* now it is the model's turn */
    r = compute(ds, &t, (akin_dataset_compute_options){0}, AKIN_OK);
    CHECK_EQ_INT(r.n_done, 1);
    check_tables(ds, "emb tint 4 192 partial; ");
    values[0][7] = INFINITY;
    CHECK_STATUS(akin_dataset_put_vectors(ds, "emb", NULL, TINT_DIM, vectors, 3,
                                          true, &n_added, NULL, &e),
                 AKIN_EUSAGE);
    CHECK_EQ_INT(n_added, 0);
    CHECK_EQ_TEXT(e.text, "value 7 of the vector of view 'i000v0' is not "
                          "finite");
    akin_dataset_close(ds);
}

static void memory_may_run_out(void)
{
    float values[N][5];
    akin_dataset_vector vectors[N];
    char ids[N][16];
    bool pending = false;
    akin_dataset *ds = dataset_make(N, 1);
    for (unsigned i = 0; i < N; i++) {
        dataset_values(i + 1, values[i], 5);
        snprintf(ids[i], sizeof ids[i], "i%03uv0", i);
        vectors[i] = (akin_dataset_vector){ids[i], values[i]};
    }
    for (int64_t n = 1; !pending && n < 3000; n++) {
        akin_error e = {0};
        size_t n_added = 0;
        mem_fail_at(n);
        akin_status status = akin_dataset_put_vectors(
            ds, "emb", NULL, 5, vectors, N, false, &n_added, NULL, &e);
        pending = mem_fail_pending();
        mem_fail_at(0);
        if (!pending && status != AKIN_OK && status != AKIN_ENOMEM)
            test_fail(__FILE__, __LINE__, "%lld: %s", (long long)n, e.text);
    }
    CHECK(pending);
    check_tables(ds, "emb imported 6 5 missing model; ");
    akin_dataset_close(ds);
}

const test_case test_dataset_compute_cases[] = {
    {"dataset_compute/views_are_embedded_once", views_are_embedded_once},
    {"dataset_compute/a_stopped_run_goes_on", a_stopped_run_goes_on},
    {"dataset_compute/only_what_is_asked_for", only_what_is_asked_for},
    {"dataset_compute/an_image_finds_its_view", an_image_finds_its_view},
    {"dataset_compute/rows_tell_what_is_there", rows_tell_what_is_there},
    {"dataset_compute/removed_items_leave_nothing",
     removed_items_leave_nothing},
    {"dataset_compute/vectors_are_put_and_computed",
     vectors_are_put_and_computed},
    {"dataset_compute/memory_may_run_out", memory_may_run_out},
    {0},
};
