/* SPDX-License-Identifier: MIT
 * Search in inverted lists.
 *
 * A few queries go each through its own lists, nearest first. Many are sorted
 * by list: a list that several visit is packed and measured as a matrix
 * product (panels.h), so that its rows are read once. That runs in two rounds,
 * the nearest list of each query and then the others, which start with what
 * the first have found as their bound. */
#include <assert.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "index/ivf.h"

enum {
    FEW_QUERIES = 7,    /* are not sorted by list */
    FEW_VISITS = 4,     /* of a list are not worth packing it */
    MOST_QUERIES = 1024,
    MOST_HITS = 1 << 20,
    BLOCK_ROWS = 480,   /* packed at once */
    THREAD_BYTES = 2 << 20,
};

static size_t at_least(size_t a, size_t b) { return a > b ? a : b; }
static size_t at_most(size_t a, size_t b) { return a < b ? a : b; }

/* What a thread works in. */
typedef struct room {
    topk *tops;    /* [n] sorted by list; else one */
    panels packed;
    const float **places;            /* [n] of the list at work, as are these */
    float *bounds, *factors;
    uint32_t *queries;
    float *values, *scales;          /* [dim] of codes */
} room;

typedef struct job {
    const ivf *v;
    nearest_query query;
    size_t nprobe, n_threads;
    int64_t *probes; /* [query.n, nprobe] */
    float *near;     /* [query.n, nprobe] distances of centroids */
    int64_t *ids;
    float *distances;
    room *rooms;
    topk *found;      /* [n] of the rounds before */
    float *normsq;    /* [n] */
    uint32_t *starts; /* [n_lists + 1] where a list's visits are */
    uint32_t *visits; /* queries by list */
    atomic_size_t next;
} job;

static const float *query_of(const job *j, size_t q)
{
    return j->query.vectors + q * j->v->dim;
}

static nearest_part part_of(const ivf *v, size_t list)
{
    const ivf_list *l = &v->lists[list];
    return (nearest_part){.vectors = (const float *)(const void *)l->codes,
                          .ids = l->ids, .n = l->n, .dim = v->dim,
                          .metric = v->metric};
}

static void scan_list(const ivf *v, room *r, const float *query, size_t list,
                      topk *top)
{
    const ivf_list *l = &v->lists[list];
    if (l->n == 0) return;
    if (!v->coded) {
        nearest_part part = part_of(v, list);
        nearest_scan(&part, query, top);
        return;
    }
    sq8_query q = {.metric = v->metric, .values = r->values,
                   .scales = r->scales};
    sq8_prepare(&v->sq, query, v->by_residual ? ivf_centroid(v, list) : NULL,
                &q);
    sq8_scan(&v->sq, &q, l->codes, l->n, l->ids, 0, top);
}

/* ---- query by query ---- */

static void search_each(void *user, size_t thread)
{
    job *j = user;
    room *r = &j->rooms[thread];
    for (;;) {
        size_t q = atomic_fetch_add(&j->next, 1), k = j->query.k;
        if (q >= j->query.n) return;
        r->tops[0].n = 0;
        for (size_t i = 0; i < j->nprobe; i++) {
            int64_t list = j->probes[q * j->nprobe + i];
            if (list >= 0)
                scan_list(j->v, r, query_of(j, q), (size_t)list, &r->tops[0]);
        }
        nearest_write(&r->tops[0], j->ids + q * k, j->distances + q * k);
    }
}

/* ---- list by list ---- */

/* Queries by list, of probes [from, to) of each. */
static void sort_visits(job *j, size_t from, size_t to)
{
    size_t n_lists = j->v->n_lists, n = j->query.n;
    memset(j->starts, 0, (n_lists + 2) * sizeof *j->starts);
    uint32_t *counts = j->starts + 2;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t q = 0; q < n; q++)
            for (size_t i = from; i < to; i++) {
                int64_t list = j->probes[q * j->nprobe + i];
                if (list < 0) continue;
                if (pass == 0)
                    counts[list]++;
                else
                    j->visits[j->starts[list + 1]++] = (uint32_t)q;
            }
        for (size_t i = 0; pass == 0 && i < n_lists; i++)
            counts[i] += i ? counts[i - 1] : 0;
    }
}

typedef struct hit_context {
    const job *j;
    room *r;
    nearest_part part;
} hit_context;

/* The bound of a query: by what this thread and the round before know. */
static float bound_of(const job *j, const room *r, size_t q)
{
    float a = nearest_worst(&r->tops[q]), b = nearest_worst(&j->found[q]);
    bool smaller = j->v->metric == METRIC_L2SQ;
    return panels_bound(j->v->metric, j->v->dim, j->normsq[q],
                        smaller == (a < b) ? a : b);
}

static void hit(void *user, size_t visit, size_t first, uint64_t rows,
                const float *sums)
{
    hit_context *c = user;
    (void)sums;
    size_t q = c->r->queries[visit];
    nearest_push_hits(&c->part, c->r->places[visit], first, rows,
                      &c->r->tops[q]);
    c->r->bounds[visit] = bound_of(c->j, c->r, q);
}

static void scan_block(job *j, room *r, const nearest_part *part, size_t n)
{
    hit_context c = {.j = j, .r = r, .part = *part};
    panels_pack(&r->packed, part->vectors, part->n);
    if (r->packed.finite) {
        panels_run(&(panels_scan){.panels = &r->packed, .queries = r->places,
                                  .n = n, .factors = r->factors,
                                  .bounds = r->bounds, .hit = hit,
                                  .user = &c});
        return;
    }
    for (size_t i = 0; i < n; i++)
        nearest_scan(part, r->places[i], &r->tops[r->queries[i]]);
}

static void visit_list(job *j, room *r, size_t list)
{
    const uint32_t *visits = j->visits + j->starts[list];
    size_t n = j->starts[list + 1] - j->starts[list], n_packed = 0;
    for (size_t i = 0; i < n; i++) {
        size_t q = visits[i];
        if (n < FEW_VISITS || !panels_can_take(j->normsq[q])) {
            scan_list(j->v, r, query_of(j, q), list, &r->tops[q]);
            continue;
        }
        r->queries[n_packed] = (uint32_t)q;
        r->places[n_packed] = query_of(j, q);
        r->factors[n_packed] =
            panels_factor(j->v->metric, j->v->dim, j->normsq[q]);
        r->bounds[n_packed++] = bound_of(j, r, q);
    }
    nearest_part all = part_of(j->v, list);
    for (size_t i = 0; i < all.n && n_packed; i += BLOCK_ROWS) {
        nearest_part block = all;
        block.vectors += i * all.dim;
        block.ids += i;
        block.n = at_most(BLOCK_ROWS, all.n - i);
        scan_block(j, r, &block, n_packed);
    }
}

static void visit_lists(void *user, size_t thread)
{
    job *j = user;
    for (;;) {
        size_t list = atomic_fetch_add(&j->next, 1);
        if (list >= j->v->n_lists) return;
        if (j->starts[list + 1] > j->starts[list])
            visit_list(j, &j->rooms[thread], list);
    }
}

static void run_round(job *j, size_t from, size_t to)
{
    sort_visits(j, from, to);
    atomic_store(&j->next, 0);
    thread_each(j->n_threads, visit_lists, j);
    for (size_t t = 0; t < j->n_threads; t++)
        for (size_t q = 0; q < j->query.n; q++) {
            topk *top = &j->rooms[t].tops[q];
            for (size_t i = 0; i < top->n; i++)
                topk_push(&j->found[q], top->hits[i].key, top->hits[i].score);
            top->n = 0;
        }
}

static void search_lists(job *j)
{
    size_t k = j->query.k;
    for (size_t q = 0; q < j->query.n; q++) {
        distance_query v = {.vector = query_of(j, q), .dim = j->v->dim};
        distance_f32_get()->dot_rows(&v, v.vector, 1, &j->normsq[q]);
    }
    run_round(j, 0, 1);
    if (j->nprobe > 1) run_round(j, 1, j->nprobe);
    for (size_t q = 0; q < j->query.n; q++)
        nearest_write(&j->found[q], j->ids + q * k, j->distances + q * k);
}

/* ---- both ---- */

static akin_status new_tops(const job *j, size_t n, topk **out,
                            akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(n, sizeof **out, "hits", &p, err));
    *out = p;
    for (size_t i = 0; i < n; i++)
        AKIN_TRY(topk_init(&(*out)[i], j->query.k,
                           j->v->metric == METRIC_L2SQ, err));
    return AKIN_OK;
}

static akin_status init_room(const job *j, room *r, bool by_list,
                             akin_error *err)
{
    void *p;
    size_t n = j->query.n;
    AKIN_TRY(new_tops(j, by_list ? n : 1, &r->tops, err));
    AKIN_TRY(mem_new_array(j->v->dim, sizeof(float), "a query", &p, err));
    r->values = p;
    AKIN_TRY(mem_new_array(j->v->dim, sizeof(float), "a query", &p, err));
    r->scales = p;
    if (!by_list) return AKIN_OK;
    AKIN_TRY(mem_new_array(n, sizeof *r->places, "queries", &p, err));
    r->places = p;
    AKIN_TRY(mem_new_array(n, sizeof(float), "queries", &p, err));
    r->bounds = p;
    AKIN_TRY(mem_new_array(n, sizeof(float), "queries", &p, err));
    r->factors = p;
    AKIN_TRY(mem_new_array(n, sizeof(uint32_t), "queries", &p, err));
    r->queries = p;
    return panels_init(&r->packed, BLOCK_ROWS, j->v->dim, j->v->metric, err);
}

static akin_status new_arrays(job *j, bool by_list, akin_error *err)
{
    void *p;
    size_t n = j->query.n;
    AKIN_TRY(mem_new_array(j->n_threads, sizeof *j->rooms, "threads", &p,
                           err));
    j->rooms = p;
    for (size_t i = 0; i < j->n_threads; i++)
        AKIN_TRY(init_room(j, &j->rooms[i], by_list, err));
    AKIN_TRY(mem_new_array(n * j->nprobe, sizeof(int64_t), "probes", &p, err));
    j->probes = p;
    AKIN_TRY(mem_new_array(n * j->nprobe, sizeof(float), "probes", &p, err));
    j->near = p;
    if (!by_list) return AKIN_OK;
    AKIN_TRY(new_tops(j, n, &j->found, err));
    AKIN_TRY(mem_new_array(n, sizeof(float), "queries", &p, err));
    j->normsq = p;
    AKIN_TRY(mem_new_array(j->v->n_lists + 2, sizeof(uint32_t), "lists", &p,
                           err));
    j->starts = p;
    AKIN_TRY(mem_new_array(n * j->nprobe, sizeof(uint32_t), "probes", &p, err));
    j->visits = p;
    return AKIN_OK;
}

static void clear_tops(topk *tops, size_t n)
{
    for (size_t i = 0; tops && i < n; i++) topk_clear(&tops[i]);
    mem_free(tops);
}

static void clear_job(job *j, bool by_list)
{
    for (size_t i = 0; j->rooms && i < j->n_threads; i++) {
        room *r = &j->rooms[i];
        clear_tops(r->tops, by_list ? j->query.n : 1);
        panels_clear(&r->packed);
        mem_free(r->places);
        mem_free(r->bounds);
        mem_free(r->factors);
        mem_free(r->queries);
        mem_free(r->values);
        mem_free(r->scales);
    }
    mem_free(j->rooms);
    clear_tops(j->found, j->query.n);
    mem_free(j->probes);
    mem_free(j->near);
    mem_free(j->normsq);
    mem_free(j->starts);
    mem_free(j->visits);
}

static size_t count_threads(const job *j)
{
    size_t wanted = j->query.threads ? j->query.threads : thread_count();
    size_t bytes = j->v->n / at_least(1, j->v->n_lists) * j->nprobe *
                   j->query.n * j->v->code_bytes;
    size_t useful = at_least(1, bytes / THREAD_BYTES);
    return at_most(at_most(wanted, useful), j->query.n);
}

static akin_status run(job *j, akin_error *err)
{
    akin_status status = AKIN_OK;
    const ivf *v = j->v;
    nearest_rows centroids = {.vectors = v->centroids, .n = v->n_lists,
                              .dim = v->dim, .metric = v->metric};
    nearest_query nearest = j->query;
    nearest.k = j->nprobe;
    bool by_list = j->query.n > FEW_QUERIES && !v->coded;
    j->n_threads = count_threads(j);
    AKIN_TRYG(new_arrays(j, by_list, err));
    AKIN_TRYG(nearest_search(&centroids, &nearest, j->probes, j->near, err));
    if (by_list)
        search_lists(j);
    else
        thread_each(j->n_threads, search_each, j);
done:
    clear_job(j, by_list);
    return status;
}

akin_status ivf_search(const ivf *v, const nearest_query *query, size_t nprobe,
                       int64_t *ids, float *distances, akin_error *err)
{
    assert(query->k >= 1 && nprobe >= 1 && nprobe <= v->n_lists);
    size_t step = at_most(MOST_QUERIES, at_least(1, MOST_HITS / query->k));
    for (size_t i = 0; i < query->n; i += step) {
        job j = {.v = v, .query = *query, .nprobe = nprobe,
                 .ids = ids + i * query->k,
                 .distances = distances + i * query->k};
        j.query.vectors += i * v->dim;
        j.query.n = at_most(step, query->n - i);
        AKIN_TRY(run(&j, err));
    }
    return AKIN_OK;
}
