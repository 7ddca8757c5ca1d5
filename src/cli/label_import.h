/* SPDX-License-Identifier: MIT
 * Labels from a CSV: which windows a row means, and labelling them. */
#ifndef CLI_LABEL_IMPORT_H
#define CLI_LABEL_IMPORT_H

#include "akin/akin.h"
#include "base/error.h"

typedef struct label_import_report {
    size_t n_added, n_unchanged; /* labels */
    size_t n_failed;             /* rows that fit no window; named on stderr */
} label_import_report;

/* Reads the whole file before it writes the first label. `by` is for rows
 * that do not say. */
akin_status label_import(akin_db *db, const char *path, const char *by,
                         label_import_report *report, akin_error *err)
    AKIN_NODISCARD;

#endif
