/* SPDX-License-Identifier: MIT
 * store/store_check: every kind of inconsistency is found, and mended where
 * it can be. */
#include "base/memory.h"
#include "store_help.h"
#include "test.h"

#define MAX_PROBLEMS 32

typedef struct problems {
    store_problem list[MAX_PROBLEMS];
    int n;
} problems;

static akin_status keep(void *user, const store_problem *problem,
                        akin_error *err)
{
    problems *all = user;
    (void)err;
    if (all->n < MAX_PROBLEMS) all->list[all->n++] = *problem;
    return AKIN_OK;
}

static bool has(const problems *all, store_problem_kind kind, int64_t id)
{
    for (int i = 0; i < all->n; i++)
        if (all->list[i].kind == kind && all->list[i].id == id) return true;
    return false;
}

/* Windows of recording 1: 1 sound, 2 and 3 its twins (the first of all has the
 * largest start), 4 a different end, 5 of no recording, 6 empty, 7 backwards;
 * 8 is like 1 but of recording 2. */
static const char broken[] =
    "INSERT INTO recordings (id, filename, deployment_id) VALUES (1, 'a', 77),"
    " (2, 'b', NULL);"
    "INSERT INTO windows (recording_id, offsets) VALUES"
    " (1, x'0800000000000840 0000000000001840'),"
    " (1, x'0000000000000840 0000000000001840'),"
    " (1, x'0400000000000840 0000000000001840'),"
    " (1, x'0000000000000840 0000000000002040'),"
    " (9, x'0000000000000840 0000000000001840'),"
    " (1, x''),"
    " (1, x'0000000000001840 0000000000000840'),"
    " (2, x'0000000000000840 0000000000001840');"
    "INSERT INTO annotations"
    " (recording_id, offsets, label, label_type, provenance)"
    " VALUES (9, zeroblob(16), 'l', 1, 'p');"
    "INSERT INTO akin_pending VALUES (1, x'01'), (2, x'01'), (5, x'01'),"
    " (50, x'01');"
    "INSERT INTO hoplite_metadata VALUES ('good', '{\"a\": NaN}'),"
    " ('list', '[1]'), ('cut', '{\"a\":');";

static void make_broken(const char *path)
{
    char sql[sizeof broken];
    size_t n = 0;
    for (const char *p = broken; *p; p++)
        if (!(p[0] == ' ' && p[1] == '0' && p[2] == '0')) sql[n++] = *p;
    sql[n] = 0;
    store_close(help_open(path, STORE_CREATE));
    help_sql(path, sql);
}

static void every_problem_is_found_and_mended(void)
{
    const char *path = help_path("a.sqlite");
    problems all = {0};
    akin_error e = {0};
    make_broken(path);
    store *s = help_open(path, STORE_WRITE);
    CHECK_OK(store_check(s, keep, &all, &e), e);
    CHECK(has(&all, STORE_ORPHAN_RECORDING, 1));
    CHECK(has(&all, STORE_ORPHAN_WINDOW, 5));
    CHECK(has(&all, STORE_ORPHAN_ANNOTATION, 1));
    CHECK(has(&all, STORE_ORPHAN_PENDING, 50));
    CHECK(has(&all, STORE_DUPLICATE_WINDOW, 2));
    CHECK(has(&all, STORE_DUPLICATE_WINDOW, 3));
    CHECK(has(&all, STORE_BAD_OFFSETS, 6));
    CHECK(has(&all, STORE_BAD_OFFSETS, 7));
    CHECK(has(&all, STORE_BAD_METADATA, 2));
    CHECK(has(&all, STORE_BAD_METADATA, 3));
    CHECK_EQ_INT(all.n, 10);
    CHECK_OK(store_begin(s, &e), e);
    for (int i = 0; i < all.n; i++)
        CHECK_OK(store_mend(s, &all.list[i], &e), e);
    CHECK_OK(store_commit(s, &e), e);
    all.n = 0;
    CHECK_OK(store_check(s, keep, &all, &e), e);
    CHECK_EQ_INT(all.n, 0);
    CHECK_EQ_TEXT(help_ids(s, NULL), "1 4 8");
    CHECK_EQ_TEXT(help_query(path, "SELECT window_id FROM akin_pending"), "1");
    CHECK_EQ_TEXT(help_query(path, "SELECT filename FROM recordings"), "a|b");
    store_close(s);
}

static void the_texts_name_both_sides(void)
{
    const char *path = help_path("a.sqlite");
    problems all = {0};
    akin_error e = {0};
    store_close(help_open(path, STORE_CREATE));
    help_sql(path, "INSERT INTO windows (id, recording_id, offsets)"
                   " VALUES (12, 3, zeroblob(16))");
    store *s = help_open(path, STORE_READ);
    CHECK_OK(store_check(s, keep, &all, &e), e);
    CHECK_EQ_INT(all.n, 1);
    CHECK_EQ_TEXT(all.list[0].text, "orphan window 12: recording 3 is missing");
    store_close(s);
}

static void damage_is_reported_and_cannot_be_mended(void)
{
    const char *path = help_path("a.sqlite");
    problems all = {0};
    akin_error e = {0};
    int64_t r;
    store *s = help_open(path, STORE_CREATE);
    CHECK_OK(store_begin(s, &e), e);
    CHECK_OK(store_ensure_recording(s, "a", NULL, 0, &r, &e), e);
    for (int i = 0; i < 2000; i++) help_add_window(s, r, i, i + 1);
    CHECK_OK(store_commit(s, &e), e);
    store_close(s);
    FILE *f = fopen(path, "r+b");
    fseek(f, 4096 * 30 + 100, SEEK_SET);
    for (int i = 0; i < 8000; i++) fputc(0x5a, f);
    fclose(f);
    s = help_open(path, STORE_WRITE);
    if (!s) return;
    CHECK_OK(store_check(s, keep, &all, &e), e);
    CHECK(all.n > 0 && all.list[0].kind == STORE_SQLITE_DAMAGE);
    CHECK_OK(store_begin(s, &e), e);
    CHECK_STATUS(store_mend(s, &all.list[0], &e), AKIN_EUNSUPPORTED);
    store_close(s);
}

const test_case test_store_check_cases[] = {
    {"store_check/every_problem_is_found_and_mended",
     every_problem_is_found_and_mended},
    {"store_check/the_texts_name_both_sides", the_texts_name_both_sides},
    {"store_check/damage_is_reported_and_cannot_be_mended",
     damage_is_reported_and_cannot_be_mended},
    {0},
};
