/* SPDX-License-Identifier: MIT
 * Writing .npy as numpy.save does, blanks included: a file rewritten by numpy
 * is the same file. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "interop/npy_int.h"

enum {
    /* numpy leaves room for the count of rows to grow in place. */
    NPY_GROWTH_DIGITS = 21,
    NPY_START_BYTES = NPY_MAGIC_BYTES + 4, /* of version 1 */
};

struct npy_writer {
    file_writer *file;
    char *path;
    size_t n, dim;
    size_t n_put;
};

static akin_status npy_put_header(npy_writer *w, akin_error *err)
{
    char text[4 * NPY_ALIGN], count[24];
    int n_count = snprintf(count, sizeof count, "%zu", w->n);
    int n_text = snprintf(text + NPY_START_BYTES,
                          sizeof text - NPY_START_BYTES - NPY_ALIGN,
                          "{'descr': '<f4', 'fortran_order': False, "
                          "'shape': (%s, %zu), }%*s", count, w->dim,
                          NPY_GROWTH_DIGITS - n_count, "");
    size_t n = NPY_START_BYTES + (size_t)n_text;
    size_t n_whole = (n + 1 + NPY_ALIGN) / NPY_ALIGN * NPY_ALIGN;
    assert(n_whole <= sizeof text);
    memset(text + n, ' ', n_whole - n);
    text[n_whole - 1] = '\n';
    memcpy(text, NPY_MAGIC "\1", NPY_MAGIC_BYTES + 2);
    text[8] = (char)(n_whole - NPY_START_BYTES);
    text[9] = (char)((n_whole - NPY_START_BYTES) >> 8);
    return file_writer_put(w->file, text, n_whole, err);
}

akin_status npy_writer_open(const char *path, size_t n, size_t dim,
                            npy_writer **out, akin_error *err)
{
    size_t n_bytes;
    if (!mem_mul(n, dim, &n_bytes) ||
        !mem_mul(n_bytes, sizeof(float), &n_bytes))
        return AKIN_FAIL(err, AKIN_ELIMIT, "%zu x %zu numbers are too many "
                         "for '%s'", n, dim, path);
    npy_writer *w = mem_array(1, sizeof *w);
    akin_status status = AKIN_OK;
    if (w) w->path = mem_strdup(path);
    if (!w || !w->path) {
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
        goto done;
    }
    w->n = n;
    w->dim = dim;
    AKIN_TRYG(file_writer_open(path, &w->file, err));
    AKIN_TRYG(npy_put_header(w, err));
    *out = w;
    w = NULL;
done:
    npy_writer_discard(w);
    return status;
}

static akin_status npy_wrong_count(const npy_writer *w, size_t n,
                                   akin_error *err)
{
    return AKIN_FAIL(err, AKIN_EINTERNAL,
                     "%zu rows, not %zu, were put into '%s'", n, w->n,
                     w->path);
}

akin_status npy_writer_put(npy_writer *w, const float *rows, size_t n_rows,
                           akin_error *err)
{
    if (n_rows > w->n - w->n_put)
        return npy_wrong_count(w, w->n_put + n_rows, err);
    w->n_put += n_rows;
    return file_writer_put(w->file, rows, n_rows * w->dim * sizeof *rows, err);
}

akin_status npy_writer_commit(npy_writer *w, akin_error *err)
{
    akin_status status;
    if (w->n_put != w->n) {
        status = npy_wrong_count(w, w->n_put, err);
    } else {
        status = file_writer_commit(w->file, err);
        w->file = NULL;
    }
    npy_writer_discard(w);
    return status;
}

void npy_writer_discard(npy_writer *w)
{
    if (!w) return;
    file_writer_discard(w->file);
    mem_free(w->path);
    mem_free(w);
}

akin_status npy_write_vectors(const char *path, const float *data, size_t n,
                              size_t dim, akin_error *err)
{
    npy_writer *w = NULL;
    AKIN_TRY(npy_writer_open(path, n, dim, &w, err));
    akin_status status = npy_writer_put(w, data, n, err);
    if (status == AKIN_OK) return npy_writer_commit(w, err);
    npy_writer_discard(w);
    return status;
}
