/* SPDX-License-Identifier: MIT
 * Writing JPEG through libjpeg-turbo, block by block into an atomic writer or
 * into memory. */
#include <stddef.h> /* jpeglib.h wants size_t and FILE */
#include <stdio.h>

#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "media/image_write.h"

#define JPEG_BLOCK_BYTES (16 * 1024)
#define JPEG_FINE_QUALITY 90 /* from here on colours keep their resolution */

typedef struct jpeg_writer {
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct jpeg_destination_mgr target;
    jmp_buf failed;
    const image *im;
    const char *path;
    int quality;
    file_writer *out; /* NULL: into bytes */
    text_buf bytes;
    akin_status status; /* of these, already told in *err */
    akin_error *err;
    char text[JMSG_LENGTH_MAX];
    JOCTET block[JPEG_BLOCK_BYTES];
} jpeg_writer;

static void jpeg_stop(j_common_ptr jpeg)
{
    jpeg_writer *w = jpeg->client_data;
    jpeg->err->format_message(jpeg, w->text);
    longjmp(w->failed, 1);
}

static void jpeg_be_quiet(j_common_ptr jpeg) { (void)jpeg; }

static void jpeg_put(jpeg_writer *w, size_t n)
{
    if (w->out) {
        w->status = file_writer_put(w->out, w->block, n, w->err);
    } else {
        text_buf_put(&w->bytes, (const char *)w->block, n);
        w->status = w->bytes.status;
        if (w->status != AKIN_OK)
            AKIN_FAIL(w->err, w->status, "out of memory for a JPEG");
    }
    if (w->status != AKIN_OK) longjmp(w->failed, 1);
    w->target.next_output_byte = w->block;
    w->target.free_in_buffer = sizeof w->block;
}

static void jpeg_target_begin(j_compress_ptr jpeg)
{
    jpeg_writer *w = jpeg->client_data;
    w->target.next_output_byte = w->block;
    w->target.free_in_buffer = sizeof w->block;
}

/* libjpeg calls it when the whole block is full. */
static boolean jpeg_target_full(j_compress_ptr jpeg)
{
    jpeg_put(jpeg->client_data, JPEG_BLOCK_BYTES);
    return TRUE;
}

static void jpeg_target_end(j_compress_ptr jpeg)
{
    jpeg_writer *w = jpeg->client_data;
    jpeg_put(w, sizeof w->block - w->target.free_in_buffer);
}

static void jpeg_set_up(jpeg_writer *w)
{
    struct jpeg_compress_struct *jpeg = &w->jpeg;
    jpeg_create_compress(jpeg);
    w->target.init_destination = jpeg_target_begin;
    w->target.empty_output_buffer = jpeg_target_full;
    w->target.term_destination = jpeg_target_end;
    jpeg->dest = &w->target;
    jpeg->image_width = w->im->width;
    jpeg->image_height = w->im->height;
    jpeg->input_components = 3;
    jpeg->in_color_space = JCS_RGB;
    jpeg_set_defaults(jpeg);
    jpeg_set_quality(jpeg, w->quality, TRUE);
    if (w->quality < JPEG_FINE_QUALITY) return;
    jpeg->comp_info[0].h_samp_factor = 1;
    jpeg->comp_info[0].v_samp_factor = 1;
}

/* Everything that may jump back to `failed`; no local is changed after it. */
static akin_status jpeg_write_all(jpeg_writer *w)
{
    struct jpeg_compress_struct *jpeg = &w->jpeg;
    if (setjmp(w->failed)) {
        if (w->status != AKIN_OK) return w->status;
        bool memory = w->errors.msg_code == JERR_OUT_OF_MEMORY;
        return AKIN_FAIL(w->err, memory ? AKIN_ENOMEM : AKIN_EINTERNAL,
                         "cannot write '%s' as JPEG: %s", w->path, w->text);
    }
    jpeg_set_up(w);
    jpeg_start_compress(jpeg, TRUE);
    size_t stride = (size_t)w->im->width * 3;
    while (jpeg->next_scanline < jpeg->image_height) {
        JSAMPROW row = w->im->rgb + stride * jpeg->next_scanline;
        jpeg_write_scanlines(jpeg, &row, 1);
    }
    jpeg_finish_compress(jpeg);
    return AKIN_OK;
}

static akin_status jpeg_check(const image *im, const char *path, int quality,
                              akin_error *err)
{
    if (quality < 1 || quality > 100)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the quality of a JPEG must be 1 to 100, not %d",
                         quality);
    if (!im->width || !im->height || im->width > IMAGE_MAX_JPEG_SIDE ||
        im->height > IMAGE_MAX_JPEG_SIDE)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "cannot write '%s': an image of %u x %u pixels is no "
                         "JPEG; its sides are 1 to %d pixels",
                         path, im->width, im->height, IMAGE_MAX_JPEG_SIDE);
    return AKIN_OK;
}

static akin_status jpeg_new(const image *im, const char *path, int quality,
                            jpeg_writer **out, akin_error *err)
{
    AKIN_TRY(jpeg_check(im, path, quality, err));
    jpeg_writer *w = mem_array(1, sizeof *w);
    if (!w) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    w->im = im;
    w->path = path;
    w->quality = quality;
    w->err = err;
    w->jpeg.err = jpeg_std_error(&w->errors);
    w->jpeg.client_data = w;
    w->errors.error_exit = jpeg_stop;
    w->errors.output_message = jpeg_be_quiet;
    text_buf_init(&w->bytes, IMAGE_MAX_BYTES);
    *out = w;
    return AKIN_OK;
}

static void jpeg_free(jpeg_writer *w)
{
    jpeg_destroy_compress(&w->jpeg);
    file_writer_discard(w->out);
    text_buf_clear(&w->bytes);
    mem_free(w);
}

akin_status image_write_jpeg(const image *im, const char *path, int quality,
                             akin_error *err)
{
    jpeg_writer *w = NULL;
    AKIN_TRY(jpeg_new(im, path, quality, &w, err));
    akin_status status = AKIN_OK;
    AKIN_TRYG(file_writer_open(path, &w->out, err));
    AKIN_TRYG(jpeg_write_all(w));
    file_writer *out = w->out;
    w->out = NULL;
    AKIN_TRYG(file_writer_commit(out, err));
done:
    jpeg_free(w);
    return status;
}

akin_status image_encode_jpeg(const image *im, int quality, char **out,
                              size_t *n, akin_error *err)
{
    jpeg_writer *w = NULL;
    AKIN_TRY(jpeg_new(im, "an image", quality, &w, err));
    akin_status status = jpeg_write_all(w);
    if (status == AKIN_OK) {
        *out = w->bytes.data;
        *n = w->bytes.n;
        w->bytes.data = NULL;
    }
    jpeg_free(w);
    return status;
}
