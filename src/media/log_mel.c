/* SPDX-License-Identifier: MIT
 * Log-mel patches: in double precision throughout, since the logarithm of what
 * is nearly silence shows every rounding; the FFT is FFmpeg's. */
#include "media/log_mel.h"

#include <libavutil/mem.h>
#include <libavutil/tx.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"

#define LOG_MEL_MAX_FFT 65536
#define LOG_MEL_MAX_MELS 4096
#define LOG_MEL_MAX_FRAMES 100000

const log_mel_spec log_mel_vggish = {
    .rate_hz = 16000, .window_samples = 400, .hop_samples = 160, .n_fft = 512,
    .n_mels = 64, .n_frames = 96, .min_hz = 125, .max_hz = 7500,
    .log_offset = 0.01};

const log_mel_spec log_mel_yamnet = {
    .rate_hz = 16000, .window_samples = 400, .hop_samples = 160, .n_fft = 512,
    .n_mels = 64, .n_frames = 96, .min_hz = 125, .max_hz = 7500,
    .log_offset = 0.001};

/* The bins of one triangle; its weights follow those of the one before. */
typedef struct mel_band {
    uint32_t first, n, at;
} mel_band;

struct log_mel {
    log_mel_spec spec;
    double *window;     /* [window_samples] */
    mel_band *bands;    /* [n_mels] */
    double *weights;    /* at most two a bin */
    double *magnitude;  /* [n_fft / 2 + 1] */
    AVComplexDouble *in, *out; /* [n_fft], aligned as FFmpeg wants it */
    AVTXContext *tx;
    av_tx_fn fft;
};

static akin_status log_mel_check(const log_mel_spec *s, akin_error *err)
{
    bool power = s->n_fft && (s->n_fft & (s->n_fft - 1)) == 0;
    if (!power || s->n_fft < 4 || s->n_fft > LOG_MEL_MAX_FFT)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "log-mel: an FFT of %u points; it must be a power of "
                         "two from 4 to %d",
                         s->n_fft, LOG_MEL_MAX_FFT);
    if (!s->window_samples || s->window_samples > s->n_fft || !s->hop_samples)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "log-mel: a window of %u samples every %u does not "
                         "fit an FFT of %u points",
                         s->window_samples, s->hop_samples, s->n_fft);
    if (!s->n_mels || s->n_mels > LOG_MEL_MAX_MELS || !s->n_frames ||
        s->n_frames > LOG_MEL_MAX_FRAMES ||
        s->hop_samples > UINT32_MAX / LOG_MEL_MAX_FRAMES)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "log-mel: a patch of %u frames, %u samples apart, by "
                         "%u bands",
                         s->n_frames, s->hop_samples, s->n_mels);
    if (!(s->min_hz >= 0 && s->min_hz < s->max_hz &&
          s->max_hz <= s->rate_hz / 2.0))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "log-mel: %g to %g Hz at a rate of %u Hz", s->min_hz,
                         s->max_hz, s->rate_hz);
    if (!(s->log_offset > 0) || isinf(s->log_offset))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "log-mel: the logarithm's offset is %g, not above 0",
                         s->log_offset);
    return AKIN_OK;
}

/* HTK's scale. */
static double mel_from_hz(double hz) { return 1127 * log1p(hz / 700); }

static double mel_weight(double mel, double low, double center, double high)
{
    double rising = (mel - low) / (center - low);
    double falling = (high - mel) / (high - center);
    double w = rising < falling ? rising : falling;
    return w > 0 ? w : 0;
}

/* Triangle b over the bins, of which it takes a run without gaps. */
static void mel_fill_band(log_mel *m, uint32_t b, uint32_t at)
{
    const log_mel_spec *s = &m->spec;
    double low = mel_from_hz(s->min_hz);
    double step = (mel_from_hz(s->max_hz) - low) / (s->n_mels + 1);
    mel_band *band = &m->bands[b];
    double bin_hz = (double)s->rate_hz / s->n_fft;
    *band = (mel_band){.at = at};
    low += b * step;
    for (uint32_t i = 1; i <= s->n_fft / 2; i++) {
        double w = mel_weight(mel_from_hz(i * bin_hz), low, low + step,
                              low + 2 * step);
        if (w <= 0) continue;
        if (!band->n) band->first = i;
        m->weights[at + band->n++] = w;
    }
}

static void log_mel_fill(log_mel *m)
{
    const double pi = 3.14159265358979323846;
    uint32_t at = 0, n = m->spec.window_samples;
    for (uint32_t i = 0; i < n; i++)
        m->window[i] = 0.5 - 0.5 * cos(2 * pi * i / n);
    for (uint32_t b = 0; b < m->spec.n_mels; b++) {
        mel_fill_band(m, b, at);
        at += m->bands[b].n;
    }
}

static akin_status log_mel_alloc(log_mel *m, akin_error *err)
{
    size_t n_fft = m->spec.n_fft;
    double scale = 1;
    m->window = mem_array(m->spec.window_samples, sizeof *m->window);
    m->bands = mem_array(m->spec.n_mels, sizeof *m->bands);
    /* Every bin lies in at most two triangles; rounding may make it three. */
    m->weights = mem_array(n_fft / 2 * 3, sizeof *m->weights);
    m->magnitude = mem_array(n_fft / 2 + 1, sizeof *m->magnitude);
    m->in = mem_aligned(n_fft * sizeof *m->in);
    m->out = mem_aligned(n_fft * sizeof *m->out);
    if (!m->window || !m->bands || !m->weights || !m->magnitude || !m->in ||
        !m->out ||
        av_tx_init(&m->tx, &m->fft, AV_TX_DOUBLE_FFT, 0, (int)n_fft, &scale,
                   0) < 0)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for log-mel");
    return AKIN_OK;
}

akin_status log_mel_new(const log_mel_spec *spec, log_mel **out,
                        akin_error *err)
{
    AKIN_TRY(log_mel_check(spec, err));
    log_mel *m = mem_array(1, sizeof *m);
    if (!m) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for log-mel");
    m->spec = *spec;
    akin_status status = log_mel_alloc(m, err);
    if (status != AKIN_OK) {
        log_mel_free(m);
        return status;
    }
    log_mel_fill(m);
    *out = m;
    return AKIN_OK;
}

void log_mel_free(log_mel *m)
{
    if (!m) return;
    av_tx_uninit(&m->tx);
    mem_free_aligned(m->in);
    mem_free_aligned(m->out);
    mem_free(m->window);
    mem_free(m->bands);
    mem_free(m->weights);
    mem_free(m->magnitude);
    mem_free(m);
}

size_t log_mel_patch_samples(const log_mel *m)
{
    return (size_t)(m->spec.n_frames - 1) * m->spec.hop_samples +
           m->spec.window_samples;
}

size_t log_mel_patch_size(const log_mel *m)
{
    return (size_t)m->spec.n_frames * m->spec.n_mels;
}

/* |FFT| of the n samples that are there, times the window. */
static void log_mel_transform(log_mel *m, const float *samples, size_t n)
{
    size_t n_window = m->spec.window_samples, n_fft = m->spec.n_fft;
    if (n > n_window) n = n_window;
    memset(m->in, 0, n_fft * sizeof *m->in);
    for (size_t i = 0; i < n; i++) m->in[i].re = samples[i] * m->window[i];
    m->fft(m->tx, m->out, m->in, sizeof *m->in);
    for (size_t i = 0; i <= n_fft / 2; i++)
        m->magnitude[i] = sqrt(m->out[i].re * m->out[i].re +
                               m->out[i].im * m->out[i].im);
}

static void log_mel_bands(const log_mel *m, float *out)
{
    for (uint32_t b = 0; b < m->spec.n_mels; b++) {
        const mel_band *band = &m->bands[b];
        double sum = 0;
        for (uint32_t i = 0; i < band->n; i++)
            sum += m->weights[band->at + i] * m->magnitude[band->first + i];
        out[b] = (float)log(sum + m->spec.log_offset);
    }
}

void log_mel_write(log_mel *m, const float *samples, size_t n, float *out)
{
    for (uint32_t f = 0; f < m->spec.n_frames; f++) {
        size_t at = (size_t)f * m->spec.hop_samples;
        size_t left = at < n ? n - at : 0;
        log_mel_transform(m, left ? samples + at : samples, left);
        log_mel_bands(m, out + (size_t)f * m->spec.n_mels);
    }
}
