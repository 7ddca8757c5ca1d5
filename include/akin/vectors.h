/* SPDX-License-Identifier: MIT
 * Vectors you already have: an index of them in a file that FAISS reads and
 * writes too, and which track each is of in a table of your SQL database.
 *
 * A config.json says where everything is, with the keys that the users of such
 * modules have (docs/VECTORS.md): the .npy file or folder, the index file, its
 * type, and the database, SQLite or MariaDB.
 *
 *     akin_error err;
 *     akin_vectors *v = NULL;
 *     akin_vectors_results *results = NULL;
 *     if (akin_vectors_create("config.json", NULL, NULL, &v, &err) != AKIN_OK ||
 *         akin_vectors_search(v, &(akin_vectors_query){.track = "574"}, NULL,
 *                             &results, &err) != AKIN_OK)
 *         fprintf(stderr, "%s\n", err.text);
 *     for (size_t i = 0; i < akin_vectors_results_count(results); i++) {
 *         const akin_vectors_hit *hit = akin_vectors_results_at(results, i);
 *         printf("%zu %g %s\n", hit->rank, hit->distance, hit->track);
 *     }
 *     akin_vectors_results_free(results);
 *     akin_vectors_close(v);
 *
 * Conventions are in akin/error.h. An akin_vectors takes one call at a time;
 * results belong to one thread at a time. Index file and table are changed
 * together: a program that dies between the two leaves both as they were or
 * both as they were to be, which the next akin_vectors_open sees to. What other
 * programs change, the next search sees.
 */
#ifndef AKIN_VECTORS_H
#define AKIN_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "akin/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct akin_vectors akin_vectors;

typedef struct akin_vectors_options {
    size_t threads; /* 0: one per processor */
    /* phase: "read", "train", "add", "table", "save". false stops:
     * AKIN_ECANCELLED, and everything is as it was. */
    bool (*progress)(void *user, const char *phase, double fraction);
    void (*warn)(void *user, const char *text); /* such as unknown keys */
    void *user;
} akin_vectors_options;

/* ---- making -------------------------------------------------------------------- */

/* Where vectors are and which tracks they are of. */
typedef struct akin_vectors_source {
    const char *path;   /* .npy or .npz of [n, dim] or [dim]; or a folder of
                           TRACK.npy; NULL: what the config says */
    const char *tracks; /* a CSV with the column track_id (or of one column),
                           one row for each vector in order, or with a column
                           vector_id that says which; NULL: the file names of a
                           folder, else the row numbers */
} akin_vectors_source;

/* Makes index and table of the config's vectors, in the order of a file's rows
 * or of the sorted track ids of a folder. Each replaces what was there in one
 * step. source NULL: as the config says. opt may be NULL, and out, if what was
 * made is not to be used now.
 * AKIN_EUSAGE (config, dimensions, values that are not finite), AKIN_ENOTFOUND,
 * AKIN_ECORRUPT (.npy), AKIN_EDB. */
AKIN_API akin_status akin_vectors_create(const char *config,
                                         const akin_vectors_source *source,
                                         const akin_vectors_options *opt,
                                         akin_vectors **out, akin_error *err);

/* ---- opening ------------------------------------------------------------------- */

/* Reads the index and connects to the database. A change that was interrupted
 * is finished or undone. AKIN_ENOTFOUND (no index: create first), AKIN_ECORRUPT
 * (a damaged index, or one that the table does not belong to), AKIN_EDB. */
AKIN_API akin_status akin_vectors_open(const char *config,
                                       const akin_vectors_options *opt,
                                       akin_vectors **out, akin_error *err);
AKIN_API void akin_vectors_close(akin_vectors *v);

typedef struct akin_vectors_info {
    size_t n;
    uint32_t dim;
    const char *index_type;  /* as configured: "IVFFlat" */
    const char *metric;      /* "l2sq": lower is closer; "dot", "cosine": higher */
    const char *effort_name; /* "nprobe", "ef"; NULL: a search looks at all */
    size_t effort;           /* of a search that asks for none */
    const char *index_path, *server;
    int64_t index_bytes;
    double read_s, build_s, table_s, save_s; /* that akin_vectors_create took;
                                                0 of one that was opened */
} akin_vectors_info;

/* Lives as long as v. */
AKIN_API void akin_vectors_get_info(const akin_vectors *v,
                                    akin_vectors_info *out);

/* ---- searching ------------------------------------------------------------------- */

/* The first of these that is given. */
typedef struct akin_vectors_query {
    const char *file;     /* .npy of [dim] or [n, dim] */
    const float *vectors; /* [n, dim] */
    size_t n, dim;
    const char *track;    /* by its first vector; not among its own answers */
} akin_vectors_query;

typedef struct akin_vectors_search_options {
    size_t k;       /* answers a query; 0: 10 */
    size_t effort;  /* nprobe or ef; 0: the index's own */
    double recall;  /* 0 < recall <= 1: choose the effort that reaches it on a
                       sample of the vectors; 0: not asked for */
    size_t threads; /* 0: one per processor */
} akin_vectors_search_options;

typedef struct akin_vectors_hit {
    size_t query, rank; /* from 0; from 1 */
    float distance;     /* in the index's metric */
    int64_t vector_id;
    const char *track;  /* NULL: the table does not have the vector */
    const char *const *columns; /* [n_columns] of the user's table of tracks;
                                   an entry is NULL for SQL's NULL */
} akin_vectors_hit;

typedef struct akin_vectors_results akin_vectors_results;

/* Nearest first; min(k, n) answers a query, of equal distances the lower vector
 * id first. Borrowed until akin_vectors_results_free. AKIN_EUSAGE (wrong
 * dimension, NaN in the query), AKIN_ENOTFOUND (no such track). */
AKIN_API akin_status akin_vectors_search(akin_vectors *v,
                                         const akin_vectors_query *query,
                                         const akin_vectors_search_options *opt,
                                         akin_vectors_results **out,
                                         akin_error *err);
AKIN_API size_t
akin_vectors_results_count(const akin_vectors_results *results);
AKIN_API const akin_vectors_hit *
akin_vectors_results_at(const akin_vectors_results *results, size_t i);

typedef struct akin_vectors_results_info {
    const char *const *columns; /* names, [n_columns] */
    size_t n_columns;
    size_t effort; /* that was used; 0: all were looked at */
    double took_ms;
} akin_vectors_results_info;
AKIN_API void
akin_vectors_results_get_info(const akin_vectors_results *results,
                              akin_vectors_results_info *out);
AKIN_API void akin_vectors_results_free(akin_vectors_results *results);

/* ---- changing -------------------------------------------------------------------- */

typedef struct akin_vectors_change {
    size_t n_added, n_replaced, n_removed;
} akin_vectors_change;

/* Writes: adds vectors; a track that is there gets its new vector instead of
 * what it has. The source names its tracks, each once, by file names or a CSV. */
AKIN_API akin_status akin_vectors_put(akin_vectors *v,
                                      const akin_vectors_source *source,
                                      akin_vectors_change *change,
                                      akin_error *err);

/* Writes: removes tracks with their vectors; those that are not there are no
 * error. Vector ids that are row numbers move up, in the table too. */
AKIN_API akin_status akin_vectors_remove(akin_vectors *v,
                                         const char *const *tracks, size_t n,
                                         akin_vectors_change *change,
                                         akin_error *err);

#ifdef __cplusplus
}
#endif
#endif
