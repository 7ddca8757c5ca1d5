/* SPDX-License-Identifier: MIT
 * EXIF's orientation tag and TIFF's tags: a bounded reader of what stands in
 * the first directory of a TIFF structure, wherever a format hides that. */
#ifndef MEDIA_EXIF_H
#define MEDIA_EXIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXIF_TAG_COMPRESSION 259
#define EXIF_TAG_ORIENTATION 274

/* The first value of a SHORT or LONG tag in the first directory of n bytes that
 * begin with a TIFF header; false if it is not there. */
bool exif_tag(const uint8_t *tiff, size_t n, uint16_t tag, uint32_t *out);

/* The orientation that a JPEG, PNG, WebP or TIFF file states: 1 (upright) to 8,
 * 1 where it states none or nonsense. */
int exif_orientation(const uint8_t *file, size_t n);

#endif
