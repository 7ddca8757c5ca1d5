/* SPDX-License-Identifier: MIT
 * Labels: hoplite's annotations of windows. */
#include "engine/database.h"

#include "base/memory.h"

/* A handle for labels has a writing store, too. */
static akin_status label_need_writer(akin_db *db, akin_error *err)
{
    return db->writer ? AKIN_OK : database_need_writer(db, err);
}

/* In the open write transaction; *id = 0: an equal one is there. */
static akin_status label_add(akin_db *db, int64_t window_id,
                             const akin_annotation *face, int64_t *id,
                             akin_error *err)
{
    bool added;
    store_row row = {0};
    bool found;
    AKIN_TRY(store_get_row(db->writer, window_id, &found, &row, err));
    if (!found)
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no window %lld in '%s'",
                         (long long)window_id, db->path);
    store_annotation annotation = {
        .recording_id = row.window.recording_id,
        .start_s = row.window.start_s,
        .end_s = row.window.end_s,
        .label = face->label,
        .provenance = face->by,
        .type = (store_label_type)face->type,
    };
    store_row_clear(&row);
    AKIN_TRY(store_add_annotation(db->writer, &annotation, &added, err));
    *id = added ? store_last_id(db->writer) : 0;
    return AKIN_OK;
}

static akin_status label_add_all(akin_db *db, const int64_t *window_ids,
                                 size_t n, const akin_annotation *annotation,
                                 int64_t *ids, akin_error *err)
{
    akin_status status = AKIN_OK;
    AKIN_TRY(store_begin(db->writer, err));
    for (size_t i = 0; i < n && status == AKIN_OK; i++)
        status = label_add(db, window_ids[i], annotation, &ids[i], err);
    if (status == AKIN_OK) status = store_commit(db->writer, err);
    if (status != AKIN_OK) store_rollback(db->writer);
    return status;
}

akin_status akin_label_windows(akin_db *db, const int64_t *window_ids, size_t n,
                               const akin_annotation *annotation, int64_t *ids,
                               akin_error *err)
{
    AKIN_TRY(label_need_writer(db, err));
    if (!annotation->label || !*annotation->label || !annotation->by ||
        !*annotation->by)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a label needs a name and who gave it");
    pthread_mutex_lock(&db->write_mutex);
    akin_status status =
        label_add_all(db, window_ids, n, annotation, ids, err);
    pthread_mutex_unlock(&db->write_mutex);
    return status;
}

akin_status akin_label(akin_db *db, int64_t window_id,
                       const akin_annotation *annotation, bool *added,
                       akin_error *err)
{
    int64_t id = 0;
    AKIN_TRY(akin_label_windows(db, &window_id, 1, annotation, &id, err));
    *added = id != 0;
    return AKIN_OK;
}

akin_status akin_unlabel(akin_db *db, int64_t annotation_id, bool *removed,
                         akin_error *err)
{
    AKIN_TRY(label_need_writer(db, err));
    pthread_mutex_lock(&db->write_mutex);
    akin_status status = store_begin(db->writer, err);
    if (status == AKIN_OK)
        status = store_remove_annotation(db->writer, annotation_id, removed,
                                         err);
    if (status == AKIN_OK) status = store_commit(db->writer, err);
    if (status != AKIN_OK) store_rollback(db->writer);
    pthread_mutex_unlock(&db->write_mutex);
    return status;
}

typedef struct label_each {
    bool (*visit)(void *user, const akin_annotation *annotation);
    void *user;
    bool stopped;
} label_each;

static akin_status label_visit(void *user, const store_annotation *a,
                               akin_error *err)
{
    (void)err;
    label_each *e = user;
    akin_annotation face = {
        .recording = a->recording,
        .start_s = a->start_s,
        .end_s = a->end_s,
        .label = a->label,
        .by = a->provenance,
        .type = (akin_label_type)a->type,
        .id = a->id,
        .recording_id = a->recording_id,
    };
    e->stopped = !e->visit(e->user, &face);
    return e->stopped ? AKIN_ECANCELLED : AKIN_OK;
}

akin_status akin_each_annotation(
    akin_db *db, bool (*visit)(void *user, const akin_annotation *annotation),
    void *user, akin_error *err)
{
    label_each e = {.visit = visit, .user = user};
    store *s;
    AKIN_TRY(database_take_store(db, &s, err));
    akin_status status = store_each_annotation(s, label_visit, &e, err);
    database_give_store(db, s);
    return e.stopped ? AKIN_OK : status;
}

akin_status akin_each_annotation_of(
    akin_db *db, int64_t recording_id,
    bool (*visit)(void *user, const akin_annotation *annotation), void *user,
    akin_error *err)
{
    label_each e = {.visit = visit, .user = user};
    store *s;
    AKIN_TRY(database_take_store(db, &s, err));
    akin_status status =
        store_each_annotation_of(s, recording_id, label_visit, &e, err);
    database_give_store(db, s);
    return e.stopped ? AKIN_OK : status;
}
