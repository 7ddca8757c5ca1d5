/* SPDX-License-Identifier: MIT
 * Private to hnsw*.c: lists, and the working memory of one thread. */
#ifndef INDEX_HNSW_INT_H
#define INDEX_HNSW_INT_H

#include "index/hnsw.h"

typedef struct hnsw_near {
    float distance; /* of dots the negative */
    int32_t node;
    bool expanded;
} hnsw_near;

typedef struct hnsw_scratch {
    uint64_t *visited; /* a bit a node */
    size_t n_words;
    hnsw_near *pool; /* [ef + 1] ascending */
    size_t n_pool, ef;
    int32_t *fresh;    /* [most] of one list, and what is known of them */
    const float **rows;
    float *distances;
} hnsw_scratch;

akin_status hnsw_scratch_init(hnsw_scratch *s, const hnsw *h, size_t n,
                              size_t ef, akin_error *err) AKIN_NODISCARD;
void hnsw_scratch_clear(hnsw_scratch *s);

static inline int32_t *hnsw_list(const hnsw *h, int32_t node, int level,
                                 size_t *cap)
{
    *cap = (size_t)(h->room[level + 1] - h->room[level]);
    return h->links + h->offsets[node] + h->room[level];
}

/* Distances of n <= 2 m nodes in s->fresh, into s->distances. */
void hnsw_measure(const nearest_rows *rows, const float *query,
                  hnsw_scratch *s, size_t n);

/* Greedily to the nearest node of a level. */
void hnsw_descend(const hnsw *h, const nearest_rows *rows, const float *query,
                  hnsw_scratch *s, int level, hnsw_near *at);

/* Leaves the nearest nodes of a level in s->pool (s->ef of them at most);
 * stops after `ef` expanded ones. */
void hnsw_search_level(const hnsw *h, const nearest_rows *rows,
                       const float *query, hnsw_scratch *s, int level,
                       size_t ef, hnsw_near start);

/* Of n candidates, nearest first, keeps those that are nearer to the centre
 * than to one kept before (Malkov and Yashunin, algorithm 4), at most cap. */
size_t hnsw_choose(const nearest_rows *rows, const hnsw_near *near, size_t n,
                   size_t cap, int32_t *kept);

void hnsw_sort(hnsw_near *near, size_t n);

/* Distances from a node to n others, sorted, into near. */
void hnsw_measure_from(const nearest_rows *rows, int32_t node,
                       const int32_t *others, size_t n, hnsw_near *near);

#endif
