/* SPDX-License-Identifier: MIT
 * Metadata of items in a .jsonl or .csv: learnt once, so that every column has
 * one kind, then read row by row. */
#ifndef ENGINE_DATASET_METADATA_H
#define ENGINE_DATASET_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "store/item_store.h"

typedef struct metadata_column {
    char *name;
    item_kind kind;   /* of all its values; the importer may widen it */
    size_t n_values;  /* that are not null */
    bool is_view;     /* its values are files */
    const char *view; /* then: the view's name */
    size_t field;     /* of the store; the importer's */
    size_t n_files, n_looks; /* values that may be files; looked for so far */
    bool found;              /* one of them is there */
} metadata_column;

typedef struct metadata_file {
    const char *view, *file;
} metadata_file;

typedef struct metadata_row {
    size_t line;             /* from 1 */
    const char *id, *split;  /* NULL: not given */
    bool has_created;
    int64_t created_us;
    const metadata_file *files; /* [n_files], at least one */
    size_t n_files;
    const item_value *values; /* [n_columns], by their kinds */
} metadata_row;

typedef struct metadata {
    char *path;   /* of the file */
    bool csv;     /* else JSON lines */
    char *folder; /* that its files are relative to */
    char *beside; /* where they are if they are not there; may be NULL */
    const char *view; /* of files whose view nobody names */
    bool has_views;   /* rows have "views" */
    metadata_column *columns;
    size_t n_columns, cap_columns;
    size_t n_rows; /* records, bad ones included */
    struct metadata_scratch *scratch;
} metadata;

/* Goes through the file. m->path, csv, folder, beside, and view are set before;
 * the texts are the metadata's. tell (may be NULL) is asked now and then whether to
 * go on. */
akin_status metadata_learn(metadata *m, bool (*tell)(void *user), void *user,
                           akin_error *err) AKIN_NODISCARD;

typedef struct metadata_visitor {
    akin_status (*visit)(void *user, const metadata_row *row, akin_error *err);
    void (*problem)(void *user, size_t line, const char *text);
    void *user;
} metadata_visitor;

/* Calls visit for each row; texts are borrowed during the call. Rows that make no
 * sense are told to problem. */
akin_status metadata_each(metadata *m, const metadata_visitor *visitor,
                          akin_error *err) AKIN_NODISCARD;
void metadata_clear(metadata *m);

/* The narrowest kind that holds both. */
item_kind metadata_wider(item_kind a, item_kind b);

/* true for what an item's or view's id may be: 1 to 255 bytes of UTF-8 without
 * blanks. */
bool metadata_id_is_good(const char *id);

/* The same for the name of a view: a table's, and not "item". */
bool metadata_view_is_good(const char *name);

#endif
