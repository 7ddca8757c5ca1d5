/* SPDX-License-Identifier: MIT
 * akin dataset list, get and remove: what is in a library, a dataset, a
 * table. */
#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/print_rows.h"
#include "cli/print.h"

typedef struct dataset_args {
    const char *where, *sort;
    option_texts ids, item_ids;
    int64_t limit, skip;
    int format;
    bool descending, json, quiet;
} dataset_args;

#define AT(field) offsetof(dataset_args, field)
#define OPTION_JSON                                                            \
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),                  \
     .help = "print as JSON"}

static const option_spec list_options[] = {OPTION_JSON, OPTION_END};

static const option_spec get_options[] = {
    {.name = "id", .type = OPTION_TEXTS, .offset = AT(ids), .value = "ID",
     .help = "only this row; may be repeated"},
    {.name = "item-id", .type = OPTION_TEXTS, .offset = AT(item_ids),
     .value = "ID", .help = "only rows of this item; may be repeated"},
    {.name = "where", .type = OPTION_TEXT, .offset = AT(where),
     .value = "EXPR",
     .help = "only rows for which this holds; see akin help where"},
    {.name = "sort", .type = OPTION_TEXT, .offset = AT(sort), .value = "COLUMN",
     .help = "in the order of this column (as they came)"},
    {.name = "desc", .type = OPTION_FLAG, .offset = AT(descending),
     .help = "the largest first"},
    {.name = "limit", .aliases = "-n", .type = OPTION_INTEGER,
     .offset = AT(limit), .value = "N", .help = "so many rows (all)",
     .min = 1, .max = 1e9},
    {.name = "skip", .type = OPTION_INTEGER, .offset = AT(skip), .value = "N",
     .help = "pass over the first N rows (0)", .max = 1e9},
    {.name = "format", .type = OPTION_CHOICE, .offset = AT(format),
     .value = "table|json|csv", .help = "how rows are printed (table)",
     .choices = command_formats},
    OPTION_JSON,
    OPTION_END,
};

static const option_spec remove_options[] = {
    {.name = "id", .type = OPTION_TEXTS, .offset = AT(ids), .value = "ID",
     .help = "an item; may be repeated"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet), .help = "no word but errors"},
    OPTION_END,
};

/* ---- list --------------------------------------------------------------- */

typedef struct listing {
    bool json;
    json_t *rows;
    print_table table;
    size_t n;
} listing;

static bool on_dataset(void *user, const akin_dataset_info *info,
                       const char *problem)
{
    listing *l = user;
    l->n++;
    if (l->json) {
        json_array_append_new(
            l->rows,
            problem ? json_pack("{s:o, s:o}", "path", json_text(info->path),
                                "problem", json_text(problem))
                    : json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:I}", "id",
                                json_text(info->id), "name",
                                json_text(info->name), "description",
                                json_text(info->description), "path",
                                json_text(info->path), "media",
                                json_text(info->media), "num_items",
                                (json_int_t)info->n_items, "num_views",
                                (json_int_t)info->n_views));
        return true;
    }
    print_table_put(&l->table, "%s", file_name(info->path));
    print_table_put(&l->table, "%s", problem ? "" : info->name);
    print_table_put(&l->table, "%s", problem ? "" : info->id);
    if (problem) {
        print_table_put(&l->table, "%s", "");
        print_table_put(&l->table, "%s", "");
        print_warning("%s: %s", info->path, problem);
    } else {
        print_table_put(&l->table, "%lld", (long long)info->n_items);
        print_table_put(&l->table, "%lld", (long long)info->n_views);
    }
    return true;
}

static akin_status list_library(const char *path, listing *l, akin_error *err)
{
    static const print_column columns[] = {
        {.head = "folder"}, {.head = "name", .elide_end = true},
        {.head = "id"}, {.head = "items", .right = true},
        {.head = "views", .right = true}};
    print_table_init(&l->table, columns, sizeof columns / sizeof *columns);
    AKIN_TRY(akin_dataset_each(path, on_dataset, l, err));
    if (l->json)
        print_json(json_pack("{s:O}", "datasets", l->rows));
    else if (l->n > 0)
        print_table_write(&l->table);
    else
        print_note("there is no dataset in %s; akin dataset import makes one",
                   path);
    return AKIN_OK;
}

static bool on_table(void *user, const akin_dataset_table *t)
{
    listing *l = user;
    if (l->json) {
        json_array_append_new(
            l->rows,
            json_pack("{s:s, s:s, s:s, s:o, s:I, s:o, s:o, s:b, s:I}", "name",
                      t->name, "group", t->group, "schema", t->base, "relation",
                      json_text(t->relation), "rows", (json_int_t)t->n_rows,
                      "model", json_text(t->model), "state",
                      json_text(t->state), "text", t->text, "dim",
                      (json_int_t)t->dim));
        return true;
    }
    print_table_put(&l->table, "%s", t->name);
    print_table_put(&l->table, "%s", t->group);
    print_table_put(&l->table, "%lld", (long long)t->n_rows);
    print_table_put(&l->table, "%s", t->model ? t->model : "");
    if (t->dim)
        print_table_put(&l->table, "%u", t->dim);
    else
        print_table_put(&l->table, "%s", "");
    print_table_put(&l->table, "%s", t->state ? t->state : "");
    return true;
}

static akin_status list_dataset(const char *path, listing *l, akin_error *err)
{
    static const print_column columns[] = {
        {.head = "table"}, {.head = "group"}, {.head = "rows", .right = true},
        {.head = "model", .drop_empty = true},
        {.head = "dim", .right = true, .drop_empty = true},
        {.head = "state", .drop_empty = true}};
    akin_dataset *ds = NULL;
    AKIN_TRY(command_open_dataset(path, NULL, AKIN_CPU, &ds, err));
    print_table_init(&l->table, columns, sizeof columns / sizeof *columns);
    akin_status status = akin_dataset_each_table(ds, on_table, l, err);
    if (status == AKIN_OK && l->json)
        print_json(json_pack("{s:O}", "tables", l->rows));
    else if (status == AKIN_OK)
        print_table_write(&l->table);
    akin_dataset_close(ds);
    return status;
}

static bool is_dataset(const char *path)
{
    char *info = file_join(path, "info.json");
    bool is = info && file_exists(info);
    mem_free(info);
    return is;
}

static int run_list(const options *parsed, const void *args_)
{
    const dataset_args *args = args_;
    akin_error err = {0};
    if (parsed->n_operands != 1)
        return command_misused(parsed, "a library or a dataset is needed");
    const char *path = parsed->operands[0];
    listing l = {.json = args->json, .rows = json_array()};
    akin_status status = is_dataset(path) ? list_dataset(path, &l, &err)
                                          : list_library(path, &l, &err);
    json_decref(l.rows);
    return status == AKIN_OK ? EXIT_DONE : print_failure(&err);
}

/* ---- get ---------------------------------------------------------------- */

static int run_get(const options *parsed, const void *args_)
{
    const dataset_args *args = args_;
    akin_dataset *ds = NULL;
    akin_rows *rows = NULL;
    akin_error err = {0};
    if (parsed->n_operands != 2)
        return command_misused(parsed, "a dataset and one of its tables are "
                                       "needed");
    akin_dataset_get_options opt = {
        .ids = args->ids.items, .n_ids = args->ids.n,
        .item_ids = args->item_ids.items, .n_item_ids = args->item_ids.n,
        .limit = (size_t)args->limit, .skip = (size_t)args->skip,
        .where = args->where, .sort = args->sort,
        .descending = args->descending};
    akin_status status = command_open_dataset(parsed->operands[0], NULL,
                                              AKIN_CPU, &ds, &err);
    if (status == AKIN_OK)
        status = akin_dataset_get(ds, parsed->operands[1], &opt, &rows, &err);
    if (status == AKIN_OK)
        print_rows(rows, args->json ? FORMAT_JSON : args->format);
    akin_rows_free(rows);
    akin_dataset_close(ds);
    return status == AKIN_OK ? EXIT_DONE : print_failure(&err);
}

/* ---- remove ------------------------------------------------------------- */

static int run_remove(const options *parsed, const void *args_)
{
    const dataset_args *args = args_;
    akin_dataset *ds = NULL;
    akin_error err = {0};
    size_t n = 0;
    akin_dataset_options opt = {.write = true};
    if (parsed->n_operands != 1 || args->ids.n == 0)
        return command_misused(parsed, "a dataset and --id are needed");
    akin_status status = command_open_dataset(parsed->operands[0], &opt,
                                              AKIN_CPU, &ds, &err);
    if (status == AKIN_OK)
        status = akin_dataset_remove_items(ds, args->ids.items, args->ids.n, &n,
                                           &err);
    akin_dataset_close(ds);
    if (status != AKIN_OK) return print_failure(&err);
    if (!args->quiet)
        print_note("%zu %s removed", n,
                   print_plural((long long)n, "item", "items"));
    return n == args->ids.n ? EXIT_DONE : EXIT_SOME_FAILED;
}

/* ---- the commands ------------------------------------------------------- */

const command cmd_dataset_list = {
    .name = "dataset list",
    .summary = "list the datasets of a library, or the tables of a dataset",
    .synopsis = "LIBRARY|DATASET [--json]",
    .about = "  akin dataset list library\n"
             "  akin dataset list library/photos\n",
    .table = list_options,
    .args_size = sizeof(dataset_args),
    .run = run_list,
};

const command cmd_dataset_get = {
    .name = "dataset get",
    .summary = "print rows of a dataset's table",
    .synopsis = "DATASET TABLE [options]",
    .about =
        "The tables are item, those of views (image) and those of embeddings; "
        "see akin\ndataset list.\n\n"
        "  akin dataset get library/photos item --where \"split = 'test'\" "
        "--sort id\n"
        "  akin dataset get library/photos emb --limit 5 --json\n",
    .table = get_options,
    .args_size = sizeof(dataset_args),
    .run = run_get,
};

const command cmd_dataset_remove = {
    .name = "dataset remove",
    .summary = "remove items, their views and their embeddings",
    .synopsis = "DATASET --id ID...",
    .about = "The images themselves stay where they are.\n",
    .table = remove_options,
    .args_size = sizeof(dataset_args),
    .run = run_remove,
};
