/* SPDX-License-Identifier: MIT
 * A hierarchical graph over float32 rows that somebody else keeps, in the very
 * arrays in which FAISS stores one. */
#ifndef INDEX_HNSW_H
#define INDEX_HNSW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/nearest.h"

enum { HNSW_LEVELS = 64 };

/* Node i has levels[i] >= 1 levels; its list of level l is
 * links[offsets[i] + room[l] .. offsets[i] + room[l + 1]), packed to the
 * front, -1 behind. */
typedef struct hnsw {
    size_t m;               /* links of an upper level; 2 m at the base */
    size_t n, cap, cap_links;
    int32_t *levels;        /* [n] */
    uint64_t *offsets;      /* [n + 1] */
    int32_t *links;         /* [offsets[n]] */
    int32_t room[HNSW_LEVELS + 1];
    size_t n_levels;        /* that have a chance above 1e-9 */
    double chances[HNSW_LEVELS];
    int32_t entry, max_level; /* -1, -1: empty */
    size_t ef_construction, ef_search;
} hnsw;

akin_status hnsw_init(hnsw *h, size_t m, akin_error *err) AKIN_NODISCARD;
void hnsw_clear(hnsw *h);

/* Room for n nodes with n_links links altogether. */
akin_status hnsw_reserve(hnsw *h, size_t n, size_t n_links, akin_error *err)
    AKIN_NODISCARD;

/* Links rows [h->n, rows->n); the same graph for any number of threads. */
akin_status hnsw_add(hnsw *h, const nearest_rows *rows, size_t threads,
                     uint64_t seed, akin_error *err) AKIN_NODISCARD;

/* Removes nodes: their neighbours are linked with each other, the nodes behind
 * move down. rows are as before. */
akin_status hnsw_remove(hnsw *h, const nearest_rows *rows, const uint8_t *dead,
                        akin_error *err) AKIN_NODISCARD;

/* As nearest_search, approximately: the best of the ef nearest that were met.
 * Goes the way FAISS goes in the same graph. */
akin_status hnsw_search(const hnsw *h, const nearest_rows *rows,
                        const nearest_query *query, size_t ef, int64_t *ids,
                        float *distances, akin_error *err) AKIN_NODISCARD;

#endif
