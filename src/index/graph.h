/* SPDX-License-Identifier: MIT
 * HNSW over float16 rows with the inner-product distance 1 - a.b: the graph
 * that a usearch file holds. Malkov, Yashunin: Efficient and robust approximate
 * nearest neighbor search using hierarchical navigable small world graphs,
 * 2016 (algorithms 1, 2, 4 and 5). */
#ifndef INDEX_GRAPH_H
#define INDEX_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "index/topk.h"

#define GRAPH_FREE_KEY UINT64_MAX /* the key of a removed slot */

typedef struct graph graph;

typedef struct graph_options {
    size_t dim;
    size_t m;               /* links of an upper list; 0: 16 */
    size_t m0;              /* links of a base list; 0: 2 * m */
    size_t expansion_add;   /* 0: 200 */
    uint64_t seed;          /* 0 is a seed like any other */
} graph_options;

akin_status graph_new(const graph_options *opt, graph **out, akin_error *err)
    AKIN_NODISCARD;
void graph_free(graph *g);

/* Adds n rows; vectors [n, dim] float16, any alignment. The rows are borrowed
 * until graph_free. Keys must be new and not GRAPH_FREE_KEY. Links are built
 * on `threads` threads (0: one per processor); each call must end before the
 * next. AKIN_ELIMIT beyond 2^32 - 2 rows. */
akin_status graph_add(graph *g, const uint64_t *keys,
                      const unsigned char *vectors, size_t n, size_t threads,
                      akin_error *err) AKIN_NODISCARD;

/* Marks a slot removed: searches walk through it but never return it. */
void graph_remove(graph *g, uint32_t slot);
size_t graph_n_removed(const graph *g);

/* The raw form, for interop: slots are 0 .. graph_size - 1. */
size_t graph_size(const graph *g);
size_t graph_dim(const graph *g);
size_t graph_m(const graph *g);
size_t graph_m0(const graph *g);
int graph_max_level(const graph *g);        /* -1 when empty */
uint32_t graph_entry(const graph *g);
uint64_t graph_key(const graph *g, uint32_t slot);
int graph_level(const graph *g, uint32_t slot);
const unsigned char *graph_vector(const graph *g, uint32_t slot);
/* Links of a slot at a level <= its own; *n of them. */
const uint32_t *graph_links(const graph *g, uint32_t slot, int level,
                            size_t *n);

/* Takes over n rows with their keys, levels and the entry, links still empty;
 * then graph_set_links fills one list each (for loading a file). Only on an
 * empty graph. Vectors are borrowed. */
akin_status graph_restore(graph *g, const uint64_t *keys, const int16_t *levels,
                          const unsigned char *vectors, size_t n,
                          uint32_t entry, akin_error *err) AKIN_NODISCARD;
void graph_set_links(graph *g, uint32_t slot, int level, const uint32_t *links,
                     size_t n);

/* The k nearest by inner product (score = dot, higher is closer) with search
 * width ef (at least k); freed slots are walked through, never returned. */
akin_status graph_search(const graph *g, const float *query, size_t ef,
                         topk *top, akin_error *err) AKIN_NODISCARD;

#endif
