/* SPDX-License-Identifier: MIT
 * A piece of a sound file as a WAV of its own: original rate and speed,
 * unfiltered, mono, 16-bit PCM. */
#ifndef MEDIA_CLIP_FILE_H
#define MEDIA_CLIP_FILE_H

#include "base/error.h"
#include "media/types.h"

/* Writes [start, end) of the sound in `path` to out_path (by atomic
 * replacement; W64/RF64 is not needed: AKIN_ELIMIT over 4 GiB). A piece beyond
 * the file's end is cut to it; nothing at all there is AKIN_ENOTFOUND. */
akin_status clip_file_write(const char *path, media_span span,
                            const char *out_path, akin_error *err)
    AKIN_NODISCARD;

#endif
