/* SPDX-License-Identifier: MIT
 * Sixty-four bytes in a register of AVX-512, for the pair kernels that include
 * it. */
#ifndef INDEX_VEC_BYTES_AVX512_H
#define INDEX_VEC_BYTES_AVX512_H

#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BYTES_N 64
#define MM(op) _mm512_##op
#define MM_SI(op) _mm512_##op##_si512

typedef __m512i bytes;

static inline bytes load_bytes(const unsigned char *p)
{
    return _mm512_loadu_si512(p);
}

static inline bytes load_bytes_part(const unsigned char *p, size_t n, bool back)
{
    (void)back;
    return _mm512_maskz_loadu_epi8((1ull << n) - 1, p);
}

static inline int64_t sum_int32(__m512i s)
{
    return _mm512_reduce_add_epi64(_mm512_add_epi64(
        _mm512_cvtepi32_epi64(_mm512_castsi512_si256(s)),
        _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(s, 1))));
}

#include "index/vec_bytes_x86.h"

#endif
