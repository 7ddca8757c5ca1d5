/* SPDX-License-Identifier: MIT
 * Columns of an Arrow file as vectors, names and spans. The names of columns
 * are those of akin's own export, of a CSV that names tracks, and of LanceDB's
 * tables as Pixano makes them. */
#include "engine/import_arrow.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "interop/arrow.h"

#define MAX_DIM ((size_t)1 << 20)
#define MAX_NAME_BYTES ((size_t)1 << 24)

/* A column, or a child of a struct. */
typedef struct place {
    bool there, nested;
    size_t column, child;
} place;

struct import_arrow {
    arrow_reader *reader;
    const char *path; /* borrowed */
    place vector, name, start, end;
    text_buf text; /* of the current name */
    float *values; /* of the current vector */
    size_t n_values; /* room */
};

/* Those columns in the batch that is read; NULL: not there. */
typedef struct views {
    const arrow_view *vector, *name, *parent, *start, *end;
} views;

typedef struct visitor {
    import_arrow_visit *visit;
    void *user;
} visitor;

/* ---- which columns ------------------------------------------------------------- */

static bool is_float(const arrow_field *f)
{
    return f->type >= ARROW_FLOAT16 && f->type <= ARROW_FLOAT64;
}

static bool is_number(const arrow_field *f)
{
    return f->type >= ARROW_INT8 && f->type <= ARROW_FLOAT64;
}

static bool is_list(const arrow_field *f)
{
    return f->type == ARROW_LIST || f->type == ARROW_FIXED_SIZE_LIST;
}

static bool is_name(const arrow_field *f)
{
    return f->type == ARROW_UTF8 ||
           (f->type >= ARROW_INT8 && f->type <= ARROW_UINT64);
}

static place find_column(const arrow_schema *s, const char *name)
{
    place p = {0};
    p.there = arrow_schema_find(s, name, &p.column);
    return p;
}

/* The only column of lists of floats. */
static akin_status choose_floats(import_arrow *a, const arrow_schema *s,
                                 akin_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_fields; i++) {
        const arrow_field *f = &s->fields[i];
        if (!is_list(f) || !is_float(&f->children[0])) continue;
        a->vector = (place){.there = true, .column = i};
        n++;
    }
    if (n == 1) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECORRUPT,
                     n == 0 ? "'%s' has no column of vectors: none is called "
                              "vector, and none has lists of floats"
                            : "'%s' has more than one column of lists of "
                              "floats, and none is called vector",
                     a->path);
}

static akin_status choose_vector(import_arrow *a, const arrow_schema *s,
                                 akin_error *err)
{
    a->vector = find_column(s, "vector");
    if (!a->vector.there) a->vector = find_column(s, "embedding");
    if (!a->vector.there) return choose_floats(a, s, err);
    const arrow_field *f = &s->fields[a->vector.column];
    if (is_list(f) && is_number(&f->children[0])) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECORRUPT,
                     "column '%s' of '%s' is of type %s, not of lists of "
                     "numbers",
                     f->name, a->path, f->type_name);
}

/* A child that can be a name. */
static bool find_child(const arrow_schema *s, const char *parent,
                       const char *name, place *out)
{
    *out = find_column(s, parent);
    const arrow_field *f = out->there ? &s->fields[out->column] : NULL;
    if (!f || f->type != ARROW_STRUCT) return false;
    out->nested = true;
    for (size_t i = 0; i < f->n_children; i++) {
        if (strcmp(f->children[i].name, name) != 0) continue;
        out->child = i;
        return is_name(&f->children[i]);
    }
    return false;
}

static place choose_name(const arrow_schema *s)
{
    static const struct {
        const char *column, *child;
    } rows[] = {
        {"recording", NULL}, {"file_path", NULL}, {"view_ref", "id"},
        {"view_id", NULL},   {"track_id", NULL},  {"name", NULL},
        {"id", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        place p;
        if (rows[i].child) {
            if (find_child(s, rows[i].column, rows[i].child, &p)) return p;
            continue;
        }
        p = find_column(s, rows[i].column);
        if (p.there && is_name(&s->fields[p.column])) return p;
    }
    return (place){0};
}

static akin_status choose_span(import_arrow *a, const arrow_schema *s,
                               akin_error *err)
{
    a->start = find_column(s, "start");
    a->end = find_column(s, "end");
    if (!a->start.there && !a->end.there) return AKIN_OK;
    if (a->start.there && a->end.there &&
        is_number(&s->fields[a->start.column]) &&
        is_number(&s->fields[a->end.column]))
        return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECORRUPT,
                     "'%s': the columns start and end must both be seconds",
                     a->path);
}

/* ---- rows ----------------------------------------------------------------------- */

static const arrow_view *view_of(const arrow_batch *batch, const place *p)
{
    if (!p->there) return NULL;
    const arrow_view *v = arrow_batch_column(batch, p->column);
    return p->nested ? arrow_view_child(v, p->child) : v;
}

static views views_of(const import_arrow *a, const arrow_batch *batch)
{
    return (views){
        .vector = view_of(batch, &a->vector),
        .name = view_of(batch, &a->name),
        .parent = a->name.nested ? arrow_batch_column(batch, a->name.column)
                                 : NULL,
        .start = view_of(batch, &a->start),
        .end = view_of(batch, &a->end),
    };
}

static void put_name(text_buf *out, const views *v, size_t row)
{
    if (arrow_view_is_null(v->name, row) ||
        (v->parent && arrow_view_is_null(v->parent, row))) {
        text_buf_puts(out, "");
    } else if (arrow_view_field(v->name)->type == ARROW_UTF8) {
        arrow_text text = arrow_view_text(v->name, row);
        text_buf_put(out, text.data, text.n);
    } else if (arrow_view_field(v->name)->type == ARROW_UINT64) {
        text_buf_printf(out, "%llu", (unsigned long long)arrow_view_int(
                                         v->name, row));
    } else {
        text_buf_printf(out, "%lld", (long long)arrow_view_int(v->name, row));
    }
}

/* number: the row's, of all batches. */
static akin_status read_name(import_arrow *a, const views *v, size_t row,
                             size_t number, akin_error *err)
{
    a->text.n = 0;
    if (v->name)
        put_name(&a->text, v, row);
    else
        text_buf_printf(&a->text, "%zu", number);
    if (a->text.status != AKIN_OK)
        return AKIN_FAIL(err, a->text.status,
                         "'%s': the name of vector %zu does not fit into the "
                         "memory",
                         a->path, number);
    if (text_is_utf8(a->text.data, a->text.n)) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ECORRUPT,
                     "'%s': the name of vector %zu is not UTF-8", a->path,
                     number);
}

static akin_status read_span(const import_arrow *a, const views *v, size_t row,
                             size_t number, import_span *span, akin_error *err)
{
    *span = (import_span){0};
    if (!v->start) return AKIN_OK;
    bool started = !arrow_view_is_null(v->start, row);
    bool ended = !arrow_view_is_null(v->end, row);
    if (started != ended)
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "'%s': vector %zu ('%s') has a start or an end, but "
                         "not both",
                         a->path, number, a->text.data);
    if (!started) return AKIN_OK;
    *span = (import_span){true, arrow_view_number(v->start, row),
                          arrow_view_number(v->end, row)};
    return AKIN_OK;
}

static akin_status read_values(import_arrow *a, const views *v, size_t row,
                               size_t number, size_t *dim, akin_error *err)
{
    bool null = arrow_view_is_null(v->vector, row);
    *dim = null ? 0 : arrow_view_items(v->vector, row).n;
    if (*dim == 0)
        return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s': vector %zu ('%s') is %s",
                         a->path, number, a->text.data,
                         null ? "null" : "empty");
    void *p = a->values;
    akin_status status = mem_grow(&p, &a->n_values, *dim, sizeof *a->values,
                                  MAX_DIM, err);
    a->values = p;
    AKIN_TRY(status);
    arrow_view_floats(v->vector, row, a->values);
    return AKIN_OK;
}

static akin_status read_row(import_arrow *a, const views *v, size_t row,
                            import_vector *out, size_t *dim, akin_error *err)
{
    AKIN_TRY(read_name(a, v, row, out->row, err));
    AKIN_TRY(read_span(a, v, row, out->row, &out->span, err));
    AKIN_TRY(read_values(a, v, row, out->row, dim, err));
    out->name = a->text.data;
    out->values = a->values;
    return AKIN_OK;
}

/* ---- the whole ------------------------------------------------------------------ */

akin_status import_arrow_open(const char *path, import_arrow **out,
                              akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(1, sizeof(import_arrow), "an import", &p, err));
    import_arrow *a = p;
    akin_status status = AKIN_OK;
    a->path = path;
    text_buf_init(&a->text, MAX_NAME_BYTES);
    AKIN_TRYG(arrow_reader_open(path, &a->reader, err));
    const arrow_schema *s = arrow_reader_schema(a->reader);
    AKIN_TRYG(choose_vector(a, s, err));
    AKIN_TRYG(choose_span(a, s, err));
    a->name = choose_name(s);
    *out = a;
    a = NULL;
done:
    import_arrow_close(a);
    return status;
}

void import_arrow_close(import_arrow *a)
{
    if (!a) return;
    arrow_reader_close(a->reader);
    text_buf_clear(&a->text);
    mem_free(a->values);
    mem_free(a);
}

size_t import_arrow_rows(const import_arrow *a)
{
    return arrow_reader_rows(a->reader);
}

const char *import_arrow_model(const import_arrow *a)
{
    return arrow_schema_value(arrow_reader_schema(a->reader), "model");
}

/* first: the number of the batch's first row. */
static akin_status visit_batch(import_arrow *a, const arrow_batch *batch,
                               size_t first, const visitor *to, akin_error *err)
{
    views v = views_of(a, batch);
    for (size_t row = 0; row < arrow_batch_rows(batch); row++) {
        import_vector vector = {.row = first + row};
        size_t dim;
        AKIN_TRY(read_row(a, &v, row, &vector, &dim, err));
        AKIN_TRY(to->visit(to->user, &vector, dim, err));
    }
    return AKIN_OK;
}

akin_status import_arrow_each(import_arrow *a, import_arrow_visit *visit,
                              void *user, akin_error *err)
{
    size_t n = 0;
    const visitor to = {visit, user};
    for (size_t i = 0; i < arrow_reader_batches(a->reader); i++) {
        arrow_batch *batch;
        AKIN_TRY(arrow_batch_open(a->reader, i, &batch, err));
        akin_status status = visit_batch(a, batch, n, &to, err);
        n += arrow_batch_rows(batch);
        arrow_batch_close(batch);
        AKIN_TRY(status);
    }
    return AKIN_OK;
}
