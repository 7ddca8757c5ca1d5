/* SPDX-License-Identifier: MIT
 * WebP: still pictures, and the first one of animations, which FFmpeg's decoder
 * refuses: its chunks are put into a still file of their own. */
#include <libavcodec/avcodec.h>
#include <string.h>

#include "base/memory.h"
#include "media/image_av.h"

#define WEBP_ANIMATED 0x02
#define WEBP_ALPHA 0x10
#define WEBP_HEAD_BYTES 30 /* RIFF, size, WEBP, VP8X with its 10 bytes */
#define WEBP_FRAME_BYTES 16

static uint32_t webp_uint(const uint8_t *p, int size)
{
    uint32_t v = 0;
    for (int i = 0; i < size; i++) v |= (uint32_t)p[i] << (8 * i);
    return v;
}

static void webp_put(uint8_t *p, uint32_t v, int size)
{
    for (int i = 0; i < size; i++) p[i] = (uint8_t)(v >> (8 * i));
}

/* The first animation frame's chunk, its body in *at; false if there is none.
 * image_webp_decode has checked the header. */
static bool webp_find_frame(const image_source *file, size_t *at, size_t *n)
{
    for (size_t i = 12; i + 8 <= file->n;) {
        size_t length = webp_uint(file->data + i + 4, 4);
        if (length > file->n - i - 8) return false;
        if (memcmp(file->data + i, "ANMF", 4) == 0) {
            *at = i + 8;
            *n = length;
            return length >= WEBP_FRAME_BYTES;
        }
        i += 8 + length + (length & 1);
    }
    return false;
}

/* A still file of the frame's n bytes at `frame`. */
static akin_status webp_wrap(const image_source *file, const uint8_t *frame,
                             size_t n, uint8_t **out, akin_error *err)
{
    void *wrapped = NULL;
    size_t n_chunks = n - WEBP_FRAME_BYTES;
    AKIN_TRY(mem_new_array(WEBP_HEAD_BYTES + n_chunks, 1, file->name, &wrapped,
                           err));
    uint8_t *w = wrapped;
    memcpy(w, "RIFF....WEBPVP8X", 16);
    webp_put(w + 4, (uint32_t)(WEBP_HEAD_BYTES - 8 + n_chunks), 4);
    webp_put(w + 16, 10, 4);
    w[20] = WEBP_ALPHA;
    memcpy(w + 24, frame + 6, 6); /* width - 1, height - 1 */
    memcpy(w + WEBP_HEAD_BYTES, frame + WEBP_FRAME_BYTES, n_chunks);
    *out = w;
    return AKIN_OK;
}

/* Puts the frame on its canvas, which is transparent black. */
static akin_status webp_paste(const image_source *file, const uint8_t *frame,
                              const image *in, image *out, akin_error *err)
{
    size_t width = 1 + webp_uint(file->data + 24, 3);
    size_t height = 1 + webp_uint(file->data + 27, 3);
    size_t left = 2 * (size_t)webp_uint(frame, 3);
    size_t top = 2 * (size_t)webp_uint(frame + 3, 3);
    AKIN_TRY(image_check_size(file, width, height, err));
    if (left + in->width > width || top + in->height > height)
        return image_fail_damaged(file, "webp", "a picture beyond the canvas",
                                  err);
    AKIN_TRY(image_new(out, (uint32_t)width, (uint32_t)height, err));
    if (file->options.on_white) memset(out->rgb, 255, width * height * 3);
    for (size_t y = 0; y < in->height; y++)
        memcpy(out->rgb + ((top + y) * width + left) * 3,
               in->rgb + y * in->width * 3, (size_t)in->width * 3);
    return AKIN_OK;
}

static akin_status webp_decode_still(const image_source *file, image *out,
                                     akin_error *err)
{
    AVFrame *frame = NULL;
    AKIN_TRY(image_av_frame(file, AV_CODEC_ID_WEBP, &frame, err));
    akin_status status = image_av_to_rgb(file, frame, FRAME_YUV_WEBP, out, err);
    av_frame_free(&frame);
    return status;
}

static akin_status webp_decode_first(const image_source *file, image *out,
                                     akin_error *err)
{
    akin_status status = AKIN_OK;
    size_t at = 0, n = 0;
    uint8_t *still = NULL;
    image inner = {0};
    if (!webp_find_frame(file, &at, &n))
        return image_fail_damaged(file, "webp", "no picture in it", err);
    AKIN_TRYG(webp_wrap(file, file->data + at, n, &still, err));
    image_source one = {still, WEBP_HEAD_BYTES + n - WEBP_FRAME_BYTES,
                        file->name, file->options};
    AKIN_TRYG(webp_decode_still(&one, &inner, err));
    AKIN_TRYG(webp_paste(file, file->data + at, &inner, out, err));
done:
    image_clear(&inner);
    mem_free(still);
    return status;
}

akin_status image_webp_decode(const image_source *file, image *out,
                              akin_error *err)
{
    const uint8_t *d = file->data;
    if (file->n < 12 || webp_uint(d + 4, 4) > file->n - 8)
        return image_fail_damaged(file, "webp", "the data ends too early", err);
    bool animated = file->n >= WEBP_HEAD_BYTES &&
                    memcmp(d + 12, "VP8X", 4) == 0 && (d[20] & WEBP_ANIMATED);
    return animated ? webp_decode_first(file, out, err)
                    : webp_decode_still(file, out, err);
}
