/* SPDX-License-Identifier: MIT
 * A film as a sequence of RGB images, one every so many seconds. */
#ifndef MEDIA_VIDEO_H
#define MEDIA_VIDEO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "media/image.h"

typedef struct video video;

typedef struct video_options {
    double every_s;   /* time between images; 0: every frame of the film */
    size_t n_threads; /* FFmpeg's own; 0: one */
    bool upright;     /* turn by the film's rotation, as players do */
} video_options;

typedef struct video_info {
    uint32_t width, height; /* of the images that video_next gives */
    double duration_s;      /* as the container says; 0 if it does not */
    double rate_hz;         /* frames a second, about; 0: unknown */
    char codec[32];
    char container[32];
} video_info;

/* Opens the best moving picture of a local file. Errors as decoder_open's;
 * AKIN_ELIMIT over IMAGE_MAX_PIXELS. Memory is a few frames, however long the
 * film. */
akin_status video_open(const char *path, const video_options *options,
                       video **out, akin_error *err) AKIN_NODISCARD;
void video_close(video *v);

const video_info *video_get_info(const video *v);

/* The next image: for k = 0, 1, ... the first whole frame at or after k *
 * every_s that was not given yet. *time_s is that frame's own time from the
 * start of the film. *im is borrowed until the next call; NULL at the end.
 * Damaged frames are passed over; AKIN_EDECODE comes in place of the end if
 * there were any or the film is cut off, with the time. */
akin_status video_next(video *v, double *time_s, const image **im,
                       akin_error *err) AKIN_NODISCARD;

/* The same without making the image: passes over it. *more = false at the
 * end. */
akin_status video_pass(video *v, double *time_s, bool *more, akin_error *err)
    AKIN_NODISCARD;

/* true for file names of films (by extension, any case). */
bool video_is_video_name(const char *path);

#endif
