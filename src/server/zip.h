/* SPDX-License-Identifier: MIT
 * A zip archive of stored files, written piece by piece. Without zip64: 65535
 * files, and 4 GiB less a little of all together. */
#ifndef SERVER_ZIP_H
#define SERVER_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define ZIP_MAX_FILES 65535
#define ZIP_MAX_BYTES ((uint64_t)0xfff00000)

typedef struct zip_entry {
    char *name; /* owned */
    uint32_t crc, size, offset;
} zip_entry;

/* Zero it to start. */
typedef struct zip_writer {
    zip_entry *entries;
    size_t n, cap;
    uint64_t offset;  /* of what comes next */
    uint64_t n_directory; /* bytes that the directory will have */
    uint32_t n_left;  /* bytes of the file that was begun */
} zip_writer;

/* Begins a file of size bytes whose sum is crc: its header goes to out, and the
 * bytes are to follow through zip_put. AKIN_EUSAGE: a name that could lead out
 * of the folder that the archive is unpacked into, or is there already;
 * AKIN_ELIMIT. */
akin_status zip_begin(zip_writer *z, const char *name, uint32_t size,
                      uint32_t crc, text_buf *out, akin_error *err)
    AKIN_NODISCARD;
void zip_put(zip_writer *z, const char *data, size_t n, text_buf *out);

/* The directory, after which nothing may follow. */
void zip_finish(zip_writer *z, text_buf *out);
void zip_clear(zip_writer *z);

/* CRC-32 of bytes that come in pieces; 0 to start. */
uint32_t zip_crc(uint32_t crc, const void *data, size_t n);

/* Whether a name is safe: relative, '/' between its parts, none of which is
 * empty or of dots, no control characters, UTF-8. */
bool zip_name_is_safe(const char *name);

#endif
