/* SPDX-License-Identifier: MIT
 * A sound file cut into the windows a model embeds: decode to mono -> speed
 * and resample -> cut -> pad -> band-pass. */
#ifndef MEDIA_WINDOW_H
#define MEDIA_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "media/types.h"

/* How to cut. A window covers window_s seconds of playback, that is window_s *
 * speed seconds of the original file; windows start every (window_s -
 * overlap_s) seconds of playback. */
typedef struct window_plan {
    uint32_t rate_hz;   /* of the model */
    double window_s;    /* > 0 */
    double overlap_s;   /* 0 <= overlap_s < window_s */
    double speed;       /* 0.01 .. 100; 1 as recorded, < 1 slower */
    double fmin_hz;     /* band-pass edges after speed; 0: none below */
    double fmax_hz;     /* 0 or >= rate / 2: none above */
    double min_len_s;   /* a last window with less playback than this is left
                           out, unless it is the only one; 0: kept */
    bool first_channel; /* mono is the first channel, not the mean of all */
} window_plan;

/* AKIN_EUSAGE with a message for a user if the plan makes no sense. */
akin_status window_plan_check(const window_plan *plan, akin_error *err)
    AKIN_NODISCARD;

/* Samples of one window at the model's rate. */
size_t window_n_samples(const window_plan *plan);

/* Windows of a file that is this long: those that start before its end. */
int64_t window_count(const window_plan *plan, double duration_s);

typedef struct window_reader window_reader;

/* Seconds of CPU time spent by this reader's calls so far. */
typedef struct window_times {
    double decode_s, resample_s, filter_s;
} window_times;

akin_status window_reader_open(const char *path, const window_plan *plan,
                               window_reader **out, akin_error *err)
    AKIN_NODISCARD;
void window_reader_close(window_reader *reader);

/* The next window into samples [window_n_samples]; *more = false at the end
 * (samples untouched). *span is in seconds of the original file: start =
 * k * (window_s - overlap_s) * speed, end = min(start + window_s * speed,
 * duration). The last window is padded with zeros. The band-pass runs on each
 * window by itself from a zero state, after padding, as the reference does.
 * samples = NULL skips the window without filtering it. */
akin_status window_reader_next(window_reader *reader, float *samples,
                               media_span *span, bool *more, akin_error *err)
    AKIN_NODISCARD;

const media_info *window_reader_get_info(const window_reader *reader);
window_times window_reader_get_times(const window_reader *reader);

/* Frames of the original file decoded so far, and its duration in seconds once
 * the end was reached (0 before). */
int64_t window_reader_frames(const window_reader *reader);
double window_reader_duration(const window_reader *reader);

/* How a query file is cut. */
typedef enum window_crop {
    WINDOW_CENTER,   /* one window from the middle, padded if too short */
    WINDOW_FIRST,    /* one window from the start */
    WINDOW_SEGMENTS, /* all windows with plan's overlap; a last one shorter than
                        1 s of playback is left out unless it is the only one */
} window_crop;

typedef struct window_set {
    float *samples; /* [n, n_samples], mem_free through window_set_clear */
    media_span *spans;
    size_t n, n_samples;
} window_set;

/* The windows of a query file, cut by the same code as window_reader. At most
 * max_windows (AKIN_ELIMIT beyond). An empty file is AKIN_EDECODE. */
akin_status window_query(const char *path, const window_plan *plan,
                         window_crop crop, size_t max_windows, window_set *out,
                         akin_error *err) AKIN_NODISCARD;
void window_set_clear(window_set *set);

#endif
