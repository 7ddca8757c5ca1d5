/* SPDX-License-Identifier: MIT
 * What AVX2 and AVX-512 do alike with a register of bytes. Whoever includes it
 * defines the type `bytes`, and MM(op) and MM_SI(op), the intrinsic of an
 * operation and of one whose name ends with the type's. */
#ifndef INDEX_VEC_BYTES_X86_H
#define INDEX_VEC_BYTES_X86_H

#include <immintrin.h>

static inline bytes bytes_and(bytes a, bytes b) { return MM_SI(and)(a, b); }
static inline bytes bytes_xor(bytes a, bytes b) { return MM_SI(xor)(a, b); }

static inline bytes low_nibbles(bytes a)
{
    return bytes_and(a, MM(set1_epi8)(15));
}

static inline bytes high_nibbles(bytes a)
{
    return low_nibbles(MM(srli_epi16)(a, 4));
}

/* How far two int8 or uint8 are apart is a uint8. */
static inline bytes apart_i8(bytes a, bytes b)
{
    return MM(sub_epi8)(MM(max_epi8)(a, b), MM(min_epi8)(a, b));
}

static inline bytes apart_u8(bytes a, bytes b)
{
    return MM(sub_epi8)(MM(max_epu8)(a, b), MM(min_epu8)(a, b));
}

#endif
