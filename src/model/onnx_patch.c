/* SPDX-License-Identifier: MIT
 * Reads a ModelProto as protobuf on the wire, without a schema compiler: akin
 * needs a dozen of its fields.
 *
 * The edit appends to the file instead of rewriting it. A message that occurs
 * twice in protobuf means the two merged, and merging adds up repeated fields;
 * so a second `graph` that holds one `output` says exactly what is wanted, and
 * no length inside the file has to change. For the same reason the readers
 * below go through all graphs that they meet. */
#include "model/onnx_patch.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

enum {
    MAX_DEPTH = 100,      /* of messages; protobuf's own limit */
    MAX_STEPS = 32,       /* nodes between features and scores */
    MAX_FIELDS = 1 << 20, /* that a look for a tensor has to pass */
    MAX_NAME = 1 << 16
};

/* Field numbers of onnx.proto. */
enum {
    MODEL_GRAPH = 7,
    MODEL_TRAINING = 20,
    MODEL_FUNCTION = 25,
    GRAPH_NODE = 1,
    GRAPH_INITIALIZER = 5,
    GRAPH_OUTPUT = 12,
    GRAPH_SPARSE = 15,
    NODE_INPUT = 1,
    NODE_OUTPUT = 2,
    NODE_OP_TYPE = 4,
    NODE_ATTRIBUTE = 5,
    ATTRIBUTE_NAME = 1,
    ATTRIBUTE_I = 3,
    TENSOR_DIMS = 1,
    TENSOR_NAME = 8,
    TENSOR_EXTERNAL = 13,
    ENTRY_KEY = 1,
    ENTRY_VALUE = 2,
    VALUE_NAME = 1
};

/* How a field's value is written; groups (3, 4) are in no ONNX file. */
enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

typedef struct span {
    const unsigned char *p;
    size_t n;
} span;

/* What is left of a message. `bad` once it broke the format. */
typedef struct pb_reader {
    span rest;
    bool bad;
} pb_reader;

typedef struct pb_field {
    uint64_t number;
    unsigned wire;
    uint64_t value; /* of a varint */
    span bytes;     /* of WIRE_BYTES */
} pb_field;

static bool span_is(span s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

static bool span_equal(span a, span b)
{
    return a.n == b.n && (!a.n || memcmp(a.p, b.p, a.n) == 0);
}

static bool pb_fail(pb_reader *r)
{
    r->bad = true;
    r->rest.n = 0;
    return false;
}

static bool pb_skip(pb_reader *r, uint64_t n)
{
    if (n > r->rest.n) return pb_fail(r);
    r->rest.p += n;
    r->rest.n -= (size_t)n;
    return true;
}

static bool pb_varint(pb_reader *r, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (!r->rest.n) return pb_fail(r);
        unsigned char byte = *r->rest.p;
        pb_skip(r, 1);
        if (shift < 64) value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return pb_fail(r);
}

/* false at the end of the message and where it is damaged. */
static bool pb_next(pb_reader *r, pb_field *f)
{
    uint64_t tag, n;
    *f = (pb_field){0};
    if (!r->rest.n || !pb_varint(r, &tag)) return false;
    f->number = tag >> 3;
    f->wire = (unsigned)(tag & 7);
    if (!f->number) return pb_fail(r);
    switch (f->wire) {
    case WIRE_VARINT: return pb_varint(r, &f->value);
    case WIRE_64: return pb_skip(r, 8);
    case WIRE_32: return pb_skip(r, 4);
    case WIRE_BYTES:
        if (!pb_varint(r, &n)) return false;
        f->bytes = (span){r->rest.p, (size_t)n};
        return pb_skip(r, n);
    default: return pb_fail(r);
    }
}

static bool pb_is(const pb_field *f, uint64_t number)
{
    return f->number == number && f->wire == WIRE_BYTES;
}

/* The last field of that number, as protobuf has it; empty if none. */
static span pb_get(span message, uint64_t number)
{
    pb_reader r = {.rest = message};
    span found = {0};
    for (pb_field f; pb_next(&r, &f);)
        if (pb_is(&f, number)) found = f.bytes;
    return found;
}

static akin_status corrupt(akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ECORRUPT,
                     "this is no ONNX model, or a damaged "
                     "one");
}

/* ---- data in other files ---- */

typedef enum message {
    MODEL,
    TRAINING,
    FUNCTION,
    GRAPH,
    NODE,
    ATTRIBUTE,
    SPARSE,
    TENSOR,
    ENTRY
} message;

/* Every way from a model down to the entries of a tensor's external data. */
static const struct child {
    message of;
    uint64_t number;
    message is;
} children[] = {
    {MODEL, MODEL_GRAPH, GRAPH},
    {MODEL, MODEL_TRAINING, TRAINING},
    {MODEL, MODEL_FUNCTION, FUNCTION},
    {TRAINING, 1, GRAPH},
    {TRAINING, 2, GRAPH},
    {FUNCTION, 7, NODE},
    {FUNCTION, 11, ATTRIBUTE},
    {GRAPH, GRAPH_NODE, NODE},
    {GRAPH, GRAPH_INITIALIZER, TENSOR},
    {GRAPH, GRAPH_SPARSE, SPARSE},
    {NODE, NODE_ATTRIBUTE, ATTRIBUTE},
    {ATTRIBUTE, 5, TENSOR},
    {ATTRIBUTE, 6, GRAPH},
    {ATTRIBUTE, 10, TENSOR},
    {ATTRIBUTE, 11, GRAPH},
    {ATTRIBUTE, 22, SPARSE},
    {ATTRIBUTE, 23, SPARSE},
    {SPARSE, 1, TENSOR},
    {SPARSE, 2, TENSOR},
    {TENSOR, TENSOR_EXTERNAL, ENTRY},
};

static const struct child *find_child(message of, const pb_field *f)
{
    for (size_t i = 0; i < sizeof children / sizeof *children; i++)
        if (children[i].of == of && pb_is(f, children[i].number))
            return &children[i];
    return NULL;
}

static akin_status visit_entry(span entry, const onnx_visitor *visitor,
                               akin_error *err)
{
    if (!span_is(pb_get(entry, ENTRY_KEY), "location")) return AKIN_OK;
    span location = pb_get(entry, ENTRY_VALUE);
    const char *text = location.n ? (const char *)location.p : "";
    return visitor->visit(visitor->user, text, location.n, err);
}

static akin_status walk(message kind, span bytes, int depth,
                        const onnx_visitor *visitor, akin_error *err)
{
    pb_reader r = {.rest = bytes};
    if (depth > MAX_DEPTH) return corrupt(err);
    for (pb_field f; pb_next(&r, &f);) {
        const struct child *child = find_child(kind, &f);
        if (child) AKIN_TRY(walk(child->is, f.bytes, depth + 1, visitor, err));
    }
    if (r.bad) return corrupt(err);
    return kind == ENTRY ? visit_entry(bytes, visitor, err) : AKIN_OK;
}

akin_status onnx_patch_each_external(const void *model, size_t n,
                                     const onnx_visitor *visitor,
                                     akin_error *err)
{
    span bytes = {model, n};
    if (!pb_get(bytes, MODEL_GRAPH).n) return corrupt(err);
    return walk(MODEL, bytes, 0, visitor, err);
}

/* ---- the main graph ---- */

/* Goes through the fields of the graph, however often it occurs. */
typedef struct graph_reader {
    pb_reader model, graph;
} graph_reader;

static graph_reader graph_open(span model)
{
    return (graph_reader){.model = {.rest = model}};
}

static bool graph_next(graph_reader *g, uint64_t number, pb_field *f)
{
    for (;;) {
        while (pb_next(&g->graph, f))
            if (pb_is(f, number)) return true;
        if (g->graph.bad) return false;
        do {
            if (!pb_next(&g->model, f)) return false;
        } while (!pb_is(f, MODEL_GRAPH));
        g->graph = (pb_reader){.rest = f->bytes};
    }
}

/* The fields of the graph's nodes or weights. The largest real models have some
 * ten thousand; each step of a search goes through all of them. */
static size_t count_fields(span model, uint64_t number)
{
    size_t n = 0;
    graph_reader g = graph_open(model);
    for (pb_field f; graph_next(&g, number, &f);) {
        pb_reader r = {.rest = f.bytes};
        for (pb_field inner; pb_next(&r, &inner);) n++;
        n++;
    }
    return n;
}

/* The i-th input or output of a node; empty where it has none. */
static span node_get(span node, uint64_t number, size_t i)
{
    pb_reader r = {.rest = node};
    for (pb_field f; pb_next(&r, &f);)
        if (pb_is(&f, number) && i-- == 0) return f.bytes;
    return (span){0};
}

static bool node_gives(span node, span name)
{
    pb_reader r = {.rest = node};
    for (pb_field f; pb_next(&r, &f);)
        if (pb_is(&f, NODE_OUTPUT) && span_equal(f.bytes, name)) return true;
    return false;
}

/* The node that gives a tensor; empty if none does. */
static span find_producer(span model, span name)
{
    graph_reader g = graph_open(model);
    if (!name.n) return (span){0};
    for (pb_field f; graph_next(&g, GRAPH_NODE, &f);)
        if (node_gives(f.bytes, name)) return f.bytes;
    return (span){0};
}

static bool find_initializer(span model, span name, span *out)
{
    graph_reader g = graph_open(model);
    for (pb_field f; graph_next(&g, GRAPH_INITIALIZER, &f);) {
        if (!span_equal(pb_get(f.bytes, TENSOR_NAME), name)) continue;
        *out = f.bytes;
        return true;
    }
    return false;
}

static bool find_output(span model, span name)
{
    graph_reader g = graph_open(model);
    for (pb_field f; graph_next(&g, GRAPH_OUTPUT, &f);)
        if (span_equal(pb_get(f.bytes, VALUE_NAME), name)) return true;
    return false;
}

/* Weights are initializers, constants, and what a node or two (a Cast, a
 * DequantizeLinear) make of such. Two inputs and two steps are looked at, so
 * that a model made to be slow is not. */
static bool is_weight(span model, span name, int steps)
{
    span unused;
    if (find_initializer(model, name, &unused)) return true;
    span node = find_producer(model, name);
    if (!node.n || !steps) return false;
    for (size_t i = 0; i < 2; i++) {
        span input = node_get(node, NODE_INPUT, i);
        if (input.n && !is_weight(model, input, steps - 1)) return false;
    }
    return true;
}

/* Which of a node's first two inputs comes from the model's input; 2: none. */
static size_t data_input(span model, span node)
{
    for (size_t i = 0; i < 2; i++) {
        span input = node_get(node, NODE_INPUT, i);
        if (input.n && !is_weight(model, input, 2)) return i;
    }
    return 2;
}

static bool is_dense(span node)
{
    span op = pb_get(node, NODE_OP_TYPE);
    return span_is(op, "Gemm") || span_is(op, "MatMul");
}

static int64_t attribute_int(span node, const char *name)
{
    int64_t value = 0;
    pb_reader r = {.rest = node};
    for (pb_field a; pb_next(&r, &a);) {
        if (!pb_is(&a, NODE_ATTRIBUTE) ||
            !span_is(pb_get(a.bytes, ATTRIBUTE_NAME), name))
            continue;
        pb_reader inner = {.rest = a.bytes};
        for (pb_field f; pb_next(&inner, &f);)
            if (f.number == ATTRIBUTE_I && f.wire == WIRE_VARINT)
                value = (int64_t)f.value;
    }
    return value;
}

/* A tensor's axes, packed or not; how many there are. */
static size_t tensor_dims(span tensor, int64_t dims[2])
{
    size_t n = 0;
    uint64_t value;
    pb_reader r = {.rest = tensor};
    for (pb_field f; pb_next(&r, &f);) {
        if (f.number != TENSOR_DIMS) continue;
        if (f.wire == WIRE_VARINT) {
            if (n < 2) dims[n] = (int64_t)f.value;
            n++;
        } else if (f.wire == WIRE_BYTES) {
            pb_reader packed = {.rest = f.bytes};
            while (packed.rest.n && pb_varint(&packed, &value)) {
                if (n < 2) dims[n] = (int64_t)value;
                n++;
            }
        }
    }
    return n;
}

/* The initializer behind a weight, through what leaves its axes alone. */
static bool find_weights(span model, span name, span *out)
{
    for (int step = 0; step < 2; step++) {
        if (find_initializer(model, name, out)) return true;
        span node = find_producer(model, name);
        span op = pb_get(node, NODE_OP_TYPE);
        if (!span_is(op, "Cast") && !span_is(op, "DequantizeLinear") &&
            !span_is(op, "Identity"))
            return false;
        name = node_get(node, NODE_INPUT, 0);
    }
    return find_initializer(model, name, out);
}

/* The width of x in x * weights; 0 where the file does not say it so. */
static int64_t dense_width(span model, span node, size_t data)
{
    int64_t dims[2] = {0};
    span weights;
    if (data != 0 ||
        !find_weights(model, node_get(node, NODE_INPUT, 1), &weights) ||
        tensor_dims(weights, dims) != 2)
        return 0;
    bool transposed = span_is(pb_get(node, NODE_OP_TYPE), "Gemm") &&
                      attribute_int(node, "transB");
    return dims[transposed] > 0 ? dims[transposed] : 0;
}

/* From an output back along the data to the first Gemm or MatMul. */
static bool find_features(span model, span output, span *name, int64_t *width)
{
    span at = output;
    for (int step = 0; step < MAX_STEPS; step++) {
        span node = find_producer(model, at);
        size_t data = node.n ? data_input(model, node) : 2;
        if (data == 2) return false;
        at = node_get(node, NODE_INPUT, data);
        if (is_dense(node)) {
            *name = at;
            *width = dense_width(model, node, data);
            return find_producer(model, at).n > 0;
        }
    }
    return false;
}

static span first_output(span model)
{
    graph_reader g = graph_open(model);
    pb_field f;
    return graph_next(&g, GRAPH_OUTPUT, &f) ? pb_get(f.bytes, VALUE_NAME)
                                            : (span){0};
}

static char *copy_name(span name)
{
    char *out = mem_array(name.n + 1, 1);
    if (out && name.n) memcpy(out, name.p, name.n);
    return out;
}

akin_status onnx_patch_find_features(const void *model, size_t n,
                                     const char *output, char **name_out,
                                     int64_t *width_out, akin_error *err)
{
    span bytes = {model, n}, name = {0};
    span from = {(const unsigned char *)output, output ? strlen(output) : 0};
    if (!output) from = first_output(bytes);
    if (count_fields(bytes, GRAPH_NODE) > MAX_FIELDS ||
        count_fields(bytes, GRAPH_INITIALIZER) > MAX_FIELDS)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "the model is too large for a look at its graph");
    if (!find_output(bytes, from))
        return AKIN_FAIL(err, AKIN_EMODEL, "the model has no output '%s'",
                         output ? output : "");
    if (!find_features(bytes, from, &name, width_out) || !name.n ||
        name.n > MAX_NAME || memchr(name.p, 0, name.n))
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "the model has no Gemm or MatMul before its output "
                         "whose input could be taken as features");
    *name_out = copy_name(name);
    if (!*name_out)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
    return AKIN_OK;
}

/* ---- the edit ---- */

static size_t varint_size(size_t value)
{
    size_t n = 1;
    for (; value > 0x7f; value >>= 7) n++;
    return n;
}

/* A field's tag and the length of what follows. */
static unsigned char *put_head(unsigned char *p, unsigned number, size_t n)
{
    *p++ = (unsigned char)(number << 3 | WIRE_BYTES);
    for (; n > 0x7f; n >>= 7) *p++ = (unsigned char)(n | 0x80);
    *p++ = (unsigned char)n;
    return p;
}

/* model, then graph { output { name } }. */
static akin_status append_output(span model, span name, char **out,
                                 size_t *n_out, akin_error *err)
{
    size_t value = 1 + varint_size(name.n) + name.n;
    size_t graph = 1 + varint_size(value) + value;
    size_t tail = 1 + varint_size(graph) + graph;
    AKIN_TRY(mem_new_array(model.n + tail, 1, "a model", (void **)out, err));
    unsigned char *p = (unsigned char *)*out;
    memcpy(p, model.p, model.n);
    p = put_head(p + model.n, MODEL_GRAPH, graph);
    p = put_head(p, GRAPH_OUTPUT, value);
    p = put_head(p, VALUE_NAME, name.n);
    memcpy(p, name.p, name.n);
    *n_out = model.n + tail;
    return AKIN_OK;
}

static akin_status copy_model(span model, char **out, size_t *n_out,
                              akin_error *err)
{
    AKIN_TRY(mem_new_array(model.n, 1, "a model", (void **)out, err));
    memcpy(*out, model.p, model.n);
    *n_out = model.n;
    return AKIN_OK;
}

static akin_status accept_any(void *user, const char *location, size_t n,
                              akin_error *err)
{
    (void)user, (void)location, (void)n, (void)err;
    return AKIN_OK;
}

akin_status onnx_patch_expose(const void *model, size_t n, const char *name,
                              char **out, size_t *n_out, akin_error *err)
{
    static const onnx_visitor nothing = {.visit = accept_any};
    span bytes = {model, n};
    span wanted = {(const unsigned char *)name, strlen(name)};
    AKIN_TRY(onnx_patch_each_external(model, n, &nothing, err));
    if (wanted.n > MAX_NAME)
        return AKIN_FAIL(err, AKIN_ELIMIT, "the name of a tensor is too long");
    if (find_output(bytes, wanted)) return copy_model(bytes, out, n_out, err);
    if (!find_producer(bytes, wanted).n)
        return AKIN_FAIL(err, AKIN_EMODEL, "the model has no tensor '%s'",
                         name);
    return append_output(bytes, wanted, out, n_out, err);
}
