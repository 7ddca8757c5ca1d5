/* SPDX-License-Identifier: MIT
 * Reading TIFF directories, and finding them in JPEG, PNG and WebP files.
 * Every offset is checked against the bytes that are there; at most one
 * directory is looked at, once. */
#include "media/exif.h"

#include <string.h>

#define EXIF_SHORT 3
#define EXIF_LONG 4
#define EXIF_ENTRY_BYTES 12

typedef struct exif_bytes {
    const uint8_t *data;
    size_t n;
    bool big_endian;
} exif_bytes;

/* The callers have checked that the bytes are there. */
static uint32_t exif_uint(const exif_bytes *b, size_t at, int size)
{
    uint32_t v = 0;
    for (int i = 0; i < size; i++) {
        int place = b->big_endian ? size - 1 - i : i;
        v |= (uint32_t)b->data[at + (size_t)i] << (8 * place);
    }
    return v;
}

/* Whether the 8 bytes of a TIFF header are there; sets the byte order. */
static bool exif_header(exif_bytes *b)
{
    if (b->n < 8) return false;
    b->big_endian = b->data[0] == 'M';
    char order = b->big_endian ? 'M' : 'I';
    return b->data[0] == order && b->data[1] == order &&
           exif_uint(b, 2, 2) == 42;
}

bool exif_tag(const uint8_t *tiff, size_t n, uint16_t tag, uint32_t *out)
{
    exif_bytes b = {tiff, n, false};
    if (!exif_header(&b)) return false;
    size_t at = exif_uint(&b, 4, 4);
    if (at < 8 || at > n || n - at < 2) return false;
    size_t n_entries = exif_uint(&b, at, 2);
    size_t n_there = (n - at - 2) / EXIF_ENTRY_BYTES;
    if (n_entries > n_there) n_entries = n_there;
    for (size_t i = 0; i < n_entries; i++) {
        size_t entry = at + 2 + i * EXIF_ENTRY_BYTES;
        uint32_t type = exif_uint(&b, entry + 2, 2);
        if (exif_uint(&b, entry, 2) != tag) continue;
        if (exif_uint(&b, entry + 4, 4) < 1) return false;
        if (type != EXIF_SHORT && type != EXIF_LONG) return false;
        *out = exif_uint(&b, entry + 8, type == EXIF_SHORT ? 2 : 4);
        return true;
    }
    return false;
}

static bool exif_begins(const exif_bytes *b, size_t at, const char *with,
                        size_t n)
{
    return at <= b->n && b->n - at >= n && memcmp(b->data + at, with, n) == 0;
}

/* The TIFF structure behind "Exif\0\0", which some writers of PNG and WebP put
 * there too. */
static exif_bytes exif_body(const exif_bytes *b, size_t at, size_t n)
{
    exif_bytes body = {b->data + at, n, false};
    if (exif_begins(&body, 0, "Exif\0\0", 6)) {
        body.data += 6;
        body.n -= 6;
    }
    return body;
}

/* JPEG: APP1 segments before the picture's data. */
static exif_bytes exif_in_jpeg(const exif_bytes *b)
{
    for (size_t at = 2; at + 4 <= b->n && b->data[at] == 0xff;) {
        uint8_t marker = b->data[at + 1];
        size_t length = (size_t)b->data[at + 2] << 8 | b->data[at + 3];
        if (marker == 0xff) {
            at++; /* a fill byte */
            continue;
        }
        if (marker == 0xda || marker == 0xd9 || length < 2) break;
        if (length > b->n - at - 2) break;
        if (marker == 0xe1 && exif_begins(b, at + 4, "Exif\0\0", 6))
            return exif_body(b, at + 4, length - 2);
        at += 2 + length;
    }
    return (exif_bytes){0};
}

/* PNG: chunks of length, name, data, check sum. */
static exif_bytes exif_in_png(const exif_bytes *b)
{
    exif_bytes big = {b->data, b->n, true};
    for (size_t at = 8; at <= b->n && b->n - at >= 12;) {
        size_t length = exif_uint(&big, at, 4);
        if (length > b->n - at - 12) break;
        if (exif_begins(b, at + 4, "eXIf", 4))
            return exif_body(b, at + 8, length);
        at += 12 + length;
    }
    return (exif_bytes){0};
}

/* WebP: RIFF chunks of name, length, data to an even length. */
static exif_bytes exif_in_webp(const exif_bytes *b)
{
    for (size_t at = 12; at <= b->n && b->n - at >= 8;) {
        size_t length = exif_uint(b, at + 4, 4);
        if (length > b->n - at - 8) break;
        if (exif_begins(b, at, "EXIF", 4)) return exif_body(b, at + 8, length);
        at += 8 + length + (length & 1);
    }
    return (exif_bytes){0};
}

int exif_orientation(const uint8_t *file, size_t n)
{
    exif_bytes b = {file, n, false}, found = b;
    uint32_t value = 1;
    if (exif_begins(&b, 0, "\xff\xd8", 2))
        found = exif_in_jpeg(&b);
    else if (exif_begins(&b, 0, "\x89PNG\r\n\x1a\n", 8))
        found = exif_in_png(&b);
    else if (exif_begins(&b, 0, "RIFF", 4) && exif_begins(&b, 8, "WEBP", 4))
        found = exif_in_webp(&b);
    if (!exif_tag(found.data, found.n, EXIF_TAG_ORIENTATION, &value)) return 1;
    return value >= 1 && value <= 8 ? (int)value : 1;
}
