/* SPDX-License-Identifier: MIT
 * What a run over --config tells while it goes on: how far it is, warnings; and
 * how it ended. */
#ifndef CLI_VECTOR_WATCH_H
#define CLI_VECTOR_WATCH_H

#include "akin/vectors.h"
#include "base/json.h"
#include "cli/progress.h"

/* Must stay where it is while the options that report to it are in use. */
typedef struct vector_watch {
    progress bar;
    const char *phase; /* that is shown */
    json_t *warnings;  /* all that were told */
} vector_watch;

/* From here Ctrl-C stops the run. */
void vector_watch_init(vector_watch *watch, bool quiet, bool forced);
void vector_watch_clear(vector_watch *watch);

akin_vectors_options vector_watch_options(vector_watch *watch, size_t threads);

/* Takes the progress line away and tells a failure; the exit code. */
int vector_watch_end(vector_watch *watch, akin_status status,
                     const akin_error *err);

#endif
