/* SPDX-License-Identifier: MIT
 * Small codes: every set of kernels that this machine can run against the plain
 * one, what the plain one makes against its description, and how near the
 * estimates are. */
#include <float.h>
#include <stdlib.h>

#include "base/random.h"
#include "index/codes.h"
#include "index/isa.h"
#include "test.h"

enum { MOST = 4096, ROWS = 33, ALIGNED = 64, ROOM = 64, UNTOUCHED = 0xa5 };

/* ---- what they run on ---- */

typedef enum values { NORMAL, SKEWED, EQUAL, ZERO, LARGE, SMALL, KINDS } values;

static double normal(random_state *r)
{
    return sqrt(-2 * log(1 - random_unit(r))) * cos(6.2831853 * random_unit(r));
}

static double draw(values kind, random_state *r)
{
    double x = normal(r);
    switch (kind) {
    case SKEWED: return x * x * x - 1;
    case EQUAL: return 0.75;
    case ZERO: return random_below(r, 2) ? 0.0 : -0.0;
    case LARGE: return 1e30 * x;
    case SMALL: return 1e-30 * x;
    default: return x;
    }
}

static void fill(values kind, float *x, size_t n, uint64_t seed)
{
    random_state r = {seed * KINDS + kind + 1};
    for (size_t i = 0; i < n; i++) x[i] = (float)draw(kind, &r);
}

static void fill_signs(float *signs, size_t n)
{
    random_state r = {n};
    for (size_t i = 0; i < n; i++) signs[i] = random_below(&r, 2) ? 1 : -1;
}

static void fill_bytes(void *p, size_t n, uint64_t seed)
{
    random_state r = {seed};
    for (size_t i = 0; i < n; i++) ((uint8_t *)p)[i] = (uint8_t)random_u64(&r);
}

static size_t next_size(size_t n) { return n < 1024 ? n + 64 : 2 * n; }

static double dot_of(const float *a, const float *b, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)a[i] * b[i];
    return sum;
}

/* One of 16 values, as encode_code lays them out. */
static int code_at(const uint8_t *code, size_t i)
{
    return code[i / 128 * 64 + i % 64] >> (i % 128 < 64 ? 0 : 4) & 15;
}

static int bit_at(const uint8_t *bits, size_t i)
{
    return bits[i / 8] >> i % 8 & 1;
}

/* ---- the plain ones and the others ---- */

static const codes_table *table_of(const char *isa)
{
    const char *before = isa_name(isa_get());
    if (!isa_use(isa)) return NULL;
    const codes_table *t = codes_get();
    CHECK(isa_use(before));
    return t;
}

static void each_table(void (*check)(const codes_table *plain,
                                     const codes_table *t, size_t n))
{
    const codes_table *plain = table_of("scalar");
    for (int i = ISA_SCALAR; i < ISA_COUNT; i++) {
        const codes_table *t = table_of(isa_name((enum isa)i));
        if (!t) continue;
        CHECK_EQ_TEXT(t->isa, isa_name((enum isa)i));
        for (size_t n = 64; n <= MOST; n = next_size(n)) check(plain, t, n);
    }
}

/* Room for n bytes, and to see that none behind them is written. */
static void *space(size_t n)
{
    const size_t whole = (n + ROOM + ALIGNED - 1) / ALIGNED * ALIGNED;
    void *p = aligned_alloc(ALIGNED, whole);
    memset(p, UNTOUCHED, whole);
    return p;
}

/* Takes both; the same n bytes, and nothing behind. */
static void same_bytes(const codes_table *t, const char *what, void *a, void *b,
                       size_t n)
{
    if (memcmp(a, b, n) != 0)
        test_fail(__FILE__, __LINE__, "%s %s [%zu] differs", t->isa, what, n);
    for (size_t i = 0; i < ROOM; i++) CHECK(((uint8_t *)b)[n + i] == UNTOUCHED);
    free(a);
    free(b);
}

static void near(const codes_table *t, const char *what, size_t n, float seen,
                 float wanted)
{
    if (seen == wanted || fabsf(seen - wanted) <= 1e-4f * fabsf(wanted)) return;
    test_fail(__FILE__, __LINE__, "%s %s [%zu] is %.9g, not %.9g", t->isa, what,
              n, (double)seen, (double)wanted);
}

/* Of a sum in which terms cancel: near for its values' size. */
static void near_sum(const codes_table *t, size_t n, float seen, float wanted,
                     float size)
{
    if (seen == wanted || fabsf(seen - wanted) <= 1e-5f * size) return;
    test_fail(__FILE__, __LINE__, "%s sum [%zu] is %.9g, not %.9g", t->isa, n,
              (double)seen, (double)wanted);
}

/* ---- from floats ---- */

static void check_measure(const codes_table *plain, const codes_table *t,
                          const float *x, size_t n)
{
    float max, normsq, wanted_max, wanted_normsq;
    plain->measure(x, n, &wanted_max, &wanted_normsq);
    t->measure(x, n, &max, &normsq);
    CHECK(max == wanted_max);
    near(t, "normsq", n, normsq, wanted_normsq);
}

static void check_to_bytes(const codes_table *plain, const codes_table *t,
                           const float *x, size_t n, float scale)
{
    size_t n_bytes = 2 * codes_shape_of(n).code_bytes;
    int8_t *wanted = space(n_bytes), *seen = space(n_bytes);
    int32_t sum, wanted_sum, total = 0;
    plain->to_bytes(x, n, scale, wanted, n_bytes, &wanted_sum);
    t->to_bytes(x, n, scale, seen, n_bytes, &sum);
    for (size_t i = 0; i < n_bytes; i++) total += seen[i];
    CHECK_EQ_INT(sum, total);
    CHECK_EQ_INT(sum, wanted_sum);
    same_bytes(t, "bytes", wanted, seen, n_bytes);
}

static void check_encode(const codes_table *plain, const codes_table *t,
                         const float *x, size_t n, float inverse_step)
{
    codes_shape s = codes_shape_of(n);
    float dot, wanted_dot, size = 0;
    uint8_t *wanted = space(s.code_bytes), *seen = space(s.code_bytes);
    plain->encode_code(x, n, inverse_step, wanted, s.code_bytes, &wanted_dot);
    t->encode_code(x, n, inverse_step, seen, s.code_bytes, &dot);
    for (size_t i = 0; i < n; i++) size += 8 * fabsf(x[i]);
    near_sum(t, n, dot, wanted_dot, size);
    same_bytes(t, "code", wanted, seen, s.code_bytes);

    size_t bytes = CODES_PLANES * s.sketch_bytes;
    wanted = space(bytes), seen = space(bytes);
    plain->to_planes(x, n, inverse_step, wanted, s.sketch_bytes);
    t->to_planes(x, n, inverse_step, seen, s.sketch_bytes);
    same_bytes(t, "planes", wanted, seen, bytes);
}

static void check_encode_sketch(const codes_table *plain, const codes_table *t,
                                const float *x, size_t n)
{
    size_t bytes = codes_shape_of(n).sketch_bytes;
    float norm1, wanted_norm1;
    uint8_t *wanted = space(bytes), *seen = space(bytes);
    plain->encode_sketch(x, n, wanted, bytes, &wanted_norm1);
    t->encode_sketch(x, n, seen, bytes, &norm1);
    near(t, "norm1", n, norm1, wanted_norm1);
    same_bytes(t, "sketch", wanted, seen, bytes);
}

static void check_from_floats(const codes_table *plain, const codes_table *t,
                              size_t n)
{
    static const float steps[] = {1, 3, 1e-30f, 3e30f};
    float *x = space(n * sizeof *x);
    for (int kind = 0; kind < KINDS; kind++) {
        fill((values)kind, x, n, n);
        check_measure(plain, t, x, n);
        check_encode_sketch(plain, t, x, n);
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            check_encode(plain, t, x, n, steps[i]);
            check_to_bytes(plain, t, x, n, 40 * steps[i]);
        }
    }
    free(x);
}

static void tables_encode_alike(void) { each_table(check_from_floats); }

/* Halves go to the even one; steps are cut at both ends. */
static void check_edges(const codes_table *plain, const codes_table *t,
                        size_t n)
{
    if (n != 64) return;
    _Alignas(ALIGNED) float x[64];
    _Alignas(ALIGNED) int8_t bytes[128];
    _Alignas(ALIGNED) uint8_t code[64];
    int32_t sum;
    float dot;
    (void)plain;
    for (int i = 0; i < 64; i++) x[i] = (float)(i - 32) / 2;
    t->to_bytes(x, n, 1, bytes, sizeof bytes, &sum);
    for (int i = 0; i < 64; i++) CHECK_EQ_INT(bytes[i], lrint((i - 32) / 2.0));
    t->to_bytes(x, n, 100, bytes, sizeof bytes, &sum);
    CHECK_EQ_INT(bytes[0], -127);
    CHECK_EQ_INT(bytes[63], 127);
    t->encode_code(x, n, 1, code, sizeof code, &dot);
    for (size_t i = 0; i < 64; i++) {
        double c = fmin(fmax(floor((double)x[i]) + 8, 0), 15);
        CHECK_EQ_INT(code[i], c);
    }
}

static void edges_are_as_described(void) { each_table(check_edges); }

/* ---- the rotation ---- */

static void check_rotate(const codes_table *plain, const codes_table *t,
                         size_t n)
{
    float *signs = space(2 * n * sizeof *signs);
    float *a = space(n * sizeof *a), *b = space(n * sizeof *b);
    float *wanted = space(n * sizeof *wanted);
    fill_signs(signs, 2 * n);
    for (int kind = 0; kind < KINDS; kind++) {
        fill((values)kind, a, n, n);
        fill((values)kind, b, n, n + 1);
        memcpy(wanted, a, n * sizeof *a);
        double dot = dot_of(a, b, n), aa = dot_of(a, a, n);
        double bb = dot_of(b, b, n);
        plain->rotate(wanted, signs, n);
        t->rotate(a, signs, n);
        t->rotate(b, signs, n);
        CHECK_NEAR(dot_of(a, a, n), aa, 2e-5 * aa);
        CHECK_NEAR(dot_of(a, b, n), dot, 1e-4 * sqrt(aa * bb));
        for (size_t i = 0; i < n; i++)
            CHECK_NEAR(a[i], wanted[i], 1e-5 * sqrt(aa));
    }
    for (size_t i = 0; i < ROOM; i++)
        CHECK(((uint8_t *)(a + n))[i] == UNTOUCHED);
    free(signs);
    free(a);
    free(b);
    free(wanted);
}

static void rotation_keeps_dots(void) { each_table(check_rotate); }

/* A value at one place is spread over all. */
static void check_spread(const codes_table *plain, const codes_table *t,
                         size_t n)
{
    float *signs = space(2 * n * sizeof *signs), *x = space(n * sizeof *x);
    (void)plain;
    fill_signs(signs, 2 * n);
    for (size_t at = 0; at < n; at += 1 + n / 7) {
        for (size_t i = 0; i < n; i++) x[i] = i == at;
        t->rotate(x, signs, n);
        for (size_t i = 0; i < n; i++) CHECK(fabs(x[i]) < 6 / sqrt((double)n));
    }
    free(signs);
    free(x);
}

static void rotation_spreads(void) { each_table(check_spread); }

/* ---- against a query ---- */

/* Rows one behind the other, and pointers to them in another order. */
typedef struct row_set {
    uint8_t *rows;
    const uint8_t *shuffled[ROWS];
} row_set;

static row_set rows_new(size_t row_bytes)
{
    row_set s = {.rows = space(ROWS * row_bytes)};
    fill_bytes(s.rows, ROWS * row_bytes, row_bytes);
    memset(s.rows, 255, row_bytes);
    memset(s.rows + row_bytes, 0, row_bytes);
    for (size_t i = 0; i < ROWS; i++)
        s.shuffled[i] = s.rows + 10 * i % ROWS * row_bytes;
    return s;
}

static size_t next_count(size_t n)
{
    return n < 9 ? n + 1 : n == 9 ? ROWS : 99;
}

static void check_code(const codes_table *plain, const codes_table *t, size_t n)
{
    const size_t code_bytes = codes_shape_of(n).code_bytes;
    row_set set = rows_new(code_bytes);
    int8_t *bytes = space(2 * code_bytes);
    for (int kind = 0; kind < 3; kind++) {
        fill_bytes(bytes, 2 * code_bytes, n);
        if (kind) memset(bytes, kind == 1 ? 127 : -127, 2 * code_bytes);
        for (size_t i = 0; i < 2 * code_bytes; i++)
            if (bytes[i] == -128) bytes[i] = 0;
        for (size_t rows = 1; rows <= ROWS; rows = next_count(rows)) {
            size_t size = rows * sizeof(int32_t);
            int32_t *wanted = space(size), *seen = space(size);
            plain->code(bytes, set.shuffled, rows, code_bytes, wanted);
            t->code(bytes, set.shuffled, rows, code_bytes, seen);
            same_bytes(t, "code sums", wanted, seen, size);
            wanted = space(size), seen = space(size);
            plain->code_scan(bytes, set.rows, rows, code_bytes, wanted);
            t->code_scan(bytes, set.rows, rows, code_bytes, seen);
            same_bytes(t, "scanned sums", wanted, seen, size);
        }
    }
    free(set.rows);
    free(bytes);
}

static void codes_add_up_alike(void) { each_table(check_code); }

static void check_sketch(const codes_table *plain, const codes_table *t,
                         size_t n)
{
    const size_t sketch_bytes = codes_shape_of(n).sketch_bytes;
    row_set set = rows_new(sketch_bytes);
    uint8_t *planes = space(CODES_PLANES * sketch_bytes);
    for (int kind = 0; kind < 3; kind++) {
        fill_bytes(planes, CODES_PLANES * sketch_bytes, n);
        if (kind)
            memset(planes, kind == 1 ? 255 : 0, CODES_PLANES * sketch_bytes);
        for (size_t rows = 1; rows <= ROWS; rows = next_count(rows)) {
            size_t size = rows * sizeof(uint32_t);
            uint32_t *wanted = space(size), *seen = space(size);
            plain->sketch(planes, set.shuffled, rows, sketch_bytes, wanted);
            t->sketch(planes, set.shuffled, rows, sketch_bytes, seen);
            same_bytes(t, "sketch sums", wanted, seen, size);
        }
    }
    free(set.rows);
    free(planes);
}

static void sketches_add_up_alike(void) { each_table(check_sketch); }

static void check_expand(const codes_table *plain, const codes_table *t,
                         size_t n)
{
    const size_t code_bytes = codes_shape_of(n).code_bytes;
    uint8_t *code = space(code_bytes);
    int8_t *wanted = space(2 * code_bytes), *seen = space(2 * code_bytes);
    int32_t sum, wanted_sum;
    fill_bytes(code, code_bytes, n);
    plain->expand(code, n, wanted, 2 * code_bytes, &wanted_sum);
    t->expand(code, n, seen, 2 * code_bytes, &sum);
    CHECK_EQ_INT(sum, wanted_sum);
    for (size_t i = 0; i < n; i++)
        CHECK_EQ_INT(seen[i], 2 * code_at(code, i) - 15);
    same_bytes(t, "expanded", wanted, seen, 2 * code_bytes);
    free(code);
}

static void codes_expand_alike(void) { each_table(check_expand); }

/* What the sums mean: products of codes, and of codes and signs. */
static void check_meaning(const codes_table *plain, const codes_table *t,
                          size_t n)
{
    const codes_shape s = codes_shape_of(n);
    float *x = space(n * sizeof *x), *y = space(n * sizeof *y), unused;
    uint8_t *code = space(s.code_bytes), *sketch = space(s.sketch_bytes);
    uint8_t *planes = space(CODES_PLANES * s.sketch_bytes);
    int8_t *bytes = space(2 * s.code_bytes);
    const uint8_t *codes[] = {code}, *sketches[] = {sketch};
    int32_t sum, seen, wanted = 0;
    uint32_t seen_signs, wanted_signs = 0;
    (void)plain;
    fill(NORMAL, x, n, 1);
    fill(NORMAL, y, n, 2);
    t->to_bytes(x, n, 30, bytes, 2 * s.code_bytes, &sum);
    t->to_planes(x, n, 3, planes, s.sketch_bytes);
    t->encode_code(y, n, 3, code, s.code_bytes, &unused);
    t->encode_sketch(y, n, sketch, s.sketch_bytes, &unused);
    t->code(bytes, codes, 1, s.code_bytes, &seen);
    t->sketch(planes, sketches, 1, s.sketch_bytes, &seen_signs);
    for (size_t i = 0; i < n; i++) {
        int c = 0;
        for (size_t k = 0; k < CODES_PLANES; k++)
            c |= bit_at(planes + k * s.sketch_bytes, i) << k;
        CHECK_EQ_INT(c, fmin(fmax(floor(3 * (double)x[i]) + 8, 0), 15));
        CHECK_EQ_INT(bit_at(sketch, i), y[i] > 0);
        wanted_signs += (uint32_t)(y[i] > 0 ? 15 - c : c);
        wanted += bytes[i] * code_at(code, i);
    }
    CHECK_EQ_INT(seen, wanted);
    CHECK_EQ_INT(seen_signs, wanted_signs);
    void *all[] = {x, y, code, sketch, planes, bytes};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void sums_mean_products(void) { each_table(check_meaning); }

/* ---- how near ---- */

enum { DIM = 256, PAIRS = 2000 };

typedef struct estimate {
    double dot, by_code, by_sketch; /* in parts of the norms' product */
} estimate;

static estimate estimate_pair(const codes_table *t, const float *signs,
                              float *x, float *q)
{
    const codes_shape s = codes_shape_of(DIM);
    _Alignas(ALIGNED) uint8_t code[DIM / 2], sketch[64];
    _Alignas(ALIGNED) uint8_t planes[CODES_PLANES * 64];
    _Alignas(ALIGNED) int8_t bytes[DIM];
    const uint8_t *codes[] = {code}, *sketches[] = {sketch};
    float max, x_normsq, q_normsq, dot, norm1;
    int32_t sum, product;
    uint32_t apart;
    const double truth = dot_of(x, q, DIM);
    t->rotate(x, signs, DIM);
    t->rotate(q, signs, DIM);
    t->measure(x, DIM, &max, &x_normsq);
    t->encode_code(x, DIM, 1 / (0.335f * sqrtf(x_normsq / DIM)), code,
                   s.code_bytes, &dot);
    t->encode_sketch(x, DIM, sketch, s.sketch_bytes, &norm1);
    t->measure(q, DIM, &max, &q_normsq);
    const float step = 0.335f * sqrtf(q_normsq / DIM);
    t->to_bytes(q, DIM, 127 / max, bytes, 2 * s.code_bytes, &sum);
    t->to_planes(q, DIM, 1 / step, planes, s.sketch_bytes);
    t->code(bytes, codes, 1, s.code_bytes, &product);
    t->sketch(planes, sketches, 1, s.sketch_bytes, &apart);
    const double size = sqrt((double)x_normsq * q_normsq);
    return (estimate){
        .dot = truth / size,
        .by_code = x_normsq / dot * (product - 7.5 * sum) * max / 127 / size,
        .by_sketch = x_normsq / norm1 * (7.5 * DIM - apart) * step / size,
    };
}

/* A code of 16 steps of 0.335 deviations is 0.107 away from its vector, which
 * is seen in a dot product over the root of 256: 0.0067. A sketch is 0.75 away,
 * and its query's side 0.107. Of 2000 pairs the mean is 45 times nearer. */
static void check_estimates(const codes_table *plain, const codes_table *t,
                            size_t n)
{
    if (n != DIM) return;
    _Alignas(ALIGNED) float signs[2 * DIM], x[DIM], q[DIM];
    double code_sum = 0, code_sq = 0, sketch_sum = 0, sketch_sq = 0;
    (void)plain;
    fill_signs(signs, 2 * DIM);
    for (size_t i = 0; i < PAIRS; i++) {
        fill(NORMAL, x, DIM, 2 * i);
        fill(NORMAL, q, DIM, 2 * i + 1);
        for (size_t k = 0; k < DIM; k++) q[k] += (float)(i % 3) * x[k];
        estimate e = estimate_pair(t, signs, x, q);
        code_sum += e.by_code - e.dot;
        code_sq += (e.by_code - e.dot) * (e.by_code - e.dot);
        sketch_sum += e.by_sketch - e.dot;
        sketch_sq += (e.by_sketch - e.dot) * (e.by_sketch - e.dot);
    }
    CHECK_NEAR(sqrt(code_sq / PAIRS), 0, 0.008);
    CHECK_NEAR(code_sum / PAIRS, 0, 0.0006);
    CHECK_NEAR(sqrt(sketch_sq / PAIRS), 0, 0.05);
    CHECK_NEAR(sketch_sum / PAIRS, 0, 0.006);
}

static void estimates_are_near(void) { each_table(check_estimates); }

/* ---- keys ---- */

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static size_t rank_linear(const uint64_t *keys, size_t n, uint64_t key)
{
    size_t smaller = 0;
    for (size_t i = 0; i < n; i++) smaller += keys[i] < key;
    return smaller;
}

/* Both halves of the numbers, some of them equal; keys that are among them,
 * beside them and at the ends. */
static void check_rank(const codes_table *plain, const codes_table *t, size_t n)
{
    enum { KEYS = 450 };
    uint64_t *keys = space(KEYS * sizeof *keys);
    random_state r = {n};
    (void)plain;
    for (size_t count = n % 5; count < KEYS; count += 1 + count / 16) {
        for (size_t i = 0; i < count; i++) keys[i] = random_u64(&r);
        for (size_t i = 1; i < count; i += 7) keys[i] = keys[i - 1];
        qsort(keys, count, sizeof *keys, compare_keys);
        for (size_t i = 0; i < count + 3; i++) {
            uint64_t key = i < count ? keys[i] : random_u64(&r);
            for (uint64_t beside = 0; beside < 3; beside++, key++)
                CHECK_EQ_INT(t->rank(keys, count, key),
                             rank_linear(keys, count, key));
        }
        CHECK_EQ_INT(t->rank(keys, count, 0), 0);
        CHECK_EQ_INT(t->rank(keys, count, UINT64_MAX), count);
    }
    free(keys);
}

static void rank_counts(void) { each_table(check_rank); }

/* ---- sizes ---- */

static void sizes_are_padded(void)
{
    static const size_t sizes[][4] = {
        {1, 64, 64, 64},        {64, 64, 64, 64},     {65, 128, 64, 64},
        {128, 128, 64, 64},     {129, 192, 128, 64},  {512, 512, 256, 64},
        {513, 576, 320, 128},   {768, 768, 384, 128}, {1000, 1024, 512, 128},
        {1280, 1280, 640, 192},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        codes_shape s = codes_shape_of(sizes[i][0]);
        CHECK_EQ_INT(s.padded, sizes[i][1]);
        CHECK_EQ_INT(s.code_bytes, sizes[i][2]);
        CHECK_EQ_INT(s.sketch_bytes, sizes[i][3]);
    }
}

const test_case test_codes_cases[] = {
    {"codes/tables_encode_alike", tables_encode_alike},
    {"codes/edges_are_as_described", edges_are_as_described},
    {"codes/rotation_keeps_dots", rotation_keeps_dots},
    {"codes/rotation_spreads", rotation_spreads},
    {"codes/codes_add_up_alike", codes_add_up_alike},
    {"codes/sketches_add_up_alike", sketches_add_up_alike},
    {"codes/codes_expand_alike", codes_expand_alike},
    {"codes/sums_mean_products", sums_mean_products},
    {"codes/estimates_are_near", estimates_are_near},
    {"codes/rank_counts", rank_counts},
    {"codes/sizes_are_padded", sizes_are_padded},
    {0},
};
