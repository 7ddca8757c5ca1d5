/* SPDX-License-Identifier: MIT
 * Command-line options: a table per command, from which come its parsing, its
 * usage line and its help. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/json.h"

typedef enum option_type {
    OPTION_FLAG,     /* bool */
    OPTION_TEXT,     /* const char * */
    OPTION_INTEGER,  /* int64_t */
    OPTION_NUMBER,   /* double */
    OPTION_CHOICE,   /* int: the place among the choices */
    OPTION_TEXTS,    /* option_texts: each use of the option adds one */
    OPTION_INTEGERS, /* option_integers: takes every integer that follows */
} option_type;

typedef struct option_texts {
    const char **items;
    size_t n, cap;
} option_texts;

typedef struct option_integers {
    int64_t *items;
    size_t n, cap;
} option_integers;

/* One row of a command's table; the table ends with a row without a name. Names
 * are written with '-'; '_' in its place is accepted everywhere. */
typedef struct option_spec {
    const char *name;    /* "batch-size" */
    const char *aliases; /* with their dashes: "-b", "-db --db"; or NULL */
    option_type type;
    size_t offset; /* of the value in the command's arguments struct */
    const char *value; /* what help calls the value: "HZ" */
    const char *help;
    const char *const *choices; /* ends with NULL */
    double min, max;            /* of a number; both 0: no bounds */
    bool clamp;                 /* out of bounds is a warning, not an error */
} option_spec;

typedef struct command command;

/* What a command line held. */
typedef struct options {
    const command *command;
    const char **operands; /* what is no option, in order */
    size_t n_operands;
    uint64_t given; /* bit i: row i of the table was on the line */
    bool help;      /* --help or -h: nothing else is meant */
} options;

struct command {
    const char *name;
    const char *summary;  /* one line, lower case, no full stop */
    const char *synopsis; /* what follows the name; a line each way */
    const char *about;    /* paragraphs and examples below the options */
    const option_spec *table;
    size_t args_size;
    int (*run)(const options *parsed, const void *args); /* exit code */
};

/* Parses argv (without the command's own name) into parsed and args, which must
 * be zeroed; texts are borrowed from argv. AKIN_EUSAGE names the option.
 * Values that were clamped are told to stderr. */
akin_status options_parse(options *parsed, const command *cmd, int argc,
                          char **argv, void *args, akin_error *err)
    AKIN_NODISCARD;
void options_clear(options *parsed, void *args);

/* Whether the option of this name was on the line. */
bool options_given(const options *parsed, const char *name);

/* The one among n names that `name` was probably meant to be, or NULL. */
const char *options_nearest(const char *name, const char *const *names,
                            size_t n);

void options_print_usage(FILE *out, const command *cmd);
void options_print_help(FILE *out, const command *cmd);

/* The whole table as JSON, for the manual. */
json_t *options_to_json(const command *cmd);

#endif
