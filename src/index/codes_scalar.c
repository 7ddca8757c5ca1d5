/* SPDX-License-Identifier: MIT
 * The kernels of small codes in plain C: what the SIMD ones are tested against,
 * and the ones that run where no other can. */
#include <math.h>
#include <string.h>

#include "index/codes_int.h"

/* Running sums, so that a compiler may use what SIMD it has without being
 * allowed to reorder additions. */
enum { LANES = 8 };

static float sum_lanes(const float *s)
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static float cut(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

/* ---- the rotation ---- */

/* Not normalised; n is a power of two. */
static void hadamard(float *x, size_t n)
{
    for (size_t h = 1; h < n; h *= 2)
        for (size_t i = 0; i < n; i += 2 * h)
            for (size_t j = i; j < i + h; j++) {
                float a = x[j], b = x[j + h];
                x[j] = a + b;
                x[j + h] = a - b;
            }
}

static void rotate(float *x, const float *signs, size_t n)
{
    const size_t p = codes_power(n);
    const float scale = 1 / sqrtf((float)p);
    for (size_t at = 0, round = 0; round < 2; round++, at = n - p) {
        for (size_t i = 0; i < n; i++) x[i] *= signs[round * n + i];
        for (size_t i = at; i < at + p; i++) x[i] *= scale;
        hadamard(x + at, p);
        if (p == n) return;
    }
}

/* ---- from floats ---- */

static void measure(const float *x, size_t n, float *max, float *normsq)
{
    float sum[LANES] = {0}, most = 0;
    for (size_t i = 0; i < n; i++) {
        if (fabsf(x[i]) > most) most = fabsf(x[i]);
        sum[i % LANES] += x[i] * x[i];
    }
    *max = most;
    *normsq = sum_lanes(sum);
}

static void to_bytes(const float *x, size_t n, float scale, int8_t *bytes,
                     size_t n_bytes, int32_t *sum)
{
    int32_t total = 0;
    for (size_t i = 0; i < n; i++) {
        bytes[i] = (int8_t)lrintf(cut(x[i] * scale, -127, 127));
        total += bytes[i];
    }
    memset(bytes + n, 0, n_bytes - n);
    *sum = total;
}

static unsigned code_of(float x, float inverse_step)
{
    return (unsigned)((int)cut(floorf(x * inverse_step), -8, 7) + 8);
}

static void encode_code(const float *x, size_t n, float inverse_step,
                        uint8_t *code, size_t code_bytes, float *dot)
{
    float sum[LANES] = {0};
    memset(code, 0, code_bytes);
    for (size_t i = 0; i < n; i++) {
        unsigned c = code_of(x[i], inverse_step);
        code[i / 128 * 64 + i % 64] |= (uint8_t)(c << (i % 128 < 64 ? 0 : 4));
        sum[i % LANES] += x[i] * ((float)c - 7.5f);
    }
    *dot = sum_lanes(sum);
}

static void encode_sketch(const float *x, size_t n, uint8_t *sketch,
                          size_t sketch_bytes, float *norm1)
{
    float sum[LANES] = {0};
    memset(sketch, 0, sketch_bytes);
    for (size_t i = 0; i < n; i++) {
        sketch[i / 8] |= (uint8_t)((x[i] > 0) << i % 8);
        sum[i % LANES] += fabsf(x[i]);
    }
    *norm1 = sum_lanes(sum);
}

static void to_planes(const float *x, size_t n, float inverse_step,
                      uint8_t *planes, size_t sketch_bytes)
{
    memset(planes, 0, CODES_PLANES * sketch_bytes);
    for (size_t i = 0; i < n; i++) {
        unsigned c = code_of(x[i], inverse_step);
        for (size_t k = 0; k < CODES_PLANES; k++)
            planes[k * sketch_bytes + i / 8] |=
                (uint8_t)((c >> k & 1) << i % 8);
    }
}

/* ---- against a query ---- */

static int32_t code_row(const int8_t *bytes, const uint8_t *row,
                        size_t code_bytes)
{
    int32_t sum = 0;
    for (size_t i = 0; i < code_bytes; i += 64, bytes += 128)
        for (size_t j = 0; j < 64; j++) {
            int c = row[i + j];
            sum += bytes[j] * (c & 15) + bytes[j + 64] * (c >> 4);
        }
    return sum;
}

static void code(const int8_t *bytes, const uint8_t *const *rows, size_t n_rows,
                 size_t code_bytes, int32_t *sums)
{
    for (size_t r = 0; r < n_rows; r++)
        sums[r] = code_row(bytes, rows[r], code_bytes);
}

static void code_scan(const int8_t *bytes, const uint8_t *rows, size_t n_rows,
                      size_t code_bytes, int32_t *sums)
{
    for (size_t r = 0; r < n_rows; r++)
        sums[r] = code_row(bytes, rows + r * code_bytes, code_bytes);
}

static uint64_t load_64(const uint8_t *p)
{
    uint64_t bits;
    memcpy(&bits, p, sizeof bits);
    return bits;
}

static void sketch(const uint8_t *planes, const uint8_t *const *rows,
                   size_t n_rows, size_t sketch_bytes, uint32_t *sums)
{
    for (size_t r = 0; r < n_rows; r++) {
        sums[r] = 0;
        for (size_t k = 0; k < CODES_PLANES; k++)
            for (size_t i = 0; i < sketch_bytes; i += 8) {
                uint64_t apart = load_64(planes + k * sketch_bytes + i) ^
                                 load_64(rows[r] + i);
                sums[r] += (uint32_t)__builtin_popcountll(apart) << k;
            }
    }
}

static void expand(const uint8_t *code, size_t n, int8_t *bytes, size_t n_bytes,
                   int32_t *sum)
{
    int32_t total = 0;
    for (size_t i = 0; i < n; i++) {
        int c = code[i / 128 * 64 + i % 64] >> (i % 128 < 64 ? 0 : 4) & 15;
        bytes[i] = (int8_t)(2 * c - 15);
        total += bytes[i];
    }
    memset(bytes + n, 0, n_bytes - n);
    *sum = total;
}

static size_t rank(const uint64_t *ascending, size_t n, uint64_t key)
{
    size_t smaller = 0;
    while (n > 0) {
        size_t half = (n + 1) / 2;
        if (ascending[smaller + half - 1] < key) smaller += half;
        n -= half;
    }
    return smaller;
}

const codes_table codes_scalar = {
    .isa = "scalar",
    .rotate = rotate,
    .measure = measure,
    .to_bytes = to_bytes,
    .encode_code = encode_code,
    .encode_sketch = encode_sketch,
    .to_planes = to_planes,
    .code = code,
    .code_scan = code_scan,
    .sketch = sketch,
    .expand = expand,
    .rank = rank,
};
