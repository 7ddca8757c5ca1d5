/* SPDX-License-Identifier: MIT
 * Reading and editing ONNX files as bytes; no runtime is needed. */
#include "test.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/memory.h"
#include "model/onnx_patch.h"

#define FEATURES "GLOBAL_AVG_POOL/Mean"

static char *load(const char *name, size_t *n)
{
    char path[256], *data = NULL;
    akin_error err = {0};
    snprintf(path, sizeof path, "onnx/%s.onnx", name);
    CHECK_OK(file_read(test_data(path), 1 << 20, &data, n, &err), err);
    return data;
}

/* What a visitor saw, one a line. */
typedef struct seen {
    char text[256];
    int n;
} seen;

static akin_status see(void *user, const char *location, size_t n,
                       akin_error *err)
{
    seen *s = user;
    size_t at = strlen(s->text);
    (void)err;
    snprintf(s->text + at, sizeof s->text - at, "%.*s\n", (int)n, location);
    s->n++;
    return AKIN_OK;
}

static akin_status stop(void *user, const char *location, size_t n,
                        akin_error *err)
{
    (void)user, (void)location, (void)n;
    return AKIN_FAIL(err, AKIN_EUNSUPPORTED, "stopped");
}

static void locations(const char *name, const char *wanted)
{
    size_t n = 0;
    seen s = {0};
    akin_error err = {0};
    const onnx_visitor visitor = {.visit = see, .user = &s};
    char *data = load(name, &n);
    CHECK_OK(onnx_patch_each_external(data, n, &visitor, &err), err);
    CHECK_EQ_TEXT(s.text, wanted);
    mem_free(data);
}

static void external_is_listed(void)
{
    locations("wave_dynamic", "");
    locations("external", "external.bin\n");
    locations("hostile/external_parent", "../external.bin\n");
    locations("hostile/external_nested", "../external.bin\n"
                                         "../external.bin\n");
    size_t n = 0;
    const onnx_visitor visitor = {.visit = stop};
    char *data = load("external", &n);
    CHECK_STATUS(onnx_patch_each_external(data, n, &visitor, NULL),
                 AKIN_EUNSUPPORTED);
    mem_free(data);
}

static void features_are(const char *model, const char *output,
                         const char *wanted, int width)
{
    size_t n = 0;
    int64_t got = -1;
    char *name = NULL, *data = load(model, &n);
    akin_error err = {0};
    CHECK_OK(onnx_patch_find_features(data, n, output, &name, &got, &err), err);
    CHECK_EQ_TEXT(name, wanted);
    CHECK_EQ_INT(got, width);
    mem_free(name);
    mem_free(data);
}

static void features_are_found(void)
{
    features_are("birdnet_gemm", NULL, FEATURES, 1024);
    features_are("birdnet_gemm", "scores", FEATURES, 1024);
    features_are("birdnet_matmul", NULL, FEATURES, 1024);
    features_are("two_outputs", "predictions", "embeddings", 4);
    features_are("two_outputs_swapped", NULL, "embeddings", 4);
}

static void no_features_is_said(void)
{
    size_t n = 0;
    int64_t width;
    char *name = NULL, *data = load("wave_dynamic", &n);
    CHECK_STATUS(onnx_patch_find_features(data, n, NULL, &name, &width, NULL),
                 AKIN_EMODEL);
    CHECK_STATUS(onnx_patch_find_features(data, n, "x", &name, &width, NULL),
                 AKIN_EMODEL);
    mem_free(data);
    data = load("hostile/wrong_dims", &n); /* its features are its input */
    CHECK_STATUS(onnx_patch_find_features(data, n, NULL, &name, &width, NULL),
                 AKIN_EMODEL);
    CHECK(!name);
    mem_free(data);
}

/* graph { output { name: "GLOBAL_AVG_POOL/Mean" } } as protobuf writes it. */
static void expose_appends(void)
{
    static const char tail[] = "\x3a\x18\x62\x16\x0a\x14" FEATURES;
    size_t n = 0, n_out = 0, n_again = 0;
    akin_error err = {0};
    char *out = NULL, *again = NULL, *data = load("birdnet_gemm", &n);
    CHECK_OK(onnx_patch_expose(data, n, FEATURES, &out, &n_out, &err), err);
    CHECK_EQ_INT(n_out, n + sizeof tail - 1);
    CHECK(memcmp(out, data, n) == 0);
    CHECK(memcmp(out + n, tail, sizeof tail - 1) == 0);
    CHECK_OK(onnx_patch_expose(out, n_out, FEATURES, &again, &n_again, &err),
             err);
    CHECK_EQ_INT(n_again, n_out);
    mem_free(again);
    mem_free(out);
    mem_free(data);
}

static void expose_knows_its_tensors(void)
{
    static char long_name[1 << 17];
    size_t n = 0, n_out = 0;
    char *out = NULL, *data = load("birdnet_gemm", &n);
    CHECK_STATUS(onnx_patch_expose(data, n, "nothing", &out, &n_out, NULL),
                 AKIN_EMODEL);
    CHECK_STATUS(onnx_patch_expose(data, n, "inputs", &out, &n_out, NULL),
                 AKIN_EMODEL);
    CHECK_STATUS(onnx_patch_expose(data, n, "", &out, &n_out, NULL),
                 AKIN_EMODEL);
    memset(long_name, 'x', sizeof long_name - 1);
    CHECK_STATUS(onnx_patch_expose(data, n, long_name, &out, &n_out, NULL),
                 AKIN_ELIMIT);
    mem_fail_at(1);
    CHECK_STATUS(onnx_patch_expose(data, n, FEATURES, &out, &n_out, NULL),
                 AKIN_ENOMEM);
    mem_fail_at(0);
    CHECK(!out);
    mem_free(data);
}

/* All that can be asked of bytes; what it says is for the sanitizers. */
static void ask(const char *data, size_t n)
{
    seen s = {0};
    const onnx_visitor visitor = {.visit = see, .user = &s};
    akin_error err;
    int64_t width = 0;
    size_t n_out = 0;
    char *name = NULL, *out = NULL;
    akin_status listed = onnx_patch_each_external(data, n, &visitor, &err);
    if (onnx_patch_find_features(data, n, NULL, &name, &width, &err) ==
            AKIN_OK &&
        onnx_patch_expose(data, n, name, &out, &n_out, &err) == AKIN_OK)
        CHECK(listed == AKIN_OK && n_out >= n);
    mem_free(name);
    mem_free(out);
}

/* In memory of its exact size, so that a read behind it is seen. */
static void ask_exactly(const char *data, size_t n)
{
    char *copy = malloc(n ? n : 1);
    if (n) memcpy(copy, data, n);
    ask(copy, n);
    free(copy);
}

static void damage_is_survived(void)
{
    static const char *const names[] = {"birdnet_matmul", "two_outputs",
                                        "hostile/external_nested"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        size_t n = 0;
        char *data = load(names[k], &n);
        for (size_t i = 0; i < n; i++) {
            ask_exactly(data, i);
            char kept = data[i];
            for (int bit = 0; bit < 8; bit++) {
                data[i] = (char)(kept ^ 1 << bit);
                if (n < 2000) ask_exactly(data, n);
            }
            data[i] = kept;
        }
        mem_free(data);
    }
}

static void junk_is_refused(void)
{
    static const char *const junk[] = {"", "\x3a", "hello, world", "\x3a\x7f",
                                       "\xff\xff\xff\xff\xff\xff\xff\xff\xff",
                                       "\x08\x07", "\x3a\x02\x0a\xff"};
    const onnx_visitor visitor = {.visit = stop};
    for (size_t i = 0; i < sizeof junk / sizeof *junk; i++)
        CHECK_STATUS(onnx_patch_each_external(junk[i], strlen(junk[i]),
                                              &visitor, NULL),
                     AKIN_ECORRUPT);
}

/* field { ... } around what the buffer holds from `at` to its end. */
static size_t wrap(unsigned char *data, size_t at, size_t end, unsigned field)
{
    size_t n = end - at;
    data[--at] = (unsigned char)(n >> 14 & 0x7f);
    data[--at] = (unsigned char)((n >> 7 & 0x7f) | 0x80);
    data[--at] = (unsigned char)((n & 0x7f) | 0x80);
    data[--at] = (unsigned char)(field << 3 | 2);
    return at;
}

static void depth_is_bounded(void)
{
    static unsigned char data[8192];
    const onnx_visitor visitor = {.visit = stop};
    for (int levels = 10; levels <= 200; levels += 190) {
        size_t at = sizeof data;
        for (int i = 0; i < levels; i++) {
            at = wrap(data, at, sizeof data, 6); /* attribute.g */
            at = wrap(data, at, sizeof data, 5); /* node.attribute */
            at = wrap(data, at, sizeof data, 1); /* graph.node */
        }
        at = wrap(data, at, sizeof data, 7); /* model.graph */
        CHECK_STATUS(onnx_patch_each_external(data + at, sizeof data - at,
                                              &visitor, NULL),
                     levels == 10 ? AKIN_OK : AKIN_ECORRUPT);
    }
}

const test_case test_onnx_patch_cases[] = {
    {"onnx_patch/external_is_listed", external_is_listed},
    {"onnx_patch/features_are_found", features_are_found},
    {"onnx_patch/no_features_is_said", no_features_is_said},
    {"onnx_patch/expose_appends", expose_appends},
    {"onnx_patch/expose_knows_its_tensors", expose_knows_its_tensors},
    {"onnx_patch/damage_is_survived", damage_is_survived},
    {"onnx_patch/junk_is_refused", junk_is_refused},
    {"onnx_patch/depth_is_bounded", depth_is_bounded},
    {NULL, NULL},
};
