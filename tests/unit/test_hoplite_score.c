/* SPDX-License-Identifier: MIT
 * store/hoplite_score: what a model said of windows, kept, found, removed. */
#include "store_help.h"
#include "test.h"

static int64_t recording(store *s)
{
    akin_error e = {0};
    int64_t deployment, id;
    CHECK_OK(store_ensure_deployment(s, "d", "p", &deployment, &e), e);
    CHECK_OK(store_ensure_recording(s, "a.wav", NULL, deployment, &id, &e), e);
    return id;
}

/* Windows 1 to 3, of which 1 and 2 have scores. */
static store *with_scores(const char *name)
{
    akin_error e = {0};
    store *s = help_open(help_path(name), STORE_CREATE);
    int64_t wren, owl, again;
    CHECK_OK(store_begin(s, &e), e);
    int64_t r = recording(s);
    for (int i = 0; i < 3; i++) help_add_window(s, r, 3 * i, 3 * i + 3);
    CHECK_OK(store_need_scores(s, &e), e);
    CHECK_OK(store_ensure_class(s, "wren", &wren, &e), e);
    CHECK_OK(store_ensure_class(s, "tawny owl", &owl, &e), e);
    CHECK_OK(store_ensure_class(s, "wren", &again, &e), e);
    CHECK_EQ_INT(again, wren);
    CHECK_OK(store_add_score(s, 1, wren, 0.25, &e), e);
    CHECK_OK(store_add_score(s, 1, owl, 0.75, &e), e);
    CHECK_OK(store_add_score(s, 2, wren, 0.5, &e), e);
    CHECK_OK(store_commit(s, &e), e);
    return s;
}

static void the_best_comes_first(void)
{
    akin_error e = {0};
    bool found;
    store_row row;
    store_counts counts;
    store *s = with_scores("scores.sqlite");
    CHECK_OK(store_get_row(s, 1, &found, &row, &e), e);
    CHECK_EQ_INT(row.n_scores, 2);
    CHECK_EQ_TEXT(row.scores[0].name, "tawny owl");
    CHECK_NEAR(row.scores[0].score, 0.75, 0);
    CHECK_EQ_TEXT(row.scores[1].name, "wren");
    CHECK_EQ_INT(row.n_labels, 0);
    store_row_clear(&row);
    CHECK_OK(store_get_row(s, 3, &found, &row, &e), e);
    CHECK_EQ_INT(row.n_scores, 0);
    store_row_clear(&row);
    CHECK_OK(store_count(s, &counts, &e), e);
    CHECK_EQ_INT(counts.scores, 3);
    store_close(s);
}

static void filters_see_classes(void)
{
    store *s = with_scores("scores.sqlite");
    CHECK_EQ_TEXT(help_ids(s, "class = wren"), "1 2");
    CHECK_EQ_TEXT(help_ids(s, "class = '*owl'"), "1");
    CHECK_EQ_TEXT(help_ids(s, "class != wren"), "3");
    CHECK_EQ_TEXT(help_ids(s, "class = wren and not class = '*owl'"), "2");
    store_close(s);
    s = help_open(help_path("without.sqlite"), STORE_CREATE);
    akin_error e = {0};
    CHECK_OK(store_begin(s, &e), e);
    help_add_window(s, recording(s), 0, 3);
    CHECK_OK(store_commit(s, &e), e);
    CHECK_EQ_TEXT(help_ids(s, "class = wren"), "");
    CHECK_EQ_TEXT(help_ids(s, "class != wren"), "1");
    store_close(s);
}

static void a_window_takes_its_scores_with_it(void)
{
    akin_error e = {0};
    store_counts counts;
    store *s = with_scores("scores.sqlite");
    CHECK_OK(store_begin(s, &e), e);
    CHECK_OK(store_remove_window(s, 1, &e), e);
    CHECK_OK(store_commit(s, &e), e);
    CHECK_OK(store_count(s, &counts, &e), e);
    CHECK_EQ_INT(counts.scores, 1);
    store_close(s);
    CHECK_EQ_TEXT(help_query(help_path("scores.sqlite"),
                             "SELECT window_id FROM akin_scores"),
                  "2");
}

const test_case test_hoplite_score_cases[] = {
    {"hoplite_score/the_best_comes_first", the_best_comes_first},
    {"hoplite_score/filters_see_classes", filters_see_classes},
    {"hoplite_score/a_window_takes_its_scores_with_it",
     a_window_takes_its_scores_with_it},
    {0},
};
