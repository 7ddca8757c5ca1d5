/* SPDX-License-Identifier: MIT
 * akin export: the embeddings of a database in other formats. */
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/print.h"

enum { TO_BY_NAME, TO_CSV, TO_TXT };
static const char *const targets[] = {"auto", "csv", "txt", NULL};

typedef struct export_args {
    const char *database, *output;
    int to;
    bool json, quiet;
} export_args;

#define AT(field) offsetof(export_args, field)

static const option_spec option_table[] = {
    {.name = "database", .aliases = "-db", .type = OPTION_TEXT,
     .offset = AT(database), .value = "DB",
     .help = "the database"},
    {.name = "output", .aliases = "-o", .type = OPTION_TEXT,
     .offset = AT(output), .value = "PATH",
     .help = "where to: a name that ends in .csv, or a folder"},
    {.name = "to", .type = OPTION_CHOICE, .offset = AT(to),
     .value = "auto|csv|txt",
     .help = "csv: one row per window; txt: a folder with one text file per "
             "window; auto: by the name (auto)", .choices = targets},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print what was written as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "no summary"},
    OPTION_END,
};

static akin_status export_texts(const char *path, const export_args *args,
                                const char *output, akin_error *err)
{
    akin_db *db = NULL;
    size_t n = 0;
    akin_status status = command_open(path, AKIN_READ, &db, err);
    if (status == AKIN_OK)
        status = akin_export_embeddings(db, output, &n, err);
    akin_close(db);
    if (status == AKIN_OK && args->json)
        print_json(json_pack("{s:I, s:o}", "written", (json_int_t)n, "output",
                             json_text(output)));
    else if (status == AKIN_OK && !args->quiet)
        print_note("%zu %s written to %s", n,
                   print_plural((long long)n, "embedding", "embeddings"),
                   output);
    return status;
}

static int run_export(const options *parsed, const void *args_)
{
    const export_args *args = args_;
    akin_error err = {0};
    size_t at = 0, n = parsed->n_operands;
    const char *path = args->database, *output = args->output;
    if (!path && at < n) path = parsed->operands[at++];
    if (!output && at < n) output = parsed->operands[at++];
    if (!path || !output || at < n)
        return command_misused(parsed, "a database and an output are needed");
    bool is_csv = text_ends_with(output, ".csv", true);
    if (args->to == TO_CSV && !is_csv)
        return command_misused(parsed, "the name of a CSV must end in .csv");
    if (args->to == TO_TXT && is_csv)
        return command_misused(
            parsed, "the folder for text files must not end in .csv");
    if (export_texts(path, args, output, &err) != AKIN_OK)
        return print_failure(&err);
    return EXIT_DONE;
}

const command cmd_export = {
    .name = "export",
    .summary = "write the embeddings of a database as text",
    .synopsis = "DB PATH [--to csv|txt]",
    .about =
        "A CSV has the columns file_path,start,end,embedding. A folder gets "
        "one file per\nwindow, {name}_{start}_{end}.{model}.embeddings.txt, "
        "its numbers separated by\ncommas, with the sub-folders of the "
        "recordings kept.\n\n"
        "  akin export birds.db birds.csv\n"
        "  akin export birds.db embeddings/\n",
    .table = option_table,
    .args_size = sizeof(export_args),
    .run = run_export,
};
