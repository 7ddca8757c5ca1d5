/* SPDX-License-Identifier: MIT
 * index/layout: principal axes of clusters, and a layout in which clusters stay
 * together, the same at any number of threads. */
#include "test.h"
#include "vectors.h"

#include "base/half.h"
#include "base/memory.h"
#include "index/layout.h"

enum { N = 900, DIM = 24, CLUSTERS = 3, NEAR = 10 };

/* Row i is of cluster i % CLUSTERS: a direction of its own, and noise. */
static unsigned char *make_rows(size_t n)
{
    unsigned char *rows = mem_array(n, DIM * 2);
    vectors noise = vectors_new(&(vectors_options){
        .n = n, .dim = DIM, .clusters = 1, .noise = 1, .seed = 3});
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < DIM; k++) {
            float value = 0.05f * noise.values[i * DIM + k] +
                          (k == i % CLUSTERS ? 1.0f : 0.0f);
            half_from_float(value, rows + (i * DIM + k) * 2);
        }
    vectors_clear(&noise);
    return rows;
}

/* Within each cluster a ring, so that there is nothing to be computed. */
static void make_near(size_t n, uint32_t *points, float *distances)
{
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < NEAR; j++) {
            size_t step = (j / 2 + 1) * CLUSTERS;
            size_t other = j % 2 ? i + step : i + n - step;
            points[i * NEAR + j] = (uint32_t)(other % n);
            distances[i * NEAR + j] = 0.1f * (float)(j / 2 + 1);
        }
}

static float distance(const float *places, size_t a, size_t b)
{
    return hypotf(places[2 * a] - places[2 * b],
                  places[2 * a + 1] - places[2 * b + 1]);
}

static void lay_out(size_t threads, float *places)
{
    akin_error e = {0};
    layout_options opt = {.threads = threads, .seed = 7};
    unsigned char *rows = make_rows(N);
    uint32_t *points = mem_array(N * NEAR, sizeof *points);
    float *distances = mem_array(N * NEAR, sizeof *distances);
    layout_rows in = {.vectors = rows, .n = N, .dim = DIM};
    layout_neighbours near = {points, distances, N, NEAR};
    make_near(N, points, distances);
    CHECK_OK(layout_axes(&in, &opt, places, &e), e);
    CHECK_OK(layout_move(&near, &opt, places, &e), e);
    mem_free(rows);
    mem_free(points);
    mem_free(distances);
}

/* ---- the tests ------------------------------------------------------------ */

static void axes_span_the_clusters(void)
{
    akin_error e = {0};
    static float places[2 * N];
    float widest = 0;
    unsigned char *rows = make_rows(N);
    layout_rows in = {.vectors = rows, .n = N, .dim = DIM};
    CHECK_OK(layout_axes(&in, &(layout_options){.threads = 2}, places, &e), e);
    for (size_t i = 0; i < 2 * N; i++)
        widest = fmaxf(widest, fabsf(places[i]));
    CHECK(fabsf(widest - 10) < 1e-4f);
    /* Three clusters are the corners of a triangle. */
    for (size_t i = CLUSTERS; i < 60; i++) {
        CHECK(distance(places, i, i - CLUSTERS) < 4);
        CHECK(distance(places, i, i - 1) > 8);
    }
    mem_free(rows);
}

static void axes_of_some_rows(void)
{
    akin_error e = {0};
    unsigned char *rows = make_rows(30);
    uint32_t which[] = {3, 4, 9, 10};
    float places[8] = {0};
    layout_rows in = {rows, which, 4, DIM};
    CHECK_OK(layout_axes(&in, &(layout_options){0}, places, &e), e);
    CHECK(distance(places, 0, 2) < 7 && distance(places, 1, 3) < 7);
    CHECK(distance(places, 0, 1) > 15);
    mem_free(rows);
}

static void clusters_stay_together_at_any_number_of_threads(void)
{
    static float places[2 * N], again[2 * N];
    size_t n_own = 0;
    lay_out(1, places);
    lay_out(3, again);
    CHECK(memcmp(places, again, sizeof places) == 0);
    for (size_t i = 0; i < N; i++) {
        size_t nearest = i ? 0 : 1;
        for (size_t j = 0; j < N; j++)
            if (j != i && distance(places, i, j) < distance(places, i, nearest))
                nearest = j;
        CHECK(isfinite(places[2 * i]) && isfinite(places[2 * i + 1]));
        n_own += nearest % CLUSTERS == i % CLUSTERS;
    }
    CHECK(n_own > N * 98 / 100);
}

static void few_points_and_equal_ones(void)
{
    akin_error e = {0};
    unsigned char zeros[4 * DIM * 2] = {0};
    float places[8] = {0};
    uint32_t points[] = {1, LAYOUT_NONE, 0, LAYOUT_NONE, LAYOUT_NONE,
                         LAYOUT_NONE, 0, 1};
    float distances[8] = {0};
    layout_options opt = {.threads = 1};
    for (size_t n = 0; n <= 4; n++) {
        layout_rows in = {.vectors = zeros, .n = n, .dim = DIM};
        layout_neighbours near = {points, distances, n, 2};
        CHECK_OK(layout_axes(&in, &opt, places, &e), e);
        CHECK_OK(layout_move(&near, &opt, places, &e), e);
        for (size_t i = 0; i < 2 * n; i++) CHECK(isfinite(places[i]));
    }
}

static bool stop(void *user, const char *phase, double fraction)
{
    (void)fraction;
    return strcmp(phase, user) != 0;
}

static void it_can_be_stopped(void)
{
    akin_error e = {0};
    unsigned char *rows = make_rows(30);
    float places[60] = {0};
    uint32_t points[30 * NEAR];
    float distances[30 * NEAR];
    layout_rows in = {.vectors = rows, .n = 30, .dim = DIM};
    layout_neighbours near = {points, distances, 30, NEAR};
    char phase[8] = "axes";
    make_near(30, points, distances);
    layout_options opt = {.progress = stop, .user = phase};
    CHECK_STATUS(layout_axes(&in, &opt, places, &e), AKIN_ECANCELLED);
    strcpy(phase, "layout");
    CHECK_STATUS(layout_move(&near, &opt, places, &e), AKIN_ECANCELLED);
    mem_free(rows);
}

const test_case test_layout_cases[] = {
    {"layout/axes_span_the_clusters", axes_span_the_clusters},
    {"layout/axes_of_some_rows", axes_of_some_rows},
    {"layout/clusters_stay_together_at_any_number_of_threads", clusters_stay_together_at_any_number_of_threads},
    {"layout/few_points_and_equal_ones", few_points_and_equal_ones},
    {"layout/it_can_be_stopped", it_can_be_stopped},
    {0},
};
