/* SPDX-License-Identifier: MIT
 * An index over float32 vectors: flat, inverted lists or graph, exact or in
 * 8-bit codes, by squared L2 or dot, with cosine and foreign ids where asked
 * for. What a factory string describes and a FAISS file holds.
 *
 * Searches run beside each other; nothing runs beside a change. */
#ifndef INDEX_VECS_H
#define INDEX_VECS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/nearest.h"

typedef enum vecs_kind {
    VECS_FLAT,
    VECS_SQ8,
    VECS_IVF_FLAT,
    VECS_IVF_SQ8,
    VECS_HNSW_FLAT,
} vecs_kind;

typedef enum vecs_map {
    VECS_NO_MAP, /* ids are row numbers; in IVF what was added */
    VECS_MAP,
    VECS_MAP2, /* the same but for its mark in a file */
} vecs_map;

typedef struct vecs_options {
    vecs_kind kind;
    panels_metric metric;
    bool normalise; /* vectors and queries to length 1 */
    vecs_map map;
    bool map_inside; /* a file has the map behind the normalisation */
    size_t n_lists;  /* of IVF; 0: vecs_default_lists when trained */
    size_t m;        /* of HNSW; 0: 32 */
    uint64_t seed;
} vecs_options;

/* "FlatL2", "FlatIP", "IVFFlat", "Cosine", or an index_factory string. The
 * metric is L2SQ unless the name says another. AKIN_EUNSUPPORTED names what is
 * supported. */
akin_status vecs_parse(const char *text, vecs_options *out, akin_error *err)
    AKIN_NODISCARD;

size_t vecs_default_lists(size_t n);        /* 4 sqrt(n), of n / 39 at most */
size_t vecs_default_probes(size_t n_lists); /* a twelfth, 8 at least */

typedef struct vecs vecs;

akin_status vecs_new(const vecs_options *opt, size_t dim, vecs **out,
                     akin_error *err) AKIN_NODISCARD;
void vecs_free(vecs *v);

size_t vecs_size(const vecs *v);
size_t vecs_dim(const vecs *v);
bool vecs_is_trained(const vecs *v);
const vecs_options *vecs_get_options(const vecs *v); /* no zeros once trained */

typedef struct vecs_train_options {
    size_t threads; /* 0: one per processor; not seen in the result */
    bool (*progress)(void *user, double fraction); /* false: AKIN_ECANCELLED */
    void *user;
} vecs_train_options;

/* IVF and SQ8 look at vectors before any is added; others need not. opt NULL:
 * defaults. AKIN_EUSAGE if n is less than the lists asked for. */
akin_status vecs_train(vecs *v, const float *vectors, size_t n,
                       const vecs_train_options *opt, akin_error *err)
    AKIN_NODISCARD;

/* ids [n], or NULL: they go on behind the highest there is. Without a map only
 * IVF takes ids. An id may be there twice. All or nothing. */
akin_status vecs_add(vecs *v, const float *vectors, const int64_t *ids,
                     size_t n, size_t threads, akin_error *err) AKIN_NODISCARD;

/* Removes every vector with one of n ids. Without a map (but in IVF) those
 * behind move down by as many. */
akin_status vecs_remove(vecs *v, const int64_t *ids, size_t n,
                        size_t *n_removed, akin_error *err) AKIN_NODISCARD;

/* New vectors for ids [n], each there once, AKIN_ENOTFOUND if one is not.
 * HNSW has to have a map. */
akin_status vecs_update(vecs *v, const int64_t *ids, const float *vectors,
                        size_t n, size_t threads, akin_error *err)
    AKIN_NODISCARD;

/* The vector of an id as it is kept: normalised, decoded. */
akin_status vecs_get(const vecs *v, int64_t id, float *vector, akin_error *err)
    AKIN_NODISCARD;

typedef struct vecs_query {
    const float *vectors; /* [n, dim] */
    size_t n, k;          /* k = 0 finds nothing */
    size_t effort;        /* nprobe of IVF, ef of HNSW; 0: the index's own */
    size_t threads;
} vecs_query;

/* Writes [n, k] ids and distances: squared L2 ascending or dots descending, of
 * equal ones the lower row first. Places that are left have id -1 and
 * +-FLT_MAX; those of a query with NaN all. */
akin_status vecs_search(const vecs *v, const vecs_query *query, int64_t *ids,
                        float *distances, akin_error *err) AKIN_NODISCARD;

/* What effort may be and is; name NULL: this kind has none. */
typedef struct vecs_effort {
    const char *name; /* "nprobe", "ef" */
    size_t least, most, now;
} vecs_effort;
vecs_effort vecs_get_effort(const vecs *v);
akin_status vecs_set_effort(vecs *v, size_t effort, akin_error *err)
    AKIN_NODISCARD;

#endif
