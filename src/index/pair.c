/* SPDX-License-Identifier: MIT
 * Finds the pair kernel that belongs to the chosen instruction set. */
#include "index/pair.h"

#include "index/isa.h"
#include "index/pair_int.h"

static const pair_table *const tables[ISA_COUNT] = {
    [ISA_SCALAR] = &pair_scalar,
#if defined(__x86_64__)
    [ISA_AVX2] = &pair_avx2,
    [ISA_AVX512] = &pair_avx512,
    [ISA_AVX512VNNI] = &pair_avx512vnni,
#elif defined(__aarch64__)
    [ISA_NEON] = &pair_neon,
#endif
};

/* What only some of the processors of an instruction set have, or NULL. */
static const pair_table *find_more(void)
{
#if defined(__x86_64__)
    if (isa_get() == ISA_AVX512VNNI && isa_has_bf16()) return &pair_avx512bf16;
#endif
    return NULL;
}

akin_distance_fn pair_get(akin_type type, akin_metric metric)
{
    if ((unsigned)type >= PAIR_TYPES || (unsigned)metric >= PAIR_METRICS)
        return NULL;
    const pair_table *more = find_more();
    akin_distance_fn f = more ? more->of[type][metric] : NULL;
    for (int isa = (int)isa_get(); !f; isa--)
        if (tables[isa]) f = tables[isa]->of[type][metric];
    return f;
}
