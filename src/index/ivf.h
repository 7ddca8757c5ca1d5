/* SPDX-License-Identifier: MIT
 * Inverted lists: rows (or their 8-bit codes) kept by nearest centroid, of
 * which a search visits the lists of the nearest few. */
#ifndef INDEX_IVF_H
#define INDEX_IVF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "index/kmeans.h"
#include "index/nearest.h"
#include "index/sq8.h"

typedef struct ivf_list {
    unsigned char *codes; /* [n][code_bytes], 64-byte aligned */
    int64_t *ids;         /* [n] */
    size_t n, cap;
} ivf_list;

typedef struct ivf {
    size_t dim, n_lists, code_bytes, n;
    panels_metric metric;
    bool coded, by_residual; /* codes are of sq; of row minus centroid */
    float *centroids;        /* [n_lists, dim] */
    ivf_list *lists;         /* [n_lists] */
    sq8 sq;
} ivf;

/* Empty lists and zero centroids; clear with ivf_clear. */
akin_status ivf_init(ivf *v, akin_error *err) AKIN_NODISCARD;
void ivf_clear(ivf *v);

/* Centroids, and ranges of codes, from n >= n_lists rows. k and metric of `how`
 * are the lists' own. */
akin_status ivf_train(ivf *v, const float *rows, size_t n,
                      const kmeans_options *how, akin_error *err)
    AKIN_NODISCARD;

akin_status ivf_add(ivf *v, const float *rows, const int64_t *ids, size_t n,
                    size_t threads, akin_error *err) AKIN_NODISCARD;

/* Room for n items in a list, which keeps its size. */
akin_status ivf_reserve(const ivf *v, ivf_list *list, size_t n,
                        akin_error *err) AKIN_NODISCARD;

/* As nearest_search, of the nprobe nearest lists only. */
akin_status ivf_search(const ivf *v, const nearest_query *query, size_t nprobe,
                       int64_t *ids, float *distances, akin_error *err)
    AKIN_NODISCARD;

/* Removes what `dead` says; the last of a list takes the place. */
size_t ivf_remove(ivf *v, bool (*dead)(const void *user, int64_t id),
                  const void *user);

void ivf_decode(const ivf *v, size_t list, size_t i, float *row);

static inline const float *ivf_centroid(const ivf *v, size_t list)
{
    return v->centroids + list * v->dim;
}

#endif
