/* SPDX-License-Identifier: MIT
 * akin.cache/: what makes searches of a large database fast, made from
 * usearch.index and made again whenever it does not fit. It may be deleted at
 * any time. */
#ifndef ENGINE_CACHE_H
#define ENGINE_CACHE_H

#include "akin/index.h"
#include "engine/database.h"

/* Tests only: how many bytes of vectors are worth a graph; 0: as ever. */
void cache_set_min_bytes(size_t bytes);

/* A file in akin.cache, or with NULL the folder (owned). */
char *cache_path(const akin_db *db, const char *name);

/* Tells whether derived data were made of these rows. */
uint64_t cache_rows_sum(const index_file *index);

/* Whether a graph over so many vectors is faster than a look at each. */
bool cache_is_worth(size_t n_rows, size_t dim);

/* The graph over the vectors of an index file, by their cosine; NULL if there
 * is none, or one of other vectors. Lives as long as index does. */
akin_index *cache_graph(akin_db *db, index_file *index);

/* Makes the graph, or brings it up to date; nothing if it is, or if it is not
 * worth it. */
akin_status cache_update(akin_db *db, const akin_index_work *work,
                         akin_error *err) AKIN_NODISCARD;

/* The same at the end of other work: a failure is a warning. */
void cache_keep_up(akin_db *db, const akin_index_work *work);

#endif
