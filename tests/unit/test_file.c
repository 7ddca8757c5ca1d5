/* SPDX-License-Identifier: MIT
 * base/file: atomic replacement under failure, walking, locks, paths. */
#include "base/file.h"

#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "test.h"

static akin_status write_text(const char *path, const char *text)
{
    file_writer *w;
    akin_status status = file_writer_open(path, &w, NULL);
    if (status != AKIN_OK) return status;
    status = file_writer_put(w, text, strlen(text), NULL);
    if (status == AKIN_OK) return file_writer_commit(w, NULL);
    file_writer_discard(w);
    return status;
}

static void replacement_is_whole_or_not_at_all(void)
{
    char *path = file_join(test_dir(), "f"), *tmp = text_format("%s.tmp", path);
    CHECK_STATUS(write_text(path, "old"), AKIN_OK);
    bool failed = true;
    for (int n = 1; failed && n < 20; n++) {
        file_fail_at(n);
        failed = write_text(path, "new") != AKIN_OK;
        file_fail_at(0);
        char *text;
        size_t size;
        CHECK_STATUS(file_read(path, 100, &text, &size, NULL), AKIN_OK);
        CHECK(strcmp(text, "old") == 0 || strcmp(text, "new") == 0);
        CHECK(failed || strcmp(text, "new") == 0);
        CHECK(!file_exists(tmp));
        mem_free(text);
    }
    CHECK(!failed);
    mem_free(path);
    mem_free(tmp);
}

typedef struct seen {
    char names[256];
} seen;

static akin_status see(void *user, const char *path, akin_error *err)
{
    (void)err;
    strcat(strcat(((seen *)user)->names, file_name(path)), " ");
    return AKIN_OK;
}

static void walking_is_sorted_and_skips_hidden(void)
{
    static const char *const names[] = {"b.wav", "a/z.wav", "a/c.wav", ".hid",
                                        ".d/x.wav"};
    akin_error e = {0};
    for (size_t i = 0; i < 5; i++) {
        char *path = file_join(test_dir(), names[i]);
        char *parent = file_parent(path);
        CHECK_OK(file_make_dirs(parent, &e), e);
        CHECK_STATUS(write_text(path, "x"), AKIN_OK);
        mem_free(parent);
        mem_free(path);
    }
    seen s = {{0}};
    file_visitor visitor = {.visit = see, .user = &s};
    CHECK_OK(file_walk(test_dir(), &visitor, &e), e);
    CHECK_EQ_TEXT(s.names, "c.wav z.wav b.wav ");
}

static void a_second_lock_is_told_who_holds_it(void)
{
    char *path = file_join(test_dir(), "lock");
    file_lock *a = NULL, *b = NULL;
    akin_error e = {0};
    CHECK_OK(file_lock_open(path, 0, &a, &e), e);
    CHECK_STATUS(file_lock_open(path, 0.06, &b, &e), AKIN_EBUSY);
    char pid[32];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    CHECK(strstr(e.text, pid) != NULL);
    file_lock_close(a);
    CHECK_OK(file_lock_open(path, 0, &b, &e), e);
    file_lock_close(b);
    mem_free(path);
}

static void limits_and_absence_are_named(void)
{
    akin_error e = {0};
    char *text, *path = file_join(test_dir(), "none");
    size_t n;
    CHECK_STATUS(file_read(path, 10, &text, &n, &e), AKIN_ENOTFOUND);
    CHECK(strstr(e.text, path) != NULL);
    CHECK_STATUS(write_text(path, "0123456789abcdef"), AKIN_OK);
    CHECK_STATUS(file_read(path, 10, &text, &n, &e), AKIN_ELIMIT);
    mem_free(path);
}

static void paths_are_cleaned(void)
{
    static const char *const rows[][2] = {
        {"/no such/a/../b/./c", "/no such/b/c"}, {"/no such//x/", "/no such/x"},
        {"/no such/../..", "/"}};
    for (size_t i = 0; i < 3; i++) {
        char *path = file_absolute(rows[i][0]);
        CHECK_EQ_TEXT(path, rows[i][1]);
        mem_free(path);
    }
    char *stem = file_stem("/a/b.c.wav"), *parent = file_parent("/a");
    CHECK_EQ_TEXT(stem, "b.c");
    CHECK_EQ_TEXT(parent, "/");
    mem_free(stem);
    mem_free(parent);
}

const test_case test_file_cases[] = {
    {"file/replacement_is_whole_or_not_at_all",
     replacement_is_whole_or_not_at_all},
    {"file/walking_is_sorted_and_skips_hidden",
     walking_is_sorted_and_skips_hidden},
    {"file/a_second_lock_is_told_who_holds_it",
     a_second_lock_is_told_who_holds_it},
    {"file/limits_and_absence_are_named", limits_and_absence_are_named},
    {"file/paths_are_cleaned", paths_are_cleaned},
    {0},
};
