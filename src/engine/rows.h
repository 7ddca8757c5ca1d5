/* SPDX-License-Identifier: MIT
 * A growable set of (window id, float16 vector) rows in memory. */
#ifndef ENGINE_ROWS_H
#define ENGINE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

typedef struct rows {
    uint64_t *ids;
    unsigned char *vectors; /* [n, dim] float16 */
    size_t n, dim;
    size_t cap_ids, cap_bytes;
    uint64_t *removed; /* ids whose vector is to go */
    size_t n_removed, cap_removed;
} rows;

void rows_init(rows *r, size_t dim);
void rows_clear(rows *r);
akin_status rows_add(rows *r, uint64_t id, const void *vector,
                     akin_error *err) AKIN_NODISCARD;
akin_status rows_add_removed(rows *r, uint64_t id, akin_error *err)
    AKIN_NODISCARD;
static inline const unsigned char *rows_vector(const rows *r, size_t i)
{
    return r->vectors + i * r->dim * 2;
}

/* The journal of a store, ascending by id. AKIN_ECORRUPT if a vector has
 * another length than dim. */
akin_status rows_load_pending(rows *r, store *from, akin_error *err)
    AKIN_NODISCARD;

/* Where an id is among ascending ids; false if it is not. */
bool rows_find(const uint64_t *ids, size_t n, uint64_t id, size_t *at);

#endif
