/* SPDX-License-Identifier: MIT
 * Private to arrow_read.c, arrow_batch.c and arrow_view.c: what an open file is
 * made of. The rules of the bytes are in arrow_flat.h. */
#ifndef INTEROP_ARROW_INT_H
#define INTEROP_ARROW_INT_H

#include <string.h>

#include "base/file.h"
#include "interop/arrow.h"
#include "interop/arrow_flat.h"

/* What a field's columns are made of, which only readers have to know. */
typedef struct arrow_layout {
    size_t n_buffers; /* of the column without its children */
    bool views;       /* and as many more as the batch says */
    bool wide;        /* offsets have 8 bytes, not 4 */
    bool dictionary;  /* rows are numbers of type `index` */
    arrow_type index;
    int64_t dictionary_id;
} arrow_layout;

struct arrow_view {
    const arrow_field *field;
    const arrow_reader *reader;
    size_t n;
    const unsigned char *valid;   /* bitmap; NULL: no nulls */
    const unsigned char *values;  /* numbers, bits, texts or indexes */
    const unsigned char *offsets; /* NULL: no rows */
    bool wide;
    bool is_dictionary;
    arrow_type index;
    size_t words;         /* the first of its dictionaries */
    arrow_view *children; /* [field->n_children] */
};

/* Words for texts. More of them may come later in the file. */
typedef struct arrow_dictionary {
    int64_t id;
    size_t n_batches; /* that were before it */
    bool more;        /* than those of the same id before it */
    size_t next;      /* that has more; 0: none */
    arrow_view view;
} arrow_dictionary;

typedef struct arrow_batch_head {
    size_t at, n_rows;
} arrow_batch_head;

struct arrow_reader {
    file_map map;
    char *path;
    int version;
    size_t schema_at;
    arrow_schema schema;
    arrow_field *fields;   /* all, those of a parent in a row */
    arrow_layout *layouts; /* of each of these */
    size_t n_fields;
    arrow_pair *pairs;
    arrow_batch_head *batches;
    size_t n_batches, cap_batches, n_rows;
    arrow_dictionary *dictionaries;
    size_t n_dictionaries, cap_dictionaries;
};

/* Where a message lies; stays where it is, since tables point into it. */
typedef struct arrow_message {
    size_t at, end; /* with its body */
    int kind;       /* 0: the end of the stream */
    arrow_flat flat;
    arrow_table head;
    const unsigned char *body;
    size_t n_body;
} arrow_message;

#define BAD(r, at, ...)                                                        \
    ((void)error_prefix(err, AKIN_FAIL(err, AKIN_ECORRUPT, __VA_ARGS__),       \
                        "'%s' at byte %zu", (r)->path, (size_t)(at)),          \
     AKIN_ECORRUPT)

akin_status arrow_read_message(const arrow_reader *r, size_t at,
                               arrow_message *m, akin_error *err)
    AKIN_NODISCARD;
/* Note a message of that kind with the reader. */
akin_status arrow_add_batch(arrow_reader *r, arrow_message *m, akin_error *err)
    AKIN_NODISCARD;
akin_status arrow_add_dictionary(arrow_reader *r, arrow_message *m,
                                 akin_error *err) AKIN_NODISCARD;

/* The row of the dictionary that a row of a view stands for, which may be
 * beyond it as long as nobody has compared; a negative one always is. */
uint64_t arrow_index_at(const arrow_view *v, size_t row);

static inline bool arrow_bit(const unsigned char *bits, size_t i)
{
    return bits[i / 8] >> i % 8 & 1;
}

static inline size_t arrow_number_bytes(arrow_type type)
{
    switch (type) {
    case ARROW_INT8: case ARROW_UINT8: return 1;
    case ARROW_INT16: case ARROW_UINT16: case ARROW_FLOAT16: return 2;
    case ARROW_INT32: case ARROW_UINT32: case ARROW_FLOAT32: return 4;
    default: return 8;
    }
}

/* Of a text or list: where row i begins, and row i - 1 ends. */
static inline int64_t arrow_offset_at(const arrow_view *v, size_t i)
{
    int32_t narrow;
    int64_t wide;
    if (v->wide) {
        memcpy(&wide, v->offsets + 8 * i, sizeof wide);
        return wide;
    }
    memcpy(&narrow, v->offsets + 4 * i, sizeof narrow);
    return narrow;
}

#endif
