/* SPDX-License-Identifier: MIT
 * akin create: index and SQL table of vectors that a config.json names. */
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/vector_watch.h"

typedef struct create_args {
    const char *config, *vectors, *tracks;
    int64_t threads;
    bool json, quiet, progress;
} create_args;

#define AT(field) offsetof(create_args, field)

static const option_spec option_table[] = {
    {.name = "config", .type = OPTION_TEXT, .offset = AT(config),
     .value = "C",
     .help = "config.json: where vectors, index and database are; see akin "
             "help vectors"},
    {.name = "vectors", .type = OPTION_TEXT, .offset = AT(vectors),
     .value = "PATH",
     .help = "the vectors, instead of those that the config names: .npy, "
             ".npz, or a folder of TRACK.npy"},
    {.name = "tracks", .type = OPTION_TEXT, .offset = AT(tracks),
     .value = "T.csv",
     .help = "which track each vector is of: a row for each, with a column "
             "track_id (the names of a folder's files, else row numbers)"},
    {.name = "threads", .aliases = "-t", .type = OPTION_INTEGER,
     .offset = AT(threads), .value = "N",
     .help = "threads (one per processor); the index does not depend on it",
     .min = 1, .max = 256, .clamp = true},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print what was made as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "no progress and no summary"},
    {.name = "progress", .type = OPTION_FLAG, .offset = AT(progress),
     .help = "show progress even where stderr is no terminal"},
    OPTION_END,
};

static void print_summary(const akin_vectors_info *made,
                          const create_args *args)
{
    char size[PRINT_PIECE_SIZE];
    print_size(made->index_bytes, size);
    print_note("%zu %s of %u numbers indexed (%s) in %s, %s", made->n,
               print_plural((long long)made->n, "vector", "vectors"), made->dim,
               made->index_type, made->index_path, size);
    print_note("their tracks are in table vector_metadata (%s)", made->server);
    print_note("%.2f s: read %.2f s, index %.2f s, table %.2f s, save %.2f s",
               made->read_s + made->build_s + made->table_s + made->save_s,
               made->read_s, made->build_s, made->table_s, made->save_s);
    print_note("next: akin search --config %s --track TRACK", args->config);
}

static void print_report(const akin_vectors_info *made, json_t *warnings)
{
    json_t *seconds = json_pack("{s:f, s:f, s:f, s:f}", "read", made->read_s,
                                "build", made->build_s, "table", made->table_s,
                                "save", made->save_s);
    print_json(json_pack(
        "{s:I, s:I, s:o, s:s, s:o, s:I, s:o, s:s, s:o, s:O}", "vectors",
        (json_int_t)made->n, "dim", (json_int_t)made->dim, "index_type",
        json_text(made->index_type), "metric", made->metric, "index",
        json_text(made->index_path), "index_bytes",
        (json_int_t)made->index_bytes, "server", json_text(made->server),
        "table", "vector_metadata", "seconds", seconds, "warnings", warnings));
}

static int run_create(const options *parsed, const void *args_)
{
    const create_args *args = args_;
    vector_watch watch;
    akin_vectors *made = NULL;
    akin_vectors_info info;
    akin_error err = {0};
    akin_vectors_source source = {.path = args->vectors,
                                  .tracks = args->tracks};
    if (!args->config)
        return command_misused(parsed, "--config is missing");
    if (parsed->n_operands > 0)
        return command_misused(parsed, "'%s' is not understood: vectors are "
                                       "given with --vectors",
                               parsed->operands[0]);
    vector_watch_init(&watch, args->quiet, args->progress);
    akin_vectors_options opt =
        vector_watch_options(&watch, (size_t)args->threads);
    akin_status status =
        akin_vectors_create(args->config, &source, &opt, &made, &err);
    int code = vector_watch_end(&watch, status, &err);
    if (status == AKIN_OK) {
        akin_vectors_get_info(made, &info);
        if (args->json) print_report(&info, watch.warnings);
        if (!args->quiet) print_summary(&info, args);
    }
    akin_vectors_close(made);
    vector_watch_clear(&watch);
    return code;
}

const command cmd_create = {
    .name = "create",
    .summary = "index vectors you already have, as a config.json says",
    .synopsis = "--config C [--vectors PATH] [--tracks T.csv] [options]",
    .about =
        "Reads the vectors, builds the index, writes which track each is of "
        "to table\nvector_metadata of your database, and saves the index as a "
        "file that FAISS reads\ntoo. An index and a table that are there are "
        "replaced, each in one step. What is\nin a config is in akin help "
        "vectors.\n\n"
        "  akin create --config config.json\n"
        "  akin create --config config.json --vectors new.npy --tracks "
        "new.csv\n",
    .table = option_table,
    .args_size = sizeof(create_args),
    .run = run_create,
};
