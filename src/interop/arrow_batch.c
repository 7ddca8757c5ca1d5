/* SPDX-License-Identifier: MIT
 * Batches of an Arrow file: buffers against the body, offsets against each
 * other and against what they point into, indexes against their dictionary, all
 * compared when a batch is opened and never again. */
#include "interop/arrow_int.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

enum { MAX_DICTIONARIES = 1 << 16 };

#define MAX_BATCHES ((size_t)1 << 24)

struct arrow_batch {
    size_t n_rows;
    arrow_view views[]; /* as the reader's fields */
};

static size_t bitmap_bytes(size_t n) { return n / 8 + (n % 8 != 0); }

/* ---- columns ---- */

/* Goes along the nodes and buffers of a batch. */
typedef struct cursor {
    const arrow_reader *r;
    size_t at; /* of the message */
    size_t n_rows, n_batches;
    arrow_vector nodes, buffers, variadic;
    size_t node, buffer, view;
    const unsigned char *body;
    size_t n_body;
} cursor;

static akin_status cursor_init(cursor *c, const arrow_reader *r,
                               arrow_message *m, const arrow_table *batch,
                               akin_error *err)
{
    int64_t n = arrow_flat_int(batch, BATCH_ROWS, 8, 0);
    arrow_table compression = arrow_flat_table(batch, BATCH_COMPRESSION);
    *c = (cursor){
        .r = r, .at = m->at, .n_rows = (size_t)n,
        .nodes = arrow_flat_vector(batch, BATCH_NODES, ARROW_NODE_BYTES),
        .buffers = arrow_flat_vector(batch, BATCH_BUFFERS, ARROW_BUFFER_BYTES),
        .variadic = arrow_flat_vector(batch, BATCH_VARIADIC, 8),
        .body = m->body, .n_body = m->n_body,
    };
    if (m->flat.bad) return BAD(r, m->at, "a broken batch");
    if (compression.at)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED, "'%s' is compressed (%s); "
                         "write it without compression", r->path,
                         arrow_flat_int(&compression, COMPRESSION_CODEC, 1, 0)
                         == 0 ? "lz4" : "zstd");
    if (n < 0 || n > INT32_MAX)
        return BAD(r, m->at, "a batch of %lld rows", (long long)n);
    return AKIN_OK;
}

static akin_status take_node(cursor *c, const arrow_field *f, int64_t *n,
                             int64_t *n_nulls, akin_error *err)
{
    if (c->node == c->nodes.n)
        return BAD(c->r, c->at, "column '%s' has no rows", f->name);
    const unsigned char *node = arrow_flat_item(&c->nodes, c->node++);
    *n = arrow_load(node, 8);
    *n_nulls = arrow_load(node + 8, 8);
    if (*n < 0 || *n_nulls < 0 || *n_nulls > *n)
        return BAD(c->r, c->at, "column '%s' has %lld rows and %lld nulls",
                   f->name, (long long)*n, (long long)*n_nulls);
    return AKIN_OK;
}

/* The next buffer, which must have n items of `size` bytes or more. *n_bytes,
 * which may be NULL, is how many it has. */
static akin_status take_buffer(cursor *c, const arrow_field *f, size_t n,
                               size_t size, const unsigned char **out,
                               size_t *n_bytes, akin_error *err)
{
    if (c->buffer == c->buffers.n)
        return BAD(c->r, c->at, "column '%s' lacks a buffer", f->name);
    const unsigned char *buffer = arrow_flat_item(&c->buffers, c->buffer++);
    uint64_t at = (uint64_t)arrow_load(buffer, 8);
    uint64_t there = (uint64_t)arrow_load(buffer + 8, 8);
    if (at > c->n_body || there > c->n_body - at)
        return BAD(c->r, c->at, "a buffer of column '%s' is outside its batch",
                   f->name);
    if (n > there / size)
        return BAD(c->r, c->at, "column '%s' has a buffer of %llu bytes for "
                   "%zu rows", f->name, (unsigned long long)there, n);
    *out = c->body + at;
    if (n_bytes) *n_bytes = (size_t)there;
    return AKIN_OK;
}

static akin_status skip_buffers(cursor *c, const arrow_field *f,
                                const arrow_layout *l, akin_error *err)
{
    uint64_t n = l->n_buffers;
    if (l->views) {
        if (c->view == c->variadic.n)
            return BAD(c->r, c->at, "column '%s' lacks buffers", f->name);
        n += (uint64_t)arrow_load(arrow_flat_item(&c->variadic, c->view++), 8);
    }
    if (n > c->buffers.n - c->buffer)
        return BAD(c->r, c->at, "column '%s' lacks buffers", f->name);
    c->buffer += n;
    return AKIN_OK;
}

static akin_status skip_column(cursor *c, const arrow_field *f,
                               akin_error *err)
{
    int64_t n, n_nulls;
    AKIN_TRY(take_node(c, f, &n, &n_nulls, err));
    AKIN_TRY(skip_buffers(c, f, &c->r->layouts[f - c->r->fields], err));
    for (size_t i = 0; i < f->n_children; i++)
        AKIN_TRY(skip_column(c, &f->children[i], err));
    return AKIN_OK;
}

/* Takes them, as far as there are rows; some writers leave the only one of an
 * empty column out. */
static akin_status open_offsets(cursor *c, arrow_view *v, bool wide,
                                akin_error *err)
{
    v->wide = wide;
    AKIN_TRY(take_buffer(c, v->field, v->n ? v->n + 1 : 0, wide ? 8 : 4,
                         &v->offsets, NULL, err));
    if (v->n == 0) v->offsets = NULL;
    return AKIN_OK;
}

/* They must ascend from 0 or more, up to the end at most. */
static akin_status check_offsets(const cursor *c, const arrow_view *v,
                                 size_t end, akin_error *err)
{
    int64_t last = 0;
    for (size_t i = 0; v->offsets && i <= v->n; i++) {
        int64_t offset = arrow_offset_at(v, i);
        if (offset < last || (uint64_t)offset > end)
            return BAD(c->r, c->at, "row %zu of column '%s' is at %lld, "
                       "between %lld and %zu", i, v->field->name,
                       (long long)offset, (long long)last, end);
        last = offset;
    }
    return AKIN_OK;
}

static akin_status open_texts(cursor *c, arrow_view *v, bool wide,
                              akin_error *err)
{
    size_t n_bytes = 0;
    AKIN_TRY(open_offsets(c, v, wide, err));
    AKIN_TRY(take_buffer(c, v->field, 0, 1, &v->values, &n_bytes, err));
    return check_offsets(c, v, n_bytes, err);
}

static akin_status open_nulls(cursor *c, arrow_view *v, akin_error *err)
{
    int64_t n, n_nulls;
    AKIN_TRY(take_node(c, v->field, &n, &n_nulls, err));
    AKIN_TRY(take_buffer(c, v->field, n_nulls ? bitmap_bytes((size_t)n) : 0, 1,
                         &v->valid, NULL, err));
    if (n_nulls == 0) v->valid = NULL;
    v->n = (size_t)n;
    v->reader = c->r;
    return AKIN_OK;
}

static akin_status open_view(cursor *c, const arrow_field *f, arrow_view *v,
                             akin_error *err);

/* Opens the children, which must have so many rows. */
static akin_status open_children(cursor *c, arrow_view *v, size_t n,
                                 akin_error *err)
{
    const arrow_field *f = v->field;
    for (size_t i = 0; i < f->n_children; i++) {
        arrow_view *child = &v->children[i];
        AKIN_TRY(open_view(c, &f->children[i], child, err));
        if (child->n < n && f->children[i].type != ARROW_OTHER)
            return BAD(c->r, c->at, "column '%s' in '%s' has %zu rows, not %zu",
                       f->children[i].name, f->name, child->n, n);
    }
    return AKIN_OK;
}

static akin_status open_list(cursor *c, arrow_view *v, bool wide,
                             akin_error *err)
{
    AKIN_TRY(open_offsets(c, v, wide, err));
    AKIN_TRY(open_children(c, v, 0, err));
    return check_offsets(c, v, v->children[0].n, err);
}

static akin_status open_fixed_list(cursor *c, arrow_view *v, akin_error *err)
{
    size_t n;
    if (!mem_mul(v->n, v->field->size, &n))
        return BAD(c->r, c->at, "column '%s' has %zu rows of %zu",
                   v->field->name, v->n, v->field->size);
    return open_children(c, v, n, err);
}

/* The newest dictionary of that id that was before the batch, and how many
 * words it and its continuations have; false: none. */
static bool find_words(const cursor *c, int64_t id, size_t *out,
                       uint64_t *n_words)
{
    const arrow_dictionary *all = c->r->dictionaries;
    size_t i = c->r->n_dictionaries;
    while (i > 0 && (all[i - 1].id != id || all[i - 1].more ||
                     all[i - 1].n_batches > c->n_batches))
        i--;
    if (i == 0) return false;
    *out = --i;
    *n_words = 0;
    do {
        *n_words += all[i].view.n;
        i = all[i].next;
    } while (i > 0 && all[i].n_batches <= c->n_batches);
    return true;
}

static akin_status open_indexes(cursor *c, arrow_view *v, const arrow_layout *l,
                                akin_error *err)
{
    uint64_t n_words = 0;
    v->is_dictionary = true;
    v->index = l->index;
    AKIN_TRY(take_buffer(c, v->field, v->n, arrow_number_bytes(l->index),
                         &v->values, NULL, err));
    if (!find_words(c, l->dictionary_id, &v->words, &n_words) && v->n > 0)
        return BAD(c->r, c->at, "column '%s' has no dictionary",
                   v->field->name);
    for (size_t i = 0; i < v->n; i++) {
        if (v->valid && !arrow_bit(v->valid, i)) continue;
        if (arrow_index_at(v, i) >= n_words)
            return BAD(c->r, c->at, "row %zu of column '%s' is outside its "
                       "dictionary", i, v->field->name);
    }
    return AKIN_OK;
}

static akin_status open_view(cursor *c, const arrow_field *f, arrow_view *v,
                             akin_error *err)
{
    const arrow_layout *l = &c->r->layouts[f - c->r->fields];
    v->field = f;
    v->children = v + (f->children - f);
    if (f->type == ARROW_OTHER) return skip_column(c, f, err);
    AKIN_TRY(open_nulls(c, v, err));
    if (l->dictionary) return open_indexes(c, v, l, err);
    switch (f->type) {
    case ARROW_BOOL:
        return take_buffer(c, f, bitmap_bytes(v->n), 1, &v->values, NULL, err);
    case ARROW_UTF8: return open_texts(c, v, l->wide, err);
    case ARROW_STRUCT: return open_children(c, v, v->n, err);
    case ARROW_LIST: return open_list(c, v, l->wide, err);
    case ARROW_FIXED_SIZE_LIST: return open_fixed_list(c, v, err);
    default:
        return take_buffer(c, f, v->n, arrow_number_bytes(f->type), &v->values,
                           NULL, err);
    }
}

/* ---- batches ---- */

akin_status arrow_add_batch(arrow_reader *r, arrow_message *m, akin_error *err)
{
    cursor c;
    void *p = r->batches;
    AKIN_TRY(cursor_init(&c, r, m, &m->head, err));
    AKIN_TRY(mem_grow(&p, &r->cap_batches, r->n_batches + 1,
                      sizeof *r->batches, MAX_BATCHES, err));
    r->batches = p;
    r->batches[r->n_batches++] = (arrow_batch_head){m->at, c.n_rows};
    r->n_rows += c.n_rows; /* 2^24 times 2^31 at most */
    return AKIN_OK;
}

/* The first column that is made of this dictionary; NULL: no text. */
static const arrow_field *dictionary_field(const arrow_reader *r, int64_t id)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (r->layouts[i].dictionary && r->layouts[i].dictionary_id == id &&
            r->fields[i].type == ARROW_UTF8)
            return &r->fields[i];
    return NULL;
}

/* Lets the last one of the same id before it go on there. */
static bool link_dictionary(arrow_reader *r, size_t added)
{
    arrow_dictionary *all = r->dictionaries;
    for (size_t i = added; i-- > 0;) {
        if (all[i].id != all[added].id) continue;
        all[i].next = added;
        return true;
    }
    return false;
}

akin_status arrow_add_dictionary(arrow_reader *r, arrow_message *m,
                                 akin_error *err)
{
    cursor c;
    arrow_table batch = arrow_flat_table(&m->head, DICTIONARY_BATCH);
    arrow_dictionary d = {
        .id = arrow_flat_int(&m->head, DICTIONARY_ID, 8, 0),
        .more = arrow_flat_int(&m->head, DICTIONARY_IS_DELTA, 1, 0) != 0,
        .n_batches = r->n_batches,
    };
    d.view.field = dictionary_field(r, d.id);
    if (!d.view.field) return AKIN_OK;
    AKIN_TRY(cursor_init(&c, r, m, &batch, err));
    AKIN_TRY(open_nulls(&c, &d.view, err));
    AKIN_TRY(open_texts(&c, &d.view,
                        r->layouts[d.view.field - r->fields].wide, err));
    void *p = r->dictionaries;
    AKIN_TRY(mem_grow(&p, &r->cap_dictionaries, r->n_dictionaries + 1,
                      sizeof d, MAX_DICTIONARIES, err));
    r->dictionaries = p;
    r->dictionaries[r->n_dictionaries] = d;
    if (d.more && !link_dictionary(r, r->n_dictionaries))
        return BAD(r, m->at, "dictionary %lld goes on before it begins",
                   (long long)d.id);
    r->n_dictionaries++;
    return AKIN_OK;
}

akin_status arrow_batch_open(const arrow_reader *r, size_t i,
                             arrow_batch **out, akin_error *err)
{
    arrow_message m;
    cursor c;
    void *p;
    akin_status status = AKIN_OK;
    assert(i < r->n_batches);
    AKIN_TRY(mem_new_array(1, sizeof(arrow_batch) +
                           r->n_fields * sizeof(arrow_view), "a batch", &p,
                           err));
    arrow_batch *b = p;
    AKIN_TRYG(arrow_read_message(r, r->batches[i].at, &m, err));
    AKIN_TRYG(cursor_init(&c, r, &m, &m.head, err));
    c.n_batches = i;
    b->n_rows = c.n_rows;
    for (size_t k = 0; k < r->schema.n_fields; k++) {
        const arrow_field *f = &r->fields[k];
        AKIN_TRYG(open_view(&c, f, &b->views[k], err));
        if (b->views[k].n == c.n_rows || f->type == ARROW_OTHER) continue;
        status = BAD(r, m.at, "column '%s' has %zu rows, not %zu", f->name,
                     b->views[k].n, c.n_rows);
        goto done;
    }
    *out = b;
    b = NULL;
done:
    mem_free(b);
    return status;
}

void arrow_batch_close(arrow_batch *b) { mem_free(b); }

size_t arrow_batch_rows(const arrow_batch *b) { return b->n_rows; }

const arrow_view *arrow_batch_column(const arrow_batch *b, size_t i)
{
    return &b->views[i];
}
