/* SPDX-License-Identifier: MIT
 * Rows packed for tiles, and the scan of many queries over them: says which
 * rows may reach a query's bound, at the speed of a matrix product. */
#ifndef INDEX_PANELS_H
#define INDEX_PANELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "index/distance_f32.h"

/* The numbers are those of FAISS files. */
typedef enum panels_metric { METRIC_DOT = 0, METRIC_L2SQ = 1 } panels_metric;

typedef struct panels {
    float *data, *terms;
    size_t n, cap, dim;
    panels_metric metric;
    bool plain;  /* no room for rounding: sums order the rows */
    bool finite; /* false: norms overflow or a row is NaN; do not scan */
} panels;

/* Room for cap rows; clear with panels_clear. */
akin_status panels_init(panels *p, size_t cap, size_t dim,
                        panels_metric metric, akin_error *err) AKIN_NODISCARD;
void panels_clear(panels *p);

/* Takes n <= cap rows [n, dim] instead of those before. */
void panels_pack(panels *p, const float *rows, size_t n);

typedef struct panels_scan {
    const panels *panels;
    const float *const *queries; /* [n] each [dim] */
    size_t n;
    const float *factors; /* [n] of panels_factor */
    float *bounds;        /* [n] of panels_bound; hit may raise them */
    /* Bit i of rows: row first + i reached the bound of a query. */
    void (*hit)(void *user, size_t query, size_t first, uint64_t rows,
                const float *sums);
    void *user;
} panels_scan;

/* A row whose distance by direct kernels is at most (of dots: at least)
 * `worst` is always hit, for the sums are given the room by which rounding may
 * err. */
void panels_run(const panels_scan *scan);

/* normsq is the query's; both must be finite. */
float panels_factor(panels_metric metric, size_t dim, float normsq);
float panels_bound(panels_metric metric, size_t dim, float normsq,
                   float worst);

/* Norms up to here leave room for sums. */
bool panels_can_take(float normsq);

#endif
