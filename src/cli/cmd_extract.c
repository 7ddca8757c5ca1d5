/* SPDX-License-Identifier: MIT
 * akin extract: recordings or pictures in, a database out. */
#define _GNU_SOURCE
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/commands.h"
#include "cli/model_places.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/signals.h"

typedef struct extract_args {
    option_texts inputs;
    const char *database, *model, *audio_root, *dataset, *file_output;
    double overlap_s, audio_speed, min_length_s, every_s;
    int64_t fmin_hz, fmax_hz, batch_size, n_scores;
    int64_t threads, n_workers, n_producers;
    int device;
    bool force, json, quiet, progress, verbose;
} extract_args;

#define AT(field) offsetof(extract_args, field)

static const option_spec option_table[] = {
    {.name = "input", .aliases = "-i", .type = OPTION_TEXTS,
     .offset = AT(inputs), .value = "PATH",
     .help = "a sound, a picture, a film or a folder to search through; may "
             "be repeated"},
    {.name = "database", .aliases = "-db", .type = OPTION_TEXT,
     .offset = AT(database), .value = "DB",
     .help = "the database, a folder; made if it is not there"},
    {.name = "model", .type = OPTION_TEXT, .offset = AT(model),
     .value = "NAME|DIR",
     .help = "the embedding model, or its folder (mel; tint where all inputs "
             "are pictures); see akin model list"},
    {.name = "device", .type = OPTION_CHOICE, .offset = AT(device),
     .value = "cpu|cuda",
     .help = "what a learned model runs on (cpu)",
     .choices = command_devices},
    {.name = "overlap", .type = OPTION_NUMBER, .offset = AT(overlap_s),
     .value = "S",
     .help = "seconds by which windows overlap (0)", .max = 3600,
     .clamp = true},
    {.name = "audio-speed", .type = OPTION_NUMBER, .offset = AT(audio_speed),
     .value = "X",
     .help = "below 1 plays slower than recorded, above 1 faster (1); 0.1 "
             "brings ultrasound into the audible range", .min = 0.01,
     .max = 100, .clamp = true},
    {.name = "fmin", .type = OPTION_INTEGER, .offset = AT(fmin_hz),
     .value = "HZ",
     .help = "lower edge of the band-pass; 0 is off (0)", .max = 15000,
     .clamp = true},
    {.name = "fmax", .type = OPTION_INTEGER, .offset = AT(fmax_hz),
     .value = "HZ",
     .help = "upper edge of the band-pass; 15000 is off (15000)",
     .max = 15000, .clamp = true},
    {.name = "min-length", .type = OPTION_NUMBER, .offset = AT(min_length_s),
     .value = "S",
     .help = "leave out a last window with less playback than this, unless it "
             "is the only one (0: keep all)", .max = 3600},
    {.name = "every", .type = OPTION_NUMBER, .offset = AT(every_s),
     .value = "S",
     .help = "of films, for a model of pictures: seconds between the frames "
             "that are embedded (1)", .min = 0.001, .max = 86400},
    {.name = "scores", .type = OPTION_INTEGER, .offset = AT(n_scores),
     .value = "K",
     .help = "keep the K best classes with each window, where the model "
             "scores classes (0)", .max = 1000},
    {.name = "audio-root", .type = OPTION_TEXT, .offset = AT(audio_root),
     .value = "DIR",
     .help = "the folder that the names of recordings are relative to; give "
             "the new one when the recordings were moved"},
    {.name = "dataset", .type = OPTION_TEXT, .offset = AT(dataset),
     .value = "NAME",
     .help = "store under this project, with the first folders below the "
             "audio root as its deployments"},
    {.name = "force", .type = OPTION_FLAG, .offset = AT(force),
     .help = "do files again that are complete in the database"},
    {.name = "file-output", .type = OPTION_TEXT, .offset = AT(file_output),
     .value = "PATH",
     .help = "afterwards write all embeddings of the database as text: a "
             ".csv, or a folder with one file per window"},
    {.name = "batch-size", .aliases = "-b", .type = OPTION_INTEGER,
     .offset = AT(batch_size), .value = "N",
     .help = "windows per call of the model (chosen by the model)", .min = 1, .max = 65536,
     .clamp = true},
    {.name = "threads", .aliases = "-t", .type = OPTION_INTEGER,
     .offset = AT(threads), .value = "N",
     .help = "threads (one per processor)", .min = 1, .max = 256,
     .clamp = true},
    {.name = "n-workers", .type = OPTION_INTEGER, .offset = AT(n_workers),
     .value = "N",
     .help = "BirdNET-Analyzer's name for --threads", .min = 1, .max = 256,
     .clamp = true},
    {.name = "n-producers", .type = OPTION_INTEGER, .offset = AT(n_producers),
     .value = "N",
     .help = "accepted for BirdNET-Analyzer's sake: the larger of this and "
             "--n-workers is the number of threads", .min = 1, .max = 256,
     .clamp = true},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print what was done as JSON on standard output"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "no progress and no summary; failures are still named"},
    {.name = "progress", .type = OPTION_FLAG, .offset = AT(progress),
     .help = "show progress even where stderr is no terminal"},
    {.name = "verbose", .aliases = "-v", .type = OPTION_FLAG,
     .offset = AT(verbose),
     .help = "name every file and what became of it"},
    OPTION_END,
};

/* What the callbacks see. */
typedef struct extract_run {
    const extract_args *args;
    progress bar;
    json_t *failures;
    akin_progress last;
    akin_input_counts inputs;
    const char *model;         /* to open; NULL: the database's own */
    char *model_folder;        /* owned; what model is, if it is no name */
    bool is_image, takes_text; /* the model of the database */
} extract_run;

/* ---- during the run ----------------------------------------------------- */

static bool on_progress(void *user, const akin_progress *state)
{
    extract_run *run = user;
    run->last = *state;
    progress_show(&run->bar, state);
    return !signals_stopped();
}

static void on_file(void *user, const akin_file_report *report)
{
    extract_run *run = user;
    bool failed = report->outcome == AKIN_FILE_FAILED;
    if (!failed && !run->args->verbose) return;
    progress_hide(&run->bar);
    if (failed) {
        if (strstr(report->text, report->path))
            print_note("failed: %s", report->text);
        else
            print_note("failed: %s: %s", report->path, report->text);
        json_array_append_new(run->failures,
                              json_pack("{s:o, s:o, s:I}", "path",
                                        json_text(report->path), "reason",
                                        json_text(report->text), "windows",
                                        (json_int_t)report->n_windows));
    } else if (report->outcome == AKIN_FILE_SKIPPED) {
        print_note("skipped: %s: complete already", report->path);
    } else {
        print_note("done: %s: %lld %s", report->path,
                   (long long)report->n_windows,
                   print_plural(report->n_windows, "window", "windows"));
    }
}

static void on_warning(void *user, const char *text)
{
    extract_run *run = user;
    progress_hide(&run->bar);
    print_warning("%s", text);
}

/* ---- afterwards --------------------------------------------------------- */

static void print_sound(double audio_s, double elapsed_s)
{
    char length[64];
    if (audio_s < 60)
        snprintf(length, sizeof length, "%.1f seconds", audio_s);
    else if (audio_s < 3600)
        snprintf(length, sizeof length, "%.1f minutes", audio_s / 60);
    else
        snprintf(length, sizeof length, "%.2f hours", audio_s / 3600);
    if (audio_s > 0 && elapsed_s > 0)
        print_note("%s of sound in %.1f s (%.0fx realtime)", length, elapsed_s,
                   audio_s / elapsed_s);
}

static void print_pictures(const extract_run *run,
                           const akin_extract_report *report)
{
    if (report->n_windows > 0 && report->elapsed_s > 0)
        print_note("%lld %s in %.1f s (%.0f per second)",
                   (long long)report->n_windows,
                   run->inputs.n_films > 0 ? "pictures and frames"
                   : report->n_windows == 1 ? "picture"
                                            : "pictures",
                   report->elapsed_s,
                   (double)report->n_windows / report->elapsed_s);
}

static void print_summary(const extract_run *run,
                          const akin_extract_report *report, const char *db)
{
    print_note("%zu %s done, %zu skipped, %zu failed; %lld new %s",
               report->n_done,
               print_plural((long long)report->n_done, "file", "files"),
               report->n_skipped, report->n_failed,
               (long long)report->n_windows,
               print_plural(report->n_windows, "window", "windows"));
    if (report->n_done + report->n_failed > 0 && run->is_image)
        print_pictures(run, report);
    else if (report->n_done + report->n_failed > 0)
        print_sound(report->audio_s, report->elapsed_s);
    if (report->n_failed > 0)
        print_note("what could be read of the failed files is kept; run the "
                   "same command again once they are mended");
    print_note("database: %s", db);
    print_note("next: akin search %s %s", db,
               run->takes_text ? "--text \"WHAT TO LOOK FOR\""
               : run->is_image ? "--file A_PICTURE.jpg"
                               : "--file A_SOUND.wav");
}

static void print_report(const extract_run *run,
                         const akin_extract_report *report, const char *db,
                         bool stopped)
{
    json_t *cpu = json_pack(
        "{s:f, s:f, s:f, s:f, s:f, s:f}", "decode", report->decode_s,
        "resample", report->resample_s, "filter", report->filter_s, "model",
        report->model_s, "write", report->write_s, "index", report->index_s);
    print_json(json_pack(
        "{s:o, s:b, s:{s:I, s:I, s:I, s:I}, s:I, s:f, s:f, s:o, s:O}",
        "database", json_text(db), "stopped", stopped, "files", "total",
        (json_int_t)report->n_files, "done", (json_int_t)report->n_done,
        "skipped", (json_int_t)report->n_skipped, "failed",
        (json_int_t)report->n_failed, "windows",
        (json_int_t)report->n_windows, "audio_s", report->audio_s,
        "elapsed_s", report->elapsed_s, "cpu_s", cpu, "failures",
        run->failures));
}

/* What a stopped run kept; the call may not have got as far as its report. */
static void print_stopped(const extract_run *run,
                          const akin_extract_report *report, const char *db)
{
    long long n = report->n_windows ? report->n_windows
                                    : run->last.windows_done;
    print_note("stopped: %lld new %s kept in %s, which is valid", n,
               print_plural(n, "window is", "windows are"), db);
    print_note("the same command goes on from here");
}

/* A run that failed on its way (full disk) keeps what was committed too. */
static void print_failed(const extract_run *run, const char *db)
{
    if (run->last.files_total > 0)
        print_note("what was done before is kept in %s; the same command goes "
                   "on from there",
                   db);
}

/* ---- the run ------------------------------------------------------------ */

/* The audio root is stored, so it must not be relative to this process. */
static void fill_settings(const options *parsed, const extract_run *run,
                          const char *root, akin_settings *out)
{
    static const struct {
        const char *option;
        unsigned set;
    } settable[] = {
        {"overlap", AKIN_SET_OVERLAP},
        {"fmin", AKIN_SET_FMIN},       {"fmax", AKIN_SET_FMAX},
        {"audio-speed", AKIN_SET_SPEED},
        {"min-length", AKIN_SET_MIN_LENGTH},
        {"audio-root", AKIN_SET_AUDIO_ROOT},
        {"every", AKIN_SET_EVERY},
    };
    const extract_args *args = run->args;
    *out = (akin_settings){
        .model = run->model, .overlap_s = args->overlap_s,
        .audio_speed = args->audio_speed, .fmin_hz = (int)args->fmin_hz,
        .fmax_hz = (int)args->fmax_hz, .min_length_s = args->min_length_s,
        .audio_root = root, .every_s = args->every_s};
    if (run->model) out->set |= AKIN_SET_MODEL;
    for (size_t i = 0; i < sizeof settable / sizeof *settable; i++)
        if (options_given(parsed, settable[i].option))
            out->set |= settable[i].set;
}

static size_t thread_number(const extract_args *args)
{
    int64_t n = args->threads;
    if (n == 0 && args->n_workers > 0)
        n = args->n_workers > args->n_producers ? args->n_workers
                                                : args->n_producers;
    return (size_t)n;
}

static akin_status write_texts(akin_db *db, const extract_args *args,
                               akin_error *err)
{
    size_t n = 0;
    if (!args->file_output) return AKIN_OK;
    AKIN_TRY(akin_export_embeddings(db, args->file_output, &n, err));
    if (!args->quiet)
        print_note("%zu %s written to %s", n,
                   print_plural((long long)n, "embedding", "embeddings"),
                   args->file_output);
    return AKIN_OK;
}

/* What the open database's model is, for the summary. */
static akin_status learn_model(extract_run *run, akin_db *db, akin_error *err)
{
    akin_info info;
    AKIN_TRY(akin_get_info(db, &info, err));
    run->is_image = strcmp(info.modality, "image") == 0;
    run->takes_text = info.text;
    return AKIN_OK;
}

static bool database_exists(const char *path)
{
    char *rows = file_join(path, "hoplite.sqlite");
    bool exists = rows && file_exists(rows);
    mem_free(rows);
    return exists;
}

/* A named model that can take none of the inputs. Where it cannot be opened,
 * akin_open will say why. */
static akin_status check_model(const extract_run *run, const char *input,
                               akin_error *err)
{
    const akin_input_counts *n = &run->inputs;
    model_places places;
    akin_model *model = NULL;
    bool is_image = false, is_open;
    if (n->n_sounds > 0 && n->n_pictures + n->n_films > 0) return AKIN_OK;
    is_open = model_places_init(&places, AKIN_CPU, NULL) == AKIN_OK &&
              akin_model_open(run->model, &places.options, &model, NULL) ==
                  AKIN_OK;
    if (is_open)
        is_image =
            strcmp(akin_model_get_info(model)->modality, "image") == 0;
    akin_model_close(model);
    model_places_clear(&places);
    if (!is_open || is_image != (n->n_sounds > 0)) return AKIN_OK;
    return AKIN_FAIL(err, AKIN_ENOTFOUND,
                     "the model '%s' takes %s, and there is none in '%s'",
                     run->model,
                     is_image ? "pictures and films" : "sounds and films",
                     input);
}

/* The model of a new database that none was named for, by what the inputs are;
 * before it is made for nothing. */
static akin_status choose_model(extract_run *run, const char *path,
                                const option_texts *inputs, akin_error *err)
{
    akin_input_counts *n = &run->inputs;
    run->model = run->args->model;
    if (run->model && strchr(run->model, '/')) { /* stored, as the root is */
        run->model_folder = file_absolute(run->model);
        run->model = run->model_folder;
        if (!run->model)
            return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    }
    AKIN_TRY(akin_count_inputs(inputs->items, inputs->n, n, err));
    if (database_exists(path)) return AKIN_OK;
    if (n->n_sounds + n->n_pictures + n->n_films + n->n_others == 0)
        return AKIN_FAIL(err, AKIN_ENOTFOUND,
                         "there is no sound, picture or film in '%s' (wav, "
                         "flac, mp3, ..., jpg, png, ..., mp4, mkv, ... are "
                         "looked for)",
                         inputs->items[0]);
    if (n->n_others > 0) return AKIN_OK; /* whatever they hold */
    if (run->model) return check_model(run, inputs->items[0], err);
    if (n->n_pictures == 0 || n->n_sounds > n->n_films) return AKIN_OK;
    run->model = "tint";
    if (!run->args->quiet)
        print_note("the inputs are pictures: they are compared by their "
                   "colours and shapes (--model tint); for models that know "
                   "what they show, see akin help models");
    return AKIN_OK;
}

static akin_status extract(const options *parsed, const option_texts *inputs,
                           const char *path, extract_run *run,
                           akin_extract_report *report, akin_error *err)
{
    const extract_args *args = run->args;
    akin_db *db = NULL;
    akin_db_options open = {.mode = AKIN_CREATE, .warn = on_warning,
                            .user = run};
    akin_extract_options opt = {
        .batch_size = (size_t)args->batch_size,
        .threads = thread_number(args),
        .dataset = args->dataset,
        .force = args->force,
        .n_scores = (size_t)args->n_scores,
        .progress = on_progress,
        .file = on_file,
        .user = run,
    };
    char *root = args->audio_root ? file_absolute(args->audio_root) : NULL;
    if (args->audio_root && !root)
        return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a path");
    akin_status status = choose_model(run, path, inputs, err);
    fill_settings(parsed, run, root, &open.settings);
    if (status == AKIN_OK)
        status = command_open_with(path, &open, (akin_device)args->device, &db,
                                   err);
    mem_free(root);
    if (status == AKIN_OK) status = learn_model(run, db, err);
    if (status == AKIN_OK)
        status = akin_extract(db, inputs->items, inputs->n, &opt, report, err);
    progress_hide(&run->bar);
    if (status == AKIN_OK) status = write_texts(db, args, err);
    akin_close(db);
    return status;
}

/* The last operand is the database unless -db named it; the others are inputs.
 */
static akin_status collect_inputs(const options *parsed,
                                  const extract_args *args, option_texts *out,
                                  const char **db, akin_error *err)
{
    size_t n = parsed->n_operands;
    *db = args->database;
    if (!*db && n > 0) *db = parsed->operands[--n];
    AKIN_TRY(mem_new_array(args->inputs.n + n + 1, sizeof *out->items,
                           "the inputs", (void **)&out->items, err));
    for (size_t i = 0; i < args->inputs.n; i++)
        out->items[out->n++] = args->inputs.items[i];
    for (size_t i = 0; i < n; i++) out->items[out->n++] = parsed->operands[i];
    return AKIN_OK;
}

/* Says how the run ended; the exit code. */
static int finish(const extract_run *run, akin_status status,
                  const akin_extract_report *report, const char *db,
                  const akin_error *err)
{
    bool stopped = status == AKIN_ECANCELLED;
    if (status != AKIN_OK && !stopped) {
        int code = print_failure(err);
        print_failed(run, db);
        return code;
    }
    if (stopped)
        print_stopped(run, report, db);
    else if (!run->args->quiet)
        print_summary(run, report, db);
    if (run->args->json) print_report(run, report, db, stopped);
    return stopped                ? EXIT_STOPPED
           : report->n_failed > 0 ? EXIT_SOME_FAILED
                                  : EXIT_DONE;
}

static int run_extract(const options *parsed, const void *args_)
{
    extract_run run = {.args = args_};
    option_texts inputs = {0};
    const char *db = NULL;
    akin_extract_report report = {0};
    akin_error err = {0};
    if (collect_inputs(parsed, run.args, &inputs, &db, &err) != AKIN_OK)
        return print_failure(&err);
    if (inputs.n == 0 || !db) {
        mem_free(inputs.items);
        return command_misused(parsed, "%s is missing",
                               db ? "the input or the database"
                                  : "the input and the database");
    }
    run.failures = json_array();
    progress_init(&run.bar, run.args->quiet, run.args->progress);
    signals_catch();
    akin_status status = extract(parsed, &inputs, db, &run, &report, &err);
    int code = finish(&run, status, &report, db, &err);
    json_decref(run.failures);
    mem_free(run.model_folder);
    mem_free(inputs.items);
    return code;
}

const command cmd_extract = {
    .name = "extract",
    .summary = "embed recordings or pictures into a database",
    .synopsis = "INPUT... DB [options]\n-i INPUT -db DB [options]",
    .about =
        "Cuts every sound file among the inputs into windows, embeds them with "
        "the\nmodel and stores rows and vectors in DB. Files that are complete "
        "in DB are\nskipped, half-done ones are completed: an interrupted run "
        "is simply started\nagain. Files that cannot be read are named and the "
        "run goes on.\n\n"
        "With a model of pictures, every picture is a window, and so is a "
        "frame a second\nof every film. A model of sounds takes a film's "
        "sound track.\n\n"
        "Model, overlap, speed and band-pass belong to the database. Left out, "
        "they are\nthose stored in it; given, they must be the same.\n\n"
        "  akin extract recordings birds.db\n"
        "  akin extract --overlap 1 --fmin 150 --fmax 12000 recordings "
        "birds.db\n"
        "  akin extract --audio-speed 0.1 bats bats.db\n"
        "  akin extract --model tiny-clip photos photos.db\n",
    .table = option_table,
    .args_size = sizeof(extract_args),
    .run = run_extract,
};
