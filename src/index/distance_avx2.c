/* SPDX-License-Identifier: MIT
 * Kernels for x86-64 with AVX2, FMA and F16C. */
#include <immintrin.h>
#include <string.h>

#define VEC_N 8
typedef __m256 vec;

static inline vec vec_zero(void) { return _mm256_setzero_ps(); }
static inline vec vec_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void vec_store(float *p, vec v) { _mm256_storeu_ps(p, v); }
static inline vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static inline vec vec_load_half(const unsigned char *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline void vec_store_half(unsigned char *p, vec v)
{
    _mm_storeu_si128((__m128i *)(void *)p,
                     _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

/* The first n < VEC_N values, zeros behind them; reads no byte more. */
static inline vec vec_load_part(const float *p, size_t n)
{
    float part[VEC_N] = {0};
    memcpy(part, p, n * sizeof *part);
    return vec_load(part);
}

static inline vec vec_load_half_part(const unsigned char *p, size_t n)
{
    unsigned char part[2 * VEC_N] = {0};
    memcpy(part, p, 2 * n);
    return vec_load_half(part);
}

static inline void vec_sum4(vec a, vec b, vec c, vec d, float *out)
{
    vec s = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(s),
                                  _mm256_extractf128_ps(s, 1)));
}

#define DISTANCE_ISA "avx2"
#define DISTANCE_TABLE distance_avx2
#include "index/distance_int.h"
