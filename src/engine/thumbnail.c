/* SPDX-License-Identifier: MIT
 * Small pictures of image files, to be looked at. */
#include "akin/dataset.h"
#include "akin/media.h"
#include "base/error.h"
#include "engine/export_picture.h"
#include "media/image_write.h"
#include "media/resize.h"

#include <string.h>

#define THUMBNAIL_MAX_SIDE 4096
#define THUMBNAIL_QUALITY 85

/* The longer side becomes max_side, the other one what it must, 1 at least. */
static akin_status shrink(image *im, uint32_t max_side, akin_error *err)
{
    uint32_t longer = im->width > im->height ? im->width : im->height;
    image small = {0};
    if (longer <= max_side) return AKIN_OK;
    double scale = (double)max_side / longer;
    uint32_t width = (uint32_t)(im->width * scale + 0.5);
    uint32_t height = (uint32_t)(im->height * scale + 0.5);
    AKIN_TRY(resize_image(im, width ? width : 1, height ? height : 1,
                          RESIZE_BICUBIC, &small, err));
    image_clear(im);
    *im = small;
    return AKIN_OK;
}

akin_status akin_image_thumbnail(const char *path, uint32_t max_side,
                                 unsigned char **out, size_t *n,
                                 akin_error *err)
{
    const image_options looked_at = {.upright = true, .on_white = true};
    image im = {0};
    char *bytes = NULL;
    if (max_side < 1 || max_side > THUMBNAIL_MAX_SIDE)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a small picture has sides of 1 to %d pixels, not %u",
                         THUMBNAIL_MAX_SIDE, max_side);
    akin_status status = image_load(path, &looked_at, &im, err);
    if (status == AKIN_OK) status = shrink(&im, max_side, err);
    if (status == AKIN_OK)
        status = image_encode_jpeg(&im, THUMBNAIL_QUALITY, &bytes, n, err);
    image_clear(&im);
    *out = (unsigned char *)bytes;
    return status;
}

/* shrink changes the image it is given; a film's own frame is not its to
 * change. */
static akin_status copy_image(const image *from, image *out, akin_error *err)
{
    AKIN_TRY(image_new(out, from->width, from->height, err));
    memcpy(out->rgb, from->rgb, (size_t)3 * from->width * from->height);
    return AKIN_OK;
}

static akin_status film_picture(const char *path, double time_s,
                                uint32_t max_side, unsigned char **out,
                                size_t *n, akin_error *err)
{
    video *v = NULL;
    const image *frame = NULL;
    image im = {0};
    char *bytes = NULL;
    akin_status status = export_picture_frame(path, time_s, &v, &frame, err);
    if (status == AKIN_OK) status = copy_image(frame, &im, err);
    if (status == AKIN_OK) status = shrink(&im, max_side, err);
    if (status == AKIN_OK)
        status = image_encode_jpeg(&im, THUMBNAIL_QUALITY, &bytes, n, err);
    image_clear(&im);
    video_close(v);
    *out = (unsigned char *)bytes;
    return status;
}

akin_status akin_picture_make(const char *path, double time_s,
                              uint32_t max_side, unsigned char **out, size_t *n,
                              akin_error *err)
{
    bool film = export_picture_is_frame(path) && max_side >= 1 &&
                max_side <= THUMBNAIL_MAX_SIDE;
    if (!film) return akin_image_thumbnail(path, max_side, out, n, err);
    return film_picture(path, time_s, max_side, out, n, err);
}
