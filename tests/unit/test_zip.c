/* SPDX-License-Identifier: MIT
 * server/zip: archives that others read, and names that stay inside. */
#include "server/zip.h"

#include "test.h"

static void names(void)
{
    static const char *const good[] = {"a", "a/b.wav", "ä ö.wav", "..a", "a..b",
                                       "a.b/c.d"};
    static const char *const bad[] = {"",     "/a",   "a/",    "a//b", "..",
                                      "../a", "a/..", "a/./b", "a\\b", "c:a",
                                      "a\nb", "\xff"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(zip_name_is_safe(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!zip_name_is_safe(bad[i]));
}

static void sums(void)
{
    CHECK_EQ_INT(zip_crc(0, "123456789", 9), 0xcbf43926);
    CHECK_EQ_INT(zip_crc(zip_crc(0, "1234", 4), "56789", 5), 0xcbf43926);
}

static void archives(void)
{
    zip_writer z = {0};
    text_buf out;
    akin_error e = {0};
    text_buf_init(&out, 10000);
    CHECK_OK(zip_begin(&z, "a.txt", 9, zip_crc(0, "123456789", 9), &out, &e), e);
    zip_put(&z, "1234", 4, &out);
    zip_put(&z, "56789", 5, &out);
    CHECK_OK(zip_begin(&z, "empty", 0, 0, &out, &e), e);
    CHECK_STATUS(zip_begin(&z, "a.txt", 0, 0, &out, &e), AKIN_EUSAGE);
    CHECK_STATUS(zip_begin(&z, "../a", 0, 0, &out, &e), AKIN_EUSAGE);
    CHECK_STATUS(zip_begin(&z, "big", 0xfff00000u, 0, &out, &e), AKIN_ELIMIT);
    zip_finish(&z, &out);
    CHECK_EQ_INT(out.n, 30 + 5 + 9 + 30 + 5 + 46 + 5 + 46 + 5 + 22);
    CHECK(memcmp(out.data + 35, "123456789", 9) == 0);
    CHECK(memcmp(out.data + out.n - 22, "PK\5\6", 4) == 0);
    CHECK_EQ_INT(out.data[out.n - 6], 79); /* where the directory begins */
    zip_clear(&z);
    text_buf_clear(&out);
}

const test_case test_zip_cases[] = {
    {"zip/names", names},
    {"zip/sums", sums},
    {"zip/archives", archives},
    {NULL, NULL},
};
