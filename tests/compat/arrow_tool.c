/* SPDX-License-Identifier: MIT
 * For check_arrow.py: reads an Arrow file or stream and writes it again.
 *
 *   arrow_tool copy IN OUT file|stream   prints "ignored COLUMN TYPE"
 *
 * Texts come out as utf8, lists as list, times without zone. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "base/memory.h"
#include "interop/arrow.h"

/* Memory that is freed together. */
typedef struct pool {
    void **blocks;
    size_t n, cap;
} pool;

static akin_status pool_get(pool *p, size_t n, size_t size, void **out,
                            akin_error *err)
{
    void *blocks = p->blocks;
    AKIN_TRY(mem_grow(&blocks, &p->cap, p->n + 1, sizeof *p->blocks,
                      (size_t)1 << 32, err));
    p->blocks = blocks;
    AKIN_TRY(mem_new_array(n, size, "a column", out, err));
    p->blocks[p->n++] = *out;
    return AKIN_OK;
}

static void pool_clear(pool *p)
{
    for (size_t i = 0; i < p->n; i++) mem_free(p->blocks[i]);
    mem_free(p->blocks);
    *p = (pool){0};
}

/* Fields without those that cannot be read. */
static akin_status copy_fields(pool *p, const arrow_field *from, size_t n,
                               const arrow_field **out, size_t *n_out,
                               akin_error *err)
{
    void *memory;
    AKIN_TRY(pool_get(p, n, sizeof(arrow_field), &memory, err));
    arrow_field *to = memory;
    *out = to;
    *n_out = 0;
    for (size_t i = 0; i < n; i++) {
        if (from[i].type == ARROW_OTHER) {
            printf("ignored %s %s\n", from[i].name, from[i].type_name);
            continue;
        }
        *to = from[i];
        to->zone = NULL;
        AKIN_TRY(copy_fields(p, from[i].children, from[i].n_children,
                             &to->children, &to->n_children, err));
        to++;
        ++*n_out;
    }
    return AKIN_OK;
}

static void copy_number(const arrow_view *v, size_t row, unsigned char *to,
                        size_t i)
{
    int64_t value;
    double wide;
    float narrow;
    switch (arrow_view_field(v)->type) {
    case ARROW_FLOAT16:
        half_from_float((float)arrow_view_number(v, row), to + 2 * i);
        return;
    case ARROW_FLOAT32:
        narrow = (float)arrow_view_number(v, row);
        memcpy(to + 4 * i, &narrow, 4);
        return;
    case ARROW_FLOAT64:
        wide = arrow_view_number(v, row);
        memcpy(to + 8 * i, &wide, 8);
        return;
    default: value = arrow_view_int(v, row);
    }
    switch (arrow_view_field(v)->type) { /* the low bytes come first */
    case ARROW_BOOL: case ARROW_INT8: case ARROW_UINT8:
        memcpy(to + i, &value, 1);
        break;
    case ARROW_INT16: case ARROW_UINT16: memcpy(to + 2 * i, &value, 2); break;
    case ARROW_INT32: case ARROW_UINT32: memcpy(to + 4 * i, &value, 4); break;
    default: memcpy(to + 8 * i, &value, 8);
    }
}

static akin_status copy_texts(pool *p, const arrow_view *v, size_t first,
                              size_t n, arrow_column *to, akin_error *err)
{
    void *texts, *text;
    AKIN_TRY(pool_get(p, n, sizeof(char *), &texts, err));
    for (size_t i = 0; i < n; i++) {
        if (arrow_view_is_null(v, first + i)) continue;
        arrow_text from = arrow_view_text(v, first + i);
        AKIN_TRY(pool_get(p, from.n + 1, 1, &text, err));
        memcpy(text, from.data, from.n);
        ((char **)texts)[i] = text;
    }
    to->values = texts;
    return AKIN_OK;
}

static akin_status copy_rows(pool *p, const arrow_field *f, const arrow_view *v,
                             size_t first, size_t n, arrow_column *to,
                             akin_error *err);

static akin_status copy_children(pool *p, const arrow_field *f,
                                 const arrow_view *v, size_t first, size_t n,
                                 arrow_column *to, akin_error *err)
{
    void *children;
    const arrow_field *from = arrow_view_field(v);
    size_t k = 0;
    AKIN_TRY(pool_get(p, f->n_children, sizeof(arrow_column), &children, err));
    to->children = children;
    for (size_t i = 0; i < from->n_children; i++) {
        if (from->children[i].type == ARROW_OTHER) continue;
        AKIN_TRY(copy_rows(p, &f->children[k], arrow_view_child(v, i), first, n,
                           (arrow_column *)children + k, err));
        k++;
    }
    return AKIN_OK;
}

/* The items of these rows lie one behind the other. */
static akin_status copy_lists(pool *p, const arrow_field *f,
                              const arrow_view *v, size_t first, size_t n,
                              arrow_column *to, akin_error *err)
{
    void *memory;
    arrow_range items = {0};
    size_t start = 0, at = 0;
    AKIN_TRY(pool_get(p, n + 1, sizeof(int64_t), &memory, err));
    int64_t *offsets = memory;
    for (size_t i = 0; i < n; i++) {
        items = arrow_view_items(v, first + i);
        if (i == 0) start = items.first;
        at = items.first + items.n - start;
        offsets[i + 1] = (int64_t)at;
    }
    if (f->type == ARROW_LIST) to->offsets = offsets;
    return copy_children(p, f, v, start, at, to, err);
}

static akin_status copy_rows(pool *p, const arrow_field *f, const arrow_view *v,
                             size_t first, size_t n, arrow_column *to,
                             akin_error *err)
{
    void *memory;
    AKIN_TRY(pool_get(p, n, sizeof(bool), &memory, err));
    to->valid = memory;
    for (size_t i = 0; i < n; i++)
        ((bool *)memory)[i] = !arrow_view_is_null(v, first + i);
    switch (f->type) {
    case ARROW_UTF8: return copy_texts(p, v, first, n, to, err);
    case ARROW_STRUCT: return copy_children(p, f, v, first, n, to, err);
    case ARROW_LIST: case ARROW_FIXED_SIZE_LIST:
        return copy_lists(p, f, v, first, n, to, err);
    default: break;
    }
    AKIN_TRY(pool_get(p, n, 8, &memory, err));
    for (size_t i = 0; i < n; i++) copy_number(v, first + i, memory, i);
    to->values = memory;
    return AKIN_OK;
}

static akin_status copy_batch(const arrow_batch *batch,
                              const arrow_schema *from, const arrow_schema *to,
                              arrow_writer *w, akin_error *err)
{
    pool p = {0};
    void *columns = NULL;
    akin_status status = AKIN_OK;
    size_t n = arrow_batch_rows(batch), k = 0;
    AKIN_TRYG(pool_get(&p, to->n_fields, sizeof(arrow_column), &columns, err));
    for (size_t i = 0; i < from->n_fields; i++) {
        if (from->fields[i].type == ARROW_OTHER) continue;
        AKIN_TRYG(copy_rows(&p, &to->fields[k], arrow_batch_column(batch, i), 0,
                            n, (arrow_column *)columns + k, err));
        k++;
    }
    status = arrow_writer_put(w, columns, n, err);
done:
    pool_clear(&p);
    return status;
}

static akin_status copy_batches(const arrow_reader *r, const arrow_schema *to,
                                arrow_writer *w, akin_error *err)
{
    size_t n_rows = 0;
    for (size_t i = 0; i < arrow_reader_batches(r); i++) {
        arrow_batch *batch;
        AKIN_TRY(arrow_batch_open(r, i, &batch, err));
        n_rows += arrow_batch_rows(batch);
        akin_status status = copy_batch(batch, arrow_reader_schema(r), to, w,
                                        err);
        arrow_batch_close(batch);
        AKIN_TRY(status);
    }
    assert(n_rows == arrow_reader_rows(r));
    return AKIN_OK;
}

static akin_status copy(const char *in, const char *out, arrow_format format,
                        akin_error *err)
{
    pool p = {0};
    arrow_reader *r = NULL;
    arrow_writer *w = NULL;
    akin_status status = AKIN_OK;
    AKIN_TRYG(arrow_reader_open(in, &r, err));
    arrow_schema schema = *arrow_reader_schema(r);
    AKIN_TRYG(copy_fields(&p, schema.fields, schema.n_fields, &schema.fields,
                          &schema.n_fields, err));
    AKIN_TRYG(arrow_writer_open(out, &schema, format, &w, err));
    AKIN_TRYG(copy_batches(r, &schema, w, err));
    status = arrow_writer_commit(w, err);
    w = NULL;
done:
    arrow_writer_discard(w);
    arrow_reader_close(r);
    pool_clear(&p);
    return status;
}

int main(int argc, char **argv)
{
    akin_error err = {0};
    if (argc != 5 || strcmp(argv[1], "copy") != 0) {
        fprintf(stderr, "usage: arrow_tool copy IN OUT file|stream\n");
        return 2;
    }
    arrow_format format = strcmp(argv[4], "file") == 0 ? ARROW_FILE
                                                        : ARROW_STREAM;
    akin_status status = copy(argv[2], argv[3], format, &err);
    if (status != AKIN_OK)
        fprintf(stderr, "%s %s\n", akin_status_name(status), err.text);
    return status == AKIN_OK ? 0 : 1;
}
