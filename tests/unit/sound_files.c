/* SPDX-License-Identifier: MIT
 * Writing sound files for tests. */
#include "sound_files.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "test.h"

const char *sound_path(const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", test_dir(), name);
    return path[turn];
}

void sound_signal(float *mono, size_t n, uint32_t rate_hz, uint32_t seed)
{
    double phase = 0;
    uint32_t x = seed * 2654435761u + 1;
    for (size_t i = 0; i < n; i++) {
        double t = (double)i / rate_hz;
        phase += 2 * acos(-1.0) * (300 + 40 * t) / rate_hz;
        x = x * 1664525u + 1013904223u;
        double noise = (double)(x >> 8) / (1 << 24) - 0.5;
        mono[i] = (float)(0.6 * sin(phase) + 0.2 * noise);
    }
}

static void put_le(FILE *f, uint64_t value, int n_bytes)
{
    for (int i = 0; i < n_bytes; i++) fputc((int)(value >> (8 * i) & 255), f);
}

static void put_sample(FILE *f, sound_kind kind, double x)
{
    float x32 = (float)x;
    uint64_t bits = 0;
    switch (kind) {
    case SOUND_U8: put_le(f, (uint64_t)(lrint(x * 127) + 128), 1); break;
    case SOUND_S16: put_le(f, (uint64_t)lrint(x * 0x7fff), 2); break;
    case SOUND_S24: put_le(f, (uint64_t)lrint(x * 0x7fffff), 3); break;
    case SOUND_S32: put_le(f, (uint64_t)llrint(x * 0x7fffffff), 4); break;
    case SOUND_F32: memcpy(&bits, &x32, 4); put_le(f, bits, 4); break;
    default: memcpy(&bits, &x, 8); put_le(f, bits, 8); break;
    }
}

void sound_write_wav(const char *path, sound_kind kind, uint32_t rate_hz,
                     int n_channels, const double *mono, size_t n)
{
    static const int widths[] = {1, 2, 3, 4, 4, 8};
    int width = widths[kind];
    size_t bytes = n * (size_t)(width * n_channels);
    FILE *f = fopen(path, "wb");
    CHECK(f != NULL);
    if (!f) return;
    fwrite("RIFF", 1, 4, f);
    put_le(f, 36 + bytes, 4);
    fwrite("WAVEfmt ", 1, 8, f);
    put_le(f, 16, 4);
    put_le(f, kind >= SOUND_F32 ? 3 : 1, 2);
    put_le(f, (uint64_t)n_channels, 2);
    put_le(f, rate_hz, 4);
    put_le(f, (uint64_t)rate_hz * (uint64_t)(width * n_channels), 4);
    put_le(f, (uint64_t)(width * n_channels), 2);
    put_le(f, (uint64_t)(8 * width), 2);
    fwrite("data", 1, 4, f);
    put_le(f, bytes, 4);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < n_channels; c++)
            put_sample(f, kind, mono[i] / (c + 1));
    CHECK(fclose(f) == 0);
}

/* ---- through libavcodec -------------------------------------------------- */

typedef struct sound_encoder {
    AVFormatContext *format;
    AVCodecContext *codec;
    SwrContext *swr;
    AVFrame *frame;
    AVPacket *packet;
    AVStream *stream;
    bool failed;
} sound_encoder;

static void must(sound_encoder *e, int rc)
{
    if (rc < 0) e->failed = true;
}

static void open_encoder(sound_encoder *e, const char *path,
                         const sound_spec *spec, const AVCodec *codec)
{
    AVChannelLayout layout;
    av_channel_layout_default(&layout, spec->n_channels);
    must(e, avformat_alloc_output_context2(&e->format, NULL, spec->muxer,
                                           path));
    e->codec = avcodec_alloc_context3(codec);
    e->frame = av_frame_alloc();
    e->packet = av_packet_alloc();
    if (e->failed) return;
    e->codec->sample_rate = (int)spec->rate_hz;
    const enum AVSampleFormat *f = codec->sample_fmts;
    while (f[1] >= 0 && av_get_bytes_per_sample(f[0]) < 2) f++;
    e->codec->sample_fmt = *f;
    e->codec->time_base = (AVRational){1, (int)spec->rate_hz};
    e->codec->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    if (strcmp(codec->name, "libopencore_amrnb") == 0)
        e->codec->bit_rate = 12200;
    av_channel_layout_copy(&e->codec->ch_layout, &layout);
    if (e->format->oformat->flags & AVFMT_GLOBALHEADER)
        e->codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    must(e, avcodec_open2(e->codec, codec, NULL));
    must(e, swr_alloc_set_opts2(&e->swr, &layout, e->codec->sample_fmt,
                                (int)spec->rate_hz, &layout, AV_SAMPLE_FMT_FLT,
                                (int)spec->rate_hz, 0, NULL));
    must(e, e->failed ? -1 : swr_init(e->swr));
    if (e->failed) return;
    e->stream = avformat_new_stream(e->format, NULL);
    e->stream->time_base = e->codec->time_base;
    must(e, avcodec_parameters_from_context(e->stream->codecpar, e->codec));
    must(e, avio_open(&e->format->pb, path, AVIO_FLAG_WRITE));
    must(e, e->failed ? -1 : avformat_write_header(e->format, NULL));
}

static void close_encoder(sound_encoder *e)
{
    av_packet_free(&e->packet);
    av_frame_free(&e->frame);
    swr_free(&e->swr);
    avcodec_free_context(&e->codec);
    if (e->format) avio_closep(&e->format->pb);
    avformat_free_context(e->format);
}

static void encode_frame(sound_encoder *e, AVFrame *frame)
{
    must(e, avcodec_send_frame(e->codec, frame));
    while (!e->failed) {
        int rc = avcodec_receive_packet(e->codec, e->packet);
        if (rc == AVERROR(EAGAIN) || rc == AVERROR_EOF) return;
        must(e, rc);
        av_packet_rescale_ts(e->packet, e->codec->time_base,
                             e->stream->time_base);
        must(e, av_interleaved_write_frame(e->format, e->packet));
    }
}

/* One frame of n samples of the signal; the last may be short. */
static void encode_part(sound_encoder *e, const float *mono, size_t n,
                        int64_t pts)
{
    int n_channels = e->codec->ch_layout.nb_channels;
    float *interleaved = mem_array(n * (size_t)n_channels, sizeof *interleaved);
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < n_channels; c++)
            interleaved[i * (size_t)n_channels + (size_t)c] =
                mono[i] / (float)(c + 1);
    av_frame_unref(e->frame);
    e->frame->nb_samples = (int)n;
    e->frame->format = e->codec->sample_fmt;
    e->frame->sample_rate = e->codec->sample_rate;
    e->frame->pts = pts;
    av_channel_layout_copy(&e->frame->ch_layout, &e->codec->ch_layout);
    must(e, av_frame_get_buffer(e->frame, 0));
    const uint8_t *in[1] = {(const uint8_t *)interleaved};
    if (!e->failed)
        must(e, swr_convert(e->swr, e->frame->extended_data, (int)n, in,
                            (int)n));
    if (!e->failed) encode_frame(e, e->frame);
    mem_free(interleaved);
}

bool sound_encode(const char *path, const sound_spec *spec, const float *mono,
                  size_t n)
{
    av_log_set_level(AV_LOG_QUIET);
    const AVCodec *codec = avcodec_find_encoder_by_name(spec->encoder);
    if (!codec || !av_guess_format(spec->muxer, NULL, NULL)) return false;
    sound_encoder e = {0};
    open_encoder(&e, path, spec, codec);
    size_t step = !e.failed && e.codec->frame_size
                      ? (size_t)e.codec->frame_size
                      : 1024;
    for (size_t i = 0; i < n && !e.failed; i += step)
        encode_part(&e, mono + i, n - i < step ? n - i : step, (int64_t)i);
    if (!e.failed) encode_frame(&e, NULL);
    if (!e.failed) must(&e, av_write_trailer(e.format));
    if (e.failed)
        test_fail(__FILE__, __LINE__, "encoding %s with %s", path,
                  spec->encoder);
    close_encoder(&e);
    return !e.failed;
}
