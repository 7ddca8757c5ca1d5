/* SPDX-License-Identifier: MIT
 * Samples of any format as the float32 mean of their channels, or the first
 * of them. Integers are divided by their full scale; channels are added in
 * order, then divided by their number. Plain loops that the compiler
 * vectorises: one channel or planes, two interleaved channels, and any other
 * number. */
#include <libavutil/samplefmt.h>
#include <string.h>

#include "media/decode_int.h"

typedef struct mix_source {
    const uint8_t *const *planes;
    size_t first, n, n_channels;
    bool planar;
} mix_source;

#define MIX_DEFINE(name, type, to_float)                                       \
    static inline float name##_to_float(type x) { return to_float; }           \
                                                                               \
    static void name##_plane(const type *restrict in, size_t n, bool add,      \
                             float *restrict out)                              \
    {                                                                          \
        if (add) {                                                             \
            for (size_t i = 0; i < n; i++) out[i] += name##_to_float(in[i]);   \
        } else {                                                               \
            for (size_t i = 0; i < n; i++) out[i] = name##_to_float(in[i]);    \
        }                                                                      \
    }                                                                          \
                                                                               \
    static void name##_pairs(const type *restrict in, size_t n,                \
                             float *restrict out)                              \
    {                                                                          \
        for (size_t i = 0; i < n; i++)                                         \
            out[i] = (name##_to_float(in[2 * i]) +                             \
                      name##_to_float(in[2 * i + 1])) *                        \
                     0.5f;                                                     \
    }                                                                          \
                                                                               \
    static void name##_many(const type *restrict in, size_t n,                 \
                            size_t n_channels, float *restrict out)            \
    {                                                                          \
        for (size_t i = 0; i < n; i++) {                                       \
            float sum = 0;                                                     \
            for (size_t c = 0; c < n_channels; c++)                            \
                sum += name##_to_float(in[i * n_channels + c]);                \
            out[i] = sum / (float)n_channels;                                  \
        }                                                                      \
    }                                                                          \
                                                                               \
    static void pick_##name(const mix_source *s, float *out)                   \
    {                                                                          \
        const type *in = (const type *)(const void *)s->planes[0];             \
        size_t step = s->planar ? 1 : s->n_channels;                           \
        in += step * s->first;                                                 \
        for (size_t i = 0; i < s->n; i++)                                      \
            out[i] = name##_to_float(in[i * step]);                            \
    }                                                                          \
                                                                               \
    static void mix_##name(const mix_source *s, float *out)                    \
    {                                                                          \
        const type *in = (const type *)(const void *)s->planes[0];             \
        if (!s->planar && s->n_channels == 2) {                                \
            name##_pairs(in + 2 * s->first, s->n, out);                        \
        } else if (!s->planar && s->n_channels > 2) {                          \
            name##_many(in + s->n_channels * s->first, s->n, s->n_channels,    \
                        out);                                                  \
        } else {                                                               \
            for (size_t c = 0; c < s->n_channels; c++) {                       \
                in = (const type *)(const void *)s->planes[c];                 \
                name##_plane(in + s->first, s->n, c > 0, out);                 \
            }                                                                  \
            float n_channels = (float)s->n_channels;                           \
            if (s->n_channels > 1)                                             \
                for (size_t i = 0; i < s->n; i++) out[i] /= n_channels;        \
        }                                                                      \
    }

MIX_DEFINE(u8, uint8_t, (float)((int)x - 128) * 0x1p-7f)
MIX_DEFINE(s16, int16_t, (float)x * 0x1p-15f)
MIX_DEFINE(s32, int32_t, (float)x * 0x1p-31f)
MIX_DEFINE(s64, int64_t, (float)x * 0x1p-63f)
MIX_DEFINE(flt, float, x)
MIX_DEFINE(dbl, double, (float)x)

typedef struct mix_format {
    int format; /* FFmpeg's, interleaved */
    void (*mix)(const mix_source *source, float *out);
    void (*pick)(const mix_source *source, float *out);
} mix_format;

static const mix_format mix_formats[] = {
    {AV_SAMPLE_FMT_U8, mix_u8, pick_u8},
    {AV_SAMPLE_FMT_S16, mix_s16, pick_s16},
    {AV_SAMPLE_FMT_S32, mix_s32, pick_s32},
    {AV_SAMPLE_FMT_S64, mix_s64, pick_s64},
    {AV_SAMPLE_FMT_FLT, mix_flt, pick_flt},
    {AV_SAMPLE_FMT_DBL, mix_dbl, pick_dbl},
};

static const mix_format *mix_of(int format)
{
    int packed = av_get_packed_sample_fmt(format);
    for (size_t i = 0; i < sizeof mix_formats / sizeof *mix_formats; i++)
        if (mix_formats[i].format == packed) return &mix_formats[i];
    return NULL;
}

bool decode_mix_supports(int sample_format)
{
    return mix_of(sample_format) != NULL;
}

static mix_source mix_source_of(const AVFrame *frame, size_t first, size_t n)
{
    return (mix_source){
        .planes = (const uint8_t *const *)frame->extended_data,
        .first = first,
        .n = n,
        .n_channels = (size_t)frame->ch_layout.nb_channels,
        .planar = av_sample_fmt_is_planar(frame->format),
    };
}

void decode_mix(const AVFrame *frame, size_t first, size_t n, float *mono)
{
    const mix_source source = mix_source_of(frame, first, n);
    mix_of(frame->format)->mix(&source, mono);
}

void decode_pick(const AVFrame *frame, size_t first, size_t n, float *mono)
{
    const mix_source source = mix_source_of(frame, first, n);
    mix_of(frame->format)->pick(&source, mono);
}

size_t decode_find_not_finite(const float *mono, size_t n)
{
    /* An exponent of all ones plus one overflows into the sign bit. */
    uint32_t any = 0, bits;
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, &mono[i], sizeof bits);
        any |= (bits & 0x7fffffffu) + 0x00800000u;
    }
    if (!(any >> 31)) return n;
    for (size_t i = 0; i < n; i++) {
        memcpy(&bits, &mono[i], sizeof bits);
        if (((bits & 0x7fffffffu) + 0x00800000u) >> 31) return i;
    }
    return n;
}
