/* SPDX-License-Identifier: MIT
 * Runs a fuzz target over its corpus without a fuzzer: each file whole, cut in
 * half, and with single bytes changed. A finding is a crash or a sanitizer's
 * report. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_BYTES = 1 << 20, CHANGES = 64 };

/* A copy of exactly n bytes, so that a sanitizer sees a read behind them. */
static void run_copy(const char *data, size_t n, size_t at, unsigned char flip)
{
    uint8_t *copy = mem_array(n, 1);
    if (!copy) exit(3);
    memcpy(copy, data, n);
    if (at < n) copy[at] ^= flip;
    LLVMFuzzerTestOneInput(copy, n);
    mem_free(copy);
}

static void run_file(const char *path)
{
    char *data;
    size_t n;
    akin_error err = {0};
    if (file_read(path, MAX_BYTES, &data, &n, &err) != AKIN_OK) {
        fprintf(stderr, "%s\n", err.text);
        exit(3);
    }
    run_copy(data, n, n, 0);
    run_copy(data, n / 2, n, 0);
    for (size_t i = 0; i < CHANGES && n > 0; i++)
        run_copy(data, n, i * 2654435761u % n, (unsigned char)(1u << i % 8));
    mem_free(data);
}

int main(int argc, char **argv)
{
    size_t n_files = 0;
    DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
    if (!dir) {
        fprintf(stderr, "usage: replay CORPUS_FOLDER\n");
        return 2;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        char *path = file_join(argv[1], e->d_name);
        if (path && e->d_name[0] != '.' && !file_is_dir(path)) {
            run_file(path);
            n_files++;
        }
        mem_free(path);
    }
    closedir(dir);
    printf("%zu files\n", n_files);
    return n_files ? 0 : 1;
}
