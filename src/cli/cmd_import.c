/* SPDX-License-Identifier: MIT
 * akin import: vectors that were made elsewhere, into a database. */
#include "cli/commands.h"
#include "cli/model_places.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/signals.h"

typedef struct import_args {
    const char *database, *tracks, *model, *dataset;
    bool json, quiet, progress;
} import_args;

#define AT(field) offsetof(import_args, field)

static const option_spec option_table[] = {
    {.name = "database", .aliases = "-db", .type = OPTION_TEXT,
     .offset = AT(database), .value = "DB",
     .help = "the database; it is made if it is not there"},
    {.name = "tracks", .type = OPTION_TEXT, .offset = AT(tracks),
     .value = "T.csv",
     .help = "a name for each vector, in order: column recording, track_id or "
             "name, or the only one; columns start and end count too (the "
             "names in the file, else row numbers)"},
    {.name = "model", .type = OPTION_TEXT, .offset = AT(model),
     .value = "NAME",
     .help = "what made the vectors (imported); with the name of a model that "
             "is here, queries may be sounds, pictures or texts"},
    {.name = "dataset", .type = OPTION_TEXT, .offset = AT(dataset),
     .value = "P",
     .help = "hoplite project of the new recordings (BirdNET-Analyzer's)"},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print what was imported as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "no progress and no summary"},
    {.name = "progress", .type = OPTION_FLAG, .offset = AT(progress),
     .help = "show progress even where stderr is no terminal"},
    OPTION_END,
};

static bool on_progress(void *user, const akin_progress *state)
{
    progress_show(user, state);
    return !signals_stopped();
}

static void on_warning(void *user, const char *text)
{
    progress_hide(user);
    print_warning("%s", text);
}

static akin_status import(const char *source, const char *db,
                          const import_args *args, progress *bar,
                          size_t *n_added, akin_error *err)
{
    model_places places;
    akin_status status = model_places_init(&places, AKIN_CPU, err);
    akin_import_options opt = {.model = args->model, .tracks = args->tracks,
                               .dataset = args->dataset,
                               .models = &places.options,
                               .progress = on_progress, .warn = on_warning,
                               .user = bar};
    if (status == AKIN_OK)
        status = akin_import_vectors(db, source, &opt, n_added, err);
    model_places_clear(&places);
    return status;
}

static int run_import(const options *parsed, const void *args_)
{
    const import_args *args = args_;
    progress bar;
    akin_error err = {0};
    size_t at = 0, n = parsed->n_operands, n_added = 0;
    const char *source = at < n ? parsed->operands[at++] : NULL;
    const char *db = args->database;
    if (!db && at < n) db = parsed->operands[at++];
    if (!source || !db || at < n)
        return command_misused(parsed,
                               "one source of vectors and a database are "
                               "needed");
    progress_init(&bar, args->quiet, args->progress);
    signals_catch();
    akin_status status = import(source, db, args, &bar, &n_added, &err);
    progress_hide(&bar);
    if (status == AKIN_ECANCELLED) {
        print_note("stopped: run the same command again to go on");
        return EXIT_STOPPED;
    }
    if (status != AKIN_OK) return print_failure(&err);
    if (args->json)
        print_json(json_pack("{s:I, s:o}", "added", (json_int_t)n_added,
                             "database", json_text(db)));
    if (args->quiet) return EXIT_DONE;
    print_note("%zu new %s in %s", n_added,
               print_plural((long long)n_added, "vector", "vectors"), db);
    print_note("next: akin search %s --window 1", db);
    return EXIT_DONE;
}

const command cmd_import = {
    .name = "import",
    .summary = "put vectors that were made elsewhere into a database",
    .synopsis = "SOURCE DB [--tracks T.csv] [--model NAME] [--dataset P]",
    .about =
        "SOURCE is a .npy or .npz file, a folder of NAME.npy, a FAISS index, "
        "or a CSV as\nakin export writes it. Each vector becomes a window of a "
        "recording of its name, as\nif akin had made it: to be searched, "
        "filtered, labelled and exported. What is there\nalready is left as "
        "it is.\n\n"
        "  akin import vectors.npy birds.db --tracks tracks.csv\n"
        "  akin import index.faiss songs.db\n"
        "  akin search songs.db --vector query.npy\n",
    .table = option_table,
    .args_size = sizeof(import_args),
    .run = run_import,
};
