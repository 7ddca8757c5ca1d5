/* SPDX-License-Identifier: MIT
 * akin remove: takes tracks out of index and table of a config.json. */
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/vector_watch.h"

typedef struct remove_args {
    const char *config;
    bool json, quiet;
} remove_args;

#define AT(field) offsetof(remove_args, field)

static const option_spec option_table[] = {
    {.name = "config", .type = OPTION_TEXT, .offset = AT(config),
     .value = "C", .help = "config.json that akin create was given"},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print what changed as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "no summary"},
    OPTION_END,
};

static void print_change(const akin_vectors_change *change,
                         const akin_vectors_info *info,
                         const remove_args *args)
{
    if (args->json)
        print_json(json_pack("{s:I, s:I}", "removed",
                             (json_int_t)change->n_removed, "vectors",
                             (json_int_t)info->n));
    if (args->quiet) return;
    if (change->n_removed == 0)
        print_note("no such track; %zu %s still in %s", info->n,
                   print_plural((long long)info->n, "vector is",
                                "vectors are"),
                   info->index_path);
    else
        print_note("%zu %s removed; %zu left in %s", change->n_removed,
                   print_plural((long long)change->n_removed, "vector",
                                "vectors"),
                   info->n, info->index_path);
}

static int run_remove(const options *parsed, const void *args_)
{
    const remove_args *args = args_;
    vector_watch watch;
    akin_vectors *v = NULL;
    akin_vectors_info info;
    akin_vectors_change change = {0};
    akin_error err = {0};
    if (!args->config) return command_misused(parsed, "--config is missing");
    if (parsed->n_operands == 0)
        return command_misused(parsed, "the tracks are missing");
    vector_watch_init(&watch, args->quiet, false);
    akin_vectors_options opt = vector_watch_options(&watch, 0);
    akin_status status = akin_vectors_open(args->config, &opt, &v, &err);
    if (status == AKIN_OK)
        status = akin_vectors_remove(v, parsed->operands, parsed->n_operands,
                                     &change, &err);
    int code = vector_watch_end(&watch, status, &err);
    if (status == AKIN_OK) {
        akin_vectors_get_info(v, &info);
        print_change(&change, &info, args);
    }
    akin_vectors_close(v);
    vector_watch_clear(&watch);
    return code;
}

const command cmd_remove = {
    .name = "remove",
    .summary = "take tracks out of the vectors of a config.json",
    .synopsis = "--config C TRACK...",
    .about =
        "Removes the tracks' vectors from the index and their rows from table\n"
        "vector_metadata, together or not at all. Vector ids that are row "
        "numbers move up.\nTracks that are not there are no error.\n\n"
        "  akin remove --config config.json 574 1203\n",
    .table = option_table,
    .args_size = sizeof(remove_args),
    .run = run_remove,
};
