/* SPDX-License-Identifier: MIT
 * Private to mesh_*.c and index.c: what an akin_index is made of.
 *
 * A vector lives in a slot. Slots are in chunks of fixed size that never move,
 * so that a search may run while others are added; chunks hold codes, links,
 * ids and (but for borrowed vectors) the vectors themselves. Links go from slot
 * to slot; a pyramid of few slots above is the way in.
 *
 * Threads. One call changes the index at a time (`write_mutex`), with several
 * threads inside it; each list of links is changed under the lock of its slot,
 * of which no thread holds two. Searches take no lock. A slot is written whole
 * before the first link to it is stored (release) and is read through that
 * link (acquire). A list that changes meanwhile may show a link twice or not
 * at all, which costs a search nothing but a little recall. The slot of a
 * removed vector is used again only when all searches that began before are
 * over (mesh_wait_for_readers). Locks on lists for readers were tried on paper
 * and rejected: at 20 lists a microsecond they would be most of the time. */
#ifndef INDEX_MESH_INT_H
#define INDEX_MESH_INT_H

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "akin/index.h"
#include "base/error.h"
#include "base/file.h"
#include "index/codes.h"
#include "index/distance.h"
#include "index/distance_f32.h"
#include "index/topk.h"

enum {
    MESH_CHUNK_BITS = 14,
    MESH_CHUNK = 1 << MESH_CHUNK_BITS,
    MESH_MAX_CHUNKS = 1 << 15,
    MESH_MAX_SLOTS = 1 << 29, /* two bits are left beside it in 31 */
    MESH_MAX_LINKS = 128,
    MESH_UPPER_LINKS = 16,
    MESH_UPPER_BITS = 12, /* lists in a block of them */
    MESH_UPPER_BLOCKS = 1 << 16,
    MESH_LEVELS = 8,
    MESH_STEP = 16,       /* slots of a level to one of the next */
    MESH_EFFORTS = 16,
};
#define MESH_NONE UINT32_MAX

/* Vectors from so many values on get a sketch besides their code: with fewer
 * bits it tells too little to save more lines of memory than it costs. */
#define MESH_SKETCH_DIM 256

/* A vector x, centred and rotated, is about code * (c_i - 7.5). */
typedef struct mesh_factors {
    float code;
    float normsq; /* |x|^2 */
} mesh_factors;

/* The first of its values are about sketch * (+-1). This is the end of a
 * sketch's bytes, so that all that is asked of a vector at first lies in as
 * few lines of memory as can be. */
typedef struct mesh_tail {
    mesh_factors factors;
    float sketch;
    uint16_t n_bits, rest; /* set in what is above; and ~n_bits */
} mesh_tail;

enum mesh_state { MESH_UNUSED, MESH_LIVE, MESH_DEAD };

/* Arrays of MESH_CHUNK slots. */
typedef struct mesh_chunk {
    uint8_t *codes, *sketches;
    mesh_factors *factors;   /* NULL: at the end of the sketches */
    /* 1 / |c - 7.5|, how long x is in the direction of that, and how long at
     * right angles to it; NaN: not known. */
    float *inverses, *alongs, *acrosses;
    _Atomic uint32_t *links; /* [][links], MESH_NONE behind the last */
    uint64_t *ids;
    float *norms;            /* cosine: 1 / |x|; dot: |x|^2 */
    _Atomic uint8_t *states;
    uint8_t *levels;         /* 0: in no list above */
    uint32_t *upper_at;      /* its first list above */
    unsigned char *rows;     /* NULL: borrowed, by id */
    atomic_flag *locks;
    void *memory;            /* NULL: mapped from a file */
    size_t n_bytes;
    struct mesh_chunk *replaced; /* what a mapped one was before */
} mesh_chunk;

/* The lists of one slot at levels 1, 2, ... lie one behind the other. */
typedef struct mesh_upper {
    _Atomic uint32_t links[MESH_UPPER_LINKS];
} mesh_upper;

/* Something distances are measured from: a query or a vector of the index. */
typedef struct mesh_probe {
    uint32_t slot;     /* MESH_NONE: a query */
    bool has_vector;   /* `vector` is filled */
    bool by_code;      /* the route when it was made, which may change */
    float *vector;     /* [dim] as it was given; of cosine, of length 1 */
    float vector_norm; /* |vector|^2 */
    float longest;     /* of dot: mesh.longest when it was made */
    float lift;        /* of dot: the value added to make all of one length */
    float unscale;     /* of dot: a power of two, by which the dot of `vector`
                          is that of the query; a query is made about as long
                          as the longest, for else its distances would drown in
                          those of the lengths */
    float *rotated;    /* [padded] */
    int8_t *bytes;     /* [2 * code_bytes]; value = byte * byte_scale */
    float byte_scale;
    int32_t byte_sum;
    uint8_t *planes;   /* [CODES_PLANES][sketch_bytes], in steps of step */
    float step;
    float normsq;      /* of rotated */
    float norm;
} mesh_probe;

/* distance (float bits) << 32 | slot << 2 | allowed << 1 | expanded */
typedef uint64_t mesh_key;
#define MESH_EXPANDED ((mesh_key)1)
#define MESH_ALLOWED ((mesh_key)2)

/* What one search or insertion works in. */
typedef struct mesh_scratch {
    struct mesh_scratch *next;
    size_t n_slots;    /* of visited */
    size_t limit;      /* slots from here on are not looked at */
    uint64_t *visited; /* a bit a slot */
    uint32_t *touched;
    size_t n_touched, cap_touched;
    mesh_key *pool;    /* ascending */
    size_t n_pool, cap_pool;
    topk_hit *best;    /* [cap_pool] */
    mesh_key *kept_keys;
    uint32_t fresh[2 * MESH_MAX_LINKS];
    const uint8_t *rows[2 * MESH_MAX_LINKS];
    const mesh_factors *factors[2 * MESH_MAX_LINKS];
    float distances[2 * MESH_MAX_LINKS];
    int32_t sums[2 * MESH_MAX_LINKS];
    uint32_t *candidates; /* [cap_pool] slots under review, their distances to */
    float *reviewed;      /* the target and to the last that was kept */
    float *review;
    mesh_probe probe, other;
    float *decoded; /* [dim] */
    float bounds[MESH_CHUNK];  /* exact search: of a chunk's slots, and which */
    uint32_t near[MESH_CHUNK]; /* of them may be among the best */
} mesh_scratch;

typedef struct mesh_table mesh_table; /* id -> slot */

/* Slots of vectors that are longer than mesh.longest. */
typedef struct mesh_longer {
    struct mesh_longer *replaced; /* searches may still be in it */
    _Atomic size_t n;
    size_t cap;
    uint32_t slots[];
} mesh_longer;

struct akin_index {
    akin_index_options opt; /* no zeros but seed and route */
    codes_shape shape;
    bool sketched;
    size_t sketch_dims; /* of a rotated vector that its sketch has */
    size_t row_bytes;
    const codes_table *codes;
    const distance_table *halves;
    const distance_f32_table *floats;
    const unsigned char *borrowed; /* [][dim] float16, by id; or NULL */
    size_t n_borrowed;

    pthread_mutex_t write_mutex;
    _Atomic(mesh_chunk *) chunks[MESH_MAX_CHUNKS];
    _Atomic size_t n_slots; /* all below were used once */
    _Atomic size_t n_live, n_dead;
    size_t n_free;
    uint32_t *free_slots;
    size_t cap_free;
    mesh_table *table; /* NULL: not needed so far */
    pthread_rwlock_t table_lock; /* over what it holds */
    uint64_t next_id;

    /* Set once there are enough vectors to know what they are like. */
    _Atomic bool coded;
    _Atomic int route;  /* akin_index_route */
    float *mean;        /* [dim + 1] of what is rotated */
    float *signs;       /* [2][padded] */
    _Atomic float longest; /* dot: the largest |x|^2 */
    float mean_error;   /* of a code */
    float mean_share;   /* the same in parts of |x| */

    _Atomic uint64_t top; /* entry << 32 | its level + 1; 0: empty */
    _Atomic(mesh_upper *) upper[MESH_UPPER_BLOCKS];
    _Atomic size_t n_upper;
    pthread_mutex_t top_mutex;
    size_t n_unchecked; /* slots that came since mesh_connect looked at all */

    size_t n_efforts; /* ascending; under tune_mutex */
    size_t efforts[MESH_EFFORTS];
    double recalls[MESH_EFFORTS];
    size_t n_changed; /* vectors, since some were last asked for them */
    /* What they were measured with: vectors since n_changed was 0, and their
     * neighbours, also of those before, in part. */
    size_t n_asked, n_true, n_found[MESH_EFFORTS];
    pthread_mutex_t tune_mutex;

    /* Searches under way, by the turn in which they began. */
    _Atomic uint64_t turn;
    _Atomic size_t readers[2];
    _Atomic(mesh_longer *) longer; /* NULL: none */
    _Atomic size_t n_twice; /* ids that may be in two slots for a while */

    pthread_mutex_t pool_mutex;
    mesh_scratch *scratches;
    file_map map; /* of an index that was opened */
};
typedef struct akin_index mesh;

/* ---- slots --------------------------------------------------------------------- */

static inline mesh_chunk *mesh_chunk_of(const mesh *m, uint32_t slot)
{
    return atomic_load_explicit(&m->chunks[slot >> MESH_CHUNK_BITS],
                                memory_order_acquire);
}

static inline size_t mesh_place(uint32_t slot)
{
    return slot & (MESH_CHUNK - 1);
}

static inline mesh_tail *mesh_tail_of(const mesh *m, const mesh_chunk *c,
                                      size_t at)
{
    uint8_t *end = c->sketches + (at + 1) * m->shape.sketch_bytes;
    return (mesh_tail *)(void *)(end - sizeof(mesh_tail));
}

static inline mesh_factors *mesh_factors_of(const mesh *m, const mesh_chunk *c,
                                            size_t at)
{
    return m->sketched ? &mesh_tail_of(m, c, at)->factors : c->factors + at;
}

static inline uint64_t mesh_id(const mesh *m, uint32_t slot)
{
    return mesh_chunk_of(m, slot)->ids[mesh_place(slot)];
}

static inline const unsigned char *mesh_row(const mesh *m, uint32_t slot)
{
    const mesh_chunk *c = mesh_chunk_of(m, slot);
    if (!m->borrowed) return c->rows + mesh_place(slot) * m->row_bytes;
    return m->borrowed + c->ids[mesh_place(slot)] * m->row_bytes;
}

static inline enum mesh_state mesh_state_of(const mesh *m, uint32_t slot)
{
    return atomic_load_explicit(
        &mesh_chunk_of(m, slot)->states[mesh_place(slot)],
        memory_order_acquire);
}

static inline void mesh_set_state(const mesh *m, uint32_t slot,
                                  enum mesh_state state)
{
    atomic_store_explicit(&mesh_chunk_of(m, slot)->states[mesh_place(slot)],
                          (uint8_t)state, memory_order_release);
}

static inline int mesh_level_of(const mesh *m, uint32_t slot)
{
    return mesh_chunk_of(m, slot)->levels[mesh_place(slot)];
}

static inline _Atomic uint32_t *mesh_links(const mesh *m, uint32_t slot)
{
    return mesh_chunk_of(m, slot)->links + mesh_place(slot) * m->opt.links;
}

static inline _Atomic uint32_t *mesh_upper_at(const mesh *m, size_t at)
{
    return atomic_load_explicit(&m->upper[at >> MESH_UPPER_BITS],
                                memory_order_acquire)
        [at & (((size_t)1 << MESH_UPPER_BITS) - 1)].links;
}

/* The list of a slot at a level that it has. */
static inline _Atomic uint32_t *mesh_list(const mesh *m, uint32_t slot,
                                          int level)
{
    if (level == 0) return mesh_links(m, slot);
    return mesh_upper_at(m, mesh_chunk_of(m, slot)->upper_at[mesh_place(slot)] +
                                (size_t)(level - 1));
}

static inline size_t mesh_list_size(const mesh *m, int level)
{
    return level == 0 ? m->opt.links : MESH_UPPER_LINKS;
}

static inline bool mesh_uses_codes(const mesh *m)
{
    return atomic_load_explicit(&m->route, memory_order_acquire) ==
           AKIN_ROUTE_CODES;
}

/* mesh_memory.c: makes room for slots up to n; the write mutex is held. */
akin_status mesh_reserve(mesh *m, size_t n, akin_error *err) AKIN_NODISCARD;
akin_status mesh_reserve_upper(mesh *m, size_t n, akin_error *err)
    AKIN_NODISCARD;

/* Sizes of a chunk's arrays for n slots, in the order in which they lie in its
 * memory and in a file. */
enum mesh_part {
    MESH_CODES, MESH_SKETCHES, MESH_FACTORS, MESH_INVERSES, MESH_ALONGS,
    MESH_ACROSSES, MESH_LINKS, MESH_IDS, MESH_NORMS, MESH_STATES,
    MESH_ITS_LEVELS, MESH_UPPER_AT, MESH_ROWS, MESH_PARTS
};
size_t mesh_part_bytes(const mesh *m, enum mesh_part part);
void mesh_set_part(mesh_chunk *c, enum mesh_part part, void *p);
void *mesh_get_part(const mesh_chunk *c, enum mesh_part part);

/* Copies mapped chunks into memory, where they can be changed. */
akin_status mesh_own_all(mesh *m, akin_error *err) AKIN_NODISCARD;
akin_status mesh_own_chunk(mesh *m, size_t chunk, akin_error *err)
    AKIN_NODISCARD;
akin_status mesh_new_chunk(const mesh *m, mesh_chunk **out, akin_error *err)
    AKIN_NODISCARD;
/* With locks only, for arrays that are elsewhere. */
akin_status mesh_new_empty_chunk(mesh_chunk **out, akin_error *err)
    AKIN_NODISCARD;
void mesh_free_chunks(mesh *m);

akin_status mesh_take_scratch(mesh *m, size_t ef, mesh_scratch **out,
                              akin_error *err) AKIN_NODISCARD;
void mesh_give_scratch(mesh *m, mesh_scratch *s);
/* One for each of n threads; all of them or an error. */
akin_status mesh_take_scratches(mesh *m, size_t n, size_t ef,
                                mesh_scratch ***out, akin_error *err)
    AKIN_NODISCARD;
void mesh_give_scratches(mesh *m, mesh_scratch **scratches, size_t n);
void mesh_free_scratches(mesh *m);

/* A search begins and ends; what it gets from enter it gives to leave. */
size_t mesh_enter(mesh *m);
void mesh_leave(mesh *m, size_t turn);
/* Returns when every search that had begun before is over. */
void mesh_wait_for_readers(mesh *m);

/* ---- ids: mesh_table.c --------------------------------------------------------- */

/* To read the table, from share to unshare; makes it first if it must be. */
akin_status mesh_table_share(mesh *m, akin_error *err) AKIN_NODISCARD;
void mesh_table_unshare(mesh *m);
/* To change it. */
akin_status mesh_table_lock(mesh *m, akin_error *err) AKIN_NODISCARD;
void mesh_table_unlock(mesh *m);
bool mesh_table_find(const mesh_table *t, uint64_t id, uint32_t *slot);
akin_status mesh_table_put(mesh_table *t, uint64_t id, uint32_t slot,
                           akin_error *err) AKIN_NODISCARD;
void mesh_table_remove(mesh_table *t, uint64_t id);
void mesh_table_free(mesh_table *t);

/* ---- distances: mesh_probe.c --------------------------------------------------- */

/* Distances in here are squared and Euclidean between what the metric makes of
 * the vectors: themselves; of cosine, of length 1; of dot, with a value added
 * that makes all equally long. Bachrach et al.: Speeding up the Xbox
 * recommender system using a Euclidean transformation, 2014. */

akin_status mesh_probe_init(const mesh *m, mesh_probe *p, akin_error *err)
    AKIN_NODISCARD;
void mesh_probe_clear(mesh_probe *p);

/* A query [dim], or a vector that is not in the index yet; plain: without what
 * codes need, which prepare adds. */
void mesh_probe_vector(const mesh *m, mesh_probe *p, const float *vector);
void mesh_probe_plain(const mesh *m, mesh_probe *p, const float *vector);
void mesh_probe_prepare(const mesh *m, mesh_probe *p);
/* A vector of the index, by its vector; by its code alone where that is the
 * route (the vector then follows when it is needed). */
void mesh_probe_slot(const mesh *m, mesh_probe *p, uint32_t slot);
void mesh_probe_code(const mesh *m, mesh_probe *p, uint32_t slot);

/* The vector of a slot as float32. */
void mesh_decode(const mesh *m, uint32_t slot, float *out);

/* Writes norms, and codes if the index is coded; codes alone. */
void mesh_encode(const mesh *m, mesh_scratch *s, uint32_t slot);
void mesh_encode_code(const mesh *m, mesh_scratch *s, uint32_t slot);

/* Whether a slot's code is that of its vector. */
bool mesh_is_encoded(const mesh *m, mesh_scratch *s, uint32_t slot);

/* From p to n slots by their codes, near ones exactly, or by their vectors;
 * fetched: what mesh_fetch has asked memory for just before. */
void mesh_measure(const mesh *m, mesh_scratch *s, mesh_probe *p,
                  const uint32_t *slots, size_t n, float *out);
void mesh_fetch(const mesh *m, mesh_scratch *s, const mesh_probe *p,
                const uint32_t *slots, size_t n);
void mesh_measure_fetched(const mesh *m, mesh_scratch *s, mesh_probe *p,
                          const uint32_t *slots, size_t n, float *out);
void mesh_prefetch_code(const mesh *m, uint32_t slot);
void mesh_prefetch_hit(const mesh *m, uint32_t slot); /* its id and state */
void mesh_prefetch_sketch(const mesh *m, uint32_t slot);
void mesh_prefetch_rows(const mesh *m, const uint32_t *slots, size_t n);

/* By their sketches alone. */
void mesh_fetch_sketches(const mesh *m, mesh_scratch *s, const uint32_t *slots,
                         size_t n);
void mesh_guess_fetched(const mesh *m, mesh_scratch *s, const mesh_probe *p,
                        size_t n, float *out);

/* Leaves of n slots, whose sketches are fetched, those that these do not show
 * to be farther. */
size_t mesh_sieve(const mesh *m, mesh_scratch *s, const mesh_probe *p,
                  uint32_t *slots, size_t n, float farthest);

/* By how much a code's distance from p errs, mostly. */
static inline float mesh_noise(const mesh *m, const mesh_probe *p)
{
    return 2 * p->norm * m->mean_error / sqrtf((float)m->shape.padded);
}

/* Exactly; and as the caller of the index knows it. */
float mesh_exact(const mesh *m, mesh_probe *p, uint32_t slot);
float mesh_public_distance(const mesh *m, const mesh_probe *p, uint32_t slot);
bool mesh_larger_is_closer(const mesh *m);

/* ---- walking: mesh_search.c ---------------------------------------------------- */

static inline uint32_t mesh_key_slot(mesh_key key)
{
    return (uint32_t)(key >> 2) & (MESH_MAX_SLOTS - 1);
}

static inline float mesh_key_distance(mesh_key key)
{
    uint32_t bits = (uint32_t)(key >> 32);
    float d;
    __builtin_memcpy(&d, &bits, sizeof d);
    return d;
}

static inline mesh_key mesh_key_make(float distance, uint32_t slot)
{
    uint32_t bits; /* in the order of distances; NaN is the farthest */
    float d = distance > 0 ? distance : distance <= 0 ? 0 : INFINITY;
    __builtin_memcpy(&bits, &d, sizeof bits);
    return (mesh_key)bits << 32 | (mesh_key)slot << 2;
}

typedef struct mesh_walk {
    int level;
    size_t ef;
    size_t k;       /* stop when the k-th is much nearer; 0: never */
    size_t room;    /* of the pool, at least ef and k; with a filter, more */
    bool few_twins; /* of equal distances two are enough */
    const akin_index_query *filter; /* level 0: ef of those it allows; or NULL */
} mesh_walk;

/* Leaves what is nearest to p in s->pool; starts where it is. */
void mesh_search_level(mesh *m, mesh_scratch *s, mesh_probe *p,
                       const mesh_walk *walk, uint32_t start);

/* From the top to the nearest of a level, one step at a time. */
uint32_t mesh_descend(mesh *m, mesh_scratch *s, mesh_probe *p, uint64_t top,
                      int level);

bool mesh_allows(const mesh *m, const akin_index_query *q, uint32_t slot);

/* The whole of a search with this ef, into hits [k]: of what the query allows,
 * which is a share of all. */
akin_status mesh_find(mesh *m, const akin_index_query *query, size_t ef,
                      double share, akin_index_hit *hits, size_t *n,
                      akin_error *err) AKIN_NODISCARD;

/* ---- linking: mesh_build.c ----------------------------------------------------- */

typedef struct mesh_job {
    const akin_index_work *work; /* never NULL */
    size_t threads;
    size_t n_done, n_all; /* slots that were linked before, and of all */
} mesh_job;

/* Links n slots that are written. */
akin_status mesh_link(mesh *m, const uint32_t *slots, size_t n,
                      const mesh_job *job, akin_error *err) AKIN_NODISCARD;

/* Which of n candidates (s->kept_keys, ascending) a slot is linked with: at
 * most `most`, into out; returns how many. */
size_t mesh_choose(mesh *m, mesh_scratch *s, uint32_t slot, size_t n,
                   size_t most, uint32_t *out);
void mesh_write_list(_Atomic uint32_t *list, size_t size,
                     const uint32_t *links, size_t n);
void mesh_lock(const mesh *m, uint32_t slot);
void mesh_unlock(const mesh *m, uint32_t slot);

/* Codes all there is, once it is known how. */
akin_status mesh_decide(mesh *m, const mesh_job *job, akin_error *err)
    AKIN_NODISCARD;

/* The signs of the rotation, by the seed. */
void mesh_draw_signs(mesh *m);

/* How many of n new slots, which are among n_changed, are to be held back until
 * the others are linked; and what these, not linked yet, tell about recall at
 * each effort (mesh_tune.c). */
size_t mesh_hold_back(mesh *m, size_t n);
akin_status mesh_tune(mesh *m, const uint32_t *slots, size_t n,
                      const mesh_job *job, akin_error *err) AKIN_NODISCARD;
/* How many of n hits are as near as the last of n_true. */
size_t mesh_count_found(const mesh *m, const akin_index_hit *truth,
                        size_t n_true, const akin_index_hit *hits, size_t n);
size_t mesh_ef(mesh *m, const akin_index_query *query);

/* ---- placing: mesh_place.c ----------------------------------------------------- */

/* Vectors by number, [dim] each. */
typedef struct mesh_vectors {
    void (*load)(void *user, size_t i, float *out);
    void *user;
} mesh_vectors;

/* A place of n for each, alike ones side by side. */
akin_status mesh_place_alike(mesh *m, const mesh_vectors *from, size_t n,
                             size_t threads, uint32_t *places, akin_error *err)
    AKIN_NODISCARD;

/* ---- reaching: mesh_connect.c -------------------------------------------------- */

/* Gives links to live slots that cannot be reached, if so many of n new ones
 * and those before are worth a look at all lists; else to new ones that none
 * of their neighbours links back to. Without memory for it the next call looks.
 */
void mesh_connect_new(mesh *m, const uint32_t *slots, size_t n);
/* Looks at all lists. */
akin_status mesh_connect(mesh *m, akin_error *err) AKIN_NODISCARD;

/* ---- finding: mesh_seek.c ------------------------------------------------------ */

/* Looks for n slots that are linked, and gives links to those that are missed. */
akin_status mesh_seek(mesh *m, const uint32_t *slots, size_t n,
                      const mesh_job *job, akin_error *err) AKIN_NODISCARD;

/* ---- removing: mesh_remove.c --------------------------------------------------- */

/* Takes removed slots out of all lists and frees them, if they are many. */
akin_status mesh_sweep(mesh *m, const mesh_job *job, akin_error *err)
    AKIN_NODISCARD;

/* ---- exactly: mesh_exact.c ----------------------------------------------------- */

/* Of the slots that the query allows; by_id: they are few, and are looked up. */
akin_status mesh_scan(mesh *m, const akin_index_query *query, bool by_id,
                      akin_index_hit *hits, size_t *n, akin_error *err)
    AKIN_NODISCARD;
akin_status mesh_scan_batch(mesh *m, const akin_index_query *query,
                            const float *vectors, size_t n, size_t threads,
                            akin_index_hit *hits, size_t *counts,
                            akin_error *err) AKIN_NODISCARD;

/* ---- the longest: mesh_longer.c ------------------------------------------------ */

/* For the inner product all vectors are made as long as the longest there was
 * when it was decided how to code them. What comes later and is longer still
 * lies outside, where no walk finds it, and is looked at by every search. */

/* Makes room for those of n new slots that are; once they are linked takes them
 * in. */
akin_status mesh_longer_reserve(mesh *m, const uint32_t *slots, size_t n,
                                akin_error *err) AKIN_NODISCARD;
void mesh_longer_add(mesh *m, const uint32_t *slots, size_t n);
/* Makes the list anew, of live slots. */
akin_status mesh_longer_find(mesh *m, akin_error *err) AKIN_NODISCARD;
/* Frees lists that no search is in any more, and the one in use. */
void mesh_longer_free_replaced(mesh *m);
void mesh_longer_free(mesh *m);
bool mesh_is_longer(const mesh *m, uint32_t slot);

/* Adds the longer ones to n hits (mesh_exact.c). */
akin_status mesh_scan_longer(mesh *m, const akin_index_query *query,
                             akin_index_hit *hits, size_t *n, akin_error *err)
    AKIN_NODISCARD;

bool mesh_is_finite(const float *x, size_t n);

akin_status mesh_new(const akin_index_options *opt, mesh **out,
                     akin_error *err) AKIN_NODISCARD;

/* akin_index_add without a look at the values; vectors NULL: the index borrows
 * them. */
akin_status mesh_add(mesh *m, const uint64_t *ids, const float *vectors,
                     size_t n, const akin_index_work *work, akin_error *err)
    AKIN_NODISCARD;

/* Whether no byte of the file that is mapped is wrong (mesh_file.c). */
bool mesh_file_is_whole(const mesh *m);

/* How many hits to look for so that k ids are among them. */
static inline size_t mesh_wanted(const mesh *m, size_t k)
{
    return atomic_load(&m->n_twice) > 0 ? 2 * k : k;
}

/* Sorts top and writes the first k, of what mesh_wanted made more an id once. */
void mesh_write_hits(topk *top, size_t k, akin_index_hit *hits, size_t *n);

#endif
