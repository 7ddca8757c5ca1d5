/* SPDX-License-Identifier: MIT
 * AVIF: the container through FFmpeg's demuxer for MP4, from memory. Its
 * transparency is another picture, and not looked at. */
#include <libavformat/avformat.h>
#include <libavutil/mem.h>
#include <string.h>

#include "media/decode_int.h"
#include "media/image_av.h"

#define AVIF_BUFFER_BYTES 4096

typedef struct avif_input {
    const image_source *file;
    size_t at;
    AVIOContext *avio;
    AVFormatContext *format;
} avif_input;

static int avif_read(void *user, uint8_t *data, int n)
{
    avif_input *in = user;
    size_t left = in->file->n - in->at;
    size_t take = (size_t)n < left ? (size_t)n : left;
    if (take == 0) return AVERROR_EOF;
    memcpy(data, in->file->data + in->at, take);
    in->at += take;
    return (int)take;
}

static int64_t avif_seek(void *user, int64_t offset, int whence)
{
    avif_input *in = user;
    int64_t n = (int64_t)in->file->n;
    if (whence & AVSEEK_SIZE) return n;
    whence &= ~AVSEEK_FORCE;
    if (whence == SEEK_CUR) offset += (int64_t)in->at;
    if (whence == SEEK_END) offset += n;
    if (offset < 0 || offset > n) return AVERROR(EINVAL);
    in->at = (size_t)offset;
    return offset;
}

static akin_status avif_open(avif_input *in, akin_error *err)
{
    unsigned char *buffer = av_malloc(AVIF_BUFFER_BYTES);
    if (buffer)
        in->avio = avio_alloc_context(buffer, AVIF_BUFFER_BYTES, 0, in,
                                      avif_read, NULL, avif_seek);
    if (!in->avio) av_free(buffer);
    in->format = avformat_alloc_context();
    if (!in->avio || !in->format)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'",
                         in->file->name);
    in->format->pb = in->avio;
    in->format->io_open = decode_refuse_file;
    const AVInputFormat *mov = av_find_input_format("mov");
    int rc = mov ? avformat_open_input(&in->format, "", mov, NULL) : -1;
    if (rc >= 0 && in->format->nb_streams > 0 &&
        in->format->streams[0]->codecpar->codec_id == AV_CODEC_ID_AV1)
        return AKIN_OK;
    return image_fail_damaged(in->file, "avif", "no picture in it", err);
}

static void avif_close(avif_input *in)
{
    avformat_close_input(&in->format);
    if (in->avio) av_freep(&in->avio->buffer);
    avio_context_free(&in->avio);
}

/* The picture is the first stream; a second one would be its transparency. */
static akin_status avif_packet(avif_input *in, AVPacket *packet,
                               akin_error *err)
{
    for (;;) {
        av_packet_unref(packet);
        if (av_read_frame(in->format, packet) < 0)
            return image_fail_damaged(in->file, "avif",
                                      "the data ends too early", err);
        if (packet->stream_index == 0 &&
            !(packet->flags & AV_PKT_FLAG_CORRUPT))
            return AKIN_OK;
    }
}

static akin_status avif_decode(avif_input *in, AVFrame *frame,
                               AVPacket *packet, akin_error *err)
{
    AVCodecContext *context = NULL;
    const AVCodecParameters *stream = in->format->streams[0]->codecpar;
    AKIN_TRY(image_av_open(in->file, stream->codec_id, &context, err));
    akin_status status = avif_packet(in, packet, err);
    if (status == AKIN_OK &&
        (avcodec_parameters_to_context(context, stream) < 0 ||
         avcodec_open2(context, NULL, NULL) < 0))
        status = image_fail_damaged(in->file, "avif", "nonsense parameters",
                                    err);
    if (status == AKIN_OK)
        status = image_av_receive(in->file, context, packet, frame, err);
    avcodec_free_context(&context);
    return status;
}

akin_status image_avif_decode(const image_source *file, image *out,
                              akin_error *err)
{
    akin_status status = AKIN_OK;
    avif_input in = {.file = file};
    AVPacket *packet = av_packet_alloc();
    AVFrame *frame = av_frame_alloc();
    decode_silence();
    if (!packet || !frame) {
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'",
                           file->name);
        goto done;
    }
    AKIN_TRYG(avif_open(&in, err));
    AKIN_TRYG(avif_decode(&in, frame, packet, err));
    AKIN_TRYG(image_av_to_rgb(file, frame, FRAME_YUV_AS_STATED, out, err));
done:
    av_frame_free(&frame);
    av_packet_free(&packet);
    avif_close(&in);
    return status;
}
