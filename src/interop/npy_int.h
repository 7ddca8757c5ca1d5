/* SPDX-License-Identifier: MIT
 * Private to npy*.c and npz.c: an array as a stream of bytes, and its header.
 *
 *   magic    "\x93NUMPY", version u8.u8
 *   length   of the text: u16 in version 1, u32 in 2 and 3
 *   text     a Python dict of 'descr', 'fortran_order', 'shape', then blanks
 *   numbers  to the end; what is behind them is nobody's
 *
 * A .npz is a zip of such files. Lengths are little-endian. */
#ifndef INTEROP_NPY_INT_H
#define INTEROP_NPY_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "interop/npy.h"

#define NPY_MAGIC "\x93NUMPY"

enum {
    NPY_MAGIC_BYTES = 6,
    NPY_MAX_HEADER = 65535, /* numpy itself stops at 10000 */
    NPY_ALIGN = 64,         /* of the first number, when written */
    NPY_SHOWN = 64,         /* room for a piece of a file in a message */
};

/* The bytes of one array from its magic on. take gives the next n <= left of
 * them, which stay until the next take. */
typedef struct npy_stream {
    const char *subject; /* what messages call it, quoted */
    size_t left;
    akin_status (*take)(struct npy_stream *s, size_t n,
                        const unsigned char **out, akin_error *err);
} npy_stream;

/* A whole file that is mapped, as a stream. */
typedef struct npy_file {
    npy_stream base; /* first, so that take finds the rest */
    const unsigned char *at;
} npy_file;

/* subject and map must outlive it. */
void npy_file_init(npy_file *file, const char *subject, const file_map *map);

/* Those of vectors first. */
typedef enum npy_type {
    NPY_F2, NPY_F4, NPY_F8, NPY_I1, NPY_U1,
    NPY_I4, NPY_I8, NPY_U4, NPY_U8
} npy_type;

/* What an array is read as. */
typedef enum npy_content { NPY_VECTORS, NPY_IDS } npy_content;

/* An array that can be read: types of other contents and other shapes give no
 * header. */
typedef struct npy_header {
    npy_type type;
    size_t item_bytes;
    bool big_endian, fortran_order;
    int n_axes;             /* 1 or 2 */
    size_t n, dim;          /* not bounded yet */
    char shape[NPY_SHOWN];  /* as the file has it */
} npy_header;

/* Takes the header off the stream, so that numbers are next. */
akin_status npy_header_read(npy_stream *s, npy_content content, npy_header *h,
                            akin_error *err) AKIN_NODISCARD;

/* No axis nor their product may be over the bound (n is one, if dim is 0), and
 * the numbers must be in the stream. */
akin_status npy_check_size(const npy_stream *s, const npy_header *h,
                           size_t max_values, akin_error *err) AKIN_NODISCARD;

/* Header and numbers; on failure out is empty. */
akin_status npy_stream_read(npy_stream *s, size_t max_values, npy_vectors *out,
                            akin_error *err) AKIN_NODISCARD;

akin_status npz_read_vectors(const char *path, const file_map *map,
                             size_t max_values, npy_vectors *out,
                             akin_error *err) AKIN_NODISCARD;

/* Text from a file for a message: cut to fit, '?' for what is not ASCII. */
void npy_show(const char *text, size_t n, char out[NPY_SHOWN]);

static inline size_t npy_min(size_t a, size_t b) { return a < b ? a : b; }

static inline uint32_t npy_u16(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t npy_u32(const unsigned char *p)
{
    return npy_u16(p) | npy_u16(p + 2) << 16;
}

static inline uint64_t npy_u64(const unsigned char *p)
{
    return npy_u32(p) | (uint64_t)npy_u32(p + 4) << 32;
}

/* Fixed sizes at the call let the copy become a swap of registers. */
static inline void npy_swap(const unsigned char *from, size_t n, void *out)
{
    unsigned char *to = (unsigned char *)out;
    for (size_t i = 0; i < n; i++) to[i] = from[n - 1 - i];
}

_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE floats");
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "numbers are copied as they are, which needs little-endian"
#endif

#endif
