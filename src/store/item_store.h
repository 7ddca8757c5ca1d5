/* SPDX-License-Identifier: MIT
 * The rows of a dataset: items with fields of the user's own, and views, in
 * items.sqlite; and its columns in memory, by which `where` is answered.
 *
 * An item has a row number (SQLite's rowid, from 1, never used again) and an id
 * (a short text); a view as well. Sets of items are bitmaps over row numbers.
 * An item_store belongs to one thread at a time; item_columns that were loaded
 * may be read by any. */
#ifndef STORE_ITEM_STORE_H
#define STORE_ITEM_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { ITEMS_ID_CHARS = 22, ITEMS_MAX_ID_BYTES = 255, ITEMS_MAX_FIELDS = 500 };

typedef enum item_kind { /* of a field's values */
    ITEM_TEXT,
    ITEM_INTEGER,
    ITEM_NUMBER,
    ITEM_BOOL,
    ITEM_TIME, /* microseconds since 1970, UTC */
} item_kind;

typedef struct item_field {
    const char *name;
    item_kind kind;
} item_field;

/* One value; `null` sets the others aside. */
typedef struct item_value {
    bool null;
    int64_t integer; /* ITEM_INTEGER, ITEM_BOOL, ITEM_TIME */
    double number;
    const char *text;
} item_value;

typedef struct item_row {
    int64_t row;             /* 0: a new one */
    const char *id;
    const char *split;
    int64_t created_us, updated_us;
    const item_value *values; /* [n_fields], in the order of the fields */
} item_row;

typedef struct view_row {
    int64_t row;       /* 0: a new one */
    int64_t item;      /* row number */
    const char *id;
    const char *item_id; /* given back only */
    const char *name;  /* the view table: "image" */
    const char *url;   /* relative to the media folder */
    int64_t created_us, updated_us;
    int64_t width, height; /* 0: not known */
    const char *format;    /* "JPEG"; "" if not known */
    int64_t size_bytes, mtime_ns; /* of the file when it was last looked at */
} view_row;

typedef struct item_store item_store;

typedef enum items_mode { ITEMS_READ, ITEMS_WRITE, ITEMS_CREATE } items_mode;

/* ITEMS_CREATE makes the file if there is none. Waits up to busy_s for other
 * writers. AKIN_ENOTFOUND, AKIN_ECORRUPT, AKIN_EUNSUPPORTED (another program's
 * database), AKIN_EVERSION, AKIN_EDB. */
akin_status items_open(const char *path, items_mode mode, double busy_s,
                       item_store **out, akin_error *err) AKIN_NODISCARD;
void items_close(item_store *s); /* rolls back what is open */

/* Changes outside of these are a transaction each. On a store opened for
 * reading they fix what is read: all of it is of one moment, until the
 * commit. */
akin_status items_begin(item_store *s, akin_error *err) AKIN_NODISCARD;
akin_status items_commit(item_store *s, akin_error *err) AKIN_NODISCARD;
void items_rollback(item_store *s);

/* Counts commits with a change, of whichever process; the same number through
 * every store of a file. Also takes notice of fields that others have added. */
akin_status items_version(item_store *s, int64_t *out, akin_error *err)
    AKIN_NODISCARD;

/* Texts by name, such as the media folder; *out is owned (mem_free), NULL if
 * there is none. A value of NULL removes it. */
akin_status items_get_text(item_store *s, const char *key, char **out,
                           akin_error *err) AKIN_NODISCARD;
akin_status items_set_text(item_store *s, const char *key, const char *value,
                           akin_error *err) AKIN_NODISCARD;

/* The user's fields in the order in which they were added; borrowed until the
 * next items_add_field, _widen_field, _begin, _commit, _rollback, _version or
 * close. */
const item_field *items_fields(const item_store *s, size_t *n);
/* AKIN_EEXISTS, AKIN_ELIMIT; names are compared without case, as SQLite does.
 * AKIN_EUSAGE for the names of an item's own columns: id, split, created_at,
 * updated_at, akin_row, akin_widened. */
akin_status items_add_field(item_store *s, const item_field *field,
                            akin_error *err) AKIN_NODISCARD;
/* Changes a kind and the values there are: integer to number, any to text
 * (true, 0.1, 2024-05-12T06:00:00). AKIN_EUSAGE: any other way. */
akin_status items_widen_field(item_store *s, size_t field, item_kind kind,
                              akin_error *err) AKIN_NODISCARD;

/* Adds (row = 0) or replaces; *row_out (may be NULL) is its number. `values`
 * NULL: all are NULL; split NULL: "default". AKIN_EEXISTS: the id is another's,
 * or the item has a view of that name and url; AKIN_ENOTFOUND: no such row or
 * item. */
akin_status items_put(item_store *s, const item_row *row, int64_t *row_out,
                      akin_error *err) AKIN_NODISCARD;
akin_status items_put_view(item_store *s, const view_row *row, int64_t *row_out,
                           akin_error *err) AKIN_NODISCARD;
/* One field of one item. */
akin_status items_set_value(item_store *s, int64_t item, size_t field,
                            const item_value *value, akin_error *err)
    AKIN_NODISCARD;
/* An item and its views. AKIN_ENOTFOUND. */
akin_status items_remove(item_store *s, int64_t item, akin_error *err)
    AKIN_NODISCARD;

/* Row numbers; *out = 0 if there is none. Of several views with one url it is
 * the first. */
akin_status items_find(item_store *s, const char *id, int64_t *out,
                       akin_error *err) AKIN_NODISCARD;
akin_status items_find_view(item_store *s, const char *id, int64_t *out,
                            akin_error *err) AKIN_NODISCARD;
akin_status items_find_url(item_store *s, const char *name, const char *url,
                           int64_t *view, akin_error *err) AKIN_NODISCARD;

/* One row; texts live until the next call on s. AKIN_ENOTFOUND. */
akin_status items_get(item_store *s, int64_t row, item_row *out,
                      akin_error *err) AKIN_NODISCARD;
akin_status items_get_view(item_store *s, int64_t row, view_row *out,
                           akin_error *err) AKIN_NODISCARD;

/* Calls visit by ascending row number; texts are borrowed during the call. What
 * visit returns, if not AKIN_OK, ends it. visit may use s, but not change its
 * fields. `name` NULL: views of all names; item 0: of all. */
akin_status items_each(item_store *s,
                       akin_status (*visit)(void *user, const item_row *row,
                                            akin_error *err),
                       void *user, akin_error *err) AKIN_NODISCARD;
akin_status items_each_view(item_store *s, const char *name, int64_t item,
                            akin_status (*visit)(void *user,
                                                 const view_row *row,
                                                 akin_error *err),
                            void *user, akin_error *err) AKIN_NODISCARD;

/* Names of view tables by name, owned (free each and the array with
 * mem_free). */
akin_status items_view_names(item_store *s, char ***out, size_t *n,
                             akin_error *err) AKIN_NODISCARD;
akin_status items_count(item_store *s, int64_t *n_items, int64_t *n_views,
                        akin_error *err) AKIN_NODISCARD;

/* A new id, as shortuuid makes them: 22 letters and digits of a random UUID
 * (version 4), of the alphabet without 0, 1, I, O and l. */
akin_status items_new_id(char out[ITEMS_ID_CHARS + 1], akin_error *err)
    AKIN_NODISCARD;

/* ISO 8601 to microseconds since 1970, UTC: a date, or a date and a time
 * (behind a T or a blank, to minutes or seconds or fractions), with a zone (Z,
 * +02, +02:00) or taken for UTC. false if it is none. */
enum { ITEMS_TIME_BYTES = 32 };
bool items_parse_time(const char *text, int64_t *us);
/* "2024-05-12T06:00:00", with six digits more where they are not all zero. */
void items_format_time(int64_t us, char out[ITEMS_TIME_BYTES]);

/* ---- columns in memory -----------------------------------------------------
 * Values by row number: slot r - 1 of an array is row r's. Texts are numbers of
 * distinct texts. Loaded on first need; dropped by a refresh when items_version
 * has changed. src/store/where.h has the same for any other columns. */

typedef struct item_columns item_columns;

akin_status item_columns_new(item_columns **out, akin_error *err)
    AKIN_NODISCARD;
void item_columns_free(item_columns *c);

/* Drops what is of another version than s has now and looks at all row numbers
 * and ids; other columns are loaded when they are asked for. */
akin_status item_columns_refresh(item_columns *c, item_store *s,
                                 akin_error *err) AKIN_NODISCARD;

size_t item_columns_rows(const item_columns *c);  /* the largest row number */
size_t item_columns_count(const item_columns *c); /* items there are */
/* Bit r - 1: row r is there. [item_columns_rows / 64 + 1] */
const uint64_t *item_columns_present(const item_columns *c);
/* rank[r - 1]: the place of row r's id among all ids in byte order, for ties;
 * UINT32_MAX of a row that is not there. */
const uint32_t *item_columns_rank(const item_columns *c);

/* The id of row r; "" if it is not there. Lives until the next refresh. */
const char *item_columns_id(const item_columns *c, int64_t row);

/* Items for which the expression holds, as a bitmap like _present (mem_free it)
 * of the rows there were at the last item_columns_refresh. The language is a
 * part of SQL:
 *   column = == != <> < <= > >= literal, or either way round
 *   column [NOT] IN (literal, ...), [NOT] BETWEEN literal AND literal, IS [NOT]
 *   NULL, [NOT] LIKE 'text' [ESCAPE 'c'] (% and _; ASCII without case)
 *   NOT, AND, OR, parentheses, a bare column of truth values, TRUE, FALSE, NULL
 * Columns are fields, id, split, created_at, updated_at, in any case of ASCII
 * letters; "quoted" or `quoted` where need be. Literals are 'text' ('' for a
 * quote), numbers, TRUE, FALSE, NULL, and of the kind of their column; times
 * are texts as items_parse_time takes them, a date its first moment. Texts are
 * compared by bytes. NULL is unknown, as in SQL. Depth, length and parts are
 * bounded: AKIN_ELIMIT. AKIN_EUSAGE says at which character what was expected,
 * or which columns there are. */
akin_status item_columns_where(item_columns *c, item_store *s,
                               const char *expression, uint64_t **out,
                               akin_error *err) AKIN_NODISCARD;

/* Rows of the bitmap `of` by a column, NULLs last, ties by row number; *out is
 * [*n] row numbers (mem_free). AKIN_EUSAGE: there is no such column. */
akin_status item_columns_sort(item_columns *c, item_store *s,
                              const uint64_t *of, const char *column,
                              bool descending, int64_t **out, size_t *n,
                              akin_error *err) AKIN_NODISCARD;

#endif
