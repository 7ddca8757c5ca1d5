/* SPDX-License-Identifier: MIT
 * Private to arrow_*.c: FlatBuffers, as far as Arrow's messages need them, and
 * the numbers of Arrow's own tables.
 *
 *   buffer  u32 offset of the root table
 *   table   i32 back to its vtable, fields
 *   vtable  u16 bytes of itself, u16 bytes of the table, for each slot u16
 *           where its field is in the table, 0: not there: it is the default
 *   vector  u32 count, items; a text is one of bytes, and a NUL
 *
 * Tables, vectors and texts are pointed at by a u32 forward from where it
 * stands. All little-endian.
 *
 * A file around them is
 *
 *   file     "ARROW1\0\0", stream, Footer, i32 its bytes, "ARROW1"
 *   stream   messages, the first a Schema; then end: 0xffffffff, 0 (or just the
 *            end of the file)
 *   message  0xffffffff (not before format version 5), i32 bytes of the
 *            Message, Message, body
 *   body     buffers of columns, one behind the other, in the order of the
 *            fields and their children */
#ifndef INTEROP_ARROW_FLAT_H
#define INTEROP_ARROW_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define ARROW_MAGIC "ARROW1"
#define ARROW_CONTINUES 0xffffffffu

enum {
    ARROW_MAGIC_BYTES = 6,
    ARROW_START_BYTES = 8, /* the magic, padded */
    ARROW_V4 = 3,
    ARROW_V5 = 4,
    ARROW_NODE_BYTES = 16,   /* i64 rows, i64 nulls */
    ARROW_BUFFER_BYTES = 16, /* i64 offset in the body, i64 bytes */
    ARROW_BLOCK_BYTES = 24,  /* i64 offset, i32 head, 4 unused, i64 body */
};

/* Slots of the tables, and what is in their unions. */
enum { MESSAGE_VERSION, MESSAGE_KIND, MESSAGE_HEAD, MESSAGE_BODY_BYTES };
enum { KIND_SCHEMA = 1, KIND_DICTIONARY, KIND_BATCH };
enum { SCHEMA_ENDIAN, SCHEMA_FIELDS, SCHEMA_METADATA };
enum { PAIR_KEY, PAIR_VALUE };
enum {
    FIELD_NAME, FIELD_NULLABLE, FIELD_KIND, FIELD_TYPE, FIELD_DICTIONARY,
    FIELD_CHILDREN
};
enum { ENCODING_ID, ENCODING_INDEX };
enum {
    TYPE_NULL = 1, TYPE_INT, TYPE_FLOAT, TYPE_BINARY, TYPE_UTF8, TYPE_BOOL,
    TYPE_DECIMAL, TYPE_DATE, TYPE_TIME, TYPE_TIMESTAMP, TYPE_INTERVAL,
    TYPE_LIST, TYPE_STRUCT, TYPE_UNION, TYPE_FIXED_BINARY, TYPE_FIXED_LIST,
    TYPE_MAP, TYPE_DURATION, TYPE_LARGE_BINARY, TYPE_LARGE_UTF8,
    TYPE_LARGE_LIST, TYPE_RUN_END, TYPE_BINARY_VIEW, TYPE_UTF8_VIEW,
    TYPE_LIST_VIEW, TYPE_LARGE_LIST_VIEW, TYPE_END
};
enum { INT_BITS, INT_SIGNED };
enum { FLOAT_PRECISION };
enum { TIMESTAMP_UNIT, TIMESTAMP_ZONE };
enum { FIXED_LIST_SIZE };
enum { UNION_MODE };
enum { BATCH_ROWS, BATCH_NODES, BATCH_BUFFERS, BATCH_COMPRESSION,
       BATCH_VARIADIC };
enum { COMPRESSION_CODEC }; /* 0: lz4, 1: zstd */
enum { DICTIONARY_ID, DICTIONARY_BATCH, DICTIONARY_IS_DELTA };
enum { FOOTER_VERSION, FOOTER_SCHEMA, FOOTER_DICTIONARIES, FOOTER_BATCHES };

/* ---- reading ---- */

/* What lies outside the buffer reads as absent and sets `bad`, which stays:
 * one look at it after a row of reads is enough. */
typedef struct arrow_flat {
    const unsigned char *data;
    size_t n;
    bool bad;
} arrow_flat;

/* at = 0: an absent table, of which every field has its default. */
typedef struct arrow_table {
    arrow_flat *flat;
    size_t at, n, vtable, n_vtable;
} arrow_table;

/* All n items are within the buffer. */
typedef struct arrow_vector {
    arrow_flat *flat;
    size_t at, n, item_bytes;
} arrow_vector;

arrow_table arrow_flat_root(arrow_flat *flat);
arrow_table arrow_flat_table(const arrow_table *t, unsigned slot);
/* A signed number of 1, 2, 4 or 8 bytes. */
int64_t arrow_flat_int(const arrow_table *t, unsigned slot, size_t n_bytes,
                       int64_t absent);
/* Without a NUL inside and with one behind it; NULL: absent. */
const char *arrow_flat_text(const arrow_table *t, unsigned slot);
arrow_vector arrow_flat_vector(const arrow_table *t, unsigned slot,
                               size_t item_bytes);
const unsigned char *arrow_flat_item(const arrow_vector *v, size_t i);
arrow_table arrow_flat_item_table(const arrow_vector *v, size_t i);

/* A little-endian number from anywhere, with its sign. */
int64_t arrow_load(const unsigned char *p, size_t n_bytes);

/* ---- building ---- */

/* Parents come before their children, which are linked by writing the distance
 * into the place that the parent keeps for it; so a buffer grows only at its
 * end. Its status is that of the text_buf. */
/* The root's link is at 0. */
void arrow_flat_start(text_buf *buf, size_t max_bytes);

/* Where the fields of a table under construction are, by slot. */
typedef struct arrow_places {
    size_t at[8];
} arrow_places;

/* `sizes` has a digit for each slot: the bytes of its field, 4 for links, 0 to
 * leave it out. All fields are zero until set. */
arrow_places arrow_flat_put_table(text_buf *buf, size_t link,
                                  const char *sizes);
void arrow_flat_set(text_buf *buf, size_t at, size_t n_bytes, int64_t value);
void arrow_flat_put_text(text_buf *buf, size_t link, const char *text);
/* n items of zeros, aligned to 8 if they are no links; returns where. */
size_t arrow_flat_put_vector(text_buf *buf, size_t link, size_t n,
                             size_t item_bytes);

#endif
