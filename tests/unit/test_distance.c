/* SPDX-License-Identifier: MIT
 * Every kernel this processor can run against plain sums in double and against
 * the scalar table, at odd lengths and addresses, and the conversions bit by
 * bit. */
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"
#include "base/random.h"
#include "index/distance.h"
#include "index/isa.h"
#include "test.h"

enum { MAX_DIM = 300, N_ROWS = 7 };

static const size_t dims[] = {1,  2,  3,  7,  8,  9,  15, 16,  17,  23, 31,
                              32, 33, 47, 63, 64, 65, 96, 127, 129, 300};

/* Calls check with each table in turn. */
static void each_isa(void (*check)(const distance_table *t))
{
    const char *before = isa_name(isa_get());
    for (int i = ISA_SCALAR; i < ISA_COUNT; i++)
        if (isa_use(isa_name((enum isa)i))) check(distance_get());
    CHECK(isa_use(before));
}

static float half_value(unsigned h)
{
    unsigned exponent = h >> 10 & 31, fraction = h & 1023;
    double value = exponent ? ldexp(1024 + fraction, (int)exponent - 25)
                            : ldexp(fraction, -24);
    return (float)(h & 0x8000 ? -value : value);
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static unsigned to_half_bits(const distance_table *t, float value)
{
    unsigned char half[2];
    t->to_half(&value, 1, half);
    return half[0] | (unsigned)half[1] << 8;
}

static void check_from_half(const distance_table *t)
{
    unsigned char *half = mem_array(65536, 2);
    float *value = mem_array(65536, sizeof *value);
    int wrong = 0;
    for (unsigned h = 0; h < 65536; h++) {
        half[2 * h] = (unsigned char)h;
        half[2 * h + 1] = (unsigned char)(h >> 8);
    }
    t->from_half(half, 65536, value);
    for (unsigned h = 0; h < 65536; h++) {
        unsigned exponent = h >> 10 & 31, fraction = h & 1023;
        uint32_t sign = (h & 0x8000u) << 16;
        uint32_t wanted = bits_of(half_value(h));
        if (exponent == 31) wanted = sign | 0x7f800000u | fraction << 13;
        if (exponent == 31 && fraction) wanted |= 0x400000u;
        wrong += bits_of(value[h]) != wanted;
    }
    if (wrong) test_fail(__FILE__, __LINE__, "%s: %d wrong",
                         isa_name(isa_get()), wrong);
    mem_free(half);
    mem_free(value);
}

static void reads_all_halves(void) { each_isa(check_from_half); }

/* Each half, the middle to the next and the floats beside that middle. */
static void check_to_half(const distance_table *t)
{
    int wrong = 0;
    for (unsigned h = 0; h < 0x7c00; h++) {
        float value = half_value(h);
        float next = h + 1 < 0x7c00 ? half_value(h + 1) : 65536.0f;
        float middle = (value + next) / 2;
        unsigned even = h & 1 ? h + 1 : h;
        wrong += to_half_bits(t, value) != h;
        wrong += to_half_bits(t, -value) != (h | 0x8000);
        wrong += to_half_bits(t, middle) != even;
        wrong += to_half_bits(t, -middle) != (even | 0x8000);
        wrong += to_half_bits(t, nextafterf(middle, 0)) != h;
        wrong += to_half_bits(t, nextafterf(middle, INFINITY)) != h + 1;
    }
    if (wrong) test_fail(__FILE__, __LINE__, "%s: %d wrong",
                         isa_name(isa_get()), wrong);
    CHECK_EQ_INT(to_half_bits(t, INFINITY), 0x7c00);
    CHECK_EQ_INT(to_half_bits(t, -INFINITY), 0xfc00);
    CHECK_EQ_INT(to_half_bits(t, 65519.0f), 0x7bff);
    CHECK_EQ_INT(to_half_bits(t, 65520.0f), 0x7c00);
    CHECK_EQ_INT(to_half_bits(t, 3e38f), 0x7c00);
    CHECK_EQ_INT(to_half_bits(t, 1e-40f), 0);
    CHECK_EQ_INT(to_half_bits(t, -1e-40f), 0x8000);
    unsigned nan = to_half_bits(t, NAN);
    CHECK((nan & 0x7c00) == 0x7c00 && (nan & 0x3ff) != 0);
}

static void rounds_to_even(void) { each_isa(check_to_half); }

static void check_lengths(const distance_table *t)
{
    float in[MAX_DIM], back[MAX_DIM + 1];
    unsigned char half[2 * MAX_DIM + 3];
    for (size_t i = 0; i < MAX_DIM; i++) in[i] = (float)i - 7.5f;
    for (size_t n = 0; n <= 70; n++) {
        memset(half, 0x55, sizeof half);
        for (size_t i = 0; i <= MAX_DIM; i++) back[i] = -1234;
        t->to_half(in, n, half + 1);
        CHECK_EQ_INT(half[1 + 2 * n], 0x55);
        t->from_half(half + 1, n, back);
        CHECK(memcmp(in, back, n * sizeof *in) == 0);
        CHECK(back[n] == -1234);
    }
}

static void converts_any_length(void) { each_isa(check_lengths); }

typedef struct sample {
    size_t dim;
    float query[MAX_DIM];
    unsigned char *rows; /* N_ROWS at an odd address, nothing behind them */
    void *block;
} sample;

static void make_sample(sample *s, size_t dim, uint64_t seed)
{
    random_state r = {seed};
    s->dim = dim;
    s->block = mem_array(N_ROWS * dim * 2 + 1, 1);
    s->rows = (unsigned char *)s->block + 1;
    for (size_t i = 0; i < dim; i++)
        s->query[i] = (float)(random_unit(&r) * 2 - 1);
    for (size_t i = 0; i < N_ROWS * dim; i++) {
        unsigned h = (unsigned)random_u64(&r) & 0xffff;
        if ((h & 0x7c00) > 0x4000) h &= 0xbfff; /* below 4; with subnormals */
        s->rows[2 * i] = (unsigned char)h;
        s->rows[2 * i + 1] = (unsigned char)(h >> 8);
    }
}

typedef struct sums {
    double dot, normsq, l2sq, size;
} sums;

static sums sums_of(const sample *s, size_t row)
{
    sums sum = {0};
    for (size_t i = 0; i < s->dim; i++) {
        const unsigned char *p = s->rows + 2 * (row * s->dim + i);
        double q = s->query[i], d = half_value(p[0] | (unsigned)p[1] << 8);
        sum.dot += q * d;
        sum.normsq += d * d;
        sum.l2sq += (q - d) * (q - d);
        sum.size += fabs(q * d) + d * d + q * q;
    }
    return sum;
}

static void check_sums(const distance_table *t)
{
    for (size_t k = 0; k < sizeof dims / sizeof *dims; k++) {
        sample s;
        make_sample(&s, dims[k], k + 1);
        distance_query q = {.vector = s.query, .dim = s.dim};
        float dot[N_ROWS], with[N_ROWS], normsq[N_ROWS], l2sq[N_ROWS];
        t->dot_rows(&q, s.rows, N_ROWS, dot);
        t->dot_norm_rows(&q, s.rows, N_ROWS, with, normsq);
        t->l2sq_rows(&q, s.rows, N_ROWS, l2sq);
        CHECK(memcmp(dot, with, sizeof dot) == 0);
        for (size_t r = 0; r < N_ROWS; r++) {
            sums sum = sums_of(&s, r);
            double tolerance = sum.size * 1e-6;
            CHECK_NEAR(dot[r], sum.dot, tolerance);
            CHECK_NEAR(normsq[r], sum.normsq, tolerance);
            CHECK_NEAR(l2sq[r], sum.l2sq, tolerance);
        }
        mem_free(s.block);
    }
}

static void sums_are_right(void) { each_isa(check_sums); }

/* The same bits for a row alone, among others, and gathered. */
static void check_position(const distance_table *t)
{
    for (size_t k = 0; k < sizeof dims / sizeof *dims; k++) {
        sample s;
        make_sample(&s, dims[k], k + 77);
        distance_query q = {.vector = s.query, .dim = s.dim};
        float all[N_ROWS], norms[N_ROWS], gathered[N_ROWS], one, norm;
        const unsigned char *rows[N_ROWS];
        for (size_t r = 0; r < N_ROWS; r++)
            rows[r] = s.rows + (N_ROWS - 1 - r) * 2 * s.dim;
        t->dot_norm_rows(&q, s.rows, N_ROWS, all, norms);
        t->dot_gather(&q, rows, N_ROWS, gathered);
        for (size_t r = 0; r < N_ROWS; r++) {
            t->dot_norm_rows(&q, s.rows + r * 2 * s.dim, 1, &one, &norm);
            CHECK(bits_of(one) == bits_of(all[r]));
            CHECK(bits_of(norm) == bits_of(norms[r]));
            CHECK(bits_of(one) == bits_of(gathered[N_ROWS - 1 - r]));
        }
        mem_free(s.block);
    }
}

static void position_does_not_matter(void) { each_isa(check_position); }

static void check_infinite(const distance_table *t)
{
    for (size_t k = 0; k < sizeof dims / sizeof *dims; k++) {
        sample s;
        make_sample(&s, dims[k], k + 5);
        distance_query q = {.vector = s.query, .dim = s.dim};
        float dot[2], normsq[2];
        s.query[0] = 2;
        unsigned char *last = s.rows + 2 * (s.dim - 1);
        s.query[s.dim - 1] = 2;
        last[0] = 0; /* +infinity in row 0, NaN in row 1 */
        last[1] = 0x7c;
        last[2 * s.dim] = 0;
        last[2 * s.dim + 1] = 0x7e;
        t->dot_norm_rows(&q, s.rows, 2, dot, normsq);
        CHECK(isinf(dot[0]) && dot[0] > 0 && isinf(normsq[0]));
        CHECK(isnan(dot[1]) && isnan(normsq[1]));
        mem_free(s.block);
    }
}

static void infinity_and_nan_survive(void) { each_isa(check_infinite); }

const test_case test_distance_cases[] = {
    {"distance/reads_all_halves", reads_all_halves},
    {"distance/rounds_to_even", rounds_to_even},
    {"distance/converts_any_length", converts_any_length},
    {"distance/sums_are_right", sums_are_right},
    {"distance/position_does_not_matter", position_does_not_matter},
    {"distance/infinity_and_nan_survive", infinity_and_nan_survive},
    {0},
};
