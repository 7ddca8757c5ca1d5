/* SPDX-License-Identifier: MIT
 * akin import: vectors that were made elsewhere, into a database or a table of a
 * dataset. */
#include "cli/commands.h"
#include "cli/model_places.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/signals.h"

typedef struct import_args {
    const char *database, *tracks, *model, *dataset, *table;
    bool force, json, quiet, progress;
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
     .help = "what made the vectors (as an Arrow file says, else imported); "
             "with the name of a model that is here, queries may be sounds, "
             "pictures or texts"},
    {.name = "dataset", .type = OPTION_TEXT, .offset = AT(dataset),
     .value = "P",
     .help = "hoplite project of the new recordings (BirdNET-Analyzer's)"},
    {.name = "table", .type = OPTION_TEXT, .offset = AT(table), .value = "T",
     .help = "an Arrow file into this embedding table of a dataset, which is "
             "made if it is not there"},
    {.name = "force", .type = OPTION_FLAG, .offset = AT(force),
     .help = "with --table: also the views that are embedded already"},
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

/* ---- a table of a dataset ----------------------------------------------- */

static akin_status import_table(const char *source, const char *path,
                                const import_args *args, size_t *n_added,
                                size_t *n_unknown, akin_error *err)
{
    akin_dataset *ds = NULL;
    akin_dataset_options opt = {.write = true};
    akin_status status = command_open_dataset(path, &opt, AKIN_CPU, &ds, err);
    if (status == AKIN_OK)
        status = akin_dataset_import_arrow(ds, args->table, source, args->model,
                                           args->force, n_added, n_unknown,
                                           err);
    akin_dataset_close(ds);
    return status;
}

/* Without --table, a database would be made inside the dataset's folder, where
 * nobody looks for it. */
static bool is_dataset(const char *path)
{
    akin_dataset *ds = NULL;
    bool is = akin_dataset_open(path, NULL, &ds, NULL) == AKIN_OK;
    akin_dataset_close(ds);
    return is;
}

static int run_with_table(const char *source, const char *path,
                          const import_args *args)
{
    akin_error err = {0};
    size_t n_added = 0, n_unknown = 0;
    if (import_table(source, path, args, &n_added, &n_unknown, &err) !=
        AKIN_OK)
        return print_failure(&err);
    if (n_unknown > 0)
        print_warning("%zu %s of views that are not in '%s'", n_unknown,
                      n_unknown == 1 ? "vector is" : "vectors are", path);
    if (args->json)
        print_json(json_pack("{s:I, s:I, s:o, s:o}", "added",
                             (json_int_t)n_added, "unknown",
                             (json_int_t)n_unknown, "dataset", json_text(path),
                             "table", json_text(args->table)));
    if (args->quiet) return EXIT_DONE;
    print_note("%zu %s put into table %s of %s", n_added,
               print_plural((long long)n_added, "vector", "vectors"),
               args->table, path);
    print_note("next: akin search %s --table %s --item ID", path, args->table);
    return EXIT_DONE;
}

/* ---- a database --------------------------------------------------------- */

static int run_with_database(const char *source, const char *db,
                             const import_args *args)
{
    progress bar;
    akin_error err = {0};
    size_t n_added = 0;
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

/* ---- the command -------------------------------------------------------- */

static int run_import(const options *parsed, const void *args_)
{
    const import_args *args = args_;
    size_t at = 0, n = parsed->n_operands;
    const char *source = at < n ? parsed->operands[at++] : NULL;
    const char *db = args->database;
    if (!db && at < n) db = parsed->operands[at++];
    if (!source || !db || at < n)
        return command_misused(parsed,
                               "one source of vectors and a database are "
                               "needed");
    if (args->table && (args->tracks || args->dataset))
        return command_misused(parsed, "--tracks and --dataset are not for a "
                                       "table of a dataset");
    if (args->force && !args->table)
        return command_misused(parsed, "--force is for a --table of a dataset");
    if (!args->table && is_dataset(db))
        return command_misused(parsed, "'%s' is a dataset: --table is needed",
                               db);
    return args->table ? run_with_table(source, db, args)
                       : run_with_database(source, db, args);
}

const command cmd_import = {
    .name = "import",
    .summary = "put vectors that were made elsewhere into a database",
    .synopsis = "SOURCE DB [--tracks T.csv] [--model NAME] [--dataset P]\n"
                "F.arrow DATASET --table T [--model NAME] [--force]",
    .about =
        "SOURCE is a .npy or .npz file, a folder of NAME.npy, a FAISS index, "
        "an Arrow file\nor stream, or a CSV as akin export writes it. Each "
        "vector becomes a window of a\nrecording of its name, as if akin had "
        "made it: to be searched, filtered, labelled\nand exported. What is "
        "there already is left as it is.\n\n"
        "Of an Arrow file, vectors are its column vector or embedding, or its "
        "only lists of\nfloats; their names are in the first of the columns "
        "recording, file_path,\nview_ref.id, view_id, track_id, name and id; "
        "start and end count if they are there.\n\n"
        "Into a table of a dataset go the vectors of its views, by view_ref.id "
        "or view_id.\n\n"
        "  akin import vectors.npy birds.db --tracks tracks.csv\n"
        "  akin import index.faiss songs.db\n"
        "  akin import lancedb.arrow songs.db\n"
        "  akin import emb.arrow library/photos --table emb\n"
        "  akin search songs.db --vector query.npy\n",
    .table = option_table,
    .args_size = sizeof(import_args),
    .run = run_import,
};
