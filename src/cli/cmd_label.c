/* SPDX-License-Identifier: MIT
 * akin label: labels on windows: give them, list them, take them from a CSV. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/commands.h"
#include "cli/label_import.h"
#include "cli/print.h"

typedef struct label_args {
    const char *database, *label, *by, *import;
    option_integers windows, remove;
    int format;
    bool negative, uncertain, list, json, quiet;
} label_args;

#define AT(field) offsetof(label_args, field)

static const option_spec option_table[] = {
    {.name = "database", .aliases = "-db", .type = OPTION_TEXT,
     .offset = AT(database), .value = "DB",
     .help = "the database"},
    {.name = "window", .type = OPTION_INTEGERS, .offset = AT(windows),
     .value = "ID",
     .help = "label these windows", .min = 1, .max = 9e15},
    {.name = "label", .type = OPTION_TEXT, .offset = AT(label), .value = "L",
     .help = "the label"},
    {.name = "negative", .type = OPTION_FLAG, .offset = AT(negative),
     .help = "say that the label does not hold"},
    {.name = "uncertain", .type = OPTION_FLAG, .offset = AT(uncertain),
     .help = "say that it is not sure"},
    {.name = "by", .type = OPTION_TEXT, .offset = AT(by), .value = "NAME",
     .help = "who says so (the user's name)"},
    {.name = "remove", .type = OPTION_INTEGERS, .offset = AT(remove),
     .value = "ID",
     .help = "take the labels with these ids away; --list --json tells them",
     .min = 1, .max = 9e15},
    {.name = "list", .type = OPTION_FLAG, .offset = AT(list),
     .help = "print all labels"},
    {.name = "import", .type = OPTION_TEXT, .offset = AT(import),
     .value = "F.csv",
     .help = "take labels from a file with the columns "
             "recording,start,end,label and, if wanted, type and by; --list "
             "--format csv writes such a file"},
    {.name = "format", .type = OPTION_CHOICE, .offset = AT(format),
     .value = "table|json|csv",
     .help = "how --list prints (table)", .choices = command_formats},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "no summary"},
    OPTION_END,
};

/* ---- listing ------------------------------------------------------------ */

typedef struct label_listing {
    int format;
    print_table table;
    print_csv csv;
    json_t *rows;
} label_listing;

static const char *type_name(akin_label_type type)
{
    return type == AKIN_NEGATIVE    ? "negative"
           : type == AKIN_UNCERTAIN ? "uncertain"
                                    : "positive";
}

static void list_as_csv(label_listing *listing, const akin_annotation *a)
{
    char start[32], end[32];
    text_from_double(a->start_s, start);
    text_from_double(a->end_s, end);
    print_csv_field(&listing->csv, "%s", a->recording);
    print_csv_field(&listing->csv, "%s", start);
    print_csv_field(&listing->csv, "%s", end);
    print_csv_field(&listing->csv, "%s", a->label);
    print_csv_field(&listing->csv, "%s", type_name(a->type));
    print_csv_field(&listing->csv, "%s", a->by);
    print_csv_end(&listing->csv);
}

static void list_as_row(label_listing *listing, const akin_annotation *a)
{
    char start[PRINT_PIECE_SIZE], end[PRINT_PIECE_SIZE];
    print_time(a->start_s, start);
    print_time(a->end_s, end);
    print_table_put(&listing->table, "%s", a->recording);
    print_table_put(&listing->table, "%s – %s", start, end);
    print_table_put(&listing->table, "%s", a->label);
    print_table_put(&listing->table, "%s", type_name(a->type));
    print_table_put(&listing->table, "%s", a->by);
}

static bool on_annotation(void *user, const akin_annotation *a)
{
    label_listing *listing = user;
    if (listing->format == FORMAT_CSV)
        list_as_csv(listing, a);
    else if (listing->format == FORMAT_TABLE)
        list_as_row(listing, a);
    else
        json_array_append_new(
            listing->rows,
            json_pack("{s:I, s:o, s:f, s:f, s:o, s:s, s:o}", "id",
                      (json_int_t)a->id, "recording", json_text(a->recording), "start", a->start_s, "end",
                      a->end_s, "label", json_text(a->label), "type",
                      type_name(a->type), "by", json_text(a->by)));
    return true;
}

static akin_status list_labels(akin_db *db, const label_args *args,
                               akin_error *err)
{
    static const print_column columns[] = {
        {.head = "recording", .elide = true},
        {.head = "time"},
        {.head = "label"},
        {.head = "type"},
        {.head = "by"},
    };
    label_listing listing = {.format = args->json ? FORMAT_JSON : args->format,
                             .rows = json_array()};
    print_table_init(&listing.table, columns,
                     sizeof columns / sizeof *columns);
    if (listing.format == FORMAT_CSV) puts("recording,start,end,label,type,by");
    akin_status status = akin_each_annotation(db, on_annotation, &listing, err);
    if (listing.format == FORMAT_JSON)
        print_json(json_pack("{s:O}", "annotations", listing.rows));
    else if (listing.format == FORMAT_TABLE)
        print_table_write(&listing.table);
    json_decref(listing.rows);
    return status;
}

/* ---- labelling ---------------------------------------------------------- */

static const char *default_by(const label_args *args)
{
    const char *user = getenv("USER");
    return args->by ? args->by : user && *user ? user : "akin";
}

static void print_added(const label_args *args, size_t n_added, size_t n_same)
{
    if (args->json)
        print_json(json_pack("{s:I, s:I}", "added", (json_int_t)n_added,
                             "unchanged", (json_int_t)n_same));
    if (!args->quiet)
        print_note("%zu %s added, %zu there already", n_added,
                   print_plural((long long)n_added, "label", "labels"), n_same);
}

static akin_status label_windows(akin_db *db, const label_args *args,
                                 akin_error *err)
{
    akin_annotation annotation = {
        .label = args->label, .by = default_by(args),
        .type = args->negative    ? AKIN_NEGATIVE
                : args->uncertain ? AKIN_UNCERTAIN
                                  : AKIN_POSITIVE};
    size_t n_added = 0;
    for (size_t i = 0; i < args->windows.n; i++) {
        bool added = false;
        AKIN_TRY(akin_label(db, args->windows.items[i], &annotation, &added,
                            err));
        n_added += added;
    }
    print_added(args, n_added, args->windows.n - n_added);
    return AKIN_OK;
}

/* Those that are there go, though others are not. */
static akin_status remove_labels(akin_db *db, const label_args *args,
                                 size_t *n_failed, akin_error *err)
{
    size_t n_removed = 0;
    for (size_t i = 0; i < args->remove.n; i++) {
        bool removed = false;
        AKIN_TRY(akin_unlabel(db, args->remove.items[i], &removed, err));
        n_removed += removed;
        if (!removed)
            print_note("there is no label %lld",
                       (long long)args->remove.items[i]);
    }
    *n_failed = args->remove.n - n_removed;
    if (args->json)
        print_json(json_pack("{s:I}", "removed", (json_int_t)n_removed));
    if (!args->quiet)
        print_note("%zu %s removed", n_removed,
                   print_plural((long long)n_removed, "label", "labels"));
    return AKIN_OK;
}

static akin_status import_labels(akin_db *db, const label_args *args,
                                 size_t *n_failed, akin_error *err)
{
    label_import_report report = {0};
    AKIN_TRY(label_import(db, args->import, default_by(args), &report, err));
    *n_failed = report.n_failed;
    print_added(args, report.n_added, report.n_unchanged);
    return AKIN_OK;
}

/* What is wrong with the options, or NULL. */
static const char *find_misuse(const label_args *args)
{
    int n_verbs = (args->windows.n > 0) + (args->remove.n > 0) + args->list +
                  !!args->import;
    if (n_verbs != 1)
        return "one of --window, --remove, --import and --list is needed";
    if (args->windows.n > 0 && (!args->label || !*args->label))
        return "--window needs --label";
    if (args->windows.n == 0 && args->label) return "--label needs --window";
    if (args->negative && args->uncertain)
        return "--negative and --uncertain exclude each other";
    return NULL;
}

static int run_label(const options *parsed, const void *args_)
{
    const label_args *args = args_;
    akin_db *db = NULL;
    akin_error err = {0};
    size_t n_failed = 0;
    const char *path = args->database;
    const char *misuse = find_misuse(args);
    if (!path && parsed->n_operands == 1) path = parsed->operands[0];
    if (!path || parsed->n_operands > (args->database ? 0 : 1))
        return command_misused(parsed, "one database is needed");
    if (misuse) return command_misused(parsed, "%s", misuse);
    akin_status status =
        command_open(path, args->list ? AKIN_READ : AKIN_LABEL, &db, &err);
    if (status == AKIN_OK)
        status = args->list     ? list_labels(db, args, &err)
                 : args->import ? import_labels(db, args, &n_failed, &err)
                 : args->remove.n > 0
                     ? remove_labels(db, args, &n_failed, &err)
                     : label_windows(db, args, &err);
    akin_close(db);
    if (status != AKIN_OK) return print_failure(&err);
    return n_failed > 0 ? EXIT_SOME_FAILED : EXIT_DONE;
}

const command cmd_label = {
    .name = "label",
    .summary = "label windows, or list, remove or import labels",
    .synopsis = "DB --window ID... --label L [--negative|--uncertain] "
                "[--by NAME]\n"
                "DB --remove ID...\n"
                "DB --import F.csv\n"
                "DB --list [--format csv]",
    .about =
        "An imported row labels the window with its start and end; if there is "
        "none, the\nwindows of which at least half lies in the row's span, or "
        "that cover at least\nhalf of it. Rows without such a window are "
        "named. A label that is there already\nis left as it is.\n\n"
        "  akin label birds.db --window 17 21 --label 'Turdus merula'\n"
        "  akin label birds.db --list --format csv > labels.csv\n",
    .table = option_table,
    .args_size = sizeof(label_args),
    .run = run_label,
};
