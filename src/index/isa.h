/* SPDX-License-Identifier: MIT
 * The instruction set that all kernels of the process run with. */
#ifndef INDEX_ISA_H
#define INDEX_ISA_H

#include <stdbool.h>

/* Each holds what those before it on the same processor hold, so that kernels
 * that are not there are looked for further down. */
enum isa {
    ISA_SCALAR,
    ISA_NEON,
    ISA_AVX2,       /* with FMA and F16C */
    ISA_AVX512,     /* F, BW and VL */
    ISA_AVX512VNNI, /* with VNNI and VPOPCNTDQ */
};
enum { ISA_COUNT = ISA_AVX512VNNI + 1 };

/* The fastest that processor and operating system can run, found at the first
 * call, or what isa_use chose. Thread-safe. */
enum isa isa_get(void);

/* Chooses by name; NULL goes back to the fastest. false, and nothing changes,
 * if the name is unknown or this processor cannot run it. Not while an index is
 * searched or built: the packed rows of one kernel are not those of another. */
bool isa_use(const char *name);

/* Whether the processor has AVX512_BF16, too. Thread-safe. */
bool isa_has_bf16(void);

/* "scalar", "neon", "avx2", "avx512", "avx512vnni". */
const char *isa_name(enum isa isa);

#endif
