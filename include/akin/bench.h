/* SPDX-License-Identifier: MIT
 * Measuring akin on this machine and with data of one's own: how fast an index
 * of akin/index.h answers, and how much of the truth it finds.
 *
 *     static void print(void *user, const akin_bench_line *line)
 *     {
 *         (void)user;
 *         printf("%s: %.4f of the truth, %.0f queries a second\n",
 *                line->params, line->recall, line->qps);
 *     }
 *     ...
 *     akin_error err;
 *     akin_bench_index_options options = {
 *         .base = "base.npy", .queries = "queries.npy",
 *         .index = {.metric = AKIN_METRIC_COSINE, .type = AKIN_F16}};
 *     if (akin_bench_index(&options, print, NULL, &err) != AKIN_OK)
 *         fprintf(stderr, "%s\n", err.text);
 *
 * Conventions are in akin/error.h.
 */
#ifndef AKIN_BENCH_H
#define AKIN_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "akin/error.h"
#include "akin/index.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct akin_bench_index_options {
    const char *base, *queries; /* .npy or .npz files of [n, dim] numbers */
    const char *truth;          /* .npy of integers [n_queries, k or more]: row
                                   numbers of base, nearest first; NULL: found
                                   by exact search */
    akin_index_options index;   /* dim is left out: it is that of base */
    size_t k;                   /* wanted of each query; 0: 10 */
    size_t threads;             /* that build and find the truth; 0: one per
                                   processor */
    const char *save;           /* file for the index; NULL: none */
    /* Called between two measurements and while the index is built, with what
     * is being done and which share of that; false stops: AKIN_ECANCELLED. */
    bool (*progress)(void *user, const char *phase, double fraction);
    void *user;
} akin_bench_index_options;

/* One way of searching, measured. */
typedef struct akin_bench_line {
    const char *engine; /* "akin" */
    const char *params; /* "links=32,effort=200,route=codes,ef=40", "exact",
                           "exact,batch=1000,threads=2"; lives for the call */
    double build_s;     /* adding all of base to an empty index */
    size_t threads;     /* that did so */
    size_t bytes;       /* of the index with its vectors */
    double recall;      /* share of the first k true ids that were found; one as
                           near as the k-th true one is as good */
    double qps;         /* queries a second */
    double p50_us, p99_us; /* of one query; -1: they came many at a time */
} akin_bench_line;

/* Builds an index over base, then answers all queries in their order with ever
 * more effort (ef = 10 .. 512, none below k) until .9999 of the truth is found,
 * one query at a time on the calling thread; then exactly, one at a time and in
 * batches of 1000. A line is the median of five passes over all queries, after
 * one to warm up; of exact search with passes longer than two seconds it is a
 * single pass. AKIN_ENOTFOUND, AKIN_EIO, AKIN_ECORRUPT, AKIN_EUNSUPPORTED of
 * the files; AKIN_EUSAGE: they do not fit together or options are out of
 * range. */
AKIN_API akin_status akin_bench_index(
    const akin_bench_index_options *opt,
    void (*line)(void *user, const akin_bench_line *line), void *user,
    akin_error *err);

#ifdef __cplusplus
}
#endif
#endif
