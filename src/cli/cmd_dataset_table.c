/* SPDX-License-Identifier: MIT
 * akin dataset add-table, drop-table and compute: embedding tables. */
#include "base/file.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/dataset_watch.h"
#include "cli/print.h"
#include "base/text.h"
#include <string.h>

static const char *const modes[] = {"create", "overwrite", NULL};

typedef struct table_args {
    const char *table, *model, *relation, *view;
    option_texts view_ids;
    int64_t batch_size, threads;
    int mode, device;
    bool exist_ok, force, json, quiet, progress;
} table_args;

#define AT(field) offsetof(table_args, field)
#define OPTION_TABLE                                                           \
    {.name = "table", .type = OPTION_TEXT, .offset = AT(table), .value = "T",  \
     .help = "the embedding table"}
#define OPTION_QUIET(text)                                                     \
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,                    \
     .offset = AT(quiet), .help = text}
#define OPTION_DEVICE                                                          \
    {.name = "device", .type = OPTION_CHOICE, .offset = AT(device),            \
     .value = "cpu|cuda", .help = "what a learned model runs on (cpu)",        \
     .choices = command_devices}

static const option_spec add_options[] = {
    OPTION_TABLE,
    {.name = "model", .type = OPTION_TEXT, .offset = AT(model), .value = "M",
     .help = "what makes the vectors: a name, or a model's folder (tint); see "
             "akin help models"},
    {.name = "relation", .type = OPTION_TEXT, .offset = AT(relation),
     .value = "R", .help = "the table's to item: one_to_one, many_to_one, "
                           "one_to_many, many_to_many (one_to_one)"},
    {.name = "mode", .type = OPTION_CHOICE, .offset = AT(mode),
     .value = "create|overwrite",
     .help = "what becomes of a table that is there (create: an error, "
             "overwrite: it goes first)", .choices = modes},
    {.name = "exist-ok", .type = OPTION_FLAG, .offset = AT(exist_ok),
     .help = "a table that is there, of the same model, stays as it is"},
    OPTION_QUIET("no word but errors"),
    OPTION_END,
};

static const option_spec drop_options[] = {
    OPTION_TABLE,
    OPTION_QUIET("no word but errors"),
    OPTION_END,
};

static const option_spec compute_options[] = {
    OPTION_TABLE,
    {.name = "view", .type = OPTION_TEXT, .offset = AT(view), .value = "VIEW",
     .help = "only views of this name (all)"},
    {.name = "view-id", .type = OPTION_TEXTS, .offset = AT(view_ids),
     .value = "ID", .help = "only this view; may be repeated"},
    {.name = "force", .type = OPTION_FLAG, .offset = AT(force),
     .help = "also the views that are embedded already"},
    {.name = "batch-size", .aliases = "-b", .type = OPTION_INTEGER,
     .offset = AT(batch_size), .value = "N",
     .help = "images a model call (8)", .min = 1, .max = 4096, .clamp = true},
    {.name = "threads", .aliases = "-t", .type = OPTION_INTEGER,
     .offset = AT(threads), .value = "N",
     .help = "threads (one per processor)", .min = 1, .max = 256,
     .clamp = true},
    OPTION_DEVICE,
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print what was done as JSON"},
    OPTION_QUIET("no progress and no summary"),
    {.name = "progress", .type = OPTION_FLAG, .offset = AT(progress),
     .help = "show progress even where stderr is no terminal"},
    OPTION_END,
};

/* What is wrong with the line, or NULL. */
static const char *find_misuse(const options *parsed, const table_args *args)
{
    if (parsed->n_operands != 1) return "one dataset is needed";
    if (!args->table) return "--table is needed";
    return NULL;
}

static akin_status open_dataset(const options *parsed, const table_args *args,
                                akin_dataset **out, akin_error *err)
{
    akin_dataset_options opt = {.write = true};
    return command_open_dataset(parsed->operands[0], &opt,
                                (akin_device)args->device, out, err);
}

/* ---- add and drop ------------------------------------------------------- */

/* A model's folder is stored, so it must not be relative to this process. */
static akin_status add(akin_dataset *ds, const table_args *args,
                       akin_error *err)
{
    bool is_folder = args->model && strchr(args->model, '/');
    char *folder = is_folder ? file_absolute(args->model) : NULL;
    if (is_folder && !folder)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_dataset_table_options opt = {
        .model = is_folder ? folder : args->model, .relation = args->relation,
        .overwrite = args->mode == 1, .exist_ok = args->exist_ok};
    akin_status status = akin_dataset_create_table(ds, args->table, &opt, err);
    mem_free(folder);
    return status;
}

static int run_add(const options *parsed, const void *args_)
{
    const table_args *args = args_;
    akin_dataset *ds = NULL;
    akin_error err = {0};
    const char *misuse = find_misuse(parsed, args);
    if (misuse) return command_misused(parsed, "%s", misuse);
    akin_status status = open_dataset(parsed, args, &ds, &err);
    if (status == AKIN_OK) status = add(ds, args, &err);
    akin_dataset_close(ds);
    if (status != AKIN_OK) return print_failure(&err);
    if (!args->quiet)
        print_note("next: akin dataset compute %s --table %s",
                   parsed->operands[0], args->table);
    return EXIT_DONE;
}

static int run_drop(const options *parsed, const void *args_)
{
    const table_args *args = args_;
    akin_dataset *ds = NULL;
    akin_error err = {0};
    const char *misuse = find_misuse(parsed, args);
    if (misuse) return command_misused(parsed, "%s", misuse);
    akin_status status = open_dataset(parsed, args, &ds, &err);
    if (status == AKIN_OK)
        status = akin_dataset_drop_table(ds, args->table, &err);
    akin_dataset_close(ds);
    if (status != AKIN_OK) return print_failure(&err);
    if (!args->quiet) print_note("table %s is gone", args->table);
    return EXIT_DONE;
}

/* ---- compute ------------------------------------------------------------ */

static void print_report(const akin_extract_report *report,
                         const options *parsed, const table_args *args,
                         const dataset_watch *watch)
{
    if (args->json)
        print_json(json_pack(
            "{s:o, s:o, s:I, s:I, s:I, s:I, s:f, s:O}", "dataset",
            json_text(parsed->operands[0]), "table", json_text(args->table),
            "views", (json_int_t)report->n_files, "embedded",
            (json_int_t)report->n_windows, "skipped",
            (json_int_t)report->n_skipped, "failed",
            (json_int_t)report->n_failed, "elapsed_s", report->elapsed_s,
            "failures", watch->failures));
    if (args->quiet) return;
    print_note("%lld %s embedded, %zu there already, %zu failed, in %.1f s",
               (long long)report->n_windows,
               print_plural(report->n_windows, "view", "views"),
               report->n_skipped, report->n_failed, report->elapsed_s);
    print_note("next: akin search %s --table %s --file A_PICTURE.jpg",
               parsed->operands[0], args->table);
}

static akin_status compute(akin_dataset *ds, const table_args *args,
                           dataset_watch *watch, akin_extract_report *report,
                           akin_error *err)
{
    akin_dataset_compute_options opt = {
        .view = args->view, .view_ids = args->view_ids.items,
        .n_view_ids = args->view_ids.n, .force = args->force,
        .batch_size = (size_t)args->batch_size,
        .threads = (size_t)args->threads, .progress = dataset_watch_progress,
        .file = dataset_watch_file, .user = watch};
    return akin_dataset_compute(ds, args->table, &opt, report, err);
}

static int run_compute(const options *parsed, const void *args_)
{
    const table_args *args = args_;
    dataset_watch watch;
    akin_dataset *ds = NULL;
    akin_extract_report report = {0};
    akin_error err = {0};
    const char *misuse = find_misuse(parsed, args);
    if (misuse) return command_misused(parsed, "%s", misuse);
    dataset_watch_init(&watch, args->quiet, args->progress);
    akin_status status = open_dataset(parsed, args, &ds, &err);
    if (status == AKIN_OK) status = compute(ds, args, &watch, &report, &err);
    int code = dataset_watch_end(&watch, status, &err);
    if (status == AKIN_OK || status == AKIN_ECANCELLED)
        print_report(&report, parsed, args, &watch);
    akin_dataset_close(ds);
    dataset_watch_clear(&watch);
    return code;
}

/* ---- the commands ------------------------------------------------------- */

const command cmd_dataset_add_table = {
    .name = "dataset add-table",
    .summary = "add an embedding table, one for each model",
    .synopsis = "DATASET --table T [--model M] [--mode create|overwrite] "
                "[--exist-ok]",
    .about =
        "The table is empty until akin dataset compute. Its name may hold what "
        "a file name\nmay: emb_open-clip. A table belongs to one model; for "
        "another model add another\ntable.\n\n"
        "  akin dataset add-table library/photos --table emb --model "
        "tiny-clip\n",
    .table = add_options,
    .args_size = sizeof(table_args),
    .run = run_add,
};

const command cmd_dataset_drop_table = {
    .name = "dataset drop-table",
    .summary = "remove an embedding table",
    .synopsis = "DATASET --table T",
    .about = "Items, views and other tables stay.\n",
    .table = drop_options,
    .args_size = sizeof(table_args),
    .run = run_drop,
};

const command cmd_dataset_compute = {
    .name = "dataset compute",
    .summary = "embed the views of a dataset",
    .synopsis = "DATASET --table T [options]",
    .about =
        "Views that are in the table already are left, unless their file has "
        "changed.\nStopped or killed, the same command goes on. An image that "
        "cannot be read is\nnamed, and the run goes on.\n\n"
        "  akin dataset compute library/photos --table emb\n",
    .table = compute_options,
    .args_size = sizeof(table_args),
    .run = run_compute,
};
