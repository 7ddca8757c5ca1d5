/* SPDX-License-Identifier: MIT
 * What imported vectors are called: a recording and a window for each, told
 * apart where several have one name. */
#ifndef ENGINE_IMPORT_NAMES_H
#define ENGINE_IMPORT_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/csv_read.h"
#include "base/text.h"

/* Where in a recording; given is false if nobody says. */
typedef struct import_span {
    bool given;
    double start_s, end_s;
} import_span;

typedef struct import_name {
    size_t text_at;
    import_span span;
    bool there;            /* in the database, or earlier among these */
    struct import_name *first; /* of this name; it has the recording's id */
    int64_t recording_id;  /* 0: not known yet */
} import_name;

/* In the order of the vectors; all-zero but for init. */
typedef struct import_names {
    text_buf texts;
    import_name *items;
    size_t n, cap;
    import_name **sorted; /* [n], by name, start, end; made by sort */
} import_names;

void import_names_init(import_names *names);
void import_names_clear(import_names *names);

/* AKIN_ECORRUPT for a name that is empty or no UTF-8, or a span that is none;
 * `where` is the file that says so. */
akin_status import_names_add(import_names *names, const char *name,
                             import_span span, const char *where,
                             akin_error *err) AKIN_NODISCARD;

/* A name for each row of a CSV. */
akin_status import_names_read(import_names *names, const char *path,
                              akin_error *err) AKIN_NODISCARD;

/* Sorts. Vectors of one name without spans become its windows 0, 1, 2, ... ;
 * of those with one name and span the first stays, the others are `there`. */
akin_status import_names_sort(import_names *names, akin_error *err)
    AKIN_NODISCARD;

static inline const char *import_names_text(const import_names *names,
                                            const import_name *item)
{
    return names->texts.data + item->text_at;
}

/* The current record's name: column recording, file_path, track_id, name or
 * the only one; AKIN_ECORRUPT if there is none of them, or it is no UTF-8. */
akin_status import_csv_name(const csv_reader *csv, const char **name,
                            akin_error *err) AKIN_NODISCARD;

/* Its columns start and end, if there are any. */
akin_status import_csv_span(const csv_reader *csv, import_span *span,
                            akin_error *err) AKIN_NODISCARD;

#endif
