/* SPDX-License-Identifier: MIT
 * One line on stderr that says how far a run is. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>

#include "akin/akin.h"

typedef struct progress {
    bool on;
    bool shown;      /* the line is on the screen */
    double shown_at; /* clock_now_s */
} progress;

/* Shown on a terminal unless quiet; forced: shown in any case. */
void progress_init(progress *p, bool quiet, bool forced);

/* Draws at most 10 times a second. */
void progress_show(progress *p, const akin_progress *state);

/* The same of a file that comes in; total_bytes is -1 while it is not known. */
void progress_show_bytes(progress *p, const char *file, int64_t done_bytes,
                         int64_t total_bytes);

/* Takes the line away, so that text can be printed; the next show draws it. */
void progress_hide(progress *p);

#endif
