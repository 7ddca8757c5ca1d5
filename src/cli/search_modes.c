/* SPDX-License-Identifier: MIT
 * Options of akin search that are not for all it searches. */
#include "cli/search_modes.h"

#include "base/text.h"
#include "cli/commands.h"
#include "cli/print.h"

/* Those that are not here are for databases. */
static const struct {
    const char *option;
    unsigned modes;
} others[] = {
    {"vector", SEARCH_DATABASES | SEARCH_VECTORS | SEARCH_DATASET},
    {"n-results", SEARCH_DATABASES | SEARCH_VECTORS | SEARCH_DATASET},
    {"format", SEARCH_DATABASES | SEARCH_VECTORS | SEARCH_DATASET},
    {"json", SEARCH_DATABASES | SEARCH_VECTORS | SEARCH_DATASET},
    {"quiet", SEARCH_DATABASES | SEARCH_VECTORS | SEARCH_DATASET},
    {"config", SEARCH_VECTORS},
    {"track", SEARCH_VECTORS},
    {"nprobe", SEARCH_VECTORS},
    {"threads", SEARCH_DATABASES | SEARCH_VECTORS},
    {"ef", SEARCH_DATABASES | SEARCH_VECTORS},
    {"recall", SEARCH_DATABASES | SEARCH_VECTORS},
    {"file", SEARCH_DATABASES | SEARCH_DATASET},
    {"text", SEARCH_DATABASES | SEARCH_DATASET},
    {"offset", SEARCH_DATABASES | SEARCH_DATASET},
    {"exact", SEARCH_DATABASES | SEARCH_DATASET},
    {"device", SEARCH_DATABASES | SEARCH_DATASET},
    {"audio-root", SEARCH_DATABASES | SEARCH_DATASET},
    {"table", SEARCH_DATASET},
    {"view", SEARCH_DATASET},
    {"item", SEARCH_DATASET},
    {"not-text", SEARCH_DATASET},
    {"not-file", SEARCH_DATASET},
    {"not-view", SEARCH_DATASET},
    {"not-item", SEARCH_DATASET},
    {"where", SEARCH_DATASET},
    {"only-view", SEARCH_DATASET},
    {"min-similarity", SEARCH_DATASET},
};

static unsigned modes_of(const char *option)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (text_equal(others[i].option, option)) return others[i].modes;
    return SEARCH_DATABASES;
}

int search_modes_check(const options *parsed, search_mode mode)
{
    const option_spec *table = parsed->command->table;
    for (size_t i = 0; table[i].name; i++) {
        const char *name = table[i].name;
        unsigned modes = modes_of(name);
        if ((modes & mode) || !options_given(parsed, name)) continue;
        if (mode != SEARCH_DATABASES)
            return command_misused(parsed, "--%s cannot be used with --%s",
                                   name, mode == SEARCH_VECTORS ? "config"
                                                                : "table");
        return command_misused(parsed, "--%s needs --%s", name,
                               modes & SEARCH_VECTORS ? "config" : "table");
    }
    return EXIT_DONE;
}
