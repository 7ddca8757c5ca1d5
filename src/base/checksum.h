/* SPDX-License-Identifier: MIT
 * A fast 64-bit checksum of a file: tells which of two files it is, and damage
 * by chance. Not for what somebody may have made alike on purpose: hash.h. */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define CHECKSUM_HEX_BYTES 17 /* 16 digits and the NUL */

typedef struct checksum {
    uint64_t lanes[8];
    uint64_t n_bytes;
    unsigned char block[64]; /* the first n_bytes % 64 are waiting */
} checksum;

/* The same for any cutting of the bytes into pieces. */
void checksum_init(checksum *c);
void checksum_put(checksum *c, const void *data, size_t n);
uint64_t checksum_finish(const checksum *c);

akin_status checksum_file(const char *path, char out[CHECKSUM_HEX_BYTES],
                          akin_error *err) AKIN_NODISCARD;

#endif
