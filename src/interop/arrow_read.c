/* SPDX-License-Identifier: MIT
 * Reading Arrow IPC: the file or stream, its schema, and where its messages
 * lie. The file is mapped, and columns are looked at where they are. All that
 * could lead outside is checked when a batch is opened (arrow_batch.c), once
 * and for all its rows. */
#include "interop/arrow_int.h"

#include <string.h>

#include "base/memory.h"

enum { MAX_DEPTH = 16, MAX_FIELDS = 1 << 16 };

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
                      arrow_field *f, arrow_layout *l)
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
                          arrow_layout *l)
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
    arrow_layout *l = &r->layouts[f - r->fields];
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
static akin_status find_head(const arrow_reader *r, size_t at, arrow_message *m,
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

akin_status arrow_read_message(const arrow_reader *r, size_t at,
                               arrow_message *m, akin_error *err)
{
    size_t head_at = 0;
    *m = (arrow_message){.at = at};
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

static int64_t message_version(arrow_message *m)
{
    arrow_table root = arrow_flat_root(&m->flat);
    return arrow_flat_int(&root, MESSAGE_VERSION, 2, 0);
}

/* ---- the file ---- */

static akin_status read_stream(arrow_reader *r, akin_error *err)
{
    arrow_message m;
    AKIN_TRY(arrow_read_message(r, 0, &m, err));
    if (m.kind != KIND_SCHEMA) return BAD(r, 0, "a stream without a schema");
    AKIN_TRY(check_version(r, message_version(&m), err));
    AKIN_TRY(read_schema(r, &m.head, 0, err));
    for (;;) {
        AKIN_TRY(arrow_read_message(r, m.end, &m, err));
        switch (m.kind) {
        case 0: return AKIN_OK;
        case KIND_BATCH: AKIN_TRY(arrow_add_batch(r, &m, err)); break;
        case KIND_DICTIONARY: AKIN_TRY(arrow_add_dictionary(r, &m, err)); break;
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
        arrow_message m;
        uint64_t at = (uint64_t)arrow_load(arrow_flat_item(&v, i), 8);
        if (at > r->map.n)
            return BAD(r, r->map.n, "the footer has a batch at byte %llu",
                       (unsigned long long)at);
        AKIN_TRY(arrow_read_message(r, (size_t)at, &m, err));
        if (m.kind != kind)
            return BAD(r, at, "a message of kind %d, not %d", m.kind, kind);
        AKIN_TRY(kind == KIND_BATCH ? arrow_add_batch(r, &m, err)
                                    : arrow_add_dictionary(r, &m, err));
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

static bool begins_with(const file_map *map, const char *magic)
{
    size_t n = strlen(magic);
    return map->n >= n && memcmp(map->data, magic, n) == 0;
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
    if (begins_with(&r->map, ARROW_MAGIC)) return read_file(r, err);
    if (begins_with(&r->map, "FEA1"))
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED, "'%s' is a Feather file of "
                         "version 1; write version 2 without compression",
                         r->path);
    if (can_be_stream(r)) return read_stream(r, err);
    return AKIN_FAIL(err, AKIN_ECORRUPT, "'%s' is neither an Arrow file nor an "
                     "Arrow stream", r->path);
}

bool arrow_is(const char *path)
{
    file_map map;
    if (file_map_open(&map, path, NULL) != AKIN_OK) return false;
    bool is = begins_with(&map, ARROW_MAGIC) ||
              (map.n >= 4 && arrow_load(map.data, 4) == -1);
    file_map_close(&map);
    return is;
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
