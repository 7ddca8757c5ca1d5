/* SPDX-License-Identifier: MIT
 * Finding ONNX Runtime, and saying why there is none. */
#define _GNU_SOURCE
#include "test.h"

#include <dlfcn.h>
#include <unistd.h>

#include "base/thread.h"
#include "model/onnx_runtime.h"
#include "onnx_help.h"

static void refused(const char *path, const char *part_of_reason)
{
    akin_error err = {0};
    const onnx_runtime *runtime = NULL;
    const onnx_places places = {.path = path};
    CHECK_STATUS(onnx_runtime_open(&places, &runtime, &err), AKIN_EMODEL);
    CHECK(!runtime);
    if (!strstr(err.text, part_of_reason))
        test_fail(__FILE__, __LINE__, "'%s' lacks '%s'", err.text,
                  part_of_reason);
}

static void what_is_no_runtime_is_refused(void)
{
    Dl_info libc = {0};
    char inside[512];
    if (onnx_help_is_loaded()) {
        test_skip("ONNX Runtime is loaded already");
        return;
    }
    refused("/nowhere/lib.so", "not at '/nowhere/lib.so'");
    refused(test_data("onnx/external.bin"), "cannot be loaded");
    refused(test_dir(), "holds no ONNX Runtime");
    CHECK(dladdr((void *)(uintptr_t)&puts, &libc));
    refused(libc.dli_fname, "is not ONNX Runtime");
    snprintf(inside, sizeof inside, "%s/libonnxruntime.so.1", test_dir());
    CHECK_EQ_INT(symlink(libc.dli_fname, inside), 0);
    refused(test_dir(), "is not ONNX Runtime");
}

/* Where the system has one itself, that is found instead. */
static void absence_is_said_in_a_line(void)
{
    akin_error err = {0};
    const onnx_runtime *runtime = NULL;
    if (onnx_help_is_loaded()) {
        test_skip("ONNX Runtime is loaded already");
        return;
    }
    const char *const folders[] = {"/nowhere", test_dir()};
    const onnx_places places = {.folders = folders, .n_folders = 2};
    if (onnx_runtime_open(&places, &runtime, &err) == AKIN_OK) return;
    CHECK_EQ_TEXT(err.text,
                  "this model needs ONNX Runtime, which is not installed; "
                  "`tools/get-onnxruntime` gets it");
}

static void open_one(void *user, size_t i)
{
    akin_error err = {0};
    const onnx_runtime **found = user;
    const onnx_places places = {.path = "/nowhere"};
    if (onnx_runtime_open(i % 2 ? &places : NULL, &found[i], &err) != AKIN_OK)
        found[i] = NULL;
}

static void there_is_one_for_all(void)
{
    enum { N = 8 };
    const onnx_runtime *found[N] = {0}, *runtime = onnx_help_runtime();
    if (!runtime) return;
    thread_each(N, open_one, found);
    for (int i = 0; i < N; i++) CHECK(found[i] == runtime);
    CHECK(runtime->version[0] == '1' && runtime->version[1] == '.');
    CHECK(runtime->api && runtime->env && runtime->path);
}

const test_case test_onnx_runtime_cases[] = {
    {"onnx_runtime/what_is_no_runtime_is_refused",
     what_is_no_runtime_is_refused},
    {"onnx_runtime/absence_is_said_in_a_line", absence_is_said_in_a_line},
    {"onnx_runtime/there_is_one_for_all", there_is_one_for_all},
    {NULL, NULL},
};
