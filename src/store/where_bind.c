/* SPDX-License-Identifier: MIT
 * Binding the leaves of an expression to columns: what is asked of a value is
 * turned into ranges, a set, or a verdict for each distinct text, so that
 * running over the rows has few and plain loops. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/where_int.h"

/* Up to so many values of an IN are ranges, tried one after the other; 8 tries
 * cost about what a search in a list does. */
#define WHERE_MAX_RANGES 8

typedef struct where_binder {
    const where *w;
    const where_source *source;
    akin_error *err;
} where_binder;

static const char *const kind_names[] = {
    [ITEM_TEXT] = "texts",     [ITEM_INTEGER] = "whole numbers",
    [ITEM_NUMBER] = "numbers", [ITEM_BOOL] = "truth values",
    [ITEM_TIME] = "times",
};

/* ---- messages ----------------------------------------------------------- */

/* "a, b, c", not all of them if they are many; NULL if memory is out. */
static char *bind_names(const where_source *source)
{
    const char *name;
    text_buf names;
    text_buf_init(&names, 400);
    for (size_t i = 0; (name = source->name(source->user, i)); i++) {
        if (names.n + strlen(name) > 280) {
            text_buf_puts(&names, ", ...");
            break;
        }
        text_buf_printf(&names, "%s%s", i ? ", " : "", name);
    }
    if (names.status == AKIN_OK) return names.data;
    text_buf_clear(&names);
    return NULL;
}

static akin_status bind_no_column(const where_binder *b, const where_node *node)
{
    char *names = bind_names(b->source);
    akin_status status = AKIN_FAIL(
        b->err, AKIN_EUSAGE,
        "where, position %d: there is no column '%.80s'; columns are %s",
        where_position(b->w, node->at), node->column, names ? names : "others");
    mem_free(names);
    return status;
}

akin_status where_column_of(const where_source *source, const char *name,
                            const where_column **out, akin_error *err)
{
    AKIN_TRY(source->find(source->user, name, out, err));
    if (*out) return AKIN_OK;
    char *names = bind_names(source);
    akin_status status =
        AKIN_FAIL(err, AKIN_EUSAGE,
                  "there is no column '%.80s' to sort by; columns are %s", name,
                  names ? names : "others");
    mem_free(names);
    return status;
}

static akin_status bind_expected(const where_binder *b, const where_node *node,
                                 const where_column *column,
                                 const where_literal *literal,
                                 const char *wanted)
{
    int n = literal->n > 60 ? 60 : (int)literal->n;
    return AKIN_FAIL(b->err, AKIN_EUSAGE,
                     "where, position %d: '%.80s' has %s: expected %s, found "
                     "'%.*s'",
                     where_position(b->w, literal->at), node->column,
                     kind_names[column->kind], wanted, n, literal->at);
}

/* ---- values ------------------------------------------------------------- */

/* A value as the column compares it: an integer or a number. */
static akin_status bind_value(const where_binder *b, const where_node *node,
                              const where_column *column,
                              const where_literal *literal, where_literal *out)
{
    bool numeric =
        literal->type == WHERE_INTEGER || literal->type == WHERE_NUMBER;
    *out = *literal;
    switch (column->kind) {
    case ITEM_TEXT:
        if (literal->type == WHERE_TEXT) return AKIN_OK;
        return bind_expected(b, node, column, literal,
                             "a text in 'single quotes'");
    case ITEM_TIME:
        out->type = WHERE_INTEGER;
        if (literal->type == WHERE_TEXT &&
            items_parse_time(literal->text, &out->integer))
            return AKIN_OK;
        return bind_expected(b, node, column, literal,
                             "a date such as '2024-05-12' or "
                             "'2024-05-12T06:00:00'");
    case ITEM_BOOL:
        if (literal->type == WHERE_BOOL) out->type = WHERE_INTEGER;
        if (numeric || literal->type == WHERE_BOOL) return AKIN_OK;
        return bind_expected(b, node, column, literal, "TRUE or FALSE");
    default:
        if (numeric) return AKIN_OK;
        return bind_expected(b, node, column, literal, "a number");
    }
}

/* ---- ranges ------------------------------------------------------------- */

static const where_range everything = {.lo = INT64_MIN,
                                       .hi = INT64_MAX,
                                       .number_lo = -INFINITY,
                                       .number_hi = INFINITY};

static where_range integers_to(where_op op, int64_t n)
{
    where_range r = everything;
    if (op == WHERE_EQ || op == WHERE_GE) r.lo = n;
    if (op == WHERE_EQ || op == WHERE_LE) r.hi = n;
    if (op == WHERE_LT) {
        r.never = n == INT64_MIN;
        r.hi = r.never ? n : n - 1;
    }
    if (op == WHERE_GT) {
        r.never = n == INT64_MAX;
        r.lo = r.never ? n : n + 1;
    }
    return r;
}

/* Whole numbers against one that need not be whole. */
static where_range integers_to_number(where_op op, double d)
{
    where_range r = everything;
    bool upward = op == WHERE_GT || op == WHERE_GE;
    if (d >= 0x1p63 || d < -0x1p63) {
        r.never = op == WHERE_EQ || (d > 0) == upward;
        return r;
    }
    int64_t below = (int64_t)floor(d);
    if ((double)below == d) return integers_to(op, below);
    r.never = op == WHERE_EQ;
    return r.never ? r : integers_to(upward ? WHERE_GT : WHERE_LE, below);
}

static where_range numbers_to(where_op op, double d)
{
    where_range r = everything;
    if (op == WHERE_EQ || op == WHERE_GE) r.number_lo = d;
    if (op == WHERE_EQ || op == WHERE_LE) r.number_hi = d;
    if (op == WHERE_LT) r.number_hi = nextafter(d, -INFINITY);
    if (op == WHERE_GT) r.number_lo = nextafter(d, INFINITY);
    return r;
}

/* A whole number that is none of float64's lies between two of them. */
static where_range numbers_to_integer(where_op op, int64_t n)
{
    double d = (double)n;
    bool above = d >= 0x1p63 || (int64_t)d > n;
    if (!above && (int64_t)d == n) return numbers_to(op, d);
    where_range r = everything;
    r.never = op == WHERE_EQ;
    if (r.never) return r;
    if (op == WHERE_LT || op == WHERE_LE)
        return numbers_to(above ? WHERE_LT : WHERE_LE, d);
    return numbers_to(above ? WHERE_GE : WHERE_GT, d);
}

static where_range bind_range(item_kind kind, where_op op,
                              const where_literal *value)
{
    bool whole = value->type == WHERE_INTEGER;
    if (kind == ITEM_NUMBER)
        return whole ? numbers_to_integer(op, value->integer)
                     : numbers_to(op, value->number);
    return whole ? integers_to(op, value->integer)
                 : integers_to_number(op, value->number);
}

static where_range both_ranges(where_range a, where_range b)
{
    a.never = a.never || b.never;
    if (b.lo > a.lo) a.lo = b.lo;
    if (b.hi < a.hi) a.hi = b.hi;
    if (b.number_lo > a.number_lo) a.number_lo = b.number_lo;
    if (b.number_hi < a.number_hi) a.number_hi = b.number_hi;
    a.never = a.never || a.lo > a.hi || a.number_lo > a.number_hi;
    return a;
}

static akin_status leaf_new_ranges(where_leaf *leaf, size_t n, akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(n, sizeof *leaf->ranges, "an expression", &p, err));
    leaf->ranges = p;
    leaf->test = WHERE_RANGES;
    return AKIN_OK;
}

static void leaf_add_range(where_leaf *leaf, where_range range)
{
    if (!range.never) leaf->ranges[leaf->n_ranges++] = range;
}

/* ---- texts -------------------------------------------------------------- */

static akin_status leaf_new_verdicts(where_leaf *leaf, akin_error *err)
{
    void *p;
    AKIN_TRY(
        mem_new_array(leaf->column->texts.n + 1, 1, "an expression", &p, err));
    leaf->verdicts = p;
    leaf->test = WHERE_CODES;
    return AKIN_OK;
}

static bool text_holds(const char *text, where_op op, const char *other)
{
    int order = strcmp(text, other);
    switch (op) {
    case WHERE_LT: return order < 0;
    case WHERE_LE: return order <= 0;
    case WHERE_GT: return order > 0;
    case WHERE_GE: return order >= 0;
    default: return order == 0;
    }
}

static void leaf_allow_text(where_leaf *leaf, const char *text)
{
    size_t number = where_texts_find(&leaf->column->texts, text);
    if (number < leaf->column->texts.n) leaf->verdicts[number] = 1;
}

/* ---- leaves ------------------------------------------------------------- */

static akin_status bind_compare(const where_binder *b, const where_node *node,
                                where_leaf *leaf)
{
    const where_literal *literal = &b->w->literals[node->literal];
    const where_texts *texts = &leaf->column->texts;
    where_literal value;
    if (literal->type == WHERE_NULL) {
        leaf->else_unknown = true;
        return AKIN_OK;
    }
    AKIN_TRY(bind_value(b, node, leaf->column, literal, &value));
    if (value.type != WHERE_TEXT) {
        AKIN_TRY(leaf_new_ranges(leaf, 1, b->err));
        leaf_add_range(leaf, bind_range(leaf->column->kind, node->op, &value));
        return AKIN_OK;
    }
    AKIN_TRY(leaf_new_verdicts(leaf, b->err));
    if (node->op == WHERE_EQ) {
        leaf_allow_text(leaf, value.text);
        return AKIN_OK;
    }
    for (size_t i = 0; i < texts->n; i++)
        leaf->verdicts[i] =
            text_holds(where_texts_at(texts, i), node->op, value.text);
    return AKIN_OK;
}

static void verdicts_between(where_leaf *leaf, const where_literal *lo,
                             const where_literal *hi)
{
    const where_texts *texts = &leaf->column->texts;
    for (size_t i = 0; i < texts->n; i++) {
        const char *text = where_texts_at(texts, i);
        leaf->verdicts[i] = (!lo || strcmp(text, lo->text) >= 0) &&
                            (!hi || strcmp(text, hi->text) <= 0);
    }
}

/* One bound of a BETWEEN; NULL where it is NULL. */
static akin_status bind_bound(const where_binder *b, const where_node *node,
                              where_leaf *leaf, size_t i, where_literal *value,
                              const where_literal **out)
{
    const where_literal *literal = &b->w->literals[node->literal + i];
    *out = NULL;
    if (literal->type == WHERE_NULL) {
        leaf->true_is_unknown = true;
        return AKIN_OK;
    }
    AKIN_TRY(bind_value(b, node, leaf->column, literal, value));
    *out = value;
    return AKIN_OK;
}

static akin_status bind_between(const where_binder *b, const where_node *node,
                                where_leaf *leaf)
{
    where_literal values[2];
    const where_literal *lo, *hi;
    item_kind kind = leaf->column->kind;
    AKIN_TRY(bind_bound(b, node, leaf, 0, &values[0], &lo));
    AKIN_TRY(bind_bound(b, node, leaf, 1, &values[1], &hi));
    if (kind == ITEM_TEXT) {
        AKIN_TRY(leaf_new_verdicts(leaf, b->err));
        verdicts_between(leaf, lo, hi);
        return AKIN_OK;
    }
    AKIN_TRY(leaf_new_ranges(leaf, 1, b->err));
    where_range range = everything;
    if (lo) range = both_ranges(range, bind_range(kind, WHERE_GE, lo));
    if (hi) range = both_ranges(range, bind_range(kind, WHERE_LE, hi));
    leaf_add_range(leaf, range);
    return AKIN_OK;
}

static int compare_integers(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int compare_numbers(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Each range of an IN is one value: many become a sorted list. */
static akin_status leaf_make_set(where_leaf *leaf, akin_error *err)
{
    void *p;
    bool numbers = leaf->column->kind == ITEM_NUMBER;
    size_t n = leaf->n_ranges;
    if (n <= WHERE_MAX_RANGES) return AKIN_OK;
    AKIN_TRY(mem_new_array(n, 8, "an expression", &p, err));
    if (numbers) {
        leaf->numbers = p;
        for (size_t i = 0; i < n; i++)
            leaf->numbers[i] = leaf->ranges[i].number_lo;
    } else {
        leaf->integers = p;
        for (size_t i = 0; i < n; i++) leaf->integers[i] = leaf->ranges[i].lo;
    }
    qsort(p, n, 8, numbers ? compare_numbers : compare_integers);
    leaf->n_values = n;
    leaf->test = WHERE_SET;
    return AKIN_OK;
}

static akin_status bind_in(const where_binder *b, const where_node *node,
                           where_leaf *leaf)
{
    bool texts = leaf->column->kind == ITEM_TEXT;
    AKIN_TRY(texts ? leaf_new_verdicts(leaf, b->err)
                   : leaf_new_ranges(leaf, node->n_literals, b->err));
    for (size_t i = 0; i < node->n_literals; i++) {
        const where_literal *literal = &b->w->literals[node->literal + i];
        where_literal value;
        if (literal->type == WHERE_NULL) {
            leaf->else_unknown = true;
            continue;
        }
        AKIN_TRY(bind_value(b, node, leaf->column, literal, &value));
        if (texts)
            leaf_allow_text(leaf, value.text);
        else
            leaf_add_range(leaf,
                           bind_range(leaf->column->kind, WHERE_EQ, &value));
    }
    return texts ? AKIN_OK : leaf_make_set(leaf, b->err);
}

/* The one character of an escape. */
static akin_status bind_escape(const where_binder *b, const where_node *node,
                               uint32_t *out)
{
    *out = 0;
    if (node->n_literals < 2) return AKIN_OK;
    const where_literal *literal = &b->w->literals[node->literal + 1];
    if (literal->type == WHERE_TEXT && where_one_char(literal->text, out))
        return AKIN_OK;
    return AKIN_FAIL(b->err, AKIN_EUSAGE,
                     "where, position %d: expected one character in 'single "
                     "quotes', found '%.*s'",
                     where_position(b->w, literal->at),
                     literal->n > 60 ? 60 : (int)literal->n, literal->at);
}

static akin_status bind_like(const where_binder *b, const where_node *node,
                             where_leaf *leaf)
{
    const where_literal *pattern = &b->w->literals[node->literal];
    const where_texts *texts = &leaf->column->texts;
    uint32_t escape;
    AKIN_TRY(bind_escape(b, node, &escape));
    if (leaf->column->kind != ITEM_TEXT)
        return AKIN_FAIL(b->err, AKIN_EUSAGE,
                         "where, position %d: LIKE is for texts, and '%.80s' "
                         "has %s",
                         where_position(b->w, node->at), node->column,
                         kind_names[leaf->column->kind]);
    if (pattern->type == WHERE_NULL) {
        leaf->else_unknown = true;
        return AKIN_OK;
    }
    if (pattern->type != WHERE_TEXT)
        return bind_expected(b, node, leaf->column, pattern,
                             "a text in 'single quotes'");
    AKIN_TRY(leaf_new_verdicts(leaf, b->err));
    for (size_t i = 0; i < texts->n; i++)
        leaf->verdicts[i] =
            where_like(where_texts_at(texts, i), pattern->text, escape);
    return AKIN_OK;
}

static akin_status bind_truth(const where_binder *b, const where_node *node,
                              where_leaf *leaf)
{
    if (leaf->column->kind != ITEM_BOOL)
        return AKIN_FAIL(b->err, AKIN_EUSAGE,
                         "where, position %d: '%.80s' has %s, not truth "
                         "values: expected a comparison",
                         where_position(b->w, node->at), node->column,
                         kind_names[leaf->column->kind]);
    AKIN_TRY(leaf_new_ranges(leaf, 2, b->err));
    leaf_add_range(leaf, integers_to(WHERE_LT, 0));
    leaf_add_range(leaf, integers_to(WHERE_GT, 0));
    return AKIN_OK;
}

static akin_status bind_leaf(const where_binder *b, const where_node *node,
                             where_leaf *leaf)
{
    const where_source *source = b->source;
    if (node->kind == WHERE_LITERAL) {
        const where_literal *literal = &b->w->literals[node->literal];
        leaf->else_unknown = literal->type == WHERE_NULL;
        leaf->test = literal->integer ? WHERE_ALWAYS : WHERE_NEVER;
        return AKIN_OK;
    }
    AKIN_TRY(source->find(source->user, node->column, &leaf->column, b->err));
    if (!leaf->column) return bind_no_column(b, node);
    switch (node->kind) {
    case WHERE_COMPARE: return bind_compare(b, node, leaf);
    case WHERE_BETWEEN: return bind_between(b, node, leaf);
    case WHERE_IN: return bind_in(b, node, leaf);
    case WHERE_LIKE: return bind_like(b, node, leaf);
    case WHERE_COLUMN: return bind_truth(b, node, leaf);
    default: leaf->of_null = true; return AKIN_OK;
    }
}

akin_status where_bind(const where *w, const where_source *source,
                       where_leaf **out, akin_error *err)
{
    void *p;
    const where_binder b = {.w = w, .source = source, .err = err};
    akin_status status = AKIN_OK;
    *out = NULL;
    AKIN_TRY(mem_new_array(w->n_nodes, sizeof **out, "an expression", &p, err));
    where_leaf *leaves = p;
    for (size_t i = 0; i < w->n_nodes && status == AKIN_OK; i++)
        if (w->nodes[i].kind > WHERE_NOT)
            status = bind_leaf(&b, &w->nodes[i], &leaves[i]);
    if (status == AKIN_OK)
        *out = leaves;
    else
        where_free_leaves(leaves, w->n_nodes);
    return status;
}

void where_free_leaves(where_leaf *leaves, size_t n)
{
    for (size_t i = 0; leaves && i < n; i++) {
        mem_free(leaves[i].ranges);
        mem_free(leaves[i].integers);
        mem_free(leaves[i].numbers);
        mem_free(leaves[i].verdicts);
    }
    mem_free(leaves);
}
