/* SPDX-License-Identifier: MIT
 * Still images: a file's bytes, whatever their format, to 8-bit RGB.
 *
 * The result is what Pillow's Image.open(path).convert('RGB') gives, to the
 * byte for JPEG, PNG, GIF, BMP, WebP, TIFF (CMYK within 1), PNM and lossless
 * JPEG 2000, within 1 for other JPEG 2000 and AVIF (but for the last column of
 * odd widths); JPEG XL, QOI, PSD, DDS and SGI are read as well. 16-bit grey is
 * scaled, where Pillow clips it. TIFF is always turned upright, as Pillow does;
 * others if asked for. The format is found by content, never by the name. Of
 * animations it is the first frame. Colour profiles are not applied.
 * Thread-safe. */
#ifndef MEDIA_IMAGE_H
#define MEDIA_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define IMAGE_MAX_PIXELS ((size_t)1 << 28)
#define IMAGE_MAX_SIDE ((size_t)1 << 20)
#define IMAGE_MAX_BYTES ((size_t)1 << 30)

/* Zero it to start; image_clear gives back what a call put there. */
typedef struct image {
    uint32_t width, height; /* at least 1 once loaded */
    uint8_t *rgb;           /* [height, width, 3] row-major, owned */
} image;

/* All-zero: as Pillow and CLIP's usual pipelines have it. */
typedef struct image_options {
    bool upright;  /* turn by the EXIF orientation */
    bool on_white; /* blend transparent pixels with white, instead of showing
                      the colour that they hide */
} image_options;

/* Reads a local file. AKIN_ENOTFOUND, AKIN_EIO, AKIN_EDECODE (damaged, cut
 * off, no image), AKIN_EUNSUPPORTED (a format or kind this build lacks),
 * AKIN_ELIMIT (over one of the limits above). out must be empty. */
akin_status image_load(const char *path, const image_options *options,
                       image *out, akin_error *err) AKIN_NODISCARD;

/* The same from n bytes in memory; `name` is how messages call them. */
akin_status image_decode(const void *data, size_t n, const char *name,
                         const image_options *options, image *out,
                         akin_error *err) AKIN_NODISCARD;

/* What a file's header says of it. */
typedef struct image_head {
    uint32_t width, height; /* as image_load would have them */
    const char *format;     /* Pillow's name for it: "JPEG"; static */
    int64_t size_bytes, mtime_ns; /* of the file */
} image_head;

/* Reads as little of a file as its size takes; it may be damaged behind that.
 * Formats whose header is not understood are decoded. Errors as image_load. */
akin_status image_read_head(const char *path, image_head *out, akin_error *err)
    AKIN_NODISCARD;

/* Memory for width x height pixels, zeroed. AKIN_ELIMIT, AKIN_ENOMEM. */
akin_status image_new(image *im, uint32_t width, uint32_t height,
                      akin_error *err) AKIN_NODISCARD;
void image_clear(image *im);

/* Turns im by an EXIF orientation, 1 (nothing) to 8. */
akin_status image_turn(image *im, int orientation, akin_error *err)
    AKIN_NODISCARD;

/* true for file names that an image collection is searched for (by extension,
 * any case). */
bool image_is_image_name(const char *path);

#endif
