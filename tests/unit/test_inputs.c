/* SPDX-License-Identifier: MIT
 * engine/inputs: which files, in which order, under which names. */
#include "engine/inputs.h"

#include "base/file.h"
#include "base/memory.h"
#include "db_files.h"
#include "test.h"

static void folders_are_searched_and_files_taken_once(void)
{
    akin_error e = {0};
    inputs in;
    db_make_recordings();
    char *rec = mem_strdup(db_path("rec")), *file = mem_strdup(
        db_path("rec/b/c.wav"));
    const char *paths[] = {file, rec};
    CHECK_OK(inputs_collect(&in, paths, 2, MODEL_SOUND, &e), e);
    CHECK_EQ_INT(in.n, 3);
    CHECK_EQ_TEXT(file_name(in.files[0].path), "a.wav");
    CHECK_EQ_TEXT(file_name(in.files[1].path), "c.wav");
    CHECK(in.n_bytes > 3 * 44);
    inputs_clear(&in);
    mem_free(rec);
    mem_free(file);
}

static void nothing_to_read_is_an_error(void)
{
    akin_error e = {0};
    inputs in;
    const char *paths[] = {test_dir()};
    CHECK_STATUS(inputs_collect(&in, paths, 1, MODEL_SOUND, &e), AKIN_ENOTFOUND);
    CHECK(strstr(e.text, "no audio file") != NULL);
    const char *gone[] = {db_path("gone.wav")};
    CHECK_STATUS(inputs_collect(&in, gone, 1, MODEL_SOUND, &e), AKIN_ENOTFOUND);
    CHECK(strstr(e.text, "gone.wav") != NULL);
}

static void the_root_holds_all_parents(void)
{
    static const struct {
        const char *paths[3];
        size_t n;
        const char *root;
    } rows[] = {
        {{"/no/x/rec"}, 1, "/no/x"},
        {{"/no/x/rec", "/no/x/more"}, 2, "/no/x"},
        {{"/no/x/rec", "/no/xy/more"}, 2, "/no"},
        {{"/no/x/y/rec", "/no/x/more"}, 2, "/no/x"},
        {{"/no/x/more", "/no/x/y/rec"}, 2, "/no/x"},
        {{"/na/a", "/nb/b"}, 2, "/"},
        {{"/rec"}, 1, "/"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *root = NULL;
        CHECK_STATUS(inputs_root(rows[i].paths, rows[i].n, &root, NULL),
                     AKIN_OK);
        CHECK_EQ_TEXT(root, rows[i].root);
        mem_free(root);
    }
    CHECK_EQ_TEXT(inputs_name("/a/b", "/a/b/c/d"), "c/d");
    CHECK_EQ_TEXT(inputs_name("/", "/a"), "a");
    CHECK(inputs_name("/a/b", "/a/bc/d") == NULL);
    CHECK(inputs_name("/a/b", "/a/b") == NULL);
}

const test_case test_inputs_cases[] = {
    {"inputs/folders_are_searched_and_files_taken_once",
     folders_are_searched_and_files_taken_once},
    {"inputs/nothing_to_read_is_an_error", nothing_to_read_is_an_error},
    {"inputs/the_root_holds_all_parents", the_root_holds_all_parents},
    {0},
};
