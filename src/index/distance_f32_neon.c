/* SPDX-License-Identifier: MIT
 * Float32 kernels for arm64. */
#include <stdint.h>
#include <string.h>

#include "index/vec_neon.h"

#define TILE_QUERIES 4
#define TILE_PANELS 3

static inline vec vec_set1(float x)
{
    return (vec){vdupq_n_f32(x), vdupq_n_f32(x)};
}

/* c - a * b */
static inline vec vec_fnma(vec a, vec b, vec c)
{
    return (vec){vfmsq_f32(c.lo, a.lo, b.lo), vfmsq_f32(c.hi, a.hi, b.hi)};
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

static void pack(const float *rows, size_t n, size_t dim, float *panel)
{
    for (size_t k = 0; k < dim; k++)
        for (size_t r = 0; r < VEC_N; r++)
            panel[k * VEC_N + r] = r < n ? rows[r * dim + k] : 0;
}

#define DISTANCE_TABLE distance_f32_neon
#include "index/distance_f32_int.h"
