/* SPDX-License-Identifier: MIT
 * A filter's tree as one query. Users' texts only ever become bound values.
 *
 * Every leaf is true or false, never SQL's NULL, so that NOT means what it
 * says. What depends on the recording alone is written as recording_id IN
 * (subquery), which SQLite evaluates once and answers with
 * idx_windows_recording_id. */
#include <math.h>

#include "base/memory.h"
#include "store/store_int.h"

#define FILTER_MAX_SQL 1000000 /* SQLite's own limit */
#define FILTER_MAX_VALUES 8192

/* A window may be later than its recording's date by the file's duration;
 * where that is unknown, by anything. */
#define FILTER_ANY_DURATION_S 1e12
#define FILTER_DURATION_SLACK_S 1.0

typedef struct filter_compiler {
    const store_filter *filter;
    store_query *query;
    const store_tables *tables;
    akin_status status;
    akin_error *err;
} filter_compiler;

/* Text in which each '@' is replaced by the next value's place. */
static void put(filter_compiler *c, const char *sql, const store_value *values,
                size_t n_values)
{
    store_query *query = c->query;
    void *p = query->values;
    if (c->status != AKIN_OK) return;
    c->status = mem_grow(&p, &query->cap, query->n_values + n_values,
                         sizeof *query->values, FILTER_MAX_VALUES, c->err);
    query->values = p;
    if (c->status != AKIN_OK) return;
    for (; *sql; sql++) {
        if (*sql == '@') {
            query->values[query->n_values++] = *values++;
            text_buf_printf(&query->sql, "?%zu", query->n_values);
        } else {
            text_buf_put(&query->sql, sql, 1);
        }
    }
}

static void put_sql(filter_compiler *c, const char *sql)
{
    text_buf_puts(&c->query->sql, sql);
}

/* "= @" or the pattern function around a column. */
static void put_match(filter_compiler *c, const filter_node *leaf,
                      const char *column)
{
    if (leaf->pattern) put_sql(c, "akin_matches(");
    put_sql(c, column);
    put(c, leaf->pattern ? ", @)" : " = @",
        STORE_VALUES(store_text(leaf->text)));
}

static void put_names(filter_compiler *c, const filter_node *leaf)
{
    bool own = leaf->field == FILTER_RECORDING;
    put_sql(c, "w.recording_id IN (SELECT id FROM recordings WHERE ");
    if (!own)
        put_sql(c, "deployment_id IN (SELECT id FROM deployments WHERE ");
    put_match(c, leaf,
              own                                ? "replace(filename,'\\','/')"
              : leaf->field == FILTER_DEPLOYMENT ? "name"
                                                 : "project");
    put_sql(c, own ? ")" : "))");
}

/* The + keeps SQLite from reading all rows of the label for each window. */
static void put_label(filter_compiler *c, const filter_node *leaf)
{
    put_sql(c, "w.recording_id IN (SELECT recording_id FROM annotations"
               " WHERE label_type = 1 AND ");
    put_match(c, leaf, "label");
    put_sql(c, ") AND EXISTS (SELECT 1 FROM annotations a"
               " WHERE a.recording_id = w.recording_id AND +a.label_type = 1"
               " AND ");
    put_match(c, leaf, "+a.label");
    put_sql(c, " AND akin_overlap(a.offsets, w.offsets))");
}

static void put_class(filter_compiler *c, const filter_node *leaf)
{
    if (!c->tables->scores) {
        put_sql(c, "0");
        return;
    }
    put_sql(c, "w.id IN (SELECT window_id FROM main.akin_scores WHERE class_id"
               " IN (SELECT id FROM main.akin_classes WHERE ");
    put_match(c, leaf, "name");
    put_sql(c, "))");
}

/* The bounds lo <= t < hi of a comparison with a span. */
static store_span compared(const filter_node *leaf)
{
    store_span all = {-INFINITY, INFINITY};
    switch (leaf->op) {
    case FILTER_LT: all.hi = leaf->span.lo; break;
    case FILTER_LE: all.hi = leaf->span.hi; break;
    case FILTER_GT: all.lo = leaf->span.hi; break;
    case FILTER_GE: all.lo = leaf->span.lo; break;
    default: all = leaf->span;
    }
    return all;
}

static void put_date(filter_compiler *c, const filter_node *leaf)
{
    store_span t = compared(leaf);
    put_sql(c, "w.recording_id IN (SELECT d.id FROM recordings d");
    if (c->tables->files)
        put_sql(c, " LEFT JOIN main.akin_files f ON f.recording_id = d.id");
    put(c, " WHERE akin_wall_s(d.datetime) < @",
        STORE_VALUES(store_real(t.hi)));
    if (c->tables->files)
        put(c,
            " AND akin_wall_s(d.datetime) >= @ - CASE"
            " WHEN f.complete AND f.duration_s > 0"
            " THEN f.duration_s + @ ELSE @ END",
            STORE_VALUES(store_real(t.lo), store_real(FILTER_DURATION_SLACK_S),
                         store_real(FILTER_ANY_DURATION_S)));
    put(c,
        ") AND ifnull(akin_moment_s(r.datetime, w.offsets) >= @"
        " AND akin_moment_s(r.datetime, w.offsets) < @, 0)",
        STORE_VALUES(store_real(t.lo), store_real(t.hi)));
}

static void put_time(filter_compiler *c, const filter_node *leaf)
{
    store_span t = compared(leaf);
    put(c,
        "ifnull(akin_clock_s(akin_moment_s(r.datetime, w.offsets)) >= @"
        " AND akin_clock_s(akin_moment_s(r.datetime, w.offsets)) < @, 0)",
        STORE_VALUES(store_real(t.lo), store_real(t.hi)));
}

static void put_id(filter_compiler *c, const filter_node *leaf)
{
    static const char *const ops[] = {
        [FILTER_EQ] = "w.id = @", [FILTER_NE] = "w.id = @",
        [FILTER_LT] = "w.id < @", [FILTER_LE] = "w.id <= @",
        [FILTER_GT] = "w.id > @", [FILTER_GE] = "w.id >= @",
    };
    put(c, ops[leaf->op], STORE_VALUES(store_integer(leaf->id)));
}

static void put_recording_id(filter_compiler *c, const filter_node *leaf)
{
    static const char *const ops[] = {
        [FILTER_EQ] = "w.recording_id = @", [FILTER_NE] = "w.recording_id = @",
        [FILTER_LT] = "w.recording_id < @", [FILTER_LE] = "w.recording_id <= @",
        [FILTER_GT] = "w.recording_id > @", [FILTER_GE] = "w.recording_id >= @",
    };
    put(c, ops[leaf->op], STORE_VALUES(store_integer(leaf->id)));
}

/* "!=" is the negation of "=": a recording without a date has another date. */
static void put_leaf(filter_compiler *c, const filter_node *leaf)
{
    put_sql(c, leaf->op == FILTER_NE ? "NOT (" : "(");
    switch (leaf->field) {
    case FILTER_DATE: put_date(c, leaf); break;
    case FILTER_TIME: put_time(c, leaf); break;
    case FILTER_LABEL: put_label(c, leaf); break;
    case FILTER_CLASS: put_class(c, leaf); break;
    case FILTER_ID: put_id(c, leaf); break;
    case FILTER_RECORDING_ID: put_recording_id(c, leaf); break;
    default: put_names(c, leaf);
    }
    put_sql(c, ")");
}

static void put_node(filter_compiler *c, size_t index);

/* A chain of one word is written flat: its nodes nest, its text does not. */
static void put_joined(filter_compiler *c, filter_kind kind, size_t index)
{
    const filter_node *nodes = c->filter->nodes, *node = &nodes[index];
    if (node->kind != kind) {
        put_node(c, index);
        return;
    }
    /* The higher side first: SQLite's parser then stacks one bracket a level
     * and not the half-read expression too. */
    bool swap = nodes[node->right].height > nodes[node->left].height;
    put_joined(c, kind, swap ? node->right : node->left);
    put_sql(c, kind == FILTER_AND ? " AND " : " OR ");
    put_joined(c, kind, swap ? node->left : node->right);
}

static void put_node(filter_compiler *c, size_t index)
{
    const filter_node *node = &c->filter->nodes[index];
    switch (node->kind) {
    case FILTER_LEAF: put_leaf(c, node); return;
    case FILTER_NOT:
        put_sql(c, "NOT ");
        put_node(c, node->left);
        return;
    case FILTER_AND:
    case FILTER_OR:
        put_sql(c, "(");
        put_joined(c, node->kind, index);
        put_sql(c, ")");
    }
}

static bool filter_is_dated(const store_filter *filter)
{
    for (size_t i = 0; i < filter->n_nodes; i++)
        if (filter->nodes[i].kind == FILTER_LEAF &&
            (filter->nodes[i].field == FILTER_DATE ||
             filter->nodes[i].field == FILTER_TIME))
            return true;
    return false;
}

akin_status store_filter_compile(const store_filter *filter,
                                 const store_tables *tables, store_query *out,
                                 akin_error *err)
{
    filter_compiler c = {
        .filter = filter, .query = out, .tables = tables, .err = err};
    *out = (store_query){0};
    text_buf_init(&out->sql, FILTER_MAX_SQL);
    put_sql(&c, "SELECT w.id, w.recording_id, w.offsets FROM windows w");
    if (filter_is_dated(filter))
        put_sql(&c, " LEFT JOIN recordings r ON r.id = w.recording_id");
    put_sql(&c, " WHERE ");
    put_node(&c, filter->root);
    put_sql(&c, " ORDER BY w.id");
    if (c.status == AKIN_OK && out->sql.status != AKIN_OK)
        c.status = AKIN_FAIL(err, out->sql.status,
                             "the filter is too large to be a query");
    if (c.status != AKIN_OK) store_query_clear(out);
    return c.status;
}

void store_query_clear(store_query *query)
{
    text_buf_clear(&query->sql);
    mem_free(query->values);
    *query = (store_query){0};
}
