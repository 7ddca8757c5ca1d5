/* SPDX-License-Identifier: MIT
 * TIFF: the first picture, through FFmpeg, but for what it gets wrong. */
#include <libavcodec/avcodec.h>

#include "media/exif.h"
#include "media/image_av.h"

#define TIFF_OLD_JPEG 6
#define TIFF_JPEG 7

akin_status image_tiff_decode(const image_source *file, image *out,
                              akin_error *err)
{
    uint32_t compression = 1;
    /* FFmpeg 5 gives black for JPEG in TIFF, and no error. */
    if (exif_tag(file->data, file->n, EXIF_TAG_COMPRESSION, &compression) &&
        (compression == TIFF_OLD_JPEG || compression == TIFF_JPEG))
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' is a TIFF image with JPEG in it, which cannot "
                         "be read; convert it, to png for example",
                         file->name);
    return image_av_decode(file, AV_CODEC_ID_TIFF, out, err);
}
