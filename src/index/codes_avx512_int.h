/* SPDX-License-Identifier: MIT
 * Private to codes_avx512*.c: what codes_int.h wants that is done alike with
 * and without VNNI. */
#ifndef INDEX_CODES_AVX512_INT_H
#define INDEX_CODES_AVX512_INT_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "index/vec_avx512.h"

static inline vec vec_set1(float x) { return _mm512_set1_ps(x); }
static inline vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec vec_min(vec a, vec b) { return _mm512_min_ps(a, b); }
static inline vec vec_max(vec a, vec b) { return _mm512_max_ps(a, b); }
static inline vec vec_abs(vec v) { return _mm512_abs_ps(v); }
static inline float vec_max_of(vec v) { return _mm512_reduce_max_ps(v); }

static inline vec vec_floor(vec v)
{
    return _mm512_roundscale_ps(v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}

static inline uint64_t vec_positive(vec v)
{
    return _mm512_cmp_ps_mask(v, _mm512_setzero_ps(), _CMP_GT_OQ);
}

/* Each value and its neighbour: the sum in the one, in the other what it is
 * smaller by; then neighbours of two, of four and of eight. */
static inline vec vec_hadamard(vec v)
{
    const vec one = _mm512_set1_ps(1), minus = _mm512_set1_ps(-1);
    const vec by1 = _mm512_mask_blend_ps(0xaaaa, one, minus);
    const vec by2 = _mm512_mask_blend_ps(0xcccc, one, minus);
    const vec by4 = _mm512_mask_blend_ps(0xf0f0, one, minus);
    const vec by8 = _mm512_mask_blend_ps(0xff00, one, minus);
    v = _mm512_fmadd_ps(v, by1, _mm512_permute_ps(v, 0xb1));
    v = _mm512_fmadd_ps(v, by2, _mm512_permute_ps(v, 0x4e));
    v = _mm512_fmadd_ps(v, by4, _mm512_shuffle_f32x4(v, v, 0xb1));
    return _mm512_fmadd_ps(v, by8, _mm512_shuffle_f32x4(v, v, 0x4e));
}

typedef __m512i bytes;

static inline bytes bytes_zero(void) { return _mm512_setzero_si512(); }
static inline bytes bytes_load(const void *p) { return _mm512_load_si512(p); }
static inline void bytes_store(void *p, bytes b) { _mm512_store_si512(p, b); }

/* Packing leaves four values of each register side by side. */
static inline bytes bytes_of(const vec *v)
{
    const __m512i order =
        _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i ab =
        _mm512_packs_epi32(_mm512_cvtps_epi32(v[0]), _mm512_cvtps_epi32(v[1]));
    __m512i cd =
        _mm512_packs_epi32(_mm512_cvtps_epi32(v[2]), _mm512_cvtps_epi32(v[3]));
    return _mm512_permutexvar_epi32(order, _mm512_packs_epi16(ab, cd));
}

static inline bytes bytes_join(bytes low, bytes high)
{
    return _mm512_or_si512(low, _mm512_slli_epi16(high, 4));
}

static inline bytes bytes_low(bytes b)
{
    return _mm512_and_si512(b, _mm512_set1_epi8(15));
}

static inline bytes bytes_high(bytes b)
{
    return bytes_low(_mm512_srli_epi16(b, 4));
}

static inline bytes bytes_odd(bytes b)
{
    return _mm512_sub_epi8(_mm512_add_epi8(b, b), _mm512_set1_epi8(15));
}

static inline uint64_t bytes_bit(bytes b, size_t k)
{
    return _mm512_test_epi8_mask(b, _mm512_set1_epi8((char)(1 << k)));
}

typedef __m512i ints;

static inline ints ints_zero(void) { return _mm512_setzero_si512(); }
static inline int32_t ints_sum(ints s) { return _mm512_reduce_add_epi32(s); }

/* Two steps of two registers at once, then the four parts of what is left. */
static inline void ints_sum4(const ints *s, int32_t *sums)
{
    ints ab = _mm512_add_epi32(_mm512_unpacklo_epi32(s[0], s[1]),
                               _mm512_unpackhi_epi32(s[0], s[1]));
    ints cd = _mm512_add_epi32(_mm512_unpacklo_epi32(s[2], s[3]),
                               _mm512_unpackhi_epi32(s[2], s[3]));
    ints all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd),
                                _mm512_unpackhi_epi64(ab, cd));
    __m256i half = _mm256_add_epi32(_mm512_castsi512_si256(all),
                                    _mm512_extracti64x4_epi64(all, 1));
    _mm_storeu_si128((__m128i *)(void *)sums,
                     _mm_add_epi32(_mm256_castsi256_si128(half),
                                   _mm256_extracti128_si256(half, 1)));
}

static inline size_t count_smaller(const uint64_t *values, size_t n,
                                   uint64_t key)
{
    const __m512i k = _mm512_set1_epi64((long long)key);
    size_t count = 0;
    for (size_t i = 0; i < n; i += 8) {
        __mmask8 there = n - i < 8 ? (__mmask8)((1u << (n - i)) - 1) : 0xff;
        count += (size_t)__builtin_popcount(_mm512_mask_cmplt_epu64_mask(
            there, _mm512_maskz_loadu_epi64(there, values + i), k));
    }
    return count;
}

#endif
