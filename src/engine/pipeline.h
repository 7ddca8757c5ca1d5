/* SPDX-License-Identifier: MIT
 * Files -> windows -> batches -> vectors, on several threads, in order. */
#ifndef ENGINE_PIPELINE_H
#define ENGINE_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/items.h"
#include "model/model.h"
#include "store/store.h"

typedef struct pipeline pipeline;

typedef struct pipeline_options {
    model *model; /* its media part loaded */
    items_plan plan;
    size_t threads;    /* >= 1 */
    size_t batch_size; /* windows a call of the model, >= 1 */
    bool gathers;      /* a call may hold windows of several files */
    size_t n_scores;   /* best classes kept of each window; 0: none */
} pipeline_options;

/* One file to go through. */
typedef struct pipeline_file {
    char *path;          /* owned (mem_free), taken over by push */
    store_window *known; /* windows that are there already, not embedded again;
                            owned (mem_free), taken over by push */
    size_t n_known;
    size_t tag; /* the caller's */
} pipeline_file;

/* A class of the model and what it scored. */
typedef struct class_score {
    uint32_t class_index;
    float score;
} class_score;

/* Some consecutive new windows of one file. Borrowed until released. */
typedef struct pipeline_batch {
    size_t tag;
    const media_span *spans;      /* [n] */
    const unsigned char *vectors; /* [n, dim] float16 */
    const class_score *scores;    /* [n, n_scores], best first; NULL: none */
    size_t n;
    size_t n_clamped;  /* values beyond float16's range, clamped to it */
    int64_t n_windows; /* of the file so far, the known ones included */
    double position_s; /* how far into the file, seconds of it */
    double expected_s; /* its duration as far as is known, 0 if not */
    bool last;         /* the file ends here, whole or by failure */
    akin_status status; /* of the file, with last */
    const char *problem;
    double duration_s; /* of the file, with last and AKIN_OK */
} pipeline_batch;

/* CPU seconds so far. */
typedef struct pipeline_times {
    double decode_s, resample_s, filter_s, model_s;
} pipeline_times;

akin_status pipeline_open(const pipeline_options *opt, pipeline **out,
                          akin_error *err) AKIN_NODISCARD;

/* Stops the threads, wherever they are. */
void pipeline_close(pipeline *p);

/* true while another file may be pushed. */
bool pipeline_has_room(const pipeline *p);
void pipeline_push(pipeline *p, const pipeline_file *file);

/* The next batch, files in the order they were pushed, windows in order. Waits
 * up to wait_s; *out = NULL if there is none by then, or no file is left. */
void pipeline_pop(pipeline *p, double wait_s, pipeline_batch **out);
void pipeline_release(pipeline *p, pipeline_batch *batch);

pipeline_times pipeline_get_times(pipeline *p);

#endif
