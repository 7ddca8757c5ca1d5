/* SPDX-License-Identifier: MIT
 * Draws the progress line: bar, files, windows, speed, time left. */
#define _GNU_SOURCE
#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/print.h"

enum { BAR_WIDTH = 24 };
static const double MIN_INTERVAL_S = 0.1;

void progress_init(progress *p, bool quiet, bool forced)
{
    *p = (progress){.on = forced || (!quiet && isatty(STDERR_FILENO))};
}

static void draw_bar(double fraction)
{
    char bar[BAR_WIDTH + 1];
    int full = (int)(fmin(fmax(fraction, 0), 1) * BAR_WIDTH);
    memset(bar, '-', BAR_WIDTH);
    memset(bar, '#', (size_t)full);
    bar[BAR_WIDTH] = 0;
    fprintf(stderr, "\r[%s] %3.0f%%", bar, fraction * 100);
}

void progress_show(progress *p, const akin_progress *state)
{
    double now = clock_now_s();
    if (!p->on || (p->shown_at > 0 && now - p->shown_at < MIN_INTERVAL_S))
        return;
    draw_bar(state->fraction);
    if (strcmp(state->phase, "extract") == 0) {
        fprintf(stderr, "  %zu/%zu files  %lld windows", state->files_done,
                state->files_total, (long long)state->windows_done);
        if (state->elapsed_s > 0)
            fprintf(stderr, "  %.0fx realtime",
                    state->audio_s / state->elapsed_s);
    } else {
        fprintf(stderr, "  %s", state->phase);
    }
    if (state->remaining_s >= 0) {
        char left[PRINT_PIECE_SIZE];
        print_time(round(state->remaining_s), left);
        left[strlen(left) - 2] = 0; /* no tenths */
        fprintf(stderr, "  %s left", left);
    }
    fputs("\033[K", stderr);
    fflush(stderr);
    p->shown = true;
    p->shown_at = now;
}

void progress_hide(progress *p)
{
    if (!p->shown) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->shown = false;
}
