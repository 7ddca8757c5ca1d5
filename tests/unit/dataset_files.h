/* SPDX-License-Identifier: MIT
 * Folders of small images and their metadata, imported into datasets, for the
 * tests of datasets. Paths are below test_dir(). */
#ifndef DATASET_FILES_H
#define DATASET_FILES_H

#include "akin/dataset.h"

/* A JPEG of one colour that depends on the seed; folders are made. */
void dataset_make_image(const char *name, unsigned width, unsigned height,
                        unsigned seed);

/* A file of this text; folders are made. */
void dataset_make_text(const char *name, const char *text);

/* Imports pics/ into ds/; the call must give `wanted`. Problems, as lines of
 * "SUBJECT: TEXT" with test_dir() cut off, are in dataset_problems(). */
akin_dataset_import_report dataset_import_pics(akin_dataset_import_options opt,
                                               akin_status wanted);
const char *dataset_problems(void);

/* Checks a report's figures: items, views, new items, new views, changed items,
 * failed, missing. */
#define CHECK_REPORT(report, ...)                                              \
    dataset_check_report(__LINE__, report, (const size_t[7]){__VA_ARGS__})
void dataset_check_report(int line, akin_dataset_import_report r,
                          const size_t wanted[7]);

/* ds/ opened; fails the test if it cannot be. */
akin_dataset *dataset_open_ds(bool write);

/* Rows of a table as text: a line each of the columns' values ("name,...", "*":
 * all but ids and times that are made up), or what went wrong; lives until the
 * next call. opt may be NULL. */
const char *dataset_dump(akin_dataset *ds, const char *table,
                         const char *columns,
                         const akin_dataset_get_options *opt);

/* A file below test_dir() as text; lives until the next call. */
const char *dataset_read_text(const char *name);

#endif
