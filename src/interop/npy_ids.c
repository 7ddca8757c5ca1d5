/* SPDX-License-Identifier: MIT
 * Reading arrays of ids: which vectors are nearest, as other programs write it
 * down. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "interop/npy_int.h"

enum { NPY_IDS_CHUNK = 16384 }; /* numbers taken off a stream at a time */

/* Signed numbers come sign-extended. */
static uint64_t npy_decode_id(const npy_header *h, const unsigned char *p)
{
    unsigned char swapped[8];
    if (h->big_endian) {
        npy_swap(p, h->item_bytes, swapped);
        p = swapped;
    }
    if (h->item_bytes == 8) return npy_u64(p);
    uint32_t value = npy_u32(p);
    return h->type == NPY_I4 ? (uint64_t)(int32_t)value : value;
}

static bool npy_is_negative(const npy_header *h, uint64_t id)
{
    return (h->type == NPY_I4 || h->type == NPY_I8) && id > INT64_MAX;
}

/* Where the i-th number of the file goes. */
static size_t npy_place(const npy_header *h, size_t i)
{
    return h->fortran_order ? i % h->n * h->dim + i / h->n : i;
}

static akin_status npy_read_numbers(npy_stream *s, const npy_header *h,
                                    uint64_t *out, akin_error *err)
{
    size_t n_values = h->n * h->dim;
    for (size_t i = 0, n; i < n_values; i += n) {
        const unsigned char *p;
        n = npy_min(n_values - i, NPY_IDS_CHUNK);
        AKIN_TRY(s->take(s, n * h->item_bytes, &p, err));
        for (size_t k = 0; k < n; k++) {
            uint64_t id = npy_decode_id(h, p + k * h->item_bytes);
            size_t at = npy_place(h, i + k);
            if (npy_is_negative(h, id))
                return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                                 "%s has the negative id %lld in row %zu",
                                 s->subject, (long long)id, at / h->dim);
            out[at] = id;
        }
    }
    return AKIN_OK;
}

static akin_status npy_stream_read_ids(npy_stream *s, size_t max_values,
                                       npy_ids *out, akin_error *err)
{
    npy_header h;
    void *p;
    AKIN_TRY(npy_header_read(s, NPY_IDS, &h, err));
    AKIN_TRY(npy_check_size(s, &h, max_values, err));
    AKIN_TRY(mem_new_array(h.n * h.dim, sizeof *out->data, "ids", &p, err));
    akin_status status = npy_read_numbers(s, &h, p, err);
    if (status != AKIN_OK) {
        mem_free(p);
        return status;
    }
    *out = (npy_ids){.data = p, .n = h.n, .dim = h.dim};
    return AKIN_OK;
}

akin_status npy_read_ids(const char *path, size_t max_values, npy_ids *out,
                         akin_error *err)
{
    file_map map;
    npy_file file;
    akin_status status;
    *out = (npy_ids){0};
    AKIN_TRY(file_map_open(&map, path, err));
    char *subject = text_format("'%s'", path);
    if (subject) {
        npy_file_init(&file, subject, &map);
        status = npy_stream_read_ids(&file.base, max_values, out, err);
    } else {
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    }
    mem_free(subject);
    file_map_close(&map);
    return status;
}
