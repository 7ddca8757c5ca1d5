/* SPDX-License-Identifier: MIT
 * The distance between two vectors of the same type, for all types of elements;
 * what it is exactly is said in akin/index.h. */
#ifndef INDEX_PAIR_H
#define INDEX_PAIR_H

#include "akin/index.h"

/* The function of isa_get's instruction set, or of the next one below that has
 * one; NULL if there is no such type or metric. Thread-safe. */
akin_distance_fn pair_get(akin_type type, akin_metric metric);

#endif
