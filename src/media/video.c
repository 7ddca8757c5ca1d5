/* SPDX-License-Identifier: MIT
 * Films: opening, going from one wanted frame to the next, decoding.
 *
 * Going forward costs as little as the container allows: where that has an
 * index, by a jump to the key frame before the wanted time; else, and for short
 * ways, frames that no other frame needs are not decoded. What is given is the
 * same either way: a jump that lands too late is undone by starting afresh. */
#include "media/video.h"

#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "media/decode_int.h"
#include "media/image_int.h"

#define VIDEO_MAX_THREADS 16
#define VIDEO_MAX_ERRORS 1000

/* Ways shorter than this are never jumped; a jump that gained nothing doubles
 * it. Jumps aim at a bit before the time: frames are not stored in order. */
#define VIDEO_MIN_JUMP_S 2.0
#define VIDEO_REORDER_S 1.0

/* Time stamps of Matroska are rounded to milliseconds. */
#define VIDEO_ROUNDING_S 0.0006

/* A film that ends earlier than its index says by more is cut off. */
#define VIDEO_SHORTAGE_S 1.0

static const char video_containers[] =
    "asf,avi,flv,matroska,mov,mpeg,mpegts,mxf,nut,ogg,rm,wtv";

struct video {
    char *path;
    video_options options;
    video_info info;
    decode_io io;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *stream;
    AVPacket *packet;
    AVFrame *frame;
    frame_reader reader;
    image picture;
    int orientation;
    double start_s;     /* time stamp of the film's start */
    double time_s;      /* of `frame`; negative before the first */
    double wanted_s;    /* of the next image */
    double min_jump_s;
    double damaged_s;   /* where the first damage was; negative: none */
    int n_errors;
    bool jumps;         /* the container has an index */
    bool any;           /* a whole frame was decoded */
    bool ended;
    akin_error failure; /* code AKIN_OK: none */
};

/* ---- Opening ------------------------------------------------------------- */

static akin_status video_out_of_memory(const video *v, akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", v->path);
}

static akin_status video_open_format(video *v, akin_error *err)
{
    AVDictionary *options = NULL;
    v->format = avformat_alloc_context();
    if (!v->format ||
        av_dict_set(&options, "format_whitelist", video_containers, 0) < 0) {
        av_dict_free(&options);
        return video_out_of_memory(v, err);
    }
    v->format->pb = v->io.avio;
    v->format->io_open = decode_refuse_file;
    int rc = avformat_open_input(&v->format, v->path, NULL, &options);
    av_dict_free(&options);
    if (rc >= 0) rc = avformat_find_stream_info(v->format, NULL);
    if (rc < 0 && v->io.error)
        return AKIN_FAIL(err, AKIN_EIO, "cannot read '%s': %s", v->path,
                         strerror(v->io.error));
    if (rc < 0)
        return AKIN_FAIL(err, AKIN_EDECODE,
                         "'%s' is no film of a known format, or is cut off",
                         v->path);
    return AKIN_OK;
}

static akin_status video_find_stream(video *v, const AVCodec **codec,
                                     akin_error *err)
{
    int i = av_find_best_stream(v->format, AVMEDIA_TYPE_VIDEO, -1, -1, codec,
                                0);
    if (i == AVERROR_DECODER_NOT_FOUND)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "the picture in '%s' has a codec that this FFmpeg "
                         "cannot decode; convert it, to H.264 for example",
                         v->path);
    if (i >= 0) v->stream = v->format->streams[i];
    /* The cover of a record is a picture that does not move. */
    if (i < 0 || (v->stream->disposition & AV_DISPOSITION_ATTACHED_PIC))
        return AKIN_FAIL(err, AKIN_EDECODE, "there is no moving picture in "
                         "'%s'", v->path);
    for (unsigned k = 0; k < v->format->nb_streams; k++)
        if ((int)k != i) v->format->streams[k]->discard = AVDISCARD_ALL;
    return AKIN_OK;
}

static akin_status video_open_codec(video *v, akin_error *err)
{
    const AVCodec *codec = NULL;
    AKIN_TRY(video_find_stream(v, &codec, err));
    v->packet = av_packet_alloc();
    v->frame = av_frame_alloc();
    v->codec = avcodec_alloc_context3(codec);
    if (!v->packet || !v->frame || !v->codec)
        return video_out_of_memory(v, err);
    int rc = avcodec_parameters_to_context(v->codec, v->stream->codecpar);
    v->codec->pkt_timebase = v->stream->time_base;
    v->codec->max_pixels = IMAGE_MAX_PIXELS;
    v->codec->thread_count = (int)v->options.n_threads;
    if (rc >= 0) rc = avcodec_open2(v->codec, codec, NULL);
    if (rc >= 0) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EDECODE,
                     "the picture in '%s' cannot be decoded; copy or convert "
                     "it anew",
                     v->path);
}

/* The EXIF orientation that does what the film's display matrix does. */
static int video_orientation(const AVStream *stream)
{
    size_t n = 0;
    const int32_t *m = (const void *)av_stream_get_side_data(
        stream, AV_PKT_DATA_DISPLAYMATRIX, &n);
    if (!m || n < 9 * sizeof *m) return 1;
    int32_t right_x = m[0], right_y = m[1], down_x = m[3], down_y = m[4];
    if (right_x && down_y) {
        if (right_x > 0) return down_y > 0 ? 1 : 4;
        return down_y > 0 ? 2 : 3;
    }
    if (!right_y || !down_x) return 1;
    if (right_y > 0) return down_x > 0 ? 5 : 6;
    return down_x > 0 ? 8 : 7;
}

static void video_stop(video *v)
{
    av_frame_free(&v->frame);
    av_packet_free(&v->packet);
    avcodec_free_context(&v->codec);
    avformat_close_input(&v->format);
    decode_io_close(&v->io);
    v->stream = NULL;
}

static bool video_is_container(const video *v, const char *name)
{
    return text_starts_with(v->format->iformat->name, name);
}

/* Opens everything afresh, at the start of the film. */
static akin_status video_start(video *v, akin_error *err)
{
    akin_status status = AKIN_OK;
    video_stop(v);
    AKIN_TRYG(decode_io_open(&v->io, v->path, err));
    AKIN_TRYG(video_open_format(v, err));
    AKIN_TRYG(video_open_codec(v, err));
    v->time_s = -1;
    v->n_errors = 0;
    v->ended = false;
    v->start_s = v->format->start_time == AV_NOPTS_VALUE
                     ? NAN
                     : (double)v->format->start_time / AV_TIME_BASE;
done:
    if (status != AKIN_OK) video_stop(v);
    return status;
}

/* ---- Decoding ------------------------------------------------------------ */

static double video_time(const video *v, int64_t pts)
{
    return (double)pts * av_q2d(v->stream->time_base) - v->start_s;
}

static double video_frame_s(const video *v)
{
    return v->info.rate_hz > 0 ? 1 / v->info.rate_hz : 0.04;
}

/* The decoded frame's time; the first one's is the start where the container
 * states none, and frames without one follow the frame before. */
static void video_set_time(video *v)
{
    int64_t pts = decode_bound_pts(v->frame->best_effort_timestamp);
    double before_s = v->time_s;
    v->time_s = before_s < 0 ? 0 : before_s + video_frame_s(v);
    if (pts == AV_NOPTS_VALUE) return;
    if (isnan(v->start_s))
        v->start_s = (double)pts * av_q2d(v->stream->time_base);
    double time_s = video_time(v, pts);
    v->time_s = time_s > 0 ? time_s : 0;
}

static void video_note_damage(video *v)
{
    v->n_errors++;
    if (v->any && v->damaged_s < 0) v->damaged_s = v->time_s;
}

/* A frame that no other needs and that comes before the wanted time need not
 * be decoded. */
static void video_choose_skip(video *v)
{
    int64_t pts = decode_bound_pts(v->packet->pts);
    bool early = pts != AV_NOPTS_VALUE && v->any &&
                 video_time(v, pts) < v->wanted_s - video_frame_s(v);
    v->codec->skip_frame = early ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
}

static akin_status video_feed(video *v, akin_error *err)
{
    int rc = 0;
    do {
        av_packet_unref(v->packet);
        rc = av_read_frame(v->format, v->packet);
    } while (rc >= 0 && v->packet->stream_index != v->stream->index);
    if (rc < 0 && v->io.error)
        return AKIN_FAIL(err, AKIN_EIO, "cannot read '%s': %s", v->path,
                         strerror(v->io.error));
    if (rc < 0 && rc != AVERROR_EOF) video_note_damage(v);
    if (rc >= 0) video_choose_skip(v);
    rc = avcodec_send_packet(v->codec, rc >= 0 ? v->packet : NULL);
    if (rc < 0 && rc != AVERROR_EOF && rc != AVERROR(EAGAIN))
        video_note_damage(v);
    return AKIN_OK;
}

static bool video_frame_is_whole(const AVFrame *f)
{
    return !f->decode_error_flags && !(f->flags & AV_FRAME_FLAG_CORRUPT) &&
           f->width > 0 && f->height > 0;
}

/* The next whole frame, or v->ended. */
static akin_status video_decode(video *v, akin_error *err)
{
    while (!v->ended && v->n_errors <= VIDEO_MAX_ERRORS) {
        int rc = avcodec_receive_frame(v->codec, v->frame);
        if (rc == AVERROR(EAGAIN)) {
            AKIN_TRY(video_feed(v, err));
        } else if (rc == AVERROR_EOF) {
            v->ended = true;
        } else if (rc < 0) {
            video_note_damage(v);
        } else {
            video_set_time(v);
            if (video_frame_is_whole(v->frame)) {
                v->any = true;
                return AKIN_OK;
            }
            video_note_damage(v);
        }
    }
    v->ended = true;
    return AKIN_OK;
}

/* ---- From one wanted frame to the next ----------------------------------- */

static bool video_is_wanted(const video *v)
{
    return v->time_s >= v->wanted_s - VIDEO_ROUNDING_S;
}

/* Jumps to before the wanted time; false if that cannot be relied upon. */
static bool video_jump(video *v)
{
    double before_s = v->time_s;
    double aim_s = v->wanted_s - VIDEO_REORDER_S + v->start_s;
    int64_t pts = (int64_t)(aim_s / av_q2d(v->stream->time_base));
    if (av_seek_frame(v->format, v->stream->index, pts, AVSEEK_FLAG_BACKWARD) <
        0)
        return false;
    avcodec_flush_buffers(v->codec);
    v->codec->skip_frame = AVDISCARD_DEFAULT;
    v->ended = false;
    if (video_decode(v, NULL) != AKIN_OK || v->ended) return false;
    if (v->time_s <= before_s) v->min_jump_s *= 2;
    return v->time_s <= v->wanted_s;
}

static bool video_may_jump(const video *v)
{
    return v->jumps && v->any && !v->ended && !isnan(v->start_s) &&
           v->wanted_s - v->time_s > v->min_jump_s &&
           (v->info.duration_s <= 0 || v->wanted_s < v->info.duration_s);
}

/* Decodes on to the first frame at or after the wanted time, or the end. */
static akin_status video_advance(video *v, akin_error *err)
{
    if (video_may_jump(v) && !video_jump(v)) {
        v->jumps = false;
        AKIN_TRY(video_start(v, err));
    }
    while (!v->ended && !(v->any && video_is_wanted(v) && v->time_s >= 0))
        AKIN_TRY(video_decode(v, err));
    return AKIN_OK;
}

/* Whether the end is where it should be and all before it was whole. */
static akin_status video_check_end(const video *v, akin_error *err)
{
    if (!v->any)
        return AKIN_FAIL(err, AKIN_EDECODE,
                         "no frame of '%s' can be decoded; copy or convert it "
                         "anew",
                         v->path);
    if (v->damaged_s >= 0)
        return AKIN_FAIL(err, AKIN_EDECODE,
                         "'%s' is damaged at %.3f s; copy or convert it anew",
                         v->path, v->damaged_s);
    bool exact = video_is_container(v, "mov");
    double missing_s = v->info.duration_s - v->time_s - video_frame_s(v);
    if (!exact || missing_s <= VIDEO_SHORTAGE_S) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EDECODE,
                     "'%s' is cut off at %.3f of %.3f s; copy or convert it "
                     "anew",
                     v->path, v->time_s, v->info.duration_s);
}

/* The decoded frame as the picture. */
static akin_status video_convert(video *v, akin_error *err)
{
    uint32_t width = (uint32_t)v->frame->width;
    uint32_t height = (uint32_t)v->frame->height;
    image *p = &v->picture;
    if (p->width != width || p->height != height) {
        image_clear(p);
        AKIN_TRY(image_new(p, width, height, err));
    }
    akin_status status = frame_reader_read(&v->reader, v->frame, p->rgb, err);
    if (status != AKIN_OK)
        return error_prefix(err, status, "'%s' cannot be read", v->path);
    return image_turn(p, v->orientation, err);
}

/* ---- The face ------------------------------------------------------------ */

static void video_learn(video *v)
{
    const AVCodecParameters *p = v->stream->codecpar;
    AVRational rate = av_guess_frame_rate(v->format, v->stream, NULL);
    v->orientation = v->options.upright ? video_orientation(v->stream) : 1;
    bool swap = v->orientation >= 5;
    v->info.width = (uint32_t)(swap ? p->height : p->width);
    v->info.height = (uint32_t)(swap ? p->width : p->height);
    v->info.rate_hz = rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
    if (v->stream->duration > 0)
        v->info.duration_s = (double)v->stream->duration *
                             av_q2d(v->stream->time_base);
    else if (v->format->duration > 0)
        v->info.duration_s = (double)v->format->duration / AV_TIME_BASE;
    v->jumps = video_is_container(v, "mov") ||
               video_is_container(v, "matroska");
    snprintf(v->info.codec, sizeof v->info.codec, "%s",
             avcodec_get_name(p->codec_id));
    snprintf(v->info.container, sizeof v->info.container, "%s",
             v->format->iformat->name);
}

akin_status video_open(const char *path, const video_options *options,
                       video **out, akin_error *err)
{
    akin_status status = AKIN_OK;
    decode_silence();
    video *v = mem_array(1, sizeof *v);
    if (!v) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    v->io.fd = -1;
    if (options) v->options = *options;
    if (!v->options.n_threads) v->options.n_threads = 1;
    if (v->options.n_threads > VIDEO_MAX_THREADS)
        v->options.n_threads = VIDEO_MAX_THREADS;
    v->min_jump_s = VIDEO_MIN_JUMP_S;
    v->damaged_s = -1;
    v->path = mem_strdup(path);
    if (!v->path) {
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
        goto done;
    }
    if (!(v->options.every_s >= 0) || isinf(v->options.every_s)) {
        status = AKIN_FAIL(err, AKIN_EUSAGE,
                           "the time between frames must be 0 or more seconds");
        goto done;
    }
    AKIN_TRYG(video_start(v, err));
    video_learn(v);
    *out = v;
    v = NULL;
done:
    video_close(v);
    return status;
}

void video_close(video *v)
{
    if (!v) return;
    video_stop(v);
    frame_reader_clear(&v->reader);
    image_clear(&v->picture);
    mem_free(v->path);
    mem_free(v);
}

const video_info *video_get_info(const video *v) { return &v->info; }

/* The next multiple of every_s behind the frame that was given. */
static void video_want_next(video *v)
{
    double every_s = v->options.every_s;
    v->wanted_s = v->time_s + 2 * VIDEO_ROUNDING_S;
    if (every_s <= 0) return;
    double k = floor((v->time_s + VIDEO_ROUNDING_S) / every_s) + 1;
    if (k * every_s > v->wanted_s) v->wanted_s = k * every_s;
}

/* The next frame that is wanted, as the picture if asked for. */
static akin_status video_step(video *v, bool convert, bool *more,
                              akin_error *err)
{
    AKIN_TRY(video_advance(v, err));
    *more = !v->ended;
    if (!*more) return video_check_end(v, err);
    return convert ? video_convert(v, err) : AKIN_OK;
}

static akin_status video_give(video *v, bool convert, double *time_s,
                              bool *more, akin_error *err)
{
    *more = false;
    if (v->failure.code == AKIN_OK &&
        video_step(v, convert, more, &v->failure) == AKIN_OK) {
        if (!*more) return AKIN_OK;
        *time_s = v->time_s;
        video_want_next(v);
        return AKIN_OK;
    }
    *more = false;
    return AKIN_FAIL(err, v->failure.code, "%s", v->failure.text);
}

akin_status video_next(video *v, double *time_s, const image **im,
                       akin_error *err)
{
    bool more = false;
    *im = NULL;
    AKIN_TRY(video_give(v, true, time_s, &more, err));
    if (more) *im = &v->picture;
    return AKIN_OK;
}

akin_status video_pass(video *v, double *time_s, bool *more, akin_error *err)
{
    return video_give(v, false, time_s, more, err);
}

/* ---- Names --------------------------------------------------------------- */

static const char *const video_extensions[] = {
    ".mp4", ".m4v", ".mov",  ".3gp", ".3g2", ".avi",  ".mkv", ".webm",
    ".mts", ".m2ts", ".mpg", ".mpeg", ".wmv", ".asf", ".flv", ".ogv",
    ".mxf", ".vob",
};

bool video_is_video_name(const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t n = sizeof video_extensions / sizeof *video_extensions;
    for (size_t i = 0; i < n; i++)
        if (text_ends_with(name, video_extensions[i], true) &&
            strlen(name) > strlen(video_extensions[i]))
            return true;
    return false;
}
