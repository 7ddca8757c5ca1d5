/* SPDX-License-Identifier: MIT
 * A media file's sound as a stream of mono float32 at its own rate. */
#ifndef MEDIA_DECODE_H
#define MEDIA_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "media/types.h"

typedef struct decoder decoder;

/* Opens the best audio stream of a local file. AKIN_ENOTFOUND, AKIN_EIO,
 * AKIN_EDECODE (no sound in it, unknown format, empty), AKIN_ELIMIT (rate or
 * channels out of range: 1 kHz to 10 MHz, 1 to 64). Playlists, URLs and file
 * name patterns are never followed. */
akin_status decoder_open(const char *path, decoder **out, akin_error *err)
    AKIN_NODISCARD;
void decoder_close(decoder *d);

/* Mono is then the first channel, not the mean of all. Before the first read
 * or seek. */
void decoder_use_first_channel(decoder *d);

const media_info *decoder_get_info(const decoder *d);

/* Up to max_frames mono frames (the mean of all channels unless the first was
 * asked for, float32 full scale 1.0); *n = 0 only at the end. AKIN_EDECODE for
 * damaged data (with the time at which it begins) and for samples that are not
 * finite. */
akin_status decoder_read(decoder *d, float *mono, size_t max_frames, size_t *n,
                         akin_error *err) AKIN_NODISCARD;

/* The next read begins exactly at this frame (counted at the file's own rate
 * from the first frame that decoder_read would give); beyond the end it gives
 * 0 frames. */
akin_status decoder_seek(decoder *d, int64_t frame, akin_error *err)
    AKIN_NODISCARD;

/* "FFmpeg 59.37.100" (libavcodec). Static. */
const char *decoder_library(void);

/* true for file names that an audio collection is searched for (by extension,
 * any case): what FFmpeg reads and field recorders, phones and cameras write. */
bool decoder_is_audio_name(const char *path);

#endif
