/* SPDX-License-Identifier: MIT
 * Private to pair_*.c: the loop over integers that SIMD files share. One has
 * the type `bytes` of BYTES_N bytes and the type `total` of int32 sums, and
 *
 *     bytes load_bytes(const unsigned char *p);
 *     bytes load_bytes_part(const unsigned char *p, size_t n, bool back);
 *     bytes bytes_and, bytes_xor(bytes a, bytes b);
 *     bytes low_nibbles, high_nibbles(bytes a);
 *     bytes apart_i8, apart_u8(bytes a, bytes b);  their distance, as uint8
 *
 *     total total_zero(void);
 *     total total_add(total s, total t);
 *     int64_t total_sum(total s);
 *     total add_i8, add_u8(bytes a, bytes b, total s);  their products
 *     total add_u4(bytes low_a, bytes low_b, bytes high_a, bytes high_b,
 *                  total s);
 *     total add_bits(bytes a, total s);  the bits that are set
 *
 * Of a part n < BYTES_N bytes count, the others are 0; `back` says that BYTES_N
 * may be read up to its end. No add_ makes a lane grow by more than
 * 4 * 255 * 255. */
#ifndef INDEX_PAIR_BYTE_INT_H
#define INDEX_PAIR_BYTE_INT_H

#include "index/pair_int.h"

/* Steps that no lane overflows in: 8192 * 4 * 255 * 255 < 2^31. */
enum { BLOCK_STEPS = 8192, BLOCK_BYTES = BLOCK_STEPS * BYTES_N };

/* A cosine has three sums in flight already. */
enum { BYTE_CHAINS = 2 };

FORCE_INLINE total add_dot(akin_type type, bytes a, bytes b, total s)
{
    switch (type) {
    case AKIN_I8: return add_i8(a, b, s);
    case AKIN_U8: return add_u8(a, b, s);
    case AKIN_U4:
        return add_u4(low_nibbles(a), low_nibbles(b), high_nibbles(a),
                      high_nibbles(b), s);
    default: return add_bits(bytes_and(a, b), s);
    }
}

FORCE_INLINE total add_l2sq(akin_type type, bytes a, bytes b, total s)
{
    bytes low, high;
    switch (type) {
    case AKIN_I8: a = apart_i8(a, b); return add_u8(a, a, s);
    case AKIN_U8: a = apart_u8(a, b); return add_u8(a, a, s);
    case AKIN_U4:
        low = apart_u8(low_nibbles(a), low_nibbles(b));
        high = apart_u8(high_nibbles(a), high_nibbles(b));
        return add_u4(low, low, high, high, s);
    default: return add_bits(bytes_xor(a, b), s);
    }
}

FORCE_INLINE void add_bytes(akin_type type, akin_metric metric, bytes a,
                            bytes b, total *s)
{
    if (metric == AKIN_METRIC_L2SQ) {
        s[DOT] = add_l2sq(type, a, b, s[DOT]);
        return;
    }
    s[DOT] = add_dot(type, a, b, s[DOT]);
    if (metric != AKIN_METRIC_COSINE) return;
    s[NORMSQ_A] = add_dot(type, a, a, s[NORMSQ_A]);
    s[NORMSQ_B] = add_dot(type, b, b, s[NORMSQ_B]);
}

FORCE_INLINE void add_block(akin_type type, akin_metric metric,
                            const unsigned char *a, const unsigned char *b,
                            size_t n, int64_t *sums)
{
    const size_t chains = metric == AKIN_METRIC_COSINE ? 1 : BYTE_CHAINS;
    total s[BYTE_CHAINS][N_SUMS];
    for (size_t c = 0; c < chains; c++)
        for (size_t k = 0; k < pair_sums(metric); k++) s[c][k] = total_zero();
    size_t i = 0;
    for (; i + chains * BYTES_N <= n; i += chains * BYTES_N)
        for (size_t c = 0; c < chains; c++)
            add_bytes(type, metric, load_bytes(a + i + c * BYTES_N),
                      load_bytes(b + i + c * BYTES_N), s[c]);
    if (chains > 1 && i + BYTES_N <= n) {
        add_bytes(type, metric, load_bytes(a + i), load_bytes(b + i), s[0]);
        i += BYTES_N;
    }
    if (i < n)
        add_bytes(type, metric, load_bytes_part(a + i, n - i, i > 0),
                  load_bytes_part(b + i, n - i, i > 0), s[chains - 1]);
    for (size_t k = 0; k < pair_sums(metric); k++)
        sums[k] += total_sum(chains == 1 ? s[0][k]
                                         : total_add(s[0][k], s[1][k]));
}

FORCE_INLINE float measure_bytes(akin_type type, akin_metric metric,
                                 const unsigned char *a, const unsigned char *b,
                                 size_t dim)
{
    int64_t sums[N_SUMS] = {0};
    size_t n = pair_whole_bytes(type, dim);
    for (size_t i = 0; i < n; i += BLOCK_BYTES)
        add_block(type, metric, a + i, b + i,
                  n - i < BLOCK_BYTES ? n - i : BLOCK_BYTES, sums);
    pair_add_rest(type, metric, a, b, dim, sums);
    return pair_exact(metric, sums);
}

#endif
