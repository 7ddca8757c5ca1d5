/* SPDX-License-Identifier: MIT
 * The vector nearest to another one, of float16 elements and of one bit each.
 *
 *     cc distances.c $(pkg-config --cflags --libs akin) -o distances
 *     ./distances
 */
#include <akin/index.h>
#include <stdio.h>

enum { DIM = 4, N = 3 };

static const float rows[N][DIM] = {{1, 2, 3, 4}, {4, 3, 2, 1}, {-1, 0, 1, 0}};
static const float query[DIM] = {1, 2, 3, 5};

/* One bit a value: whether it is above zero. */
static unsigned char bits_of(const float *values)
{
    unsigned char bits = 0;
    for (int i = 0; i < DIM; i++)
        if (values[i] > 0) bits |= (unsigned char)(1 << i);
    return bits;
}

int main(void)
{
    akin_distance_fn cosine = akin_distance_get(AKIN_F16, AKIN_METRIC_COSINE);
    akin_distance_fn hamming = akin_distance_get(AKIN_B1, AKIN_METRIC_L2SQ);
    unsigned char half_query[2 * DIM], bit_query = bits_of(query);
    akin_f16_from_f32(query, DIM, half_query);
    for (int i = 0; i < N; i++) {
        unsigned char half[2 * DIM], bits = bits_of(rows[i]);
        akin_f16_from_f32(rows[i], DIM, half);
        printf("%d: cosine distance %.4f, %g bits differ\n", i,
               cosine(half_query, half, DIM), hamming(&bit_query, &bits, DIM));
    }
    fprintf(stderr, "computed with %s\n", akin_isa());
    return 0;
}
