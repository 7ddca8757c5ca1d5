/* SPDX-License-Identifier: MIT
 * Private to pair_avx2.c and pair_avx512.c: sums of products at two widths, as
 * pair_byte_int.h wants them, on top of vec_bytes_x86.h and repeat_16.
 *
 * Bytes are widened in place, the even ones and the odd ones of both vectors:
 * which product stands where does not matter for a sum, and nothing crosses
 * lanes. pmaddwd adds two products of int16 exactly; pmaddubsw would saturate
 * on two of bytes, but not on two of four bits. */
#ifndef INDEX_PAIR_MADD_INT_H
#define INDEX_PAIR_MADD_INT_H

#include "index/pair_int.h"

typedef bytes total;

static inline total total_zero(void) { return MM_SI(setzero)(); }
static inline total total_add(total s, total t) { return MM(add_epi32)(s, t); }

/* Even or odd bytes, with their sign or without. */
FORCE_INLINE bytes even(akin_type type, bytes a)
{
    return type == AKIN_I8 ? MM(srai_epi16)(MM(slli_epi16)(a, 8), 8)
                           : MM_SI(and)(a, MM(set1_epi16)(255));
}

FORCE_INLINE bytes odd(akin_type type, bytes a)
{
    return type == AKIN_I8 ? MM(srai_epi16)(a, 8) : MM(srli_epi16)(a, 8);
}

FORCE_INLINE total add_products(akin_type type, bytes a, bytes b, total s)
{
    total t = MM(madd_epi16)(even(type, a), even(type, b));
    t = MM(add_epi32)(t, MM(madd_epi16)(odd(type, a), odd(type, b)));
    return MM(add_epi32)(s, t);
}

static inline total add_i8(bytes a, bytes b, total s)
{
    return add_products(AKIN_I8, a, b, s);
}

static inline total add_u8(bytes a, bytes b, total s)
{
    return add_products(AKIN_U8, a, b, s);
}

static inline total add_u4(bytes low_a, bytes low_b, bytes high_a, bytes high_b,
                           total s)
{
    bytes t = MM(add_epi16)(MM(maddubs_epi16)(low_a, low_b),
                            MM(maddubs_epi16)(high_a, high_b));
    return MM(add_epi32)(s, MM(madd_epi16)(t, MM(set1_epi16)(1)));
}

/* W. Mula, N. Kurz, D. Lemire: Faster population counts using AVX2
 * instructions, 2018: by a table of the 16 nibbles. Sums of 64 bits, which as
 * int32 are themselves and zeros. */
static inline total add_bits(bytes a, total s)
{
    const bytes counts = repeat_16(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2,
                                                 2, 3, 2, 3, 3, 4));
    bytes t = MM(add_epi8)(MM(shuffle_epi8)(counts, low_nibbles(a)),
                           MM(shuffle_epi8)(counts, high_nibbles(a)));
    return MM(add_epi32)(s, MM(sad_epu8)(t, MM_SI(setzero)()));
}

#endif
