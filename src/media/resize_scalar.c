/* SPDX-License-Identifier: MIT
 * The resizer's passes in plain C: the reference for the others. */
#include "media/resize_int.h"

/* Bytes of a row that are summed at once: the sums stay in L1. */
#define SCALAR_BLOCK 1024

static void scalar_across_row(const resize_taps *t, const uint8_t *in,
                              uint8_t *out)
{
    for (size_t i = 0; i < t->n_out; i++) {
        const int32_t *w = t->weights + i * t->stride;
        const uint8_t *p = in + (size_t)t->first[i] * 3;
        int32_t r = 1 << (RESIZE_BITS - 1), g = r, b = r;
        for (uint32_t k = 0; k < t->n_taps[i]; k++) {
            r += w[k] * p[3 * k];
            g += w[k] * p[3 * k + 1];
            b += w[k] * p[3 * k + 2];
        }
        out[3 * i] = resize_clip(r);
        out[3 * i + 1] = resize_clip(g);
        out[3 * i + 2] = resize_clip(b);
    }
}

static void scalar_across(const resize_taps *t, const resize_rows *rows)
{
    for (size_t y = 0; y < rows->n_rows; y++)
        scalar_across_row(t, rows->in + y * rows->in_stride,
                          rows->out + y * rows->out_stride);
}

static void scalar_down_block(const int32_t *w, uint32_t n_taps,
                              const uint8_t *in, size_t in_stride, uint8_t *out,
                              size_t n)
{
    int32_t sum[SCALAR_BLOCK];
    for (size_t x = 0; x < n; x++) sum[x] = 1 << (RESIZE_BITS - 1);
    for (uint32_t k = 0; k < n_taps; k++) {
        const uint8_t *row = in + k * in_stride;
        for (size_t x = 0; x < n; x++) sum[x] += w[k] * row[x];
    }
    for (size_t x = 0; x < n; x++) out[x] = resize_clip(sum[x]);
}

static void scalar_down(const resize_taps *t, size_t i, const uint8_t *in,
                        size_t in_stride, uint8_t *out, size_t n)
{
    for (size_t x = 0; x < n; x += SCALAR_BLOCK)
        scalar_down_block(t->weights + i * t->stride, t->n_taps[i], in + x,
                          in_stride, out + x,
                          n - x < SCALAR_BLOCK ? n - x : SCALAR_BLOCK);
}

const resize_kernel resize_kernel_scalar = {"scalar", scalar_across,
                                            scalar_down};
