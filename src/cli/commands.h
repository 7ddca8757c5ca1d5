/* SPDX-License-Identifier: MIT
 * The commands, one file each, and what several of them share. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "akin/akin.h"
#include "akin/dataset.h"
#include "cli/options.h"

extern const command cmd_extract;
extern const command cmd_search;
extern const command cmd_info;
extern const command cmd_verify;
extern const command cmd_label;
extern const command cmd_export;
extern const command cmd_model;
extern const command cmd_create;
extern const command cmd_put;
extern const command cmd_remove;
extern const command cmd_import;
extern const command cmd_index;
extern const command cmd_dataset_import;
extern const command cmd_dataset_add_table;
extern const command cmd_dataset_drop_table;
extern const command cmd_dataset_compute;
extern const command cmd_dataset_list;
extern const command cmd_dataset_get;
extern const command cmd_dataset_remove;
extern const command cmd_dataset_tag;
extern const command cmd_dataset_duplicates;
extern const command cmd_serve;
extern const command cmd_demo;
extern const command cmd_bench;

/* Ends a table of options. */
#define OPTION_END {.name = NULL}

/* A misused command: the problem and where the help is, to stderr; its exit
 * code. */
int command_misused(const options *parsed, const char *fmt, ...)
    AKIN_PRINTF(2, 3);

/* Opens an existing database, telling warnings to stderr. */
akin_status command_open(const char *path, akin_mode mode, akin_db **out,
                         akin_error *err) AKIN_NODISCARD;

/* The same with options, whose `models` this fills in. */
akin_status command_open_with(const char *path, const akin_db_options *opt,
                              akin_device device, akin_db **out,
                              akin_error *err) AKIN_NODISCARD;

/* Opens a dataset, telling warnings to stderr; opt, whose `models` this fills in,
 * may be NULL. */
akin_status command_open_dataset(const char *path,
                                 const akin_dataset_options *opt,
                                 akin_device device, akin_dataset **out,
                                 akin_error *err) AKIN_NODISCARD;

/* The values of --format, with a NULL behind them. */
enum { FORMAT_TABLE, FORMAT_JSON, FORMAT_CSV };
extern const char *const command_formats[];

/* The values of --device, in the order of akin_device; ends with NULL. */
extern const char *const command_devices[];

/* Texts of `akin help TOPIC`; the last has no name. */
typedef struct help_topic {
    const char *name, *summary, *text;
} help_topic;
extern const help_topic help_topics[];

#endif
