/* SPDX-License-Identifier: MIT
 * The scores of all points of a map to one query: what search does for the best,
 * without rows and without an order. */
#include <math.h>

#include "akin/akin.h"
#include "base/memory.h"
#include "engine/query.h"
#include "engine/snapshot.h"
#include "index/distance.h"

typedef struct map_scorer {
    const distance_table *table;
    const query_vectors *query;
    float *norms; /* [query->n] of the query's vectors */
    akin_score score;
} map_scorer;

static akin_status scorer_init(map_scorer *s, const query_vectors *query,
                               akin_score score, akin_error *err)
{
    void *p;
    *s = (map_scorer){distance_get(), query, NULL, score};
    AKIN_TRY(mem_new_array(query->n, sizeof *s->norms, "scores", &p, err));
    s->norms = p;
    for (size_t i = 0; i < query->n; i++) {
        const float *q = query->vectors + i * query->dim;
        double sum = 0;
        for (size_t d = 0; d < query->dim; d++) sum += (double)q[d] * q[d];
        s->norms[i] = (float)sqrt(sum);
    }
    return AKIN_OK;
}

static float score_of(const map_scorer *s, size_t i, const unsigned char *row)
{
    distance_query q = {s->query->vectors + i * s->query->dim, s->query->dim};
    float value, normsq;
    if (s->score == AKIN_EUCLIDEAN) {
        s->table->l2sq_rows(&q, row, 1, &value);
        return sqrtf(value);
    }
    s->table->dot_norm_rows(&q, row, 1, &value, &normsq);
    if (s->score == AKIN_DOT) return value;
    float norms = s->norms[i] * sqrtf(normsq);
    return norms > 0 ? value / norms : 0;
}

/* The mean over the query's vectors, as search ranks by. */
static float mean_score(const map_scorer *s, const unsigned char *row)
{
    double sum = 0;
    for (size_t i = 0; i < s->query->n; i++) sum += score_of(s, i, row);
    return (float)(sum / (double)s->query->n);
}

akin_status akin_map_scores(akin_db *db, const akin_map *map,
                            const akin_query *query,
                            const akin_search_options *opt, float *out,
                            akin_error *err)
{
    static const akin_search_options defaults;
    query_vectors q = {0};
    map_scorer scorer = {0};
    snapshot s;
    if (!opt) opt = &defaults;
    AKIN_TRY(query_make(db, query, opt, &q, err));
    akin_status status = snapshot_open(&s, db, NULL, err);
    if (status == AKIN_OK) status = scorer_init(&scorer, &q, opt->score, err);
    for (size_t i = 0; i < map->n && status == AKIN_OK; i++) {
        const unsigned char *row = NULL;
        status = snapshot_vector(&s, (uint64_t)map->points[i].window_id, &row,
                                 err);
        out[i] = row ? mean_score(&scorer, row) : NAN;
    }
    snapshot_close(&s);
    mem_free(scorer.norms);
    query_clear(&q);
    return status;
}
