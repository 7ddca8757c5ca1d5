/* SPDX-License-Identifier: MIT
 * IEEE half floats and bfloats, as two little-endian bytes, to float and
 * back. */
#ifndef BASE_HALF_H
#define BASE_HALF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define HALF_MAX 65504.0f

/* Without a branch, so that loops over it can be vectorised. */
static inline float half_to_float(const unsigned char *p)
{
    uint32_t h = (uint32_t)p[0] | (uint32_t)p[1] << 8;
    uint32_t magnitude = h & 0x7fffu, bits = magnitude << 13;
    float value;
    memcpy(&value, &bits, sizeof value);
    value *= 0x1p112f; /* moves the exponent; right for subnormals, too */
    memcpy(&bits, &value, sizeof bits);
    bits |= magnitude >= 0x7c00u ? 0x7f800000u : 0; /* infinity and NaN, */
    bits |= magnitude > 0x7c00u ? 0x00400000u : 0;  /* quiet as CPUs make it */
    bits |= (h & 0x8000u) << 16;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Clamps what float16 cannot hold to its largest numbers; how many they were.
 * NaN is let be. */
static inline size_t half_clamp(float *values, size_t n)
{
    size_t n_clamped = 0;
    for (size_t i = 0; i < n; i++) {
        if (!(values[i] > HALF_MAX || values[i] < -HALF_MAX)) continue;
        values[i] = values[i] > 0 ? HALF_MAX : -HALF_MAX;
        n_clamped++;
    }
    return n_clamped;
}

/* To the nearest, ties to even; beyond 65504 to infinity. */
static inline void half_from_float(float value, unsigned char *p)
{
    uint32_t bits, half;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) { /* NaN keeps the top of its payload */
        half = 0x7e00u | (magnitude >> 13 & 0x3ffu);
    } else if (magnitude >= 0x477ff000u) { /* rounds to beyond 65504 */
        half = 0x7c00u;
    } else if (magnitude < 0x38800000u) { /* below 2^-14: subnormal */
        float m;
        memcpy(&m, &magnitude, sizeof m);
        m += 0.5f; /* ulp(0.5) is 2^-24, the step of subnormal halves */
        memcpy(&half, &m, sizeof half);
        half -= 0x3f000000u;
    } else { /* half of the dropped part, and one more to make odd ones even */
        half = magnitude + 0xfffu + (magnitude >> 13 & 1);
        half = (half - 0x38000000u) >> 13;
    }
    half |= sign;
    p[0] = (unsigned char)half;
    p[1] = (unsigned char)(half >> 8);
}

/* A bfloat is the upper half of a float. */
static inline float bfloat_to_float(const unsigned char *p)
{
    uint32_t bits = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* To the nearest, ties to even; NaN keeps the top of its payload, quiet. */
static inline void bfloat_from_float(float value, unsigned char *p)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    bool nan = (bits & 0x7fffffffu) > 0x7f800000u;
    bits = nan ? bits | 0x400000u : bits + 0x7fffu + (bits >> 16 & 1);
    p[0] = (unsigned char)(bits >> 16);
    p[1] = (unsigned char)(bits >> 24);
}

#endif
