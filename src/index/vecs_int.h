/* SPDX-License-Identifier: MIT
 * Private to vecs*.c and to the readers and writers of files: the arrays. */
#ifndef INDEX_VECS_INT_H
#define INDEX_VECS_INT_H

#include "index/hnsw.h"
#include "index/ivf.h"
#include "index/vecs.h"

enum {
    VECS_MOST_DIM = 1 << 20,
    VECS_MOST_LISTS = 1 << 24,
};

struct vecs {
    vecs_options opt;
    size_t dim, n;
    bool trained;
    float *rows;    /* [cap, dim] FLAT, HNSW_FLAT; 64-byte aligned */
    uint8_t *codes; /* [cap, dim] SQ8 */
    size_t cap;
    sq8 sq;         /* SQ8 */
    ivf lists;      /* IVF_*; made when the number of lists is known */
    size_t n_probes;
    hnsw graph;     /* HNSW_FLAT */
    int64_t *map;   /* [map_cap], n of them used, with a map */
    size_t map_cap;
};

static inline bool vecs_is_ivf(const vecs *v)
{
    return v->opt.kind == VECS_IVF_FLAT || v->opt.kind == VECS_IVF_SQ8;
}

static inline bool vecs_is_sq8(const vecs *v)
{
    return v->opt.kind == VECS_SQ8 || v->opt.kind == VECS_IVF_SQ8;
}

static inline nearest_rows vecs_rows(const vecs *v)
{
    return (nearest_rows){.vectors = v->rows, .n = v->n, .dim = v->dim,
                          .metric = v->opt.metric};
}

/* Room for n vectors and their ids, of which none is there yet. */
akin_status vecs_reserve(vecs *v, size_t n, akin_error *err) AKIN_NODISCARD;

/* The lists of an IVF kind, once opt.n_lists is known. */
akin_status vecs_make_lists(vecs *v, akin_error *err) AKIN_NODISCARD;

/* *out = vectors, or a normalised copy in *owned (mem_free). */
akin_status vecs_normalised(const vecs *v, const float *vectors, size_t n,
                            const float **out, float **owned, akin_error *err)
    AKIN_NODISCARD;

#endif
