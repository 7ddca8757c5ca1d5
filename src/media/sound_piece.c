/* SPDX-License-Identifier: MIT
 * Pieces of sound for listening. */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "akin/media.h"
#include "base/memory.h"
#include "media/decode.h"
#include "media/filter.h"
#include "media/wav.h"

enum { PIECE_BLOCK = 1 << 16 };
#define DEFAULT_MAX_BYTES ((size_t)64 << 20)

static akin_status piece_check(const akin_sound_options *s, akin_error *err)
{
    bool ends = s->end_s == 0 || s->end_s > s->start_s;
    if (!(s->start_s >= 0 && s->start_s < 1e9 && ends &&
          s->end_s < 1e9))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a piece from %g s to %g s cannot be cut; its end "
                         "must lie behind its start",
                         s->start_s, s->end_s);
    if (s->speed && !(s->speed >= 0.01 && s->speed <= 100))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the speed %g is not between 0.01 and 100", s->speed);
    return AKIN_OK;
}

/* All of the piece that there is, up to max frames. */
static akin_status piece_read(decoder *d, int64_t n_wanted, size_t max,
                              float **samples, size_t *n, akin_error *err)
{
    size_t cap = 0, got = 1;
    for (*n = 0; got > 0 && (n_wanted < 0 || (int64_t)*n < n_wanted);
         *n += got) {
        void *p = *samples;
        if (*n > max)
            return AKIN_FAIL(err, AKIN_ELIMIT,
                             "the piece is too long to be played at once");
        akin_status status = mem_grow(&p, &cap, *n + PIECE_BLOCK,
                                      sizeof **samples, max + 2 * PIECE_BLOCK,
                                      err);
        *samples = p;
        AKIN_TRY(status);
        size_t most = PIECE_BLOCK;
        if (n_wanted >= 0 && n_wanted - (int64_t)*n < PIECE_BLOCK)
            most = (size_t)(n_wanted - (int64_t)*n);
        AKIN_TRY(decoder_read(d, *samples + *n, most, &got, err));
    }
    return AKIN_OK;
}

static akin_status piece_write(const float *samples, size_t n_frames,
                               uint32_t rate_hz, unsigned char **out,
                               size_t *n, akin_error *err)
{
    void *p;
    *n = WAV_HEADER_BYTES + n_frames * WAV_SAMPLE_BYTES;
    AKIN_TRY(mem_new_array(*n, 1, "a piece of sound", &p, err));
    *out = p;
    wav_put_header(*out, rate_hz, (uint32_t)n_frames);
    for (size_t i = 0; i < n_frames; i++) {
        int16_t pcm;
        wav_from_float(samples + i, 1, &pcm);
        memcpy(*out + WAV_HEADER_BYTES + i * sizeof pcm, &pcm, sizeof pcm);
    }
    return AKIN_OK;
}

akin_status akin_sound_make(const char *path, const akin_sound_options *spec,
                            unsigned char **out, size_t *n, akin_error *err)
{
    decoder *d = NULL;
    float *samples = NULL;
    size_t n_frames = 0, max = spec->max_bytes ? spec->max_bytes : DEFAULT_MAX_BYTES;
    akin_status status = AKIN_OK;
    max /= WAV_SAMPLE_BYTES;
    if (max > WAV_MAX_FRAMES) max = WAV_MAX_FRAMES;
    AKIN_TRYG(piece_check(spec, err));
    AKIN_TRYG(decoder_open(path, &d, err));
    double rate = decoder_get_info(d)->rate_hz;
    double played = round(rate * (spec->speed ? spec->speed : 1));
    int64_t start = llround(spec->start_s * rate), wanted = -1;
    if (spec->end_s > 0)
        wanted = llround(spec->end_s * rate) - start;
    AKIN_TRYG(decoder_seek(d, start, err));
    AKIN_TRYG(piece_read(d, wanted, max, &samples, &n_frames, err));
    if (n_frames == 0)
        AKIN_TRYG(AKIN_FAIL(err, AKIN_ENOTFOUND,
                            "'%s' has no sound at %g s; it ends before", path,
                            spec->start_s));
    filter f = filter_design(spec->fmin_hz, spec->fmax_hz, played);
    filter_run(&f, samples, n_frames);
    AKIN_TRYG(piece_write(samples, n_frames, (uint32_t)fmax(played, 1), out, n,
                          err));
done:
    decoder_close(d);
    mem_free(samples);
    return status;
}
