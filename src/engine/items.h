/* SPDX-License-Identifier: MIT
 * A media file as what a model takes: windows of a sound, a picture, frames of
 * a film; decoded, cut and made into tensors. */
#ifndef ENGINE_ITEMS_H
#define ENGINE_ITEMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "media/window.h"
#include "model/model.h"

typedef struct items_plan {
    const model_input *input; /* outlives the readers */
    window_plan window;       /* of MODEL_SOUND */
    double every_s;           /* of MODEL_IMAGE: time between a film's frames */
} items_plan;

typedef struct items_reader items_reader;

/* Opens a sound (or a film's sound track) for MODEL_SOUND; an image or a film,
 * told apart by its name, for MODEL_IMAGE. Errors are those of window_reader,
 * image_load and video. */
akin_status items_reader_open(const char *path, const items_plan *plan,
                              items_reader **out, akin_error *err)
    AKIN_NODISCARD;
void items_reader_close(items_reader *reader);

/* The next item into item [input->n_floats]; NULL passes over it. *span is that
 * of the window, 0 to 0 for an image, a film's frame by its time twice. *more =
 * false at the end. */
akin_status items_reader_next(items_reader *reader, float *item,
                              media_span *span, bool *more, akin_error *err)
    AKIN_NODISCARD;

/* Of the original file, as far as known: as the container says, and once the
 * end was reached as counted. 0 for an image. */
double items_reader_expected(const items_reader *reader);
double items_reader_duration(const items_reader *reader);

/* Seconds of CPU time spent so far; images count as decoding. */
window_times items_reader_get_times(const items_reader *reader);

/* The items of a query file: windows cut by crop, or an image, or a film's
 * frames (WINDOW_CENTER: its middle, WINDOW_FIRST: its first, WINDOW_SEGMENTS:
 * one every plan->every_s). At most max_items (AKIN_ELIMIT beyond). */
typedef struct items_set {
    float *items; /* [n, input->n_floats] */
    media_span *spans;
    size_t n;
} items_set;
akin_status items_of_query(const char *path, const items_plan *plan,
                           window_crop crop, size_t max_items, items_set *out,
                           akin_error *err) AKIN_NODISCARD;
void items_set_clear(items_set *set);

/* One item out of what is in memory already: samples [rate * window] mono, or
 * an image. The samples are changed. */
akin_status items_from_samples(const model_input *input, float *samples,
                               float *item, akin_error *err) AKIN_NODISCARD;
akin_status items_from_image(const model_input *input, const image *im,
                             float *item, akin_error *err) AKIN_NODISCARD;

#endif
