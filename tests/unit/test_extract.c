/* SPDX-License-Identifier: MIT
 * engine/extract: windows, resume, failure, stopping, settings. */
#include <pthread.h>

#include "akin/akin.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "db_files.h"
#include "test.h"

static akin_extract_report extract_again(akin_db *db,
                                         const akin_extract_options *opt,
                                         akin_status wanted)
{
    akin_error e = {0};
    akin_extract_report report;
    const char *inputs[] = {db_path("rec")};
    akin_status status = akin_extract(db, inputs, 1, opt, &report, &e);
    if (status != wanted)
        test_fail(__FILE__, __LINE__, "extract gave %s: %s",
                  akin_status_name(status), e.text);
    return report;
}

static void every_window_has_row_and_vector(void)
{
    akin_info info;
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    CHECK_STATUS(akin_get_info(db, &info, NULL), AKIN_OK);
    CHECK_EQ_INT(info.n_recordings, 3);
    CHECK_EQ_INT(info.n_windows, 7);
    CHECK_EQ_INT(info.n_vectors, 7);
    CHECK_EQ_INT(info.n_pending, 0);
    CHECK_EQ_TEXT(info.model, "mel");
    CHECK_EQ_TEXT(info.index_state, "ok");
    CHECK_EQ_TEXT(info.settings.audio_root, test_dir());
    akin_close(db);
    akin_verify_report report;
    CHECK_STATUS(akin_verify(db_path("db"), NULL, &report, NULL), AKIN_OK);
    CHECK_EQ_INT(report.n_findings, 0);
}

static void threads_and_batches_change_nothing(void)
{
    static const akin_extract_options runs[] = {
        {.threads = 1, .batch_size = 1}, {.threads = 4, .batch_size = 2},
        {.threads = 2, .batch_size = 16}, {.threads = 9, .batch_size = 3}};
    unsigned long long first = 0;
    for (unsigned i = 0; i < 40; i++) {
        char name[64];
        snprintf(name, sizeof name, "rec/many/%02u.wav", i);
        db_make_wav(name, 0.5 + 0.7 * (i % 13), i);
    }
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        akin_db *db = db_extract(&runs[i]);
        unsigned long long hash = db_hash(db);
        if (i == 0) first = hash;
        CHECK(hash == first);
        akin_close(db);
        file_remove(db_path("db/hoplite.sqlite"));
        file_remove(db_path("db/usearch.index"));
    }
}

static void a_second_run_skips_and_force_redoes(void)
{
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    akin_extract_report r = extract_again(db, NULL, AKIN_OK);
    CHECK_EQ_INT(r.n_skipped, 3);
    CHECK_EQ_INT(r.n_windows, 0);
    akin_extract_options force = {.force = true};
    r = extract_again(db, &force, AKIN_OK);
    CHECK_EQ_INT(r.n_done, 3);
    CHECK_EQ_INT(r.n_windows, 7);
    CHECK_EQ_INT(db_count_windows(db), 7);
    db_make_wav("rec/a.wav", 10, 9); /* another recording of that name */
    r = extract_again(db, NULL, AKIN_OK);
    CHECK_EQ_INT(r.n_done, 1);
    CHECK_EQ_INT(db_count_windows(db), 8);
    akin_close(db);
    akin_verify_report report;
    CHECK_STATUS(akin_verify(db_path("db"), NULL, &report, NULL), AKIN_OK);
    CHECK_EQ_INT(report.n_findings, 0);
}

static bool stop_soon(void *user, const akin_progress *progress)
{
    clock_sleep_s(0.11); /* so that the next call is not left out */
    return progress->windows_done < *(int64_t *)user;
}

static void stopping_keeps_what_was_done_and_the_rest_follows(void)
{
    int64_t limit = 20;
    akin_extract_options opt = {.threads = 1, .progress = stop_soon,
                                .user = &limit, .batch_size = 4};
    akin_error e = {0};
    db_make_wav("rec/long.wav", 400, 5);
    akin_db *whole = db_extract(NULL);
    unsigned long long hash = db_hash(whole);
    akin_close(whole);
    CHECK_OK(file_rename(db_path("db"), db_path("db-whole"), &e), e);
    akin_db *db = db_open(AKIN_CREATE);
    extract_again(db, &opt, AKIN_ECANCELLED);
    long long kept = db_count_windows(db);
    CHECK(kept >= limit && kept < 134);
    akin_extract_report r = extract_again(db, NULL, AKIN_OK);
    CHECK_EQ_INT(r.n_windows, 134 - kept);
    CHECK(db_hash(db) == hash);
    akin_close(db);
}

typedef struct failures {
    int n;
    char text[600];
} failures;

static void take_report(void *user, const akin_file_report *report)
{
    failures *f = user;
    if (report->outcome != AKIN_FILE_FAILED) return;
    f->n++;
    snprintf(f->text, sizeof f->text, "%s: %s", file_name(report->path),
             report->text);
}

static void write_bytes(const char *name, const char *bytes, size_t n)
{
    FILE *f = fopen(db_path(name), "wb");
    CHECK(f != NULL);
    if (!f) return;
    CHECK(fwrite(bytes, 1, n, f) == n);
    fclose(f);
}

static void bad_files_are_named_and_the_run_goes_on(void)
{
    db_make_recordings();
    write_bytes("rec/empty.wav", "", 0);
    write_bytes("rec/text.wav", "these are words, no sound at all\n", 33);
    failures f = {0};
    akin_extract_options opt = {.file = take_report, .user = &f};
    akin_db *db = db_extract(&opt);
    CHECK_EQ_INT(f.n, 2);
    CHECK(strncmp(f.text, "text.wav: ", 10) == 0);
    CHECK_EQ_INT(db_count_windows(db), 7);
    akin_close(db);
}

static void settings_are_kept_and_compared(void)
{
    akin_error e = {0};
    akin_db *db = NULL;
    akin_info info;
    akin_db_options opt = {
        .mode = AKIN_CREATE,
        .settings = {.set = AKIN_SET_OVERLAP | AKIN_SET_SPEED | AKIN_SET_FMIN,
                     .overlap_s = 1, .audio_speed = 0.5, .fmin_hz = 200}};
    db_make_recordings();
    CHECK_OK(akin_open(db_path("db"), &opt, &db, &e), e);
    extract_again(db, NULL, AKIN_OK);
    /* 7 s at half speed are 14 s: windows every 2 s of playback; 6, 13 s. */
    CHECK_EQ_INT(db_count_windows(db), 7 + 3 + 7);
    akin_close(db);
    CHECK_OK(akin_open(db_path("db"), NULL, &db, &e), e);
    CHECK_STATUS(akin_get_info(db, &info, NULL), AKIN_OK);
    CHECK_NEAR(info.settings.overlap_s, 1, 0);
    CHECK_NEAR(info.settings.audio_speed, 0.5, 0);
    CHECK_EQ_INT(info.settings.fmin_hz, 200);
    akin_close(db);
    opt.settings.overlap_s = 2;
    CHECK_STATUS(akin_open(db_path("db"), &opt, &db, &e), AKIN_ESETTINGS);
    CHECK(strstr(e.text, "overlap 1.0, not 2.0") != NULL);
    opt.settings = (akin_settings){.set = AKIN_SET_MODEL, .model = "tint"};
    CHECK_STATUS(akin_open(db_path("db"), &opt, &db, &e), AKIN_ESETTINGS);
    CHECK(strstr(e.text, "model mel, not tint") != NULL);
}

static void nonsense_settings_make_no_database(void)
{
    static const akin_settings rows[] = {
        {.set = AKIN_SET_OVERLAP, .overlap_s = 3},
        {.set = AKIN_SET_OVERLAP, .overlap_s = -1},
        {.set = AKIN_SET_SPEED, .audio_speed = 0},
        {.set = AKIN_SET_FMIN, .fmin_hz = 15000},
        {.set = AKIN_SET_FMAX, .fmax_hz = 20000},
        {.set = AKIN_SET_MODEL, .model = "none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        akin_db *db;
        akin_db_options opt = {.mode = AKIN_CREATE, .settings = rows[i]};
        akin_status status = akin_open(db_path("db"), &opt, &db, NULL);
        CHECK(status == AKIN_EUSAGE || status == AKIN_EMODEL);
        CHECK(!file_exists(db_path("db")));
    }
}

static void a_second_writer_is_told(void)
{
    akin_error e = {0};
    akin_db *other;
    akin_db_options opt = {.mode = AKIN_WRITE, .busy_s = 0.06};
    db_make_recordings();
    akin_db *db = db_extract(NULL);
    CHECK_STATUS(akin_open(db_path("db"), &opt, &other, &e), AKIN_EBUSY);
    CHECK_OK(akin_open(db_path("db"), NULL, &other, &e), e); /* reading goes */
    CHECK_EQ_INT(db_count_windows(other), 7);
    akin_close(other);
    akin_close(db);
}

static void a_moved_root_is_followed(void)
{
    akin_error e = {0};
    akin_info info;
    akin_db_options opt = {.mode = AKIN_WRITE};
    db_make_recordings();
    akin_close(db_extract(NULL));
    CHECK_OK(file_make_dirs(db_path("moved"), &e), e);
    CHECK_OK(file_rename(db_path("rec"), db_path("moved/rec"), &e), e);
    akin_db *db = db_open(AKIN_WRITE);
    const char *inputs[] = {db_path("moved/rec")};
    akin_extract_report r;
    CHECK_OK(akin_extract(db, inputs, 1, NULL, &r, &e), e);
    CHECK_EQ_INT(r.n_done, 3); /* below the root, so under new names */
    akin_close(db);
    opt.settings.set = AKIN_SET_AUDIO_ROOT;
    opt.settings.audio_root = db_path("moved");
    CHECK_OK(akin_open(db_path("db"), &opt, &db, &e), e);
    CHECK_OK(akin_extract(db, inputs, 1, NULL, &r, &e), e);
    CHECK_EQ_INT(r.n_skipped, 3);
    akin_close(db);
    db = db_open(AKIN_READ);
    CHECK_STATUS(akin_get_info(db, &info, NULL), AKIN_OK);
    CHECK_EQ_TEXT(info.settings.audio_root, db_path("moved"));
    akin_close(db);
}

/* ---- labels meanwhile ---------------------------------------------------- */

typedef struct labeller {
    int n_tried, n_added;
    pthread_t thread;
    bool started;
    _Atomic bool over;
} labeller;

static void *label_on(void *user)
{
    labeller *l = user;
    akin_annotation label = {.label = "wren", .by = "test"};
    for (int i = 0; i < 3 && !l->over; i++) {
        akin_db *db = db_open(AKIN_LABEL);
        akin_error e = {0};
        char name[20];
        bool added = false;
        snprintf(name, sizeof name, "wren %d", i);
        label.label = name;
        l->n_tried++;
        if (db) CHECK_OK(akin_label(db, 1, &label, &added, &e), e);
        l->n_added += added;
        akin_close(db);
    }
    return NULL;
}

static void start_labels(void *user, const akin_file_report *report)
{
    labeller *l = user;
    (void)report;
    if (l->started) return;
    l->started = pthread_create(&l->thread, NULL, label_on, l) == 0;
}

static void labels_are_written_meanwhile(void)
{
    labeller l = {0};
    bool removed = false;
    akin_error e = {0};
    akin_extract_options opt = {.file = start_labels, .user = &l};
    db_make_recordings();
    for (int i = 0; i < 30; i++) {
        char name[40];
        snprintf(name, sizeof name, "rec/more%d.wav", i);
        db_make_wav(name, 30, (unsigned)i);
    }
    akin_db *db = db_extract(&opt);
    l.over = true;
    if (l.started) pthread_join(l.thread, NULL);
    CHECK(l.started && l.n_tried > 0);
    CHECK_EQ_INT(l.n_added, l.n_tried);
    CHECK_EQ_INT(db_count_windows(db), 7 + 30 * 10);
    akin_close(db);
    db = db_open(AKIN_LABEL);
    CHECK_STATUS(akin_extract(db, NULL, 0, NULL, NULL, &e), AKIN_EUSAGE);
    CHECK_OK(akin_unlabel(db, 1, &removed, &e), e);
    CHECK(removed);
    CHECK_OK(akin_unlabel(db, 1, &removed, &e), e);
    CHECK(!removed);
    akin_close(db);
    db = db_open(AKIN_READ);
    CHECK_STATUS(akin_unlabel(db, 1, &removed, &e), AKIN_EUSAGE);
    akin_close(db);
}

const test_case test_extract_cases[] = {
    {"extract/labels_are_written_meanwhile", labels_are_written_meanwhile},
    {"extract/every_window_has_row_and_vector",
     every_window_has_row_and_vector},
    {"extract/threads_and_batches_change_nothing",
     threads_and_batches_change_nothing},
    {"extract/a_second_run_skips_and_force_redoes",
     a_second_run_skips_and_force_redoes},
    {"extract/stopping_keeps_what_was_done_and_the_rest_follows",
     stopping_keeps_what_was_done_and_the_rest_follows},
    {"extract/bad_files_are_named_and_the_run_goes_on",
     bad_files_are_named_and_the_run_goes_on},
    {"extract/settings_are_kept_and_compared", settings_are_kept_and_compared},
    {"extract/nonsense_settings_make_no_database",
     nonsense_settings_make_no_database},
    {"extract/a_second_writer_is_told", a_second_writer_is_told},
    {"extract/a_moved_root_is_followed", a_moved_root_is_followed},
    {0},
};
