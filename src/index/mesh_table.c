/* SPDX-License-Identifier: MIT
 * Which slot an id is in: an open hash table, made when it is first needed, so
 * that an index that is only searched does without. */
#include "base/memory.h"
#include "index/mesh_int.h"

typedef struct entry {
    uint64_t id;
    uint32_t slot; /* MESH_NONE: empty */
} entry;

struct mesh_table {
    entry *entries;
    size_t n, cap; /* a power of two; less than 2/3 full */
};

static size_t place_of(const mesh_table *t, uint64_t id)
{
    return (size_t)((id * 0x9e3779b97f4a7c15u) >> 20) & (t->cap - 1);
}

static bool look_up(const mesh_table *t, uint64_t id, size_t *at)
{
    size_t i = place_of(t, id);
    while (t->entries[i].slot != MESH_NONE && t->entries[i].id != id)
        i = (i + 1) & (t->cap - 1);
    *at = i;
    return t->entries[i].slot != MESH_NONE;
}

static akin_status grow(mesh_table *t, size_t cap, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(cap, sizeof *t->entries, "an index's ids", &p, err));
    mesh_table fresh = {.entries = p, .cap = cap, .n = t->n};
    for (size_t i = 0; i < cap; i++) fresh.entries[i].slot = MESH_NONE;
    for (size_t i = 0; i < t->cap; i++) {
        size_t at;
        if (t->entries[i].slot == MESH_NONE) continue;
        look_up(&fresh, t->entries[i].id, &at);
        fresh.entries[at] = t->entries[i];
    }
    mem_free(t->entries);
    *t = fresh;
    return AKIN_OK;
}

bool mesh_table_find(const mesh_table *t, uint64_t id, uint32_t *slot)
{
    size_t at;
    if (!look_up(t, id, &at)) return false;
    *slot = t->entries[at].slot;
    return true;
}

akin_status mesh_table_put(mesh_table *t, uint64_t id, uint32_t slot,
                           akin_error *err)
{
    size_t at;
    bool there = look_up(t, id, &at);
    if (!there && 3 * (t->n + 1) > 2 * t->cap) {
        AKIN_TRY(grow(t, 2 * t->cap, err));
        look_up(t, id, &at);
    }
    t->n += !there;
    t->entries[at] = (entry){id, slot};
    return AKIN_OK;
}

/* Entries behind a hole move into it, so that searches need no tombstones. */
void mesh_table_remove(mesh_table *t, uint64_t id)
{
    size_t hole, mask = t->cap - 1;
    if (!look_up(t, id, &hole)) return;
    t->n--;
    for (size_t i = (hole + 1) & mask; t->entries[i].slot != MESH_NONE;
         i = (i + 1) & mask) {
        size_t home = place_of(t, t->entries[i].id);
        if (((i - home) & mask) < ((i - hole) & mask)) continue;
        t->entries[hole] = t->entries[i];
        hole = i;
    }
    t->entries[hole].slot = MESH_NONE;
}

void mesh_table_free(mesh_table *t)
{
    if (t) mem_free(t->entries);
    mem_free(t);
}

static akin_status make(mesh *m, akin_error *err)
{
    void *p;
    size_t n = atomic_load(&m->n_slots), cap = 64;
    while (cap < 2 * n) cap *= 2;
    AKIN_TRY(mem_new_array(1, sizeof *m->table, "an index's ids", &p, err));
    mesh_table *t = p;
    akin_status status = grow(t, cap, err);
    for (uint32_t slot = 0; slot < n && status == AKIN_OK; slot++)
        if (mesh_state_of(m, slot) == MESH_LIVE)
            status = mesh_table_put(t, mesh_id(m, slot), slot, err);
    if (status != AKIN_OK) {
        mesh_table_free(t);
        return status;
    }
    m->table = t;
    return AKIN_OK;
}

akin_status mesh_table_lock(mesh *m, akin_error *err)
{
    pthread_rwlock_wrlock(&m->table_lock);
    akin_status status = m->table ? AKIN_OK : make(m, err);
    if (status != AKIN_OK) pthread_rwlock_unlock(&m->table_lock);
    return status;
}

void mesh_table_unlock(mesh *m) { pthread_rwlock_unlock(&m->table_lock); }

akin_status mesh_table_share(mesh *m, akin_error *err)
{
    pthread_rwlock_rdlock(&m->table_lock);
    if (m->table) return AKIN_OK;
    pthread_rwlock_unlock(&m->table_lock);
    AKIN_TRY(mesh_table_lock(m, err));
    pthread_rwlock_unlock(&m->table_lock);
    pthread_rwlock_rdlock(&m->table_lock); /* it stays once it is made */
    return AKIN_OK;
}

void mesh_table_unshare(mesh *m) { pthread_rwlock_unlock(&m->table_lock); }
