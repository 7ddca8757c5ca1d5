/* SPDX-License-Identifier: MIT
 * .npy: magic, version, a Python dict as text, then the numbers
 * (numpy.lib.format, versions 1.0 to 3.0). */
#include "interop/npy.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"

#define NPY_MAX_HEADER 65536

typedef struct npy_header {
    char descr[16];
    bool fortran_order;
    uint64_t shape[8];
    int n_shape;
    size_t data_at;
} npy_header;

static akin_status npy_corrupt(const char *path, const char *what,
                               akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is not a .npy file: %s", path,
                     what);
}

/* The text behind 'key': in the header's dict; NULL if it is not there. */
static const char *npy_value(const char *dict, const char *key)
{
    const char *p = strstr(dict, key);
    if (!p) return NULL;
    p += strlen(key);
    while (*p == ' ') p++;
    if (*p++ != ':') return NULL;
    while (*p == ' ') p++;
    return p;
}

static bool npy_parse_descr(const char *dict, npy_header *h)
{
    const char *p = npy_value(dict, "'descr'");
    if (!p || *p++ != '\'') return false;
    const char *end = strchr(p, '\'');
    if (!end || (size_t)(end - p) >= sizeof h->descr) return false;
    memcpy(h->descr, p, (size_t)(end - p));
    return true;
}

static bool npy_parse_order(const char *dict, npy_header *h)
{
    const char *p = npy_value(dict, "'fortran_order'");
    if (!p) return false;
    h->fortran_order = strncmp(p, "True", 4) == 0;
    return h->fortran_order || strncmp(p, "False", 5) == 0;
}

static bool npy_parse_shape(const char *dict, npy_header *h)
{
    const char *p = npy_value(dict, "'shape'");
    if (!p || *p++ != '(') return false;
    while (*p != ')') {
        if (*p == ' ' || *p == ',') {
            p++;
            continue;
        }
        if (*p < '0' || *p > '9' || h->n_shape == 8) return false;
        uint64_t value = 0;
        for (; *p >= '0' && *p <= '9'; p++) {
            if (value > (UINT64_MAX >> 8)) return false;
            value = value * 10 + (uint64_t)(*p - '0');
        }
        h->shape[h->n_shape++] = value;
    }
    return true;
}

static akin_status npy_parse(const char *path, const unsigned char *data,
                             size_t n, npy_header *h, akin_error *err)
{
    if (n < 10 || memcmp(data, "\x93NUMPY", 6) != 0)
        return npy_corrupt(path, "its first bytes differ", err);
    if (data[6] < 1 || data[6] > 3)
        return AKIN_FAIL(err, AKIN_EVERSION, "'%s' is .npy version %d.%d", path,
                         data[6], data[7]);
    size_t at = data[6] == 1 ? 10 : 12;
    size_t length = data[8] | (size_t)data[9] << 8;
    if (data[6] > 1 && n >= 12)
        length |= (size_t)data[10] << 16 | (size_t)data[11] << 24;
    if (length > NPY_MAX_HEADER || at + length > n)
        return npy_corrupt(path, "its header does not fit", err);
    char *dict = mem_array(length + 1, 1);
    if (!dict)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    memcpy(dict, data + at, length);
    bool good = npy_parse_descr(dict, h) && npy_parse_order(dict, h) &&
                npy_parse_shape(dict, h);
    mem_free(dict);
    h->data_at = at + length;
    return good ? AKIN_OK : npy_corrupt(path, "its header is damaged", err);
}

static akin_status npy_check(const char *path, const npy_header *h,
                             size_t *item, akin_error *err)
{
    bool f4 = strcmp(h->descr, "<f4") == 0, f8 = strcmp(h->descr, "<f8") == 0;
    if (!f4 && !f8)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' holds '%s', not float32 or float64", path,
                         h->descr);
    if (h->n_shape < 1 || h->n_shape > 2)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' has %d axes, not 1 or 2", path, h->n_shape);
    if (h->fortran_order && h->n_shape == 2)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' is in Fortran order; save it in C order", path);
    *item = f4 ? 4 : 8;
    return AKIN_OK;
}

static void npy_convert(const unsigned char *from, size_t item, size_t n,
                        float *out)
{
    for (size_t i = 0; i < n; i++) {
        double wide;
        if (item == 4) {
            memcpy(&out[i], from + i * 4, 4);
        } else {
            memcpy(&wide, from + i * 8, 8);
            out[i] = (float)wide;
        }
    }
}

akin_status npy_read_vectors(const char *path, size_t max_values,
                             npy_vectors *out, akin_error *err)
{
    file_map map;
    npy_header h = {0};
    size_t item = 0, values = 0;
    void *p = NULL;
    akin_status status = AKIN_OK;
    *out = (npy_vectors){0};
    AKIN_TRY(file_map_open(&map, path, err));
    AKIN_TRYG(npy_parse(path, map.data, map.n, &h, err));
    AKIN_TRYG(npy_check(path, &h, &item, err));
    out->n = h.n_shape == 2 ? (size_t)h.shape[0] : 1;
    out->dim = (size_t)h.shape[h.n_shape - 1];
    if (!mem_mul(out->n, out->dim, &values) || values > max_values) {
        status = AKIN_FAIL(err, AKIN_ELIMIT, "'%s' holds more than %zu numbers",
                           path, max_values);
        goto done;
    }
    if (values > (map.n - h.data_at) / item) {
        status = npy_corrupt(path, "it is shorter than its shape", err);
        goto done;
    }
    AKIN_TRYG(mem_new_array(values, sizeof(float), "vectors", &p, err));
    out->data = p;
    npy_convert(map.data + h.data_at, item, values, out->data);
done:
    file_map_close(&map);
    return status;
}
