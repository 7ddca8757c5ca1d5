/* SPDX-License-Identifier: MIT
 * What a window of an image database shows, as a file of its own. */
#ifndef ENGINE_EXPORT_PICTURE_H
#define ENGINE_EXPORT_PICTURE_H

#include <stdbool.h>

#include "base/error.h"
#include "media/types.h"
#include "media/video.h"

/* true if the file is a film, whose windows are frames. */
bool export_picture_is_frame(const char *path);

/* Copies an image file as it is, or writes the film's frame at span.start_s as a
 * JPEG, by atomic replacement. AKIN_ENOTFOUND, AKIN_EDECODE, AKIN_EIO. */
akin_status export_picture_write(const char *path, media_span span,
                                 const char *out_path, akin_error *err)
    AKIN_NODISCARD;

/* The film's frame at start_s: *frame lives as long as *out, which is to be
 * closed whatever is returned. */
akin_status export_picture_frame(const char *path, double start_s, video **out,
                                 const image **frame, akin_error *err)
    AKIN_NODISCARD;

#endif
