/* SPDX-License-Identifier: MIT
 * engine/search: answers against brute force, modes, filters, several
 * databases, journaled vectors. */
#include "akin/akin.h"
#include "base/file.h"
#include "base/memory.h"
#include "db_files.h"
#include "test.h"

enum { MAX_WINDOWS = 64, MAX_DIM = 4096 };

typedef struct all {
    int64_t ids[MAX_WINDOWS];
    float *vectors[MAX_WINDOWS];
    size_t n, dim;
} all;

static bool take(void *user, const akin_window *w, const float *vector)
{
    all *a = user;
    a->ids[a->n] = w->id;
    a->vectors[a->n] = mem_array(a->dim, sizeof(float));
    memcpy(a->vectors[a->n++], vector, a->dim * sizeof(float));
    return a->n < MAX_WINDOWS;
}

static void all_load(all *a, akin_db *db)
{
    akin_info info;
    CHECK_STATUS(akin_get_info(db, &info, NULL), AKIN_OK);
    *a = (all){.dim = info.dim};
    CHECK_STATUS(akin_each(db, NULL, take, a, NULL), AKIN_OK);
}

static void all_clear(all *a)
{
    for (size_t i = 0; i < a->n; i++) mem_free(a->vectors[i]);
}

static double score_of(const float *q, const float *d, size_t dim,
                       akin_score score)
{
    double dot = 0, qq = 0, dd = 0, l2sq = 0;
    for (size_t i = 0; i < dim; i++) {
        dot += (double)q[i] * d[i];
        qq += (double)q[i] * q[i];
        dd += (double)d[i] * d[i];
        l2sq += ((double)q[i] - d[i]) * ((double)q[i] - d[i]);
    }
    return score == AKIN_COSINE ? dot / sqrt(qq * dd)
           : score == AKIN_DOT  ? dot
                                : sqrt(l2sq);
}

static akin_results *search(akin_db *db, akin_query query,
                            akin_search_options opt)
{
    akin_error e = {0};
    akin_results *r = NULL;
    CHECK_OK(akin_search(&db, 1, &query, &opt, &r, &e), e);
    return r;
}

static void answers_equal_brute_force(void)
{
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    all a;
    all_load(&a, db);
    for (int score = AKIN_COSINE; score <= AKIN_EUCLIDEAN; score++) {
        akin_query query = {.vectors = a.vectors[2], .n_vectors = 1,
                            .dim = a.dim};
        akin_search_options opt = {.score = (akin_score)score, .k = 100};
        akin_results *r = search(db, query, opt);
        CHECK_EQ_INT(akin_results_count(r), 7);
        CHECK_EQ_INT(akin_results_at(r, 0)->window_id, a.ids[2]);
        for (size_t i = 0; i < akin_results_count(r); i++) {
            const akin_hit *hit = akin_results_at(r, i);
            double wanted = score_of(a.vectors[2], a.vectors[hit->window_id - 1],
                                     a.dim, (akin_score)score);
            CHECK_NEAR(hit->score, wanted, 1e-3);
            CHECK_EQ_INT(hit->rank, i + 1);
            if (i > 0 && score == AKIN_EUCLIDEAN)
                CHECK(hit->score >= akin_results_at(r, i - 1)->score);
            else if (i > 0)
                CHECK(hit->score <= akin_results_at(r, i - 1)->score);
        }
        akin_results_free(r);
    }
    all_clear(&a);
    akin_close(db);
}

static void a_file_finds_its_own_windows(void)
{
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    char *file = mem_strdup(db_path("rec/b/c.wav"));
    for (int crop = AKIN_CENTER; crop <= AKIN_SEGMENTS; crop++) {
        akin_search_options opt = {.crop = (akin_crop)crop, .k = 1};
        akin_results *r = search(db, (akin_query){.file = file}, opt);
        CHECK_EQ_INT(akin_results_count(r), 1);
        const akin_hit *hit = akin_results_at(r, 0);
        CHECK_EQ_TEXT(hit->recording, "rec/b/c.wav");
        CHECK_EQ_TEXT(hit->path, file);
        CHECK_NEAR(hit->score, 1, 1e-3);
        CHECK_NEAR(hit->end_s, 3, 0);
        CHECK_EQ_TEXT(hit->project, "birdnet_analyzer_dataset");
        akin_results_free(r);
    }
    mem_free(file);
    akin_close(db);
}

static void segments_give_the_mean_over_all(void)
{
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    all a;
    all_load(&a, db);
    float *both = mem_array(2 * a.dim, sizeof(float));
    memcpy(both, a.vectors[0], a.dim * sizeof(float));
    memcpy(both + a.dim, a.vectors[4], a.dim * sizeof(float));
    akin_results *r = search(
        db, (akin_query){.vectors = both, .n_vectors = 2, .dim = a.dim},
        (akin_search_options){.k = 7});
    CHECK_EQ_INT(akin_results_count(r), 7);
    for (size_t i = 0; i < akin_results_count(r); i++) {
        const akin_hit *hit = akin_results_at(r, i);
        const float *d = a.vectors[hit->window_id - 1];
        double wanted = (score_of(both, d, a.dim, AKIN_COSINE) +
                         score_of(both + a.dim, d, a.dim, AKIN_COSINE)) / 2;
        CHECK_NEAR(hit->score, wanted, 1e-3);
    }
    akin_results_free(r);
    mem_free(both);
    all_clear(&a);
    akin_close(db);
}

static void a_window_is_no_answer_to_itself(void)
{
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    akin_results *r = search(db, (akin_query){.window_id = 3},
                             (akin_search_options){.k = 7});
    CHECK_EQ_INT(akin_results_count(r), 6);
    for (size_t i = 0; i < akin_results_count(r); i++)
        CHECK(akin_results_at(r, i)->window_id != 3);
    akin_results_free(r);
    akin_close(db);
}

static void paging_and_filters_come_before_ranking(void)
{
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    akin_query query = {.window_id = 1};
    akin_results *whole = search(db, query, (akin_search_options){.k = 6});
    akin_results *page = search(db, query,
                                (akin_search_options){.k = 2, .offset = 3});
    CHECK_EQ_INT(akin_results_count(page), 2);
    CHECK_EQ_INT(akin_results_at(page, 0)->rank, 4);
    CHECK_EQ_INT(akin_results_at(page, 0)->window_id,
                 akin_results_at(whole, 3)->window_id);
    akin_results_free(whole);
    akin_results_free(page);
    static const struct {
        const char *filter;
        size_t n;
    } rows[] = {{"recording = 'rec/b/*'", 4}, {"recording=rec/a.wav", 2},
                {"date >= 2023-05-13", 2},     {"date = 2023-05-12", 1},
                {"project = other", 0},        {"not recording = '*c.wav'", 5}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        akin_results *r = search(
            db, query,
            (akin_search_options){.k = 10, .filter = rows[i].filter});
        if (akin_results_count(r) != rows[i].n)
            test_fail(__FILE__, __LINE__, "%s gave %zu", rows[i].filter,
                      akin_results_count(r));
        akin_results_free(r);
    }
    akin_close(db);
}

static void several_databases_are_ranked_as_one(void)
{
    akin_error e = {0};
    db_make_recordings();
    akin_close(db_extract(NULL));
    CHECK_OK(file_rename(db_path("db"), db_path("db1"), &e), e);
    akin_db *two = db_extract(NULL), *one = NULL;
    CHECK_OK(akin_open(db_path("db1"), NULL, &one, &e), e);
    akin_db *dbs[] = {one, two};
    akin_results *r = NULL;
    CHECK_OK(akin_search(dbs, 2, &(akin_query){.window_id = 5}, NULL, &r, &e),
             e);
    CHECK_EQ_INT(akin_results_count(r), 10);
    const akin_hit *hit = akin_results_at(r, 0);
    CHECK_EQ_INT(hit->db, 1); /* the same window of the other */
    CHECK_EQ_INT(hit->window_id, 5);
    for (size_t i = 1; i + 1 < akin_results_count(r); i += 2) {
        CHECK_EQ_INT(akin_results_at(r, i)->db, 0); /* ties: the first one */
        CHECK_EQ_INT(akin_results_at(r, i)->window_id,
                     akin_results_at(r, i + 1)->window_id);
    }
    akin_results_free(r);
    akin_close(one);
    akin_close(two);
}

static void wrong_questions_are_refused(void)
{
    akin_error e = {0};
    akin_results *r = NULL;
    float v[3] = {1, 2, 3};
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    CHECK_STATUS(akin_search(&db, 1, &(akin_query){0}, NULL, &r, &e),
                 AKIN_EUSAGE);
    CHECK_STATUS(akin_search(&db, 1,
                             &(akin_query){.vectors = v, .n_vectors = 1,
                                           .dim = 3}, NULL, &r, &e),
                 AKIN_EUSAGE);
    CHECK(strstr(e.text, "dimension 3") != NULL);
    CHECK_STATUS(akin_search(&db, 1, &(akin_query){.window_id = 99}, NULL, &r,
                             &e),
                 AKIN_ENOTFOUND);
    CHECK_STATUS(akin_search(&db, 1, &(akin_query){.file = "/none.wav"}, NULL,
                             &r, &e),
                 AKIN_ENOTFOUND);
    akin_search_options opt = {.filter = "recording ~ x"};
    CHECK_STATUS(akin_search(&db, 1, &(akin_query){.window_id = 1}, &opt, &r,
                             &e),
                 AKIN_EUSAGE);
    CHECK(r == NULL);
    akin_close(db);
}

static void clips_and_texts_are_exported(void)
{
    akin_error e = {0};
    akin_export_report report;
    size_t n;
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    file_remove(db_path("rec/a.wav"));
    akin_results *r = search(db, (akin_query){.window_id = 4},
                             (akin_search_options){.k = 6});
    CHECK_OK(akin_export_clips(r, db_path("out"), &report, &e), e);
    CHECK_EQ_INT(report.n_written, 3);
    CHECK_EQ_INT(report.n_failed, 3);
    akin_results_free(r);
    char *text;
    size_t size;
    CHECK_OK(file_read(db_path("out/manifest.csv"), 1 << 20, &text, &size, &e),
             e);
    CHECK(strncmp(text, "file,score,recording,start,end,", 31) == 0);
    CHECK(strstr(text, "_d_20230512_235958_3.0_6.0.wav,") != NULL);
    mem_free(text);
    CHECK_OK(akin_export_embeddings(db, db_path("e.csv"), &n, &e), e);
    CHECK_EQ_INT(n, 7);
    CHECK_OK(akin_export_embeddings(db, db_path("txt"), &n, &e), e);
    CHECK(file_exists(db_path("txt/rec/b/c_0.0_3.0.mel.embeddings.txt")));
    akin_close(db);
}

static void labels_are_added_once_and_found(void)
{
    bool added;
    akin_error e = {0};
    akin_annotation label = {.label = "wren", .by = "test",
                             .type = AKIN_POSITIVE};
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    CHECK_OK(akin_label(db, 2, &label, &added, &e), e);
    CHECK(added);
    CHECK_OK(akin_label(db, 2, &label, &added, &e), e);
    CHECK(!added);
    CHECK_STATUS(akin_label(db, 99, &label, &added, &e), AKIN_ENOTFOUND);
    akin_results *r = search(db, (akin_query){.window_id = 1},
                             (akin_search_options){.filter = "label = wren"});
    CHECK_EQ_INT(akin_results_count(r), 1);
    CHECK_EQ_INT(akin_results_at(r, 0)->n_labels, 1);
    CHECK_EQ_TEXT(akin_results_at(r, 0)->labels[0], "wren");
    akin_results_free(r);
    akin_close(db);
}

const test_case test_search_cases[] = {
    {"search/answers_equal_brute_force", answers_equal_brute_force},
    {"search/a_file_finds_its_own_windows", a_file_finds_its_own_windows},
    {"search/segments_give_the_mean_over_all",
     segments_give_the_mean_over_all},
    {"search/a_window_is_no_answer_to_itself",
     a_window_is_no_answer_to_itself},
    {"search/paging_and_filters_come_before_ranking",
     paging_and_filters_come_before_ranking},
    {"search/several_databases_are_ranked_as_one",
     several_databases_are_ranked_as_one},
    {"search/wrong_questions_are_refused", wrong_questions_are_refused},
    {"search/clips_and_texts_are_exported", clips_and_texts_are_exported},
    {"search/labels_are_added_once_and_found", labels_are_added_once_and_found},
    {0},
};
