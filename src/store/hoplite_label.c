/* SPDX-License-Identifier: MIT
 * Annotations: labels on parts of recordings. */
#include <assert.h>
#include <math.h>

#include "base/memory.h"
#include "store/store_int.h"

/* The + keeps SQLite from idx_labels: a recording has fewer annotations than a
 * label has. */
static const char SAME_LABELS[] =
    "SELECT id, recording_id, offsets FROM annotations"
    " WHERE recording_id = ?1 AND +label = ?2 AND +label_type = ?3"
    " AND +provenance = ?4";
static const char ADD_LABEL[] =
    "INSERT INTO annotations"
    " (recording_id, offsets, label, label_type, provenance) "
    "VALUES (?1, ?5, ?2, ?3, ?4)";
static const char ALL_LABELS[] =
    "SELECT a.id, a.recording_id, a.offsets, a.label, a.provenance,"
    " a.label_type, r.filename FROM annotations a"
    " LEFT JOIN recordings r ON r.id = a.recording_id ORDER BY a.id";
static const char LABELS_OF[] =
    "SELECT a.id, a.recording_id, a.offsets, a.label, a.provenance,"
    " a.label_type, r.filename FROM annotations a"
    " LEFT JOIN recordings r ON r.id = a.recording_id"
    " WHERE a.recording_id = ?1 ORDER BY a.id";
static const char REMOVE_LABEL[] = "DELETE FROM annotations WHERE id = ?1";

static bool is_same_place(const store_window *there,
                          const store_annotation *wanted)
{
    return !there->imprecise &&
           fabs(there->start_s - wanted->start_s) <= STORE_SAME_OFFSET_S &&
           fabs(there->end_s - wanted->end_s) <= STORE_SAME_OFFSET_S;
}

/* values: of ADD_LABEL; SAME_LABELS takes the first four. */
static akin_status find_same(store *s, const store_annotation *wanted,
                             const store_value *values, bool *found,
                             akin_error *err)
{
    sqlite3_stmt *q = NULL;
    akin_status status = AKIN_OK;
    bool row = true;
    *found = false;
    AKIN_TRYG(store_ask(s, SAME_LABELS, values, 4, &q, err));
    while (!*found) {
        store_window there;
        AKIN_TRYG(store_step(s, q, "find an annotation", &row, err));
        if (!row) break;
        store_get_window(q, &there);
        *found = is_same_place(&there, wanted);
    }
done:
    store_release(q);
    return status;
}

akin_status store_add_annotation(store *s, const store_annotation *annotation,
                                 bool *added, akin_error *err)
{
    unsigned char offsets[STORE_OFFSETS_BYTES];
    double start = annotation->start_s, end = annotation->end_s;
    bool found;
    assert(annotation->label && annotation->provenance);
    *added = false;
    AKIN_TRY(store_may_write(s, err));
    if (!(isfinite(end) && 0 <= start && start <= end))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "an annotation cannot last from %g s to %g s", start,
                         end);
    store_put_offsets(start, end, offsets);
    const store_value values[] = {
        store_integer(annotation->recording_id), store_text(annotation->label),
        store_integer(annotation->type), store_text(annotation->provenance),
        store_blob(offsets, sizeof offsets)};
    AKIN_TRY(find_same(s, annotation, values, &found, err));
    if (found) return AKIN_OK;
    AKIN_TRY(store_run(s, ADD_LABEL, values, 5, "add an annotation", err));
    *added = true;
    return AKIN_OK;
}

/* A column as text that lives until the next step; "" for NULL. */
static akin_status borrow_text(sqlite3_stmt *q, int column, const char **out,
                               akin_error *err)
{
    bool null = sqlite3_column_type(q, column) == SQLITE_NULL;
    *out = null ? "" : (const char *)sqlite3_column_text(q, column);
    if (*out) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a text");
}

static akin_status get_annotation(sqlite3_stmt *q, store_annotation *out,
                                  akin_error *err)
{
    store_window place;
    store_get_window(q, &place);
    int64_t type = sqlite3_column_int64(q, 5);
    *out = (store_annotation){
        .id = place.id,
        .recording_id = place.recording_id,
        .start_s = place.start_s,
        .end_s = place.end_s,
        .type = type == STORE_NEGATIVE   ? STORE_NEGATIVE
                : type == STORE_POSITIVE ? STORE_POSITIVE
                                         : STORE_UNCERTAIN,
    };
    AKIN_TRY(borrow_text(q, 3, &out->label, err));
    AKIN_TRY(borrow_text(q, 6, &out->recording, err));
    return borrow_text(q, 4, &out->provenance, err);
}

akin_status store_remove_annotation(store *s, int64_t id, bool *removed,
                                    akin_error *err)
{
    *removed = false;
    AKIN_TRY(store_may_write(s, err));
    AKIN_TRY(store_run(s, REMOVE_LABEL, STORE_VALUES(store_integer(id)),
                       "remove an annotation", err));
    *removed = sqlite3_changes64(s->db) > 0;
    return AKIN_OK;
}

typedef akin_status (*label_visitor)(void *user,
                                     const store_annotation *annotation,
                                     akin_error *err);

/* Steps through a prepared statement, and ends it. */
static akin_status visit_labels(store *s, sqlite3_stmt *q, label_visitor visit,
                                void *user, akin_error *err)
{
    bool row;
    akin_status status = AKIN_OK;
    for (;;) {
        store_annotation annotation;
        AKIN_TRYG(store_step(s, q, "read annotations", &row, err));
        if (!row) break;
        AKIN_TRYG(get_annotation(q, &annotation, err));
        AKIN_TRYG(visit(user, &annotation, err));
    }
done:
    sqlite3_finalize(q);
    return status;
}

akin_status store_each_annotation(store *s, label_visitor visit, void *user,
                                  akin_error *err)
{
    sqlite3_stmt *q = NULL;
    AKIN_TRY(store_prepare(s, ALL_LABELS, STORE_NO_VALUES, &q, err));
    return visit_labels(s, q, visit, user, err);
}

akin_status store_each_annotation_of(store *s, int64_t recording_id,
                                     label_visitor visit, void *user,
                                     akin_error *err)
{
    sqlite3_stmt *q = NULL;
    AKIN_TRY(store_prepare(s, LABELS_OF,
                           STORE_VALUES(store_integer(recording_id)), &q, err));
    return visit_labels(s, q, visit, user, err);
}

int64_t store_last_id(const store *s)
{
    return sqlite3_last_insert_rowid(s->db);
}
