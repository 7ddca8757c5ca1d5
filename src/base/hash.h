/* SPDX-License-Identifier: MIT
 * SHA-256 (FIPS 180-4): of bytes that come in pieces and of files. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define HASH_BYTES 32
#define HASH_HEX_BYTES 65 /* 64 digits and the NUL */

typedef struct hash_sha256 {
    uint32_t h[8];
    uint64_t n_bytes;
    unsigned char block[64]; /* the first n_bytes % 64 are waiting */
} hash_sha256;

void hash_init(hash_sha256 *hash);
void hash_put(hash_sha256 *hash, const void *data, size_t n);

/* Ends the hash; begin another with hash_init. Digits are lower-case. */
void hash_finish(hash_sha256 *hash, unsigned char out[HASH_BYTES]);
void hash_finish_hex(hash_sha256 *hash, char out[HASH_HEX_BYTES]);

/* The hash of a file's content, read in pieces. */
akin_status hash_file(const char *path, char out[HASH_HEX_BYTES],
                      akin_error *err) AKIN_NODISCARD;

#endif
