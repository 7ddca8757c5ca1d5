/* SPDX-License-Identifier: MIT
 * What a run over a dataset tells while it goes on: how far it is, and what
 * could not be taken. */
#ifndef CLI_DATASET_WATCH_H
#define CLI_DATASET_WATCH_H

#include "akin/dataset.h"
#include "base/json.h"
#include "cli/progress.h"

/* `user` of the callbacks below. */
typedef struct dataset_watch {
    progress bar;
    json_t *failures; /* {path, reason} */
    size_t n_failures;
} dataset_watch;

/* From here Ctrl-C stops the run. */
void dataset_watch_init(dataset_watch *watch, bool quiet, bool forced);
void dataset_watch_clear(dataset_watch *watch);

bool dataset_watch_progress(void *watch, const akin_progress *state);
void dataset_watch_problem(void *watch, const char *subject, const char *text);
void dataset_watch_file(void *watch, const akin_file_report *report);

/* Takes the progress line away and tells a failure, or that it was stopped; the
 * exit code. */
int dataset_watch_end(dataset_watch *watch, akin_status status,
                      const akin_error *err);

#endif
