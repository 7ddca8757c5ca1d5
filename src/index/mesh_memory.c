/* SPDX-License-Identifier: MIT
 * The memory of an index: chunks of slots, blocks of upper lists, what a
 * search works in, and the turns by which removed slots are known to be left
 * alone. */
#include <sched.h>
#include <string.h>

#include "base/memory.h"
#include "index/mesh_int.h"

enum { TOUCHED_MAX = 1 << 16 }; /* more: the whole bitmap is cleared */

/* ---- chunks -------------------------------------------------------------------- */

size_t mesh_part_bytes(const mesh *m, enum mesh_part part)
{
    switch (part) {
    case MESH_CODES: return m->shape.code_bytes;
    case MESH_SKETCHES: return m->sketched ? m->shape.sketch_bytes : 0;
    case MESH_FACTORS: return m->sketched ? 0 : sizeof(mesh_factors);
    case MESH_INVERSES:
    case MESH_ALONGS:
    case MESH_ACROSSES: return sizeof(float);
    case MESH_LINKS: return m->opt.links * sizeof(uint32_t);
    case MESH_IDS: return sizeof(uint64_t);
    case MESH_NORMS: return sizeof(float);
    case MESH_STATES: return 1;
    case MESH_ITS_LEVELS: return 1;
    case MESH_UPPER_AT: return sizeof(uint32_t);
    case MESH_ROWS: return m->borrowed ? 0 : m->row_bytes;
    case MESH_PARTS: break;
    }
    return 0;
}

void mesh_set_part(mesh_chunk *c, enum mesh_part part, void *p)
{
    switch (part) {
    case MESH_CODES: c->codes = p; break;
    case MESH_SKETCHES: c->sketches = p; break;
    case MESH_FACTORS: c->factors = p; break;
    case MESH_INVERSES: c->inverses = p; break;
    case MESH_ALONGS: c->alongs = p; break;
    case MESH_ACROSSES: c->acrosses = p; break;
    case MESH_LINKS: c->links = p; break;
    case MESH_IDS: c->ids = p; break;
    case MESH_NORMS: c->norms = p; break;
    case MESH_STATES: c->states = p; break;
    case MESH_ITS_LEVELS: c->levels = p; break;
    case MESH_UPPER_AT: c->upper_at = p; break;
    case MESH_ROWS: c->rows = p; break;
    case MESH_PARTS: break;
    }
}

void *mesh_get_part(const mesh_chunk *c, enum mesh_part part)
{
    switch (part) {
    case MESH_CODES: return c->codes;
    case MESH_SKETCHES: return c->sketches;
    case MESH_FACTORS: return c->factors;
    case MESH_INVERSES: return c->inverses;
    case MESH_ALONGS: return c->alongs;
    case MESH_ACROSSES: return c->acrosses;
    case MESH_LINKS: return (void *)(uintptr_t)c->links;
    case MESH_IDS: return c->ids;
    case MESH_NORMS: return c->norms;
    case MESH_STATES: return (void *)(uintptr_t)c->states;
    case MESH_ITS_LEVELS: return c->levels;
    case MESH_UPPER_AT: return c->upper_at;
    case MESH_ROWS: return c->rows;
    case MESH_PARTS: break;
    }
    return NULL;
}

static void free_chunk(mesh_chunk *c)
{
    while (c) {
        mesh_chunk *next = c->replaced;
        if (c->memory) mem_free_pages(c->memory, c->n_bytes);
        mem_free_aligned(c->locks);
        mem_free(c);
        c = next;
    }
}

akin_status mesh_new_empty_chunk(mesh_chunk **out, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(1, sizeof **out, "an index", &p, err));
    mesh_chunk *c = p;
    c->locks = mem_aligned(MESH_CHUNK * sizeof *c->locks);
    if (!c->locks) {
        mem_free(c);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for an index");
    }
    *out = c;
    return AKIN_OK;
}

akin_status mesh_new_chunk(const mesh *m, mesh_chunk **out, akin_error *err)
{
    mesh_chunk *c = NULL;
    AKIN_TRY(mesh_new_empty_chunk(&c, err));
    for (int i = 0; i < MESH_PARTS; i++)
        c->n_bytes += mesh_part_bytes(m, (enum mesh_part)i) * MESH_CHUNK;
    unsigned char *p = mem_pages(c->n_bytes);
    c->memory = p;
    if (!p) {
        free_chunk(c);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for an index");
    }
    for (int i = 0; i < MESH_PARTS; i++) {
        size_t bytes = mesh_part_bytes(m, (enum mesh_part)i) * MESH_CHUNK;
        if (bytes) mesh_set_part(c, (enum mesh_part)i, p);
        p += bytes;
    }
    *out = c;
    return AKIN_OK;
}

akin_status mesh_reserve(mesh *m, size_t n, akin_error *err)
{
    if (n > MESH_MAX_SLOTS)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "an index holds at most %d vectors", MESH_MAX_SLOTS);
    for (size_t i = 0; i * MESH_CHUNK < n; i++) {
        mesh_chunk *c = atomic_load(&m->chunks[i]);
        if (c) continue;
        AKIN_TRY(mesh_new_chunk(m, &c, err));
        atomic_store_explicit(&m->chunks[i], c, memory_order_release);
    }
    return AKIN_OK;
}

static akin_status own_chunk(mesh *m, size_t chunk, akin_error *err)
{
    mesh_chunk *had = atomic_load(&m->chunks[chunk]), *c = NULL;
    size_t n = atomic_load(&m->n_slots) - chunk * MESH_CHUNK;
    if (n > MESH_CHUNK) n = MESH_CHUNK;
    AKIN_TRY(mesh_new_chunk(m, &c, err));
    for (int i = 0; i < MESH_PARTS; i++) {
        void *to = mesh_get_part(c, (enum mesh_part)i);
        if (to)
            memcpy(to, mesh_get_part(had, (enum mesh_part)i),
                   n * mesh_part_bytes(m, (enum mesh_part)i));
    }
    c->replaced = had; /* searches may still be in it */
    atomic_store_explicit(&m->chunks[chunk], c, memory_order_release);
    return AKIN_OK;
}

akin_status mesh_own_all(mesh *m, akin_error *err)
{
    if (!m->map.data) return AKIN_OK;
    for (size_t i = 0; i < MESH_MAX_CHUNKS && atomic_load(&m->chunks[i]); i++)
        if (!atomic_load(&m->chunks[i])->memory)
            AKIN_TRY(own_chunk(m, i, err));
    return AKIN_OK;
}

akin_status mesh_reserve_upper(mesh *m, size_t n, akin_error *err)
{
    size_t lists = (size_t)1 << MESH_UPPER_BITS;
    for (size_t i = 0; i * lists < n; i++) {
        if (i >= MESH_UPPER_BLOCKS)
            return AKIN_FAIL(err, AKIN_ELIMIT, "the index is full");
        if (atomic_load(&m->upper[i])) continue;
        mesh_upper *block = mem_pages(lists * sizeof *block);
        if (!block)
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for an index");
        atomic_store_explicit(&m->upper[i], block, memory_order_release);
    }
    return AKIN_OK;
}

void mesh_free_chunks(mesh *m)
{
    for (size_t i = 0; i < MESH_MAX_CHUNKS && atomic_load(&m->chunks[i]); i++)
        free_chunk(atomic_load(&m->chunks[i]));
    for (size_t i = 0; i < MESH_UPPER_BLOCKS && atomic_load(&m->upper[i]); i++)
        mem_free_pages(atomic_load(&m->upper[i]),
                       ((size_t)1 << MESH_UPPER_BITS) * sizeof(mesh_upper));
}

/* ---- what a search works in ---------------------------------------------------- */

static void free_pool(mesh_scratch *s)
{
    mem_free_aligned(s->pool);
    mem_free_aligned(s->kept_keys);
    mem_free(s->best);
    mem_free(s->candidates);
    mem_free(s->reviewed);
    mem_free(s->review);
}

static void free_scratch(mesh_scratch *s)
{
    if (!s) return;
    mesh_probe_clear(&s->probe);
    mesh_probe_clear(&s->other);
    mem_free_aligned(s->visited);
    mem_free(s->touched);
    free_pool(s);
    mem_free_aligned(s->decoded);
    mem_free(s);
}

static bool fit_pool(mesh_scratch *s, size_t ef)
{
    size_t cap = ef + 2 > 2 * MESH_MAX_LINKS ? ef + 2 : 2 * MESH_MAX_LINKS;
    if (cap <= s->cap_pool) return true;
    free_pool(s);
    s->best = mem_array(cap, sizeof *s->best);
    s->pool = mem_aligned(cap * sizeof *s->pool);
    s->kept_keys = mem_aligned(cap * sizeof *s->kept_keys);
    s->candidates = mem_array(cap, sizeof *s->candidates);
    s->reviewed = mem_array(cap, sizeof *s->reviewed);
    s->review = mem_array(cap, sizeof *s->review);
    bool whole = s->pool && s->kept_keys && s->best && s->candidates &&
                 s->reviewed && s->review;
    s->cap_pool = whole ? cap : 0;
    return whole;
}

static bool fit_visited(mesh_scratch *s, size_t n_slots)
{
    if (n_slots <= s->n_slots) return true;
    n_slots += n_slots / 4 + 4096;
    mem_free_aligned(s->visited);
    s->visited = mem_aligned((n_slots / 64 + 1) * sizeof *s->visited);
    s->n_slots = s->visited ? n_slots : 0;
    return s->visited;
}

static akin_status new_scratch(mesh *m, mesh_scratch **out, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(1, sizeof **out, "a search", &p, err));
    mesh_scratch *s = p;
    akin_status status = AKIN_OK;
    AKIN_TRYG(mesh_probe_init(m, &s->probe, err));
    AKIN_TRYG(mesh_probe_init(m, &s->other, err));
    s->touched = mem_array(TOUCHED_MAX, sizeof *s->touched);
    s->cap_touched = TOUCHED_MAX;
    s->decoded = mem_aligned((m->opt.dim + 16) * sizeof *s->decoded);
    if (!s->touched || !s->decoded)
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a search");
done:
    if (status != AKIN_OK) {
        free_scratch(s);
        return status;
    }
    *out = s;
    return AKIN_OK;
}

akin_status mesh_take_scratch(mesh *m, size_t ef, mesh_scratch **out,
                              akin_error *err)
{
    pthread_mutex_lock(&m->pool_mutex);
    mesh_scratch *s = m->scratches;
    if (s) m->scratches = s->next;
    pthread_mutex_unlock(&m->pool_mutex);
    if (!s) AKIN_TRY(new_scratch(m, &s, err));
    if (!fit_pool(s, ef) || !fit_visited(s, atomic_load(&m->n_slots))) {
        free_scratch(s);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a search");
    }
    s->limit = atomic_load(&m->n_slots);
    if (s->limit > s->n_slots) s->limit = s->n_slots;
    *out = s;
    return AKIN_OK;
}

void mesh_give_scratch(mesh *m, mesh_scratch *s)
{
    if (!s) return;
    pthread_mutex_lock(&m->pool_mutex);
    s->next = m->scratches;
    m->scratches = s;
    pthread_mutex_unlock(&m->pool_mutex);
}

akin_status mesh_take_scratches(mesh *m, size_t n, size_t ef,
                                mesh_scratch ***out, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(n, sizeof **out, "an index", &p, err));
    mesh_scratch **scratches = p;
    for (size_t i = 0; i < n; i++) {
        akin_status status = mesh_take_scratch(m, ef, &scratches[i], err);
        if (status == AKIN_OK) continue;
        mesh_give_scratches(m, scratches, i);
        return status;
    }
    *out = scratches;
    return AKIN_OK;
}

void mesh_give_scratches(mesh *m, mesh_scratch **scratches, size_t n)
{
    for (size_t i = 0; i < n; i++) mesh_give_scratch(m, scratches[i]);
    mem_free(scratches);
}

void mesh_free_scratches(mesh *m)
{
    while (m->scratches) {
        mesh_scratch *next = m->scratches->next;
        free_scratch(m->scratches);
        m->scratches = next;
    }
}

/* ---- turns --------------------------------------------------------------------- */

/* McKenney's sleepable read-copy update: two counters, of which new searches
 * take one while the other runs empty. A search that read the turn just before
 * it changed counts itself where nobody waits any more; so it looks again. */
size_t mesh_enter(mesh *m)
{
    for (;;) {
        uint64_t turn = atomic_load(&m->turn);
        atomic_fetch_add(&m->readers[turn & 1], 1);
        if (atomic_load(&m->turn) == turn) return turn & 1;
        atomic_fetch_sub(&m->readers[turn & 1], 1);
    }
}

void mesh_leave(mesh *m, size_t turn)
{
    atomic_fetch_sub(&m->readers[turn], 1);
}

void mesh_wait_for_readers(mesh *m)
{
    uint64_t turn = atomic_fetch_add(&m->turn, 1);
    while (atomic_load(&m->readers[turn & 1]) > 0) sched_yield();
}
