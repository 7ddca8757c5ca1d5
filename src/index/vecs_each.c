/* SPDX-License-Identifier: MIT
 * Walking through the vectors of an index, whose lists have them in another
 * order than they came in. */
#include "index/vecs_each.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "index/vecs_int.h"

typedef struct place {
    int64_t id;
    size_t list, at;
} place;

static int compare_places(const void *a_, const void *b_)
{
    const place *a = a_, *b = b_;
    if (a->id != b->id) return a->id < b->id ? -1 : 1;
    if (a->list != b->list) return a->list < b->list ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

/* Where every vector is, by ascending id. */
static akin_status find_places(const ivf *lists, place **out, akin_error *err)
{
    size_t n = 0;
    void *p;
    AKIN_TRY(mem_new_array(lists->n, sizeof(place), "the vectors' places", &p,
                           err));
    place *places = *out = p;
    for (size_t l = 0; l < lists->n_lists; l++)
        for (size_t i = 0; i < lists->lists[l].n && n < lists->n; i++)
            places[n++] = (place){lists->lists[l].ids[i], l, i};
    if (n) qsort(places, n, sizeof *places, compare_places);
    return AKIN_OK;
}

static void copy_vector(const vecs *v, const place *places, size_t row,
                        float *out)
{
    if (places)
        ivf_decode(&v->lists, places[row].list, places[row].at, out);
    else if (vecs_is_sq8(v))
        sq8_decode(&v->sq, v->codes + row * v->dim, out);
    else
        memcpy(out, v->rows + row * v->dim, v->dim * sizeof *out);
}

akin_status vecs_each(const vecs *v,
                      akin_status (*visit)(void *user, int64_t id,
                                           const float *vector,
                                           akin_error *err),
                      void *user, akin_error *err)
{
    akin_status status = AKIN_OK;
    place *places = NULL;
    void *vector = NULL;
    AKIN_TRYG(mem_new_array(v->dim, sizeof(float), "a vector", &vector, err));
    if (vecs_is_ivf(v)) AKIN_TRYG(find_places(&v->lists, &places, err));
    for (size_t i = 0; i < v->n && status == AKIN_OK; i++) {
        copy_vector(v, places, i, vector);
        int64_t row = places ? places[i].id : (int64_t)i;
        status = visit(user, v->opt.map ? v->map[row] : row, vector, err);
    }
done:
    mem_free(places);
    mem_free(vector);
    return status;
}
