/* SPDX-License-Identifier: MIT
 * The steps of decoding a picture with FFmpeg, for formats that need to do
 * something in between. */
#ifndef MEDIA_IMAGE_AV_H
#define MEDIA_IMAGE_AV_H

#include <libavcodec/avcodec.h>

#include "media/image_int.h"

/* The file as one packet to its first frame; av_frame_free it. */
akin_status image_av_frame(const image_source *file, int codec_id,
                           AVFrame **out, akin_error *err) AKIN_NODISCARD;

/* The frame's pixels with the file's options. */
akin_status image_av_to_rgb(const image_source *file, const AVFrame *frame,
                            frame_yuv yuv, image *out, akin_error *err)
    AKIN_NODISCARD;

/* A context with the limits set, for avcodec_open2; and one packet's frame. */
akin_status image_av_open(const image_source *file, int codec_id,
                          AVCodecContext **out, akin_error *err) AKIN_NODISCARD;
akin_status image_av_receive(const image_source *file, AVCodecContext *context,
                             const AVPacket *packet, AVFrame *frame,
                             akin_error *err) AKIN_NODISCARD;

#endif
