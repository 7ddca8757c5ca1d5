/* SPDX-License-Identifier: MIT
 * Float32 kernels of every instruction set against sums in double, on odd
 * lengths; tiles, too; and that a row's bits do not depend on others. */
#include "base/memory.h"
#include "base/random.h"
#include "index/distance_f32.h"
#include "index/isa.h"
#include "test.h"

enum { ROWS = 70, MOST_DIM = 261 };

static const size_t dims[] = {1, 3, 7, 8, 15, 16, 17, 31, 48, 100, 128, 261};

static float rows[ROWS * MOST_DIM], query[MOST_DIM];
static uint8_t bytes[ROWS * MOST_DIM];

static void fill(void)
{
    random_state r = {5};
    for (size_t i = 0; i < ROWS * MOST_DIM; i++) {
        rows[i] = (float)random_unit(&r) - 0.4f;
        bytes[i] = (uint8_t)random_below(&r, 256);
    }
    for (size_t i = 0; i < MOST_DIM; i++) query[i] = (float)random_unit(&r);
}

static void each_isa(void (*check)(const distance_f32_table *t, size_t dim))
{
    fill();
    const char *before = isa_name(isa_get());
    for (int i = ISA_SCALAR; i < ISA_COUNT; i++) {
        if (!isa_use(isa_name((enum isa)i))) continue;
        for (size_t d = 0; d < sizeof dims / sizeof *dims; d++)
            check(distance_f32_get(), dims[d]);
    }
    CHECK(isa_use(before));
}

static void check_rows(const distance_f32_table *t, size_t dim)
{
    distance_query q = {.vector = query, .dim = dim};
    float dot[ROWS], l2sq[ROWS], other[ROWS];
    const float *places[ROWS];
    t->dot_rows(&q, rows, ROWS, dot);
    t->l2sq_rows(&q, rows, ROWS, l2sq);
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0, square = 0;
        for (size_t k = 0; k < dim; k++) {
            double x = rows[i * dim + k];
            sum += x * query[k];
            square += (x - query[k]) * (x - query[k]);
        }
        CHECK_NEAR(dot[i], sum, 1e-5 * (double)dim);
        CHECK_NEAR(l2sq[i], square, 1e-6 * (double)dim + 1e-5 * square);
        places[i] = rows + i * dim;
    }
    t->dot_stream(&q, rows, ROWS, other);
    CHECK(memcmp(dot, other, sizeof dot) == 0);
    t->dot_gather(&q, places, ROWS, other);
    CHECK(memcmp(dot, other, sizeof dot) == 0);
    t->l2sq_stream(&q, rows, ROWS, other);
    CHECK(memcmp(l2sq, other, sizeof dot) == 0);
    t->l2sq_gather(&q, places, ROWS, other);
    CHECK(memcmp(l2sq, other, sizeof dot) == 0);
    for (size_t i = 0; i < ROWS; i++) {
        t->l2sq_rows(&q, places[i], 1, other);
        CHECK(memcmp(&l2sq[i], other, sizeof *other) == 0);
    }
}

static void check_bytes(const distance_f32_table *t, size_t dim)
{
    distance_query q = {.vector = query, .dim = dim};
    float dot[ROWS], l2sq[ROWS], scales[MOST_DIM];
    for (size_t i = 0; i < dim; i++) scales[i] = rows[i] / 200;
    t->dot_bytes(&q, bytes, ROWS, dot);
    t->l2sq_bytes(&q, scales, bytes, ROWS, l2sq);
    for (size_t i = 0; i < ROWS; i++) {
        double sum = 0, square = 0;
        for (size_t k = 0; k < dim; k++) {
            double c = bytes[i * dim + k], x = query[k] - scales[k] * c;
            sum += c * query[k];
            square += x * x;
        }
        CHECK_NEAR(dot[i], sum, 1e-5 * sum);
        CHECK_NEAR(l2sq[i], square, 1e-5 * square + 1e-6);
    }
}

static void check_tile(const distance_f32_table *t, size_t dim)
{
    size_t most = t->tile_panels * t->lanes;
    float *panels = mem_aligned(most * dim * sizeof *panels);
    distance_tile *tile = mem_array(1, sizeof *tile);
    float terms[DISTANCE_TILE_ROWS];
    for (size_t n_rows = 1; n_rows <= most; n_rows++) {
        *tile = (distance_tile){.panels = panels, .terms = terms, .dim = dim};
        tile->n_panels = (n_rows + t->lanes - 1) / t->lanes;
        for (size_t r = 0; r < tile->n_panels * t->lanes; r += t->lanes)
            t->pack(rows + r * dim, n_rows - r < t->lanes ? n_rows - r
                                                         : t->lanes,
                    dim, panels + r * dim);
        for (size_t r = 0; r < most; r++)
            terms[r] = r < n_rows ? (float)r / 10 : NAN;
        for (size_t q = 0; q < t->tile_queries; q++) {
            tile->queries[q] = rows + (q + 50) * dim;
            tile->factors[q] = 0.5f;
            tile->bounds[q] = q == 1 ? 1e9f : -1e9f;
        }
        CHECK(t->tile(tile));
        CHECK(tile->reached[1] == 0);
        CHECK(tile->reached[0] == ((uint64_t)1 << n_rows) - 1);
        for (size_t r = 0; r < n_rows; r++) {
            double sum = r / 20.0;
            for (size_t k = 0; k < dim; k++)
                sum += (double)rows[r * dim + k] * rows[52 * dim + k];
            CHECK_NEAR(tile->sums[2 * tile->n_panels * t->lanes + r], sum,
                       1e-5 * (double)dim);
        }
    }
    mem_free_aligned(panels);
    mem_free(tile);
}

static void check_reaching(const distance_f32_table *t, size_t dim)
{
    float values[64] = {0};
    size_t n = dim < 64 ? dim : 64;
    for (size_t i = 0; i < n; i++) values[i] = i % 5 == 4 ? NAN : rows[i];
    uint64_t above = t->reaching(values, n, rows[0], false);
    uint64_t below = t->reaching(values, n, rows[0], true);
    for (size_t i = 0; i < n; i++) {
        CHECK((above >> i & 1) == (values[i] >= rows[0]));
        CHECK((below >> i & 1) == (values[i] <= rows[0]));
    }
}

static void rows_equal_sums(void) { each_isa(check_rows); }
static void bytes_equal_sums(void) { each_isa(check_bytes); }
static void tiles_equal_sums(void) { each_isa(check_tile); }
static void bounds_are_seen(void) { each_isa(check_reaching); }

const test_case test_distance_f32_cases[] = {
    {"distance_f32/rows_equal_sums", rows_equal_sums},
    {"distance_f32/bytes_equal_sums", bytes_equal_sums},
    {"distance_f32/tiles_equal_sums", tiles_equal_sums},
    {"distance_f32/bounds_are_seen", bounds_are_seen},
    {NULL, NULL},
};
