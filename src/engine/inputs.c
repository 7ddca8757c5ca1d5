/* SPDX-License-Identifier: MIT
 * Collecting inputs. */
#include "engine/inputs.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "media/decode.h"
#include "media/image.h"
#include "media/video.h"

#define INPUTS_MAX ((size_t)1 << 28)

static akin_status inputs_no_memory(akin_error *err)
{
    return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the list of files");
}

static void inputs_clear_file(input_file *file)
{
    mem_free(file->path);
    mem_free(file->name);
    mem_free(file->problem);
}

void inputs_clear(inputs *in)
{
    for (size_t i = 0; i < in->n; i++) inputs_clear_file(&in->files[i]);
    mem_free(in->files);
    *in = (inputs){0};
}

static akin_status inputs_add(inputs *in, const char *path, const char *problem,
                              akin_error *err)
{
    void *p = in->files;
    akin_status status = mem_grow(&p, &in->cap, in->n + 1, sizeof *in->files,
                                  INPUTS_MAX, err);
    in->files = p;
    AKIN_TRY(status);
    input_file *file = &in->files[in->n];
    *file = (input_file){.path = mem_strdup(path),
                         .problem = mem_strdup(problem)};
    in->n++;
    if (!file->path || (problem && !file->problem))
        return inputs_no_memory(err);
    file_stamp stamp;
    akin_error why;
    if (problem) return AKIN_OK;
    if (file_stat(path, &stamp, &why) != AKIN_OK) {
        file->problem = mem_strdup(why.text);
        return file->problem ? AKIN_OK : inputs_no_memory(err);
    }
    file->size_bytes = stamp.size_bytes;
    file->mtime_ns = stamp.mtime_ns;
    return AKIN_OK;
}

akin_status inputs_add_named(inputs *in, const char *path, const char *name,
                             const char *problem, akin_error *err)
{
    AKIN_TRY(inputs_add(in, path, problem, err));
    input_file *file = &in->files[in->n - 1];
    file->name = mem_strdup(name);
    return file->name ? AKIN_OK : inputs_no_memory(err);
}

static akin_status inputs_visit(void *user, const char *path, akin_error *err)
{
    inputs *in = user;
    return in->wanted(path) ? inputs_add(in, path, NULL, err) : AKIN_OK;
}

static void inputs_unreadable(void *user, const char *path, const char *reason)
{
    /* A failed list entry shows up again when memory is next needed. */
    if (inputs_add(user, path, reason, NULL) != AKIN_OK) return;
}

static akin_status inputs_collect_one(inputs *in, const char *given,
                                      akin_error *err)
{
    char *path = file_absolute(given);
    if (!path) return inputs_no_memory(err);
    akin_status status;
    if (!file_exists(path)) {
        status = AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no '%s'", given);
    } else if (file_is_dir(path)) {
        file_visitor visitor = {inputs_visit, inputs_unreadable, in};
        status = file_walk(path, &visitor, err);
    } else {
        status = inputs_add(in, path, NULL, err);
    }
    mem_free(path);
    return status;
}

/* By path; the names of a path that has several by theirs. */
static int inputs_compare(const void *a_, const void *b_)
{
    const input_file *a = a_, *b = b_;
    int order = strcmp(a->path, b->path);
    if (order || !a->name || !b->name) return order;
    return strcmp(a->name, b->name);
}

void inputs_sort(inputs *in)
{
    size_t kept = 0;
    if (in->n) qsort(in->files, in->n, sizeof *in->files, inputs_compare);
    for (size_t i = 0; i < in->n; i++) {
        if (kept && inputs_compare(&in->files[kept - 1], &in->files[i]) == 0)
            inputs_clear_file(&in->files[i]);
        else
            in->files[kept++] = in->files[i];
    }
    in->n = kept;
}

static bool inputs_is_picture(const char *path)
{
    return image_is_image_name(path) || video_is_video_name(path);
}

static akin_status inputs_none(const char *given, model_kind kind,
                               akin_error *err)
{
    if (kind == MODEL_IMAGE)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "there is no picture and no film in '%s' (jpg, png, "
                         "webp, tiff, gif, mp4, mkv, ... are looked for)",
                         given);
    return AKIN_FAIL(err, AKIN_ENOTFOUND,
                     "there is no audio file in '%s' (wav, flac, mp3, ogg, "
                     "opus, m4a, aiff, ... are looked for)",
                     given);
}

akin_status inputs_collect(inputs *in, const char *const *paths, size_t n,
                           model_kind kind, akin_error *err)
{
    *in = (inputs){.wanted = kind == MODEL_IMAGE ? inputs_is_picture
                                                 : decoder_is_audio_name};
    akin_status status = AKIN_OK;
    for (size_t i = 0; i < n && status == AKIN_OK; i++)
        status = inputs_collect_one(in, paths[i], err);
    if (status == AKIN_OK) inputs_sort(in);
    size_t n_readable = 0;
    for (size_t i = 0; i < in->n; i++) {
        in->n_bytes += in->files[i].size_bytes;
        n_readable += in->files[i].problem == NULL;
    }
    if (status == AKIN_OK && n_readable == 0)
        status =
            in->n > 0
                ? AKIN_FAIL(err, AKIN_EIO, "cannot read '%s': %s",
                            in->files[0].path, in->files[0].problem)
                : inputs_none(n ? paths[0] : "", kind, err);
    if (status != AKIN_OK) inputs_clear(in);
    return status;
}

/* ---- counting -------------------------------------------------------------- */

static void inputs_count_one(const char *path, akin_input_counts *counts)
{
    counts->n_sounds += decoder_is_audio_name(path);
    counts->n_films += video_is_video_name(path);
    counts->n_pictures += image_is_image_name(path);
}

typedef struct inputs_counting {
    akin_input_counts *counts;
    akin_error unreadable; /* the first folder that could not be read */
} inputs_counting;

static akin_status inputs_count_visit(void *user, const char *path,
                                      akin_error *err)
{
    const inputs_counting *c = user;
    (void)err;
    inputs_count_one(path, c->counts);
    return AKIN_OK;
}

static void inputs_count_unreadable(void *user, const char *path,
                                    const char *reason)
{
    inputs_counting *c = user;
    if (c->unreadable.code == AKIN_OK)
        (void)AKIN_FAIL(&c->unreadable, AKIN_EIO, "cannot read '%s': %s", path,
                        reason);
}

akin_status akin_count_inputs(const char *const *paths, size_t n,
                              akin_input_counts *out, akin_error *err)
{
    inputs_counting c = {.counts = out};
    file_visitor visitor = {inputs_count_visit, inputs_count_unreadable, &c};
    *out = (akin_input_counts){0};
    for (size_t i = 0; i < n; i++) {
        if (!file_exists(paths[i]))
            return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no '%s'",
                             paths[i]);
        if (file_is_dir(paths[i])) {
            AKIN_TRY(file_walk(paths[i], &visitor, err));
            continue;
        }
        inputs_count_one(paths[i], out);
        out->n_others += !decoder_is_audio_name(paths[i]) &&
                         !inputs_is_picture(paths[i]);
    }
    bool none = out->n_sounds + out->n_pictures + out->n_films +
                    out->n_others == 0;
    if (!none || c.unreadable.code == AKIN_OK) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_EIO, "%s", c.unreadable.text);
}

/* ---- names ------------------------------------------------------------------- */

static void inputs_common(char *root, const char *parent)
{
    size_t i = 0, slash = 0;
    for (; root[i] && root[i] == parent[i]; i++)
        if (root[i] == '/') slash = i;
    bool whole = !root[i] && (!parent[i] || parent[i] == '/');
    if (!whole && root[i] == '/' && !parent[i]) whole = true;
    root[whole ? i : slash ? slash : 1] = 0;
}

akin_status inputs_root(const char *const *paths, size_t n, char **out,
                        akin_error *err)
{
    char *root = NULL;
    for (size_t i = 0; i < n; i++) {
        char *path = file_absolute(paths[i]);
        char *parent = path ? file_parent(path) : NULL;
        mem_free(path);
        if (!parent) {
            mem_free(root);
            return inputs_no_memory(err);
        }
        if (root) {
            inputs_common(root, parent);
            mem_free(parent);
        } else {
            root = parent;
        }
    }
    *out = root;
    return AKIN_OK;
}

const char *inputs_name(const char *root, const char *path)
{
    size_t n = strlen(root);
    while (n > 0 && root[n - 1] == '/') n--;
    if (strncmp(root, path, n) != 0 || path[n] != '/' || !path[n + 1])
        return NULL;
    return path + n + 1;
}
