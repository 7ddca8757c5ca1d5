/* SPDX-License-Identifier: MIT
 * Float32 kernels for x86-64 with AVX-512 F, BW and VL. */
#include <stdint.h>
#include <string.h>

#include "index/vec_avx512.h"

#define TILE_QUERIES 8 /* 24 sums, 3 panels and a query in 32 registers */
#define TILE_PANELS 3

static inline vec vec_set1(float x) { return _mm512_set1_ps(x); }

/* c - a * b */
static inline vec vec_fnma(vec a, vec b, vec c)
{
    return _mm512_fnmadd_ps(a, b, c);
}

static inline vec vec_load_bytes(const uint8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(
        _mm_loadu_si128((const __m128i *)(const void *)p)));
}

static inline uint32_t vec_ge_bits(vec a, vec b)
{
    return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ);
}

#define DISTANCE_TABLE distance_f32_avx512
#include "index/distance_f32_pack.h"
#include "index/distance_f32_int.h"
