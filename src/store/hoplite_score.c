/* SPDX-License-Identifier: MIT
 * Scores of a model's classes, kept with windows in tables of akin's own. They
 * are what a model said, not annotations, which are what somebody means. */
#include "base/memory.h"
#include "store/store_int.h"

#define HOPLITE_MAX_SCORES ((size_t)1 << 16) /* of one window */

static const char CREATE_SCORES[] =
    "CREATE TABLE IF NOT EXISTS akin_classes ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE);"
    "CREATE TABLE IF NOT EXISTS akin_scores ("
    " window_id INTEGER NOT NULL,"
    " class_id INTEGER NOT NULL,"
    " score REAL NOT NULL,"
    " PRIMARY KEY (window_id, class_id)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS idx_akin_scores_class"
    " ON akin_scores(class_id);";

static const char ADD_CLASS[] =
    "INSERT OR IGNORE INTO main.akin_classes (name) VALUES (?1)";
static const char FIND_CLASS[] =
    "SELECT id FROM main.akin_classes WHERE name = ?1";
static const char ADD_SCORE[] =
    "INSERT OR REPLACE INTO main.akin_scores (window_id, class_id, score)"
    " VALUES (?1, ?2, ?3)";
static const char REMOVE_SCORES[] =
    "DELETE FROM main.akin_scores WHERE window_id = ?1";
static const char GET_SCORES[] =
    "SELECT c.name, s.score FROM main.akin_scores s"
    " JOIN main.akin_classes c ON c.id = s.class_id WHERE s.window_id = ?1"
    " ORDER BY s.score DESC, c.name";
static const char COUNT_SCORES[] =
    "SELECT count(*) FROM main.akin_scores"
    " WHERE window_id IN (SELECT id FROM windows)";

akin_status store_need_scores(store *s, akin_error *err)
{
    AKIN_TRY(store_may_write(s, err));
    return store_exec(s, CREATE_SCORES, "create the tables of scores", err);
}

akin_status store_ensure_class(store *s, const char *name, int64_t *id,
                               akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row;
    akin_status status = AKIN_OK;
    *id = 0;
    AKIN_TRYG(store_may_write(s, err));
    AKIN_TRYG(store_run(s, ADD_CLASS, STORE_VALUES(store_text(name)),
                        "add a class", err));
    AKIN_TRYG(store_ask(s, FIND_CLASS, STORE_VALUES(store_text(name)), &q,
                        err));
    AKIN_TRYG(store_step(s, q, "find a class", &row, err));
    if (row) *id = sqlite3_column_int64(q, 0);
done:
    store_release(q);
    return status;
}

akin_status store_add_score(store *s, int64_t window_id, int64_t class_id,
                            double score, akin_error *err)
{
    AKIN_TRY(store_may_write(s, err));
    return store_run(s, ADD_SCORE,
                     STORE_VALUES(store_integer(window_id),
                                  store_integer(class_id), store_real(score)),
                     "add a score", err);
}

akin_status hoplite_remove_scores(store *s, int64_t window_id, akin_error *err)
{
    bool found;
    AKIN_TRY(store_has_table(s, "akin_scores", &found, err));
    if (!found) return AKIN_OK;
    return store_run(s, REMOVE_SCORES, STORE_VALUES(store_integer(window_id)),
                     "remove scores", err);
}

akin_status hoplite_get_scores(store *s, store_row *out, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    size_t cap = 0;
    bool row;
    akin_status status = AKIN_OK;
    AKIN_TRYG(store_has_table(s, "akin_scores", &row, err));
    if (!row) goto done;
    AKIN_TRYG(store_ask(s, GET_SCORES,
                        STORE_VALUES(store_integer(out->window.id)), &q, err));
    for (;;) {
        AKIN_TRYG(store_step(s, q, "read scores", &row, err));
        if (!row) break;
        void *p = out->scores;
        AKIN_TRYG(mem_grow(&p, &cap, out->n_scores + 1, sizeof *out->scores,
                           HOPLITE_MAX_SCORES, err));
        out->scores = p;
        store_score *score = &out->scores[out->n_scores];
        AKIN_TRYG(store_copy_text(q, 0, &score->name, err));
        score->score = sqlite3_column_double(q, 1);
        if (score->name) out->n_scores++;
    }
done:
    store_release(q);
    return status;
}

akin_status hoplite_count_scores(store *s, int64_t *out, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row;
    akin_status status = AKIN_OK;
    *out = 0;
    AKIN_TRYG(store_has_table(s, "akin_scores", &row, err));
    if (!row) goto done;
    AKIN_TRYG(store_ask(s, COUNT_SCORES, STORE_NO_VALUES, &q, err));
    AKIN_TRYG(store_step(s, q, "count", &row, err));
    *out = sqlite3_column_int64(q, 0);
done:
    store_release(q);
    return status;
}
