/* SPDX-License-Identifier: MIT
 * Float32 kernels for x86-64 with AVX2 and FMA. */
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define VEC_N 8
#define TILE_QUERIES 4 /* 12 sums, 3 panels and a query in 16 registers */
#define TILE_PANELS 3
typedef __m256 vec;

static inline vec vec_zero(void) { return _mm256_setzero_ps(); }
static inline vec vec_set1(float x) { return _mm256_set1_ps(x); }
static inline vec vec_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void vec_store(float *p, vec v) { _mm256_storeu_ps(p, v); }
static inline vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

/* c - a * b */
static inline vec vec_fnma(vec a, vec b, vec c)
{
    return _mm256_fnmadd_ps(a, b, c);
}

/* The first n < VEC_N values, zeros behind them; reads no byte more. */
static inline vec vec_load_part(const float *p, size_t n)
{
    float part[VEC_N] = {0};
    memcpy(part, p, n * sizeof *part);
    return vec_load(part);
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

static inline void vec_sum4(vec a, vec b, vec c, vec d, float *out)
{
    __m256 s = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(s),
                                  _mm256_extractf128_ps(s, 1)));
}

#define DISTANCE_ISA "avx2"
#define DISTANCE_TABLE distance_f32_avx2
#include "index/distance_f32_pack.h"
#include "index/distance_f32_int.h"
