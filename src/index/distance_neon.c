/* SPDX-License-Identifier: MIT
 * Kernels for arm64; the conversions are part of its baseline. */
#include <arm_neon.h>
#include <string.h>

/* Two registers, so that each accumulator is two chains. */
#define VEC_N 8
typedef struct vec {
    float32x4_t lo, hi;
} vec;

static inline vec vec_zero(void)
{
    return (vec){vdupq_n_f32(0), vdupq_n_f32(0)};
}

static inline vec vec_load(const float *p)
{
    return (vec){vld1q_f32(p), vld1q_f32(p + 4)};
}

static inline void vec_store(float *p, vec v)
{
    vst1q_f32(p, v.lo);
    vst1q_f32(p + 4, v.hi);
}

static inline vec vec_sub(vec a, vec b)
{
    return (vec){vsubq_f32(a.lo, b.lo), vsubq_f32(a.hi, b.hi)};
}

static inline vec vec_fma(vec a, vec b, vec c)
{
    return (vec){vfmaq_f32(c.lo, a.lo, b.lo), vfmaq_f32(c.hi, a.hi, b.hi)};
}

static inline float32x4_t add_halves(vec v) { return vaddq_f32(v.lo, v.hi); }

static inline void vec_sum4(vec a, vec b, vec c, vec d, float *out)
{
    vst1q_f32(out, vpaddq_f32(vpaddq_f32(add_halves(a), add_halves(b)),
                              vpaddq_f32(add_halves(c), add_halves(d))));
}

/* Bytes are loaded as bytes: the rows need no alignment. */
static inline vec vec_load_half(const unsigned char *p)
{
    float16x8_t h = vreinterpretq_f16_u8(vld1q_u8(p));
    return (vec){vcvt_f32_f16(vget_low_f16(h)), vcvt_f32_f16(vget_high_f16(h))};
}

static inline void vec_store_half(unsigned char *p, vec v)
{
    float16x8_t h = vcombine_f16(vcvt_f16_f32(v.lo), vcvt_f16_f32(v.hi));
    vst1q_u8(p, vreinterpretq_u8_f16(h));
}

/* The first n < VEC_N values, zeros behind them; reads no byte more. */
static inline vec vec_load_part(const float *p, size_t n)
{
    float part[VEC_N] = {0};
    memcpy(part, p, n * sizeof *part);
    return vec_load(part);
}

static inline vec vec_load_half_part(const unsigned char *p, size_t n)
{
    unsigned char part[2 * VEC_N] = {0};
    memcpy(part, p, 2 * n);
    return vec_load_half(part);
}

#define DISTANCE_ISA "neon"
#define DISTANCE_TABLE distance_neon
#include "index/distance_int.h"
