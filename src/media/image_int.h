/* SPDX-License-Identifier: MIT
 * What the image decoder's files share. */
#ifndef MEDIA_IMAGE_INT_H
#define MEDIA_IMAGE_INT_H

#include <libavutil/frame.h>

#include "media/image.h"

/* A file that is being decoded. */
typedef struct image_source {
    const uint8_t *data;
    size_t n;
    const char *name;
    image_options options;
} image_source;

/* ---- image.c ------------------------------------------------------------- */

/* "'NAME' is damaged or cut off (FORMAT: reason); ...", AKIN_EDECODE. */
akin_status image_fail_damaged(const image_source *file, const char *format,
                               const char *reason, akin_error *err);

/* AKIN_ELIMIT or AKIN_EDECODE (a side of 0). */
akin_status image_check_size(const image_source *file, size_t width,
                             size_t height, akin_error *err) AKIN_NODISCARD;

/* ---- image_size.c: one format's header each ------------------------------- */

/* The size that stands in a file's first bytes; false if it is not in them. */
typedef bool image_size_reader(const image_source *file, size_t *width,
                               size_t *height);
image_size_reader image_size_jpeg, image_size_png, image_size_gif,
    image_size_webp, image_size_bmp, image_size_tiff, image_size_jpeg2000,
    image_size_pnm, image_size_qoi, image_size_psd, image_size_dds,
    image_size_sgi;

/* ---- One format each ----------------------------------------------------- */

akin_status image_jpeg_decode(const image_source *file, image *out,
                              akin_error *err) AKIN_NODISCARD;
akin_status image_gif_decode(const image_source *file, image *out,
                             akin_error *err) AKIN_NODISCARD;
akin_status image_webp_decode(const image_source *file, image *out,
                              akin_error *err) AKIN_NODISCARD;
akin_status image_tiff_decode(const image_source *file, image *out,
                              akin_error *err) AKIN_NODISCARD;
akin_status image_avif_decode(const image_source *file, image *out,
                              akin_error *err) AKIN_NODISCARD;

/* ---- image_av.c: everything that FFmpeg decodes from one packet ---------- */

/* One file as one packet for codec_id (an AVCodecID). */
akin_status image_av_decode(const image_source *file, int codec_id, image *out,
                            akin_error *err) AKIN_NODISCARD;

/* ---- image_frame.c: a decoded frame to RGB ------------------------------- */

/* How brightness and colour become RGB. */
typedef enum frame_yuv {
    FRAME_YUV_AS_STATED, /* by the frame's matrix and range */
    FRAME_YUV_WEBP,      /* to the byte as libwebp does it */
} frame_yuv;

/* Scratch that is kept between frames; zero it to start. */
typedef struct frame_reader {
    uint8_t *rows;
    size_t cap;
    bool on_white;
    frame_yuv yuv;
} frame_reader;

void frame_reader_clear(frame_reader *r);

/* Fills rgb[height, width, 3] of the frame's size. AKIN_EUNSUPPORTED for pixel
 * formats that are no picture's. */
akin_status frame_reader_read(frame_reader *r, const AVFrame *frame,
                              uint8_t *rgb, akin_error *err) AKIN_NODISCARD;

#endif
