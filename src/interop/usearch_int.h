/* SPDX-License-Identifier: MIT
 * Private to usearch_*.c: the layout of the file.
 *
 *   matrix header    rows u32, bytes a row u32
 *   vectors          [rows][bytes a row]
 *   head             magic, version 3 x u16, metric u8, kinds of scalar, key
 *                    and slot u8, present u64, deleted u64, dimensions u64,
 *                    multi u8, zeros
 *   graph header     rows, M, M0, highest level, entry slot: u64 each
 *   levels           [rows] i16
 *   nodes            key u64, level i16, then for each level 0 .. level a
 *                    count u32 and M0 (level 0) or M slots u32
 *
 * All little-endian, without padding. */
#ifndef INTEROP_USEARCH_INT_H
#define INTEROP_USEARCH_INT_H

#include <stdint.h>

#include "interop/usearch.h"

#define USEARCH_MAGIC "usearch"

enum {
    USEARCH_MAGIC_BYTES = 7,
    USEARCH_MATRIX_BYTES = 8,
    USEARCH_HEAD_BYTES = 64,
    USEARCH_GRAPH_BYTES = 40,
    USEARCH_NODE_BYTES = 10, /* without its lists */
    USEARCH_F16 = 12,        /* kinds, as of version 2.10 */
    USEARCH_U64 = 14,
    USEARCH_U32 = 15,
    USEARCH_MAX_LINKS = 4096,  /* of M; M0 may be 16 times as many */
    USEARCH_MAX_DIM = 1 << 20, /* a file without rows may claim any number */
};

static inline uint32_t usearch_u16(const unsigned char *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static inline uint32_t usearch_u32(const unsigned char *p)
{
    return usearch_u16(p) | usearch_u16(p + 2) << 16;
}

static inline uint64_t usearch_u64(const unsigned char *p)
{
    return usearch_u32(p) | (uint64_t)usearch_u32(p + 4) << 32;
}

static inline int usearch_i16(const unsigned char *p)
{
    return (int16_t)usearch_u16(p);
}

static inline size_t usearch_list_bytes(size_t cap) { return 4 + 4 * cap; }

static inline size_t usearch_node_bytes(size_t m, size_t m0, int level)
{
    return USEARCH_NODE_BYTES + usearch_list_bytes(m0) +
           (size_t)level * usearch_list_bytes(m);
}

/* A key and where it stands; sorted by key, then slot. */
typedef struct usearch_entry {
    uint64_t key;
    uint32_t slot;
} usearch_entry;

void usearch_sort_entries(usearch_entry *entries, size_t n);

#endif
