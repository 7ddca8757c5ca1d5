/* SPDX-License-Identifier: MIT
 * What an index learns from its vectors: how to code them, which route to
 * take, and how much effort gives how much recall. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "index/mesh_int.h"

enum {
    SAMPLE = 4096,   /* vectors for mean and spread */
    PROBES = 32,     /* vectors whose neighbours are looked for */
    LOOKED_AT = 200000,
    NEIGHBOURS = 10,
    HELD_BACK = 512, /* of many vectors, to measure recall with */
    SUMMED_UP = 128, /* of those that come few at a time, and some of before */
    FEWEST = 64,     /* that are worth a promise */
    PERIOD = 4096,   /* changes at least that these stand for */
    AT_ONCE = 16,    /* whose true neighbours are sooner found all at once */
};

/* They stand for such a share of the vectors. */
static const double anew_share = 0.2;

/* Where a code's error is more than this share of the squared distance to the
 * tenth neighbour, the vectors are the quicker way: on the bench sets it is
 * 0.01 to 0.03, but 0.9 on the one of overlapping sounds. */
static const float coarse = 0.15f;

/* ---- how to code --------------------------------------------------------------- */

static uint32_t sampled(size_t i, size_t n, size_t of)
{
    return (uint32_t)((uint64_t)i * of / n);
}

static void measure_mean(mesh *m, mesh_scratch *s)
{
    size_t n = atomic_load(&m->n_slots), some = n < SAMPLE ? n : SAMPLE;
    size_t dim = m->opt.dim;
    bool dot = m->opt.metric == AKIN_METRIC_DOT;
    float longest = m->longest;
    for (size_t i = 0; i < some; i++) {
        uint32_t slot = sampled(i, some, n);
        float norm = mesh_chunk_of(m, slot)->norms[mesh_place(slot)];
        float by = m->opt.metric == AKIN_METRIC_COSINE ? norm : 1;
        mesh_decode(m, slot, s->decoded);
        for (size_t k = 0; k < dim; k++)
            m->mean[k] += s->decoded[k] * by / (float)some;
        if (dot && longest > norm)
            m->mean[dim] += sqrtf(longest - norm) / (float)some;
    }
}

void mesh_draw_signs(mesh *m)
{
    random_state r = {m->opt.seed};
    for (size_t i = 0; i < 2 * m->shape.padded; i++)
        m->signs[i] = random_u64(&r) >> 63 ? 1 : -1;
}

typedef struct encoding {
    mesh *m;
    size_t n;
    atomic_size_t next;
    mesh_scratch **scratches;
} encoding;

static void encode_some(void *user, size_t thread)
{
    enum { GRAIN = 256 };
    encoding *e = user;
    for (;;) {
        size_t first = atomic_fetch_add(&e->next, GRAIN);
        if (first >= e->n) return;
        size_t end = e->n - first < GRAIN ? e->n : first + GRAIN;
        for (size_t slot = first; slot < end; slot++)
            mesh_encode_code(e->m, e->scratches[thread], (uint32_t)slot);
    }
}

static void measure_error(mesh *m)
{
    size_t n = atomic_load(&m->n_slots), some = n < SAMPLE ? n : SAMPLE;
    double errors = 0, shares = 0;
    for (size_t i = 0; i < some; i++) {
        uint32_t slot = sampled(i, some, n);
        const mesh_chunk *c = mesh_chunk_of(m, slot);
        size_t at = mesh_place(slot);
        float normsq = mesh_factors_of(m, c, at)->normsq;
        bool is_zero = normsq > 0 && isnan(c->alongs[at]); /* of cosine */
        if (normsq == 0 || is_zero) continue;
        float share = c->acrosses[at] / c->alongs[at];
        errors += share * sqrtf(normsq);
        shares += share;
    }
    m->mean_error = (float)(errors / (double)some);
    m->mean_share = (float)(shares / (double)some);
}

/* ---- which route --------------------------------------------------------------- */

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The error of codes as a share of the squared distance to the tenth. */
static float coarseness_at(mesh *m, mesh_scratch *s, uint32_t from)
{
    size_t n = atomic_load(&m->n_slots), some = n < LOOKED_AT ? n : LOOKED_AT;
    topk top = {.hits = s->best, .k = NEIGHBOURS, .smaller_is_better = true};
    mesh_probe_slot(m, &s->probe, from);
    mesh_probe_prepare(m, &s->probe);
    for (size_t i = 0; i < some; i++) {
        uint32_t slot = sampled(i, some, n);
        if (slot == from) continue;
        float d = mesh_exact(m, &s->probe, slot);
        if (topk_admits(&top, d)) topk_push(&top, slot, d);
    }
    float error = mesh_noise(m, &s->probe);
    float tenth = top.n ? top.hits[0].score : 0;
    return tenth > 0 ? error / tenth : error > 0 ? INFINITY : 0;
}

typedef struct routing {
    mesh *m;
    mesh_scratch **scratches;
    atomic_size_t next;
    float found[PROBES];
} routing;

static void probe_some(void *user, size_t thread)
{
    routing *r = user;
    for (;;) {
        size_t i = atomic_fetch_add(&r->next, 1);
        if (i >= PROBES) return;
        uint32_t from =
            sampled(2 * i + 1, 2 * PROBES, atomic_load(&r->m->n_slots));
        r->found[i] = coarseness_at(r->m, r->scratches[thread], from);
    }
}

static void choose_route(mesh *m, mesh_scratch **scratches, size_t threads)
{
    akin_index_route route = m->opt.route;
    if (route == AKIN_ROUTE_AUTO) {
        routing r = {.m = m, .scratches = scratches};
        thread_each(threads, probe_some, &r);
        qsort(r.found, PROBES, sizeof *r.found, compare_floats);
        route = r.found[PROBES / 2] < coarse ? AKIN_ROUTE_CODES
                                             : AKIN_ROUTE_VECTORS;
    }
    if (!(m->mean_error < INFINITY)) route = AKIN_ROUTE_VECTORS;
    atomic_store_explicit(&m->route, (int)route, memory_order_release);
}

akin_status mesh_decide(mesh *m, const mesh_job *job, akin_error *err)
{
    encoding e = {.m = m, .n = atomic_load(&m->n_slots)};
    AKIN_TRY(mesh_take_scratches(m, job->threads, m->opt.effort, &e.scratches,
                                 err));
    /* Room for most of those that come later and are a little longer. */
    m->longest = 1.2f * m->longest;
    measure_mean(m, e.scratches[0]);
    mesh_draw_signs(m);
    thread_each(job->threads, encode_some, &e);
    measure_error(m);
    atomic_store(&m->coded, true); /* searches may look at codes */
    choose_route(m, e.scratches, job->threads);
    mesh_give_scratches(m, e.scratches, job->threads);
    return AKIN_OK;
}

/* ---- how much effort ----------------------------------------------------------- */

/* Queries are not in the index. So recall is measured with vectors that are not
 * in it yet: some of those that come are searched for before they are linked.
 * To hide one that is linked from its own search is another thing: its
 * neighbours' links were chosen in its presence, and among near duplicates it
 * may be the only way to them. */

static const size_t ladder[MESH_EFFORTS] = {7,  10, 14,  20,  24,  32,  40,  48, 64,
                                            96, 128, 192, 256, 384, 512, 1024};

typedef struct tuning {
    mesh *m;
    const uint32_t *slots;
    size_t n, threads;
    float *queries;        /* [n, dim] */
    akin_index_hit *truth; /* [n, NEIGHBOURS] */
    size_t *counts;        /* [n] */
    atomic_size_t next, n_true, n_found[MESH_EFFORTS];
    _Atomic int status;
} tuning;

/* A hit as near as the last true one is as good as it. */
size_t mesh_count_found(const mesh *m, const akin_index_hit *truth,
                        size_t n_true, const akin_index_hit *hits, size_t n)
{
    size_t found = 0;
    float last = n_true ? truth[n_true - 1].distance : 0;
    for (size_t i = 0; i < n && i < n_true; i++)
        found += mesh_larger_is_closer(m) ? hits[i].distance >= last
                                          : hits[i].distance <= last;
    return found;
}

/* What is found all at one effort is taken to be so at those above. */
static void climb(tuning *t, size_t i)
{
    const akin_index_hit *truth = t->truth + i * NEIGHBOURS;
    akin_index_query q = {.vector = t->queries + i * t->m->opt.dim,
                          .k = NEIGHBOURS};
    size_t n_true = t->counts[i], found = 0;
    for (size_t e = 0; e < MESH_EFFORTS; e++) {
        if (found < n_true) {
            akin_index_hit hits[NEIGHBOURS];
            size_t n = 0;
            akin_status status =
                mesh_find(t->m, &q, ladder[e], 1, hits, &n, NULL);
            if (status != AKIN_OK) atomic_store(&t->status, (int)status);
            found = mesh_count_found(t->m, truth, n_true, hits, n);
        }
        atomic_fetch_add(&t->n_found[e], found);
    }
    atomic_fetch_add(&t->n_true, n_true);
}

static void climb_some(void *user, size_t thread)
{
    tuning *t = user;
    (void)thread;
    for (;;) {
        size_t i = atomic_fetch_add(&t->next, 1);
        if (i >= t->n || atomic_load(&t->status) != AKIN_OK) return;
        climb(t, i);
    }
}

static akin_status find_truth(tuning *t, akin_error *err)
{
    mesh *m = t->m;
    akin_index_query q = {.k = NEIGHBOURS};
    for (size_t i = 0; i < t->n; i++)
        mesh_decode(m, t->slots[i], t->queries + i * m->opt.dim);
    if (t->n >= AT_ONCE)
        return mesh_scan_batch(m, &q, t->queries, t->n, t->threads, t->truth,
                               t->counts, err);
    for (size_t i = 0; i < t->n; i++) {
        q.vector = t->queries + i * m->opt.dim;
        AKIN_TRY(mesh_scan(m, &q, false, t->truth + i * NEIGHBOURS,
                           &t->counts[i], err));
    }
    return AKIN_OK;
}

static akin_status tuning_init(tuning *t, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(t->n * t->m->opt.dim, sizeof *t->queries,
                           "a sample", &p, err));
    t->queries = p;
    AKIN_TRY(mem_new_array(t->n * NEIGHBOURS, sizeof *t->truth, "a sample", &p,
                           err));
    t->truth = p;
    AKIN_TRY(mem_new_array(t->n, sizeof *t->counts, "a sample", &p, err));
    t->counts = p;
    return AKIN_OK;
}

static akin_status ask(tuning *t, akin_error *err)
{
    AKIN_TRY(tuning_init(t, err));
    AKIN_TRY(find_truth(t, err));
    thread_each(t->threads, climb_some, t);
    if (atomic_load(&t->status) == AKIN_OK) return AKIN_OK;
    return AKIN_FAIL(err, (akin_status)atomic_load(&t->status),
                     "out of memory for a search");
}

/* What was found so far counts as a part of it from now on. */
static void begin_anew(mesh *m, double part)
{
    m->n_asked = 0;
    m->n_true = (size_t)(part * (double)m->n_true);
    for (size_t e = 0; e < MESH_EFFORTS; e++)
        m->n_found[e] = (size_t)(part * (double)m->n_found[e]);
}

/* What was found, less a standard error of it, for a recall is promised: by as
 * many hits, as if those of one query were two alike ones by two. */
static double lower_recall(const mesh *m, size_t effort)
{
    double n = (double)m->n_true, r = (double)m->n_found[effort] / n;
    return fmax(0, r - sqrt(2 * r * (1 - r) / n));
}

static void publish(mesh *m)
{
    size_t n = 0;
    pthread_mutex_lock(&m->tune_mutex);
    while (n < MESH_EFFORTS) {
        m->efforts[n] = ladder[n];
        m->recalls[n] = lower_recall(m, n);
        if (m->recalls[n++] > 0.999) break;
    }
    m->n_efforts = n;
    pthread_mutex_unlock(&m->tune_mutex);
}

akin_status mesh_tune(mesh *m, const uint32_t *slots, size_t n,
                      const mesh_job *job, akin_error *err)
{
    tuning t = {.m = m, .slots = slots, .n = n,
                .threads = job->threads < n ? job->threads : n};
    if (n == 0) return AKIN_OK;
    akin_status status = ask(&t, err);
    mem_free(t.queries);
    mem_free(t.truth);
    mem_free(t.counts);
    AKIN_TRY(status);
    m->n_asked += n;
    m->n_true += atomic_load(&t.n_true);
    for (size_t e = 0; e < MESH_EFFORTS; e++)
        m->n_found[e] += atomic_load(&t.n_found[e]);
    if (m->n_true >= FEWEST * NEIGHBOURS) publish(m);
    if (m->n_asked < SUMMED_UP) return AKIN_OK;
    begin_anew(m, 0.25);
    m->n_changed = 0;
    return AKIN_OK;
}

/* Of few at a time fewer, evenly over a period: what comes in a row is often
 * alike, and this many take a tenth of the time of adding, most of it to find
 * the true neighbours. */
size_t mesh_hold_back(mesh *m, size_t n)
{
    double n_all = (double)(atomic_load(&m->n_live) + n);
    double period = fmax(PERIOD, anew_share * n_all);
    double part = fmin(1, (double)m->n_changed / period);
    size_t most = n > 4 ? n / 4 : 1;
    size_t due = (size_t)(part * (most < HELD_BACK ? SUMMED_UP : HELD_BACK));
    if (!atomic_load(&m->coded)) return 0;
    if ((double)n >= period || (!m->n_efforts && most >= FEWEST)) {
        begin_anew(m, 0);
        due = HELD_BACK;
    }
    if (due <= m->n_asked) return 0;
    return due - m->n_asked < most ? due - m->n_asked : most;
}

/* Between two efforts recall is taken to grow evenly with the logarithm. */
size_t mesh_ef(mesh *m, const akin_index_query *query)
{
    double recall = query->recall > 0 ? query->recall : 0.95, ef = 64;
    if (query->ef) return query->ef;
    pthread_mutex_lock(&m->tune_mutex);
    size_t n = m->n_efforts, i = 0;
    while (i < n && m->recalls[i] < recall) i++;
    if (i < n) ef = (double)m->efforts[i];
    if (i == n && n > 0) ef = 2 * (double)m->efforts[n - 1];
    if (i > 0 && i < n) {
        double from = m->recalls[i - 1], to = m->recalls[i];
        double share = (recall - from) / (to - from);
        double less = (double)m->efforts[i - 1];
        ef = less * pow(ef / less, share);
    }
    pthread_mutex_unlock(&m->tune_mutex);
    double per_hit = (double)query->k / NEIGHBOURS;
    return (size_t)ceil(per_hit > 1 ? ef * per_hit : ef);
}
