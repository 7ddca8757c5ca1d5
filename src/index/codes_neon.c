/* SPDX-License-Identifier: MIT
 * The kernels of small codes for arm64. */
#include <stdint.h>

#include "index/vec_neon.h"

/* ---- floats ---- */

static inline vec vec_set1(float x)
{
    return (vec){vdupq_n_f32(x), vdupq_n_f32(x)};
}

static inline vec vec_mul(vec a, vec b)
{
    return (vec){vmulq_f32(a.lo, b.lo), vmulq_f32(a.hi, b.hi)};
}

static inline vec vec_min(vec a, vec b)
{
    return (vec){vminq_f32(a.lo, b.lo), vminq_f32(a.hi, b.hi)};
}

static inline vec vec_max(vec a, vec b)
{
    return (vec){vmaxq_f32(a.lo, b.lo), vmaxq_f32(a.hi, b.hi)};
}

static inline vec vec_abs(vec v)
{
    return (vec){vabsq_f32(v.lo), vabsq_f32(v.hi)};
}

static inline vec vec_floor(vec v)
{
    return (vec){vrndmq_f32(v.lo), vrndmq_f32(v.hi)};
}

static inline float vec_max_of(vec v)
{
    return vmaxvq_f32(vmaxq_f32(v.lo, v.hi));
}

static inline uint64_t vec_positive(vec v)
{
    static const uint32_t bits[] = {1, 2, 4, 8, 16, 32, 64, 128};
    uint32x4_t lo = vandq_u32(vcgtzq_f32(v.lo), vld1q_u32(bits));
    uint32x4_t hi = vandq_u32(vcgtzq_f32(v.hi), vld1q_u32(bits + 4));
    return vaddvq_u32(vaddq_u32(lo, hi));
}

/* Pairs, and pairs of those: what is even and what is odd in two registers. */
static inline float32x4_t hadamard_4(float32x4_t v)
{
    static const float by1[] = {1, -1, 1, -1}, by2[] = {1, 1, -1, -1};
    v = vfmaq_f32(vrev64q_f32(v), v, vld1q_f32(by1));
    return vfmaq_f32(vextq_f32(v, v, 2), v, vld1q_f32(by2));
}

static inline vec vec_hadamard(vec v)
{
    float32x4_t lo = hadamard_4(v.lo), hi = hadamard_4(v.hi);
    return (vec){vaddq_f32(lo, hi), vsubq_f32(lo, hi)};
}

/* ---- bytes ---- */

enum { QUARTERS = 4 };
typedef struct bytes {
    uint8x16_t part[QUARTERS];
} bytes;

static inline bytes bytes_load(const void *p)
{
    bytes b;
    for (size_t i = 0; i < QUARTERS; i++)
        b.part[i] = vld1q_u8((const uint8_t *)p + 16 * i);
    return b;
}

static inline void bytes_store(void *p, bytes b)
{
    for (size_t i = 0; i < QUARTERS; i++)
        vst1q_u8((uint8_t *)p + 16 * i, b.part[i]);
}

static inline bytes bytes_zero(void)
{
    bytes b;
    for (size_t i = 0; i < QUARTERS; i++) b.part[i] = vdupq_n_u8(0);
    return b;
}

static inline int16x8_t int16_of(vec v)
{
    return vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(v.lo)),
                        vqmovn_s32(vcvtnq_s32_f32(v.hi)));
}

static inline bytes bytes_of(const vec *v)
{
    bytes b;
    for (size_t i = 0; i < QUARTERS; i++)
        b.part[i] = vreinterpretq_u8_s8(
            vcombine_s8(vqmovn_s16(int16_of(v[2 * i])),
                        vqmovn_s16(int16_of(v[2 * i + 1]))));
    return b;
}

static inline bytes bytes_join(bytes low, bytes high)
{
    for (size_t i = 0; i < QUARTERS; i++)
        low.part[i] = vorrq_u8(low.part[i], vshlq_n_u8(high.part[i], 4));
    return low;
}

static inline bytes bytes_low(bytes b)
{
    for (size_t i = 0; i < QUARTERS; i++)
        b.part[i] = vandq_u8(b.part[i], vdupq_n_u8(15));
    return b;
}

static inline bytes bytes_high(bytes b)
{
    for (size_t i = 0; i < QUARTERS; i++) b.part[i] = vshrq_n_u8(b.part[i], 4);
    return b;
}

static inline bytes bytes_odd(bytes b)
{
    for (size_t i = 0; i < QUARTERS; i++)
        b.part[i] = vsubq_u8(vaddq_u8(b.part[i], b.part[i]), vdupq_n_u8(15));
    return b;
}

/* Sums of eight bytes, each with its own bit, are the bits of a byte. */
static inline uint64_t bytes_bit(bytes b, size_t k)
{
    static const uint8_t own[] = {1, 2, 4, 8, 16, 32, 64, 128,
                                  1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bit = vdupq_n_u8((uint8_t)(1 << k)), at = vld1q_u8(own);
    uint8x16_t t[QUARTERS];
    for (size_t i = 0; i < QUARTERS; i++)
        t[i] = vandq_u8(vtstq_u8(b.part[i], bit), at);
    uint8x16_t sum = vpaddq_u8(vpaddq_u8(t[0], t[1]), vpaddq_u8(t[2], t[3]));
    sum = vpaddq_u8(sum, sum);
    return vgetq_lane_u64(vreinterpretq_u64_u8(sum), 0);
}

/* ---- sums ---- */

typedef int32x4_t ints;

static inline ints ints_zero(void) { return vdupq_n_s32(0); }
static inline int32_t ints_sum(ints s) { return vaddvq_s32(s); }

static inline void ints_sum4(const ints *s, int32_t *sums)
{
    vst1q_s32(sums, vpaddq_s32(vpaddq_s32(s[0], s[1]), vpaddq_s32(s[2], s[3])));
}

static inline ints ints_add_bytes(ints s, bytes b)
{
    for (size_t i = 0; i < QUARTERS; i++)
        s = vpadalq_s16(s, vpaddlq_s8(vreinterpretq_s8_u8(b.part[i])));
    return s;
}

/* Products of sixteen bytes; those of two, of which one is below 16, are not
 * more than an int16 holds. */
static inline ints add_products(ints s, uint8x16_t x, uint8x16_t y)
{
    int8x16_t a = vreinterpretq_s8_u8(x), b = vreinterpretq_s8_u8(y);
#ifdef __ARM_FEATURE_DOTPROD
    return vdotq_s32(s, a, b);
#else
    int16x8_t t = vmull_s8(vget_low_s8(a), vget_low_s8(b));
    return vpadalq_s16(s, vmlal_s8(t, vget_high_s8(a), vget_high_s8(b)));
#endif
}

static inline void add_code(ints *s, const bytes *query, bytes row)
{
    const bytes low = bytes_low(row), high = bytes_high(row);
    for (size_t i = 0; i < QUARTERS; i++) {
        s[0] = add_products(s[0], low.part[i], query[0].part[i]);
        s[0] = add_products(s[0], high.part[i], query[1].part[i]);
    }
}

/* Each plane's counts of a byte, at most 8 * 4, before they are doubled for
 * the one below. */
static inline void add_sketch(ints *s, const bytes *planes, bytes row)
{
    uint16x8_t sum = vdupq_n_u16(0);
    for (size_t k = 4; k-- > 0;) {
        uint8x16_t counts = vdupq_n_u8(0);
        for (size_t i = 0; i < QUARTERS; i++)
            counts = vaddq_u8(
                counts, vcntq_u8(veorq_u8(planes[k].part[i], row.part[i])));
        sum = vpadalq_u8(vshlq_n_u16(sum, 1), counts);
    }
    s[0] = vreinterpretq_s32_u32(vpadalq_u16(vreinterpretq_u32_s32(s[0]), sum));
}

static inline ints sum_sketch(const ints *s) { return s[0]; }

/* ---- keys ---- */

/* What is smaller counts as -1. */
static inline size_t count_smaller(const uint64_t *values, size_t n,
                                   uint64_t key)
{
    const uint64x2_t k = vdupq_n_u64(key);
    uint64x2_t count = vdupq_n_u64(0);
    size_t i = 0;
    for (; i + 2 <= n; i += 2)
        count = vsubq_u64(count, vcltq_u64(vld1q_u64(values + i), k));
    return (size_t)vaddvq_u64(count) + (i < n && values[i] < key);
}

#define CODES_TABLE codes_neon
#define CODES_ISA "neon"

#include "index/codes_int.h"
