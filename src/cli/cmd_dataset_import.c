/* SPDX-License-Identifier: MIT
 * akin dataset import: a folder of images becomes a dataset, or brings it up to
 * date. */
#include "cli/commands.h"
#include "cli/dataset_watch.h"
#include "cli/print.h"

typedef struct import_args {
    const char *name, *id, *description, *view, *metadata;
    bool names_as_ids, overwrite, json, quiet, progress;
} import_args;

#define AT(field) offsetof(import_args, field)

static const option_spec option_table[] = {
    {.name = "name", .type = OPTION_TEXT, .offset = AT(name), .value = "NAME",
     .help = "what a new dataset is called (its folder's name)"},
    {.name = "id", .type = OPTION_TEXT, .offset = AT(id), .value = "ID",
     .help = "the id of a new dataset, without blanks (a new short id)"},
    {.name = "description", .type = OPTION_TEXT, .offset = AT(description),
     .value = "TEXT", .help = "what is in it"},
    {.name = "view", .type = OPTION_TEXT, .offset = AT(view), .value = "VIEW",
     .help = "name of the views that the metadata do not name (image)"},
    {.name = "metadata", .type = OPTION_TEXT, .offset = AT(metadata),
     .value = "F", .help = "a .jsonl or .csv that tells the items "
                           "(metadata.jsonl or metadata.csv in the folder or "
                           "in the folders of its splits, if there are any)"},
    {.name = "use-image-name-as-id", .type = OPTION_FLAG,
     .offset = AT(names_as_ids),
     .help = "an item's id is the name of its first file"},
    {.name = "overwrite", .type = OPTION_FLAG, .offset = AT(overwrite),
     .help = "what the dataset holds goes first, embedding tables too"},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print what was imported as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet), .help = "no progress and no summary"},
    {.name = "progress", .type = OPTION_FLAG, .offset = AT(progress),
     .help = "show progress even where stderr is no terminal"},
    OPTION_END,
};

static void print_report(const akin_dataset_import_report *report,
                         const char *path, const import_args *args,
                         const dataset_watch *watch)
{
    if (args->json)
        print_json(json_pack(
            "{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:O}", "dataset",
            json_text(path), "items", (json_int_t)report->n_items, "views",
            (json_int_t)report->n_views, "new_items",
            (json_int_t)report->n_new_items, "new_views",
            (json_int_t)report->n_new_views, "changed_items",
            (json_int_t)report->n_changed_items, "failed",
            (json_int_t)report->n_failed, "missing",
            (json_int_t)report->n_missing, "failures", watch->failures));
    if (args->quiet) return;
    print_note("%zu new %s, %zu changed; %zu %s with %zu %s in %s",
               report->n_new_items,
               print_plural((long long)report->n_new_items, "item", "items"),
               report->n_changed_items, report->n_items,
               print_plural((long long)report->n_items, "item", "items"),
               report->n_views,
               print_plural((long long)report->n_views, "view", "views"), path);
    if (report->n_missing > 0)
        print_warning("the files of %zu %s are not there any more",
                      report->n_missing,
                      print_plural((long long)report->n_missing, "view",
                                   "views"));
    if (report->n_new_items == report->n_items)
        print_note("next: akin dataset add-table %s --table emb --model tint",
                   path);
}

static int run_import(const options *parsed, const void *args_)
{
    const import_args *args = args_;
    dataset_watch watch;
    akin_error err = {0};
    akin_dataset_import_report report = {0};
    if (parsed->n_operands != 2)
        return command_misused(parsed,
                               "a folder of images and a dataset are needed");
    const char *folder = parsed->operands[0], *path = parsed->operands[1];
    dataset_watch_init(&watch, args->quiet, args->progress);
    akin_dataset_import_options opt = {
        .id = args->id, .name = args->name, .description = args->description,
        .view = args->view, .metadata = args->metadata,
        .names_as_ids = args->names_as_ids, .overwrite = args->overwrite,
        .progress = dataset_watch_progress, .problem = dataset_watch_problem,
        .user = &watch};
    akin_status status =
        akin_dataset_import(path, folder, &opt, &report, &err);
    int code = dataset_watch_end(&watch, status, &err);
    if (status == AKIN_OK) print_report(&report, path, args, &watch);
    dataset_watch_clear(&watch);
    return code;
}

const command cmd_dataset_import = {
    .name = "dataset import",
    .summary = "make a dataset of a folder of images",
    .synopsis = "FOLDER DATASET [options]",
    .about =
        "DATASET is a folder, made if it is not there, best inside a folder of "
        "datasets (a\nlibrary). The images stay where they are. Folders below "
        "FOLDER that hold images are\nsplits. A row of the metadata is an item "
        "with fields of your own and one or more\nviews; without metadata each "
        "file is an item. Run again it adds what is new. See\nakin help "
        "datasets.\n\n"
        "  akin dataset import photos library/photos\n",
    .table = option_table,
    .args_size = sizeof(import_args),
    .run = run_import,
};
