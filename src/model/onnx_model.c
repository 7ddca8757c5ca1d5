/* SPDX-License-Identifier: MIT
 * Opens an ONNX model: looks at its bytes, makes a session of the runtime, and
 * reads what goes in and comes out.
 *
 * The bytes are looked at first because the runtime follows the names of
 * external data wherever they lead, and takes files of its own format, which
 * have not been looked at. */
#include "model/onnx_model.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/onnx_int.h"
#include "model/onnx_patch.h"

#define MAX_MODEL_BYTES ((size_t)0x7fffffff) /* protobuf's limit */
enum { MAX_NAME = 255, MAX_THREADS = 1024 };

/* Where a session comes from. */
typedef struct onnx_source {
    const char *name;
    const char *path;   /* NULL: from the bytes */
    const char *folder; /* of external data; NULL: there may be none */
    const unsigned char *data;
    size_t n;
    bool external; /* some data is in other files */
} onnx_source;

/* ---- names and shapes ---- */

const char *onnx_type_name(onnx_type type)
{
    static const char *const names[] = {
        "no tensor", "float32", "uint8",     "int8",       "uint16",  "int16",
        "int32",     "int64",   "text",      "bool",       "float16", "float64",
        "uint32",    "uint64",  "complex64", "complex128", "bfloat16"};
    size_t i = (size_t)type;
    return i < sizeof names / sizeof *names ? names[i] : "another type";
}

void onnx_shape_describe(const int64_t *shape, size_t n_axes, char *out,
                         size_t n)
{
    size_t at = 0;
    snprintf(out, n, "[");
    for (size_t i = 0; i < n_axes; i++) {
        at = strlen(out);
        if (shape[i] < 0)
            snprintf(out + at, n - at, "%s?", i ? ", " : "");
        else
            snprintf(out + at, n - at, "%s%lld", i ? ", " : "",
                     (long long)shape[i]);
    }
    at = strlen(out);
    snprintf(out + at, n - at, "]");
}

void onnx_port_describe(const onnx_port *port, char out[ONNX_DESCRIPTION])
{
    snprintf(out, ONNX_DESCRIPTION, "%s ", onnx_type_name(port->type));
    size_t at = strlen(out);
    if (port->type != ONNX_OTHER)
        onnx_shape_describe(port->shape, port->n_axes, out + at,
                            ONNX_DESCRIPTION - at);
}

static const onnx_port *find_port(const onnx_port *ports, size_t n,
                                  const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (text_equal(ports[i].name, name)) return &ports[i];
    return NULL;
}

const onnx_port *onnx_model_input(const onnx_model *model, const char *name)
{
    return find_port(model->inputs, model->n_inputs, name);
}

const onnx_port *onnx_model_output(const onnx_model *model, const char *name)
{
    return find_port(model->outputs, model->n_outputs, name);
}

/* Names go into messages and onto terminals. */
static bool is_printable(const char *text, size_t n)
{
    if (!n || n > MAX_NAME || !text_is_utf8(text, n)) return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) return false;
    return true;
}

/* ---- external data ---- */

/* Below the folder by its text. Links are the owner's own doing: download
 * caches keep a model's files as such. A first component "*" is the runtime's
 * private mark for data at an address in memory. */
static bool is_inside(const char *location)
{
    if (*location == '/' || text_starts_with(location, "*/")) return false;
    for (const char *p = location; p; p = strchr(p, '/')) {
        if (*p == '/') p++;
        if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || !p[2])) return false;
    }
    return true;
}

static bool is_regular_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static akin_status check_location(void *user, const char *location, size_t n,
                                  akin_error *err)
{
    char text[MAX_NAME + 1] = {0};
    onnx_source *source = user;
    source->external = true;
    if (!is_printable(location, n))
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "it keeps data in a file with a damaged name");
    memcpy(text, location, n);
    if (!source->folder)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "it keeps data in another file, '%s'", text);
    if (!is_inside(text))
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "its data '%s' lies outside its folder", text);
    char *path = file_join(source->folder, text);
    if (!path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    bool there = is_regular_file(path);
    mem_free(path);
    if (!there)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "the file '%s' that belongs beside it is missing",
                         text);
    return AKIN_OK;
}

static akin_status check_source(onnx_source *source, akin_error *err)
{
    const onnx_visitor visitor = {.visit = check_location, .user = source};
    if (source->n > MAX_MODEL_BYTES)
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "'%s' is larger than 2 GiB; ONNX keeps the weights of "
                         "such models in a file beside it",
                         source->name);
    if ((source->n >= 8 && memcmp(source->data + 4, "ORTM", 4) == 0) ||
        (source->path && text_ends_with(source->path, ".ort", true)))
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' is in ONNX Runtime's own format; akin reads "
                         ".onnx files",
                         source->name);
    akin_status status =
        onnx_patch_each_external(source->data, source->n, &visitor, err);
    if (status != AKIN_OK)
        return error_prefix(err, status, "'%s' cannot be used", source->name);
    return AKIN_OK;
}

/* ---- the session ---- */

static akin_status add_config(const onnx_runtime *r, ort_session_options *o,
                              const char *key, const char *value,
                              akin_error *err)
{
    return onnx_runtime_check(r, r->api->add_session_config(o, key, value),
                              "ONNX Runtime's options", err);
}

static akin_status append_cuda(const onnx_runtime *r, ort_session_options *o,
                               akin_error *err)
{
    static const char *const what = "CUDA";
    ort_cuda_options *cuda = NULL;
    AKIN_TRY(
        onnx_runtime_check(r, r->api->create_cuda_options(&cuda), what, err));
    akin_status status =
        onnx_runtime_check(r, r->api->append_cuda(o, cuda), what, err);
    r->api->release_cuda_options(cuda);
    return status;
}

/* Threads that wait for work sleep: spinning, which is the default, takes half
 * of a shared machine for nothing. */
static akin_status set_options(const onnx_model *m, const onnx_source *source,
                               size_t n_threads, ort_session_options *o,
                               akin_error *err)
{
    static const char *const what = "ONNX Runtime's options";
    const onnx_runtime *r = m->runtime;
    const ort_api *api = r->api;
    size_t n = n_threads < MAX_THREADS ? n_threads : MAX_THREADS;
    AKIN_TRY(onnx_runtime_check(r, api->set_intra_threads(o, n ? (int)n : 1),
                                what, err));
    AKIN_TRY(onnx_runtime_check(r, api->set_inter_threads(o, 1), what, err));
    AKIN_TRY(onnx_runtime_check(r, api->set_log_severity(o, ORT_LOG_FATAL),
                                what, err));
    AKIN_TRY(onnx_runtime_check(r, api->set_optimization(o, ORT_OPTIMIZE_ALL),
                                what, err));
    AKIN_TRY(add_config(r, o, "session.intra_op.allow_spinning", "0", err));
    AKIN_TRY(add_config(r, o, "session.inter_op.allow_spinning", "0", err));
    if (!source->path && source->external)
        AKIN_TRY(add_config(
            r, o, "session.model_external_initializers_file_folder_path",
            source->folder, err));
    return m->device == ONNX_CUDA ? append_cuda(r, o, err) : AKIN_OK;
}

static akin_status create_session(onnx_model *m, const onnx_source *source,
                                  size_t n_threads, akin_error *err)
{
    akin_status status = AKIN_OK;
    const onnx_runtime *r = m->runtime;
    ort_session_options *o = NULL;
    AKIN_TRYG(onnx_runtime_check(r, r->api->create_session_options(&o),
                                 source->name, err));
    AKIN_TRYG(set_options(m, source, n_threads, o, err));
    AKIN_TRYG(onnx_runtime_check(
        r,
        source->path
            ? r->api->create_session(r->env, source->path, o, &m->session)
            : r->api->create_session_from_array(r->env, source->data, source->n,
                                                o, &m->session),
        source->name, err));
done:
    if (o) r->api->release_session_options(o);
    return status;
}

static akin_status create_any(onnx_model *m, const onnx_source *source,
                              const onnx_options *options, akin_error *err)
{
    akin_error reason = {0};
    m->device = options->device;
    if (m->device != ONNX_CPU) {
        if (create_session(m, source, options->n_threads, &reason) == AKIN_OK)
            return AKIN_OK;
        snprintf(m->notice, sizeof m->notice,
                 "running on the CPU, because CUDA cannot be used: %.180s",
                 reason.text);
        m->device = ONNX_CPU;
    }
    akin_status status = create_session(m, source, options->n_threads, err);
    if (status == AKIN_EMODEL && !m->runtime->recommended)
        return error_prefix(err, status,
                            "ONNX Runtime %s is old, 1.17 or newer may do",
                            m->runtime->version);
    return status;
}

/* ---- inputs and outputs ---- */

static akin_status read_name(const onnx_model *m, size_t i, bool input,
                             char **out, akin_error *err)
{
    char *name = NULL;
    const ort_api *api = m->runtime->api;
    ort_allocator *allocator = NULL;
    AKIN_TRY(onnx_runtime_check(
        m->runtime, api->get_default_allocator(&allocator), m->name, err));
    AKIN_TRY(onnx_runtime_check(
        m->runtime,
        input ? api->get_input_name(m->session, i, allocator, &name)
              : api->get_output_name(m->session, i, allocator, &name),
        m->name, err));
    bool good = is_printable(name, strlen(name));
    if (good) *out = mem_strdup(name);
    akin_error unused;
    akin_status freed = onnx_runtime_check(
        m->runtime, api->allocator_free(allocator, name), m->name, &unused);
    (void)freed;
    if (!good)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' has an input or output with an unusable name",
                         m->name);
    return *out ? AKIN_OK
                : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
}

akin_status onnx_tensor_read(const onnx_model *m, const ort_tensor_info *info,
                             onnx_port *out, akin_error *err)
{
    int type = 0;
    const ort_api *api = m->runtime->api;
    AKIN_TRY(onnx_runtime_check(m->runtime, api->get_element_type(info, &type),
                                m->name, err));
    AKIN_TRY(onnx_runtime_check(
        m->runtime, api->get_axis_count(info, &out->n_axes), m->name, err));
    if (out->n_axes > ONNX_MAX_AXES)
        return AKIN_FAIL(err, AKIN_EUNSUPPORTED,
                         "'%s' has a tensor of %zu axes", m->name, out->n_axes);
    AKIN_TRY(onnx_runtime_check(m->runtime,
                                api->get_axes(info, out->shape, out->n_axes),
                                m->name, err));
    for (size_t i = 0; i < out->n_axes; i++)
        if (out->shape[i] < 0) out->shape[i] = -1;
    out->type = (onnx_type)type;
    return AKIN_OK;
}

static akin_status read_port(const onnx_model *m, size_t i, bool input,
                             onnx_port *out, akin_error *err)
{
    akin_status status = AKIN_OK;
    const ort_api *api = m->runtime->api;
    ort_type_info *type = NULL;
    const ort_tensor_info *info = NULL;
    AKIN_TRYG(read_name(m, i, input, &out->name, err));
    AKIN_TRYG(
        onnx_runtime_check(m->runtime,
                           input ? api->get_input_type(m->session, i, &type)
                                 : api->get_output_type(m->session, i, &type),
                           m->name, err));
    AKIN_TRYG(onnx_runtime_check(m->runtime, api->get_tensor_info(type, &info),
                                 m->name, err));
    if (info) AKIN_TRYG(onnx_tensor_read(m, info, out, err));
done:
    if (type) api->release_type_info(type);
    return status;
}

/* *n_out grows with the ports read, so that close finds what there is. */
static akin_status read_ports(const onnx_model *m, bool input, onnx_port **out,
                              size_t *n_out, akin_error *err)
{
    size_t n = 0;
    const ort_api *api = m->runtime->api;
    AKIN_TRY(onnx_runtime_check(m->runtime,
                                input ? api->get_input_count(m->session, &n)
                                      : api->get_output_count(m->session, &n),
                                m->name, err));
    if (n > ONNX_MAX_PORTS)
        return AKIN_FAIL(err, AKIN_ELIMIT, "'%s' has %zu inputs or outputs",
                         m->name, n);
    AKIN_TRY(mem_new_array(n, sizeof **out, "a model", (void **)out, err));
    for (size_t i = 0; i < n; i++) {
        *n_out = i + 1;
        AKIN_TRY(read_port(m, i, input, &(*out)[i], err));
    }
    return AKIN_OK;
}

/* ---- open and close ---- */

static akin_status open_source(onnx_model *m, const onnx_source *source,
                               const onnx_options *options, akin_error *err)
{
    AKIN_TRY(create_any(m, source, options, err));
    AKIN_TRY(onnx_runtime_check(
        m->runtime,
        m->runtime->api->create_cpu_memory_info(ORT_ALLOCATOR_ARENA,
                                                ORT_MEMORY_DEFAULT, &m->memory),
        m->name, err));
    AKIN_TRY(read_ports(m, true, &m->inputs, &m->n_inputs, err));
    return read_ports(m, false, &m->outputs, &m->n_outputs, err);
}

/* The same from a copy of the bytes that has one more output.
 * XXX: ONNX Runtime 1.20 and older cannot read data beside a model that they
 * are given as bytes, and say that they lack its path; 1.30 can. */
static akin_status open_exposed(onnx_model *m, const onnx_source *source,
                                const onnx_options *options, akin_error *err)
{
    akin_status status = AKIN_OK;
    onnx_source patched = *source;
    const char *name = options->expose;
    char *features = NULL, *bytes = NULL;
    if (options->expose_features) {
        int64_t width = 0;
        AKIN_TRYG(onnx_patch_find_features(source->data, source->n,
                                           options->features_of, &features,
                                           &width, err));
        name = features;
    }
    AKIN_TRYG(onnx_patch_expose(source->data, source->n, name, &bytes,
                                &patched.n, err));
    if (patched.n > source->n) {
        patched.path = NULL;
        patched.data = (unsigned char *)bytes;
    } /* else it is an output as it is */
    AKIN_TRYG(open_source(m, &patched, options, err));
done:
    mem_free(bytes);
    mem_free(features);
    return status;
}

static akin_status open_checked(const onnx_runtime *runtime,
                                onnx_source *source,
                                const onnx_options *options, onnx_model **out,
                                akin_error *err)
{
    static const onnx_options defaults;
    akin_status status = AKIN_OK;
    onnx_model *m = mem_array(1, sizeof *m);
    if (!options) options = &defaults;
    if (!m) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a model");
    m->runtime = runtime;
    m->name = mem_strdup(source->name);
    AKIN_TRYG(m->name ? AKIN_OK : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory"));
    AKIN_TRYG(check_source(source, err));
    if (options->expose || options->expose_features)
        AKIN_TRYG(open_exposed(m, source, options, err));
    else
        AKIN_TRYG(open_source(m, source, options, err));
    *out = m;
done:
    if (status != AKIN_OK) onnx_model_close(m);
    return status;
}

akin_status onnx_model_open(const onnx_runtime *runtime, const char *path,
                            const onnx_options *options, onnx_model **out,
                            akin_error *err)
{
    akin_status status = AKIN_OK;
    file_map map = {0};
    char *folder = file_parent(path);
    if (!folder) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    AKIN_TRYG(file_map_open(&map, path, err));
    onnx_source source = {.name = path,
                          .path = path,
                          .folder = folder,
                          .data = map.data,
                          .n = map.n};
    AKIN_TRYG(open_checked(runtime, &source, options, out, err));
done:
    file_map_close(&map);
    mem_free(folder);
    return status;
}

akin_status onnx_model_open_bytes(const onnx_runtime *runtime,
                                  const onnx_bytes *bytes,
                                  const onnx_options *options, onnx_model **out,
                                  akin_error *err)
{
    onnx_source source = {
        .name = bytes->name, .data = bytes->data, .n = bytes->n};
    return open_checked(runtime, &source, options, out, err);
}

static void free_ports(onnx_port *ports, size_t n)
{
    for (size_t i = 0; i < n; i++) mem_free(ports[i].name);
    mem_free(ports);
}

void onnx_model_close(onnx_model *m)
{
    if (!m) return;
    if (m->session) m->runtime->api->release_session(m->session);
    if (m->memory) m->runtime->api->release_memory_info(m->memory);
    free_ports(m->inputs, m->n_inputs);
    free_ports(m->outputs, m->n_outputs);
    mem_free(m->name);
    mem_free(m);
}
