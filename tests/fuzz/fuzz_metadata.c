/* SPDX-License-Identifier: MIT
 * Hunts for metadata that make a row with a value that is not of its column's
 * kind, that are read outside their bytes, or never come to an end; and for an
 * url that leads out of its folder. The first byte says whether it is a CSV. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "engine/dataset_int.h"
#include "engine/dataset_metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct rows_seen {
    const metadata *m;
    size_t n_rows, n_problems;
} rows_seen;

static void check_url(const char *file)
{
    char *url = NULL;
    akin_error err = {0};
    if (dataset_url("/m", file, &url, &err) != AKIN_OK) {
        if (!err.text[0]) abort();
        return;
    }
    if (!*url || *url == '/' || strcmp(url, "..") == 0 ||
        strncmp(url, "../", 3) == 0 || strstr(url, "/../") || strstr(url, "//"))
        abort();
    mem_free(url);
}

static akin_status see_row(void *user, const metadata_row *row, akin_error *err)
{
    rows_seen *seen = user;
    (void)err;
    seen->n_rows++;
    if (row->n_files == 0 || row->line == 0) abort();
    if (row->id && !metadata_id_is_good(row->id)) abort();
    for (size_t i = 0; i < row->n_files; i++) {
        if (!metadata_view_is_good(row->files[i].view)) abort();
        check_url(row->files[i].file);
    }
    for (size_t i = 0; i < seen->m->n_columns; i++) {
        const item_value *v = &row->values[i];
        if (v->null || seen->m->columns[i].kind != ITEM_TEXT) continue;
        if (strlen(v->text) > (size_t)1 << 30) abort();
    }
    return AKIN_OK;
}

static void see_problem(void *user, size_t line, const char *text)
{
    rows_seen *seen = user;
    seen->n_problems++;
    if (line == 0 || !*text) abort();
}

static void read_all(const char *path, bool csv, size_t size)
{
    akin_error err = {0};
    metadata m = {.path = mem_strdup(path), .csv = csv,
                  .folder = mem_strdup("/nowhere"), .view = "image"};
    rows_seen seen = {.m = &m};
    const metadata_visitor visitor = {see_row, see_problem, &seen};
    akin_status status = metadata_learn(&m, NULL, NULL, &err);
    if (status == AKIN_OK) status = metadata_each(&m, &visitor, &err);
    if (status != AKIN_OK && !err.text[0]) abort();
    if (seen.n_rows + seen.n_problems > size) abort();
    metadata_clear(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    if (size == 0) return 0;
    int fd = memfd_create("metadata", 0);
    if (fd < 0) return 0;
    if (size == 1 || write(fd, data + 1, size - 1) == (ssize_t)size - 1) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        read_all(path, data[0] & 1, size);
    }
    close(fd);
    return 0;
}
