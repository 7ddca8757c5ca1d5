/* SPDX-License-Identifier: MIT
 * akin demo: the main job on real sounds and pictures, with nothing to
 * configure. */
#define _GNU_SOURCE
#include <stdio.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/demo_part.h"
#include "cli/demo_pictures.h"
#include "cli/demo_sounds.h"
#include "cli/print.h"
#include "cli/signals.h"

static const char STAMPS[] = "/usr/share/tuxpaint/stamps";
static const char DEFAULT_DB[] = "akin-demo.db";

typedef struct demo_args {
    const char *sounds;
    bool json, quiet, progress;
} demo_args;

#define AT(field) offsetof(demo_args, field)

static const option_spec option_table[] = {
    {.name = "sounds", .type = OPTION_TEXT, .offset = AT(sounds),
     .value = "DIR",
     .help = "the folder with the sounds and pictures (/usr/share/tuxpaint/stamps, of "
             "the Debian package tuxpaint-stamps-default)"},
    {.name = "json", .type = OPTION_FLAG, .offset = AT(json),
     .help = "print the answers as JSON"},
    {.name = "quiet", .aliases = "-q", .type = OPTION_FLAG,
     .offset = AT(quiet),
     .help = "only the answers"},
    {.name = "progress", .type = OPTION_FLAG, .offset = AT(progress),
     .help = "show progress even where stderr is no terminal"},
    OPTION_END,
};

/* The sounds that are asked for, in the package and among the made ones. */
static const char *const stamp_queries[] = {
    "animals/mammals/cats/lion.ogg", "household/vacuum_cleaner.ogg",
    "seasonal/newyears/fireworks.ogg"};
static const char *const made_queries[] = {"trill 1.wav", "hiss 1.wav",
                                           "rising sweep 1.wav"};
enum { N_QUERIES = 3 };

typedef struct demo_run {
    const demo_args *args;
    const char *db_path;
    char *root; /* folder of the sounds */
    const char *const *queries;
    demo_part sounds;
    json_t *pictures;
} demo_run;

/* ---- the sounds --------------------------------------------------------- */

static akin_status make_sounds(demo_run *run, akin_error *err)
{
    char *beside = text_format("%s-sounds", run->db_path);
    mem_free(run->root);
    run->root = beside ? file_absolute(beside) : NULL;
    mem_free(beside);
    if (!run->root) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    AKIN_TRY(demo_sounds_make(&run->sounds.files, run->root, err));
    run->queries = made_queries;
    if (run->args->quiet) return AKIN_OK;
    print_note("No real sounds here: the Debian package "
               "tuxpaint-stamps-default is not installed.");
    print_note("%zu simple sounds were made instead, in %s.",
               run->sounds.files.n, run->root);
    return AKIN_OK;
}

static akin_status collect_sounds(demo_run *run, const char *dir,
                                  akin_error *err)
{
    demo_files *files = &run->sounds.files;
    run->root = file_absolute(dir);
    run->queries = stamp_queries;
    if (!run->root) return AKIN_FAIL(err, AKIN_ENOMEM, "out of memory");
    AKIN_TRY(demo_sounds_find(files, dir, err));
    if (files->n == 0 && run->args->sounds)
        return AKIN_FAIL(err, AKIN_ENOTFOUND, "there is no sound in '%s'", dir);
    if (files->n == 0) return make_sounds(run, err);
    if (!run->args->quiet)
        print_note("%zu real sound effects in %s.", files->n, dir);
    return AKIN_OK;
}

static akin_status extract(demo_run *run, akin_error *err)
{
    akin_extract_report report = {0};
    AKIN_TRY(demo_part_extract(&run->sounds, &report, err));
    if (run->args->quiet) return AKIN_OK;
    if (report.n_done == 0)
        print_note("They are all in %s already.", run->db_path);
    else
        print_note("%lld windows, %.0f seconds of sound, embedded into %s in "
                   "%.1f s (%.0fx realtime).",
                   (long long)report.n_windows, report.audio_s, run->db_path,
                   report.elapsed_s, report.audio_s / report.elapsed_s);
    return AKIN_OK;
}

static akin_status ask(demo_run *run, size_t i, akin_error *err)
{
    char *path =
        demo_part_choose(&run->sounds, run->queries[i], i, N_QUERIES);
    char *caption = path ? demo_files_caption(path) : NULL;
    char *title = caption ? text_format("What sounds like \"%s\" (%s)?",
                                        caption, file_name(path))
                          : NULL;
    akin_query query = {.file = path};
    akin_status status =
        title ? demo_part_ask(&run->sounds, &query, title, err)
              : AKIN_FAIL(err, AKIN_ENOMEM, "out of memory for a title");
    mem_free(title);
    mem_free(caption);
    mem_free(path);
    return status;
}

/* ---- the run ------------------------------------------------------------ */

static akin_status show(demo_run *run, akin_error *err)
{
    const char *dir = run->args->sounds ? run->args->sounds : STAMPS;
    AKIN_TRY(collect_sounds(run, dir, err));
    run->sounds.db_path = run->db_path;
    run->sounds.root = run->root;
    AKIN_TRY(extract(run, err));
    for (size_t i = 0; i < N_QUERIES; i++) AKIN_TRY(ask(run, i, err));
    return demo_pictures_show(&run->sounds.look, dir, run->db_path,
                              &run->pictures, err);
}

static void print_answers(const demo_run *run)
{
    json_t *all = json_pack("{s:o, s:O}", "database", json_text(run->db_path),
                            "answers", run->sounds.answers);
    if (run->pictures) json_object_set(all, "pictures", run->pictures);
    print_json(all);
}

static void print_next(const demo_run *run)
{
    fflush(stdout);
    if (run->args->quiet) return;
    fputs("\nNow your own recordings (wav, flac, mp3, ogg, m4a, ...):\n\n"
          "  akin extract PATH/TO/RECORDINGS my.db\n"
          "  akin search my.db --file A_SOUND.wav\n\n"
          "and to hear what was found, its clips as WAV files:\n\n"
          "  akin search my.db --file A_SOUND.wav --export clips\n\n"
          "Or your pictures, by the models that akin help models tells of.\n",
          stderr);
}

static int run_demo(const options *parsed, const void *args_)
{
    demo_run run = {.args = args_, .db_path = DEFAULT_DB};
    demo_look *look = &run.sounds.look;
    akin_error err = {0};
    if (parsed->n_operands > 1)
        return command_misused(parsed, "one database at most");
    if (parsed->n_operands == 1) run.db_path = parsed->operands[0];
    look->json = run.args->json;
    look->quiet = run.args->quiet;
    progress_init(&look->bar, look->quiet, run.args->progress);
    signals_catch();
    akin_status status = show(&run, &err);
    if (status == AKIN_OK && look->json) print_answers(&run);
    demo_part_clear(&run.sounds);
    mem_free(run.root);
    json_decref(run.pictures);
    if (status != AKIN_OK) return print_failure(&err);
    print_next(&run);
    return EXIT_DONE;
}

const command cmd_demo = {
    .name = "demo",
    .summary = "try it on real sounds and pictures; nothing to configure",
    .synopsis = "[DB]",
    .about =
        "Embeds about a hundred sound effects (animals, instruments, tools) of "
        "the Debian\npackage tuxpaint-stamps-default into DB (akin-demo.db) "
        "and searches for what\nsounds like three of them. Where the package "
        "is not installed, it says so and\nmakes simple sounds of its own.\n\n"
        "Then the package's photographs of animals and vehicles, into "
        "DB-pictures: found\nby words, where the model tiny-clip and ONNX "
        "Runtime are there, else by example.\n",
    .table = option_table,
    .args_size = sizeof(demo_args),
    .run = run_demo,
};
