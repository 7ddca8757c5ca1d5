/* SPDX-License-Identifier: MIT
 * Progress and failures of runs over datasets. */
#define _GNU_SOURCE
#include "cli/dataset_watch.h"

#include <string.h>

#include "cli/print.h"
#include "cli/signals.h"

enum { MOST_TOLD = 20 /* failures that are named on the screen */ };

void dataset_watch_init(dataset_watch *watch, bool quiet, bool forced)
{
    *watch = (dataset_watch){.failures = json_array()};
    progress_init(&watch->bar, quiet, forced);
    signals_catch();
}

void dataset_watch_clear(dataset_watch *watch)
{
    json_decref(watch->failures);
    *watch = (dataset_watch){0};
}

bool dataset_watch_progress(void *user, const akin_progress *state)
{
    dataset_watch *watch = user;
    progress_show(&watch->bar, state);
    return !signals_stopped();
}

void dataset_watch_problem(void *user, const char *subject, const char *text)
{
    dataset_watch *watch = user;
    json_array_append_new(watch->failures,
                          json_pack("{s:o, s:o}", "path", json_text(subject),
                                    "reason", json_text(text)));
    if (++watch->n_failures > MOST_TOLD) return;
    progress_hide(&watch->bar);
    if (strstr(text, subject))
        print_note("failed: %s", text);
    else
        print_note("failed: %s: %s", subject, text);
}

void dataset_watch_file(void *user, const akin_file_report *report)
{
    if (report->outcome == AKIN_FILE_FAILED)
        dataset_watch_problem(user, report->path, report->text);
}

int dataset_watch_end(dataset_watch *watch, akin_status status,
                      const akin_error *err)
{
    progress_hide(&watch->bar);
    if (watch->n_failures > MOST_TOLD)
        print_note("and %zu more; --json names all",
                   watch->n_failures - MOST_TOLD);
    if (status == AKIN_ECANCELLED) {
        print_note("stopped; what was done is kept, the same command goes on "
                   "from here");
        return EXIT_STOPPED;
    }
    if (status != AKIN_OK) return print_failure(err);
    return watch->n_failures > 0 ? EXIT_SOME_FAILED : EXIT_DONE;
}
