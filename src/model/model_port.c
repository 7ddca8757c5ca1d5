/* SPDX-License-Identifier: MIT
 * Finds a card's tensor among those of a graph. */
#include "model/model_port.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { MAX_LISTED_BYTES = 300 }; /* of a message of 512 */

static bool port_has_numbers(const onnx_port *port, port_numbers numbers)
{
    onnx_type type = port->type;
    if (numbers == PORT_IDS) return type == ONNX_I32 || type == ONNX_I64;
    if (numbers == PORT_PIXELS && type == ONNX_U8) return true;
    return type == ONNX_F32 || type == ONNX_F16 || type == ONNX_F64;
}

static const char *numbers_name(port_numbers numbers)
{
    static const char *const names[] = {"floats", "floats or uint8",
                                        "int32 or int64"};
    return names[numbers];
}

static onnx_type onnx_type_of(card_type type)
{
    static const onnx_type types[] = {
        [CARD_TYPE_ANY] = ONNX_OTHER,    [CARD_TYPE_FLOAT32] = ONNX_F32,
        [CARD_TYPE_FLOAT16] = ONNX_F16,  [CARD_TYPE_UINT8] = ONNX_U8,
        [CARD_TYPE_INT32] = ONNX_I32,    [CARD_TYPE_INT64] = ONNX_I64,
    };
    return types[type];
}

/* Lengths that either side leaves open agree with any. */
static bool port_agrees(const onnx_port *port, const card_tensor *tensor)
{
    if (tensor->type != CARD_TYPE_ANY &&
        port->type != onnx_type_of(tensor->type))
        return false;
    if (!tensor->rank) return true;
    if (port->n_axes != tensor->rank) return false;
    for (size_t i = 0; i < tensor->rank; i++)
        if (tensor->shape[i] >= 0 && port->shape[i] >= 0 &&
            tensor->shape[i] != port->shape[i])
            return false;
    return true;
}

static bool port_fits(const port_query *q, const onnx_port *port)
{
    const card_tensor *tensor = q->tensor;
    size_t n = port->n_axes;
    if (port == q->taken || !port_has_numbers(port, q->numbers) ||
        !port_agrees(port, tensor))
        return false;
    return tensor->rank || (n >= q->min_rank && n <= q->max_rank);
}

static bool port_has_length(const onnx_port *port, size_t n_last)
{
    int64_t n = port->n_axes ? port->shape[port->n_axes - 1] : -1;
    return !n_last || n < 0 || (size_t)n == n_last;
}

/* ---- messages ---- */

static void describe_wish(const port_query *q, char out[ONNX_DESCRIPTION])
{
    const card_tensor *tensor = q->tensor;
    onnx_type type = onnx_type_of(tensor->type);
    snprintf(out, ONNX_DESCRIPTION, "%s ",
             type ? onnx_type_name(type) : numbers_name(q->numbers));
    size_t at = strlen(out);
    if (tensor->rank)
        onnx_shape_describe(tensor->shape, tensor->rank, out + at,
                            ONNX_DESCRIPTION - at);
    else if (q->n_last)
        snprintf(out + at, ONNX_DESCRIPTION - at, "[..., %zu]", q->n_last);
    else if (q->min_rank == q->max_rank)
        snprintf(out + at, ONNX_DESCRIPTION - at, "of %u axes", q->max_rank);
    else
        snprintf(out + at, ONNX_DESCRIPTION - at, "of %u to %u axes",
                 q->min_rank, q->max_rank);
}

/* "'a' float32 [?, 4], 'b' ...", as many as there is room for. */
static void list_ports(const onnx_port *ports, size_t n,
                       char out[MAX_LISTED_BYTES])
{
    text_buf list;
    text_buf_init(&list, MAX_LISTED_BYTES);
    text_buf_puts(&list, "");
    for (size_t i = 0; i < n; i++) {
        char one[ONNX_DESCRIPTION];
        onnx_port_describe(&ports[i], one);
        text_buf_printf(&list, "%s'%s' %s", i ? ", " : "", ports[i].name, one);
    }
    snprintf(out, MAX_LISTED_BYTES, "%s", list.data ? list.data : "");
    text_buf_clear(&list);
}

static akin_status refuse_all(const port_query *q, const onnx_port *ports,
                              size_t n, size_t n_fit, akin_error *err)
{
    char wish[ONNX_DESCRIPTION], list[MAX_LISTED_BYTES];
    list_ports(ports, n, list);
    if (q->tensor->name[0])
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s' has no %s '%s'; it has %s", q->graph, q->role,
                         q->tensor->name, list);
    describe_wish(q, wish);
    if (n_fit)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s' has %zu tensors that may be the %s, %s; its "
                         "card must name one: %s",
                         q->graph, n_fit, q->role, wish, list);
    return AKIN_FAIL(err, AKIN_EMODEL,
                     "'%s' has nothing that may be the %s, %s; it has %s",
                     q->graph, q->role, wish, list);
}

static akin_status refuse_one(const port_query *q, const onnx_port *port,
                              akin_error *err)
{
    char wish[ONNX_DESCRIPTION], found[ONNX_DESCRIPTION];
    describe_wish(q, wish);
    onnx_port_describe(port, found);
    return AKIN_FAIL(err, AKIN_EMODEL,
                     "the %s '%s' of '%s' is %s; its card wants %s", q->role,
                     port->name, q->graph, found, wish);
}

/* ---- finding ---- */

static const onnx_port *port_named(const onnx_port *ports, size_t n,
                                   const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_equal(ports[i].name, name)) return &ports[i];
    return NULL;
}

static const onnx_port *port_usual(const port_query *q, const onnx_port *ports,
                                   size_t n)
{
    const card_tensor *tensor = q->tensor;
    if (!q->usual || tensor->rank || tensor->type != CARD_TYPE_ANY) return NULL;
    for (const char *const *name = q->usual; *name; name++) {
        const onnx_port *port = port_named(ports, n, *name);
        if (port && port != q->taken && port_has_numbers(port, q->numbers))
            return port;
    }
    return NULL;
}

static akin_status find_named(const port_query *q, const onnx_port *ports,
                              size_t n, const onnx_port **out, akin_error *err)
{
    const onnx_port *port = port_named(ports, n, q->tensor->name);
    if (!port) return refuse_all(q, ports, n, 0, err);
    if (!port_agrees(port, q->tensor) || !port_has_numbers(port, q->numbers))
        return refuse_one(q, port, err);
    *out = port;
    return AKIN_OK;
}

/* The last port that fits, in *out, and how many do. */
static size_t count_fits(const port_query *q, const onnx_port *ports, size_t n,
                         size_t n_last, const onnx_port **out)
{
    size_t n_fit = 0;
    for (size_t i = 0; i < n; i++) {
        if (!port_fits(q, &ports[i]) || !port_has_length(&ports[i], n_last))
            continue;
        *out = &ports[i];
        n_fit++;
    }
    return n_fit;
}

akin_status port_find(const port_query *q, const onnx_port *ports, size_t n,
                      const onnx_port **out, akin_error *err)
{
    if (q->tensor->name[0]) return find_named(q, ports, n, out, err);
    *out = port_usual(q, ports, n);
    if (*out) return AKIN_OK;
    size_t n_fit = count_fits(q, ports, n, 0, out);
    if (n_fit > 1 && q->n_last)
        n_fit = count_fits(q, ports, n, q->n_last, out);
    return n_fit == 1 ? AKIN_OK : refuse_all(q, ports, n, n_fit, err);
}

bool port_row_size(const int64_t *shape, size_t n_axes, size_t max, size_t *out)
{
    size_t n = 1, n_long = 0;
    bool open = false;
    for (size_t i = n_axes >= 2 ? 1 : 0; i < n_axes; i++) {
        if (shape[i] < 0) {
            open = true;
            continue;
        }
        if (shape[i] == 0 || (uint64_t)shape[i] > max) return false;
        if (shape[i] > 1) n_long++;
        if (shape[i] > 1) n = (size_t)shape[i];
    }
    if (n_long > 1) return false;
    *out = open ? 0 : n;
    return true;
}
