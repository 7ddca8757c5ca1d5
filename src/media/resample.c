/* SPDX-License-Identifier: MIT
 * libswresample with the soxr engine: flat to 0.95 of the lower band and 100 dB
 * down beyond it, where swresample's own engine lets aliases through; that one
 * is the fallback of FFmpeg builds without soxr. */
#include "media/resample.h"

#include <assert.h>
#include <libavutil/channel_layout.h>
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>
#include <libavutil/rational.h>
#include <libswresample/swresample.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

#define RESAMPLE_CHUNK 16384     /* samples of the denser side */
#define RESAMPLE_MAX_TERM (1 << 30)
#define RESAMPLE_MAX_RATIO 10000

struct resampler {
    SwrContext *swr; /* NULL: identity */
    AVRational ratio; /* in / out */
    size_t n_in, n_out;
    int64_t total_in, total_out;
    bool ended;
};

static akin_status resample_open_engine(resampler *r, enum SwrEngine engine)
{
    AVChannelLayout mono = AV_CHANNEL_LAYOUT_MONO;
    swr_free(&r->swr);
    if (swr_alloc_set_opts2(&r->swr, &mono, AV_SAMPLE_FMT_FLTP, r->ratio.den,
                            &mono, AV_SAMPLE_FMT_FLTP, r->ratio.num, 0,
                            NULL) < 0)
        return AKIN_ENOMEM;
    if (av_opt_set_int(r->swr, "resampler", engine, 0) < 0)
        return AKIN_EUNSUPPORTED;
    int rc = swr_init(r->swr);
    return rc >= 0                 ? AKIN_OK
           : rc == AVERROR(ENOMEM) ? AKIN_ENOMEM
                                   : AKIN_EUNSUPPORTED;
}

akin_status resampler_open(double in_rate_hz, uint32_t out_rate_hz,
                           resampler **out, akin_error *err)
{
    double x = in_rate_hz / out_rate_hz;
    if (!(x <= RESAMPLE_MAX_RATIO && x >= 1.0 / RESAMPLE_MAX_RATIO))
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "cannot resample from %.6g to %u Hz: more than a "
                         "factor of %d; choose another speed",
                         in_rate_hz, out_rate_hz, RESAMPLE_MAX_RATIO);
    resampler *r = mem_array(1, sizeof *r);
    if (!r) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory to resample");
    /* The best fraction: its relative error is below 2^-30. */
    r->ratio = av_d2q(x, RESAMPLE_MAX_TERM);
    r->n_in = x >= 1 ? RESAMPLE_CHUNK : (size_t)ceil(RESAMPLE_CHUNK * x);
    /* The engine gives its output in bursts; it keeps what has no room. */
    r->n_out = 2 * (size_t)ceil((double)r->n_in / x) + RESAMPLE_CHUNK / 2;
    akin_status status = AKIN_OK;
    if (r->ratio.num != r->ratio.den) {
        status = resample_open_engine(r, SWR_ENGINE_SOXR);
        if (status == AKIN_EUNSUPPORTED)
            status = resample_open_engine(r, SWR_ENGINE_SWR);
    }
    if (status != AKIN_OK) {
        resampler_close(r);
        return AKIN_FAIL(err, status, "cannot resample from %.6g to %u Hz: %s",
                         in_rate_hz, out_rate_hz,
                         status == AKIN_ENOMEM ? "out of memory"
                                               : "libswresample refuses it");
    }
    *out = r;
    return AKIN_OK;
}

void resampler_close(resampler *r)
{
    if (!r) return;
    swr_free(&r->swr);
    mem_free(r);
}

bool resampler_is_identity(const resampler *r) { return !r->swr; }
size_t resampler_n_in(const resampler *r) { return r->n_in; }
size_t resampler_n_out(const resampler *r) { return r->n_out; }

int64_t resampler_length(const resampler *r, int64_t n_in)
{
    return av_rescale(n_in, r->ratio.den, r->ratio.num);
}

/* What the engine gives up to `room`; at the end, silence for a last sample
 * that it rounded away. */
static int resample_convert(resampler *r, const float *in, size_t n, float *out,
                            int room)
{
    const uint8_t *in_planes[1] = {(const uint8_t *)in};
    uint8_t *out_planes[1] = {(uint8_t *)out};
    int got = swr_convert(r->swr, out_planes, room, in ? in_planes : NULL,
                          (int)n);
    if (in || got != 0) return got;
    memset(out, 0, (size_t)room * sizeof *out);
    return room;
}

akin_status resampler_put(resampler *r, const float *in, size_t n, float *out,
                          size_t *n_out, akin_error *err)
{
    assert(r->swr && n <= r->n_in && !(in && r->ended));
    *n_out = 0;
    int64_t room = (int64_t)r->n_out;
    if (in) {
        r->total_in += (int64_t)n;
        r->ended = n < r->n_in;
        if (n == 0) return AKIN_OK;
    } else {
        int64_t left = resampler_length(r, r->total_in) - r->total_out;
        if (left < room) room = left;
        if (room <= 0) return AKIN_OK;
    }
    int got = resample_convert(r, in, n, out, (int)room);
    if (got < 0)
        return AKIN_FAIL(err, got == AVERROR(ENOMEM) ? AKIN_ENOMEM
                                                     : AKIN_EINTERNAL,
                         "resampling failed");
    *n_out = (size_t)got;
    r->total_out += got;
    return AKIN_OK;
}
