/* SPDX-License-Identifier: MIT
 * What the resizer's files share: the weights of one direction and the two
 * passes, in plain C and per instruction set. All give the same bytes. */
#ifndef MEDIA_RESIZE_INT_H
#define MEDIA_RESIZE_INT_H

#include <stddef.h>
#include <stdint.h>

/* Weights have 22 fractional bits: 8 bits of value and 2 of head-room are left
 * of 32, so that sums of at most 256 * 2^22 in size are exact. */
#define RESIZE_BITS 22
#define RESIZE_HALF_BITS 15

/* Rows that a horizontal pass takes together, and the pixels behind a row that
 * it may read (their weights are zero). */
#define RESIZE_ROWS 4
#define RESIZE_PADDING 16

/* Output i is the sum of n_taps[i] inputs from first[i] on. `weights` has
 * `stride` places for each output, zero behind the last; stride is a multiple
 * of 4. `halves` is the same for instructions that multiply 16 bits: for each
 * four weights the low 15 bits of all, then the rest of all. */
typedef struct resize_taps {
    uint32_t n_out, stride;
    uint32_t *first, *n_taps;
    int32_t *weights; /* [n_out, stride] */
    int16_t *halves;  /* [n_out, stride / 4, 2, 4] */
} resize_taps;

/* n_rows (at most RESIZE_ROWS) rows, RGB, in_stride bytes apart, become n_rows
 * rows of t->n_out pixels, out_stride bytes apart. */
typedef struct resize_rows {
    const uint8_t *in;
    size_t in_stride;
    uint8_t *out;
    size_t out_stride;
    size_t n_rows;
} resize_rows;

/* One set of passes. `across` is horizontal. `down` makes row i of the output,
 * n bytes, out of the rows in[0 .. n_taps[i]), in_stride bytes apart. */
typedef struct resize_kernel {
    const char *name;
    void (*across)(const resize_taps *t, const resize_rows *rows);
    void (*down)(const resize_taps *t, size_t i, const uint8_t *in,
                 size_t in_stride, uint8_t *out, size_t n);
} resize_kernel;

extern const resize_kernel resize_kernel_scalar;
extern const resize_kernel resize_kernel_avx2; /* x86-64 builds only */

/* The fastest that this machine runs. */
const resize_kernel *resize_kernel_best(void);

/* Tests only: the kernel that is used from now on, NULL for the best. */
void resize_kernel_use(const resize_kernel *kernel);

static inline uint8_t resize_clip(int32_t sum)
{
    int32_t v = sum >> RESIZE_BITS;
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

#endif
