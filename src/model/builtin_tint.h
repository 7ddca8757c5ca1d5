/* SPDX-License-Identifier: MIT
 * The built-in image model `tint`: a picture -> 243 numbers, of its edges, its
 * layout and its colours, by plain arithmetic. Nothing in it was fitted but the
 * shares of its four parts. It finds pictures that look alike, not pictures
 * that mean alike: of 2000 test pictures of CIFAR-10, the nearest other one is
 * of the same class for 44%, 35% of the ten nearest are (a colour histogram:
 * 26% and 22%). 0.15 ms a picture. */
#ifndef MODEL_BUILTIN_TINT_H
#define MODEL_BUILTIN_TINT_H

#include "base/error.h"

enum { TINT_SIDE = 64, TINT_DIM = 243 };

typedef struct tint tint; /* scratch memory, 17 KB: one a thread */

akin_status tint_new(tint **out, akin_error *err) AKIN_NODISCARD;
void tint_free(tint *t);

/* item [3, TINT_SIDE, TINT_SIDE]: red, green, blue in [0, 1] of the picture
 * squashed (bicubic) -> out [TINT_DIM] of length 1. A gain of all channels
 * hardly matters. Values out of range are clamped, those that are not numbers
 * count as 0; a picture of one colour has an embedding too. Never fails, never
 * allocates, and gives the same bits on every machine. */
void tint_embed(tint *t, const float *item, float out[TINT_DIM]);

/* "tint-VERSION-HASH", HASH over the constants; changes when vectors do. */
const char *tint_identity(void);

#endif
