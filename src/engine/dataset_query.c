/* SPDX-License-Identifier: MIT
 * Terms: texts and images go through the model as queries of a database do, views
 * and items are looked up among the table's vectors. */
#include "engine/dataset_query.h"

#include <math.h>

#include "base/memory.h"
#include "engine/query.h"
#include "index/distance.h"

/* More would be somebody's whole dataset. */
#define QUERY_MAX_TERMS 1000

void dataset_query_clear(dataset_query *q)
{
    mem_free(q->vector);
    mem_free(q->not_views);
    mem_free(q->not_items);
    *q = (dataset_query){0};
}

bool dataset_unit(float *vector, size_t dim)
{
    double normsq = 0;
    for (size_t i = 0; i < dim; i++) normsq += (double)vector[i] * vector[i];
    if (!(normsq > 0) || !isfinite(normsq)) return false;
    double by = 1 / sqrt(normsq);
    for (size_t i = 0; i < dim; i++) vector[i] = (float)(vector[i] * by);
    return true;
}

/* What the terms are turned into vectors with. */
typedef struct query_make_terms {
    dataset_table *table;
    const dataset_map *map;
    item_store *s;
    dataset_query *out;
    float *vector, *row; /* [dim]: of the term, of a row */
} query_make_terms;

/* ---- views and items -------------------------------------------------------- */

/* Adds the row's vector, of length 1, to the term's. */
static void query_add_row(query_make_terms *m, size_t row)
{
    size_t dim = m->out->dim;
    distance_from_half(dataset_map_vector(m->map, row), dim, m->row);
    if (!dataset_unit(m->row, dim)) return;
    for (size_t i = 0; i < dim; i++) m->vector[i] += m->row[i];
}

/* The rows of a view, or of an item's views; false if there are none. Looked for
 * among all: a table of where they are would be larger than the map, and this
 * takes a millisecond of a million. */
static bool query_add_rows(query_make_terms *m, uint32_t item, uint32_t view)
{
    const dataset_map *map = m->map;
    bool found = false;
    for (size_t row = 0; row < map->n_rows; row++)
        for (uint32_t i = map->first[row]; i < map->first[row + 1]; i++) {
            const dataset_entry *e = &map->entries[i];
            if (item ? e->item != item : e->view != view) continue;
            query_add_row(m, row);
            found = true;
        }
    return found;
}

static akin_status query_from_view(query_make_terms *m, const char *id,
                                   akin_error *err)
{
    int64_t view;
    AKIN_TRY(items_find_view(m->s, id, &view, err));
    if (view == 0)
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "view '%s' not found in dataset",
                         id);
    if (!query_add_rows(m, 0, (uint32_t)view))
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "view '%s' has no embedding in table '%s'", id,
                         m->table->name);
    m->out->not_views[m->out->n_not_views++] = (uint32_t)view;
    return AKIN_OK;
}

static akin_status query_from_item(query_make_terms *m, const char *id,
                                   akin_error *err)
{
    int64_t item;
    AKIN_TRY(items_find(m->s, id, &item, err));
    if (item == 0)
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "item '%s' not found in dataset",
                         id);
    if (!query_add_rows(m, (uint32_t)item, 0))
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "item '%s' has no embedding in table '%s'", id,
                         m->table->name);
    m->out->not_items[m->out->n_not_items++] = (uint32_t)item;
    return AKIN_OK;
}

/* ---- what is from outside --------------------------------------------------- */

static akin_status query_need_text(const query_make_terms *m, akin_error *err)
{
    model *made_by = NULL;
    akin_db *db = m->table->db;
    AKIN_TRY(database_model(db, &made_by, err));
    if (model_get_info(made_by)->text) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EMODEL,
                     "model %s, which made the vectors of table '%s', knows no "
                     "texts; search by an image, a view, an item or a vector",
                     db->settings.model, m->table->name);
}

/* A film's frames and an array's rows count alike. */
static akin_status query_from_outside(query_make_terms *m,
                                      const akin_dataset_term *term,
                                      akin_error *err)
{
    static const akin_search_options opt;
    size_t dim = m->out->dim;
    akin_query asked = {.vector_file = term->vector_file};
    if (term->text)
        asked = (akin_query){.text = term->text};
    else if (term->file)
        asked = (akin_query){.file = term->file};
    else if (!term->vector_file)
        asked = (akin_query){.vectors = term->vector,
                             .n_vectors = 1,
                             .dim = term->dim};
    query_vectors q = {0};
    if (term->text) AKIN_TRY(query_need_text(m, err));
    AKIN_TRY(query_make(m->table->db, &asked, &opt, &q, err));
    for (size_t k = 0; k < q.n; k++)
        if (dataset_unit(q.vectors + k * dim, dim))
            for (size_t i = 0; i < dim; i++)
                m->vector[i] += q.vectors[k * dim + i];
    query_clear(&q);
    return AKIN_OK;
}

static akin_status query_term(query_make_terms *m,
                              const akin_dataset_term *term, akin_error *err)
{
    if (term->text || term->file) return query_from_outside(m, term, err);
    if (term->view_id) return query_from_view(m, term->view_id, err);
    if (term->item_id) return query_from_item(m, term->item_id, err);
    if (term->vector_file || term->vector)
        return query_from_outside(m, term, err);
    return AKIN_FAIL(err, AKIN_EUSAGE,
                     "nothing to search for: give a text, an image, a view, an "
                     "item or a vector");
}

/* ---- the sum ---------------------------------------------------------------- */

static akin_status query_add_term(query_make_terms *m,
                                  const akin_dataset_term *term,
                                  akin_error *err)
{
    size_t dim = m->out->dim;
    float weight = term->weight == 0 ? 1 : term->weight;
    if (!isfinite(weight))
        return AKIN_FAIL(err, AKIN_EUSAGE, "the weight of a term is no number");
    for (size_t i = 0; i < dim; i++) m->vector[i] = 0;
    AKIN_TRY(query_term(m, term, err));
    if (!dataset_unit(m->vector, dim))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the vector of what is searched for is zero");
    for (size_t i = 0; i < dim; i++)
        m->out->vector[i] += weight * m->vector[i];
    return AKIN_OK;
}

static akin_status query_check(const dataset_table *t, const dataset_map *map,
                               size_t n, akin_error *err)
{
    if (n == 0)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "nothing to search for: give a text, an image, a "
                         "view, an item or a vector");
    if (n > QUERY_MAX_TERMS)
        return AKIN_FAIL(err, AKIN_ELIMIT, "at most %d terms a search, not %zu",
                         QUERY_MAX_TERMS, n);
    if (map->n_entries == 0)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "table '%s' has no embeddings yet", t->name);
    return AKIN_OK;
}

static akin_status query_new(query_make_terms *m, size_t n, akin_error *err)
{
    void *p;
    size_t dim = m->table->db->settings.dim;
    m->out->dim = dim;
    AKIN_TRY(mem_new_array(dim, sizeof(float), "a query", &p, err));
    m->out->vector = p;
    AKIN_TRY(mem_new_array(dim, sizeof(float), "a query", &p, err));
    m->vector = p;
    AKIN_TRY(mem_new_array(dim, sizeof(float), "a query", &p, err));
    m->row = p;
    AKIN_TRY(mem_new_array(n, sizeof(uint32_t), "a query", &p, err));
    m->out->not_views = p;
    AKIN_TRY(mem_new_array(n, sizeof(uint32_t), "a query", &p, err));
    m->out->not_items = p;
    return AKIN_OK;
}

akin_status dataset_query_make(dataset_table *t, const dataset_map *map,
                               item_store *s, const akin_dataset_term *terms,
                               size_t n, dataset_query *out, akin_error *err)
{
    query_make_terms m = {.table = t, .map = map, .s = s, .out = out};
    *out = (dataset_query){0};
    AKIN_TRY(query_check(t, map, n, err));
    akin_status status = query_new(&m, n, err);
    for (size_t i = 0; i < n && status == AKIN_OK; i++)
        status = query_add_term(&m, &terms[i], err);
    if (status == AKIN_OK && !dataset_unit(out->vector, out->dim))
        status = AKIN_FAIL(err, AKIN_EUSAGE,
                           "the terms of the search cancel each other out");
    mem_free(m.vector);
    mem_free(m.row);
    return status;
}
