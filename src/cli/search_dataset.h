/* SPDX-License-Identifier: MIT
 * akin search DATASET --table: ranks the items of a dataset. */
#ifndef CLI_SEARCH_DATASET_H
#define CLI_SEARCH_DATASET_H

#include "cli/options.h"

/* What is asked for, or what is not to be like it. A number behind a last '^'
 * is the weight: "dog^0.5". */
typedef struct search_terms {
    option_texts texts, files, views, items;
} search_terms;

typedef struct search_dataset_args {
    const char *table, *vector, *where, *only_view, *media;
    const search_terms *with, *without;
    int64_t n_results, skip;
    double min_similarity;
    int format, device;
    bool exact, quiet;
} search_dataset_args;

/* The exit code. */
int search_dataset(const options *parsed, const search_dataset_args *args);

#endif
