/* SPDX-License-Identifier: MIT
 * store/hoplite*: the 1.x schema to the letter, what is written is read, ids
 * are never used twice, equal rows are found equal. */
#include <math.h>

#include "base/memory.h"
#include "store_help.h"
#include "test.h"

/* What perch-hoplite 1.0.2 makes, with its white space reduced. */
static const char *const hoplite_tables[][2] = {
    {"hoplite_metadata", "key TEXT PRIMARY KEY, value TEXT NOT NULL"},
    {"deployments",
     "id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, project TEXT "
     "NOT NULL, latitude REAL, longitude REAL, UNIQUE (name, project)"},
    {"recordings",
     "id INTEGER PRIMARY KEY AUTOINCREMENT, filename TEXT NOT NULL, datetime "
     "TEXT, deployment_id INTEGER REFERENCES deployments(id) ON DELETE "
     "CASCADE, UNIQUE (id, deployment_id), UNIQUE (filename, deployment_id)"},
    {"windows",
     "id INTEGER PRIMARY KEY AUTOINCREMENT, recording_id INTEGER NOT NULL "
     "REFERENCES recordings(id) ON DELETE CASCADE, offsets FLOAT_LIST NOT "
     "NULL, UNIQUE (id, recording_id, offsets)"},
    {"annotations",
     "id INTEGER PRIMARY KEY AUTOINCREMENT, recording_id INTEGER NOT NULL "
     "REFERENCES recordings(id) ON DELETE CASCADE, offsets FLOAT_LIST NOT "
     "NULL, label TEXT NOT NULL, label_type INTEGER NOT NULL, provenance TEXT "
     "NOT NULL, UNIQUE (id, recording_id, offsets)"},
};

static const char *const hoplite_indexes[][2] = {
    {"idx_annotations",
     "annotations(recording_id, offsets, label, label_type, provenance)"},
    {"idx_labels", "annotations(label, label_type, provenance)"},
    {"idx_recordings_deployment_id", "recordings(deployment_id)"},
    {"idx_windows_recording_id", "windows(recording_id)"},
};

/* Without white space behind brackets and in runs. */
static const char *squeezed(const char *sql)
{
    static char out[2048];
    size_t n = 0;
    for (const char *p = sql; *p && n + 1 < sizeof out; p++) {
        bool blank = *p == ' ' || *p == '\n';
        if (blank && (n == 0 || out[n - 1] == ' ' || out[n - 1] == '('))
            continue;
        out[n++] = blank ? ' ' : *p;
    }
    out[n] = 0;
    return out;
}

static const char *statement_of(const char *path, const char *name)
{
    char sql[256];
    snprintf(sql, sizeof sql, "SELECT sql FROM sqlite_master WHERE name = '%s'",
             name);
    return squeezed(help_query(path, sql));
}

static void the_schema_is_hoplites(void)
{
    const char *path = help_path("a.sqlite");
    char wanted[2048];
    store_close(help_open(path, STORE_CREATE));
    for (size_t i = 0; i < sizeof hoplite_tables / sizeof *hoplite_tables;
         i++) {
        snprintf(wanted, sizeof wanted, "CREATE TABLE %s (%s)",
                 hoplite_tables[i][0], hoplite_tables[i][1]);
        CHECK_EQ_TEXT(statement_of(path, hoplite_tables[i][0]), wanted);
    }
    for (size_t i = 0; i < sizeof hoplite_indexes / sizeof *hoplite_indexes;
         i++) {
        snprintf(wanted, sizeof wanted, "CREATE INDEX %s ON %s",
                 hoplite_indexes[i][0], hoplite_indexes[i][1]);
        CHECK_EQ_TEXT(statement_of(path, hoplite_indexes[i][0]), wanted);
    }
    CHECK_EQ_TEXT(help_query(path, "SELECT group_concat(name || ':' || type) "
                                   "FROM pragma_table_info('windows')"),
                  "id:INTEGER,recording_id:INTEGER,offsets:FLOAT_LIST");
    CHECK_EQ_TEXT(
        help_query(path, "SELECT name FROM sqlite_master WHERE type = 'table'"
                         " AND name LIKE 'akin%' ORDER BY name"),
        "akin_files|akin_pending");
    CHECK_EQ_TEXT(help_query(path, "PRAGMA journal_mode"), "wal");
}

static void metadata_is_kept_as_text(void)
{
    store *s = help_open(help_path("a.sqlite"), STORE_CREATE);
    akin_error e = {0};
    char *json = NULL;
    CHECK_OK(store_get_metadata(s, "k", &json, &e), e);
    CHECK(json == NULL);
    CHECK_OK(store_set_metadata(s, "k", "{\"a\": NaN}", &e), e);
    CHECK_OK(store_set_metadata(s, "k", "{\"a\": NaN, \"b\": 1}", &e), e);
    CHECK_OK(store_get_metadata(s, "k", &json, &e), e);
    CHECK_EQ_TEXT(json, "{\"a\": NaN, \"b\": 1}");
    mem_free(json);
    store_close(s);
}

static void rows_are_ensured_once(void)
{
    store *s = help_open(help_path("a.sqlite"), STORE_CREATE);
    akin_error e = {0};
    int64_t d1, d2, d3, r1, r2, r3, none;
    CHECK_OK(store_ensure_deployment(s, "d", "p", &d1, &e), e);
    CHECK_OK(store_ensure_deployment(s, "d", "q", &d2, &e), e);
    CHECK_OK(store_ensure_deployment(s, "d", "p", &d3, &e), e);
    CHECK(d1 == d3 && d1 != d2);
    CHECK_OK(store_ensure_recording(s, "x/ä.wav", NULL, d1, &r1, &e), e);
    CHECK_OK(store_ensure_recording(s, "x/ä.wav", "2023-05-12T06:00:00", d1,
                                    &r2, &e), e);
    CHECK_OK(store_ensure_recording(s, "x/ä.wav", NULL, d2, &r3, &e), e);
    CHECK(r1 == r2 && r1 != r3);
    CHECK_OK(store_ensure_recording(s, "x/ä.wav", "2024-01-01T00:00:00", d1,
                                    &r2, &e), e);
    CHECK_EQ_TEXT(help_query(help_path("a.sqlite"),
                             "SELECT datetime FROM recordings"),
                  "2023-05-12T06:00:00|null");
    CHECK_STATUS(store_ensure_recording(s, "y", "yesterday", d1, &r2, &e),
                 AKIN_EUSAGE);
    CHECK_OK(store_find_recording(s, "y", d1, &none, &e), e);
    CHECK_EQ_INT(none, 0);
    /* Without a deployment SQL's UNIQUE would let twins in. */
    CHECK_OK(store_ensure_recording(s, "z", NULL, 0, &r1, &e), e);
    CHECK_OK(store_ensure_recording(s, "z", NULL, 0, &r2, &e), e);
    CHECK_EQ_INT(r1, r2);
    CHECK_STATUS(store_ensure_recording(s, "w", NULL, 999, &r2, &e),
                 AKIN_ENOTFOUND);
    store_close(s);
}

static void windows_names_match_backslashes(void)
{
    const char *path = help_path("a.sqlite");
    store *s = help_open(path, STORE_CREATE);
    akin_error e = {0};
    int64_t id;
    bool found;
    store_row row;
    help_sql(path, "INSERT INTO recordings (filename) VALUES ('in\\a.wav');"
                   "INSERT INTO windows (recording_id, offsets)"
                   " VALUES (1, zeroblob(16))");
    CHECK_OK(store_find_recording(s, "in/a.wav", 0, &id, &e), e);
    CHECK_EQ_INT(id, 1);
    CHECK_OK(store_get_row(s, 1, &found, &row, &e), e);
    CHECK(found);
    CHECK_EQ_TEXT(row.recording, "in/a.wav");
    CHECK(!row.deployment && !row.project && !row.datetime);
    store_row_clear(&row);
    CHECK_EQ_TEXT(help_ids(s, "recording = in/a.wav"), "1");
    CHECK_EQ_TEXT(help_ids(s, "recording = 'in\\a*'"), "1");
    store_close(s);
}

static void files_are_noted(void)
{
    store *s = help_open(help_path("a.sqlite"), STORE_CREATE);
    akin_error e = {0};
    store_file file = {5, INT64_C(1700000000123456789), 3.5, 2, true}, back;
    bool found;
    CHECK_OK(store_get_file(s, 7, &found, &back, &e), e);
    CHECK(!found);
    CHECK_OK(store_set_file(s, 7, &file, &e), e);
    file.n_windows = 3;
    CHECK_OK(store_set_file(s, 7, &file, &e), e);
    CHECK_OK(store_get_file(s, 7, &found, &back, &e), e);
    CHECK(found && back.complete && back.n_windows == 3);
    CHECK(back.size_bytes == 5 && back.mtime_ns == file.mtime_ns);
    CHECK_NEAR(back.duration_s, 3.5, 0);
    store_close(s);
}

static void windows_come_back_with_all_that_is_theirs(void)
{
    const char *path = help_path("a.sqlite");
    store *s = help_open(path, STORE_CREATE);
    akin_error e = {0};
    int64_t d, r;
    bool found, added;
    store_row row;
    CHECK_OK(store_begin(s, &e), e);
    CHECK_OK(store_ensure_deployment(s, "d", "p", &d, &e), e);
    CHECK_OK(store_ensure_recording(s, "a.wav", "2023-05-12T06:00:00", d, &r,
                                    &e), e);
    int64_t w1 = help_add_window(s, r, 3, 6), w2 = help_add_window(s, r, 0, 3);
    store_annotation labels[] = {
        {.recording_id = r, .start_s = 2.5, .end_s = 3.5, .label = "wren",
         .provenance = "a", .type = STORE_POSITIVE},
        {.recording_id = r, .start_s = 2.5, .end_s = 3.4, .label = "wren",
         .provenance = "a", .type = STORE_POSITIVE},
        {.recording_id = r, .start_s = 3, .end_s = 6, .label = "owl",
         .provenance = "a", .type = STORE_NEGATIVE},
        {.recording_id = r, .start_s = 3, .end_s = 6, .label = "jay",
         .provenance = "a", .type = STORE_UNCERTAIN},
    };
    for (size_t i = 0; i < 4; i++) {
        CHECK_OK(store_add_annotation(s, &labels[i], &added, &e), e);
        CHECK(added);
    }
    CHECK_OK(store_commit(s, &e), e);
    CHECK_OK(store_get_row(s, w1, &found, &row, &e), e);
    CHECK(found && row.window.id == w1 && row.window.recording_id == r);
    CHECK(row.window.start_s == 3 && row.window.end_s == 6);
    CHECK(!row.window.imprecise);
    CHECK_EQ_TEXT(row.recording, "a.wav");
    CHECK_EQ_TEXT(row.datetime, "2023-05-12T06:00:00");
    CHECK_EQ_TEXT(row.deployment, "d");
    CHECK_EQ_TEXT(row.project, "p");
    CHECK_EQ_INT(row.n_labels, 3);
    CHECK_EQ_TEXT(row.labels[0], "-owl");
    CHECK_EQ_TEXT(row.labels[1], "?jay");
    CHECK_EQ_TEXT(row.labels[2], "wren");
    store_row_clear(&row);
    CHECK_OK(store_get_row(s, w2, &found, &row, &e), e);
    CHECK_EQ_INT(row.n_labels, 1);
    store_row_clear(&row);
    CHECK_OK(store_get_row(s, 99, &found, &row, &e), e);
    CHECK(!found);
    store_window *list;
    size_t n;
    CHECK_OK(store_recording_windows(s, r, &list, &n, &e), e);
    CHECK(n == 2 && list[0].id == w2 && list[1].id == w1);
    mem_free(list);
    CHECK_EQ_TEXT(help_query(path, "SELECT hex(offsets) FROM windows"),
                  "00000000000008400000000000001840|"
                  "00000000000000000000000000000840");
    store_close(s);
}

static void the_label_of_a_still_image_is_its_windows(void)
{
    store *s = help_open(help_path("a.sqlite"), STORE_CREATE);
    akin_error e = {0};
    int64_t r;
    bool found, added;
    store_row row;
    CHECK_OK(store_begin(s, &e), e);
    CHECK_OK(store_ensure_recording(s, "a.png", NULL, 0, &r, &e), e);
    int64_t w = help_add_window(s, r, 0, 0);
    store_annotation label = {.recording_id = r, .label = "cat",
                              .provenance = "me", .type = STORE_POSITIVE};
    CHECK_OK(store_add_annotation(s, &label, &added, &e), e);
    CHECK_OK(store_commit(s, &e), e);
    CHECK_OK(store_get_row(s, w, &found, &row, &e), e);
    CHECK_EQ_INT(row.n_labels, 1);
    store_row_clear(&row);
    CHECK_EQ_TEXT(help_ids(s, "label = cat"), "1");
    store_close(s);
}

static void ids_are_never_used_twice(void)
{
    store *s = help_open(help_path("a.sqlite"), STORE_CREATE);
    akin_error e = {0};
    int64_t r;
    store_counts counts;
    CHECK_OK(store_begin(s, &e), e);
    CHECK_OK(store_ensure_recording(s, "a", NULL, 0, &r, &e), e);
    help_add_window(s, r, 0, 3);
    int64_t last = help_add_window(s, r, 3, 6);
    CHECK_OK(store_remove_window(s, last, &e), e);
    CHECK_STATUS(store_remove_window(s, last, &e), AKIN_ENOTFOUND);
    CHECK_EQ_INT(help_add_window(s, r, 3, 6), last + 1);
    CHECK_OK(store_commit(s, &e), e);
    CHECK_OK(store_count(s, &counts, &e), e);
    CHECK(counts.windows == 2 && counts.pending == 2);
    CHECK_EQ_INT(counts.max_window_id, last + 1);
    store_close(s);
}

static akin_status sum_pending(void *user, int64_t id, const void *vector,
                               size_t n_bytes, akin_error *err)
{
    double start;
    (void)err;
    CHECK_EQ_INT(n_bytes, sizeof start);
    memcpy(&start, vector, sizeof start);
    *(double *)user += (double)id * 100 + start;
    return AKIN_OK;
}

static void pending_vectors_come_back(void)
{
    const char *path = help_path("a.sqlite");
    store *s = help_open(path, STORE_CREATE);
    akin_error e = {0};
    int64_t r;
    double sum = 0, other = 42;
    CHECK_OK(store_begin(s, &e), e);
    CHECK_OK(store_ensure_recording(s, "a", NULL, 0, &r, &e), e);
    help_add_window(s, r, 0, 3);
    help_add_window(s, r, 3, 6);
    CHECK_OK(store_commit(s, &e), e);
    CHECK_OK(store_each_pending(s, sum_pending, &sum, &e), e);
    CHECK_NEAR(sum, 303, 0);
    CHECK_OK(store_put_pending(s, 2, &other, sizeof other, &e), e);
    /* A window that hoplite removed leaves a vector that is nobody's. */
    help_sql(path, "DELETE FROM windows WHERE id = 1");
    sum = 0;
    CHECK_OK(store_each_pending(s, sum_pending, &sum, &e), e);
    CHECK_NEAR(sum, 242, 0);
    help_sql(path, "UPDATE akin_pending SET vector = 'text'");
    CHECK_STATUS(store_each_pending(s, sum_pending, &sum, &e), AKIN_ECORRUPT);
    CHECK_OK(store_clear_pending(s, &e), e);
    CHECK_EQ_TEXT(help_query(path, "SELECT count(*) FROM akin_pending"), "0");
    store_close(s);
}

static akin_status count_annotation(void *user, const store_annotation *a,
                                    akin_error *err)
{
    (void)err;
    *(int *)user += (int)a->type + (int)strlen(a->label);
    return AKIN_OK;
}

static void equal_annotations_are_left_alone(void)
{
    store *s = help_open(help_path("a.sqlite"), STORE_CREATE);
    akin_error e = {0};
    int64_t r;
    bool added;
    int sum = 0;
    CHECK_OK(store_ensure_recording(s, "a", NULL, 0, &r, &e), e);
    store_annotation a = {.recording_id = r, .start_s = 1, .end_s = 2,
                          .label = "wren", .provenance = "me",
                          .type = STORE_POSITIVE};
    CHECK_OK(store_add_annotation(s, &a, &added, &e), e);
    CHECK(added);
    a.start_s = 1 + 5e-7;
    CHECK_OK(store_add_annotation(s, &a, &added, &e), e);
    CHECK(!added);
    a.start_s = 1 + 5e-6;
    CHECK_OK(store_add_annotation(s, &a, &added, &e), e);
    CHECK(added);
    a.type = STORE_NEGATIVE;
    CHECK_OK(store_add_annotation(s, &a, &added, &e), e);
    CHECK(added);
    a.provenance = "you";
    CHECK_OK(store_add_annotation(s, &a, &added, &e), e);
    CHECK(added);
    CHECK_OK(store_each_annotation(s, count_annotation, &sum, &e), e);
    CHECK_EQ_INT(sum, 4 * 4 + 2);
    a.end_s = 0.5;
    CHECK_STATUS(store_add_annotation(s, &a, &added, &e), AKIN_EUSAGE);
    a.end_s = 3;
    a.recording_id = 99;
    CHECK_STATUS(store_add_annotation(s, &a, &added, &e), AKIN_ENOTFOUND);
    store_close(s);
}

static void rows_go_with_their_parents(void)
{
    const char *path = help_path("a.sqlite");
    store *s = help_open(path, STORE_CREATE);
    akin_error e = {0};
    int64_t d, r;
    CHECK_OK(store_begin(s, &e), e);
    CHECK_OK(store_ensure_deployment(s, "d", "p", &d, &e), e);
    CHECK_OK(store_ensure_recording(s, "a", NULL, d, &r, &e), e);
    help_add_window(s, r, 0, 3);
    CHECK_OK(store_commit(s, &e), e);
    help_sql(path, "PRAGMA foreign_keys = ON; DELETE FROM deployments");
    CHECK_EQ_TEXT(help_ids(s, NULL), "");
    store_close(s);
}

static void odd_values_are_survived(void)
{
    const char *path = help_path("a.sqlite");
    store *s = help_open(path, STORE_CREATE);
    akin_error e = {0};
    bool found;
    store_row row;
    int sum = 0;
    help_sql(path,
             "INSERT INTO recordings (filename) VALUES (x'ff41');"
             "INSERT INTO windows (recording_id, offsets) VALUES"
             " (1, x''), (1, zeroblob(8)), (1, zeroblob(24)), (1, 'text'),"
             " (1, x'000000000000f87f000000000000f87f'), ('odd', 3.5),"
             " (1, x'00000000000008400000000000000000');"
             "INSERT INTO annotations"
             " (recording_id, offsets, label, label_type, provenance)"
             " VALUES (1, 7, x'00', 9, 5), (1, x'', '', 'x', '')");
    CHECK_EQ_TEXT(help_ids(s, NULL), "1 2 3 4 5 6 7");
    for (int64_t id = 1; id <= 7; id++) {
        CHECK_OK(store_get_row(s, id, &found, &row, &e), e);
        CHECK(found && row.window.start_s == 0 && row.window.end_s == 0);
        CHECK(row.window.imprecise == (id != 2 && id != 3));
        CHECK_EQ_TEXT(row.recording, id == 6 ? "" : "\xff" "A");
        store_row_clear(&row);
    }
    CHECK_OK(store_each_annotation(s, count_annotation, &sum, &e), e);
    store_window bad[] = {{.start_s = 3, .end_s = 2},
                          {.start_s = -1, .end_s = 2},
                          {.start_s = NAN, .end_s = 2},
                          {.start_s = 1, .end_s = INFINITY}};
    CHECK_OK(store_begin(s, &e), e);
    for (size_t i = 0; i < 4; i++) {
        int64_t id;
        bad[i].recording_id = 1;
        CHECK_STATUS(store_add_window(s, &bad[i], "x", 1, &id, &e),
                     AKIN_EUSAGE);
    }
    store_close(s);
}

const test_case test_hoplite_cases[] = {
    {"hoplite/the_schema_is_hoplites", the_schema_is_hoplites},
    {"hoplite/metadata_is_kept_as_text", metadata_is_kept_as_text},
    {"hoplite/rows_are_ensured_once", rows_are_ensured_once},
    {"hoplite/windows_names_match_backslashes",
     windows_names_match_backslashes},
    {"hoplite/files_are_noted", files_are_noted},
    {"hoplite/windows_come_back_with_all_that_is_theirs",
     windows_come_back_with_all_that_is_theirs},
    {"hoplite/the_label_of_a_still_image_is_its_windows",
     the_label_of_a_still_image_is_its_windows},
    {"hoplite/ids_are_never_used_twice", ids_are_never_used_twice},
    {"hoplite/pending_vectors_come_back", pending_vectors_come_back},
    {"hoplite/equal_annotations_are_left_alone",
     equal_annotations_are_left_alone},
    {"hoplite/rows_go_with_their_parents", rows_go_with_their_parents},
    {"hoplite/odd_values_are_survived", odd_values_are_survived},
    {0},
};
