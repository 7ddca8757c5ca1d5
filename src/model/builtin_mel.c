/* SPDX-License-Identifier: MIT
 * The built-in sound model `mel`; tools/fit_mel.py is its specification.
 *
 * The bits of an embedding are the same on every machine: only + - * / and
 * square roots, in a fixed order and never fused; the logarithm is our own and
 * every sine comes from a table in the constants. For speed the work is laid
 * out in rows of 16 lanes (frames, bands or frequencies) that compilers turn
 * into vector code, and it is compiled once for each instruction set. */
#include "model/builtin_mel.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"
#include "model/fft_lanes.h"

enum {
    FFT = 1024,
    HALF = FFT / 2,
    HOP = 480,
    FRAMES = MEL_WINDOW_SAMPLES / HOP,
    FRAME_ROWS = (FRAMES + LANES - 1) / LANES, /* the last is not full */
    LEAD = (FFT - HOP) / 2, /* zeros before the window: frames are centred */
    BANDS = 64,
    BAND_ROWS = BANDS / LANES,
    MAX_WEIGHTS = 2048,

    RANKS = 5,
    LAGS = 3,
    RHYTHM = 256,
    RHYTHM_BINS = 20,
    PATCH = 64, /* frames */
    PATCH_HOP = 32,
    PATCHES = 8,
    PATCH_BANDS = 32,
    HEIGHTS = 3,
    SPECTRAL = 12, /* frequencies across bands kept: -11 .. 11 */
    TEXTURE = SPECTRAL + (LANES - 1) * (2 * SPECTRAL - 1),
    FEATURES = RANKS * BANDS + LAGS * 3 * BANDS + 3 * BANDS +
               RHYTHM_BINS * LANES + HEIGHTS * TEXTURE
};

static const float power_floor = 1e-6f;
static const int level_ranks[RANKS] = {15, 75, 150, 224, 284};
static const int change_lags[LAGS] = {1, 4, 16};

/* ---- the constants ---- */

extern const unsigned char builtin_mel_data[];
extern const uint64_t builtin_mel_data_bytes;

/* The head of mel.bin. */
typedef struct mel_header {
    char magic[8];
    char identity[24];
    uint32_t version, rate_hz, window_samples, fft, hop, frames, bands;
    uint32_t features, dim, weights, rhythm_bins, bytes, reserved[4];
} mel_header;

typedef struct spectra { /* of 16 frames, by frequency */
    lanes re[HALF], im[HALF];
    lanes power[HALF + 1];
} spectra;

typedef struct patches { /* time spectra of the patches of 64 frames */
    lanes re[PATCHES][BANDS], im[PATCHES][BANDS]; /* lane: frequency in time */
} patches;

struct mel {
    void (*embed)(mel *m, const float *samples, float *out);

    float circle[FFT_CIRCLE];
    uint16_t first_bin[BANDS], n_bins[BANDS];
    float weights[MAX_WEIGHTS];
    uint16_t rhythm_edges[RHYTHM_BINS + 1];
    float mean[FEATURES], inverse[FEATURES];
    float scale[MEL_DIM];
    const int8_t *projection; /* [FEATURES][MEL_DIM] */

    float window[FFT], rhythm_window[RHYTHM], patch_window[PATCH];
    float band_window[PATCH_BANDS];
    float window_spectrum[2][2]; /* of patch_window: (re, im) of 0 and 1 */
    uint16_t row_half[HALF], row_rhythm[RHYTHM], row_patch[PATCH];
    uint16_t row_bands[PATCH_BANDS];

    _Alignas(64) float samples[(FRAME_ROWS * LANES - 1) * HOP + FFT];
    lanes level[FRAME_ROWS * LANES][BAND_ROWS]; /* log power, by frame */
    lanes power[BAND_ROWS];                     /* mean over time */
    float features[FEATURES];
    union {
        spectra spectra;
        lanes sorted[FRAMES];
        struct {
            lanes re[RHYTHM], im[RHYTHM];
        } rhythm;
        patches patches;
    } scratch;
};

static const unsigned char *mel_take(void *to, const unsigned char *from,
                                     size_t n)
{
    memcpy(to, from, n);
    return from + n;
}

static bool mel_header_fits(const mel_header *h)
{
    return memcmp(h->magic, "AKMEL\0\0", 8) == 0 && h->version == 1 &&
           h->rate_hz == MEL_RATE_HZ &&
           h->window_samples == MEL_WINDOW_SAMPLES && h->fft == FFT &&
           h->hop == HOP && h->frames == FRAMES && h->bands == BANDS &&
           h->features == FEATURES && h->dim == MEL_DIM &&
           h->weights <= MAX_WEIGHTS && h->rhythm_bins == RHYTHM_BINS &&
           h->bytes == builtin_mel_data_bytes;
}

static bool mel_load(mel *m)
{
    mel_header h;
    const unsigned char *at = mel_take(&h, builtin_mel_data, sizeof h);
    if (!mel_header_fits(&h)) return false;
    at = mel_take(m->circle, at, sizeof m->circle);
    at = mel_take(m->first_bin, at, sizeof m->first_bin);
    at = mel_take(m->n_bins, at, sizeof m->n_bins);
    at = mel_take(m->weights, at, h.weights * sizeof *m->weights);
    at = mel_take(m->rhythm_edges, at, sizeof m->rhythm_edges);
    at += sizeof m->rhythm_edges % 4;
    at = mel_take(m->mean, at, sizeof m->mean);
    at = mel_take(m->inverse, at, sizeof m->inverse);
    at = mel_take(m->scale, at, sizeof m->scale);
    m->projection = (const int8_t *)at;
    return at + sizeof(int8_t[FEATURES][MEL_DIM]) ==
           builtin_mel_data + builtin_mel_data_bytes;
}

const char *mel_identity(void)
{
    return (const char *)builtin_mel_data + offsetof(mel_header, identity);
}

/* Hann window whose samples lie half a step in from its ends. */
static void mel_hann(const float *circle, float *out, int n)
{
    for (int i = 0; i < n; i++)
        out[i] = 0.5f - 0.5f * circle_cos(circle, (2 * i + 1) * (1024 / n));
}

static void mel_rows(uint16_t *out, int n)
{
    for (int k = 0; k < n; k++)
        out[k] = (uint16_t)fft_row(n, k);
}

static void mel_tables(mel *m)
{
    mel_hann(m->circle, m->window, FFT);
    mel_hann(m->circle, m->rhythm_window, RHYTHM);
    mel_hann(m->circle, m->patch_window, PATCH);
    for (int b = 0; b < PATCH_BANDS; b++)
        m->band_window[b] = circle_sin(m->circle, (2 * b + 1) * 16);
    for (int k = 0; k < 2; k++) {
        for (int t = 0; t < PATCH; t++) {
            int angle = k * t * (FFT_CIRCLE / PATCH);
            m->window_spectrum[k][0] +=
                m->patch_window[t] * circle_cos(m->circle, angle);
            m->window_spectrum[k][1] -=
                m->patch_window[t] * circle_sin(m->circle, angle);
        }
    }
    mel_rows(m->row_half, HALF);
    mel_rows(m->row_rhythm, RHYTHM);
    mel_rows(m->row_patch, PATCH);
    mel_rows(m->row_bands, PATCH_BANDS);
}

/* ---- samples -> log power by frame and band ---- */

/* Writes the samples to m->samples without offset and with a peak between 1/2
 * and 1; the power of two keeps every ratio exact. Silence gives zeros. */
LANES_INLINE void mel_condition(mel *m, const float *samples)
{
    enum { N = MEL_WINDOW_SAMPLES };
    float *x = m->samples + LEAD;
    uint32_t peaks[LANES] = {0};
    for (int i = 0; i < N; i += LANES) {
        uint32_t bits[LANES];
        memcpy(bits, samples + i, sizeof bits);
        LANES_EACH
        {
            uint32_t size = bits[l] & 0x7fffffffu;
            size = size < 0x7f800000u ? size : 0;
            bits[l] = size ? bits[l] : 0;
            peaks[l] = size > peaks[l] ? size : peaks[l];
        }
        memcpy(x + i, bits, sizeof bits);
    }
    uint32_t peak = 0;
    for (int l = 0; l < LANES; l++)
        peak = peaks[l] > peak ? peaks[l] : peak;
    int exponent = (int)(peak >> 23) - 126;
    if (exponent <= -100) {
        memset(x, 0, N * sizeof *x);
        return;
    }
    /* Two factors: 2^-128 alone would be a denormal number. */
    int half = exponent / 2;
    uint32_t factor_bits[2] = {(uint32_t)(127 - half) << 23,
                               (uint32_t)(127 - (exponent - half)) << 23};
    float factor[2];
    memcpy(factor, factor_bits, sizeof factor);
    double sums[LANES] = {0}, sum = 0;
    for (int i = 0; i < N; i += LANES) {
        LANES_EACH
        {
            x[i + l] = x[i + l] * factor[0] * factor[1];
            sums[l] += (double)x[i + l];
        }
    }
    for (int l = 0; l < LANES; l++)
        sum += sums[l];
    float offset = (float)(sum / N);
    for (int i = 0; i < N; i += LANES)
        LANES_EACH x[i + l] -= offset;
}

/* Power spectra of the 16 frames from `frame` on: a real transform as a
 * complex one of half the length, even samples real and odd ones imaginary. */
LANES_INLINE void mel_spectra(mel *m, int frame)
{
    spectra *s = &m->scratch.spectra;
    /* Row by row: frame by frame, 40% of all time went into these writes. */
    for (int i = 0; i < HALF; i++) {
        const float *x = m->samples + frame * HOP + 2 * i;
        float even = m->window[2 * i], odd = m->window[2 * i + 1];
        LANES_EACH s->re[i].at[l] = x[l * HOP] * even;
        LANES_EACH s->im[i].at[l] = x[l * HOP + 1] * odd;
    }
    fft_lanes(m->circle, HALF, s->re, s->im);
    for (int k = 0; k <= HALF / 2; k++) {
        int row = m->row_half[k], mirror = m->row_half[(HALF - k) % HALF];
        const lanes *ar = &s->re[row], *ai = &s->im[row];
        const lanes *br = &s->re[mirror], *bi = &s->im[mirror];
        lanes *low = &s->power[k], *high = &s->power[HALF - k];
        float c = circle_cos(m->circle, 2 * k);
        float d = circle_sin(m->circle, 2 * k);
        LANES_EACH
        {
            float even_re = 0.5f * (ar->at[l] + br->at[l]);
            float even_im = 0.5f * (ai->at[l] - bi->at[l]);
            float odd_re = 0.5f * (ai->at[l] + bi->at[l]);
            float odd_im = 0.5f * (br->at[l] - ar->at[l]);
            float turned_re = odd_re * c + odd_im * d;
            float turned_im = odd_im * c - odd_re * d;
            float lr = even_re + turned_re, li = even_im + turned_im;
            float hr = even_re - turned_re, hi = even_im - turned_im;
            high->at[l] = hr * hr + hi * hi;
            low->at[l] = lr * lr + li * li;
        }
    }
}

/* Adds up the bands; returns the power of the loudest of the 16 frames. */
LANES_INLINE float mel_bands(mel *m, int frame)
{
    const lanes *power = m->scratch.spectra.power;
    const float *weight = m->weights;
    lanes total = {{0}};
    for (int b = 0; b < BANDS; b++) {
        lanes sum = {{0}};
        for (int i = 0; i < m->n_bins[b]; i++) {
            const lanes *p = &power[m->first_bin[b] + i];
            float w = *weight++;
            LANES_EACH sum.at[l] += w * p->at[l];
        }
        LANES_EACH total.at[l] += sum.at[l];
        for (int l = 0; l < LANES; l++)
            m->level[frame + l][b / LANES].at[b % LANES] = sum.at[l];
    }
    float loudest = 0;
    for (int l = 0; l < LANES && frame + l < FRAMES; l++)
        loudest = total.at[l] > loudest ? total.at[l] : loudest;
    return loudest;
}

/* Natural logarithm of numbers from 1 up, to 2e-7 of its size: exponent
 * times ln 2 plus the series in (m - 1) / (m + 1) of the mantissa. */
LANES_INLINE void lanes_log(lanes *x)
{
    LANES_EACH
    {
        union {
            float f;
            int32_t i;
        } u = {.f = x->at[l]};
        /* 0x3f3504f3 is sqrt(1/2): mantissas from there to sqrt(2). */
        int32_t exponent = (u.i - 0x3f3504f3) >> 23;
        u.i -= exponent * (1 << 23);
        float s = (u.f - 1.0f) / (u.f + 1.0f), s2 = s * s;
        float series = s2 * (1.0f / 3 + s2 * (1.0f / 5 +
                       s2 * (1.0f / 7 + s2 * (1.0f / 9))));
        x->at[l] = (float)exponent * 0.693147182f + 2.0f * (s + s * series);
    }
}

LANES_INLINE void mel_levels(mel *m, const float *samples)
{
    float loudest = 1e-30f;
    mel_condition(m, samples);
    for (int t = 0; t < FRAME_ROWS * LANES; t += LANES) {
        mel_spectra(m, t);
        float power = mel_bands(m, t);
        loudest = power > loudest ? power : loudest;
    }
    float unit = loudest * power_floor; /* levels are exactly 0 in silence */
    for (int r = 0; r < BAND_ROWS; r++) {
        lanes sum = {{0}};
        for (int t = 0; t < FRAMES; t++) {
            lanes *x = &m->level[t][r];
            LANES_EACH
            {
                float power = x->at[l] / unit;
                sum.at[l] += power;
                x->at[l] = power + 1.0f;
            }
            lanes_log(x);
        }
        LANES_EACH m->power[r].at[l] = sum.at[l] * (1.0f / FRAMES);
    }
}

/* ---- log power -> features ---- */

/* Sorts the rows lane by lane: merge exchange, Knuth 5.2.2 algorithm M. */
LANES_INLINE void lanes_sort(lanes *rows, int n)
{
    int top = 1;
    while (2 * top < n)
        top *= 2;
    for (int p = top; p > 0; p /= 2) {
        int r = 0, d = p;
        for (int q = top; q >= p; q /= 2) {
            for (int i = 0; i < n - d; i++) {
                if ((i & p) != r) continue;
                float *restrict a = rows[i].at, *restrict b = rows[i + d].at;
                LANES_EACH
                {
                    float low = b[l] < a[l] ? b[l] : a[l];
                    float high = b[l] < a[l] ? a[l] : b[l];
                    a[l] = low;
                    b[l] = high;
                }
            }
            d = q - p;
            r = p;
        }
    }
}

LANES_INLINE float *mel_quantiles(mel *m, float *out)
{
    for (int r = 0; r < BAND_ROWS; r++) {
        lanes *sorted = m->scratch.sorted;
        for (int t = 0; t < FRAMES; t++)
            sorted[t] = m->level[t][r];
        lanes_sort(sorted, FRAMES);
        for (int i = 0; i < RANKS; i++)
            memcpy(out + i * BANDS + r * LANES, sorted[level_ranks[i]].at,
                   sizeof(lanes));
    }
    return out + RANKS * BANDS;
}

LANES_INLINE float *mel_changes(const mel *m, float *out)
{
    for (int i = 0; i < LAGS; i++, out += 3 * BANDS) {
        int lag = change_lags[i];
        float n = (float)(FRAMES - lag);
        for (int r = 0; r < BAND_ROWS; r++) {
            lanes rise2 = {{0}}, fall2 = {{0}}, rise1 = {{0}};
            for (int t = 0; t < FRAMES - lag; t++) {
                const float *from = m->level[t][r].at;
                const float *to = m->level[t + lag][r].at;
                LANES_EACH
                {
                    float d = to[l] - from[l];
                    float rise = d > 0 ? d : 0, fall = d < 0 ? d : 0;
                    rise2.at[l] += rise * rise;
                    fall2.at[l] += fall * fall;
                    rise1.at[l] += rise;
                }
            }
            float *to = out + r * LANES;
            LANES_EACH
            {
                to[l] = sqrtf(rise2.at[l] / n);
                to[BANDS + l] = sqrtf(fall2.at[l] / n);
                to[2 * BANDS + l] = rise1.at[l] / n;
            }
        }
    }
    return out;
}

/* Mean power, skewness and kurtosis over time; 0.1 keeps the last two quiet in
 * bands where nothing happens. */
LANES_INLINE float *mel_shape(const mel *m, float *out)
{
    for (int r = 0; r < BAND_ROWS; r++) {
        lanes mean = {{0}}, sum2 = {{0}}, sum3 = {{0}}, sum4 = {{0}};
        lanes power = m->power[r];
        for (int t = 0; t < FRAMES; t++)
            LANES_EACH mean.at[l] += m->level[t][r].at[l];
        LANES_EACH mean.at[l] *= 1.0f / FRAMES;
        for (int t = 0; t < FRAMES; t++) {
            const float *x = m->level[t][r].at;
            LANES_EACH
            {
                float d = x[l] - mean.at[l], d2 = d * d;
                sum2.at[l] += d2;
                sum3.at[l] += d2 * d;
                sum4.at[l] += d2 * d2;
            }
        }
        LANES_EACH power.at[l] += 1.0f;
        lanes_log(&power);
        float *to = out + r * LANES;
        LANES_EACH
        {
            float deviation = sqrtf(sum2.at[l] * (1.0f / FRAMES)) + 0.1f;
            float square = deviation * deviation;
            to[l] = power.at[l];
            to[BANDS + l] = sum3.at[l] * (1.0f / FRAMES) / (square * deviation);
            to[2 * BANDS + l] = sqrtf(sum4.at[l] * (1.0f / FRAMES)) / square;
        }
    }
    return out + 3 * BANDS;
}

/* One transform for both halves: the first 256 frames are its real part, the
 * last 256 its imaginary part. */
LANES_INLINE float *mel_rhythm(mel *m, float *out)
{
    lanes *re = m->scratch.rhythm.re, *im = m->scratch.rhythm.im;
    lanes mean[2] = {{{0}}, {{0}}};
    for (int t = 0; t < FRAMES; t++) {
        lanes g;
        for (int l = 0; l < LANES; l++) { /* groups of four bands */
            const float *b = m->level[t][l / 4].at + l % 4 * 4;
            g.at[l] = 0.25f * ((b[0] + b[1]) + (b[2] + b[3]));
        }
        if (t < RHYTHM) {
            re[t] = g;
            LANES_EACH mean[0].at[l] += g.at[l];
        }
        if (t >= FRAMES - RHYTHM) {
            im[t - (FRAMES - RHYTHM)] = g;
            LANES_EACH mean[1].at[l] += g.at[l];
        }
    }
    LANES_EACH mean[0].at[l] *= 1.0f / RHYTHM;
    LANES_EACH mean[1].at[l] *= 1.0f / RHYTHM;
    for (int t = 0; t < RHYTHM; t++) {
        float w = m->rhythm_window[t];
        LANES_EACH re[t].at[l] = (re[t].at[l] - mean[0].at[l]) * w;
        LANES_EACH im[t].at[l] = (im[t].at[l] - mean[1].at[l]) * w;
    }
    fft_lanes(m->circle, RHYTHM, re, im);
    for (int i = 0; i < RHYTHM_BINS; i++, out += LANES) {
        int low = m->rhythm_edges[i], high = m->rhythm_edges[i + 1];
        lanes sum = {{0}};
        for (int k = low; k < high; k++) {
            int a = m->row_rhythm[k], b = m->row_rhythm[RHYTHM - k];
            LANES_EACH
            {
                float xr = re[a].at[l] + re[b].at[l];
                float xi = im[a].at[l] - im[b].at[l];
                float yr = im[a].at[l] + im[b].at[l];
                float yi = re[b].at[l] - re[a].at[l];
                sum.at[l] += sqrtf(xr * xr + xi * xi) +
                             sqrtf(yr * yr + yi * yi);
            }
        }
        float share = 0.25f / (float)(high - low);
        LANES_EACH out[l] = sqrtf(sum.at[l] * share);
    }
    return out;
}

/* Time spectra of two patches, one real and one imaginary, in 16 bands; the
 * offsets are taken off first. */
LANES_INLINE void mel_patch_pair(mel *m, int patch, int r,
                                 const float offset[2])
{
    patches *p = &m->scratch.patches;
    lanes re[PATCH], im[PATCH];
    for (int t = 0; t < PATCH; t++) {
        const lanes *a = &m->level[patch * PATCH_HOP + t][r];
        const lanes *b = &m->level[(patch + 1) * PATCH_HOP + t][r];
        float w = m->patch_window[t];
        LANES_EACH re[t].at[l] = (a->at[l] - offset[0]) * w;
        LANES_EACH im[t].at[l] = (b->at[l] - offset[1]) * w;
    }
    fft_lanes(m->circle, PATCH, re, im);
    lanes *first_re = p->re[patch] + r * LANES;
    lanes *first_im = p->im[patch] + r * LANES;
    lanes *second_re = p->re[patch + 1] + r * LANES;
    lanes *second_im = p->im[patch + 1] + r * LANES;
    for (int k = 0; k < LANES; k++) {
        int a = m->row_patch[k], b = m->row_patch[(PATCH - k) % PATCH];
        for (int l = 0; l < LANES; l++) {
            first_re[l].at[k] = 0.5f * (re[a].at[l] + re[b].at[l]);
            first_im[l].at[k] = 0.5f * (im[a].at[l] - im[b].at[l]);
            second_re[l].at[k] = 0.5f * (im[a].at[l] + im[b].at[l]);
            second_im[l].at[k] = 0.5f * (re[b].at[l] - re[a].at[l]);
        }
    }
}

/* Mean level of a patch at each height (its bands low to low + 32). */
LANES_INLINE void mel_patch_means(const mel *m, int patch, float out[HEIGHTS])
{
    lanes sum[BAND_ROWS] = {{{0}}};
    for (int t = 0; t < PATCH; t++)
        for (int r = 0; r < BAND_ROWS; r++)
            LANES_EACH sum[r].at[l] += m->level[patch * PATCH_HOP + t][r].at[l];
    float row[BAND_ROWS];
    for (int r = 0; r < BAND_ROWS; r++) {
        row[r] = 0;
        for (int l = 0; l < LANES; l++)
            row[r] += sum[r].at[l];
    }
    for (int h = 0; h < HEIGHTS; h++)
        out[h] = (row[h] + row[h + 1]) * (1.0f / (PATCH * PATCH_BANDS));
}

/* Adds the magnitudes of one patch at one height: [SPECTRAL] for spectral
 * frequencies up from 0, then [SPECTRAL - 1] from -1 down. `mean` is what the
 * patch's offset left: through the window, it shows at time frequencies 0 and
 * 1 only. */
LANES_INLINE void mel_patch_add(const mel *m, int patch, int h, float mean,
                                lanes *sum)
{
    const patches *p = &m->scratch.patches;
    lanes re[PATCH_BANDS], im[PATCH_BANDS], mean_re = {{0}}, mean_im = {{0}};
    for (int k = 0; k < 2; k++) {
        mean_re.at[k] = mean * m->window_spectrum[k][0];
        mean_im.at[k] = mean * m->window_spectrum[k][1];
    }
    for (int b = 0; b < PATCH_BANDS; b++) {
        const lanes *fr = &p->re[patch][h * LANES + b];
        const lanes *fi = &p->im[patch][h * LANES + b];
        float w = m->band_window[b];
        LANES_EACH re[b].at[l] = (fr->at[l] - mean_re.at[l]) * w;
        LANES_EACH im[b].at[l] = (fi->at[l] - mean_im.at[l]) * w;
    }
    fft_lanes(m->circle, PATCH_BANDS, re, im);
    for (int s = 0; s < 2 * SPECTRAL - 1; s++) {
        int k = s < SPECTRAL ? s : PATCH_BANDS - 1 - (s - SPECTRAL);
        const float *x = re[m->row_bands[k]].at, *y = im[m->row_bands[k]].at;
        LANES_EACH sum[s].at[l] += sqrtf(x[l] * x[l] + y[l] * y[l]);
    }
}

LANES_INLINE float *mel_texture(mel *m, float *out)
{
    float means[PATCHES][HEIGHTS];
    for (int p = 0; p < PATCHES; p++)
        mel_patch_means(m, p, means[p]);
    for (int p = 0; p < PATCHES; p += 2) {
        const float offset[2] = {means[p][1], means[p + 1][1]};
        for (int r = 0; r < BAND_ROWS; r++)
            mel_patch_pair(m, p, r, offset);
    }
    for (int h = 0; h < HEIGHTS; h++) {
        lanes sum[2 * SPECTRAL - 1] = {{{0}}};
        for (int p = 0; p < PATCHES; p++)
            mel_patch_add(m, p, h, means[p][h] - means[p][1], sum);
        for (int s = 0; s < 2 * SPECTRAL - 1; s++)
            LANES_EACH sum[s].at[l] = sqrtf(sum[s].at[l] * (1.0f / PATCHES));
        for (int s = 0; s < SPECTRAL; s++)
            *out++ = sum[s].at[0];
        for (int k = 1; k < LANES; k++) {
            for (int s = 1; s < SPECTRAL; s++) /* from -11 up to -1 */
                *out++ = sum[2 * SPECTRAL - 1 - s].at[k];
            for (int s = 0; s < SPECTRAL; s++)
                *out++ = sum[s].at[k];
        }
    }
    return out;
}

/* ---- features -> embedding ---- */

LANES_INLINE void mel_project(const mel *m, float *out)
{
    float sum[MEL_DIM] = {0};
    for (int f = 0; f < FEATURES; f++) {
        float z = (m->features[f] - m->mean[f]) * m->inverse[f];
        const int8_t *row = m->projection + (size_t)f * MEL_DIM;
        _Pragma("omp simd") for (int d = 0; d < MEL_DIM; d++)
            sum[d] += z * (float)row[d];
    }
    double square = 0;
    for (int d = 0; d < MEL_DIM; d++) {
        sum[d] *= m->scale[d];
        square += (double)sum[d] * (double)sum[d];
    }
    double length = sqrt(square);
    for (int d = 0; d < MEL_DIM; d++)
        out[d] = (float)((double)sum[d] / length);
}

LANES_INLINE void mel_embed_here(mel *m, const float *samples, float *out)
{
    mel_levels(m, samples);
    float *end = mel_quantiles(m, m->features);
    end = mel_changes(m, end);
    end = mel_shape(m, end);
    end = mel_rhythm(m, end);
    end = mel_texture(m, end);
    assert(end == m->features + FEATURES);
    (void)end;
    mel_project(m, out);
}

/* ---- one compilation for each instruction set ---- */

static void mel_embed_default(mel *m, const float *samples, float *out)
{
    mel_embed_here(m, samples, out);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void
mel_embed_avx2(mel *m, const float *samples, float *out)
{
    mel_embed_here(m, samples, out);
}

__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))) static void
mel_embed_avx512(mel *m, const float *samples, float *out)
{
    mel_embed_here(m, samples, out);
}
#endif

bool mel_use_instructions(mel *m, const char *name)
{
    if (strcmp(name, "default") == 0) m->embed = mel_embed_default;
#if defined(__x86_64__)
    else if (strcmp(name, "avx2") == 0 && __builtin_cpu_supports("avx2"))
        m->embed = mel_embed_avx2;
    else if (strcmp(name, "avx512") == 0 &&
             __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl"))
        m->embed = mel_embed_avx512;
#endif
    else
        return false;
    return true;
}

akin_status mel_new(mel **out, akin_error *err)
{
    mel *m = mem_aligned(sizeof *m);
    if (!m)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the sound model");
    if (!mel_load(m)) {
        mem_free_aligned(m);
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "the constants of the built-in model 'mel' don't fit "
                         "this version of akin");
    }
    mel_tables(m);
    if (!mel_use_instructions(m, "avx512") && !mel_use_instructions(m, "avx2"))
        mel_use_instructions(m, "default");
    *out = m;
    return AKIN_OK;
}

void mel_free(mel *m) { mem_free_aligned(m); }

void mel_embed(mel *m, const float *samples, float *out)
{
    m->embed(m, samples, out);
}
