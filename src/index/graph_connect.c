/* SPDX-License-Identifier: MIT
 * Mends a graph in which slots cannot be reached: a cut of a full list may
 * drop the last link to a slot, and vectors that are short (inner product) or
 * equal attract few links to begin with.
 *
 * A breadth-first walk over the base lists goes out from the entry. A slot it
 * misses gets a link from a slot that was reached: one it is linked to itself,
 * or one that a search for it finds, or one some steps on from there that has
 * room. Where no list has room, the slot takes the place of a link, and that
 * link moves to the slot, so that nothing that was reached is lost. */
#include <string.h>

#include "base/random.h"
#include "index/graph_int.h"

enum { LOOK_AHEAD = 8, MAX_STEPS = 64 };

typedef struct walk {
    graph *g;
    graph_scratch *s;
    const uint8_t *reached; /* [n]; NULL: take all slots as reached */
} walk;

static bool is_reached(const walk *w, uint32_t slot)
{
    return !w->reached || w->reached[slot];
}

static bool has_link(const uint32_t *list, uint32_t to)
{
    for (uint32_t i = 1; i <= list[0]; i++)
        if (list[i] == to) return true;
    return false;
}

/* Adds slot -> to, in the place of a link that can be spared if there is no
 * room: one to a reached slot, which was reached without it. */
static void move_link(const walk *w, uint32_t slot, uint32_t to)
{
    uint32_t *list = graph_list(w->g, slot, 0);
    if (has_link(list, to)) return;
    if (list[0] < w->g->opt.m0) {
        list[1 + list[0]++] = to;
        return;
    }
    uint32_t at = list[0];
    while (at > 1 && !is_reached(w, list[at])) at--;
    list[is_reached(w, list[at]) ? at : list[0]] = to;
}

static void link_from(const walk *w, uint32_t from, uint32_t slot)
{
    uint32_t *list = graph_list(w->g, from, 0);
    if (list[0] < w->g->opt.m0) {
        list[1 + list[0]++] = slot;
        return;
    }
    uint32_t last = list[list[0]];
    list[list[0]] = slot;
    move_link(w, slot, last);
}

static bool has_room(const graph *g, uint32_t slot)
{
    return graph_list(g, slot, 0)[0] < g->opt.m0;
}

/* The first of a slot's own neighbours that is reached, better one with room;
 * false if there is none. */
static bool near_slot(const walk *w, uint32_t slot, uint32_t *out)
{
    const uint32_t *list = graph_list(w->g, slot, 0);
    bool found = false;
    for (uint32_t i = 1; i <= list[0]; i++) {
        if (list[i] == slot || !is_reached(w, list[i])) continue;
        bool room = has_room(w->g, list[i]);
        if (!found || room) *out = list[i];
        found = true;
        if (room) break;
    }
    return found;
}

/* The same among what a search for the slot finds; the entry in the end. */
static uint32_t far_slot(const walk *w, uint32_t slot)
{
    graph *g = w->g;
    graph_scratch *s = w->s;
    uint32_t at = graph_entry(g);
    bool found = false;
    g->kernels->from_half(g->rows[slot], g->opt.dim, s->query);
    for (int l = graph_max_level(g); l > 0; l--)
        at = graph_descend(g, s, at, l);
    graph_search_level(g, s, at, 0, g->opt.expansion_add);
    at = graph_entry(g);
    for (size_t i = 0; i < s->n_pool; i++) {
        uint32_t near = s->pool[i].slot;
        if (near == slot || !is_reached(w, near)) continue;
        bool room = has_room(g, near);
        if (!found || room) at = near;
        found = true;
        if (room) break;
    }
    return at;
}

/* Goes on from a slot without room until there is one with. The steps are
 * random: thousands of equal vectors would otherwise become one long chain. */
static uint32_t with_room(const walk *w, uint32_t from, uint32_t slot)
{
    random_state r = {slot};
    uint32_t at = from;
    for (int i = 0; i < MAX_STEPS && !has_room(w->g, at); i++) {
        const uint32_t *list = graph_list(w->g, at, 0);
        uint32_t next = list[1 + random_below(&r, list[0])];
        if (next != slot && is_reached(w, next)) at = next;
    }
    return has_room(w->g, at) ? at : from;
}

/* Reaches all that can be from queue[head] on; returns the new tail. */
static size_t spread(const graph *g, uint8_t *reached, uint32_t *queue,
                     size_t head, size_t tail)
{
    for (; head < tail; head++) {
        if (head + LOOK_AHEAD < tail)
            __builtin_prefetch(graph_list(g, queue[head + LOOK_AHEAD], 0));
        const uint32_t *list = graph_list(g, queue[head], 0);
        for (uint32_t i = 1; i <= list[0]; i++) {
            if (reached[list[i]]) continue;
            reached[list[i]] = 1;
            queue[tail++] = list[i];
        }
    }
    return tail;
}

void graph_connect(graph *g, graph_scratch *s, uint8_t *reached,
                   uint32_t *queue)
{
    walk w = {.g = g, .s = s, .reached = reached};
    memset(reached, 0, g->n);
    queue[0] = graph_entry(g);
    reached[queue[0]] = 1;
    size_t tail = spread(g, reached, queue, 0, 1);
    for (uint32_t slot = 0; slot < g->n; slot++) {
        uint32_t from;
        if (reached[slot]) continue;
        if (!near_slot(&w, slot, &from)) from = far_slot(&w, slot);
        link_from(&w, with_room(&w, from, slot), slot);
        reached[slot] = 1;
        queue[tail] = slot;
        tail = spread(g, reached, queue, tail, tail + 1);
    }
}

void graph_connect_new(graph *g, graph_scratch *s, uint32_t first)
{
    walk w = {.g = g, .s = s};
    for (uint32_t slot = first; slot < g->n; slot++) {
        const uint32_t *list = graph_list(g, slot, 0);
        bool linked = false;
        for (uint32_t i = 1; i <= list[0] && !linked; i++)
            linked = has_link(graph_list(g, list[i], 0), slot);
        uint32_t from;
        if (!linked && near_slot(&w, slot, &from)) link_from(&w, from, slot);
    }
}
