/* SPDX-License-Identifier: MIT
 * Opening and running ONNX models of each shape, type and layout that real
 * ones come in (tests/models/make_onnx.py writes and describes them), and
 * refusing hostile ones. Skipped where there is no ONNX Runtime. */
#include "test.h"

#include <dirent.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "base/thread.h"
#include "model/onnx_model.h"
#include "onnx_help.h"

enum { DIM = 4, BATCH = 3 };

static const char *file_of(const char *name)
{
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s.onnx", test_data("onnx"), name);
    return path;
}

/* NULL where there is no runtime, which skips the test, or after a failure. */
static onnx_model *open_with(const char *name, const onnx_options *options)
{
    onnx_model *m = NULL;
    akin_error err = {0};
    const onnx_runtime *runtime = onnx_help_runtime();
    if (runtime)
        CHECK_OK(onnx_model_open(runtime, file_of(name), options, &m, &err),
                 err);
    return m;
}

static onnx_model *open_model(const char *name)
{
    return open_with(name, NULL);
}

static void fill(float *x, size_t n, uint64_t seed)
{
    random_state r = {.s = seed};
    for (size_t i = 0; i < n; i++) x[i] = (float)(random_unit(&r) * 2 - 1);
}

/* What the models compute of n numbers. */
static void statistics(const float *x, size_t n, double out[DIM])
{
    double sum = 0, size = 0, square = 0, most = -1e30;
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        size += fabs(x[i]);
        square += (double)x[i] * x[i];
        if (x[i] > most) most = x[i];
    }
    out[0] = sum / (double)n;
    out[1] = size / (double)n;
    out[2] = square / (double)n;
    out[3] = most;
}

static void check_statistics(const float *x, size_t n, const float *out,
                             double tolerance)
{
    double wanted[DIM];
    statistics(x, n, wanted);
    for (int i = 0; i < DIM; i++) CHECK_NEAR(out[i], wanted[i], tolerance);
}

/* One input of float32 and one output: the common case. */
static akin_status run_one(const onnx_model *m, const onnx_input *in,
                           float *out, size_t n, akin_error *err)
{
    onnx_output output = {.name = m->outputs[0].name, .data = out, .n = n};
    onnx_call call = {.inputs = in, .n_inputs = 1,
                      .outputs = &output, .n_outputs = 1};
    return onnx_run(m, &call, err);
}

/* Runs the statistics of each of `batch` blocks of `n` numbers, in the shape
 * that follows. */
typedef struct shaped {
    const char *model;
    size_t batch, n, n_axes;
    int64_t shape[ONNX_MAX_AXES];
    double tolerance;
} shaped;

static void run_shaped(const shaped *s)
{
    akin_error err = {0};
    float out[BATCH * DIM];
    onnx_model *m = open_model(s->model);
    if (!m) return;
    float *x = mem_array(s->batch * s->n, sizeof *x);
    fill(x, s->batch * s->n, 7);
    onnx_input in = {.name = m->inputs[0].name, .type = ONNX_F32, .data = x,
                     .n_axes = s->n_axes};
    memcpy(in.shape, s->shape, sizeof in.shape);
    CHECK_OK(run_one(m, &in, out, s->batch * DIM, &err), err);
    for (size_t i = 0; i < s->batch; i++)
        check_statistics(x + i * s->n, s->n, out + i * DIM, s->tolerance);
    mem_free(x);
    onnx_model_close(m);
}

static void every_shape_runs(void)
{
    static const shaped all[] = {
        {"wave_fixed", 1, 480, 2, {1, 480}, 1e-6},
        {"wave_dynamic", 1, 1001, 2, {1, 1001}, 1e-6},
        {"wave_dynamic", BATCH, 160, 2, {BATCH, 160}, 1e-6},
        {"wave_1d", 1, 77, 1, {77}, 1e-6},
        {"wave_3d", BATCH, 99, 3, {BATCH, 1, 99}, 1e-6},
        {"wave_half", BATCH, 64, 2, {BATCH, 64}, 1e-3},
        {"wave_double", BATCH, 64, 2, {BATCH, 64}, 1e-6},
        {"mel_4d", BATCH, 96 * 64, 4, {BATCH, 1, 96, 64}, 1e-6},
        {"mel_3d", BATCH, 96 * 64, 3, {BATCH, 96, 64}, 1e-6},
        {"image_nchw", BATCH, 192, 4, {BATCH, 3, 8, 8}, 1e-6},
        {"image_nhwc", BATCH, 192, 4, {BATCH, 8, 8, 3}, 1e-6},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) run_shaped(&all[i]);
}

static void bytes_run(void)
{
    uint8_t pixels[192];
    float x[192], out[DIM];
    akin_error err = {0};
    onnx_model *m = open_model("image_u8");
    if (!m) return;
    CHECK_EQ_INT(m->inputs[0].type, ONNX_U8);
    for (int i = 0; i < 192; i++) x[i] = pixels[i] = (uint8_t)(i * 37);
    onnx_input in = {.name = "image", .type = ONNX_U8, .data = pixels,
                     .n_axes = 4, .shape = {1, 8, 8, 3}};
    CHECK_OK(run_one(m, &in, out, DIM, &err), err);
    check_statistics(x, 192, out, 1e-2);
    in.type = ONNX_F32;
    in.data = x;
    CHECK_STATUS(run_one(m, &in, out, DIM, NULL), AKIN_EUSAGE);
    onnx_model_close(m);
}

static void ports_are_described(void)
{
    char text[ONNX_DESCRIPTION];
    onnx_model *m = open_model("wave_3d");
    if (!m) return;
    CHECK_EQ_INT(m->n_inputs, 1);
    CHECK_EQ_TEXT(m->inputs[0].name, "audio");
    onnx_port_describe(onnx_model_input(m, "audio"), text);
    CHECK_EQ_TEXT(text, "float32 [?, 1, ?]");
    onnx_port_describe(onnx_model_output(m, "embedding"), text);
    CHECK_EQ_TEXT(text, "float32 [?, 4]");
    CHECK(!onnx_model_input(m, "embedding") && !onnx_model_output(m, "x"));
    onnx_model_close(m);
}

static void outputs_go_by_name(void)
{
    static const char *const names[] = {"two_outputs", "two_outputs_swapped"};
    float x[50], embedding[DIM], scores[3];
    fill(x, 50, 1);
    for (int i = 0; i < 2; i++) {
        akin_error err = {0};
        onnx_model *m = open_model(names[i]);
        if (!m) return;
        const onnx_input in = {.name = "input", .type = ONNX_F32, .data = x,
                               .n_axes = 2, .shape = {1, 50}};
        onnx_output out[] = {{.name = "predictions", .data = scores, .n = 3},
                             {.name = "embeddings", .data = embedding,
                              .n = DIM}};
        onnx_call call = {.inputs = &in, .n_inputs = 1,
                          .outputs = out, .n_outputs = 2};
        CHECK_OK(onnx_run(m, &call, &err), err);
        check_statistics(x, 50, embedding, 1e-6);
        for (int k = 0; k < 3; k++) CHECK(scores[k] > 0 && scores[k] < 1);
        CHECK_EQ_INT(out[0].n_axes, 2);
        CHECK_EQ_INT(out[0].shape[1], 3);
        onnx_model_close(m);
    }
}

static void wrong_calls_are_refused(void)
{
    float x[480] = {0}, out[DIM];
    int64_t ids[480] = {0};
    akin_error err = {0};
    onnx_model *m = open_model("wave_fixed");
    if (!m) return;
    onnx_input in = {.name = "input", .type = ONNX_F32, .data = x,
                     .n_axes = 2, .shape = {1, 479}};
    CHECK_STATUS(run_one(m, &in, out, DIM, &err), AKIN_EUSAGE);
    CHECK_EQ_TEXT(err.text, "the model's input 'input' is float32 [1, 480]; it "
                            "was given [1, 479]");
    in.n_axes = 1;
    CHECK_STATUS(run_one(m, &in, out, DIM, NULL), AKIN_EUSAGE);
    in.n_axes = 9;
    CHECK_STATUS(run_one(m, &in, out, DIM, NULL), AKIN_EUSAGE);
    in.n_axes = 2;
    in.shape[1] = 480;
    CHECK_OK(run_one(m, &in, out, DIM, &err), err);
    CHECK_STATUS(run_one(m, &in, out, DIM - 1, &err), AKIN_EMODEL);
    CHECK_EQ_TEXT(err.text, "the model's output 'embedding' has shape [1, 4]; "
                            "3 numbers were expected");
    in.name = "x";
    CHECK_STATUS(run_one(m, &in, out, DIM, &err), AKIN_EUSAGE);
    in.name = "input";
    in.type = ONNX_I64;
    in.data = ids;
    CHECK_STATUS(run_one(m, &in, out, DIM, &err), AKIN_EUSAGE);
    CHECK_EQ_TEXT(err.text, "the model's input 'input' takes float32; it was "
                            "given int64");
    onnx_model_close(m);
}

static void wrong_numbers_of_ports_are_refused(void)
{
    float x[10] = {0}, y[DIM];
    onnx_model *m = open_model("wave_dynamic");
    if (!m) return;
    const onnx_input in[] = {{.name = "samples", .type = ONNX_F32, .data = x,
                              .n_axes = 2, .shape = {1, 10}},
                             {.name = "samples", .type = ONNX_F32, .data = x,
                              .n_axes = 2, .shape = {1, 10}}};
    onnx_output out = {.name = "embedding", .data = y, .n = DIM};
    onnx_call call = {.inputs = in, .outputs = &out, .n_outputs = 1};
    CHECK_STATUS(onnx_run(m, &call, NULL), AKIN_EUSAGE);
    call.n_inputs = 2;
    CHECK_STATUS(onnx_run(m, &call, NULL), AKIN_EUSAGE);
    call.n_inputs = 1;
    call.n_outputs = 0;
    CHECK_STATUS(onnx_run(m, &call, NULL), AKIN_EUSAGE);
    call.n_outputs = 1;
    out.name = "samples";
    CHECK_STATUS(onnx_run(m, &call, NULL), AKIN_EUSAGE);
    out.name = "embedding";
    out.data = NULL; /* the shape alone */
    CHECK_STATUS(onnx_run(m, &call, NULL), AKIN_OK);
    CHECK_EQ_INT(out.n_axes, 2);
    CHECK_EQ_INT(out.shape[1], DIM);
    onnx_model_close(m);
}

/* The sum of rows [i, 1, -i, i * i]. */
static void check_ids(const float *out, int n, int sum, int squares)
{
    CHECK_NEAR(out[0], sum, 0);
    CHECK_NEAR(out[1], n, 0);
    CHECK_NEAR(out[2], -sum, 0);
    CHECK_NEAR(out[3], squares, 0);
}

static void texts_run_in_either_integer(void)
{
    static const char *const names[] = {"text_i32", "text_i64"};
    int32_t narrow[8] = {1, 2, 3, 4, 5, 0, 0, 0};
    int64_t wide[8] = {1, 2, 3, 4, 5, 0, 0, 0};
    float out[DIM];
    for (int i = 0; i < 2; i++) {
        akin_error err = {0};
        onnx_model *m = open_model(names[i]);
        if (!m) return;
        onnx_input in = {.name = m->inputs[0].name, .type = ONNX_I32,
                         .data = narrow, .n_axes = 2, .shape = {1, 8}};
        CHECK_OK(run_one(m, &in, out, DIM, &err), err);
        check_ids(out, 8, 15, 55);
        in.type = ONNX_I64;
        in.data = wide;
        CHECK_OK(run_one(m, &in, out, DIM, &err), err);
        check_ids(out, 8, 15, 55);
        wide[0] = 32; /* not in the table of 32 rows */
        CHECK_STATUS(run_one(m, &in, out, DIM, NULL), AKIN_EMODEL);
        wide[0] = INT64_MAX;
        CHECK_STATUS(run_one(m, &in, out, DIM, NULL),
                     i == 0 ? AKIN_EUSAGE : AKIN_EMODEL);
        wide[0] = 1;
        onnx_model_close(m);
    }
}

static void texts_run_with_a_mask(void)
{
    static const char *const names[] = {"text_i32_mask", "text_i64_mask"};
    const int64_t ids[8] = {1, 2, 3, 31, 31, 31, 31, 31};
    const int32_t mask[8] = {1, 1, 1};
    float y[DIM];
    for (int i = 0; i < 2; i++) {
        akin_error err = {0};
        onnx_model *m = open_model(names[i]);
        if (!m) return;
        const onnx_input in[] = {
            {.name = "attention_mask", .type = ONNX_I32, .data = mask,
             .n_axes = 2, .shape = {1, 8}},
            {.name = "input_ids", .type = ONNX_I64, .data = ids,
             .n_axes = 2, .shape = {1, 8}}};
        onnx_output out = {.name = "embedding", .data = y, .n = DIM};
        onnx_call call = {.inputs = in, .n_inputs = 2,
                          .outputs = &out, .n_outputs = 1};
        CHECK_OK(onnx_run(m, &call, &err), err);
        check_ids(y, 3, 6, 14);
        onnx_model_close(m);
    }
}

static void outputs_of_any_number_are_floats(void)
{
    static const char *const numbers[] = {"as_i64", "as_i32", "as_u8",
                                          "as_f64"};
    const float x[3] = {1, 2, 250};
    float y[3];
    akin_error err = {0};
    onnx_model *m = open_model("integers");
    if (!m) return;
    const onnx_input in = {.name = "x", .type = ONNX_F32, .data = x,
                           .n_axes = 1, .shape = {3}};
    onnx_output out = {.data = y, .n = 3};
    onnx_call call = {.inputs = &in, .n_inputs = 1,
                      .outputs = &out, .n_outputs = 1};
    for (int i = 0; i < 4; i++) {
        out.name = numbers[i];
        memset(y, 0, sizeof y);
        CHECK_OK(onnx_run(m, &call, &err), err);
        for (int k = 0; k < 3; k++) CHECK_NEAR(y[k], x[k], 0);
    }
    out.name = "as_text";
    CHECK_STATUS(onnx_run(m, &call, NULL), AKIN_EMODEL);
    out.name = "as_sequence";
    CHECK_EQ_INT(onnx_model_output(m, "as_sequence")->type, ONNX_OTHER);
    CHECK_STATUS(onnx_run(m, &call, NULL), AKIN_EMODEL);
    onnx_model_close(m);
}

/* ---- inner tensors ---- */

static void check_features(const onnx_model *m)
{
    enum { N = 144000, WIDE = 1024 };
    static float x[2 * N], y[2 * WIDE], scores[6];
    akin_error err = {0};
    const onnx_port *port = &m->outputs[m->n_outputs - 1];
    fill(x, 2 * N, 5);
    const onnx_input in = {.name = "inputs", .type = ONNX_F32, .data = x,
                           .n_axes = 2, .shape = {2, N}};
    onnx_output out[] = {{.name = port->name, .data = y, .n = 2 * WIDE},
                         {.name = "scores", .data = scores, .n = 6}};
    onnx_call call = {.inputs = &in, .n_inputs = 1,
                      .outputs = out, .n_outputs = 2};
    CHECK_EQ_INT(m->n_outputs, 2);
    CHECK_EQ_TEXT(port->name, "GLOBAL_AVG_POOL/Mean");
    CHECK_EQ_INT(port->type, ONNX_F32);
    CHECK_OK(onnx_run(m, &call, &err), err);
    CHECK(memcmp(y, y + WIDE, WIDE * sizeof *y) != 0);
    for (int b = 0; b < 2; b++) {
        for (int i = 0; i < WIDE; i += 341) {
            double wanted[DIM];
            statistics(x + b * N + i * 140, 140, wanted);
            CHECK_NEAR(y[b * WIDE + i], wanted[0], 1e-6);
        }
    }
}

static void features_are_exposed(void)
{
    static const char *const names[] = {"birdnet_gemm", "birdnet_matmul"};
    static const onnx_options ways[] = {
        {.expose_features = true},
        {.expose_features = true, .features_of = "scores"},
        {.expose = "GLOBAL_AVG_POOL/Mean"}};
    for (int i = 0; i < 6; i++) {
        onnx_model *m = open_with(names[i % 2], &ways[i / 2]);
        if (!m) return;
        check_features(m);
        onnx_model_close(m);
    }
}

static void unknown_tensors_are_not_exposed(void)
{
    onnx_model *m = NULL;
    const onnx_runtime *runtime = onnx_help_runtime();
    if (!runtime) return;
    static const onnx_options ways[] = {
        {.expose = "nothing"},
        {.expose_features = true, .features_of = "nothing"}};
    for (int i = 0; i < 2; i++)
        CHECK_STATUS(onnx_model_open(runtime, file_of("birdnet_gemm"), &ways[i],
                                     &m, NULL),
                     AKIN_EMODEL);
    CHECK_STATUS(onnx_model_open(runtime, file_of("wave_dynamic"), &ways[1],
                                 &m, NULL),
                 AKIN_EMODEL);
    CHECK(!m);
}

/* ---- files and bytes ---- */

static void run_external(const onnx_model *m, float sign)
{
    const float x[DIM] = {10, 10, 10, 10};
    float y[DIM] = {0};
    akin_error err = {0};
    const onnx_input in = {.name = "x", .type = ONNX_F32, .data = x,
                           .n_axes = 2, .shape = {1, DIM}};
    onnx_output out = {.name = m->outputs[m->n_outputs - 1].name, .data = y,
                       .n = DIM};
    onnx_call call = {.inputs = &in, .n_inputs = 1,
                      .outputs = &out, .n_outputs = 1};
    CHECK_OK(onnx_run(m, &call, &err), err);
    for (int k = 0; k < DIM; k++) CHECK_NEAR(y[k], sign * (10 + (float)k), 0);
}

static void data_beside_the_model_is_read(void)
{
    static const onnx_options ways[] = {{0}, {.expose = "embedding"}};
    for (int i = 0; i < 2; i++) {
        onnx_model *m = open_with("external", &ways[i]);
        if (!m) return;
        run_external(m, -1);
        onnx_model_close(m);
    }
}

/* Old runtimes cannot, and must say so. */
static void data_beside_an_edited_model_is_read(void)
{
    static const onnx_options options = {.expose = "inner"};
    int minor = 0;
    onnx_model *m = NULL;
    akin_error err = {0};
    const onnx_runtime *runtime = onnx_help_runtime();
    if (!runtime) return;
    akin_status status = onnx_model_open(runtime, file_of("external"),
                                         &options, &m, &err);
    if (sscanf(runtime->version, "1.%d", &minor) == 1 && minor < 30)
        CHECK(status == AKIN_OK || status == AKIN_EMODEL);
    else
        CHECK_STATUS(status, AKIN_OK);
    if (m) run_external(m, 1);
    onnx_model_close(m);
}

/* What open_bytes says of them; a model that opens is closed again. */
static akin_status try_bytes(const char *data, size_t n)
{
    onnx_model *m = NULL;
    akin_error err = {0};
    const onnx_bytes bytes = {.data = data, .n = n, .name = "bytes"};
    akin_status status = onnx_model_open_bytes(onnx_help_runtime(), &bytes,
                                               NULL, &m, &err);
    CHECK((status == AKIN_OK) == (m != NULL));
    CHECK(status == AKIN_OK || *err.text);
    onnx_model_close(m);
    return status;
}

static char *load(const char *name, size_t *n)
{
    char *data = NULL;
    akin_error err = {0};
    CHECK_OK(file_read(file_of(name), 1 << 20, &data, n, &err), err);
    return data;
}

static void bytes_have_no_neighbours(void)
{
    size_t n = 0;
    if (!onnx_help_runtime()) return;
    char *data = load("external", &n);
    CHECK_STATUS(try_bytes(data, n), AKIN_EUNSUPPORTED);
    mem_free(data);
    data = load("birdnet_gemm", &n);
    CHECK_STATUS(try_bytes(data, n), AKIN_OK);
    mem_free(data);
}

static void damage_gives_an_error(void)
{
    size_t n = 0;
    char junk[512];
    random_state r = {.s = 11};
    if (!onnx_help_runtime()) return;
    char *data = load("wave_dynamic", &n);
    for (size_t i = 0; i < n; i += 3) try_bytes(data, i);
    for (size_t i = 0; i < n; i++) {
        char kept = data[i];
        data[i] = (char)random_below(&r, 256);
        if (i % 2) try_bytes(data, n);
        data[i] = kept;
    }
    CHECK_STATUS(try_bytes(data, n / 2), AKIN_ECORRUPT);
    CHECK_STATUS(try_bytes(data, 0), AKIN_ECORRUPT);
    mem_free(data);
    for (size_t i = 0; i < sizeof junk; i++)
        junk[i] = (char)random_below(&r, 256);
    CHECK_STATUS(try_bytes(junk, sizeof junk), AKIN_ECORRUPT);
    memcpy(junk, "\x08\x07\x12\x04ORTM\x3a\x02\x0a\x00", 12);
    CHECK_STATUS(try_bytes(junk, 12), AKIN_EUNSUPPORTED);
}

static void run_hostile(const char *path)
{
    static const float x[16];
    const int64_t huge = INT64_C(1) << 40;
    float y[DIM];
    akin_error err = {0};
    onnx_model *m = NULL;
    akin_status status =
        onnx_model_open(onnx_help_runtime(), path, NULL, &m, &err);
    if (status != AKIN_OK) {
        CHECK(!m && *err.text);
        return;
    }
    onnx_input in = {.name = m->inputs[0].name, .type = m->inputs[0].type,
                     .data = x, .n_axes = m->inputs[0].n_axes,
                     .shape = {1, 1, 1, 1}};
    if (in.type == ONNX_I64) in.data = &huge;
    CHECK(run_one(m, &in, y, DIM, &err) != AKIN_OK);
    onnx_model_close(m);
}

/* AddressSanitizer ends the process where `new` would throw. */
static bool is_for_this_build(const char *name)
{
#ifdef __has_feature
    bool sanitized = __has_feature(address_sanitizer);
#elif defined(__SANITIZE_ADDRESS__)
    bool sanitized = true;
#else
    bool sanitized = false;
#endif
    return !sanitized || !text_equal(name, "huge_result.onnx");
}

static void hostile_models_give_an_error(void)
{
    char path[4096];
    int n = 0;
    if (!onnx_help_runtime()) return;
    DIR *d = opendir(test_data("onnx/hostile"));
    for (struct dirent *e; d && (e = readdir(d));) {
        if (!text_ends_with(e->d_name, ".onnx", false)) continue;
        snprintf(path, sizeof path, "%s/%s", test_data("onnx/hostile"),
                 e->d_name);
        if (is_for_this_build(e->d_name)) run_hostile(path);
        n++;
    }
    if (d) closedir(d);
    CHECK(n >= 12);
}

static void hostile_reason(const char *name, akin_status wanted,
                           const char *part)
{
    char path[256];
    onnx_model *m = NULL;
    akin_error err = {0};
    snprintf(path, sizeof path, "hostile/%s", name);
    CHECK_STATUS(onnx_model_open(onnx_help_runtime(), file_of(path), NULL, &m,
                                 &err),
                 wanted);
    if (!strstr(err.text, part))
        test_fail(__FILE__, __LINE__, "%s: '%s' lacks '%s'", name, err.text,
                  part);
    onnx_model_close(m);
}

static void reasons_are_said(void)
{
    if (!onnx_help_runtime()) return;
    hostile_reason("external_parent", AKIN_ECORRUPT, "'../external.bin' lies");
    hostile_reason("external_hidden_parent", AKIN_ECORRUPT, "outside its fold");
    hostile_reason("external_absolute", AKIN_ECORRUPT, "'/etc/passwd' lies");
    hostile_reason("external_memory", AKIN_ECORRUPT, "outside its folder");
    hostile_reason("external_nested", AKIN_ECORRUPT, "outside its folder");
    hostile_reason("external_missing", AKIN_ENOTFOUND, "'nowhere.bin' that be");
    hostile_reason("external_folder", AKIN_ENOTFOUND, "missing");
    hostile_reason("bad_name", AKIN_EUNSUPPORTED, "unusable name");
    hostile_reason("wrong_dims", AKIN_EMODEL, "hostile/wrong_dims.onnx: ");
    hostile_reason("no_such_file", AKIN_ENOTFOUND, "no_such_file");
}

static void allocations_may_fail(void)
{
    static const onnx_options options = {.expose_features = true};
    if (!onnx_help_runtime()) return;
    for (int64_t n = 1; n < 1000; n++) {
        onnx_model *m = NULL;
        mem_fail_at(n);
        akin_status status = onnx_model_open(
            onnx_help_runtime(), file_of("birdnet_matmul"), &options, &m, NULL);
        bool pending = mem_fail_pending();
        mem_fail_at(0);
        onnx_model_close(m);
        CHECK(status == (pending ? AKIN_OK : AKIN_ENOMEM));
        if (pending) return;
    }
    CHECK(!"every allocation failed");
}

/* ---- threads, cancelling, devices ---- */

enum { RUNNERS = 6, ROUNDS = 100, SAMPLES = 3000 };

typedef struct runner {
    const onnx_model *model;
    float x[SAMPLES], wanted[DIM];
    int n_different;
} runner;

static void run_rounds(void *user, size_t i)
{
    runner *r = (runner *)user + i;
    const onnx_input in = {.name = "samples", .type = ONNX_F32, .data = r->x,
                           .n_axes = 2, .shape = {1, SAMPLES}};
    for (int k = 0; k < ROUNDS; k++) {
        float out[DIM] = {0};
        if (run_one(r->model, &in, out, DIM, NULL) != AKIN_OK ||
            memcmp(out, r->wanted, sizeof out) != 0)
            r->n_different++;
    }
}

static void one_session_serves_many_threads(void)
{
    akin_error err = {0};
    onnx_model *m = open_model("wave_dynamic");
    if (!m) return;
    runner *runners = mem_array(RUNNERS, sizeof *runners);
    for (int i = 0; i < RUNNERS; i++) {
        runner *r = &runners[i];
        r->model = m;
        fill(r->x, SAMPLES, (uint64_t)i);
        const onnx_input in = {.name = "samples", .type = ONNX_F32,
                               .data = r->x, .n_axes = 2,
                               .shape = {1, SAMPLES}};
        CHECK_OK(run_one(m, &in, r->wanted, DIM, &err), err);
        check_statistics(r->x, SAMPLES, r->wanted, 1e-5);
    }
    thread_each(RUNNERS, run_rounds, runners);
    for (int i = 0; i < RUNNERS; i++) CHECK_EQ_INT(runners[i].n_different, 0);
    mem_free(runners);
    onnx_model_close(m);
}

static akin_status run_slow(const onnx_model *m, int64_t rounds,
                            onnx_cancel *cancel, float *out)
{
    const onnx_input in = {.name = "rounds", .type = ONNX_I64, .data = &rounds};
    onnx_output output = {.name = "sum", .data = out, .n = 1};
    onnx_call call = {.inputs = &in, .n_inputs = 1, .outputs = &output,
                      .n_outputs = 1, .cancel = cancel};
    return onnx_run(m, &call, NULL);
}

static void *cancel_soon(void *user)
{
    clock_sleep_s(0.05);
    onnx_cancel_now(user);
    return NULL;
}

static void a_run_can_be_cancelled(void)
{
    float sum = 0;
    pthread_t thread;
    onnx_cancel *cancel = NULL;
    akin_error err = {0};
    onnx_model *m = open_model("slow");
    if (!m) return;
    CHECK_OK(onnx_cancel_new(m->runtime, &cancel, &err), err);
    CHECK_STATUS(run_slow(m, 3, cancel, &sum), AKIN_OK);
    CHECK_NEAR(sum, 3, 0);
    CHECK_EQ_INT(pthread_create(&thread, NULL, cancel_soon, cancel), 0);
    CHECK_STATUS(run_slow(m, INT64_C(1) << 60, cancel, &sum), AKIN_ECANCELLED);
    pthread_join(thread, NULL);
    CHECK_STATUS(run_slow(m, 3, cancel, &sum), AKIN_ECANCELLED);
    CHECK_STATUS(run_slow(m, 4, NULL, &sum), AKIN_OK);
    CHECK_NEAR(sum, 4, 0);
    onnx_cancel_free(cancel);
    onnx_model_close(m);
}

/* On a machine without CUDA, which most are, the CPU takes over and says so. */
static void cuda_falls_back(void)
{
    static const onnx_options options = {.device = ONNX_CUDA, .n_threads = 2};
    float x[480], out[DIM];
    akin_error err = {0};
    onnx_model *m = open_with("wave_fixed", &options);
    if (!m) return;
    if (m->device == ONNX_CPU)
        CHECK(text_starts_with(m->notice, "running on the CPU, because CUDA "));
    else
        CHECK_EQ_TEXT(m->notice, "");
    fill(x, 480, 2);
    const onnx_input in = {.name = "input", .type = ONNX_F32, .data = x,
                           .n_axes = 2, .shape = {1, 480}};
    CHECK_OK(run_one(m, &in, out, DIM, &err), err);
    check_statistics(x, 480, out, 1e-5);
    onnx_model_close(m);
}

const test_case test_onnx_model_cases[] = {
    {"onnx_model/every_shape_runs", every_shape_runs},
    {"onnx_model/bytes_run", bytes_run},
    {"onnx_model/ports_are_described", ports_are_described},
    {"onnx_model/outputs_go_by_name", outputs_go_by_name},
    {"onnx_model/wrong_calls_are_refused", wrong_calls_are_refused},
    {"onnx_model/wrong_numbers_of_ports_are_refused",
     wrong_numbers_of_ports_are_refused},
    {"onnx_model/texts_run_in_either_integer", texts_run_in_either_integer},
    {"onnx_model/texts_run_with_a_mask", texts_run_with_a_mask},
    {"onnx_model/outputs_of_any_number_are_floats",
     outputs_of_any_number_are_floats},
    {"onnx_model/features_are_exposed", features_are_exposed},
    {"onnx_model/unknown_tensors_are_not_exposed",
     unknown_tensors_are_not_exposed},
    {"onnx_model/data_beside_the_model_is_read", data_beside_the_model_is_read},
    {"onnx_model/data_beside_an_edited_model_is_read",
     data_beside_an_edited_model_is_read},
    {"onnx_model/bytes_have_no_neighbours", bytes_have_no_neighbours},
    {"onnx_model/damage_gives_an_error", damage_gives_an_error},
    {"onnx_model/hostile_models_give_an_error", hostile_models_give_an_error},
    {"onnx_model/reasons_are_said", reasons_are_said},
    {"onnx_model/allocations_may_fail", allocations_may_fail},
    {"onnx_model/one_session_serves_many_threads",
     one_session_serves_many_threads},
    {"onnx_model/a_run_can_be_cancelled", a_run_can_be_cancelled},
    {"onnx_model/cuda_falls_back", cuda_falls_back},
    {NULL, NULL},
};
