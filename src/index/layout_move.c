/* SPDX-License-Identifier: MIT
 * UMAP's layout of a neighbour graph.
 *
 * The forces are those of the paper; the order is another. There, edges are
 * walked through and both their ends are moved at once. Here each point is moved
 * by all its edges from where the others were in the round before, so that any
 * number of threads gives the same map; an edge stands in the lists of both its
 * ends, and pulls each twice as hard for it. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "index/layout.h"

/* 1 / (1 + A d^2B) is near 1 up to a distance of 0.1 and then falls as exp(0.1 -
 * d): UMAP's fit for spread 1 and min_dist 0.1. */
#define LAYOUT_A 1.576943f
#define LAYOUT_B 0.8950609f
#define LAYOUT_CLIP 4.0f      /* the most that one force moves a point */
#define LAYOUT_SMALLEST 0.001f

enum {
    LAYOUT_PUSHES = 5,        /* others that push, for each edge that pulls */
    LAYOUT_CHUNK = 1024,      /* points a thread takes at once */
    LAYOUT_BISECTIONS = 40,
};

typedef struct move {
    const layout_neighbours *near;
    const layout_options *opt;
    size_t n, n_rounds, n_threads;
    float *weights;     /* [n][k] */
    uint64_t *begins;   /* [n + 1] into the two that follow */
    uint32_t *ends;     /* the other end of each edge */
    float *shares;      /* rounds in which it pulls, of all; 0 .. 1 */
    const float *from;  /* [n][2] */
    float *to;
    size_t round;
    _Atomic size_t next;
} move;

/* ---- weights -------------------------------------------------------------- */

/* Rounds by the number of points, as UMAP has them but for the largest. */
static size_t move_rounds(size_t n)
{
    return n <= 10000 ? 500 : n <= 200000 ? 200 : 100;
}

static float move_sum(const float *distances, size_t n, float nearest,
                      float width)
{
    float sum = 0;
    for (size_t j = 0; j < n; j++) {
        float beyond = distances[j] - nearest;
        sum += beyond > 0 ? expf(-beyond / width) : 1;
    }
    return sum;
}

/* The width at which the weights sum up to log2 of the neighbours. */
static float move_width(const float *distances, size_t n, float nearest)
{
    float goal = log2f((float)n), low = 0, high = INFINITY, width = 1;
    float mean = 0;
    for (size_t j = 0; j < n; j++) mean += distances[j] / (float)n;
    for (size_t i = 0; i < LAYOUT_BISECTIONS; i++) {
        if (move_sum(distances, n, nearest, width) > goal)
            high = width;
        else
            low = width;
        width = isinf(high) ? width * 2 : (low + high) / 2;
    }
    return fmaxf(width, 1e-3f * mean + 1e-30f);
}

static void move_weigh(move *m, size_t i)
{
    size_t k = m->near->k, n = 0;
    const float *distances = m->near->distances + i * k;
    const uint32_t *points = m->near->points + i * k;
    float nearest = 0;
    while (n < k && points[n] != LAYOUT_NONE) n++;
    for (size_t j = 0; j < n && nearest <= 0; j++) nearest = distances[j];
    float width = n > 1 ? move_width(distances, n, nearest) : 1;
    for (size_t j = 0; j < n; j++) {
        float beyond = distances[j] - nearest;
        m->weights[i * k + j] = beyond > 0 ? expf(-beyond / width) : 1;
    }
}

/* What j thinks of i; 0 if i is not among its neighbours. */
static float move_back(const move *m, size_t i, size_t j)
{
    size_t k = m->near->k;
    const uint32_t *points = m->near->points + j * k;
    for (size_t x = 0; x < k && points[x] != LAYOUT_NONE; x++)
        if (points[x] == i) return m->weights[j * k + x];
    return 0;
}

/* ---- edges ---------------------------------------------------------------- */

/* Calls for each edge once at its first end, and at the other as well if that
 * does not have it in its own list. */
static void move_each_edge(move *m, void (*use)(move *m, size_t at, size_t end,
                                                float weight))
{
    size_t k = m->near->k;
    for (size_t i = 0; i < m->n; i++)
        for (size_t x = 0; x < k; x++) {
            size_t j = m->near->points[i * k + x];
            if (j == LAYOUT_NONE) break;
            float own = m->weights[i * k + x], back = move_back(m, i, j);
            float weight = own + back - own * back;
            use(m, i, j, weight);
            if (!(back > 0)) use(m, j, i, weight);
        }
}

static void move_count(move *m, size_t at, size_t end, float weight)
{
    (void)end;
    (void)weight;
    m->begins[at + 1]++;
}

/* begins[at] is where the next one goes; move_unshift puts it right. */
static void move_put(move *m, size_t at, size_t end, float weight)
{
    uint64_t place = m->begins[at]++;
    m->ends[place] = (uint32_t)end;
    m->shares[place] = weight;
}

static void move_unshift(move *m)
{
    for (size_t i = m->n; i > 0; i--) m->begins[i] = m->begins[i - 1];
    m->begins[0] = 0;
}

static akin_status move_make_edges(move *m, akin_error *err)
{
    void *p;
    float largest = 0;
    AKIN_TRY(mem_new_array(m->n + 1, sizeof *m->begins, "a map", &p, err));
    m->begins = p;
    move_each_edge(m, move_count);
    for (size_t i = 0; i < m->n; i++) m->begins[i + 1] += m->begins[i];
    size_t n_edges = (size_t)m->begins[m->n];
    AKIN_TRY(mem_new_array(n_edges, sizeof *m->ends, "a map", &p, err));
    m->ends = p;
    AKIN_TRY(mem_new_array(n_edges, sizeof *m->shares, "a map", &p, err));
    m->shares = p;
    move_each_edge(m, move_put);
    move_unshift(m);
    for (size_t i = 0; i < n_edges; i++) largest = fmaxf(largest, m->shares[i]);
    for (size_t i = 0; largest > 0 && i < n_edges; i++)
        m->shares[i] /= largest;
    return AKIN_OK;
}

/* ---- forces --------------------------------------------------------------- */

static float move_clip(float force)
{
    return fminf(fmaxf(force, -LAYOUT_CLIP), LAYOUT_CLIP);
}

static void move_pull(const float *other, float rate, float own[2])
{
    float dx = own[0] - other[0], dy = own[1] - other[1];
    float d2 = dx * dx + dy * dy;
    if (!(d2 > 0)) return;
    float power = powf(d2, LAYOUT_B);
    float by = -2 * LAYOUT_A * LAYOUT_B * power / d2 / (1 + LAYOUT_A * power);
    own[0] += 2 * rate * move_clip(by * dx);
    own[1] += 2 * rate * move_clip(by * dy);
}

static void move_push(const float *other, float rate, float own[2])
{
    float dx = own[0] - other[0], dy = own[1] - other[1];
    float d2 = dx * dx + dy * dy;
    if (!(d2 > 0)) return;
    float by = 2 * LAYOUT_B /
               ((LAYOUT_SMALLEST + d2) * (1 + LAYOUT_A * powf(d2, LAYOUT_B)));
    own[0] += rate * move_clip(by * dx);
    own[1] += rate * move_clip(by * dy);
}

/* Whether an edge with this share of the rounds pulls in this one. */
static bool move_is_due(float share, size_t round)
{
    double s = (double)share;
    return floor((double)(round + 1) * s) > floor((double)round * s);
}

static void move_point(const move *m, size_t i, float rate)
{
    float own[2] = {m->from[2 * i], m->from[2 * i + 1]};
    random_state random = {m->opt->seed ^ (m->round * 0x9e3779b97f4a7c15u + i)};
    random_u64(&random); /* near seeds give near first states */
    for (uint64_t e = m->begins[i]; e < m->begins[i + 1]; e++) {
        if (!move_is_due(m->shares[e], m->round)) continue;
        move_pull(m->from + 2 * (size_t)m->ends[e], rate, own);
        for (size_t j = 0; j < LAYOUT_PUSHES; j++) {
            size_t other = random_below(&random, (uint32_t)m->n);
            if (other != i) move_push(m->from + 2 * other, rate, own);
        }
    }
    m->to[2 * i] = own[0];
    m->to[2 * i + 1] = own[1];
}

static void move_points(void *user, size_t thread)
{
    move *m = user;
    size_t first;
    float rate = 1 - (float)m->round / (float)m->n_rounds;
    (void)thread;
    while ((first = atomic_fetch_add(&m->next, LAYOUT_CHUNK)) < m->n)
        for (size_t i = first; i < m->n && i < first + LAYOUT_CHUNK; i++)
            move_point(m, i, rate);
}

/* *places ends as the one of the two that has the last round. */
static akin_status move_run(move *m, float *places, float *other,
                            akin_error *err)
{
    float *from = places, *to = other;
    for (m->round = 0; m->round < m->n_rounds; m->round++) {
        if (m->opt->progress &&
            !m->opt->progress(m->opt->user, "layout",
                              (double)m->round / (double)m->n_rounds))
            return AKIN_FAIL(err, AKIN_ECANCELLED, "the map was stopped");
        m->from = from;
        m->to = to;
        m->next = 0;
        thread_each(m->n_threads, move_points, m);
        from = m->to;
        to = from == places ? other : places;
    }
    if (from != places) memcpy(places, from, 2 * m->n * sizeof *places);
    return AKIN_OK;
}

/* Points at one place would push each other nowhere. */
static void move_scatter(const move *m, float *places)
{
    random_state random = {m->opt->seed};
    for (size_t i = 0; i < 2 * m->n; i++)
        places[i] += (float)((random_unit(&random) - 0.5) * 0.02);
}

akin_status layout_move(const layout_neighbours *near,
                        const layout_options *opt, float *places,
                        akin_error *err)
{
    akin_status status = AKIN_OK;
    void *other = NULL, *weights = NULL;
    size_t n_weights;
    move m = {.near = near, .opt = opt, .n = near->n,
              .n_rounds = move_rounds(near->n),
              .n_threads = opt->threads ? opt->threads : thread_count()};
    if (near->n < 2) return AKIN_OK;
    if (!mem_mul(near->n, near->k, &n_weights))
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a map");
    AKIN_TRYG(mem_new_array(n_weights, sizeof(float), "a map", &weights, err));
    AKIN_TRYG(mem_new_array(near->n, 2 * sizeof(float), "a map", &other, err));
    m.weights = weights;
    for (size_t i = 0; i < m.n; i++) move_weigh(&m, i);
    AKIN_TRYG(move_make_edges(&m, err));
    move_scatter(&m, places);
    AKIN_TRYG(move_run(&m, places, other, err));
done:
    mem_free(weights);
    mem_free(other);
    mem_free(m.begins);
    mem_free(m.ends);
    mem_free(m.shares);
    return status;
}
