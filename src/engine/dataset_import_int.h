/* SPDX-License-Identifier: MIT
 * Private to dataset_import*.c: a run of akin_dataset_import. */
#ifndef ENGINE_DATASET_IMPORT_INT_H
#define ENGINE_DATASET_IMPORT_INT_H

#include "engine/dataset_int.h"
#include "engine/dataset_metadata.h"
#include "media/image.h"

enum { IMPORT_LOOKS = 1024 };

/* Metadata of one folder; its split is that folder's name. */
typedef struct import_metadata {
    metadata m;
    char *split; /* NULL: of the whole folder, the files' folders are splits */
} import_metadata;

/* What was seen of a file, since rows that share one follow each other. */
typedef struct import_look {
    char *url, *path;
    int64_t size_bytes, mtime_ns;
    bool has_head;
    image_head head;
} import_look;

/* A set of row numbers. */
typedef struct import_rows {
    uint64_t *bits;
    size_t cap;
} import_rows;

/* A view table, while its relation is found out. */
typedef struct import_view {
    char *name;
    import_rows items; /* that have a view in it */
    bool many;         /* some have several */
} import_view;

typedef struct dataset_import {
    const akin_dataset_import_options *opt;
    akin_dataset_import_report report;
    const char *view; /* of files whose view nobody names */
    char *folder;     /* absolute */
    char *own;        /* the dataset's folder, absolute: no media in it */
    import_metadata *metadata; /* [n_metadata] */
    size_t n_metadata, cap_metadata;
    char **files; /* [n_files] absolute, that no metadata speak of */
    size_t n_files, cap_files;

    akin_dataset *ds;
    dataset_schema schema;
    item_store *s; /* the writer */
    char *media;   /* absolute */
    item_value *values; /* [n fields] */
    import_rows seen_items, seen_views;
    import_look looks[IMPORT_LOOKS];
    import_view *views; /* [n_views] */
    size_t n_views, cap_views;
    size_t n_uncommitted; /* items */
    akin_dataset_import_report committed;

    const char *phase;
    size_t n_done, n_total; /* rows and files */
    double start_s, began_s, told_s;
    bool stopped;
} dataset_import;

/* One item as it should be. */
typedef struct import_item {
    const char *path;  /* of its metadata, with a line; or of its file, without */
    size_t line;
    const char *id, *split; /* NULL: not given */
    const char *new_split;  /* of one that is new and is not given any; NULL:
                               that of its first file's folder */
    bool has_created;
    int64_t created_us;
    const metadata *m;      /* whose columns the values are; or NULL */
    const metadata_row *row;
    const metadata_file *files; /* [n_files] */
    size_t n_files;
} import_item;

/* ---- dataset_import.c ------------------------------------------------------ */

/* Tells a problem and counts it; line 0: none. */
void import_problem(dataset_import *x, const char *path, size_t line,
                    const char *text);
bool import_tell(void *x); /* progress; false: stop */

bool import_rows_has(const import_rows *rows, int64_t row);
akin_status import_rows_add(import_rows *rows, int64_t row, akin_error *err)
    AKIN_NODISCARD;

/* ---- dataset_import_files.c ------------------------------------------------ */

/* Finds metadata and files, and learns the metadata. */
akin_status import_find(dataset_import *x, akin_error *err) AKIN_NODISCARD;

/* The split of a url: the first folder on the way to it from the folder that is
 * imported, owned; "default" if there is none. */
char *import_split(const dataset_import *x, const char *url);

/* ---- dataset_import_item.c -------------------------------------------------- */

/* Adds an item or brings it up to date. */
akin_status import_put(dataset_import *x, const import_item *item,
                       akin_error *err) AKIN_NODISCARD;
void import_forget_looks(dataset_import *x);

#endif
