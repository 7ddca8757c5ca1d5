/* SPDX-License-Identifier: MIT
 * Vectors with the tracks they are of, from files as users have them. */
#ifndef ENGINE_VECTORS_SOURCE_H
#define ENGINE_VECTORS_SOURCE_H

#include "engine/vectors_int.h"

typedef struct vectors_source {
    float *vectors; /* [n, dim] */
    size_t n, dim;
    tracks_id *ids; /* [n]; their texts point into names */
    char **names;   /* [n]; NULL: the ids are row numbers */
} vectors_source;

/* What `from` (may be NULL) and the config say, every vector finite and of the
 * config's dimension. Folders give their files by track id: numbers by value,
 * then texts. A track that lacks a part is left out, with a warning. */
akin_status vectors_source_read(const vector_config *config,
                                const akin_vectors_source *from,
                                const akin_vectors_options *opt,
                                vectors_source *out, akin_error *err)
    AKIN_NODISCARD;
void vectors_source_clear(vectors_source *source);

#endif
