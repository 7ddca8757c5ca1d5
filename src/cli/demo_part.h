/* SPDX-License-Identifier: MIT
 * A part of the demo: files, the database they go into, and questions to it. */
#ifndef CLI_DEMO_PART_H
#define CLI_DEMO_PART_H

#include "akin/akin.h"
#include "base/json.h"
#include "cli/demo_files.h"
#include "cli/progress.h"

/* How it is shown. */
typedef struct demo_look {
    bool json, quiet;
    progress bar;
} demo_look;

/* Fill in the upper half; end with demo_part_clear. */
typedef struct demo_part {
    const char *db_path;
    const char *root;  /* the folder that names are relative to, absolute */
    const char *model; /* NULL: the default */
    demo_files files;
    demo_look look;

    akin_db *db;
    json_t *answers;
} demo_part;

/* Embeds the files that are not in the database yet, and leaves it open. An
 * outdated database, whose vectors cannot be compared with today's, makes room
 * for a new one. Ctrl-C stops it. */
akin_status demo_part_extract(demo_part *part, akin_extract_report *report,
                              akin_error *err) AKIN_NODISCARD;

/* Searches and shows the best answers with their captions, under the title:
 * printed, or added to answers. The query's own file is not among them. */
akin_status demo_part_ask(demo_part *part, const akin_query *query,
                          const char *title, akin_error *err) AKIN_NODISCARD;

/* The file NAME below the root if it is there; else the i-th among n that are
 * spread over the files. Owned; NULL when memory is out. */
char *demo_part_choose(const demo_part *part, const char *name, size_t i,
                       size_t n);

void demo_part_clear(demo_part *part);

#endif
