/* SPDX-License-Identifier: MIT
 * Pair distances for x86-64 with AVX2, FMA and F16C. */
#include <stdbool.h>
#include <string.h>

#include "index/pair_int.h"
#include "index/vec_avx2.h"

/* ---- floats -------------------------------------------------------------- */

enum { STEP = 2 * VEC_N };

/* 32 bytes, or 16; with a mask, those that it has. */
FORCE_INLINE __m256i load_32(const unsigned char *p, const unsigned char *mask)
{
    __m256i x = _mm256_loadu_si256((const __m256i *)(const void *)p);
    if (!mask) return x;
    return _mm256_and_si256(
        x, _mm256_loadu_si256((const __m256i *)(const void *)mask));
}

FORCE_INLINE __m128i load_16(const unsigned char *p, const unsigned char *mask)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    if (!mask) return x;
    return _mm_and_si128(x,
                         _mm_loadu_si128((const __m128i *)(const void *)mask));
}

/* Of bfloats the even ones and then the odd ones: a shift and an and, where
 * their order would take two shuffles. */
FORCE_INLINE void load_masked(akin_type type, const unsigned char *p,
                              const unsigned char *mask, vec *v)
{
    __m256i both;
    switch (type) {
    case AKIN_F16:
        v[0] = _mm256_cvtph_ps(load_16(p, mask));
        v[1] = _mm256_cvtph_ps(load_16(p + 16, mask ? mask + 16 : NULL));
        break;
    case AKIN_BF16:
        both = load_32(p, mask);
        v[0] = _mm256_castsi256_ps(_mm256_slli_epi32(both, 16));
        v[1] = _mm256_castsi256_ps(
            _mm256_and_si256(both, _mm256_set1_epi32((int)0xffff0000)));
        break;
    default:
        v[0] = _mm256_castsi256_ps(load_32(p, mask));
        v[1] = _mm256_castsi256_ps(load_32(p + 32, mask ? mask + 32 : NULL));
        break;
    }
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

#define BYTES_N 32
#define MM(op) _mm256_##op
#define MM_SI(op) _mm256_##op##_si256

typedef __m256i bytes;

static inline bytes load_bytes(const unsigned char *p)
{
    return load_32(p, NULL);
}

static inline bytes load_bytes_part(const unsigned char *p, size_t n, bool back)
{
    const size_t missing = BYTES_N - n;
    unsigned char part[BYTES_N] = {0};
    if (back) return load_32(p - missing, pair_hide(missing));
    if (n >= 16) /* two halves that overlap; 26 ns become 6 for 128 bits */
        return _mm256_set_m128i(load_16(p + n - 16, pair_hide(missing)),
                                load_16(p, NULL));
    memcpy(part, p, n);
    return load_bytes(part);
}

static inline bytes repeat_16(__m128i a)
{
    return _mm256_broadcastsi128_si256(a);
}

static inline int64_t total_sum(__m256i s)
{
    __m256i t = _mm256_add_epi64(
        _mm256_cvtepi32_epi64(_mm256_castsi256_si128(s)),
        _mm256_cvtepi32_epi64(_mm256_extracti128_si256(s, 1)));
    __m128i u = _mm_add_epi64(_mm256_castsi256_si128(t),
                              _mm256_extracti128_si256(t, 1));
    return _mm_cvtsi128_si64(u) + _mm_extract_epi64(u, 1);
}

#include "index/vec_bytes_x86.h"

#include "index/pair_madd_int.h"

#include "index/pair_byte_int.h"

PAIR_KERNELS(f32, AKIN_F32, measure_floats)
PAIR_KERNELS(f16, AKIN_F16, measure_floats)
PAIR_KERNELS(bf16, AKIN_BF16, measure_floats)
PAIR_KERNELS(i8, AKIN_I8, measure_bytes)
PAIR_KERNELS(u8, AKIN_U8, measure_bytes)
PAIR_KERNELS(u4, AKIN_U4, measure_bytes)
PAIR_KERNELS(b1, AKIN_B1, measure_bytes)

const pair_table pair_avx2 = {{
    PAIR_LINE(f32, AKIN_F32),
    PAIR_LINE(f16, AKIN_F16),
    PAIR_LINE(bf16, AKIN_BF16),
    PAIR_LINE(i8, AKIN_I8),
    PAIR_LINE(u8, AKIN_U8),
    PAIR_LINE(u4, AKIN_U4),
    PAIR_LINE(b1, AKIN_B1),
}};
