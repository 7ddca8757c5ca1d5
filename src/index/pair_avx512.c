/* SPDX-License-Identifier: MIT
 * Pair distances for x86-64 with AVX-512 F, BW and VL. Halves are left to AVX2:
 * a Zen 4 core makes sixteen of them floats in 1.6 cycles, and twice eight in
 * 1.1, so that 1024 take 57 ns here and 38 there. */
#include <stdbool.h>
#include <string.h>

#include "index/pair_int.h"
#include "index/vec_avx512.h"
#include "index/vec_bytes_avx512.h"

/* ---- floats -------------------------------------------------------------- */

enum { STEP = 2 * VEC_N };

/* The even ones and then the odd ones: a shift and an and, where their order
 * would take two shuffles. */
static inline void split_bfloats(__m512i both, vec *v)
{
    v[0] = _mm512_castsi512_ps(_mm512_slli_epi32(both, 16));
    v[1] = _mm512_castsi512_ps(
        _mm512_and_si512(both, _mm512_set1_epi32((int)0xffff0000)));
}

FORCE_INLINE void load_step(akin_type type, const unsigned char *p, vec *v)
{
    if (type == AKIN_BF16) {
        split_bfloats(_mm512_loadu_si512(p), v);
    } else {
        v[0] = _mm512_loadu_ps(p);
        v[1] = _mm512_loadu_ps(p + sizeof v[0]);
    }
}

FORCE_INLINE void load_part(akin_type type, const unsigned char *p, size_t n,
                            bool back, vec *v)
{
    (void)back;
    __mmask32 mask = (1u << n) - 1;
    if (type == AKIN_BF16) {
        split_bfloats(_mm512_maskz_loadu_epi16(mask, p), v);
    } else {
        v[0] = _mm512_maskz_loadu_ps((__mmask16)mask, p);
        v[1] = _mm512_maskz_loadu_ps((__mmask16)(mask >> 16),
                                     p + sizeof v[0]);
    }
}

static inline vec multiply_add(vec a, vec b, vec sum)
{
    return vec_fma(a, b, sum);
}

#include "index/pair_float_int.h"

/* ---- integers ------------------------------------------------------------ */

static inline bytes repeat_16(__m128i a) { return _mm512_broadcast_i32x4(a); }
static inline int64_t total_sum(__m512i s) { return sum_int32(s); }

#include "index/pair_madd_int.h"

#include "index/pair_byte_int.h"

PAIR_KERNELS(f32, AKIN_F32, measure_floats)
PAIR_KERNELS(bf16, AKIN_BF16, measure_floats)
PAIR_KERNELS(i8, AKIN_I8, measure_bytes)
PAIR_KERNELS(u8, AKIN_U8, measure_bytes)
PAIR_KERNELS(u4, AKIN_U4, measure_bytes)
PAIR_KERNELS(b1, AKIN_B1, measure_bytes)

const pair_table pair_avx512 = {{
    PAIR_LINE(f32, AKIN_F32),
    PAIR_LINE(bf16, AKIN_BF16),
    PAIR_LINE(i8, AKIN_I8),
    PAIR_LINE(u8, AKIN_U8),
    PAIR_LINE(u4, AKIN_U4),
    PAIR_LINE(b1, AKIN_B1),
}};
