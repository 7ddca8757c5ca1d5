/* SPDX-License-Identifier: MIT
 * The best k of a stream of (score, key): a total order, so that the answer
 * does not depend on the order of arrival or on the number of threads. */
#ifndef INDEX_TOPK_H
#define INDEX_TOPK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct topk_hit {
    uint64_t key;
    float score;
} topk_hit;

typedef struct topk {
    topk_hit *hits; /* a heap until sorted; the worst in front */
    size_t n, k;
    bool smaller_is_better;
} topk;

/* k >= 1. Clear with topk_clear. */
akin_status topk_init(topk *top, size_t k, bool smaller_is_better,
                      akin_error *err) AKIN_NODISCARD;
void topk_clear(topk *top);

/* true if a hit of this score could still enter (ties are decided by key, so
 * an equal score can). */
bool topk_admits(const topk *top, float score);
void topk_push(topk *top, uint64_t key, float score);

/* Best first; equal scores by smaller key. No push after it. */
void topk_sort(topk *top);

#endif
