/* SPDX-License-Identifier: MIT
 * Pictures through FFmpeg's decoders: the whole file is one packet. No demuxer
 * is asked, so that nothing in a file can name another. */
#include "media/image_av.h"

#include <libavcodec/avcodec.h>
#include <string.h>

#include "media/decode_int.h"

static akin_status av_out_of_memory(const image_source *file, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", file->name);
}

static akin_status av_damaged(const image_source *file, int codec_id, int rc,
                              akin_error *err)
{
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(rc, text, sizeof text);
    return image_fail_damaged(file, avcodec_get_name(codec_id), text, err);
}

akin_status image_av_open(const image_source *file, int codec_id,
                          AVCodecContext **out, akin_error *err)
{
    decode_silence();
    const AVCodec *codec = avcodec_find_decoder(codec_id);
    if (!codec)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' is a %s image, which this FFmpeg cannot "
                         "decode; convert it, to png for example",
                         file->name, avcodec_get_name(codec_id));
    AVCodecContext *context = avcodec_alloc_context3(codec);
    if (!context) return av_out_of_memory(file, err);
    context->thread_count = 1;
    context->max_pixels = IMAGE_MAX_PIXELS;
    context->err_recognition = AV_EF_CRCCHECK;
    if (codec_id == AV_CODEC_ID_PNG) context->err_recognition |= AV_EF_EXPLODE;
    *out = context;
    return AKIN_OK;
}

akin_status image_av_receive(const image_source *file, AVCodecContext *context,
                             const AVPacket *packet, AVFrame *frame,
                             akin_error *err)
{
    int rc = avcodec_send_packet(context, packet);
    if (rc >= 0) rc = avcodec_receive_frame(context, frame);
    if (rc == AVERROR(EAGAIN)) {
        rc = avcodec_send_packet(context, NULL);
        if (rc >= 0) rc = avcodec_receive_frame(context, frame);
    }
    if (rc == AVERROR_EOF) rc = AVERROR_INVALIDDATA;
    /* "Out of memory" is damage too: a header that asks for absurd sizes. */
    if (rc < 0) return av_damaged(file, context->codec_id, rc, err);
    if (frame->decode_error_flags || (frame->flags & AV_FRAME_FLAG_CORRUPT))
        return av_damaged(file, context->codec_id, AVERROR_INVALIDDATA, err);
    return image_check_size(file, (size_t)frame->width, (size_t)frame->height,
                            err);
}

akin_status image_av_frame(const image_source *file, int codec_id,
                           AVFrame **out, akin_error *err)
{
    akin_status status = AKIN_OK;
    AVCodecContext *context = NULL;
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    if (!frame || !packet || av_new_packet(packet, (int)file->n) < 0) {
        status = av_out_of_memory(file, err);
        goto done;
    }
    memcpy(packet->data, file->data, file->n);
    packet->flags |= AV_PKT_FLAG_KEY;
    AKIN_TRYG(image_av_open(file, codec_id, &context, err));
    int rc = avcodec_open2(context, NULL, NULL);
    if (rc < 0) {
        status = av_damaged(file, codec_id, rc, err);
        goto done;
    }
    AKIN_TRYG(image_av_receive(file, context, packet, frame, err));
    *out = frame;
    frame = NULL;
done:
    av_packet_free(&packet);
    av_frame_free(&frame);
    avcodec_free_context(&context);
    return status;
}

akin_status image_av_to_rgb(const image_source *file, const AVFrame *frame,
                            frame_yuv yuv, image *out, akin_error *err)
{
    frame_reader reader = {.on_white = file->options.on_white, .yuv = yuv};
    akin_status status = image_new(out, (uint32_t)frame->width,
                                   (uint32_t)frame->height, err);
    if (status == AKIN_OK)
        status = frame_reader_read(&reader, frame, out->rgb, err);
    frame_reader_clear(&reader);
    if (status == AKIN_OK) return AKIN_OK;
    image_clear(out);
    error_prefix(err, status, "'%s' cannot be read", file->name);
    return status;
}

akin_status image_av_decode(const image_source *file, int codec_id, image *out,
                            akin_error *err)
{
    AVFrame *frame = NULL;
    AKIN_TRY(image_av_frame(file, codec_id, &frame, err));
    akin_status status = image_av_to_rgb(file, frame, FRAME_YUV_AS_STATED, out,
                                         err);
    av_frame_free(&frame);
    return status;
}
