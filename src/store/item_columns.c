/* SPDX-License-Identifier: MIT
 * The columns of items in memory, each loaded when it is first asked for.
 *
 * A filter over a million items by SQL reads a million rows of the file, tenths
 * of a second each time; of columns in memory it reads a few bytes an item. */
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "store/items_int.h"
#include "store/where.h"

#define COLUMNS_MAX_ROWS ((int64_t)1 << 31)
#define COLUMNS_MAX_ID_BYTES ((size_t)1 << 40)

static const char MAX_ROW[] = "SELECT max(akin_row) FROM items";
/* Ids in their order come out of their index. */
static const char ROWS_BY_ID[] = "SELECT akin_row, id FROM items ORDER BY id";

static const item_field own_columns[] = {
    {"id", ITEM_TEXT},
    {"split", ITEM_TEXT},
    {"created_at", ITEM_TIME},
    {"updated_at", ITEM_TIME},
};
enum { N_OWN = sizeof own_columns / sizeof *own_columns };

struct item_columns {
    int64_t version; /* 0: nothing is loaded */
    size_t n_rows, n_items;
    uint64_t *present;
    uint32_t *rank;
    text_buf ids;     /* one behind the other, in their order */
    size_t *id_at;    /* [n_rows] into ids */
    where_table table;
};

/* Columns and where they are loaded from. */
typedef struct columns_source {
    item_columns *c;
    item_store *s;
} columns_source;

akin_status item_columns_new(item_columns **out, akin_error *err)
{
    void *c, *present;
    *out = NULL;
    AKIN_TRY(mem_new_array(1, sizeof(item_columns), "columns", &c, err));
    akin_status status =
        mem_new_array(1, sizeof(uint64_t), "columns", &present, err);
    if (status != AKIN_OK) {
        mem_free(c);
        return status;
    }
    *out = c;
    (*out)->present = present;
    return AKIN_OK;
}

void item_columns_free(item_columns *c)
{
    if (!c) return;
    where_table_clear(&c->table);
    mem_free(c->present);
    mem_free(c->rank);
    text_buf_clear(&c->ids);
    mem_free(c->id_at);
    mem_free(c);
}

size_t item_columns_rows(const item_columns *c) { return c->n_rows; }
size_t item_columns_count(const item_columns *c) { return c->n_items; }
const uint64_t *item_columns_present(const item_columns *c)
{
    return c->present;
}
const uint32_t *item_columns_rank(const item_columns *c) { return c->rank; }

const char *item_columns_id(const item_columns *c, int64_t row)
{
    if (row < 1 || (uint64_t)row > c->n_rows) return "";
    if (c->rank[row - 1] == UINT32_MAX) return "";
    return c->ids.data + c->id_at[row - 1];
}

/* ---- rows and ranks ----------------------------------------------------- */

static akin_status columns_max_row(item_store *s, size_t *out, akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool row = false;
    akin_status status = store_ask(s->db, MAX_ROW, STORE_NO_VALUES, &q, err);
    if (status == AKIN_OK)
        status = store_step(s->db, q, "read the items", &row, err);
    int64_t n = row ? sqlite3_column_int64(q, 0) : 0;
    store_release(q);
    AKIN_TRY(status);
    *out = (size_t)n;
    if (n >= 0 && n < COLUMNS_MAX_ROWS) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ELIMIT, "'%s' has an item with row number %lld",
                     s->db->path, (long long)n);
}

static akin_status columns_read_rows(item_columns *fresh, item_store *s,
                                     akin_error *err)
{
    sqlite3_stmt *q = NULL;
    bool more;
    akin_status status = AKIN_OK;
    AKIN_TRYG(store_ask(s->db, ROWS_BY_ID, STORE_NO_VALUES, &q, err));
    for (;;) {
        AKIN_TRYG(store_step(s->db, q, "read the ids", &more, err));
        if (!more) break;
        int64_t row = sqlite3_column_int64(q, 0) - 1;
        if (row < 0 || row >= (int64_t)fresh->n_rows) continue;
        fresh->present[row / 64] |= (uint64_t)1 << row % 64;
        fresh->rank[row] = (uint32_t)fresh->n_items++;
        const char *id = (const char *)sqlite3_column_text(q, 1);
        fresh->id_at[row] = fresh->ids.n;
        text_buf_put(&fresh->ids, id ? id : "", id ? strlen(id) + 1 : 1);
    }
    if (fresh->ids.status != AKIN_OK)
        status = AKIN_FAIL(err, fresh->ids.status, "out of memory for ids");
done:
    store_release(q);
    return status;
}

static akin_status columns_fill(item_columns *fresh, item_store *s,
                                akin_error *err)
{
    void *p;
    AKIN_TRY(items_version(s, &fresh->version, err));
    AKIN_TRY(columns_max_row(s, &fresh->n_rows, err));
    AKIN_TRY(mem_new_array(fresh->n_rows / 64 + 1, sizeof *fresh->present,
                           "columns", &p, err));
    fresh->present = p;
    AKIN_TRY(
        mem_new_array(fresh->n_rows, sizeof *fresh->rank, "columns", &p, err));
    fresh->rank = p;
    memset(p, 0xff, fresh->n_rows * sizeof *fresh->rank);
    AKIN_TRY(mem_new_array(fresh->n_rows, sizeof *fresh->id_at, "columns", &p,
                           err));
    fresh->id_at = p;
    text_buf_init(&fresh->ids, COLUMNS_MAX_ID_BYTES);
    where_table_init(&fresh->table, fresh->n_rows);
    return columns_read_rows(fresh, s, err);
}

/* What is read is of one moment: that of a transaction of its own, unless one
 * is open. */
akin_status item_columns_refresh(item_columns *c, item_store *s,
                                 akin_error *err)
{
    int64_t version;
    AKIN_TRY(items_version(s, &version, err));
    if (version == c->version) return AKIN_OK;
    item_columns fresh = {.version = 0};
    bool own = s->db->transaction == STORE_IDLE;
    if (own) AKIN_TRY(store_begin_read(s->db, err));
    akin_status status = columns_fill(&fresh, s, err);
    if (own) store_end_read(s->db);
    /* What is not committed may be taken back under the same number. */
    if (s->db->transaction == STORE_WRITING) fresh.version = 0;
    if (status == AKIN_OK) {
        item_columns old = *c;
        *c = fresh;
        fresh = old;
    }
    where_table_clear(&fresh.table);
    mem_free(fresh.present);
    mem_free(fresh.rank);
    text_buf_clear(&fresh.ids);
    mem_free(fresh.id_at);
    return status;
}

/* ---- columns ------------------------------------------------------------ */

static const item_field *columns_field(void *user, size_t i)
{
    const columns_source *source = user;
    if (i < N_OWN) return &own_columns[i];
    return i - N_OWN < source->s->n_fields ? &source->s->fields[i - N_OWN]
                                           : NULL;
}

static const char *columns_name(void *user, size_t i)
{
    const item_field *field = columns_field(user, i);
    return field ? field->name : NULL;
}

static akin_status column_put(where_column *c, sqlite3_stmt *q, akin_error *err)
{
    item_value value;
    int64_t row = sqlite3_column_int64(q, 0) - 1;
    /* Rows that came since the last refresh have no place. */
    if (row < 0 || row >= (int64_t)c->n_rows) return AKIN_OK;
    AKIN_TRY(items_take_value(q, 1, c->kind, &value, err));
    if (value.null) return AKIN_OK;
    if (c->kind == ITEM_TEXT)
        return where_put_text(c, (size_t)row, value.text, err);
    if (c->kind == ITEM_NUMBER)
        where_put_number(c, (size_t)row, value.number);
    else
        where_put_integer(c, (size_t)row, value.integer);
    return AKIN_OK;
}

static akin_status column_read(where_column *c, item_store *s,
                               const item_field *field, akin_error *err)
{
    text_buf sql;
    sqlite3_stmt *q = NULL;
    bool more;
    akin_status status = AKIN_OK;
    text_buf_init(&sql, ITEMS_MAX_SQL_BYTES);
    text_buf_puts(&sql, "SELECT akin_row, ");
    items_put_name(&sql, field->name);
    text_buf_puts(&sql, " FROM items ORDER BY akin_row");
    AKIN_TRYG(items_prepare(s, &sql, &q, err));
    for (;;) {
        AKIN_TRYG(store_step(s->db, q, "read a column", &more, err));
        if (!more) break;
        AKIN_TRYG(column_put(c, q, err));
    }
done:
    sqlite3_finalize(q);
    return status;
}

static akin_status columns_load(columns_source *source, const item_field *field,
                                const where_column **out, akin_error *err)
{
    where_column *c;
    where_table *t = &source->c->table;
    AKIN_TRY(where_table_add(t, field->name, field->kind, &c, err));
    akin_status status = column_read(c, source->s, field, err);
    if (status == AKIN_OK)
        *out = c;
    else
        where_table_drop_last(t);
    return status;
}

static akin_status columns_find(void *user, const char *name,
                                const where_column **out, akin_error *err)
{
    columns_source *source = user;
    const item_field *field;
    *out = where_table_find(&source->c->table, name);
    for (size_t i = 0; !*out && (field = columns_field(user, i)); i++)
        if (strcasecmp(field->name, name) == 0)
            return columns_load(source, field, out, err);
    return AKIN_OK;
}

static where_source columns_where_source(columns_source *source)
{
    return (where_source){.n_rows = source->c->n_rows,
                          .find = columns_find,
                          .name = columns_name,
                          .user = source};
}

/* ---- asking ------------------------------------------------------------- */

akin_status item_columns_where(item_columns *c, item_store *s,
                               const char *expression, uint64_t **out,
                               akin_error *err)
{
    columns_source user = {.c = c, .s = s};
    const where_source source = columns_where_source(&user);
    AKIN_TRY(where_ask(expression, &source, out, err));
    for (size_t i = 0; i <= c->n_rows / 64; i++) (*out)[i] &= c->present[i];
    return AKIN_OK;
}

akin_status item_columns_sort(item_columns *c, item_store *s,
                              const uint64_t *of, const char *column,
                              bool descending, int64_t **out, size_t *n,
                              akin_error *err)
{
    columns_source user = {.c = c, .s = s};
    const where_source source = columns_where_source(&user);
    where_order order = {
        .of = of, .n_rows = c->n_rows, .descending = descending, .first = 1};
    *out = NULL;
    *n = 0;
    if (strcasecmp(column, "id") == 0) {
        order.rank = c->rank;
        return where_sort(&order, out, n, err);
    }
    AKIN_TRY(where_column_of(&source, column, &order.column, err));
    return where_sort(&order, out, n, err);
}
