/* SPDX-License-Identifier: MIT
 * Images: which format it is, the limits, turning upright. */
#define _GNU_SOURCE
#include "media/image.h"

#include <libavcodec/codec_id.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "media/exif.h"
#include "media/image_int.h"

/* ---- Formats ------------------------------------------------------------- */

/* Known by `n` bytes at `at`, and `n2` more at `at2` where that is not 0. */
typedef struct image_format {
    const char *magic;
    uint8_t n, at;
    const char *magic2;
    uint8_t n2, at2;
    akin_status (*decode)(const image_source *file, image *out,
                          akin_error *err);
    int codec_id; /* without `decode`: FFmpeg's, one packet */
    const char *name; /* Pillow's; of what it does not know, the usual */
    image_size_reader *size; /* NULL: it takes decoding */
} image_format;

static akin_status image_heic_refuse(const image_source *file, image *out,
                                     akin_error *err)
{
    (void)out;
    return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                     "'%s' is an HEIC image, which cannot be read; convert it, "
                     "to jpeg for example",
                     file->name);
}

static akin_status image_bigtiff_refuse(const image_source *file, image *out,
                                        akin_error *err)
{
    (void)out;
    return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                     "'%s' is a BigTIFF image, which cannot be read; convert "
                     "it, to png for example",
                     file->name);
}

#define JP2_BOX "\0\0\0\x0cjP  \r\n\x87\n"
#define JXL_BOX "\0\0\0\x0cJXL \r\n\x87\n"

static const image_format image_formats[] = {
    {"\xff\xd8\xff", 3, 0, NULL, 0, 0, image_jpeg_decode, 0,
     "JPEG", image_size_jpeg},
    {"\x89PNG\r\n\x1a\n", 8, 0, NULL, 0, 0, NULL, AV_CODEC_ID_PNG,
     "PNG", image_size_png},
    {"GIF87a", 6, 0, NULL, 0, 0, image_gif_decode, 0,
     "GIF", image_size_gif},
    {"GIF89a", 6, 0, NULL, 0, 0, image_gif_decode, 0,
     "GIF", image_size_gif},
    {"RIFF", 4, 0, "WEBP", 4, 8, image_webp_decode, 0,
     "WEBP", image_size_webp},
    {"BM", 2, 0, "\0\0\0", 3, 15, NULL, AV_CODEC_ID_BMP,
     "BMP", image_size_bmp},
    {"II*\0", 4, 0, NULL, 0, 0, image_tiff_decode, 0,
     "TIFF", image_size_tiff},
    {"MM\0*", 4, 0, NULL, 0, 0, image_tiff_decode, 0,
     "TIFF", image_size_tiff},
    {"II+\0", 4, 0, NULL, 0, 0, image_bigtiff_refuse, 0,
     "TIFF", NULL},
    {"MM\0+", 4, 0, NULL, 0, 0, image_bigtiff_refuse, 0,
     "TIFF", NULL},
    {JP2_BOX, 12, 0, NULL, 0, 0, NULL, AV_CODEC_ID_JPEG2000,
     "JPEG2000", image_size_jpeg2000},
    {"\xff\x4f\xff\x51", 4, 0, NULL, 0, 0, NULL, AV_CODEC_ID_JPEG2000,
     "JPEG2000", image_size_jpeg2000},
    /* XXX: libjxl 0.7 of Debian 12 prints to stderr on damaged files. */
    {JXL_BOX, 12, 0, NULL, 0, 0, NULL, AV_CODEC_ID_JPEGXL,
     "JXL", NULL},
    {"\xff\x0a", 2, 0, NULL, 0, 0, NULL, AV_CODEC_ID_JPEGXL,
     "JXL", NULL},
    {"ftypavif", 8, 4, NULL, 0, 0, image_avif_decode, 0,
     "AVIF", NULL},
    {"ftypavis", 8, 4, NULL, 0, 0, image_avif_decode, 0,
     "AVIF", NULL},
    {"ftypheic", 8, 4, NULL, 0, 0, image_heic_refuse, 0,
     "HEIF", NULL},
    {"ftypheix", 8, 4, NULL, 0, 0, image_heic_refuse, 0,
     "HEIF", NULL},
    {"ftyphevc", 8, 4, NULL, 0, 0, image_heic_refuse, 0,
     "HEIF", NULL},
    {"ftypmif1", 8, 4, NULL, 0, 0, image_heic_refuse, 0,
     "HEIF", NULL},
    {"ftypmsf1", 8, 4, NULL, 0, 0, image_heic_refuse, 0,
     "HEIF", NULL},
    {"P1", 2, 0, NULL, 0, 0, NULL, AV_CODEC_ID_PBM,
     "PPM", image_size_pnm},
    {"P2", 2, 0, NULL, 0, 0, NULL, AV_CODEC_ID_PGM,
     "PPM", image_size_pnm},
    {"P3", 2, 0, NULL, 0, 0, NULL, AV_CODEC_ID_PPM,
     "PPM", image_size_pnm},
    {"P4", 2, 0, NULL, 0, 0, NULL, AV_CODEC_ID_PBM,
     "PPM", image_size_pnm},
    {"P5", 2, 0, NULL, 0, 0, NULL, AV_CODEC_ID_PGM,
     "PPM", image_size_pnm},
    {"P6", 2, 0, NULL, 0, 0, NULL, AV_CODEC_ID_PPM,
     "PPM", image_size_pnm},
    {"P7\n", 3, 0, NULL, 0, 0, NULL, AV_CODEC_ID_PAM,
     "PAM", NULL},
    {"qoif", 4, 0, NULL, 0, 0, NULL, AV_CODEC_ID_QOI,
     "QOI", image_size_qoi},
    {"8BPS", 4, 0, NULL, 0, 0, NULL, AV_CODEC_ID_PSD,
     "PSD", image_size_psd},
    {"DDS ", 4, 0, NULL, 0, 0, NULL, AV_CODEC_ID_DDS,
     "DDS", image_size_dds},
    {"\x01\xda", 2, 0, NULL, 0, 0, NULL, AV_CODEC_ID_SGI,
     "SGI", image_size_sgi},
};
#define N_FORMATS (sizeof image_formats / sizeof *image_formats)

static bool image_has(const image_source *file, const char *magic, size_t n,
                      size_t at)
{
    return at + n <= file->n && memcmp(file->data + at, magic, n) == 0;
}

static const image_format *image_find_format(const image_source *file)
{
    for (size_t i = 0; i < N_FORMATS; i++) {
        const image_format *f = &image_formats[i];
        if (image_has(file, f->magic, f->n, f->at) &&
            (!f->n2 || image_has(file, f->magic2, f->n2, f->at2)))
            return f;
    }
    return NULL;
}

/* ---- Errors and limits --------------------------------------------------- */

akin_status image_fail_damaged(const image_source *file, const char *format,
                               const char *reason, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_EDECODE,
                     "'%s' is damaged or cut off (%s: %s); copy or convert it "
                     "anew",
                     file->name, format, reason);
}

akin_status image_check_size(const image_source *file, size_t width,
                             size_t height, akin_error *err)
{
    if (!width || !height)
        return image_fail_damaged(file, "size", "no pixels", err);
    if (width > IMAGE_MAX_SIDE || height > IMAGE_MAX_SIDE ||
        width > IMAGE_MAX_PIXELS / height)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "'%s' has %zu x %zu pixels; at most %zu can be read",
                         file->name, width, height, IMAGE_MAX_PIXELS);
    return AKIN_OK;
}

akin_status image_new(image *im, uint32_t width, uint32_t height,
                      akin_error *err)
{
    image_source none = {.name = "an image"};
    void *rgb = NULL;
    AKIN_TRY(image_check_size(&none, width, height, err));
    AKIN_TRY(mem_new_array((size_t)width * height, 3, "an image", &rgb, err));
    *im = (image){width, height, rgb};
    return AKIN_OK;
}

void image_clear(image *im)
{
    mem_free(im->rgb);
    *im = (image){0};
}

/* ---- Turning ------------------------------------------------------------- */

/* Each pixel is looked up in the stored picture: from the right or from below
 * where that is mirrored, and for 5 to 8 with rows and columns exchanged. */
static void turn_pixels(const image *in, int o, image *out)
{
    bool swap = o >= 5;
    bool from_right = o == 2 || o == 3 || o == 7 || o == 8;
    bool from_below = o == 3 || o == 4 || o == 6 || o == 7;
    for (size_t y = 0; y < out->height; y++) {
        uint8_t *to = out->rgb + y * out->width * 3;
        for (size_t x = 0; x < out->width; x++) {
            size_t sx = swap ? y : x, sy = swap ? x : y;
            if (from_right) sx = in->width - 1 - sx;
            if (from_below) sy = in->height - 1 - sy;
            memcpy(to + 3 * x, in->rgb + (sy * in->width + sx) * 3, 3);
        }
    }
}

akin_status image_turn(image *im, int orientation, akin_error *err)
{
    image out = {0};
    bool swap = orientation >= 5;
    if (orientation < 2 || orientation > 8) return AKIN_OK;
    AKIN_TRY(image_new(&out, swap ? im->height : im->width,
                       swap ? im->width : im->height, err));
    turn_pixels(im, orientation, &out);
    image_clear(im);
    *im = out;
    return AKIN_OK;
}

/* ---- Decoding ------------------------------------------------------------ */

static akin_status image_check_bytes(const image_source *file, akin_error *err)
{
    if (file->n == 0)
        return AKIN_FAIL(err, AKIN_EDECODE, "'%s' is empty (0 bytes)",
                         file->name);
    if (file->n > IMAGE_MAX_BYTES)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "'%s' is larger than %zu bytes, the most that an "
                         "image may have",
                         file->name, IMAGE_MAX_BYTES);
    return AKIN_OK;
}

akin_status image_decode(const void *data, size_t n, const char *name,
                         const image_options *options, image *out,
                         akin_error *err)
{
    image_source file = {data, n, name, {0}};
    if (options) file.options = *options;
    AKIN_TRY(image_check_bytes(&file, err));
    const image_format *format = image_find_format(&file);
    if (!format)
        return AKIN_FAIL(err, AKIN_EDECODE,
                         "'%s' is no image of a known format", name);
    if (format->decode)
        AKIN_TRY(format->decode(&file, out, err));
    else
        AKIN_TRY(image_av_decode(&file, format->codec_id, out, err));
    bool upright = file.options.upright || format->decode == image_tiff_decode;
    if (!upright) return AKIN_OK;
    akin_status status = image_turn(out, exif_orientation(data, n), err);
    if (status != AKIN_OK) image_clear(out);
    return status;
}

/* What of a header is missing may be behind the bytes that were read. */
static bool image_try_head(const image_source *file, image_head *out,
                           const image_format **format)
{
    size_t width = 0, height = 0;
    *format = image_find_format(file);
    if (!*format || !(*format)->size) return false;
    if (!(*format)->size(file, &width, &height)) return false;
    if (image_check_size(file, width, height, NULL) != AKIN_OK) return false;
    out->width = (uint32_t)width;
    out->height = (uint32_t)height;
    return true;
}

/* Decoding says what is wrong, where something is. */
static akin_status image_decode_head(const char *path, image_head *out,
                                     akin_error *err)
{
    image im = {0};
    AKIN_TRY(image_load(path, NULL, &im, err));
    out->width = im.width;
    out->height = im.height;
    image_clear(&im);
    return AKIN_OK;
}

akin_status image_read_head(const char *path, image_head *out, akin_error *err)
{
    static const size_t sizes[] = {1 << 12, 1 << 16, 1 << 20, 1 << 26};
    uint8_t *data = NULL;
    file_stamp stamp;
    akin_status status = AKIN_OK;
    const image_format *format = NULL;
    bool found = false, more = true;
    for (size_t i = 0; i < 4 && more && !found && status == AKIN_OK; i++) {
        image_source file = {.name = path};
        mem_free(data);
        data = mem_realloc_array(NULL, sizes[i], 1);
        if (!data)
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
        status = file_read_head(path, data, sizes[i], &file.n, &stamp, err);
        file.data = data;
        more = file.n == sizes[i];
        if (status == AKIN_OK) found = image_try_head(&file, out, &format);
        more = more && format && format->size;
    }
    mem_free(data);
    if (status == AKIN_OK && !found) status = image_decode_head(path, out, err);
    if (status != AKIN_OK) return status;
    out->format = format ? format->name : "";
    out->size_bytes = stamp.size_bytes;
    out->mtime_ns = stamp.mtime_ns;
    return AKIN_OK;
}

akin_status image_load(const char *path, const image_options *options,
                       image *out, akin_error *err)
{
    char *data = NULL;
    size_t n = 0;
    struct stat st = {0};
    /* A pipe or a device would be read for ever. */
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return AKIN_FAIL(err, AKIN_EIO, "'%s' is not a regular file", path);
    AKIN_TRY(file_read(path, IMAGE_MAX_BYTES, &data, &n, err));
    akin_status status = image_decode(data, n, path, options, out, err);
    mem_free(data);
    return status;
}

/* ---- Names --------------------------------------------------------------- */

static const char *const image_extensions[] = {
    ".jpg", ".jpeg", ".jpe",  ".jfif", ".png", ".apng", ".gif", ".bmp",
    ".dib", ".tif",  ".tiff", ".webp", ".jp2", ".j2k",  ".jpx", ".jxl",
    ".avif", ".heic", ".heif", ".pbm", ".pgm", ".ppm",  ".pnm", ".pam",
    ".qoi", ".psd",  ".dds",  ".sgi",
};

bool image_is_image_name(const char *path)
{
    const char *name = file_name(path);
    size_t n = sizeof image_extensions / sizeof *image_extensions;
    for (size_t i = 0; i < n; i++)
        if (text_ends_with(name, image_extensions[i], true) &&
            strlen(name) > strlen(image_extensions[i]))
            return true;
    return false;
}
