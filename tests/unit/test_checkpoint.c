/* SPDX-License-Identifier: MIT
 * engine/checkpoint: every failure of the disk, SQLite and memory in its way,
 * replay, removal, compaction, and what it writes over a database's life. */
#include "engine/checkpoint.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "akin/akin.h"
#include "base/memory.h"
#include "base/random.h"
#include "db_files.h"
#include "fail_vfs.h"
#include "test.h"

enum { MANY = 3000, FEW = 5, MAX_DIM = 1024 };

/* ---- helpers ------------------------------------------------------------- */

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

static void print_finding(void *user, const char *text, bool mended)
{
    (void)user;
    (void)mended;
    test_fail(__FILE__, __LINE__, "verify found: %s", text);
}

/* Files left over by the "power cut" are no loss. */
static void print_loss(void *user, const char *text, bool mended)
{
    if (!strstr(text, "left over")) print_finding(user, text, mended);
}

static akin_verify_report check_verify(bool left_over_is_fine)
{
    akin_error e = {0};
    akin_verify_report r = {0};
    akin_verify_options opt = {
        .finding = left_over_is_fine ? print_loss : print_finding};
    CHECK_OK(akin_verify(db_path("db"), &opt, &r, &e), e);
    CHECK_EQ_INT(r.n_vectors, r.n_windows);
    return r;
}

static akin_info info_of(akin_db *db)
{
    akin_error e = {0};
    akin_info info = {0};
    CHECK_OK(akin_get_info(db, &info, &e), e);
    return info;
}

static void remove_database(void)
{
    static const char *const names[] = {
        "db/hoplite.sqlite", "db/hoplite.sqlite-wal", "db/hoplite.sqlite-shm",
        "db/usearch.index", "db/usearch.index.tmp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        file_remove(db_path(names[i]));
}

/* Journals n windows from start_s on, as an extraction would. */
static void journal_windows(akin_db *db, double start_s, size_t n)
{
    akin_error e = {0};
    int64_t deployment, recording, id;
    unsigned char vector[2 * MAX_DIM];
    size_t dim = db->settings.dim;
    random_state r = {(uint64_t)start_s};
    CHECK(dim <= MAX_DIM);
    CHECK_OK(store_begin(db->writer, &e), e);
    CHECK_OK(store_ensure_deployment(db->writer, "d", "p", &deployment, &e), e);
    CHECK_OK(store_ensure_recording(db->writer, "r.wav", NULL, deployment,
                                    &recording, &e), e);
    for (size_t i = 0; i < n; i++) {
        store_window w = {.recording_id = recording,
                          .start_s = start_s + (double)i,
                          .end_s = start_s + (double)i + 1};
        for (size_t k = 0; k < dim; k++) { /* 0.25 .. 1, either sign */
            unsigned half = 0x3400 + (unsigned)(random_unit(&r) * 0x800);
            vector[2 * k] = (unsigned char)half;
            vector[2 * k + 1] =
                (unsigned char)(half >> 8 | (random_unit(&r) < 0.5 ? 0x80 : 0));
        }
        CHECK_OK(store_add_window(db->writer, &w, vector, dim * 2, &id, &e), e);
    }
    CHECK_OK(store_commit(db->writer, &e), e);
}

/* Removes the windows of ids low .. high - 1 as a forced extraction does. */
static void remove_windows(akin_db *db, int64_t low, int64_t high)
{
    akin_error e = {0};
    CHECK_OK(store_begin(db->writer, &e), e);
    for (int64_t id = low; id < high; id++) {
        CHECK_OK(store_remove_window(db->writer, id, &e), e);
        CHECK_OK(store_put_pending(db->writer, id, NULL, 0, &e), e);
    }
    CHECK_OK(store_commit(db->writer, &e), e);
}

static void checkpoint(akin_db *db)
{
    akin_error e = {0};
    CHECK_OK(checkpoint_run(db, NULL, &e), e);
}

static void check_index(size_t n_rows, size_t n_present)
{
    akin_error e = {0};
    usearch_file *file = NULL;
    CHECK_OK(usearch_open(db_path("db/usearch.index"), USEARCH_STRUCTURE, &file,
                          &e), e);
    if (!file) return;
    CHECK_EQ_INT(usearch_get_info(file)->n_rows, n_rows);
    CHECK_EQ_INT(usearch_get_info(file)->n_present, n_present);
    usearch_close(file);
}

/* Of all windows and vectors, whatever their ids: a file that failed for want
 * of memory is done after the others. */
typedef struct content {
    unsigned long long sum;
    size_t dim;
} content;

static void content_put(unsigned long long *hash, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++) *hash = (*hash ^ p[i]) * 1099511628211u;
}

static bool content_take(void *user, const akin_window *w, const float *vector)
{
    content *c = user;
    unsigned long long hash = 1469598103934665603u;
    content_put(&hash, w->recording, strlen(w->recording));
    content_put(&hash, &w->start_s, sizeof w->start_s);
    content_put(&hash, &w->end_s, sizeof w->end_s);
    if (vector) content_put(&hash, vector, c->dim * sizeof *vector);
    c->sum += hash;
    return true;
}

static unsigned long long content_of(akin_db *db)
{
    akin_error e = {0};
    content c = {.dim = info_of(db).dim};
    CHECK_OK(akin_each(db, NULL, content_take, &c, &e), e);
    return c.sum;
}

/* ---- the index writer fails ---------------------------------------------- */

static void every_write_sync_and_rename_may_fail(void)
{
    akin_db *db = db_open(AKIN_CREATE);
    journal_windows(db, 0, MANY);
    checkpoint(db);
    bool failed = true;
    int64_t n = 0;
    while (failed && n++ < 100) {
        akin_error e = {0};
        journal_windows(db, (double)(MANY + FEW * n), FEW);
        unsigned long long hash = db_hash(db);
        file_fail_at(n);
        akin_status status = checkpoint_run(db, NULL, &e);
        failed = !file_fail_pending();
        file_fail_at(0);
        CHECK_STATUS(status, failed ? AKIN_EIO : AKIN_OK);
        CHECK(!failed || strstr(e.text, "db") != NULL);
        CHECK(!file_exists(db_path("db/usearch.index.tmp")));
        CHECK(db_hash(db) == hash);
        CHECK_EQ_INT(info_of(db).n_pending, failed ? FEW : 0);
        if (failed) { /* and closed as if killed: the next open replays */
            db->writable = false;
            akin_close(db);
            check_verify(false);
            db = db_open(AKIN_WRITE);
            CHECK_EQ_INT(info_of(db).n_pending, 0);
            CHECK(db_hash(db) == hash);
        }
    }
    CHECK(n > 5); /* two or more writes, sync, rename, sync of the folder */
    akin_close(db);
    check_verify(false);
    check_index((size_t)(MANY + FEW * n), (size_t)(MANY + FEW * n));
}

static void a_failing_close_is_told_and_taken_up(void)
{
    akin_error e = {0};
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    unsigned long long hash = db_hash(db);
    akin_close(db);
    remove_database();
    db = db_open(AKIN_CREATE);
    const char *inputs[] = {db_path("rec")};
    file_fail_at(1);
    CHECK_STATUS(akin_extract(db, inputs, 1, NULL, NULL, &e), AKIN_EIO);
    CHECK(strstr(e.text, "No space left") != NULL);
    file_fail_at(2);
    akin_close(db);
    CHECK(!file_fail_pending());
    file_fail_at(0);
    CHECK_EQ_INT(check_verify(false).n_windows, 7);
    db = db_open(AKIN_READ);
    CHECK_EQ_INT(info_of(db).n_pending, 7);
    CHECK(db_hash(db) == hash);
    akin_close(db);
    db = db_extract(NULL);
    CHECK_EQ_INT(info_of(db).n_pending, 0);
    CHECK(db_hash(db) == hash);
    akin_close(db);
}

/* ---- SQLite and memory fail ---------------------------------------------- */

static void make_small_recordings(void)
{
    db_make_wav("rec/a.wav", 4, 1);
    db_make_wav("rec/b.wav", 0.5, 2);
}

typedef struct attempt {
    bool failed; /* some call said so, or a file was reported as failed */
    akin_status status;
    akin_error e;
} attempt;

/* Opens, extracts, closes, with whatever is set to fail. */
static attempt try_extraction(void)
{
    attempt a = {0};
    akin_db *db = NULL;
    akin_extract_report report = {0};
    akin_db_options opt = {.mode = AKIN_CREATE};
    akin_extract_options extract = {.threads = 1, .batch_size = 1};
    const char *inputs[] = {db_path("rec")};
    a.status = akin_open(db_path("db"), &opt, &db, &a.e);
    if (a.status == AKIN_OK)
        a.status = akin_extract(db, inputs, 1, &extract, &report, &a.e);
    akin_close(db);
    a.failed = a.status != AKIN_OK || report.n_failed > 0;
    if (a.status != AKIN_OK && !*a.e.text)
        test_fail(__FILE__, __LINE__, "%s without a message",
                  akin_status_name(a.status));
    return a;
}

/* What is there is whole, and another extraction makes it complete; if the
 * first had nothing to tell, it is complete already. */
static void check_completed(const char *what, long long n, bool told,
                            unsigned long long wanted)
{
    if (!told) {
        akin_db *db = db_open(AKIN_READ);
        if (!db || content_of(db) != wanted)
            test_fail(__FILE__, __LINE__, "%s %lld: a silent loss", what, n);
        akin_close(db);
    }
    if (file_exists(db_path("db/hoplite.sqlite"))) {
        akin_verify_report r;
        akin_error e = {0};
        akin_verify_options opt = {.finding = print_loss};
        akin_status status = akin_verify(db_path("db"), &opt, &r, &e);
        /* Killed while it was being made: there is nothing yet. */
        if (status != AKIN_OK && status != AKIN_EUNSUPPORTED &&
            status != AKIN_ENOTFOUND)
            test_fail(__FILE__, __LINE__, "%s %lld: verify: %s", what, n,
                      e.text);
    }
    attempt a = try_extraction();
    if (a.failed)
        test_fail(__FILE__, __LINE__, "%s %lld: then %s: %s", what, n,
                  akin_status_name(a.status), a.e.text);
    akin_db *db = db_open(AKIN_READ);
    if (!db) return;
    if (content_of(db) != wanted || info_of(db).n_pending != 0)
        test_fail(__FILE__, __LINE__, "%s %lld: %lld windows, %lld pending",
                  what, n, (long long)info_of(db).n_windows,
                  (long long)info_of(db).n_pending);
    akin_close(db);
}

static bool find_undisturbed(unsigned long long *out)
{
    attempt a = try_extraction();
    if (a.failed) test_fail(__FILE__, __LINE__, "undisturbed: %s", a.e.text);
    if (a.failed) return false;
    akin_db *db = db_open(AKIN_READ);
    *out = content_of(db);
    akin_close(db);
    remove_database();
    return true;
}

static void every_write_of_sqlite_may_fail(void)
{
    int n_told = 0;
    unsigned long long wanted;
    make_small_recordings();
    fail_vfs_install();
    if (!find_undisturbed(&wanted)) return;
    fail_vfs_counts counts = fail_vfs_get_counts();
    int64_t n_calls = counts.writes + counts.syncs + counts.truncates;
    CHECK(n_calls > 50);
    int64_t stride = n_calls / 40 + 1;
    for (int64_t n = 1; n <= n_calls; n += n < 8 ? 1 : stride) {
        bool for_good = n % 2;
        fail_vfs_at(n, for_good);
        attempt a = try_extraction();
        n_told += a.failed;
        fail_vfs_at(0, false);
        check_completed(for_good ? "write from" : "write", n, a.failed,
                        wanted);
        remove_database();
    }
    CHECK(n_told > 20);
    fail_vfs_uninstall();
}

static void every_allocation_may_fail(void)
{
    int n_told = 0;
    unsigned long long wanted;
    make_small_recordings();
    if (!find_undisturbed(&wanted)) return;
    int64_t stride = 1;
    for (int64_t n = 1;; n += stride) {
        mem_fail_at(n);
        attempt a = try_extraction();
        bool over = mem_fail_pending();
        mem_fail_at(0);
        if (over) break;
        n_told += a.failed;
        check_completed("allocation", n, a.failed, wanted);
        remove_database();
        if (n > 60) stride = 1 + n / 30;
    }
    CHECK(n_told > 50);
}

/* ---- replay and removal -------------------------------------------------- */

static void killed_before_the_journal_was_cleared(void)
{
    akin_db *db = db_open(AKIN_CREATE);
    journal_windows(db, 0, 50);
    checkpoint(db);
    journal_windows(db, 50, 20);
    remove_windows(db, 10, 15);
    unsigned long long hash = db_hash(db);
    db->writable = false;
    akin_close(db);
    run_sql("CREATE TABLE akin_saved AS SELECT * FROM akin_pending");
    akin_close(db_open(AKIN_WRITE));
    run_sql("INSERT INTO akin_pending SELECT * FROM akin_saved");
    CHECK_EQ_INT(check_verify(false).n_windows, 65);
    db = db_open(AKIN_READ); /* rows that are in both are told once */
    CHECK(db_hash(db) == hash);
    akin_results *results = NULL;
    akin_search_options opt = {.k = 100};
    CHECK_STATUS(akin_search(&db, 1, &(akin_query){.window_id = 1}, &opt,
                             &results, NULL), AKIN_OK);
    CHECK_EQ_INT(akin_results_count(results), 64);
    akin_results_free(results);
    akin_close(db);
    db = db_open(AKIN_WRITE);
    CHECK_EQ_INT(info_of(db).n_pending, 0);
    CHECK(db_hash(db) == hash);
    akin_close(db);
    check_verify(false);
    file_stamp stamp;
    CHECK_STATUS(file_stat(db_path("db/usearch.index"), &stamp, NULL), AKIN_OK);
}

static void a_forced_extraction_journals_the_removal(void)
{
    akin_error e = {0};
    akin_extract_options force = {.force = true};
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    const char *inputs[] = {db_path("rec")};
    file_fail_at(1);
    CHECK_STATUS(akin_extract(db, inputs, 1, &force, NULL, &e), AKIN_EIO);
    file_fail_at(0);
    unsigned long long hash = db_hash(db);
    CHECK_EQ_INT(info_of(db).n_windows, 7);
    CHECK_EQ_INT(info_of(db).n_vectors, 7);
    db->writable = false;
    akin_close(db);
    CHECK_EQ_INT(check_verify(false).n_windows, 7);
    db = db_open(AKIN_READ);
    akin_results *results = NULL;
    akin_search_options opt = {.k = 100};
    CHECK_OK(akin_search(&db, 1, &(akin_query){.window_id = 8}, &opt, &results,
                         &e), e);
    CHECK_EQ_INT(akin_results_count(results), 6);
    for (size_t i = 0; i < akin_results_count(results); i++)
        CHECK(akin_results_at(results, i)->window_id > 7);
    akin_results_free(results);
    CHECK_STATUS(akin_search(&db, 1, &(akin_query){.window_id = 3}, &opt,
                             &results, &e), AKIN_ENOTFOUND);
    akin_close(db);
    db = db_open(AKIN_WRITE);
    CHECK(db_hash(db) == hash);
    akin_close(db);
    CHECK_EQ_INT(check_verify(false).n_windows, 7);
    check_index(7, 7); /* all old ones were free: made anew without them */
}

static void few_freed_slots_stay_and_many_are_compacted(void)
{
    akin_db *db = db_open(AKIN_CREATE);
    journal_windows(db, 0, 400);
    checkpoint(db);
    remove_windows(db, 100, 140);
    checkpoint(db);
    check_index(400, 360);
    journal_windows(db, 400, 40);
    checkpoint(db);
    check_index(440, 400);
    remove_windows(db, 1, 100);
    remove_windows(db, 200, 300);
    unsigned long long hash = db_hash(db);
    checkpoint(db);
    check_index(201, 201); /* 239 of 440 are free */
    CHECK(db_hash(db) == hash);
    remove_windows(db, 140, 200);
    remove_windows(db, 300, 441);
    checkpoint(db);
    check_index(0, 0);
    CHECK_EQ_INT(info_of(db).n_windows, 0);
    journal_windows(db, 0, 3);
    akin_close(db);
    check_index(3, 3);
    check_verify(false);
}

/* ---- how often ----------------------------------------------------------- */

static void set_file_size(const char *path, int64_t n_bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    CHECK(fd >= 0 && ftruncate(fd, n_bytes) == 0);
    if (fd >= 0) close(fd);
}

static void what_is_written_stays_within_a_few_times_the_index(void)
{
    static const int64_t rows[] = {1000, 300000, 1000000, 30000000};
    akin_db *db = db_open(AKIN_CREATE);
    const char *path = db_path("db/usearch.index");
    int64_t row_bytes = db->settings.dim * 2 + 146;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t n = 0, pending = 0, written = 0, n_times = 0;
        set_file_size(path, 112);
        for (; n < rows[i]; n += 1000) {
            pending += 1000;
            if (!checkpoint_due(db, pending)) continue;
            pending = 0;
            n_times++;
            written += (n + 1000) * row_bytes;
            set_file_size(path, (n + 1000) * row_bytes);
        }
        written += n * row_bytes; /* at the end */
        CHECK(written <= 4 * n * row_bytes);
        CHECK((n_times > 0) == (rows[i] > 262144)); /* 64 MiB of journal */
        CHECK(n_times < 40);
        /* The journal never holds more than the larger part. */
        CHECK(pending <= n * 2 / 3 || n_times == 0);
    }
    db->writable = false;
    akin_close(db);
}

const test_case test_checkpoint_cases[] = {
    {"checkpoint/every_write_sync_and_rename_may_fail",
     every_write_sync_and_rename_may_fail},
    {"checkpoint/a_failing_close_is_told_and_taken_up",
     a_failing_close_is_told_and_taken_up},
    {"checkpoint/every_write_of_sqlite_may_fail",
     every_write_of_sqlite_may_fail},
    {"checkpoint/every_allocation_may_fail", every_allocation_may_fail},
    {"checkpoint/killed_before_the_journal_was_cleared",
     killed_before_the_journal_was_cleared},
    {"checkpoint/a_forced_extraction_journals_the_removal",
     a_forced_extraction_journals_the_removal},
    {"checkpoint/few_freed_slots_stay_and_many_are_compacted",
     few_freed_slots_stay_and_many_are_compacted},
    {"checkpoint/what_is_written_stays_within_a_few_times_the_index",
     what_is_written_stays_within_a_few_times_the_index},
    {0},
};
