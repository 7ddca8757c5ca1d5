/* SPDX-License-Identifier: MIT
 * The three things that akin search searches, and which of its options each
 * takes. */
#ifndef CLI_SEARCH_MODES_H
#define CLI_SEARCH_MODES_H

#include "cli/options.h"

typedef enum search_mode {
    SEARCH_DATABASES = 1 << 0,
    SEARCH_VECTORS = 1 << 1, /* --config */
    SEARCH_DATASET = 1 << 2, /* --table */
} search_mode;

/* EXIT_DONE, or the exit code after a word about an option that this mode does
 * not take. */
int search_modes_check(const options *parsed, search_mode mode);

#endif
