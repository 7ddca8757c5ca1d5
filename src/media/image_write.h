/* SPDX-License-Identifier: MIT
 * Images to files, and to the bytes of one. */
#ifndef MEDIA_IMAGE_WRITE_H
#define MEDIA_IMAGE_WRITE_H

#include "base/error.h"
#include "media/image.h"

#define IMAGE_MAX_JPEG_SIDE 65500 /* libjpeg's bound */

/* Writes a JPEG by atomic replacement. quality: 1 (small) to 100, of the usual
 * scale; the colours have half the resolution below 90. AKIN_ELIMIT over
 * IMAGE_MAX_JPEG_SIDE, AKIN_ENOTFOUND (the folder), AKIN_EIO. */
akin_status image_write_jpeg(const image *im, const char *path, int quality,
                             akin_error *err) AKIN_NODISCARD;

/* The same into *out [*n], which is yours (mem_free). */
akin_status image_encode_jpeg(const image *im, int quality, char **out,
                              size_t *n, akin_error *err) AKIN_NODISCARD;

#endif
