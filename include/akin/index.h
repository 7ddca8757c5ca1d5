/* SPDX-License-Identifier: MIT
 * An index over vectors: which of millions are nearest to a query. Usable
 * alone; the databases of akin/akin.h are searched with it.
 *
 *     float vectors[4][2] = {{0, 0}, {1, 0}, {0, 3}, {5, 5}};
 *     akin_index *index = NULL;
 *     akin_index_hit hits[2];
 *     size_t n = 0;
 *     akin_error err;
 *     akin_index_options options = {.dim = 2, .metric = AKIN_METRIC_L2SQ};
 *     akin_index_query query = {.vector = (const float[]){1, 1}, .k = 2};
 *     if (akin_index_new(&options, &index, &err) != AKIN_OK ||
 *         akin_index_add(index, NULL, vectors[0], 4, NULL, &err) != AKIN_OK ||
 *         akin_index_search(index, &query, hits, &n, &err) != AKIN_OK)
 *         fprintf(stderr, "%s\n", err.text);
 *     for (size_t i = 0; i < n; i++)
 *         printf("%llu %g\n", (unsigned long long)hits[i].id, hits[i].distance);
 *     akin_index_close(index);
 *
 * prints "1 1" and "0 2". Conventions are in akin/error.h. An akin_index takes
 * any number of searches at a time, beside one call that changes it: those
 * wait for one another, searches wait for nobody. The rest is thread-safe. How
 * it works is in docs/INDEX.md.
 */
#ifndef AKIN_INDEX_H
#define AKIN_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "akin/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- elements ------------------------------------------------------------------ */

/* Values are stored with bindings and files: they never change. */
typedef enum akin_type {
    AKIN_F32 = 0,
    AKIN_F16 = 1,  /* IEEE half, two bytes, low first */
    AKIN_BF16 = 2, /* the upper half of a float32, two bytes, low first */
    AKIN_I8 = 3,   /* -128 .. 127 */
    AKIN_U8 = 4,   /* 0 .. 255 */
    AKIN_U4 = 5,   /* 0 .. 15, two a byte, the low four bits first */
    AKIN_B1 = 6    /* 0 or 1, eight a byte, the lowest bit first */
} akin_type;

/* n values at in, float32 or the two bytes each of out's type, of any alignment
 * where they are bytes. To float32 is exact. From it rounds to the nearest, ties
 * to even; what is too large becomes an infinity (float16: from 65520), NaN
 * stays NaN. */
AKIN_API void akin_f16_from_f32(const float *in, size_t n, unsigned char *out);
AKIN_API void akin_f16_to_f32(const unsigned char *in, size_t n, float *out);
AKIN_API void akin_bf16_from_f32(const float *in, size_t n, unsigned char *out);
AKIN_API void akin_bf16_to_f32(const unsigned char *in, size_t n, float *out);

/* ---- distances ----------------------------------------------------------------- */

typedef enum akin_metric {
    AKIN_METRIC_L2SQ = 0,   /* sum of squared differences, of bits the number of
                               those that differ; lower is closer */
    AKIN_METRIC_COSINE = 1, /* 1 - cosine of the angle, 0 .. 2 but for rounding;
                               1 if either vector is all zeros; lower is closer */
    AKIN_METRIC_DOT = 2     /* the inner product, of bits the number set in both;
                               HIGHER is closer */
} akin_metric;

/* dim counts elements, any number of them, 0 too; bits that fill up the last
 * byte of AKIN_U4 and AKIN_B1 are ignored. Vectors may be at any address.
 * Sums of integers are exact, then rounded to float: the same bits on every
 * processor. Sums of floats are float32 in an order of the processor's own,
 * equal to it only but for rounding; (a, a) has the cosine distance 0 exactly.
 * Infinities and NaN give what the arithmetic says, a cosine distance of NaN.
 * Where float32 cannot hold a part of a dot product, it is an infinity or NaN;
 * a cosine distance is right for all finite vectors. A dot product of AKIN_BF16
 * may leave out values below 2^-126: processors with AVX512_BF16 do. */
typedef float (*akin_distance_fn)(const void *a, const void *b, size_t dim);

/* The function for this processor; good for as long as the process lives. NULL
 * if there is no such type or metric. Ask once, not for each distance. */
AKIN_API akin_distance_fn akin_distance_get(akin_type type, akin_metric metric);

/* ---- making an index ----------------------------------------------------------- */

typedef struct akin_index akin_index;

/* How a search finds its way; see docs/INDEX.md. */
typedef enum akin_index_route {
    AKIN_ROUTE_AUTO = 0, /* chosen by the data when there are enough */
    AKIN_ROUTE_CODES,    /* over codes of 4 bits a dimension */
    AKIN_ROUTE_VECTORS   /* over the vectors: of near duplicates */
} akin_index_route;

typedef struct akin_index_options {
    size_t dim;         /* 1 .. 65535 */
    akin_metric metric; /* of all searches */
    akin_type type;     /* how vectors are kept: AKIN_F32 or AKIN_F16 */
    size_t links;       /* of a vector to others, 8 .. 128; 0: 32 */
    size_t effort;      /* candidates looked at for links, 8 .. 4096; 0: 200 */
    uint64_t seed;      /* same seed, vectors and one thread: same index */
    akin_index_route route;
} akin_index_options;

/* AKIN_EUSAGE for values out of range. */
AKIN_API akin_status akin_index_new(const akin_index_options *opt,
                                    akin_index **out, akin_error *err);

/* Maps a file that akin_index_save wrote; it takes milliseconds at any size,
 * and the file may be replaced or deleted while it is open. What is changed
 * then is in memory only until it is saved. in_memory: reads the file instead
 * and searches it faster from then on. AKIN_ENOTFOUND, AKIN_ECORRUPT,
 * AKIN_EVERSION. */
AKIN_API akin_status akin_index_open(const char *path, bool in_memory,
                                     akin_index **out, akin_error *err);

/* Whole or not at all: written beside it, synced and renamed. */
AKIN_API akin_status akin_index_save(akin_index *index, const char *path,
                                     akin_error *err);
AKIN_API void akin_index_close(akin_index *index);

/* ---- changing it --------------------------------------------------------------- */

typedef struct akin_index_work {
    size_t threads; /* 0: one per processor */
    /* false stops: AKIN_ECANCELLED, what was added so far stays. */
    bool (*progress)(void *user, const char *phase, double fraction);
    void *user;
} akin_index_work;

/* Adds n vectors [n, dim], copied. ids NULL: they go on behind the largest id
 * so far; an id that is there gets the new vector instead of the
 * old. work may be NULL. AKIN_EUSAGE: a value that is not finite, or of
 * AKIN_F16 65520 or more (the first vector is named; nothing is added), the
 * same id twice; AKIN_ELIMIT: over 2^29, or no ids left behind the largest. */
AKIN_API akin_status akin_index_add(akin_index *index, const uint64_t *ids,
                                    const float *vectors, size_t n,
                                    const akin_index_work *work,
                                    akin_error *err);

/* Removes those of n ids that are there: no search that begins afterwards
 * returns them. Their space is used again. n_removed may be NULL. */
AKIN_API akin_status akin_index_remove(akin_index *index, const uint64_t *ids,
                                       size_t n, size_t *n_removed,
                                       akin_error *err);

/* ---- searching ----------------------------------------------------------------- */

typedef struct akin_index_query {
    const float *vector;   /* [dim], finite */
    size_t k;              /* 1 .. 2^20 */
    double recall;         /* the share of the true k to be found on average,
                              0 < r < 1; 0: 0.95. It is measured with some
                              of those that are added, before they are; not
                              with those that replace others, nor when vectors
                              are only removed. Before there are 4096 ef is
                              64 */
    size_t ef;             /* candidates looked at instead, which sets recall
                              aside and may be less than k; 0: as recall asks
                              for */
    const uint64_t *allow; /* bit i of word i / 64: whether id i may be found;
                              ids beyond are not. NULL: all. Search costs grow
                              less than the allowed become fewer, and k are
                              found if there are k */
    size_t n_allow;        /* bits */
} akin_index_query;

typedef struct akin_index_hit {
    uint64_t id;
    float distance; /* exact for the vector as kept; of AKIN_METRIC_DOT the
                       inner product, higher is closer */
} akin_index_hit;

/* Writes the nearest, closest first, equal ones by id, to hits [k]; *n of
 * them. AKIN_EUSAGE. */
AKIN_API akin_status akin_index_search(akin_index *index,
                                       const akin_index_query *query,
                                       akin_index_hit *hits, size_t *n,
                                       akin_error *err);

/* The same without a miss: every vector is looked at, by its code first where
 * that proves it too far. */
AKIN_API akin_status akin_index_search_exact(akin_index *index,
                                             const akin_index_query *query,
                                             akin_index_hit *hits, size_t *n,
                                             akin_error *err);

/* n queries [n, dim] at once, exactly, each with the k of `query`, whose vector
 * is ignored: hits [n, k], counts [n]. threads 0: one per processor. */
AKIN_API akin_status akin_index_search_batch(akin_index *index,
                                             const akin_index_query *query,
                                             const float *vectors, size_t n,
                                             size_t threads,
                                             akin_index_hit *hits,
                                             size_t *counts, akin_error *err);

/* The vector as it is kept, [dim]. AKIN_ENOTFOUND. */
AKIN_API akin_status akin_index_get(akin_index *index, uint64_t id, float *out,
                                    akin_error *err);

/* ---- what it is like ----------------------------------------------------------- */

typedef struct akin_index_stats {
    size_t dim, n;          /* vectors that can be found */
    size_t n_removed;       /* removed whose space waits to be used again */
    akin_metric metric;
    akin_type type;
    akin_index_route route; /* the one in use; AUTO: too few to choose */
    size_t links;
    double mean_links;      /* of a vector */
    size_t bytes_memory;    /* codes, links, ids and what belongs to them */
    size_t bytes_vectors;   /* the vectors; in a mapped file, of the file */
    size_t n_efforts;       /* measured: recall of 10 at each ef, less what
                               the measure may err by */
    size_t efforts[16];
    double recalls[16];
} akin_index_stats;
AKIN_API void akin_index_get_stats(akin_index *index, akin_index_stats *out);

/* Looks at links, levels and ids, that every vector can be reached, and at
 * the recall of 10 on a sample of the vectors. problem is called for each
 * defect; *recall gets the sample's. Not beside a change. AKIN_ECORRUPT if
 * there was a problem. recall and problem may be NULL. */
AKIN_API akin_status akin_index_check(akin_index *index,
                                      void (*problem)(void *user,
                                                      const char *text),
                                      void *user, double *recall,
                                      akin_error *err);

/* ---- the processor ------------------------------------------------------------- */

/* The instruction set in use: "scalar", "neon", "avx2", "avx512" or
 * "avx512vnni". At first the fastest that processor and system can run. */
AKIN_API const char *akin_isa(void);

/* Chooses another one for the whole process, to compare or to test; NULL: the
 * fastest. false, and nothing changes, if there is no such set or it does not
 * run here. To be called before all else: a search that runs meanwhile may give
 * wrong answers. */
AKIN_API bool akin_use_isa(const char *name);

#ifdef __cplusplus
}
#endif
#endif
