/* SPDX-License-Identifier: MIT
 * engine/rows: growing, finding, and the journal of a store. */
#include "engine/rows.h"

#include "base/memory.h"
#include "store_help.h"
#include "test.h"

enum { DIM = 3, BYTES = 2 * DIM };

static void rows_grow_and_keep_their_vectors(void)
{
    rows r;
    akin_error e = {0};
    rows_init(&r, DIM);
    CHECK_EQ_INT(r.n, 0);
    for (uint64_t i = 0; i < 1000; i++) {
        unsigned char v[BYTES];
        memset(v, (int)(i & 0xff), sizeof v);
        CHECK_OK(rows_add(&r, 3 * i + 1, v, &e), e);
    }
    CHECK_EQ_INT(r.n, 1000);
    for (size_t i = 0; i < r.n; i++) {
        CHECK_EQ_INT(r.ids[i], 3 * i + 1);
        CHECK_EQ_INT(rows_vector(&r, i)[0], i & 0xff);
        CHECK_EQ_INT(rows_vector(&r, i)[BYTES - 1], i & 0xff);
    }
    rows_clear(&r);
    CHECK_EQ_INT(r.n, 0);
    CHECK_EQ_INT(r.dim, DIM); /* to be used again */
    CHECK_OK(rows_add(&r, 7, "abcdef", &e), e);
    rows_clear(&r);
    rows_clear(&r);
}

static void ids_are_found_at_either_end_and_not_between(void)
{
    static const uint64_t ids[] = {1, 4, 5, 9, UINT64_MAX};
    static const struct {
        uint64_t id;
        size_t at;
        bool found;
    } cases[] = {{0, 0, false}, {1, 0, true},  {2, 1, false},
                 {4, 1, true},  {5, 2, true},  {9, 3, true},
                 {10, 4, false}, {UINT64_MAX, 4, true}};
    size_t at;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(rows_find(ids, 5, cases[i].id, &at) == cases[i].found);
        CHECK_EQ_INT(at, cases[i].at);
    }
    CHECK(!rows_find(ids, 4, UINT64_MAX, &at));
    CHECK_EQ_INT(at, 4);
    CHECK(!rows_find(NULL, 0, 1, &at));
    CHECK_EQ_INT(at, 0);
}

/* Windows 1 .. 3 with vectors, 9 and 4 on their way out. */
static store *make_journal(void)
{
    akin_error e = {0};
    int64_t deployment, recording, id;
    store *s = help_open(help_path("j.sqlite"), STORE_CREATE);
    if (!s) return NULL;
    CHECK_OK(store_begin(s, &e), e);
    CHECK_OK(store_ensure_deployment(s, "d", "p", &deployment, &e), e);
    CHECK_OK(store_ensure_recording(s, "r.wav", NULL, deployment, &recording,
                                    &e), e);
    for (int i = 0; i < 3; i++) {
        store_window w = {.recording_id = recording, .start_s = i,
                          .end_s = i + 1};
        unsigned char v[BYTES] = {(unsigned char)i};
        CHECK_OK(store_add_window(s, &w, v, BYTES, &id, &e), e);
    }
    CHECK_OK(store_put_pending(s, 9, NULL, 0, &e), e);
    CHECK_OK(store_put_pending(s, 4, NULL, 0, &e), e);
    CHECK_OK(store_commit(s, &e), e);
    return s;
}

static void a_journal_is_split_into_new_and_removed(void)
{
    rows r;
    akin_error e = {0};
    store *s = make_journal();
    if (!s) return;
    rows_init(&r, DIM);
    CHECK_OK(rows_load_pending(&r, s, &e), e);
    CHECK_EQ_INT(r.n, 3);
    for (size_t i = 0; i < r.n; i++) {
        CHECK_EQ_INT(r.ids[i], i + 1);
        CHECK_EQ_INT(rows_vector(&r, i)[0], i);
    }
    CHECK_EQ_INT(r.n_removed, 2);
    CHECK(r.n_removed == 2 && r.removed[0] == 4 && r.removed[1] == 9);
    rows_clear(&r);
    store_close(s);
}

static void a_vector_of_another_width_is_corrupt(void)
{
    rows r;
    akin_error e = {0};
    store *s = make_journal();
    if (!s) return;
    rows_init(&r, DIM + 1);
    CHECK_STATUS(rows_load_pending(&r, s, &e), AKIN_ECORRUPT);
    CHECK(strstr(e.text, "window 1 has 6 bytes, not 8") != NULL);
    rows_clear(&r);
    store_close(s);
}

static void memory_may_run_out(void)
{
    akin_error e = {0};
    for (int64_t n = 1; n <= 2; n++) {
        rows r;
        rows_init(&r, DIM);
        mem_fail_at(n);
        CHECK_STATUS(rows_add(&r, 1, "abcdef", &e), AKIN_ENOMEM);
        CHECK_EQ_INT(r.n, 0);
        rows_clear(&r);
    }
    mem_fail_at(0);
}

const test_case test_rows_cases[] = {
    {"rows/rows_grow_and_keep_their_vectors", rows_grow_and_keep_their_vectors},
    {"rows/ids_are_found_at_either_end_and_not_between",
     ids_are_found_at_either_end_and_not_between},
    {"rows/a_journal_is_split_into_new_and_removed",
     a_journal_is_split_into_new_and_removed},
    {"rows/a_vector_of_another_width_is_corrupt",
     a_vector_of_another_width_is_corrupt},
    {"rows/memory_may_run_out", memory_may_run_out},
    {0},
};
