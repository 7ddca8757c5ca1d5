/* SPDX-License-Identifier: MIT
 * Arrow IPC: tables of columns, out of and into files (".arrow", "ARROW1") and
 * streams, as LanceDB, pandas, polars and DuckDB exchange them.
 *
 * A table has a schema, which is a tree of fields, and any number of batches of
 * rows. The types here are numbers, texts, times, structs and lists; a column
 * of another type can be stepped over. Bodies are never compressed. */
#ifndef INTEROP_ARROW_H
#define INTEROP_ARROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef enum arrow_type {
    ARROW_BOOL,
    ARROW_INT8, ARROW_INT16, ARROW_INT32, ARROW_INT64,
    ARROW_UINT8, ARROW_UINT16, ARROW_UINT32, ARROW_UINT64,
    ARROW_FLOAT16, ARROW_FLOAT32, ARROW_FLOAT64,
    ARROW_TIMESTAMP, /* int64 since 1970 in `unit` */
    ARROW_UTF8,      /* when read: large_utf8 and dictionary-encoded, too */
    ARROW_STRUCT,    /* any number of children */
    ARROW_LIST,      /* one child; when read: large_list, too */
    ARROW_FIXED_SIZE_LIST, /* one child, `size` of its items a row */
    ARROW_OTHER,           /* read only: its rows cannot be looked at */
} arrow_type;

typedef enum arrow_unit { ARROW_S, ARROW_MS, ARROW_US, ARROW_NS } arrow_unit;

typedef struct arrow_field {
    const char *name; /* the child of a list is called "item" */
    arrow_type type;
    bool nullable;
    arrow_unit unit;  /* of a timestamp */
    const char *zone; /* of a timestamp that was read; NULL: none */
    size_t size;      /* of a fixed_size_list */
    const struct arrow_field *children;
    size_t n_children;
    const char *type_name; /* as the file has it, such as "date"; set by the
                              reader, not looked at by the writer */
} arrow_field;

typedef struct arrow_pair {
    const char *key, *value;
} arrow_pair;

typedef struct arrow_schema {
    const arrow_field *fields;
    size_t n_fields;
    const arrow_pair *metadata;
    size_t n_metadata;
} arrow_schema;

/* The first column of that name; false if there is none. */
bool arrow_schema_find(const arrow_schema *schema, const char *name,
                       size_t *out);
/* The first value of that key; NULL if there is none. */
const char *arrow_schema_value(const arrow_schema *schema, const char *key);

/* ---- writing ---- */

typedef enum arrow_format { ARROW_FILE, ARROW_STREAM } arrow_format;

/* n rows of one field; only what its type asks for is looked at:
 *   bool                    values: bool [n]
 *   int*, uint*, timestamp  values: of that C type [n]; int64_t for timestamps
 *   float16                 values: uint16_t [n], the bits; else float, double
 *   utf8                    values: const char *const [n]; NULL is a null
 *   struct                  children: one a field, n rows each
 *   list                    offsets: [n + 1] from 0 on, ascending; row i is
 *                           the items offsets[i] to offsets[i + 1] of
 *                           children[0], which has offsets[n] rows
 *   fixed_size_list         children[0] has n * size rows */
typedef struct arrow_column {
    const void *values;
    const bool *valid; /* [n], false is a null; NULL: no nulls but of utf8 */
    const int64_t *offsets;
    const struct arrow_column *children;
} arrow_column;

/* path is the old file or the new one, never a part. The schema must outlive
 * the writer. commit and discard both end the writer; discard accepts NULL.
 * After a failed put, only discard is left.
 *
 * AKIN_EUSAGE: a type that is not written, text that is not UTF-8, a null where
 * the field has none; AKIN_ELIMIT: more than 2^31 bytes of text or items of
 * lists in a batch; AKIN_EIO. */
typedef struct arrow_writer arrow_writer;
akin_status arrow_writer_open(const char *path, const arrow_schema *schema,
                              arrow_format format, arrow_writer **out,
                              akin_error *err) AKIN_NODISCARD;
/* One batch: n rows of each of the schema's fields. */
akin_status arrow_writer_put(arrow_writer *writer, const arrow_column *columns,
                             size_t n, akin_error *err) AKIN_NODISCARD;
akin_status arrow_writer_commit(arrow_writer *writer, akin_error *err)
    AKIN_NODISCARD;
void arrow_writer_discard(arrow_writer *writer);

/* ---- reading ---- */

/* Whether the first bytes of a file are those of an Arrow file, or of a stream
 * since format version 5 (those before it have no mark); false if there is no
 * such file. */
bool arrow_is(const char *path);

/* Maps a file or stream, which its first bytes tell apart, and checks schema,
 * dictionaries and the heads of its batches. Everything got from a reader is
 * borrowed and lives as long as it does; batches must be freed before it.
 *
 * AKIN_ENOTFOUND, AKIN_EIO, AKIN_ECORRUPT; AKIN_EVERSION: before format version
 * 4; AKIN_EUNSUPPORTED: compressed or big-endian, or the older Feather format;
 * AKIN_ELIMIT. */
typedef struct arrow_reader arrow_reader;
akin_status arrow_reader_open(const char *path, arrow_reader **out,
                              akin_error *err) AKIN_NODISCARD;
void arrow_reader_close(arrow_reader *reader);
const arrow_schema *arrow_reader_schema(const arrow_reader *reader);
size_t arrow_reader_batches(const arrow_reader *reader);
size_t arrow_reader_rows(const arrow_reader *reader); /* of all batches */

/* Checks every offset and index in the i-th batch, so that the calls below
 * cannot look past the file whatever it holds. AKIN_ECORRUPT. Batches of one
 * reader may be opened and read by several threads. */
typedef struct arrow_batch arrow_batch;
akin_status arrow_batch_open(const arrow_reader *reader, size_t i,
                             arrow_batch **out, akin_error *err)
    AKIN_NODISCARD;
void arrow_batch_close(arrow_batch *batch);
size_t arrow_batch_rows(const arrow_batch *batch);

/* A column of a batch, or a child of one. The child of a list has its own rows,
 * which arrow_view_items finds; under a null, a row is as the file has it. */
typedef struct arrow_view arrow_view;
const arrow_view *arrow_batch_column(const arrow_batch *batch, size_t i);
const arrow_view *arrow_view_child(const arrow_view *view, size_t i);
const arrow_field *arrow_view_field(const arrow_view *view);
size_t arrow_view_rows(const arrow_view *view); /* 0 of ARROW_OTHER */

/* Of row < arrow_view_rows; a wrong type is a mistake of the caller. */
bool arrow_view_is_null(const arrow_view *view, size_t row);
/* Booleans, integers and timestamps; uint64 beyond INT64_MAX wraps. */
int64_t arrow_view_int(const arrow_view *view, size_t row);
double arrow_view_number(const arrow_view *view, size_t row); /* any of them */

/* A text without a NUL behind it, which nobody has checked to be UTF-8; "" of a
 * null. */
typedef struct arrow_text {
    const char *data;
    size_t n;
} arrow_text;
arrow_text arrow_view_text(const arrow_view *view, size_t row);

/* The rows of the child that belong to a row of a list of either kind. */
typedef struct arrow_range {
    size_t first, n;
} arrow_range;
arrow_range arrow_view_items(const arrow_view *view, size_t row);
/* A list of numbers into out [arrow_view_items(view, row).n]; NaN for nulls
 * among them. */
void arrow_view_floats(const arrow_view *view, size_t row, float *out);

#endif
