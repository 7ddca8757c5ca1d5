/* SPDX-License-Identifier: MIT
 * media/image_write: what was written is what is read, failures leave nothing
 * or all. */
#include "media/image_write.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "test.h"

static const char *out_path(void)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/out.jpg", test_dir());
    return path;
}

/* Slopes of red and green, stripes of blue. */
static void make_image(image *im, uint32_t width, uint32_t height)
{
    akin_error e = {0};
    CHECK_OK(image_new(im, width, height, &e), e);
    for (uint32_t i = 0; im->rgb && i < width * height; i++) {
        uint32_t x = i % width, y = i / width;
        im->rgb[3 * i] = (uint8_t)(255 * x / width);
        im->rgb[3 * i + 1] = (uint8_t)(255 * y / height);
        im->rgb[3 * i + 2] = x / 8 % 2 ? 200 : 60;
    }
}

static double mean_difference(const image *a, const image *b)
{
    double sum = 0;
    size_t n = (size_t)a->width * a->height * 3;
    if (a->width != b->width || a->height != b->height) return 255;
    for (size_t i = 0; i < n; i++) sum += abs(a->rgb[i] - b->rgb[i]);
    return sum / (double)n;
}

/* Writes and reads; the mean difference of a value, and the file's size. */
static double write_and_read(const image *im, int quality, int64_t *bytes)
{
    akin_error e = {0};
    image back = {0};
    file_stamp stamp = {0};
    CHECK_OK(image_write_jpeg(im, out_path(), quality, &e), e);
    CHECK_OK(image_load(out_path(), NULL, &back, &e), e);
    CHECK_OK(file_stat(out_path(), &stamp, &e), e);
    double d = back.rgb ? mean_difference(im, &back) : 255;
    *bytes = stamp.size_bytes;
    image_clear(&back);
    return d;
}

static void read_back(void)
{
    static const uint32_t sizes[][2] = {{1, 1},   {7, 3},     {64, 48},
                                        {129, 1}, {640, 480}, {1, 300}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        image im = {0};
        int64_t bytes;
        make_image(&im, sizes[i][0], sizes[i][1]);
        CHECK(write_and_read(&im, 100, &bytes) < 1);
        CHECK(write_and_read(&im, 75, &bytes) < 20);
        image_clear(&im);
    }
}

static void quality_is_size(void)
{
    static const int qualities[] = {1, 50, 89, 90, 100};
    image im = {0};
    int64_t last = 0;
    make_image(&im, 320, 200);
    for (size_t i = 0; i < 5; i++) {
        int64_t bytes = 0;
        CHECK(write_and_read(&im, qualities[i], &bytes) < 80);
        CHECK(bytes > last);
        last = bytes;
    }
    image_clear(&im);
}

static void wrong_wishes(void)
{
    akin_error e = {0};
    uint8_t row[3] = {0};
    image im = {1, 1, row}, wide = {65501, 1, row};
    CHECK_STATUS(image_write_jpeg(&im, out_path(), 0, &e), AKIN_EUSAGE);
    CHECK_STATUS(image_write_jpeg(&im, out_path(), 101, &e), AKIN_EUSAGE);
    CHECK_STATUS(image_write_jpeg(&wide, out_path(), 80, &e), AKIN_ELIMIT);
    CHECK(strstr(e.text, "65501") != NULL);
    CHECK_STATUS(image_write_jpeg(&im, "/nonexistent/a.jpg", 80, &e),
                 AKIN_ENOTFOUND);
    CHECK(!file_exists(out_path()));
}

static akin_status write_failing(const image *im, bool memory, int n)
{
    akin_error e = {0};
    if (memory)
        mem_fail_at(n);
    else
        file_fail_at(n);
    akin_status status = image_write_jpeg(im, out_path(), 90, &e);
    mem_fail_at(0);
    file_fail_at(0);
    CHECK(status == AKIN_OK || *e.text);
    return status;
}

/* Each allocation, then each write fails once: what is there is whole, the old
 * one or the new. */
static void failures_leave_a_whole_file(void)
{
    image small = {0}, large = {0};
    make_image(&small, 5, 5);
    make_image(&large, 400, 300);
    for (int memory = 0; memory < 2; memory++) {
        akin_status status = AKIN_ENOMEM;
        CHECK_OK(image_write_jpeg(&small, out_path(), 90, NULL),
                 (akin_error){0});
        for (int n = 1; status != AKIN_OK && n < 50; n++) {
            akin_error e = {0};
            image back = {0};
            status = write_failing(&large, memory, n);
            CHECK_OK(image_load(out_path(), NULL, &back, &e), e);
            CHECK(back.width == 400 || (back.width == 5 && status != AKIN_OK));
            image_clear(&back);
        }
        CHECK_EQ_INT(status, AKIN_OK);
    }
    image_clear(&small);
    image_clear(&large);
}

const test_case test_image_write_cases[] = {
    {"image_write/read_back", read_back},
    {"image_write/quality_is_size", quality_is_size},
    {"image_write/wrong_wishes", wrong_wishes},
    {"image_write/failures_leave_a_whole_file", failures_leave_a_whole_file},
    {NULL, NULL},
};
