/* SPDX-License-Identifier: MIT
 * Chooses the kernels: the only state of the whole process in the index, it is
 * written once (and by tests). */
#include "index/distance.h"

#include <stdatomic.h>
#include <string.h>

#include "index/distance_int.h"

#if defined(__x86_64__)
#include <cpuid.h>

static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

static bool runs_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           has_f16c();
}

static bool runs_avx512(void)
{
    return runs_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}
#endif

static bool runs_always(void) { return true; }

/* Fastest first. */
static const struct {
    const distance_table *table;
    bool (*runs)(void);
} choices[] = {
#if defined(__x86_64__)
    {&distance_avx512, runs_avx512},
    {&distance_avx2, runs_avx2},
#elif defined(__aarch64__)
    {&distance_neon, runs_always},
#endif
    {&distance_scalar, runs_always},
};

static _Atomic(const distance_table *) chosen;

bool distance_use(const char *isa)
{
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (isa && strcmp(isa, choices[i].table->isa) != 0) continue;
        if (!choices[i].runs()) continue;
        atomic_store(&chosen, choices[i].table);
        return true;
    }
    return false;
}

const distance_table *distance_get(void)
{
    const distance_table *table =
        atomic_load_explicit(&chosen, memory_order_acquire);
    if (table) return table;
    distance_use(NULL);
    return atomic_load(&chosen);
}

void distance_from_half(const unsigned char *half, size_t n, float *out)
{
    distance_get()->from_half(half, n, out);
}

void distance_to_half(const float *in, size_t n, unsigned char *half)
{
    distance_get()->to_half(in, n, half);
}
