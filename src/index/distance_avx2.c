/* SPDX-License-Identifier: MIT
 * Kernels for x86-64 with AVX2, FMA and F16C. */
#include <string.h>

#include "index/vec_avx2.h"

static inline vec vec_load_half(const unsigned char *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline void vec_store_half(unsigned char *p, vec v)
{
    _mm_storeu_si128((__m128i *)(void *)p,
                     _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

static inline vec vec_load_half_part(const unsigned char *p, size_t n)
{
    unsigned char part[2 * VEC_N] = {0};
    memcpy(part, p, 2 * n);
    return vec_load_half(part);
}

#define DISTANCE_TABLE distance_avx2
#include "index/distance_int.h"
