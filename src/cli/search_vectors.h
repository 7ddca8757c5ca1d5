/* SPDX-License-Identifier: MIT
 * akin search --config: ranks the vectors of a config.json, and prints what the
 * user's own tables say of their tracks. */
#ifndef CLI_SEARCH_VECTORS_H
#define CLI_SEARCH_VECTORS_H

#include "cli/options.h"

typedef struct search_vectors_args {
    const char *config, *vector, *track;
    int64_t n_results, nprobe, ef, threads;
    double recall;
    int format;
    bool quiet;
} search_vectors_args;

/* The exit code. */
int search_vectors(const options *parsed, const search_vectors_args *args);

#endif
