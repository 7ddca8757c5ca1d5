/* SPDX-License-Identifier: MIT
 * Progress and warnings of the vector module, by the callbacks it takes. */
#include "cli/vector_watch.h"

#include "base/text.h"
#include "cli/print.h"
#include "cli/signals.h"

static const char *phase_in_words(const char *phase)
{
    static const char *const words[][2] = {
        {"read", "reading the vectors"}, {"train", "training the index"},
        {"add", "indexing the vectors"}, {"table", "writing the table"},
        {"save", "saving the index"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_equal(words[i][0], phase)) return words[i][1];
    return phase;
}

static bool on_progress(void *user, const char *phase, double fraction)
{
    vector_watch *watch = user;
    akin_progress state = {.phase = phase_in_words(phase),
                           .fraction = fraction, .remaining_s = -1};
    if (watch->phase != state.phase) watch->bar.shown_at = 0; /* at once */
    watch->phase = state.phase;
    progress_show(&watch->bar, &state);
    return !signals_stopped();
}

static void on_warning(void *user, const char *text)
{
    vector_watch *watch = user;
    progress_hide(&watch->bar);
    print_warning("%s", text);
    json_array_append_new(watch->warnings, json_text(text));
}

void vector_watch_init(vector_watch *watch, bool quiet, bool forced)
{
    *watch = (vector_watch){.warnings = json_array()};
    progress_init(&watch->bar, quiet, forced);
    signals_catch();
}

void vector_watch_clear(vector_watch *watch)
{
    json_decref(watch->warnings);
    *watch = (vector_watch){0};
}

akin_vectors_options vector_watch_options(vector_watch *watch, size_t threads)
{
    return (akin_vectors_options){.threads = threads,
                                  .progress = on_progress,
                                  .warn = on_warning,
                                  .user = watch};
}

int vector_watch_end(vector_watch *watch, akin_status status,
                     const akin_error *err)
{
    progress_hide(&watch->bar);
    if (status == AKIN_OK) return EXIT_DONE;
    if (status != AKIN_ECANCELLED) return print_failure(err);
    print_note("%s", err->text);
    return EXIT_STOPPED;
}
