/* SPDX-License-Identifier: MIT
 * akin index: the graph by which a large database is searched. */
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/vector_watch.h"

typedef struct index_args {
    const char *database;
    int64_t threads;
    bool json, quiet, progress;
} index_args;

#define AT(field) offsetof(index_args, field)

static const option_spec option_table[] = {
    {.name = "database", .aliases = "-db", .type = OPTION_TEXT,
     .offset = AT(database), .value = "DB",
     .help = "the database"},
    {.name = "threads", .aliases = "-t", .type = OPTION_INTEGER,
     .offset = AT(threads), .value = "N",
     .help = "threads (one per processor)",
     .min = 1, .max = 256, .clamp = true},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print what was made as JSON"},
    {.name = "progress", .type = OPTION_FLAG, .offset = AT(progress),
     .help = "show progress even where there is no terminal"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "no word on standard error but warnings and errors"},
    OPTION_END,
};

static void tell(const akin_graph_report *report, const index_args *args)
{
    if (args->json)
        print_json(json_pack("{s:b, s:I, s:I}", "worth_it", report->worth_it,
                             "vectors", (json_int_t)report->n_vectors, "bytes",
                             (json_int_t)report->bytes));
    if (args->quiet) return;
    if (!report->worth_it)
        print_note("a search looks at every vector in a few milliseconds; no "
                   "graph is needed");
    else
        print_note("searches go by a graph of %zu vectors, %.1f MB in "
                   "akin.cache", report->n_vectors,
                   (double)report->bytes / 1e6);
}

static int run_index(const options *parsed, const void *args_)
{
    const index_args *args = args_;
    vector_watch watch;
    akin_db *db = NULL;
    akin_graph_report report = {0};
    akin_error err = {0};
    const char *path = args->database;
    if (!path && parsed->n_operands == 1) path = parsed->operands[0];
    if (!path || parsed->n_operands > (args->database ? 0 : 1))
        return command_misused(parsed, "one database is needed");
    vector_watch_init(&watch, args->quiet, args->progress);
    akin_vectors_options opt =
        vector_watch_options(&watch, (size_t)args->threads);
    akin_db_options db_opt = {.mode = AKIN_READ,
                              .warn = print_library_warning};
    akin_graph_options graph = {.threads = opt.threads,
                                .progress = opt.progress,
                                .user = opt.user};
    akin_status status = akin_open(path, &db_opt, &db, &err);
    if (status == AKIN_OK) status = akin_make_graph(db, &graph, &report, &err);
    int code = vector_watch_end(&watch, status, &err);
    if (status == AKIN_OK) tell(&report, args);
    akin_close(db);
    vector_watch_clear(&watch);
    return code;
}

const command cmd_index = {
    .name = "index",
    .summary = "make a large database fast to search",
    .synopsis = "DB [options]",
    .about =
        "Builds a graph over the vectors of DB and keeps it in DB/akin.cache, "
        "or brings it\nup to date. akin extract and akin import do so "
        "themselves: this is for databases\nthat other programs wrote, and "
        "after akin.cache was deleted, which may be done at\nany time. "
        "Databases of less than 64 MB of vectors need none.\n\n"
        "  akin index birds.db\n",
    .table = option_table,
    .args_size = sizeof(index_args),
    .run = run_index,
};
