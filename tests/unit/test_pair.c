/* SPDX-License-Identifier: MIT
 * Pair distances of every instruction set against the scalar ones, and those
 * against plain sums in double: at all lengths and addresses, at the ends of
 * the ranges, and with nothing readable behind a vector. Integers bit by bit,
 * floats to 2e-6 of the sum of the sizes of what is added. */
#define _GNU_SOURCE
#include "index/pair.h"

#include <float.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/random.h"
#include "index/isa.h"
#include "test.h"

enum { TYPES = AKIN_B1 + 1, METRICS = AKIN_METRIC_DOT + 1, SHIFTS = 4 };

static const char *const type_names[] = {"f32", "f16", "bf16", "i8",
                                         "u8",  "u4",  "b1"};
static const char *const metric_names[] = {"l2sq", "cosine", "dot"};

static bool is_float(akin_type type) { return type <= AKIN_BF16; }

static size_t size_of(akin_type type, size_t dim)
{
    switch (type) {
    case AKIN_F32: return 4 * dim;
    case AKIN_F16:
    case AKIN_BF16: return 2 * dim;
    case AKIN_I8:
    case AKIN_U8: return dim;
    case AKIN_U4: return (dim + 1) / 2;
    default: return (dim + 7) / 8;
    }
}

/* ---- the truth ----------------------------------------------------------- */

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static double half_value(unsigned h)
{
    unsigned exponent = h >> 10 & 31, fraction = h & 1023;
    double value = exponent ? ldexp(1024 + fraction, (int)exponent - 25)
                            : ldexp(fraction, -24);
    if (exponent == 31) value = fraction ? NAN : INFINITY;
    return h & 0x8000 ? -value : value;
}

static double element(akin_type type, const unsigned char *p, size_t i)
{
    float value;
    switch (type) {
    case AKIN_F32: memcpy(&value, p + 4 * i, 4); return value;
    case AKIN_F16: return half_value(p[2 * i] | (unsigned)p[2 * i + 1] << 8);
    case AKIN_BF16:
        return float_of((uint32_t)p[2 * i] << 16 |
                        (uint32_t)p[2 * i + 1] << 24);
    case AKIN_I8: return (signed char)p[i];
    case AKIN_U8: return p[i];
    case AKIN_U4: return i % 2 ? p[i / 2] / 16 : p[i / 2] % 16;
    default: return p[i / 8] >> i % 8 & 1;
    }
}

typedef struct sums {
    double value; /* the distance */
    double size;  /* the sizes of what it is the sum of */
} sums;

static sums sums_of(akin_type type, akin_metric metric, const unsigned char *a,
                    const unsigned char *b, size_t dim)
{
    double l2sq = 0, dot = 0, size = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < dim; i++) {
        double x = element(type, a, i), y = element(type, b, i);
        l2sq += (x - y) * (x - y);
        dot += x * y;
        size += fabs(x * y);
        aa += x * x;
        bb += y * y;
    }
    if (metric == AKIN_METRIC_L2SQ) return (sums){l2sq, l2sq};
    if (metric == AKIN_METRIC_DOT) return (sums){dot, size};
    bool zero = aa == 0 || bb == 0;
    return (sums){zero ? 1 : 1 - dot / sqrt(aa * bb), 1};
}

/* ---- places -------------------------------------------------------------- */

/* Two blocks that end where nothing may be read. */
typedef struct places {
    unsigned char *block[2];
    size_t bytes; /* of one, without the page behind it */
} places;

static void make_places(places *p, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    p->bytes = (bytes / page + 1) * page;
    for (size_t i = 0; i < 2; i++) {
        p->block[i] = mmap(NULL, p->bytes + page, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        CHECK(p->block[i] != MAP_FAILED);
        CHECK(mprotect(p->block[i] + p->bytes, page, PROT_NONE) == 0);
    }
}

static void free_places(places *p)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t i = 0; i < 2; i++) munmap(p->block[i], p->bytes + page);
}

static unsigned char *at_end(const places *p, size_t i, size_t bytes)
{
    return p->block[i] + p->bytes - bytes;
}

/* Numbers about 1, with float16's subnormals and zeros among them. */
static void fill(akin_type type, unsigned char *p, size_t dim, random_state *r)
{
    for (size_t i = 0; i < size_of(type, dim); i++)
        p[i] = (unsigned char)random_u64(r);
    for (size_t i = 0; i < dim && is_float(type); i++) {
        float value = (float)random_unit(r) * 2 - 1;
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        if (type == AKIN_F32) memcpy(p + 4 * i, &value, sizeof value);
        if (type == AKIN_BF16) memcpy(p + 2 * i, (char *)&bits + 2, 2);
        if (type == AKIN_F16 && (p[2 * i + 1] & 0x7c) > 0x40)
            p[2 * i + 1] &= 0xbf;
    }
}

/* ---- every kernel -------------------------------------------------------- */

/* Calls check with each instruction set in turn. */
static void each_isa(void (*check)(akin_type type, akin_metric metric))
{
    const char *before = isa_name(isa_get());
    for (int i = ISA_SCALAR; i < ISA_COUNT; i++) {
        if (!isa_use(isa_name((enum isa)i))) continue;
        for (int type = 0; type < TYPES; type++)
            for (int metric = 0; metric < METRICS; metric++)
                check((akin_type)type, (akin_metric)metric);
    }
    CHECK(isa_use(before));
}

static akin_distance_fn scalar(akin_type type, akin_metric metric)
{
    const char *before = isa_name(isa_get());
    CHECK(isa_use("scalar"));
    akin_distance_fn f = pair_get(type, metric);
    CHECK(isa_use(before));
    return f;
}

static bool same(float a, float b)
{
    return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static void check_near(akin_type type, akin_metric metric, size_t dim,
                       float seen, float wanted, double room)
{
    if (same(seen, wanted) || fabs((double)seen - wanted) <= room) return;
    test_fail(__FILE__, __LINE__, "%s %s %s [%zu] is %.9g, not %.9g",
              isa_name(isa_get()), type_names[type], metric_names[metric], dim,
              (double)seen, (double)wanted);
}

static void check_one(akin_type type, akin_metric metric,
                      const unsigned char *a, const unsigned char *b,
                      size_t dim)
{
    sums truth = sums_of(type, metric, a, b, dim);
    double room = is_float(type) ? 2e-6 * truth.size : 0;
    float plain = scalar(type, metric)(a, b, dim);
    float seen = pair_get(type, metric)(a, b, dim);
    double rounded = FLT_EPSILON / 2 * fmax(fabs(truth.value), 1e-9);
    check_near(type, metric, dim, plain, (float)truth.value,
               is_float(type) ? rounded + 1e-12 * truth.size : 0);
    check_near(type, metric, dim, seen, plain, room);
}

static void check_dim(akin_type type, akin_metric metric, places *p, size_t dim)
{
    random_state r = {dim + 1};
    size_t bytes = size_of(type, dim);
    for (size_t shift = 0; shift < SHIFTS; shift++) {
        unsigned char *a = at_end(p, 0, bytes + shift);
        unsigned char *b = at_end(p, 1, bytes + (3 * shift) % SHIFTS);
        fill(type, a, dim, &r);
        fill(type, b, dim, &r);
        check_one(type, metric, a, b, dim);
    }
}

static void check_lengths(akin_type type, akin_metric metric)
{
    static const size_t dims[] = {127, 128, 129, 255, 1000, 2048, 2049};
    places p;
    make_places(&p, 4 * 2049 + SHIFTS);
    for (size_t dim = 0; dim <= 70; dim++) check_dim(type, metric, &p, dim);
    for (size_t i = 0; i < sizeof dims / sizeof *dims; i++)
        check_dim(type, metric, &p, dims[i]);
    free_places(&p);
}

static void any_length_and_address(void) { each_isa(check_lengths); }

/* The largest products in every lane, over more than a block of sums. */
static void check_large_codes(akin_type type, akin_metric metric)
{
    enum { DIM = 3 * 8192 * 64 + 77 };
    static const unsigned char bytes[][2] = {
        {0x80, 0x80}, {0x80, 0x7f}, {0x7f, 0x7f}, {0xff, 0xff}, {0, 0xff}};
    if (is_float(type)) return;
    places p;
    make_places(&p, DIM);
    unsigned char *a = at_end(&p, 0, size_of(type, DIM));
    unsigned char *b = at_end(&p, 1, size_of(type, DIM));
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        memset(a, bytes[i][0], size_of(type, DIM));
        memset(b, bytes[i][1], size_of(type, DIM));
        check_one(type, metric, a, b, DIM);
        check_one(type, metric, b, a, 130);
    }
    free_places(&p);
}

static void no_sum_overflows(void) { each_isa(check_large_codes); }

/* ---- special values ------------------------------------------------------ */

static void check_equal(akin_type type, akin_metric metric)
{
    unsigned char a[4 * 200], zeros[4 * 200] = {0};
    for (size_t dim = 0; dim <= 200; dim += 19) {
        random_state r = {dim + 9};
        fill(type, a, 200, &r);
        if (is_float(type)) a[1] = 1; /* not all zeros */
        else a[0] |= 1;
        akin_distance_fn f = pair_get(type, metric);
        float apart = metric == AKIN_METRIC_COSINE ? 1 : 0;
        CHECK(f(zeros, zeros, dim) == apart);
        if (metric != AKIN_METRIC_L2SQ) {
            CHECK(f(zeros, a, dim) == apart);
            CHECK(f(a, zeros, dim) == apart);
        }
        if (metric != AKIN_METRIC_DOT && dim) CHECK(f(a, a, dim) == 0);
    }
}

static void equal_and_zero_are_exact(void) { each_isa(check_equal); }

static void set_bits(akin_type type, unsigned char *p, size_t i, uint32_t bits)
{
    if (type == AKIN_F32)
        memcpy(p + 4 * i, &bits, 4);
    else
        memcpy(p + 2 * i, (char *)&bits + 2 * (type == AKIN_BF16), 2);
}

/* Infinities and NaN of both signs at the first, a middle and the last place,
 * against numbers, zeros and each other. */
static void check_not_finite(akin_type type, akin_metric metric)
{
    static const uint32_t wide[] = {0x7f800000, 0xff800000, 0x7fc00000};
    static const uint32_t narrow[] = {0x7c00, 0xfc00, 0x7e00};
    const uint32_t *special = type == AKIN_F16 ? narrow : wide;
    unsigned char a[4 * 131], b[4 * 131];
    if (!is_float(type)) return;
    for (size_t dim = 1; dim <= 131; dim += 13)
        for (size_t n = 0; n < 3 * 3 * 3; n++) {
            random_state r = {n + 1};
            size_t at = n % 3 * (dim - 1) / 2;
            fill(type, a, dim, &r);
            fill(type, b, dim, &r);
            set_bits(type, a, at, special[n / 3 % 3]);
            if (n / 9 == 1) set_bits(type, b, at, 0);
            if (n / 9 == 2) set_bits(type, b, dim - 1, special[n % 2]);
            float seen = pair_get(type, metric)(a, b, dim);
            check_near(type, metric, dim, seen,
                       scalar(type, metric)(a, b, dim), 0);
            check_near(type, metric, dim, pair_get(type, metric)(b, a, dim),
                       seen, 0);
            if (metric == AKIN_METRIC_COSINE) CHECK(isnan(seen));
        }
}

static void infinity_and_nan_survive(void) { each_isa(check_not_finite); }

/* Cosines of vectors whose squares float32 cannot hold. */
static void check_far(akin_type type, akin_metric metric)
{
    static const float scales[] = {1e30f, 1e-25f, 1e-40f, 1e18f, 1e-16f};
    enum { DIM = 77 };
    unsigned char a[4 * DIM], b[4 * DIM];
    if (!is_float(type) || type == AKIN_F16) return;
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        random_state r = {s + 3};
        for (size_t i = 0; i < DIM; i++) {
            float value[2];
            uint32_t bits[2];
            for (size_t v = 0; v < 2; v++)
                value[v] = (float)(random_unit(&r) - 0.3) * scales[s];
            memcpy(bits, value, sizeof bits);
            set_bits(type, a, i, bits[0]);
            set_bits(type, b, i, bits[1]);
        }
        float seen = pair_get(type, metric)(a, b, DIM);
        sums truth = sums_of(type, metric, a, b, DIM);
        if (metric == AKIN_METRIC_COSINE)
            check_near(type, metric, DIM, seen, (float)truth.value, 2e-6);
        if (metric == AKIN_METRIC_L2SQ && s == 0) CHECK(isinf(seen));
        if (s > 2)
            check_near(type, metric, DIM, seen, (float)truth.value,
                       2e-6 * truth.size);
    }
}

static void ends_of_the_range(void) { each_isa(check_far); }

/* As akin/index.h says of dot products of bfloats. */
static bool leaves_subnormals_out(akin_type type, akin_metric metric)
{
    return type == AKIN_BF16 && metric == AKIN_METRIC_DOT &&
           isa_get() == ISA_AVX512VNNI && isa_has_bf16();
}

/* A subnormal times a large number is a number. */
static void check_subnormals(akin_type type, akin_metric metric)
{
    unsigned char a[4 * 45], b[4 * 45];
    if (!is_float(type)) return;
    for (size_t i = 0; i < 45; i++) {
        set_bits(type, a, i, type == AKIN_F16 ? 0x0001 : 0x00010000);
        set_bits(type, b, i, type == AKIN_F16 ? 0x7bff : 0x7e000000);
    }
    if (metric != AKIN_METRIC_L2SQ && !leaves_subnormals_out(type, metric))
        check_one(type, metric, a, b, 45);
    if (type == AKIN_F16) check_one(type, metric, a, a + 2, 40);
}

static void subnormals_count(void) { each_isa(check_subnormals); }

/* ---- conversions --------------------------------------------------------- */

static void check_f16(akin_type type, akin_metric metric)
{
    if (type || metric) return; /* once an instruction set */
    unsigned char half[2 * 7], back[2 * 7 + 1];
    float values[7];
    int wrong = 0;
    for (unsigned h = 0; h < 65536; h += 7) {
        for (unsigned i = 0; i < 7; i++) {
            half[2 * i] = (unsigned char)(h + i);
            half[2 * i + 1] = (unsigned char)((h + i) >> 8);
        }
        akin_f16_to_f32(half, 7, values);
        akin_f16_from_f32(values, 7, back + 1);
        for (unsigned i = 0; i < 7; i++) {
            double wanted = half_value((h + i) & 0xffff);
            wrong += !same(values[i], (float)wanted);
            wrong += isnan(wanted)
                         ? (back[2 + 2 * i] & 0x7c) != 0x7c
                         : memcmp(half + 2 * i, back + 1 + 2 * i, 2) != 0;
        }
    }
    CHECK_EQ_INT(wrong, 0);
}

static void f16_is_exact(void) { each_isa(check_f16); }

static unsigned bf16_of(float value)
{
    unsigned char p[2];
    akin_bf16_from_f32(&value, 1, p);
    return p[0] | (unsigned)p[1] << 8;
}

/* Each, the middle to the next and the floats beside that middle. */
static void bf16_rounds_to_even(void)
{
    int wrong = 0;
    for (unsigned h = 0; h < 0x7f80; h++) {
        uint32_t middle = h << 16 | 0x8000;
        unsigned even = h & 1 ? h + 1 : h;
        unsigned char p[2] = {(unsigned char)h, (unsigned char)(h >> 8)};
        float value;
        akin_bf16_to_f32(p, 1, &value);
        wrong += !same(value, float_of(h << 16));
        wrong += bf16_of(value) != h;
        wrong += bf16_of(-value) != (h | 0x8000);
        wrong += bf16_of(float_of(middle)) != even;
        wrong += bf16_of(-float_of(middle)) != (even | 0x8000);
        wrong += bf16_of(float_of(middle - 1)) != h;
        wrong += bf16_of(float_of(middle + 1)) != h + 1;
    }
    CHECK_EQ_INT(wrong, 0);
    CHECK_EQ_INT(bf16_of(INFINITY), 0x7f80);
    CHECK_EQ_INT(bf16_of(-INFINITY), 0xff80);
    CHECK_EQ_INT(bf16_of(FLT_MAX), 0x7f80);
    for (uint32_t nan = 0x7f800001; nan <= 0x7fffffff; nan += 0x3ffff) {
        unsigned h = bf16_of(float_of(nan));
        CHECK(h > 0x7f80 && h <= 0x7fff);
    }
}

static void check_there(akin_type type, akin_metric metric)
{
    CHECK(pair_get(type, metric) != NULL);
    CHECK(akin_distance_get(type, metric) == pair_get(type, metric));
    CHECK(!pair_get((akin_type)TYPES, metric));
    CHECK(!pair_get(type, (akin_metric)METRICS));
    CHECK(!pair_get((akin_type)-1, metric));
}

static void all_are_there(void) { each_isa(check_there); }

const test_case test_pair_cases[] = {
    {"pair/any_length_and_address", any_length_and_address},
    {"pair/no_sum_overflows", no_sum_overflows},
    {"pair/equal_and_zero_are_exact", equal_and_zero_are_exact},
    {"pair/infinity_and_nan_survive", infinity_and_nan_survive},
    {"pair/ends_of_the_range", ends_of_the_range},
    {"pair/subnormals_count", subnormals_count},
    {"pair/f16_is_exact", f16_is_exact},
    {"pair/bf16_rounds_to_even", bf16_rounds_to_even},
    {"pair/all_are_there", all_are_there},
    {0},
};
