/* SPDX-License-Identifier: MIT
 * Where the demo's sounds come from: the tuxpaint stamps, or made here. */
#ifndef CLI_DEMO_SOUNDS_H
#define CLI_DEMO_SOUNDS_H

#include "cli/demo_files.h"

/* As demo_files_find: the sound effects, but no spoken descriptions (`_desc`)
 * and no spoken letters and numbers. */
akin_status demo_sounds_find(demo_files *sounds, const char *dir,
                             akin_error *err) AKIN_NODISCARD;

/* Writes 8 kinds of simple sounds, 3 of each, as WAV files into dir. */
akin_status demo_sounds_make(demo_files *sounds, const char *dir,
                             akin_error *err) AKIN_NODISCARD;

#endif
