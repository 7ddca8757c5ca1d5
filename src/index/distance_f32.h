/* SPDX-License-Identifier: MIT
 * The arithmetic of float32 rows and of their 8-bit codes: one query against
 * many rows, and tiles of several queries against packed rows; one table of
 * kernels per instruction set. */
#ifndef INDEX_DISTANCE_F32_H
#define INDEX_DISTANCE_F32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/distance.h"

enum {
    DISTANCE_TILE_QUERIES = 8, /* at most, of all tables */
    DISTANCE_TILE_ROWS = 48,
};

/* Several queries against packed rows. Panels hold table->lanes rows each, as
 * [dim][lanes]; rows that are not there are zeros with the term NaN. */
typedef struct distance_tile {
    const float *queries[DISTANCE_TILE_QUERIES]; /* [dim] each, all set */
    float factors[DISTANCE_TILE_QUERIES];
    float bounds[DISTANCE_TILE_QUERIES];
    const float *panels; /* [n_panels][dim][lanes] */
    const float *terms;  /* [n_panels * lanes] */
    size_t n_panels;     /* 1 .. table->tile_panels */
    size_t dim;
    /* Out: bit r of reached[q] is set if q.row + factor * term >= bound; the
     * sums [q][n_panels * lanes] are only there if some bit is. */
    uint64_t reached[DISTANCE_TILE_QUERIES];
    float sums[DISTANCE_TILE_QUERIES * DISTANCE_TILE_ROWS];
} distance_tile;

/* Rows are [dim], aligned as floats are. Sums are float32, and a row's sum is
 * the same bits whichever rows stand around it, in rows or gathered. */
typedef struct distance_f32_table {
    size_t lanes, tile_queries, tile_panels;

    /* n rows one behind the other. */
    void (*dot_rows)(const distance_query *q, const float *rows, size_t n,
                     float *dot);
    void (*l2sq_rows)(const distance_query *q, const float *rows, size_t n,
                      float *l2sq);

    /* The same bits, for rows that come from memory and not from a cache. */
    void (*dot_stream)(const distance_query *q, const float *rows, size_t n,
                       float *dot);
    void (*l2sq_stream)(const distance_query *q, const float *rows, size_t n,
                        float *l2sq);

    /* n rows anywhere. */
    void (*dot_gather)(const distance_query *q, const float *const *rows,
                       size_t n, float *dot);
    void (*l2sq_gather)(const distance_query *q, const float *const *rows,
                        size_t n, float *l2sq);

    /* Rows of bytes, x_i = offset_i + scale_i * byte_i, in the form that needs
     * least: the sum of weight_i * byte_i, and of (shift_i - scale_i *
     * byte_i)^2. */
    void (*dot_bytes)(const distance_query *weights, const uint8_t *rows,
                      size_t n, float *dot);
    void (*l2sq_bytes)(const distance_query *shifts, const float *scales,
                       const uint8_t *rows, size_t n, float *l2sq);

    /* Which of n <= 64 values are >= bound, or <= it; NaN never is. */
    uint64_t (*reaching)(const float *values, size_t n, float bound,
                         bool smaller);

    /* n <= lanes rows into one panel. */
    void (*pack)(const float *rows, size_t n, size_t dim, float *panel);

    /* true if any bit is set. */
    bool (*tile)(distance_tile *tile);
} distance_f32_table;

/* The table of isa_get's instruction set. Thread-safe. */
const distance_f32_table *distance_f32_get(void);

#endif
