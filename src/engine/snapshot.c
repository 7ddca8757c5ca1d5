/* SPDX-License-Identifier: MIT
 * Snapshots. The read transaction begins before the index file is opened: a
 * checkpoint in between then shows some vectors twice (they are masked), never
 * none. */
#include "engine/snapshot.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static void bitmap_set(uint64_t *bits, size_t i)
{
    bits[i / 64] |= (uint64_t)1 << (i % 64);
}

static void bitmap_clear(uint64_t *bits, size_t i)
{
    bits[i / 64] &= ~((uint64_t)1 << (i % 64));
}

static size_t bitmap_count(const uint64_t *bits, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < (n + 63) / 64; i++)
        count += (size_t)__builtin_popcountll(bits[i]);
    return count;
}

static akin_status bitmap_new(size_t n, bool ones, uint64_t **out,
                              akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array((n + 63) / 64, sizeof **out, "a filter", &p, err));
    *out = p;
    for (size_t i = 0; ones && i < n; i++) bitmap_set(*out, i);
    return AKIN_OK;
}

/* usearch_find builds its table at the first call: under the database's mutex,
 * since other searches share the file. */
static akin_status snapshot_find(snapshot *s, uint64_t id, bool *found,
                                 size_t *slot, akin_error *err)
{
    *found = false;
    if (!s->index) return AKIN_OK;
    pthread_mutex_lock(&s->db->mutex);
    akin_status status = usearch_find(s->index->file, id, found, slot, err);
    pthread_mutex_unlock(&s->db->mutex);
    return status;
}

static akin_status snapshot_mask_file_row(snapshot *s, uint64_t id,
                                          akin_error *err)
{
    bool found;
    size_t slot;
    AKIN_TRY(snapshot_find(s, id, &found, &slot, err));
    if (!found) return AKIN_OK;
    if (!s->allow_file)
        AKIN_TRY(bitmap_new(s->n_file, true, &s->allow_file, err));
    bitmap_clear(s->allow_file, slot);
    return AKIN_OK;
}

/* Rows of the file that the journal replaces or removes, and freed slots. */
static akin_status snapshot_mask(snapshot *s, akin_error *err)
{
    for (size_t i = 0; i < s->pending.n; i++)
        AKIN_TRY(snapshot_mask_file_row(s, s->pending.ids[i], err));
    for (size_t i = 0; i < s->pending.n_removed; i++)
        AKIN_TRY(snapshot_mask_file_row(s, s->pending.removed[i], err));
    if (!s->index) return AKIN_OK;
    const usearch_info *info = usearch_get_info(s->index->file);
    if (info->n_present == info->n_rows) return AKIN_OK;
    if (!s->allow_file)
        AKIN_TRY(bitmap_new(s->n_file, true, &s->allow_file, err));
    for (size_t i = 0; i < s->n_file; i++)
        if (usearch_key(s->index->file, i) == GRAPH_FREE_KEY)
            bitmap_clear(s->allow_file, i);
    return AKIN_OK;
}

typedef struct snapshot_filtering {
    snapshot *s;
    uint64_t *file, *pending;
} snapshot_filtering;

static akin_status snapshot_allow(void *user, const store_window *window,
                                  akin_error *err)
{
    snapshot_filtering *f = user;
    snapshot *s = f->s;
    uint64_t id = (uint64_t)window->id;
    bool found;
    size_t at;
    if (rows_find(s->pending.ids, s->pending.n, id, &at)) {
        bitmap_set(f->pending, at);
        return AKIN_OK;
    }
    AKIN_TRY(snapshot_find(s, id, &found, &at, err));
    if (found &&
        (!s->allow_file || s->allow_file[at / 64] >> (at % 64) & 1))
        bitmap_set(f->file, at);
    return AKIN_OK;
}

static akin_status snapshot_filter(snapshot *s, const char *text,
                                   akin_error *err)
{
    snapshot_filtering f = {.s = s};
    store_filter *filter = NULL;
    akin_status status = store_filter_parse(text, &filter, err);
    if (status == AKIN_OK) status = bitmap_new(s->n_file, false, &f.file, err);
    if (status == AKIN_OK)
        status = bitmap_new(s->pending.n, false, &f.pending, err);
    if (status == AKIN_OK)
        status = store_each_window(s->store, filter, snapshot_allow, &f, err);
    store_filter_free(filter);
    mem_free(s->allow_file);
    s->allow_file = f.file;
    s->allow_pending = f.pending;
    return status;
}

static void snapshot_count(snapshot *s)
{
    s->n_allowed =
        (s->allow_file ? bitmap_count(s->allow_file, s->n_file) : s->n_file) +
        (s->allow_pending ? bitmap_count(s->allow_pending, s->pending.n)
                          : s->pending.n);
}

/* Without an index file a database may hold journaled windows only. */
static akin_status snapshot_check_missing(snapshot *s, akin_error *err)
{
    store_counts counts;
    if (s->index) return AKIN_OK;
    AKIN_TRY(store_count(s->store, &counts, err));
    if (counts.windows <= counts.pending) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECORRUPT,
                     "'%s' is missing, with it the vectors of %lld windows; "
                     "see `akin verify`",
                     s->db->index_path,
                     (long long)(counts.windows - counts.pending));
}

akin_status snapshot_open(snapshot *s, akin_db *db, const char *filter,
                          akin_error *err)
{
    *s = (snapshot){.db = db};
    AKIN_TRY(database_take_store(db, &s->store, err));
    AKIN_TRY(store_begin_read(s->store, err));
    akin_error why = {0};
    akin_status status = database_take_index(db, &s->index, &why);
    if (status != AKIN_OK)
        return AKIN_FAIL(err, status, "%s; see `akin verify`", why.text);
    AKIN_TRY(snapshot_check_missing(s, err));
    s->n_file = s->index ? usearch_get_info(s->index->file)->n_rows : 0;
    rows_init(&s->pending, db->settings.dim);
    AKIN_TRY(rows_load_pending(&s->pending, s->store, err));
    AKIN_TRY(snapshot_mask(s, err));
    if (filter && *filter) AKIN_TRY(snapshot_filter(s, filter, err));
    snapshot_count(s);
    return AKIN_OK;
}

void snapshot_close(snapshot *s)
{
    if (!s->db) return;
    database_give_store(s->db, s->store);
    database_give_index(s->db, s->index);
    rows_clear(&s->pending);
    mem_free(s->allow_file);
    mem_free(s->allow_pending);
    *s = (snapshot){0};
}

akin_status snapshot_row(snapshot *s, uint64_t id, bool *found, size_t *row,
                         akin_error *err)
{
    size_t at;
    *found = false;
    *row = 0;
    if (rows_find(s->pending.ids, s->pending.n, id, &at)) {
        *found = true;
        *row = s->n_file + at;
        return AKIN_OK;
    }
    if (rows_find(s->pending.removed, s->pending.n_removed, id, &at))
        return AKIN_OK;
    return snapshot_find(s, id, found, row, err);
}

const unsigned char *snapshot_row_vector(const snapshot *s, size_t row)
{
    if (row >= s->n_file) return rows_vector(&s->pending, row - s->n_file);
    return usearch_vectors(s->index->file) + row * s->db->settings.dim * 2;
}

void snapshot_end_read(snapshot *s)
{
    database_give_store(s->db, s->store);
    s->store = NULL;
}

akin_status snapshot_vector(snapshot *s, uint64_t id, const unsigned char **out,
                            akin_error *err)
{
    bool found;
    size_t row;
    *out = NULL;
    AKIN_TRY(snapshot_row(s, id, &found, &row, err));
    *out = found ? snapshot_row_vector(s, row) : NULL;
    return AKIN_OK;
}
