/* SPDX-License-Identifier: MIT
 * Finds the folders of models and of ONNX Runtime by the environment and by
 * where the program itself is: a build tree has them in the source tree above
 * it, an installed program in PREFIX/share and PREFIX/lib. */
#define _GNU_SOURCE
#include "cli/model_places.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

/* Empty counts as not set, as for most programs. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

/* Takes an owned text; *out (unless NULL) is it. NULL: memory is out. */
static akin_status keep(model_places *places, char *text, const char **out,
                        akin_error *err)
{
    assert(places->n_texts < sizeof places->texts / sizeof *places->texts);
    if (!text) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    places->texts[places->n_texts++] = text;
    *out = text;
    return AKIN_OK;
}

static akin_status add_folder(model_places *places, char *path,
                              akin_error *err)
{
    akin_model_options *options = &places->options;
    if (options->n_folders == MODEL_PLACES_MAX) {
        mem_free(path);
        return AKIN_FAIL(err, AKIN_ELIMIT,
                         "AKIN_MODELS names more than %d folders",
                         MODEL_PLACES_MAX - 2);
    }
    AKIN_TRY(keep(places, path, &places->folders[options->n_folders], err));
    options->n_folders++;
    return AKIN_OK;
}

static akin_status add_runtime_folder(model_places *places, char *path,
                                      akin_error *err)
{
    akin_model_options *options = &places->options;
    AKIN_TRY(keep(places, path,
                  &places->runtime_folders[options->n_runtime_folders], err));
    options->n_runtime_folders++;
    return AKIN_OK;
}

/* The parts of $AKIN_MODELS, ':' between them. */
static akin_status add_named(model_places *places, akin_error *err)
{
    const char *at = variable("AKIN_MODELS");
    while (at && *at) {
        size_t n = strcspn(at, ":");
        if (n > 0)
            AKIN_TRY(add_folder(places, text_format("%.*s", (int)n, at), err));
        at += n + (at[n] == ':');
    }
    return AKIN_OK;
}

/* $XDG_DATA_HOME/akin/NAME; where that is not set, below the home folder. */
static char *in_data_home(const char *name)
{
    const char *data = variable("XDG_DATA_HOME"), *home = variable("HOME");
    if (data) return text_format("%s/akin/%s", data, name);
    return text_format("%s/.local/share/akin/%s", home ? home : "", name);
}

/* Below the folder that holds bin/ or the build folder. */
static char *beside_program(const char *name)
{
    char *exe = file_absolute("/proc/self/exe");
    char *bin = exe ? file_parent(exe) : NULL;
    char *above = bin ? file_parent(bin) : NULL;
    char *path = above ? file_join(above, name) : NULL;
    mem_free(above);
    mem_free(bin);
    mem_free(exe);
    return path;
}

/* The models that ship: the first of these folders that there is. */
static akin_status add_shipped(model_places *places, akin_error *err)
{
    static const char *const names[] = {"models", "share/akin/models"};
    for (size_t i = 0; i <= sizeof names / sizeof *names; i++) {
        char *path = i < sizeof names / sizeof *names
                         ? beside_program(names[i])
                         : mem_strdup(AKIN_PREFIX "/share/akin/models");
        if (path && file_is_dir(path)) {
            AKIN_TRY(add_folder(places, path, err));
            places->options.cards = path;
            return AKIN_OK;
        }
        mem_free(path);
    }
    return AKIN_OK;
}

akin_status model_places_init(model_places *places, akin_device device,
                              akin_error *err)
{
    *places = (model_places){
        .options = {.folders = places->folders,
                    .runtime = variable("AKIN_ONNXRUNTIME"),
                    .runtime_folders = places->runtime_folders,
                    .device = device}};
    AKIN_TRY(add_named(places, err));
    AKIN_TRY(add_folder(places, in_data_home("models"), err));
    places->install_folder = places->folders[0];
    AKIN_TRY(add_shipped(places, err));
    AKIN_TRY(add_runtime_folder(places, in_data_home("onnxruntime"), err));
    AKIN_TRY(add_runtime_folder(places, beside_program("lib/akin"), err));
    return add_runtime_folder(places, mem_strdup(AKIN_PREFIX "/lib/akin"), err);
}

void model_places_clear(model_places *places)
{
    for (size_t i = 0; i < places->n_texts; i++) mem_free(places->texts[i]);
    *places = (model_places){0};
}

bool model_places_ships(const model_places *places, const char *folder)
{
    const char *cards = places->options.cards;
    return folder && cards && text_starts_with(folder, cards) &&
           folder[strlen(cards)] == '/';
}
