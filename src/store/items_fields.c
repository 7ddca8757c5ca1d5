/* SPDX-License-Identifier: MIT
 * The user's fields: columns of the table items, listed with their kinds in
 * akin_fields. The list in memory follows the file. */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "store/items_int.h"

static const char GET_VERSION[] = "SELECT fields_version FROM akin_items";
static const char COUNT_UP[] =
    "UPDATE akin_items SET fields_version = fields_version + 1";
static const char EACH[] = "SELECT name, kind FROM akin_fields ORDER BY place";
static const char ADD[] = "INSERT INTO akin_fields VALUES (?1, ?2, ?3)";
static const char WIDEN[] = "UPDATE akin_fields SET kind = ?2 WHERE name = ?1";

/* The names that akin_fields has, and the types of columns. */
static const struct {
    const char *name, *type;
} kinds[] = {
    [ITEM_TEXT] = {"text", "TEXT"},     [ITEM_INTEGER] = {"integer", "INTEGER"},
    [ITEM_NUMBER] = {"number", "REAL"}, [ITEM_BOOL] = {"bool", "BOOLEAN"},
    [ITEM_TIME] = {"time", "INTEGER"},
};

static const char *const own_names[] = {
    "akin_row", "akin_widened", "id", "split", "created_at", "updated_at",
};

/* ---- the list in memory ------------------------------------------------- */

void items_forget_made(item_store *s)
{
    for (size_t i = 0; i < ITEMS_N_MADE; i++) {
        sqlite3_finalize(s->made[i]);
        s->made[i] = NULL;
    }
    for (size_t i = 0; i < ITEMS_MAX_FIELDS; i++) {
        sqlite3_finalize(s->set[i]);
        s->set[i] = NULL;
    }
}

static void items_cut_fields(item_store *s, size_t n)
{
    while (s->n_fields > n) {
        item_field *field = &s->fields[--s->n_fields];
        mem_free((char *)(uintptr_t)field->name);
    }
}

void items_clear_fields(item_store *s) { items_cut_fields(s, 0); }

void items_restore_fields(item_store *s)
{
    if (s->fields_version == s->before.fields_version) return;
    items_forget_made(s);
    items_cut_fields(s, s->before.n_fields);
    for (size_t i = 0; i < s->n_fields; i++)
        s->fields[i].kind = s->before.kinds[i];
    s->fields_version = s->before.fields_version;
}

static akin_status items_list_field(item_store *s, const char *name,
                                    item_kind kind, akin_error *err)
{
    void *fields = s->fields;
    AKIN_TRY(mem_grow(&fields, &s->cap_fields, s->n_fields + 1,
                      sizeof *s->fields, ITEMS_MAX_FIELDS, err));
    s->fields = fields;
    char *copy = mem_strdup(name);
    if (!copy) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a field");
    s->fields[s->n_fields++] = (item_field){.name = copy, .kind = kind};
    return AKIN_OK;
}

static akin_status items_read_field(item_store *s, sqlite3_stmt *q,
                                    akin_error *err)
{
    const char *name = (const char *)sqlite3_column_text(q, 0);
    const char *kind = (const char *)sqlite3_column_text(q, 1);
    if (!name || !kind)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a field");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kind, kinds[i].name) == 0)
            return items_list_field(s, name, (item_kind)i, err);
    return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s': the field '%s' is of kind '%s'",
                     s->db->path, name, kind);
}

static akin_status items_read_fields(item_store *s, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = true;
    items_forget_made(s);
    items_clear_fields(s);
    akin_status status = store_ask(s->db, EACH, STORE_NO_VALUES, &q, err);
    while (status == AKIN_OK) {
        status = store_step(s->db, q, "read the fields", &row, err);
        if (status != AKIN_OK || !row) break;
        status = items_read_field(s, q, err);
    }
    store_release(q);
    return status;
}

akin_status items_sync_fields(item_store *s, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = false;
    akin_status status =
        store_ask(s->db, GET_VERSION, STORE_NO_VALUES, &q, err);
    if (status == AKIN_OK)
        status = store_step(s->db, q, "read the fields", &row, err);
    int64_t version = row ? sqlite3_column_int64(q, 0) : 0;
    store_release(q);
    if (status != AKIN_OK || version == s->fields_version) return status;
    s->fields_version = 0;
    AKIN_TRY(items_read_fields(s, err));
    s->fields_version = version;
    return AKIN_OK;
}

const item_field *items_fields(const item_store *s, size_t *n)
{
    *n = s->n_fields;
    return s->fields;
}

/* ---- changes ------------------------------------------------------------ */

void items_put_name(text_buf *sql, const char *name)
{
    text_buf_puts(sql, "\"");
    for (const char *c = name; *c; c++) {
        if (*c == '"') text_buf_puts(sql, "\"");
        text_buf_put(sql, c, 1);
    }
    text_buf_puts(sql, "\"");
}

static akin_status items_check_name(const item_store *s, const char *name,
                                    akin_error *err)
{
    size_t n = strlen(name);
    if (n == 0 || n > ITEMS_MAX_NAME_BYTES || !text_is_utf8(name, n))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "a field's name must be 1 to %d bytes of UTF-8, not "
                         "'%.80s'",
                         ITEMS_MAX_NAME_BYTES, name);
    for (size_t i = 0; i < sizeof own_names / sizeof *own_names; i++)
        if (strcasecmp(name, own_names[i]) == 0)
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "a field cannot be named '%s': items have a "
                             "column of that name",
                             name);
    for (size_t i = 0; i < s->n_fields; i++)
        if (strcasecmp(name, s->fields[i].name) == 0)
            return AKIN_FAIL(err, AKIN_EEXISTS, "there is a field '%s' already",
                             s->fields[i].name);
    return AKIN_OK;
}

/* Several statements that are made together or not at all. */
static akin_status items_alter(item_store *s, text_buf *sql, akin_error *err)
{
    if (sql->status != AKIN_OK)
        return AKIN_FAIL(err, sql->status, "no room for a statement");
    items_forget_made(s);
    AKIN_TRY(store_exec(s->db, "SAVEPOINT akin_fields", "change a field", err));
    akin_status status = store_exec(s->db, sql->data, "change a field", err);
    if (status == AKIN_OK)
        return store_exec(s->db, "RELEASE akin_fields", "change a field", err);
    if (sqlite3_exec(s->db->db, "ROLLBACK TO akin_fields; RELEASE akin_fields",
                     NULL, NULL, NULL) != SQLITE_OK)
        s->db->spoilt = true;
    return status;
}

static akin_status items_list_in_file(item_store *s, const char *sql,
                                      const store_value *values,
                                      size_t n_values, akin_error *err)
{
    akin_status status =
        store_run(s->db, sql, values, n_values, "change a field", err);
    if (status == AKIN_OK)
        status =
            store_run(s->db, COUNT_UP, STORE_NO_VALUES, "change a field", err);
    /* The column is changed already. */
    if (status != AKIN_OK) s->db->spoilt = true;
    return status;
}

static akin_status items_add_column(item_store *s, const item_field *field,
                                    akin_error *err)
{
    text_buf sql;
    text_buf_init(&sql, ITEMS_MAX_SQL_BYTES);
    text_buf_puts(&sql, "ALTER TABLE items ADD COLUMN ");
    items_put_name(&sql, field->name);
    text_buf_printf(&sql, " %s", kinds[field->kind].type);
    akin_status status = items_alter(s, &sql, err);
    text_buf_clear(&sql);
    AKIN_TRY(status);
    return items_list_in_file(s, ADD,
                              STORE_VALUES(store_integer((int64_t)s->n_fields),
                                           store_text(field->name),
                                           store_text(kinds[field->kind].name)),
                              err);
}

static akin_status items_add_here(item_store *s, const item_field *field,
                                  akin_error *err)
{
    AKIN_TRY(items_check_name(s, field->name, err));
    if (s->n_fields == ITEMS_MAX_FIELDS)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "no room for the field '%s': items have %d fields "
                         "already",
                         field->name, ITEMS_MAX_FIELDS);
    AKIN_TRY(items_list_field(s, field->name, field->kind, err));
    s->n_fields--; /* it is in the list once it is in the file */
    akin_status status = items_add_column(s, field, err);
    s->n_fields++;
    if (status == AKIN_OK)
        s->fields_version++;
    else
        items_cut_fields(s, s->n_fields - 1);
    return status;
}

akin_status items_add_field(item_store *s, const item_field *field,
                            akin_error *err)
{
    bool own;
    AKIN_TRY(items_enter(s, &own, err));
    return items_leave(s, own, items_add_here(s, field, err), err);
}

/* SQLite cannot change a column's type: a new column takes its place. */
static void items_put_widening(text_buf *sql, const item_field *field,
                               item_kind kind)
{
    text_buf_printf(sql,
                    "ALTER TABLE items ADD COLUMN akin_widened %s;"
                    "UPDATE items SET akin_widened = ",
                    kinds[kind].type);
    text_buf_puts(sql, kind == ITEM_TEXT ? "akin_field_text(" : "CAST(");
    items_put_name(sql, field->name);
    if (kind == ITEM_TEXT)
        text_buf_printf(sql, ", %d);", (int)field->kind);
    else
        text_buf_printf(sql, " AS %s);", kinds[kind].type);
    text_buf_puts(sql, "ALTER TABLE items DROP COLUMN ");
    items_put_name(sql, field->name);
    text_buf_puts(sql, ";ALTER TABLE items RENAME COLUMN akin_widened TO ");
    items_put_name(sql, field->name);
}

static akin_status items_widen_here(item_store *s, size_t i, item_kind kind,
                                    akin_error *err)
{
    text_buf sql;
    item_field *field = &s->fields[i];
    if (field->kind == kind) return AKIN_OK;
    if (kind != ITEM_TEXT &&
        !(kind == ITEM_NUMBER && field->kind == ITEM_INTEGER))
        return AKIN_FAIL(
            err, AKIN_EUSAGE, "the field '%s' cannot become %s: it is %s",
            field->name, kinds[kind].name, kinds[field->kind].name);
    text_buf_init(&sql, ITEMS_MAX_SQL_BYTES);
    items_put_widening(&sql, field, kind);
    akin_status status = items_alter(s, &sql, err);
    text_buf_clear(&sql);
    AKIN_TRY(status);
    AKIN_TRY(items_list_in_file(
        s, WIDEN,
        STORE_VALUES(store_text(field->name), store_text(kinds[kind].name)),
        err));
    field->kind = kind;
    s->fields_version++;
    return AKIN_OK;
}

akin_status items_widen_field(item_store *s, size_t field, item_kind kind,
                              akin_error *err)
{
    bool own;
    AKIN_TRY(items_enter(s, &own, err));
    assert(field < s->n_fields);
    return items_leave(s, own, items_widen_here(s, field, kind, err), err);
}

/* ---- values as texts ---------------------------------------------------- */

static void items_field_text(sqlite3_context *context, int n,
                             sqlite3_value **values)
{
    char time[ITEMS_TIME_BYTES], number[32];
    const char *text;
    int64_t value = sqlite3_value_int64(values[0]);
    (void)n;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
    switch (sqlite3_value_int(values[1])) {
    case ITEM_NUMBER:
        text_from_double(sqlite3_value_double(values[0]), number);
        text = number;
        break;
    case ITEM_TIME:
        items_format_time(value, time);
        text = time;
        break;
    case ITEM_BOOL: text = value ? "true" : "false"; break;
    default: sqlite3_result_value(context, values[0]); return;
    }
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

akin_status items_add_functions(item_store *s, akin_error *err)
{
    if (sqlite3_create_function_v2(
            s->db->db, "akin_field_text", 2,
            SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, NULL,
            items_field_text, NULL, NULL, NULL) == SQLITE_OK)
        return AKIN_OK;
    return store_fail(s->db, "open the database", err);
}
