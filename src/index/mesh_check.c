/* SPDX-License-Identifier: MIT
 * Looking at an index from outside: its numbers, and whether it is sound. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "index/mesh_int.h"

enum { SAMPLE = 200, NEIGHBOURS = 10 };

/* ---- numbers ------------------------------------------------------------------- */

static size_t count_links(const mesh *m, uint32_t slot)
{
    _Atomic uint32_t *list = mesh_links(m, slot);
    size_t n = 0;
    while (n < m->opt.links && atomic_load(&list[n]) != MESH_NONE) n++;
    return n;
}

void akin_index_get_stats(akin_index *m, akin_index_stats *out)
{
    size_t n_slots = atomic_load(&m->n_slots), n_links = 0, bytes = 0;
    *out = (akin_index_stats){
        .dim = m->opt.dim,
        .n = atomic_load(&m->n_live),
        .n_removed = atomic_load(&m->n_dead),
        .metric = m->opt.metric,
        .type = m->opt.type,
        .links = m->opt.links,
        .bytes_vectors = n_slots * m->row_bytes,
    };
    if (atomic_load(&m->coded))
        out->route = (akin_index_route)atomic_load(&m->route);
    for (uint32_t slot = 0; slot < n_slots; slot++)
        if (mesh_state_of(m, slot) == MESH_LIVE)
            n_links += count_links(m, slot);
    if (out->n) out->mean_links = (double)n_links / (double)out->n;
    for (int i = 0; i < MESH_ROWS; i++)
        bytes += mesh_part_bytes(m, (enum mesh_part)i);
    out->bytes_memory = n_slots * bytes + m->n_upper * sizeof(mesh_upper);
    pthread_mutex_lock(&m->tune_mutex);
    out->n_efforts = m->n_efforts;
    memcpy(out->efforts, m->efforts, sizeof m->efforts);
    memcpy(out->recalls, m->recalls, sizeof m->recalls);
    pthread_mutex_unlock(&m->tune_mutex);
}

/* ---- soundness ----------------------------------------------------------------- */

typedef struct checking {
    mesh *m;
    void (*problem)(void *user, const char *text);
    void *user;
    size_t n_problems;
} checking;

static void tell(checking *c, const char *fmt, ...) AKIN_PRINTF(2, 3);

static void tell(checking *c, const char *fmt, ...)
{
    char text[256];
    va_list args;
    c->n_problems++;
    if (!c->problem) return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->problem(c->user, text);
}

/* Links go to slots in use, none to itself, none twice. */
static void check_list(checking *c, uint32_t slot)
{
    const mesh *m = c->m;
    _Atomic uint32_t *list = mesh_links(m, slot);
    size_t n = count_links(m, slot), n_slots = atomic_load(&m->n_slots);
    for (size_t i = 0; i < n; i++) {
        uint32_t to = atomic_load(&list[i]);
        bool twice = false;
        for (size_t k = 0; k < i; k++) twice |= atomic_load(&list[k]) == to;
        if (to >= n_slots)
            tell(c, "slot %u is linked with %u, which there is not", slot, to);
        else if (mesh_state_of(m, to) == MESH_UNUSED)
            tell(c, "slot %u is linked with the free slot %u", slot, to);
        else if (to == slot || twice)
            tell(c, "slot %u is linked with %u %s", slot, to,
                 twice ? "twice" : "itself");
    }
}

static void check_upper_list(checking *c, uint32_t slot, int level)
{
    const mesh *m = c->m;
    _Atomic uint32_t *list = mesh_list(m, slot, level);
    size_t n_slots = atomic_load(&m->n_slots);
    for (size_t i = 0; i < MESH_UPPER_LINKS; i++) {
        uint32_t to = atomic_load(&list[i]);
        if (to == MESH_NONE) break;
        if (to >= n_slots || to == slot ||
            mesh_state_of(m, to) == MESH_UNUSED ||
            mesh_chunk_of(m, to)->levels[mesh_place(to)] < level)
            tell(c, "slot %u is linked with %u at level %d", slot, to, level);
    }
}

/* Each id is that of one slot, and is found there. */
static akin_status check_ids(checking *c, akin_error *err)
{
    mesh *m = c->m;
    size_t n = atomic_load(&m->n_slots);
    AKIN_TRY(mesh_table_share(m, err));
    for (uint32_t slot = 0, at = 0; slot < n; slot++) {
        if (mesh_state_of(m, slot) != MESH_LIVE) continue;
        uint64_t id = mesh_id(m, slot);
        if (!mesh_table_find(m->table, id, &at) || at != slot)
            tell(c, "the id %llu is not only in slot %u",
                 (unsigned long long)id, slot);
    }
    mesh_table_unshare(m);
    return AKIN_OK;
}

static size_t spread(const mesh *m, uint8_t *reached, uint32_t *queue,
                     uint32_t entry)
{
    size_t head = 0, tail = 0, n_live = 0, n = atomic_load(&m->n_slots);
    reached[entry] = 1;
    queue[tail++] = entry;
    while (head < tail) {
        uint32_t slot = queue[head++];
        n_live += mesh_state_of(m, slot) == MESH_LIVE;
        _Atomic uint32_t *list = mesh_links(m, slot);
        for (size_t i = 0; i < m->opt.links; i++) {
            uint32_t to = atomic_load(&list[i]);
            if (to == MESH_NONE) break;
            if (to >= n || reached[to]) continue;
            reached[to] = 1;
            queue[tail++] = to;
        }
    }
    return n_live;
}

static akin_status check_reach(checking *c, akin_error *err)
{
    mesh *m = c->m;
    size_t n = atomic_load(&m->n_slots), n_live = atomic_load(&m->n_live);
    uint64_t top = atomic_load(&m->top);
    void *reached = NULL, *queue = NULL;
    akin_status status = AKIN_OK;
    if (n_live == 0) return AKIN_OK;
    if (top == 0) {
        tell(c, "there is no way in");
        return AKIN_OK;
    }
    AKIN_TRYG(mem_new_array(n, 1, "a check", &reached, err));
    AKIN_TRYG(mem_new_array(n, sizeof(uint32_t), "a check", &queue, err));
    size_t found = spread(m, reached, queue, (uint32_t)(top >> 32));
    if (found < n_live)
        tell(c, "%zu of %zu vectors cannot be reached", n_live - found, n_live);
done:
    mem_free(reached);
    mem_free(queue);
    return status;
}

static akin_status sample_recall(checking *c, double *recall, akin_error *err)
{
    mesh *m = c->m;
    mesh_scratch *s = NULL;
    size_t n = atomic_load(&m->n_slots), found = 0, wanted = 0;
    size_t some = n < SAMPLE ? n : SAMPLE;
    akin_status status = AKIN_OK;
    AKIN_TRY(mesh_take_scratch(m, NEIGHBOURS, &s, err));
    for (size_t i = 0; i < some && status == AKIN_OK; i++) {
        akin_index_hit truth[NEIGHBOURS], hits[NEIGHBOURS];
        size_t n_truth, n_hits;
        uint32_t slot = (uint32_t)((uint64_t)i * n / some);
        if (mesh_state_of(m, slot) != MESH_LIVE) continue;
        mesh_decode(m, slot, s->decoded);
        akin_index_query q = {.vector = s->decoded, .k = NEIGHBOURS};
        AKIN_TRYG(akin_index_search_exact(m, &q, truth, &n_truth, err));
        AKIN_TRYG(akin_index_search(m, &q, hits, &n_hits, err));
        found += mesh_count_found(m, truth, n_truth, hits, n_hits);
        wanted += n_truth;
    }
    *recall = wanted ? (double)found / (double)wanted : 1;
done:
    mesh_give_scratch(m, s);
    return status;
}

akin_status akin_index_check(akin_index *m,
                             void (*problem)(void *user, const char *text),
                             void *user, double *recall, akin_error *err)
{
    checking c = {.m = m, .problem = problem, .user = user};
    size_t n = atomic_load(&m->n_slots), n_live = 0;
    double ignored;
    if (!mesh_file_is_whole(m)) tell(&c, "bytes of the file are damaged");
    for (uint32_t slot = 0; slot < n; slot++) {
        if (mesh_state_of(m, slot) == MESH_UNUSED) continue;
        n_live += mesh_state_of(m, slot) == MESH_LIVE;
        check_list(&c, slot);
        for (int l = 1; l <= mesh_chunk_of(m, slot)->levels[mesh_place(slot)];
             l++)
            check_upper_list(&c, slot, l);
    }
    if (n_live != atomic_load(&m->n_live))
        tell(&c, "%zu vectors are there, %zu are counted", n_live,
             atomic_load(&m->n_live));
    AKIN_TRY(check_ids(&c, err));
    AKIN_TRY(check_reach(&c, err));
    AKIN_TRY(sample_recall(&c, recall ? recall : &ignored, err));
    if (c.n_problems)
        return AKIN_FAIL(err, AKIN_ECORRUPT, "the index has %zu defects",
                         c.n_problems);
    return AKIN_OK;
}
