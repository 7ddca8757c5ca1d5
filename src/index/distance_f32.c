/* SPDX-License-Identifier: MIT
 * Finds the float32 kernels that belong to the chosen instruction set. */
#include "index/distance_f32.h"

#include "index/distance_f32_int.h"
#include "index/isa.h"

static const distance_f32_table *const tables[ISA_COUNT] = {
    [ISA_SCALAR] = &distance_f32_scalar,
#if defined(__x86_64__)
    [ISA_AVX2] = &distance_f32_avx2,
    [ISA_AVX512] = &distance_f32_avx512,
    [ISA_AVX512VNNI] = &distance_f32_avx512,
#elif defined(__aarch64__)
    [ISA_NEON] = &distance_f32_neon,
#endif
};

const distance_f32_table *distance_f32_get(void) { return tables[isa_get()]; }
