/* SPDX-License-Identifier: MIT
 * The face of an index: options and queries are checked here, and each search
 * is sent the way that is quickest for it. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "index/mesh_file.h"
#include "index/mesh_int.h"

enum {
    MAX_K = 1 << 20,
    COSTS = 8, /* of a vector scanned and of one met on a walk */
};

/* ---- new and close ------------------------------------------------------------- */

static akin_status check_options(const akin_index_options *opt, akin_error *err)
{
    if (opt->dim < 1 || opt->dim > 65535)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "an index is for 1 to 65535 dimensions, not %zu",
                         opt->dim);
    if (opt->metric < AKIN_METRIC_L2SQ || opt->metric > AKIN_METRIC_DOT)
        return AKIN_FAIL(err, AKIN_EUSAGE, "there is no metric %d",
                         (int)opt->metric);
    if (opt->type != AKIN_F32 && opt->type != AKIN_F16)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "an index keeps vectors as float32 or float16");
    if (opt->route < AKIN_ROUTE_AUTO || opt->route > AKIN_ROUTE_VECTORS)
        return AKIN_FAIL(err, AKIN_EUSAGE, "there is no route %d",
                         (int)opt->route);
    if (opt->links && (opt->links < 8 || opt->links > MESH_MAX_LINKS))
        return AKIN_FAIL(err, AKIN_EUSAGE, "links must be 8 to %d, not %zu",
                         MESH_MAX_LINKS, opt->links);
    if (opt->effort && (opt->effort < 8 || opt->effort > 4096))
        return AKIN_FAIL(err, AKIN_EUSAGE, "effort must be 8 to 4096, not %zu",
                         opt->effort);
    return AKIN_OK;
}

/* A sketch does without an eighth of the values if it saves a line of memory. */
static void size_sketch(mesh *m)
{
    enum { LINE = 64 };
    size_t n = m->shape.padded, bytes = (n / 8 + LINE - 1) / LINE * LINE;
    size_t room = 8 * (bytes - sizeof(mesh_tail)) / LINE * LINE;
    if (8 * room < 7 * n) {
        bytes += LINE;
        room = n;
    }
    m->sketch_dims = room < n ? room : n;
    m->shape.sketch_bytes = bytes;
}

akin_status mesh_new(const akin_index_options *opt, mesh **out, akin_error *err)
{
    AKIN_TRY(check_options(opt, err));
    void *p;
    AKIN_TRY(mem_new_array(1, sizeof **out, "an index", &p, err));
    mesh *m = p;
    m->opt = *opt;
    if (!m->opt.links) m->opt.links = 32;
    if (!m->opt.effort) m->opt.effort = 200;
    bool dot = opt->metric == AKIN_METRIC_DOT;
    m->shape = codes_shape_of(opt->dim + (dot ? 1 : 0));
    m->sketched = opt->dim >= MESH_SKETCH_DIM;
    size_sketch(m);
    m->row_bytes = opt->dim * (opt->type == AKIN_F16 ? 2 : 4);
    m->codes = codes_get();
    m->halves = distance_get();
    m->floats = distance_f32_get();
    atomic_store(&m->route, AKIN_ROUTE_VECTORS);
    pthread_mutex_init(&m->write_mutex, NULL);
    pthread_mutex_init(&m->top_mutex, NULL);
    pthread_mutex_init(&m->tune_mutex, NULL);
    pthread_mutex_init(&m->pool_mutex, NULL);
    pthread_rwlock_init(&m->table_lock, NULL);
    m->mean = mem_array(m->shape.padded, sizeof *m->mean);
    m->signs = mem_aligned(2 * m->shape.padded * sizeof *m->signs);
    if (!m->mean || !m->signs) {
        akin_index_close(m);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for an index");
    }
    *out = m;
    return AKIN_OK;
}

akin_status akin_index_new(const akin_index_options *opt, akin_index **out,
                           akin_error *err)
{
    return mesh_new(opt, out, err);
}

void akin_index_close(akin_index *m)
{
    if (!m) return;
    mesh_free_scratches(m);
    mesh_free_chunks(m);
    mesh_longer_free(m);
    mesh_table_free(m->table);
    mem_free(m->free_slots);
    mem_free(m->mean);
    mem_free_aligned(m->signs);
    file_map_close(&m->map);
    pthread_mutex_destroy(&m->write_mutex);
    pthread_mutex_destroy(&m->top_mutex);
    pthread_mutex_destroy(&m->tune_mutex);
    pthread_mutex_destroy(&m->pool_mutex);
    pthread_rwlock_destroy(&m->table_lock);
    mem_free(m);
}

bool mesh_is_finite(const float *x, size_t n)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * 0;
    return sum == 0;
}

/* What float16 rounds to infinity. */
/* ---- searching ----------------------------------------------------------------- */

static akin_status check_query(const mesh *m, const akin_index_query *q,
                               const float *vectors, size_t n, akin_error *err)
{
    if (q->k < 1 || q->k > MAX_K)
        return AKIN_FAIL(err, AKIN_EUSAGE, "k must be 1 to %d, not %zu", MAX_K,
                         q->k);
    if (!(q->recall >= 0 && q->recall < 1))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "recall is a share between 0 and 1, not %g",
                         q->recall);
    for (size_t i = 0; i < n; i++)
        if (!mesh_is_finite(vectors + i * m->opt.dim, m->opt.dim))
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "the query has a value that is not finite");
    return AKIN_OK;
}

static size_t count_allowed(const akin_index_query *q)
{
    size_t n = 0, whole = q->n_allow / 64, rest = q->n_allow % 64;
    for (size_t i = 0; i < whole; i++)
        n += (size_t)__builtin_popcountll(q->allow[i]);
    if (rest)
        n += (size_t)__builtin_popcountll(q->allow[whole] &
                                          (((uint64_t)1 << rest) - 1));
    return n;
}

/* k is not more than there are, so that nobody sizes memory by a wish. */
static akin_index_query within(const mesh *m, const akin_index_query *query)
{
    akin_index_query q = *query;
    size_t n = atomic_load(&m->n_live);
    if (q.k > n) q.k = n;
    return q;
}

/* Looking at all of n_allowed costs n_allowed; a walk meets as many vectors as
 * links times ef, and more the fewer it may return. */
static bool is_scanned(size_t ef, size_t n_allowed, size_t n)
{
    double most = COSTS * (double)ef * (double)n;
    return (double)n_allowed * (double)n_allowed <= most;
}

/* The fewer are allowed, the farther out the k-th of them is, where vectors are
 * many and nearly as far: a walk that finds ten of ten needs more for the ten
 * that are left of three hundred. */
static size_t ef_for(size_t ef, double share)
{
    const double plain = 0.3;
    if (share >= plain) return ef;
    return (size_t)((double)ef * (1 + 0.25 * log2(plain / share)));
}

static akin_status search(mesh *m, const akin_index_query *query,
                          akin_index_hit *hits, size_t *n, akin_error *err)
{
    akin_index_query q = within(m, query);
    size_t n_live = atomic_load(&m->n_live), n_allowed = n_live;
    *n = 0;
    if (q.allow) n_allowed = count_allowed(&q);
    if (n_allowed == 0 || q.k == 0) return AKIN_OK;
    double share = (double)n_allowed / (double)n_live;
    size_t ef = ef_for(mesh_ef(m, &q), share);
    if (is_scanned(ef, n_allowed, n_live))
        return mesh_scan(m, &q, q.allow, hits, n, err);
    AKIN_TRY(mesh_find(m, &q, ef, share, hits, n, err));
    if (*n == q.k || *n == n_allowed) return AKIN_OK;
    return mesh_scan(m, &q, false, hits, n, err);
}

akin_status akin_index_search(akin_index *m, const akin_index_query *query,
                              akin_index_hit *hits, size_t *n, akin_error *err)
{
    AKIN_TRY(check_query(m, query, query->vector, 1, err));
    size_t turn = mesh_enter(m);
    akin_status status = search(m, query, hits, n, err);
    mesh_leave(m, turn);
    return status;
}

akin_status akin_index_search_exact(akin_index *m,
                                    const akin_index_query *query,
                                    akin_index_hit *hits, size_t *n,
                                    akin_error *err)
{
    AKIN_TRY(check_query(m, query, query->vector, 1, err));
    akin_index_query q = within(m, query);
    akin_status status = AKIN_OK;
    *n = 0;
    size_t turn = mesh_enter(m);
    size_t n_allowed = q.allow ? count_allowed(&q) : 0;
    bool few = q.allow && n_allowed < atomic_load(&m->n_live) / 8;
    if (q.k > 0) status = mesh_scan(m, &q, few, hits, n, err);
    mesh_leave(m, turn);
    return status;
}

akin_status akin_index_search_batch(akin_index *m,
                                    const akin_index_query *query,
                                    const float *vectors, size_t n,
                                    size_t threads, akin_index_hit *hits,
                                    size_t *counts, akin_error *err)
{
    AKIN_TRY(check_query(m, query, vectors, n, err));
    memset(counts, 0, n * sizeof *counts);
    if (n == 0 || atomic_load(&m->n_live) == 0) return AKIN_OK;
    size_t turn = mesh_enter(m);
    akin_status status =
        mesh_scan_batch(m, query, vectors, n,
                        threads ? threads : thread_count(), hits, counts, err);
    mesh_leave(m, turn);
    return status;
}

akin_status akin_index_get(akin_index *m, uint64_t id, float *out,
                           akin_error *err)
{
    uint32_t slot;
    size_t turn = mesh_enter(m);
    akin_status status = mesh_table_share(m, err);
    if (status == AKIN_OK) {
        bool found = mesh_table_find(m->table, id, &slot);
        mesh_table_unshare(m);
        if (found && mesh_state_of(m, slot) == MESH_LIVE)
            mesh_decode(m, slot, out);
        else
            status = AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no vector %llu",
                               (unsigned long long)id);
    }
    mesh_leave(m, turn);
    return status;
}
