/* SPDX-License-Identifier: MIT
 * Float32 kernels for arm64. */
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

/* Two registers, so that each sum is two chains. */
#define VEC_N 8
#define TILE_QUERIES 4
#define TILE_PANELS 3
typedef struct vec {
    float32x4_t lo, hi;
} vec;

static inline vec vec_zero(void)
{
    return (vec){vdupq_n_f32(0), vdupq_n_f32(0)};
}

static inline vec vec_set1(float x)
{
    return (vec){vdupq_n_f32(x), vdupq_n_f32(x)};
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

/* c - a * b */
static inline vec vec_fnma(vec a, vec b, vec c)
{
    return (vec){vfmsq_f32(c.lo, a.lo, b.lo), vfmsq_f32(c.hi, a.hi, b.hi)};
}

/* The first n < VEC_N values, zeros behind them; reads no byte more. */
static inline vec vec_load_part(const float *p, size_t n)
{
    float part[VEC_N] = {0};
    memcpy(part, p, n * sizeof *part);
    return vec_load(part);
}

static inline vec vec_load_bytes(const uint8_t *p)
{
    uint16x8_t w = vmovl_u8(vld1_u8(p));
    return (vec){vcvtq_f32_u32(vmovl_u16(vget_low_u16(w))),
                 vcvtq_f32_u32(vmovl_u16(vget_high_u16(w)))};
}

static inline uint32_t vec_ge_bits(vec a, vec b)
{
    static const uint32_t weights[4] = {1, 2, 4, 8};
    uint32x4_t w = vld1q_u32(weights);
    return vaddvq_u32(vandq_u32(vcgeq_f32(a.lo, b.lo), w)) |
           vaddvq_u32(vandq_u32(vcgeq_f32(a.hi, b.hi), w)) << 4;
}

static inline float32x4_t add_halves(vec v) { return vaddq_f32(v.lo, v.hi); }

static inline void vec_sum4(vec a, vec b, vec c, vec d, float *out)
{
    vst1q_f32(out, vpaddq_f32(vpaddq_f32(add_halves(a), add_halves(b)),
                              vpaddq_f32(add_halves(c), add_halves(d))));
}

static void pack(const float *rows, size_t n, size_t dim, float *panel)
{
    for (size_t k = 0; k < dim; k++)
        for (size_t r = 0; r < VEC_N; r++)
            panel[k * VEC_N + r] = r < n ? rows[r * dim + k] : 0;
}

#define DISTANCE_ISA "neon"
#define DISTANCE_TABLE distance_f32_neon
#include "index/distance_f32_int.h"
