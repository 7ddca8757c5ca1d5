/* SPDX-License-Identifier: MIT
 * Spectrograms: moments of a stretch, in order, are transformed as the decoder
 * comes by them, so that memory does not grow with the stretch. */
#include <libavutil/tx.h>
#include <math.h>
#include <string.h>

#include "akin/media.h"
#include "base/memory.h"
#include "media/decode.h"

#define FFT_SECONDS 0.0213 /* 1024 samples at 48 kHz */

enum {
    MIN_FFT = 64,
    MAX_FFT = 32768,
    MOST_MOMENTS = 4, /* of a column */
    BLOCK = 1 << 16,  /* samples decoded at a time */
};

/* The bins of a row: the loudest of first .. last counts, or, where there is
 * none in it, what lies between two at `between`. */
typedef struct row_bins {
    uint32_t first, last;
    float between; /* < 0: not needed */
} row_bins;

typedef struct maker {
    akin_spectrogram *out;
    uint32_t n_fft, n_moments; /* a column */
    decoder *source;
    int64_t start;      /* first sample of the stretch, in the file */
    double n_column;    /* samples a column */
    float *samples;     /* [cap] from `base` on */
    size_t n, cap;
    int64_t base;
    bool ended;
    float *window;      /* [n_fft] */
    float *power;       /* [n_fft / 2 + 1] */
    row_bins *rows;     /* [height] */
    AVComplexFloat *in, *spectrum; /* [n_fft] */
    AVTXContext *tx;
    av_tx_fn fft;
} maker;

static double hz_to_mel(double hz) { return 1127 * log1p(hz / 700); }
static double mel_to_hz(double mel) { return 700 * expm1(mel / 1127); }

/* ---- what was asked for ---------------------------------------------------- */

static bool is_power_of_two(uint32_t n) { return n && (n & (n - 1)) == 0; }

static akin_status check(const akin_spectrogram_options *s, akin_error *err)
{
    if (!s->width || !s->height || s->width > AKIN_SPECTROGRAM_MAX_SIDE ||
        s->height > AKIN_SPECTROGRAM_MAX_SIDE)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a spectrogram of %u x %u; sides are 1 to %d",
                         s->width, s->height, AKIN_SPECTROGRAM_MAX_SIDE);
    if (!(s->start_s >= 0 && s->start_s < 1e9 &&
          (s->end_s == 0 || (s->end_s > s->start_s &&
                                  s->end_s < 1e9))))
        return AKIN_FAIL(err, AKIN_EUSAGE, "a spectrogram from %g s to %g s",
                         s->start_s, s->end_s);
    if (!(s->min_hz >= 0 && (s->max_hz == 0 || s->max_hz > s->min_hz) &&
          s->max_hz < 1e8))
        return AKIN_FAIL(err, AKIN_EUSAGE, "a spectrogram of %g to %g Hz",
                         s->min_hz, s->max_hz);
    if (s->n_fft && (!is_power_of_two(s->n_fft) || s->n_fft < MIN_FFT ||
                     s->n_fft > MAX_FFT))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "an FFT of %u points; it must be a power of two from "
                         "%d to %d", s->n_fft, MIN_FFT, MAX_FFT);
    return AKIN_OK;
}

static uint32_t choose_fft(uint32_t rate_hz)
{
    uint32_t n = MIN_FFT;
    while (n < MAX_FFT && n * 1.5 < rate_hz * FFT_SECONDS) n *= 2;
    return n;
}

/* The end of the file, decoded to if the container does not say it. */
static akin_status find_end(decoder *d, double *end_s, akin_error *err)
{
    const media_info *info = decoder_get_info(d);
    int64_t n_frames = 0;
    *end_s = info->duration_s;
    if (*end_s > 0) return AKIN_OK;
    void *p;
    AKIN_TRY(mem_new_array(BLOCK, sizeof(float), "a spectrogram", &p, err));
    akin_status status = AKIN_OK;
    for (size_t n = 1; n > 0 && status == AKIN_OK; n_frames += (int64_t)n)
        status = decoder_read(d, p, BLOCK, &n, err);
    mem_free(p);
    *end_s = (double)n_frames / info->rate_hz;
    return status;
}

static akin_status place(maker *m, const akin_spectrogram_options *spec,
                         akin_error *err)
{
    akin_spectrogram *out = m->out;
    uint32_t rate = decoder_get_info(m->source)->rate_hz;
    *out = (akin_spectrogram){.width = spec->width, .height = spec->height,
                         .rate_hz = rate, .min_hz = spec->min_hz,
                         .max_hz = spec->max_hz ? spec->max_hz : rate / 2.0,
                         .start_s = spec->start_s, .end_s = spec->end_s};
    if (out->end_s == 0)
        AKIN_TRY(find_end(m->source, &out->end_s, err));
    if (!(out->end_s > out->start_s))
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "there is no sound from %g s on; the file ends before",
                         out->start_s);
    m->n_fft = spec->n_fft ? spec->n_fft : choose_fft(rate);
    m->start = llround(out->start_s * rate);
    m->n_column = (out->end_s - out->start_s) * rate / out->width;
    double moments = ceil(m->n_column / (m->n_fft / 2.0));
    m->n_moments = (uint32_t)fmin(fmax(moments, 1), MOST_MOMENTS);
    return AKIN_OK;
}

/* ---- tables ---------------------------------------------------------------- */

static double edge_hz(const akin_spectrogram *out, bool mel, double part)
{
    if (!mel) return out->min_hz + part * (out->max_hz - out->min_hz);
    double low = hz_to_mel(out->min_hz), high = hz_to_mel(out->max_hz);
    return mel_to_hz(low + part * (high - low));
}

/* Row 0 is the highest. */
static void fill_row(maker *m, bool mel, uint32_t row)
{
    const akin_spectrogram *out = m->out;
    double bin_hz = (double)out->rate_hz / m->n_fft;
    double low = edge_hz(out, mel, (double)(out->height - row - 1) /
                                       out->height) / bin_hz;
    double high = edge_hz(out, mel, (double)(out->height - row) / out->height) /
                  bin_hz;
    double last = m->n_fft / 2.0, middle = fmin((low + high) / 2, last);
    row_bins *bins = &m->rows[row];
    *bins = (row_bins){.first = (uint32_t)fmin(ceil(low), last),
                       .last = (uint32_t)fmin(ceil(high) - 1, last),
                       .between = -1};
    if (ceil(low) > last) { /* above what the file has */
        *bins = (row_bins){.first = 1, .last = 0, .between = -1};
    } else if (high - low < 2 || bins->last < bins->first) {
        bins->first = (uint32_t)floor(middle);
        bins->last = bins->first < last ? bins->first + 1 : bins->first;
        bins->between = (float)(middle - floor(middle));
    }
}

static akin_status new_floats(size_t n, float **out, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(n, sizeof(float), "a spectrogram", &p, err));
    *out = p;
    return AKIN_OK;
}

static akin_status new_tables(maker *m, bool mel, akin_error *err)
{
    const double pi = 3.14159265358979323846;
    float scale = 1;
    void *p;
    m->cap = BLOCK + 2 * (size_t)m->n_fft;
    AKIN_TRY(new_floats(m->cap, &m->samples, err));
    AKIN_TRY(new_floats(m->n_fft, &m->window, err));
    AKIN_TRY(new_floats(m->n_fft / 2 + 1, &m->power, err));
    AKIN_TRY(mem_new_array(m->out->height, sizeof *m->rows, "a spectrogram", &p,
                           err));
    m->rows = p;
    AKIN_TRY(mem_new_array((size_t)m->out->width, m->out->height,
                           "a spectrogram", &p, err));
    m->out->levels = p;
    m->in = mem_aligned(m->n_fft * sizeof *m->in);
    m->spectrum = mem_aligned(m->n_fft * sizeof *m->spectrum);
    if (!m->in || !m->spectrum ||
        av_tx_init(&m->tx, &m->fft, AV_TX_FLOAT_FFT, 0, (int)m->n_fft, &scale,
                   0) < 0)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a spectrogram");
    for (uint32_t i = 0; i < m->n_fft; i++)
        m->window[i] = (float)(0.5 - 0.5 * cos(2 * pi * i / m->n_fft));
    for (uint32_t row = 0; row < m->out->height; row++) fill_row(m, mel, row);
    return AKIN_OK;
}

/* ---- levels ---------------------------------------------------------------- */

static uint8_t level_of(float power)
{
    float db = 10 * log10f(power + 1e-20f);
    float level = 255 * (1 - db / AKIN_SPECTROGRAM_FLOOR_DB);
    return (uint8_t)lrintf(fminf(fmaxf(level, 0), 255));
}

static float row_power(const maker *m, const row_bins *bins)
{
    const float *power = m->power;
    float best = 0;
    if (bins->between >= 0)
        return power[bins->first] +
               bins->between * (power[bins->last] - power[bins->first]);
    for (uint32_t i = bins->first; i <= bins->last; i++)
        best = fmaxf(best, power[i]);
    return best;
}

static void put_column(maker *m, uint32_t column)
{
    akin_spectrogram *out = m->out;
    for (uint32_t row = 0; row < out->height; row++) {
        uint8_t *cell = out->levels + (size_t)row * out->width + column;
        uint8_t level = level_of(row_power(m, &m->rows[row]));
        if (level > *cell) *cell = level;
    }
}

/* The power of the n_fft samples from `at` on; what lies outside the file is
 * silence. A sine of full scale has a power of 1. */
static void transform(maker *m, int64_t at)
{
    float by = 4.0f / (float)m->n_fft; /* 2 / sum of the window */
    for (uint32_t i = 0; i < m->n_fft; i++) {
        int64_t k = at + i - m->base;
        float x = k >= 0 && k < (int64_t)m->n ? m->samples[k] : 0;
        m->in[i] = (AVComplexFloat){.re = x * m->window[i] * by};
    }
    m->fft(m->tx, m->spectrum, m->in, sizeof *m->in);
    for (uint32_t i = 0; i <= m->n_fft / 2; i++)
        m->power[i] = m->spectrum[i].re * m->spectrum[i].re +
                      m->spectrum[i].im * m->spectrum[i].im;
}

/* Lets go of samples before `at` and reads until there are those before
 * `until`, or no more. */
static akin_status read_until(maker *m, int64_t at, int64_t until,
                              akin_error *err)
{
    while (!m->ended && m->base + (int64_t)m->n < until) {
        int64_t drop = at - m->base;
        if (drop > (int64_t)m->n) drop = (int64_t)m->n;
        if (drop > 0) {
            m->n -= (size_t)drop;
            memmove(m->samples, m->samples + drop, m->n * sizeof *m->samples);
            m->base += drop;
        }
        size_t n = 0;
        AKIN_TRY(decoder_read(m->source, m->samples + m->n,
                              m->cap - m->n < BLOCK ? m->cap - m->n : BLOCK, &n,
                              err));
        m->n += n;
        m->ended = n == 0;
    }
    return AKIN_OK;
}

static akin_status run(maker *m, akin_error *err)
{
    int64_t half = m->n_fft / 2;
    m->base = m->start > half ? m->start - half : 0;
    AKIN_TRY(decoder_seek(m->source, m->base, err));
    for (uint32_t column = 0; column < m->out->width; column++)
        for (uint32_t i = 0; i < m->n_moments; i++) {
            double moment = (column + (i + 0.5) / m->n_moments) * m->n_column;
            int64_t at = m->start + llround(moment) - half;
            AKIN_TRY(read_until(m, at, at + m->n_fft, err));
            transform(m, at);
            put_column(m, column);
        }
    return AKIN_OK;
}

akin_status akin_spectrogram_make(const char *path, const akin_spectrogram_options *spec,
                             akin_spectrogram *out, akin_error *err)
{
    maker m = {.out = out};
    akin_status status = AKIN_OK;
    *out = (akin_spectrogram){0};
    AKIN_TRYG(check(spec, err));
    AKIN_TRYG(decoder_open(path, &m.source, err));
    status = place(&m, spec, err);
    if (status == AKIN_OK) status = new_tables(&m, spec->mel, err);
    if (status == AKIN_OK) status = run(&m, err);
    if (status == AKIN_ENOTFOUND)
        error_prefix(err, status, "'%s'", path);
done:
    if (status != AKIN_OK) akin_spectrogram_clear(out);
    av_tx_uninit(&m.tx);
    decoder_close(m.source);
    mem_free(m.samples);
    mem_free(m.window);
    mem_free(m.power);
    mem_free(m.rows);
    mem_free_aligned(m.in);
    mem_free_aligned(m.spectrum);
    return status;
}

void akin_spectrogram_clear(akin_spectrogram *s)
{
    mem_free(s->levels);
    *s = (akin_spectrogram){0};
}
