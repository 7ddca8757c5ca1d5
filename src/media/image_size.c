/* SPDX-License-Identifier: MIT
 * The sizes that stand in the headers of image files: what a list of many files
 * needs, without decoding any. Every offset is checked against the bytes. */
#include <string.h>

#include "media/exif.h"
#include "media/image_int.h"

#define TIFF_TAG_WIDTH 256
#define TIFF_TAG_HEIGHT 257

/* `size` bytes at `at`, the first the highest; 0 if they are not there. */
static size_t size_big(const image_source *file, size_t at, size_t size)
{
    size_t v = 0;
    if (at > file->n || file->n - at < size) return 0;
    for (size_t i = 0; i < size; i++) v = v << 8 | file->data[at + i];
    return v;
}

static size_t size_little(const image_source *file, size_t at, size_t size)
{
    size_t v = 0;
    if (at > file->n || file->n - at < size) return 0;
    for (size_t i = size; i > 0; i--) v = v << 8 | file->data[at + i - 1];
    return v;
}

static bool size_has(const image_source *file, size_t at, const char *text,
                     size_t n)
{
    return at <= file->n && file->n - at >= n &&
           memcmp(file->data + at, text, n) == 0;
}

/* All frame headers but DHT, JPG and DAC, whose markers lie among theirs. */
static bool jpeg_is_frame(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 &&
           marker != 0xc8 && marker != 0xcc;
}

bool image_size_jpeg(const image_source *file, size_t *width, size_t *height)
{
    for (size_t at = 2; at + 9 <= file->n;) {
        uint8_t marker = file->data[at + 1];
        if (file->data[at] != 0xff) return false;
        if (marker == 0xff) {
            at++; /* a fill byte */
            continue;
        }
        if (jpeg_is_frame(marker)) {
            *height = size_big(file, at + 5, 2);
            *width = size_big(file, at + 7, 2);
            return *height > 0; /* 0: it follows the picture */
        }
        size_t length = size_big(file, at + 2, 2);
        if (length < 2 || marker == 0xda || marker == 0xd9) return false;
        at += 2 + length;
    }
    return false;
}

bool image_size_png(const image_source *file, size_t *width, size_t *height)
{
    *width = size_big(file, 16, 4);
    *height = size_big(file, 20, 4);
    return size_has(file, 12, "IHDR", 4);
}

bool image_size_gif(const image_source *file, size_t *width, size_t *height)
{
    *width = size_little(file, 6, 2);
    *height = size_little(file, 8, 2);
    return true;
}

/* Lossy, lossless, or with a canvas of its own. */
bool image_size_webp(const image_source *file, size_t *width, size_t *height)
{
    if (size_has(file, 12, "VP8 ", 4)) {
        *width = size_little(file, 26, 2) & 0x3fff;
        *height = size_little(file, 28, 2) & 0x3fff;
        return true;
    }
    if (size_has(file, 12, "VP8L", 4)) {
        size_t bits = size_little(file, 21, 4);
        *width = 1 + (bits & 0x3fff);
        *height = 1 + (bits >> 14 & 0x3fff);
        return file->n >= 25;
    }
    *width = 1 + size_little(file, 24, 3);
    *height = 1 + size_little(file, 27, 3);
    return size_has(file, 12, "VP8X", 4) && file->n >= 30;
}

/* A negative height: the rows are stored from the top. */
bool image_size_bmp(const image_source *file, size_t *width, size_t *height)
{
    if (size_little(file, 14, 4) == 12) {
        *width = size_little(file, 18, 2);
        *height = size_little(file, 20, 2);
        return true;
    }
    uint32_t rows = (uint32_t)size_little(file, 22, 4);
    *width = size_little(file, 18, 4);
    *height = rows >> 31 ? 0u - rows : rows;
    return true;
}

/* Without its end a directory may lack the tag that turns the picture. */
static bool tiff_is_whole(const image_source *file)
{
    bool big = size_has(file, 0, "MM", 2);
    size_t at = big ? size_big(file, 4, 4) : size_little(file, 4, 4);
    size_t n = big ? size_big(file, at, 2) : size_little(file, at, 2);
    return n > 0 && at + 2 + n * 12 <= file->n;
}

/* The first directory, which may be anywhere; turned upright. */
bool image_size_tiff(const image_source *file, size_t *width, size_t *height)
{
    uint32_t w, h;
    if (!tiff_is_whole(file) ||
        !exif_tag(file->data, file->n, TIFF_TAG_WIDTH, &w) ||
        !exif_tag(file->data, file->n, TIFF_TAG_HEIGHT, &h))
        return false;
    bool swap = exif_orientation(file->data, file->n) >= 5;
    *width = swap ? h : w;
    *height = swap ? w : h;
    return true;
}

/* A codestream, or boxes with the header's among the first. */
bool image_size_jpeg2000(const image_source *file, size_t *width,
                         size_t *height)
{
    if (size_has(file, 0, "\xff\x4f\xff\x51", 4)) {
        *width = size_big(file, 8, 4) - size_big(file, 16, 4);
        *height = size_big(file, 12, 4) - size_big(file, 20, 4);
        return file->n >= 24;
    }
    for (size_t at = 12; at + 22 <= file->n;) {
        size_t length = size_big(file, at, 4);
        if (size_has(file, at + 4, "jp2h", 4)) {
            at += 8; /* into it */
            continue;
        }
        *height = size_big(file, at + 8, 4);
        *width = size_big(file, at + 12, 4);
        if (size_has(file, at + 4, "ihdr", 4)) return true;
        if (length < 8 || length > file->n - at) return false;
        at += length;
    }
    return false;
}

/* A number behind blanks and comments; 0 if there is none. */
static size_t pnm_number(const image_source *file, size_t *at)
{
    size_t value = 0;
    bool comment = false;
    for (; *at < file->n; ++*at) {
        uint8_t c = file->data[*at];
        if (c == '#') comment = true;
        if (c == '\n') comment = false;
        if (!comment && c >= '0' && c <= '9') break;
        if (!comment && !strchr(" \t\r\n\v\f", c)) return 0;
    }
    for (; *at < file->n && value < IMAGE_MAX_SIDE; ++*at) {
        uint8_t c = file->data[*at];
        if (c < '0' || c > '9') return value;
        value = 10 * value + (c - '0');
    }
    return 0;
}

bool image_size_pnm(const image_source *file, size_t *width, size_t *height)
{
    size_t at = 2;
    *width = pnm_number(file, &at);
    *height = pnm_number(file, &at);
    return *width && *height;
}

bool image_size_qoi(const image_source *file, size_t *width, size_t *height)
{
    *width = size_big(file, 4, 4);
    *height = size_big(file, 8, 4);
    return true;
}

bool image_size_psd(const image_source *file, size_t *width, size_t *height)
{
    *height = size_big(file, 14, 4);
    *width = size_big(file, 18, 4);
    return true;
}

bool image_size_dds(const image_source *file, size_t *width, size_t *height)
{
    *height = size_little(file, 12, 4);
    *width = size_little(file, 16, 4);
    return true;
}

bool image_size_sgi(const image_source *file, size_t *width, size_t *height)
{
    *width = size_big(file, 6, 2);
    *height = size_big(file, 8, 2);
    return true;
}
