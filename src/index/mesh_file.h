/* SPDX-License-Identifier: MIT
 * Indexes over vectors that belong to somebody else: made, saved without them
 * and opened over them again. */
#ifndef INDEX_MESH_FILE_H
#define INDEX_MESH_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "akin/index.h"
#include "base/error.h"

/* float16 vectors [n][dim], any alignment; ids are their numbers. They must
 * stay where they are until the index is closed, or others are lent to it. */
typedef struct mesh_borrowed {
    const unsigned char *vectors;
    size_t n;
} mesh_borrowed;

/* What the vectors were when it was saved, in words of the caller. */
typedef struct mesh_origin {
    int64_t size_bytes, mtime_ns;
    uint64_t inode, n_rows, keys;
} mesh_origin;

/* An empty index over borrowed vectors; opt->type is AKIN_F16. */
akin_status mesh_new_over(const akin_index_options *opt,
                          const mesh_borrowed *borrowed, akin_index **out,
                          akin_error *err) AKIN_NODISCARD;

/* Lends others in their place: of the same ids the same vectors. */
void mesh_borrow(akin_index *m, const mesh_borrowed *borrowed);

/* Takes n borrowed vectors in, by their numbers. */
akin_status mesh_add_borrowed(akin_index *m, const uint64_t *numbers, size_t n,
                              const akin_index_work *work, akin_error *err)
    AKIN_NODISCARD;

akin_status mesh_save(akin_index *m, const char *path,
                      const mesh_origin *origin, akin_error *err)
    AKIN_NODISCARD;

/* borrowed NULL: an index that has its own. */
akin_status mesh_open(const char *path, const mesh_borrowed *borrowed,
                      mesh_origin *origin, akin_index **out, akin_error *err)
    AKIN_NODISCARD;

/* Calls visit for the id of each vector, with whether its code is that of the
 * vector that is lent now. */
akin_status mesh_each(akin_index *m,
                      void (*visit)(void *user, uint64_t id, bool same),
                      void *user, akin_error *err) AKIN_NODISCARD;

/* Tests only: makes the checksums of a file's bytes right. */
void mesh_seal(unsigned char *file, size_t n);

#endif
