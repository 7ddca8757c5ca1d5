/* SPDX-License-Identifier: MIT
 * The built-in image model `tint`: a picture -> 192 numbers, of which small
 * patterns and colours are where in it. The patterns and the projection were
 * fitted on pictures without a look at their labels; tools/fit_tint.py does
 * that and is the specification. It finds pictures that look alike, not
 * pictures that mean alike. */
#ifndef MODEL_BUILTIN_TINT_H
#define MODEL_BUILTIN_TINT_H

#include "base/error.h"

enum { TINT_SIDE = 32, TINT_DIM = 192 };

typedef struct tint tint; /* scratch memory, 76 KB: one a thread */

akin_status tint_new(tint **out, akin_error *err) AKIN_NODISCARD;
void tint_free(tint *t);

/* item [3, TINT_SIDE, TINT_SIDE]: red, green, blue in [0, 1] of the picture
 * squashed (bicubic) -> out [TINT_DIM] of length 1. Exposure and contrast
 * hardly matter, and a picture's mirror image has its embedding but for
 * rounding. Values out of range are clamped, those that are not numbers count
 * as 0; a picture of one colour has an embedding too. Never fails, never
 * allocates, and gives the same bits on every machine. */
void tint_embed(tint *t, const float *item, float out[TINT_DIM]);

/* "tint-VERSION-HASH", HASH over the constants; changes when vectors do. */
const char *tint_identity(void);

#endif
