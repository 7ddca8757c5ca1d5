/* SPDX-License-Identifier: MIT
 * ONNX Runtime for the tests: the look-up that the program does, too. */
#include "onnx_help.h"

#include <stdlib.h>

#include "test.h"

static const onnx_runtime *loaded;

static void install_folder(char *out, size_t n)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    if (data && *data)
        snprintf(out, n, "%s/akin/onnxruntime", data);
    else
        snprintf(out, n, "%s/.local/share/akin/onnxruntime", home ? home : "");
}

const onnx_runtime *onnx_help_runtime(void)
{
    char folder[4096];
    const char *const folders[] = {folder};
    install_folder(folder, sizeof folder);
    const onnx_places places = {.path = getenv("AKIN_ONNXRUNTIME"),
                                .folders = folders,
                                .n_folders = 1};
    akin_error err = {0};
    if (!loaded && onnx_runtime_open(&places, &loaded, &err) != AKIN_OK)
        test_skip(err.text);
    return loaded;
}

bool onnx_help_is_loaded(void) { return loaded; }
