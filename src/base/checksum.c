/* SPDX-License-Identifier: MIT
 * Eight lanes of 64-bit words, each multiplied and rotated on its own, so that
 * the reading of the file is what takes the time; mixed at the end. */
#include "base/checksum.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

#define CHECKSUM_PIECE ((size_t)1 << 20)

/* Odd, with bits all over: of the golden ratio and of pi. */
#define CHECKSUM_A 0x9e3779b97f4a7c15u
#define CHECKSUM_B 0x243f6a8885a308d3u

static uint64_t checksum_turn(uint64_t x, int n)
{
    return x << n | x >> (64 - n);
}

static uint64_t checksum_word(const unsigned char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

static void checksum_block(checksum *c, const unsigned char *p)
{
    for (int i = 0; i < 8; i++)
        c->lanes[i] = checksum_turn(
            (c->lanes[i] ^ checksum_word(p + 8 * i)) * CHECKSUM_A, 29);
}

void checksum_init(checksum *c)
{
    *c = (checksum){0};
    for (uint64_t i = 0; i < 8; i++) c->lanes[i] = CHECKSUM_B * (2 * i + 1);
}

void checksum_put(checksum *c, const void *data, size_t n)
{
    const unsigned char *p = data;
    size_t waiting = c->n_bytes % sizeof c->block;
    c->n_bytes += n;
    if (waiting > 0) {
        size_t take = sizeof c->block - waiting;
        if (take > n) take = n;
        memcpy(c->block + waiting, p, take);
        p += take;
        n -= take;
        if (waiting + take < sizeof c->block) return;
        checksum_block(c, c->block);
    }
    for (; n >= sizeof c->block; n -= sizeof c->block, p += sizeof c->block)
        checksum_block(c, p);
    memcpy(c->block, p, n);
}

uint64_t checksum_finish(const checksum *c)
{
    checksum last = *c;
    size_t waiting = c->n_bytes % sizeof c->block;
    memset(last.block + waiting, 0, sizeof last.block - waiting);
    checksum_block(&last, last.block);
    uint64_t sum = c->n_bytes * CHECKSUM_B;
    for (int i = 0; i < 8; i++) {
        sum = checksum_turn(sum ^ last.lanes[i], 31) * CHECKSUM_A;
        sum ^= sum >> 32;
    }
    return sum;
}

static akin_status checksum_read(int fd, const char *path, unsigned char *piece,
                                 checksum *c, akin_error *err)
{
    for (;;) {
        ssize_t n = read(fd, piece, CHECKSUM_PIECE);
        if (n == 0) return AKIN_OK;
        if (n > 0)
            checksum_put(c, piece, (size_t)n);
        else if (errno != EINTR)
            return AKIN_FAIL(err, AKIN_EIO, "cannot read '%s': %s", path,
                             strerror(errno));
    }
}

akin_status checksum_file(const char *path, char out[CHECKSUM_HEX_BYTES],
                          akin_error *err)
{
    checksum c;
    checksum_init(&c);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return AKIN_FAIL(err, errno == ENOENT ? AKIN_ENOTFOUND : AKIN_EIO,
                         "cannot read '%s': %s", path, strerror(errno));
    unsigned char *piece = mem_array(CHECKSUM_PIECE, 1);
    akin_status status = piece ? checksum_read(fd, path, piece, &c, err)
                               : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    mem_free(piece);
    close(fd);
    snprintf(out, CHECKSUM_HEX_BYTES, "%016llx",
             (unsigned long long)checksum_finish(&c));
    return status;
}
