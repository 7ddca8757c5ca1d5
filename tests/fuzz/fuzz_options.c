/* SPDX-License-Identifier: MIT
 * Hunts for a command line that makes the option parser or its search for the
 * nearest name run outside its words, or give a value out of its bounds. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_WORDS = 64 };

static const command *const commands[] = {&cmd_extract, &cmd_search,
                                          &cmd_label, &cmd_model};

static void parse(const command *cmd, int argc, char **argv)
{
    options parsed;
    akin_error err = {0};
    void *args = mem_array(1, cmd->args_size);
    if (!args) return;
    akin_status status = options_parse(&parsed, cmd, argc, argv, args, &err);
    if (status != AKIN_OK && (status != AKIN_EUSAGE || !err.text[0])) abort();
    if (parsed.n_operands > (size_t)argc) abort();
    options_clear(&parsed, args);
    mem_free(args);
}

/* The first byte chooses the command, lines are its words. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *words[MAX_WORDS + 1] = {0};
    int n = 0;
    if (size == 0) return 0;
    char *text = mem_array(size + 1, 1);
    if (!text) return 0;
    memcpy(text, data + 1, size - 1);
    for (char *at = text; *at && n < MAX_WORDS; n++) {
        words[n] = at;
        at += strcspn(at, "\n");
        if (*at) *at++ = 0;
    }
    parse(commands[data[0] % 4], n, words);
    mem_free(text);
    return 0;
}
