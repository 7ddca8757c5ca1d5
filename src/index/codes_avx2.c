/* SPDX-License-Identifier: MIT
 * The kernels of small codes for x86-64 with AVX2 and FMA. */
#include <stdint.h>

#include "index/vec_avx2.h"

/* ---- floats ---- */

static inline vec vec_set1(float x) { return _mm256_set1_ps(x); }
static inline vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec vec_min(vec a, vec b) { return _mm256_min_ps(a, b); }
static inline vec vec_max(vec a, vec b) { return _mm256_max_ps(a, b); }
static inline vec vec_floor(vec v) { return _mm256_floor_ps(v); }

static inline vec vec_abs(vec v)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v);
}

static inline float vec_max_of(vec v)
{
    __m128 m =
        _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

static inline uint64_t vec_positive(vec v)
{
    return (unsigned)_mm256_movemask_ps(
        _mm256_cmp_ps(v, _mm256_setzero_ps(), _CMP_GT_OQ));
}

/* Each value and its neighbour: the sum in the one, in the other what it is
 * smaller by; then neighbours of two and of four. */
static inline vec vec_hadamard(vec v)
{
    const vec by1 = _mm256_setr_ps(1, -1, 1, -1, 1, -1, 1, -1);
    const vec by2 = _mm256_setr_ps(1, 1, -1, -1, 1, 1, -1, -1);
    const vec by4 = _mm256_setr_ps(1, 1, 1, 1, -1, -1, -1, -1);
    v = _mm256_fmadd_ps(v, by1, _mm256_permute_ps(v, 0xb1));
    v = _mm256_fmadd_ps(v, by2, _mm256_permute_ps(v, 0x4e));
    return _mm256_fmadd_ps(v, by4, _mm256_permute2f128_ps(v, v, 1));
}

/* ---- bytes ---- */

typedef struct bytes {
    __m256i first, last;
} bytes;

static inline bytes bytes_zero(void)
{
    return (bytes){_mm256_setzero_si256(), _mm256_setzero_si256()};
}

static inline bytes bytes_load(const void *p)
{
    const __m256i *half = p;
    return (bytes){_mm256_load_si256(half), _mm256_load_si256(half + 1)};
}

static inline void bytes_store(void *p, bytes b)
{
    __m256i *half = p;
    _mm256_store_si256(half, b.first);
    _mm256_store_si256(half + 1, b.last);
}

/* Packing leaves four values of each register side by side. */
static inline __m256i bytes_32(const vec *v)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i ab =
        _mm256_packs_epi32(_mm256_cvtps_epi32(v[0]), _mm256_cvtps_epi32(v[1]));
    __m256i cd =
        _mm256_packs_epi32(_mm256_cvtps_epi32(v[2]), _mm256_cvtps_epi32(v[3]));
    return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(ab, cd), order);
}

static inline bytes bytes_of(const vec *v)
{
    return (bytes){bytes_32(v), bytes_32(v + 4)};
}

static inline bytes bytes_join(bytes low, bytes high)
{
    return (bytes){_mm256_or_si256(low.first, _mm256_slli_epi16(high.first, 4)),
                   _mm256_or_si256(low.last, _mm256_slli_epi16(high.last, 4))};
}

static inline __m256i low_32(__m256i b)
{
    return _mm256_and_si256(b, _mm256_set1_epi8(15));
}

static inline __m256i high_32(__m256i b)
{
    return low_32(_mm256_srli_epi16(b, 4));
}

static inline bytes bytes_low(bytes b)
{
    return (bytes){low_32(b.first), low_32(b.last)};
}

static inline bytes bytes_high(bytes b)
{
    return (bytes){high_32(b.first), high_32(b.last)};
}

static inline __m256i odd_32(__m256i b)
{
    return _mm256_sub_epi8(_mm256_add_epi8(b, b), _mm256_set1_epi8(15));
}

static inline bytes bytes_odd(bytes b)
{
    return (bytes){odd_32(b.first), odd_32(b.last)};
}

static inline uint64_t bit_32(__m256i b, size_t k)
{
    return (uint32_t)_mm256_movemask_epi8(
        _mm256_sll_epi16(b, _mm_cvtsi32_si128(7 - (int)k)));
}

static inline uint64_t bytes_bit(bytes b, size_t k)
{
    return bit_32(b.first, k) | bit_32(b.last, k) << 32;
}

/* ---- sums ---- */

typedef __m256i ints;

static inline ints ints_zero(void) { return _mm256_setzero_si256(); }

static inline int32_t ints_sum(ints s)
{
    __m128i t = _mm_add_epi32(_mm256_castsi256_si128(s),
                              _mm256_extracti128_si256(s, 1));
    t = _mm_add_epi32(t, _mm_shuffle_epi32(t, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(t, _mm_shuffle_epi32(t, 0xb1)));
}

static inline void ints_sum4(const ints *s, int32_t *sums)
{
    ints all = _mm256_hadd_epi32(_mm256_hadd_epi32(s[0], s[1]),
                                 _mm256_hadd_epi32(s[2], s[3]));
    _mm_storeu_si128((__m128i *)(void *)sums,
                     _mm_add_epi32(_mm256_castsi256_si128(all),
                                   _mm256_extracti128_si256(all, 1)));
}

static inline ints add_pairs(ints s, __m256i int16)
{
    return _mm256_add_epi32(s, _mm256_madd_epi16(int16, _mm256_set1_epi16(1)));
}

static inline ints ints_add_bytes(ints s, bytes b)
{
    const __m256i one = _mm256_set1_epi8(1);
    return add_pairs(s, _mm256_add_epi16(_mm256_maddubs_epi16(one, b.first),
                                         _mm256_maddubs_epi16(one, b.last)));
}

/* Eight products of a code and a byte stay below 2^15. */
static inline void add_code(ints *s, const bytes *query, bytes row)
{
    const bytes low = bytes_low(row), high = bytes_high(row);
    __m256i t =
        _mm256_add_epi16(_mm256_maddubs_epi16(low.first, query[0].first),
                         _mm256_maddubs_epi16(low.last, query[0].last));
    t = _mm256_add_epi16(t, _mm256_maddubs_epi16(high.first, query[1].first));
    t = _mm256_add_epi16(t, _mm256_maddubs_epi16(high.last, query[1].last));
    s[0] = add_pairs(s[0], t);
}

/* W. Mula, N. Kurz, D. Lemire: Faster population counts using AVX2
 * instructions, 2018: by a table of the 16 nibbles, here times 2^k. */
static inline __m256i add_counts(__m256i sum, __m256i b, size_t k)
{
    const __m256i counts = _mm256_slli_epi16(
        _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1,
                         1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4),
        (int)k);
    sum = _mm256_add_epi8(sum, _mm256_shuffle_epi8(counts, low_32(b)));
    return _mm256_add_epi8(sum, _mm256_shuffle_epi8(counts, high_32(b)));
}

/* A byte's counts times their weights are at most 2 * 8 * 15. */
static inline void add_sketch(ints *s, const bytes *planes, bytes row)
{
    __m256i sum = _mm256_setzero_si256();
    for (size_t k = 0; k < 4; k++) {
        sum = add_counts(sum, _mm256_xor_si256(planes[k].first, row.first), k);
        sum = add_counts(sum, _mm256_xor_si256(planes[k].last, row.last), k);
    }
    s[0] = _mm256_add_epi32(s[0], _mm256_sad_epu8(sum, _mm256_setzero_si256()));
}

static inline ints sum_sketch(const ints *s) { return s[0]; }

/* ---- keys ---- */

/* Numbers without a sign compare as those with one do, their first bit turned;
 * what is smaller counts as -1. */
static inline size_t count_smaller(const uint64_t *values, size_t n,
                                   uint64_t key)
{
    const __m256i top = _mm256_set1_epi64x(INT64_MIN);
    const __m256i k = _mm256_xor_si256(_mm256_set1_epi64x((int64_t)key), top);
    __m256i count = _mm256_setzero_si256();
    size_t i = 0, rest = 0;
    for (; i + 4 <= n; i += 4) {
        __m256i v =
            _mm256_loadu_si256((const __m256i *)(const void *)(values + i));
        count = _mm256_sub_epi64(
            count, _mm256_cmpgt_epi64(k, _mm256_xor_si256(v, top)));
    }
    for (; i < n; i++) rest += values[i] < key;
    return rest + (size_t)ints_sum(count);
}

#define CODES_TABLE codes_avx2
#define CODES_ISA "avx2"

#include "index/codes_int.h"
