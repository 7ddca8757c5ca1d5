/* SPDX-License-Identifier: MIT
 * Opening a media file and decoding its sound.
 *
 * What counts as an error: data that cannot be decoded followed by data that
 * can, a jump of the time stamps where these are exact, and an end before the
 * length that the header states, where that is exact. The file is then damaged
 * or cut off, and the caller is told where, since windows that silently lack
 * sound would be worse. Bytes that no player minds are passed over: tags and
 * junk at either end of streams that are found by their sync words (mp3, adts)
 * or behind the stated length, a part of a sample frame at the end of PCM
 * data. Ogg, and mp3 without a Xing header, state no length: they pass as short
 * when they are cut off. */
#define _GNU_SOURCE
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "media/decode_int.h"

#define DECODE_MIN_RATE_HZ 1000
#define DECODE_MAX_RATE_HZ 10000000
#define DECODE_MAX_CHANNELS 64

/* FFmpeg reads WAV in 4 KiB packets, and for each file it searches up to 2500
 * of them for DTS in disguise: larger ones and two of them make a 5 s file open
 * in 2 ms instead of 7 and a long one decode 30% faster. */
#define DECODE_WAV_PACKET (16 * 1024)
#define DECODE_PROBED 2

#define DECODE_MAX_GAP_S 0.02
#define DECODE_JUMPED_FRAMES 4
#define DECODE_MAX_ERRORS 1000
#define DECODE_MAX_PTS ((int64_t)1 << 60)

/* Demuxers that hold sound themselves. No playlists, no lists of files, no
 * network, no devices, no subtitles or pictures. */
static const char decode_containers[] =
    "3dostr,aa,aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,avr,caf,dsf,dts,"
    "dtshd,eac3,epaf,flac,flv,g722,g726,gsm,iff,ircam,latm,loas,matroska,mov,"
    "mp3,mpc,mpc8,mpeg,mpegts,mxf,nistsphere,nut,ogg,oma,pvf,qcp,rm,sds,sox,"
    "tak,truehd,tta,voc,w64,wav,wtv,wv,wve,xwma";

/* First match wins: container, codec, seek, gaps, ragged, shortage_s. */
static const decode_traits decode_table[] = {
    {"wav", AV_CODEC_ID_FIRST_AUDIO, DECODE_DIRECT, false, true, 0},
    {"w64", AV_CODEC_ID_FIRST_AUDIO, DECODE_DIRECT, false, true, 0},
    {"aiff", AV_CODEC_ID_FIRST_AUDIO, DECODE_DIRECT, false, true, 0},
    {"au", AV_CODEC_ID_FIRST_AUDIO, DECODE_DIRECT, false, true, 0},
    {"caf", AV_CODEC_ID_FIRST_AUDIO, DECODE_DIRECT, false, true, 0},
    {"flac", AV_CODEC_ID_FLAC, DECODE_DIRECT, true, false, 0},
    {"mp3", AV_CODEC_ID_MP3, DECODE_SKIP, false, true, 0.5},
    {"mp3", AV_CODEC_ID_NONE, DECODE_REWIND, false, true, 0.5},
    {"ogg", AV_CODEC_ID_VORBIS, DECODE_SKIP, true, false, 0.1},
    {"ogg", AV_CODEC_ID_NONE, DECODE_REWIND, true, false, 0.1},
    {"mov", AV_CODEC_ID_NONE, DECODE_REWIND, false, false, 0.5},
    {"aac", AV_CODEC_ID_NONE, DECODE_REWIND, false, true, -1},
    {"ac3", AV_CODEC_ID_NONE, DECODE_REWIND, false, true, -1},
    {"eac3", AV_CODEC_ID_NONE, DECODE_REWIND, false, true, -1},
    {"dts", AV_CODEC_ID_NONE, DECODE_REWIND, false, true, -1},
    {"mpeg", AV_CODEC_ID_NONE, DECODE_REWIND, false, true, -1},
    {"mpegts", AV_CODEC_ID_NONE, DECODE_REWIND, false, true, -1},
    {"", AV_CODEC_ID_NONE, DECODE_REWIND, false, false, -1},
};

int64_t decode_bound_pts(int64_t pts)
{
    return pts > -DECODE_MAX_PTS && pts < DECODE_MAX_PTS ? pts : AV_NOPTS_VALUE;
}

static const decode_traits *decode_find_traits(const char *container,
                                               enum AVCodecID codec)
{
    bool pcm = codec >= AV_CODEC_ID_FIRST_AUDIO &&
               codec < AV_CODEC_ID_ADPCM_IMA_QT;
    size_t n = strcspn(container, ","); /* "mov,mp4,..." is "mov" */
    const decode_traits *t = decode_table;
    for (; *t->container; t++) {
        if (strlen(t->container) != n || memcmp(t->container, container, n))
            continue;
        if (t->codec == AV_CODEC_ID_NONE || t->codec == codec ||
            (t->codec == AV_CODEC_ID_FIRST_AUDIO && pcm))
            break;
    }
    return t;
}

static double decode_seconds(const decoder *d, int64_t position)
{
    return d->info.rate_hz ? (double)position / d->info.rate_hz : 0;
}

/* The error for an FFmpeg call that failed at a position. "Out of memory" is
 * damage too: FFmpeg says so when a header asks for absurd sizes. */
static akin_status decode_fail(const decoder *d, int code, int64_t position,
                               akin_error *err)
{
    if (d->io.error)
        return AKIN_FAIL(err, AKIN_EIO, "cannot read '%s': %s", d->path,
                         strerror(d->io.error));
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(code, text, sizeof text);
    return AKIN_FAIL(err, AKIN_EDECODE,
                     "'%s' is damaged at %.3f s (%s); copy or convert it anew",
                     d->path, decode_seconds(d, position), text);
}

static akin_status decode_open_format(decoder *d, akin_error *err)
{
    AVDictionary *options = NULL;
    d->format = avformat_alloc_context();
    if (!d->format ||
        av_dict_set(&options, "format_whitelist", decode_containers, 0) < 0 ||
        av_dict_set_int(&options, "max_size", DECODE_WAV_PACKET, 0) < 0 ||
        av_dict_set_int(&options, "max_probe_packets", DECODE_PROBED, 0) < 0) {
        av_dict_free(&options);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", d->path);
    }
    d->format->pb = d->io.avio;
    d->format->io_open = decode_refuse_file;
    int rc = avformat_open_input(&d->format, d->path, NULL, &options);
    av_dict_free(&options);
    if (rc >= 0) rc = avformat_find_stream_info(d->format, NULL);
    if (rc < 0 && d->io.error) return decode_fail(d, rc, 0, err);
    if (rc < 0)
        return AKIN_FAIL(err, AKIN_EDECODE,
                         "'%s' is no sound or video file of a known format, "
                         "or is cut off",
                         d->path);
    return AKIN_OK;
}

/* Codecs whose frames have check sums that FFmpeg looks at if asked; for FLAC
 * that costs 2%. */
static bool decode_has_checks(enum AVCodecID codec)
{
    return codec == AV_CODEC_ID_FLAC || codec == AV_CODEC_ID_WAVPACK ||
           codec == AV_CODEC_ID_TTA || codec == AV_CODEC_ID_APE;
}

static akin_status decode_open_codec(decoder *d, akin_error *err)
{
    const AVCodec *codec = NULL;
    int i = av_find_best_stream(d->format, AVMEDIA_TYPE_AUDIO, -1, -1, &codec,
                                0);
    if (i == AVERROR_DECODER_NOT_FOUND)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "the sound in '%s' has a codec that this FFmpeg "
                         "cannot decode; convert it, to flac for example",
                         d->path);
    if (i < 0)
        return AKIN_FAIL(err, AKIN_EDECODE, "there is no sound in '%s'",
                         d->path);
    for (unsigned k = 0; k < d->format->nb_streams; k++)
        if ((int)k != i) d->format->streams[k]->discard = AVDISCARD_ALL;
    d->stream = d->format->streams[i];
    d->packet = av_packet_alloc();
    d->frame = av_frame_alloc();
    d->codec = avcodec_alloc_context3(codec);
    if (!d->packet || !d->frame || !d->codec)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", d->path);
    int rc = avcodec_parameters_to_context(d->codec, d->stream->codecpar);
    if (rc < 0) return decode_fail(d, rc, 0, err);
    d->codec->pkt_timebase = d->stream->time_base;
    /* Frame threads were tried for FLAC: waking them for each of its short
     * frames costs more than the second processor gains. */
    d->codec->thread_count = 1;
    if (decode_has_checks(codec->id))
        d->codec->err_recognition = AV_EF_CRCCHECK | AV_EF_EXPLODE;
    rc = avcodec_open2(d->codec, codec, NULL);
    if (rc < 0) return decode_fail(d, rc, 0, err);
    d->traits = decode_find_traits(d->format->iformat->name, codec->id);
    return AKIN_OK;
}

static void decode_stop(decoder *d)
{
    av_frame_free(&d->frame);
    av_packet_free(&d->packet);
    avcodec_free_context(&d->codec);
    avformat_close_input(&d->format);
    decode_io_close(&d->io);
    d->stream = NULL;
}

/* The rate, channels and sample format that the first frame turned out to
 * have: headers of mp3 and aac do not tell for sure. */
static akin_status decode_learn(decoder *d, akin_error *err)
{
    int rate = d->frame->sample_rate;
    int n_channels = d->frame->ch_layout.nb_channels;
    if (rate < DECODE_MIN_RATE_HZ || rate > DECODE_MAX_RATE_HZ)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "the sample rate of '%s' is %d Hz; %d to %d Hz can be "
                         "read",
                         d->path, rate, DECODE_MIN_RATE_HZ, DECODE_MAX_RATE_HZ);
    if (n_channels < 1 || n_channels > DECODE_MAX_CHANNELS)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "'%s' has %d channels; 1 to %d can be read", d->path,
                         n_channels, DECODE_MAX_CHANNELS);
    if (!decode_mix_supports(d->frame->format))
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' has a sample format that is not known", d->path);
    d->info.rate_hz = (uint32_t)rate;
    d->info.n_channels = (uint32_t)n_channels;
    snprintf(d->info.codec, sizeof d->info.codec, "%s",
             avcodec_get_name(d->codec->codec_id));
    snprintf(d->info.container, sizeof d->info.container, "%s",
             d->format->iformat->name);
    return AKIN_OK;
}

/* The length that the container states; FFmpeg's guesses don't count. */
static void decode_learn_length(decoder *d)
{
    const decode_traits *t = d->traits;
    d->stated = 0;
    d->info.duration_s = 0;
    if (t->codec == AV_CODEC_ID_FIRST_AUDIO && t->container[0] == 'w')
        d->stated = decode_wav_length(d->io.fd);
    if (d->stated > 0) {
        d->info.duration_s = decode_seconds(d, d->stated);
        return;
    }
    if (d->format->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE)
        return;
    if (d->stream->duration > 0) {
        AVRational frame = {1, (int)d->info.rate_hz};
        d->stated = av_rescale_q(d->stream->duration, d->stream->time_base,
                                 frame);
        d->info.duration_s = decode_seconds(d, d->stated);
    } else if (d->format->duration > 0) {
        d->info.duration_s = (double)d->format->duration / AV_TIME_BASE;
    }
}

static bool decode_same_shape(const decoder *d, const AVFrame *frame)
{
    return frame->sample_rate == (int)d->info.rate_hz &&
           frame->ch_layout.nb_channels == (int)d->info.n_channels &&
           decode_mix_supports(frame->format);
}

akin_status decode_start(decoder *d, akin_error *err)
{
    akin_status status = AKIN_OK;
    bool more = false;
    decode_stop(d);
    d->position = d->damaged_at = 0;
    d->used = 0;
    d->damage = d->n_errors = d->n_jumped = 0;
    d->stated = 0;
    d->ended = false;
    d->first_pts = d->end_pts = AV_NOPTS_VALUE;
    AKIN_TRYG(decode_io_open(&d->io, d->path, err));
    AKIN_TRYG(decode_open_format(d, err));
    AKIN_TRYG(decode_open_codec(d, err));
    AKIN_TRYG(decode_next(d, &more, err));
    if (!more) {
        status = AKIN_FAIL(err, AKIN_EDECODE, "the sound in '%s' is empty",
                           d->path);
        goto done;
    }
    d->first_pts = decode_bound_pts(d->frame->pts);
    decode_learn_length(d);
done:
    if (status != AKIN_OK) decode_stop(d);
    return status;
}

/* Whether the end is where it should be. */
static akin_status decode_check_end(decoder *d, akin_error *err)
{
    const decode_traits *t = d->traits;
    d->ended = true;
    if (d->io.error) return decode_fail(d, AVERROR(EIO), d->position, err);
    bool whole = d->stated > 0 && d->position >= d->stated;
    if (d->damage && !t->ragged && !whole)
        return decode_fail(d, d->damage, d->damaged_at, err);
    double missing_s = decode_seconds(d, d->stated - d->position);
    if (t->shortage_s < 0 || missing_s <= t->shortage_s) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EDECODE,
                     "'%s' is cut off: it ends at %.3f s of the %.3f s that it "
                     "states; copy it anew or convert what is left of it",
                     d->path, decode_seconds(d, d->position),
                     decode_seconds(d, d->stated));
}

/* Compares the frame's time stamp with the end of the one before. Ogg Vorbis
 * stamps single frames late where a page ends at a change of the block size, so
 * only a jump that lasts counts. Jumps back (streams put end to end) do not. */
static akin_status decode_check_gap(decoder *d, akin_error *err)
{
    const AVFrame *f = d->frame;
    AVRational tb = d->stream->time_base, frame = {1, f->sample_rate};
    int64_t length = av_rescale_q(f->nb_samples, frame, tb);
    int64_t pts = decode_bound_pts(f->pts), expected = d->end_pts;
    if (pts == AV_NOPTS_VALUE) return AKIN_OK;
    if (expected == AV_NOPTS_VALUE) expected = pts;
    double gap_s = (double)(pts - expected) * av_q2d(tb);
    bool jumped = fabs(gap_s) > DECODE_MAX_GAP_S;
    if (jumped && d->n_jumped++ == 0) d->jumped_at = d->position;
    if (jumped && d->n_jumped < DECODE_JUMPED_FRAMES) {
        d->end_pts = expected + length;
        return AKIN_OK;
    }
    if (jumped && gap_s > 0)
        return AKIN_FAIL(err, AKIN_EDECODE,
                         "'%s' is damaged: %.3f s of sound are missing at "
                         "%.3f s; copy or convert it anew",
                         d->path, gap_s, decode_seconds(d, d->jumped_at));
    d->n_jumped = 0;
    d->end_pts = pts + length;
    return AKIN_OK;
}

/* Accepts or refuses the frame that was just decoded. */
static akin_status decode_check_frame(decoder *d, akin_error *err)
{
    const AVFrame *f = d->frame;
    if (!d->info.rate_hz) AKIN_TRY(decode_learn(d, err));
    if (!decode_same_shape(d, f))
        return AKIN_FAIL(err, AKIN_EDECODE,
                         "the sound in '%s' changes from %u Hz, %u channels to "
                         "%d Hz, %d channels at %.3f s; split it there",
                         d->path, d->info.rate_hz, d->info.n_channels,
                         f->sample_rate, f->ch_layout.nb_channels,
                         decode_seconds(d, d->position));
    bool first = d->position == 0;
    if (d->damage && !(first && d->traits->ragged))
        return decode_fail(d, d->damage, d->damaged_at, err);
    d->damage = d->n_errors = 0;
    return d->traits->gaps ? decode_check_gap(d, err) : AKIN_OK;
}

akin_status decode_packet(decoder *d, bool *more, akin_error *err)
{
    for (;;) {
        av_packet_unref(d->packet);
        int rc = av_read_frame(d->format, d->packet);
        *more = rc >= 0;
        if (rc == AVERROR_EOF) return AKIN_OK;
        if (rc < 0) return decode_fail(d, rc, d->position, err);
        if (d->packet->stream_index == d->stream->index) return AKIN_OK;
    }
}

/* Remembers a decoding error; what follows tells whether it matters. The limit
 * is there for a decoder that would report the same error for ever. */
static akin_status decode_note_damage(decoder *d, int code, akin_error *err)
{
    if (++d->n_errors > DECODE_MAX_ERRORS)
        return decode_fail(d, code, d->position, err);
    if (!d->damage) d->damaged_at = d->position;
    d->damage = code;
    return AKIN_OK;
}

static akin_status decode_feed(decoder *d, akin_error *err)
{
    bool more = false;
    AKIN_TRY(decode_packet(d, &more, err));
    int rc = avcodec_send_packet(d->codec, more ? d->packet : NULL);
    if (rc >= 0 || rc == AVERROR_EOF) return AKIN_OK;
    return decode_note_damage(d, rc, err);
}

akin_status decode_next(decoder *d, bool *more, akin_error *err)
{
    *more = false;
    d->used = 0;
    while (!d->ended) {
        int rc = avcodec_receive_frame(d->codec, d->frame);
        if (rc >= 0 && d->frame->nb_samples > 0) {
            *more = true;
            return decode_check_frame(d, err);
        }
        if (rc == AVERROR_EOF) return decode_check_end(d, err);
        if (rc == AVERROR(EAGAIN))
            AKIN_TRY(decode_feed(d, err));
        else if (rc < 0)
            AKIN_TRY(decode_note_damage(d, rc, err));
    }
    return AKIN_OK;
}

akin_status decoder_open(const char *path, decoder **out, akin_error *err)
{
    decode_silence();
    decoder *d = mem_array(1, sizeof *d);
    if (!d) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
    akin_status status = AKIN_OK;
    d->io.fd = -1;
    d->path = mem_strdup(path);
    if (!d->path) {
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
        goto done;
    }
    AKIN_TRYG(decode_start(d, err));
    *out = d;
    d = NULL;
done:
    decoder_close(d);
    return status;
}

void decoder_close(decoder *d)
{
    if (!d) return;
    decode_stop(d);
    mem_free(d->path);
    mem_free(d);
}

void decoder_use_first_channel(decoder *d)
{
    assert(d->position == 0);
    d->first_channel = true;
}

const media_info *decoder_get_info(const decoder *d) { return &d->info; }

static akin_status decode_check_finite(const decoder *d, const float *mono,
                                       size_t n, akin_error *err)
{
    size_t i = decode_find_not_finite(mono, n);
    if (i == n) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EDECODE,
                     "'%s' holds a sample that is not a finite number at "
                     "%.6f s; mend it or convert it anew",
                     d->path, decode_seconds(d, d->position + (int64_t)i));
}

akin_status decode_take(decoder *d, float *mono, size_t max_frames,
                               size_t *n, akin_error *err)
{
    *n = 0;
    if (d->used == (size_t)d->frame->nb_samples) {
        bool more = false;
        AKIN_TRY(decode_next(d, &more, err));
        if (!more) return AKIN_OK;
    }
    *n = (size_t)d->frame->nb_samples - d->used;
    if (*n > max_frames) *n = max_frames;
    if (mono) {
        if (d->first_channel)
            decode_pick(d->frame, d->used, *n, mono);
        else
            decode_mix(d->frame, d->used, *n, mono);
        AKIN_TRY(decode_check_finite(d, mono, *n, err));
    }
    d->used += *n;
    d->position += (int64_t)*n;
    return AKIN_OK;
}

akin_status decoder_read(decoder *d, float *mono, size_t max_frames, size_t *n,
                         akin_error *err)
{
    *n = 0;
    while (*n < max_frames) {
        if (d->failure.code != AKIN_OK)
            return AKIN_FAIL(err, d->failure.code, "%s", d->failure.text);
        if (d->ended) return AKIN_OK;
        size_t got = 0;
        if (decode_take(d, mono + *n, max_frames - *n, &got, &d->failure) !=
            AKIN_OK)
            continue;
        if (got == 0) return AKIN_OK;
        *n += got;
    }
    return AKIN_OK;
}

const char *decoder_library(void)
{
    return "FFmpeg " AV_STRINGIFY(LIBAVCODEC_VERSION);
}
