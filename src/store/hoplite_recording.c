/* SPDX-License-Identifier: MIT
 * Recordings as somebody browses them: by name, with what they hold.
 *
 * The page is cut out first and counted then: counting windows for a page costs
 * little, for all recordings it would be a look at every window. */
#include "store/store_int.h"

/* ?1 is used here so that all statements take the same values. */
#define NAMED                                                                  \
    " WHERE ?1 = 0 AND (?2 IS NULL OR"                                         \
    " instr(lower(replace(filename, '\\', '/')), lower(?2)) > 0)"
#define ONE " WHERE id = ?1 AND ?2 IS NULL"

static const char COUNT_NAMED[] = "SELECT count(*) FROM recordings" NAMED;
static const char COUNT_ONE[] = "SELECT count(*) FROM recordings" ONE;

/* wanted: one of the above; duration: how long a file lasts, where akin has noted
 * that. */
#define PAGE(wanted, duration)                                                         \
    "SELECT r.id, replace(r.filename, '\\', '/'), r.datetime, d.name,"         \
    " d.project, " duration ","                                                \
    " (SELECT count(*) FROM windows w WHERE w.recording_id = r.id),"           \
    " (SELECT count(*) FROM annotations a WHERE a.recording_id = r.id)"        \
    " FROM (SELECT id FROM recordings" wanted                                  \
    " ORDER BY replace(filename, '\\', '/'), id LIMIT ?3 OFFSET ?4) p"         \
    " JOIN recordings r ON r.id = p.id"                                        \
    " LEFT JOIN deployments d ON d.id = r.deployment_id"                       \
    " ORDER BY replace(r.filename, '\\', '/'), r.id"

#define NOTED                                                                  \
    "ifnull((SELECT f.duration_s FROM main.akin_files f"                       \
    " WHERE f.recording_id = r.id), 0)"

/* [only one][noted] */
static const char PAGE_NAMED[] = PAGE(NAMED, "0.0");
static const char PAGE_NAMED_NOTED[] = PAGE(NAMED, NOTED);
static const char PAGE_ONE[] = PAGE(ONE, "0.0");
static const char PAGE_ONE_NOTED[] = PAGE(ONE, NOTED);
static const char *const pages[2][2] = {{PAGE_NAMED, PAGE_NAMED_NOTED},
                                        {PAGE_ONE, PAGE_ONE_NOTED}};

static const char *text_or_null(sqlite3_stmt *q, int column)
{
    return (const char *)sqlite3_column_text(q, column);
}

akin_status store_count_recordings(store *s, const store_recording_query *query,
                                   size_t *out, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = false;
    akin_status status = AKIN_OK;
    *out = 0;
    AKIN_TRYG(store_ask(s, query->id ? COUNT_ONE : COUNT_NAMED,
                        STORE_VALUES(store_integer(query->id),
                                     store_text(query->match)),
                        &q, err));
    AKIN_TRYG(store_step(s, q, "count recordings", &row, err));
    if (row) *out = (size_t)sqlite3_column_int64(q, 0);
done:
    store_release(q);
    return status;
}

akin_status store_each_recording(store *s, const store_recording_query *query,
                                 akin_status (*visit)(
                                     void *user,
                                     const store_recording *recording,
                                     akin_error *err),
                                 void *user, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row, files;
    akin_status status = AKIN_OK;
    int64_t limit = query->limit ? (int64_t)query->limit : -1;
    AKIN_TRYG(store_has_table(s, "akin_files", &files, err));
    AKIN_TRYG(store_prepare(s, pages[query->id != 0][files],
                            STORE_VALUES(store_integer(query->id),
                                         store_text(query->match),
                                         store_integer(limit),
                                         store_integer((int64_t)query->offset)),
                            &q, err));
    for (;;) {
        AKIN_TRYG(store_step(s, q, "read recordings", &row, err));
        if (!row) break;
        const char *name = text_or_null(q, 1);
        store_recording one = {
            .id = sqlite3_column_int64(q, 0), .name = name ? name : "",
            .datetime = text_or_null(q, 2), .deployment = text_or_null(q, 3),
            .project = text_or_null(q, 4),
            .duration_s = sqlite3_column_double(q, 5),
            .n_windows = sqlite3_column_int64(q, 6),
            .n_annotations = sqlite3_column_int64(q, 7)};
        AKIN_TRYG(visit(user, &one, err));
    }
done:
    sqlite3_finalize(q);
    return status;
}
