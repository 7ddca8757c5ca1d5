/* SPDX-License-Identifier: MIT
 * server/uploads: kept, bounded, gone. */
#include "server/uploads.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "test.h"

static void kept_and_read(void)
{
    uploads *all = NULL;
    upload one;
    akin_error e = {0};
    char id[UPLOAD_ID_BYTES], *data = NULL;
    size_t n = 0;
    CHECK_OK(uploads_new(100, 60, &all, &e), e);
    CHECK_OK(uploads_add(all, "a.wav", "hello", 5, id, &e), e);
    CHECK_OK(uploads_open(all, id, &one, &e), e);
    CHECK_EQ_TEXT(one.name, "a.wav");
    CHECK(uploads_remove(all, id));
    CHECK(!uploads_remove(all, id));
    CHECK_OK(file_read(one.path, 100, &data, &n, &e), e); /* still in use */
    CHECK_EQ_TEXT(data, "hello");
    mem_free(data);
    upload_close(&one);
    CHECK_STATUS(uploads_open(all, id, &one, &e), AKIN_ENOTFOUND);
    CHECK_STATUS(uploads_open(all, "", &one, &e), AKIN_ENOTFOUND);
    upload_close(&one);
    uploads_free(all);
}

static void bounded(void)
{
    uploads *all = NULL;
    upload one;
    akin_error e = {0};
    char first[UPLOAD_ID_BYTES], id[UPLOAD_ID_BYTES];
    CHECK_OK(uploads_new(10, 60, &all, &e), e);
    CHECK_STATUS(uploads_add(all, "x", "", 0, id, &e), AKIN_EUSAGE);
    CHECK_STATUS(uploads_add(all, "x", "12345678901", 11, id, &e), AKIN_ELIMIT);
    CHECK_OK(uploads_add(all, "x", "123456", 6, first, &e), e);
    for (int i = 0; i < 1000; i++)
        CHECK_OK(uploads_add(all, "x", "1", 1, id, &e), e);
    CHECK_STATUS(uploads_open(all, first, &one, &e), AKIN_ENOTFOUND);
    CHECK_OK(uploads_open(all, id, &one, &e), e);
    upload_close(&one);
    uploads_free(all);
}

static void forgotten(void)
{
    uploads *all = NULL;
    upload one;
    akin_error e = {0};
    char id[UPLOAD_ID_BYTES];
    CHECK_OK(uploads_new(10, 0.01, &all, &e), e);
    CHECK_OK(uploads_add(all, "x", "1", 1, id, &e), e);
    clock_sleep_s(0.03);
    CHECK_STATUS(uploads_open(all, id, &one, &e), AKIN_ENOTFOUND);
    uploads_free(all);
}

const test_case test_uploads_cases[] = {
    {"uploads/kept_and_read", kept_and_read},
    {"uploads/bounded", bounded},
    {"uploads/forgotten", forgotten},
    {NULL, NULL},
};
