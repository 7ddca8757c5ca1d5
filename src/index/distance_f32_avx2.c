/* SPDX-License-Identifier: MIT
 * Float32 kernels for x86-64 with AVX2 and FMA. */
#include <stdint.h>
#include <string.h>

#include "index/vec_avx2.h"

#define TILE_QUERIES 4 /* 12 sums, 3 panels and a query in 16 registers */
#define TILE_PANELS 3

static inline vec vec_set1(float x) { return _mm256_set1_ps(x); }

/* c - a * b */
static inline vec vec_fnma(vec a, vec b, vec c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

static inline vec vec_load_bytes(const uint8_t *p)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(
        _mm_loadl_epi64((const __m128i *)(const void *)p)));
}

static inline uint32_t vec_ge_bits(vec a, vec b)
{
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GE_OQ));
}

#define DISTANCE_TABLE distance_f32_avx2
#include "index/distance_f32_pack.h"
#include "index/distance_f32_int.h"
