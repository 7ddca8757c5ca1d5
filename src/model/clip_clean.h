/* SPDX-License-Identifier: MIT
 * A text as CLIP's tokenizers look at it: normalised, blanks collapsed, in
 * lower case; and the Unicode classes that they split it by. */
#ifndef MODEL_CLIP_CLEAN_H
#define MODEL_CLIP_CLEAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/card.h"

enum {
    CLIP_MAX_CHARACTERS = 2048,               /* that are read of a text */
    CLIP_MAX_CODES = 4 * CLIP_MAX_CHARACTERS  /* that they can become */
};

/* Writes at most CLIP_MAX_CODES code points to out and returns how many. Bytes
 * that are no UTF-8 become U+FFFD. Needs 64 kB of stack. */
size_t clip_clean(const char *text, size_t n_bytes, card_clean mode,
                  bool lower_case, int32_t *out);

bool clip_is_space(int32_t code);
bool clip_is_letter(int32_t code); /* category L */
bool clip_is_number(int32_t code); /* category N */

#endif
