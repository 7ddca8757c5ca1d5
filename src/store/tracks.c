/* SPDX-License-Identifier: MIT
 * What both back-ends of tracks.h share: checks of what comes in, the
 * transaction around a change, the order of what goes out. */
#include "store/tracks_int.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

/* ---- ids ---------------------------------------------------------------- */

/* A decimal number without a sign but '-', that int64_t can hold. */
static bool id_is_number(const char *text, int64_t *out)
{
    const char *digits = *text == '-' ? text + 1 : text;
    size_t n = strspn(digits, "0123456789");
    return n > 0 && digits[n] == 0 && text_to_int64(text, out);
}

tracks_id tracks_id_of(const char *name)
{
    tracks_id id = {.text = name};
    if (id_is_number(name, &id.number)) id.text = NULL;
    return id;
}

tracks_id tracks_id_stored(const char *text)
{
    char digits[24];
    tracks_id id = tracks_id_of(text);
    if (id.text || strcmp(tracks_id_text(id, digits), text) == 0) return id;
    return (tracks_id){.text = text};
}

const char *tracks_id_text(tracks_id id, char digits[24])
{
    if (id.text) return id.text;
    snprintf(digits, 24, "%lld", (long long)id.number);
    return digits;
}

bool tracks_id_equal(tracks_id a, tracks_id b)
{
    if (!a.text || !b.text) return a.text == b.text && a.number == b.number;
    return strcmp(a.text, b.text) == 0;
}

int tracks_id_compare(tracks_id a, tracks_id b)
{
    if (!a.text != !b.text) return a.text ? 1 : -1;
    if (a.text) return strcmp(a.text, b.text);
    return (a.number > b.number) - (a.number < b.number);
}

static size_t count_chars(const char *text)
{
    size_t n = 0;
    for (; *text; text++) n += (*text & 0xc0) != 0x80;
    return n;
}

static akin_status check_id(tracks_id id, akin_error *err)
{
    if (!id.text) return AKIN_OK;
    if (!*id.text)
        return AKIN_FAIL(err, AKIN_EUSAGE, "a track id is empty");
    if (!text_is_utf8(id.text, strlen(id.text)))
        return AKIN_FAIL(err, AKIN_EUSAGE, "track id '%s' is not UTF-8",
                         id.text);
    if (count_chars(id.text) > TRACKS_MAX_ID_CHARS)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "track id '%s' has more than %d characters", id.text,
                         TRACKS_MAX_ID_CHARS);
    return AKIN_OK;
}

static akin_status check_rows(const tracks_row *rows, size_t n,
                              akin_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (rows[i].vector_id < 0)
            return AKIN_FAIL(err, AKIN_EUSAGE, "vector id %lld is negative",
                             (long long)rows[i].vector_id);
        AKIN_TRY(check_id(rows[i].track, err));
    }
    return AKIN_OK;
}

static akin_status check_table(const tracks_table *table, akin_error *err)
{
    const char *type = table->index_type;
    if (!text_is_utf8(type, strlen(type)) ||
        count_chars(type) > TRACKS_MAX_TYPE_CHARS)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "index type '%.100s' is not UTF-8 or has more than "
                         "%d characters",
                         type, TRACKS_MAX_TYPE_CHARS);
    return check_rows(table->rows, table->n, err);
}

/* A database would turn 'a7' into 0, or keep a text among numbers. */
static akin_status check_kind(const tracks *t, const tracks_row *rows,
                              size_t n, akin_error *err)
{
    for (size_t i = 0; i < n && t->kind == TRACKS_NUMBERS; i++)
        if (rows[i].track.text)
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "track id '%s' is no number, but those in "
                             "'vector_metadata' are; make the table anew with "
                             "'akin create' to have texts",
                             rows[i].track.text);
    return AKIN_OK;
}

/* ---- transactions ------------------------------------------------------- */

akin_status tracks_open(const vector_database *db, tracks_mode mode,
                        tracks **out, akin_error *err)
{
    *out = NULL;
    if (db->engine == VECTOR_SQLITE)
        return tracks_open_sqlite(db, mode, out, err);
    return tracks_open_mariadb(db, mode, out, err);
}

void tracks_close(tracks *t)
{
    if (!t) return;
    tracks_rollback(t);
    t->verbs->close(t);
}

const char *tracks_server(const tracks *t) { return t->server; }

akin_status tracks_begin(tracks *t, akin_error *err)
{
    assert(!t->in_transaction);
    AKIN_TRY(t->verbs->begin(t, err));
    t->in_transaction = true;
    t->spoilt = false;
    return AKIN_OK;
}

akin_status tracks_commit(tracks *t, akin_error *err)
{
    assert(t->in_transaction);
    if (t->spoilt) {
        tracks_rollback(t);
        return AKIN_FAIL(err, AKIN_EDB,
                         "an earlier change to '%s' failed, so none of this "
                         "transaction is kept",
                         t->db->database);
    }
    akin_status status = t->verbs->commit(t, err);
    if (status != AKIN_OK) t->verbs->rollback(t);
    t->in_transaction = false;
    return status;
}

void tracks_rollback(tracks *t)
{
    if (t->in_transaction) t->verbs->rollback(t);
    t->in_transaction = false;
}

static akin_status check_writable(const tracks *t, akin_error *err)
{
    if (t->mode == TRACKS_WRITE) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' was opened for reading only",
                     t->db->database);
}

static akin_status find_kind(tracks *t, akin_error *err)
{
    AKIN_TRY(t->verbs->kind_of(t, "vector_metadata", &t->kind, err));
    if (t->kind != TRACKS_NO_TABLE) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOTFOUND,
                     "there is no table 'vector_metadata' in '%s'; make it "
                     "with 'akin create'",
                     t->db->database);
}

/* Begins a transaction for one verb unless there is one. */
static akin_status change_begin(tracks *t, bool *own, akin_error *err)
{
    *own = false;
    AKIN_TRY(check_writable(t, err));
    if (t->in_transaction) return AKIN_OK;
    AKIN_TRY(tracks_begin(t, err));
    *own = true;
    return AKIN_OK;
}

static akin_status change_end(tracks *t, bool own, akin_status status,
                              akin_error *err)
{
    if (status != AKIN_OK) t->spoilt = true;
    if (!own) return status;
    if (status == AKIN_OK) return tracks_commit(t, err);
    tracks_rollback(t);
    return status;
}

/* ---- the journal -------------------------------------------------------- */

akin_status tracks_get_state(tracks *t, const char *name, char **value,
                             akin_error *err)
{
    *value = NULL;
    return t->verbs->get_state(t, name, value, err);
}

akin_status tracks_set_state(tracks *t, const char *name, const char *value,
                             akin_error *err)
{
    bool own;
    AKIN_TRY(change_begin(t, &own, err));
    akin_status status = t->verbs->set_state(t, name, value, err);
    return change_end(t, own, status, err);
}

/* ---- changes ------------------------------------------------------------ */

akin_status tracks_replace(tracks *t, const tracks_table *table,
                           const tracks_replace_options *options,
                           akin_error *err)
{
    static const tracks_replace_options none = {0};
    assert(!t->in_transaction);
    AKIN_TRY(check_writable(t, err));
    AKIN_TRY(check_table(table, err));
    t->kind = TRACKS_NUMBERS;
    for (size_t i = 0; i < table->n; i++)
        if (table->rows[i].track.text) t->kind = TRACKS_TEXTS;
    return t->verbs->replace(t, table, options ? options : &none, err);
}

static size_t chunk(size_t n, size_t at)
{
    return n - at < TRACKS_CHUNK ? n - at : TRACKS_CHUNK;
}

/* A foreign table may be without a key on vector_id. */
static akin_status check_new(tracks *t, const tracks_row *rows, size_t n,
                             akin_error *err)
{
    int64_t ids[TRACKS_CHUNK];
    akin_status status = AKIN_OK;
    for (size_t at = 0; at < n && status == AKIN_OK; at += TRACKS_CHUNK) {
        tracks_list there = {0};
        for (size_t i = 0; i < chunk(n, at); i++)
            ids[i] = rows[at + i].vector_id;
        status = t->verbs->get(t, ids, chunk(n, at), &there, err);
        if (status == AKIN_OK && there.n > 0)
            status = AKIN_FAIL(err, AKIN_EEXISTS,
                               "vector %lld is in 'vector_metadata' already",
                               (long long)there.rows[0].vector_id);
        tracks_list_clear(&there);
    }
    return status;
}

akin_status tracks_add(tracks *t, const tracks_table *added, akin_error *err)
{
    bool own;
    AKIN_TRY(check_table(added, err));
    AKIN_TRY(change_begin(t, &own, err));
    akin_status status = find_kind(t, err);
    if (status == AKIN_OK) status = check_kind(t, added->rows, added->n, err);
    if (status == AKIN_OK) status = check_new(t, added->rows, added->n, err);
    if (status == AKIN_OK && added->n > 0)
        status = t->verbs->add(t, added, err);
    return change_end(t, own, status, err);
}

static akin_status update_rows(tracks *t, const tracks_row *rows, size_t n,
                               akin_error *err)
{
    AKIN_TRY(find_kind(t, err));
    AKIN_TRY(check_kind(t, rows, n, err));
    for (size_t i = 0; i < n; i++) {
        size_t n_changed;
        AKIN_TRY(t->verbs->update(t, &rows[i], &n_changed, err));
        if (n_changed == 0)
            return AKIN_FAIL(err, AKIN_ENOTFOUND,
                             "there is no vector %lld in 'vector_metadata'",
                             (long long)rows[i].vector_id);
    }
    return AKIN_OK;
}

akin_status tracks_update(tracks *t, const tracks_row *rows, size_t n,
                          akin_error *err)
{
    bool own;
    AKIN_TRY(check_rows(rows, n, err));
    AKIN_TRY(change_begin(t, &own, err));
    return change_end(t, own, update_rows(t, rows, n, err), err);
}

akin_status tracks_remove_vectors(tracks *t, const int64_t *vector_ids,
                                  size_t n, size_t *n_removed, akin_error *err)
{
    bool own;
    size_t part;
    *n_removed = 0;
    AKIN_TRY(change_begin(t, &own, err));
    akin_status status = find_kind(t, err);
    for (size_t at = 0; at < n && status == AKIN_OK; at += TRACKS_CHUNK) {
        status = t->verbs->remove_vectors(t, vector_ids + at, chunk(n, at),
                                          &part, err);
        if (status == AKIN_OK) *n_removed += part;
    }
    return change_end(t, own, status, err);
}

akin_status tracks_remove_tracks(tracks *t, const tracks_id *ids, size_t n,
                                 size_t *n_removed, akin_error *err)
{
    bool own;
    size_t part;
    *n_removed = 0;
    AKIN_TRY(change_begin(t, &own, err));
    akin_status status = find_kind(t, err);
    for (size_t at = 0; at < n && status == AKIN_OK; at += TRACKS_CHUNK) {
        status = t->verbs->remove_tracks(t, ids + at, chunk(n, at), &part,
                                         err);
        if (status == AKIN_OK) *n_removed += part;
    }
    return change_end(t, own, status, err);
}

/* ---- reads -------------------------------------------------------------- */

akin_status tracks_list_add(tracks_list *list, const tracks_row *row,
                            akin_error *err)
{
    void *p = list->rows;
    char *text = mem_strdup(row->track.text);
    if (row->track.text && !text)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a track id");
    akin_status status = mem_grow(&p, &list->cap, list->n + 1,
                                  sizeof *list->rows, TRACKS_MAX_ROWS, err);
    list->rows = p;
    if (status != AKIN_OK) {
        mem_free(text);
        return status;
    }
    list->rows[list->n] = *row;
    list->rows[list->n++].track.text = text;
    return AKIN_OK;
}

void tracks_list_clear(tracks_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        mem_free((void *)(uintptr_t)list->rows[i].track.text);
    mem_free(list->rows);
    mem_free(list->found);
    *list = (tracks_list){0};
}

akin_status tracks_count(tracks *t, size_t *out, akin_error *err)
{
    *out = 0;
    AKIN_TRY(find_kind(t, err));
    return t->verbs->count(t, out, err);
}

akin_status tracks_find(tracks *t, tracks_id id, tracks_list *out,
                        akin_error *err)
{
    *out = (tracks_list){0};
    AKIN_TRY(find_kind(t, err));
    if (t->kind == TRACKS_NUMBERS && id.text) return AKIN_OK;
    akin_status status = t->verbs->find(t, id, out, err);
    if (status != AKIN_OK) tracks_list_clear(out);
    return status;
}

/* Fills places at and following from rows in any order; an id may be asked for
 * more than once, so texts are copied. */
static akin_status get_place(const tracks_list *from, const int64_t *vector_ids,
                             size_t n, tracks_list *out, akin_error *err)
{
    for (size_t i = 0; i < n; i++) {
        size_t k = 0;
        while (k < from->n && from->rows[k].vector_id != vector_ids[i]) k++;
        tracks_row row = {.vector_id = vector_ids[i]};
        if (k < from->n) row = from->rows[k];
        AKIN_TRY(tracks_list_add(out, &row, err));
        out->found[out->n - 1] = k < from->n;
    }
    return AKIN_OK;
}

akin_status tracks_get(tracks *t, const int64_t *vector_ids, size_t n,
                       tracks_list *out, akin_error *err)
{
    *out = (tracks_list){0};
    AKIN_TRY(find_kind(t, err));
    void *p;
    AKIN_TRY(mem_new_array(n, sizeof *out->found, "rows", &p, err));
    out->found = p;
    akin_status status = AKIN_OK;
    for (size_t at = 0; at < n && status == AKIN_OK; at += TRACKS_CHUNK) {
        tracks_list part = {0};
        status = t->verbs->get(t, vector_ids + at, chunk(n, at), &part, err);
        if (status == AKIN_OK)
            status = get_place(&part, vector_ids + at, chunk(n, at), out, err);
        tracks_list_clear(&part);
    }
    if (status != AKIN_OK) tracks_list_clear(out);
    return status;
}

akin_status tracks_each(tracks *t,
                        akin_status (*visit)(void *user, const tracks_row *row,
                                             akin_error *err),
                        void *user, akin_error *err)
{
    AKIN_TRY(find_kind(t, err));
    return t->verbs->each(t, visit, user, err);
}

/* ---- the user's tables -------------------------------------------------- */

static const struct {
    const char *table, *prefix;
} joined[] = {{"tracks", ""}, {"artists", "artists."}, {"albums", "albums."}};

enum { N_JOINED = sizeof joined / sizeof *joined };

/* What one table says of all ids: names and values as in tracks_columns. */
typedef struct join {
    const char *prefix;
    tracks_columns columns;
    size_t id_column; /* of the rows that come; left out if there is a prefix */
    tracks_ids part;  /* the ids that were asked for, from row `at` on */
    size_t at;
} join;

void tracks_columns_clear(tracks_columns *c)
{
    for (size_t i = 0; c->names && i < c->n_columns; i++) mem_free(c->names[i]);
    for (size_t i = 0; c->values && i < c->n * c->n_columns; i++)
        mem_free(c->values[i]);
    mem_free(c->names);
    mem_free(c->values);
    mem_free(c->found);
    *c = (tracks_columns){0};
}

/* Room for n_columns columns of c->n rows. */
static akin_status columns_make(tracks_columns *c, size_t n_columns,
                                akin_error *err)
{
    void *names = NULL, *values = NULL;
    size_t n_values;
    if (n_columns > TRACKS_MAX_COLUMNS || !mem_mul(c->n, n_columns, &n_values))
        return AKIN_FAIL(err, AKIN_ELIMIT, "a table has %zu columns",
                         n_columns);
    AKIN_TRY(mem_new_array(n_columns, sizeof *c->names, "column names", &names,
                           err));
    c->names = names;
    c->n_columns = n_columns;
    AKIN_TRY(mem_new_array(n_values, sizeof *c->values, "column values",
                           &values, err));
    c->values = values;
    return AKIN_OK;
}

static akin_status join_columns(void *user, const char *const *names, size_t n,
                                akin_error *err)
{
    join *j = user;
    tracks_columns *c = &j->columns;
    bool all = !*j->prefix;
    size_t id_column = 0, k = 0;
    while (id_column < n && strcasecmp(names[id_column], "track_id") != 0)
        id_column++;
    size_t n_columns = n - (all ? 0 : 1);
    if (id_column == n || (c->names && (c->n_columns != n_columns ||
                                        j->id_column != id_column)))
        return AKIN_FAIL(err, AKIN_EBUSY,
                         "a table changed while it was read; try again");
    if (c->names) return AKIN_OK;
    j->id_column = id_column;
    AKIN_TRY(columns_make(c, n_columns, err));
    for (size_t i = 0; i < n; i++) {
        if (!all && i == id_column) continue;
        c->names[k] = text_format("%s%s", j->prefix, names[i]);
        if (!c->names[k++])
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a name");
    }
    return AKIN_OK;
}

static akin_status join_put(join *j, size_t row, const char *const *values,
                            size_t n, akin_error *err)
{
    char **out = j->columns.values + row * j->columns.n_columns;
    for (size_t i = 0; i < n; i++) {
        if (*j->prefix && i == j->id_column) continue;
        *out = mem_strdup(values[i]);
        if (values[i] && !*out)
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a value");
        out++;
    }
    return AKIN_OK;
}

/* The first row of a track counts. */
static akin_status join_row(void *user, const char *const *values, size_t n,
                            akin_error *err)
{
    join *j = user;
    if (!values[j->id_column]) return AKIN_OK;
    tracks_id id = tracks_id_stored(values[j->id_column]);
    for (size_t i = 0; i < j->part.n; i++) {
        size_t row = j->at + i;
        if (j->columns.found[row] || !tracks_id_equal(id, j->part.ids[i]))
            continue;
        j->columns.found[row] = true;
        AKIN_TRY(join_put(j, row, values, n, err));
    }
    return AKIN_OK;
}

/* Leaves j without names if there is no such table. */
static akin_status join_read(tracks *t, const char *table,
                             const tracks_ids *ids, join *j, akin_error *err)
{
    const tracks_sink sink = {join_columns, join_row, j};
    tracks_kind kind;
    void *p;
    AKIN_TRY(mem_new_array(ids->n, sizeof *j->columns.found, "rows", &p, err));
    j->columns.found = p;
    j->columns.n = ids->n;
    AKIN_TRY(t->verbs->kind_of(t, table, &kind, err));
    if (kind == TRACKS_NO_TABLE) return AKIN_OK;
    for (j->at = 0; j->at < ids->n; j->at += TRACKS_CHUNK) {
        j->part = (tracks_ids){ids->ids + j->at, chunk(ids->n, j->at)};
        AKIN_TRY(t->verbs->select(t, table, kind, &j->part, &sink, err));
    }
    return AKIN_OK;
}

/* Moves what the tables say side by side. */
static akin_status join_all(join *parts, tracks_columns *out, akin_error *err)
{
    size_t n_columns = 0, at = 0;
    for (size_t k = 0; k < N_JOINED; k++)
        n_columns += parts[k].columns.n_columns;
    AKIN_TRY(columns_make(out, n_columns, err));
    for (size_t k = 0; k < N_JOINED; k++) {
        tracks_columns *c = &parts[k].columns;
        for (size_t i = 0; i < c->n_columns; i++, at++) {
            out->names[at] = c->names[i];
            c->names[i] = NULL;
            for (size_t row = 0; row < c->n; row++) {
                char **value = &c->values[row * c->n_columns + i];
                out->values[row * n_columns + at] = *value;
                *value = NULL;
            }
        }
    }
    out->found = parts[0].columns.found;
    parts[0].columns.found = NULL;
    return AKIN_OK;
}

akin_status tracks_get_columns(tracks *t, const tracks_id *ids, size_t n,
                               tracks_columns *out, akin_error *err)
{
    join parts[N_JOINED] = {0};
    const tracks_ids all = {ids, n};
    akin_status status = AKIN_OK;
    *out = (tracks_columns){.n = n};
    for (size_t k = 0; k < N_JOINED; k++) {
        parts[k].prefix = joined[k].prefix;
        AKIN_TRYG(join_read(t, joined[k].table, &all, &parts[k], err));
        if (!parts[0].columns.names) break;
    }
    AKIN_TRYG(join_all(parts, out, err));
done:
    for (size_t k = 0; k < N_JOINED; k++)
        tracks_columns_clear(&parts[k].columns);
    if (status != AKIN_OK) tracks_columns_clear(out);
    return status;
}

void tracks_put_marks(text_buf *sql, const char *head, size_t n)
{
    text_buf_puts(sql, head);
    for (size_t i = 0; i < n; i++) text_buf_puts(sql, i ? ", ?" : "(?");
    text_buf_puts(sql, ")");
}
