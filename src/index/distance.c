/* SPDX-License-Identifier: MIT
 * Finds the kernels that belong to the chosen instruction set. */
#include "index/distance.h"

#include "index/distance_int.h"
#include "index/isa.h"

static const distance_table *const tables[ISA_COUNT] = {
    [ISA_SCALAR] = &distance_scalar,
#if defined(__x86_64__)
    [ISA_AVX2] = &distance_avx2,
    [ISA_AVX512] = &distance_avx512,
    [ISA_AVX512VNNI] = &distance_avx512,
#elif defined(__aarch64__)
    [ISA_NEON] = &distance_neon,
#endif
};

const distance_table *distance_get(void) { return tables[isa_get()]; }

void distance_from_half(const unsigned char *half, size_t n, float *out)
{
    distance_get()->from_half(half, n, out);
}

void distance_to_half(const float *in, size_t n, unsigned char *half)
{
    distance_get()->to_half(in, n, half);
}
