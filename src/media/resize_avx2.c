/* SPDX-License-Identifier: MIT
 * The resizer's passes with AVX2.
 *
 * pmaddwd multiplies 16 bits, the weights have 23: each is split into its low
 * 15 bits and the rest, and the two sums are put together at the end. All
 * arithmetic is modulo 2^32 and the true sum fits, so that is exact however
 * far a partial sum wraps. */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "media/resize_int.h"

/* The 16-bit pairs of two pixels, channel by channel: r0 r1 g0 g1 b0 b1 0 0,
 * in the upper half those of the next two. */
static __m256i avx2_pair_mask(void)
{
    const char z = -1;
    return _mm256_setr_epi8(0, z, 3, z, 1, z, 4, z, 2, z, 5, z, z, z, z, z, 6,
                            z, 9, z, 7, z, 10, z, 8, z, 11, z, z, z, z, z);
}

static __m256i avx2_join(__m256i low, __m256i high)
{
    return _mm256_add_epi32(low, _mm256_slli_epi32(high, RESIZE_HALF_BITS));
}

/* Sums of r, g, b in both halves to three bytes. */
static void avx2_put_pixel(__m256i low, __m256i high, uint8_t *out)
{
    __m256i both = avx2_join(low, high);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(both),
                                _mm256_extracti128_si256(both, 1));
    sum = _mm_add_epi32(sum, _mm_set1_epi32(1 << (RESIZE_BITS - 1)));
    sum = _mm_srai_epi32(sum, RESIZE_BITS);
    sum = _mm_packus_epi16(_mm_packs_epi32(sum, sum), sum);
    uint32_t rgb = (uint32_t)_mm_cvtsi128_si32(sum);
    memcpy(out, &rgb, 3);
}

static __m256i avx2_four_pixels(const uint8_t *p, __m256i mask)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
    return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(bytes), mask);
}

/* One output pixel of four rows, which share the loads of the weights. */
static void avx2_across_pixel(const resize_taps *t, size_t i,
                              const resize_rows *rows)
{
    const __m256i mask = avx2_pair_mask();
    const __m256i spread = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    const __m256i spread_high = _mm256_setr_epi32(2, 2, 2, 2, 3, 3, 3, 3);
    const int16_t *w = t->halves + i * t->stride * 2;
    const uint8_t *p = rows->in + (size_t)t->first[i] * 3;
    __m256i low[RESIZE_ROWS], high[RESIZE_ROWS];
    for (size_t y = 0; y < RESIZE_ROWS; y++)
        low[y] = high[y] = _mm256_setzero_si256();
    for (uint32_t k = 0; k < t->n_taps[i]; k += 4, w += 8, p += 12) {
        __m256i both = _mm256_castsi128_si256(
            _mm_loadu_si128((const __m128i *)(const void *)w));
        __m256i wl = _mm256_permutevar8x32_epi32(both, spread);
        __m256i wh = _mm256_permutevar8x32_epi32(both, spread_high);
        for (size_t y = 0; y < RESIZE_ROWS; y++) {
            __m256i v = avx2_four_pixels(p + y * rows->in_stride, mask);
            low[y] = _mm256_add_epi32(low[y], _mm256_madd_epi16(v, wl));
            high[y] = _mm256_add_epi32(high[y], _mm256_madd_epi16(v, wh));
        }
    }
    for (size_t y = 0; y < RESIZE_ROWS; y++)
        avx2_put_pixel(low[y], high[y],
                       rows->out + y * rows->out_stride + 3 * i);
}

static void avx2_across(const resize_taps *t, const resize_rows *rows)
{
    if (rows->n_rows < RESIZE_ROWS) {
        resize_kernel_scalar.across(t, rows);
        return;
    }
    for (size_t i = 0; i < t->n_out; i++) avx2_across_pixel(t, i, rows);
}

static int32_t avx2_weight_pair(int32_t first, int32_t second)
{
    return (int32_t)((uint32_t)(uint16_t)first | (uint32_t)second << 16);
}

/* Eight bytes of the output; rows are taken in pairs, a missing second one
 * with weight zero. */
static void avx2_down_eight(const int32_t *w, uint32_t n_taps,
                            const uint8_t *in, size_t in_stride, uint8_t *out)
{
    const int32_t low_mask = (1 << RESIZE_HALF_BITS) - 1;
    __m256i low = _mm256_set1_epi32(1 << (RESIZE_BITS - 1));
    __m256i high = _mm256_setzero_si256();
    for (uint32_t k = 0; k < n_taps; k += 2) {
        bool two = k + 1 < n_taps;
        const uint8_t *a = in + k * in_stride, *b = two ? a + in_stride : a;
        int32_t wa = w[k], wb = two ? w[k + 1] : 0;
        __m128i rows = _mm_unpacklo_epi8(
            _mm_loadl_epi64((const __m128i *)(const void *)a),
            _mm_loadl_epi64((const __m128i *)(const void *)b));
        __m256i v = _mm256_cvtepu8_epi16(rows);
        __m256i wl = _mm256_set1_epi32(
            avx2_weight_pair(wa & low_mask, wb & low_mask));
        __m256i wh = _mm256_set1_epi32(avx2_weight_pair(
            wa >> RESIZE_HALF_BITS, wb >> RESIZE_HALF_BITS));
        low = _mm256_add_epi32(low, _mm256_madd_epi16(v, wl));
        high = _mm256_add_epi32(high, _mm256_madd_epi16(v, wh));
    }
    __m256i sum = _mm256_srai_epi32(avx2_join(low, high), RESIZE_BITS);
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(sum),
                                    _mm256_extracti128_si256(sum, 1));
    _mm_storel_epi64((__m128i *)(void *)out, _mm_packus_epi16(words, words));
}

static void avx2_down(const resize_taps *t, size_t i, const uint8_t *in,
                      size_t in_stride, uint8_t *out, size_t n)
{
    size_t whole = n & ~(size_t)7;
    for (size_t x = 0; x < whole; x += 8)
        avx2_down_eight(t->weights + i * t->stride, t->n_taps[i], in + x,
                        in_stride, out + x);
    if (whole < n)
        resize_kernel_scalar.down(t, i, in + whole, in_stride, out + whole,
                                  n - whole);
}

const resize_kernel resize_kernel_avx2 = {"avx2", avx2_across, avx2_down};
