/* SPDX-License-Identifier: MIT
 * store/store_filter*: what is read, what is refused and where, what passes,
 * and that no text of a user becomes SQL. */
#include "base/memory.h"
#include "store/store_int.h"
#include "store_help.h"
#include "test.h"

static void good_expressions_are_read(void)
{
    static const char *const good[] = {
        "recording = a.wav",
        "RECORDING='*.wav'AND(label=wren OR NOT date<2023)",
        "label = \"it's \"\"quoted\"\"\" and label != 'it''s'",
        "date = 2023 and date != 2023-05 and date <= 2024-02-29",
        "date >= 2023-05-12T06 and date > 2023-05-12T06:00",
        "date < '2023-05-12 06:00:30'",
        "time >= 06:00 and time < 23:59:59",
        "id = -5 or id > 9223372036854775807",
        "not not not id = 1",
        "  project = \xc3\xa4?\n and\tdeployment = *  ",
        "label = ''",
        "label = not",
        "label = (a)", /* but this one */
        "recording = C:\\data\\a.wav;--",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        store_filter *f = NULL;
        akin_error e = {0};
        akin_status status = store_filter_parse(good[i], &f, &e);
        bool brackets = strcmp(good[i], "label = (a)") == 0;
        if ((status == AKIN_OK) == brackets)
            test_fail(__FILE__, __LINE__, "%s: %s", good[i], e.text);
        store_filter_free(f);
    }
}

static void bad_expressions_are_refused_with_their_place(void)
{
    static const char *const bad[][2] = {
        {"", "filter, position 1: expected recording, deployment, project, "
             "date, time, label, class, id, recording_id, 'not' or '(', found the end"},
        {"colour = red", "filter, position 1: expected recording, deployment, "
                         "project, date, time, label, class, id, recording_id, 'not' or '(', found "
                         "'colour'"},
        {"label wren", "filter, position 7: expected one of = != < <= > >=, "
                       "found 'wren'"},
        {"label =", "filter, position 8: expected a value, found the end"},
        {"label = and", "filter, position 9: expected a value, found 'and'"},
        {"label == a", "filter, position 8: expected a value, found '='"},
        {"label ! a", "filter, position 7: '!' needs a '=' behind it"},
        {"label = 'a", "filter, position 9: this quote is not closed"},
        {"label = \xc3\xa4 or (id = 1",
         "filter, position 21: expected 'and', 'or' or ')', found the end"},
        {"id = 1)", "filter, position 7: expected 'and', 'or' or the end, "
                    "found ')'"},
        {"id = 1 id = 2", "filter, position 8: expected 'and', 'or' or the "
                          "end, found 'id'"},
        {"id = 1.5", "filter, position 6: expected a whole number, found "
                     "'1.5'"},
        {"label < a", "filter, position 9: label can only be compared by '=' "
                      "and '!='"},
        {"date = 2023-02-29",
         "filter, position 8: expected a date such as 2023-05-12, 2023-05, "
         "2023 or 2023-05-12T06:00, found '2023-02-29'"},
        {"time = 24:00", "filter, position 8: expected a time of day such as "
                         "06:00, found '24:00'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        store_filter *f = NULL;
        akin_error e = {0};
        CHECK_STATUS(store_filter_parse(bad[i][0], &f, &e), AKIN_EUSAGE);
        CHECK_EQ_TEXT(e.text, bad[i][1]);
        CHECK(f == NULL);
    }
    static const char *const dates[] = {
        "202",           "2023-",         "2023-13",          "2023-00",
        "2023-05-00",    "2023-04-31",    "0000",             "2023-05-12T",
        "2023-05-12T24", "2023-05-12T06:", "2023-05-12T06:60", "20230512",
        "2023-05-12Z",   "2023-05T06:00", "1900-02-29"};
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        store_span span;
        if (store_parse_date(dates[i], &span))
            test_fail(__FILE__, __LINE__, "%s was read", dates[i]);
    }
}

static void bombs_are_refused(void)
{
    enum { N = 70000 };
    char *text = mem_array(N + 1, 1);
    store_filter *f = NULL;
    akin_error e = {0};
    if (!text) return;
    memset(text, '(', N);
    CHECK_STATUS(store_filter_parse(text, &f, &e), AKIN_ELIMIT);
    text[1000] = 0;
    CHECK_STATUS(store_filter_parse(text, &f, &e), AKIN_ELIMIT);
    for (int i = 0; i < 15000; i++) memcpy(text + 4 * i, "not ", 5);
    CHECK_STATUS(store_filter_parse(text, &f, &e), AKIN_ELIMIT);
    for (int i = 0; i < 5000; i++) memcpy(text + 10 * i, "id=1  and ", 11);
    CHECK_STATUS(store_filter_parse(text, &f, &e), AKIN_ELIMIT);
    mem_free(text);
}

/* All that the parser lets through, SQLite must read: 500 parts in a row, and
 * the deepest nest that leans to either side. */
static void the_largest_filters_run(void)
{
    store *s = help_open(help_path("a.sqlite"), STORE_CREATE);
    text_buf flat, left, right;
    text_buf_init(&flat, 1 << 20);
    text_buf_init(&left, 1 << 20);
    text_buf_init(&right, 1 << 20);
    text_buf_puts(&flat, "label = 'a*'");
    for (int i = 1; i < 500; i++)
        text_buf_puts(&flat, i % 7 ? " or label = 'a*'" : " and date = 2023");
    CHECK_EQ_TEXT(help_ids(s, flat.data), "");
    for (int i = 0; i < 19; i++) {
        text_buf_puts(&left, "(");
        text_buf_puts(&right, "id = 7 and (label = x or date = 2023 and ");
        if (i % 2) text_buf_puts(&right, i < 9 ? "id = 1 and (" : "");
    }
    text_buf_puts(&left, "label = x");
    for (int i = 0; i < 19; i++)
        text_buf_puts(&left, i % 2 ? " or id = 3)" : " and date = 2023)");
    CHECK_EQ_TEXT(help_ids(s, left.data), "");
    text_buf_clear(&right);
    text_buf_init(&right, 1 << 20);
    for (int i = 0; i < 19; i++)
        text_buf_puts(&right, i % 2 ? "id = 3 or (" : "not label = z and (");
    text_buf_puts(&right, "label = x");
    for (int i = 0; i < 19; i++) text_buf_puts(&right, ")");
    CHECK_EQ_TEXT(help_ids(s, right.data), "");
    text_buf_clear(&flat);
    text_buf_clear(&left);
    text_buf_clear(&right);
    store_close(s);
}

static void add_label(store *s, int64_t recording_id, double start_s,
                      double end_s, const char *label, store_label_type type)
{
    akin_error e = {0};
    bool added;
    store_annotation a = {.recording_id = recording_id, .start_s = start_s,
                          .end_s = end_s, .label = label, .provenance = "me",
                          .type = type};
    CHECK_OK(store_add_annotation(s, &a, &added, &e), e);
}

/* Windows 1 and 2 of x/a.wav (23:59:57 on the last day of February), 3 and 4
 * of x/b.wav (no date), 5 and 6 of c[1].wav (leap day, with a zone) at
 * 06:00:00.5. */
static store *make_birds(void)
{
    store *s = help_open(help_path("birds.sqlite"), STORE_CREATE);
    akin_error e = {0};
    int64_t d, f, a, b, c;
    CHECK_OK(store_begin(s, &e), e);
    CHECK_OK(store_ensure_deployment(s, "marsh", "spring", &d, &e), e);
    CHECK_OK(store_ensure_deployment(s, "forest", "autumn", &f, &e), e);
    CHECK_OK(store_ensure_recording(s, "x/a.wav", "2023-02-28T23:59:57", d, &a,
                                    &e), e);
    CHECK_OK(store_ensure_recording(s, "x/b.wav", NULL, 0, &b, &e), e);
    CHECK_OK(store_ensure_recording(s, "c[1].wav",
                                    "2024-02-29T06:00:00.500000+02:00", f, &c,
                                    &e), e);
    help_add_window(s, a, 0, 3);
    help_add_window(s, a, 2.9999999999, 6);
    help_add_window(s, b, 0, 3);
    help_add_window(s, b, 3, 6);
    help_add_window(s, c, 0, 3);
    help_add_window(s, c, 86400, 86403);
    add_label(s, a, 3, 4, "wren", STORE_POSITIVE);
    add_label(s, a, 0, 3, "owl", STORE_NEGATIVE);
    add_label(s, b, 2.5, 3.5, "wren", STORE_POSITIVE);
    add_label(s, c, 0, 3, "' OR 1=1 --", STORE_UNCERTAIN);
    add_label(s, c, 0, 3, "owl", STORE_POSITIVE);
    CHECK_OK(store_commit(s, &e), e);
    return s;
}

static void names_are_matched(void)
{
    store *s = make_birds();
    CHECK_EQ_TEXT(help_ids(s, "recording = x/a.wav"), "1 2");
    CHECK_EQ_TEXT(help_ids(s, "recording != x/a.wav"), "3 4 5 6");
    CHECK_EQ_TEXT(help_ids(s, "recording = 'x*'"), "1 2 3 4");
    CHECK_EQ_TEXT(help_ids(s, "recording = x/?.wav"), "1 2 3 4");
    CHECK_EQ_TEXT(help_ids(s, "recording = x"), "");
    CHECK_EQ_TEXT(help_ids(s, "recording = 'c[1]*'"), "5 6");
    CHECK_EQ_TEXT(help_ids(s, "deployment = marsh"), "1 2");
    CHECK_EQ_TEXT(help_ids(s, "deployment != marsh"), "3 4 5 6");
    CHECK_EQ_TEXT(help_ids(s, "project = '*n*' and not deployment = f*"),
                  "1 2");
    CHECK_EQ_TEXT(help_ids(s, "id >= 2 and id != 4 and id < 6"), "2 3 5");
    CHECK_EQ_TEXT(help_ids(s, "id = 1 or id = 2 and id = 3"), "1");
    CHECK_EQ_TEXT(help_ids(s, "(id = 1 or id = 2) and id <= 2"), "1 2");
    store_close(s);
}

static void labels_are_those_that_overlap(void)
{
    store *s = make_birds();
    CHECK_EQ_TEXT(help_ids(s, "label = wren"), "2 3 4");
    CHECK_EQ_TEXT(help_ids(s, "label != wren"), "1 5 6");
    CHECK_EQ_TEXT(help_ids(s, "label = owl"), "5");
    CHECK_EQ_TEXT(help_ids(s, "label = '*'"), "2 3 4 5");
    CHECK_EQ_TEXT(help_ids(s, "not label = '*'"), "1 6");
    CHECK_EQ_TEXT(help_ids(s, "label = w??n and recording = x/a.wav"), "2");
    store_close(s);
}

static void dates_move_with_the_window(void)
{
    store *s = make_birds();
    CHECK_EQ_TEXT(help_ids(s, "date = 2023-02-28"), "1");
    CHECK_EQ_TEXT(help_ids(s, "date = 2023-03-01"), "2");
    CHECK_EQ_TEXT(help_ids(s, "date = 2023-02"), "1");
    CHECK_EQ_TEXT(help_ids(s, "date = 2023"), "1 2");
    CHECK_EQ_TEXT(help_ids(s, "date != 2023"), "3 4 5 6");
    CHECK_EQ_TEXT(help_ids(s, "not date = 2023"), "3 4 5 6");
    CHECK_EQ_TEXT(help_ids(s, "date = 2024-02"), "5");
    CHECK_EQ_TEXT(help_ids(s, "date = 2024-02-29"), "5");
    CHECK_EQ_TEXT(help_ids(s, "date > 2024-02-29"), "6");
    CHECK_EQ_TEXT(help_ids(s, "date >= 2024-02-29"), "5 6");
    CHECK_EQ_TEXT(help_ids(s, "date < 2023-03"), "1");
    CHECK_EQ_TEXT(help_ids(s, "date <= 2023-03"), "1 2");
    CHECK_EQ_TEXT(help_ids(s, "date = 2024-02-29T06:00"), "5");
    CHECK_EQ_TEXT(help_ids(s, "date = 2024-02-29T06:01"), "");
    CHECK_EQ_TEXT(help_ids(s, "date >= 2023-02 and date < 2023-03"), "1");
    store_close(s);
}

/* A file's known duration narrows the search and must not lose a window. */
static void durations_narrow_the_dates(void)
{
    store *s = make_birds();
    akin_error e = {0};
    store_file file = {1, 1, 6, 2, true};
    CHECK_OK(store_set_file(s, 1, &file, &e), e);
    CHECK_EQ_TEXT(help_ids(s, "date >= 2023-03-01"), "2 5 6");
    CHECK_EQ_TEXT(help_ids(s, "date = 2023-03-01"), "2");
    file.complete = false;
    file.duration_s = 0.1;
    CHECK_OK(store_set_file(s, 1, &file, &e), e);
    CHECK_EQ_TEXT(help_ids(s, "date = 2023-03-01"), "2");
    store_close(s);
}

static void times_are_of_the_day(void)
{
    store *s = make_birds();
    CHECK_EQ_TEXT(help_ids(s, "time = 23:59"), "1");
    CHECK_EQ_TEXT(help_ids(s, "time = 00:00"), "2");
    CHECK_EQ_TEXT(help_ids(s, "time >= 06:00 and time < 07:00"), "5 6");
    CHECK_EQ_TEXT(help_ids(s, "time > 06:00"), "1");
    CHECK_EQ_TEXT(help_ids(s, "time <= 06:00:00"), "2 5 6");
    CHECK_EQ_TEXT(help_ids(s, "time != 23:59"), "2 3 4 5 6");
    CHECK_EQ_TEXT(help_ids(s, "time = 06"), "5 6");
    store_close(s);
}

static void injections_stay_values(void)
{
    static const char *const attempts[] = {
        "label = ''' OR 1=1 --'",
        "recording = '); DROP TABLE windows; --'",
        "deployment = \"x' OR 'a'='a\"",
        "project = '?1'",
        "label = '@'",
        "label = ') OR EXISTS (SELECT 1'",
    };
    store *s = make_birds();
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        CHECK_EQ_TEXT(help_ids(s, attempts[i]), "");
    CHECK_EQ_TEXT(help_ids(s, NULL), "1 2 3 4 5 6");
    store_close(s);
}

static const char *plan_of(store *s, const char *text)
{
    static char out[2048];
    store_filter *f = NULL;
    store_query query = {0};
    akin_error e = {0};
    char sql[4096];
    sqlite3_stmt *q = NULL;
    out[0] = 0;
    CHECK_OK(store_filter_parse(text, &f, &e), e);
    CHECK_OK(store_filter_compile(f, &(store_tables){true, true}, &query, &e), e);
    snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", query.sql.data);
    sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
    while (q && sqlite3_step(q) == SQLITE_ROW) {
        size_t used = strlen(out);
        snprintf(out + used, sizeof out - used, "%s; ",
                 (const char *)sqlite3_column_text(q, 3));
    }
    sqlite3_finalize(q);
    store_query_clear(&query);
    store_filter_free(f);
    return out;
}

static void filters_use_the_indexes(void)
{
    static const char *const by_recording[] = {
        "date = 2023-05",  "recording = 'x*'", "deployment = marsh",
        "project = sp*",   "label = wren",     "label = w* and time > 06:00",
        "date > 2023 and date < 2024 and not label = wren",
    };
    store *s = make_birds();
    for (size_t i = 0; i < sizeof by_recording / sizeof *by_recording; i++) {
        const char *plan = plan_of(s, by_recording[i]);
        if (!strstr(plan, "SEARCH w USING INDEX idx_windows_recording_id "
                          "(recording_id=?)"))
            test_fail(__FILE__, __LINE__, "%s: %s", by_recording[i], plan);
    }
    CHECK(strstr(plan_of(s, "deployment = marsh"),
                 "idx_recordings_deployment_id") != NULL);
    CHECK(strstr(plan_of(s, "label = wren"), "SEARCH a USING COVERING INDEX "
                                             "idx_annotations") != NULL);
    CHECK(strstr(plan_of(s, "id > 5"), "SEARCH w USING INTEGER PRIMARY KEY") !=
          NULL);
    store_close(s);
}

const test_case test_store_filter_cases[] = {
    {"store_filter/good_expressions_are_read", good_expressions_are_read},
    {"store_filter/bad_expressions_are_refused_with_their_place",
     bad_expressions_are_refused_with_their_place},
    {"store_filter/bombs_are_refused", bombs_are_refused},
    {"store_filter/the_largest_filters_run", the_largest_filters_run},
    {"store_filter/names_are_matched", names_are_matched},
    {"store_filter/labels_are_those_that_overlap",
     labels_are_those_that_overlap},
    {"store_filter/dates_move_with_the_window", dates_move_with_the_window},
    {"store_filter/durations_narrow_the_dates", durations_narrow_the_dates},
    {"store_filter/times_are_of_the_day", times_are_of_the_day},
    {"store_filter/injections_stay_values", injections_stay_values},
    {"store_filter/filters_use_the_indexes", filters_use_the_indexes},
    {0},
};
