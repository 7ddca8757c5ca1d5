/* SPDX-License-Identifier: MIT
 * Hunts for an ONNX file that makes the reader look past its end, recurse or
 * search without bound, name a tensor that the file does not hold, or come out
 * of the edit as anything but itself with one more output. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "model/onnx_patch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static akin_status count(void *user, const char *location, size_t n,
                         akin_error *err)
{
    volatile char last = n ? location[n - 1] : 0;
    (void)last, (void)err;
    ++*(size_t *)user;
    return AKIN_OK;
}

static size_t count_external(const void *data, size_t size, akin_status *status)
{
    size_t n = 0;
    const onnx_visitor visitor = {.visit = count, .user = &n};
    *status = onnx_patch_each_external(data, size, &visitor, NULL);
    return n;
}

static void check_edit(const uint8_t *data, size_t size, const char *name,
                       const char *out, size_t n_out)
{
    akin_status status;
    char *again = NULL;
    size_t n_again = 0, n = count_external(data, size, &status);
    if (n_out < size || memcmp(out, data, size) != 0) abort();
    if (count_external(out, n_out, &status) != n || status != AKIN_OK) abort();
    if (onnx_patch_expose(out, n_out, name, &again, &n_again, NULL) !=
            AKIN_OK ||
        n_again != n_out)
        abort();
    mem_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    akin_status readable;
    int64_t width = 0;
    char *name = NULL, *out = NULL;
    size_t n_out = 0;
    if (count_external(data, size, &readable) > size) abort();
    if (onnx_patch_find_features(data, size, NULL, &name, &width, NULL) !=
        AKIN_OK)
        return 0;
    if (width < 0 || strlen(name) > size) abort();
    akin_status status =
        onnx_patch_expose(data, size, name, &out, &n_out, NULL);
    if ((status == AKIN_OK) != (readable == AKIN_OK)) abort();
    if (status == AKIN_OK) check_edit(data, size, name, out, n_out);
    mem_free(out);
    mem_free(name);
    return 0;
}
