/* SPDX-License-Identifier: MIT
 * Getting keys and vectors out of a broken usearch file.
 *
 * A key and its row are far apart: the row stands at 8 + slot * bytes a row,
 * the key in the slot's node, which can be found only by walking over all
 * nodes before it. A node's level is written twice, so one of the two may be
 * wrong; where neither leads to a node that makes sense, the walk ends and
 * with it what can be had. */
#include <string.h>

#include "base/memory.h"
#include "interop/usearch.h"
#include "interop/usearch_int.h"

/* Real levels are below 2 ln(slots) / ln(M). */
enum { MAX_SANE_LEVEL = 64, DEFAULT_M = 16 };

typedef struct wreck {
    file_map map;
    size_t dim, n_rows, m, m0;
    const unsigned char *levels, *nodes, *end;
} wreck;

/* ---- finding the parts ---- */

/* true if a head stands here that could be this file's. */
static bool is_head(const wreck *w, size_t at)
{
    const unsigned char *p = w->map.data + at;
    size_t row_bytes = 2 * w->dim;
    if (w->map.n - at < USEARCH_HEAD_BYTES + USEARCH_GRAPH_BYTES) return false;
    return memcmp(p, USEARCH_MAGIC, USEARCH_MAGIC_BYTES) == 0 &&
           (at - USEARCH_MATRIX_BYTES) % row_bytes == 0;
}

/* Where the sizes say, or else wherever the magic is behind whole rows. */
static bool find_head(wreck *w, size_t *head_at)
{
    const unsigned char *p = w->map.data;
    if (w->map.n < USEARCH_MATRIX_BYTES) return false;
    uint64_t rows = usearch_u32(p);
    uint64_t at = USEARCH_MATRIX_BYTES + rows * 2 * w->dim;
    if (at < w->map.n && is_head(w, at)) {
        *head_at = at;
        return true;
    }
    for (size_t i = USEARCH_MATRIX_BYTES; i < w->map.n; i++) {
        const void *found = memchr(p + i, USEARCH_MAGIC[0], w->map.n - i);
        if (!found) return false;
        i = (size_t)((const unsigned char *)found - p);
        if (!is_head(w, i)) continue;
        *head_at = i;
        return true;
    }
    return false;
}

static bool find_parts(wreck *w)
{
    size_t head_at = 0;
    if (!find_head(w, &head_at)) return false;
    w->n_rows = (head_at - USEARCH_MATRIX_BYTES) / (2 * w->dim);
    const unsigned char *head = w->map.data + head_at + USEARCH_HEAD_BYTES;
    uint64_t m = usearch_u64(head + 8), m0 = usearch_u64(head + 16);
    bool sane = m >= 2 && m <= USEARCH_MAX_LINKS && m0 >= m &&
                m0 <= 16 * USEARCH_MAX_LINKS;
    w->m = sane ? m : DEFAULT_M;
    w->m0 = sane ? m0 : 2 * DEFAULT_M;
    w->levels = head + USEARCH_GRAPH_BYTES;
    w->end = w->map.data + w->map.n;
    if (w->n_rows > UINT32_MAX ||
        w->n_rows > (size_t)(w->end - w->levels) / 2)
        return false;
    w->nodes = w->levels + 2 * w->n_rows;
    return true;
}

/* ---- walking over the nodes ---- */

static size_t left(const wreck *w, const unsigned char *p)
{
    return (size_t)(w->end - p);
}

/* true if a whole node of this level could stand at p. */
static bool fits(const wreck *w, const unsigned char *p, int level)
{
    if (level < 0 || level > MAX_SANE_LEVEL) return false;
    if (usearch_node_bytes(w->m, w->m0, level) > left(w, p)) return false;
    p += USEARCH_NODE_BYTES;
    for (int l = 0; l <= level; l++) {
        size_t cap = l == 0 ? w->m0 : w->m;
        if (usearch_u32(p) > cap) return false;
        p += usearch_list_bytes(cap);
    }
    return true;
}

/* Whether the next node, if any, is where this level puts it. */
static bool leads_on(const wreck *w, const unsigned char *p, size_t slot,
                     int level)
{
    const unsigned char *next = p + usearch_node_bytes(w->m, w->m0, level);
    if (slot + 1 == w->n_rows || left(w, next) < USEARCH_NODE_BYTES)
        return true;
    return usearch_i16(next + 8) == usearch_i16(w->levels + 2 * (slot + 1));
}

/* The level of the node at p; -1 if there is no telling. */
static int level_at(const wreck *w, const unsigned char *p, size_t slot)
{
    if (left(w, p) < USEARCH_NODE_BYTES) return -1;
    int listed = usearch_i16(w->levels + 2 * slot), own = usearch_i16(p + 8);
    bool listed_fits = fits(w, p, listed), own_fits = fits(w, p, own);
    if (listed_fits && (listed == own || !own_fits)) return listed;
    if (own_fits && !listed_fits) return own;
    if (!own_fits) return -1;
    return leads_on(w, p, slot, own) ? own : listed;
}

static bool is_finite(const unsigned char *row, size_t dim)
{
    for (size_t i = 0; i < dim; i++)
        if ((row[2 * i + 1] & 0x7c) == 0x7c) return false;
    return true;
}

static const unsigned char *row_of(const wreck *w, size_t slot)
{
    return w->map.data + USEARCH_MATRIX_BYTES + slot * 2 * w->dim;
}

static akin_status collect(const wreck *w, usearch_entry **out, size_t *n_out,
                           akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(w->n_rows, sizeof **out, "keys", &p, err));
    usearch_entry *entries = p;
    const unsigned char *node = w->nodes;
    size_t n = 0;
    for (size_t i = 0; i < w->n_rows; i++) {
        int level = level_at(w, node, i);
        if (level < 0) break;
        uint64_t key = usearch_u64(node);
        if (key != GRAPH_FREE_KEY && is_finite(row_of(w, i), w->dim))
            entries[n++] = (usearch_entry){.key = key, .slot = (uint32_t)i};
        node += usearch_node_bytes(w->m, w->m0, level);
    }
    usearch_sort_entries(entries, n);
    *out = entries;
    *n_out = n;
    return AKIN_OK;
}

akin_status usearch_salvage(const char *path, size_t dim,
                            akin_status (*take)(void *user, uint64_t key,
                                                const unsigned char *vector,
                                                akin_error *err),
                            void *user, akin_error *err)
{
    akin_status status = AKIN_OK;
    usearch_entry *entries = NULL;
    size_t n = 0;
    wreck w = {.dim = dim};
    if (dim == 0 || dim > USEARCH_MAX_DIM)
        return AKIN_FAIL(err, AKIN_ELIMIT, "vectors of %zu dimensions", dim);
    AKIN_TRYG(file_map_open(&w.map, path, err));
    if (!find_parts(&w)) {
        status = AKIN_FAIL(err, AKIN_ECORRUPT,
                           "nothing can be had from '%s': there are no keys "
                           "behind rows of %zu dimensions", path, dim);
        goto done;
    }
    AKIN_TRYG(collect(&w, &entries, &n, err));
    for (size_t i = 0; i < n; i++) {
        if (i && entries[i].key == entries[i - 1].key) continue;
        AKIN_TRYG(take(user, entries[i].key, row_of(&w, entries[i].slot), err));
    }
done:
    mem_free(entries);
    file_map_close(&w.map);
    return status;
}
