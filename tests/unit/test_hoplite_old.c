/* SPDX-License-Identifier: MIT
 * store/hoplite_old: databases of hoplite before 1.0 in their three encodings,
 * names that became numbers, and folders that 1.x has half converted. */
#include "base/memory.h"
#include "store_help.h"
#include "test.h"

static const char old_tables[] =
    "CREATE TABLE hoplite_sources (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " dataset STRING NOT NULL, source STRING NOT NULL);"
    "CREATE TABLE hoplite_embeddings (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " source_idx INTEGER NOT NULL, offsets BLOB NOT NULL,"
    " FOREIGN KEY (source_idx) REFERENCES hoplite_sources(id));"
    "CREATE TABLE hoplite_metadata (key STRING PRIMARY KEY,"
    " data STRING NOT NULL);"
    "CREATE TABLE hoplite_labels (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " embedding_id INTEGER NOT NULL, label STRING NOT NULL, type INT NOT NULL,"
    " provenance STRING NOT NULL,"
    " FOREIGN KEY (embedding_id) REFERENCES embeddings(id));"
    "CREATE UNIQUE INDEX idx_embedding ON hoplite_embeddings(id);"
    "CREATE UNIQUE INDEX source_pairs ON hoplite_sources(dataset, source);"
    "CREATE INDEX embedding_source ON hoplite_embeddings(source_idx);"
    "CREATE INDEX idx_label ON hoplite_labels(embedding_id, label);";

/* 1: (3, 6) float32; 2: (3.5, 6.5) float16; 3: one float32 3.1;
 * 4: one float16 1024; 5: float16 infinity; 6: three bytes; 7: (3, 6) float64;
 * 8: (0, 2^-14) float16. */
static const char old_rows[] =
    "INSERT INTO hoplite_sources (dataset, source) VALUES"
    " ('birds', '/data/a.wav'), (20230512, 20230513), ('1e5', '007'),"
    " ('birds', 'sub\\b.wav');"
    "INSERT INTO hoplite_embeddings (source_idx, offsets) VALUES"
    " (1, x'000040400000c040'), (1, x'00438046'), (2, x'66664640'),"
    " (3, x'0064'), (3, x'007c'), (4, x'010203'),"
    " (4, x'00000000000008400000000000001840'), (4, x'00000004');"
    "INSERT INTO hoplite_labels (embedding_id, label, type, provenance) VALUES"
    " (1, 'wren', 1, 'me'), (1, 42, 0, 'me'), (3, '1e3', 1, 5);";

static void make_old(const char *path, bool birdnet, const char *model)
{
    char sql[512];
    help_sql(path, old_tables);
    help_sql(path, old_rows);
    if (birdnet)
        help_sql(path, "INSERT INTO hoplite_metadata VALUES"
                       " ('birdnet_analyzer_settings', '{\"a\": 1}')");
    if (!model) return;
    snprintf(sql, sizeof sql,
             "INSERT INTO hoplite_metadata VALUES ('model_config', '%s')",
             model);
    help_sql(path, sql);
}

static void check_window(store *s, int64_t id, double start_s, double end_s,
                         bool imprecise)
{
    store_row row;
    akin_error e = {0};
    bool found;
    CHECK_OK(store_get_row(s, id, &found, &row, &e), e);
    CHECK(found);
    CHECK_NEAR(row.window.start_s, start_s, 1e-6);
    CHECK_NEAR(row.window.end_s, end_s, 1e-6);
    CHECK(row.window.imprecise == imprecise);
    store_row_clear(&row);
}

static void birdnets_pairs_are_read(void)
{
    const char *path = help_path("a.sqlite");
    make_old(path, true, NULL);
    store *s = help_open(path, STORE_READ);
    if (!s) return;
    CHECK_EQ_INT(store_get_schema(s), STORE_HOPLITE_OLD);
    check_window(s, 1, 3, 6, false);
    check_window(s, 2, 3.5, 6.5, true);
    check_window(s, 4, 1024, 1029, true);
    check_window(s, 5, 0, 0, true);
    check_window(s, 6, 0, 0, true);
    check_window(s, 7, 3, 6, false);
    check_window(s, 8, 0, 0x1p-14, true);
    store_close(s);
}

static void perchs_starts_get_the_models_length(void)
{
    const char *path = help_path("a.sqlite");
    make_old(path, false,
             "{\"model_key\": \"k\","
             " \"model_config\": {\"window_size_s\": 2.5, \"x\": NaN}}");
    store *s = help_open(path, STORE_READ);
    if (!s) return;
    check_window(s, 1, 3, 6, false);
    check_window(s, 2, 16417.5, 16420, false);
    check_window(s, 3, 3.1, 5.6, false);
    check_window(s, 4, 1024, 1026.5, true);
    store_close(s);
    make_old(help_path("b.sqlite"), false, "no json");
    s = help_open(help_path("b.sqlite"), STORE_READ);
    check_window(s, 3, 3.1, 8.1, false);
    store_close(s);
}

static void names_that_became_numbers_are_texts(void)
{
    const char *path = help_path("a.sqlite");
    store_row row;
    akin_error e = {0};
    bool found;
    int64_t id;
    char *json;
    make_old(path, false, "{}");
    store *s = help_open(path, STORE_READ);
    if (!s) return;
    CHECK_EQ_TEXT(
        help_query(path, "SELECT typeof(source) FROM hoplite_sources"),
        "text|integer|integer|text");
    CHECK_OK(store_get_row(s, 3, &found, &row, &e), e);
    CHECK_EQ_TEXT(row.recording, "20230513");
    CHECK_EQ_TEXT(row.deployment, "20230512");
    CHECK_EQ_TEXT(row.project, "20230512");
    CHECK_EQ_INT(row.n_labels, 1);
    if (row.n_labels) CHECK_EQ_TEXT(row.labels[0], "1000");
    store_row_clear(&row);
    CHECK_OK(store_get_row(s, 4, &found, &row, &e), e);
    CHECK_EQ_TEXT(row.recording, "7");
    CHECK_EQ_TEXT(row.deployment, "100000");
    store_row_clear(&row);
    CHECK_OK(store_get_row(s, 1, &found, &row, &e), e);
    CHECK_EQ_INT(row.n_labels, 2);
    if (row.n_labels == 2) {
        CHECK_EQ_TEXT(row.labels[0], "-42");
        CHECK_EQ_TEXT(row.labels[1], "wren");
    }
    store_row_clear(&row);
    CHECK_OK(store_find_recording(s, "20230513", 2, &id, &e), e);
    CHECK_EQ_INT(id, 2);
    CHECK_OK(store_get_metadata(s, "model_config", &json, &e), e);
    CHECK_EQ_TEXT(json, "{}");
    mem_free(json);
    store_close(s);
}

static akin_status count_problem(void *user, const store_problem *problem,
                                 akin_error *err)
{
    (void)err;
    if (problem->kind == STORE_BAD_OFFSETS) ++*(int *)user;
    return AKIN_OK;
}

static void all_verbs_read_the_old_tables(void)
{
    const char *path = help_path("a.sqlite");
    akin_error e = {0};
    store_counts counts;
    store_window *list;
    size_t n;
    int bad = 0;
    int64_t id;
    make_old(path, true, NULL);
    store *s = help_open(path, STORE_READ);
    if (!s) return;
    CHECK_OK(store_begin_read(s, &e), e);
    CHECK_OK(store_count(s, &counts, &e), e);
    CHECK(counts.deployments == 3 && counts.recordings == 4);
    CHECK(counts.windows == 8 && counts.annotations == 3);
    CHECK(counts.pending == 0 && counts.max_window_id == 8);
    CHECK_EQ_TEXT(help_ids(s, NULL), "1 2 3 4 5 6 7 8");
    CHECK_EQ_TEXT(help_ids(s, "deployment = birds"), "1 2 6 7 8");
    CHECK_EQ_TEXT(help_ids(s, "recording = 'sub/*' and id < 8"), "6 7");
    CHECK_EQ_TEXT(help_ids(s, "recording = 20230513"), "3");
    CHECK_EQ_TEXT(help_ids(s, "label = wren"), "1 2");
    CHECK_EQ_TEXT(help_ids(s, "label = 42"), "");
    CHECK_EQ_TEXT(help_ids(s, "date > 1970 or not time < 06:00"),
                  "1 2 3 4 5 6 7 8");
    CHECK_OK(store_recording_windows(s, 1, &list, &n, &e), e);
    CHECK(n == 2 && list[0].id == 1 && list[1].imprecise);
    mem_free(list);
    CHECK_OK(store_check(s, count_problem, &bad, &e), e);
    CHECK_EQ_INT(bad, 3); /* 3 is read as two float16 here */
    store_end_read(s);
    CHECK_STATUS(store_begin(s, &e), AKIN_EUNSUPPORTED);
    CHECK_STATUS(store_ensure_recording(s, "a", NULL, 0, &id, &e),
                 AKIN_EUNSUPPORTED);
    store_close(s);
}

static void old_databases_are_not_written(void)
{
    const char *path = help_path("a.sqlite");
    akin_error e = {0};
    store *s = NULL;
    make_old(path, true, NULL);
    CHECK_STATUS(store_open(path, STORE_WRITE, 0, &s, &e), AKIN_EUNSUPPORTED);
    CHECK_STATUS(store_open(path, STORE_CREATE, 0, &s, &e), AKIN_EUNSUPPORTED);
    CHECK_EQ_TEXT(help_query(path, "SELECT count(*) FROM sqlite_master"
                                   " WHERE name NOT LIKE 'sqlite%'"), "8");
}

/* What hoplite 1.x leaves of an old database: its own tables beside, but
 * hoplite_metadata is the old one, over which it fails. */
static void mixed_folders_are_old(void)
{
    const char *path = help_path("a.sqlite");
    make_old(path, true, NULL);
    help_sql(path,
             "CREATE TABLE deployments (id INTEGER PRIMARY KEY AUTOINCREMENT,"
             " name TEXT NOT NULL, project TEXT NOT NULL);"
             "CREATE TABLE recordings (id INTEGER PRIMARY KEY AUTOINCREMENT,"
             " filename TEXT NOT NULL, datetime TEXT, deployment_id INTEGER);"
             "CREATE TABLE windows (id INTEGER PRIMARY KEY AUTOINCREMENT,"
             " recording_id INTEGER NOT NULL, offsets FLOAT_LIST NOT NULL);"
             "CREATE TABLE annotations (id INTEGER PRIMARY KEY AUTOINCREMENT,"
             " recording_id INTEGER NOT NULL, offsets FLOAT_LIST NOT NULL,"
             " label TEXT, label_type INTEGER, provenance TEXT);");
    store *s = help_open(path, STORE_READ);
    if (!s) return;
    CHECK_EQ_INT(store_get_schema(s), STORE_HOPLITE_OLD);
    CHECK_EQ_TEXT(help_ids(s, NULL), "1 2 3 4 5 6 7 8");
    check_window(s, 2, 3.5, 6.5, true);
    store_close(s);
}

static void a_new_database_with_old_tables_is_new(void)
{
    const char *path = help_path("a.sqlite");
    store_close(help_open(path, STORE_CREATE));
    help_sql(path, "CREATE TABLE hoplite_embeddings (id INTEGER PRIMARY KEY,"
                   " source_idx INTEGER, offsets BLOB);"
                   "INSERT INTO hoplite_embeddings VALUES (1, 1, x'')");
    store *s = help_open(path, STORE_WRITE);
    if (!s) return;
    CHECK_EQ_INT(store_get_schema(s), STORE_HOPLITE_1);
    CHECK_EQ_TEXT(help_ids(s, NULL), "");
    store_close(s);
}

const test_case test_hoplite_old_cases[] = {
    {"hoplite_old/birdnets_pairs_are_read", birdnets_pairs_are_read},
    {"hoplite_old/perchs_starts_get_the_models_length",
     perchs_starts_get_the_models_length},
    {"hoplite_old/names_that_became_numbers_are_texts",
     names_that_became_numbers_are_texts},
    {"hoplite_old/all_verbs_read_the_old_tables",
     all_verbs_read_the_old_tables},
    {"hoplite_old/old_databases_are_not_written",
     old_databases_are_not_written},
    {"hoplite_old/mixed_folders_are_old", mixed_folders_are_old},
    {"hoplite_old/a_new_database_with_old_tables_is_new",
     a_new_database_with_old_tables_is_new},
    {0},
};
