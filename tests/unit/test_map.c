/* SPDX-License-Identifier: MIT
 * engine/map: a database's map has its windows, is the same at any number of
 * threads, and knows when it is out of date. */
#include "db_files.h"
#include "test.h"
#include "vectors.h"

#include "base/file.h"
#include "base/memory.h"
#include "interop/npy.h"

enum { N = 300, DIM = 16 };

static void import_rows(size_t n, unsigned seed, const char *names)
{
    akin_error e = {0};
    vectors v = vectors_new(&(vectors_options){
        .n = n, .dim = DIM, .clusters = 5, .noise = 0.2, .seed = seed});
    FILE *f = fopen(db_path("names.csv"), "wb");
    CHECK_OK(npy_write_vectors(db_path("v.npy"), v.values, n, DIM, &e), e);
    fputs("recording\n", f);
    for (size_t i = 0; i < n; i++) fprintf(f, "%s%zu\n", names, i);
    fclose(f);
    akin_import_options opt = {.tracks = db_path("names.csv")};
    CHECK_OK(akin_import_vectors(db_path("map.db"), db_path("v.npy"), &opt,
                                 NULL, &e), e);
    vectors_clear(&v);
}

static akin_db *open_db(void)
{
    akin_error e = {0};
    akin_db *db = NULL;
    CHECK_OK(akin_open(db_path("map.db"), NULL, &db, &e), e);
    return db;
}

/* ---- the tests ------------------------------------------------------------ */

static void a_map_has_every_window(void)
{
    akin_error e = {0};
    akin_map map = {0}, again = {0};
    import_rows(N, 1, "a");
    akin_db *db = open_db();
    CHECK_STATUS(akin_get_map(db, &map, &e), AKIN_ENOTFOUND);
    CHECK_OK(akin_make_map(db, &(akin_map_options){.threads = 1}, &e), e);
    CHECK_OK(akin_get_map(db, &map, &e), e);
    CHECK_EQ_INT(map.n, N);
    CHECK(!map.stale);
    for (size_t i = 0; i < map.n; i++) {
        CHECK(i == 0 || map.points[i].window_id > map.points[i - 1].window_id);
        CHECK(isfinite(map.points[i].x) && isfinite(map.points[i].y));
    }
    CHECK_OK(akin_make_map(db, &(akin_map_options){.threads = 3}, &e), e);
    CHECK_OK(akin_get_map(db, &again, &e), e);
    CHECK(again.n == map.n && memcmp(again.points, map.points,
                                     map.n * sizeof *map.points) == 0);
    akin_map_clear(&map);
    akin_map_clear(&again);
    akin_close(db);
}

static void a_map_of_other_vectors_is_stale(void)
{
    akin_error e = {0};
    akin_map map = {0};
    import_rows(N, 1, "a");
    akin_db *db = open_db();
    CHECK_OK(akin_make_map(db, NULL, &e), e);
    akin_close(db);
    import_rows(20, 2, "b");
    db = open_db();
    CHECK_OK(akin_get_map(db, &map, &e), e);
    CHECK(map.stale);
    akin_map_clear(&map);
    CHECK_OK(akin_make_map(db, NULL, &e), e);
    CHECK_OK(akin_get_map(db, &map, &e), e);
    CHECK(!map.stale);
    CHECK_EQ_INT(map.n, N + 20);
    akin_map_clear(&map);
    akin_close(db);
}

static void a_damaged_file_is_no_map(void)
{
    akin_error e = {0};
    akin_map map = {0};
    char *bytes = NULL;
    size_t n = 0;
    import_rows(40, 1, "a");
    akin_db *db = open_db();
    CHECK_OK(akin_make_map(db, NULL, &e), e);
    const char *path = db_path("map.db/akin.cache/map.bin");
    CHECK_OK(file_read(path, 1 << 20, &bytes, &n, &e), e);
    for (size_t i = 0; i < n; i += 3) {
        FILE *f = fopen(path, "wb");
        bytes[i] ^= 1;
        fwrite(bytes, 1, n, f);
        bytes[i] ^= 1;
        fclose(f);
        akin_status status = akin_get_map(db, &map, &e);
        CHECK(status == AKIN_ECORRUPT || (status == AKIN_OK && map.stale));
        akin_map_clear(&map);
    }
    for (size_t size = 0; size < n; size += 7) {
        FILE *f = fopen(path, "wb");
        fwrite(bytes, 1, size, f);
        fclose(f);
        CHECK_STATUS(akin_get_map(db, &map, &e), AKIN_ECORRUPT);
    }
    mem_free(bytes);
    akin_close(db);
}

static bool stop_at(void *user, const char *phase, double fraction)
{
    (void)fraction;
    return strcmp(phase, user) != 0;
}

static void making_a_map_can_be_stopped(void)
{
    static const char *const phases[] = {"near", "axes", "layout"};
    akin_error e = {0};
    akin_map map = {0};
    import_rows(N, 1, "a");
    akin_db *db = open_db();
    for (size_t i = 0; i < 3; i++) {
        akin_map_options opt = {.progress = stop_at, .user = (void *)(uintptr_t)phases[i]};
        CHECK_STATUS(akin_make_map(db, &opt, &e), AKIN_ECANCELLED);
    }
    CHECK_STATUS(akin_get_map(db, &map, &e), AKIN_ENOTFOUND);
    akin_close(db);
}

const test_case test_map_cases[] = {
    {"map/a_map_has_every_window", a_map_has_every_window},
    {"map/a_map_of_other_vectors_is_stale", a_map_of_other_vectors_is_stale},
    {"map/a_damaged_file_is_no_map", a_damaged_file_is_no_map},
    {"map/making_a_map_can_be_stopped", making_a_map_can_be_stopped},
    {0},
};
