/* SPDX-License-Identifier: MIT
 * The sizes of codes, and the kernels that belong to the chosen instruction
 * set. */
#include "index/codes.h"

#include "index/codes_int.h"
#include "index/isa.h"

static size_t round_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

codes_shape codes_shape_of(size_t dim)
{
    const size_t padded = round_up(dim, 64);
    return (codes_shape){
        .padded = padded,
        .code_bytes = round_up(padded / 2, 64),
        .sketch_bytes = round_up(padded / 8, 64),
    };
}

static const codes_table *const tables[ISA_COUNT] = {
    [ISA_SCALAR] = &codes_scalar,
#if defined(__x86_64__)
    [ISA_AVX2] = &codes_avx2,
    [ISA_AVX512] = &codes_avx512,
    [ISA_AVX512VNNI] = &codes_avx512vnni,
#elif defined(__aarch64__)
    [ISA_NEON] = &codes_neon,
#endif
};

const codes_table *codes_get(void) { return tables[isa_get()]; }
