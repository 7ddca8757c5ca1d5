/* SPDX-License-Identifier: MIT
 * Hunts for an Arrow file or stream whose tables, offsets, counts or indexes
 * make the reader look past the file, recurse or allocate without end, or that
 * passes the check of a batch and fails in a row of it. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "interop/arrow.h"

enum { MAX_ROWS = 4096, MAX_ITEMS = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile double seen;

static void look_at_list(const arrow_view *v, size_t row)
{
    float items[MAX_ITEMS];
    arrow_range range = arrow_view_items(v, row);
    const arrow_view *child = arrow_view_child(v, 0);
    if (range.first > arrow_view_rows(child) ||
        range.n > arrow_view_rows(child) - range.first)
        abort();
    if (range.n > MAX_ITEMS ||
        arrow_view_field(child)->type > ARROW_TIMESTAMP)
        return;
    arrow_view_floats(v, row, items);
    for (size_t i = 0; i < range.n; i++) seen = seen + items[i];
}

static void look_at_row(const arrow_view *v, size_t row)
{
    arrow_text text;
    if (arrow_view_is_null(v, row)) seen = seen + 1;
    switch (arrow_view_field(v)->type) {
    case ARROW_STRUCT: break;
    case ARROW_UTF8:
        text = arrow_view_text(v, row);
        if (text.n) seen = seen + text.data[0] + text.data[text.n - 1];
        break;
    case ARROW_LIST: case ARROW_FIXED_SIZE_LIST: look_at_list(v, row); break;
    default: seen = seen + arrow_view_number(v, row);
    }
}

/* The first rows and the last. */
static void look_at_view(const arrow_view *v)
{
    const arrow_field *f = arrow_view_field(v);
    size_t n = arrow_view_rows(v);
    if (f->type == ARROW_OTHER) return;
    for (size_t i = 0; i < n && i < MAX_ROWS; i++) look_at_row(v, i);
    if (n > MAX_ROWS) look_at_row(v, n - 1);
    for (size_t i = 0; i < f->n_children; i++)
        look_at_view(arrow_view_child(v, i));
}

static void look_at_file(const char *path)
{
    arrow_reader *r = NULL;
    if (arrow_reader_open(path, &r, NULL) != AKIN_OK) {
        if (r) abort();
        return;
    }
    const arrow_schema *s = arrow_reader_schema(r);
    for (size_t i = 0; i < arrow_reader_batches(r); i++) {
        arrow_batch *b = NULL;
        if (arrow_batch_open(r, i, &b, NULL) != AKIN_OK) continue;
        for (size_t c = 0; c < s->n_fields; c++)
            look_at_view(arrow_batch_column(b, c));
        arrow_batch_close(b);
    }
    arrow_reader_close(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("arrow", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    look_at_file(path);
    close(fd);
    return 0;
}
