/* SPDX-License-Identifier: MIT
 * Adding, replacing and removing vectors by track, in index and table. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "engine/vectors_source.h"

#define CHANGE_MAX_ROWS ((size_t)1 << 40)

/* One vector of a track. */
typedef struct change_row {
    tracks_id track; /* its text owned by the change */
    int64_t vector_id;
} change_row;

/* A change under way. */
typedef struct change {
    akin_vectors *v;
    change_row *rows; /* the whole table by track, then vector */
    char **texts;     /* of tracks; owned */
    size_t n_rows, cap_rows, cap_texts;
    int64_t next_id;
    bool renumbers; /* removing moves the later vectors' ids */
    int64_t *removed;
    size_t n_removed, cap_removed;
    tracks_row *added; /* new rows */
    size_t n_added;
    akin_vectors_change counts;
} change;

static void change_clear(change *c)
{
    for (size_t i = 0; c->texts && i < c->n_rows; i++) mem_free(c->texts[i]);
    mem_free(c->texts);
    mem_free(c->rows);
    mem_free(c->removed);
    mem_free(c->added);
}

/* ---- the table as it is --------------------------------------------------------------- */

static int change_compare_rows(const void *a, const void *b)
{
    const change_row *x = a, *y = b;
    int order = tracks_id_compare(x->track, y->track);
    if (order) return order;
    return (x->vector_id > y->vector_id) - (x->vector_id < y->vector_id);
}

static akin_status change_take_row(void *user, const tracks_row *row,
                                   akin_error *err)
{
    change *c = user;
    void *rows = c->rows, *texts = c->texts;
    akin_status status = mem_grow(&rows, &c->cap_rows, c->n_rows + 1,
                                  sizeof *c->rows, CHANGE_MAX_ROWS, err);
    c->rows = rows;
    AKIN_TRY(status);
    status = mem_grow(&texts, &c->cap_texts, c->n_rows + 1, sizeof *c->texts,
                      CHANGE_MAX_ROWS, err);
    c->texts = texts;
    AKIN_TRY(status);
    char *text = mem_strdup(row->track.text);
    if (row->track.text && !text)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the table");
    c->texts[c->n_rows] = text;
    c->rows[c->n_rows++] = (change_row){
        .track = {.text = text, .number = row->track.number},
        .vector_id = row->vector_id};
    if (row->vector_id >= c->next_id) c->next_id = row->vector_id + 1;
    return AKIN_OK;
}

static akin_status change_read_table(change *c, akin_error *err)
{
    AKIN_TRY(tracks_each(c->v->tracks, change_take_row, c, err));
    if (c->n_rows > 0)
        qsort(c->rows, c->n_rows, sizeof *c->rows, change_compare_rows);
    return AKIN_OK;
}

/* The track's rows: the first, and how many. */
static size_t change_find(const change *c, tracks_id track, size_t *first)
{
    size_t low = 0, high = c->n_rows, n = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (tracks_id_compare(c->rows[middle].track, track) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *first = low;
    while (low + n < c->n_rows &&
           tracks_id_compare(c->rows[low + n].track, track) == 0)
        n++;
    return n;
}

static akin_status change_mark_removed(change *c, tracks_id track,
                                       size_t *n_removed, akin_error *err)
{
    size_t first, n = change_find(c, track, &first);
    for (size_t i = 0; i < n; i++) {
        void *p = c->removed;
        akin_status status =
            mem_grow(&p, &c->cap_removed, c->n_removed + 1, sizeof *c->removed,
                     CHANGE_MAX_ROWS, err);
        c->removed = p;
        AKIN_TRY(status);
        c->removed[c->n_removed++] = c->rows[first + i].vector_id;
    }
    *n_removed = n;
    return AKIN_OK;
}

static int change_compare_ids(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* A track that is named twice is removed once. */
static void change_sort_removed(change *c)
{
    size_t kept = 0;
    if (c->n_removed > 0)
        qsort(c->removed, c->n_removed, sizeof *c->removed, change_compare_ids);
    for (size_t i = 0; i < c->n_removed; i++)
        if (kept == 0 || c->removed[kept - 1] != c->removed[i])
            c->removed[kept++] = c->removed[i];
    c->n_removed = kept;
}

/* How many removed ids are below. */
static size_t change_removed_below(const change *c, int64_t id)
{
    size_t low = 0, high = c->n_removed;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->removed[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool change_is_removed(const change *c, int64_t id)
{
    size_t at = change_removed_below(c, id);
    return at < c->n_removed && c->removed[at] == id;
}

/* ---- writing ------------------------------------------------------------------------------ */

/* Rows that stay, under their new numbers, then the new ones. */
static akin_status change_replace_table(change *c, const char *sum,
                                        akin_error *err)
{
    void *p;
    size_t n = 0;
    AKIN_TRY(mem_new_array(c->n_rows + c->n_added, sizeof(tracks_row), "rows",
                           &p, err));
    tracks_row *rows = p;
    for (size_t i = 0; i < c->n_rows; i++) {
        int64_t id = c->rows[i].vector_id;
        if (change_is_removed(c, id)) continue;
        rows[n++] = (tracks_row){
            .vector_id = id - (int64_t)change_removed_below(c, id),
            .track = c->rows[i].track};
    }
    for (size_t i = 0; i < c->n_added; i++) rows[n++] = c->added[i];
    tracks_table table = {.rows = rows, .n = n,
                          .dim = (uint32_t)vecs_dim(c->v->index),
                          .index_type = c->v->config.index_type};
    tracks_state state = {VECTORS_STATE, sum};
    tracks_replace_options opt = {.states = &state, .n_states = 1};
    akin_status status = tracks_replace(c->v->tracks, &table, &opt, err);
    mem_free(rows);
    return status;
}

static akin_status change_edit_table(change *c, const char *sum,
                                     akin_error *err)
{
    tracks *t = c->v->tracks;
    size_t n;
    tracks_table added = {.rows = c->added, .n = c->n_added,
                          .dim = (uint32_t)vecs_dim(c->v->index),
                          .index_type = c->v->config.index_type};
    AKIN_TRY(tracks_begin(t, err));
    akin_status status = AKIN_OK;
    if (c->n_removed > 0)
        status = tracks_remove_vectors(t, c->removed, c->n_removed, &n, err);
    if (status == AKIN_OK && c->n_added > 0)
        status = tracks_add(t, &added, err);
    if (status == AKIN_OK) status = tracks_set_state(t, VECTORS_STATE, sum, err);
    if (status == AKIN_OK) status = tracks_commit(t, err);
    if (status != AKIN_OK) tracks_rollback(t);
    return status;
}

static akin_status change_write(change *c, akin_error *err)
{
    char sum[CHECKSUM_HEX_BYTES];
    akin_vectors *v = c->v;
    AKIN_TRY(vectors_tell(&v->opt, "save", 0, err));
    AKIN_TRY(vectors_save_next(v, sum, err));
    AKIN_TRY(vectors_tell(&v->opt, "table", 0, err));
    AKIN_TRY(c->renumbers && c->n_removed > 0
                 ? change_replace_table(c, sum, err)
                 : change_edit_table(c, sum, err));
    AKIN_TRY(vectors_take_next(v, err));
    snprintf(v->checksum, sizeof v->checksum, "%s", sum);
    return AKIN_OK;
}

/* ---- a change, from lock to rename ---------------------------------------------------------- */

/* The index as the table has it now: another program may have changed both. */
static akin_status change_begin(change *c, akin_error *err)
{
    akin_vectors *v = c->v;
    AKIN_TRY(vectors_need_tracks(v, TRACKS_WRITE, err));
    AKIN_TRY(vectors_load(v, err));
    const vecs_options *o = vecs_get_options(v->index);
    bool is_ivf = o->kind == VECS_IVF_FLAT || o->kind == VECS_IVF_SQ8;
    c->renumbers = o->map == VECS_NO_MAP && !is_ivf;
    AKIN_TRY(change_read_table(c, err));
    if (c->n_rows == vecs_size(v->index)) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECORRUPT,
                     "the index has %zu vectors, the table %zu rows; make both "
                     "anew with `akin create` before changing them",
                     vecs_size(v->index), c->n_rows);
}

/* What is in memory is not what is on the disk after a failure. */
static akin_status change_run(akin_vectors *v,
                              akin_status (*edit)(change *c, void *user,
                                                  akin_error *err),
                              void *user, akin_vectors_change *out,
                              akin_error *err)
{
    file_lock *lock = NULL;
    change c = {.v = v};
    AKIN_TRY(file_lock_open(v->lock_path, VECTORS_LOCK_S, &lock, err));
    v->locked = true;
    akin_status status = change_begin(&c, err);
    if (status == AKIN_OK) {
        status = edit(&c, user, err);
        if (status == AKIN_OK) status = change_write(&c, err);
        if (status != AKIN_OK && vectors_load(v, NULL) != AKIN_OK)
            vectors_warn(&v->opt, "the index must be opened again");
    }
    if (status == AKIN_OK && out) *out = c.counts;
    change_clear(&c);
    v->locked = false;
    file_lock_close(lock);
    return status;
}

/* ---- putting --------------------------------------------------------------------------------- */

/* One old vector and one new one: the new takes the old one's place. */
static bool put_replaces(const change *c, const vectors_source *s, size_t i,
                         int64_t *id)
{
    const vecs_options *o = vecs_get_options(c->v->index);
    size_t first;
    if (o->kind == VECS_HNSW_FLAT && o->map == VECS_NO_MAP) return false;
    if (change_find(c, s->ids[i], &first) != 1) return false;
    *id = c->rows[first].vector_id;
    return true;
}

static akin_status put_check_twice(const vectors_source *s, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(s->n, sizeof(change_row), "track ids", &p, err));
    change_row *rows = p;
    for (size_t i = 0; i < s->n; i++)
        rows[i] = (change_row){s->ids[i], (int64_t)i};
    qsort(rows, s->n, sizeof *rows, change_compare_rows);
    akin_status status = AKIN_OK;
    for (size_t i = 1; i < s->n && status == AKIN_OK; i++)
        if (tracks_id_equal(rows[i - 1].track, rows[i].track))
            status = AKIN_FAIL(err, AKIN_EUSAGE,
                               "vectors %lld and %lld are of one track; which "
                               "of them is it to have",
                               (long long)rows[i - 1].vector_id,
                               (long long)rows[i].vector_id);
    mem_free(rows);
    return status;
}

/* Sorts the source's vectors into those that replace one and those that are
 * added; the latter go to the front of `vectors`. */
typedef struct put_plan {
    float *vectors;       /* [n, dim] */
    int64_t *ids;         /* of those that replace, [n_replace] */
    float *replacements;  /* [n_replace, dim] */
    size_t n_add, n_replace;
} put_plan;

static akin_status put_alloc(put_plan *plan, change *c, const vectors_source *s,
                             akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(s->n * s->dim, sizeof(float), "vectors", &p, err));
    plan->vectors = p;
    AKIN_TRY(mem_new_array(s->n * s->dim, sizeof(float), "vectors", &p, err));
    plan->replacements = p;
    AKIN_TRY(mem_new_array(s->n, sizeof(int64_t), "vectors", &p, err));
    plan->ids = p;
    AKIN_TRY(mem_new_array(s->n, sizeof(tracks_row), "rows", &p, err));
    c->added = p;
    return AKIN_OK;
}

static akin_status put_sort(put_plan *plan, change *c, const vectors_source *s,
                            akin_error *err)
{
    size_t bytes = s->dim * sizeof(float), n_old;
    for (size_t i = 0; i < s->n; i++) {
        const float *from = s->vectors + i * s->dim;
        if (put_replaces(c, s, i, &plan->ids[plan->n_replace])) {
            memcpy(plan->replacements + plan->n_replace++ * s->dim, from,
                   bytes);
            continue;
        }
        AKIN_TRY(change_mark_removed(c, s->ids[i], &n_old, err));
        memcpy(plan->vectors + plan->n_add++ * s->dim, from, bytes);
        c->added[c->n_added++].track = s->ids[i];
        c->counts.n_replaced += n_old > 0;
        c->counts.n_added += n_old == 0;
    }
    c->counts.n_replaced += plan->n_replace;
    change_sort_removed(c);
    return AKIN_OK;
}

/* New ids: behind the highest there is, row numbers where ids are those. */
static akin_status put_add(put_plan *plan, change *c, akin_error *err)
{
    vecs *index = c->v->index;
    const vecs_options *o = vecs_get_options(index);
    int64_t first = c->renumbers ? (int64_t)vecs_size(index) : c->next_id;
    bool takes_ids = o->map != VECS_NO_MAP || !c->renumbers;
    if (plan->n_add == 0) return AKIN_OK;
    for (size_t i = 0; i < plan->n_add; i++) {
        c->added[i].vector_id = first + (int64_t)i;
        plan->ids[i] = first + (int64_t)i;
    }
    return vecs_add(index, plan->vectors, takes_ids ? plan->ids : NULL,
                    plan->n_add, c->v->opt.threads, err);
}

static akin_status put_edit(change *c, void *user, akin_error *err)
{
    const vectors_source *s = user;
    put_plan plan = {0};
    size_t n;
    akin_status status = AKIN_OK;
    if (s->dim != vecs_dim(c->v->index))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the vectors have dimension %zu, the index %zu",
                         s->dim, vecs_dim(c->v->index));
    AKIN_TRYG(put_alloc(&plan, c, s, err));
    AKIN_TRYG(put_sort(&plan, c, s, err));
    if (plan.n_replace > 0)
        AKIN_TRYG(vecs_update(c->v->index, plan.ids, plan.replacements,
                              plan.n_replace, c->v->opt.threads, err));
    if (c->n_removed > 0)
        AKIN_TRYG(vecs_remove(c->v->index, c->removed, c->n_removed, &n, err));
    status = put_add(&plan, c, err);
done:
    mem_free(plan.vectors);
    mem_free(plan.replacements);
    mem_free(plan.ids);
    return status;
}

akin_status akin_vectors_put(akin_vectors *v, const akin_vectors_source *source,
                             akin_vectors_change *out, akin_error *err)
{
    vectors_source s;
    AKIN_TRY(vectors_source_read(&v->config, source, &v->opt, &s, err));
    akin_status status =
        s.names ? put_check_twice(&s, err)
                : AKIN_FAIL(err, AKIN_EUSAGE,
                            "which tracks are the vectors of? give a CSV, or a "
                            "folder of TRACK.npy");
    if (status == AKIN_OK) status = change_run(v, put_edit, &s, out, err);
    vectors_source_clear(&s);
    return status;
}

/* ---- removing ---------------------------------------------------------------------------------- */

typedef struct remove_list {
    const char *const *tracks;
    size_t n;
} remove_list;

static akin_status remove_edit(change *c, void *user, akin_error *err)
{
    const remove_list *list = user;
    size_t n;
    for (size_t i = 0; i < list->n; i++)
        AKIN_TRY(change_mark_removed(c, tracks_id_of(list->tracks[i]), &n,
                                     err));
    change_sort_removed(c);
    c->counts.n_removed = c->n_removed;
    if (c->n_removed == 0) return AKIN_OK;
    return vecs_remove(c->v->index, c->removed, c->n_removed, &n, err);
}

akin_status akin_vectors_remove(akin_vectors *v, const char *const *names,
                                size_t n, akin_vectors_change *out,
                                akin_error *err)
{
    remove_list list = {names, n};
    return change_run(v, remove_edit, &list, out, err);
}
