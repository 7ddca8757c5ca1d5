/* SPDX-License-Identifier: MIT
 * akin dataset tag and duplicates: what an embedding table says of a whole
 * dataset. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/dataset_watch.h"
#include "cli/print.h"

typedef struct tag_args {
    const char *table, *labels, *field, *prompt, *where;
    double min_score, scale, threshold;
    int64_t max_group, threads;
    int format, device;
    bool json, quiet, progress;
} tag_args;

#define AT(field) offsetof(tag_args, field)
#define OPTION_TABLE                                                           \
    {.name = "table", .type = OPTION_TEXT, .offset = AT(table), .value = "T",  \
     .help = "the embedding table"}
#define OPTION_WHERE                                                           \
    {.name = "where", .type = OPTION_TEXT, .offset = AT(where),                \
     .value = "EXPR",                                                          \
     .help = "only items for which this holds; see akin help where"}

static const option_spec tag_options[] = {
    OPTION_TABLE,
    {.name = "labels", .type = OPTION_TEXT, .offset = AT(labels),
     .value = "A,B,...", .help = "the labels, by commas"},
    {.name = "field", .type = OPTION_TEXT, .offset = AT(field), .value = "F",
     .help = "the item's field for the label; F_score has its share (tag)"},
    {.name = "prompt", .type = OPTION_TEXT, .offset = AT(prompt),
     .value = "TEXT", .help = "what is said of a label, {} standing for it "
                              "(a photo of a {})"},
    OPTION_WHERE,
    {.name = "scale", .type = OPTION_NUMBER, .offset = AT(scale), .value = "X",
     .help = "cosines are multiplied by it before the softmax (100)",
     .min = 0.001, .max = 1e6},
    {.name = "min-score", .type = OPTION_NUMBER, .offset = AT(min_score),
     .value = "S", .help = "no label where the best has a smaller share (0)",
     .max = 1},
    {.name = "device", .type = OPTION_CHOICE, .offset = AT(device),
     .value = "cpu|cuda", .help = "what a learned model runs on (cpu)",
     .choices = command_devices},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print the labels as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet), .help = "no summary"},
    OPTION_END,
};

static const option_spec duplicates_options[] = {
    OPTION_TABLE,
    {.name = "threshold", .type = OPTION_NUMBER, .offset = AT(threshold),
     .value = "S", .help = "views at least so similar are duplicates, by the "
                           "cosine (0.98)",
     .min = 0.01, .max = 1},
    OPTION_WHERE,
    {.name = "max-group", .type = OPTION_INTEGER, .offset = AT(max_group),
     .value = "N", .help = "print so many of a group (all)", .min = 2,
     .max = 1e9},
    {.name = "threads", .aliases = "-t", .type = OPTION_INTEGER,
     .offset = AT(threads), .value = "N",
     .help = "threads (one per processor)", .min = 1, .max = 256,
     .clamp = true},
    {.name = "format", .type = OPTION_CHOICE, .offset = AT(format),
     .value = "table|json|csv", .help = "how groups are printed (table)",
     .choices = command_formats},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "the same as --format json"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet), .help = "no progress and no summary"},
    {.name = "progress", .type = OPTION_FLAG, .offset = AT(progress),
     .help = "show progress even where stderr is no terminal"},
    OPTION_END,
};

static const char *find_misuse(const options *parsed, const tag_args *args)
{
    if (parsed->n_operands != 1) return "one dataset is needed";
    if (!args->table) return "--table is needed";
    return NULL;
}

/* ---- tag ---------------------------------------------------------------- */

/* Parts of a list by commas, without the blanks around them. */
typedef struct label_list {
    char *text; /* the parts point into it */
    const char **items;
    size_t n;
} label_list;

static void label_list_clear(label_list *list)
{
    mem_free(list->text);
    mem_free(list->items);
}

static akin_status label_list_init(label_list *list, const char *text,
                                   akin_error *err)
{
    size_t most = 1;
    for (const char *c = text; *c; c++) most += *c == ',';
    *list = (label_list){.text = mem_strdup(text),
                         .items = mem_array(most, sizeof *list->items)};
    if (!list->text || !list->items)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for the labels");
    for (char *part = list->text, *next; part; part = next) {
        next = strchr(part, ',');
        if (next) *next++ = 0;
        part += strspn(part, " \t");
        size_t n = strlen(part);
        while (n > 0 && strchr(" \t", part[n - 1])) part[--n] = 0;
        if (n > 0) list->items[list->n++] = part;
    }
    return AKIN_OK;
}

static void on_tag(void *rows, const char *item_id, const char *label,
                   double score)
{
    json_array_append_new(rows,
                          json_pack("{s:o, s:o, s:f}", "item",
                                    json_text(item_id), "label",
                                    json_text(label), "score", score));
}

static akin_status tag(const char *path, const tag_args *args,
                       const label_list *labels, json_t *rows, size_t *n,
                       akin_error *err)
{
    akin_dataset *ds = NULL;
    akin_dataset_options open = {.write = true};
    akin_dataset_tag_options opt = {
        .field = args->field, .prompt = args->prompt, .where = args->where,
        .scale = args->scale, .min_score = args->min_score,
        .tagged = args->json ? on_tag : NULL, .user = rows};
    akin_status status = command_open_dataset(
        path, &open, (akin_device)args->device, &ds, err);
    if (status == AKIN_OK)
        status = akin_dataset_tag(ds, args->table, labels->items, labels->n,
                                  &opt, n, err);
    akin_dataset_close(ds);
    return status;
}

static int run_tag(const options *parsed, const void *args_)
{
    const tag_args *args = args_;
    label_list labels = {0};
    akin_error err = {0};
    size_t n = 0;
    const char *misuse = find_misuse(parsed, args);
    if (misuse) return command_misused(parsed, "%s", misuse);
    if (!args->labels) return command_misused(parsed, "--labels is needed");
    const char *path = parsed->operands[0];
    json_t *rows = json_array();
    akin_status status = label_list_init(&labels, args->labels, &err);
    if (status == AKIN_OK) status = tag(path, args, &labels, rows, &n, &err);
    if (status == AKIN_OK && args->json)
        print_json(json_pack("{s:I, s:O}", "tagged", (json_int_t)n, "items",
                             rows));
    json_decref(rows);
    label_list_clear(&labels);
    if (status != AKIN_OK) return print_failure(&err);
    if (!args->quiet)
        print_note("%zu %s labelled; see akin dataset get %s item", n,
                   print_plural((long long)n, "item", "items"), path);
    return EXIT_DONE;
}

/* ---- duplicates --------------------------------------------------------- */

typedef struct duplicates_run {
    int format;
    dataset_watch watch;
    print_table table;
    json_t *groups;
    size_t group; /* the last that was seen */
} duplicates_run;

static void put_json(duplicates_run *run, const akin_dataset_duplicate *d)
{
    if (d->group != run->group)
        json_array_append_new(run->groups, json_array());
    json_array_append_new(
        json_array_get(run->groups, json_array_size(run->groups) - 1),
        json_pack("{s:o, s:o, s:o, s:o, s:f}", "item", json_text(d->item_id),
                  "view_id", json_text(d->view_id), "view", json_text(d->view),
                  "url", json_text(d->url), "similarity",
                  (double)d->similarity));
}

static void put_csv(const akin_dataset_duplicate *d)
{
    print_csv csv = {0};
    print_csv_field(&csv, "%zu", d->group);
    print_csv_field(&csv, "%.6f", (double)d->similarity);
    print_csv_field(&csv, "%s", d->item_id);
    print_csv_field(&csv, "%s", d->view_id);
    print_csv_field(&csv, "%s", d->url);
    print_csv_end(&csv);
}

static bool on_duplicate(void *user, const akin_dataset_duplicate *d)
{
    duplicates_run *run = user;
    progress_hide(&run->watch.bar);
    if (run->format == FORMAT_JSON) {
        put_json(run, d);
    } else if (run->format == FORMAT_CSV) {
        put_csv(d);
    } else {
        print_table_put(&run->table, "%zu", d->group);
        print_table_put(&run->table, "%.4f", (double)d->similarity);
        print_table_put(&run->table, "%s", d->item_id);
        print_table_put(&run->table, "%s", d->url);
    }
    run->group = d->group;
    return true;
}

static bool on_progress(void *user, const akin_progress *state)
{
    duplicates_run *run = user;
    return dataset_watch_progress(&run->watch, state);
}

static akin_status find_duplicates(const char *path, const tag_args *args,
                                   duplicates_run *run, size_t *n_groups,
                                   akin_error *err)
{
    akin_dataset *ds = NULL;
    akin_dataset_duplicates_options opt = {
        .min_similarity = args->threshold, .where = args->where,
        .max_group = (size_t)args->max_group,
        .threads = (size_t)args->threads, .progress = on_progress,
        .visit = on_duplicate, .user = run};
    akin_status status = command_open_dataset(path, NULL, AKIN_CPU, &ds, err);
    if (status == AKIN_OK)
        status = akin_dataset_each_duplicate(ds, args->table, &opt, n_groups,
                                             err);
    akin_dataset_close(ds);
    return status;
}

static int run_duplicates(const options *parsed, const void *args_)
{
    static const print_column columns[] = {
        {.head = "group", .right = true}, {.head = "similarity", .right = true},
        {.head = "item"}, {.head = "file", .elide = true}};
    const tag_args *args = args_;
    akin_error err = {0};
    size_t n_groups = 0;
    const char *misuse = find_misuse(parsed, args);
    if (misuse) return command_misused(parsed, "%s", misuse);
    duplicates_run run = {.format = args->json ? FORMAT_JSON : args->format,
                          .groups = json_array()};
    dataset_watch_init(&run.watch, args->quiet, args->progress);
    print_table_init(&run.table, columns, sizeof columns / sizeof *columns);
    if (run.format == FORMAT_CSV) puts("group,similarity,item,view_id,file");
    akin_status status =
        find_duplicates(parsed->operands[0], args, &run, &n_groups, &err);
    int code = dataset_watch_end(&run.watch, status, &err);
    if (status == AKIN_OK && run.format == FORMAT_JSON)
        print_json(json_pack("{s:O}", "groups", run.groups));
    if (run.format == FORMAT_TABLE && n_groups > 0)
        print_table_write(&run.table);
    if (status == AKIN_OK && !args->quiet)
        print_note("%zu %s of duplicates", n_groups,
                   print_plural((long long)n_groups, "group", "groups"));
    json_decref(run.groups);
    dataset_watch_clear(&run.watch);
    return code;
}

/* ---- the commands ------------------------------------------------------- */

const command cmd_dataset_tag = {
    .name = "dataset tag",
    .summary = "give every item the label whose text is nearest",
    .synopsis = "DATASET --table T --labels A,B,... [options]",
    .about =
        "Needs a table of a model that takes texts. The label goes into a "
        "field of the\nitem, and how sure it is among the labels into another; "
        "both can be searched by\n--where. Items whose share is too small keep "
        "what they had.\n\n"
        "  akin dataset tag library/photos --table emb --labels "
        "'cat,dog,truck'\n",
    .table = tag_options,
    .args_size = sizeof(tag_args),
    .run = run_tag,
};

const command cmd_dataset_duplicates = {
    .name = "dataset duplicates",
    .summary = "find groups of views that are nearly the same",
    .synopsis = "DATASET --table T [--threshold S] [options]",
    .about =
        "Views of different items belong to one group if a chain of pairs "
        "leads from one to\nthe other, each at least as similar as the "
        "threshold. The similarity shown is to the\ngroup's first.\n\n"
        "  akin dataset duplicates library/photos --table emb --threshold "
        "0.99\n",
    .table = duplicates_options,
    .args_size = sizeof(tag_args),
    .run = run_duplicates,
};
