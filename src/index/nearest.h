/* SPDX-License-Identifier: MIT
 * The k nearest of many float32 rows to each of many queries, exactly. */
#ifndef INDEX_NEAREST_H
#define INDEX_NEAREST_H

#include <stddef.h>
#include <stdint.h>

#include "index/panels.h"
#include "index/topk.h"

typedef struct nearest_rows {
    const float *vectors; /* [n, dim] */
    size_t n, dim;
    panels_metric metric;
} nearest_rows;

typedef struct nearest_query {
    const float *vectors; /* [n, dim] */
    size_t n, k;          /* k >= 1 */
    size_t threads;       /* 0: one per processor */
} nearest_query;

/* Writes [n, k] row numbers and distances (squared L2 ascending, dots
 * descending; of equal ones the lower row first). A row at NaN or infinity is
 * never there; places that are left have row -1 and +-FLT_MAX. One query or
 * many and any number of threads give the same bits. */
akin_status nearest_search(const nearest_rows *rows, const nearest_query *query,
                           int64_t *ids, float *distances, akin_error *err)
    AKIN_NODISCARD;

/* ---- for indexes that keep their rows in parts ---- */

/* The distance a new hit must not exceed (of dots: fall below). */
float nearest_worst(const topk *top);

/* n rows one behind the other into top, which was made for this metric; ids
 * NULL: row i has the key first + i. */
typedef struct nearest_part {
    const float *vectors;
    const int64_t *ids;
    size_t first, n, dim;
    panels_metric metric;
    bool stream; /* they come from memory, not from a cache */
} nearest_part;
void nearest_scan(const nearest_part *part, const float *query, topk *top);

/* n <= 64 distances, of which those that enter the top are pushed. */
void nearest_push(topk *top, const float *distances, size_t n,
                  const int64_t *ids, size_t first);

/* The rows of the part that a tile has hit, measured directly. */
void nearest_push_hits(const nearest_part *part, const float *query,
                       size_t first, uint64_t hits, topk *top);

/* Sorts top and writes its k places. */
void nearest_write(topk *top, int64_t *ids, float *distances);

/* ids as keys: in order of their value, negative ones too. */
static inline uint64_t nearest_key(int64_t id)
{
    return (uint64_t)id ^ (uint64_t)1 << 63;
}

#endif
