/* SPDX-License-Identifier: MIT
 * Where the demo's sounds come from: the tuxpaint stamps, or made here. */
#ifndef CLI_DEMO_SOUNDS_H
#define CLI_DEMO_SOUNDS_H

#include <stddef.h>

#include "base/error.h"

typedef struct demo_sounds {
    char **paths; /* owned, sorted */
    size_t n, cap;
} demo_sounds;

/* The sound effects below dir: no spoken descriptions (`_desc`) and no spoken
 * letters and numbers. None (AKIN_OK, n = 0) where there is no such folder. */
akin_status demo_sounds_find(demo_sounds *sounds, const char *dir,
                             akin_error *err) AKIN_NODISCARD;

/* Writes 8 kinds of simple sounds, 3 of each, as WAV files into dir. */
akin_status demo_sounds_make(demo_sounds *sounds, const char *dir,
                             akin_error *err) AKIN_NODISCARD;

void demo_sounds_clear(demo_sounds *sounds);

/* What the sound is: the first line of the caption beside it (NAME.txt), else
 * its name without folders and extension. Owned; NULL when memory is out. */
char *demo_sounds_caption(const char *path);

#endif
