/* SPDX-License-Identifier: MIT
 * The public face of the kernels: the choice of instruction set, distances
 * between two vectors and conversions of their elements. */
#include "akin/index.h"

#include "base/half.h"
#include "index/distance.h"
#include "index/isa.h"
#include "index/pair.h"

bool akin_use_isa(const char *name) { return isa_use(name); }

const char *akin_isa(void) { return isa_name(isa_get()); }

akin_distance_fn akin_distance_get(akin_type type, akin_metric metric)
{
    return pair_get(type, metric);
}

void akin_f16_from_f32(const float *in, size_t n, unsigned char *out)
{
    distance_to_half(in, n, out);
}

void akin_f16_to_f32(const unsigned char *in, size_t n, float *out)
{
    distance_from_half(in, n, out);
}

void akin_bf16_from_f32(const float *in, size_t n, unsigned char *out)
{
    for (size_t i = 0; i < n; i++) bfloat_from_float(in[i], out + 2 * i);
}

void akin_bf16_to_f32(const unsigned char *in, size_t n, float *out)
{
    for (size_t i = 0; i < n; i++) out[i] = bfloat_to_float(in + 2 * i);
}
