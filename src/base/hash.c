/* SPDX-License-Identifier: MIT
 * SHA-256 in plain C, straight from the standard. */
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* FIPS 180-4, 4.2.2: the fractional parts of the cube roots of primes. */
static const uint32_t hash_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static uint32_t hash_word(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

static void hash_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64];
    for (int i = 0; i < 16; i++) w[i] = hash_word(block + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t p = w[i - 15], q = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] +
               (rotate(p, 7) ^ rotate(p, 18) ^ p >> 3) +
               (rotate(q, 17) ^ rotate(q, 19) ^ q >> 10);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int i = 0; i < 64; i++) {
        uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                      ((e & f) ^ (~e & g)) + hash_k[i] + w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                      ((a & b) ^ (a & c) ^ (b & c));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
    }
    const uint32_t sums[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) state[i] += sums[i];
}

void hash_init(hash_sha256 *hash)
{
    *hash = (hash_sha256){
        .h = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
              0x9b05688c, 0x1f83d9ab, 0x5be0cd19},
    };
}

void hash_put(hash_sha256 *hash, const void *data, size_t n)
{
    const unsigned char *p = data;
    size_t waiting = hash->n_bytes % 64;
    hash->n_bytes += n;
    if (waiting + n < 64) {
        if (n) memcpy(hash->block + waiting, p, n);
        return;
    }
    if (waiting) {
        memcpy(hash->block + waiting, p, 64 - waiting);
        hash_block(hash->h, hash->block);
        p += 64 - waiting;
        n -= 64 - waiting;
    }
    for (; n >= 64; p += 64, n -= 64) hash_block(hash->h, p);
    if (n) memcpy(hash->block, p, n);
}

void hash_finish(hash_sha256 *hash, unsigned char out[HASH_BYTES])
{
    static const unsigned char padding[64] = {0x80};
    unsigned char length[8];
    uint64_t n_bits = hash->n_bytes * 8;
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)(n_bits >> (56 - 8 * i));
    size_t waiting = hash->n_bytes % 64;
    hash_put(hash, padding, waiting < 56 ? 56 - waiting : 120 - waiting);
    hash_put(hash, length, sizeof length);
    for (int i = 0; i < HASH_BYTES; i++)
        out[i] = (unsigned char)(hash->h[i / 4] >> (24 - 8 * (i % 4)));
}

void hash_finish_hex(hash_sha256 *hash, char out[HASH_HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char bytes[HASH_BYTES];
    hash_finish(hash, bytes);
    for (int i = 0; i < HASH_BYTES; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[HASH_HEX_BYTES - 1] = 0;
}

akin_status hash_file(const char *path, char out[HASH_HEX_BYTES],
                      akin_error *err)
{
    enum { PIECE_BYTES = 64 * 1024 };
    unsigned char piece[PIECE_BYTES];
    hash_sha256 hash;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return AKIN_FAIL(err, errno == ENOENT ? AKIN_ENOTFOUND : AKIN_EIO,
                         "cannot open '%s': %s", path, strerror(errno));
    hash_init(&hash);
    for (;;) {
        ssize_t n = read(fd, piece, sizeof piece);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            int error = errno;
            close(fd);
            return AKIN_FAIL(err, AKIN_EIO, "cannot read '%s': %s", path,
                             strerror(error));
        }
        if (n == 0) break;
        hash_put(&hash, piece, (size_t)n);
    }
    close(fd);
    hash_finish_hex(&hash, out);
    return AKIN_OK;
}
