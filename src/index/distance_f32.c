/* SPDX-License-Identifier: MIT
 * Finds the float32 kernels that belong to the chosen ones. */
#include "index/distance_f32.h"

#include <string.h>

#include "index/distance_f32_int.h"

static const distance_f32_table *const tables[] = {
#if defined(__x86_64__)
    &distance_f32_avx512,
    &distance_f32_avx2,
#elif defined(__aarch64__)
    &distance_f32_neon,
#endif
    &distance_f32_scalar,
};

const distance_f32_table *distance_f32_get(void)
{
    const char *isa = distance_get()->isa;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(isa, tables[i]->isa) == 0) return tables[i];
    return &distance_f32_scalar;
}
