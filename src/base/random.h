/* SPDX-License-Identifier: MIT
 * A small seeded generator (splitmix64): same seed, same numbers, everywhere. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

typedef struct random_state {
    uint64_t s;
} random_state;

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014. */
static inline uint64_t random_u64(random_state *r)
{
    uint64_t z = (r->s += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in [0, 1). */
static inline double random_unit(random_state *r)
{
    return (double)(random_u64(r) >> 11) * 0x1p-53;
}

/* Uniform in [0, n), n > 0; the bias is below 2^-32 for n < 2^32. */
static inline uint32_t random_below(random_state *r, uint32_t n)
{
    return (uint32_t)(((random_u64(r) >> 32) * (uint64_t)n) >> 32);
}

#endif
