/* SPDX-License-Identifier: MIT
 * Private to distance_f32_avx*.c: rows into panels, eight by eight values. */
#ifndef INDEX_DISTANCE_F32_PACK_H
#define INDEX_DISTANCE_F32_PACK_H

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

enum { PACK_N = 8 };

/* Columns [k, k + 8) of eight rows to panel + k * VEC_N. */
static inline void pack_block(const float *const *rows, size_t k, float *to)
{
    __m256 r[PACK_N], t[PACK_N];
    for (size_t i = 0; i < PACK_N; i++) r[i] = _mm256_loadu_ps(rows[i] + k);
    for (size_t i = 0; i < PACK_N; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (size_t i = 0; i < PACK_N; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    for (size_t i = 0; i < 4; i++) {
        _mm256_storeu_ps(to + i * VEC_N,
                         _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(to + (i + 4) * VEC_N,
                         _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}

/* Rows that are not there are taken from the zeros of an earlier fill. */
static void pack(const float *rows, size_t n, size_t dim, float *panel)
{
    if (n < VEC_N) memset(panel, 0, dim * VEC_N * sizeof *panel);
    size_t r = 0;
    for (; r + PACK_N <= n; r += PACK_N) {
        const float *eight[PACK_N];
        size_t k = 0;
        for (size_t i = 0; i < PACK_N; i++) eight[i] = rows + (r + i) * dim;
        for (; k + PACK_N <= dim; k += PACK_N)
            pack_block(eight, k, panel + k * VEC_N + r);
        for (; k < dim; k++)
            for (size_t i = 0; i < PACK_N; i++)
                panel[k * VEC_N + r + i] = eight[i][k];
    }
    for (; r < n; r++)
        for (size_t k = 0; k < dim; k++)
            panel[k * VEC_N + r] = rows[r * dim + k];
}

#endif
