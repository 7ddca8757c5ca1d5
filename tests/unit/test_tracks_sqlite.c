/* SPDX-License-Identifier: MIT
 * store/tracks_sqlite: the conformance cases, what is refused, the file it
 * leaves, and failing memory and disks. */
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "fail_vfs.h"
#include "store/tracks_int.h"
#include "store_help.h"
#include "test.h"
#include "tracks_conform.h"

static void run_sql(void *user, const char *statement)
{
    help_sql(user, statement);
}

/* A database of the test's folder. */
static vector_database database(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s", help_path(name));
    return (vector_database){.engine = VECTOR_SQLITE, .database = path};
}

static void conformance(void)
{
    for (const conform_case *c = conform_cases; c->name; c++) {
        char name[128];
        snprintf(name, sizeof name, "%s.sqlite", c->name);
        vector_database db = database(name);
        const conform_database d = {
            .db = &db, .sql = run_sql, .user = db.database};
        c->run(&d);
    }
}

static void ids_are_numbers_or_texts(void)
{
    static const struct {
        const char *name;
        int64_t number;
    } numbers[] = {{"574", 574}, {"000574", 574}, {"-12", -12}, {"0", 0},
                   {"9223372036854775807", INT64_MAX}};
    static const char *const texts[] = {"a", "", "-", "+5", " 5", "5 ", "5.0",
                                        "0x10", "1e3", "9223372036854775808"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        tracks_id id = tracks_id_of(numbers[i].name);
        CHECK(!id.text && id.number == numbers[i].number);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CHECK(tracks_id_of(texts[i]).text == texts[i]);
    CHECK(tracks_id_stored("0574").text && !tracks_id_stored("574").text);
    CHECK(!tracks_id_equal(tracks_id_of("5"), tracks_id_of("a")));
    CHECK(tracks_id_equal(tracks_id_of("05"), tracks_id_of("5")));
}

static void what_is_no_database_is_refused(void)
{
    tracks *t;
    akin_error e = {0};
    vector_database db = database("none.sqlite");
    CHECK_STATUS(tracks_open(&db, TRACKS_READ, &t, &e), AKIN_ENOTFOUND);
    CHECK(!t && !file_exists(db.database));
    FILE *f = fopen(db.database, "w");
    for (int i = 0; f && i < 1000; i++) fputs("hello", f);
    if (f) fclose(f);
    CHECK_STATUS(tracks_open(&db, TRACKS_READ, &t, &e), AKIN_ECORRUPT);
    CHECK_STATUS(tracks_open(&db, TRACKS_WRITE, &t, &e), AKIN_ECORRUPT);
    db = database("no/folder.sqlite");
    CHECK_STATUS(tracks_open(&db, TRACKS_WRITE, &t, &e), AKIN_EDB);
    db.database = (char *)(uintptr_t)test_dir();
    CHECK_STATUS(tracks_open(&db, TRACKS_READ, &t, &e), AKIN_EDB);
}

static const tracks_row two[] = {{1, {NULL, 5}}, {2, {NULL, 6}}};
static const tracks_table table = {
    .rows = two, .n = 2, .dim = 3, .index_type = "Flat"};

/* One file, others' tables left alone, readable by SQL of the module's. */
static void the_file_is_plain(void)
{
    tracks *t;
    akin_error e = {0};
    vector_database db = database("a.sqlite");
    help_sql(db.database, "CREATE TABLE mine (x); INSERT INTO mine VALUES (1)");
    CHECK_OK(tracks_open(&db, TRACKS_WRITE, &t, &e), e);
    CHECK(strstr(tracks_server(t), "SQLite 3."));
    CHECK_OK(tracks_replace(t, &table, NULL, &e), e);
    CHECK_OK(tracks_replace(t, &table, NULL, &e), e);
    tracks_close(t);
    CHECK_EQ_TEXT(help_query(db.database,
                             "SELECT vector_id || ',' || track_id || ',' ||"
                             " vector_dimensions || ',' || faiss_index"
                             " FROM vector_metadata"),
                  "1,5,3,Flat|2,6,3,Flat");
    CHECK_EQ_TEXT(help_query(db.database, "SELECT x FROM mine"), "1");
    CHECK_EQ_TEXT(help_query(db.database,
                             "SELECT name FROM sqlite_master ORDER BY 1"),
                  "akin_vector_state|mine|sqlite_autoindex_akin_vector_state_1"
                  "|vector_metadata|vector_metadata_track_id");
    chmod(db.database, 0444);
    CHECK_OK(tracks_open(&db, TRACKS_READ, &t, &e), e);
    size_t n = 0;
    CHECK_OK(tracks_count(t, &n, &e), e);
    CHECK_EQ_INT(n, 2);
    tracks_close(t);
}

/* Opens, replaces and reads; *n is how many rows a new reader finds. */
static akin_status work(const vector_database *db, akin_error *e)
{
    static const tracks_row rows[] = {{1, {"a", 0}}, {2, {NULL, 6}},
                                      {7, {"b", 0}}};
    static const tracks_state states[] = {{"generation", "2"}};
    const tracks_table texts = {
        .rows = rows, .n = 3, .dim = 3, .index_type = "Flat"};
    const tracks_replace_options options = {.states = states, .n_states = 1};
    const int64_t ids[] = {7, 1};
    tracks *t = NULL;
    tracks_list list = {0};
    tracks_columns columns = {0};
    char *value = NULL;
    akin_status status = AKIN_OK;
    AKIN_TRYG(tracks_open(db, TRACKS_WRITE, &t, e));
    AKIN_TRYG(tracks_replace(t, &texts, &options, e));
    AKIN_TRYG(tracks_get(t, ids, 2, &list, e));
    CHECK(list.n == 2 && list.found[0] && list.rows[0].vector_id == 7);
    tracks_list_clear(&list);
    AKIN_TRYG(tracks_find(t, rows[0].track, &list, e));
    CHECK_EQ_INT(list.n, 1);
    AKIN_TRYG(tracks_get_columns(t, &rows[0].track, 1, &columns, e));
    CHECK(columns.n_columns == 3 && columns.values[1]);
    AKIN_TRYG(tracks_get_state(t, "generation", &value, e));
    CHECK_EQ_TEXT(value, "2");
done:
    mem_free(value);
    tracks_list_clear(&list);
    tracks_columns_clear(&columns);
    tracks_close(t);
    return status;
}

static const char *const before =
    "CREATE TABLE vector_metadata (vector_id INTEGER PRIMARY KEY, track_id"
    " BIGINT); INSERT INTO vector_metadata VALUES (9, 9);"
    "CREATE TABLE akin_vector_state (name TEXT PRIMARY KEY, value TEXT);"
    "INSERT INTO akin_vector_state VALUES ('generation', '1');"
    "CREATE TABLE tracks (track_id TEXT, title TEXT);"
    "INSERT INTO tracks VALUES ('a', 'of a');"
    "CREATE TABLE artists (track_id TEXT, name TEXT)";

/* Either all of the change is there or nothing of it. */
static void check_whole(const vector_database *db)
{
    const char *rows = help_query(
        db->database, "SELECT (SELECT count(*) FROM vector_metadata) || ',' ||"
                      " (SELECT value FROM akin_vector_state)");
    CHECK(strcmp(rows, "1,1") == 0 || strcmp(rows, "3,2") == 0);
}

static void failing_memory_is_reported(void)
{
    akin_error e = {0};
    bool pending = false;
    vector_database db = database("memory.sqlite");
    help_sql(db.database, before);
    for (int64_t n = 1; !pending && n < 200; n++) {
        mem_fail_at(n);
        akin_status status = work(&db, &e);
        pending = mem_fail_pending();
        mem_fail_at(0);
        CHECK(status == (pending ? AKIN_OK : AKIN_ENOMEM));
        check_whole(&db);
    }
    CHECK(pending);
}

static void a_failing_disk_leaves_the_old_or_the_new(void)
{
    akin_error e = {0};
    bool failed = true;
    fail_vfs_install();
    for (int64_t n = 1; failed && n < 300; n++) {
        char name[64];
        snprintf(name, sizeof name, "disk%lld.sqlite", (long long)n);
        vector_database db = database(name);
        help_sql(db.database, before);
        fail_vfs_at(n, true);
        akin_status status = work(&db, &e);
        failed = fail_vfs_failed();
        fail_vfs_at(0, false);
        if (!failed) CHECK_OK(status, e);
        check_whole(&db);
    }
    fail_vfs_uninstall();
    CHECK(!failed);
}

const test_case test_tracks_sqlite_cases[] = {
    {"tracks_sqlite/conformance", conformance},
    {"tracks_sqlite/ids_are_numbers_or_texts", ids_are_numbers_or_texts},
    {"tracks_sqlite/what_is_no_database_is_refused",
     what_is_no_database_is_refused},
    {"tracks_sqlite/the_file_is_plain", the_file_is_plain},
    {"tracks_sqlite/failing_memory_is_reported", failing_memory_is_reported},
    {"tracks_sqlite/a_failing_disk_leaves_the_old_or_the_new",
     a_failing_disk_leaves_the_old_or_the_new},
    {0},
};
