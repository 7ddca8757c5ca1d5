/* SPDX-License-Identifier: MIT
 * Where many new vectors go: those that are alike lie side by side, so that
 * what a walk meets around a place lies in few pages of memory. On 200,000
 * vectors of 1024 dimensions searches are a fifth faster for it.
 *
 * Alike are those with the same nearest of some vectors drawn by chance, as
 * their rotation's first values have it: these keep distances well enough, and
 * no more than a hundredth of the time to link them all goes into it. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "index/kmeans.h"
#include "index/mesh_int.h"

enum {
    GROUP = 128,   /* vectors that share a drawn one */
    MOST_GROUPS = 1024,
    VALUES = 128,  /* of a rotated vector */
    BLOCK = 4096,
};

typedef struct placing {
    mesh *m;
    const mesh_vectors *from;
    size_t n, n_groups, n_values;
    float *rotated;   /* [padded] */
    float *block;     /* [BLOCK][n_values] */
    float *drawn;     /* [n_groups][n_values] */
    uint32_t *groups; /* [n] */
    size_t *starts;   /* [n_groups + 1] */
} placing;

static void project(const placing *p, size_t i, float *out)
{
    const mesh *m = p->m;
    size_t dim = m->opt.dim;
    double normsq = 0;
    memset(p->rotated, 0, m->shape.padded * sizeof *p->rotated);
    p->from->load(p->from->user, i, p->rotated);
    for (size_t k = 0; k < dim; k++)
        normsq += (double)p->rotated[k] * p->rotated[k];
    bool cosine = m->opt.metric == AKIN_METRIC_COSINE;
    float by = cosine && normsq > 0 ? (float)(1 / sqrt(normsq)) : 1;
    for (size_t k = 0; k < dim; k++) p->rotated[k] *= by;
    m->codes->rotate(p->rotated, m->signs, m->shape.padded);
    memcpy(out, p->rotated, p->n_values * sizeof *out);
}

static akin_status find_groups(placing *p, size_t threads, akin_error *err)
{
    kmeans_centroids drawn = {.vectors = p->drawn, .k = p->n_groups,
                              .dim = p->n_values, .metric = METRIC_L2SQ};
    for (size_t i = 0; i < p->n_groups; i++)
        project(p, (size_t)((uint64_t)i * p->n / p->n_groups),
                p->drawn + i * p->n_values);
    for (size_t first = 0; first < p->n; first += BLOCK) {
        size_t n = p->n - first < BLOCK ? p->n - first : BLOCK;
        for (size_t i = 0; i < n; i++)
            project(p, first + i, p->block + i * p->n_values);
        AKIN_TRY(kmeans_assign(&drawn, p->block, n, threads, p->groups + first,
                               err));
    }
    return AKIN_OK;
}

/* Group by group, in each in the order in which they came. */
static void number(placing *p, uint32_t *places)
{
    for (size_t i = 0; i < p->n; i++) p->starts[p->groups[i] + 1]++;
    for (size_t g = 0; g < p->n_groups; g++) p->starts[g + 1] += p->starts[g];
    for (size_t i = 0; i < p->n; i++)
        places[i] = (uint32_t)p->starts[p->groups[i]]++;
}

static akin_status new_array(size_t n, size_t size, void **out, akin_error *err)
{
    *out = mem_aligned(n * size);
    return *out ? AKIN_OK : AKIN_FAIL(err, AKIN_ENOMEM,
                                      "out of memory for an index");
}

akin_status mesh_place_alike(mesh *m, const mesh_vectors *from, size_t n,
                             size_t threads, uint32_t *places, akin_error *err)
{
    size_t n_groups = n / GROUP < MOST_GROUPS ? n / GROUP + 1 : MOST_GROUPS;
    size_t padded = m->shape.padded;
    placing p = {.m = m, .from = from, .n = n, .n_groups = n_groups,
                 .n_values = padded < VALUES ? padded : VALUES};
    void *rotated = NULL, *block = NULL, *drawn = NULL, *groups = NULL,
         *starts = NULL;
    akin_status status = AKIN_OK;
    AKIN_TRYG(new_array(padded, sizeof(float), &rotated, err));
    AKIN_TRYG(new_array(BLOCK * p.n_values, sizeof(float), &block, err));
    AKIN_TRYG(new_array(n_groups * p.n_values, sizeof(float), &drawn, err));
    AKIN_TRYG(new_array(n, sizeof(uint32_t), &groups, err));
    AKIN_TRYG(new_array(n_groups + 1, sizeof(size_t), &starts, err));
    p.rotated = rotated;
    p.block = block;
    p.drawn = drawn;
    p.groups = groups;
    p.starts = starts;
    mesh_draw_signs(m);
    AKIN_TRYG(find_groups(&p, threads, err));
    number(&p, places);
done:
    mem_free_aligned(rotated);
    mem_free_aligned(block);
    mem_free_aligned(drawn);
    mem_free_aligned(groups);
    mem_free_aligned(starts);
    return status;
}
