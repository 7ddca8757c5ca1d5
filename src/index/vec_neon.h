/* SPDX-License-Identifier: MIT
 * Eight float32 in two registers of arm64, for the kernels that include it. */
#ifndef INDEX_VEC_NEON_H
#define INDEX_VEC_NEON_H

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

static inline vec vec_add(vec a, vec b)
{
    return (vec){vaddq_f32(a.lo, b.lo), vaddq_f32(a.hi, b.hi)};
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

static inline float vec_sum(vec a) { return vaddvq_f32(add_halves(a)); }

static inline void vec_sum4(vec a, vec b, vec c, vec d, float *out)
{
    vst1q_f32(out, vpaddq_f32(vpaddq_f32(add_halves(a), add_halves(b)),
                              vpaddq_f32(add_halves(c), add_halves(d))));
}

/* The first n < VEC_N values, zeros behind them; reads no byte more. */
static inline vec vec_load_part(const float *p, size_t n)
{
    float part[VEC_N] = {0};
    memcpy(part, p, n * sizeof *part);
    return vec_load(part);
}

#endif
