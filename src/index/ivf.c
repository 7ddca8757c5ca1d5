/* SPDX-License-Identifier: MIT
 * Inverted lists: made, trained, filled and thinned out. */
#include "index/ivf.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "index/kmeans.h"

enum { FIRST_ROOM = 8, CHUNK_ROWS = 1 << 16 };

akin_status ivf_init(ivf *v, akin_error *err)
{
    akin_status status = AKIN_OK;
    void *p = NULL;
    size_t bytes;
    v->code_bytes = v->coded ? v->dim : v->dim * sizeof(float);
    if (mem_mul(v->n_lists, v->dim * sizeof(float), &bytes))
        v->centroids = mem_aligned(bytes);
    if (!v->centroids) {
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for %zu lists",
                           v->n_lists);
        goto done;
    }
    AKIN_TRYG(mem_new_array(v->n_lists, sizeof *v->lists, "lists", &p, err));
    v->lists = p;
    if (v->coded) AKIN_TRYG(sq8_init(&v->sq, v->dim, err));
done:
    if (status != AKIN_OK) ivf_clear(v);
    return status;
}

void ivf_clear(ivf *v)
{
    for (size_t i = 0; v->lists && i < v->n_lists; i++) {
        mem_free_aligned(v->lists[i].codes);
        mem_free(v->lists[i].ids);
    }
    mem_free(v->lists);
    mem_free_aligned(v->centroids);
    sq8_clear(&v->sq);
    *v = (ivf){0};
}

akin_status ivf_reserve(const ivf *v, ivf_list *list, size_t n,
                        akin_error *err)
{
    size_t cap = list->cap ? list->cap : FIRST_ROOM, bytes = 0;
    if (n <= list->cap) return AKIN_OK;
    while (cap < n) cap += cap / 2;
    if (list->cap == 0) cap = n; /* filled at once, as a rule */
    int64_t *ids = mem_realloc_array(list->ids, cap, sizeof *ids);
    if (ids) list->ids = ids;
    unsigned char *codes =
        ids && mem_mul(cap, v->code_bytes, &bytes) ? mem_aligned(bytes) : NULL;
    if (!codes)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for %zu rows", cap);
    if (list->n) memcpy(codes, list->codes, list->n * v->code_bytes);
    mem_free_aligned(list->codes);
    list->codes = codes;
    list->cap = cap;
    return AKIN_OK;
}

/* ---- filling ---- */

typedef struct fill_job {
    ivf *v;
    const float *rows;
    const int64_t *ids;
    const uint32_t *nearest;
    size_t n, n_threads;
    size_t *ends; /* [n_lists] */
    float *residuals; /* [n_threads][dim] */
} fill_job;

static void encode(const fill_job *j, size_t thread, size_t i, size_t list,
                   unsigned char *code)
{
    const ivf *v = j->v;
    const float *row = j->rows + i * v->dim;
    if (!v->coded) {
        memcpy(code, row, v->code_bytes);
        return;
    }
    float *residual = j->residuals + thread * v->dim;
    const float *centroid = ivf_centroid(v, list);
    for (size_t d = 0; d < v->dim; d++)
        residual[d] = row[d] - (v->by_residual ? centroid[d] : 0);
    sq8_encode(&v->sq, residual, code);
}

/* A thread fills the lists that are its own, in the order of the rows. */
static void fill_own(void *user, size_t thread)
{
    fill_job *j = user;
    for (size_t i = 0; i < j->n; i++) {
        size_t list = j->nearest[i];
        if (list % j->n_threads != thread) continue;
        ivf_list *l = &j->v->lists[list];
        size_t at = j->ends[list]++;
        l->ids[at] = j->ids[i];
        encode(j, thread, i, list, l->codes + at * j->v->code_bytes);
    }
}

static akin_status make_room(fill_job *j, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(j->v->n_lists, sizeof *j->ends, "lists", &p, err));
    j->ends = p;
    for (size_t i = 0; i < j->n; i++) j->ends[j->nearest[i]]++;
    for (size_t list = 0; list < j->v->n_lists; list++) {
        ivf_list *l = &j->v->lists[list];
        size_t had = l->n;
        if (j->ends[list])
            AKIN_TRY(ivf_reserve(j->v, l, had + j->ends[list], err));
        j->ends[list] = had;
    }
    AKIN_TRY(mem_new_array(j->n_threads * j->v->dim, sizeof(float), "rows",
                           &p, err));
    j->residuals = p;
    return AKIN_OK;
}

akin_status ivf_add(ivf *v, const float *rows, const int64_t *ids, size_t n,
                    size_t threads, akin_error *err)
{
    akin_status status = AKIN_OK;
    fill_job j = {.v = v, .rows = rows, .ids = ids, .n = n};
    void *nearest = NULL;
    kmeans_centroids c = {.vectors = v->centroids, .k = v->n_lists,
                          .dim = v->dim, .metric = v->metric};
    j.n_threads = threads ? threads : thread_count();
    AKIN_TRYG(mem_new_array(n, sizeof(uint32_t), "rows", &nearest, err));
    AKIN_TRYG(kmeans_assign(&c, rows, n, threads, nearest, err));
    j.nearest = nearest;
    AKIN_TRYG(make_room(&j, err));
    thread_each(j.n_threads, fill_own, &j);
    v->n += n;
    for (size_t i = 0; i < v->n_lists; i++) v->lists[i].n = j.ends[i];
done:
    mem_free(nearest);
    mem_free(j.ends);
    mem_free(j.residuals);
    return status;
}

/* ---- training ---- */

static akin_status train_codes(ivf *v, const float *rows, size_t n,
                               size_t threads, akin_error *err)
{
    akin_status status = AKIN_OK;
    void *nearest = NULL, *residual = NULL;
    kmeans_centroids c = {.vectors = v->centroids, .k = v->n_lists,
                          .dim = v->dim, .metric = v->metric};
    AKIN_TRYG(mem_new_array(n, sizeof(uint32_t), "rows", &nearest, err));
    AKIN_TRYG(mem_new_array(v->dim, sizeof(float), "a row", &residual, err));
    AKIN_TRYG(kmeans_assign(&c, rows, n, threads, nearest, err));
    for (size_t i = 0; i < n; i++) {
        const float *from = ivf_centroid(v, ((uint32_t *)nearest)[i]);
        float *r = residual;
        for (size_t d = 0; d < v->dim; d++)
            r[d] = rows[i * v->dim + d] - (v->by_residual ? from[d] : 0);
        sq8_train(&v->sq, r, 1, i == 0);
    }
done:
    mem_free(nearest);
    mem_free(residual);
    return status;
}

akin_status ivf_train(ivf *v, const float *rows, size_t n,
                      const kmeans_options *how, akin_error *err)
{
    kmeans_options opt = *how;
    opt.k = v->n_lists;
    opt.metric = v->metric;
    AKIN_TRY(kmeans_train(rows, n, v->dim, &opt, v->centroids, err));
    return v->coded ? train_codes(v, rows, n, opt.threads, err) : AKIN_OK;
}

size_t ivf_remove(ivf *v, bool (*dead)(const void *user, int64_t id),
                  const void *user)
{
    size_t before = v->n;
    for (size_t list = 0; list < v->n_lists; list++) {
        ivf_list *l = &v->lists[list];
        for (size_t i = l->n; i-- > 0;) {
            if (!dead(user, l->ids[i])) continue;
            size_t last = --l->n;
            v->n--;
            if (i == last) continue;
            l->ids[i] = l->ids[last];
            memcpy(l->codes + i * v->code_bytes,
                   l->codes + last * v->code_bytes, v->code_bytes);
        }
    }
    return before - v->n;
}

void ivf_decode(const ivf *v, size_t list, size_t i, float *row)
{
    const unsigned char *code = v->lists[list].codes + i * v->code_bytes;
    if (!v->coded) {
        memcpy(row, code, v->code_bytes);
        return;
    }
    sq8_decode(&v->sq, code, row);
    for (size_t d = 0; v->by_residual && d < v->dim; d++)
        row[d] += ivf_centroid(v, list)[d];
}
