/* SPDX-License-Identifier: MIT
 * Taking removed slots out of the links of others, so that they can be used
 * again: a slot that was linked with one gets that one's own links to choose
 * from. Singh et al.: FreshDiskANN, 2021, algorithm 4. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "index/mesh_int.h"

/* Links of so many removed slots are offered to a list at most; more only make
 * the choice longer. */
enum { OFFERED = 512 };

static bool is_dead(const mesh *m, uint32_t slot)
{
    return mesh_state_of(m, slot) == MESH_DEAD;
}

static bool offer(mesh_scratch *s, uint32_t *offered, size_t *n, uint32_t slot)
{
    uint64_t bit = (uint64_t)1 << (slot % 64), *word = &s->visited[slot / 64];
    if (slot >= s->limit || *word & bit || *n == OFFERED) return false;
    *word |= bit;
    offered[(*n)++] = slot;
    return true;
}

/* Its own live links, and behind the removed ones theirs. */
static size_t gather(const mesh *m, mesh_scratch *s, uint32_t slot, int level,
                     uint32_t *offered, bool *torn)
{
    size_t n = 0, size = mesh_list_size(m, level);
    _Atomic uint32_t *list = mesh_list(m, slot, level);
    *torn = false;
    offer(s, offered, &n, slot);
    for (size_t i = 0; i < size; i++) {
        uint32_t to = atomic_load(&list[i]);
        if (to == MESH_NONE) break;
        if (to >= s->limit) continue;
        if (!is_dead(m, to)) {
            offer(s, offered, &n, to);
            continue;
        }
        *torn = true;
        _Atomic uint32_t *behind = mesh_list(m, to, level);
        for (size_t k = 0; k < size; k++) {
            uint32_t next = atomic_load(&behind[k]);
            if (next == MESH_NONE) break;
            if (next < s->limit && !is_dead(m, next))
                offer(s, offered, &n, next);
        }
    }
    for (size_t i = 0; i < n; i++) s->visited[offered[i] / 64] = 0;
    return n;
}

/* Into out, behind n that are live: those of n_new that are not among them, as
 * many as there is room for. */
static size_t append(uint32_t *out, size_t n, size_t size,
                     const uint32_t *links, size_t n_new)
{
    size_t n_had = n;
    for (size_t i = 0; i < n_new && n < size; i++) {
        bool there = false;
        for (size_t k = 0; k < n_had; k++) there = there || out[k] == links[i];
        if (!there) out[n++] = links[i];
    }
    return n;
}

static size_t live_links(const mesh *m, uint32_t slot, int level,
                         uint32_t *out)
{
    size_t n = 0, size = mesh_list_size(m, level);
    _Atomic uint32_t *list = mesh_list(m, slot, level);
    for (size_t i = 0; i < size; i++) {
        out[n] = atomic_load(&list[i]);
        if (out[n] == MESH_NONE) break;
        n += out[n] < atomic_load(&m->n_slots) && !is_dead(m, out[n]);
    }
    return n;
}

static int compare_keys(const void *a, const void *b)
{
    mesh_key x = *(const mesh_key *)a, y = *(const mesh_key *)b;
    return (x > y) - (x < y);
}

/* What is live stays: lists hold more than was chosen once, as links lead back,
 * and choosing all anew would thin them out with each sweep, to little more
 * than half as many on the set of overlapping sounds. */
static void mend(mesh *m, mesh_scratch *s, uint32_t slot, int level)
{
    enum { SOME = 128 };
    uint32_t offered[OFFERED], chosen[MESH_MAX_LINKS], out[MESH_MAX_LINKS];
    bool torn;
    size_t n = gather(m, s, slot, level, offered, &torn);
    if (!torn) return;
    mesh_probe_code(m, &s->other, slot);
    for (size_t i = 0; i < n; i += SOME) {
        size_t some = n - i < SOME ? n - i : SOME;
        float distances[SOME];
        mesh_measure(m, s, &s->other, offered + i, some, distances);
        for (size_t k = 0; k < some; k++)
            s->kept_keys[i + k] = mesh_key_make(distances[k], offered[i + k]);
    }
    qsort(s->kept_keys, n, sizeof *s->kept_keys, compare_keys);
    size_t size = mesh_list_size(m, level);
    n = mesh_choose(m, s, slot, n, size, chosen);
    n = append(out, live_links(m, slot, level, out), size, chosen, n);
    mesh_lock(m, slot);
    mesh_write_list(mesh_list(m, slot, level), size, out, n);
    mesh_unlock(m, slot);
}

typedef struct sweeping {
    mesh *m;
    size_t n;
    atomic_size_t next;
    mesh_scratch **scratches;
} sweeping;

static void mend_some(void *user, size_t thread)
{
    enum { GRAIN = 256 };
    sweeping *w = user;
    for (;;) {
        size_t first = atomic_fetch_add(&w->next, GRAIN);
        if (first >= w->n) return;
        size_t end = w->n - first < GRAIN ? w->n : first + GRAIN;
        for (size_t slot = first; slot < end; slot++) {
            uint32_t at = (uint32_t)slot;
            if (mesh_state_of(w->m, at) != MESH_LIVE) continue;
            for (int l = mesh_level_of(w->m, at); l >= 0; l--)
                mend(w->m, w->scratches[thread], at, l);
        }
    }
}

/* The entry may be removed itself: then the highest that is left is it. */
static void choose_entry(mesh *m)
{
    uint64_t top = atomic_load(&m->top);
    size_t n = atomic_load(&m->n_slots);
    if (top && !is_dead(m, (uint32_t)(top >> 32))) return;
    top = 0;
    for (uint32_t slot = 0; slot < n; slot++) {
        uint64_t level = (uint64_t)mesh_level_of(m, slot) + 1;
        if (mesh_state_of(m, slot) == MESH_LIVE && level > (uint32_t)top)
            top = (uint64_t)slot << 32 | level;
    }
    atomic_store(&m->top, top);
}

static akin_status free_dead(mesh *m, akin_error *err)
{
    size_t n = atomic_load(&m->n_slots);
    void *p = m->free_slots;
    akin_status status =
        mem_grow(&p, &m->cap_free, m->n_free + atomic_load(&m->n_dead),
                 sizeof *m->free_slots, MESH_MAX_SLOTS, err);
    m->free_slots = p;
    AKIN_TRY(status);
    for (uint32_t slot = 0; slot < n; slot++) {
        if (!is_dead(m, slot)) continue;
        mesh_set_state(m, slot, MESH_UNUSED);
        m->free_slots[m->n_free++] = slot;
    }
    atomic_store(&m->n_dead, 0);
    return AKIN_OK;
}

akin_status mesh_sweep(mesh *m, const mesh_job *job, akin_error *err)
{
    sweeping w = {.m = m, .n = atomic_load(&m->n_slots)};
    size_t room = m->opt.effort > OFFERED ? m->opt.effort : OFFERED;
    AKIN_TRY(mesh_take_scratches(m, job->threads, room, &w.scratches, err));
    choose_entry(m);
    thread_each(job->threads, mend_some, &w);
    mesh_give_scratches(m, w.scratches, job->threads);
    AKIN_TRY(mesh_connect(m, err));
    AKIN_TRY(mesh_longer_find(m, err));
    mesh_wait_for_readers(m);
    mesh_longer_free_replaced(m);
    return free_dead(m, err);
}
