/* SPDX-License-Identifier: MIT
 * Reading Arrow IPC: the file is mapped, and columns are looked at where they
 * lie. All that could lead outside is checked when a batch is opened, once and
 * for all its rows: buffers against the body, offsets against each other and
 * against what they point into, indexes against their dictionary. */
#include "interop/arrow.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/half.h"
#include "base/memory.h"
#include "interop/arrow_flat.h"

enum { MAX_DEPTH = 16, MAX_FIELDS = 1 << 16, MAX_DICTIONARIES = 1 << 16 };

#define MAX_BATCHES ((size_t)1 << 24)

/* What a field's columns are made of, which only this file knows. */
typedef struct layout {
    size_t n_buffers; /* of the column without its children */
    bool views;       /* and as many more as the batch says */
    bool wide;        /* offsets have 8 bytes, not 4 */
    bool dictionary;  /* rows are numbers of type `index` */
    arrow_type index;
    int64_t dictionary_id;
} layout;

struct arrow_view {
    const arrow_field *field;
    const arrow_reader *reader;
    size_t n;
    const unsigned char *valid;   /* bitmap; NULL: no nulls */
    const unsigned char *values;  /* numbers, bits, texts or indexes */
    const unsigned char *offsets; /* NULL: no rows */
    bool wide;
    bool is_dictionary;
    arrow_type index;
    size_t words;         /* the first of its dictionaries */
    arrow_view *children; /* [field->n_children] */
};

/* Words for texts. More of them may come later in the file. */
typedef struct dictionary {
    int64_t id;
    size_t n_batches; /* that were before it */
    bool more;        /* than those of the same id before it */
    size_t next;      /* that has more; 0: none */
    arrow_view view;
} dictionary;

typedef struct batch_head {
    size_t at, n_rows;
} batch_head;

struct arrow_reader {
    file_map map;
    char *path;
    int version;
    size_t schema_at;
    arrow_schema schema;
    arrow_field *fields; /* all, those of a parent in a row */
    layout *layouts;     /* of each of these */
    size_t n_fields;
    arrow_pair *pairs;
    batch_head *batches;
    size_t n_batches, cap_batches, n_rows;
    dictionary *dictionaries;
    size_t n_dictionaries, cap_dictionaries;
};

struct arrow_batch {
    size_t n_rows;
    arrow_view views[]; /* as the reader's fields */
};

#define BAD(r, at, ...)                                                        \
    ((void)error_prefix(err, AKIN_FAIL(err, AKIN_ECORRUPT, __VA_ARGS__),       \
                        "'%s' at byte %zu", (r)->path, (size_t)(at)),          \
     AKIN_ECORRUPT)

static size_t bitmap_bytes(size_t n) { return n / 8 + (n % 8 != 0); }

static bool bit(const unsigned char *bits, size_t i)
{
    return bits[i / 8] >> i % 8 & 1;
}

/* ---- types ---- */

/* By the kinds of arrow_flat.h: a name, how many buffers, and for those that
 * need no more to be known, what they are here. */
static const struct {
    const char *name;
    size_t n_buffers;
    arrow_type type;
} kinds[TYPE_END] = {
    [TYPE_NULL] = {"null", 0, ARROW_OTHER},
    [TYPE_INT] = {"int", 2, ARROW_INT8},
    [TYPE_FLOAT] = {"float", 2, ARROW_FLOAT16},
    [TYPE_BINARY] = {"binary", 3, ARROW_OTHER},
    [TYPE_UTF8] = {"utf8", 3, ARROW_UTF8},
    [TYPE_BOOL] = {"bool", 2, ARROW_BOOL},
    [TYPE_DECIMAL] = {"decimal", 2, ARROW_OTHER},
    [TYPE_DATE] = {"date", 2, ARROW_OTHER},
    [TYPE_TIME] = {"time", 2, ARROW_OTHER},
    [TYPE_TIMESTAMP] = {"timestamp", 2, ARROW_TIMESTAMP},
    [TYPE_INTERVAL] = {"interval", 2, ARROW_OTHER},
    [TYPE_LIST] = {"list", 2, ARROW_LIST},
    [TYPE_STRUCT] = {"struct", 1, ARROW_STRUCT},
    [TYPE_UNION] = {"union", 1, ARROW_OTHER},
    [TYPE_FIXED_BINARY] = {"fixed_size_binary", 2, ARROW_OTHER},
    [TYPE_FIXED_LIST] = {"fixed_size_list", 1, ARROW_FIXED_SIZE_LIST},
    [TYPE_MAP] = {"map", 2, ARROW_OTHER},
    [TYPE_DURATION] = {"duration", 2, ARROW_OTHER},
    [TYPE_LARGE_BINARY] = {"large_binary", 3, ARROW_OTHER},
    [TYPE_LARGE_UTF8] = {"large_utf8", 3, ARROW_UTF8},
    [TYPE_LARGE_LIST] = {"large_list", 2, ARROW_LIST},
    [TYPE_RUN_END] = {"run_end_encoded", 0, ARROW_OTHER},
    [TYPE_BINARY_VIEW] = {"binary_view", 2, ARROW_OTHER},
    [TYPE_UTF8_VIEW] = {"utf8_view", 2, ARROW_OTHER},
    [TYPE_LIST_VIEW] = {"list_view", 3, ARROW_OTHER},
    [TYPE_LARGE_LIST_VIEW] = {"large_list_view", 3, ARROW_OTHER},
};

static const char *const number_names[] = {
    [ARROW_INT8] = "int8", [ARROW_INT16] = "int16", [ARROW_INT32] = "int32",
    [ARROW_INT64] = "int64", [ARROW_UINT8] = "uint8",
    [ARROW_UINT16] = "uint16", [ARROW_UINT32] = "uint32",
    [ARROW_UINT64] = "uint64", [ARROW_FLOAT16] = "float16",
    [ARROW_FLOAT32] = "float32", [ARROW_FLOAT64] = "float64",
};

static size_t number_bytes(arrow_type type)
{
    switch (type) {
    case ARROW_INT8: case ARROW_UINT8: return 1;
    case ARROW_INT16: case ARROW_UINT16: case ARROW_FLOAT16: return 2;
    case ARROW_INT32: case ARROW_UINT32: case ARROW_FLOAT32: return 4;
    default: return 8;
    }
}

/* false: no such integers. */
static bool int_type(const arrow_table *type, arrow_type *out)
{
    bool is_signed = arrow_flat_int(type, INT_SIGNED, 1, 0) != 0;
    switch (arrow_flat_int(type, INT_BITS, 4, 0)) {
    case 8: *out = is_signed ? ARROW_INT8 : ARROW_UINT8; return true;
    case 16: *out = is_signed ? ARROW_INT16 : ARROW_UINT16; return true;
    case 32: *out = is_signed ? ARROW_INT32 : ARROW_UINT32; return true;
    case 64: *out = is_signed ? ARROW_INT64 : ARROW_UINT64; return true;
    default: return false;
    }
}

static bool float_type(const arrow_table *type, arrow_type *out)
{
    int64_t precision = arrow_flat_int(type, FLOAT_PRECISION, 2, 0);
    if (precision < 0 || precision > 2) return false;
    *out = ARROW_FLOAT16 + (arrow_type)precision;
    return true;
}

static bool timestamp_type(const arrow_table *type, arrow_field *f)
{
    int64_t unit = arrow_flat_int(type, TIMESTAMP_UNIT, 2, ARROW_S);
    f->zone = arrow_flat_text(type, TIMESTAMP_ZONE);
    if (unit < ARROW_S || unit > ARROW_NS) return false;
    f->unit = (arrow_unit)unit;
    return true;
}

/* A byte a row that tells the type and, if dense, an offset; before version 5
 * also nulls. */
static size_t union_buffers(const arrow_reader *r, const arrow_table *type)
{
    bool dense = arrow_flat_int(type, UNION_MODE, 2, 0) != 0;
    return (dense ? 2u : 1u) + (r->version < ARROW_V5 ? 1u : 0u);
}

static bool read_type(const arrow_reader *r, const arrow_table *field,
                      arrow_field *f, layout *l)
{
    int64_t kind = arrow_flat_int(field, FIELD_KIND, 1, 0), size;
    arrow_table type = arrow_flat_table(field, FIELD_TYPE);
    if (kind < TYPE_NULL || kind >= TYPE_END) return false;
    f->type = kinds[kind].type;
    f->type_name = kinds[kind].name;
    l->n_buffers = kinds[kind].n_buffers;
    switch (kind) {
    case TYPE_INT:
        if (!int_type(&type, &f->type)) return false;
        f->type_name = number_names[f->type];
        break;
    case TYPE_FLOAT:
        if (!float_type(&type, &f->type)) return false;
        f->type_name = number_names[f->type];
        break;
    case TYPE_TIMESTAMP: return timestamp_type(&type, f);
    case TYPE_FIXED_LIST:
        size = arrow_flat_int(&type, FIXED_LIST_SIZE, 4, 0);
        f->size = (size_t)size;
        return size >= 0;
    case TYPE_UNION: l->n_buffers = union_buffers(r, &type); break;
    case TYPE_LARGE_UTF8: case TYPE_LARGE_LIST: l->wide = true; break;
    case TYPE_UTF8_VIEW: case TYPE_BINARY_VIEW: l->views = true; break;
    default: break;
    }
    return true;
}

/* A dictionary of anything but texts is of no known type. */
static bool read_encoding(const arrow_table *encoding, arrow_field *f,
                          layout *l)
{
    arrow_table index = arrow_flat_table(encoding, ENCODING_INDEX);
    l->dictionary = true;
    l->dictionary_id = arrow_flat_int(encoding, ENCODING_ID, 8, 0);
    l->n_buffers = 2;
    l->views = false;
    l->index = ARROW_INT32;
    if (f->type != ARROW_UTF8) f->type = ARROW_OTHER;
    f->type_name = "dictionary";
    f->n_children = 0; /* they are the dictionary's */
    return index.at == 0 || int_type(&index, &l->index);
}

/* ---- the schema ---- */

/* Adds fields and all below them to *n; false: too many or too deep. The sum is
 * bounded as it grows, since tables may be linked more than once. */
static bool count_fields(const arrow_vector *v, int depth, size_t *n)
{
    if (depth > MAX_DEPTH || v->n > MAX_FIELDS - *n) return false;
    *n += v->n;
    for (size_t i = 0; i < v->n; i++) {
        arrow_table field = arrow_flat_item_table(v, i);
        arrow_vector children = arrow_flat_vector(&field, FIELD_CHILDREN, 4);
        if (!count_fields(&children, depth + 1, n)) return false;
    }
    return true;
}

static bool children_fit(const arrow_field *f)
{
    switch (f->type) {
    case ARROW_OTHER: case ARROW_STRUCT: return true;
    case ARROW_LIST: case ARROW_FIXED_SIZE_LIST: return f->n_children == 1;
    default: return f->n_children == 0;
    }
}

static akin_status read_fields(arrow_reader *r, const arrow_vector *v,
                               const arrow_field **out, akin_error *err);

static akin_status read_field(arrow_reader *r, const arrow_table *field,
                              arrow_field *f, akin_error *err)
{
    layout *l = &r->layouts[f - r->fields];
    arrow_table encoding = arrow_flat_table(field, FIELD_DICTIONARY);
    arrow_vector children = arrow_flat_vector(field, FIELD_CHILDREN, 4);
    f->name = arrow_flat_text(field, FIELD_NAME);
    if (!f->name) f->name = "";
    if (!text_is_utf8(f->name, strlen(f->name)))
        return BAD(r, r->schema_at, "the name of a column is not UTF-8");
    f->nullable = arrow_flat_int(field, FIELD_NULLABLE, 1, 0) != 0;
    f->n_children = children.n;
    if (!read_type(r, field, f, l) || !children_fit(f))
        return BAD(r, r->schema_at, "column '%s' is of an impossible type",
                   f->name);
    AKIN_TRY(read_fields(r, &children, &f->children, err));
    if (encoding.at && !read_encoding(&encoding, f, l))
        return BAD(r, r->schema_at, "column '%s' has an impossible dictionary",
                   f->name);
    /* Rows of such a child are not counted, so its parent's have none. */
    if ((f->type == ARROW_LIST || f->type == ARROW_FIXED_SIZE_LIST) &&
        f->children[0].type == ARROW_OTHER)
        f->type = ARROW_OTHER;
    return AKIN_OK;
}

static akin_status read_fields(arrow_reader *r, const arrow_vector *v,
                               const arrow_field **out, akin_error *err)
{
    arrow_field *fields = r->fields + r->n_fields;
    r->n_fields += v->n;
    *out = fields;
    for (size_t i = 0; i < v->n; i++) {
        arrow_table field = arrow_flat_item_table(v, i);
        AKIN_TRY(read_field(r, &field, &fields[i], err));
    }
    return AKIN_OK;
}

static akin_status read_metadata(arrow_reader *r, const arrow_table *schema,
                                 akin_error *err)
{
    void *p;
    arrow_vector v = arrow_flat_vector(schema, SCHEMA_METADATA, 4);
    AKIN_TRY(mem_new_array(v.n, sizeof *r->pairs, "metadata", &p, err));
    r->pairs = p;
    for (size_t i = 0; i < v.n; i++) {
        arrow_table pair = arrow_flat_item_table(&v, i);
        const char *key = arrow_flat_text(&pair, PAIR_KEY);
        const char *value = arrow_flat_text(&pair, PAIR_VALUE);
        r->pairs[i] = (arrow_pair){key ? key : "", value ? value : ""};
    }
    r->schema.metadata = r->pairs;
    r->schema.n_metadata = v.n;
    return AKIN_OK;
}

static akin_status read_schema(arrow_reader *r, const arrow_table *schema,
                               size_t at, akin_error *err)
{
    void *p;
    size_t n = 0;
    arrow_vector v = arrow_flat_vector(schema, SCHEMA_FIELDS, 4);
    r->schema_at = at;
    if (arrow_flat_int(schema, SCHEMA_ENDIAN, 2, 0) != 0)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' has big-endian numbers", r->path);
    if (!count_fields(&v, 0, &n))
        return AKIN_FAIL(err, AKIN_ELIMIT, "'%s' has more than %d columns, or "
                         "some nested deeper than %d", r->path, MAX_FIELDS,
                         MAX_DEPTH);
    AKIN_TRY(mem_new_array(n, sizeof *r->fields, "columns", &p, err));
    r->fields = p;
    AKIN_TRY(mem_new_array(n, sizeof *r->layouts, "columns", &p, err));
    r->layouts = p;
    AKIN_TRY(read_fields(r, &v, &r->schema.fields, err));
    r->schema.n_fields = v.n;
    AKIN_TRY(read_metadata(r, schema, err));
    if (schema->flat->bad) return BAD(r, at, "a broken schema");
    return AKIN_OK;
}

/* ---- messages ---- */

/* Where a message lies; stays where it is, since tables point into it. */
typedef struct message {
    size_t at, end; /* with its body */
    int kind;       /* 0: the end of the stream */
    arrow_flat flat;
    arrow_table head;
    const unsigned char *body;
    size_t n_body;
} message;

static akin_status check_version(arrow_reader *r, int64_t version,
                                 akin_error *err)
{
    r->version = (int)version;
    if (version == ARROW_V4 || version == ARROW_V5) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EVERSION, "'%s' is of Arrow's format version "
                     "%lld, neither 4 nor 5", r->path, (long long)version + 1);
}

/* The bytes of the head, behind one or two numbers of 4 bytes; none at the end
 * of the stream. */
static akin_status find_head(const arrow_reader *r, size_t at, message *m,
                             size_t *head_at, akin_error *err)
{
    const unsigned char *data = r->map.data;
    int64_t n = 0;
    for (int i = 0; i < 2; i++) {
        if (r->map.n - at < 4) {
            if (i == 0 && at == r->map.n) break; /* which ends a stream, too */
            return BAD(r, at, "cut off");
        }
        n = arrow_load(data + at, 4);
        at += 4;
        if (n != -1) break;
    }
    if (n < 0 || (uint64_t)n > r->map.n - at)
        return BAD(r, at, "the head of a message has %lld bytes", (long long)n);
    *head_at = at;
    m->flat = (arrow_flat){.data = data + at, .n = (size_t)n};
    return AKIN_OK;
}

static akin_status read_message(const arrow_reader *r, size_t at, message *m,
                                akin_error *err)
{
    size_t head_at = 0;
    *m = (message){.at = at};
    AKIN_TRY(find_head(r, at, m, &head_at, err));
    m->end = head_at + m->flat.n;
    if (m->flat.n == 0) return AKIN_OK;
    arrow_table root = arrow_flat_root(&m->flat);
    int64_t n_body = arrow_flat_int(&root, MESSAGE_BODY_BYTES, 8, 0);
    m->kind = (int)arrow_flat_int(&root, MESSAGE_KIND, 1, 0);
    m->head = arrow_flat_table(&root, MESSAGE_HEAD);
    if (m->flat.bad || m->kind <= 0 || m->head.at == 0)
        return BAD(r, at, "a broken message");
    if (n_body < 0 || (uint64_t)n_body > r->map.n - m->end)
        return BAD(r, at, "cut off: the body of a message has %lld bytes, of "
                   "which %zu are there", (long long)n_body,
                   r->map.n - m->end);
    m->body = r->map.data + m->end;
    m->n_body = (size_t)n_body;
    m->end += m->n_body;
    return AKIN_OK;
}

static int64_t message_version(message *m)
{
    arrow_table root = arrow_flat_root(&m->flat);
    return arrow_flat_int(&root, MESSAGE_VERSION, 2, 0);
}

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

static akin_status cursor_init(cursor *c, const arrow_reader *r, message *m,
                               const arrow_table *batch, akin_error *err)
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
                                const layout *l, akin_error *err)
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

static int64_t offset_at(const arrow_view *v, size_t i)
{
    int32_t narrow;
    int64_t wide;
    if (v->wide) {
        memcpy(&wide, v->offsets + 8 * i, sizeof wide);
        return wide;
    }
    memcpy(&narrow, v->offsets + 4 * i, sizeof narrow);
    return narrow;
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
        int64_t offset = offset_at(v, i);
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

static uint64_t index_at(const arrow_view *v, size_t row);

/* The newest dictionary of that id that was before the batch, and how many
 * words it and its continuations have; false: none. */
static bool find_words(const cursor *c, int64_t id, size_t *out,
                       uint64_t *n_words)
{
    const dictionary *all = c->r->dictionaries;
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

static akin_status open_indexes(cursor *c, arrow_view *v, const layout *l,
                                akin_error *err)
{
    uint64_t n_words = 0;
    v->is_dictionary = true;
    v->index = l->index;
    AKIN_TRY(take_buffer(c, v->field, v->n, number_bytes(l->index), &v->values,
                         NULL, err));
    if (!find_words(c, l->dictionary_id, &v->words, &n_words) && v->n > 0)
        return BAD(c->r, c->at, "column '%s' has no dictionary",
                   v->field->name);
    for (size_t i = 0; i < v->n; i++) {
        if (v->valid && !bit(v->valid, i)) continue;
        if (index_at(v, i) >= n_words)
            return BAD(c->r, c->at, "row %zu of column '%s' is outside its "
                       "dictionary", i, v->field->name);
    }
    return AKIN_OK;
}

static akin_status open_view(cursor *c, const arrow_field *f, arrow_view *v,
                             akin_error *err)
{
    const layout *l = &c->r->layouts[f - c->r->fields];
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
        return take_buffer(c, f, v->n, number_bytes(f->type), &v->values, NULL,
                           err);
    }
}

/* ---- batches ---- */

static akin_status add_batch(arrow_reader *r, message *m, akin_error *err)
{
    cursor c;
    void *p = r->batches;
    AKIN_TRY(cursor_init(&c, r, m, &m->head, err));
    AKIN_TRY(mem_grow(&p, &r->cap_batches, r->n_batches + 1,
                      sizeof *r->batches, MAX_BATCHES, err));
    r->batches = p;
    r->batches[r->n_batches++] = (batch_head){m->at, c.n_rows};
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
    dictionary *all = r->dictionaries;
    for (size_t i = added; i-- > 0;) {
        if (all[i].id != all[added].id) continue;
        all[i].next = added;
        return true;
    }
    return false;
}

static akin_status add_dictionary(arrow_reader *r, message *m, akin_error *err)
{
    cursor c;
    arrow_table batch = arrow_flat_table(&m->head, DICTIONARY_BATCH);
    dictionary d = {
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
    message m;
    cursor c;
    void *p;
    akin_status status = AKIN_OK;
    assert(i < r->n_batches);
    AKIN_TRY(mem_new_array(1, sizeof(arrow_batch) +
                           r->n_fields * sizeof(arrow_view), "a batch", &p,
                           err));
    arrow_batch *b = p;
    AKIN_TRYG(read_message(r, r->batches[i].at, &m, err));
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

/* ---- the file ---- */

static akin_status read_stream(arrow_reader *r, akin_error *err)
{
    message m;
    AKIN_TRY(read_message(r, 0, &m, err));
    if (m.kind != KIND_SCHEMA) return BAD(r, 0, "a stream without a schema");
    AKIN_TRY(check_version(r, message_version(&m), err));
    AKIN_TRY(read_schema(r, &m.head, 0, err));
    for (;;) {
        AKIN_TRY(read_message(r, m.end, &m, err));
        switch (m.kind) {
        case 0: return AKIN_OK;
        case KIND_BATCH: AKIN_TRY(add_batch(r, &m, err)); break;
        case KIND_DICTIONARY: AKIN_TRY(add_dictionary(r, &m, err)); break;
        default:
            return BAD(r, m.at, "a message of kind %d in a stream", m.kind);
        }
    }
}

static akin_status read_blocks(arrow_reader *r, const arrow_table *footer,
                               unsigned slot, int kind, akin_error *err)
{
    arrow_vector v = arrow_flat_vector(footer, slot, ARROW_BLOCK_BYTES);
    for (size_t i = 0; i < v.n; i++) {
        message m;
        uint64_t at = (uint64_t)arrow_load(arrow_flat_item(&v, i), 8);
        if (at > r->map.n)
            return BAD(r, r->map.n, "the footer has a batch at byte %llu",
                       (unsigned long long)at);
        AKIN_TRY(read_message(r, (size_t)at, &m, err));
        if (m.kind != kind)
            return BAD(r, at, "a message of kind %d, not %d", m.kind, kind);
        AKIN_TRY(kind == KIND_BATCH ? add_batch(r, &m, err)
                                    : add_dictionary(r, &m, err));
    }
    return AKIN_OK;
}

static akin_status read_file(arrow_reader *r, akin_error *err)
{
    const unsigned char *data = r->map.data;
    size_t n = r->map.n, end = n - ARROW_MAGIC_BYTES;
    if (n < ARROW_START_BYTES + 4 + ARROW_MAGIC_BYTES ||
        memcmp(data + end, ARROW_MAGIC, ARROW_MAGIC_BYTES) != 0)
        return BAD(r, n, "cut off: an Arrow file ends with '" ARROW_MAGIC "'");
    int64_t n_footer = arrow_load(data + end - 4, 4);
    end -= 4;
    if (n_footer <= 0 || (uint64_t)n_footer > end - ARROW_START_BYTES)
        return BAD(r, end, "the footer has %lld bytes", (long long)n_footer);
    size_t at = end - (size_t)n_footer;
    arrow_flat flat = {.data = data + at, .n = (size_t)n_footer};
    arrow_table footer = arrow_flat_root(&flat);
    arrow_table schema = arrow_flat_table(&footer, FOOTER_SCHEMA);
    if (flat.bad || schema.at == 0) return BAD(r, at, "a broken footer");
    AKIN_TRY(check_version(r, arrow_flat_int(&footer, FOOTER_VERSION, 2, 0),
                           err));
    AKIN_TRY(read_schema(r, &schema, at, err));
    AKIN_TRY(read_blocks(r, &footer, FOOTER_DICTIONARIES, KIND_DICTIONARY,
                         err));
    AKIN_TRY(read_blocks(r, &footer, FOOTER_BATCHES, KIND_BATCH, err));
    if (flat.bad) return BAD(r, at, "a broken footer");
    return AKIN_OK;
}

static bool begins_with(const arrow_reader *r, const char *magic)
{
    size_t n = strlen(magic);
    return r->map.n >= n && memcmp(r->map.data, magic, n) == 0;
}

/* A stream begins with the size of its schema, which is a weak mark. */
static bool can_be_stream(const arrow_reader *r)
{
    if (r->map.n < 8) return false;
    int64_t n = arrow_load(r->map.data, 4);
    return n == -1 || (n > 0 && (uint64_t)n <= r->map.n - 4);
}

static akin_status read_any(arrow_reader *r, akin_error *err)
{
    if (begins_with(r, ARROW_MAGIC)) return read_file(r, err);
    if (begins_with(r, "FEA1"))
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED, "'%s' is a Feather file of "
                         "version 1; write version 2 without compression",
                         r->path);
    if (can_be_stream(r)) return read_stream(r, err);
    return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is neither an Arrow file nor an "
                     "Arrow stream", r->path);
}

akin_status arrow_reader_open(const char *path, arrow_reader **out,
                              akin_error *err)
{
    akin_status status = AKIN_OK;
    arrow_reader *r = mem_array(1, sizeof *r);
    if (r) r->path = mem_strdup(path);
    if (!r || !r->path) {
        status = AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for '%s'", path);
        goto done;
    }
    AKIN_TRYG(file_map_open(&r->map, path, err));
    AKIN_TRYG(read_any(r, err));
    *out = r;
    r = NULL;
done:
    arrow_reader_close(r);
    return status;
}

void arrow_reader_close(arrow_reader *r)
{
    if (!r) return;
    mem_free(r->fields);
    mem_free(r->layouts);
    mem_free(r->pairs);
    mem_free(r->batches);
    mem_free(r->dictionaries);
    file_map_close(&r->map);
    mem_free(r->path);
    mem_free(r);
}

const arrow_schema *arrow_reader_schema(const arrow_reader *r)
{
    return &r->schema;
}

size_t arrow_reader_batches(const arrow_reader *r) { return r->n_batches; }

size_t arrow_reader_rows(const arrow_reader *r) { return r->n_rows; }

bool arrow_schema_find(const arrow_schema *s, const char *name, size_t *out)
{
    for (size_t i = 0; i < s->n_fields; i++) {
        if (strcmp(s->fields[i].name, name) != 0) continue;
        *out = i;
        return true;
    }
    return false;
}

const char *arrow_schema_value(const arrow_schema *s, const char *key)
{
    for (size_t i = 0; i < s->n_metadata; i++)
        if (strcmp(s->metadata[i].key, key) == 0) return s->metadata[i].value;
    return NULL;
}

/* ---- rows ---- */

const arrow_view *arrow_view_child(const arrow_view *v, size_t i)
{
    assert(i < v->field->n_children);
    return &v->children[i];
}

const arrow_field *arrow_view_field(const arrow_view *v) { return v->field; }

size_t arrow_view_rows(const arrow_view *v) { return v->n; }

static int64_t load_int(const unsigned char *values, arrow_type type,
                        size_t row)
{
    const unsigned char *p = values + row * number_bytes(type);
    int64_t value;
    switch (type) {
    case ARROW_INT8: return (int8_t)*p;
    case ARROW_UINT8: return *p;
    case ARROW_INT16: return arrow_load(p, 2);
    case ARROW_UINT16: return (uint16_t)arrow_load(p, 2);
    case ARROW_INT32: return arrow_load(p, 4);
    case ARROW_UINT32: return (uint32_t)arrow_load(p, 4);
    default: memcpy(&value, p, sizeof value); return value;
    }
}

/* A negative one is beyond every dictionary. */
static uint64_t index_at(const arrow_view *v, size_t row)
{
    return (uint64_t)load_int(v->values, v->index, row);
}

/* Which dictionary has the row's word, and as which of its rows. */
static const arrow_view *find_word(const arrow_view *v, size_t row,
                                   size_t *word)
{
    const dictionary *all = v->reader->dictionaries, *d = &all[v->words];
    uint64_t index = index_at(v, row);
    while (index >= d->view.n) {
        index -= d->view.n;
        d = &all[d->next];
    }
    *word = (size_t)index;
    return &d->view;
}

bool arrow_view_is_null(const arrow_view *v, size_t row)
{
    assert(row < v->n);
    if (v->valid && !bit(v->valid, row)) return true;
    if (!v->is_dictionary) return false;
    size_t word;
    const arrow_view *words = find_word(v, row, &word);
    return words->valid && !bit(words->valid, word);
}

int64_t arrow_view_int(const arrow_view *v, size_t row)
{
    arrow_type type = v->field->type;
    assert(row < v->n && (type <= ARROW_UINT64 || type == ARROW_TIMESTAMP));
    if (type == ARROW_BOOL) return bit(v->values, row);
    return load_int(v->values, type, row);
}

double arrow_view_number(const arrow_view *v, size_t row)
{
    const unsigned char *p = v->values;
    float narrow;
    double wide;
    assert(row < v->n);
    switch (v->field->type) {
    case ARROW_FLOAT16: return half_to_float(p + 2 * row);
    case ARROW_FLOAT32:
        memcpy(&narrow, p + 4 * row, sizeof narrow);
        return narrow;
    case ARROW_FLOAT64:
        memcpy(&wide, p + 8 * row, sizeof wide);
        return wide;
    case ARROW_UINT64: return (double)(uint64_t)arrow_view_int(v, row);
    default: return (double)arrow_view_int(v, row);
    }
}

arrow_text arrow_view_text(const arrow_view *v, size_t row)
{
    assert(row < v->n && v->field->type == ARROW_UTF8);
    if (arrow_view_is_null(v, row)) return (arrow_text){"", 0};
    if (v->is_dictionary) v = find_word(v, row, &row);
    int64_t from = offset_at(v, row), to = offset_at(v, row + 1);
    return (arrow_text){(const char *)v->values + from, (size_t)(to - from)};
}

arrow_range arrow_view_items(const arrow_view *v, size_t row)
{
    assert(row < v->n);
    if (v->field->type == ARROW_FIXED_SIZE_LIST)
        return (arrow_range){row * v->field->size, v->field->size};
    assert(v->field->type == ARROW_LIST);
    int64_t from = offset_at(v, row), to = offset_at(v, row + 1);
    return (arrow_range){(size_t)from, (size_t)(to - from)};
}

void arrow_view_floats(const arrow_view *v, size_t row, float *out)
{
    arrow_range items = arrow_view_items(v, row);
    const arrow_view *child = &v->children[0];
    if (child->field->type == ARROW_FLOAT32 && items.n > 0)
        memcpy(out, child->values + 4 * items.first, 4 * items.n);
    else
        for (size_t i = 0; i < items.n; i++)
            out[i] = (float)arrow_view_number(child, items.first + i);
    for (size_t i = 0; child->valid && i < items.n; i++)
        if (!bit(child->valid, items.first + i)) out[i] = NAN;
}

_Static_assert(sizeof(float) == 4 && sizeof(double) == 8, "IEEE floats");
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "numbers are copied as they are, which needs little-endian"
#endif
