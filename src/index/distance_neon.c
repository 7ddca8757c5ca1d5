/* SPDX-License-Identifier: MIT
 * Kernels for arm64; the conversions are part of its baseline. */
#include <string.h>

#include "index/vec_neon.h"

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

static inline vec vec_load_half_part(const unsigned char *p, size_t n)
{
    unsigned char part[2 * VEC_N] = {0};
    memcpy(part, p, 2 * n);
    return vec_load_half(part);
}

#define DISTANCE_TABLE distance_neon
#include "index/distance_int.h"
