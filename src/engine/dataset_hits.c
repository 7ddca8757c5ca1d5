/* SPDX-License-Identifier: MIT
 * Answers: hits whose texts are their own, and the ids of a whole ranking in one
 * piece. */
#include "engine/dataset_hits.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

struct akin_dataset_hits {
    akin_dataset_hit *hits;
    char *(*texts)[4]; /* [n]: of each hit, owned */
    size_t n;
    akin_dataset_hits_info info;
    char *model;
    char **ids;   /* into id_texts */
    char *id_texts;
};

akin_status dataset_hits_new(size_t n_max, akin_dataset_hits **out,
                             akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(1, sizeof **out, "answers", &p, err));
    akin_dataset_hits *hits = p;
    hits->hits = mem_array(n_max, sizeof *hits->hits);
    hits->texts = mem_array(n_max, sizeof *hits->texts);
    if (!hits->hits || !hits->texts) {
        akin_dataset_hits_free(hits);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for %zu answers",
                         n_max);
    }
    *out = hits;
    return AKIN_OK;
}

akin_status dataset_hits_add(akin_dataset_hits *hits, item_store *s,
                             const dataset_place *place, size_t rank,
                             akin_error *err)
{
    view_row view;
    akin_error why = {0};
    akin_status status = items_get_view(s, place->view, &view, &why);
    if (status == AKIN_ENOTFOUND) return AKIN_OK;
    if (status != AKIN_OK) return AKIN_FAIL(err, status, "%s", why.text);
    const char *texts[] = {view.item_id, view.id, view.name, view.url};
    char **own = hits->texts[hits->n];
    akin_dataset_hit *hit = &hits->hits[hits->n++];
    for (size_t i = 0; i < 4; i++) {
        own[i] = mem_strdup(texts[i]);
        if (!own[i]) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the "
                                      "answers");
    }
    float similarity = dataset_similarity(place->similarity);
    *hit = (akin_dataset_hit){
        .rank = rank,
        .item_id = own[0],
        .view_id = own[1],
        .view = own[2],
        .url = own[3],
        .similarity = similarity,
        .distance = 2 - 2 * similarity,
    };
    return AKIN_OK;
}

static size_t ids_measure(const item_columns *c, const dataset_place *places,
                          size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += strlen(item_columns_id(c, places[i].item)) + 1;
    return bytes;
}

static void ids_copy(akin_dataset_hits *hits, const item_columns *c,
                     const dataset_place *places, size_t n)
{
    char *at = hits->id_texts;
    for (size_t i = 0; i < n; i++) {
        const char *id = item_columns_id(c, places[i].item);
        size_t bytes = strlen(id) + 1;
        if (bytes == 1) continue; /* gone since */
        memcpy(at, id, bytes);
        hits->ids[hits->info.n_item_ids++] = at;
        at += bytes;
    }
}

akin_status dataset_hits_put_ids(akin_dataset_hits *hits, akin_dataset *ds,
                                 const dataset_place *places, size_t n,
                                 akin_error *err)
{
    item_columns *columns;
    AKIN_TRY(dataset_take_columns(ds, &columns, err));
    hits->ids = mem_array(n, sizeof *hits->ids);
    hits->id_texts = mem_array(ids_measure(columns, places, n) + 1, 1);
    if (hits->ids && hits->id_texts) ids_copy(hits, columns, places, n);
    dataset_give_columns(ds);
    hits->info.item_ids = (const char *const *)hits->ids;
    if (hits->ids && hits->id_texts) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for %zu ids", n);
}

akin_status dataset_hits_put_info(akin_dataset_hits *hits,
                                  const akin_dataset_hits_info *info,
                                  akin_error *err)
{
    akin_dataset_hits_info *own = &hits->info;
    hits->model = mem_strdup(info->model);
    own->n_matching = info->n_matching;
    own->n_items = info->n_items;
    own->mode = info->mode;
    own->model = hits->model;
    own->took_ms = info->took_ms;
    if (hits->model) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the answers");
}

size_t akin_dataset_hits_count(const akin_dataset_hits *hits)
{
    return hits ? hits->n : 0;
}

const akin_dataset_hit *akin_dataset_hits_at(const akin_dataset_hits *hits,
                                             size_t i)
{
    assert(i < hits->n);
    return &hits->hits[i];
}

void akin_dataset_hits_get_info(const akin_dataset_hits *hits,
                                akin_dataset_hits_info *out)
{
    *out = hits->info;
}

void akin_dataset_hits_free(akin_dataset_hits *hits)
{
    if (!hits) return;
    for (size_t i = 0; i < hits->n; i++)
        for (size_t k = 0; k < 4; k++) mem_free(hits->texts[i][k]);
    mem_free(hits->texts);
    mem_free(hits->hits);
    mem_free(hits->model);
    mem_free(hits->ids);
    mem_free(hits->id_texts);
    mem_free(hits);
}
