/* SPDX-License-Identifier: MIT
 * Vectors out of files as others write them, one after the other. */
#ifndef ENGINE_IMPORT_SOURCE_H
#define ENGINE_IMPORT_SOURCE_H

#include "engine/import_names.h"
#include "index/vecs.h"
#include "interop/npy.h"

typedef struct import_vector {
    size_t row;          /* from 0 */
    const char *name;    /* the source's own, or the row's number */
    import_span span;
    const float *values; /* [dim], none of them NaN */
} import_vector;

typedef struct import_source {
    const char *path;
    const struct import_reader *reader; /* of this kind of source */
    size_t dim;          /* 0 until the first vector */
    size_t n_files, n_done; /* files of a folder; else 1 */
    const char *file;    /* being read */
    double fraction;     /* of what is to be read, 0 .. 1 */
    const char *model;   /* that made them, as the source says; NULL: nothing */
    npy_vectors npy;
    vecs *index;
    struct import_arrow *arrow;
    char **files;        /* of a folder, by name */
    size_t cap;
} import_source;

/* A .npy or .npz, a folder of NAME.npy, a CSV, an Arrow file or stream (by its
 * name or its first bytes), else a FAISS index; nothing but its kind is checked. Zeroed by it; close it always. */
akin_status import_source_open(import_source *s, const char *path,
                               akin_error *err) AKIN_NODISCARD;
void import_source_close(import_source *s);

/* Calls visit for every vector, again from the first at each call. All have
 * the dimension of the first; AKIN_ECORRUPT names the one that has another, or
 * has NaN. What visit returns ends it. */
typedef akin_status import_visit(void *user, const import_vector *v,
                                 akin_error *err);
akin_status import_source_each(import_source *s, import_visit *visit,
                               void *user, akin_error *err) AKIN_NODISCARD;

#endif
