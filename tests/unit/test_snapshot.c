/* SPDX-License-Identifier: MIT
 * engine/snapshot: journal and index file as one view: masks, filters, vectors
 * without window, and a file that is replaced while it is looked at. */
#include "engine/snapshot.h"

#include <sqlite3.h>

#include "base/memory.h"
#include "db_files.h"
#include "engine/checkpoint.h"
#include "test.h"

static void run_sql(const char *sql)
{
    sqlite3 *db;
    char *text = NULL;
    CHECK_EQ_INT(sqlite3_open(db_path("db/hoplite.sqlite"), &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
        test_fail(__FILE__, __LINE__, "%s: %s", sql, text);
    sqlite3_free(text);
    sqlite3_close(db);
}

/* Journals n windows whose vectors are all (float16) fill. */
static void journal(akin_db *db, double start_s, int n, unsigned char fill)
{
    akin_error e = {0};
    int64_t deployment, recording, id;
    size_t bytes = db->settings.dim * 2;
    unsigned char *vector = mem_array(bytes, 1);
    for (size_t i = 1; i < bytes; i += 2) vector[i] = fill;
    CHECK_OK(store_begin(db->writer, &e), e);
    CHECK_OK(store_ensure_deployment(db->writer, "d", "p", &deployment, &e), e);
    CHECK_OK(store_ensure_recording(db->writer, "r.wav", NULL, deployment,
                                    &recording, &e), e);
    for (int i = 0; i < n; i++) {
        store_window w = {.recording_id = recording, .start_s = start_s + i,
                          .end_s = start_s + i + 1};
        CHECK_OK(store_add_window(db->writer, &w, vector, bytes, &id, &e), e);
    }
    CHECK_OK(store_commit(db->writer, &e), e);
    mem_free(vector);
}

static void remove_window(akin_db *db, int64_t id)
{
    akin_error e = {0};
    CHECK_OK(store_begin(db->writer, &e), e);
    CHECK_OK(store_remove_window(db->writer, id, &e), e);
    CHECK_OK(store_put_pending(db->writer, id, NULL, 0, &e), e);
    CHECK_OK(store_commit(db->writer, &e), e);
}

static void checkpoint(akin_db *db)
{
    akin_error e = {0};
    CHECK_OK(checkpoint_run(db, NULL, &e), e);
}

/* The second byte of the vector's first half; -1 if there is none. */
static int vector_of(snapshot *s, uint64_t id)
{
    akin_error e = {0};
    const unsigned char *half;
    CHECK_OK(snapshot_vector(s, id, &half, &e), e);
    return half ? half[1] : -1;
}

static void open_snapshot(snapshot *s, akin_db *db, const char *filter)
{
    akin_error e = {0};
    CHECK_OK(snapshot_open(s, db, filter, &e), e);
}

static void file_and_journal_are_one_view(void)
{
    snapshot s;
    akin_db *db = db_open(AKIN_CREATE);
    open_snapshot(&s, db, NULL);
    CHECK_EQ_INT(s.n_allowed, 0);
    CHECK_EQ_INT(vector_of(&s, 1), -1);
    snapshot_close(&s);
    journal(db, 0, 10, 0x3c);
    open_snapshot(&s, db, NULL); /* all journaled, the file is empty */
    CHECK_EQ_INT(s.n_file, 0);
    CHECK_EQ_INT(s.n_allowed, 10);
    CHECK_EQ_INT(vector_of(&s, 10), 0x3c);
    snapshot_close(&s);
    checkpoint(db);
    journal(db, 10, 5, 0x38);
    open_snapshot(&s, db, NULL);
    CHECK_EQ_INT(s.n_file, 10);
    CHECK_EQ_INT(s.pending.n, 5);
    CHECK_EQ_INT(s.n_allowed, 15);
    CHECK(s.allow_file == NULL && s.allow_pending == NULL);
    CHECK_EQ_INT(vector_of(&s, 1), 0x3c);
    CHECK_EQ_INT(vector_of(&s, 15), 0x38);
    CHECK_EQ_INT(vector_of(&s, 16), -1);
    snapshot_close(&s);
    snapshot_close(&s);
    akin_close(db);
}

static void the_journal_goes_over_the_file(void)
{
    snapshot s;
    akin_db *db = db_open(AKIN_CREATE);
    akin_error e = {0};
    journal(db, 0, 10, 0x3c);
    checkpoint(db);
    remove_window(db, 3);
    size_t bytes = db->settings.dim * 2;
    unsigned char *other = mem_array(bytes, 1);
    other[1] = 0x40;
    CHECK_OK(store_begin(db->writer, &e), e);
    CHECK_OK(store_put_pending(db->writer, 5, other, bytes, &e), e);
    CHECK_OK(store_commit(db->writer, &e), e);
    mem_free(other);
    open_snapshot(&s, db, NULL);
    CHECK_EQ_INT(s.n_allowed, 9); /* without 3; 5 once */
    CHECK_EQ_INT(vector_of(&s, 3), -1);
    CHECK_EQ_INT(vector_of(&s, 5), 0x40);
    snapshot_close(&s);
    checkpoint(db);
    open_snapshot(&s, db, NULL); /* two slots of the file are free */
    CHECK_EQ_INT(s.n_file, 11);
    CHECK_EQ_INT(s.n_allowed, 9);
    CHECK_EQ_INT(vector_of(&s, 3), -1);
    CHECK_EQ_INT(vector_of(&s, 5), 0x40);
    snapshot_close(&s);
    akin_close(db);
}

static void filters_look_at_both(void)
{
    static const struct {
        const char *filter;
        size_t n;
    } cases[] = {
        {"", 15},       {"id <= 4", 4}, {"id > 9", 6},
        {"id = 12", 1}, {"id = 99", 0}, {"recording = r.wav", 15},
        {"id = 3", 0},  {"id < 6", 4},
    };
    snapshot s;
    akin_error e = {0};
    akin_db *db = db_open(AKIN_CREATE);
    journal(db, 0, 10, 0x3c);
    checkpoint(db);
    journal(db, 10, 5, 0x38);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (i == 6) remove_window(db, 3);
        open_snapshot(&s, db, cases[i].filter);
        CHECK_EQ_INT(s.n_allowed, cases[i].n);
        snapshot_close(&s);
    }
    CHECK_STATUS(snapshot_open(&s, db, "id >", &e), AKIN_EUSAGE);
    snapshot_close(&s);
    akin_close(db);
}

static void vectors_without_window_are_no_answers(void)
{
    akin_error e = {0};
    akin_results *results = NULL;
    akin_search_options opt = {.k = 100};
    akin_db *db = db_open(AKIN_CREATE);
    journal(db, 0, 10, 0x3c);
    checkpoint(db);
    journal(db, 10, 5, 0x38);
    db->writable = false; /* left as if killed */
    akin_close(db);
    run_sql("PRAGMA foreign_keys = OFF; DELETE FROM windows WHERE id = 4;"
            "DELETE FROM windows WHERE id = 13");
    db = db_open(AKIN_READ);
    CHECK_OK(akin_search(&db, 1, &(akin_query){.window_id = 1}, &opt, &results,
                         &e), e);
    CHECK_EQ_INT(akin_results_count(results), 12);
    for (size_t i = 0; i < akin_results_count(results); i++) {
        int64_t id = akin_results_at(results, i)->window_id;
        CHECK(id != 4 && id != 13);
    }
    akin_results_free(results);
    akin_close(db);
}

static void a_checkpoint_in_between_changes_nothing(void)
{
    snapshot before, after;
    akin_db *db = db_open(AKIN_CREATE);
    journal(db, 0, 10, 0x3c);
    checkpoint(db);
    journal(db, 10, 5, 0x38);
    akin_db *reader = db_open(AKIN_READ);
    open_snapshot(&before, reader, "id > 2");
    remove_window(db, 7);
    checkpoint(db);
    journal(db, 15, 1, 0x34);
    checkpoint(db);
    open_snapshot(&after, reader, "id > 2");
    CHECK_EQ_INT(before.n_allowed, 13);
    CHECK_EQ_INT(after.n_allowed, 13);
    CHECK_EQ_INT(vector_of(&before, 7), 0x3c);
    CHECK_EQ_INT(vector_of(&before, 12), 0x38);
    CHECK_EQ_INT(vector_of(&before, 16), -1);
    CHECK_EQ_INT(vector_of(&after, 7), -1);
    CHECK_EQ_INT(vector_of(&after, 16), 0x34);
    snapshot_close(&before);
    CHECK_EQ_INT(vector_of(&after, 1), 0x3c);
    snapshot_close(&after);
    akin_close(reader);
    akin_close(db);
}

const test_case test_snapshot_cases[] = {
    {"snapshot/file_and_journal_are_one_view", file_and_journal_are_one_view},
    {"snapshot/the_journal_goes_over_the_file", the_journal_goes_over_the_file},
    {"snapshot/filters_look_at_both", filters_look_at_both},
    {"snapshot/vectors_without_window_are_no_answers",
     vectors_without_window_are_no_answers},
    {"snapshot/a_checkpoint_in_between_changes_nothing",
     a_checkpoint_in_between_changes_nothing},
    {0},
};
