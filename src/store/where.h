/* SPDX-License-Identifier: MIT
 * `where`: boolean expressions, a part of SQL, over columns in memory.
 *
 * An expression is parsed once, then run over the columns that a source has
 * under the names in it. The language is that of item_store.h; names may have dots
 * ("item_ref.id"). */
#ifndef STORE_WHERE_H
#define STORE_WHERE_H

#include "store/item_store.h"

/* ---- columns (where_column.c) ------------------------------------------- */

/* Texts, each of them once: a text's number is its place in `starts`. */
typedef struct where_texts {
    char *bytes; /* one behind the other, each with its NUL */
    size_t n_bytes, cap_bytes;
    size_t *starts;
    size_t n, cap;
    uint64_t *slots; /* half the hash, half the number + 1; 0 if free */
    size_t n_slots;  /* a power of two */
} where_texts;

/* One of the arrays, by the kind. Arrays and `known` are as long as whole words
 * of 64 rows, so that loops need no odd end. */
typedef struct where_column {
    item_kind kind;
    size_t n_rows;
    uint64_t *known;   /* bit i: row i is not NULL */
    int64_t *integers; /* ITEM_INTEGER, ITEM_BOOL, ITEM_TIME */
    double *numbers;   /* ITEM_NUMBER */
    uint32_t *codes;   /* ITEM_TEXT: numbers of texts */
    where_texts texts;
} where_column;

/* n_rows rows, all NULL, to be put. */
akin_status where_column_new(item_kind kind, size_t n_rows, where_column **out,
                             akin_error *err) AKIN_NODISCARD;
void where_column_free(where_column *c);

/* row < n_rows. An integer goes into ITEM_INTEGER, _BOOL and _TIME; a number
 * that is NaN is NULL. */
void where_put_integer(where_column *c, size_t row, int64_t value);
void where_put_number(where_column *c, size_t row, double value);
akin_status where_put_text(where_column *c, size_t row, const char *text,
                           akin_error *err) AKIN_NODISCARD;

const char *where_texts_at(const where_texts *texts, size_t number);
/* Its number, or texts->n if there is no such text. */
size_t where_texts_find(const where_texts *texts, const char *text);

/* ---- tables: columns with names ----------------------------------------- */

/* What an expression is run over. */
typedef struct where_source {
    size_t n_rows;
    /* The column of this name (NULL if there is none), which stays until the
     * run is over; it may be loaded now. Names are compared without the case of
     * ASCII letters. */
    akin_status (*find)(void *user, const char *name, const where_column **out,
                        akin_error *err);
    /* Name i of all, for messages; NULL behind the last. */
    const char *(*name)(void *user, size_t i);
    void *user;
} where_source;

typedef struct where_table {
    size_t n_rows;
    struct where_named {
        char *name;
        where_column *column;
    } *columns;
    size_t n_columns, cap;
} where_table;

void where_table_init(where_table *t, size_t n_rows);
void where_table_clear(where_table *t);

/* A new column, all NULL, which the table owns. */
akin_status where_table_add(where_table *t, const char *name, item_kind kind,
                            where_column **out, akin_error *err) AKIN_NODISCARD;
void where_table_drop_last(where_table *t);
/* NULL if there is none. */
const where_column *where_table_find(const where_table *t, const char *name);
/* Borrows t. */
where_source where_table_source(where_table *t);

/* ---- expressions (where.c, where_bind.c, where_eval.c) ------------------ */

typedef struct where where;

/* AKIN_EUSAGE: "where, position P: expected ..., found '...'"; AKIN_ELIMIT. */
akin_status where_parse(const char *text, where **out, akin_error *err)
    AKIN_NODISCARD;
void where_free(where *w);

/* Bit i of *out (mem_free): the expression is true, not unknown, of row i.
 * [n_rows / 64 + 1] words. AKIN_EUSAGE: a column that is not there, or a value
 * that is not of its column's kind. */
akin_status where_run(const where *w, const where_source *source,
                      uint64_t **out, akin_error *err) AKIN_NODISCARD;

/* Both, and done with it. */
akin_status where_ask(const char *text, const where_source *source,
                      uint64_t **out, akin_error *err) AKIN_NODISCARD;

/* The column to sort by. AKIN_EUSAGE: "there is no column 'x' to sort by;
 * ...". */
akin_status where_column_of(const where_source *source, const char *name,
                            const where_column **out, akin_error *err)
    AKIN_NODISCARD;

/* ---- order (where_sort.c) ----------------------------------------------- */

typedef struct where_order {
    const where_column *column;
    const uint32_t *rank; /* instead of a column: the places of rows, or NULL */
    const uint64_t *of;   /* rows to sort, as where_run gives them */
    size_t n_rows;
    bool descending;
    int64_t first; /* the number of row 0 */
} where_order;

/* Row numbers by value, texts by bytes, NULLs last, ties by row; *out is [*n]
 * (mem_free). */
akin_status where_sort(const where_order *order, int64_t **out, size_t *n,
                       akin_error *err) AKIN_NODISCARD;

#endif
