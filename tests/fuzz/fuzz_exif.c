/* SPDX-License-Identifier: MIT
 * Hunts for a TIFF directory, or the chunks around one in a JPEG, PNG or WebP
 * file, that make the reader look past the bytes, go on for ever, or give an
 * orientation that is none. */
#include <stdint.h>
#include <stdlib.h>

#include "media/exif.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t value = 0;
    int orientation = exif_orientation(data, size);
    if (orientation < 1 || orientation > 8) abort();
    exif_tag(data, size, EXIF_TAG_COMPRESSION, &value);
    return 0;
}
