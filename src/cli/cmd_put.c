/* SPDX-License-Identifier: MIT
 * akin put: adds vectors to those of a config.json, or replaces them. */
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/vector_watch.h"

typedef struct put_args {
    const char *config, *tracks;
    int64_t threads;
    bool json, quiet, progress;
} put_args;

#define AT(field) offsetof(put_args, field)

static const option_spec option_table[] = {
    {.name = "config", .type = OPTION_TEXT, .offset = AT(config),
     .value = "C", .help = "config.json that akin create was given"},
    {.name = "tracks", .type = OPTION_TEXT, .offset = AT(tracks),
     .value = "T.csv",
     .help = "which track each vector is of (the names of a folder's files)"},
    {.name = "threads", .aliases = "-t", .type = OPTION_INTEGER,
     .offset = AT(threads), .value = "N",
     .help = "threads (one per processor)", .min = 1, .max = 256,
     .clamp = true},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print what changed as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "no progress and no summary"},
    {.name = "progress", .type = OPTION_FLAG, .offset = AT(progress),
     .help = "show progress even where stderr is no terminal"},
    OPTION_END,
};

static void print_change(const akin_vectors_change *change,
                         const akin_vectors_info *info, const put_args *args)
{
    if (args->json)
        print_json(json_pack("{s:I, s:I, s:I}", "added",
                             (json_int_t)change->n_added, "replaced",
                             (json_int_t)change->n_replaced, "vectors",
                             (json_int_t)info->n));
    if (!args->quiet)
        print_note("%zu %s added, %zu replaced; %zu now in %s",
                   change->n_added,
                   print_plural((long long)change->n_added, "vector",
                                "vectors"),
                   change->n_replaced, info->n, info->index_path);
}

static int run_put(const options *parsed, const void *args_)
{
    const put_args *args = args_;
    vector_watch watch;
    akin_vectors *v = NULL;
    akin_vectors_info info;
    akin_vectors_change change = {0};
    akin_error err = {0};
    if (!args->config) return command_misused(parsed, "--config is missing");
    if (parsed->n_operands != 1)
        return command_misused(parsed, "one file or folder of vectors is "
                                       "needed");
    akin_vectors_source source = {.path = parsed->operands[0],
                                  .tracks = args->tracks};
    vector_watch_init(&watch, args->quiet, args->progress);
    akin_vectors_options opt =
        vector_watch_options(&watch, (size_t)args->threads);
    akin_status status = akin_vectors_open(args->config, &opt, &v, &err);
    if (status == AKIN_OK)
        status = akin_vectors_put(v, &source, &change, &err);
    int code = vector_watch_end(&watch, status, &err);
    if (status == AKIN_OK) {
        akin_vectors_get_info(v, &info);
        print_change(&change, &info, args);
    }
    akin_vectors_close(v);
    vector_watch_clear(&watch);
    return code;
}

const command cmd_put = {
    .name = "put",
    .summary = "add vectors to those of a config.json, or replace them",
    .synopsis = "--config C VECTORS [--tracks T.csv]",
    .about =
        "A track that is there gets its new vector instead of its old one. "
        "VECTORS is a\nfolder of TRACK.npy, or a .npy or .npz file with "
        "--tracks. Index and table change\ntogether or not at all.\n\n"
        "  akin put --config config.json new/\n"
        "  akin put --config config.json new.npy --tracks new.csv\n",
    .table = option_table,
    .args_size = sizeof(put_args),
    .run = run_put,
};
