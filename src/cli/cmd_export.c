/* SPDX-License-Identifier: MIT
 * akin export: the embeddings of a database, or of a dataset's table, in other
 * formats. */
#include "base/file.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/print.h"

enum { TO_BY_NAME, TO_CSV, TO_TEXT, TO_TXT, TO_NPY, TO_FAISS, TO_ARROW,
       TO_ARROW_STREAM };
static const char *const targets[] = {"auto",  "csv",   "text",         "txt",
                                      "npy",   "faiss", "arrow",
                                      "arrow-stream", NULL};

typedef struct export_args {
    const char *database, *output, *table;
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
     .help = "where to: a name that ends in .csv, .npy, .faiss, .arrow or "
             ".arrows, or a folder"},
    {.name = "to", .type = OPTION_CHOICE, .offset = AT(to),
     .value = "auto|csv|text|npy|faiss|arrow|arrow-stream",
     .help = "csv: one row per window; text: a folder with one file per "
             "window; npy: an array, and PATH.csv which tells its rows; faiss: "
             "an index whose ids are the windows'; arrow, arrow-stream: a table "
             "as a file or a stream; auto: by the name (auto)",
     .choices = targets},
    {.name = "table", .type = OPTION_TEXT, .offset = AT(table), .value = "T",
     .help = "this embedding table of a dataset, as Arrow"},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print what was written as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "no summary"},
    OPTION_END,
};

/* What a target cannot be, or NULL. */
static const char *find_misuse(const export_args *args, int to,
                               const char *output)
{
    bool is_csv = text_ends_with(output, ".csv", true);
    if (args->table && to != TO_ARROW && to != TO_ARROW_STREAM)
        return "a table of a dataset goes to a name that ends in .arrow or "
               ".arrows, or --to arrow or arrow-stream";
    if (to == TO_CSV && !is_csv) return "the name of a CSV must end in .csv";
    if (to == TO_TEXT && is_csv)
        return "the folder for text files must not end in .csv";
    return NULL;
}

/* What auto means for a name. */
static int target_of(const export_args *args, const char *output)
{
    static const struct {
        const char *ending;
        int to;
    } endings[] = {
        {".csv", TO_CSV},     {".npy", TO_NPY},            {".faiss", TO_FAISS},
        {".arrow", TO_ARROW}, {".arrows", TO_ARROW_STREAM},
    };
    if (args->to == TO_TXT) return TO_TEXT;
    if (args->to != TO_BY_NAME) return args->to;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (text_ends_with(output, endings[i].ending, true))
            return endings[i].to;
    return TO_TEXT;
}

static akin_status export_table(const char *path, const char *table, int to,
                                const char *output, size_t *n, akin_error *err)
{
    akin_dataset *ds = NULL;
    akin_status status = command_open_dataset(path, NULL, AKIN_CPU, &ds, err);
    if (status == AKIN_OK)
        status = akin_dataset_export_arrow(ds, table, output,
                                           to == TO_ARROW_STREAM, n, err);
    akin_dataset_close(ds);
    return status;
}

static akin_status export_database(const char *path, int to, const char *output,
                                   size_t *n, akin_error *err)
{
    akin_db *db = NULL;
    akin_status status = command_open(path, AKIN_READ, &db, err);
    if (status == AKIN_OK)
        status = to == TO_TEXT || to == TO_CSV
                     ? akin_export_embeddings(db, output, n, err)
                     : akin_export_vectors(db, output, targets[to], n, err);
    akin_close(db);
    return status;
}

static void print_written(size_t n, int to, const char *output,
                          const export_args *args)
{
    if (args->json)
        print_json(json_pack("{s:I, s:o}", "written", (json_int_t)n, "output",
                             json_text(output)));
    else if (!args->quiet)
        print_note("%zu %s written to %s%s%s%s", n,
                   print_plural((long long)n, "embedding", "embeddings"),
                   output, to == TO_NPY ? ", their windows to " : "",
                   to == TO_NPY ? output : "", to == TO_NPY ? ".csv" : "");
}

static int run_export(const options *parsed, const void *args_)
{
    const export_args *args = args_;
    akin_error err = {0};
    size_t at = 0, n = parsed->n_operands, n_written = 0;
    const char *path = args->database, *output = args->output;
    if (!path && at < n) path = parsed->operands[at++];
    if (!output && at < n) output = parsed->operands[at++];
    if (!path || !output || at < n)
        return command_misused(parsed, "a database and an output are needed");
    int to = target_of(args, output);
    const char *misuse = find_misuse(args, to, output);
    if (misuse) return command_misused(parsed, "%s", misuse);
    akin_status status =
        args->table
            ? export_table(path, args->table, to, output, &n_written, &err)
            : export_database(path, to, output, &n_written, &err);
    if (status != AKIN_OK) return print_failure(&err);
    print_written(n_written, to, output, args);
    return EXIT_DONE;
}

const command cmd_export = {
    .name = "export",
    .summary = "write the embeddings of a database in other formats",
    .synopsis = "DB PATH [--to csv|text|npy|faiss|arrow|arrow-stream]\n"
                "DATASET PATH --table T [--to arrow|arrow-stream]",
    .about =
        "A CSV has the columns file_path,start,end,embedding. A folder gets "
        "one file per\nwindow, {name}_{start}_{end}.{model}.embeddings.txt, "
        "its numbers separated by\ncommas, with the sub-folders of the "
        "recordings kept. A .npy is a float32 array\n[windows, dim]; PATH.csv "
        "has window_id, recording, start and end of each row. A\n.faiss is a "
        "flat index by inner product whose ids are the windows'. An .arrow is\n"
        "a table for LanceDB, pandas or polars: id, recording, start, end and "
        "vector; an\n.arrows the same as a stream. Rows are in the order of the "
        "windows' ids.\n\n"
        "A table of a dataset has the columns id, created_at, updated_at, "
        "item_ref, vector,\nshape and view_ref, as LanceDB holds Pixano's.\n\n"
        "  akin export birds.db birds.csv\n"
        "  akin export birds.db embeddings/\n"
        "  akin export birds.db birds.npy\n"
        "  akin export birds.db birds.arrow\n"
        "  akin export birds.db birds.index --to faiss\n"
        "  akin export library/photos emb.arrow --table emb\n",
    .table = option_table,
    .args_size = sizeof(export_args),
    .run = run_export,
};
