/* SPDX-License-Identifier: MIT
 * What the decoder's files share: its state, the file underneath, the mix. */
#ifndef MEDIA_DECODE_INT_H
#define MEDIA_DECODE_INT_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "media/decode.h"

/* ---- decode_io.c: an open file as FFmpeg's input ------------------------- */

typedef struct decode_io {
    AVIOContext *avio;
    int fd;    /* -1: closed */
    int error; /* errno of the first read that failed, or 0 */
} decode_io;

akin_status decode_io_open(decode_io *io, const char *path, akin_error *err)
    AKIN_NODISCARD;
void decode_io_close(decode_io *io);

/* For AVFormatContext.io_open: nothing in a file opens another. */
int decode_refuse_file(AVFormatContext *format, AVIOContext **avio,
                       const char *url, int flags, AVDictionary **options);

/* Keeps FFmpeg from printing; call it before anything else of FFmpeg. */
void decode_silence(void);

/* ---- decode_mix.c: any sample format to mono ----------------------------- */

/* Mixes n frames of `frame` from `first` on; the format must be supported. */
void decode_mix(const AVFrame *frame, size_t first, size_t n, float *mono);

/* The same, but the first channel alone. */
void decode_pick(const AVFrame *frame, size_t first, size_t n, float *mono);
bool decode_mix_supports(int sample_format);

/* Index of the first sample that is not finite, or n. */
size_t decode_find_not_finite(const float *mono, size_t n);

/* ---- decode_wav.c -------------------------------------------------------- */

/* Frames that the header of a WAV, RF64 or W64 file states; 0: unknown. */
int64_t decode_wav_length(int fd);

/* ---- decode.c ------------------------------------------------------------ */

/* How a frame is reached: by the demuxer, whose time stamps are sample-exact;
 * by passing over packets from the start and decoding the last ones before it,
 * for codecs that forget; by decoding everything from the start. */
typedef enum decode_seek_kind {
    DECODE_REWIND,
    DECODE_DIRECT,
    DECODE_SKIP,
} decode_seek_kind;

/* What a container and its codec can be relied upon for. */
typedef struct decode_traits {
    const char *container; /* FFmpeg's short name */
    enum AVCodecID codec;  /* AV_CODEC_ID_NONE: any; FIRST_AUDIO: any PCM */
    decode_seek_kind seek;
    bool gaps;         /* a jump of the time stamps is lost data */
    bool ragged;       /* undecodable bytes at either end mean nothing */
    double shortage_s; /* ending earlier than stated by more is damage;
                          negative: the stated length is not reliable */
} decode_traits;

struct decoder {
    char *path;
    bool first_channel;
    media_info info;
    const decode_traits *traits;
    decode_io io;
    AVFormatContext *format;
    AVCodecContext *codec;
    AVStream *stream;
    AVPacket *packet;
    AVFrame *frame;       /* the decoded frame that is being given out */
    size_t used;          /* samples of it that were given or dropped */
    int64_t position;     /* of frame's sample `used` */
    int64_t first_pts;    /* time stamp of position 0 */
    int64_t end_pts;      /* of the sample behind `frame`, without jumps */
    int64_t jumped_at;    /* where the time stamps jumped, */
    int n_jumped;         /* and how many frames ago */
    int64_t stated;       /* frames as the container says, 0: unknown */
    int damage;           /* FFmpeg's error for data that was passed over */
    int64_t damaged_at;
    int n_errors;         /* in a row */
    akin_error failure;   /* code AKIN_OK: none */
    bool ended;
};

/* Opens the demuxer and the codec afresh and decodes the first frame. */
akin_status decode_start(decoder *d, akin_error *err) AKIN_NODISCARD;

/* Decodes the next frame that holds samples; *more = false at the end. */
akin_status decode_next(decoder *d, bool *more, akin_error *err) AKIN_NODISCARD;

/* Reads the next packet of the stream; *more = false at the end. */
akin_status decode_packet(decoder *d, bool *more, akin_error *err)
    AKIN_NODISCARD;

/* A time stamp, or AV_NOPTS_VALUE if sums with it could overflow. */
int64_t decode_bound_pts(int64_t pts);

/* Takes up to max_frames out of the current frame or, if it is used up, the
 * next; mono = NULL drops them. *n = 0 only at the end. */
akin_status decode_take(decoder *d, float *mono, size_t max_frames, size_t *n,
                        akin_error *err) AKIN_NODISCARD;

#endif
