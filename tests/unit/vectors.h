/* SPDX-License-Identifier: MIT
 * Vectors for the tests of indexes: clusters of normal noise, of one length or
 * of many, and the true neighbours. */
#ifndef VECTORS_H
#define VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct vectors_options {
    size_t n, dim, clusters;
    double noise;   /* beside centres of standard deviation 1 */
    bool normalise; /* to length 1; else lengths vary by a third */
    double equal;   /* this share of all are one and the same vector */
    uint64_t seed;
} vectors_options;

typedef struct vectors {
    size_t n, dim;
    unsigned char *block, *half; /* [n, dim] float16 at an odd address */
    float *values;               /* [n, dim] what these are */
    uint64_t *keys;              /* [n] 1000 + 3 i */
} vectors;

vectors vectors_new(const vectors_options *opt);
void vectors_clear(vectors *v);

/* The k-th highest inner product of q with the first n vectors. */
float vectors_kth_dot(const vectors *v, size_t n, const float *q, size_t k);

#endif
