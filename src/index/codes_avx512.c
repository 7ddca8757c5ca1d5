/* SPDX-License-Identifier: MIT
 * The kernels of small codes for x86-64 with AVX-512 F, BW and VL. */
#include "index/codes_avx512_int.h"

static inline ints add_pairs(ints s, __m512i int16)
{
    return _mm512_add_epi32(s, _mm512_madd_epi16(int16, _mm512_set1_epi16(1)));
}

static inline ints ints_add_bytes(ints s, bytes b)
{
    return add_pairs(s, _mm512_maddubs_epi16(_mm512_set1_epi8(1), b));
}

/* Four products of a code and a byte stay below 2^15. */
static inline void add_code(ints *s, const bytes *query, bytes row)
{
    s[0] = add_pairs(
        s[0],
        _mm512_add_epi16(_mm512_maddubs_epi16(bytes_low(row), query[0]),
                         _mm512_maddubs_epi16(bytes_high(row), query[1])));
}

/* W. Mula, N. Kurz, D. Lemire: Faster population counts using AVX2
 * instructions, 2018: by a table of the 16 nibbles. A byte's counts times their
 * weights are at most 8 * 15. */
static inline void add_sketch(ints *s, const bytes *planes, bytes row)
{
    const __m512i counts = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    __m512i sum = _mm512_setzero_si512();
    for (size_t k = 0; k < 4; k++) {
        const __m512i weighed = _mm512_slli_epi16(counts, (unsigned)k);
        bytes apart = _mm512_xor_si512(planes[k], row);
        sum = _mm512_add_epi8(sum,
                              _mm512_shuffle_epi8(weighed, bytes_low(apart)));
        sum = _mm512_add_epi8(sum,
                              _mm512_shuffle_epi8(weighed, bytes_high(apart)));
    }
    s[0] = _mm512_add_epi32(s[0], _mm512_sad_epu8(sum, _mm512_setzero_si512()));
}

static inline ints sum_sketch(const ints *s) { return s[0]; }

#define CODES_TABLE codes_avx512
#define CODES_ISA "avx512"

#include "index/codes_int.h"
