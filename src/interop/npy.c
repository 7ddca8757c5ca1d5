/* SPDX-License-Identifier: MIT
 * Reading arrays: the file is mapped, and its numbers are converted into the
 * result a chunk at a time, so that no second copy of them is held. */
#include "interop/npy.h"

#include <assert.h>
#include <string.h>

#include "base/half.h"
#include "base/memory.h"
#include "base/text.h"
#include "interop/npy_int.h"

enum {
    NPY_CHUNK = 16384, /* numbers converted at a time */
    NPY_PANEL = 16,    /* columns */
    NPY_BLOCK = 256,   /* rows of a panel transposed at a time */
};

static void npy_decode_big(npy_type type, const unsigned char *p, size_t n,
                           float *out)
{
    unsigned char half[2];
    double wide;
    switch (type) {
    case NPY_F2:
        for (size_t i = 0; i < n; i++) {
            npy_swap(p + i * 2, 2, half);
            out[i] = half_to_float(half);
        }
        break;
    case NPY_F4:
        for (size_t i = 0; i < n; i++) npy_swap(p + i * 4, 4, &out[i]);
        break;
    case NPY_F8:
        for (size_t i = 0; i < n; i++) {
            npy_swap(p + i * 8, 8, &wide);
            out[i] = (float)wide;
        }
        break;
    case NPY_I1:
    case NPY_U1: assert(!"a byte has no byte order"); break;
    default: assert(!"no type of vectors");
    }
}

static void npy_decode_little(npy_type type, const unsigned char *p, size_t n,
                              float *out)
{
    double wide;
    switch (type) {
    case NPY_F2:
        for (size_t i = 0; i < n; i++) out[i] = half_to_float(p + i * 2);
        break;
    case NPY_F4: memcpy(out, p, n * sizeof *out); break;
    case NPY_F8:
        for (size_t i = 0; i < n; i++) {
            memcpy(&wide, p + i * 8, sizeof wide);
            out[i] = (float)wide;
        }
        break;
    case NPY_I1:
        for (size_t i = 0; i < n; i++)
            out[i] = (float)(p[i] < 128 ? p[i] : p[i] - 256);
        break;
    case NPY_U1:
        for (size_t i = 0; i < n; i++) out[i] = p[i];
        break;
    default: assert(!"no type of vectors");
    }
}

static void npy_decode(const npy_header *h, const unsigned char *p, size_t n,
                       float *out)
{
    if (h->big_endian && h->item_bytes > 1)
        npy_decode_big(h->type, p, n, out);
    else
        npy_decode_little(h->type, p, n, out);
}

static akin_status npy_read_rows(npy_stream *s, const npy_header *h,
                                 float *out, akin_error *err)
{
    size_t n_values = h->n * h->dim;
    for (size_t i = 0, n; i < n_values; i += n) {
        const unsigned char *p;
        n = npy_min(n_values - i, NPY_CHUNK);
        AKIN_TRY(s->take(s, n * h->item_bytes, &p, err));
        npy_decode(h, p, n, out + i);
    }
    return AKIN_OK;
}

/* Whole columns to where the first begins in the first row. */
static void npy_put_panel(const npy_header *h, const unsigned char *panel,
                          size_t n_columns, float *out)
{
    float block[NPY_PANEL][NPY_BLOCK];
    for (size_t row = 0, n; row < h->n; row += n) {
        n = npy_min(h->n - row, NPY_BLOCK);
        for (size_t c = 0; c < n_columns; c++)
            npy_decode(h, panel + (c * h->n + row) * h->item_bytes, n,
                       block[c]);
        for (size_t i = 0; i < n; i++)
            for (size_t c = 0; c < n_columns; c++)
                out[(row + i) * h->dim + c] = block[c][i];
    }
}

/* Fortran order: a column at a time would touch all of the result's memory for
 * each; by panels, 200000 x 512 take 0.6 s, not 1.1 s. They are about an eighth
 * of the array at most, since a deflated one has to be held. */
static akin_status npy_read_columns(npy_stream *s, const npy_header *h,
                                    float *out, akin_error *err)
{
    size_t width = npy_min(h->dim / 8 + 1, NPY_PANEL);
    for (size_t c = 0, n; c < h->dim; c += n) {
        const unsigned char *p;
        n = npy_min(h->dim - c, width);
        AKIN_TRY(s->take(s, n * h->n * h->item_bytes, &p, err));
        npy_put_panel(h, p, n, out + c);
    }
    return AKIN_OK;
}

akin_status npy_check_size(const npy_stream *s, const npy_header *h,
                           size_t max_values, akin_error *err)
{
    size_t n_values;
    if (!mem_mul(h->n, h->dim, &n_values) || n_values > max_values ||
        h->n > max_values || h->dim > max_values)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "%s has the shape %s, more than %zu numbers",
                         s->subject, h->shape, max_values);
    if (n_values > s->left / h->item_bytes)
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "%s is shorter than its shape %s: it ends after %zu "
                         "of %zu numbers", s->subject, h->shape,
                         s->left / h->item_bytes, n_values);
    return AKIN_OK;
}

akin_status npy_stream_read(npy_stream *s, size_t max_values, npy_vectors *out,
                            akin_error *err)
{
    npy_header h;
    void *p;
    *out = (npy_vectors){0};
    AKIN_TRY(npy_header_read(s, NPY_VECTORS, &h, err));
    AKIN_TRY(npy_check_size(s, &h, max_values, err));
    AKIN_TRY(mem_new_array(h.n * h.dim, sizeof(float), "vectors", &p, err));
    akin_status status = h.fortran_order ? npy_read_columns(s, &h, p, err)
                                         : npy_read_rows(s, &h, p, err);
    if (status != AKIN_OK) {
        mem_free(p);
        return status;
    }
    *out = (npy_vectors){.data = p, .n = h.n, .dim = h.dim};
    return AKIN_OK;
}

static akin_status npy_file_take(npy_stream *s, size_t n,
                                 const unsigned char **out, akin_error *err)
{
    npy_file *file = (npy_file *)s;
    (void)err;
    assert(n <= s->left);
    *out = file->at;
    file->at += n;
    s->left -= n;
    return AKIN_OK;
}

void npy_file_init(npy_file *file, const char *subject, const file_map *map)
{
    *file = (npy_file){
        .base = {.subject = subject, .left = map->n, .take = npy_file_take},
        .at = map->data,
    };
}

static akin_status npy_read_file(const char *path, const file_map *map,
                                 size_t max_values, npy_vectors *out,
                                 akin_error *err)
{
    char *subject = text_format("'%s'", path);
    if (!subject)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    npy_file file;
    npy_file_init(&file, subject, map);
    akin_status status = npy_stream_read(&file.base, max_values, out, err);
    mem_free(subject);
    return status;
}

/* Also true of a zip without members, which is its directory alone. */
static bool npy_is_zip(const file_map *map)
{
    return map->n >= 4 && (memcmp(map->data, "PK\3\4", 4) == 0 ||
                           memcmp(map->data, "PK\5\6", 4) == 0);
}

akin_status npy_read_vectors(const char *path, size_t max_values,
                             npy_vectors *out, akin_error *err)
{
    file_map map;
    akin_status status;
    *out = (npy_vectors){0};
    AKIN_TRY(file_map_open(&map, path, err));
    if (npy_is_zip(&map))
        status = npz_read_vectors(path, &map, max_values, out, err);
    else
        status = npy_read_file(path, &map, max_values, out, err);
    file_map_close(&map);
    return status;
}
