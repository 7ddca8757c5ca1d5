/* SPDX-License-Identifier: MIT
 * Small datasets for tests, made row by row. */
#ifndef DATASET_HELP_H
#define DATASET_HELP_H

#include "akin/dataset.h"

/* The dataset "ds" of n items "i000", "i001", ... with a field `number` (the
 * item's number) and `kind` ("even", "odd"); each with views "i000v0", ... of the
 * files "f000_0.jpg", ..., all named "image" but the second ones, "mask". Open for
 * writing; its media folder is "media". */
akin_dataset *dataset_make(size_t n, size_t n_views);

/* One view more: of item i, with this id and file. */
void dataset_add_view(akin_dataset *ds, size_t i, const char *id,
                      const char *url);

/* A picture of one colour with a diagonal, below media/. */
void dataset_make_picture(const char *url, unsigned seed);

/* Seeded values in -1 .. 1. */
void dataset_values(unsigned seed, float *out, size_t dim);

#endif
