/* SPDX-License-Identifier: MIT
 * What the commands share: opening a database, and the word to a misuser. */
#include "cli/commands.h"

#include <stdarg.h>

#include "cli/model_places.h"
#include "cli/print.h"

const char *const command_formats[] = {"table", "json", "csv", NULL};
const char *const command_devices[] = {"cpu", "cuda", NULL};

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

akin_status command_open_with(const char *path, const akin_db_options *opt,
                              akin_device device, akin_db **out,
                              akin_error *err)
{
    model_places places;
    akin_db_options with_models = *opt;
    akin_status status = model_places_init(&places, device, err);
    with_models.models = &places.options;
    if (status == AKIN_OK) status = akin_open(path, &with_models, out, err);
    model_places_clear(&places);
    return status;
}

akin_status command_open(const char *path, akin_mode mode, akin_db **out,
                         akin_error *err)
{
    akin_db_options opt = {.mode = mode, .warn = print_library_warning};
    return command_open_with(path, &opt, AKIN_CPU, out, err);
}

akin_status command_open_dataset(const char *path,
                                 const akin_dataset_options *opt,
                                 akin_device device, akin_dataset **out,
                                 akin_error *err)
{
    model_places places;
    akin_dataset_options with_models = {0};
    akin_status status = model_places_init(&places, device, err);
    if (opt) with_models = *opt;
    with_models.models = &places.options;
    with_models.warn = print_library_warning;
    if (status == AKIN_OK)
        status = akin_dataset_open(path, &with_models, out, err);
    model_places_clear(&places);
    return status;
}
