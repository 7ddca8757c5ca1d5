/* SPDX-License-Identifier: MIT
 * Reading vectors for an import. A folder or a CSV is read as it is walked
 * through; the files that are one array are kept in memory. */
#include "engine/import_source.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "engine/import_arrow.h"
#include "index/vecs_each.h"
#include "interop/arrow.h"
#include "interop/faiss.h"

#define SOURCE_MAX_VALUES ((size_t)1 << 38) /* a terabyte of float32 */
#define SOURCE_MAX_FILES ((size_t)1 << 28)
#define SOURCE_MAX_DIM ((size_t)1 << 20)
#define SOURCE_NUMBER_BYTES 64

/* One walk through a source. */
typedef struct walk {
    import_source *source;
    import_visit *visit;
    void *user;
    size_t row;
} walk;

typedef struct import_reader {
    akin_status (*open)(import_source *s, akin_error *err); /* NULL: nothing */
    akin_status (*each)(walk *w, akin_error *err);
} import_reader;

/* ---- one vector ---------------------------------------------------------------- */

/* v: all but its row. */
static akin_status walk_give(walk *w, import_vector v, size_t dim,
                             akin_error *err)
{
    import_source *s = w->source;
    v.row = w->row++;
    if (s->dim == 0) s->dim = dim;
    if (dim != s->dim)
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "'%s': vector %zu ('%s') has dimension %zu, those "
                         "before have %zu",
                         s->file, v.row, v.name, dim, s->dim);
    for (size_t i = 0; i < dim; i++)
        if (isnan(v.values[i]))
            return AKIN_FAIL(err, AKIN_ECORRUPT,
                             "'%s': value %zu of vector %zu ('%s') is NaN",
                             s->file, i, v.row, v.name);
    return w->visit(w->user, &v, err);
}

/* ---- arrays ---------------------------------------------------------------------- */

static akin_status array_open(import_source *s, akin_error *err)
{
    return npy_read_vectors(s->path, SOURCE_MAX_VALUES, &s->npy, err);
}

static akin_status array_each(walk *w, akin_error *err)
{
    const npy_vectors *npy = &w->source->npy;
    for (size_t i = 0; i < npy->n; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i);
        w->source->fraction = (double)i / (double)npy->n;
        AKIN_TRY(walk_give(w, (import_vector){.name = number,
                                              .values = npy->data +
                                                        i * npy->dim},
                           npy->dim, err));
    }
    return AKIN_OK;
}

/* ---- FAISS ------------------------------------------------------------------------- */

static akin_status faiss_open(import_source *s, akin_error *err)
{
    return faiss_load(s->path, &s->index, err);
}

static akin_status faiss_visit(void *user, int64_t id, const float *vector,
                               akin_error *err)
{
    walk *w = user;
    const vecs *index = w->source->index;
    char number[24];
    snprintf(number, sizeof number, "%lld", (long long)id);
    w->source->fraction = (double)w->row / (double)vecs_size(index);
    return walk_give(w, (import_vector){.name = number, .values = vector},
                     vecs_dim(index), err);
}

static akin_status faiss_each(walk *w, akin_error *err)
{
    return vecs_each(w->source->index, faiss_visit, w, err);
}

/* ---- Arrow -------------------------------------------------------------------------- */

static akin_status arrow_open(import_source *s, akin_error *err)
{
    AKIN_TRY(import_arrow_open(s->path, &s->arrow, err));
    s->model = import_arrow_model(s->arrow);
    return AKIN_OK;
}

static akin_status arrow_visit(void *user, const import_vector *v, size_t dim,
                               akin_error *err)
{
    walk *w = user;
    import_source *s = w->source;
    s->fraction = (double)v->row / (double)import_arrow_rows(s->arrow);
    return walk_give(w, *v, dim, err);
}

static akin_status arrow_each(walk *w, akin_error *err)
{
    return import_arrow_each(w->source->arrow, arrow_visit, w, err);
}

/* ---- folders of NAME.npy ------------------------------------------------------------- */

/* "FOLDER/a/b.npy" of FOLDER is "a/b"; owned. */
static char *folder_name(const import_source *s, const char *path)
{
    size_t n = strlen(s->path);
    const char *name = strncmp(path, s->path, n) == 0 ? path + n : path;
    while (*name == '/') name++;
    return text_format("%.*s", (int)(strlen(name) - strlen(".npy")), name);
}

/* A folder that cannot be read in part is not imported in part. */
typedef struct folder_walk {
    import_source *source;
    akin_error problem;
} folder_walk;

static akin_status folder_visit(void *user, const char *path, akin_error *err)
{
    import_source *s = ((folder_walk *)user)->source;
    if (!text_ends_with(path, ".npy", true)) return AKIN_OK;
    void *p = s->files;
    akin_status status = mem_grow(&p, &s->cap, s->n_files + 1,
                                  sizeof *s->files, SOURCE_MAX_FILES, err);
    s->files = p;
    AKIN_TRY(status);
    s->files[s->n_files] = mem_strdup(path);
    if (!s->files[s->n_files])
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the files");
    s->n_files++;
    return AKIN_OK;
}

static void folder_unreadable(void *user, const char *path, const char *reason)
{
    folder_walk *f = user;
    (void)error_set(&f->problem, AKIN_EIO, "cannot read '%s': %s", path,
                    reason);
}

/* By name, which is the path without its ending: "a" before "a-1". */
static int compare_files(const void *a_, const void *b_)
{
    const char *a = *(char *const *)a_, *b = *(char *const *)b_;
    size_t n = strlen(a) - strlen(".npy"), m = strlen(b) - strlen(".npy");
    int order = memcmp(a, b, n < m ? n : m);
    return order ? order : (n > m) - (n < m);
}

static akin_status folder_open(import_source *s, akin_error *err)
{
    folder_walk f = {.source = s};
    file_visitor visitor = {folder_visit, folder_unreadable, &f};
    s->n_files = 0;
    AKIN_TRY(file_walk(s->path, &visitor, err));
    if (f.problem.code != AKIN_OK)
        return AKIN_FAIL(err, f.problem.code, "%s", f.problem.text);
    if (s->n_files == 0)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "there is no .npy file in the folder '%s'", s->path);
    qsort(s->files, s->n_files, sizeof *s->files, compare_files);
    return AKIN_OK;
}

static akin_status folder_file(walk *w, const char *path, akin_error *err)
{
    npy_vectors npy = {0};
    akin_status status = AKIN_OK;
    char *name = folder_name(w->source, path);
    if (!name) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a name");
    AKIN_TRYG(npy_read_vectors(path, SOURCE_MAX_VALUES, &npy, err));
    for (size_t i = 0; i < npy.n && status == AKIN_OK; i++)
        status = walk_give(w, (import_vector){.name = name,
                                              .values = npy.data +
                                                        i * npy.dim},
                           npy.dim, err);
done:
    mem_free(npy.data);
    mem_free(name);
    return status;
}

static akin_status folder_each(walk *w, akin_error *err)
{
    import_source *s = w->source;
    for (s->n_done = 0; s->n_done < s->n_files; s->n_done++) {
        s->file = s->files[s->n_done];
        s->fraction = (double)s->n_done / (double)s->n_files;
        AKIN_TRY(folder_file(w, s->file, err));
    }
    return AKIN_OK;
}

/* ---- CSV ----------------------------------------------------------------------------- */

static size_t csv_count_values(const char *text)
{
    size_t n = 1;
    for (; *text; text++) n += *text == ',';
    return n;
}

/* "v,v,..." into out [csv_count_values]. */
static akin_status csv_values(const csv_reader *csv, const char *text,
                              float *out, akin_error *err)
{
    for (size_t i = 0;; i++) {
        size_t n = strcspn(text, ",");
        char number[SOURCE_NUMBER_BYTES];
        double value;
        bool fits = n < sizeof number; /* else some of it, for the message */
        snprintf(number, sizeof number, "%.*s", (int)(fits ? n : 20), text);
        if (!fits || !text_to_double(number, &value))
            return AKIN_FAIL(err, AKIN_ECORRUPT,
                             "'%s', line %zu: value %zu of the vector, '%s', "
                             "is no number",
                             csv->path, csv->line, i,
                             text_is_utf8(number, strlen(number)) ? number
                                                                  : "?");
        out[i] = (float)value;
        if (!text[n]) return AKIN_OK;
        text += n + 1;
    }
}

typedef struct csv_walk {
    walk *walk;
    csv_reader csv;
    float *values;
    size_t n_values; /* room */
} csv_walk;

static akin_status csv_row(csv_walk *c, akin_error *err)
{
    import_vector v = {.name = NULL};
    const char *text = csv_get(&c->csv, "embedding");
    if (!text)
        return AKIN_FAIL(err, AKIN_ECORRUPT,
                         "'%s' has no column embedding (needed are "
                         "file_path,start,end,embedding)",
                         c->csv.path);
    AKIN_TRY(import_csv_name(&c->csv, &v.name, err));
    AKIN_TRY(import_csv_span(&c->csv, &v.span, err));
    size_t dim = csv_count_values(text);
    void *p = c->values;
    akin_status status = mem_grow(&p, &c->n_values, dim, sizeof *c->values,
                                  SOURCE_MAX_DIM, err);
    c->values = p;
    AKIN_TRY(status);
    AKIN_TRY(csv_values(&c->csv, text, c->values, err));
    v.values = c->values;
    c->walk->source->fraction = (double)c->csv.at / (double)c->csv.n;
    return walk_give(c->walk, v, dim, err);
}

static akin_status csv_each(walk *w, akin_error *err)
{
    csv_walk c = {.walk = w};
    bool more = true;
    akin_status status = csv_open(&c.csv, w->source->path, err);
    while (status == AKIN_OK) {
        AKIN_TRYG(csv_next(&c.csv, &more, err));
        if (!more) break;
        AKIN_TRYG(csv_row(&c, err));
    }
done:
    mem_free(c.values);
    csv_close(&c.csv);
    return status;
}

/* ---- the whole ------------------------------------------------------------------------- */

static const import_reader array_reader = {array_open, array_each};
static const import_reader folder_reader = {folder_open, folder_each};
static const import_reader csv_rows_reader = {NULL, csv_each};
static const import_reader faiss_reader = {faiss_open, faiss_each};
static const import_reader arrow_rows_reader = {arrow_open, arrow_each};

static const import_reader *reader_of(const char *path)
{
    if (file_is_dir(path)) return &folder_reader;
    if (text_ends_with(path, ".npy", true)) return &array_reader;
    if (text_ends_with(path, ".npz", true)) return &array_reader;
    if (text_ends_with(path, ".csv", true)) return &csv_rows_reader;
    if (text_ends_with(path, ".arrow", true)) return &arrow_rows_reader;
    if (text_ends_with(path, ".arrows", true)) return &arrow_rows_reader;
    return arrow_is(path) ? &arrow_rows_reader : &faiss_reader;
}

akin_status import_source_open(import_source *s, const char *path,
                               akin_error *err)
{
    *s = (import_source){.path = path, .file = path, .n_files = 1};
    if (!file_exists(path))
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no '%s'", path);
    s->reader = reader_of(path);
    return s->reader->open ? s->reader->open(s, err) : AKIN_OK;
}

void import_source_close(import_source *s)
{
    for (size_t i = 0; s->files && i < s->n_files; i++) mem_free(s->files[i]);
    mem_free(s->files);
    mem_free(s->npy.data);
    vecs_free(s->index);
    import_arrow_close(s->arrow);
    *s = (import_source){0};
}

akin_status import_source_each(import_source *s, import_visit *visit,
                               void *user, akin_error *err)
{
    walk w = {.source = s, .visit = visit, .user = user};
    s->fraction = 0;
    s->n_done = 0;
    AKIN_TRY(s->reader->each(&w, err));
    s->fraction = 1;
    s->n_done = s->n_files;
    return AKIN_OK;
}
