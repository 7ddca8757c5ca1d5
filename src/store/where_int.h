/* SPDX-License-Identifier: MIT
 * Private to where*.c: the tree of an expression, and its leaves once they are
 * bound to columns. */
#ifndef STORE_WHERE_INT_H
#define STORE_WHERE_INT_H

#include "store/where.h"

#define WHERE_NONE SIZE_MAX /* no node */

typedef enum where_op { WHERE_EQ, WHERE_LT, WHERE_LE, WHERE_GT, WHERE_GE }
    where_op;

typedef enum where_kind {
    WHERE_AND, /* of `first` and its next ones */
    WHERE_OR,
    WHERE_NOT,     /* of `first` */
    WHERE_COMPARE, /* column op literal */
    WHERE_BETWEEN, /* two literals */
    WHERE_IN,      /* n literals */
    WHERE_LIKE,    /* one literal, or two: the second is the escape */
    WHERE_IS_NULL,
    WHERE_COLUMN,  /* of truth values */
    WHERE_LITERAL, /* TRUE, FALSE or NULL */
} where_kind;

typedef enum where_type {
    WHERE_NULL,
    WHERE_TEXT,
    WHERE_INTEGER,
    WHERE_NUMBER,
    WHERE_BOOL,
} where_type;

typedef struct where_literal {
    where_type type;
    const char *at; /* in the expression, n bytes of it */
    size_t n;
    char *text; /* owned */
    int64_t integer;
    double number;
} where_literal;

typedef struct where_node {
    where_kind kind;
    size_t first, next; /* nodes, or WHERE_NONE */
    where_op op;
    char *column;   /* owned; NULL unless it is a leaf with one */
    const char *at; /* where the column's name stands */
    size_t literal, n_literals;
} where_node;

struct where {
    char *text; /* a copy, into which `at` points */
    where_node *nodes;
    size_t n_nodes, cap_nodes, root;
    where_literal *literals;
    size_t n_literals, cap_literals;
};

/* Characters from 1. */
int where_position(const where *w, const char *at);

/* ---- leaves, bound (where_bind.c) --------------------------------------- */

typedef struct where_range {
    bool never;
    int64_t lo, hi;           /* both in it */
    double number_lo, number_hi;
} where_range;

typedef enum where_test {
    WHERE_NEVER,  /* no value is */
    WHERE_ALWAYS, /* every value is */
    WHERE_RANGES, /* values in one of the ranges */
    WHERE_SET,    /* values among many */
    WHERE_CODES,  /* texts by their verdicts */
} where_test;

typedef struct where_leaf {
    const where_column *column; /* NULL: of no column, one value for all rows */
    where_test test;
    bool of_null;         /* true of NULL, never unknown: IS NULL */
    bool else_unknown;    /* what is not true is unknown: IN (1, NULL) */
    bool true_is_unknown; /* a BETWEEN with one NULL */
    where_range *ranges;
    size_t n_ranges;
    int64_t *integers; /* of a set, ascending */
    double *numbers;
    size_t n_values;
    unsigned char *verdicts; /* [texts.n + 1] 0 or 1 */
} where_leaf;

/* [w->n_nodes] leaves; those of AND, OR and NOT are not used. */
akin_status where_bind(const where *w, const where_source *source,
                       where_leaf **out, akin_error *err) AKIN_NODISCARD;
void where_free_leaves(where_leaf *leaves, size_t n);

/* LIKE as SQLite has it: % and _, ASCII letters without case; escape is one
 * character or 0 (where_like.c). */
bool where_like(const char *text, const char *pattern, uint32_t escape);
/* false unless the text is one character. */
bool where_one_char(const char *text, uint32_t *out);

#endif
