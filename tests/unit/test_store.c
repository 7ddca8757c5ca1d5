/* SPDX-License-Identifier: MIT
 * store/store_open and store_sql: what is refused, what readers leave behind,
 * two writers, and failing memory, disks and power. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "fail_vfs.h"
#include "store/store_int.h"
#include "store_help.h"
#include "test.h"

#define NOBODY 65534

static akin_status open_status(const char *path, store_mode mode,
                               akin_error *e)
{
    store *s = NULL;
    akin_status status = store_open(path, mode, 0, &s, e);
    store_close(s);
    return status;
}

static void write_bytes(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(bytes, 1, n, f) == n);
    if (f) fclose(f);
}

/* ---- opening ------------------------------------------------------------ */

static void what_is_no_database_is_refused(void)
{
    const char *path = help_path("a.sqlite");
    char text[4096];
    akin_error e = {0};
    CHECK_STATUS(open_status(path, STORE_READ, &e), AKIN_ENOTFOUND);
    CHECK_STATUS(open_status(path, STORE_WRITE, &e), AKIN_ENOTFOUND);
    CHECK(!file_exists(path));
    memset(text, 'x', sizeof text);
    write_bytes(path, text, sizeof text);
    CHECK_STATUS(open_status(path, STORE_READ, &e), AKIN_ECORRUPT);
    CHECK_STATUS(open_status(path, STORE_CREATE, &e), AKIN_ECORRUPT);
    CHECK_STATUS(open_status(test_dir(), STORE_READ, &e), AKIN_ECORRUPT);
    CHECK_STATUS(open_status(help_path("no/b.sqlite"), STORE_CREATE, &e),
                 AKIN_EDB);
    const char *other = help_path("other.sqlite");
    help_sql(other, "CREATE TABLE windows (id); CREATE TABLE t (x)");
    CHECK_STATUS(open_status(other, STORE_READ, &e), AKIN_EUNSUPPORTED);
    CHECK_STATUS(open_status(other, STORE_CREATE, &e), AKIN_EUNSUPPORTED);
    CHECK_EQ_TEXT(help_query(other, "PRAGMA journal_mode"), "delete");
    const char *empty = help_path("empty.sqlite");
    write_bytes(empty, "", 0);
    CHECK_STATUS(open_status(empty, STORE_READ, &e), AKIN_EUNSUPPORTED);
    CHECK_STATUS(open_status(empty, STORE_WRITE, &e), AKIN_EUNSUPPORTED);
    CHECK_STATUS(open_status(empty, STORE_CREATE, &e), AKIN_OK);
    CHECK_STATUS(open_status(empty, STORE_READ, &e), AKIN_OK);
}

static void a_truncated_database_is_refused(void)
{
    const char *path = help_path("a.sqlite"), *cut = help_path("cut.sqlite");
    char *bytes;
    size_t n;
    akin_error e = {0};
    store_close(help_open(path, STORE_CREATE));
    CHECK_OK(file_read(path, 1 << 24, &bytes, &n, &e), e);
    for (size_t keep = 100; keep < n; keep += 1000) {
        write_bytes(cut, bytes, keep);
        akin_status status = open_status(cut, STORE_READ, &e);
        CHECK(status == AKIN_ECORRUPT);
        CHECK_STATUS(open_status(cut, STORE_WRITE, &e), AKIN_ECORRUPT);
    }
    mem_free(bytes);
}

/* Databases of hoplite 1.0.0 have neither akin's tables nor the two newer
 * indexes. */
static void a_plain_database_can_be_read_and_completed(void)
{
    const char *path = help_path("a.sqlite");
    akin_error e = {0};
    store_counts counts;
    bool found;
    store_file file;
    store_close(help_open(path, STORE_CREATE));
    help_sql(path, "DROP TABLE akin_files; DROP TABLE akin_pending;"
                   "DROP INDEX idx_windows_recording_id;"
                   "DROP INDEX idx_recordings_deployment_id;"
                   "INSERT INTO recordings (filename, datetime)"
                   " VALUES ('a', '2023-05-12');"
                   "INSERT INTO windows (recording_id, offsets)"
                   " VALUES (1, zeroblob(16))");
    store *s = help_open(path, STORE_READ);
    CHECK_OK(store_count(s, &counts, &e), e);
    CHECK(counts.windows == 1 && counts.pending == 0);
    CHECK_OK(store_get_file(s, 1, &found, &file, &e), e);
    CHECK(!found);
    CHECK_EQ_TEXT(help_ids(s, "date = 2023 and recording = a"), "1");
    CHECK_STATUS(store_begin(s, &e), AKIN_EUSAGE);
    CHECK_STATUS(store_set_metadata(s, "k", "{}", &e), AKIN_EUSAGE);
    store_close(s);
    CHECK_EQ_TEXT(help_query(path, "SELECT count(*) FROM sqlite_master"
                                   " WHERE name LIKE 'akin%'"), "0");
    store_close(help_open(path, STORE_WRITE));
    CHECK_EQ_TEXT(help_query(path, "SELECT count(*) FROM sqlite_master"
                                   " WHERE name LIKE 'akin%'"
                                   " OR name LIKE 'idx_%_id'"), "4");
}

/* ---- what readers leave behind ------------------------------------------ */

static void readers_leave_no_files(void)
{
    const char *path = help_path("a.sqlite");
    const char *wal = help_path("a.sqlite-wal"), *shm = help_path(
                                                     "a.sqlite-shm");
    store *writer = help_open(path, STORE_CREATE);
    store_close(writer);
    CHECK(!file_exists(wal) && !file_exists(shm));
    store *s = help_open(path, STORE_READ);
    CHECK_EQ_TEXT(help_ids(s, NULL), "");
    store_close(s);
    CHECK(!file_exists(wal) && !file_exists(shm));
}

/* Copies a database with its WAL while a writer has it open, as a crash would
 * leave it. */
static void make_crashed(const char *path)
{
    char *bytes;
    size_t n;
    akin_error e = {0};
    char wal[512];
    store *s = help_open(help_path("live.sqlite"), STORE_CREATE);
    CHECK_OK(store_set_metadata(s, "k", "{}", &e), e);
    CHECK_OK(file_read(help_path("live.sqlite"), 1 << 24, &bytes, &n, &e), e);
    write_bytes(path, bytes, n);
    mem_free(bytes);
    CHECK_OK(file_read(help_path("live.sqlite-wal"), 1 << 24, &bytes, &n, &e),
             e);
    snprintf(wal, sizeof wal, "%s-wal", path);
    write_bytes(wal, bytes, n);
    mem_free(bytes);
    store_close(s);
}

static void readers_leave_the_wal_of_others(void)
{
    char path[512], wal[512];
    file_stamp before, after;
    akin_error e = {0};
    char *json;
    snprintf(path, sizeof path, "%s", help_path("a.sqlite"));
    snprintf(wal, sizeof wal, "%s", help_path("a.sqlite-wal"));
    make_crashed(path);
    CHECK_OK(file_stat(wal, &before, &e), e);
    store *s = help_open(path, STORE_READ);
    CHECK_OK(store_get_metadata(s, "k", &json, &e), e);
    CHECK_EQ_TEXT(json, "{}");
    mem_free(json);
    store_close(s);
    CHECK_OK(file_stat(wal, &after, &e), e);
    CHECK_EQ_INT(after.size_bytes, before.size_bytes);
    store_close(help_open(path, STORE_WRITE));
    CHECK(!file_exists(wal));
}

/* As root every folder is writable: the test becomes nobody for a while. */
static void folders_that_cannot_be_written_can_be_read(void)
{
    char path[600], crashed[600], folder[512];
    bool root = geteuid() == 0;
    akin_error e = {0};
    snprintf(folder, sizeof folder, "%s", help_path("a#b%41?c"));
    CHECK_EQ_INT(mkdir(folder, 0755), 0);
    snprintf(path, sizeof path, "%s/a.sqlite", folder);
    snprintf(crashed, sizeof crashed, "%s/b.sqlite", folder);
    store_close(help_open(path, STORE_CREATE));
    make_crashed(crashed);
    chmod(test_dir(), 0755);
    chmod(folder, 0555);
    if (root && seteuid(NOBODY) != 0) {
        test_skip("cannot give up root's rights");
        return;
    }
    if (faccessat(AT_FDCWD, test_dir(), X_OK, AT_EACCESS) != 0) {
        test_skip("the temporary folder is closed to others");
    } else {
        store *s = help_open(path, STORE_READ);
        if (s) CHECK_EQ_TEXT(help_ids(s, NULL), "");
        store_close(s);
        CHECK_STATUS(open_status(path, STORE_WRITE, &e), AKIN_EIO);
        CHECK_STATUS(open_status(crashed, STORE_READ, &e), AKIN_EDB);
        CHECK(strstr(e.text, "b.sqlite-wal' holds changes") != NULL);
    }
    if (root) CHECK_EQ_INT(seteuid(0), 0);
    chmod(folder, 0755);
    CHECK(!file_exists(help_path("a#b%41?c/a.sqlite-wal")));
    CHECK(!file_exists(help_path("a#b%41?c/a.sqlite-shm")));
}

/* ---- transactions ------------------------------------------------------- */

static void a_second_writer_is_told(void)
{
    const char *path = help_path("a.sqlite");
    akin_error e = {0};
    store *a = help_open(path, STORE_CREATE), *b = help_open(path, STORE_WRITE);
    CHECK_OK(store_begin(a, &e), e);
    CHECK_STATUS(store_begin(b, &e), AKIN_EBUSY);
    CHECK(strstr(e.text, "another program is writing to") != NULL);
    CHECK_STATUS(store_set_metadata(b, "k", "{}", &e), AKIN_EBUSY);
    store_rollback(a);
    CHECK_OK(store_begin(b, &e), e);
    CHECK_OK(store_commit(b, &e), e);
    store_close(a);
    store_close(b);
}

static void a_read_transaction_sees_one_state(void)
{
    const char *path = help_path("a.sqlite");
    akin_error e = {0};
    store_counts counts;
    int64_t id;
    store *w = help_open(path, STORE_CREATE), *r = help_open(path, STORE_READ);
    CHECK_OK(store_begin_read(r, &e), e);
    CHECK_OK(store_ensure_recording(w, "a", NULL, 0, &id, &e), e);
    CHECK_OK(store_count(r, &counts, &e), e);
    CHECK_EQ_INT(counts.recordings, 0);
    store_end_read(r);
    CHECK_OK(store_count(r, &counts, &e), e);
    CHECK_EQ_INT(counts.recordings, 1);
    store_close(w);
    store_close(r);
}

static void a_rollback_leaves_nothing(void)
{
    store *s = help_open(help_path("a.sqlite"), STORE_CREATE);
    akin_error e = {0};
    int64_t r;
    CHECK_OK(store_begin(s, &e), e);
    CHECK_OK(store_ensure_recording(s, "a", NULL, 0, &r, &e), e);
    help_add_window(s, r, 0, 3);
    store_rollback(s);
    store_rollback(s);
    CHECK_EQ_TEXT(help_ids(s, NULL), "");
    CHECK_OK(store_begin(s, &e), e);
    store_close(s);
}

/* A window whose vector could not be stored must not be committed. */
static void half_a_window_cannot_be_committed(void)
{
    const char *path = help_path("a.sqlite");
    akin_error e = {0};
    int64_t r, id;
    store_window w = {.end_s = 3};
    store *s = help_open(path, STORE_CREATE);
    CHECK_OK(store_ensure_recording(s, "a", NULL, 0, &w.recording_id, &e), e);
    help_sql(path, "INSERT INTO akin_pending VALUES (1, x'00')");
    CHECK_OK(store_begin(s, &e), e);
    CHECK_OK(store_ensure_recording(s, "b", NULL, 0, &r, &e), e);
    CHECK_STATUS(store_add_window(s, &w, "x", 1, &id, &e), AKIN_EDB);
    CHECK_STATUS(store_add_window(s, &w, "x", 1, &id, &e), AKIN_EDB);
    CHECK_STATUS(store_commit(s, &e), AKIN_EDB);
    CHECK_EQ_TEXT(help_query(path, "SELECT count(*) FROM windows"), "0");
    CHECK_EQ_TEXT(help_query(path, "SELECT count(*) FROM recordings"), "1");
    store_close(s);
}

/* ---- torture ------------------------------------------------------------ */

static akin_status ignore_window(void *user, const store_window *w,
                                 akin_error *err)
{
    (void)user;
    (void)w;
    (void)err;
    return AKIN_OK;
}

static akin_status ignore_problem(void *user, const store_problem *p,
                                  akin_error *err)
{
    (void)user;
    (void)p;
    (void)err;
    return AKIN_OK;
}

static akin_status write_some(store *s, akin_error *err)
{
    int64_t d, id;
    bool added;
    store_window w = {.end_s = 3};
    AKIN_TRY(store_begin(s, err));
    AKIN_TRY(store_ensure_deployment(s, "d", "p", &d, err));
    AKIN_TRY(store_ensure_recording(s, "a", "2023-05-12", d, &w.recording_id,
                                    err));
    AKIN_TRY(store_add_window(s, &w, "xy", 2, &id, err));
    store_annotation label = {.recording_id = w.recording_id, .end_s = 1,
                              .label = "l", .provenance = "p", .type = 1};
    AKIN_TRY(store_add_annotation(s, &label, &added, err));
    AKIN_TRY(store_set_metadata(s, "k", "{}", err));
    return store_commit(s, err);
}

static akin_status read_some(store *s, akin_error *err)
{
    store_window *list = NULL;
    store_filter *filter = NULL;
    store_row row = {0};
    char *json = NULL;
    bool found;
    size_t n;
    akin_status status = AKIN_OK;
    AKIN_TRYG(store_get_row(s, 1, &found, &row, err));
    CHECK(found && row.n_labels == 1);
    AKIN_TRYG(store_recording_windows(s, 1, &list, &n, err));
    AKIN_TRYG(store_get_metadata(s, "k", &json, err));
    AKIN_TRYG(store_filter_parse("date = 2023 and (label = 'l' or id > 5)",
                                 &filter, err));
    AKIN_TRYG(store_each_window(s, filter, ignore_window, NULL, err));
    AKIN_TRYG(store_check(s, ignore_problem, NULL, err));
done:
    store_row_clear(&row);
    store_filter_free(filter);
    mem_free(list);
    mem_free(json);
    return status;
}

/* All of open, write, read and close, once. */
static akin_status whole_life(const char *path, akin_error *err)
{
    store *s = NULL;
    akin_status status = store_open(path, STORE_CREATE, 0, &s, err);
    if (status == AKIN_OK) status = write_some(s, err);
    if (status == AKIN_OK) status = read_some(s, err);
    store_close(s);
    if (status != AKIN_OK) return status;
    status = store_open(path, STORE_READ, 0, &s, err);
    if (status == AKIN_OK) status = read_some(s, err);
    store_close(s);
    return status;
}

static void every_allocation_may_fail(void)
{
    bool reached = true;
    fail_vfs_install(); /* to sync nothing */
    for (int n = 1; reached && n < 10000; n++) {
        char name[32];
        akin_error e = {0};
        snprintf(name, sizeof name, "%d.sqlite", n);
        const char *path = help_path(name);
        mem_fail_at(n);
        akin_status status = whole_life(path, &e);
        reached = !mem_fail_pending();
        mem_fail_at(0);
        CHECK(status == AKIN_OK || (reached && status == AKIN_ENOMEM));
        if (status != AKIN_OK && status != AKIN_ENOMEM) puts(e.text);
    }
    fail_vfs_uninstall();
    CHECK(!reached);
}

/* In steps: SQLite allocates some thousand times in a life. */
static void every_allocation_of_sqlite_may_fail(void)
{
    bool reached = true;
    help_fail_memory_install();
    fail_vfs_install();
    for (int64_t n = 1; reached && n < 1000000; n += 1 + n / 40) {
        char name[32];
        akin_error e = {0};
        snprintf(name, sizeof name, "%lld.sqlite", (long long)n);
        const char *path = help_path(name);
        help_fail_memory_at(n);
        akin_status status = whole_life(path, &e);
        reached = help_fail_memory_failed();
        help_fail_memory_at(0);
        CHECK(status == AKIN_OK || (reached && status == AKIN_ENOMEM));
        if (status != AKIN_OK && status != AKIN_ENOMEM)
            printf("    %lld: %s\n", (long long)n, e.text);
    }
    CHECK(!reached);
    fail_vfs_uninstall();
    help_fail_memory_uninstall();
}

#define TORTURE_WINDOWS 300

/* A small cache makes SQLite write before the commit, too. */
static akin_status insert_many(const char *path, bool small, akin_error *err)
{
    store *s = NULL;
    unsigned char vector[256] = {1};
    store_window w = {.recording_id = 1};
    int64_t id;
    akin_status status = AKIN_OK;
    AKIN_TRYG(store_open(path, STORE_WRITE, 0, &s, err));
    if (small) sqlite3_exec(s->db, "PRAGMA cache_size = 10", NULL, NULL, NULL);
    AKIN_TRYG(store_begin(s, err));
    for (int i = 0; i < TORTURE_WINDOWS; i++) {
        w.start_s = i;
        w.end_s = i + 1;
        AKIN_TRYG(store_add_window(s, &w, vector, sizeof vector, &id, err));
    }
    AKIN_TRYG(store_commit(s, err));
done:
    store_close(s);
    return status;
}

static void check_all_or_nothing(const char *path, akin_status status)
{
    store *s = help_open(path, STORE_READ);
    store_counts counts = {0};
    akin_error e = {0};
    if (!s) return;
    CHECK_OK(store_count(s, &counts, &e), e);
    CHECK_EQ_INT(counts.pending, counts.windows);
    CHECK_EQ_TEXT(help_query(path, "SELECT count(*) FROM akin_pending"),
                  counts.windows ? "300" : "0");
    CHECK(counts.windows == TORTURE_WINDOWS ||
          (counts.windows == 0 && status != AKIN_OK));
    CHECK_EQ_TEXT(help_query(path, "PRAGMA integrity_check"), "ok");
    store_close(s);
}

static void torture_disk(bool small, bool for_good)
{
    const char *path = help_path("a.sqlite");
    bool reached = true;
    for (int n = 1; reached && n < 5000; n++) {
        akin_error e = {0};
        help_sql(path, "DELETE FROM windows; DELETE FROM akin_pending");
        fail_vfs_at(n, for_good);
        akin_status status = insert_many(path, small, &e);
        reached = fail_vfs_failed();
        fail_vfs_at(0, false);
        CHECK(status == AKIN_OK || (reached && status == AKIN_EIO));
        check_all_or_nothing(path, status);
    }
    CHECK(!reached);
}

static void a_transaction_is_whole_or_absent_on_a_failing_disk(void)
{
    const char *path = help_path("a.sqlite");
    akin_error e = {0};
    int64_t r;
    fail_vfs_install();
    store *s = help_open(path, STORE_CREATE);
    CHECK_OK(store_ensure_recording(s, "a", NULL, 0, &r, &e), e);
    store_close(s);
    torture_disk(false, false);
    torture_disk(false, true);
    torture_disk(true, false);
    torture_disk(true, true);
    fail_vfs_uninstall();
}

/* A database is there whole after creation failed and was tried again. */
static void creation_can_be_repeated_after_a_failure(void)
{
    bool reached = true;
    fail_vfs_install();
    for (int n = 1; reached && n < 1000; n++) {
        char name[32];
        akin_error e = {0};
        snprintf(name, sizeof name, "c%d.sqlite", n);
        const char *path = help_path(name);
        fail_vfs_at(n, true);
        akin_status status = open_status(path, STORE_CREATE, &e);
        reached = fail_vfs_failed();
        fail_vfs_at(0, false);
        CHECK(status == AKIN_OK || status == AKIN_EIO);
        CHECK_STATUS(open_status(path, STORE_CREATE, &e), AKIN_OK);
        CHECK_STATUS(open_status(path, STORE_WRITE, &e), AKIN_OK);
    }
    fail_vfs_uninstall();
    CHECK(!reached);
}

const test_case test_store_cases[] = {
    {"store/what_is_no_database_is_refused", what_is_no_database_is_refused},
    {"store/a_truncated_database_is_refused", a_truncated_database_is_refused},
    {"store/a_plain_database_can_be_read_and_completed",
     a_plain_database_can_be_read_and_completed},
    {"store/readers_leave_no_files", readers_leave_no_files},
    {"store/readers_leave_the_wal_of_others", readers_leave_the_wal_of_others},
    {"store/folders_that_cannot_be_written_can_be_read",
     folders_that_cannot_be_written_can_be_read},
    {"store/a_second_writer_is_told", a_second_writer_is_told},
    {"store/a_read_transaction_sees_one_state",
     a_read_transaction_sees_one_state},
    {"store/a_rollback_leaves_nothing", a_rollback_leaves_nothing},
    {"store/half_a_window_cannot_be_committed",
     half_a_window_cannot_be_committed},
    {"store/every_allocation_may_fail", every_allocation_may_fail},
    {"store/every_allocation_of_sqlite_may_fail",
     every_allocation_of_sqlite_may_fail},
    {"store/a_transaction_is_whole_or_absent_on_a_failing_disk",
     a_transaction_is_whole_or_absent_on_a_failing_disk},
    {"store/creation_can_be_repeated_after_a_failure",
     creation_can_be_repeated_after_a_failure},
    {0},
};
