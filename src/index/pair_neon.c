/* SPDX-License-Identifier: MIT
 * Pair distances for arm64; with vdot where the compiler may use it. */
#include <stdbool.h>
#include <string.h>

#include "index/pair_int.h"
#include "index/vec_neon.h"

/* ---- floats -------------------------------------------------------------- */

enum { STEP = 2 * VEC_N };

/* 16 bytes, as bytes: vectors need no alignment. With a mask, those that it
 * has. */
FORCE_INLINE uint8x16_t load(const unsigned char *p, const unsigned char *mask)
{
    uint8x16_t x = vld1q_u8(p);
    return mask ? vandq_u8(x, vld1q_u8(mask)) : x;
}

static inline vec widen_halves(uint8x16_t x)
{
    float16x8_t h = vreinterpretq_f16_u8(x);
    return (vec){vcvt_f32_f16(vget_low_f16(h)), vcvt_f32_f16(vget_high_f16(h))};
}

/* The even ones and then the odd ones. */
static inline vec widen_bfloats(uint8x16_t x)
{
    uint32x4_t both = vreinterpretq_u32_u8(x);
    return (vec){
        vreinterpretq_f32_u32(vshlq_n_u32(both, 16)),
        vreinterpretq_f32_u32(vandq_u32(both, vdupq_n_u32(0xffff0000)))};
}

FORCE_INLINE void load_masked(akin_type type, const unsigned char *p,
                              const unsigned char *mask, vec *v)
{
    uint8x16_t x[4];
    for (size_t i = 0; i < (type == AKIN_F32 ? 4 : 2); i++)
        x[i] = load(p + 16 * i, mask ? mask + 16 * i : NULL);
    for (size_t i = 0; i < 2; i++)
        v[i] = type == AKIN_F16    ? widen_halves(x[i])
               : type == AKIN_BF16 ? widen_bfloats(x[i])
                                   : (vec){vreinterpretq_f32_u8(x[2 * i]),
                                           vreinterpretq_f32_u8(x[2 * i + 1])};
}

FORCE_INLINE void load_step(akin_type type, const unsigned char *p, vec *v)
{
    load_masked(type, p, NULL, v);
}

FORCE_INLINE void load_part(akin_type type, const unsigned char *p, size_t n,
                            bool back, vec *v)
{
    const size_t size = type == AKIN_F32 ? 4 : 2, missing = (STEP - n) * size;
    unsigned char part[2 * sizeof *v] = {0};
    if (back) {
        load_masked(type, p - missing, pair_hide(missing), v);
    } else {
        memcpy(part, p, n * size);
        load_step(type, part, v);
    }
}

static inline vec multiply_add(vec a, vec b, vec sum)
{
    return vec_fma(a, b, sum);
}

#include "index/pair_float_int.h"

/* ---- integers ------------------------------------------------------------ */

#define BYTES_N 16

typedef uint8x16_t bytes;
typedef uint32x4_t total; /* int32 by its bits */

static inline bytes load_bytes(const unsigned char *p) { return load(p, NULL); }

static inline bytes load_bytes_part(const unsigned char *p, size_t n, bool back)
{
    const size_t missing = BYTES_N - n;
    unsigned char part[BYTES_N] = {0};
    if (back) return load(p - missing, pair_hide(missing));
    memcpy(part, p, n);
    return load_bytes(part);
}

static inline bytes bytes_and(bytes a, bytes b) { return vandq_u8(a, b); }
static inline bytes bytes_xor(bytes a, bytes b) { return veorq_u8(a, b); }
static inline bytes high_nibbles(bytes a) { return vshrq_n_u8(a, 4); }

static inline bytes low_nibbles(bytes a)
{
    return vandq_u8(a, vdupq_n_u8(15));
}

static inline bytes apart_i8(bytes a, bytes b)
{
    return vreinterpretq_u8_s8(
        vabdq_s8(vreinterpretq_s8_u8(a), vreinterpretq_s8_u8(b)));
}

static inline bytes apart_u8(bytes a, bytes b) { return vabdq_u8(a, b); }

static inline total total_zero(void) { return vdupq_n_u32(0); }
static inline total total_add(total s, total t) { return vaddq_u32(s, t); }

static inline int64_t total_sum(total s)
{
    return vaddlvq_s32(vreinterpretq_s32_u32(s));
}

#if defined(__ARM_FEATURE_DOTPROD)
static inline total add_u8(bytes a, bytes b, total s)
{
    return vdotq_u32(s, a, b);
}

static inline total add_i8(bytes a, bytes b, total s)
{
    return vreinterpretq_u32_s32(vdotq_s32(vreinterpretq_s32_u32(s),
                                           vreinterpretq_s8_u8(a),
                                           vreinterpretq_s8_u8(b)));
}
#else
static inline total add_u8(bytes a, bytes b, total s)
{
    s = vpadalq_u16(s, vmull_u8(vget_low_u8(a), vget_low_u8(b)));
    return vpadalq_u16(s, vmull_high_u8(a, b));
}

static inline total add_i8(bytes a, bytes b, total s)
{
    int8x16_t x = vreinterpretq_s8_u8(a), y = vreinterpretq_s8_u8(b);
    int32x4_t t = vreinterpretq_s32_u32(s);
    t = vpadalq_s16(t, vmull_s8(vget_low_s8(x), vget_low_s8(y)));
    return vreinterpretq_u32_s32(vpadalq_s16(t, vmull_high_s8(x, y)));
}
#endif

static inline total add_bits(bytes a, total s)
{
    return vpadalq_u16(s, vpaddlq_u8(vcntq_u8(a)));
}

static inline total add_u4(bytes low_a, bytes low_b, bytes high_a, bytes high_b,
                           total s)
{
    return add_u8(high_a, high_b, add_u8(low_a, low_b, s));
}

#include "index/pair_byte_int.h"

PAIR_KERNELS(f32, AKIN_F32, measure_floats)
PAIR_KERNELS(f16, AKIN_F16, measure_floats)
PAIR_KERNELS(bf16, AKIN_BF16, measure_floats)
PAIR_KERNELS(i8, AKIN_I8, measure_bytes)
PAIR_KERNELS(u8, AKIN_U8, measure_bytes)
PAIR_KERNELS(u4, AKIN_U4, measure_bytes)
PAIR_KERNELS(b1, AKIN_B1, measure_bytes)

const pair_table pair_neon = {{
    PAIR_LINE(f32, AKIN_F32),
    PAIR_LINE(f16, AKIN_F16),
    PAIR_LINE(bf16, AKIN_BF16),
    PAIR_LINE(i8, AKIN_I8),
    PAIR_LINE(u8, AKIN_U8),
    PAIR_LINE(u4, AKIN_U4),
    PAIR_LINE(b1, AKIN_B1),
}};
