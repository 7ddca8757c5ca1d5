/* SPDX-License-Identifier: MIT
 * Changing an index: new vectors get slots, rows and links, and ids their
 * slots; removed ones wait until they are many. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/thread.h"
#include "index/mesh_file.h"
#include "index/mesh_int.h"

enum {
    DECIDE_AT = 4096, /* vectors that say enough about the others */
};

/* Removed slots are taken out of lists when they are so many of the others. */
static const double sweep_share = 0.1;

/* ---- adding -------------------------------------------------------------------- */

static bool fits_half(const float *x, size_t n)
{
    float max = 0;
    for (size_t i = 0; i < n; i++) max = fmaxf(max, fabsf(x[i]));
    return max < 65520;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static akin_status check_ids(const uint64_t *ids, size_t n, akin_error *err)
{
    void *p;
    akin_status status = AKIN_OK;
    AKIN_TRY(mem_new_array(n, sizeof *ids, "ids", &p, err));
    uint64_t *sorted = p;
    memcpy(sorted, ids, n * sizeof *ids);
    qsort(sorted, n, sizeof *sorted, compare_ids);
    for (size_t i = 1; i < n && status == AKIN_OK; i++)
        if (sorted[i] == sorted[i - 1])
            status = AKIN_FAIL(err, AKIN_EUSAGE, "the id %llu comes twice",
                               (unsigned long long)sorted[i]);
    mem_free(sorted);
    return status;
}

typedef struct adding {
    mesh *m;
    const uint64_t *ids;
    const float *vectors;
    size_t n;
    mesh_job job;
    uint32_t *slots;    /* [n] in the order in which they are linked */
    uint32_t *sources;  /* [n] which vector each gets */
    uint32_t *old_slots; /* [n] what the ids had before, or MESH_NONE */
    size_t n_old;
    atomic_size_t next;
    mesh_scratch **scratches;
} adding;

static uint64_t id_of(const adding *a, size_t source)
{
    return a->ids ? a->ids[source] : a->m->next_id + source;
}

/* In an order by chance: what comes sorted would be linked to its like only. */
static void shuffle(adding *a)
{
    random_state r = {a->m->opt.seed + atomic_load(&a->m->n_slots)};
    for (size_t i = 0; i < a->n; i++) a->sources[i] = (uint32_t)i;
    for (size_t i = a->n; i > 1; i--) {
        uint32_t k = random_below(&r, (uint32_t)i), t = a->sources[k];
        a->sources[k] = a->sources[i - 1];
        a->sources[i - 1] = t;
    }
}

/* Of the first many vectors the upper ones come first, and so lie together. */
static int draw_level(const mesh *m, uint32_t slot, size_t n_first)
{
    random_state r = {m->opt.seed ^ (slot + 1) * 0xd1342543de82ef95u};
    int level = 0;
    if (slot < n_first) {
        size_t n = n_first / MESH_STEP;
        for (; level + 1 < MESH_LEVELS && slot < n; n /= MESH_STEP) level++;
    } else {
        while (level + 1 < MESH_LEVELS && random_below(&r, MESH_STEP) == 0)
            level++;
    }
    return level;
}

static akin_status take_slots(adding *a, akin_error *err)
{
    mesh *m = a->m;
    size_t first = atomic_load(&m->n_slots);
    size_t used = a->n < m->n_free ? a->n : m->n_free;
    size_t n_new = a->n - used, end = first + n_new;
    if (n_new > (size_t)MESH_MAX_SLOTS - first)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "an index holds at most %d vectors", MESH_MAX_SLOTS);
    AKIN_TRY(mesh_reserve(m, end, err));
    for (size_t i = 0; i < n_new; i++) {
        uint32_t slot = (uint32_t)(first + i);
        mesh_chunk *c = mesh_chunk_of(m, slot);
        int level = draw_level(m, slot, first ? 0 : n_new);
        AKIN_TRY(mesh_reserve_upper(m, m->n_upper + (size_t)level, err));
        c->levels[mesh_place(slot)] = (uint8_t)level;
        c->upper_at[mesh_place(slot)] = (uint32_t)m->n_upper;
        m->n_upper += (size_t)level;
        for (int l = 0; l <= level; l++) /* it may never be linked */
            mesh_write_list(mesh_list(m, slot, l), mesh_list_size(m, l), NULL,
                            0);
        a->slots[i] = slot;
    }
    m->n_free -= used;
    if (used)
        memcpy(a->slots + n_new, m->free_slots + m->n_free,
               used * sizeof *a->slots);
    return AKIN_OK;
}

/* ---- places -------------------------------------------------------------------- */

typedef struct level_part {
    const adding *a;
    size_t first; /* of the order in which they are linked */
} level_part;

static void load_source(void *user, size_t i, float *out)
{
    const level_part *part = user;
    const adding *a = part->a;
    const mesh *m = a->m;
    size_t source = a->sources[part->first + i], dim = m->opt.dim;
    if (a->vectors)
        memcpy(out, a->vectors + source * dim, dim * sizeof *out);
    else
        m->halves->from_half(m->borrowed + id_of(a, source) * m->row_bytes,
                             dim, out);
}

/* Of the first many, those of level 0 are put beside their like. */
static akin_status place_slots(adding *a, akin_error *err)
{
    level_part part = {.a = a, .first = a->n / MESH_STEP};
    mesh_vectors from = {.load = load_source, .user = &part};
    if (atomic_load(&a->m->n_slots) > 0 || a->n < DECIDE_AT) return AKIN_OK;
    uint32_t *slots = a->slots + part.first;
    size_t n = a->n - part.first;
    AKIN_TRY(mesh_place_alike(a->m, &from, n, a->job.threads, slots, err));
    for (size_t i = 0; i < n; i++) slots[i] += (uint32_t)part.first;
    return AKIN_OK;
}

static void write_row(const mesh *m, uint32_t slot, uint64_t id,
                      const float *vector)
{
    mesh_chunk *c = mesh_chunk_of(m, slot);
    c->ids[mesh_place(slot)] = id;
    if (m->borrowed) return;
    unsigned char *row = c->rows + mesh_place(slot) * m->row_bytes;
    if (m->opt.type == AKIN_F16)
        m->halves->to_half(vector, m->opt.dim, row);
    else
        memcpy(row, vector, m->row_bytes);
}

static void write_some(void *user, size_t thread)
{
    enum { GRAIN = 256 };
    adding *a = user;
    for (;;) {
        size_t first = atomic_fetch_add(&a->next, GRAIN);
        if (first >= a->n) return;
        size_t end = a->n - first < GRAIN ? a->n : first + GRAIN;
        for (size_t i = first; i < end; i++) {
            size_t source = a->sources[i];
            write_row(a->m, a->slots[i], id_of(a, source),
                      a->vectors ? a->vectors + source * a->m->opt.dim : NULL);
            mesh_encode(a->m, a->scratches[thread], a->slots[i]);
        }
    }
}

static akin_status write_rows(adding *a, akin_error *err)
{
    AKIN_TRY(mesh_take_scratches(a->m, a->job.threads, a->m->opt.effort,
                                 &a->scratches, err));
    thread_each(a->job.threads, write_some, a);
    mesh_give_scratches(a->m, a->scratches, a->job.threads);
    return AKIN_OK;
}

/* New ids get their slots. Those that had one keep it until all are linked:
 * a search that met neither, the new one not yet and the old one no more, would
 * miss what is there. */
static akin_status note_ids(adding *a, akin_error *err)
{
    mesh *m = a->m;
    akin_status status = AKIN_OK;
    size_t n = 0;
    AKIN_TRY(mesh_table_lock(m, err));
    for (; n < a->n && status == AKIN_OK; n++) {
        uint64_t id = id_of(a, a->sources[n]);
        a->old_slots[n] = MESH_NONE;
        if (mesh_table_find(m->table, id, &a->old_slots[n]))
            a->n_old++;
        else
            status = mesh_table_put(m->table, id, a->slots[n], err);
    }
    for (size_t i = 0; i < n && status != AKIN_OK; i++)
        if (a->old_slots[i] == MESH_NONE)
            mesh_table_remove(m->table, id_of(a, a->sources[i]));
    mesh_table_unlock(m);
    return status;
}

static void give_back(mesh *m, uint32_t slot)
{
    void *p = m->free_slots; /* without memory for it, the slot is lost */
    if (mem_grow(&p, &m->cap_free, m->n_free + 1, sizeof *m->free_slots,
                 MESH_MAX_SLOTS, NULL) != AKIN_OK)
        return;
    m->free_slots = p;
    m->free_slots[m->n_free++] = slot;
}

/* Ids that had a slot change to the new one; when no search is under way that
 * may have missed that, the old one goes. */
static void replace_old(adding *a)
{
    mesh *m = a->m;
    size_t n = 0;
    if (a->n_old == 0) return;
    pthread_rwlock_wrlock(&m->table_lock);
    for (size_t i = 0; i < a->n; i++) {
        if (mesh_state_of(m, a->slots[i]) != MESH_LIVE)
            a->old_slots[i] = MESH_NONE;
        else if (a->old_slots[i] != MESH_NONE) /* no memory for what is there */
            (void)!mesh_table_put(m->table, mesh_id(m, a->slots[i]),
                                  a->slots[i], NULL);
    }
    pthread_rwlock_unlock(&m->table_lock);
    mesh_wait_for_readers(m);
    for (size_t i = 0; i < a->n; i++) {
        uint32_t old = a->old_slots[i];
        if (old == MESH_NONE) continue;
        mesh_set_state(m, old, MESH_DEAD);
        n++;
    }
    atomic_fetch_sub(&m->n_live, n);
    atomic_fetch_add(&m->n_dead, n);
    atomic_store(&m->n_twice, 0);
}

/* What was not linked is as if it had not come. */
static void settle(adding *a)
{
    mesh *m = a->m;
    size_t n_live = 0;
    pthread_rwlock_wrlock(&m->table_lock);
    for (size_t i = 0; i < a->n; i++) {
        if (mesh_state_of(m, a->slots[i]) == MESH_LIVE) {
            n_live++;
            continue;
        }
        if (a->old_slots[i] == MESH_NONE)
            mesh_table_remove(m->table, mesh_id(m, a->slots[i]));
        give_back(m, a->slots[i]);
    }
    pthread_rwlock_unlock(&m->table_lock);
    atomic_fetch_add(&m->n_live, n_live);
    mesh_longer_add(m, a->slots, a->n);
    replace_old(a);
    mesh_connect_new(m, a->slots, a->n);
}

static akin_status link_part(adding *a, size_t first, size_t end,
                             akin_error *err)
{
    a->job.n_done = first;
    a->job.n_all = a->n;
    if (first == end) return AKIN_OK;
    AKIN_TRY(mesh_link(a->m, a->slots + first, end - first, &a->job, err));
    return mesh_seek(a->m, a->slots + first, end - first, &a->job, err);
}

/* Some are held back until the others are linked, to measure recall with; not
 * where others are replaced, which are there until all is linked. Without memory
 * to measure the next call does. */
static akin_status link_rows(adding *a, akin_error *err)
{
    mesh *m = a->m;
    m->n_changed += a->n;
    size_t held = a->n_old ? 0 : mesh_hold_back(m, a->n);
    AKIN_TRY(link_part(a, 0, a->n - held, err));
    (void)!mesh_tune(m, a->slots + a->n - held, held, &a->job, NULL);
    return link_part(a, a->n - held, a->n, err);
}

static bool sweep_is_due(const mesh *m)
{
    size_t dead = atomic_load(&m->n_dead);
    return dead > 64 &&
           (double)dead > sweep_share * (double)atomic_load(&m->n_live);
}

/* Of dot, until there are codes that rely on it. */
static void note_longest(adding *a)
{
    mesh *m = a->m;
    float longest = m->longest;
    if (m->opt.metric != AKIN_METRIC_DOT || atomic_load(&m->coded)) return;
    for (size_t i = 0; i < a->n; i++) {
        const mesh_chunk *c = mesh_chunk_of(m, a->slots[i]);
        longest = fmaxf(longest, c->norms[mesh_place(a->slots[i])]);
    }
    m->longest = longest;
}

static akin_status new_rows(adding *a, akin_error *err)
{
    mesh *m = a->m;
    size_t end = 0, n_free = m->n_free, n_upper = m->n_upper;
    akin_status status = take_slots(a, err);
    if (status == AKIN_OK) status = place_slots(a, err);
    if (status == AKIN_OK) status = write_rows(a, err);
    if (status == AKIN_OK)
        status = mesh_longer_reserve(m, a->slots, a->n, err);
    if (status == AKIN_OK) status = note_ids(a, err);
    if (status != AKIN_OK) {
        m->n_free = n_free;
        m->n_upper = n_upper;
        return status;
    }
    note_longest(a);
    for (size_t i = 0; i < a->n; i++)
        if (a->slots[i] >= end) end = (size_t)a->slots[i] + 1;
    if (end > atomic_load(&m->n_slots)) atomic_store(&m->n_slots, end);
    return AKIN_OK;
}

/* Ids end at the largest there can be. */
static void note_next_id(adding *a)
{
    uint64_t next_id = a->m->next_id;
    for (size_t i = 0; i < a->n; i++) {
        uint64_t id = id_of(a, i);
        if (id >= next_id) next_id = id < UINT64_MAX ? id + 1 : id;
    }
    a->m->next_id = next_id;
}

/* From here on searches know that an id may be there twice. */
static void expect_twice(adding *a)
{
    if (a->n_old == 0) return;
    atomic_store(&a->m->n_twice, a->n_old);
    mesh_wait_for_readers(a->m);
}

static akin_status add_rows(adding *a, akin_error *err)
{
    mesh *m = a->m;
    void *p;
    if (!a->ids && a->n > UINT64_MAX - m->next_id)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "there are no ids behind %llu for %zu vectors",
                         (unsigned long long)m->next_id, a->n);
    AKIN_TRY(mesh_own_all(m, err));
    if (sweep_is_due(m)) AKIN_TRY(mesh_sweep(m, &a->job, err));
    AKIN_TRY(mem_new_array(a->n, sizeof *a->slots, "new ids", &p, err));
    a->slots = p;
    AKIN_TRY(mem_new_array(a->n, sizeof *a->sources, "new ids", &p, err));
    a->sources = p;
    AKIN_TRY(mem_new_array(a->n, sizeof *a->old_slots, "new ids", &p, err));
    a->old_slots = p;
    shuffle(a);
    AKIN_TRY(new_rows(a, err));
    expect_twice(a);
    akin_status status = AKIN_OK;
    if (!atomic_load(&m->coded) && atomic_load(&m->n_slots) >= DECIDE_AT)
        status = mesh_decide(m, &a->job, err);
    if (status == AKIN_OK) status = link_rows(a, err);
    settle(a);
    note_next_id(a);
    return status;
}

static mesh_job job_of(const akin_index_work *work)
{
    static const akin_index_work none;
    mesh_job job = {.work = work ? work : &none};
    job.threads = job.work->threads ? job.work->threads : thread_count();
    return job;
}

akin_status mesh_add(mesh *m, const uint64_t *ids, const float *vectors,
                     size_t n, const akin_index_work *work, akin_error *err)
{
    adding a = {.m = m, .ids = ids, .vectors = vectors, .n = n,
                .job = job_of(work)};
    if (n == 0) return AKIN_OK;
    if (n > MESH_MAX_SLOTS)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "an index holds at most %d vectors", MESH_MAX_SLOTS);
    if (ids) AKIN_TRY(check_ids(ids, n, err));
    pthread_mutex_lock(&m->write_mutex);
    akin_status status = add_rows(&a, err);
    pthread_mutex_unlock(&m->write_mutex);
    mem_free(a.slots);
    mem_free(a.sources);
    mem_free(a.old_slots);
    return status;
}

akin_status akin_index_add(akin_index *m, const uint64_t *ids,
                           const float *vectors, size_t n,
                           const akin_index_work *work, akin_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (!mesh_is_finite(vectors + i * m->opt.dim, m->opt.dim))
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "vector %zu has a value that is not finite", i);
    for (size_t i = 0; m->opt.type == AKIN_F16 && i < n; i++)
        if (!fits_half(vectors + i * m->opt.dim, m->opt.dim))
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "vector %zu has a value that float16 cannot hold",
                             i);
    return mesh_add(m, ids, vectors, n, work, err);
}

/* ---- vectors of others --------------------------------------------------------- */

akin_status mesh_new_over(const akin_index_options *opt,
                          const mesh_borrowed *borrowed, akin_index **out,
                          akin_error *err)
{
    AKIN_TRY(mesh_new(opt, out, err));
    mesh_borrow(*out, borrowed);
    return AKIN_OK;
}

void mesh_borrow(akin_index *m, const mesh_borrowed *borrowed)
{
    m->borrowed = borrowed->vectors;
    m->n_borrowed = borrowed->n;
}

akin_status mesh_add_borrowed(akin_index *m, const uint64_t *numbers, size_t n,
                              const akin_index_work *work, akin_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (numbers[i] >= m->n_borrowed)
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "there is no vector %llu among %zu",
                             (unsigned long long)numbers[i], m->n_borrowed);
    return mesh_add(m, numbers, NULL, n, work, err);
}

akin_status mesh_each(akin_index *m,
                      void (*visit)(void *user, uint64_t id, bool same),
                      void *user, akin_error *err)
{
    mesh_scratch *s = NULL;
    size_t n = atomic_load(&m->n_slots);
    AKIN_TRY(mesh_take_scratch(m, 1, &s, err));
    for (uint32_t slot = 0; slot < n; slot++)
        if (mesh_state_of(m, slot) == MESH_LIVE)
            visit(user, mesh_id(m, slot), mesh_is_encoded(m, s, slot));
    mesh_give_scratch(m, s);
    return AKIN_OK;
}

/* ---- removing ------------------------------------------------------------------ */

static void remove_id(mesh *m, uint64_t id, size_t *n_removed)
{
    uint32_t slot;
    if (!mesh_table_find(m->table, id, &slot)) return;
    mesh_set_state(m, slot, MESH_DEAD);
    mesh_table_remove(m->table, id);
    atomic_fetch_sub(&m->n_live, 1);
    atomic_fetch_add(&m->n_dead, 1);
    m->n_changed++;
    ++*n_removed;
}

static akin_status remove_ids(mesh *m, const uint64_t *ids, size_t n,
                              size_t *n_removed, akin_error *err)
{
    AKIN_TRY(mesh_own_all(m, err));
    AKIN_TRY(mesh_table_lock(m, err));
    for (size_t i = 0; i < n; i++) remove_id(m, ids[i], n_removed);
    mesh_table_unlock(m);
    mesh_job job = job_of(NULL); /* without memory for it, the next one sweeps */
    if (sweep_is_due(m)) (void)!mesh_sweep(m, &job, NULL);
    return AKIN_OK;
}

akin_status akin_index_remove(akin_index *m, const uint64_t *ids, size_t n,
                              size_t *n_removed, akin_error *err)
{
    size_t removed = 0;
    pthread_mutex_lock(&m->write_mutex);
    akin_status status = remove_ids(m, ids, n, &removed, err);
    pthread_mutex_unlock(&m->write_mutex);
    if (n_removed) *n_removed = removed;
    return status;
}
