/* SPDX-License-Identifier: MIT
 * base/checksum: pieces make no difference, every bit and the length do. */
#include "base/checksum.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

enum { N = 300 };

static uint64_t sum_of(const unsigned char *data, size_t n, size_t piece)
{
    checksum c;
    checksum_init(&c);
    for (size_t at = 0; at < n; at += piece)
        checksum_put(&c, data + at, n - at < piece ? n - at : piece);
    return checksum_finish(&c);
}

static void fill(unsigned char *data)
{
    for (size_t i = 0; i < N; i++) data[i] = (unsigned char)(i * 37 + 11);
}

static void pieces_make_no_difference(void)
{
    unsigned char data[N];
    fill(data);
    for (size_t n = 0; n <= N; n++)
        for (size_t piece = 1; piece < 140; piece += 23)
            CHECK(sum_of(data, n, piece) == sum_of(data, n, N));
}

static void every_bit_makes_one(void)
{
    unsigned char data[N];
    fill(data);
    uint64_t sum = sum_of(data, N, N);
    for (size_t i = 0; i < N * 8; i++) {
        data[i / 8] ^= (unsigned char)(1 << i % 8);
        CHECK(sum_of(data, N, N) != sum);
        data[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    memset(data, 0, N); /* zeros behind the end are not nothing */
    for (size_t n = 1; n < N; n++)
        CHECK(sum_of(data, n, N) != sum_of(data, n - 1, N));
}

static void a_file_has_the_sum_of_its_bytes(void)
{
    unsigned char data[N];
    char path[512], got[CHECKSUM_HEX_BYTES], wanted[CHECKSUM_HEX_BYTES];
    akin_error e = {0};
    fill(data);
    snprintf(path, sizeof path, "%s/sum", test_dir());
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, N, f) == N);
    if (f) fclose(f);
    CHECK_OK(checksum_file(path, got, &e), e);
    snprintf(wanted, sizeof wanted, "%016llx",
             (unsigned long long)sum_of(data, N, N));
    CHECK_EQ_TEXT(got, wanted);
    CHECK_EQ_TEXT(got, "eb2e26f759ca9a38");
    CHECK_STATUS(checksum_file(test_dir(), got, &e), AKIN_EIO);
    snprintf(path, sizeof path, "%s/gone", test_dir());
    CHECK_STATUS(checksum_file(path, got, &e), AKIN_ENOTFOUND);
}

const test_case test_checksum_cases[] = {
    {"checksum/pieces_make_no_difference", pieces_make_no_difference},
    {"checksum/every_bit_makes_one", every_bit_makes_one},
    {"checksum/a_file_has_the_sum_of_its_bytes",
     a_file_has_the_sum_of_its_bytes},
    {0},
};
