/* SPDX-License-Identifier: MIT
 * The built-in sound model `mel`: 3 s of sound -> 128 numbers, by signal
 * processing and one fitted linear projection. tools/fit_mel.py describes it,
 * is its reference implementation and makes its constants. */
#ifndef MODEL_BUILTIN_MEL_H
#define MODEL_BUILTIN_MEL_H

#include <stdbool.h>

#include "base/error.h"

enum { MEL_RATE_HZ = 48000, MEL_WINDOW_SAMPLES = 144000, MEL_DIM = 128 };

typedef struct mel mel; /* scratch memory and tables, 0.9 MB: one a thread */

/* Fails with AKIN_ENOMEM, or AKIN_EMODEL when the constants that this program
 * was built with are not those that this code needs. */
akin_status mel_new(mel **out, akin_error *err) AKIN_NODISCARD;
void mel_free(mel *m);

/* samples [MEL_WINDOW_SAMPLES] at MEL_RATE_HZ -> out [MEL_DIM] of length 1.
 * Gain and offset of the samples don't matter; non-finite ones count as 0;
 * silence has an embedding too. Never fails, never allocates, and gives the
 * same bits on every machine. */
void mel_embed(mel *m, const float *samples, float *out);

/* "mel-VERSION-HASH", HASH over the constants; changes when vectors do. */
const char *mel_identity(void);

/* Tests only: "default", "avx2" or "avx512" instead of the best; false when
 * this machine or build lacks it. */
bool mel_use_instructions(mel *m, const char *name);

#endif
