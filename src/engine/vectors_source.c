/* SPDX-License-Identifier: MIT
 * Reading .npy files and folders of them, and lists of track ids. */
#include "engine/vectors_source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv_read.h"
#include "base/memory.h"
#include "base/text.h"
#include "interop/npy.h"

#define SOURCE_MAX_VALUES ((size_t)1 << 38) /* a terabyte of float32 */
#define SOURCE_MAX_FILES ((size_t)1 << 28)

void vectors_source_clear(vectors_source *s)
{
    for (size_t i = 0; s->names && i < s->n; i++) mem_free(s->names[i]);
    mem_free(s->names);
    mem_free(s->ids);
    mem_free(s->vectors);
    *s = (vectors_source){0};
}

static akin_status source_alloc_ids(vectors_source *s, bool named,
                                    akin_error *err)
{
    void *p;
    AKIN_TRY(mem_new_array(s->n, sizeof *s->ids, "track ids", &p, err));
    s->ids = p;
    if (!named) {
        for (size_t i = 0; i < s->n; i++) s->ids[i].number = (int64_t)i;
        return AKIN_OK;
    }
    AKIN_TRY(mem_new_array(s->n, sizeof *s->names, "track ids", &p, err));
    s->names = p;
    return AKIN_OK;
}

static akin_status source_name(vectors_source *s, size_t i, const char *name,
                               akin_error *err)
{
    if (!*name || strlen(name) > TRACKS_MAX_ID_CHARS * 4)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "row %zu: a track id has 1 to %d characters", i,
                         TRACKS_MAX_ID_CHARS);
    s->names[i] = mem_strdup(name);
    if (!s->names[i])
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for track ids");
    s->ids[i] = tracks_id_of(s->names[i]);
    return AKIN_OK;
}

/* ---- folders of TRACK.npy ---------------------------------------------------------- */

/* Files by track id. */
typedef struct source_folder {
    const char *path;
    char **files; /* owned */
    size_t n, cap;
} source_folder;

static void folder_clear(source_folder *f)
{
    for (size_t i = 0; i < f->n; i++) mem_free(f->files[i]);
    mem_free(f->files);
    *f = (source_folder){0};
}

static akin_status folder_visit(void *user, const char *path, akin_error *err)
{
    source_folder *f = user;
    void *p = f->files;
    if (!text_ends_with(path, ".npy", true)) return AKIN_OK;
    akin_status status = mem_grow(&p, &f->cap, f->n + 1, sizeof *f->files,
                                  SOURCE_MAX_FILES, err);
    f->files = p;
    AKIN_TRY(status);
    f->files[f->n] = mem_strdup(path);
    if (!f->files[f->n])
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the files");
    f->n++;
    return AKIN_OK;
}

static void folder_unreadable(void *user, const char *path, const char *reason)
{
    (void)user, (void)path, (void)reason; /* an empty folder is told */
}

/* The track id of a file; *stem is owned by the caller and holds its text. */
static tracks_id file_track(const char *path, char **stem)
{
    *stem = file_stem(path);
    return tracks_id_of(*stem ? *stem : "");
}

static int compare_files(const void *a, const void *b)
{
    char *stem_a, *stem_b;
    tracks_id id_a = file_track(*(char *const *)a, &stem_a);
    tracks_id id_b = file_track(*(char *const *)b, &stem_b);
    int order = tracks_id_compare(id_a, id_b);
    mem_free(stem_a);
    mem_free(stem_b);
    return order ? order : strcmp(*(char *const *)a, *(char *const *)b);
}

static akin_status folder_read(source_folder *f, const char *path,
                               akin_error *err)
{
    file_visitor visitor = {folder_visit, folder_unreadable, f};
    f->path = path;
    AKIN_TRY(file_walk(path, &visitor, err));
    if (f->n == 0)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "there is no .npy file in the folder '%s'", path);
    qsort(f->files, f->n, sizeof *f->files, compare_files);
    return AKIN_OK;
}

/* The place of a track's file, f->n if it has none. */
static size_t folder_find(const source_folder *f, tracks_id id)
{
    size_t low = 0, high = f->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        char *stem;
        int order = tracks_id_compare(file_track(f->files[middle], &stem), id);
        mem_free(stem);
        if (order == 0) return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return f->n;
}

/* Reads the one vector of a file to `out` [dim]; dim 0: learns it. */
static akin_status file_vector(const char *path, size_t dim, float **out,
                               size_t *found_dim, akin_error *err)
{
    npy_vectors npy = {0};
    AKIN_TRY(npy_read_vectors(path, SOURCE_MAX_VALUES, &npy, err));
    if (npy.n == 1 && (dim == 0 || npy.dim == dim)) {
        *out = npy.data;
        *found_dim = npy.dim;
        return AKIN_OK;
    }
    akin_status status =
        npy.n != 1
            ? AKIN_FAIL(err, AKIN_EUSAGE,
                        "'%s' holds %zu vectors; a file of a folder holds its "
                        "track's one",
                        path, npy.n)
            : AKIN_FAIL(err, AKIN_EUSAGE,
                        "'%s' has dimension %zu, the others have %zu", path,
                        npy.dim, dim);
    mem_free(npy.data);
    return status;
}

/* ---- one folder, or several whose vectors are put one behind the other ----------- */

typedef struct source_parts {
    source_folder folders[VECTOR_MAX_PARTS];
    size_t n, part_dim;
    const akin_vectors_options *opt;
} source_parts;

static akin_status parts_put(const source_parts *parts, vectors_source *s,
                             size_t i, const size_t *at, akin_error *err)
{
    for (size_t p = 0; p < parts->n; p++) {
        float *vector = NULL;
        size_t dim = 0;
        AKIN_TRY(file_vector(parts->folders[p].files[at[p]], parts->part_dim,
                             &vector, &dim, err));
        memcpy(s->vectors + i * s->dim + p * parts->part_dim, vector,
               parts->part_dim * sizeof *vector);
        mem_free(vector);
    }
    return AKIN_OK;
}

/* Tracks that each folder has. */
static akin_status parts_fill(const source_parts *parts, vectors_source *s,
                              akin_error *err)
{
    const source_folder *first = &parts->folders[0];
    size_t n = 0, n_lacking = 0;
    char *lacking = NULL;
    akin_status status = AKIN_OK;
    for (size_t i = 0; i < first->n && status == AKIN_OK; i++) {
        size_t at[VECTOR_MAX_PARTS] = {i};
        char *stem;
        bool whole = true;
        tracks_id id = file_track(first->files[i], &stem);
        for (size_t p = 1; p < parts->n; p++) {
            at[p] = folder_find(&parts->folders[p], id);
            whole = whole && at[p] < parts->folders[p].n;
        }
        if (!whole) {
            if (n_lacking++ == 0) lacking = mem_strdup(stem);
        } else {
            status = source_name(s, n, stem ? stem : "", err);
            if (status == AKIN_OK) status = parts_put(parts, s, n++, at, err);
        }
        mem_free(stem);
        if (status == AKIN_OK && i % 256 == 0)
            status = vectors_tell(parts->opt, "read",
                                  (double)i / (double)first->n, err);
    }
    s->n = status == AKIN_OK ? n : s->n;
    if (n_lacking > 0)
        vectors_warn(parts->opt,
                     "%zu tracks (the first is '%s') are not in every folder "
                     "and are left out",
                     n_lacking, lacking ? lacking : "");
    mem_free(lacking);
    return status;
}

static akin_status parts_alloc(source_parts *parts, vectors_source *s,
                               akin_error *err)
{
    size_t values;
    float *vector = NULL;
    void *p;
    AKIN_TRY(file_vector(parts->folders[0].files[0], 0, &vector,
                         &parts->part_dim, err));
    mem_free(vector);
    s->n = parts->folders[0].n;
    s->dim = parts->part_dim * parts->n;
    if (!mem_mul(s->n, s->dim, &values) || values > SOURCE_MAX_VALUES)
        return AKIN_FAIL(err, AKIN_ELIMIT, "%zu vectors of dimension %zu are "
                         "too many", s->n, s->dim);
    AKIN_TRY(mem_new_array(values, sizeof(float), "the vectors", &p, err));
    s->vectors = p;
    return source_alloc_ids(s, true, err);
}

static akin_status source_from_folders(const char *const *paths, size_t n,
                                       const akin_vectors_options *opt,
                                       vectors_source *s, akin_error *err)
{
    source_parts parts = {.n = n, .opt = opt};
    akin_status status = AKIN_OK;
    for (size_t i = 0; i < n && status == AKIN_OK; i++)
        status = folder_read(&parts.folders[i], paths[i], err);
    if (status == AKIN_OK) status = parts_alloc(&parts, s, err);
    if (status == AKIN_OK) status = parts_fill(&parts, s, err);
    for (size_t i = 0; i < n; i++) folder_clear(&parts.folders[i]);
    return status;
}

/* ---- one file ------------------------------------------------------------------------ */

static akin_status source_from_file(const char *path, vectors_source *s,
                                    akin_error *err)
{
    npy_vectors npy = {0};
    AKIN_TRY(npy_read_vectors(path, SOURCE_MAX_VALUES, &npy, err));
    *s = (vectors_source){.vectors = npy.data, .n = npy.n, .dim = npy.dim};
    return AKIN_OK;
}

/* The column that names tracks. */
static const char *csv_track(const csv_reader *csv)
{
    const char *name = csv_get(csv, "track_id");
    return name ? name : csv->n_header == 1 ? csv->fields[0] : NULL;
}

static akin_status csv_row(const csv_reader *csv, vectors_source *s,
                           size_t n_read, akin_error *err)
{
    int64_t row = (int64_t)n_read;
    const char *track = csv_track(csv), *vector = csv_get(csv, "vector_id");
    if (!track)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s' has no column track_id, and more than one column",
                         csv->path);
    if (vector && !text_to_int64(vector, &row))
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s', line %zu: vector_id '%s' is no whole number",
                         csv->path, csv->line, vector);
    if (row < 0 || (size_t)row >= s->n)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s', line %zu: there are %zu vectors, this row is "
                         "for number %lld",
                         csv->path, csv->line, s->n, (long long)row);
    if (s->names[row])
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "'%s', line %zu: vector %lld has a track already",
                         csv->path, csv->line, (long long)row);
    return source_name(s, (size_t)row, track, err);
}

static akin_status source_ids_from_csv(const char *path, vectors_source *s,
                                       akin_error *err)
{
    csv_reader csv = {0};
    size_t n = 0;
    bool more = true;
    akin_status status = csv_open(&csv, path, err);
    while (status == AKIN_OK) {
        status = csv_next(&csv, &more, err);
        if (status != AKIN_OK || !more) break;
        status = csv_row(&csv, s, n++, err);
    }
    csv_close(&csv);
    if (status == AKIN_OK && n != s->n)
        status = AKIN_FAIL(err, AKIN_EUSAGE,
                           "'%s' has rows for %zu of %zu vectors", path, n, s->n);
    return status;
}

/* ---- the whole ------------------------------------------------------------------------- */

static akin_status source_check(const vectors_source *s, const char *path,
                                const vector_config *config, akin_error *err)
{
    size_t parts = config->n_parts ? config->n_parts : 1;
    size_t wanted = (size_t)config->part_dim * parts;
    if (s->n == 0)
        return AKIN_FAIL(err, AKIN_EUSAGE, "'%s' holds no vectors", path);
    if (wanted && s->dim != wanted)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the vectors of '%s' have dimension %zu, the config "
                         "says %zu",
                         path, s->dim, wanted);
    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < s->dim; j++)
            if (!isfinite(s->vectors[i * s->dim + j]))
                return AKIN_FAIL(err, AKIN_EUSAGE,
                                 "vector %zu of '%s'%s%s has a value that is "
                                 "not finite (number %zu of it)",
                                 i, path, s->names ? ", track " : "",
                                 s->names ? s->names[i] : "", j);
    return AKIN_OK;
}

static akin_status source_fill(const vector_config *config,
                               const akin_vectors_source *from,
                               const akin_vectors_options *opt,
                               vectors_source *s, const char **path,
                               akin_error *err)
{
    const char *given = from ? from->path : NULL;
    const char *const *folders = (const char *const *)config->parts;
    size_t n_folders = given ? 0 : config->n_parts;
    *path = given ? given : n_folders ? folders[0] : config->vector_file;
    if (!*path)
        return AKIN_FAIL(err, AKIN_EUSAGE,
                         "the config names no vectors: paths.vector_file or "
                         "paths.embeddings_folder is missing");
    if (n_folders > 0)
        return source_from_folders(folders, n_folders, opt, s, err);
    if (file_is_dir(*path)) return source_from_folders(path, 1, opt, s, err);
    AKIN_TRY(source_from_file(*path, s, err));
    return source_alloc_ids(s, from && from->tracks, err);
}

akin_status vectors_source_read(const vector_config *config,
                                const akin_vectors_source *from,
                                const akin_vectors_options *opt,
                                vectors_source *out, akin_error *err)
{
    const char *path;
    *out = (vectors_source){0};
    AKIN_TRY(vectors_tell(opt, "read", 0, err));
    akin_status status = source_fill(config, from, opt, out, &path, err);
    if (status == AKIN_OK && from && from->tracks) {
        if (!out->names || out->names[0])
            status = AKIN_FAIL(err, AKIN_EUSAGE,
                               "the files of a folder name their tracks; leave "
                               "'%s' out",
                               from->tracks);
        else
            status = source_ids_from_csv(from->tracks, out, err);
    }
    if (status == AKIN_OK) status = source_check(out, path, config, err);
    if (status != AKIN_OK) vectors_source_clear(out);
    return status;
}
