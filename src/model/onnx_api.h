/* SPDX-License-Identifier: MIT
 * ONNX Runtime's C interface, as far as akin calls it.
 *
 * The library exports OrtGetApiBase and, through it, one table of function
 * pointers to which newer versions only append. Declaring the slots that are
 * used, at their places, is all that a program needs to load any version at run
 * time; the library's own header is not needed to build. The assertions at the
 * end hold each slot to its number.
 *
 * Calls that give ort_status give NULL for success and else an object to be
 * released. Enumerations are C ints. */
#ifndef MODEL_ONNX_API_H
#define MODEL_ONNX_API_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ort_status ort_status;
typedef struct ort_env ort_env;
typedef struct ort_session ort_session;
typedef struct ort_session_options ort_session_options;
typedef struct ort_run_options ort_run_options;
typedef struct ort_value ort_value;
typedef struct ort_allocator ort_allocator;
typedef struct ort_memory_info ort_memory_info;
typedef struct ort_type_info ort_type_info;
typedef struct ort_tensor_info ort_tensor_info;
typedef struct ort_cuda_options ort_cuda_options;

enum {
    ORT_API_VERSION = 12, /* all slots below are in it */
    ORT_LOG_FATAL = 4,
    ORT_ALLOCATOR_ARENA = 1,
    ORT_MEMORY_DEFAULT = 0,
    ORT_OPTIMIZE_ALL = 99,
    ORT_KIND_TENSOR = 1
};

typedef void ort_unused(void);

typedef struct ort_api {
    ort_unused *unused_0[2];
    const char *(*get_error_message)(const ort_status *status);
    ort_status *(*create_env)(int severity, const char *name, ort_env **out);
    ort_unused *unused_4[2];
    ort_status *(*disable_telemetry)(const ort_env *env);
    ort_status *(*create_session)(const ort_env *env, const char *path,
                                  const ort_session_options *options,
                                  ort_session **out);
    ort_status *(*create_session_from_array)(const ort_env *env,
                                             const void *data, size_t n,
                                             const ort_session_options *options,
                                             ort_session **out);
    ort_status *(*run)(ort_session *session, const ort_run_options *options,
                       const char *const *input_names,
                       const ort_value *const *inputs, size_t n_inputs,
                       const char *const *output_names, size_t n_outputs,
                       ort_value **outputs);
    ort_status *(*create_session_options)(ort_session_options **out);
    ort_unused *unused_11[11];
    ort_status *(*set_log_severity)(ort_session_options *options, int severity);
    ort_status *(*set_optimization)(ort_session_options *options, int level);
    ort_status *(*set_intra_threads)(ort_session_options *options, int n);
    ort_status *(*set_inter_threads)(ort_session_options *options, int n);
    ort_unused *unused_26[4];
    ort_status *(*get_input_count)(const ort_session *session, size_t *out);
    ort_status *(*get_output_count)(const ort_session *session, size_t *out);
    ort_unused *unused_32[1];
    ort_status *(*get_input_type)(const ort_session *session, size_t i,
                                  ort_type_info **out);
    ort_status *(*get_output_type)(const ort_session *session, size_t i,
                                   ort_type_info **out);
    ort_unused *unused_35[1];
    ort_status *(*get_input_name)(const ort_session *session, size_t i,
                                  ort_allocator *allocator, char **out);
    ort_status *(*get_output_name)(const ort_session *session, size_t i,
                                   ort_allocator *allocator, char **out);
    ort_unused *unused_38[1];
    ort_status *(*create_run_options)(ort_run_options **out);
    ort_unused *unused_40[6];
    ort_status *(*set_terminate)(ort_run_options *options);
    ort_unused *unused_47[1];
    ort_status *(*create_tensor)(ort_allocator *allocator,
                                 const int64_t *shape, size_t n_axes, int type,
                                 ort_value **out);
    ort_status *(*create_tensor_over)(const ort_memory_info *memory, void *data,
                                      size_t n_bytes, const int64_t *shape,
                                      size_t n_axes, int type, ort_value **out);
    ort_status *(*is_tensor)(const ort_value *value, int *out);
    ort_status *(*get_tensor_data)(ort_value *value, void **out);
    ort_unused *unused_52[3];
    /* Borrowed from the type; NULL if it is no tensor's. */
    ort_status *(*get_tensor_info)(const ort_type_info *type,
                                   const ort_tensor_info **out);
    ort_unused *unused_56[4];
    ort_status *(*get_element_type)(const ort_tensor_info *info, int *out);
    ort_status *(*get_axis_count)(const ort_tensor_info *info, size_t *out);
    ort_status *(*get_axes)(const ort_tensor_info *info, int64_t *out,
                            size_t n);
    ort_unused *unused_63[2];
    ort_status *(*get_value_info)(const ort_value *value,
                                  ort_tensor_info **out);
    ort_unused *unused_66[3];
    ort_status *(*create_cpu_memory_info)(int allocator, int memory,
                                          ort_memory_info **out);
    ort_unused *unused_70[6];
    ort_status *(*allocator_free)(ort_allocator *allocator, void *p);
    ort_unused *unused_77[1];
    ort_status *(*get_default_allocator)(ort_allocator **out);
    ort_unused *unused_79[13];
    void (*release_env)(ort_env *env);
    void (*release_status)(ort_status *status);
    void (*release_memory_info)(ort_memory_info *info);
    void (*release_session)(ort_session *session);
    void (*release_value)(ort_value *value);
    void (*release_run_options)(ort_run_options *options);
    void (*release_type_info)(ort_type_info *info);
    void (*release_tensor_info)(ort_tensor_info *info);
    void (*release_session_options)(ort_session_options *options);
    ort_unused *unused_101[29];
    ort_status *(*add_session_config)(ort_session_options *options,
                                      const char *key, const char *value);
    ort_unused *unused_131[73];
    ort_status *(*append_cuda)(ort_session_options *options,
                               const ort_cuda_options *cuda);
    ort_status *(*create_cuda_options)(ort_cuda_options **out);
    ort_unused *unused_206[2];
    void (*release_cuda_options)(ort_cuda_options *cuda);
} ort_api;

typedef struct ort_api_base {
    const ort_api *(*get_api)(uint32_t version);
    const char *(*get_version)(void);
} ort_api_base;

#define ORT_SLOT(member, slot)                                                 \
    static_assert(offsetof(ort_api, member) == (slot) * sizeof(void *),        \
                  #member " is slot " #slot)
ORT_SLOT(get_error_message, 2);
ORT_SLOT(create_env, 3);
ORT_SLOT(disable_telemetry, 6);
ORT_SLOT(create_session, 7);
ORT_SLOT(create_session_from_array, 8);
ORT_SLOT(run, 9);
ORT_SLOT(create_session_options, 10);
ORT_SLOT(set_log_severity, 22);
ORT_SLOT(set_optimization, 23);
ORT_SLOT(set_intra_threads, 24);
ORT_SLOT(set_inter_threads, 25);
ORT_SLOT(get_input_count, 30);
ORT_SLOT(get_output_count, 31);
ORT_SLOT(get_input_type, 33);
ORT_SLOT(get_output_type, 34);
ORT_SLOT(get_input_name, 36);
ORT_SLOT(get_output_name, 37);
ORT_SLOT(create_run_options, 39);
ORT_SLOT(set_terminate, 46);
ORT_SLOT(create_tensor, 48);
ORT_SLOT(create_tensor_over, 49);
ORT_SLOT(is_tensor, 50);
ORT_SLOT(get_tensor_data, 51);
ORT_SLOT(get_tensor_info, 55);
ORT_SLOT(get_element_type, 60);
ORT_SLOT(get_axis_count, 61);
ORT_SLOT(get_axes, 62);
ORT_SLOT(get_value_info, 65);
ORT_SLOT(create_cpu_memory_info, 69);
ORT_SLOT(allocator_free, 76);
ORT_SLOT(get_default_allocator, 78);
ORT_SLOT(release_env, 92);
ORT_SLOT(release_status, 93);
ORT_SLOT(release_memory_info, 94);
ORT_SLOT(release_session, 95);
ORT_SLOT(release_value, 96);
ORT_SLOT(release_run_options, 97);
ORT_SLOT(release_type_info, 98);
ORT_SLOT(release_tensor_info, 99);
ORT_SLOT(release_session_options, 100);
ORT_SLOT(add_session_config, 130);
ORT_SLOT(append_cuda, 204);
ORT_SLOT(create_cuda_options, 205);
ORT_SLOT(release_cuda_options, 208);
#undef ORT_SLOT

#endif
