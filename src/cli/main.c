/* SPDX-License-Identifier: MIT
 * akin's main: finds the command, parses its options and runs it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "akin/index.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/signals.h"

static const command *const commands[] = {
    &cmd_extract, &cmd_search, &cmd_info,   &cmd_verify,
    &cmd_label,   &cmd_index,  &cmd_import, &cmd_export, &cmd_create,
    &cmd_put,     &cmd_remove, &cmd_model,  &cmd_demo,
    &cmd_bench,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

/* ---- help --------------------------------------------------------------- */

static void print_overview(FILE *out)
{
    fprintf(out,
            "akin: an embedding database for sounds and images\n\n"
            "usage: akin COMMAND ...      akin help COMMAND | TOPIC\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-18s%s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\ntopics:\n");
    for (const help_topic *topic = help_topics; topic->name; topic++)
        fprintf(out, "  %-18s%s\n", topic->name, topic->summary);
    fprintf(out, "\nfirst steps:\n"
                 "  akin extract RECORDINGS birds.db\n"
                 "  akin search birds.db --file CALL.wav\n"
                 "  akin extract PICTURES pictures.db\n"
                 "  akin search pictures.db --file EXAMPLE.jpg\n"
                 "  akin create --config config.json\n"
                 "  akin search --config config.json --vector QUERY.npy\n");
}

static void print_help_json(void)
{
    json_t *all = json_array(), *topics = json_array();
    for (size_t i = 0; i < N_COMMANDS; i++)
        json_array_append_new(all, options_to_json(commands[i]));
    for (const help_topic *topic = help_topics; topic->name; topic++)
        json_array_append_new(topics,
                              json_pack("{s:s, s:s, s:s}", "name", topic->name,
                                        "summary", topic->summary, "text",
                                        topic->text));
    print_json(json_pack("{s:s, s:o, s:o}", "version", akin_version(),
                         "commands", all, "topics", topics));
}

static const command *find_command(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static int fail_unknown(const char *name)
{
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) names[i] = commands[i]->name;
    const char *nearest = options_nearest(name, names, N_COMMANDS);
    if (nearest)
        print_error("unknown command '%s', did you mean '%s'?", name, nearest);
    else
        print_error("unknown command '%s', see akin --help", name);
    return EXIT_USAGE;
}

static int run_help(const char *name)
{
    if (!name) {
        print_overview(stdout);
        return EXIT_DONE;
    }
    if (strcmp(name, "--json") == 0) {
        print_help_json();
        return EXIT_DONE;
    }
    const command *cmd = find_command(name);
    if (cmd) {
        options_print_help(stdout, cmd);
        return EXIT_DONE;
    }
    for (const help_topic *topic = help_topics; topic->name; topic++)
        if (strcmp(topic->name, name) == 0) {
            fputs(topic->text, stdout);
            return EXIT_DONE;
        }
    return fail_unknown(name);
}

/* ---- commands ----------------------------------------------------------- */

static int run_parsed(const command *cmd, int argc, char **argv, void *args)
{
    options parsed;
    akin_error err = {0};
    int code;
    akin_status status = options_parse(&parsed, cmd, argc, argv, args, &err);
    if (status == AKIN_EUSAGE) {
        if (text_ends_with(err.text, "?", false)) /* did you mean */
            print_error("%s", err.text);
        else
            print_error("%s; see akin help %s", err.text, cmd->name);
        code = EXIT_USAGE;
    } else if (status != AKIN_OK) {
        code = print_failure(&err);
    } else if (parsed.help) {
        options_print_help(stdout, cmd);
        code = EXIT_DONE;
    } else {
        code = cmd->run(&parsed, args);
    }
    options_clear(&parsed, args);
    return code;
}

static int run_command(const command *cmd, int argc, char **argv)
{
    void *args = mem_array(1, cmd->args_size);
    if (!args) {
        print_error("out of memory");
        return EXIT_FAILED;
    }
    int code = run_parsed(cmd, argc, argv, args);
    mem_free(args);
    return code;
}

static int run(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : NULL;
    if (!name) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
        printf("%s\n", akin_build_info());
        return EXIT_DONE;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 ||
        strcmp(name, "-h") == 0)
        return run_help(argc > 2 ? argv[2] : NULL);
    const command *cmd = find_command(name);
    return cmd ? run_command(cmd, argc - 2, argv + 2) : fail_unknown(name);
}

/* AKIN_ISA: what the vectors are computed with, to compare and to test. */
static bool choose_isa(void)
{
    const char *name = getenv("AKIN_ISA");
    if (!name || !*name || akin_use_isa(name)) return true;
    print_error("cannot run AKIN_ISA='%s': scalar, or what this processor has "
                "of neon, avx2, avx512, avx512vnni", name);
    return false;
}

int main(int argc, char **argv)
{
    signals_init();
    int code = choose_isa() ? run(argc, argv) : EXIT_USAGE;
    if (!print_close() && code == EXIT_DONE) code = EXIT_FAILED;
    return code;
}
