/* SPDX-License-Identifier: MIT
 * Hunts for a CSV that makes the reader read or write outside its text, lose
 * count of its fields, or never come to the end. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/csv_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every record has the header's number of fields, and each can be read. */
static void read_all(const char *path, size_t size)
{
    csv_reader csv = {0};
    akin_error err = {0};
    bool more = true;
    size_t n_records = 0, n_bytes = 0;
    akin_status status = csv_open(&csv, path, &err);
    while (status == AKIN_OK && more) {
        status = csv_next(&csv, &more, &err);
        if (status != AKIN_OK || !more) break;
        if (csv.n_fields != csv.n_header || n_records++ > size) abort();
        for (size_t i = 0; i < csv.n_fields; i++)
            n_bytes += strlen(csv.fields[i]);
        if (!csv_get(&csv, csv.header[0])) abort();
    }
    if (n_bytes > size || (status != AKIN_OK && !err.text[0])) abort();
    csv_close(&csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("csv", 0);
    if (fd < 0) return 0;
    if (size == 0 || write(fd, data, size) == (ssize_t)size) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        read_all(path, size);
    }
    close(fd);
    return 0;
}
