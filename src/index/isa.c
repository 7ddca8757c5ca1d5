/* SPDX-License-Identifier: MIT
 * Chooses the instruction set: the only state of the whole process in the
 * index. It is written once, at the first question, and by those who ask for
 * another one. */
#include "index/isa.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

static const char *const names[] = {
    [ISA_SCALAR] = "scalar",
    [ISA_NEON] = "neon",
    [ISA_AVX2] = "avx2",
    [ISA_AVX512] = "avx512",
    [ISA_AVX512VNNI] = "avx512vnni",
};

#if defined(__x86_64__)
#include <cpuid.h>

/* clang 14 does not know this one by name. */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

/* __builtin_cpu_supports also asks whether the system saves the registers. */
static bool runs(enum isa isa)
{
    __builtin_cpu_init();
    switch (isa) {
    case ISA_SCALAR: return true;
    case ISA_NEON: return false;
    case ISA_AVX2:
        return __builtin_cpu_supports("avx2") &&
               __builtin_cpu_supports("fma") && has_f16c();
    case ISA_AVX512:
        return runs(ISA_AVX2) && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512vl");
    case ISA_AVX512VNNI:
        return runs(ISA_AVX512) && __builtin_cpu_supports("avx512vnni") &&
               __builtin_cpu_supports("avx512vpopcntdq");
    }
    return false;
}

bool isa_has_bf16(void)
{
    return runs(ISA_AVX512) && __builtin_cpu_supports("avx512bf16");
}
#else
static bool runs(enum isa isa)
{
#if defined(__aarch64__)
    return isa == ISA_SCALAR || isa == ISA_NEON;
#else
    return isa == ISA_SCALAR;
#endif
}

bool isa_has_bf16(void) { return false; }
#endif

enum { NONE = -1 };
static atomic_int chosen = NONE;

/* The fastest, or the one of that name; NONE if it does not run here. */
static int find(const char *name)
{
    for (int i = ISA_COUNT - 1; i >= 0; i--)
        if ((!name || strcmp(name, names[i]) == 0) && runs((enum isa)i))
            return i;
    return NONE;
}

enum isa isa_get(void)
{
    int isa = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (isa != NONE) return (enum isa)isa;
    if (atomic_compare_exchange_strong(&chosen, &isa, find(NULL)))
        isa = atomic_load(&chosen);
    return (enum isa)isa;
}

bool isa_use(const char *name)
{
    int isa = find(name);
    if (isa == NONE) return false;
    atomic_store(&chosen, isa);
    return true;
}

const char *isa_name(enum isa isa) { return names[isa]; }
