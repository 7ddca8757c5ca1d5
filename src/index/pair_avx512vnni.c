/* SPDX-License-Identifier: MIT
 * Pair distances of integers for x86-64 with AVX-512 VNNI and VPOPCNTDQ. */
#include "index/pair_int.h"
#include "index/vec_bytes_avx512.h"

/* vpdpbusd adds four products of a uint8 with an int8, exactly. Where both are
 * of one kind, 128 is taken from one or added to it, by its highest bit, and
 * what that adds, 128 times the other, is a sum of its own to be taken away. */
typedef struct total {
    bytes sum, excess;
} total;

static inline total total_zero(void)
{
    return (total){_mm512_setzero_si512(), _mm512_setzero_si512()};
}

static inline total total_add(total s, total t)
{
    return (total){_mm512_add_epi32(s.sum, t.sum),
                   _mm512_add_epi32(s.excess, t.excess)};
}

static inline int64_t total_sum(total s)
{
    return sum_int32(_mm512_sub_epi32(s.sum, s.excess));
}

/* 128 as a uint8, -128 as an int8. */
static inline bytes high_bits(void) { return _mm512_set1_epi8((char)0x80); }

static inline bytes flip(bytes a) { return bytes_xor(a, high_bits()); }

/* (a + 128) b - 128 b */
static inline total add_i8(bytes a, bytes b, total s)
{
    return (total){_mm512_dpbusd_epi32(s.sum, flip(a), b),
                   _mm512_dpbusd_epi32(s.excess, high_bits(), b)};
}

/* a (b - 128) - a (-128) */
static inline total add_u8(bytes a, bytes b, total s)
{
    return (total){_mm512_dpbusd_epi32(s.sum, a, flip(b)),
                   _mm512_dpbusd_epi32(s.excess, a, high_bits())};
}

/* Numbers below 128 are both kinds. */
static inline total add_u4(bytes low_a, bytes low_b, bytes high_a, bytes high_b,
                           total s)
{
    s.sum = _mm512_dpbusd_epi32(s.sum, low_a, low_b);
    s.sum = _mm512_dpbusd_epi32(s.sum, high_a, high_b);
    return s;
}

static inline total add_bits(bytes a, total s)
{
    s.sum = _mm512_add_epi32(s.sum, _mm512_popcnt_epi32(a));
    return s;
}

#include "index/pair_byte_int.h"

PAIR_KERNELS(i8, AKIN_I8, measure_bytes)
PAIR_KERNELS(u8, AKIN_U8, measure_bytes)
PAIR_KERNELS(u4, AKIN_U4, measure_bytes)
PAIR_KERNELS(b1, AKIN_B1, measure_bytes)

const pair_table pair_avx512vnni = {{
    PAIR_LINE(i8, AKIN_I8),
    PAIR_LINE(u8, AKIN_U8),
    PAIR_LINE(u4, AKIN_U4),
    PAIR_LINE(b1, AKIN_B1),
}};
