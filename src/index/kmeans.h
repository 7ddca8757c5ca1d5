/* SPDX-License-Identifier: MIT
 * k-means over float32 rows: training of centroids, and which is nearest. */
#ifndef INDEX_KMEANS_H
#define INDEX_KMEANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/panels.h"

typedef struct kmeans_options {
    size_t k;             /* 1 .. the number of rows */
    panels_metric metric; /* of dots centroids have length 1 (spherical) */
    size_t threads;       /* 0: one per processor; not seen in the result */
    uint64_t seed;
    /* Called after each step; false gives AKIN_ECANCELLED. NULL: not called. */
    bool (*progress)(void *user, double fraction);
    void *user;
} kmeans_options;

/* Writes [k, dim] centroids. Looks at 256 rows a centroid at most, chosen by
 * the seed. Rows with NaN are let be. */
akin_status kmeans_train(const float *rows, size_t n, size_t dim,
                         const kmeans_options *opt, float *centroids,
                         akin_error *err) AKIN_NODISCARD;

/* The nearest centroid of each row, by squared L2 or highest dot; 0 for a row
 * with NaN. */
typedef struct kmeans_centroids {
    const float *vectors; /* [k, dim] */
    size_t k, dim;
    panels_metric metric;
} kmeans_centroids;
akin_status kmeans_assign(const kmeans_centroids *centroids, const float *rows,
                          size_t n, size_t threads, uint32_t *nearest,
                          akin_error *err) AKIN_NODISCARD;

#endif
