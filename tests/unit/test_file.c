/* SPDX-License-Identifier: MIT
 * base/file: atomic replacement under failure, walking, locks, paths. */
#define _GNU_SOURCE
#include "base/file.h"

#include <sys/stat.h>
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

static void heads_are_of_regular_files(void)
{
    akin_error e = {0};
    char text[8];
    size_t n = 99;
    file_stamp stamp, wanted;
    char *path = file_join(test_dir(), "f");
    CHECK_STATUS(write_text(path, "0123456789"), AKIN_OK);
    CHECK_OK(file_read_head(path, text, 4, &n, &stamp, &e), e);
    CHECK(n == 4 && memcmp(text, "0123", 4) == 0);
    CHECK_STATUS(file_stat(path, &wanted, &e), AKIN_OK);
    CHECK_EQ_INT(stamp.size_bytes, 10);
    CHECK_EQ_INT(stamp.mtime_ns, wanted.mtime_ns);
    CHECK_STATUS(write_text(path, "01"), AKIN_OK);
    CHECK_OK(file_read_head(path, text, 8, &n, &stamp, &e), e);
    CHECK_EQ_INT(n, 2);
    file_remove(path);
    CHECK_STATUS(file_read_head(path, text, 8, &n, &stamp, &e),
                 AKIN_ENOTFOUND);
    CHECK(mkfifo(path, 0600) == 0); /* nobody writes to it */
    CHECK_STATUS(file_read_head(path, text, 8, &n, &stamp, &e), AKIN_EIO);
    CHECK_STATUS(file_read_head(test_dir(), text, 8, &n, &stamp, &e),
                 AKIN_EIO);
    mem_free(path);
}

static void trees_are_listed_and_removed(void)
{
    akin_error e = {0};
    char *tree = file_join(test_dir(), "t"), *kept = file_join(test_dir(), "k");
    char *deep = file_join(tree, "b/c"), *file = file_join(deep, "f");
    char *link = file_join(tree, "a"), *hidden = file_join(tree, ".h");
    char **names = NULL;
    size_t n = 0;
    CHECK_STATUS(file_make_dirs(deep, &e), AKIN_OK);
    CHECK_STATUS(file_make_dirs(kept, &e), AKIN_OK);
    CHECK_STATUS(write_text(file, "x"), AKIN_OK);
    CHECK_STATUS(write_text(hidden, "x"), AKIN_OK);
    CHECK(symlink(kept, link) == 0);
    CHECK_OK(file_list_new(tree, &names, &n, &e), e);
    CHECK_EQ_INT(n, 2);
    if (n == 2) {
        CHECK_EQ_TEXT(names[0], "a");
        CHECK_EQ_TEXT(names[1], "b");
    }
    file_list_free(names, n);
    CHECK_OK(file_remove_tree(tree, &e), e);
    CHECK(!file_exists(tree) && file_exists(kept));
    CHECK_OK(file_remove_tree(tree, &e), e);
    CHECK_STATUS(file_list_new(tree, &names, &n, &e), AKIN_ENOTFOUND);
    mem_free(hidden);
    mem_free(link);
    mem_free(file);
    mem_free(deep);
    mem_free(kept);
    mem_free(tree);
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
    {"file/heads_are_of_regular_files", heads_are_of_regular_files},
    {"file/trees_are_listed_and_removed", trees_are_listed_and_removed},
    {0},
};
