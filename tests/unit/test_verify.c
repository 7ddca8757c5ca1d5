/* SPDX-License-Identifier: MIT
 * engine/verify: each kind of damage is found, and mended only when asked. */
#include <sqlite3.h>

#include "akin/akin.h"
#include "base/file.h"
#include "base/memory.h"
#include "db_files.h"
#include "test.h"

typedef struct findings {
    char text[4096];
} findings;

static void take_finding(void *user, const char *text, bool mended)
{
    findings *f = user;
    size_t n = strlen(f->text);
    snprintf(f->text + n, sizeof f->text - n, "%s%s\n", mended ? "+" : "-",
             text);
}

static akin_verify_report verify(bool repair, findings *f)
{
    akin_error e = {0};
    akin_verify_report report;
    *f = (findings){{0}};
    akin_verify_options opt = {.repair = repair, .finding = take_finding,
                               .user = f};
    CHECK_OK(akin_verify(db_path("db"), &opt, &report, &e), e);
    return report;
}

static void make_database(void)
{
    db_make_recordings();
    akin_close(db_extract(NULL));
}

/* Found without repair, mended with it, gone after it. */
static void check_mended(const char *words, long long n_windows)
{
    findings f;
    akin_verify_report r = verify(false, &f);
    CHECK(r.n_findings > 0 && r.n_mended == 0);
    if (!strstr(f.text, words))
        test_fail(__FILE__, __LINE__, "no '%s' in: %s", words, f.text);
    r = verify(true, &f);
    CHECK(r.n_findings > 0);
    CHECK_EQ_INT(r.n_mended, r.n_findings);
    r = verify(false, &f);
    if (r.n_findings) test_fail(__FILE__, __LINE__, "still: %s", f.text);
    CHECK_EQ_INT(r.n_windows, n_windows);
    CHECK_EQ_INT(r.n_vectors, n_windows);
}

static void run_sql(const char *sql)
{
    sqlite3 *db;
    CHECK_EQ_INT(sqlite3_open(db_path("db/hoplite.sqlite"), &db), SQLITE_OK);
    char *text = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
        test_fail(__FILE__, __LINE__, "%s: %s", sql, text);
    sqlite3_free(text);
    sqlite3_close(db);
}

/* After mending, another extraction brings everything back. */
static void check_extraction_completes(void)
{
    akin_db *db = db_extract(NULL);
    CHECK_EQ_INT(db_count_windows(db), 7);
    akin_close(db);
    findings f;
    CHECK_EQ_INT(verify(false, &f).n_findings, 0);
}

static void change_index(size_t keep, size_t at, unsigned char flip)
{
    char *data;
    size_t n;
    const char *path = db_path("db/usearch.index");
    CHECK_STATUS(file_read(path, 1 << 24, &data, &n, NULL), AKIN_OK);
    if (at < n) data[at] = (char)(data[at] ^ flip);
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, keep < n ? keep : n, f) > 0);
    if (f) fclose(f);
    mem_free(data);
}

static void a_truncated_index_is_made_anew(void)
{
    make_database();
    /* Inside the graph: all vectors are there, some keys are not. */
    char *data;
    size_t n;
    CHECK_STATUS(file_read(db_path("db/usearch.index"), 1 << 24, &data, &n,
                           NULL),
                 AKIN_OK);
    mem_free(data);
    change_index(n - 300, SIZE_MAX, 0);
    akin_db *db;
    akin_error e = {0};
    akin_db_options opt = {.mode = AKIN_WRITE};
    CHECK_STATUS(akin_open(db_path("db"), &opt, &db, &e), AKIN_ECORRUPT);
    CHECK(strstr(e.text, "akin verify --repair") != NULL);
    findings f;
    akin_verify_report r = verify(false, &f);
    CHECK_EQ_INT(r.n_mended, 0);
    CHECK(r.n_findings >= 1);
    r = verify(true, &f);
    CHECK_EQ_INT(r.n_mended, r.n_findings);
    CHECK(file_exists(db_path("db/usearch.index.damaged")));
    check_extraction_completes();
}

static void a_wrong_magic_is_made_anew(void)
{
    make_database();
    change_index(SIZE_MAX, 8 + 7 * 256, 0xff);
    findings f;
    CHECK(verify(false, &f).n_findings >= 1);
    verify(true, &f);
    check_extraction_completes();
}

static void a_missing_index_costs_its_vectors_only(void)
{
    make_database();
    file_remove(db_path("db/usearch.index"));
    akin_error e = {0};
    akin_info info;
    akin_results *results = NULL;
    akin_db *db = db_open(AKIN_READ);
    CHECK_STATUS(akin_search(&db, 1, &(akin_query){.file = db_path("rec/a.wav")},
                             NULL, &results, &e),
                 AKIN_ECORRUPT);
    CHECK_OK(akin_get_info(db, &info, &e), e);
    CHECK(strstr(info.index_state, "is missing") != NULL);
    akin_close(db);
    check_mended("usearch.index is missing", 0);
    check_extraction_completes();
}

static void windows_without_vector_go(void)
{
    make_database();
    run_sql("INSERT INTO windows (recording_id, offsets) VALUES (1, "
            "x'00000000000024400000000000002a40')");
    check_mended("1 windows have no vector (8)", 7);
}

static void vectors_without_window_go(void)
{
    make_database();
    run_sql("DELETE FROM windows WHERE id = 3");
    akin_error e = {0};
    akin_results *results = NULL;
    akin_db *db = db_open(AKIN_READ); /* not an answer even before repair */
    akin_search_options opt = {.k = 10};
    CHECK_OK(akin_search(&db, 1, &(akin_query){.window_id = 1}, &opt, &results,
                         &e),
             e);
    CHECK_EQ_INT(akin_results_count(results), 5);
    akin_results_free(results);
    akin_close(db);
    check_mended("1 vectors have no window (3)", 6);
}

static void duplicate_windows_go(void)
{
    make_database();
    run_sql("INSERT INTO windows (recording_id, offsets) SELECT recording_id, "
            "offsets FROM windows WHERE id = 2;"
            "INSERT INTO akin_pending SELECT 8, zeroblob(256)");
    check_mended("duplicate", 7);
}

static void orphans_go(void)
{
    make_database();
    run_sql("PRAGMA foreign_keys = OFF; DELETE FROM recordings WHERE id = 2");
    check_mended("orphan", 6);
}

static void a_left_over_temporary_file_goes(void)
{
    make_database();
    FILE *f = fopen(db_path("db/usearch.index.tmp"), "wb");
    CHECK(f && fwrite("half", 1, 4, f) == 4);
    if (f) fclose(f);
    check_mended("usearch.index.tmp", 7);
}

const test_case test_verify_cases[] = {
    {"verify/a_truncated_index_is_made_anew", a_truncated_index_is_made_anew},
    {"verify/a_wrong_magic_is_made_anew", a_wrong_magic_is_made_anew},
    {"verify/a_missing_index_costs_its_vectors_only",
     a_missing_index_costs_its_vectors_only},
    {"verify/windows_without_vector_go", windows_without_vector_go},
    {"verify/vectors_without_window_go", vectors_without_window_go},
    {"verify/duplicate_windows_go", duplicate_windows_go},
    {"verify/orphans_go", orphans_go},
    {"verify/a_left_over_temporary_file_goes", a_left_over_temporary_file_goes},
    {0},
};
