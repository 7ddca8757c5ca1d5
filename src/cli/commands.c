/* SPDX-License-Identifier: MIT
 * What the commands share: opening a database, and the word to a misuser. */
#include "cli/commands.h"

#include <stdarg.h>

#include "cli/print.h"

int command_misused(const options *parsed, const char *fmt, ...)
{
    char text[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    print_error("%s", text);
    options_print_usage(stderr, parsed->command);
    print_note("see akin help %s", parsed->command->name);
    return EXIT_USAGE;
}

akin_status command_open(const char *path, akin_mode mode, akin_db **out,
                         akin_error *err)
{
    akin_db_options opt = {.mode = mode, .warn = print_library_warning};
    return akin_open(path, &opt, out, err);
}
