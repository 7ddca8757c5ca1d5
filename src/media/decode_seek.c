/* SPDX-License-Identifier: MIT
 * Sample-exact seeking: what is read after it equals, bit for bit, the same
 * frames of a straight read.
 *
 * Where the container counts samples and every packet decodes by itself (PCM,
 * FLAC), the demuxer seeks. mp3 and Vorbis depend on a little of what came
 * before and their seek tables on trust, so packets are passed over from the
 * start without decoding, which is cheap, and only the last seconds are
 * decoded; that holds only while the time stamps follow each other without a
 * jump. All other codecs (AAC draws noise from a running generator, Opus
 * predicts without end) are decoded from the start. Whatever does not come out
 * as expected falls back to that too. */
#include "media/decode_int.h"

#define SEEK_MAX_FRAME ((int64_t)1 << 40) /* no file is longer */
#define SEEK_PREROLL_S 2 /* mp3's bit reservoir reaches 1.6 s back at most */

static int64_t seek_position_of(const decoder *d, int64_t pts)
{
    AVRational frame = {1, (int)d->info.rate_hz};
    return av_rescale_q(pts - d->first_pts, d->stream->time_base, frame);
}

/* Decodes the first frame after a jump and says whether it begins at or before
 * `target`. */
static bool seek_land(decoder *d, int64_t target)
{
    bool more = false;
    avcodec_flush_buffers(d->codec);
    av_frame_unref(d->frame);
    d->ended = false;
    d->damage = d->n_jumped = 0;
    d->end_pts = AV_NOPTS_VALUE;
    /* At position 0 errors are passed over where a stream may begin ragged. */
    d->position = d->traits->seek == DECODE_SKIP ? 0 : target;
    if (decode_next(d, &more, NULL) != AKIN_OK) return false;
    if (!more) d->position = target;
    if (!more) return true;
    int64_t pts = decode_bound_pts(d->frame->pts);
    if (pts == AV_NOPTS_VALUE) return false;
    d->position = seek_position_of(d, pts);
    return d->position >= 0 && d->position <= target;
}

static bool seek_direct(decoder *d, int64_t target)
{
    AVRational frame = {1, (int)d->info.rate_hz};
    int64_t pts = d->first_pts +
                  av_rescale_q(target, frame, d->stream->time_base);
    return av_seek_frame(d->format, d->stream->index, pts,
                         AVSEEK_FLAG_BACKWARD) >= 0 &&
           seek_land(d, target);
}

/* Passes over packets from the start (the first was decoded already). */
static bool seek_skip(decoder *d, int64_t target)
{
    int64_t last = target - (int64_t)d->info.rate_hz * SEEK_PREROLL_S;
    int64_t end_pts = AV_NOPTS_VALUE;
    const AVPacket *p = d->packet;
    do {
        bool more = false;
        if (decode_packet(d, &more, NULL) != AKIN_OK || !more) return false;
        if (decode_bound_pts(p->pts) == AV_NOPTS_VALUE ||
            decode_bound_pts(p->duration) <= 0)
            return false;
        if (end_pts != AV_NOPTS_VALUE && p->pts != end_pts) return false;
        end_pts = p->pts + p->duration;
    } while (seek_position_of(d, end_pts) < last);
    return seek_land(d, target);
}

static bool seek_jump(decoder *d, int64_t target)
{
    if (d->traits->seek == DECODE_DIRECT) return seek_direct(d, target);
    return decode_start(d, NULL) == AKIN_OK && seek_skip(d, target);
}

static akin_status seek_forward(decoder *d, int64_t target, akin_error *err)
{
    while (d->position < target && !d->ended) {
        int64_t left = target - d->position;
        size_t n = 0, max = left < INT32_MAX ? (size_t)left : INT32_MAX;
        AKIN_TRY(decode_take(d, NULL, max, &n, err));
        if (n == 0) break;
    }
    return AKIN_OK;
}

akin_status decoder_seek(decoder *d, int64_t frame, akin_error *err)
{
    akin_status status = AKIN_OK;
    if (frame < 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "a seek to before the start of '%s'",
                         d->path);
    int64_t near = (int64_t)d->info.rate_hz * 2 * SEEK_PREROLL_S;
    bool failed = d->failure.code != AKIN_OK;
    bool jumps = !failed && frame > near && frame < SEEK_MAX_FRAME &&
                 d->traits->seek != DECODE_REWIND &&
                 d->first_pts != AV_NOPTS_VALUE;
    bool ahead = !failed && frame >= d->position &&
                 (!jumps || frame - d->position <= near);
    d->failure = (akin_error){0};
    if (!ahead && !(jumps && seek_jump(d, frame)))
        AKIN_TRYG(decode_start(d, &d->failure));
    AKIN_TRYG(seek_forward(d, frame, &d->failure));
done:
    if (status != AKIN_OK) AKIN_FAIL(err, status, "%s", d->failure.text);
    return status;
}
