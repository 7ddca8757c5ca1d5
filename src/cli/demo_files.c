/* SPDX-License-Identifier: MIT
 * Lists the files of the demo and reads their captions. */
#define _GNU_SOURCE
#include "cli/demo_files.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

enum { MAX_FILES = 100000, MAX_CAPTION_BYTES = 1 << 20 };

akin_status demo_files_add(demo_files *files, const char *path, akin_error *err)
{
    AKIN_TRY(mem_grow((void **)&files->paths, &files->cap, files->n + 1,
                      sizeof *files->paths, MAX_FILES, err));
    files->paths[files->n] = mem_strdup(path);
    if (!files->paths[files->n])
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the files");
    files->n++;
    return AKIN_OK;
}

typedef struct search_for {
    demo_files *files;
    bool (*wanted)(const char *path);
} search_for;

static akin_status visit_file(void *user, const char *path, akin_error *err)
{
    const search_for *what = user;
    return what->wanted(path) ? demo_files_add(what->files, path, err)
                              : AKIN_OK;
}

akin_status demo_files_find(demo_files *files, const char *dir,
                            bool (*wanted)(const char *path), akin_error *err)
{
    search_for what = {files, wanted};
    file_visitor visitor = {.visit = visit_file, .user = &what};
    return file_is_dir(dir) ? file_walk(dir, &visitor, err) : AKIN_OK;
}

void demo_files_clear(demo_files *files)
{
    for (size_t i = 0; i < files->n; i++) mem_free(files->paths[i]);
    mem_free(files->paths);
    *files = (demo_files){0};
}

char *demo_files_caption(const char *path)
{
    char *text = NULL;
    size_t n;
    const char *dot = strrchr(path, '.');
    char *beside = text_format("%.*s.txt", (int)(dot ? dot - path : 0), path);
    akin_status status =
        beside && file_exists(beside)
            ? file_read(beside, MAX_CAPTION_BYTES, &text, &n, NULL)
            : AKIN_ENOTFOUND;
    mem_free(beside);
    if (status != AKIN_OK) return file_stem(path);
    text[strcspn(text, "\r\n")] = 0;
    return text;
}
