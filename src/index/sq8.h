/* SPDX-License-Identifier: MIT
 * Vectors in a byte a dimension, each between its lowest and highest value. */
#ifndef INDEX_SQ8_H
#define INDEX_SQ8_H

#include <stddef.h>
#include <stdint.h>

#include "index/nearest.h"

typedef struct sq8 {
    float *low, *span; /* [dim] each, in one block: low first */
    size_t dim;
} sq8;

akin_status sq8_init(sq8 *s, size_t dim, akin_error *err) AKIN_NODISCARD;
void sq8_clear(sq8 *s);

/* Widens the ranges to hold n rows; fresh: from nothing. */
void sq8_train(sq8 *s, const float *rows, size_t n, bool fresh);

void sq8_encode(const sq8 *s, const float *row, uint8_t *code);
void sq8_decode(const sq8 *s, const uint8_t *code, float *row);

/* A query made ready to be measured against codes. */
typedef struct sq8_query {
    panels_metric metric;
    float *values, *scales; /* [dim] each, of the caller */
    float bias;             /* added to each dot */
} sq8_query;

/* origin (NULL: zero) is what rows were residuals to. */
void sq8_prepare(const sq8 *s, const float *query, const float *origin,
                 sq8_query *out);

/* n codes one behind the other into top. */
void sq8_scan(const sq8 *s, const sq8_query *q, const uint8_t *codes, size_t n,
              const int64_t *ids, size_t first, topk *top);

#endif
