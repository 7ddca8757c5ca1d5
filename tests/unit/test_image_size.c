/* SPDX-License-Identifier: MIT
 * media/image_size: headers say what decoding gives, and files that are cut off
 * or made up say nothing that is not there. */
#include "base/file.h"
#include "base/memory.h"
#include "db_files.h"
#include "image_files.h"
#include "test.h"

static void check_head(const image_expected *x)
{
    char path[96];
    akin_error e = {0};
    image_head head = {0};
    file_stamp stamp;
    snprintf(path, sizeof path, "image/%s", x->file);
    CHECK_OK(image_read_head(test_data(path), &head, &e), e);
    if (head.width != x->width || head.height != x->height)
        test_fail(__FILE__, __LINE__, "%s: %ux%u, not %ux%u", x->file,
                  head.width, head.height, x->width, x->height);
    CHECK_STATUS(file_stat(test_data(path), &stamp, &e), AKIN_OK);
    CHECK_EQ_INT(head.size_bytes, stamp.size_bytes);
    CHECK_EQ_INT(head.mtime_ns, stamp.mtime_ns);
}

static void headers_say_what_decoding_gives(void)
{
    CHECK(image_expected_each("decode", check_head) >= 34);
}

static void put_bytes(const void *data, size_t n)
{
    FILE *f = fopen(db_path("x"), "wb");
    CHECK(f && (n == 0 || fwrite(data, n, 1, f) == 1));
    if (f) fclose(f);
}

#define BYTES(text) text, sizeof text - 1

static void headers_of_all_formats_are_read(void)
{
    static const struct {
        const char *data;
        size_t n;
        const char *format;
        uint32_t width, height;
    } rows[] = {
        {BYTES("GIF89a\x03\x01\x02\0zzz"), "GIF", 259, 2},
        {BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\0\x07"), "PNG", 256,
         7},
        {BYTES("\xff\xd8\xff\xe0\0\x04zz\xff\xff\xc2\0\x11\x08\0\x05\0\x06"),
         "JPEG", 6, 5},
        {BYTES("RIFF....WEBPVP8L\x05\0\0\0\x2f\x02\x40\0\0"), "WEBP", 3, 2},
        {BYTES("RIFF....WEBPVP8X\x0a\0\0\0\0\0\0\0\x02\0\0\x01\0\0"), "WEBP", 3,
         2},
        {BYTES("RIFF....WEBPVP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a\x05\xc0\x06\0"),
         "WEBP", 5, 6},
        {BYTES("BM....\0\0\0\0\x1a\0\0\0\x0c\0\0\0\x05\0\x06\0"), "BMP", 5, 6},
        {BYTES("BM....\0\0\0\0\x1a\0\0\0\x28\0\0\0\x05\0\0\0\xfa\xff\xff\xff"),
         "BMP", 5, 6},
        {BYTES("P5 # a comment 9\n 12\t34 255\n"), "PPM", 12, 34},
        {BYTES("qoif\0\0\0\x05\0\0\0\x06\3\0"), "QOI", 5, 6},
        {BYTES("8BPS\0\1\0\0\0\0\0\0\0\3\0\0\0\x06\0\0\0\x05"), "PSD", 5, 6},
        {BYTES("DDS \x7c\0\0\0....\x06\0\0\0\x05\0\0\0"), "DDS", 5, 6},
        {BYTES("\x01\xda\0\1\0\3\0\x05\0\x06"), "SGI", 5, 6},
        {BYTES("\xff\x4f\xff\x51\0\x2f\0\0\0\0\0\x06\0\0\0\x06\0\0\0\1\0\0\0\0"),
         "JPEG2000", 5, 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        akin_error e = {0};
        image_head head = {0};
        put_bytes(rows[i].data, rows[i].n);
        CHECK_OK(image_read_head(db_path("x"), &head, &e), e);
        CHECK_EQ_TEXT(head.format, rows[i].format);
        if (head.width != rows[i].width || head.height != rows[i].height)
            test_fail(__FILE__, __LINE__, "row %zu: %ux%u", i, head.width,
                      head.height);
    }
}

/* A header behind many bytes of something else is found all the same. */
static void headers_may_be_far_behind(void)
{
    enum { SEGMENT = 65537, N = 5 };
    static const char frame[] = "\xff\xc0\0\x11\x08\0\x05\0\x06";
    unsigned char *data = mem_array(2 + N * SEGMENT + 16, 1);
    CHECK(data != NULL);
    if (!data) return;
    memcpy(data, "\xff\xd8", 2);
    for (size_t i = 0; i < N; i++)
        memcpy(data + 2 + i * SEGMENT, "\xff\xe1\xff\xff", 4);
    memcpy(data + 2 + N * SEGMENT, frame, sizeof frame);
    put_bytes(data, 2 + N * SEGMENT + 16);
    mem_free(data);
    image_head head = {0};
    akin_error e = {0};
    CHECK_OK(image_read_head(db_path("x"), &head, &e), e);
    CHECK_EQ_INT(head.width, 6);
    CHECK_EQ_INT(head.height, 5);
}

/* Cut at any place: an error, or what the whole file says. */
static void check_cut(const image_expected *x)
{
    char path[96], *data = NULL;
    size_t n = 0;
    akin_error e = {0};
    snprintf(path, sizeof path, "image/%s", x->file);
    CHECK_OK(file_read(test_data(path), 1 << 20, &data, &n, &e), e);
    for (size_t cut = 0; cut < n && cut < 60; cut++) {
        image_head head = {0};
        put_bytes(data, cut);
        if (image_read_head(db_path("x"), &head, &e) != AKIN_OK)
            CHECK(e.text[0] != 0);
        else if (head.width != x->width || head.height != x->height)
            test_fail(__FILE__, __LINE__, "%s cut at %zu: %ux%u", x->file, cut,
                      head.width, head.height);
    }
    mem_free(data);
}

static void cut_files_say_nothing_else(void)
{
    image_expected_each("decode", check_cut);
}

static void no_images_are_refused(void)
{
    akin_error e = {0};
    image_head head;
    put_bytes("", 0);
    CHECK_STATUS(image_read_head(db_path("x"), &head, &e), AKIN_EDECODE);
    put_bytes("text", 4);
    CHECK_STATUS(image_read_head(db_path("x"), &head, &e), AKIN_EDECODE);
    CHECK_STATUS(image_read_head(test_dir(), &head, &e), AKIN_EIO);
    CHECK_STATUS(image_read_head("/nowhere", &head, &e), AKIN_ENOTFOUND);
    put_bytes(BYTES("....ftypheic...."));
    CHECK_STATUS(image_read_head(db_path("x"), &head, &e), AKIN_EUNSUPPORTED);
    put_bytes(BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff"
                    "\xff"));
    CHECK(image_read_head(db_path("x"), &head, &e) != AKIN_OK);
}

const test_case test_image_size_cases[] = {
    {"image_size/headers_say_what_decoding_gives",
     headers_say_what_decoding_gives},
    {"image_size/headers_of_all_formats_are_read",
     headers_of_all_formats_are_read},
    {"image_size/headers_may_be_far_behind", headers_may_be_far_behind},
    {"image_size/cut_files_say_nothing_else", cut_files_say_nothing_else},
    {"image_size/no_images_are_refused", no_images_are_refused},
    {NULL, NULL},
};
