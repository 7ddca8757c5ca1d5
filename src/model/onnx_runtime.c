/* SPDX-License-Identifier: MIT
 * Finds, checks and loads ONNX Runtime.
 *
 * Loaded rather than linked, because distributions don't package it and most of
 * akin works without it. One for the process: its environment owns threads and
 * logging, and a library of this kind must never be unloaded, so neither is
 * ever released. A lock guards the opening; what it gives is read-only. */
#include "model/onnx_runtime.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

enum { MIN_MINOR = 14, RECOMMENDED_MINOR = 17 }; /* of version 1 */

static const char *const system_names[] = {"libonnxruntime.so.1",
                                           "libonnxruntime.so"};
enum { N_SYSTEM_NAMES = sizeof system_names / sizeof *system_names };

/* One line of printable text, whatever the library or a model wrote. */
static void copy_line(const char *from, char *to, size_t n)
{
    size_t i = 0;
    for (; from[i] && i + 1 < n; i++)
        to[i] = (unsigned char)from[i] < ' ' ? ' ' : from[i];
    while (i && to[i - 1] == ' ') i--;
    to[i] = 0;
}

akin_status onnx_runtime_check(const onnx_runtime *runtime, ort_status *given,
                               const char *what, akin_error *err)
{
    char line[400];
    if (!given) return AKIN_OK;
    copy_line(runtime->api->get_error_message(given), line, sizeof line);
    runtime->api->release_status(given);
    return AKIN_FAIL(err, AKIN_EMODEL, "%s: %s", what, line);
}

/* "1.30.0" and what may follow it. */
static bool parse_version(const char *text, int *major, int *minor)
{
    return text && sscanf(text, "%4d.%4d", major, minor) == 2;
}

/* The table of a library that has the right symbol and age. */
static akin_status get_api(void *library, onnx_runtime *r, akin_error *err)
{
    const ort_api_base *(*get_base)(void) = NULL;
    void *symbol = dlsym(library, "OrtGetApiBase");
    memcpy(&get_base, &symbol, sizeof get_base);
    const ort_api_base *base = symbol ? get_base() : NULL;
    int major = 0, minor = 0;
    if (!base || !parse_version(base->get_version(), &major, &minor))
        return AKIN_FAIL(err, AKIN_EMODEL, "'%s' is not ONNX Runtime", r->path);
    copy_line(base->get_version(), r->version, sizeof r->version);
    if (major < 1 || (major == 1 && minor < MIN_MINOR))
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s' is ONNX Runtime %s; akin needs 1.%d or newer",
                         r->path, r->version, MIN_MINOR);
    r->api = base->get_api(ORT_API_VERSION);
    if (!r->api)
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "'%s' is ONNX Runtime %s, which is too new for akin",
                         r->path, r->version);
    r->recommended = major > 1 || minor >= RECOMMENDED_MINOR;
    return AKIN_OK;
}

static void *open_library(const char *path)
{
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

/* What open_library gave for path. A library that will not do stays loaded,
 * too: its constructors have run. */
static akin_status load(const char *path, void *library, onnx_runtime *r,
                        akin_error *err)
{
    akin_status status = AKIN_OK;
    if (!library)
        return AKIN_FAIL(err, AKIN_EMODEL, "ONNX Runtime cannot be loaded: %s",
                         dlerror());
    r->path = mem_strdup(path);
    if (!r->path)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for ONNX Runtime");
    AKIN_TRYG(get_api(library, r, err));
    AKIN_TRYG(onnx_runtime_check(
        r, r->api->create_env(ORT_LOG_FATAL, "akin", &r->env), r->path, err));
    AKIN_TRYG(
        onnx_runtime_check(r, r->api->disable_telemetry(r->env), r->path, err));
done:
    if (status != AKIN_OK) {
        if (r->env) r->api->release_env(r->env);
        mem_free(r->path);
        *r = (onnx_runtime){0};
    }
    return status;
}

/* By one of the library's names in a folder; AKIN_ENOTFOUND if it has none. */
static akin_status load_from(const char *folder, onnx_runtime *r,
                             akin_error *err)
{
    for (size_t i = 0; i < N_SYSTEM_NAMES; i++) {
        char *path = file_join(folder, system_names[i]);
        if (!path)
            return AKIN_FAIL(err, AKIN_ENOMEM,
                             "out of memory for ONNX Runtime");
        bool there = file_exists(path);
        akin_status status = AKIN_OK;
        if (there) status = load(path, open_library(path), r, err);
        mem_free(path);
        if (there) return status;
    }
    return AKIN_FAIL(err, AKIN_ENOTFOUND, "'%s' holds no ONNX Runtime", folder);
}

static akin_status load_explicit(const char *path, onnx_runtime *r,
                                 akin_error *err)
{
    if (file_is_dir(path)) {
        akin_status status = load_from(path, r, err);
        return status == AKIN_ENOTFOUND
                   ? AKIN_FAIL(err, AKIN_EMODEL,
                               "'%s' holds no ONNX Runtime (%s)", path,
                               system_names[0])
                   : status;
    }
    if (!file_exists(path))
        return AKIN_FAIL(err, AKIN_EMODEL,
                         "ONNX Runtime is not at '%s', where it was said to be",
                         path);
    return load(path, open_library(path), r, err);
}

/* The first that will do. One that is there but will not do is the better
 * reason than that there is none. */
static akin_status load_any(const onnx_places *places, onnx_runtime *r,
                            akin_error *err)
{
    akin_error reason = {0};
    if (places->path && *places->path)
        return load_explicit(places->path, r, err);
    for (size_t i = 0; i < N_SYSTEM_NAMES; i++) {
        akin_error tried = {0};
        void *library = open_library(system_names[i]);
        if (!library) continue;
        if (load(system_names[i], library, r, &tried) == AKIN_OK)
            return AKIN_OK;
        if (!reason.code) reason = tried;
    }
    for (size_t i = 0; i < places->n_folders; i++) {
        akin_error tried = {0};
        akin_status status = load_from(places->folders[i], r, &tried);
        if (status == AKIN_OK) return AKIN_OK;
        if (status != AKIN_ENOTFOUND && !reason.code) reason = tried;
    }
    if (reason.code)
        return AKIN_FAIL(err, reason.code,
                         "%.300s; `tools/get-onnxruntime` "
                         "installs one that works",
                         reason.text);
    return AKIN_FAIL(err, AKIN_EMODEL,
                     "this model needs ONNX Runtime, which is not installed; "
                     "`tools/get-onnxruntime` gets it");
}

akin_status onnx_runtime_open(const onnx_places *places,
                              const onnx_runtime **out, akin_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static onnx_runtime the_one;
    static const onnx_places nowhere;
    akin_status status = AKIN_OK;
    pthread_mutex_lock(&lock);
    if (!the_one.api)
        status = load_any(places ? places : &nowhere, &the_one, err);
    if (status == AKIN_OK) *out = &the_one;
    pthread_mutex_unlock(&lock);
    return status;
}
