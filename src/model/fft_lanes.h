/* SPDX-License-Identifier: MIT
 * Sixteen Fourier transforms side by side, one a lane, in a fixed order of
 * operations: the compiler makes vector code of it for any instruction set,
 * and the bits stay the same. Include it, don't link it: the functions must be
 * inlined into a caller that names its instruction set. */
#ifndef MODEL_FFT_LANES_H
#define MODEL_FFT_LANES_H

#include <stdint.h>

enum { LANES = 16, FFT_CIRCLE = 2048 };

/* One row: the same sample, or frequency, of all transforms. */
typedef struct lanes {
    _Alignas(64) float at[LANES];
} lanes;

#define LANES_INLINE static inline __attribute__((always_inline))
#define LANES_EACH _Pragma("omp simd") for (int l = 0; l < LANES; l++)

/* circle[k] = cos(2 pi k / FFT_CIRCLE) */
LANES_INLINE float circle_cos(const float *circle, int k)
{
    return circle[k & (FFT_CIRCLE - 1)];
}

LANES_INLINE float circle_sin(const float *circle, int k)
{
    return circle[(k + FFT_CIRCLE - FFT_CIRCLE / 4) & (FFT_CIRCLE - 1)];
}

/* (re, im)[j] of the four quarters q rows apart -> the four quarter-length
 * problems, times the twiddle factors w, w^2 and w^3. */
LANES_INLINE void fft_butterfly4(lanes *restrict re, lanes *restrict im, int q,
                                 const float *w)
{
    lanes *re1 = re + q, *re2 = re + 2 * q, *re3 = re + 3 * q;
    lanes *im1 = im + q, *im2 = im + 2 * q, *im3 = im + 3 * q;
    float c1 = w[0], s1 = w[1], c2 = w[2], s2 = w[3], c3 = w[4], s3 = w[5];
    LANES_EACH
    {
        float sum02r = re->at[l] + re2->at[l], sum02i = im->at[l] + im2->at[l];
        float dif02r = re->at[l] - re2->at[l], dif02i = im->at[l] - im2->at[l];
        float sum13r = re1->at[l] + re3->at[l];
        float sum13i = im1->at[l] + im3->at[l];
        float dif13r = re1->at[l] - re3->at[l];
        float dif13i = im1->at[l] - im3->at[l];
        float br = dif02r + dif13i, bi = dif02i - dif13r;
        float cr = sum02r - sum13r, ci = sum02i - sum13i;
        float dr = dif02r - dif13i, di = dif02i + dif13r;
        re->at[l] = sum02r + sum13r;
        im->at[l] = sum02i + sum13i;
        re1->at[l] = br * c1 + bi * s1;
        im1->at[l] = bi * c1 - br * s1;
        re2->at[l] = cr * c2 + ci * s2;
        im2->at[l] = ci * c2 - cr * s2;
        re3->at[l] = dr * c3 + di * s3;
        im3->at[l] = di * c3 - dr * s3;
    }
}

LANES_INLINE void fft_butterfly2(lanes *restrict re, lanes *restrict im, int h,
                                 float c, float s)
{
    lanes *re1 = re + h, *im1 = im + h;
    LANES_EACH
    {
        float dr = re->at[l] - re1->at[l], di = im->at[l] - im1->at[l];
        re->at[l] = re->at[l] + re1->at[l];
        im->at[l] = im->at[l] + im1->at[l];
        re1->at[l] = dr * c + di * s;
        im1->at[l] = di * c - dr * s;
    }
}

/* In place, n a power of two from 4 to FFT_CIRCLE; frequency k lands in row
 * fft_row(n, k). Radix 4, decimation in frequency; an odd power of two has one
 * radix-2 step first. */
LANES_INLINE void fft_lanes(const float *circle, int n, lanes *re, lanes *im)
{
    int m = n;
    if (__builtin_ctz((unsigned)n) & 1) {
        m = n / 2;
        for (int j = 0; j < m; j++) {
            int k = j * (FFT_CIRCLE / n);
            fft_butterfly2(re + j, im + j, m, circle_cos(circle, k),
                           circle_sin(circle, k));
        }
    }
    for (; m > 1; m /= 4) {
        int q = m / 4;
        for (int j = 0; j < q; j++) {
            int k = j * (FFT_CIRCLE / m);
            float w[6] = {
                circle_cos(circle, k),     circle_sin(circle, k),
                circle_cos(circle, 2 * k), circle_sin(circle, 2 * k),
                circle_cos(circle, 3 * k), circle_sin(circle, 3 * k)};
            for (int i = j; i < n; i += m)
                fft_butterfly4(re + i, im + i, q, w);
        }
    }
}

/* The row that frequency k of a transform of n is left in. */
static inline int fft_row(int n, int k)
{
    int row = 0;
    if (__builtin_ctz((unsigned)n) & 1) {
        n /= 2;
        row = (k & 1) * n;
        k >>= 1;
    }
    for (; n > 1; k >>= 2) {
        n /= 4;
        row += (k & 3) * n;
    }
    return row;
}

#endif
