/* SPDX-License-Identifier: MIT
 * Gives links to slots that cannot be reached: a cut of a full list may drop
 * the last link to a slot, of equal vectors one link is kept, and a slot whose
 * neighbours were all removed is left with none.
 *
 * A breadth-first walk over the base lists goes out from the entry. A live slot
 * that it misses gets a link from a live one that was reached: one it is linked
 * with itself, or one that a search for it finds, or one some steps on from
 * there that has room. Where no list has room, the slot takes the place of a
 * link, and that link moves to the slot, so that nothing that was reached is
 * lost. Searches run meanwhile: in a list one link is stored at a time, the
 * slot's own before the one to it. */
#include "base/memory.h"
#include "base/random.h"
#include "index/mesh_int.h"

/* All lists are looked at when so many of all slots are new. */
enum { CHECK_SHARE = 256, LOOK_AHEAD = 8, MAX_STEPS = 64 };

typedef struct connecting {
    mesh *m;
    mesh_scratch *s;
    uint8_t *reached; /* [n]; NULL: take all slots as reached */
    uint32_t *queue;  /* [n] */
    size_t n;
} connecting;

/* ---- lists --------------------------------------------------------------------- */

static uint32_t link_at(const connecting *c, uint32_t slot, size_t i)
{
    return atomic_load_explicit(&mesh_links(c->m, slot)[i],
                                memory_order_acquire);
}

/* Links up to the first that is none. */
static size_t count_links(const connecting *c, uint32_t slot)
{
    size_t n = 0;
    while (n < c->m->opt.links && link_at(c, slot, n) < c->n) n++;
    return n;
}

static void set_link(const connecting *c, uint32_t slot, size_t i, uint32_t to)
{
    mesh_lock(c->m, slot);
    atomic_store_explicit(&mesh_links(c->m, slot)[i], to, memory_order_release);
    mesh_unlock(c->m, slot);
}

static bool has_link(const connecting *c, uint32_t slot, uint32_t to)
{
    size_t n = count_links(c, slot);
    for (size_t i = 0; i < n; i++)
        if (link_at(c, slot, i) == to) return true;
    return false;
}

static bool has_room(const connecting *c, uint32_t slot)
{
    return count_links(c, slot) < c->m->opt.links;
}

/* Live, and known to be reached. */
static bool is_way(const connecting *c, uint32_t slot)
{
    return mesh_state_of(c->m, slot) == MESH_LIVE &&
           (!c->reached || c->reached[slot]);
}

/* Adds slot -> to, in the place of a link that can be spared if there is no
 * room: one to a slot that was reached without it. */
static void take_over(const connecting *c, uint32_t slot, uint32_t to)
{
    size_t n = count_links(c, slot), at = n;
    if (slot == to || has_link(c, slot, to)) return;
    if (n == c->m->opt.links)
        for (at = n - 1; at > 0 && !is_way(c, link_at(c, slot, at));) at--;
    set_link(c, slot, at, to);
}

static void link_from(const connecting *c, uint32_t from, uint32_t slot)
{
    size_t n = count_links(c, from);
    if (n == c->m->opt.links) take_over(c, slot, link_at(c, from, --n));
    set_link(c, from, n, slot);
}

/* ---- from where ---------------------------------------------------------------- */

/* Of a slot's own neighbours the first that is reached, better one with room;
 * MESH_NONE if there is none. */
static uint32_t near_slot(const connecting *c, uint32_t slot)
{
    uint32_t found = MESH_NONE;
    size_t n = count_links(c, slot);
    for (size_t i = 0; i < n; i++) {
        uint32_t to = link_at(c, slot, i);
        if (to == slot || !is_way(c, to)) continue;
        if (has_room(c, to)) return to;
        if (found == MESH_NONE) found = to;
    }
    return found;
}

/* The same among what a search for the slot finds; the entry in the end. */
static uint32_t far_slot(const connecting *c, uint32_t slot)
{
    mesh *m = c->m;
    mesh_scratch *s = c->s;
    uint64_t top = atomic_load(&m->top);
    mesh_walk walk = {.ef = m->opt.effort, .room = m->opt.effort};
    mesh_probe_slot(m, &s->probe, slot);
    mesh_search_level(m, s, &s->probe, &walk,
                      mesh_descend(m, s, &s->probe, top, 0));
    uint32_t found = MESH_NONE;
    for (size_t i = 0; i < s->n_pool; i++) {
        uint32_t to = mesh_key_slot(s->pool[i]);
        if (to == slot || !is_way(c, to)) continue;
        if (has_room(c, to)) return to;
        if (found == MESH_NONE) found = to;
    }
    return found == MESH_NONE ? (uint32_t)(top >> 32) : found;
}

/* Goes on from a slot without room until there is one with. The steps are by
 * chance: thousands of equal vectors would else become one long chain. */
static uint32_t with_room(const connecting *c, uint32_t from, uint32_t slot)
{
    random_state r = {slot};
    uint32_t at = from;
    for (int i = 0; i < MAX_STEPS && !has_room(c, at); i++) {
        uint32_t links = (uint32_t)c->m->opt.links;
        uint32_t next = link_at(c, at, random_below(&r, links));
        if (next != slot && is_way(c, next)) at = next;
    }
    return has_room(c, at) ? at : from;
}

static void give_link(const connecting *c, uint32_t slot)
{
    uint32_t from = near_slot(c, slot);
    if (from == MESH_NONE) from = far_slot(c, slot);
    if (from != slot) link_from(c, with_room(c, from, slot), slot);
}

/* ---- all ----------------------------------------------------------------------- */

/* Reaches all that can be from queue[head] on; returns the new tail. */
static size_t spread(const connecting *c, size_t head, size_t tail)
{
    for (; head < tail; head++) {
        if (head + LOOK_AHEAD < tail)
            __builtin_prefetch((const void *)(uintptr_t)mesh_links(
                c->m, c->queue[head + LOOK_AHEAD]));
        uint32_t slot = c->queue[head];
        for (size_t i = 0; i < c->m->opt.links; i++) {
            uint32_t to = link_at(c, slot, i);
            if (to >= c->n) break;
            if (c->reached[to]) continue;
            c->reached[to] = 1;
            c->queue[tail++] = to;
        }
    }
    return tail;
}

static void connect_all(connecting *c)
{
    uint32_t entry = (uint32_t)(atomic_load(&c->m->top) >> 32);
    c->queue[0] = entry;
    c->reached[entry] = 1;
    size_t tail = spread(c, 0, 1);
    for (uint32_t slot = 0; slot < c->n; slot++) {
        if (c->reached[slot] || mesh_state_of(c->m, slot) != MESH_LIVE)
            continue;
        give_link(c, slot);
        c->reached[slot] = 1;
        c->queue[tail] = slot;
        tail = spread(c, tail, tail + 1);
    }
}

akin_status mesh_connect(mesh *m, akin_error *err)
{
    connecting c = {.m = m, .n = atomic_load(&m->n_slots)};
    void *reached = NULL, *queue = NULL;
    akin_status status = AKIN_OK;
    if (atomic_load(&m->top) == 0) return AKIN_OK;
    m->n_unchecked = c.n;
    AKIN_TRYG(mem_new_array(c.n, 1, "a walk", &reached, err));
    AKIN_TRYG(mem_new_array(c.n, sizeof *c.queue, "a walk", &queue, err));
    AKIN_TRYG(mesh_take_scratch(m, m->opt.effort, &c.s, err));
    c.reached = reached;
    c.queue = queue;
    connect_all(&c);
    m->n_unchecked = 0;
    mesh_give_scratch(m, c.s);
done:
    mem_free(reached);
    mem_free(queue);
    return status;
}

/* Whether one of its neighbours links back. */
static bool is_linked(const connecting *c, uint32_t slot)
{
    size_t n = count_links(c, slot);
    for (size_t i = 0; i < n; i++)
        if (has_link(c, link_at(c, slot, i), slot)) return true;
    return false;
}

void mesh_connect_new(mesh *m, const uint32_t *slots, size_t n)
{
    connecting c = {.m = m, .n = atomic_load(&m->n_slots)};
    m->n_unchecked += n;
    if (m->n_unchecked >= c.n / CHECK_SHARE) {
        (void)!mesh_connect(m, NULL); /* without memory the next call looks */
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (mesh_state_of(m, slots[i]) != MESH_LIVE || is_linked(&c, slots[i]))
            continue;
        uint32_t from = near_slot(&c, slots[i]);
        if (from != MESH_NONE) link_from(&c, from, slots[i]);
    }
}
