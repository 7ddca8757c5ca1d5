/* SPDX-License-Identifier: MIT
 * The list of vectors that are longer than all were when the index was coded.
 * It is replaced by a larger one when it is full, and by one without removed
 * slots before those are used again, so that no slot is in it twice. */
#include "base/memory.h"
#include "index/mesh_int.h"

enum { FEWEST = 64 };

bool mesh_is_longer(const mesh *m, uint32_t slot)
{
    return m->opt.metric == AKIN_METRIC_DOT && atomic_load(&m->coded) &&
           mesh_chunk_of(m, slot)->norms[mesh_place(slot)] > m->longest;
}

static akin_status replace(mesh *m, size_t cap, mesh_longer **out,
                           akin_error *err)
{
    void *p;
    size_t slot_bytes = cap * sizeof(uint32_t);
    AKIN_TRY(mem_new_array(1, sizeof(mesh_longer) + slot_bytes, "an index", &p,
                           err));
    *out = p;
    (*out)->cap = cap;
    (*out)->replaced = atomic_load(&m->longer);
    return AKIN_OK;
}

static void append(mesh_longer *list, uint32_t slot)
{
    size_t n = atomic_load(&list->n);
    list->slots[n] = slot;
    atomic_store(&list->n, n + 1);
}

akin_status mesh_longer_reserve(mesh *m, const uint32_t *slots, size_t n,
                                akin_error *err)
{
    mesh_longer *had = atomic_load(&m->longer), *list;
    size_t n_had = had ? atomic_load(&had->n) : 0, need = n_had;
    for (size_t i = 0; i < n; i++) need += mesh_is_longer(m, slots[i]);
    if (need == n_had || (had && need <= had->cap)) return AKIN_OK;
    AKIN_TRY(replace(m, need < FEWEST ? FEWEST : 2 * need, &list, err));
    for (size_t i = 0; i < n_had; i++) append(list, had->slots[i]);
    atomic_store(&m->longer, list);
    return AKIN_OK;
}

void mesh_longer_add(mesh *m, const uint32_t *slots, size_t n)
{
    mesh_longer *list = atomic_load(&m->longer);
    for (size_t i = 0; list && i < n; i++)
        if (mesh_is_longer(m, slots[i]) &&
            mesh_state_of(m, slots[i]) == MESH_LIVE)
            append(list, slots[i]);
}

akin_status mesh_longer_find(mesh *m, akin_error *err)
{
    mesh_longer *list;
    size_t n_slots = atomic_load(&m->n_slots), n = 0;
    for (uint32_t slot = 0; slot < n_slots; slot++)
        n += mesh_is_longer(m, slot) && mesh_state_of(m, slot) == MESH_LIVE;
    if (n == 0 && !atomic_load(&m->longer)) return AKIN_OK;
    AKIN_TRY(replace(m, n < FEWEST ? FEWEST : 2 * n, &list, err));
    for (uint32_t slot = 0; slot < n_slots; slot++)
        if (mesh_is_longer(m, slot) && mesh_state_of(m, slot) == MESH_LIVE)
            append(list, slot);
    atomic_store(&m->longer, list);
    return AKIN_OK;
}

static void free_lists(mesh_longer *list)
{
    while (list) {
        mesh_longer *next = list->replaced;
        mem_free(list);
        list = next;
    }
}

void mesh_longer_free_replaced(mesh *m)
{
    mesh_longer *list = atomic_load(&m->longer);
    if (!list) return;
    free_lists(list->replaced);
    list->replaced = NULL;
}

void mesh_longer_free(mesh *m) { free_lists(atomic_load(&m->longer)); }
