/* SPDX-License-Identifier: MIT
 * Draws the progress line: bar, files, windows, speed, time left; or bytes. */
#define _GNU_SOURCE
#include "cli/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/print.h"

enum { BAR_WIDTH = 24, MAX_LINE = 512 };
static const double MIN_INTERVAL_S = 0.1;

void progress_init(progress *p, bool quiet, bool forced)
{
    *p = (progress){.on = forced || (!quiet && isatty(STDERR_FILENO))};
}

static void put_bar(text_buf *line, double fraction)
{
    char bar[BAR_WIDTH + 1];
    int full = (int)(fmin(fmax(fraction, 0), 1) * BAR_WIDTH);
    memset(bar, '-', BAR_WIDTH);
    memset(bar, '#', (size_t)full);
    bar[BAR_WIDTH] = 0;
    text_buf_printf(line, "[%s] %3.0f%%", bar, fraction * 100);
}

static void put_state(text_buf *line, const akin_progress *state)
{
    put_bar(line, state->fraction);
    if (strcmp(state->phase, "extract") == 0) {
        text_buf_printf(line, "  %zu/%zu files  %lld windows",
                        state->files_done, state->files_total,
                        (long long)state->windows_done);
        if (state->elapsed_s > 0 && state->audio_s > 0)
            text_buf_printf(line, "  %.0fx realtime",
                            state->audio_s / state->elapsed_s);
        else if (state->elapsed_s > 0 && state->windows_done > 0)
            text_buf_printf(line, "  %.0f per second",
                            (double)state->windows_done / state->elapsed_s);
    } else {
        text_buf_printf(line, "  %s", state->phase);
    }
    if (state->remaining_s >= 0) {
        char left[PRINT_PIECE_SIZE];
        print_time(round(state->remaining_s), left);
        left[strlen(left) - 2] = 0; /* no tenths */
        text_buf_printf(line, "  %s left", left);
    }
}

/* A line that wraps could not be drawn over. */
static int screen_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1)
        return size.ws_col - 1;
    return MAX_LINE;
}

/* At most 10 times a second. */
static bool is_due(const progress *p)
{
    return p->on && (p->shown_at <= 0 ||
                     clock_now_s() - p->shown_at >= MIN_INTERVAL_S);
}

/* Clears the line. */
static void draw(progress *p, text_buf *line)
{
    if (line->data)
        fprintf(stderr, "\r%.*s\033[K", screen_width(), line->data);
    fflush(stderr);
    text_buf_clear(line);
    p->shown = true;
    p->shown_at = clock_now_s();
}

void progress_show(progress *p, const akin_progress *state)
{
    text_buf line;
    if (!is_due(p)) return;
    text_buf_init(&line, MAX_LINE);
    put_state(&line, state);
    draw(p, &line);
}

void progress_show_bytes(progress *p, const char *file, int64_t done_bytes,
                         int64_t total_bytes)
{
    char done[PRINT_PIECE_SIZE], total[PRINT_PIECE_SIZE];
    text_buf line;
    if (!is_due(p)) return;
    text_buf_init(&line, MAX_LINE);
    print_size(done_bytes, done);
    print_size(total_bytes, total);
    if (total_bytes > 0) {
        put_bar(&line, (double)done_bytes / (double)total_bytes);
        text_buf_printf(&line, "  %s of %s", done, total);
    } else {
        text_buf_puts(&line, done);
    }
    text_buf_printf(&line, "  %s", file);
    draw(p, &line);
}

void progress_hide(progress *p)
{
    if (!p->shown) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->shown = false;
}
