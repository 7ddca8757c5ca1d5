/* SPDX-License-Identifier: MIT
 * Runs an ONNX model: the caller's numbers in, float32 out.
 *
 * Sessions run on any number of threads at once; what a run needs lives on its
 * caller's stack or is the runtime's, so there is no lock here. Inputs of the
 * model's own type are handed over where they lie; others are converted
 * straight into a tensor of the runtime. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/half.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/onnx_int.h"

struct onnx_cancel {
    const onnx_runtime *runtime;
    ort_run_options *options;
    atomic_bool cancelled; /* tells a cancelled run from a failed one */
};

/* The runtime's objects of one run. */
typedef struct run_values {
    const char *input_names[ONNX_MAX_PORTS];
    const char *output_names[ONNX_MAX_PORTS];
    ort_value *inputs[ONNX_MAX_PORTS];
    ort_value *outputs[ONNX_MAX_PORTS];
} run_values;

static akin_status check(const onnx_model *m, ort_status *given,
                         akin_error *err)
{
    return onnx_runtime_check(m->runtime, given, m->name, err);
}

/* Bytes of a value; 0: of no type that can be run here. */
static size_t type_size(onnx_type type)
{
    switch (type) {
    case ONNX_U8:
    case ONNX_BOOL: return 1;
    case ONNX_F16: return 2;
    case ONNX_F32:
    case ONNX_I32: return 4;
    case ONNX_F64:
    case ONNX_I64: return 8;
    case ONNX_OTHER: break;
    }
    return 0;
}

/* false if an axis is not positive or the product of all overflows. */
static bool count_values(const int64_t *shape, size_t n_axes, size_t *out)
{
    size_t n = 1;
    for (size_t i = 0; i < n_axes; i++)
        if (shape[i] < 1 || !mem_mul(n, (size_t)shape[i], &n)) return false;
    *out = n;
    return true;
}

/* ---- cancelling ---- */

akin_status onnx_cancel_new(const onnx_runtime *runtime, onnx_cancel **out,
                            akin_error *err)
{
    onnx_cancel *c = mem_array(1, sizeof *c);
    if (!c) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
    c->runtime = runtime;
    akin_status status = onnx_runtime_check(
        runtime, runtime->api->create_run_options(&c->options), "ONNX Runtime",
        err);
    if (status == AKIN_OK)
        *out = c;
    else
        onnx_cancel_free(c);
    return status;
}

/* Setting the runtime's flag cannot fail, says its source. */
void onnx_cancel_now(onnx_cancel *c)
{
    atomic_store(&c->cancelled, true);
    ort_status *given = c->runtime->api->set_terminate(c->options);
    if (given) c->runtime->api->release_status(given);
}

void onnx_cancel_free(onnx_cancel *c)
{
    if (!c) return;
    if (c->options) c->runtime->api->release_run_options(c->options);
    mem_free(c);
}

static bool is_cancelled(const onnx_call *call)
{
    return call->cancel && atomic_load(&call->cancel->cancelled);
}

/* ---- inputs ---- */

static void floats_to_halves(const float *from, size_t n, unsigned char *to)
{
    for (size_t i = 0; i < n; i++) half_from_float(from[i], to + 2 * i);
}

static void floats_to_doubles(const float *from, size_t n, double *to)
{
    for (size_t i = 0; i < n; i++) to[i] = from[i];
}

static void widen_ints(const int32_t *from, size_t n, int64_t *to)
{
    for (size_t i = 0; i < n; i++) to[i] = from[i];
}

static bool narrow_ints(const int64_t *from, size_t n, int32_t *to)
{
    for (size_t i = 0; i < n; i++) {
        if (from[i] < INT32_MIN || from[i] > INT32_MAX) return false;
        to[i] = (int32_t)from[i];
    }
    return true;
}

static bool is_convertible(onnx_type from, onnx_type to)
{
    return (from == ONNX_F32 && (to == ONNX_F16 || to == ONNX_F64)) ||
           (from == ONNX_I32 && to == ONNX_I64) ||
           (from == ONNX_I64 && to == ONNX_I32);
}

/* false if a number does not fit. */
static bool convert(const onnx_input *in, size_t n, onnx_type to, void *data)
{
    switch (to) {
    case ONNX_F16: floats_to_halves(in->data, n, data); return true;
    case ONNX_F64: floats_to_doubles(in->data, n, data); return true;
    case ONNX_I64: widen_ints(in->data, n, data); return true;
    case ONNX_I32: return narrow_ints(in->data, n, data);
    default: return false;
    }
}

static bool shapes_agree(const onnx_input *in, const onnx_port *port)
{
    if (in->n_axes != port->n_axes) return false;
    for (size_t i = 0; i < in->n_axes; i++)
        if (port->shape[i] >= 0 && port->shape[i] != in->shape[i]) return false;
    return true;
}

static akin_status refuse_shape(const onnx_input *in, const onnx_port *port,
                                akin_error *err)
{
    char wanted[ONNX_DESCRIPTION], given[ONNX_DESCRIPTION] = "too many axes";
    onnx_port_describe(port, wanted);
    if (in->n_axes <= ONNX_MAX_AXES)
        onnx_shape_describe(in->shape, in->n_axes, given, sizeof given);
    return AKIN_FAIL(err, AKIN_EUSAGE,
                     "the model's input '%s' is %s; it was given %s",
                     port->name, wanted, given);
}

static akin_status make_converted(const onnx_model *m, const onnx_input *in,
                                  const onnx_port *port, size_t n,
                                  ort_value **out, akin_error *err)
{
    const ort_api *api = m->runtime->api;
    ort_allocator *allocator = NULL;
    void *data = NULL;
    AKIN_TRY(check(m, api->get_default_allocator(&allocator), err));
    AKIN_TRY(check(m,
                   api->create_tensor(allocator, in->shape, in->n_axes,
                                      (int)port->type, out),
                   err));
    AKIN_TRY(check(m, api->get_tensor_data(*out, &data), err));
    if (convert(in, n, port->type, data)) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EUSAGE,
                     "a number for the model's input '%s' is not in its range",
                     port->name);
}

static akin_status make_input(const onnx_model *m, const onnx_input *in,
                              const onnx_port *port, ort_value **out,
                              akin_error *err)
{
    size_t n = 0, n_bytes = 0, size = type_size(in->type);
    if (!shapes_agree(in, port) || !count_values(in->shape, in->n_axes, &n))
        return refuse_shape(in, port, err);
    if (is_convertible(in->type, port->type))
        return make_converted(m, in, port, n, out, err);
    if (in->type != port->type || !size || !mem_mul(n, size, &n_bytes))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the model's input '%s' takes %s; it was given %s",
                         port->name, onnx_type_name(port->type),
                         onnx_type_name(in->type));
    void *data = (void *)(uintptr_t)in->data; /* the runtime only reads it */
    return check(m,
                 m->runtime->api->create_tensor_over(m->memory, data, n_bytes,
                                                     in->shape, in->n_axes,
                                                     (int)port->type, out),
                 err);
}

static const onnx_input *find_input(const onnx_call *call, const char *name)
{
    for (size_t i = 0; i < call->n_inputs; i++)
        if (text_equal(call->inputs[i].name, name)) return &call->inputs[i];
    return NULL;
}

/* In the model's order. As many as it has, each found: none is given twice, and
 * none that it doesn't know. */
static akin_status make_inputs(const onnx_model *m, const onnx_call *call,
                               run_values *v, akin_error *err)
{
    if (call->n_inputs != m->n_inputs)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the model has %zu inputs; it was given %zu",
                         m->n_inputs, call->n_inputs);
    for (size_t i = 0; i < m->n_inputs; i++) {
        const onnx_port *port = &m->inputs[i];
        const onnx_input *in = find_input(call, port->name);
        if (!in)
            return AKIN_FAIL(err, AKIN_EUSAGE,
                             "the model's input '%s' was not given",
                             port->name);
        v->input_names[i] = port->name;
        AKIN_TRY(make_input(m, in, port, &v->inputs[i], err));
    }
    return AKIN_OK;
}

/* ---- outputs ---- */

static akin_status name_outputs(const onnx_model *m, const onnx_call *call,
                                run_values *v, akin_error *err)
{
    if (!call->n_outputs || call->n_outputs > ONNX_MAX_PORTS)
        return AKIN_FAIL(err, AKIN_EUSAGE, "%zu outputs of a model are wanted",
                         call->n_outputs);
    for (size_t i = 0; i < call->n_outputs; i++) {
        const onnx_port *port = onnx_model_output(m, call->outputs[i].name);
        if (!port)
            return AKIN_FAIL(err, AKIN_EUSAGE, "the model has no output '%s'",
                             call->outputs[i].name);
        v->output_names[i] = port->name;
    }
    return AKIN_OK;
}

static void halves_to_floats(const unsigned char *from, size_t n, float *to)
{
    for (size_t i = 0; i < n; i++) to[i] = half_to_float(from + 2 * i);
}

#define COPY_AS_FLOAT(type)                                                    \
    for (size_t i = 0; i < n; i++) to[i] = (float)((const type *)from)[i]

static void copy_floats(onnx_type type, const void *from, size_t n, float *to)
{
    switch (type) {
    case ONNX_F32: memcpy(to, from, n * sizeof *to); break;
    case ONNX_F16: halves_to_floats(from, n, to); break;
    case ONNX_F64: COPY_AS_FLOAT(double); break;
    case ONNX_I64: COPY_AS_FLOAT(int64_t); break;
    case ONNX_I32: COPY_AS_FLOAT(int32_t); break;
    case ONNX_U8:
    case ONNX_BOOL: COPY_AS_FLOAT(uint8_t); break;
    case ONNX_OTHER: break;
    }
}

#undef COPY_AS_FLOAT

/* Type and shape of what came out, which the model's file need not tell. */
static akin_status read_value(const onnx_model *m, ort_value *value,
                              const char *name, onnx_port *out, akin_error *err)
{
    int is_tensor = 0;
    const ort_api *api = m->runtime->api;
    ort_tensor_info *info = NULL;
    if (value) AKIN_TRY(check(m, api->is_tensor(value, &is_tensor), err));
    if (!is_tensor) /* none at all: an optional output */
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "the model's output '%s' is no "
                         "tensor",
                         name);
    AKIN_TRY(check(m, api->get_value_info(value, &info), err));
    akin_status status = onnx_tensor_read(m, info, out, err);
    api->release_tensor_info(info);
    return status;
}

static akin_status take_output(const onnx_model *m, ort_value *value,
                               onnx_output *out, akin_error *err)
{
    onnx_port port = {0};
    size_t n = 0;
    void *data = NULL;
    char shape[ONNX_DESCRIPTION];
    AKIN_TRY(read_value(m, value, out->name, &port, err));
    out->n_axes = port.n_axes;
    memcpy(out->shape, port.shape, sizeof out->shape);
    if (!out->data) return AKIN_OK;
    onnx_shape_describe(port.shape, port.n_axes, shape, sizeof shape);
    if (!count_values(port.shape, port.n_axes, &n) || n != out->n)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "the model's output '%s' has shape %s; %zu numbers "
                         "were expected",
                         out->name, shape, out->n);
    if (!type_size(port.type))
        return AKIN_FAIL(err, AKIN_EMODEL, "the model's output '%s' is %s",
                         out->name, onnx_type_name(port.type));
    AKIN_TRY(check(m, m->runtime->api->get_tensor_data(value, &data), err));
    copy_floats(port.type, data, n, out->data);
    return AKIN_OK;
}

/* ---- the run ---- */

static akin_status run_session(const onnx_model *m, const onnx_call *call,
                               run_values *v, akin_error *err)
{
    akin_error reason = {0};
    if (is_cancelled(call))
        return AKIN_FAIL(err, AKIN_ECANCELLED, "the model was stopped");
    akin_status status =
        check(m,
              m->runtime->api->run(
                  m->session, call->cancel ? call->cancel->options : NULL,
                  v->input_names, (const ort_value *const *)v->inputs,
                  m->n_inputs, v->output_names, call->n_outputs, v->outputs),
              &reason);
    if (status != AKIN_OK && is_cancelled(call))
        return AKIN_FAIL(err, AKIN_ECANCELLED, "the model was stopped");
    if (status != AKIN_OK) return AKIN_FAIL(err, status, "%s", reason.text);
    return AKIN_OK;
}

static void release_values(const onnx_model *m, const onnx_call *call,
                           run_values *v)
{
    for (size_t i = 0; i < m->n_inputs; i++)
        if (v->inputs[i]) m->runtime->api->release_value(v->inputs[i]);
    for (size_t i = 0; i < call->n_outputs && i < ONNX_MAX_PORTS; i++)
        if (v->outputs[i]) m->runtime->api->release_value(v->outputs[i]);
}

akin_status onnx_run(const onnx_model *m, onnx_call *call, akin_error *err)
{
    akin_status status = AKIN_OK;
    run_values values = {0};
    AKIN_TRYG(make_inputs(m, call, &values, err));
    AKIN_TRYG(name_outputs(m, call, &values, err));
    AKIN_TRYG(run_session(m, call, &values, err));
    for (size_t i = 0; i < call->n_outputs; i++)
        AKIN_TRYG(take_output(m, values.outputs[i], &call->outputs[i], err));
done:
    release_values(m, call, &values);
    return status;
}
