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
    &cmd_put,     &cmd_remove, &cmd_dataset_import, &cmd_dataset_add_table,
    &cmd_dataset_compute, &cmd_dataset_list, &cmd_dataset_get,
    &cmd_dataset_tag, &cmd_dataset_duplicates, &cmd_dataset_drop_table,
    &cmd_dataset_remove, &cmd_serve, &cmd_model, &cmd_demo, &cmd_bench,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

/* ---- help --------------------------------------------------------------- */

static void print_overview(FILE *out)
{
    fprintf(out,
            "akin: an embedding database for sounds and images\n\n"
            "usage: akin COMMAND ...      akin help COMMAND | TOPIC\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  %-20s%s\n", commands[i]->name, commands[i]->summary);
    fprintf(out, "\ntopics:\n");
    for (const help_topic *topic = help_topics; topic->name; topic++)
        fprintf(out, "  %-20s%s\n", topic->name, topic->summary);
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

/* The command that the first words name, and how many they are: "search", or
 * "dataset import". */
static const command *find_command(size_t n_words, char **words, size_t *n_used)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const char *name = commands[i]->name;
        size_t n = strcspn(name, " ");
        if (strncmp(name, words[0], n) != 0 || words[0][n]) continue;
        *n_used = name[n] ? 2 : 1;
        if (!name[n] || (n_words > 1 && strcmp(name + n + 1, words[1]) == 0))
            return commands[i];
    }
    return NULL;
}

/* The commands whose first word this is. */
static bool print_family(FILE *out, const char *word)
{
    bool any = false;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const char *name = commands[i]->name;
        if (!text_starts_with(name, word) || name[strlen(word)] != ' ')
            continue;
        fprintf(out, "  %-20s%s\n", name, commands[i]->summary);
        any = true;
    }
    return any;
}

static int fail_unknown(size_t n_words, char **words)
{
    const char *names[N_COMMANDS], *name = words[0];
    if (print_family(stderr, name)) {
        if (n_words > 1)
            print_error("'%s' is not among these commands", words[1]);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) names[i] = commands[i]->name;
    const char *nearest = options_nearest(name, names, N_COMMANDS);
    if (nearest)
        print_error("unknown command '%s', did you mean '%s'?", name, nearest);
    else
        print_error("unknown command '%s', see akin --help", name);
    return EXIT_USAGE;
}

static int run_help(size_t n_words, char **words)
{
    const char *name = n_words > 0 ? words[0] : NULL;
    size_t n_used;
    if (!name) {
        print_overview(stdout);
        return EXIT_DONE;
    }
    if (strcmp(name, "--json") == 0) {
        print_help_json();
        return EXIT_DONE;
    }
    const command *cmd = find_command(n_words, words, &n_used);
    if (cmd) {
        options_print_help(stdout, cmd);
        return EXIT_DONE;
    }
    if (n_words == 1 && print_family(stdout, name)) return EXIT_DONE;
    for (const help_topic *topic = help_topics; topic->name; topic++)
        if (strcmp(topic->name, name) == 0) {
            fputs(topic->text, stdout);
            return EXIT_DONE;
        }
    return fail_unknown(n_words, words);
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
        return run_help((size_t)argc - 2, argv + 2);
    size_t n_used, n_words = (size_t)argc - 1;
    const command *cmd = find_command(n_words, argv + 1, &n_used);
    return cmd ? run_command(cmd, argc - 1 - (int)n_used, argv + 1 + n_used)
               : fail_unknown(n_words, argv + 1);
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
