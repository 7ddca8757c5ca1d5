/* SPDX-License-Identifier: MIT
 * Private to faiss_*.c: marks of the file. Everything is little-endian and
 * packed, `vec` is a u64 count and that many values.
 *
 *   header    dim i32, vectors i64, 2^20 i64 twice, trained u8, metric i32
 *   IxF2/IxFI header, vec f32 (counts floats)        flat by L2, by dot
 *   IxSQ      header, quantizer, vec u8
 *   IwFl      ivf, lists
 *   IwSq      ivf, quantizer, code bytes u64, by residual u8, lists
 *   IHNf      header, graph, index of the rows
 *   IxMp/IxM2 header, index, vec i64 of ids
 *   IxPT      header, number of transforms i32, transforms, index
 *   ivf       header, lists u64, nprobe u64, index of the centroids,
 *             direct map: u8 kind, vec i64, of kind 2 also vec (i64, i64)
 *   lists     "ilar", lists u64, code bytes u64, "full" and vec u64 of sizes
 *             (or "sprs" and vec u64 of list, size), then for each list that
 *             is not empty its codes and its ids i64; "il00" if there are none
 *   quantizer kind i32, range kind i32, its argument f32, dim u64,
 *             code bytes u64, vec f32 lowest values and spans
 *   graph     vec f64 chances, vec i32 room, vec i32 levels, vec u64 offsets,
 *             vec i32 links, entry, highest level, efConstruction, efSearch,
 *             1: i32 each
 *   transform "VNrm", norm f32, dim in and out i32, trained u8 */
#ifndef INTEROP_FAISS_INT_H
#define INTEROP_FAISS_INT_H

#include <stdint.h>
#include <string.h>

enum {
    FAISS_DUMMY = 1 << 20,
    FAISS_HEADER_BYTES = 33,
    FAISS_SQ_8BIT = 0,
    FAISS_NORM = 2,
};

static inline uint32_t faiss_mark(const char *text)
{
    uint32_t mark;
    memcpy(&mark, text, sizeof mark);
    return mark;
}

_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE floats");
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "these files are copied as they are, which needs little-endian"
#endif

#endif
