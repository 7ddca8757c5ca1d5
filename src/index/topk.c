/* SPDX-License-Identifier: MIT
 * The best k as a binary heap with the worst hit in front. */
#include "index/topk.h"

#include <assert.h>
#include <math.h>

#include "base/memory.h"

akin_status topk_init(topk *top, size_t k, bool smaller_is_better,
                      akin_error *err)
{
    assert(k >= 1);
    *top = (topk){.k = k, .smaller_is_better = smaller_is_better};
    void *hits;
    AKIN_TRY(mem_new_array(k, sizeof *top->hits, "the best hits", &hits, err));
    top->hits = hits;
    return AKIN_OK;
}

void topk_clear(topk *top)
{
    mem_free(top->hits);
    *top = (topk){0};
}

/* Whether a goes before b in the answer. */
static bool is_better(const topk *top, topk_hit a, topk_hit b)
{
    if (a.score != b.score)
        return top->smaller_is_better ? a.score < b.score : a.score > b.score;
    return a.key < b.key;
}

bool topk_admits(const topk *top, float score)
{
    if (isnan(score)) return false;
    if (top->n < top->k) return true;
    float worst = top->hits[0].score;
    return top->smaller_is_better ? score <= worst : score >= worst;
}

static void sift_up(topk *top, size_t i, topk_hit hit)
{
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (!is_better(top, top->hits[parent], hit)) break;
        top->hits[i] = top->hits[parent];
        i = parent;
    }
    top->hits[i] = hit;
}

static void sift_down(topk *top, size_t i, size_t n, topk_hit hit)
{
    for (size_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n &&
            is_better(top, top->hits[child], top->hits[child + 1]))
            child++;
        if (!is_better(top, hit, top->hits[child])) break;
        top->hits[i] = top->hits[child];
        i = child;
    }
    top->hits[i] = hit;
}

void topk_push(topk *top, uint64_t key, float score)
{
    topk_hit hit = {.key = key, .score = score};
    if (isnan(score)) return;
    if (top->n < top->k)
        sift_up(top, top->n++, hit);
    else if (is_better(top, hit, top->hits[0]))
        sift_down(top, 0, top->n, hit);
}

/* Heapsort: the worst of what is left goes to the end. */
void topk_sort(topk *top)
{
    for (size_t n = top->n; n > 1; n--) {
        topk_hit last = top->hits[n - 1];
        top->hits[n - 1] = top->hits[0];
        sift_down(top, 0, n - 1, last);
    }
}
