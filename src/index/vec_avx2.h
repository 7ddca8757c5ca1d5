/* SPDX-License-Identifier: MIT
 * Eight float32 in a register of AVX2, for the kernels that include it. */
#ifndef INDEX_VEC_AVX2_H
#define INDEX_VEC_AVX2_H

#include <immintrin.h>
#include <string.h>

#define VEC_N 8
typedef __m256 vec;

static inline vec vec_zero(void) { return _mm256_setzero_ps(); }
static inline vec vec_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void vec_store(float *p, vec v) { _mm256_storeu_ps(p, v); }
static inline vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }

static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}

/* The first n < VEC_N values, zeros behind them; reads no byte more. */
static inline vec vec_load_part(const float *p, size_t n)
{
    float part[VEC_N] = {0};
    memcpy(part, p, n * sizeof *part);
    return vec_load(part);
}

static inline float vec_sum(vec a)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(a),
                          _mm256_extractf128_ps(a, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static inline void vec_sum4(vec a, vec b, vec c, vec d, float *out)
{
    vec s = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    _mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(s),
                                  _mm256_extractf128_ps(s, 1)));
}

#endif
