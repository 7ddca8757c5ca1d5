/* SPDX-License-Identifier: MIT
 * tests/data/image for the tests: what is expected of each file. */
#ifndef IMAGE_FILES_H
#define IMAGE_FILES_H

#include "media/image.h"

/* One line of expected.txt; mode and filter are empty for a decoding. */
typedef struct image_expected {
    char file[64], mode[16], filter[16];
    unsigned width, height;
    unsigned long long hash;
} image_expected;

/* Calls check for each line that begins with `verb`; returns how many. */
int image_expected_each(const char *verb,
                        void (*check)(const image_expected *x));

/* FNV-1a, 64 bits, of the pixels. */
unsigned long long image_hash(const image *im);

/* tests/data/image/NAME, loaded with the default options; fails the test if it
 * cannot be. */
void image_load_data(const char *name, image *out);

#endif
