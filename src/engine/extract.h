/* SPDX-License-Identifier: MIT
 * akin_extract with the files told one portion after the other, each by the name
 * that it has in the database: for datasets, whose views are known by url. */
#ifndef ENGINE_EXTRACT_H
#define ENGINE_EXTRACT_H

#include "engine/database.h"
#include "engine/inputs.h"

typedef struct extract_source {
    size_t n; /* files in all */
    /* Fills `in` (empty) with the next files, all of them named; none at the
     * end. */
    akin_status (*next)(void *user, inputs *in, akin_error *err);
    void *user;
} extract_source;

/* Reports tell files by their names. A file whose time differs from the one that
 * was embedded has changed, even if it is as large as before: who replaces a
 * picture by another of the same size expects it to be seen. */
akin_status extract_files(akin_db *db, const extract_source *source,
                          const akin_extract_options *opt,
                          akin_extract_report *report, akin_error *err)
    AKIN_NODISCARD;

#endif
