/* SPDX-License-Identifier: MIT
 * Rows in memory: two growing arrays side by side. */
#include "engine/rows.h"

#include <string.h>

#include "base/memory.h"

#define ROWS_MAX ((size_t)1 << 32)

void rows_init(rows *r, size_t dim) { *r = (rows){.dim = dim}; }

void rows_clear(rows *r)
{
    mem_free(r->ids);
    mem_free(r->vectors);
    mem_free(r->removed);
    *r = (rows){.dim = r->dim};
}

static akin_status rows_push_id(uint64_t **ids, size_t *n, size_t *cap,
                                uint64_t id, akin_error *err)
{
    void *p = *ids;
    akin_status status = mem_grow(&p, cap, *n + 1, sizeof **ids, ROWS_MAX, err);
    *ids = p;
    if (status == AKIN_OK) (*ids)[(*n)++] = id;
    return status;
}

akin_status rows_add(rows *r, uint64_t id, const void *vector, akin_error *err)
{
    size_t bytes = r->dim * 2;
    void *p = r->vectors;
    akin_status status = mem_grow(&p, &r->cap_bytes, (r->n + 1) * bytes, 1,
                                  ROWS_MAX * bytes, err);
    r->vectors = p;
    AKIN_TRY(status);
    memcpy(r->vectors + r->n * bytes, vector, bytes);
    return rows_push_id(&r->ids, &r->n, &r->cap_ids, id, err);
}

akin_status rows_add_removed(rows *r, uint64_t id, akin_error *err)
{
    return rows_push_id(&r->removed, &r->n_removed, &r->cap_removed, id, err);
}

static akin_status rows_take_pending(void *user, int64_t id, const void *vector,
                                     size_t n_bytes, akin_error *err)
{
    rows *r = user;
    if (n_bytes == 0) return rows_add_removed(r, (uint64_t)id, err);
    if (n_bytes != r->dim * 2)
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "the journaled vector of window %lld has %zu bytes, "
                         "not %zu",
                         (long long)id, n_bytes, r->dim * 2);
    return rows_add(r, (uint64_t)id, vector, err);
}

akin_status rows_load_pending(rows *r, store *from, akin_error *err)
{
    return store_each_pending(from, rows_take_pending, r, err);
}

bool rows_find(const uint64_t *ids, size_t n, uint64_t id, size_t *at)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ids[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    *at = low;
    return low < n && ids[low] == id;
}
