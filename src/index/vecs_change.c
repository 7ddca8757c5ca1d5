/* SPDX-License-Identifier: MIT
 * Removing, replacing and reading back single vectors. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "index/vecs_int.h"

static int compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* Ids in order, to be bisected. */
typedef struct id_set {
    int64_t *ids;
    size_t n;
} id_set;

static akin_status id_set_init(id_set *s, const int64_t *ids, size_t n,
                               akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(n, sizeof *ids, "ids", &p, err));
    *s = (id_set){p, n};
    if (n) memcpy(p, ids, n * sizeof *ids);
    if (n) qsort(p, n, sizeof *ids, compare_ids);
    return AKIN_OK;
}

static bool id_set_has(const void *set, int64_t id)
{
    const id_set *s = set;
    return s->n && bsearch(&id, s->ids, s->n, sizeof id, compare_ids);
}

static int64_t id_of(const vecs *v, size_t row)
{
    return v->opt.map ? v->map[row] : (int64_t)row;
}

static void move_rows(vecs *v, const uint8_t *dead)
{
    size_t row_bytes = v->dim * (vecs_is_sq8(v) ? 1 : sizeof(float)), n = 0;
    unsigned char *rows =
        vecs_is_sq8(v) ? v->codes : (unsigned char *)(void *)v->rows;
    for (size_t i = 0; i < v->n; i++) {
        if (dead[i]) continue;
        if (n != i && !vecs_is_ivf(v))
            memcpy(rows + n * row_bytes, rows + i * row_bytes, row_bytes);
        if (v->opt.map) v->map[n] = v->map[i];
        n++;
    }
    v->n = n;
}

static bool is_dead(const void *user, int64_t row)
{
    return ((const uint8_t *)user)[row];
}

/* Of lists behind a map: their ids are rows and move down, too. */
static akin_status remove_from_lists(vecs *v, const uint8_t *dead,
                                     akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(v->n, sizeof(int64_t), "rows", &p, err));
    int64_t *names = p, n = 0;
    for (size_t i = 0; i < v->n; i++) names[i] = dead[i] ? -1 : n++;
    ivf_remove(&v->lists, is_dead, dead);
    for (size_t l = 0; l < v->lists.n_lists; l++)
        for (size_t i = 0; i < v->lists.lists[l].n; i++)
            v->lists.lists[l].ids[i] = names[v->lists.lists[l].ids[i]];
    mem_free(names);
    return AKIN_OK;
}

static akin_status remove_rows(vecs *v, const id_set *set, akin_error *err)
{
    akin_status status = AKIN_OK;
    void *p = NULL;
    size_t n_dead = 0;
    AKIN_TRY(mem_new_array(v->n, 1, "rows", &p, err));
    uint8_t *dead = p;
    for (size_t i = 0; i < v->n; i++)
        n_dead += dead[i] = id_set_has(set, id_of(v, i));
    if (n_dead == 0) goto done;
    nearest_rows rows = vecs_rows(v);
    if (v->opt.kind == VECS_HNSW_FLAT)
        AKIN_TRYG(hnsw_remove(&v->graph, &rows, dead, err));
    if (vecs_is_ivf(v)) AKIN_TRYG(remove_from_lists(v, dead, err));
    move_rows(v, dead);
done:
    mem_free(dead);
    return status;
}

akin_status vecs_remove(vecs *v, const int64_t *ids, size_t n,
                        size_t *n_removed, akin_error *err)
{
    akin_status status = AKIN_OK;
    id_set set = {0};
    size_t before = v->n;
    *n_removed = 0;
    AKIN_TRY(id_set_init(&set, ids, n, err));
    if (vecs_is_ivf(v) && !v->opt.map)
        v->n -= ivf_remove(&v->lists, id_set_has, &set);
    else
        AKIN_TRYG(remove_rows(v, &set, err));
    *n_removed = before - v->n;
done:
    mem_free(set.ids);
    return status;
}

/* ---- finding an id ---- */

/* Where a vector is: its row, or its list and place. */
typedef struct vecs_place {
    size_t list, row;
    size_t n_found;
} vecs_place;

static vecs_place find_in_lists(const vecs *v, int64_t id)
{
    vecs_place place = {0};
    for (size_t l = 0; l < v->lists.n_lists; l++)
        for (size_t i = 0; i < v->lists.lists[l].n; i++)
            if (v->lists.lists[l].ids[i] == id && !place.n_found++) {
                place.list = l;
                place.row = i;
            }
    return place;
}

static vecs_place find(const vecs *v, int64_t id)
{
    vecs_place place = {0};
    if (vecs_is_ivf(v) && !v->opt.map) return find_in_lists(v, id);
    for (size_t i = 0; v->opt.map && i < v->n; i++)
        if (v->map[i] == id && !place.n_found++) place.row = i;
    if (!v->opt.map && id >= 0 && (uint64_t)id < v->n) {
        place.row = (size_t)id;
        place.n_found = 1;
    }
    if (place.n_found && vecs_is_ivf(v))
        return find_in_lists(v, (int64_t)place.row);
    return place;
}

akin_status vecs_get(const vecs *v, int64_t id, float *vector, akin_error *err)
{
    vecs_place place = find(v, id);
    if (!place.n_found)
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "no vector has the id %lld",
                         (long long)id);
    if (vecs_is_ivf(v))
        ivf_decode(&v->lists, place.list, place.row, vector);
    else if (v->opt.kind == VECS_SQ8)
        sq8_decode(&v->sq, v->codes + place.row * v->dim, vector);
    else
        memcpy(vector, v->rows + place.row * v->dim,
               v->dim * sizeof *vector);
    return AKIN_OK;
}

/* ---- update ---- */

static akin_status check_ids(const vecs *v, const id_set *set, akin_error *err)
{
    akin_status status = AKIN_OK;
    void *p;
    AKIN_TRY(mem_new_array(set->n, 1, "ids", &p, err));
    uint8_t *found = p;
    for (size_t i = 1; i < set->n && status == AKIN_OK; i++)
        if (set->ids[i] == set->ids[i - 1])
            status = AKIN_FAIL(err, AKIN_EUSAGE, "id %lld is given twice",
                               (long long)set->ids[i]);
    bool in_lists = vecs_is_ivf(v) && !v->opt.map;
    size_t n_lists = in_lists ? v->lists.n_lists : 1;
    for (size_t l = 0; l < n_lists; l++) {
        size_t n = in_lists ? v->lists.lists[l].n : v->n;
        for (size_t i = 0; i < n; i++) {
            int64_t id = in_lists ? v->lists.lists[l].ids[i] : id_of(v, i);
            int64_t *at = bsearch(&id, set->ids, set->n, sizeof id,
                                  compare_ids);
            if (at && found[at - set->ids] < 2) found[at - set->ids]++;
        }
    }
    for (size_t i = 0; i < set->n && status == AKIN_OK; i++)
        if (found[i] != 1)
            status = AKIN_FAIL(err, found[i] ? AKIN_EUSAGE : AKIN_ENOTFOUND,
                               "id %lld is there %s", (long long)set->ids[i],
                               found[i] ? "more than once" : "not once");
    mem_free(found);
    return status;
}

static akin_status overwrite(vecs *v, const int64_t *ids, const float *vectors,
                             size_t n, akin_error *err)
{
    const float *rows;
    float *owned;
    AKIN_TRY(vecs_normalised(v, vectors, n, &rows, &owned, err));
    for (size_t i = 0; i < n; i++) {
        size_t row = find(v, ids[i]).row;
        if (v->opt.kind == VECS_SQ8)
            sq8_encode(&v->sq, rows + i * v->dim, v->codes + row * v->dim);
        else
            memcpy(v->rows + row * v->dim, rows + i * v->dim,
                   v->dim * sizeof *rows);
    }
    mem_free(owned);
    return AKIN_OK;
}

/* XXX: memory that runs out between the two leaves the vectors removed; room
 * taken before would mend that. */
static akin_status replace(vecs *v, const int64_t *ids, const float *vectors,
                           size_t n, size_t threads, akin_error *err)
{
    size_t n_removed;
    AKIN_TRY(vecs_remove(v, ids, n, &n_removed, err));
    return vecs_add(v, vectors, ids, n, threads, err);
}

akin_status vecs_update(vecs *v, const int64_t *ids, const float *vectors,
                        size_t n, size_t threads, akin_error *err)
{
    akin_status status = AKIN_OK;
    id_set set = {0};
    if (v->opt.kind == VECS_HNSW_FLAT && !v->opt.map)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "a graph without ids can't replace a vector; make it "
                         "with IDMap");
    AKIN_TRY(id_set_init(&set, ids, n, err));
    AKIN_TRYG(check_ids(v, &set, err));
    if (vecs_is_ivf(v) || v->opt.kind == VECS_HNSW_FLAT)
        AKIN_TRYG(replace(v, ids, vectors, n, threads, err));
    else
        AKIN_TRYG(overwrite(v, ids, vectors, n, err));
done:
    mem_free(set.ids);
    return status;
}
