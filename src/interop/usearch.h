/* SPDX-License-Identifier: MIT
 * usearch v2 dense index files (32-bit matrix header, float16, u64 keys, u32
 * slots): read, validate, write. */
#ifndef INTEROP_USEARCH_H
#define INTEROP_USEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file.h"
#include "index/graph.h"

typedef struct usearch_file usearch_file;

typedef struct usearch_info {
    size_t n_rows;    /* slots, deleted ones included */
    size_t n_present; /* live keys */
    size_t dim;
    char metric;      /* 'i' inner product, 'c' cosine, 'e' l2sq, ... */
    int scalar;       /* 12: float16 */
    unsigned major, minor, patch;
    size_t m, m0;
    file_stamp stamp; /* of the file that is mapped */
} usearch_info;

typedef enum usearch_level {
    USEARCH_HEADER,    /* sizes, kinds and bounds: enough to scan the rows safely */
    USEARCH_STRUCTURE, /* and every node: levels, counts, links, unique keys */
} usearch_level;

/* Maps and validates a file. AKIN_ENOTFOUND, AKIN_ECORRUPT (with what is
 * wrong), AKIN_EVERSION (major is not 2), AKIN_EUNSUPPORTED (not float16, or
 * without vectors). The file may be replaced by rename while it is open. */
akin_status usearch_open(const char *path, usearch_level level,
                         usearch_file **out, akin_error *err) AKIN_NODISCARD;
void usearch_close(usearch_file *file);

const usearch_info *usearch_get_info(const usearch_file *file);
const unsigned char *usearch_vectors(const usearch_file *file); /* [n_rows, dim] f16 */

/* The key of a slot, GRAPH_FREE_KEY for a removed one. Cheap; thread-safe. */
uint64_t usearch_key(const usearch_file *file, size_t slot);

/* The slot of a key; false if there is none. The first call builds a table:
 * not thread-safe until one call has returned. */
akin_status usearch_find(usearch_file *file, uint64_t key, bool *found,
                         size_t *slot, akin_error *err) AKIN_NODISCARD;

/* A graph over the file's rows (borrowed from the file: close it after the
 * graph). Bad links are dropped and counted; lists, keys and levels are taken
 * as they are. For metric 'i' files with m, m0 of the file. */
akin_status usearch_load_graph(const usearch_file *file, uint64_t seed,
                               graph **out, size_t *n_dropped,
                               akin_error *err) AKIN_NODISCARD;

/* Writes the graph to path by write + fsync + rename; freed slots go out as
 * usearch writes its own removed ones. */
akin_status usearch_save(const char *path, const graph *g, akin_error *err)
    AKIN_NODISCARD;

/* What can be had from a broken file: every (key, row) that lies whole in it
 * and passes the checks, even if graph part or sizes are damaged. Calls take
 * for each; used by verify --repair. */
akin_status usearch_salvage(const char *path, size_t dim,
                            akin_status (*take)(void *user, uint64_t key,
                                                const unsigned char *vector,
                                                akin_error *err),
                            void *user, akin_error *err) AKIN_NODISCARD;

#endif
