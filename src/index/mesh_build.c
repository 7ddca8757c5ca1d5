/* SPDX-License-Identifier: MIT
 * Linking slots: Malkov, Yashunin 2016, algorithms 1 and 4, by the distances
 * of the index's route, on several threads. */
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "index/mesh_int.h"

/* So many slots are linked by one thread first: in a smaller index threads
 * would mostly miss each other's new slots. */
enum { SERIAL_SLOTS = 512, GRAIN = 32, BATCH = 128 };

/* ---- lists --------------------------------------------------------------------- */

void mesh_lock(const mesh *m, uint32_t slot)
{
    atomic_flag *lock = &mesh_chunk_of(m, slot)->locks[mesh_place(slot)];
    while (atomic_flag_test_and_set_explicit(lock, memory_order_acquire)) {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
}

void mesh_unlock(const mesh *m, uint32_t slot)
{
    atomic_flag_clear_explicit(
        &mesh_chunk_of(m, slot)->locks[mesh_place(slot)], memory_order_release);
}

void mesh_write_list(_Atomic uint32_t *list, size_t size,
                     const uint32_t *links, size_t n)
{
    for (size_t i = 0; i < n; i++)
        atomic_store_explicit(&list[i], links[i], memory_order_release);
    for (size_t i = n; i < size; i++)
        atomic_store_explicit(&list[i], MESH_NONE, memory_order_release);
}

/* Up to the first link that cannot be: the lists of a file are not looked at
 * when it is opened. */
static size_t read_list(_Atomic uint32_t *list, size_t size, size_t limit,
                        uint32_t *links)
{
    size_t n = 0;
    for (; n < size; n++) {
        links[n] = atomic_load_explicit(&list[n], memory_order_acquire);
        if (links[n] >= limit) break;
    }
    return n;
}

/* ---- choosing links ------------------------------------------------------------ */

/* Distances from one candidate to the others that are left, in s->review. */
static void review(mesh *m, mesh_scratch *s, uint32_t from, size_t n)
{
    mesh_probe_code(m, &s->other, from);
    for (size_t i = 0; i < n; i += BATCH) {
        size_t some = n - i < BATCH ? n - i : BATCH;
        mesh_measure(m, s, &s->other, s->candidates + i, some, s->review + i);
    }
}

/* Of what is left, drops what the one just kept is nearer to than the target
 * is; of the target's twins (distance 0), all but the one. */
static size_t drop_covered(mesh *m, mesh_scratch *s, uint32_t kept, float d,
                           size_t n)
{
    size_t left = 0;
    bool twin = d == 0;
    if (!twin) review(m, s, kept, n);
    for (size_t i = 0; i < n; i++) {
        bool drop = twin ? s->reviewed[i] == 0 : s->review[i] < s->reviewed[i];
        s->candidates[left] = s->candidates[i];
        s->reviewed[left] = s->reviewed[i];
        left += !drop;
    }
    return left;
}

/* A vector that is there a thousand times (silence) would else fill its lists
 * with itself, and what lies behind would be cut off. */
size_t mesh_choose(mesh *m, mesh_scratch *s, uint32_t slot, size_t n,
                   size_t most, uint32_t *out)
{
    size_t left = 0, n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        s->candidates[left] = mesh_key_slot(s->kept_keys[i]);
        s->reviewed[left] = mesh_key_distance(s->kept_keys[i]);
        left += s->candidates[left] != slot;
    }
    while (left > 0 && n_kept < most) {
        uint32_t kept = s->candidates[0];
        float d = s->reviewed[0];
        out[n_kept++] = kept;
        left--;
        memmove(s->candidates, s->candidates + 1, left * sizeof *s->candidates);
        memmove(s->reviewed, s->reviewed + 1, left * sizeof *s->reviewed);
        if (n_kept < most) left = drop_covered(m, s, kept, d, left);
    }
    return n_kept;
}

static void sort_keys(mesh_key *keys, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        mesh_key key = keys[i];
        size_t at = i;
        for (; at > 0 && keys[at - 1] > key; at--) keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

/* The full list of `from` with `to` added, cut to its size. */
static void cut_list(mesh *m, mesh_scratch *s, uint32_t from, uint32_t *links,
                     size_t n, int level)
{
    float distances[MESH_MAX_LINKS + 1];
    uint32_t out[MESH_MAX_LINKS];
    mesh_probe_code(m, &s->other, from);
    mesh_measure(m, s, &s->other, links, n, distances);
    for (size_t i = 0; i < n; i++)
        s->kept_keys[i] = mesh_key_make(distances[i], links[i]);
    sort_keys(s->kept_keys, n);
    size_t size = mesh_list_size(m, level);
    size_t n_out = mesh_choose(m, s, from, n, size, out);
    mesh_write_list(mesh_list(m, from, level), size, out, n_out);
}

static void link_back(mesh *m, mesh_scratch *s, uint32_t from, uint32_t to,
                      int level)
{
    uint32_t links[MESH_MAX_LINKS + 1];
    mesh_lock(m, from);
    _Atomic uint32_t *list = mesh_list(m, from, level);
    size_t size = mesh_list_size(m, level);
    size_t n = read_list(list, size, s->limit, links);
    bool there = false;
    for (size_t i = 0; i < n; i++) there = there || links[i] == to;
    if (!there && n < size) {
        atomic_store_explicit(&list[n], to, memory_order_release);
    } else if (!there) {
        links[n] = to;
        cut_list(m, s, from, links, n + 1, level);
    }
    mesh_unlock(m, from);
}

/* ---- one slot ------------------------------------------------------------------ */

typedef struct new_links {
    uint32_t links[MESH_LEVELS][MESH_MAX_LINKS];
    size_t n[MESH_LEVELS];
} new_links;

/* Returns the level at which its links begin. */
static int find_links(mesh *m, mesh_scratch *s, uint32_t slot, uint64_t top,
                      new_links *found)
{
    int level = mesh_level_of(m, slot), l = (int)(uint32_t)top - 1;
    if (l > level) l = level;
    mesh_probe_slot(m, &s->probe, slot);
    uint32_t at = mesh_descend(m, s, &s->probe, top, l);
    for (int i = l; i >= 0; i--) {
        mesh_walk walk = {.level = i,
                          .ef = m->opt.effort,
                          .room = m->opt.effort,
                          .few_twins = true};
        mesh_search_level(m, s, &s->probe, &walk, at);
        for (size_t k = 0; k < s->n_pool; k++)
            s->kept_keys[k] = s->pool[k] & ~MESH_EXPANDED;
        at = mesh_key_slot(s->pool[0]);
        found->n[i] = mesh_choose(m, s, slot, s->n_pool, mesh_list_size(m, i),
                                  found->links[i]);
    }
    return l;
}

/* All own lists are written before the first link to the slot is, so that
 * whoever comes by way of it finds a way on. */
static void link_slot(mesh *m, mesh_scratch *s, uint32_t slot)
{
    new_links found;
    int level = mesh_level_of(m, slot);
    for (int i = 0; i <= level; i++)
        mesh_write_list(mesh_list(m, slot, i), mesh_list_size(m, i), NULL, 0);
    uint64_t top = atomic_load(&m->top);
    bool rises = level + 1 > (int)(uint32_t)top;
    if (rises) pthread_mutex_lock(&m->top_mutex);
    top = atomic_load(&m->top);
    int from = top ? find_links(m, s, slot, top, &found) : -1;
    for (int i = from; i >= 0; i--)
        mesh_write_list(mesh_list(m, slot, i), mesh_list_size(m, i),
                        found.links[i], found.n[i]);
    mesh_set_state(m, slot, MESH_LIVE);
    for (int i = from; i >= 0; i--)
        for (size_t k = 0; k < found.n[i]; k++)
            link_back(m, s, found.links[i][k], slot, i);
    if (level + 1 > (int)(uint32_t)top)
        atomic_store(&m->top, (uint64_t)slot << 32 | (uint64_t)(level + 1));
    if (rises) pthread_mutex_unlock(&m->top_mutex);
}

/* ---- many ---------------------------------------------------------------------- */

typedef struct linking {
    mesh *m;
    const uint32_t *slots;
    size_t n;
    const mesh_job *job;
    atomic_size_t next;
    atomic_bool stop;
    mesh_scratch **scratches;
} linking;

static void link_some(void *user, size_t thread)
{
    linking *l = user;
    for (;;) {
        size_t first = atomic_fetch_add(&l->next, GRAIN);
        if (first >= l->n || atomic_load(&l->stop)) return;
        const akin_index_work *work = l->job->work;
        double done = (double)(l->job->n_done + first);
        if (thread == 0 && work->progress &&
            !work->progress(work->user, "link", done / (double)l->job->n_all))
            atomic_store(&l->stop, true);
        size_t end = l->n - first < GRAIN ? l->n : first + GRAIN;
        for (size_t i = first; i < end; i++)
            link_slot(l->m, l->scratches[thread], l->slots[i]);
    }
}

/* Those that were not reached when the work was stopped are not there. */
static void give_up(linking *l)
{
    for (size_t i = 0; i < l->n; i++)
        if (mesh_state_of(l->m, l->slots[i]) != MESH_LIVE)
            mesh_set_state(l->m, l->slots[i], MESH_UNUSED);
}

akin_status mesh_link(mesh *m, const uint32_t *slots, size_t n,
                      const mesh_job *job, akin_error *err)
{
    linking l = {.m = m, .slots = slots, .job = job};
    AKIN_TRY(mesh_take_scratches(m, job->threads, m->opt.effort, &l.scratches,
                                 err));
    size_t linked = atomic_load(&m->n_live);
    l.n = linked >= SERIAL_SLOTS ? 0 : n < SERIAL_SLOTS ? n : SERIAL_SLOTS;
    if (l.n) link_some(&l, 0);
    atomic_store(&l.next, l.n);
    l.n = n;
    thread_each(job->threads, link_some, &l);
    mesh_give_scratches(m, l.scratches, job->threads);
    if (!atomic_load(&l.stop)) return AKIN_OK;
    give_up(&l);
    return AKIN_FAIL(err, AKIN_ECANCELLED, "stopped");
}
