/* SPDX-License-Identifier: MIT
 * Result sets. */
#include "engine/results.h"

#include <assert.h>

#include "base/memory.h"
#include "engine/when.h"

akin_status results_new(akin_db *const *dbs, size_t n_dbs, size_t n_max,
                        akin_results **out, akin_error *err)
{
    akin_results *r = mem_array(1, sizeof *r);
    if (r) {
        r->dbs = mem_array(n_dbs, sizeof *r->dbs);
        r->hits = mem_array(n_max, sizeof *r->hits);
        r->rows = mem_array(n_max, sizeof *r->rows);
    }
    if (!r || !r->dbs || !r->hits || !r->rows) {
        akin_results_free(r);
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for %zu results",
                         n_max);
    }
    for (size_t i = 0; i < n_dbs; i++) r->dbs[i] = dbs[i];
    *out = r;
    return AKIN_OK;
}

/* The row's scores as the API has them. */
static void results_put_classes(results_row *kept)
{
    const store_row *row = &kept->row;
    kept->classes = mem_array(row->n_scores, sizeof *kept->classes);
    for (size_t i = 0; kept->classes && i < row->n_scores; i++)
        kept->classes[i] = (akin_class_score){row->scores[i].name,
                                              (float)row->scores[i].score};
}

akin_status results_add(akin_results *r, size_t db, float score, store_row *row,
                        akin_error *err)
{
    char when[WHEN_TEXT_BYTES];
    results_row *kept = &r->rows[r->n];
    kept->row = *row;
    *row = (store_row){0};
    const store_row *own = &kept->row;
    kept->path = database_media_path(r->dbs[db], own->recording);
    if (when_add(own->datetime, own->window.start_s, when))
        kept->datetime = mem_strdup(when);
    results_put_classes(kept);
    r->hits[r->n] = (akin_hit){
        .db = db,
        .window_id = own->window.id,
        .recording_id = own->window.recording_id,
        .score = score,
        .recording = own->recording,
        .path = kept->path,
        .start_s = own->window.start_s,
        .end_s = own->window.end_s,
        .imprecise = own->window.imprecise,
        .datetime = kept->datetime,
        .deployment = own->deployment,
        .project = own->project,
        .labels = (const char *const *)own->labels,
        .n_labels = own->n_labels,
        .classes = kept->classes,
        .n_classes = own->n_scores,
    };
    r->n++;
    if (!kept->path || !kept->classes)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the results");
    return AKIN_OK;
}

size_t akin_results_count(const akin_results *r) { return r ? r->n : 0; }

const akin_hit *akin_results_at(const akin_results *r, size_t i)
{
    assert(i < r->n);
    return &r->hits[i];
}

void akin_results_get_info(const akin_results *r, akin_results_info *out)
{
    *out = r->info;
}

void akin_results_free(akin_results *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->n; i++) {
        store_row_clear(&r->rows[i].row);
        mem_free(r->rows[i].path);
        mem_free(r->rows[i].datetime);
        mem_free(r->rows[i].classes);
    }
    mem_free(r->spans);
    mem_free(r->rows);
    mem_free(r->hits);
    mem_free(r->dbs);
    mem_free(r);
}
