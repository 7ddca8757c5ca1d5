/* SPDX-License-Identifier: MIT
 * GIF: the first picture, with the colours that transparency hides.
 *
 * FFmpeg leaves transparent pixels, and those around a picture that is smaller
 * than the canvas, without a colour; Pillow shows the palette's colour at the
 * transparent index, or at index 0 where there is none. */
#include <libavcodec/avcodec.h>
#include <string.h>

#include "base/memory.h"
#include "media/image_av.h"

#define GIF_HEADER_BYTES 13

/* What stands before the first picture's pixels. */
typedef struct gif_head {
    size_t palette_at, n_colors; /* the first picture's; n 0: none */
    int transparent;             /* index, or -1 */
} gif_head;

static size_t gif_palette_colors(uint8_t flags)
{
    return flags & 0x80 ? (size_t)2 << (flags & 7) : 0;
}

/* Behind the sub-blocks at `at`; n when they are cut off. */
static size_t gif_skip_blocks(const image_source *file, size_t at)
{
    while (at < file->n && file->data[at]) at += 1 + (size_t)file->data[at];
    return at < file->n ? at + 1 : file->n;
}

/* Reads up to the first picture; true if its data is there to the end. */
static bool gif_read_head(const image_source *file, gif_head *head)
{
    const uint8_t *d = file->data;
    if (file->n < GIF_HEADER_BYTES) return false;
    head->n_colors = gif_palette_colors(d[10]);
    head->palette_at = GIF_HEADER_BYTES;
    size_t at = GIF_HEADER_BYTES + 3 * head->n_colors;
    while (at < file->n && file->n - at >= 10) {
        if (d[at] == 0x21) {
            bool control = d[at + 1] == 0xf9 && d[at + 2] >= 4;
            if (control && (d[at + 3] & 1)) head->transparent = d[at + 6];
            at = gif_skip_blocks(file, at + 2);
            continue;
        }
        if (d[at] != 0x2c) return false;
        size_t n_local = gif_palette_colors(d[at + 9]);
        at += 10;
        if (n_local) {
            head->n_colors = n_local;
            head->palette_at = at;
        }
        at += 3 * n_local + 1;
        return at < file->n && gif_skip_blocks(file, at) < file->n;
    }
    return false;
}

/* The colour of pixels that show nothing. */
static uint32_t gif_hidden_color(const image_source *file, const gif_head *head)
{
    size_t index = head->transparent >= 0 ? (size_t)head->transparent : 0;
    const uint8_t *rgb = file->data + head->palette_at + 3 * index;
    if (index >= head->n_colors) return 0;
    return (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
}

static void gif_show_hidden(AVFrame *frame, uint32_t color)
{
    for (int y = 0; y < frame->height; y++) {
        uint8_t *row = frame->data[0] + (ptrdiff_t)y * frame->linesize[0];
        for (int x = 0; x < frame->width; x++) {
            uint32_t argb = 0;
            memcpy(&argb, row + 4 * x, 4);
            if (argb >> 24 == 0) memcpy(row + 4 * x, &color, 4);
        }
    }
}

/* A copy whose canvas begins with colour 0. */
static akin_status gif_copy(const image_source *file, uint8_t **out,
                            akin_error *err)
{
    void *copy = NULL;
    AKIN_TRY(mem_new_array(file->n, 1, file->name, &copy, err));
    memcpy(copy, file->data, file->n);
    ((uint8_t *)copy)[11] = 0;
    *out = copy;
    return AKIN_OK;
}

akin_status image_gif_decode(const image_source *file, image *out,
                             akin_error *err)
{
    akin_status status = AKIN_OK;
    gif_head head = {.transparent = -1};
    image_source changed = *file;
    uint8_t *copy = NULL;
    AVFrame *frame = NULL;
    if (!gif_read_head(file, &head))
        return image_fail_damaged(file, "gif", "the first picture is not whole",
                                  err);
    AKIN_TRYG(gif_copy(file, &copy, err));
    changed.data = copy;
    AKIN_TRYG(image_av_frame(&changed, AV_CODEC_ID_GIF, &frame, err));
    if (frame->format == AV_PIX_FMT_RGB32 && !file->options.on_white)
        gif_show_hidden(frame, gif_hidden_color(file, &head));
    AKIN_TRYG(image_av_to_rgb(file, frame, FRAME_YUV_AS_STATED, out, err));
done:
    av_frame_free(&frame);
    mem_free(copy);
    return status;
}
