/* SPDX-License-Identifier: MIT
 * Sixteen float32 in a register of AVX-512, for the kernels that include it. */
#ifndef INDEX_VEC_AVX512_H
#define INDEX_VEC_AVX512_H

#include <immintrin.h>
#include <string.h>

#define VEC_N 16
typedef __m512 vec;

static inline vec vec_zero(void) { return _mm512_setzero_ps(); }
static inline vec vec_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void vec_store(float *p, vec v) { _mm512_storeu_ps(p, v); }
static inline vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }

static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* The first n < VEC_N values, zeros behind them; reads no byte more. */
static inline vec vec_load_part(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
}

static inline float vec_sum(vec a) { return _mm512_reduce_add_ps(a); }

static inline __m256 add_halves(vec v)
{
    __m512d d = _mm512_castps_pd(v);
    return _mm256_add_ps(_mm512_castps512_ps256(v),
                         _mm256_castpd_ps(_mm512_extractf64x4_pd(d, 1)));
}

static inline void vec_sum4(vec a, vec b, vec c, vec d, float *out)
{
    __m256 s = _mm256_hadd_ps(_mm256_hadd_ps(add_halves(a), add_halves(b)),
                              _mm256_hadd_ps(add_halves(c), add_halves(d)));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(s),
                                  _mm256_extractf128_ps(s, 1)));
}

#endif
