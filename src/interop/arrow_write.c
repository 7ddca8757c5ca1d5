/* SPDX-License-Identifier: MIT
 * Writing Arrow IPC, plain enough for every reader: no dictionaries, no views,
 * no compression.
 *
 * A batch's head tells where each buffer of its body will be, so a batch is
 * walked through twice: to plan, which checks all that a caller can have got
 * wrong, and to put the bytes, which leaves only the disk to fail. Numbers go
 * into the file out of the caller's arrays. */
#include "interop/arrow.h"

#include <assert.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "interop/arrow_flat.h"

enum {
    ALIGN = 64,      /* of buffers, in the file as in the body */
    CHUNK = 1024,    /* offsets or booleans encoded at a time */
    MAX_DEPTH = 16,  /* of fields in fields */
};

#define MAX_HEAD_BYTES ((size_t)1 << 30)
#define MAX_BATCHES ((size_t)1 << 24)

/* A node or buffer of a batch's head. */
typedef struct span {
    int64_t first, second;
} span;

typedef struct spans {
    span *data;
    size_t n, cap;
} spans;

typedef struct block {
    size_t at, head_bytes, body_bytes;
} block;

struct arrow_writer {
    file_writer *file;
    char *path;
    const arrow_schema *schema;
    arrow_format format;
    size_t at; /* bytes put */
    bool broken;
    spans nodes, buffers; /* of the batch that is planned */
    size_t body_bytes;
    block *blocks;
    size_t n_blocks, cap_blocks;
};

static size_t padded(size_t n) { return (n + ALIGN - 1) / ALIGN * ALIGN; }

static size_t bitmap_bytes(size_t n) { return n / 8 + (n % 8 != 0); }

/* ---- the schema ---- */

/* What Arrow calls a type, the sizes of its table's fields, and up to two
 * values for them. */
typedef struct type_row {
    int kind;
    const char *sizes;
    int values[2];
    size_t item_bytes; /* 0: its rows are no numbers */
} type_row;

static const type_row types[ARROW_OTHER] = {
    [ARROW_BOOL] = {TYPE_BOOL, "", {0}, 0},
    [ARROW_INT8] = {TYPE_INT, "41", {8, 1}, 1},
    [ARROW_INT16] = {TYPE_INT, "41", {16, 1}, 2},
    [ARROW_INT32] = {TYPE_INT, "41", {32, 1}, 4},
    [ARROW_INT64] = {TYPE_INT, "41", {64, 1}, 8},
    [ARROW_UINT8] = {TYPE_INT, "41", {8, 0}, 1},
    [ARROW_UINT16] = {TYPE_INT, "41", {16, 0}, 2},
    [ARROW_UINT32] = {TYPE_INT, "41", {32, 0}, 4},
    [ARROW_UINT64] = {TYPE_INT, "41", {64, 0}, 8},
    [ARROW_FLOAT16] = {TYPE_FLOAT, "2", {0}, 2},
    [ARROW_FLOAT32] = {TYPE_FLOAT, "2", {1}, 4},
    [ARROW_FLOAT64] = {TYPE_FLOAT, "2", {2}, 8},
    [ARROW_TIMESTAMP] = {TYPE_TIMESTAMP, "2", {0}, 8},
    [ARROW_UTF8] = {TYPE_UTF8, "", {0}, 0},
    [ARROW_STRUCT] = {TYPE_STRUCT, "", {0}, 0},
    [ARROW_LIST] = {TYPE_LIST, "", {0}, 0},
    [ARROW_FIXED_SIZE_LIST] = {TYPE_FIXED_LIST, "4", {0}, 0},
};

static akin_status check_field(const arrow_writer *w, const arrow_field *f,
                               int depth, akin_error *err)
{
    bool list = f->type == ARROW_LIST || f->type == ARROW_FIXED_SIZE_LIST;
    if ((unsigned)f->type >= ARROW_OTHER || f->zone)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "column '%s' of '%s' is of a type that is not written",
                         f->name, w->path);
    if (!text_is_utf8(f->name, strlen(f->name)))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the name of a column of '%s' is not UTF-8", w->path);
    if (depth == MAX_DEPTH || f->size > INT32_MAX)
        return AKIN_FAIL(err, AKIN_ELIMIT, "column '%s' of '%s' is too deep or "
                         "too wide", f->name, w->path);
    assert(list ? f->n_children == 1
                : f->type == ARROW_STRUCT || f->n_children == 0);
    for (size_t i = 0; i < f->n_children; i++)
        AKIN_TRY(check_field(w, &f->children[i], depth + 1, err));
    return AKIN_OK;
}

static akin_status check_schema(const arrow_writer *w, akin_error *err)
{
    const arrow_schema *s = w->schema;
    for (size_t i = 0; i < s->n_fields; i++)
        AKIN_TRY(check_field(w, &s->fields[i], 0, err));
    for (size_t i = 0; i < s->n_metadata; i++) {
        const arrow_pair *p = &s->metadata[i];
        if (!text_is_utf8(p->key, strlen(p->key)) ||
            !text_is_utf8(p->value, strlen(p->value)))
            return AKIN_FAIL(err, AKIN_EUSAGE, "metadata for '%s' is not "
                             "UTF-8", w->path);
    }
    return AKIN_OK;
}

static void put_type(text_buf *buf, size_t link, const arrow_field *f)
{
    const type_row *row = &types[f->type];
    arrow_places type = arrow_flat_put_table(buf, link, row->sizes);
    for (size_t i = 0; i < strlen(row->sizes); i++)
        arrow_flat_set(buf, type.at[i], (size_t)(row->sizes[i] - '0'),
                       row->values[i]);
    if (f->type == ARROW_TIMESTAMP)
        arrow_flat_set(buf, type.at[TIMESTAMP_UNIT], 2, f->unit);
    if (f->type == ARROW_FIXED_SIZE_LIST)
        arrow_flat_set(buf, type.at[FIXED_LIST_SIZE], 4, (int64_t)f->size);
}

static void put_field(text_buf *buf, size_t link, const arrow_field *f)
{
    arrow_places field = arrow_flat_put_table(buf, link, "411404");
    arrow_flat_set(buf, field.at[FIELD_NULLABLE], 1, f->nullable);
    arrow_flat_set(buf, field.at[FIELD_KIND], 1, types[f->type].kind);
    arrow_flat_put_text(buf, field.at[FIELD_NAME], f->name);
    put_type(buf, field.at[FIELD_TYPE], f);
    size_t links = arrow_flat_put_vector(buf, field.at[FIELD_CHILDREN],
                                         f->n_children, 4);
    for (size_t i = 0; i < f->n_children; i++)
        put_field(buf, links + 4 * i, &f->children[i]);
}

static void put_schema(text_buf *buf, size_t link, const arrow_schema *s)
{
    arrow_places schema = arrow_flat_put_table(buf, link, "244");
    size_t links = arrow_flat_put_vector(buf, schema.at[SCHEMA_FIELDS],
                                         s->n_fields, 4);
    for (size_t i = 0; i < s->n_fields; i++)
        put_field(buf, links + 4 * i, &s->fields[i]);
    links = arrow_flat_put_vector(buf, schema.at[SCHEMA_METADATA],
                                  s->n_metadata, 4);
    for (size_t i = 0; i < s->n_metadata; i++) {
        arrow_places pair = arrow_flat_put_table(buf, links + 4 * i, "44");
        arrow_flat_put_text(buf, pair.at[PAIR_KEY], s->metadata[i].key);
        arrow_flat_put_text(buf, pair.at[PAIR_VALUE], s->metadata[i].value);
    }
}

/* ---- bytes ---- */

static akin_status put_bytes(arrow_writer *w, const void *data, size_t n,
                             akin_error *err)
{
    w->at += n;
    return n ? file_writer_put(w->file, data, n, err) : AKIN_OK;
}

static akin_status put_number(arrow_writer *w, uint32_t value, akin_error *err)
{
    return put_bytes(w, &value, sizeof value, err);
}

/* Up to where the next buffer begins. */
static akin_status put_zeros(arrow_writer *w, akin_error *err)
{
    static const char zeros[ALIGN];
    return put_bytes(w, zeros, padded(w->at) - w->at, err);
}

static akin_status check_head(const arrow_writer *w, const text_buf *buf,
                              akin_error *err)
{
    if (buf->status == AKIN_OK) return AKIN_OK;
    return AKIN_FAIL(err, buf->status, buf->status == AKIN_ENOMEM
                     ? "out of memory for '%s'"
                     : "'%s' has too many columns or batches", w->path);
}

static arrow_places put_message(text_buf *buf, int kind, size_t body_bytes)
{
    arrow_flat_start(buf, MAX_HEAD_BYTES);
    arrow_places message = arrow_flat_put_table(buf, 0, "2148");
    arrow_flat_set(buf, message.at[MESSAGE_VERSION], 2, ARROW_V5);
    arrow_flat_set(buf, message.at[MESSAGE_KIND], 1, kind);
    arrow_flat_set(buf, message.at[MESSAGE_BODY_BYTES], 8,
                   (int64_t)body_bytes);
    return message;
}

/* Head and zeros behind it, so that its body begins aligned. */
static akin_status put_head(arrow_writer *w, const text_buf *buf,
                            akin_error *err)
{
    size_t end = padded(w->at + 8 + buf->n);
    AKIN_TRY(put_number(w, ARROW_CONTINUES, err));
    AKIN_TRY(put_number(w, (uint32_t)(end - w->at - 4), err));
    AKIN_TRY(put_bytes(w, buf->data, buf->n, err));
    return put_zeros(w, err);
}

static akin_status put_start(arrow_writer *w, akin_error *err)
{
    static const char start[ARROW_START_BYTES] = ARROW_MAGIC;
    text_buf buf;
    arrow_places message = put_message(&buf, KIND_SCHEMA, 0);
    put_schema(&buf, message.at[MESSAGE_HEAD], w->schema);
    akin_status status = check_head(w, &buf, err);
    if (status == AKIN_OK && w->format == ARROW_FILE)
        status = put_bytes(w, start, sizeof start, err);
    if (status == AKIN_OK) status = put_head(w, &buf, err);
    text_buf_clear(&buf);
    return status;
}

/* ---- planning a batch ---- */

static akin_status add_span(spans *s, int64_t first, int64_t second,
                            akin_error *err)
{
    void *p = s->data;
    AKIN_TRY(mem_grow(&p, &s->cap, s->n + 1, sizeof *s->data,
                      MAX_HEAD_BYTES / sizeof *s->data, err));
    s->data = p;
    s->data[s->n++] = (span){first, second};
    return AKIN_OK;
}

/* n items of `size` bytes and `more` bytes. */
static akin_status add_buffer(arrow_writer *w, const arrow_field *f, size_t n,
                              size_t size, size_t more, akin_error *err)
{
    size_t n_bytes, end;
    if (!mem_mul(n, size, &n_bytes) || !mem_add(n_bytes, more, &n_bytes) ||
        !mem_add(w->body_bytes, n_bytes, &end) || end > INT64_MAX - ALIGN)
        return AKIN_FAIL(err, AKIN_ELIMIT, "column '%s' of '%s' is too large",
                         f->name, w->path);
    AKIN_TRY(add_span(&w->buffers, (int64_t)w->body_bytes, (int64_t)n_bytes,
                      err));
    w->body_bytes = padded(end);
    return AKIN_OK;
}

static bool is_null(const arrow_field *f, const arrow_column *c, size_t i)
{
    if (c->valid && !c->valid[i]) return true;
    return f->type == ARROW_UTF8 && !((const char *const *)c->values)[i];
}

/* The node, and the bitmap if it is needed. */
static akin_status plan_nulls(arrow_writer *w, const arrow_field *f,
                              const arrow_column *c, size_t n, akin_error *err)
{
    size_t n_nulls = 0;
    for (size_t i = 0; i < n && (c->valid || f->type == ARROW_UTF8); i++) {
        if (!is_null(f, c, i)) continue;
        if (!f->nullable)
            return AKIN_FAIL(err, AKIN_EUSAGE, "row %zu of column '%s' of '%s' "
                             "is null, which the column has not", i, f->name,
                             w->path);
        n_nulls++;
    }
    AKIN_TRY(add_span(&w->nodes, (int64_t)n, (int64_t)n_nulls, err));
    return add_buffer(w, f, n_nulls ? bitmap_bytes(n) : 0, 1, 0, err);
}

static akin_status plan_texts(arrow_writer *w, const arrow_field *f,
                              const arrow_column *c, size_t n, akin_error *err)
{
    const char *const *texts = c->values;
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++) {
        if (is_null(f, c, i)) continue;
        size_t length = strlen(texts[i]);
        if (!text_is_utf8(texts[i], length))
            return AKIN_FAIL(err, AKIN_EUSAGE, "row %zu of column '%s' of '%s' "
                             "is not UTF-8", i, f->name, w->path);
        if (length > INT32_MAX - n_bytes)
            return AKIN_FAIL(err, AKIN_ELIMIT, "the texts of column '%s' of "
                             "'%s' are more than 2 GiB in a batch", f->name,
                             w->path);
        n_bytes += length;
    }
    AKIN_TRY(add_buffer(w, f, n, 4, 4, err));
    return add_buffer(w, f, n_bytes, 1, 0, err);
}

/* How many rows the child of a list has. */
static akin_status count_items(const arrow_writer *w, const arrow_field *f,
                               const arrow_column *c, size_t n, size_t *out,
                               akin_error *err)
{
    if (f->type == ARROW_FIXED_SIZE_LIST) {
        if (mem_mul(n, f->size, out) && *out <= INT64_MAX) return AKIN_OK;
    } else {
        assert(n == 0 || c->offsets[0] == 0);
        for (size_t i = 0; i < n; i++)
            assert(c->offsets[i] <= c->offsets[i + 1]);
        *out = n ? (size_t)c->offsets[n] : 0;
        if (*out <= INT32_MAX) return AKIN_OK;
    }
    return AKIN_FAIL(err, AKIN_ELIMIT, "the lists of column '%s' of '%s' have "
                     "too many items in a batch", f->name, w->path);
}

static akin_status plan_column(arrow_writer *w, const arrow_field *f,
                               const arrow_column *c, size_t n, akin_error *err)
{
    AKIN_TRY(plan_nulls(w, f, c, n, err));
    if (types[f->type].item_bytes)
        return add_buffer(w, f, n, types[f->type].item_bytes, 0, err);
    switch (f->type) {
    case ARROW_BOOL: return add_buffer(w, f, bitmap_bytes(n), 1, 0, err);
    case ARROW_UTF8: return plan_texts(w, f, c, n, err);
    case ARROW_LIST: AKIN_TRY(add_buffer(w, f, n, 4, 4, err)); break;
    default: break;
    }
    size_t n_items = n;
    if (f->type != ARROW_STRUCT)
        AKIN_TRY(count_items(w, f, c, n, &n_items, err));
    for (size_t i = 0; i < f->n_children; i++)
        AKIN_TRY(plan_column(w, &f->children[i], &c->children[i], n_items,
                             err));
    return AKIN_OK;
}

/* ---- putting a batch ---- */

/* true of the i-th row becomes a bit. */
static akin_status put_bits(arrow_writer *w, const arrow_field *f,
                            const arrow_column *c, size_t n, bool valid,
                            akin_error *err)
{
    const bool *values = c->values;
    unsigned char bits[CHUNK / 8];
    for (size_t i = 0, some; i < n; i += some) {
        some = n - i < CHUNK ? n - i : CHUNK;
        memset(bits, 0, sizeof bits);
        for (size_t k = 0; k < some; k++)
            if (valid ? !is_null(f, c, i + k) : values[i + k])
                bits[k / 8] |= (unsigned char)(1u << k % 8);
        AKIN_TRY(put_bytes(w, bits, bitmap_bytes(some), err));
    }
    return put_zeros(w, err);
}

/* Where each row begins, and the end: of texts, or as the column tells. */
static akin_status put_offsets(arrow_writer *w, const arrow_field *f,
                               const arrow_column *c, size_t n, akin_error *err)
{
    const char *const *texts = c->values;
    int32_t offsets[CHUNK], at = 0;
    size_t n_offsets = 0;
    for (size_t i = 0; i <= n; i++) {
        offsets[n_offsets++] = at;
        if (i < n && f->type == ARROW_LIST)
            at = (int32_t)c->offsets[i + 1];
        else if (i < n && !is_null(f, c, i))
            at += (int32_t)strlen(texts[i]);
        if (n_offsets < CHUNK && i < n) continue;
        AKIN_TRY(put_bytes(w, offsets, n_offsets * sizeof *offsets, err));
        n_offsets = 0;
    }
    return put_zeros(w, err);
}

static akin_status put_texts(arrow_writer *w, const arrow_field *f,
                             const arrow_column *c, size_t n, akin_error *err)
{
    const char *const *texts = c->values;
    AKIN_TRY(put_offsets(w, f, c, n, err));
    for (size_t i = 0; i < n; i++)
        if (!is_null(f, c, i))
            AKIN_TRY(put_bytes(w, texts[i], strlen(texts[i]), err));
    return put_zeros(w, err);
}

static akin_status put_numbers(arrow_writer *w, const arrow_field *f,
                               const arrow_column *c, size_t n, akin_error *err)
{
    AKIN_TRY(put_bytes(w, c->values, n * types[f->type].item_bytes, err));
    return put_zeros(w, err);
}

/* *node goes along the nodes as they were planned. */
static akin_status put_column(arrow_writer *w, const arrow_field *f,
                              const arrow_column *c, const span **node,
                              akin_error *err)
{
    size_t n = (size_t)(*node)->first;
    bool nulls = (*node)->second > 0;
    ++*node;
    if (nulls) AKIN_TRY(put_bits(w, f, c, n, true, err));
    if (types[f->type].item_bytes) return put_numbers(w, f, c, n, err);
    switch (f->type) {
    case ARROW_BOOL: return put_bits(w, f, c, n, false, err);
    case ARROW_UTF8: return put_texts(w, f, c, n, err);
    case ARROW_LIST: AKIN_TRY(put_offsets(w, f, c, n, err)); break;
    default: break;
    }
    for (size_t i = 0; i < f->n_children; i++)
        AKIN_TRY(put_column(w, &f->children[i], &c->children[i], node, err));
    return AKIN_OK;
}

static void put_spans(text_buf *buf, size_t link, const spans *s)
{
    size_t at = arrow_flat_put_vector(buf, link, s->n, sizeof(span));
    for (size_t i = 0; i < s->n; i++) {
        arrow_flat_set(buf, at + i * sizeof(span), 8, s->data[i].first);
        arrow_flat_set(buf, at + i * sizeof(span) + 8, 8, s->data[i].second);
    }
}

static void put_batch_head(text_buf *buf, const arrow_writer *w, size_t n)
{
    arrow_places message = put_message(buf, KIND_BATCH, w->body_bytes);
    arrow_places batch = arrow_flat_put_table(buf, message.at[MESSAGE_HEAD],
                                              "844");
    arrow_flat_set(buf, batch.at[BATCH_ROWS], 8, (int64_t)n);
    put_spans(buf, batch.at[BATCH_NODES], &w->nodes);
    put_spans(buf, batch.at[BATCH_BUFFERS], &w->buffers);
}

static akin_status plan_batch(arrow_writer *w, const arrow_column *columns,
                              size_t n, akin_error *err)
{
    w->nodes.n = w->buffers.n = w->body_bytes = 0;
    if (n > INT32_MAX)
        return AKIN_FAIL(err, AKIN_ELIMIT, "a batch of %zu rows is too large "
                         "for '%s'", n, w->path);
    for (size_t i = 0; i < w->schema->n_fields; i++)
        AKIN_TRY(plan_column(w, &w->schema->fields[i], &columns[i], n, err));
    void *p = w->blocks;
    AKIN_TRY(mem_grow(&p, &w->cap_blocks, w->n_blocks + 1, sizeof *w->blocks,
                      MAX_BATCHES, err));
    w->blocks = p;
    return AKIN_OK;
}

akin_status arrow_writer_put(arrow_writer *w, const arrow_column *columns,
                             size_t n, akin_error *err)
{
    text_buf buf = {0};
    akin_status status = AKIN_OK;
    assert(!w->broken);
    w->broken = true;
    AKIN_TRYG(plan_batch(w, columns, n, err));
    put_batch_head(&buf, w, n);
    AKIN_TRYG(check_head(w, &buf, err));
    size_t start = w->at;
    AKIN_TRYG(put_head(w, &buf, err));
    size_t body = w->at;
    const span *node = w->nodes.data;
    for (size_t i = 0; i < w->schema->n_fields; i++)
        AKIN_TRYG(put_column(w, &w->schema->fields[i], &columns[i], &node,
                             err));
    assert(w->at - body == w->body_bytes);
    w->blocks[w->n_blocks++] =
        (block){.at = start, .head_bytes = body - start,
                .body_bytes = w->body_bytes};
    w->broken = false;
done:
    text_buf_clear(&buf);
    return status;
}

/* ---- the file ---- */

static void build_footer(text_buf *buf, const arrow_writer *w)
{
    arrow_flat_start(buf, MAX_HEAD_BYTES);
    arrow_places footer = arrow_flat_put_table(buf, 0, "2444");
    arrow_flat_set(buf, footer.at[FOOTER_VERSION], 2, ARROW_V5);
    put_schema(buf, footer.at[FOOTER_SCHEMA], w->schema);
    arrow_flat_put_vector(buf, footer.at[FOOTER_DICTIONARIES], 0,
                          ARROW_BLOCK_BYTES);
    size_t at = arrow_flat_put_vector(buf, footer.at[FOOTER_BATCHES],
                                      w->n_blocks, ARROW_BLOCK_BYTES);
    for (size_t i = 0; i < w->n_blocks; i++, at += ARROW_BLOCK_BYTES) {
        const block *b = &w->blocks[i];
        arrow_flat_set(buf, at, 8, (int64_t)b->at);
        arrow_flat_set(buf, at + 8, 4, (int64_t)b->head_bytes);
        arrow_flat_set(buf, at + 16, 8, (int64_t)b->body_bytes);
    }
}

static akin_status put_footer(arrow_writer *w, akin_error *err)
{
    text_buf buf;
    build_footer(&buf, w);
    akin_status status = check_head(w, &buf, err);
    if (status == AKIN_OK) status = put_bytes(w, buf.data, buf.n, err);
    if (status == AKIN_OK) status = put_number(w, (uint32_t)buf.n, err);
    if (status == AKIN_OK)
        status = put_bytes(w, ARROW_MAGIC, ARROW_MAGIC_BYTES, err);
    text_buf_clear(&buf);
    return status;
}

akin_status arrow_writer_open(const char *path, const arrow_schema *schema,
                              arrow_format format, arrow_writer **out,
                              akin_error *err)
{
    akin_status status = AKIN_OK;
    arrow_writer *w = mem_array(1, sizeof *w);
    if (w) w->path = mem_strdup(path);
    if (!w || !w->path) {
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
        goto done;
    }
    w->schema = schema;
    w->format = format;
    AKIN_TRYG(check_schema(w, err));
    AKIN_TRYG(file_writer_open(path, &w->file, err));
    AKIN_TRYG(put_start(w, err));
    *out = w;
    w = NULL;
done:
    arrow_writer_discard(w);
    return status;
}

akin_status arrow_writer_commit(arrow_writer *w, akin_error *err)
{
    akin_status status = AKIN_OK;
    assert(!w->broken);
    AKIN_TRYG(put_number(w, ARROW_CONTINUES, err));
    AKIN_TRYG(put_number(w, 0, err));
    if (w->format == ARROW_FILE) AKIN_TRYG(put_footer(w, err));
    status = file_writer_commit(w->file, err);
    w->file = NULL;
done:
    arrow_writer_discard(w);
    return status;
}

void arrow_writer_discard(arrow_writer *w)
{
    if (!w) return;
    file_writer_discard(w->file);
    mem_free(w->nodes.data);
    mem_free(w->buffers.data);
    mem_free(w->blocks);
    mem_free(w->path);
    mem_free(w);
}
