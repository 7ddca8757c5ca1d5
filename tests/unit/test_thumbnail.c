/* SPDX-License-Identifier: MIT
 * akin_image_thumbnail: sizes, shapes and what is no image. */
#include "akin/dataset.h"
#include "base/memory.h"
#include "media/image.h"
#include "test.h"

static const char *image_path(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", test_data("image"), name);
    return path;
}

/* The small picture's size; 0 x 0 where there is none. */
static void make(const char *name, uint32_t max_side, uint32_t *width,
                 uint32_t *height)
{
    akin_error e = {0};
    unsigned char *bytes = NULL;
    size_t n = 0;
    image im = {0};
    CHECK_OK(akin_image_thumbnail(image_path(name), max_side, &bytes, &n, &e),
             e);
    CHECK(n > 2 && bytes && bytes[0] == 0xff && bytes[1] == 0xd8);
    CHECK_OK(image_decode(bytes, n, name, NULL, &im, &e), e);
    *width = im.width;
    *height = im.height;
    image_clear(&im);
    akin_free(bytes);
}

static void sizes(void)
{
    akin_error e = {0};
    image im = {0};
    uint32_t width, height;
    CHECK_OK(image_load(image_path("420.jpg"), NULL, &im, &e), e);
    uint32_t longer = im.width > im.height ? im.width : im.height;
    make("420.jpg", 4096, &width, &height); /* stays as it is */
    CHECK_EQ_INT(width, im.width);
    CHECK_EQ_INT(height, im.height);
    for (uint32_t side = 1; side < longer; side = side * 2 + 1) {
        make("420.jpg", side, &width, &height);
        CHECK_EQ_INT(width > height ? width : height, side);
        CHECK_NEAR(width, (double)im.width * side / longer, 1);
        CHECK_NEAR(height, (double)im.height * side / longer, 1);
    }
    image_clear(&im);
}

static void formats(void)
{
    static const char *const names[] = {"1.png", "cmyk.jpg", "alpha.webp"};
    uint32_t width, height;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        make(names[i], 8, &width, &height);
        CHECK(width <= 8 && height <= 8 && width > 0 && height > 0);
    }
}

static void wrong_wishes(void)
{
    akin_error e = {0};
    unsigned char *bytes;
    size_t n;
    CHECK_STATUS(akin_image_thumbnail(image_path("1.png"), 0, &bytes, &n, &e),
                 AKIN_EUSAGE);
    CHECK_STATUS(akin_image_thumbnail(image_path("1.png"), 4097, &bytes, &n,
                                      &e), AKIN_EUSAGE);
    CHECK_STATUS(akin_image_thumbnail(image_path("nowhere"), 9, &bytes, &n, &e),
                 AKIN_ENOTFOUND);
    CHECK_STATUS(akin_image_thumbnail(image_path("expected.txt"), 9, &bytes, &n,
                                      &e), AKIN_EDECODE);
}

const test_case test_thumbnail_cases[] = {
    {"thumbnail/sizes", sizes},
    {"thumbnail/formats", formats},
    {"thumbnail/wrong_wishes", wrong_wishes},
    {NULL, NULL},
};
