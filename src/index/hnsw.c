/* SPDX-License-Identifier: MIT
 * The arrays of a hierarchical graph. */
#include "index/hnsw.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

enum { EF_CONSTRUCTION = 100, EF_SEARCH = 64 };

/* A node reaches level l with the chance exp(-l ln m) (1 - 1 / m), as in the
 * paper of Malkov and Yashunin; the scale is a float in FAISS, so here. */
akin_status hnsw_init(hnsw *h, size_t m, akin_error *err)
{
    *h = (hnsw){.m = m, .entry = -1, .max_level = -1,
                .ef_construction = EF_CONSTRUCTION, .ef_search = EF_SEARCH};
    if (m < 2 || m > 1024)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a graph of %zu links a node, not 2 to 1024", m);
    float scale = (float)(1.0 / log((double)m));
    for (size_t l = 0; l < HNSW_LEVELS; l++) {
        double chance = expf(-(float)l / scale) * (1 - expf(-1 / scale));
        if (chance < 1e-9) break;
        h->chances[h->n_levels] = chance;
        h->room[l + 1] = h->room[l] + (int32_t)(l == 0 ? 2 * m : m);
        h->n_levels++;
    }
    return hnsw_reserve(h, 0, 0, err);
}

void hnsw_clear(hnsw *h)
{
    mem_free(h->levels);
    mem_free(h->offsets);
    mem_free(h->links);
    *h = (hnsw){.entry = -1, .max_level = -1};
}

akin_status hnsw_reserve(hnsw *h, size_t n, size_t n_links, akin_error *err)
{
    if (n > INT32_MAX)
        return AKIN_FAIL(err, AKIN_ELIMIT, "a graph of %zu nodes", n);
    if (n > h->cap || !h->offsets) {
        int32_t *levels = mem_realloc_array(h->levels, n, sizeof *levels);
        if (levels) h->levels = levels;
        uint64_t *offsets =
            levels ? mem_realloc_array(h->offsets, n + 1, sizeof *offsets)
                   : NULL;
        if (!offsets)
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a graph");
        if (!h->offsets) offsets[0] = 0;
        h->offsets = offsets;
        h->cap = n;
    }
    if (n_links > h->cap_links || !h->links) {
        int32_t *links = mem_realloc_array(h->links, n_links, sizeof *links);
        if (!links)
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a graph");
        h->links = links;
        h->cap_links = n_links;
    }
    return AKIN_OK;
}
