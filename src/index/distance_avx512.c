/* SPDX-License-Identifier: MIT
 * Kernels for x86-64 with AVX-512 F, BW and VL. */
#include <string.h>

#include "index/vec_avx512.h"

static inline vec vec_load_half(const unsigned char *p)
{
    return _mm512_cvtph_ps(
        _mm256_loadu_si256((const __m256i *)(const void *)p));
}

static inline void vec_store_half(unsigned char *p, vec v)
{
    _mm256_storeu_si256((__m256i *)(void *)p,
                        _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

static inline vec vec_load_half_part(const unsigned char *p, size_t n)
{
    return _mm512_cvtph_ps(
        _mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1), p));
}

#define DISTANCE_TABLE distance_avx512
#include "index/distance_int.h"
