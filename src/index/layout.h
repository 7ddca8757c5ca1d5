/* SPDX-License-Identifier: MIT
 * A map of vectors in two dimensions: their principal axes, and from there a
 * layout in which near ones lie near each other. */
#ifndef INDEX_LAYOUT_H
#define INDEX_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define LAYOUT_NONE UINT32_MAX

typedef struct layout_options {
    size_t threads; /* 0: one per processor; the layout does not depend on it */
    uint64_t seed;
    /* phase: "axes", "layout"; false stops: AKIN_ECANCELLED */
    bool (*progress)(void *user, const char *phase, double fraction);
    void *user;
} layout_options;

/* float16 rows to look at; the others are not. */
typedef struct layout_rows {
    const unsigned char *vectors; /* [][dim], any alignment */
    const uint32_t *rows;         /* [n] which of them; NULL: the first n */
    size_t n, dim;
} layout_rows;

/* Places [n][2] of the vectors, brought to length 1, along the two directions
 * in which most of them differ; the wider one spans -10 to 10. */
akin_status layout_axes(const layout_rows *rows, const layout_options *opt,
                        float *places, akin_error *err) AKIN_NODISCARD;

/* The nearest ones of each of n points. */
typedef struct layout_neighbours {
    const uint32_t *points;  /* [n][k], nearest first, LAYOUT_NONE behind the
                                last; not the point itself */
    const float *distances;  /* [n][k], ascending, not negative */
    size_t n, k;
} layout_neighbours;

/* Moves places [n][2] so that neighbours lie near each other and others do not:
 * the layout of UMAP (McInnes, Healy, Melville 2018, arXiv 1802.03426), by its
 * fuzzy weights and its forces, with min_dist 0.1. */
akin_status layout_move(const layout_neighbours *near,
                        const layout_options *opt, float *places,
                        akin_error *err) AKIN_NODISCARD;

#endif
