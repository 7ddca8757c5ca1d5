/* SPDX-License-Identifier: MIT
 * Shows searches among the photographs of Debian's tuxpaint-stamps-default. */
#define _GNU_SOURCE
#include "cli/demo_pictures.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/model_places.h"
#include "cli/print.h"

static const char CLIP[] = "tiny-clip", TINT[] = "tint";

/* tiny-clip knows ten kinds of things; these are among them. */
static const char *const texts[] = {"a red sports car", "a fire engine",
                                    "a photo of a deer"};
static const char *const examples[] = {"animals/mammals/equines/horse.png",
                                       "animals/birds/magpie.png",
                                       "animals/fish/clownfish.png"};
enum { N_TEXTS = 3, N_EXAMPLES = 3 };

/* A photograph of an animal or a vehicle, not the mirrored one of a pair. */
static bool is_photograph(const char *path)
{
    static const char *const others[] = {"/cartoon/", "/toys/", "_mirror",
                                         "_flip", "_pre."};
    bool is_picture = text_ends_with(path, ".png", true) ||
                      text_ends_with(path, ".jpg", true);
    if (!strstr(path, "/animals/") && !strstr(path, "/vehicles/")) return false;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strstr(path, others[i])) return false;
    return is_picture;
}

/* Whether tiny-clip is here and runs; else why not. */
static akin_status try_clip(akin_error *err)
{
    model_places places;
    akin_model *model = NULL;
    float *vector = NULL;
    akin_status status = model_places_init(&places, AKIN_CPU, err);
    if (status == AKIN_OK)
        status = akin_model_open(CLIP, &places.options, &model, err);
    if (status == AKIN_OK)
        status = mem_new_array(akin_model_get_info(model)->dim, sizeof(float),
                               "a vector", (void **)&vector, err);
    if (status == AKIN_OK)
        status = akin_model_embed_text(model, texts[0], vector, err);
    mem_free(vector);
    akin_model_close(model);
    model_places_clear(&places);
    return status;
}

static akin_status extract(demo_part *part, akin_error *err)
{
    akin_extract_report report = {0};
    AKIN_TRY(demo_part_extract(part, &report, err));
    if (part->look.quiet) return AKIN_OK;
    if (report.n_done == 0)
        print_note("They are all in %s already.", part->db_path);
    else
        print_note("%lld pictures embedded into %s by the model %s in %.1f s "
                   "(%.0f per second).",
                   (long long)report.n_windows, part->db_path, part->model,
                   report.elapsed_s,
                   (double)report.n_windows / report.elapsed_s);
    return AKIN_OK;
}

static akin_status ask_by_text(demo_part *part, const char *text,
                               akin_error *err)
{
    akin_query query = {.text = text};
    char *title = text_format("Which pictures show \"%s\"?", text);
    akin_status status =
        title ? demo_part_ask(part, &query, title, err)
              : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a title");
    mem_free(title);
    return status;
}

static akin_status ask_by_example(demo_part *part, size_t i, akin_error *err)
{
    akin_status status;
    char *path = demo_part_choose(part, examples[i], i, N_EXAMPLES);
    char *caption = path ? demo_files_caption(path) : NULL;
    char *title = caption ? text_format("Which pictures look like \"%s\" (%s)?",
                                        caption, file_name(path))
                          : NULL;
    akin_query query = {.file = path};
    status = title ? demo_part_ask(part, &query, title, err)
                   : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a title");
    mem_free(title);
    mem_free(caption);
    mem_free(path);
    return status;
}

static akin_status ask_all(demo_part *part, akin_error *err)
{
    if (part->model == CLIP)
        for (size_t i = 0; i < N_TEXTS; i++)
            AKIN_TRY(ask_by_text(part, texts[i], err));
    else
        for (size_t i = 0; i < N_EXAMPLES; i++)
            AKIN_TRY(ask_by_example(part, i, err));
    return AKIN_OK;
}

/* Which model, which database, and a word on both. */
static akin_status begin(demo_part *part, const char *dir, const char *db_path,
                         char **owned_path, akin_error *err)
{
    akin_error why = {0};
    akin_status clip = try_clip(&why);
    part->model = clip == AKIN_OK ? CLIP : TINT;
    *owned_path =
        text_format("%s-pictures%s", db_path, clip == AKIN_OK ? "" : "-tint");
    part->db_path = *owned_path;
    if (!*owned_path) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    if (part->look.quiet) return AKIN_OK;
    fflush(stdout);
    fputs("\n", stderr);
    print_note("%zu pictures of animals and vehicles in %s.", part->files.n,
               dir);
    if (clip == AKIN_OK)
        print_note("The model tiny-clip is small: it knows airplanes, cars, "
                   "birds, cats, deer, dogs, frogs, horses, ships and "
                   "trucks.");
    else
        print_note("To find them by words takes the model tiny-clip and ONNX "
                   "Runtime, which tools/get-onnxruntime gets (%s); here they "
                   "are found by the colours and shapes of an example.",
                   why.text);
    return AKIN_OK;
}

akin_status demo_pictures_show(const demo_look *look, const char *dir,
                               const char *db_path, json_t **out,
                               akin_error *err)
{
    char *root = file_absolute(dir), *owned_path = NULL;
    demo_part part = {.root = root, .look = *look};
    akin_status status = AKIN_OK;
    *out = NULL;
    if (!root) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    AKIN_TRYG(demo_files_find(&part.files, dir, is_photograph, err));
    if (part.files.n == 0) goto done;
    AKIN_TRYG(begin(&part, dir, db_path, &owned_path, err));
    AKIN_TRYG(extract(&part, err));
    AKIN_TRYG(ask_all(&part, err));
    if (look->json)
        *out = json_pack("{s:o, s:s, s:O}", "database",
                         json_text(part.db_path), "model", part.model,
                         "answers", part.answers);
done:
    demo_part_clear(&part);
    mem_free(owned_path);
    mem_free(root);
    return status;
}
