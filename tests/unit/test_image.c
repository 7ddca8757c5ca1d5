/* SPDX-License-Identifier: MIT
 * media/image and media/exif: pixels equal to Pillow's, damaged and hostile
 * files, limits, turning. */
#include "media/image.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "image_files.h"
#include "media/exif.h"
#include "media/image_tensor.h"
#include "test.h"

static void check_decoded(const image_expected *x)
{
    image im = {0};
    image_load_data(x->file, &im);
    if (im.width != x->width || im.height != x->height ||
        image_hash(&im) != x->hash)
        test_fail(__FILE__, __LINE__, "%s: %ux%u %016llx, not %ux%u %016llx",
                  x->file, im.width, im.height, image_hash(&im), x->width,
                  x->height, x->hash);
    image_clear(&im);
}

static void test_pixels(void)
{
    CHECK(image_expected_each("decode", check_decoded) >= 34);
}

/* The whole of a data file. */
static unsigned char *read_data(const char *name, size_t *n)
{
    char path[96], *data = NULL;
    akin_error e = {0};
    snprintf(path, sizeof path, "image/%s", name);
    CHECK_OK(file_read(test_data(path), 1 << 20, &data, n, &e), e);
    return (unsigned char *)data;
}

static akin_status decode_bytes(const void *data, size_t n, akin_error *e)
{
    image im = {0};
    image_options options = {.upright = true, .on_white = true};
    akin_status status = image_decode(data, n, "x", &options, &im, e);
    if (status == AKIN_OK && (!im.rgb || !im.width || !im.height))
        test_fail(__FILE__, __LINE__, "an empty image");
    if (status != AKIN_OK && im.rgb)
        test_fail(__FILE__, __LINE__, "an image with an error");
    if (status != AKIN_OK && (!e->text[0] || strchr(e->text, '\n')))
        test_fail(__FILE__, __LINE__, "the error is \"%s\"", e->text);
    image_clear(&im);
    return status;
}

/* Cut at any place: an error, if more than the last few bytes are gone or, of
 * an animation, its first picture is; nothing crashes. */
static void check_cut(const image_expected *x)
{
    size_t n = 0;
    unsigned char *data = read_data(x->file, &n);
    if (!data) return;
    bool moves = strcmp(x->file, "moving.gif") == 0;
    size_t most = moves ? n / 2 : n - n / 8;
    for (size_t cut = 0; cut < n; cut += cut < 64 ? 1 : 1 + n / 60) {
        akin_error e = {0};
        unsigned char *part = malloc(cut ? cut : 1);
        if (!part) abort();
        memcpy(part, data, cut);
        akin_status status = decode_bytes(part, cut, &e);
        if (status == AKIN_OK && cut < most)
            test_fail(__FILE__, __LINE__, "%s cut to %zu of %zu bytes passes",
                      x->file, cut, n);
        free(part);
    }
    mem_free(data);
}

static void test_cut_off(void) { image_expected_each("decode", check_cut); }

static void check_flipped(const image_expected *x)
{
    size_t n = 0;
    unsigned char *data = read_data(x->file, &n);
    if (!data) return;
    for (size_t at = 0; at < n; at += at < 128 ? 1 : 1 + n / 60) {
        static const unsigned char flips[] = {0xff, 0x01, 0x80};
        for (size_t k = 0; k < sizeof flips; k++) {
            akin_error e = {0};
            data[at] ^= flips[k];
            akin_status status = decode_bytes(data, n, &e);
            (void)status;
            data[at] ^= flips[k];
        }
    }
    mem_free(data);
}

static void test_flipped(void) { image_expected_each("decode", check_flipped); }

/* A file with this text in the test's folder. */
static const char *write_file(const char *name, const void *data, size_t n)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", test_dir(), name);
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(data, 1, n, f) == n);
    if (f) fclose(f);
    return path;
}

static void test_errors(void)
{
    static const char heic[] = "\0\0\0\x18" "ftypheic\0\0\0\0mif1heic";
    static const char html[] = "<html><body>no such picture</body></html>\n";
    akin_error e = {0};
    image im = {0};
    CHECK_STATUS(image_load("/no/such.png", NULL, &im, &e), AKIN_ENOTFOUND);
    CHECK_STATUS(image_load("/", NULL, &im, &e), AKIN_EIO);
    CHECK_STATUS(image_load("/dev/zero", NULL, &im, &e), AKIN_EIO);
    CHECK_STATUS(image_load(write_file("a.jpg", "", 0), NULL, &im, &e),
                 AKIN_EDECODE);
    CHECK(strstr(e.text, "is empty") != NULL);
    CHECK_STATUS(image_load(write_file("b.jpg", html, sizeof html), NULL, &im,
                            &e),
                 AKIN_EDECODE);
    CHECK(strstr(e.text, "no image of a known format") != NULL);
    CHECK_STATUS(image_decode(heic, sizeof heic, "c", NULL, &im, &e),
                 AKIN_EUNSUPPORTED);
    CHECK(strstr(e.text, "convert it") != NULL);
    CHECK_STATUS(image_load(test_data("image/jpeg_inside.tiff"), NULL, &im, &e),
                 AKIN_EUNSUPPORTED);
    CHECK(im.rgb == NULL);
}

/* Sizes in headers that no memory holds: refused before they are taken. */
static void test_limits(void)
{
    akin_error e = {0};
    image im = {0};
    size_t n = 0;
    CHECK_STATUS(image_new(&im, 1 << 15, 1 << 14, &e), AKIN_ELIMIT);
    CHECK_STATUS(image_new(&im, 0, 5, &e), AKIN_EDECODE);
    CHECK_STATUS(image_new(&im, (1u << 20) + 1, 1, &e), AKIN_ELIMIT);
    unsigned char *jpeg = read_data("444.jpg", &n);
    for (size_t i = 0; jpeg && i + 9 < n; i++)
        if (jpeg[i] == 0xff && jpeg[i + 1] == 0xc0)
            memset(jpeg + i + 5, 0xf0, 4); /* 61680 x 61680 */
    CHECK_STATUS(image_decode(jpeg, n, "j", NULL, &im, &e), AKIN_ELIMIT);
    mem_free(jpeg);
    unsigned char *png = read_data("rgb.png", &n);
    if (png) png[17] = png[21] = 1; /* over 65536 x 65536; its sum is wrong */
    akin_status status = decode_bytes(png, n, &e);
    CHECK(status == AKIN_EDECODE || status == AKIN_ELIMIT);
    mem_free(png);
}

/* Each failing allocation is an error and leaks nothing. */
static void test_out_of_memory(void)
{
    static const char *const names[] = {"420.jpg", "cmyk.jpg", "rgba.png",
                                        "moving.gif", "moving.webp",
                                        "turned6.tiff"};
    for (size_t f = 0; f < sizeof names / sizeof *names; f++) {
        bool pending = false;
        for (int64_t at = 1; !pending && at < 50; at++) {
            char path[96];
            akin_error e = {0};
            image im = {0};
            snprintf(path, sizeof path, "image/%s", names[f]);
            mem_fail_at(at);
            akin_status status = image_load(test_data(path), NULL, &im, &e);
            pending = mem_fail_pending();
            mem_fail_at(0);
            if (!pending && status != AKIN_ENOMEM)
                test_fail(__FILE__, __LINE__, "%s, allocation %d: %s",
                          names[f], (int)at, akin_status_name(status));
            image_clear(&im);
        }
        CHECK(pending);
    }
}

/* Pixel (x, y) of a picture that knows its places. */
static void fill_places(image *im)
{
    akin_error e = {0};
    CHECK_OK(image_new(im, 5, 3, &e), e);
    for (unsigned y = 0; y < 3; y++)
        for (unsigned x = 0; x < 5; x++) {
            im->rgb[3 * (5 * y + x)] = (uint8_t)x;
            im->rgb[3 * (5 * y + x) + 1] = (uint8_t)y;
        }
}

static void test_turning(void)
{
    /* Where the stored picture's pixels (0,0) and (4,0) are shown. */
    static const unsigned wanted[9][4] = {
        {0},          {0, 0, 4, 0}, {4, 0, 0, 0}, {4, 2, 0, 2}, {0, 2, 4, 2},
        {0, 0, 0, 4}, {2, 0, 2, 4}, {2, 4, 2, 0}, {0, 4, 0, 0}};
    for (int o = 1; o <= 8; o++) {
        image im = {0};
        akin_error e = {0};
        fill_places(&im);
        CHECK_OK(image_turn(&im, o, &e), e);
        CHECK_EQ_INT(im.width, o < 5 ? 5 : 3);
        const unsigned *w = wanted[o];
        const uint8_t *a = im.rgb + 3 * (w[1] * im.width + w[0]);
        const uint8_t *b = im.rgb + 3 * (w[3] * im.width + w[2]);
        CHECK(a[0] == 0 && a[1] == 0);
        CHECK(b[0] == 4 && b[1] == 0);
        image_clear(&im);
    }
}

static void test_upright(void)
{
    static const char *const names[] = {"turned6.jpg", "turned6.png"};
    for (size_t i = 0; i < 2; i++) {
        char path[96];
        akin_error e = {0};
        image plain = {0}, upright = {0};
        image_options options = {.upright = true};
        snprintf(path, sizeof path, "image/%s", names[i]);
        image_load_data(names[i], &plain);
        CHECK_OK(image_load(test_data(path), &options, &upright, &e), e);
        CHECK_EQ_INT(upright.width, plain.height);
        CHECK_OK(image_turn(&plain, 6, &e), e);
        CHECK(image_hash(&plain) == image_hash(&upright));
        image_clear(&plain);
        image_clear(&upright);
    }
}

static void test_on_white(void)
{
    akin_error e = {0};
    image plain = {0}, white = {0};
    image_options options = {.on_white = true};
    image_load_data("rgba.png", &plain);
    CHECK_OK(image_load(test_data("image/rgba.png"), &options, &white, &e), e);
    size_t n = (size_t)plain.width * plain.height * 3, lighter = 0;
    for (size_t i = 0; i < n; i++) {
        CHECK(white.rgb[i] >= plain.rgb[i]);
        lighter += white.rgb[i] > plain.rgb[i];
    }
    CHECK(lighter > n / 2);
    image_clear(&plain);
    image_clear(&white);
    image_load_data("one.gif", &plain);
    CHECK_OK(image_load(test_data("image/one.gif"), &options, &white, &e), e);
    CHECK(image_hash(&plain) != image_hash(&white));
    image_clear(&plain);
    image_clear(&white);
}

/* Directories that point outside, count too high or stop early. */
static void test_exif_bounds(void)
{
    uint8_t tiff[] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0,
                      1,   0,   0,  0, 6, 0, 0, 0};
    uint32_t value = 0;
    CHECK_EQ_INT(exif_orientation(tiff, sizeof tiff), 6);
    CHECK(!exif_tag(tiff, sizeof tiff, EXIF_TAG_COMPRESSION, &value));
    for (size_t n = 0; n < sizeof tiff; n++)
        CHECK_EQ_INT(exif_orientation(tiff, n), 1);
    tiff[8] = tiff[9] = 0xff; /* 65535 entries */
    CHECK_EQ_INT(exif_orientation(tiff, sizeof tiff), 6);
    tiff[18] = 9;
    CHECK_EQ_INT(exif_orientation(tiff, sizeof tiff), 1);
    tiff[18] = 6;
    tiff[12] = 2; /* text */
    CHECK_EQ_INT(exif_orientation(tiff, sizeof tiff), 1);
    memset(tiff + 4, 0xff, 4); /* the directory is far outside */
    CHECK_EQ_INT(exif_orientation(tiff, sizeof tiff), 1);
    CHECK_EQ_INT(exif_orientation(NULL, 0), 1);
}

static void test_names(void)
{
    CHECK(image_is_image_name("a/b.JPG"));
    CHECK(image_is_image_name("x.webp"));
    CHECK(image_is_image_name("x.tiff"));
    CHECK(!image_is_image_name(".png"));
    CHECK(!image_is_image_name("a.png/b"));
    CHECK(!image_is_image_name("a.wav"));
    CHECK(!image_is_image_name("png"));
}

static void test_tensor(void)
{
    uint8_t rgb[] = {0, 51, 255, 102, 153, 204};
    image im = {2, 1, rgb};
    image_tensor_spec spec = {.mean = {0.5f, 0.25f, 0},
                              .std = {0.5f, 0.25f, 1}};
    float out[6] = {0};
    CHECK_EQ_INT(image_tensor_size(&im), 6);
    image_tensor_write(&im, &spec, out);
    CHECK(out[0] == -1 && out[4] == 1);
    CHECK_NEAR(out[1], -0.2, 1e-6);
    CHECK_NEAR(out[2], -0.2, 1e-6);
    CHECK_NEAR(out[5], 0.8, 1e-6);
    spec.layout = IMAGE_TENSOR_HWC;
    spec.bgr = true;
    image_tensor_write(&im, &spec, out);
    CHECK(out[0] == 1 && out[2] == -1);
    CHECK_NEAR(out[4], 1.4, 1e-6);
}

const test_case test_image_cases[] = {
    {"image/pixels_are_pillows", test_pixels},
    {"image/cut_off_files_are_errors", test_cut_off},
    {"image/flipped_bytes_never_crash", test_flipped},
    {"image/errors", test_errors},
    {"image/limits", test_limits},
    {"image/out_of_memory", test_out_of_memory},
    {"image/turning", test_turning},
    {"image/upright_by_exif", test_upright},
    {"image/on_white", test_on_white},
    {"image/exif_bounds", test_exif_bounds},
    {"image/names", test_names},
    {"image/tensor", test_tensor},
    {0}};
