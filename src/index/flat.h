/* SPDX-License-Identifier: MIT
 * Exact search: a scan over rows of float16 vectors. */
#ifndef INDEX_FLAT_H
#define INDEX_FLAT_H

#include <stddef.h>
#include <stdint.h>

#include "index/topk.h"

typedef enum flat_score {
    FLAT_COSINE,    /* q.d / (|q||d|); 0 if either is a zero vector; higher is closer */
    FLAT_DOT,       /* q.d; higher is closer */
    FLAT_EUCLIDEAN, /* |q - d|; lower is closer */
} flat_score;

/* Rows to scan: borrowed, need not be aligned. */
typedef struct flat_rows {
    const unsigned char *vectors; /* [n, dim] float16, little-endian */
    size_t n, dim;
    const uint64_t *allow; /* bitmap of rows to look at; NULL: all */
    uint64_t (*key)(const void *user, size_t row); /* called for hits only, by
                                                    * several threads */
    const void *user;
} flat_rows;

typedef struct flat_query {
    const float *vectors; /* [n, dim]; a row's score is the mean over all n */
    size_t n, dim;
    flat_score score;
    size_t threads; /* 0: one per processor */
} flat_query;

/* Pushes every row into top (made by topk_init with smaller_is_better for
 * euclidean); may be called for several sets of rows in turn. Accumulates in
 * float32. The result does not depend on threads. Reads allowed rows only. */
akin_status flat_scan(const flat_rows *rows, const flat_query *query,
                      topk *top, akin_error *err) AKIN_NODISCARD;

#endif
