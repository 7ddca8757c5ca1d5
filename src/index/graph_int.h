/* SPDX-License-Identifier: MIT
 * Private to graph*.c: the graph's arrays, and the working memory of one
 * thread.
 *
 * Threads: one call changes the graph at a time; inside it, several threads
 * link new slots. Then each list is read and written under the lock of its
 * slot (`shared` is set), and no thread holds two such locks. A slot is seen
 * by others only through a link to it, and the first such link is written when
 * all its own lists are. Searches take no locks: they run beside each other,
 * never beside a change. */
#ifndef INDEX_GRAPH_INT_H
#define INDEX_GRAPH_INT_H

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "index/distance.h"
#include "index/graph.h"

enum {
    GRAPH_LOCKS = 4096, /* a power of two */
    GRAPH_LEVELS = 64,  /* new slots stay below; restored ones need not */
};

typedef struct graph_candidate {
    float distance;
    uint32_t slot;
    uint32_t expanded;
} graph_candidate;

/* What one search or insertion works in; sized before it starts. */
typedef struct graph_scratch {
    struct graph_scratch *next;
    size_t n_slots, ef; /* what it is large enough for */
    uint8_t *visited;   /* [n_slots], equal to epoch if visited */
    uint8_t epoch;
    graph_candidate *pool; /* [ef + 1] the best, ascending by distance */
    size_t n_pool;
    bool few_twins; /* let only two of many equal vectors into the pool */
    graph_candidate *near; /* [m0 + 1] around a slot whose list is cut */
    uint32_t *links, *fresh, *kept, *spare;  /* [m0 + 1] */
    const unsigned char **rows, **kept_rows; /* [m0 + 1] */
    float *dots;                             /* [m0 + 1] */
    float *query, *other;                    /* [dim] */
    size_t n_back[GRAPH_LEVELS];             /* links to be linked back */
} graph_scratch;

struct graph {
    graph_options opt; /* no zeros */
    const distance_table *kernels;
    size_t n, cap, n_removed;
    uint64_t *keys;              /* [cap] */
    int16_t *levels;             /* [cap] */
    const unsigned char **rows;  /* [cap] borrowed */
    uint32_t *base;              /* [cap][1 + m0]: count, links */
    uint32_t *upper_at;          /* [cap] first of the slot's upper lists */
    uint32_t *upper;             /* [cap_upper][1 + m] */
    size_t n_upper, cap_upper;
    _Atomic uint64_t top;        /* entry << 32 | its level + 1; 0: empty */
    size_t n_unchecked;          /* slots since reachability was looked at */
    bool shared;
    atomic_flag *locks;          /* [GRAPH_LOCKS] */
    pthread_mutex_t *top_lock;   /* held while a slot becomes the entry */
    struct graph_pool *pool;
};

/* Scratches wait here between calls, so that searches don't allocate. */
typedef struct graph_pool {
    pthread_mutex_t lock;
    graph_scratch *first;
} graph_pool;

akin_status graph_take_scratch(const graph *g, size_t ef, graph_scratch **out,
                               akin_error *err) AKIN_NODISCARD;
void graph_give_scratch(const graph *g, graph_scratch *s);
void graph_free_scratch(graph_scratch *s);

/* The list of a slot at a level: a count and that many links. */
static inline uint32_t *graph_list(const graph *g, uint32_t slot, int level)
{
    if (level == 0) return g->base + (size_t)slot * (1 + g->opt.m0);
    size_t at = g->upper_at[slot] + (size_t)(level - 1);
    return g->upper + at * (1 + g->opt.m);
}

static inline size_t graph_list_cap(const graph *g, int level)
{
    return level == 0 ? g->opt.m0 : g->opt.m;
}

void graph_lock(const graph *g, uint32_t slot);
void graph_unlock(const graph *g, uint32_t slot);

/* 1 - a.b without the 1, which would cost digits; NaN is infinitely far. */
static inline float graph_distance(float dot)
{
    return -dot < INFINITY ? -dot : INFINITY;
}

/* Distances from a float32 vector to n rows in s->rows, into s->dots. */
void graph_measure(const graph *g, graph_scratch *s, const float *from,
                   size_t n);

/* Goes from start to the nearest slot by way of one level (greedy). */
uint32_t graph_descend(const graph *g, graph_scratch *s, uint32_t start,
                       int level);

/* Algorithm 2: leaves the ef nearest slots to s->query in s->pool. */
void graph_search_level(const graph *g, graph_scratch *s, uint32_t start,
                        int level, size_t ef);

/* Makes every slot reachable from the entry by base links; reached and queue
 * are [n]. */
void graph_connect(graph *g, graph_scratch *s, uint8_t *reached,
                   uint32_t *queue);

/* Makes slots from first on reachable from one of those they are linked to. */
void graph_connect_new(graph *g, graph_scratch *s, uint32_t first);

/* Makes room for n more slots with n_upper more upper lists. */
akin_status graph_reserve(graph *g, size_t n, size_t n_upper, akin_error *err)
    AKIN_NODISCARD;

#endif
