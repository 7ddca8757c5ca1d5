/* SPDX-License-Identifier: MIT
 * media/resize: bytes equal to Pillow's, the geometry, every kernel. */
#include "media/resize.h"

#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "image_files.h"
#include "media/resize_int.h"
#include "test.h"

static resize_spec spec_of(const image_expected *x)
{
    resize_spec spec = {.width = x->width, .height = x->height};
    const char *side = strchr(x->mode, ':');
    if (side) spec.side = (uint32_t)strtoul(side + 1, NULL, 10);
    if (strncmp(x->mode, "squash", 6) == 0) spec.mode = RESIZE_SQUASH;
    if (strncmp(x->mode, "longest", 7) == 0) spec.mode = RESIZE_LONGEST;
    if (strcmp(x->filter, "bilinear") == 0) spec.filter = RESIZE_BILINEAR;
    if (strcmp(x->filter, "nearest") == 0) spec.filter = RESIZE_NEAREST;
    return spec;
}

static void check_resized(const image_expected *x)
{
    akin_error e = {0};
    image im = {0}, out = {0};
    resize_spec spec = spec_of(x);
    image_load_data(x->file, &im);
    CHECK_OK(resize_to_spec(&im, &spec, &out, &e), e);
    if (out.width != x->width || out.height != x->height ||
        image_hash(&out) != x->hash)
        test_fail(__FILE__, __LINE__, "%s %s %s: %u x %u %016llx, not %016llx",
                  x->file, x->mode, x->filter, out.width, out.height,
                  image_hash(&out), x->hash);
    image_clear(&im);
    image_clear(&out);
}

static void test_pixels(void)
{
    CHECK(image_expected_each("resize", check_resized) >= 90);
}

typedef struct plan_case {
    uint32_t width, height, new_width, new_height;
    int64_t left, top;
} plan_case;

static void check_plans(const plan_case *c, size_t n, const resize_spec *spec)
{
    for (; n--; c++) {
        akin_error e = {0};
        resize_layout at = {0};
        CHECK_OK(resize_plan(c->width, c->height, spec, &at, &e), e);
        if (at.width != c->new_width || at.height != c->new_height ||
            at.left != c->left || at.top != c->top)
            test_fail(__FILE__, __LINE__, "%u x %u: %u x %u at %d, %d",
                      c->width, c->height, at.width, at.height, (int)at.left,
                      (int)at.top);
    }
}

/* What torchvision's Resize and CenterCrop give. */
static void test_geometry(void)
{
    static const plan_case shortest[] = {
        {896, 550, 364, 224, 70, 0},    {1500, 1069, 314, 224, 45, 0},
        {574, 690, 224, 269, 0, 22},    {829, 1096, 224, 296, 0, 36},
        {2560, 1920, 298, 224, 37, 0},  {850, 638, 298, 224, 37, 0},
        {980, 416, 527, 224, 152, 0},   {960, 540, 398, 224, 87, 0},
        {2500, 1667, 335, 224, 56, 0},  {1050, 1200, 224, 256, 0, 16},
        {1280, 1280, 224, 224, 0, 0},   {1, 1, 224, 224, 0, 0},
    };
    static const plan_case longest[] = {
        {896, 550, 224, 138, 0, -43}, {550, 896, 138, 224, -43, 0},
        {224, 224, 224, 224, 0, 0},   {10000, 1, 224, 1, 0, -111},
    };
    static const plan_case side[] = {
        {896, 550, 417, 256, 96, 16}, {574, 690, 256, 307, 16, 42},
        {256, 256, 256, 256, 16, 16}, {1, 1, 256, 256, 16, 16},
    };
    static const plan_case squash[] = {{896, 550, 256, 256, 16, 16}};
    /* Cut where it is longer than the result, filled where it is shorter. */
    static const plan_case framed[] = {
        {896, 550, 256, 157, 16, -33}, {550, 896, 157, 256, -33, 16},
        {300, 300, 256, 256, 16, 16},
    };
    resize_spec spec = {.width = 224, .height = 224};
    check_plans(shortest, sizeof shortest / sizeof *shortest, &spec);
    spec.mode = RESIZE_LONGEST;
    check_plans(longest, sizeof longest / sizeof *longest, &spec);
    spec.side = 256;
    check_plans(framed, sizeof framed / sizeof *framed, &spec);
    spec.mode = RESIZE_SQUASH;
    check_plans(squash, sizeof squash / sizeof *squash, &spec);
    spec.mode = RESIZE_SHORTEST;
    check_plans(side, sizeof side / sizeof *side, &spec);
}

static void test_bad_sizes(void)
{
    akin_error e = {0};
    resize_layout at = {0};
    resize_spec spec = {.width = 224, .height = 224};
    CHECK_STATUS(resize_plan(0, 5, &spec, &at, &e), AKIN_ELIMIT);
    CHECK_STATUS(resize_plan(1u << 21, 5, &spec, &at, &e), AKIN_ELIMIT);
    spec.side = 223;
    CHECK_STATUS(resize_plan(5, 5, &spec, &at, &e), AKIN_ELIMIT);
    spec.mode = RESIZE_LONGEST;
    CHECK_STATUS(resize_plan(5, 5, &spec, &at, &e), AKIN_OK);
    spec = (resize_spec){.width = 4096, .height = 4096};
    CHECK_STATUS(resize_plan(1, 1 << 20, &spec, &at, &e), AKIN_ELIMIT);
    CHECK_STATUS(resize_plan(1, (1 << 20) - 1, &spec, &at, &e), AKIN_OK);
    spec.width = 0;
    CHECK_STATUS(resize_plan(5, 5, &spec, &at, &e), AKIN_ELIMIT);
    spec.width = 100000;
    CHECK_STATUS(resize_plan(5, 5, &spec, &at, &e), AKIN_ELIMIT);
}

static void fill_noise(image *im, uint32_t width, uint32_t height)
{
    akin_error e = {0};
    random_state r = {width * 31u + height};
    CHECK_OK(image_new(im, width, height, &e), e);
    /* Extremes make the sums overshoot. */
    for (size_t i = 0; im->rgb && i < (size_t)width * height * 3; i++) {
        uint64_t v = random_u64(&r);
        im->rgb[i] = v & 0x100 ? (v & 1 ? 255 : 0) : (uint8_t)v;
    }
}

static unsigned long long hash_with(const resize_kernel *kernel,
                                    const image *im, uint32_t width,
                                    uint32_t height)
{
    akin_error e = {0};
    image out = {0};
    resize_kernel_use(kernel);
    CHECK_OK(resize_image(im, width, height, RESIZE_BICUBIC, &out, &e), e);
    resize_kernel_use(NULL);
    unsigned long long h = image_hash(&out);
    image_clear(&out);
    return h;
}

/* Odd sizes, from pictures that are narrower than a kernel's steps on. */
static void test_kernels_agree(void)
{
    static const uint32_t sizes[] = {1, 2, 3, 5, 8, 17, 64, 101, 333};
    const size_t n = sizeof sizes / sizeof *sizes;
    printf("    kernel: %s\n", resize_kernel_best()->name);
    for (size_t i = 0; i < n * n; i++) {
        image im = {0};
        fill_noise(&im, sizes[i / n], sizes[i % n]);
        for (size_t k = 0; k < n; k++) {
            uint32_t width = sizes[k], height = sizes[(k * 5 + i) % n];
            if (hash_with(&resize_kernel_scalar, &im, width, height) !=
                hash_with(resize_kernel_best(), &im, width, height))
                test_fail(__FILE__, __LINE__, "%u x %u to %u x %u differs",
                          im.width, im.height, width, height);
        }
        image_clear(&im);
    }
}

static void check_crop(const resize_spec *spec)
{
    akin_error e = {0};
    image im = {0}, whole = {0}, part = {0};
    resize_layout at = {0};
    fill_noise(&im, 333, 101);
    CHECK_OK(resize_plan(333, 101, spec, &at, &e), e);
    CHECK_OK(resize_image(&im, at.width, at.height, spec->filter, &whole, &e),
             e);
    CHECK_OK(resize_to_spec(&im, spec, &part, &e), e);
    for (size_t y = 0; y < 64; y++) {
        size_t from = (y + (size_t)at.top) * at.width + (size_t)at.left;
        CHECK(memcmp(part.rgb + y * 64 * 3, whole.rgb + from * 3, 64 * 3) == 0);
    }
    image_clear(&im);
    image_clear(&whole);
    image_clear(&part);
}

/* The middle alone is the middle of the whole. */
static void test_crop_is_of_the_whole(void)
{
    static const resize_filter filters[] = {RESIZE_BICUBIC, RESIZE_BILINEAR,
                                            RESIZE_NEAREST};
    for (int i = 0; i < 3; i++) {
        resize_spec spec = {.width = 64, .height = 64, .filter = filters[i]};
        check_crop(&spec);
        spec.side = 80;
        check_crop(&spec);
        spec.mode = RESIZE_SQUASH;
        check_crop(&spec);
    }
}

static void test_fill(void)
{
    akin_error e = {0};
    image im = {0}, out = {0};
    resize_spec spec = {.width = 10, .height = 10, .mode = RESIZE_LONGEST,
                        .fill = {1, 2, 3}};
    fill_noise(&im, 20, 8);
    CHECK_OK(resize_to_spec(&im, &spec, &out, &e), e);
    CHECK(memcmp(out.rgb, "\1\2\3", 3) == 0);
    CHECK(memcmp(out.rgb + 99 * 3, "\1\2\3", 3) == 0);
    image_clear(&out);
    /* 15 x 6, of which 10 columns are to be seen. */
    spec.side = 15;
    CHECK_OK(resize_to_spec(&im, &spec, &out, &e), e);
    CHECK_EQ_INT(out.width, 10);
    CHECK(memcmp(out.rgb + 19 * 3, "\1\2\3", 3) == 0);
    CHECK(memcmp(out.rgb + 20 * 3, "\1\2\3", 3) != 0);
    CHECK(memcmp(out.rgb + 80 * 3, "\1\2\3", 3) == 0);
    image_clear(&im);
    image_clear(&out);
}

static void test_same_size_is_a_copy(void)
{
    image im = {0};
    fill_noise(&im, 37, 29);
    CHECK(hash_with(NULL, &im, 37, 29) == image_hash(&im));
    image_clear(&im);
}

static void test_out_of_memory(void)
{
    bool pending = false;
    image im = {0};
    fill_noise(&im, 40, 30);
    for (int64_t at = 1; !pending && at < 50; at++) {
        akin_error e = {0};
        image out = {0};
        mem_fail_at(at);
        akin_status status = resize_image(&im, 7, 9, RESIZE_BICUBIC, &out, &e);
        pending = mem_fail_pending();
        mem_fail_at(0);
        if (!pending) CHECK_EQ_INT(status, AKIN_ENOMEM);
        if (!pending) CHECK(out.rgb == NULL);
        image_clear(&out);
    }
    CHECK(pending);
    image_clear(&im);
}

const test_case test_resize_cases[] = {
    {"resize/pixels_are_pillows", test_pixels},
    {"resize/geometry", test_geometry},
    {"resize/bad_sizes", test_bad_sizes},
    {"resize/kernels_agree", test_kernels_agree},
    {"resize/crop_is_of_the_whole", test_crop_is_of_the_whole},
    {"resize/fill", test_fill},
    {"resize/same_size_is_a_copy", test_same_size_is_a_copy},
    {"resize/out_of_memory", test_out_of_memory},
    {0}};
